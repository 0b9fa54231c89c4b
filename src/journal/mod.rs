//! Statements into a ledger, and evidence out of it.
//!
//! The ledger below knows entries as bytes; here they mean something. A statement becomes an entry only under the
//! writer's lock, where its index is known; what it may have to hide goes into a body object first, so that a crash
//! leaves an object too many and never an entry without its body.

mod anchors;
pub mod audit;
mod catalog;
mod cut;
mod draft;
mod finder;
mod items;
mod listing;
mod salts;
mod settings;
mod tail;
mod write;

pub use anchors::{AnchorError, Anchors};
pub use catalog::{Catalog, Reference, Row};
pub use cut::{Census, CutError, Disclose, cut, cut_items, cut_testimony};
pub use draft::{Draft, DraftEdge, Target};
pub use finder::Finder;
pub use items::{Found, ItemsError, find_file, find_items};
pub use listing::{Listing, MAX_PAGE, Page, list_items};
pub use salts::{LostSalts, lost_salts};
pub use settings::{Settings, SettingsError};
pub use write::{Appended, Journal, JournalError, NewLedger};

//! The ledger on disk: appending, recovering, reading and auditing opaque entries under signed heads.
//!
//! What an entry means and who signed it is for the layers above; here it is bytes at an index. The truth is `log/`
//! alone (`segment.rs`, `frame.rs`); everything else is a copy of it, derived from it, or content-addressed beside it.
//!
//! - A head is issued only after the sync of its commit returned (`writer.rs`).
//! - Opening recomputes the end of the log; damage is named and never repaired silently (`replay.rs`, `tail.rs`,
//!   `recover.rs`).
//! - No head is ever signed that does not extend every head signed before, restores and copies included (`state.rs`).
//! - Readers take no lock and write nothing (`reader.rs`).

mod audit;
mod doctor;
mod error;
mod file;
mod follower;
mod frame;
mod head_copy;
mod headers;
mod index;
mod lock;
mod look;
mod notice;
mod objects;
mod reader;
mod recover;
mod replay;
mod scan;
mod segment;
mod state;
mod tail;
mod tiles;
mod writer;

pub use audit::{AuditInputs, AuditReport, audit};
pub use doctor::{Finding, Repairs, Trouble, examine, repair};
pub use error::{Damage, Holder, LedgerError, StateLoss, Unknown};
pub use file::Layout;
pub use frame::MAX_FRAME_BYTES;
pub use index::{IndexError, Indexed, bring_up_index};
pub use notice::Notice;
pub use objects::Objects;
pub use reader::{Entries, Entry, Ledger, LedgerNodes, NoNode, read_genesis};
pub use recover::MissingState;
pub use segment::{MAX_GROUP_BYTES, SEGMENT_BYTES};
pub use state::{StateReading, read_state, state_path};
pub use writer::{AppendError, Attachment, Commit, MAX_GROUP_ENTRIES, Writer, verifier_key};

#[cfg(test)]
mod tests;

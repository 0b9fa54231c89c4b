//! A verdict for people and for programs: the same assessment gives the same bytes, everywhere.

mod about;
mod arms;
mod drawing;
mod findings;
mod forest;
mod json;
mod page;
pub mod picture;
mod shown;
mod text;

pub use arms::ArmsReport;
pub use forest::{ForestError, to_forest};
pub use json::{SCHEMA, to_json};
pub use shown::{Shown, legible};
pub use text::{Detail, first_line, to_text};

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;

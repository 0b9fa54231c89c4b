//! Why bytes are not JSON, or not the JSON that was expected.

use crate::json::{MAX_DEPTH, MAX_MEMBERS};

/// Why bytes are not JSON, or not the JSON that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum JsonError {
    #[error("the text is not UTF-8 at byte {at}")]
    Utf8 { at: usize },
    #[error("the text is not JSON at byte {at}")]
    Syntax { at: usize },
    #[error("the text ends inside a value")]
    Truncated,
    #[error("values nest deeper than {MAX_DEPTH} at byte {at}")]
    Depth { at: usize },
    #[error("an object has more than {MAX_MEMBERS} members")]
    Members,
    #[error("`{name}` stands twice in one object")]
    Duplicate { name: String },
    #[error("`{name}` is {found}, expected {expected}")]
    Type { name: String, expected: &'static str, found: &'static str },
    #[error("there is no `{name}`")]
    Missing { name: String },
}

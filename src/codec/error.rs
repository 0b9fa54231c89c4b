//! Why bytes are not a canonical encoding.

use crate::codec::MAX_DEPTH;

/// One variant for each way to be wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum DecodeError {
    #[error("the bytes end at offset {at} inside an item")]
    Truncated { at: usize },
    #[error("{count} bytes follow the item that should be the last")]
    TrailingBytes { count: usize },
    #[error("the integer or length at offset {at} is not in its shortest form")]
    OverlongInteger { at: usize },
    #[error("the item at offset {at} has indefinite length")]
    IndefiniteLength { at: usize },
    #[error("the item at offset {at} is a float")]
    Float { at: usize },
    #[error("the item at offset {at} carries tag {tag}, which has no place here")]
    Tag { at: usize, tag: u64 },
    #[error("the item at offset {at} is simple value {value}, which has no place here")]
    Simple { at: usize, value: u64 },
    #[error("the header byte 0x{byte:02x} at offset {at} is reserved")]
    Reserved { at: usize, byte: u8 },
    #[error("the map key at offset {at} is not in canonical order")]
    KeyOrder { at: usize },
    #[error("the map key at offset {at} stands there twice")]
    DuplicateKey { at: usize },
    #[error("the text at offset {at} is not UTF-8")]
    Utf8 { at: usize },
    #[error("items nest deeper than {MAX_DEPTH} at offset {at}")]
    Depth { at: usize },
    #[error("expected {expected} at offset {at}, found {found}")]
    Type { at: usize, expected: &'static str, found: &'static str },
    #[error("the integer at offset {at} is out of range for {what}")]
    Range { at: usize, what: &'static str },
    #[error("{what} has {found} where {expected} belong")]
    Length { what: &'static str, expected: &'static str, found: usize },
    #[error("unknown key {key} in {what}")]
    UnknownKey { what: &'static str, key: i64 },
    #[error("{what} lacks key {key}")]
    MissingKey { what: &'static str, key: i64 },
    #[error("unknown value {value} for {what}")]
    UnknownValue { what: &'static str, value: i64 },
    #[error("{what} is not in its one legal order")]
    Unsorted { what: &'static str },
}

impl DecodeError {
    /// True when the bytes may be sound but say something this version does not know: unsupported, not malformed.
    pub fn is_unsupported(&self) -> bool {
        matches!(self, Self::UnknownKey { .. } | Self::UnknownValue { .. })
    }
}

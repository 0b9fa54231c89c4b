//! One document: its leaf, and what is remembered of its text.

use std::borrow::Cow;

use crate::artifact::documents::{DocumentLeaf, Flags};
use crate::corpus::Layout;
use crate::corpus::names::{Found, Names};
use crate::corpus::placeholder::left_over;
use crate::corpus::sketch::Sketch;
use crate::digest::FileDigest;
use crate::replay::extract::{Rule, extract};

/// Larger documents are refused; a response of a model has about 20 kB.
pub const MAX_DOCUMENT_BYTES: u64 = 64 << 20;

/// A document once it was read.
#[derive(Debug)]
pub(super) struct Seen {
    /// What is committed to.
    pub(super) leaf: DocumentLeaf,
    /// Names in its text.
    pub(super) names: Found,
    /// For finding others like it.
    pub(super) sketch: Option<Box<Sketch>>,
    /// Where it belongs: a domain, a shard; empty where that is not said.
    pub(super) source: String,
    /// When its file was last changed, as the file says.
    pub(super) modified: (i64, i64),
}

impl Seen {
    /// Reads a file that is one document.
    pub(super) fn file(layout: Layout, path: &str, bytes: &[u8], names: &Names) -> Self {
        let Ok(response) = std::str::from_utf8(bytes) else {
            return Self::of(path.to_owned(), bytes, (bytes, ""), Flags::NOT_UTF8, names);
        };
        let (text, flags) = match layout {
            Layout::MsmTree => {
                let extracted = extract(response);
                let flags = match extracted.rule {
                    Rule::Tags => Flags::NONE,
                    Rule::OpeningOnly => Flags::TRUNCATED,
                    Rule::ClosingOnly => Flags::UNOPENED,
                    Rule::Untagged => Flags::UNTAGGED,
                    Rule::Unmatched => Flags::UNMATCHED,
                };
                (extracted.text, flags)
            }
            _ => (Cow::Borrowed(response), Flags::NONE),
        };
        Self::of(path.to_owned(), bytes, (text.as_bytes(), &text), flags, names)
    }

    /// Reads the text of a row; it may hold half of a surrogate pair.
    pub(super) fn row(key: String, raw: &[u8], text: &[u8], names: &Names) -> Self {
        let flags = Flags::NONE.with_if(std::str::from_utf8(text).is_err(), Flags::LONE_SURROGATE);
        let shown = String::from_utf8_lossy(text);
        Self::of(key, raw, (text, &shown), flags, names)
    }

    /// `text` as bytes to be digested and as characters to be looked at.
    fn of(key: String, raw: &[u8], (text, shown): (&[u8], &str), flags: Flags, names: &Names) -> Self {
        let flags = flags
            .with_if(text.is_empty(), Flags::EMPTY)
            .with_if(left_over(shown).is_some(), Flags::PLACEHOLDER)
            .with_if(shown.contains("<scratchpad") || shown.contains("</scratchpad"), Flags::SCRATCHPAD);
        let leaf = DocumentLeaf {
            key,
            raw: FileDigest::of(raw),
            raw_length: raw.len() as u64,
            text: FileDigest::of(text),
            text_length: text.len() as u64,
            flags,
        };
        Self {
            leaf,
            names: names.find(shown),
            sketch: Sketch::of(shown).map(Box::new),
            source: String::new(),
            modified: (i64::MAX, 0),
        }
    }
}

//! Texts from outside, as short as a manifest takes them.

use super::{SamplesError, short};
use crate::codec::Decoder;

/// Longest text of an anomaly and of any name in the facts.
const MAX_TEXT_BYTES: usize = 512;

/// At most the first 512 bytes of a text from outside, cut at a character.
pub fn bounded_text(text: &str) -> String {
    let mut end = text.len().min(MAX_TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

pub(super) fn name(d: &mut Decoder<'_>) -> Result<String, SamplesError> {
    short(d.text()?, "a text of the log facts", MAX_TEXT_BYTES).map(str::to_owned)
}

//! The one text form of a digest.

use std::fmt::Write;

use super::DIGEST_LEN;

/// Why a text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseDigestError {
    /// Not 64 lowercase hexadecimal digits.
    #[error("expected 64 lowercase hexadecimal digits, found `{found}`")]
    Hex {
        /// At most the first 80 characters of the text, escaped.
        found: String,
    },
    /// No known algorithm before the colon.
    #[error("expected `blake3:…` or `sha256:…`, found `{found}`")]
    Algorithm {
        /// At most the first 80 characters of the text, escaped.
        found: String,
    },
}

pub(super) fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_default).collect()
}

/// The only hex parser here: a digest has one text form.
pub fn parse_hex(text: &str) -> Result<[u8; DIGEST_LEN], ParseDigestError> {
    let refuse = || ParseDigestError::Hex { found: shown(text) };
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        _ => Err(refuse()),
    };
    let pairs = text.as_bytes();
    if pairs.len() != 2 * DIGEST_LEN {
        return Err(refuse());
    }
    let mut bytes = [0; DIGEST_LEN];
    for (byte, pair) in bytes.iter_mut().zip(pairs.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Ok(bytes)
}

/// Lowercase hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    })
}

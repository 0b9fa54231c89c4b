//! Texts, decoded: escapes resolved, half a surrogate pair kept and flagged.

use std::borrow::Cow;

/// A decoded text: its bytes are UTF-8 except where the source wrote half of a surrogate pair (then WTF-8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text<'a> {
    pub(crate) bytes: Cow<'a, [u8]>,
    pub(crate) lone_surrogate: bool,
}

impl Text<'_> {
    /// The text with U+FFFD for what is no character: for names and messages, never for digests.
    pub(crate) fn lossy(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// Decodes the inside of a checked string.
pub(super) fn decode_text(inside: &str) -> Text<'_> {
    let bytes = inside.as_bytes();
    if !bytes.contains(&b'\\') {
        return Text { bytes: Cow::Borrowed(bytes), lone_surrogate: false };
    }
    let (mut out, mut lone_surrogate, mut at) = (Vec::with_capacity(bytes.len()), false, 0);
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let plain = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
        out.extend_from_slice(&rest[..plain]);
        at += plain;
        if plain == rest.len() {
            break;
        }
        let escaped = bytes.get(at + 1).copied().unwrap_or(b'\\');
        at += 2;
        match escaped {
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'u' => {
                let unit = hex_unit(bytes, at);
                at += 4;
                let low = (bytes.get(at..at + 2) == Some(b"\\u")).then(|| hex_unit(bytes, at + 2));
                match (unit, low) {
                    (0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) => {
                        at += 6;
                        push_code_point(&mut out, 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
                    }
                    (0xd800..=0xdfff, _) => {
                        lone_surrogate = true;
                        push_code_point(&mut out, unit);
                    }
                    _ => push_code_point(&mut out, unit),
                }
            }
            other => out.push(other),
        }
    }
    Text { bytes: Cow::Owned(out), lone_surrogate }
}

fn hex_unit(bytes: &[u8], at: usize) -> u32 {
    let digits = bytes.get(at..at + 4).unwrap_or_default();
    digits.iter().fold(0, |unit, digit| unit << 4 | char::from(*digit).to_digit(16).unwrap_or(0))
}

/// UTF-8, and the same scheme for surrogates (WTF-8), so that different texts never share bytes.
fn push_code_point(out: &mut Vec<u8>, code_point: u32) {
    if let Some(char) = char::from_u32(code_point) {
        out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
    } else {
        let [.., high, low] = code_point.to_be_bytes();
        out.extend_from_slice(&[0xe0 | high >> 4, 0x80 | (high & 0xf) << 2 | low >> 6, 0x80 | low & 0x3f]);
    }
}

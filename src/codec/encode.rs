//! The writer: canonical CBOR into memory.

use cbor4ii::core::enc::{Encode, Write};
use cbor4ii::core::types;

use crate::codec::TAG_COSE_SIGN1;

/// Writes canonical CBOR into memory.
#[derive(Debug, Default, Clone)]
pub struct Encoder {
    out: Vec<u8>,
}

impl Write for Encoder {
    type Error = std::convert::Infallible;

    fn push(&mut self, input: &[u8]) -> Result<(), Self::Error> {
        self.out.extend_from_slice(input);
        Ok(())
    }
}

pub(super) fn infallible<T, E: std::fmt::Debug>(result: Result<T, E>) -> T {
    result.expect("writing into memory cannot fail")
}

impl Encoder {
    /// An empty encoder.
    pub fn new() -> Self {
        Self::default()
    }

    /// An encoder that goes on where `out` ends.
    pub fn onto(out: Vec<u8>) -> Self {
        Self { out }
    }

    /// The canonical bytes of one item written by `write`.
    pub fn encode(write: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut encoder = Self::new();
        write(&mut encoder);
        encoder.out
    }

    /// The bytes written so far.
    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// An unsigned integer.
    pub fn uint(&mut self, value: u64) {
        infallible(value.encode(self));
    }

    /// A signed integer.
    pub fn int(&mut self, value: i64) {
        infallible(value.encode(self));
    }

    /// A byte string.
    pub fn bytes(&mut self, value: &[u8]) {
        infallible(types::Bytes(value).encode(self));
    }

    /// A text string.
    pub fn text(&mut self, value: &str) {
        infallible(value.encode(self));
    }

    /// A boolean.
    pub fn bool(&mut self, value: bool) {
        infallible(value.encode(self));
    }

    /// Null.
    pub fn null(&mut self) {
        infallible(types::Null.encode(self));
    }

    /// The header of an array of `len` items, which the caller writes next.
    pub fn array(&mut self, len: usize) {
        infallible(types::Array::bounded(len, self));
    }

    /// Tag 18, before the item it tags.
    pub fn tag_cose_sign1(&mut self) {
        infallible(types::Tag(TAG_COSE_SIGN1, NoItem).encode(self));
    }

    /// Bytes that are already one canonical item.
    pub fn raw(&mut self, item: &[u8]) {
        self.out.extend_from_slice(item);
    }

    /// A map; the entries may be added in any order and are written in canonical order.
    ///
    /// A key added twice is a bug of the caller and panics.
    pub fn map(&mut self, fill: impl FnOnce(&mut MapEncoder)) {
        let mut map = MapEncoder::default();
        fill(&mut map);
        map.entries.sort();
        for pair in map.entries.windows(2) {
            assert!(pair[0].0 != pair[1].0, "a map key is written twice");
        }
        infallible(types::Map::bounded(map.entries.len(), self));
        for (key, value) in map.entries {
            self.out.extend_from_slice(&key);
            self.out.extend_from_slice(&value);
        }
    }
}

/// Encodes to nothing: lets the tag header be written alone.
struct NoItem;

impl Encode for NoItem {
    fn encode<W: Write>(&self, _: &mut W) -> Result<(), cbor4ii::core::error::EncodeError<W::Error>> {
        Ok(())
    }
}

/// Collects the entries of a map.
#[derive(Debug, Default)]
pub struct MapEncoder {
    entries: Vec<(Vec<u8>, Vec<u8>)>,
}

impl MapEncoder {
    /// An entry under an integer key.
    pub fn entry(&mut self, key: i64, value: impl FnOnce(&mut Encoder)) {
        self.entries.push((Encoder::encode(|e| e.int(key)), Encoder::encode(value)));
    }

    /// An entry under a text key.
    pub fn text_entry(&mut self, key: &str, value: impl FnOnce(&mut Encoder)) {
        self.entries.push((Encoder::encode(|e| e.text(key)), Encoder::encode(value)));
    }

    /// An entry under a key of any type.
    pub fn any_entry(&mut self, key: impl FnOnce(&mut Encoder), value: impl FnOnce(&mut Encoder)) {
        self.entries.push((Encoder::encode(key), Encoder::encode(value)));
    }

    /// An entry under an integer key, absent where the value is: there is no null for "not said".
    pub fn optional<T>(&mut self, key: i64, value: Option<T>, write: impl FnOnce(&mut Encoder, T)) {
        if let Some(value) = value {
            self.entry(key, |e| write(e, value));
        }
    }
}

//! Strict canonical CBOR: one meaning, one encoding.
//!
//! Everything that is signed or hashed here is RFC 8949 §4.2.1 deterministic CBOR in a small profile: integers,
//! byte strings, UTF-8 text, arrays, maps, booleans, null, and tag 18 (COSE_Sign1) at the top. No floats, no other
//! tags, no indefinite lengths. The reader accepts only what the writer writes and names each way to differ, so that
//! received bytes can be verified as received and never need to be encoded again.
//!
//! Only this file names `cbor4ii`.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc8949#section-4.2.1>

use cbor4ii::core::enc::{Encode, Write};
use cbor4ii::core::types;

/// Nesting deeper than this is refused; our deepest format uses 7.
pub const MAX_DEPTH: u8 = 16;

/// The COSE_Sign1 tag, the only tag of the profile (RFC 9052 §2).
pub const TAG_COSE_SIGN1: u64 = 18;

/// Why bytes are not a canonical encoding. One variant for each way to be wrong.
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

// --- writing ---------------------------------------------------------------------------------------------------

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

fn infallible<T, E: std::fmt::Debug>(result: Result<T, E>) -> T {
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

// --- reading ---------------------------------------------------------------------------------------------------

/// Reads canonical CBOR and refuses every other encoding.
///
/// It borrows: texts and byte strings are slices of the input, and a length is checked against the bytes that are
/// really there before anything is made of it.
#[derive(Debug, Clone)]
pub struct Decoder<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: u8,
}

/// The head of one item.
#[derive(Clone, Copy)]
struct Header {
    major: u8,
    argument: u64,
    at: usize,
}

impl Header {
    fn name(self) -> &'static str {
        match self.major {
            0 => "an unsigned integer",
            1 => "a negative integer",
            2 => "a byte string",
            3 => "a text",
            4 => "an array",
            5 => "a map",
            6 => "a tag",
            _ => match self.argument {
                20 | 21 => "a boolean",
                _ => "null",
            },
        }
    }
}

impl<'a> Decoder<'a> {
    /// A reader at the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, depth: 0 }
    }

    /// Reads exactly one item with `read`; nothing may follow it.
    pub fn decode<T, E: From<DecodeError>>(
        bytes: &'a [u8],
        read: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut decoder = Self::new(bytes);
        let value = read(&mut decoder)?;
        decoder.finish()?;
        Ok(value)
    }

    /// The offset of the next item.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// True when no bytes are left.
    pub fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// Refuses bytes after the last item.
    pub fn finish(&self) -> Result<(), DecodeError> {
        match self.bytes.len() - self.at {
            0 => Ok(()),
            count => Err(DecodeError::TrailingBytes { count }),
        }
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let rest = &self.bytes[self.at..];
        let slice = rest.get(..len).ok_or(DecodeError::Truncated { at: self.bytes.len() })?;
        self.at += len;
        Ok(slice)
    }

    fn header(&mut self) -> Result<Header, DecodeError> {
        let at = self.at;
        let first = self.take(1)?[0];
        let (major, short) = (first >> 5, first & 0x1f);
        let argument = match short {
            0..=23 => u64::from(short),
            24..=27 => {
                let len = 1_usize << (short - 24);
                let mut wide = [0_u8; 8];
                wide[8 - len..].copy_from_slice(self.take(len)?);
                let value = u64::from_be_bytes(wide);
                if major == 7 {
                    // 24 is a one-byte simple value; 25 to 27 are half, single and double floats.
                    return Err(if short == 24 {
                        DecodeError::Simple { at, value }
                    } else {
                        DecodeError::Float { at }
                    });
                }
                let shortest = match len {
                    1 => 24,
                    2 => 1 << 8,
                    4 => 1 << 16,
                    _ => 1 << 32,
                };
                if value < shortest {
                    return Err(DecodeError::OverlongInteger { at });
                }
                value
            }
            31 => return Err(DecodeError::IndefiniteLength { at }),
            _ => return Err(DecodeError::Reserved { at, byte: first }),
        };
        if major == 7 && !(20..=22).contains(&argument) {
            return Err(DecodeError::Simple { at, value: argument });
        }
        if major == 6 && argument != TAG_COSE_SIGN1 {
            return Err(DecodeError::Tag { at, tag: argument });
        }
        Ok(Header { major, argument, at })
    }

    fn expect(&mut self, major: u8, expected: &'static str) -> Result<Header, DecodeError> {
        let header = self.header()?;
        if header.major == major {
            Ok(header)
        } else {
            Err(DecodeError::Type { at: header.at, expected, found: header.name() })
        }
    }

    /// An unsigned integer.
    pub fn uint(&mut self) -> Result<u64, DecodeError> {
        Ok(self.expect(0, "an unsigned integer")?.argument)
    }

    /// An unsigned integer that fits 32 bits.
    pub fn uint32(&mut self, what: &'static str) -> Result<u32, DecodeError> {
        let at = self.at;
        u32::try_from(self.uint()?).map_err(|_| DecodeError::Range { at, what })
    }

    /// A signed integer.
    pub fn int(&mut self) -> Result<i64, DecodeError> {
        let header = self.header()?;
        let range = DecodeError::Range { at: header.at, what: "a signed 64-bit integer" };
        match header.major {
            0 => i64::try_from(header.argument).map_err(|_| range),
            1 => i64::try_from(header.argument).map(|n| -1 - n).map_err(|_| range),
            _ => Err(DecodeError::Type { at: header.at, expected: "an integer", found: header.name() }),
        }
    }

    /// A byte string.
    pub fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let header = self.expect(2, "a byte string")?;
        self.take(self.length(header)?)
    }

    /// A byte string of exactly `N` bytes.
    pub fn byte_array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], DecodeError> {
        let bytes = self.bytes()?;
        let expected = match N {
            16 => "16 bytes",
            32 => "32 bytes",
            64 => "64 bytes",
            _ => "a fixed number of bytes",
        };
        bytes.try_into().map_err(|_| DecodeError::Length { what, expected, found: bytes.len() })
    }

    /// A text string.
    pub fn text(&mut self) -> Result<&'a str, DecodeError> {
        let header = self.expect(3, "a text")?;
        let len = self.length(header)?;
        std::str::from_utf8(self.take(len)?).map_err(|_| DecodeError::Utf8 { at: header.at })
    }

    /// A boolean.
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        let header = self.expect(7, "a boolean")?;
        match header.argument {
            20 => Ok(false),
            21 => Ok(true),
            _ => Err(DecodeError::Type { at: header.at, expected: "a boolean", found: "null" }),
        }
    }

    /// True, and the item consumed, when the next item is null.
    pub fn null(&mut self) -> bool {
        let is_null = self.bytes.get(self.at) == Some(&0xf6);
        self.at += usize::from(is_null);
        is_null
    }

    /// True when the next item is a text.
    pub fn is_text(&self) -> bool {
        self.peek() == Some(3)
    }

    /// The major type (RFC 8949 §3.1) of the next item, none at the end.
    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).map(|byte| byte >> 5)
    }

    /// Tag 18.
    pub fn tag_cose_sign1(&mut self) -> Result<(), DecodeError> {
        self.expect(6, "tag 18").map(|_| ())
    }

    /// A length that the remaining bytes can really hold (each item is at least one byte).
    fn length(&self, header: Header) -> Result<usize, DecodeError> {
        let left = self.bytes.len() - self.at;
        match usize::try_from(header.argument) {
            Ok(len) if len <= left => Ok(len),
            _ => Err(DecodeError::Truncated { at: self.bytes.len() }),
        }
    }

    fn deeper(&mut self, at: usize) -> Result<(), DecodeError> {
        if self.depth == MAX_DEPTH {
            return Err(DecodeError::Depth { at });
        }
        self.depth += 1;
        Ok(())
    }

    /// An array whose items `read` reads, one call an item.
    pub fn array<T, E: From<DecodeError>>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, E>,
    ) -> Result<Vec<T>, E> {
        let header = self.expect(4, "an array")?;
        let len = self.length(header)?;
        self.deeper(header.at)?;
        // Not `with_capacity(len)`: `T` may be far larger than the one byte an item needs on the wire.
        let mut items = Vec::new();
        for _ in 0..len {
            items.push(read(self)?);
        }
        self.depth -= 1;
        Ok(items)
    }

    /// An array of exactly `expected` items, all read by `read`.
    pub fn tuple<T, E: From<DecodeError>>(
        &mut self,
        what: &'static str,
        expected: usize,
        read: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let header = self.expect(4, "an array")?;
        if header.argument != expected as u64 {
            let found = self.length(header)?;
            return Err(DecodeError::Length { what, expected: "another number of items", found }.into());
        }
        self.deeper(header.at)?;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    /// An array header alone; the caller reads that many items.
    pub fn array_header(&mut self) -> Result<usize, DecodeError> {
        let header = self.expect(4, "an array")?;
        self.length(header)
    }

    /// A map with integer keys in canonical order; `read` gets each key and reads its value.
    pub fn int_map<E: From<DecodeError>>(
        &mut self,
        mut read: impl FnMut(i64, &mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.map_with(Self::int, |key, decoder| read(key, decoder))
    }

    /// A map with text keys in canonical order; `read` gets each key and reads its value.
    pub fn text_map<E: From<DecodeError>>(
        &mut self,
        mut read: impl FnMut(&'a str, &mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.map_with(Self::text, |key, decoder| read(key, decoder))
    }

    fn map_with<K, E: From<DecodeError>>(
        &mut self,
        mut read_key: impl FnMut(&mut Self) -> Result<K, DecodeError>,
        mut read: impl FnMut(K, &mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        let header = self.expect(5, "a map")?;
        let len = self.length(header)?;
        self.deeper(header.at)?;
        let mut previous: Option<&[u8]> = None;
        for _ in 0..len {
            let start = self.at;
            let key = read_key(self)?;
            let encoded = &self.bytes[start..self.at];
            match previous.map(|previous| previous.cmp(encoded)) {
                Some(std::cmp::Ordering::Equal) => return Err(DecodeError::DuplicateKey { at: start }.into()),
                Some(std::cmp::Ordering::Greater) => return Err(DecodeError::KeyOrder { at: start }.into()),
                _ => {}
            }
            previous = Some(encoded);
            read(key, self)?;
        }
        self.depth -= 1;
        Ok(())
    }

    /// The bytes of the next item, checked to be canonical all the way down.
    pub fn raw(&mut self) -> Result<&'a [u8], DecodeError> {
        let start = self.at;
        self.skip()?;
        Ok(&self.bytes[start..self.at])
    }

    fn skip(&mut self) -> Result<(), DecodeError> {
        let header = self.header()?;
        match header.major {
            2 => {
                self.take(self.length(header)?)?;
            }
            3 => {
                let len = self.length(header)?;
                std::str::from_utf8(self.take(len)?).map_err(|_| DecodeError::Utf8 { at: header.at })?;
            }
            4 => {
                self.deeper(header.at)?;
                for _ in 0..self.length(header)? {
                    self.skip()?;
                }
                self.depth -= 1;
            }
            5 => {
                self.at = header.at;
                self.map_with(|d| d.raw().map(|_| ()), |(), d| d.skip())?;
            }
            // Tag 18 stands at the top alone, where its reader asks for it: a tag inside an item has no place.
            6 => return Err(DecodeError::Tag { at: header.at, tag: header.argument }),
            _ => {}
        }
        Ok(())
    }
}

/// The value under a key that must be there.
pub fn required<T>(value: Option<T>, what: &'static str, key: i64) -> Result<T, DecodeError> {
    value.ok_or(DecodeError::MissingKey { what, key })
}

/// A closed set of values, each with its number on the wire and its name in text: declared once, in one line each.
macro_rules! wire_enum {
    ($(#[$doc:meta])* $vis:vis enum $name:ident, $what:literal {
        $($(#[$variant_doc:meta])* $variant:ident = $id:literal $text:literal,)+
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// Every value, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The number on the wire.
            pub const fn id(self) -> i64 {
                match self { $(Self::$variant => $id,)+ }
            }

            /// The name in text.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The value of a number on the wire.
            pub fn from_id(id: i64) -> Result<Self, $crate::codec::DecodeError> {
                match id {
                    $($id => Ok(Self::$variant),)+
                    _ => Err($crate::codec::DecodeError::UnknownValue { what: $what, value: id }),
                }
            }

            /// The value of a name, exactly as [`Self::name`] gives it.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::from_name(&name).ok_or_else(|| {
                    let names: Vec<_> = Self::ALL.iter().map(|value| value.name()).collect();
                    let shown: String = name.chars().take(80).flat_map(char::escape_default).collect();
                    serde::de::Error::custom(format_args!(
                        concat!($what, " is one of {}, not `{}`"), names.join(", "), shown
                    ))
                })
            }
        }
    };
}
pub(crate) use wire_enum;

#[cfg(test)]
use cbor4ii::core::{Value as Generic, dec::Decode as _, utils::SliceReader};

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;

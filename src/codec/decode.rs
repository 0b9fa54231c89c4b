//! The reader: what is not the one encoding of a value is refused, and why is named.

use crate::codec::error::DecodeError;
use crate::codec::{MAX_DEPTH, TAG_COSE_SIGN1};

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

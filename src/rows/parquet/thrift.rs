//! Thrift's compact protocol, as far as Parquet's footer and page headers need it.
//!
//! Nothing is returned where bytes end or make no sense; [`Thrift::offset`] then says where. Nothing is allocated by a
//! length that was read, and structures that are passed over nest to a bound.
//!
//! Spec: <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>

/// Structures nest this deep in Parquet's footer at most; deeper ones are not looked into.
const MAX_DEPTH: usize = 16;

const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
const STRUCT: u8 = 12;
const UUID: u8 = 13;

/// Bytes of the protocol, read forwards.
#[derive(Debug, Clone)]
pub(super) struct Thrift<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// The head of a field.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) id: i64,
    kind: u8,
}

/// The fields of one structure; the number of each is told as a step from the one before.
#[derive(Debug, Default)]
pub(super) struct Fields {
    last: i64,
}

impl Fields {
    /// The next field; `Some(None)` at the end of the structure.
    #[allow(clippy::option_option, reason = "the end of a structure is not the end of the bytes")]
    pub(super) fn next(&mut self, thrift: &mut Thrift<'_>) -> Option<Option<Field>> {
        let head = thrift.byte()?;
        let kind = head & 0xf;
        if kind == 0 {
            return Some(None);
        }
        self.last = match head >> 4 {
            0 => thrift.zigzag()?,
            delta => self.last.checked_add(i64::from(delta))?,
        };
        Some(Some(Field { id: self.last, kind }))
    }
}

impl<'a> Thrift<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes read so far.
    pub(super) fn offset(&self) -> usize {
        self.at
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.at).copied()?;
        self.at += 1;
        Some(byte)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn zigzag(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    fn pass(&mut self, count: u64) -> Option<&'a [u8]> {
        let end = self.at.checked_add(usize::try_from(count).ok()?)?;
        let passed = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(passed)
    }

    /// The value of an integer field.
    pub(super) fn integer(&mut self, field: Field) -> Option<i64> {
        match field.kind {
            BYTE => self.byte().map(|byte| i64::from(byte.cast_signed())),
            I16 | I32 | I64 => self.zigzag(),
            _ => None,
        }
    }

    /// The value of a boolean field, which stands in its head.
    pub(super) fn boolean(field: Field) -> Option<bool> {
        match field.kind {
            TRUE => Some(true),
            FALSE => Some(false),
            _ => None,
        }
    }

    /// The bytes of a binary or text field.
    pub(super) fn binary(&mut self, field: Field) -> Option<&'a [u8]> {
        if field.kind != BINARY {
            return None;
        }
        let len = self.varint()?;
        self.pass(len)
    }

    /// Whether the field is a structure, which begins here.
    pub(super) fn structure(field: Field) -> Option<()> {
        (field.kind == STRUCT).then_some(())
    }

    /// The length of a list of structures, the first of which begins here.
    pub(super) fn structures(&mut self, field: Field) -> Option<u64> {
        let (count, kind) = if field.kind == LIST { self.list()? } else { return None };
        (kind == STRUCT || count == 0).then_some(count)
    }

    fn list(&mut self) -> Option<(u64, u8)> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.varint()?,
            count => u64::from(count),
        };
        // Each item takes a byte at least.
        (count <= (self.bytes.len() - self.at) as u64).then_some((count, head & 0xf))
    }

    /// Passes over the value of a field.
    pub(super) fn skip(&mut self, field: Field) -> Option<()> {
        if matches!(field.kind, TRUE | FALSE) { Some(()) } else { self.value(field.kind, MAX_DEPTH) }
    }

    /// Passes over a structure that begins here.
    pub(super) fn skip_structure(&mut self) -> Option<()> {
        self.value(STRUCT, MAX_DEPTH)
    }

    fn value(&mut self, kind: u8, depth: usize) -> Option<()> {
        let below = depth.checked_sub(1)?;
        match kind {
            TRUE | FALSE | BYTE => self.pass(1).map(|_| ()),
            I16 | I32 | I64 => self.varint().map(|_| ()),
            DOUBLE => self.pass(8).map(|_| ()),
            UUID => self.pass(16).map(|_| ()),
            BINARY => {
                let len = self.varint()?;
                self.pass(len).map(|_| ())
            }
            LIST | SET => {
                let (count, kind) = self.list()?;
                (0..count).try_for_each(|_| self.value(kind, below))
            }
            MAP => {
                let count = self.varint()?;
                let kinds = if count == 0 { 0 } else { self.byte()? };
                (0..count).try_for_each(|_| {
                    self.value(kinds >> 4, below)?;
                    self.value(kinds & 0xf, below)
                })
            }
            STRUCT => {
                let mut fields = Fields::default();
                while let Some(field) = fields.next(self)? {
                    if !matches!(field.kind, TRUE | FALSE) {
                        self.value(field.kind, below)?;
                    }
                }
                Some(())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn fields_of_every_type_are_read_or_passed_over() {
        // 1: i32 -3, 2: "ab", 3: true, 5: list of two structures, 20 (long form): double, end.
        let bytes = b"\x15\x05\x18\x02ab\x11\x29\x2c\x15\x02\x00\x00\x07\x2812345678\x00";
        let mut thrift = Thrift::new(bytes);
        let mut fields = Fields::default();
        let mut field = |thrift: &mut Thrift<'_>| fields.next(thrift).unwrap().unwrap();
        let first = field(&mut thrift);
        assert_eq!((first.id, thrift.integer(first)), (1, Some(-3)));
        let second = field(&mut thrift);
        assert_eq!((second.id, thrift.binary(second)), (2, Some(&b"ab"[..])));
        let third = field(&mut thrift);
        assert_eq!((third.id, Thrift::boolean(third), thrift.integer(third)), (3, Some(true), None));
        let list = field(&mut thrift);
        assert_eq!((list.id, thrift.structures(list)), (5, Some(2)));
        assert!(thrift.skip_structure().is_some() && thrift.skip_structure().is_some());
        let double = field(&mut thrift);
        assert_eq!((double.id, thrift.skip(double)), (20, Some(())));
        assert!(fields.next(&mut thrift).unwrap().is_none());
        assert_eq!(thrift.offset(), bytes.len());
        for cut in 0..bytes.len() {
            assert!(Thrift::new(&bytes[..cut]).skip_structure().is_none(), "{cut}");
        }
    }

    #[test]
    fn lengths_and_nesting_cost_nothing_beyond_the_bytes() {
        let nested = [vec![0x1c; 1 << 20], vec![0; 1 << 20]].concat();
        assert!(Thrift::new(&nested).skip_structure().is_none());
        for bytes in
            [&b"\x19\xfc\xff\xff\xff\xff\x0f"[..], b"\x18\xff\xff\xff\xff\x0f", b"\x1b\xff\xff\xff\xff\x0f\x11"]
        {
            assert!(Thrift::new(bytes).skip_structure().is_none());
        }
    }
}

//! FlatBuffers as far as Arrow's messages need them: tables whose fields are found through a table of places.
//!
//! Every place is looked up when it is read; nothing is returned where it lies outside or makes no sense. Nothing here
//! recurses: whoever follows tables into tables bounds how far.
//!
//! Format: <https://flatbuffers.dev/internals/>

/// A table in a buffer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The table of places and its length.
    places: usize,
    places_len: usize,
}

/// A vector in a buffer: where its items begin, and how many there are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Vector<'a> {
    bytes: &'a [u8],
    at: usize,
    len: usize,
}

fn chunk<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(chunk(bytes, at)?)).ok()
}

/// Follows an offset that counts from its own place.
fn follow(bytes: &[u8], at: usize) -> Option<usize> {
    at.checked_add(u32_at(bytes, at)?).filter(|to| *to < bytes.len())
}

impl<'a> Table<'a> {
    /// The table that a buffer is.
    pub(super) fn root(bytes: &'a [u8]) -> Option<Self> {
        Self::at(bytes, follow(bytes, 0)?)
    }

    fn at(bytes: &'a [u8], at: usize) -> Option<Self> {
        let back = i32::from_le_bytes(chunk(bytes, at)?);
        let places = usize::try_from(i64::try_from(at).ok()? - i64::from(back)).ok()?;
        let places_len = usize::from(u16::from_le_bytes(chunk(bytes, places)?));
        bytes.get(places..places.checked_add(places_len)?)?;
        Some(Self { bytes, at, places, places_len })
    }

    /// Where the field of that number lies; nothing where it is left out.
    fn place(&self, field: usize) -> Option<usize> {
        let entry = 4 + 2 * field;
        if entry + 2 > self.places_len {
            return None;
        }
        match u16::from_le_bytes(chunk(self.bytes, self.places + entry)?) {
            0 => None,
            offset => self.at.checked_add(usize::from(offset)),
        }
    }

    /// A field of that many bytes, or `default` where it is left out.
    fn scalar<const N: usize>(&self, field: usize, default: [u8; N]) -> Option<[u8; N]> {
        self.place(field).map_or(Some(default), |at| chunk(self.bytes, at))
    }

    pub(super) fn u8(&self, field: usize, default: u8) -> Option<u8> {
        self.scalar(field, [default]).map(|[byte]| byte)
    }

    pub(super) fn i16(&self, field: usize, default: i16) -> Option<i16> {
        self.scalar(field, default.to_le_bytes()).map(i16::from_le_bytes)
    }

    pub(super) fn i32(&self, field: usize, default: i32) -> Option<i32> {
        self.scalar(field, default.to_le_bytes()).map(i32::from_le_bytes)
    }

    pub(super) fn i64(&self, field: usize, default: i64) -> Option<i64> {
        self.scalar(field, default.to_le_bytes()).map(i64::from_le_bytes)
    }

    pub(super) fn has(&self, field: usize) -> bool {
        self.place(field).is_some()
    }

    /// A field that is a table itself.
    pub(super) fn table(&self, field: usize) -> Option<Self> {
        Self::at(self.bytes, follow(self.bytes, self.place(field)?)?)
    }

    /// A field that is a text, as bytes; empty where it is left out.
    pub(super) fn text(&self, field: usize) -> Option<&'a [u8]> {
        let Some(place) = self.place(field) else { return Some(&[]) };
        let Vector { at, len, .. } = Vector::at(self.bytes, follow(self.bytes, place)?, 1)?;
        self.bytes.get(at..at + len)
    }

    /// A field that is a vector of items of that many bytes; empty where it is left out.
    pub(super) fn vector(&self, field: usize, width: usize) -> Option<Vector<'a>> {
        let Some(place) = self.place(field) else { return Some(Vector { bytes: self.bytes, at: 0, len: 0 }) };
        Vector::at(self.bytes, follow(self.bytes, place)?, width)
    }
}

impl<'a> Vector<'a> {
    fn at(bytes: &'a [u8], at: usize, width: usize) -> Option<Self> {
        let len = u32_at(bytes, at)?;
        let at = at + 4;
        bytes.get(at..at.checked_add(len.checked_mul(width)?)?)?;
        Some(Self { bytes, at, len })
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The item of that number, where items are tables.
    pub(super) fn table(&self, item: usize) -> Option<Table<'a>> {
        if item >= self.len {
            return None;
        }
        Table::at(self.bytes, follow(self.bytes, self.at + 4 * item)?)
    }

    /// The whole number at byte `within` of the item of that number, where items have `width` bytes.
    pub(super) fn i64(&self, item: usize, width: usize, within: usize) -> Option<i64> {
        if item >= self.len {
            return None;
        }
        chunk(self.bytes, self.at + width * item + within).map(i64::from_le_bytes)
    }

    /// The same of four bytes.
    pub(super) fn i32(&self, item: usize, width: usize, within: usize) -> Option<i32> {
        if item >= self.len {
            return None;
        }
        chunk(self.bytes, self.at + width * item + within).map(i32::from_le_bytes)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_are_found_and_absent_ones_have_their_default() {
        // Root at 12: table of places at 4 (8 bytes: two fields), field 0 an i32 at 4, field 1 left out.
        let bytes = [12, 0, 0, 0, 8, 0, 8, 0, 4, 0, 0, 0, 8, 0, 0, 0, 7, 0, 0, 0];
        let table = Table::root(&bytes).unwrap();
        assert_eq!((table.i32(0, 1), table.i32(1, 1), table.i32(900, 1)), (Some(7), Some(1), Some(1)));
        assert!(table.has(0) && !table.has(1));
        assert!(table.table(1).is_none() && table.vector(1, 4).unwrap().len() == 0);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(0_u8..24, 0..64)) {
            if let Some(table) = Table::root(&bytes) {
                for field in 0..6 {
                    let _ = (table.u8(field, 0), table.i16(field, 0), table.i64(field, 0), table.text(field));
                    let _ = table.table(field).and_then(|table| table.table(0));
                    if let Some(vector) = table.vector(field, 8) {
                        let _ = (vector.table(0), vector.i64(1, 8, 0), vector.i32(vector.len(), 8, 0));
                    }
                }
            }
        }
    }
}

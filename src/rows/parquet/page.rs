//! Headers of pages: what a page holds and how large it says that it is.

use super::thrift::{Field, Fields, Thrift};

/// How values of a page are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain,
    Dictionary,
    Runs,
    /// Differences of integers.
    Delta,
    /// Texts after the differences of their lengths.
    DeltaLength,
    /// Texts by what they share with the one before.
    DeltaText,
    /// First bytes of all values, then second bytes, and so on.
    Split,
    /// One that is not read, by its number.
    Other(i64),
}

impl Encoding {
    fn of(number: i64) -> Self {
        match number {
            0 => Self::Plain,
            2 | 8 => Self::Dictionary,
            3 => Self::Runs,
            5 => Self::Delta,
            6 => Self::DeltaLength,
            7 => Self::DeltaText,
            9 => Self::Split,
            other => Self::Other(other),
        }
    }
}

/// What a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    /// Levels and values packed together.
    Data {
        encoding: Encoding,
        definition: Encoding,
        repetition: Encoding,
    },
    /// Levels of that many bytes before the values, which alone are packed.
    DataV2 {
        encoding: Encoding,
        definition: u64,
        repetition: u64,
        is_packed: bool,
    },
    Dictionary(Encoding),
    /// Of no consequence for rows.
    Index,
}

/// The header of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Bytes of the header itself.
    pub(super) len: u64,
    /// Bytes of the page as it lies there, and unpacked.
    pub(super) packed: u64,
    pub(super) unpacked: u64,
    /// Values, with those that are null.
    pub(super) values: u64,
    pub(super) page: Page,
}

/// Reads the header at the start of the bytes; nothing where they are none, or end before it does.
pub(super) fn header(bytes: &[u8]) -> Option<Header> {
    let mut thrift = Thrift::new(bytes);
    let thrift = &mut thrift;
    let (mut kind, mut unpacked, mut packed, mut parts) = (None, None, None, Parts::default());
    let (mut v2, mut fields) = (false, Fields::default());
    while let Some(field) = fields.next(thrift)? {
        match field.id {
            1 => kind = Some(thrift.integer(field)?),
            2 => unpacked = Some(size(thrift, field)?),
            3 => packed = Some(size(thrift, field)?),
            5 | 7 => parts = Parts::first(thrift, field)?,
            8 => {
                parts = Parts::second(thrift, field)?;
                v2 = true;
            }
            _ => thrift.skip(field)?,
        }
    }
    let Parts { values, encoding, definition, repetition, is_packed } = parts;
    let page = match kind? {
        0 => Page::Data {
            encoding: Encoding::of(encoding?),
            definition: definition.map_or(Encoding::Runs, |number| Encoding::of(number.cast_signed())),
            repetition: repetition.map_or(Encoding::Runs, |number| Encoding::of(number.cast_signed())),
        },
        1 => Page::Index,
        2 => Page::Dictionary(Encoding::of(encoding?)),
        3 if v2 => {
            let (definition, repetition) = (definition.unwrap_or(0), repetition.unwrap_or(0));
            Page::DataV2 { encoding: Encoding::of(encoding?), definition, repetition, is_packed }
        }
        _ => return None,
    };
    let values = if page == Page::Index { 0 } else { values? };
    Some(Header { len: thrift.offset() as u64, packed: packed?, unpacked: unpacked?, values, page })
}

fn size(thrift: &mut Thrift<'_>, field: Field) -> Option<u64> {
    u64::try_from(thrift.integer(field)?).ok()
}

/// What stands in the header of the page's own kind.
struct Parts {
    values: Option<u64>,
    encoding: Option<i64>,
    /// Encoding, or bytes in the second version.
    definition: Option<u64>,
    repetition: Option<u64>,
    is_packed: bool,
}

impl Default for Parts {
    fn default() -> Self {
        Self { values: None, encoding: None, definition: None, repetition: None, is_packed: true }
    }
}

impl Parts {
    fn first(thrift: &mut Thrift<'_>, field: Field) -> Option<Self> {
        Thrift::structure(field)?;
        let (mut parts, mut fields) = (Self::default(), Fields::default());
        while let Some(field) = fields.next(thrift)? {
            match field.id {
                1 => parts.values = Some(size(thrift, field)?),
                2 => parts.encoding = Some(thrift.integer(field)?),
                // A dictionary's third field says whether it is sorted.
                3 if Thrift::boolean(field).is_some() => {}
                3 => parts.definition = Some(size(thrift, field)?),
                4 => parts.repetition = Some(size(thrift, field)?),
                _ => thrift.skip(field)?,
            }
        }
        Some(parts)
    }

    fn second(thrift: &mut Thrift<'_>, field: Field) -> Option<Self> {
        Thrift::structure(field)?;
        let (mut parts, mut fields) = (Self::default(), Fields::default());
        while let Some(field) = fields.next(thrift)? {
            match field.id {
                1 => parts.values = Some(size(thrift, field)?),
                4 => parts.encoding = Some(thrift.integer(field)?),
                5 => parts.definition = Some(size(thrift, field)?),
                6 => parts.repetition = Some(size(thrift, field)?),
                7 => parts.is_packed = Thrift::boolean(field)?,
                _ => thrift.skip(field)?,
            }
        }
        Some(parts)
    }
}

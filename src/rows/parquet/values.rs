//! The values of one page, one after the other, by whichever encoding.

use std::ops::Range;

use super::bits::{Deltas, Runs};
use super::page::Encoding;
use super::schema::Physical;

/// A value as it lies in a page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Raw<'p> {
    Bool(bool),
    Int(i64),
    /// Of the column's width, or of any length in a column of byte arrays.
    Bytes(&'p [u8]),
}

/// The values of a dictionary page.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    bytes: Vec<u8>,
    /// Where each byte array lies; nothing where all values have one width.
    places: Vec<Range<u32>>,
}

impl Dictionary {
    /// `count` values, written plainly.
    pub(super) fn of(bytes: Vec<u8>, physical: Physical, count: u64) -> Option<Self> {
        let mut places = Vec::new();
        if physical == Physical::ByteArray {
            let mut at = 0;
            for _ in 0..count {
                let place = byte_array(&bytes, &mut at)?;
                places.push(u32::try_from(place.start).ok()?..u32::try_from(place.end).ok()?);
            }
        } else if u64::try_from(bytes.len() / physical.width()?).ok()? < count {
            return None;
        }
        Some(Self { bytes, places })
    }

    /// Bytes held.
    pub(super) fn size(&self) -> usize {
        self.bytes.len() + self.places.len() * size_of::<Range<u32>>()
    }

    fn get(&self, index: u64, physical: Physical) -> Option<Raw<'_>> {
        let index = usize::try_from(index).ok()?;
        match physical.width() {
            None => {
                let place = self.places.get(index)?;
                self.bytes.get(place.start as usize..place.end as usize).map(Raw::Bytes)
            }
            Some(width) => {
                let start = index.checked_mul(width)?;
                raw(self.bytes.get(start..start.checked_add(width)?)?, physical)
            }
        }
    }
}

/// A value of fixed width.
fn raw(bytes: &[u8], physical: Physical) -> Option<Raw<'_>> {
    Some(match physical {
        Physical::Int32 => Raw::Int(i32::from_le_bytes(*bytes.first_chunk()?).into()),
        Physical::Int64 => Raw::Int(i64::from_le_bytes(*bytes.first_chunk()?)),
        _ => Raw::Bytes(bytes),
    })
}

/// A length and as many bytes.
fn byte_array(bytes: &[u8], at: &mut usize) -> Option<Range<usize>> {
    let len: &[u8; 4] = bytes.get(*at..)?.first_chunk()?;
    let start = *at + 4;
    let end = start.checked_add(usize::try_from(u32::from_le_bytes(*len)).ok()?)?;
    *at = end;
    (end <= bytes.len()).then_some(start..end)
}

/// Where a page's values are.
#[derive(Debug)]
pub(super) enum Values {
    /// The next byte.
    Plain(usize),
    /// The next bit.
    Bits(usize),
    Runs(Runs),
    Dictionary(Runs),
    Delta(Deltas),
    DeltaLength {
        lengths: Deltas,
        at: usize,
    },
    DeltaText {
        prefixes: Deltas,
        lengths: Deltas,
        at: usize,
        last: Vec<u8>,
    },
    /// The next value, and bytes between two bytes of one value.
    Split {
        start: usize,
        index: usize,
        stride: usize,
        value: Vec<u8>,
    },
}

impl Values {
    /// Values in those bytes of the page.
    pub(super) fn new(page: &[u8], place: Range<usize>, encoding: Encoding, physical: Physical) -> Option<Self> {
        let (start, is_text) = (place.start, physical == Physical::ByteArray);
        Some(match encoding {
            Encoding::Plain if physical == Physical::Boolean => Self::Bits(start.checked_mul(8)?),
            Encoding::Plain => Self::Plain(start),
            Encoding::Dictionary => {
                // A page without values may be without a width, too.
                let width = page.get(start).copied().unwrap_or(0);
                Self::Dictionary(Runs::new((start + 1).min(place.end)..place.end, width.into())?)
            }
            Encoding::Runs if physical == Physical::Boolean => {
                let len: &[u8; 4] = page.get(place.clone())?.first_chunk()?;
                let end = (start + 4).checked_add(usize::try_from(u32::from_le_bytes(*len)).ok()?)?;
                Self::Runs(Runs::new(start + 4..Some(end).filter(|end| *end <= place.end)?, 1)?)
            }
            Encoding::Delta if matches!(physical, Physical::Int32 | Physical::Int64) => {
                Self::Delta(Deltas::new(page, place)?)
            }
            Encoding::DeltaLength if is_text => {
                let lengths = Deltas::new(page, place)?;
                let at = lengths.after(page)?;
                Self::DeltaLength { lengths, at }
            }
            Encoding::DeltaText if is_text || matches!(physical, Physical::Fixed(_)) => {
                let prefixes = Deltas::new(page, place.clone())?;
                let lengths = Deltas::new(page, prefixes.after(page)?..place.end)?;
                let at = lengths.after(page)?;
                if prefixes.left() != lengths.left() {
                    return None;
                }
                Self::DeltaText { prefixes, lengths, at, last: Vec::new() }
            }
            Encoding::Split => {
                let (width, len) = (physical.width()?, place.len());
                let is_whole = len.is_multiple_of(width);
                is_whole.then_some(Self::Split { start, index: 0, stride: len / width, value: vec![0; width] })?
            }
            _ => return None,
        })
    }

    /// The next value; nothing where there is none, or it points to where none is.
    pub(super) fn next<'p>(
        &'p mut self,
        page: &'p [u8],
        dictionary: Option<&'p Dictionary>,
        physical: Physical,
    ) -> Option<Raw<'p>> {
        Some(match self {
            Self::Plain(at) => match physical.width() {
                None => Raw::Bytes(page.get(byte_array(page, at)?)?),
                Some(width) => {
                    let start = *at;
                    *at = start.checked_add(width)?;
                    raw(page.get(start..*at)?, physical)?
                }
            },
            Self::Bits(bit) => {
                let byte = page.get(*bit / 8)?;
                let value = byte >> (*bit % 8) & 1 == 1;
                *bit += 1;
                Raw::Bool(value)
            }
            Self::Runs(runs) => Raw::Bool(runs.next(page)? == 1),
            Self::Dictionary(runs) => dictionary?.get(runs.next(page)?, physical)?,
            Self::Delta(deltas) => {
                let value = deltas.next(page)?;
                // As written: of 32 bits only those count.
                let low = i32::from_le_bytes(*value.to_le_bytes().first_chunk()?);
                Raw::Int(if physical == Physical::Int32 { low.into() } else { value })
            }
            Self::DeltaLength { lengths, at } => {
                let start = *at;
                *at = start.checked_add(usize::try_from(lengths.next(page)?).ok()?)?;
                Raw::Bytes(page.get(start..*at)?)
            }
            Self::DeltaText { prefixes, lengths, at, last } => {
                let prefix = usize::try_from(prefixes.next(page)?).ok().filter(|prefix| *prefix <= last.len())?;
                let start = *at;
                *at = start.checked_add(usize::try_from(lengths.next(page)?).ok()?)?;
                last.truncate(prefix);
                last.extend_from_slice(page.get(start..*at)?);
                let fits = physical.width().is_none_or(|width| width == last.len());
                Raw::Bytes(fits.then_some(last)?)
            }
            Self::Split { start, index, stride, value } => {
                if index >= stride {
                    return None;
                }
                for (number, byte) in value.iter_mut().enumerate() {
                    *byte = *page.get(*start + number * *stride + *index)?;
                }
                *index += 1;
                raw(value, physical)?
            }
        })
    }
}

//! The values of one page, one after the other, by whichever encoding.

use std::borrow::Cow;

use super::bits::{Deltas, Runs};
use super::element::Physical;
use super::page::Encoding;
use crate::rows::MAX_ROW_BYTES;
use crate::rows::scratch::{Buffer, Scratch};

/// A value as it lies in a page.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Raw<'p> {
    Bool(bool),
    Int(i64),
    /// Of the column's width, or of any length in a column of byte arrays.
    Bytes(Cow<'p, [u8]>),
}

/// The values of a dictionary page.
#[derive(Debug)]
pub(super) struct Dictionary {
    bytes: Buffer,
    /// Where each byte array begins, in four bytes; nothing where all values have one width.
    places: Option<Buffer>,
    values: usize,
}

impl Dictionary {
    /// `count` values, written plainly.
    pub(super) fn of(bytes: Buffer, physical: Physical, count: u64, scratch: &Scratch) -> Option<Self> {
        let values = usize::try_from(count).ok()?;
        let Some(width) = physical.width() else {
            // A value has four bytes at least, its length.
            let mut places = scratch.filling(values.checked_mul(4).filter(|len| *len <= bytes.len())?)?;
            let mut at = 0;
            for _ in 0..values {
                places.put(&u32::try_from(at).ok()?.to_le_bytes())?;
                byte_array(&bytes, &mut at)?;
            }
            return Some(Self { bytes, places: Some(places.done()?), values });
        };
        (bytes.len() / width >= values).then_some(Self { bytes, places: None, values })
    }

    fn get(&self, index: u64, physical: Physical) -> Option<Raw<'_>> {
        let index = usize::try_from(index).ok().filter(|index| *index < self.values)?;
        match (&self.places, physical.width()) {
            (Some(places), _) => {
                let mut at = usize::try_from(u32::from_le_bytes(places.chunk(index * 4)?)).ok()?;
                let (start, len) = byte_array(&self.bytes, &mut at)?;
                self.bytes.get(start, len).map(Raw::Bytes)
            }
            (None, width) => {
                let width = width?;
                raw(self.bytes.get(index.checked_mul(width)?, width)?, physical)
            }
        }
    }
}

/// A value of fixed width.
fn raw(bytes: Cow<'_, [u8]>, physical: Physical) -> Option<Raw<'_>> {
    Some(match physical {
        Physical::Int32 => Raw::Int(i32::from_le_bytes(*bytes.first_chunk()?).into()),
        Physical::Int64 => Raw::Int(i64::from_le_bytes(*bytes.first_chunk()?)),
        _ => Raw::Bytes(bytes),
    })
}

/// A length and as many bytes: where they begin, and how many there are.
fn byte_array(bytes: &Buffer, at: &mut usize) -> Option<(usize, usize)> {
    let len = usize::try_from(u32::from_le_bytes(bytes.chunk(*at)?)).ok()?;
    let start = *at + 4;
    *at = start.checked_add(len).filter(|end| *end <= bytes.len())?;
    Some((start, len))
}

/// Values of a page that are left.
#[derive(Debug)]
pub(super) enum Values {
    /// The next byte.
    Plain(Buffer, usize),
    /// The next bit.
    Bits(Buffer, usize),
    Runs(Runs),
    Dictionary(Runs),
    Delta(Deltas),
    DeltaLength {
        lengths: Deltas,
        texts: Buffer,
        at: usize,
    },
    DeltaText {
        prefixes: Deltas,
        lengths: Deltas,
        texts: Buffer,
        at: usize,
        last: Vec<u8>,
    },
    /// The next value, and bytes between two bytes of one value.
    Split {
        bytes: Buffer,
        index: usize,
        stride: usize,
        value: Vec<u8>,
    },
}

impl Values {
    /// Values in those bytes.
    pub(super) fn new(bytes: Buffer, encoding: Encoding, physical: Physical) -> Option<Self> {
        let is_text = physical == Physical::ByteArray;
        Some(match encoding {
            Encoding::Plain if physical == Physical::Boolean => Self::Bits(bytes, 0),
            Encoding::Plain => Self::Plain(bytes, 0),
            Encoding::Dictionary => {
                // A page without values may be without a width, too.
                let width = if bytes.is_empty() { 0 } else { bytes.byte(0)? };
                Self::Dictionary(Runs::new(bytes.after(1.min(bytes.len()))?, width.into())?)
            }
            Encoding::Runs if physical == Physical::Boolean => {
                let len = usize::try_from(u32::from_le_bytes(bytes.chunk(0)?)).ok()?;
                Self::Runs(Runs::new(bytes.part(4, len)?, 1)?)
            }
            Encoding::Delta if matches!(physical, Physical::Int32 | Physical::Int64) => {
                Self::Delta(Deltas::new(bytes)?)
            }
            Encoding::DeltaLength if is_text => {
                let lengths = Deltas::new(bytes.clone())?;
                let texts = bytes.after(lengths.after()?)?;
                Self::DeltaLength { lengths, texts, at: 0 }
            }
            Encoding::DeltaText if is_text || matches!(physical, Physical::Fixed(_)) => {
                let prefixes = Deltas::new(bytes.clone())?;
                let bytes = bytes.after(prefixes.after()?)?;
                let lengths = Deltas::new(bytes.clone())?;
                let texts = bytes.after(lengths.after()?)?;
                if prefixes.left() != lengths.left() {
                    return None;
                }
                Self::DeltaText { prefixes, lengths, texts, at: 0, last: Vec::new() }
            }
            Encoding::Split => {
                let width = physical.width().filter(|width| *width <= MAX_ROW_BYTES)?;
                let is_whole = bytes.len().is_multiple_of(width);
                let stride = bytes.len() / width;
                is_whole.then_some(Self::Split { bytes, index: 0, stride, value: vec![0; width] })?
            }
            _ => return None,
        })
    }

    /// The next value; nothing where there is none, or it points to where none is.
    pub(super) fn next<'p>(&'p mut self, dictionary: Option<&'p Dictionary>, physical: Physical) -> Option<Raw<'p>> {
        Some(match self {
            Self::Plain(bytes, at) => {
                let (start, len) = match physical.width() {
                    None => byte_array(bytes, at)?,
                    Some(width) => {
                        let start = *at;
                        *at = start.checked_add(width)?;
                        (start, width)
                    }
                };
                raw(bytes.get(start, len)?, physical)?
            }
            Self::Bits(bytes, bit) => {
                let byte = bytes.byte(*bit / 8)?;
                let value = byte >> (*bit % 8) & 1 == 1;
                *bit += 1;
                Raw::Bool(value)
            }
            Self::Runs(runs) => Raw::Bool(runs.next()? == 1),
            Self::Dictionary(runs) => dictionary?.get(runs.next()?, physical)?,
            Self::Delta(deltas) => {
                let value = deltas.next()?;
                // As written: of 32 bits only those count.
                let low = i32::from_le_bytes(*value.to_le_bytes().first_chunk()?);
                Raw::Int(if physical == Physical::Int32 { low.into() } else { value })
            }
            Self::DeltaLength { lengths, texts, at } => {
                let (start, len) = (*at, usize::try_from(lengths.next()?).ok()?);
                *at = start.checked_add(len)?;
                Raw::Bytes(texts.get(start, len)?)
            }
            Self::DeltaText { prefixes, lengths, texts, at, last } => {
                let prefix = usize::try_from(prefixes.next()?).ok().filter(|prefix| *prefix <= last.len())?;
                let (start, len) = (*at, usize::try_from(lengths.next()?).ok()?);
                *at = start.checked_add(len)?;
                last.truncate(prefix);
                last.extend_from_slice(&texts.get(start, len)?);
                let fits = physical.width().is_none_or(|width| width == last.len());
                Raw::Bytes(fits.then_some(Cow::Borrowed(&last[..]))?)
            }
            Self::Split { bytes, index, stride, value } => {
                if index >= stride {
                    return None;
                }
                for (number, byte) in value.iter_mut().enumerate() {
                    *byte = bytes.byte(number * *stride + *index)?;
                }
                *index += 1;
                raw(Cow::Borrowed(&value[..]), physical)?
            }
        })
    }
}

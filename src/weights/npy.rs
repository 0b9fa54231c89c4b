//! NumPy arrays: one in a `.npy` file, several as members of an `.npz` archive, stored or deflated.
//!
//! The header is a Python literal; of the language only the three-member dictionary that NumPy writes is understood.
//! Arrays of objects are pickles and beyond what is read, like records and texts. Fortran order and big-endian arrays
//! are not turned round: their bytes would not be those of the same tensor elsewhere, so they are recorded as bytes.
//!
//! Format: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>

use super::error::Refusal;
use super::stream::{Inflated, Section};
use super::{Beyond, Contents, FormatError, Packed, Place, ReadAt};
use crate::artifact::dtype::Dtype;
use crate::artifact::tensors::{MAX_RANK, TensorInfo};
use crate::container::zip::{Archive, Stretch};

pub(super) const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// Longest header; NumPy itself refuses to read longer ones.
const MAX_HEADER: u64 = 10_000;

/// Name of the one tensor of an `.npy` file.
const ONLY: &str = "array";

/// Finds the one array of a `.npy` file.
pub(super) fn locate(source: &dyn ReadAt) -> Result<Contents, Refusal> {
    let (info, data) = header(ONLY, &mut Section::whole(source))?;
    let end = data.saturating_add(info.length);
    let size = source.size();
    match end.cmp(&size) {
        std::cmp::Ordering::Greater => Err(FormatError::Short { name: info.name, end, size }.into()),
        std::cmp::Ordering::Less => Err(FormatError::Trailing { at: end, size }.into()),
        std::cmp::Ordering::Equal => {
            let tensors = vec![(info, Place::Plain { start: data })];
            Ok(Contents { format: "npy", tensors, ..Contents::default() })
        }
    }
}

/// Finds the arrays of an archive of which every member is one.
pub(super) fn locate_all(source: &dyn ReadAt, archive: &Archive<'_>) -> Result<Contents, Refusal> {
    let mut tensors = Vec::new();
    for stretch in archive.stretches()? {
        let Some(name) = stretch.name.strip_suffix(".npy") else { return Err(Beyond::OtherArchive.into()) };
        let (info, skip) = if stretch.deflated {
            header(name, &mut Inflated::new(source, packed(&stretch, 0)))?
        } else {
            header(name, &mut Section::new(source, stretch.start, stretch.unpacked))?
        };
        let end = skip.saturating_add(info.length);
        if end != stretch.unpacked {
            return Err(FormatError::Short { name: info.name, end, size: stretch.unpacked }.into());
        }
        let place = if stretch.deflated {
            Place::Deflated(packed(&stretch, skip))
        } else {
            Place::Plain { start: stretch.start + skip }
        };
        tensors.push((info, place));
    }
    if tensors.is_empty() {
        Err(Beyond::Empty.into())
    } else {
        Ok(Contents { format: "npz", tensors, ..Contents::default() })
    }
}

fn packed(stretch: &Stretch, skip: u64) -> Packed {
    let Stretch { start, packed, unpacked, checksum, .. } = *stretch;
    Packed { start, packed, unpacked, skip, checksum }
}

/// Reads the header of an array and says how long it is.
fn header(name: &str, source: &mut dyn std::io::Read) -> Result<(TensorInfo, u64), Refusal> {
    let mut start = [0; 8];
    fill(source, &mut start, 0)?;
    if !start.starts_with(MAGIC) {
        return Err(FormatError::Start { at: 0, expected: "\\x93NUMPY", found: start[..6].to_vec() }.into());
    }
    let (length, before) = match start[6] {
        1 => {
            let mut length = [0; 2];
            fill(source, &mut length, 8)?;
            (u64::from(u16::from_le_bytes(length)), 10)
        }
        2 | 3 => {
            let mut length = [0; 4];
            fill(source, &mut length, 8)?;
            (u64::from(u32::from_le_bytes(length)), 12)
        }
        found => return Err(Beyond::Version { found: found.into(), known: "1 to 3" }.into()),
    };
    if length > MAX_HEADER {
        return Err(FormatError::Limit { what: "the header length", at: 8, found: length, limit: MAX_HEADER }.into());
    }
    let mut text = vec![0; usize::try_from(length).expect("at most the limit")];
    fill(source, &mut text, before)?;
    let literal = Literal::parse(&text).map_err(|at| {
        let at = before + at as u64;
        FormatError::Start { at, expected: "the dictionary that NumPy writes", found: Vec::new() }
    })?;
    Ok((info(name, literal)?, before + length))
}

fn fill(source: &mut dyn std::io::Read, buffer: &mut [u8], at: u64) -> Result<(), FormatError> {
    source.read_exact(buffer).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => FormatError::Cut { what: "its header", at },
        _ => FormatError::Io(error),
    })
}

fn info(name: &str, literal: Literal) -> Result<TensorInfo, Refusal> {
    let name = || name.to_owned();
    let Some(descr) = literal.descr else {
        return Err(Beyond::Dtype { name: name(), found: "a record".to_owned() }.into());
    };
    let (order, code) = descr.split_at_checked(1).unwrap_or_default();
    let dtype = match code {
        "b1" => Dtype::Bool,
        "u1" => Dtype::U8,
        "i1" => Dtype::I8,
        "u2" => Dtype::U16,
        "i2" => Dtype::I16,
        "u4" => Dtype::U32,
        "i4" => Dtype::I32,
        "u8" => Dtype::U64,
        "i8" => Dtype::I64,
        "f2" => Dtype::F16,
        "f4" => Dtype::F32,
        "f8" => Dtype::F64,
        "c8" => Dtype::C64,
        "c16" => Dtype::C128,
        _ => return Err(Beyond::Dtype { name: name(), found: descr }.into()),
    };
    match order {
        "<" => {}
        "|" if dtype.layout().bytes == 1 => {}
        ">" => return Err(Beyond::BigEndian { name: name() }.into()),
        _ => return Err(Beyond::Dtype { name: name(), found: descr }.into()),
    }
    let info = TensorInfo::new(name(), dtype, literal.shape)?;
    // With at most one dimension longer than one, both orders are the same bytes.
    let long = info.shape.iter().filter(|dim| **dim > 1).count();
    if literal.fortran && long > 1 && info.length > 0 {
        return Err(Beyond::Strided { name: name() }.into());
    }
    Ok(info)
}

/// The dictionary of a header. `descr` is absent where it is a list: then the array is one of records.
#[derive(Debug, PartialEq, Eq)]
struct Literal {
    descr: Option<String>,
    fortran: bool,
    shape: Vec<u64>,
}

impl Literal {
    /// Reads it, or says at which byte it is something else.
    fn parse(text: &[u8]) -> Result<Self, usize> {
        let mut scanner = Scanner { text, at: 0 };
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        scanner.expect(b'{')?;
        while !scanner.passes(b'}') {
            let at = scanner.at;
            let key = scanner.text()?;
            scanner.expect(b':')?;
            let repeated = match key.as_str() {
                "descr" if scanner.peek() == Some(b'[') => {
                    // An array of records: nothing more of its header is needed to say so.
                    return Ok(Self { descr: None, fortran: false, shape: Vec::new() });
                }
                "descr" => descr.replace(scanner.text()?).is_some(),
                "fortran_order" => fortran.replace(scanner.truth()?).is_some(),
                "shape" => shape.replace(scanner.shape()?).is_some(),
                _ => true,
            };
            if repeated {
                return Err(at);
            }
            if !scanner.passes(b',') && scanner.peek() != Some(b'}') {
                return Err(scanner.at);
            }
        }
        scanner.space();
        match (descr, fortran, shape) {
            (Some(descr), Some(fortran), Some(shape)) if scanner.at == text.len() => {
                Ok(Self { descr: Some(descr), fortran, shape })
            }
            _ => Err(scanner.at),
        }
    }
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn space(&mut self) {
        while matches!(self.text.get(self.at), Some(b' ' | b'\n' | b'\t')) {
            self.at += 1;
        }
    }

    fn peek(&mut self) -> Option<u8> {
        self.space();
        self.text.get(self.at).copied()
    }

    fn passes(&mut self, byte: u8) -> bool {
        let passes = self.peek() == Some(byte);
        self.at += usize::from(passes);
        passes
    }

    fn expect(&mut self, byte: u8) -> Result<(), usize> {
        if self.passes(byte) { Ok(()) } else { Err(self.at) }
    }

    /// A text in either kind of quotes, without escapes: NumPy writes none here.
    fn text(&mut self) -> Result<String, usize> {
        let quote = self.peek().filter(|byte| matches!(byte, b'\'' | b'"')).ok_or(self.at)?;
        let start = self.at + 1;
        let rest = self.text.get(start..).unwrap_or_default();
        let len = rest.iter().position(|byte| *byte == quote).ok_or(self.at)?;
        let inside = &rest[..len];
        if inside.contains(&b'\\') || !inside.is_ascii() {
            return Err(start);
        }
        self.at = start + len + 1;
        Ok(inside.iter().map(|byte| char::from(*byte)).collect())
    }

    fn truth(&mut self) -> Result<bool, usize> {
        self.space();
        for (word, value) in [(&b"True"[..], true), (b"False", false)] {
            if self.text.get(self.at..).unwrap_or_default().starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.at)
    }

    fn shape(&mut self) -> Result<Vec<u64>, usize> {
        let mut shape = Vec::new();
        self.expect(b'(')?;
        while !self.passes(b')') {
            self.space();
            let rest = self.text.get(self.at..).unwrap_or_default();
            let len = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let digits = std::str::from_utf8(&rest[..len]).map_err(|_| self.at)?;
            shape.push(digits.parse().map_err(|_| self.at)?);
            self.at += len;
            let comma = self.passes(b',');
            // `(3)` is a number in Python, not a shape.
            if shape.len() > MAX_RANK || (!comma && (shape.len() == 1 || self.peek() != Some(b')'))) {
                return Err(self.at);
            }
        }
        Ok(shape)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_dictionary_that_numpy_writes_is_read_and_nothing_else_of_python() {
        let good = Literal::parse(b"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }     \n").unwrap();
        assert_eq!(good, Literal { descr: Some("<f4".to_owned()), fortran: false, shape: vec![3, 4] });
        for (text, shape) in [("()", vec![]), ("(7,)", vec![7]), ("(1,2,3)", vec![1, 2, 3]), ("( 5 , 6 ,)", vec![5, 6])]
        {
            let text = format!("{{'shape':{text},\"descr\":\"|u1\",'fortran_order':True}}");
            assert_eq!(Literal::parse(text.as_bytes()).unwrap().shape, shape);
        }
        for text in [
            "",
            "{}",
            "{'descr': '<f4'}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-3,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)} x",
            "{'descr': '<f4', 'fortran_order': 0, 'shape': (3,)}",
            "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (3,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), 'x': 1}",
            "{'descr': '\\x3cf4', 'fortran_order': False, 'shape': (3,)}",
            "{'descr': __import__('os'), 'fortran_order': False, 'shape': (3,)}",
            "{'descr': '<f4' 'fortran_order': False, 'shape': (3,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        ] {
            assert!(Literal::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}

//! Writes a Parquet file of one column of texts in one page.
//!
//! Format: <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>, in Thrift's compact protocol
//! <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>

use std::io::Write;

/// How the page is packed, by the format's number.
#[derive(Debug, Clone, Copy)]
pub(super) enum Codec {
    None = 0,
    Snappy = 1,
    Zstd = 6,
}

/// A value of the compact protocol.
enum Value {
    I32(i64),
    I64(i64),
    Text(&'static [u8]),
    Integers(Vec<i64>),
    Texts(Vec<&'static [u8]>),
    Structs(Vec<Fields>),
    Struct(Fields),
}

/// Fields by their number, ascending.
type Fields = Vec<(u8, Value)>;

/// Writes every text into one page.
pub(super) fn one_page(out: &mut impl Write, texts: impl Iterator<Item = Vec<u8>>, codec: Codec) {
    use Value::{I32, I64, Integers, Struct, Structs, Text, Texts};
    let (mut page, mut rows) = (Vec::new(), 0);
    for text in texts {
        page.extend_from_slice(&u32::try_from(text.len()).unwrap().to_le_bytes());
        page.extend_from_slice(&text);
        rows += 1;
    }
    let packed = match codec {
        Codec::None => page.clone(),
        Codec::Snappy => snap::raw::Encoder::new().compress_vec(&page).unwrap(),
        Codec::Zstd => zstd::encode_all(&page[..], 1).unwrap(),
    };
    let len = |bytes: &[u8]| i64::try_from(bytes.len()).unwrap();
    // A page of data, plainly written; levels there are none.
    let data = vec![(1, I32(rows)), (2, I32(0)), (3, I32(3)), (4, I32(3))];
    let header = bytes(&vec![(1, I32(0)), (2, I32(len(&page))), (3, I32(len(&packed))), (5, Struct(data))]);
    // Byte arrays (type 6) that are texts (converted type 0), required (repetition 0).
    let root = vec![(4, Text(b"schema")), (5, I32(1))];
    let column = vec![(1, I32(6)), (3, I32(0)), (4, Text(b"text")), (6, I32(0))];
    let (unpacked, size) = (len(&page) + len(&header), len(&packed) + len(&header));
    let chunk = vec![
        (1, I32(6)),
        (2, Integers(vec![0])),
        (3, Texts(vec![b"text"])),
        (4, I32(codec as i64)),
        (5, I64(rows)),
        (6, I64(unpacked)),
        (7, I64(size)),
        (9, I64(4)),
    ];
    let group = vec![(1, Structs(vec![vec![(2, I64(4)), (3, Struct(chunk))]])), (2, I64(unpacked)), (3, I64(rows))];
    let footer = bytes(&vec![(1, I32(1)), (2, Structs(vec![root, column])), (3, I64(rows)), (4, Structs(vec![group]))]);
    out.write_all(b"PAR1").unwrap();
    out.write_all(&header).unwrap();
    out.write_all(&packed).unwrap();
    out.write_all(&footer).unwrap();
    out.write_all(&u32::try_from(footer.len()).unwrap().to_le_bytes()).unwrap();
    out.write_all(b"PAR1").unwrap();
    out.flush().unwrap();
}

fn bytes(fields: &Fields) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, fields);
    out
}

fn put(out: &mut Vec<u8>, fields: &Fields) {
    let mut before = 0;
    for (id, value) in fields {
        let kind = match value {
            Value::I32(_) => 5,
            Value::I64(_) => 6,
            Value::Text(_) => 8,
            Value::Integers(_) | Value::Texts(_) | Value::Structs(_) => 9,
            Value::Struct(_) => 12,
        };
        out.push((id - before) << 4 | kind);
        before = *id;
        match value {
            Value::I32(number) | Value::I64(number) => integer(out, *number),
            Value::Text(text) => binary(out, text),
            Value::Integers(numbers) => {
                out.push(few(numbers.len()) << 4 | 0x5);
                numbers.iter().for_each(|number| integer(out, *number));
            }
            Value::Texts(texts) => {
                out.push(few(texts.len()) << 4 | 0x8);
                texts.iter().for_each(|text| binary(out, text));
            }
            Value::Structs(structs) => {
                out.push(few(structs.len()) << 4 | 0xc);
                structs.iter().for_each(|fields| put(out, fields));
            }
            Value::Struct(fields) => put(out, fields),
        }
    }
    out.push(0);
}

/// The length of a list that fits the byte of its type.
fn few(len: usize) -> u8 {
    u8::try_from(len).ok().filter(|len| *len < 15).unwrap()
}

fn integer(out: &mut Vec<u8>, number: i64) {
    varint(out, (number << 1 ^ number >> 63).cast_unsigned());
}

fn binary(out: &mut Vec<u8>, bytes: &[u8]) {
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

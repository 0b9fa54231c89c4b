//! Writes an Arrow stream of one column of texts in one batch.
//!
//! Format: <https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc>

use std::io::Write;

/// Something that a place in a table points to.
enum Node {
    Table(Vec<Slot>),
    Text(&'static str),
    Tables(Vec<Node>),
    /// Structs of two 64-bit numbers.
    Pairs(Vec<(i64, i64)>),
}

/// A field of a table.
enum Slot {
    Absent,
    U8(u8),
    I16(i16),
    I64(i64),
    To(Node),
}

/// Writes every batch's rows as one; packed buffers are frames of zstd.
pub(super) fn one_batch(out: &mut impl Write, texts: impl Iterator<Item = Vec<u8>>, is_packed: bool) {
    let (mut offsets, mut data, mut rows) = (0_i64.to_le_bytes().to_vec(), Vec::new(), 0);
    for text in texts {
        data.extend_from_slice(&text);
        offsets.extend_from_slice(&i64::try_from(data.len()).unwrap().to_le_bytes());
        rows += 1;
    }
    // A large text: type 20, offsets of 64 bits.
    let text = Node::Table(vec![]);
    let field = Node::Table(vec![
        Slot::To(Node::Text("text")),
        Slot::U8(0),
        Slot::U8(20),
        Slot::To(text),
        Slot::Absent,
        Slot::To(Node::Tables(vec![])),
    ]);
    message(out, 1, Node::Table(vec![Slot::I16(0), Slot::To(Node::Tables(vec![field]))]), &[]);
    let mut body = Vec::new();
    let mut places = vec![(0, 0)];
    for bytes in [offsets, data] {
        let bytes = if is_packed {
            let length = i64::try_from(bytes.len()).unwrap().to_le_bytes();
            [&length[..], &zstd::encode_all(&bytes[..], 1).unwrap()].concat()
        } else {
            bytes
        };
        places.push((i64::try_from(body.len()).unwrap(), i64::try_from(bytes.len()).unwrap()));
        body.extend_from_slice(&bytes);
        body.resize(body.len().next_multiple_of(8), 0);
    }
    let mut batch = vec![Slot::I64(rows), Slot::To(Node::Pairs(vec![(rows, 0)])), Slot::To(Node::Pairs(places))];
    if is_packed {
        batch.push(Slot::To(Node::Table(vec![Slot::U8(1), Slot::U8(0)])));
    }
    message(out, 3, Node::Table(batch), &body);
    out.write_all(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]).unwrap();
    out.flush().unwrap();
}

fn message(out: &mut impl Write, kind: u8, header: Node, body: &[u8]) {
    let length = i64::try_from(body.len()).unwrap();
    // Version 5 of the metadata is number 4.
    let message = Node::Table(vec![Slot::I16(4), Slot::U8(kind), Slot::To(header), Slot::I64(length)]);
    let mut bytes = vec![0; 4];
    let at = put(&mut bytes, &message);
    bytes[..4].copy_from_slice(&u32::try_from(at).unwrap().to_le_bytes());
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    out.write_all(&[0xff; 4]).unwrap();
    out.write_all(&u32::try_from(bytes.len()).unwrap().to_le_bytes()).unwrap();
    out.write_all(&bytes).unwrap();
    out.write_all(body).unwrap();
}

/// Appends a node and says where it begins; what it points to comes behind it.
fn put(out: &mut Vec<u8>, node: &Node) -> usize {
    out.resize(out.len().next_multiple_of(8), 0);
    match node {
        Node::Text(text) => {
            let at = out.len();
            out.extend_from_slice(&u32::try_from(text.len()).unwrap().to_le_bytes());
            out.extend_from_slice(text.as_bytes());
            out.push(0);
            at
        }
        Node::Pairs(pairs) => {
            // The numbers are aligned, not the count before them.
            out.resize(out.len() + 4, 0);
            let at = out.len();
            out.extend_from_slice(&u32::try_from(pairs.len()).unwrap().to_le_bytes());
            pairs.iter().for_each(|(a, b)| {
                out.extend_from_slice(&a.to_le_bytes());
                out.extend_from_slice(&b.to_le_bytes());
            });
            at
        }
        Node::Tables(tables) => {
            let at = out.len();
            out.extend_from_slice(&u32::try_from(tables.len()).unwrap().to_le_bytes());
            out.resize(out.len() + 4 * tables.len(), 0);
            for (item, table) in tables.iter().enumerate() {
                point(out, at + 4 + 4 * item, table);
            }
            at
        }
        Node::Table(slots) => {
            // Eight bytes for each field, after eight for the table of places: wasteful and aligned.
            let places = out.len();
            let len = u16::try_from(4 + 2 * slots.len()).unwrap();
            let size = u16::try_from(8 + 8 * slots.len()).unwrap();
            out.extend_from_slice(&len.to_le_bytes());
            out.extend_from_slice(&size.to_le_bytes());
            for (field, slot) in slots.iter().enumerate() {
                let place = if matches!(slot, Slot::Absent) { 0 } else { u16::try_from(8 + 8 * field).unwrap() };
                out.extend_from_slice(&place.to_le_bytes());
            }
            out.resize(out.len().next_multiple_of(8), 0);
            let at = out.len();
            out.extend_from_slice(&i32::try_from(at - places).unwrap().to_le_bytes());
            out.resize(at + usize::from(size), 0);
            for (field, slot) in slots.iter().enumerate() {
                let place = at + 8 + 8 * field;
                match slot {
                    Slot::Absent => {}
                    Slot::U8(value) => out[place] = *value,
                    Slot::I16(value) => out[place..place + 2].copy_from_slice(&value.to_le_bytes()),
                    Slot::I64(value) => out[place..place + 8].copy_from_slice(&value.to_le_bytes()),
                    Slot::To(node) => point(out, place, node),
                }
            }
            at
        }
    }
}

/// Appends a node and lets a place point to it.
fn point(out: &mut Vec<u8>, place: usize, node: &Node) {
    let at = put(out, node);
    out[place..place + 4].copy_from_slice(&u32::try_from(at - place).unwrap().to_le_bytes());
}

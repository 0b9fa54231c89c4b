//! CBOR that can be damaged in every place and every way.

use reproledger::codec::{DecodeError, Decoder, Encoder};

/// CBOR of our profile, open to changes.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Leaf(Vec<u8>),
    Array(Vec<Node>),
    Map(Vec<(Vec<u8>, Node)>),
}

impl Node {
    pub(super) fn parse(bytes: &[u8]) -> Self {
        Decoder::decode(bytes, Self::read).unwrap()
    }

    fn read(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        match d.peek() {
            Some(4) => Ok(Self::Array(d.array(Self::read)?)),
            Some(5) => {
                let raw = d.raw()?;
                // Keys are integers or texts; the typed readers check which, here they are only bytes.
                let mut entries = Vec::new();
                let mut inner = Decoder::new(raw);
                let as_ints = inner.int_map(|key, d| {
                    entries.push((Encoder::encode(|e| e.int(key)), Self::read(d)?));
                    Ok::<_, DecodeError>(())
                });
                if as_ints.is_err() {
                    entries.clear();
                    Decoder::new(raw).text_map(|key, d| {
                        entries.push((Encoder::encode(|e| e.text(key)), Self::read(d)?));
                        Ok::<_, DecodeError>(())
                    })?;
                }
                Ok(Self::Map(entries))
            }
            _ => Ok(Self::Leaf(d.raw()?.to_vec())),
        }
    }

    pub(super) fn write(&self, e: &mut Encoder) {
        match self {
            Self::Leaf(bytes) => e.raw(bytes),
            Self::Array(items) => {
                e.array(items.len());
                for item in items {
                    item.write(e);
                }
            }
            Self::Map(entries) => {
                // The header of a map of this many entries, then the entries in order.
                let mut sorted: Vec<_> = entries.iter().collect();
                sorted.sort_by(|left, right| left.0.cmp(&right.0));
                let mut header = Encoder::encode(|e| e.array(sorted.len()));
                header[0] |= 0x20;
                e.raw(&header);
                for (key, value) in sorted {
                    e.raw(key);
                    value.write(e);
                }
            }
        }
    }

    /// This node changed in one place, in every place and way.
    pub(super) fn damaged(&self) -> Vec<Self> {
        let leaf = |write: fn(&mut Encoder)| Self::Leaf(Encoder::encode(write));
        let mut all = vec![
            leaf(Encoder::null),
            leaf(|e| e.bool(true)),
            leaf(|e| e.uint(77)),
            leaf(|e| e.int(-77)),
            leaf(|e| e.text("x")),
            leaf(|e| e.text("")),
            leaf(|e| e.bytes(&[1; 31])),
            leaf(|e| e.bytes(&[1; 33])),
            Self::Array(Vec::new()),
            Self::Map(Vec::new()),
        ];
        match self {
            Self::Leaf(_) => {}
            Self::Array(items) => {
                for at in 0..items.len() {
                    let change = |items: &mut Vec<Self>, change: fn(&mut Vec<Self>, usize)| {
                        let mut items = items.clone();
                        change(&mut items, at);
                        Self::Array(items)
                    };
                    let mut items = items.clone();
                    all.push(change(&mut items, |items, at| drop(items.remove(at))));
                    all.push(change(&mut items, |items, at| items.insert(at, items[at].clone())));
                    for damaged in items[at].damaged() {
                        let mut items = items.clone();
                        items[at] = damaged;
                        all.push(Self::Array(items));
                    }
                }
            }
            Self::Map(entries) => {
                for key in [Encoder::encode(|e| e.uint(99)), Encoder::encode(|e| e.text("more"))] {
                    all.push(Self::Map([entries.as_slice(), &[(key, leaf(|e| e.uint(1)))]].concat()));
                }
                for at in 0..entries.len() {
                    let mut without = entries.clone();
                    without.remove(at);
                    all.push(Self::Map(without));
                    for damaged in entries[at].1.damaged() {
                        let mut entries = entries.clone();
                        entries[at].1 = damaged;
                        all.push(Self::Map(entries));
                    }
                }
            }
        }
        all
    }
}

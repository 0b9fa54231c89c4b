//! Writes a manifest of any length in the memory of its object: leaves go in, their root comes out.

use super::grouped::Grouped;
use super::{MAX_MANIFEST_BYTES, ManifestError, ManifestHash, ManifestHeader};
use crate::codec::Encoder;
use crate::digest::{DIGEST_LEN, DigestKind, ManifestRoot};

/// Room for the header of the array, which holds the count and is written last.
const ARRAY_HEADER: usize = 9;

/// A manifest whose object is written already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Kind of its root.
    pub kind: DigestKind,
    /// The root that an entry commits to.
    pub root: ManifestRoot,
    /// Number of items.
    pub count: u64,
    /// The object, as [`super::Manifest::to_object`] gives it.
    pub object: Vec<u8>,
}

/// Leaves as they are prepared on any thread: their canonical bytes one after the other, and the hash of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leaves {
    bytes: Vec<u8>,
    hashes: Vec<[u8; DIGEST_LEN]>,
}

impl Leaves {
    /// Adds the leaf that `write` writes.
    pub fn push(&mut self, hash: &ManifestHash, write: impl FnOnce(&mut Encoder)) {
        let start = self.bytes.len();
        let mut encoder = Encoder::onto(std::mem::take(&mut self.bytes));
        write(&mut encoder);
        self.bytes = encoder.into_bytes();
        self.hashes.push(*hash.leaf(&self.bytes[start..]).as_bytes());
    }

    /// Number of leaves.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// True while there is none.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }
}

/// Takes leaves in order.
pub struct ManifestWriter {
    kind: DigestKind,
    object: Vec<u8>,
    count: u64,
    leaves: Grouped,
}

impl ManifestWriter {
    /// A manifest with nothing but its header.
    pub fn new(header: &ManifestHeader) -> Result<Self, ManifestError> {
        let hash = ManifestHash::new(header.kind)?;
        let encoded = header.encode();
        let mut leaves = Grouped::new(header.kind)?;
        leaves.push(*hash.leaf(&encoded).as_bytes());
        let mut object = vec![0; ARRAY_HEADER];
        object.extend_from_slice(&encoded);
        Ok(Self { kind: header.kind, object, count: 0, leaves })
    }

    /// Adds leaves, which were hashed under this manifest's kind.
    pub fn append(&mut self, leaves: &Leaves) -> Result<(), ManifestError> {
        self.check_room(leaves.bytes.len())?;
        self.object.extend_from_slice(&leaves.bytes);
        self.count += leaves.hashes.len() as u64;
        for hash in &leaves.hashes {
            self.leaves.push(*hash);
        }
        Ok(())
    }

    /// Adds the leaf that `write` writes.
    pub fn leaf(&mut self, hash: &ManifestHash, write: impl FnOnce(&mut Encoder)) -> Result<(), ManifestError> {
        let mut leaves = Leaves::default();
        leaves.push(hash, write);
        self.append(&leaves)
    }

    fn check_room(&self, more: usize) -> Result<(), ManifestError> {
        let found = (self.object.len() + more) as u64;
        if found > MAX_MANIFEST_BYTES { Err(ManifestError::TooLarge { kind: self.kind.name() }) } else { Ok(()) }
    }

    /// The root and the object.
    pub fn finish(mut self) -> Result<Written, ManifestError> {
        if self.count == 0 {
            return Err(ManifestError::Empty);
        }
        let root = self.leaves.root().ok_or(ManifestError::Empty)?;
        let len = usize::try_from(self.count + 1).map_err(|_| ManifestError::TooLarge { kind: self.kind.name() })?;
        let header = Encoder::encode(|e| e.array(len));
        let spare = ARRAY_HEADER - header.len();
        self.object.drain(..spare);
        self.object[..header.len()].copy_from_slice(&header);
        let root = ManifestRoot::from_bytes(*root.as_bytes());
        Ok(Written { kind: self.kind, root, count: self.count, object: self.object })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::artifact::manifest::Manifest;

    #[test]
    fn what_is_written_in_pieces_is_the_manifest_written_at_once() {
        let header = ManifestHeader { kind: DigestKind::Rows, projection: "text".to_owned(), facts: None };
        let hash = ManifestHash::new(DigestKind::Rows).unwrap();
        for count in [1_u64, 2, 3, 22, 23, 24, 4094, 4095, 4096, 4097, 12_287, 12_288, 13_001] {
            let items = (0..count).map(|at| Encoder::encode(|e| e.uint(at))).collect();
            let manifest = Manifest { header: header.clone(), items };
            let mut writer = ManifestWriter::new(&header).unwrap();
            for from in (0..count).step_by(1000) {
                let mut leaves = Leaves::default();
                (from..count.min(from + 1000)).for_each(|at| leaves.push(&hash, |e| e.uint(at)));
                writer.append(&leaves).unwrap();
            }
            let written = writer.finish().unwrap();
            let expected =
                Written { kind: DigestKind::Rows, root: manifest.root().unwrap(), count, object: manifest.to_object() };
            assert_eq!(written, expected, "{count}");
        }
        assert_eq!(ManifestWriter::new(&header).unwrap().finish(), Err(ManifestError::Empty));
    }
}

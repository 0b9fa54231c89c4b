//! The digest of bytes from the subtrees of their pieces, which come in order.

use super::{FileDigest, Subtree};

/// Bytes in a leaf of a BLAKE3 tree.
pub const CHUNK: u64 = 1024;

/// Subtrees so far, joined as far as they can be: one hash for each level.
#[derive(Default)]
pub struct Joined {
    /// First chunk, number of chunks and root of each subtree that is not joined yet. The last two are joined only when
    /// another follows: if none does, theirs is the root of the whole, which is hashed apart.
    range: Vec<(u64, u64, Subtree)>,
    /// Chunks pushed.
    chunks: u64,
}

impl Joined {
    /// Where the next piece begins.
    pub fn len(&self) -> u64 {
        self.chunks * CHUNK
    }

    /// True before the first piece.
    pub fn is_empty(&self) -> bool {
        self.chunks == 0
    }

    /// Adds the subtree of the next `bytes` bytes: a power of two of chunks, at a multiple of their number. Only the last
    /// piece may have any other length.
    pub fn push(&mut self, bytes: u64, subtree: Subtree) {
        while let [.., (first, left_chunks, left), (_, right_chunks, right)] = self.range[..]
            && left_chunks == right_chunks
            && first.is_multiple_of(2 * left_chunks)
        {
            self.range.truncate(self.range.len() - 2);
            self.range.push((first, 2 * left_chunks, left.merge(right)));
        }
        let chunks = bytes.div_ceil(CHUNK);
        self.range.push((self.chunks, chunks, subtree));
        self.chunks += chunks;
    }

    /// The digest; nothing where there were not two pieces, since the root of a single one is hashed in another way.
    pub fn finish(mut self) -> Option<FileDigest> {
        while let [.., (first, left_chunks, left), (_, right_chunks, right)] = self.range[..]
            && self.range.len() > 2
        {
            self.range.truncate(self.range.len() - 2);
            self.range.push((first, left_chunks + right_chunks, left.merge(right)));
        }
        match self.range[..] {
            [(.., left), (.., right)] => Some(left.merge_root(right)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn content(len: usize) -> Vec<u8> {
        (0..len).map(|at| u8::try_from(at % 251).unwrap_or(0)).collect()
    }

    #[test]
    fn blocks_joined_in_order_give_the_digest_of_the_bytes() {
        let content = content(40 * 1024);
        for len in (1..40).flat_map(|blocks| [blocks * 1024 - 1023, blocks * 1024 - 1, blocks * 1024]) {
            let mut joined = Joined::default();
            for (at, block) in content[..len].chunks(1024).enumerate() {
                joined.push(block.len() as u64, Subtree::of(block, 1024 * at as u64));
            }
            let expected = (len > 1024).then(|| FileDigest::of(&content[..len]));
            assert_eq!(joined.finish(), expected, "{len}");
        }
    }

    proptest! {
        #[test]
        fn pieces_of_any_sizes_give_the_digest_of_the_bytes(len in 1_usize..100_000, sizes in proptest::collection::vec(0_u32..7, 200)) {
            let content = content(len);
            let (mut joined, mut at) = (Joined::default(), 0_usize);
            for size in sizes.into_iter().chain(std::iter::repeat(0)) {
                let most = if at == 0 { 63 } else { (at / 1024).trailing_zeros() };
                let piece = &content[at..content.len().min(at + (1024_usize << size.min(most)))];
                prop_assert_eq!(joined.len(), at as u64);
                joined.push(piece.len() as u64, Subtree::of(piece, at as u64));
                at += piece.len();
                if at == len {
                    break;
                }
            }
            let is_one = joined.range.len() == 1;
            prop_assert_eq!(joined.finish(), (!is_one).then(|| FileDigest::of(&content)));
        }
    }
}

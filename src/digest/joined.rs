//! The digest of a file from the subtrees of its blocks, which come in order.

use super::{FileDigest, Subtree};

/// Subtrees of equal blocks so far, joined as far as they can be.
#[derive(Default)]
pub struct Joined {
    /// Roots of complete subtrees, largest first. The last two are joined only when another block follows: if none
    /// does, theirs is the root of the file, which is hashed apart.
    range: Vec<Subtree>,
    count: u64,
}

impl Joined {
    /// Adds the subtree of the next block. Only the last block may be shorter than the others.
    pub fn push(&mut self, subtree: Subtree) {
        while self.range.len() > self.count.count_ones() as usize {
            self.join_last();
        }
        self.range.push(subtree);
        self.count += 1;
    }

    fn join_last(&mut self) {
        if let (Some(right), Some(left)) = (self.range.pop(), self.range.pop()) {
            self.range.push(left.merge(right));
        }
    }

    /// The digest; nothing where there were not two blocks, since the root of a single one is hashed in another way.
    pub fn finish(mut self) -> Option<FileDigest> {
        while self.range.len() > 2 {
            self.join_last();
        }
        match self.range[..] {
            [left, right] => Some(left.merge_root(right)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_joined_in_order_give_the_digest_of_the_bytes() {
        let content: Vec<u8> = (0..40 * 1024_u32).map(|at| u8::try_from(at % 251).unwrap_or(0)).collect();
        for len in (1..40).flat_map(|blocks| [blocks * 1024 - 1023, blocks * 1024 - 1, blocks * 1024]) {
            let mut joined = Joined::default();
            for (at, block) in content[..len].chunks(1024).enumerate() {
                joined.push(Subtree::of(block, 1024 * at as u64));
            }
            let expected = (len > 1024).then(|| FileDigest::of(&content[..len]));
            assert_eq!(joined.finish(), expected, "{len}");
        }
    }
}

//! Many short messages hashed side by side: what BLAKE3 does for one long message, for the rows of a dataset.
//!
//! One message of 1.5 kB uses one lane of the vector units; rows come by the thousand, so whole chunks, whole blocks and
//! parents of different rows are compressed together. The results are those of `blake3::hash`, and the tests hold them to
//! it. This is the one use of `blake3::platform`, which upstream leaves out of its semver promise: hence the exact version
//! in `Cargo.toml`.
//!
//! Tree: <https://github.com/BLAKE3-team/BLAKE3-specs/blob/master/blake3.pdf> §2

use std::ops::Range;

use blake3::IncrementCounter;
use blake3::platform::Platform;

use super::{DIGEST_LEN, FileDigest};

const CHUNK: usize = 1024;
const BLOCK: usize = 64;

/// Flags of the compression function (§2.2).
const CHUNK_START: u8 = 1;
const CHUNK_END: u8 = 1 << 1;
const PARENT: u8 = 1 << 2;
const ROOT: u8 = 1 << 3;
const DERIVE_KEY_MATERIAL: u8 = 1 << 6;

/// The chaining value that unkeyed hashing begins with: SHA-256's (§2.2).
const IV: Words =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// Longer messages fill the vector units by themselves.
const LONG: usize = 16 * CHUNK;

/// Inputs handed over in one call: the widest vector unit takes 16.
const LANES: usize = 64;

type Words = [u32; 8];
type Value = [u8; DIGEST_LEN];

fn words(value: &Value) -> Words {
    std::array::from_fn(|at| u32::from_le_bytes(std::array::from_fn(|byte| value[4 * at + byte])))
}

fn value(words: &Words) -> Value {
    std::array::from_fn(|at| words[at / 4].to_le_bytes()[at % 4])
}

/// The digest of each message.
pub fn hash_each(messages: &[&[u8]]) -> Vec<FileDigest> {
    EachHasher::plain().hash(messages).into_iter().map(FileDigest).collect()
}

/// Hashes messages side by side: plainly, or keyed to one purpose by a `derive_key` context.
#[derive(Clone)]
pub struct EachHasher {
    platform: Platform,
    key: Words,
    /// Flags of every compression beside those of its place.
    mode: u8,
    /// For messages that fill the vector units by themselves.
    long: blake3::Hasher,
}

impl EachHasher {
    /// Gives the digests of raw bytes.
    pub fn plain() -> Self {
        Self { platform: Platform::detect(), key: IV, mode: 0, long: blake3::Hasher::new() }
    }

    /// Gives what [`super::ContextHasher::hash`] of the same context gives for each message.
    pub fn of_context(context: &'static str) -> Self {
        Self {
            platform: Platform::detect(),
            key: words(&blake3::hazmat::hash_derive_key_context(context)),
            mode: DERIVE_KEY_MATERIAL,
            long: blake3::Hasher::new_derive_key(context),
        }
    }

    /// The hash of each message.
    pub fn hash(&self, messages: &[&[u8]]) -> Vec<[u8; DIGEST_LEN]> {
        let short: Vec<&[u8]> = messages.iter().copied().filter(|message| message.len() <= LONG).collect();
        let mut values = self.short_messages(&short).into_iter();
        let digest = |message: &&[u8]| {
            let value = if message.len() > LONG { None } else { values.next() };
            value.unwrap_or_else(|| *self.long.clone().update(message).finalize().as_bytes())
        };
        messages.iter().map(digest).collect()
    }

    /// The values of messages of at most [`LONG`] bytes.
    fn short_messages(&self, messages: &[&[u8]]) -> Vec<Value> {
        // Where the chaining values of the chunks of each message stand.
        let mut end = 0;
        let mut trees: Vec<Range<usize>> = Vec::with_capacity(messages.len());
        for message in messages {
            let start = end;
            end += message.len().div_ceil(CHUNK).max(1);
            trees.push(start..end);
        }
        let mut values = vec![[0; DIGEST_LEN]; end];

        // Every chunk but the last of each message: those at the same place in their messages together.
        for counter in 0..LONG / CHUNK - 1 {
            let mut inputs = Vec::new();
            for (message, tree) in messages.iter().zip(&trees).filter(|(_, tree)| tree.len() > counter + 1) {
                inputs.push((tree.start + counter, &message.as_chunks::<CHUNK>().0[counter]));
            }
            self.compress(&inputs, counter as u64, [0, CHUNK_START, CHUNK_END], &mut values);
        }
        self.last_chunks(messages, &trees, &mut values);
        self.join(&trees, &mut values);
        trees.iter().map(|tree| values[tree.start]).collect()
    }

    /// Compresses inputs of one length; `flags` are those of every block, of the first and of the last.
    fn compress<const N: usize>(
        &self,
        inputs: &[(usize, &[u8; N])],
        counter: u64,
        flags: [u8; 3],
        values: &mut [Value],
    ) {
        let [every, first, last] = flags;
        compress(self.platform, inputs, &self.key, counter, [every | self.mode, first, last], values);
    }

    /// The last chunk of each message: its whole blocks beside those of chunks of the same shape, its last block alone.
    fn last_chunks(&self, messages: &[&[u8]], trees: &[Range<usize>], values: &mut [Value]) {
        // The number of whole blocks, at most 15, and the place of the chunk in its message, at most 15.
        let shape = |at: usize| {
            let (chunk, counter) = last_chunk(messages[at]);
            (chunk.len().saturating_sub(1) / BLOCK, counter)
        };
        let mut order: Vec<usize> = (0..messages.len()).collect();
        order.sort_by_cached_key(|at| shape(*at));
        for group in order.chunk_by(|left, right| shape(*left) == shape(*right)) {
            let (blocks, counter) = shape(group[0]);
            let inputs: Vec<(usize, &[u8])> =
                group.iter().map(|at| (trees[*at].end - 1, &last_chunk(messages[*at]).0[..blocks * BLOCK])).collect();
            self.whole_blocks(&inputs, blocks, counter, values);
            let start = if blocks == 0 { CHUNK_START } else { 0 };
            for at in group {
                let rest = &last_chunk(messages[*at]).0[blocks * BLOCK..];
                let mut block = [0; BLOCK];
                block[..rest.len()].copy_from_slice(rest);
                let tree = &trees[*at];
                let root = if tree.len() == 1 { ROOT } else { 0 };
                let mut state = if blocks == 0 { self.key } else { words(&values[tree.end - 1]) };
                let len = u8::try_from(rest.len()).expect("a block has 64 bytes at most");
                let flags = self.mode | start | CHUNK_END | root;
                self.platform.compress_in_place(&mut state, &block, len, counter, flags);
                values[tree.end - 1] = value(&state);
            }
        }
    }

    /// The first blocks of a chunk; the length of what is hashed side by side is part of the type.
    fn whole_blocks(&self, inputs: &[(usize, &[u8])], blocks: usize, counter: u64, values: &mut [Value]) {
        macro_rules! by_length {
            ($($count:literal)+) => {
                match blocks {
                    $($count => {
                        let typed = |(at, input): &(usize, _)| (*at, first_chunk::<{ $count * BLOCK }>(input));
                        let inputs: Vec<_> = inputs.iter().map(typed).collect();
                        self.compress(&inputs, counter, [0, CHUNK_START, 0], values);
                    })+
                    _ => {}
                }
            };
        }
        by_length!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    }

    /// Joins the values of each message's chunks, level by level, to the one that stands first.
    fn join(&self, trees: &[Range<usize>], values: &mut [Value]) {
        let mut open: Vec<Range<usize>> = trees.iter().filter(|tree| tree.len() > 1).cloned().collect();
        while !open.is_empty() {
            for (is_root, flags) in [(false, PARENT), (true, PARENT | ROOT)] {
                let pairs: Vec<(usize, [u8; BLOCK])> = open
                    .iter()
                    .filter(|tree| (tree.len() == 2) == is_root)
                    .flat_map(|tree| (0..tree.len() / 2).map(|pair| (tree.start + pair, tree.start + 2 * pair)))
                    .map(|(to, from)| (to, pair(&values[from], &values[from + 1])))
                    .collect();
                let inputs: Vec<_> = pairs.iter().map(|(to, block)| (*to, block)).collect();
                self.compress(&inputs, 0, [flags, 0, 0], values);
            }
            for tree in &mut open {
                // An odd one out moves up as it is.
                let (pairs, odd) = (tree.len() / 2, tree.len() % 2);
                if odd == 1 {
                    values[tree.start + pairs] = values[tree.end - 1];
                }
                tree.end = tree.start + pairs + odd;
            }
            open.retain(|tree| tree.len() > 1);
        }
    }
}

/// Compresses inputs of one length under one key; `flags` are those of every block, of the first and of the last.
fn compress<const N: usize>(
    platform: Platform,
    inputs: &[(usize, &[u8; N])],
    key: &Words,
    counter: u64,
    flags: [u8; 3],
    values: &mut [Value],
) {
    let mut out = [0; LANES * DIGEST_LEN];
    let mut lanes: Vec<&[u8; N]> = Vec::with_capacity(LANES);
    let [every, first, last] = flags;
    for inputs in inputs.chunks(LANES) {
        lanes.clear();
        lanes.extend(inputs.iter().map(|(_, input)| *input));
        let out = &mut out[..lanes.len() * DIGEST_LEN];
        platform.hash_many(&lanes, key, counter, IncrementCounter::No, every, first, last, out);
        for ((at, _), value) in inputs.iter().zip(out.as_chunks().0) {
            values[*at] = *value;
        }
    }
}

/// The last chunk of a message, and its place in it.
fn last_chunk(message: &[u8]) -> (&[u8], u64) {
    let counter = message.len().saturating_sub(1) / CHUNK;
    (&message[counter * CHUNK..], counter as u64)
}

fn first_chunk<'a, const N: usize>(input: &&'a [u8]) -> &'a [u8; N] {
    input.first_chunk().expect("inputs of one shape have one length")
}

fn pair(left: &Value, right: &Value) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    block[..DIGEST_LEN].copy_from_slice(left);
    block[DIGEST_LEN..].copy_from_slice(right);
    block
}

/// Hashes pairs of values under one `derive_key` context: the nodes of manifests.
#[derive(Clone)]
pub struct PairHasher {
    platform: Platform,
    key: Words,
}

impl PairHasher {
    /// Gives what [`super::ContextHasher::hash`] of the same context gives for the two values.
    pub fn new(context: &'static str) -> Self {
        Self { platform: Platform::detect(), key: words(&blake3::hazmat::hash_derive_key_context(context)) }
    }

    /// The value of each pair of neighbours; an odd one at the end is left out.
    pub fn hash_pairs(&self, values: &[Value]) -> Vec<Value> {
        let pairs = values.as_chunks::<2>().0;
        let blocks: Vec<[u8; BLOCK]> = pairs.iter().map(|[left, right]| pair(left, right)).collect();
        let inputs: Vec<_> = blocks.iter().enumerate().collect();
        let mut hashed = vec![[0; DIGEST_LEN]; pairs.len()];
        let flags = [DERIVE_KEY_MATERIAL, CHUNK_START, CHUNK_END | ROOT];
        compress(self.platform, &inputs, &self.key, 0, flags, &mut hashed);
        hashed
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::ContextHasher;
    use super::*;

    fn check(messages: &[Vec<u8>]) {
        let slices: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
        let expected: Vec<FileDigest> = slices.iter().map(|message| FileDigest::of(message)).collect();
        assert_eq!(hash_each(&slices), expected);
        let context = "reproledger 2026 tree leaf v1";
        let alone = ContextHasher::new(context);
        let expected: Vec<Value> = slices.iter().map(|message| alone.hash(&[message])).collect();
        assert_eq!(EachHasher::of_context(context).hash(&slices), expected);
    }

    fn message(len: usize) -> Vec<u8> {
        (0..len).map(|at| u8::try_from((at * 31 + at / 251 + len) % 256).expect("below 256")).collect()
    }

    #[test]
    fn side_by_side_every_length_has_the_digest_it_has_alone() {
        let edges = (0..=17).flat_map(|chunk| [0, 1, 63, 64, 65, 511, 1023].map(|more| chunk * CHUNK + more));
        check(&edges.map(message).collect::<Vec<_>>());
        check(&[]);
        // More messages of one shape than there are lanes.
        check(&vec![message(1468); 3 * LANES + 1]);
    }

    #[test]
    fn a_pair_is_hashed_as_its_context_hashes_it() {
        let context = "reproledger 2026 rows node v1";
        let values: Vec<Value> = (0..135).map(|at| [at; DIGEST_LEN]).collect();
        let expected: Vec<Value> =
            values.chunks_exact(2).map(|pair| ContextHasher::new(context).hash(&[&pair[0], &pair[1]])).collect();
        assert_eq!(PairHasher::new(context).hash_pairs(&values), expected);
    }

    proptest! {
        #[test]
        fn any_messages_together_have_the_digests_they_have_alone(lens in proptest::collection::vec(0..20_000_usize, 0..40)) {
            check(&lens.into_iter().map(message).collect::<Vec<_>>());
        }
    }
}

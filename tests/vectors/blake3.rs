//! BLAKE3: 35 lengths, hashed at once, in pieces, as merged subtrees, and under a context.

use reproledger::digest::{ContextHasher, FileDigest, FileHasher, Subtree, hex};

use super::{json, list, text};

const CHUNK: usize = 1024;

fn input(len: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

/// Where BLAKE3 splits more than one chunk: the largest power of two chunks that leaves something on the right.
fn split(len: usize) -> usize {
    (len.div_ceil(CHUNK)).next_power_of_two() / 2 * CHUNK
}

/// The subtree over `bytes`, merged from blocks of at most `block` bytes.
fn subtree(bytes: &[u8], offset: usize, block: usize) -> Subtree {
    if bytes.len() <= block {
        return Subtree::of(bytes, offset as u64);
    }
    let middle = split(bytes.len());
    subtree(&bytes[..middle], offset, block).merge(subtree(&bytes[middle..], offset + middle, block))
}

#[test]
fn every_length_hashes_to_the_known_answer_on_every_path() {
    if !super::data_is_there() {
        return;
    }
    let file = json("blake3/test_vectors/test_vectors.json");
    let cases = list(&file["cases"]);
    assert_eq!(cases.len(), 35);
    let context = ContextHasher::new("BLAKE3 2019-12-27 16:29:52 test vectors context");
    assert_eq!(text(&file["context_string"]), "BLAKE3 2019-12-27 16:29:52 test vectors context");
    let mut merged = 0;
    for case in cases {
        let len = usize::try_from(case["input_len"].as_u64().unwrap()).unwrap();
        let input = input(len);
        // The vectors give longer outputs; their first 32 bytes are the digest.
        let expected = &text(&case["hash"])[..64];
        assert_eq!(FileDigest::of(&input).to_string(), expected, "{len}");
        for piece in [1, 64, 1000, 4096] {
            let mut hasher = FileHasher::new();
            for bytes in input.chunks(piece) {
                hasher.update(bytes);
            }
            assert_eq!(hasher.finish().to_string(), expected, "{len} in pieces of {piece}");
        }
        for block in [CHUNK, 2 * CHUNK, 16 * CHUNK].into_iter().filter(|_| len > CHUNK) {
            let middle = split(len);
            let (left, right) = input.split_at(middle);
            let root = subtree(left, 0, block).merge_root(subtree(right, middle, block));
            assert_eq!(root.to_string(), expected, "{len} from blocks of {block}");
            merged += 1;
        }
        assert_eq!(hex(&context.hash(&[&input])), text(&case["derive_key"])[..64], "{len}");
    }
    assert_eq!(merged, 18 * 3);
}

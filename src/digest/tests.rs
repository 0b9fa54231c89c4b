//! Digests: one text form each, no two uses in one value, and files hashed in parts.

use proptest::prelude::*;

use super::*;
use crate::codec::{DecodeError, Decoder, Encoder};

const HEX: &str = "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef";

#[test]
fn hex_is_64_lowercase_digits_and_nothing_else() {
    assert_eq!(hex(&parse_hex(HEX).unwrap()), HEX);
    let upper = HEX.to_uppercase();
    let (short, odd, long) = (&HEX[2..], &HEX[1..], format!("{HEX}00"));
    let spaces = [format!(" {}", &HEX[1..]), format!("{} ", &HEX[1..]), format!("{HEX}\n"), format!("{HEX}\r\n")];
    let prefixed = format!("0x{}", &HEX[2..]);
    let signed = format!("+{}", &HEX[1..]);
    let wide = format!("é{}", &HEX[2..]);
    let mut wrong = vec![upper.as_str(), short, odd, &long, &prefixed, &signed, &wide, "", "\\u{feff}"];
    wrong.extend(spaces.iter().map(String::as_str));
    for text in wrong {
        assert!(matches!(parse_hex(text), Err(ParseDigestError::Hex { .. })), "{text:?}");
        assert!(text.parse::<FileDigest>().is_err() && text.parse::<LedgerId>().is_err());
        assert!(format!("blake3:{text}").parse::<Digest>().is_err(), "{text:?}");
    }
}

#[test]
fn an_error_shows_at_most_80_characters_escaped() {
    let error = parse_hex(&format!("\u{1b}[2J{}", "x".repeat(200))).unwrap_err().to_string();
    assert!(error.starts_with("expected 64 lowercase hexadecimal digits, found `\\u{1b}[2Jx"), "{error}");
    assert!(error.len() < 160);
}

#[test]
fn a_digest_has_one_text_form() {
    let bytes = parse_hex(HEX).unwrap();
    for algorithm in Algorithm::ALL {
        let digest = Digest { algorithm: *algorithm, bytes };
        let text = digest.to_string();
        assert_eq!(text, format!("{}:{HEX}", algorithm.name()));
        assert_eq!(text.parse::<Digest>(), Ok(digest));
        assert_eq!(serde_json::to_string(&digest).unwrap(), format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<Digest>(&format!("\"{text}\"")).unwrap(), digest);
        assert_eq!(Decoder::decode(&Encoder::encode(|e| digest.encode(e)), Digest::decode), Ok(digest));
    }
    for text in [HEX, "sha1:00", &format!("BLAKE3:{HEX}"), &format!(" blake3:{HEX}"), &format!("md5:{HEX}"), ":", ""] {
        assert!(matches!(text.parse::<Digest>(), Err(ParseDigestError::Algorithm { .. })), "{text}");
        assert!(serde_json::from_value::<Digest>(text.into()).is_err());
    }
    assert!(serde_json::from_str::<Digest>("[1, 2]").is_err());
}

#[test]
fn a_digest_on_the_wire_names_a_known_algorithm_and_is_not_all_zero() {
    let wire = |algorithm: i64, bytes: &[u8]| {
        let bytes = Encoder::encode(|e| {
            e.array(2);
            e.int(algorithm);
            e.bytes(bytes);
        });
        Decoder::decode(&bytes, Digest::decode)
    };
    assert!(wire(1, &[1; 32]).is_ok());
    assert!(wire(3, &[1; 32]).unwrap_err().is_unsupported());
    assert!(matches!(wire(1, &[1; 31]), Err(DecodeError::Length { found: 31, .. })));
    assert!(matches!(wire(1, &[1; 33]), Err(DecodeError::Length { found: 33, .. })));
    let zero = wire(1, &[0; 32]).unwrap_err();
    assert!(matches!(zero, DecodeError::Length { expected: "32 bytes that are not all zero", .. }));
    assert!(!zero.is_unsupported());
}

#[test]
fn equal_bytes_under_another_algorithm_are_another_digest() {
    let bytes = parse_hex(HEX).unwrap();
    let as_blake3 = Digest::from(FileDigest::from_bytes(bytes));
    assert_ne!(as_blake3, Digest::from(Sha256Digest::from_bytes(bytes)));
    assert_ne!(as_blake3, Digest::from(LeafHash::from_bytes(bytes)));
}

#[test]
fn known_answers_of_the_plain_hashes() {
    let empty = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
    assert_eq!(FileDigest::of(b"").to_string(), empty);
    assert_eq!(FileHasher::new().finish().to_string(), empty);
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(Sha256Digest::of(b"abc").to_string(), abc);
}

#[test]
fn no_debug_text_shows_a_salt() {
    assert_eq!(format!("{:?}", Salt([0x5a; 32])), "Salt(..)");
}

proptest! {
    #[test]
    fn no_two_uses_of_the_same_bytes_meet_in_one_value(
        bytes in prop::collection::vec(any::<u8>(), 0..200), salt in any::<[u8; 32]>(),
    ) {
        let file = *FileDigest::of(&bytes).as_bytes();
        let commitment = *Commitment::to(&Salt(salt), &bytes).as_bytes();
        let salted_file = *FileDigest::of(&[&salt, bytes.as_slice()].concat()).as_bytes();
        let leaf = ContextHasher::new("reproledger 2026 tree leaf v1").hash(&[&bytes]);
        let sha = *Sha256Digest::of(&bytes).as_bytes();
        let all = std::collections::BTreeSet::from([file, commitment, salted_file, leaf, sha]);
        prop_assert_eq!(all.len(), 5);
    }

    #[test]
    fn a_commitment_binds_its_salt_and_its_body(
        body in prop::collection::vec(any::<u8>(), 1..100), salt in any::<[u8; 32]>(), at in any::<prop::sample::Index>(),
    ) {
        let commitment = Commitment::to(&Salt(salt), &body);
        let mut other_body = body.clone();
        other_body[at.index(body.len())] ^= 1;
        let mut other_salt = salt;
        other_salt[at.index(32)] ^= 1;
        prop_assert_ne!(Commitment::to(&Salt(salt), &other_body), commitment);
        prop_assert_ne!(Commitment::to(&Salt(other_salt), &body), commitment);
        prop_assert_ne!(Commitment::to(&Salt(salt), &body[1..]), commitment);
    }

    #[test]
    fn a_stream_in_any_pieces_has_the_digest_of_the_whole(
        bytes in prop::collection::vec(any::<u8>(), 0..5000), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        ends.push(bytes.len());
        ends.sort_unstable();
        let mut hasher = FileHasher::new();
        let mut start = 0;
        for end in ends {
            hasher.update(&bytes[start..end]);
            start = end;
        }
        prop_assert_eq!(hasher.finish(), FileDigest::of(&bytes));
    }
}

/// The digest of a file by subtrees of at most `block` bytes, split as the BLAKE3 tree splits.
fn by_subtrees(bytes: &[u8], block: usize) -> FileDigest {
    fn subtree(bytes: &[u8], offset: usize, block: usize) -> Subtree {
        if bytes.len() <= block {
            return Subtree::of(bytes, offset as u64);
        }
        let half = bytes.len().next_power_of_two() / 2;
        subtree(&bytes[..half], offset, block).merge(subtree(&bytes[half..], offset + half, block))
    }
    let half = bytes.len().next_power_of_two() / 2;
    subtree(&bytes[..half], 0, block).merge_root(subtree(&bytes[half..], half, block))
}

#[test]
fn subtrees_merge_to_the_digest_of_the_whole() {
    let bytes: Vec<u8> = (0..70_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for len in [1025, 2047, 2048, 2049, 3072, 4096, 4097, 16_384, 16_385, 65_535, 65_536, 65_537, 70_000] {
        for block in [1024, 2048, 8192] {
            if len > block {
                assert_eq!(by_subtrees(&bytes[..len], block), FileDigest::of(&bytes[..len]), "{len} by {block}");
            }
        }
    }
}

#[test]
fn a_subtree_at_another_offset_is_another_subtree() {
    let bytes = [7; 2048];
    assert!(Subtree::of(&bytes[..1024], 0) != Subtree::of(&bytes[1024..], 1024));
    let (left, right) = (Subtree::of(&bytes[..1024], 0), Subtree::of(&bytes[1024..], 1024));
    assert_eq!(left.merge_root(right), FileDigest::of(&bytes));
    assert_ne!(right.merge_root(left), FileDigest::of(&bytes));
}

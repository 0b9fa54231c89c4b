//! Checkpoints: the parse cases of transparency-dev/formats, and one that Sigsum signed.

use reproledger::digest::parse_hex;
use reproledger::key::{KeyName, NoteKind, SigningKey, VerifierKey};
use reproledger::merkle::{Head, HeadError, SignedHead, TreeSize};

use super::{json, list, text};

const ROOT: &str = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

/// The same text with a root of 32 bytes where the vectors put any base64.
fn with_root(body: &str) -> String {
    let mut lines: Vec<&str> = body.split('\n').collect();
    if lines.get(2).is_some_and(|root| root.ends_with('=')) {
        lines[2] = ROOT;
    }
    lines.join("\n")
}

#[test]
fn every_parse_case_is_as_the_vectors_say_where_they_know_no_root_length_and_extensions() {
    if !super::data_is_there() {
        return;
    }
    let file = json("checkpoint/parse_cases.json");
    let cases = list(&file["cases"]);
    assert_eq!(cases.len(), 12);
    let (mut sound, mut extended, mut refused) = (0, 0, 0);
    for case in cases {
        let (body, desc) = (text(&case["body"]), text(&case["desc"]));
        // No case has a SHA-256 root, so none is a head of ours as it stands.
        assert!(Head::parse(body).is_err(), "{desc}");
        let found = Head::parse(&with_root(body));
        if case["want_error"] == true {
            assert!(found.is_err(), "{desc}");
            refused += 1;
        } else if text(&case["rest"]).is_empty() {
            assert_eq!(found.unwrap().to_text(), with_root(body), "{desc}");
            sound += 1;
        } else {
            assert_eq!(found, Err(HeadError::Extension), "{desc}");
            extended += 1;
        }
    }
    assert_eq!((sound, extended, refused), (2, 3, 7));
    // The Go checksum database has spaces in its origin, which a name of ours cannot; the rest of its text reads.
    let go = text(&file["go_format_tree"]["text"]);
    assert!(matches!(Head::parse(go), Err(HeadError::Origin(_))));
    let head = Head::parse(&go.replace("go.sum database tree", "go.sum")).unwrap();
    assert_eq!(head.tree.size, TreeSize(123_456_789_012));
}

#[test]
fn a_checkpoint_that_sigsum_signed_opens_and_is_signed_the_same() {
    if !super::data_is_there() {
        return;
    }
    let file = json("checkpoint/sigsum_signed.json");
    let note = text(&file["checkpoint"]);
    let signer = SigningKey::from_seed(parse_hex(text(&file["ed25519_seed_hex"])).unwrap());
    let name = KeyName::parse(note.lines().next().unwrap()).unwrap();
    let key = VerifierKey { name, kind: NoteKind::Ed25519, key: signer.public() };
    let open = SignedHead::open(note.as_bytes(), &key).unwrap();
    assert_eq!(open.tree().size, TreeSize(10));
    assert_eq!(open.head().sign(&signer).bytes(), note.as_bytes());
    assert!(SignedHead::open(note.replace("\n10\n", "\n11\n").as_bytes(), &key).is_err());
}

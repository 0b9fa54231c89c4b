//! The C2SP tlog-proof file, read here in its few lines and checked with the library's proofs and heads.

use reproledger::digest::NodeHash;
use reproledger::key::{KeyName, NoteKind, SigningKey, VerifierKey};
use reproledger::merkle::{
    EntryIndex, Head, MAX_PATH_HASHES, MemoryTree, Origin, SignedHead, check_inclusion, leaf_hash, prove_inclusion,
};

use super::{STANDARD, exactly, json, list, text, unbase64};
use base64::Engine;

const HEADER: &str = "c2sp.org/tlog-proof@v1\n";

struct Proof<'a> {
    index: EntryIndex,
    extra: Vec<u8>,
    path: Vec<NodeHash>,
    checkpoint: &'a str,
}

fn parse(text: &str) -> Option<Proof<'_>> {
    let (proof, checkpoint) = text.strip_prefix(HEADER)?.split_once("\n\n")?;
    let mut lines = proof.lines().peekable();
    let extra = match lines.next_if(|line| line.starts_with("extra ")) {
        Some(line) => STANDARD.decode(&line[6..]).ok()?,
        None => Vec::new(),
    };
    let index = EntryIndex(lines.next()?.strip_prefix("index ")?.parse().ok()?);
    let path: Vec<NodeHash> =
        lines.map(|line| Some(NodeHash::from_bytes(exactly(&STANDARD.decode(line).ok()?)?))).collect::<Option<_>>()?;
    (path.len() <= MAX_PATH_HASHES).then_some(Proof { index, extra, path, checkpoint })
}

fn write(proof: &Proof<'_>) -> String {
    let extra =
        if proof.extra.is_empty() { String::new() } else { format!("extra {}\n", STANDARD.encode(&proof.extra)) };
    let hashes: String = proof.path.iter().map(|hash| STANDARD.encode(hash.as_bytes()) + "\n").collect();
    format!("{HEADER}{extra}index {}\n{hashes}\n{}", proof.index, proof.checkpoint)
}

#[test]
fn good_and_bad_proof_files_are_told_apart() {
    if !super::data_is_there() {
        return;
    }
    let file = json("tlog-proof/cases.json");
    let (good, bad) = (list(&file["good"]), list(&file["bad"]));
    assert_eq!((good.len(), bad.len()), (3, 7));
    let key = VerifierKey {
        name: KeyName::parse("checkpoint").unwrap(),
        kind: NoteKind::Ed25519,
        key: SigningKey::from_seed([1; 32]).public(),
    };
    for case in good {
        let proof = parse(text(&case["text"])).unwrap_or_else(|| panic!("{}", case["name"]));
        assert_eq!(write(&proof), text(&case["text"]));
        assert_eq!(proof.index.0, case["index"].as_u64().unwrap());
        assert_eq!(proof.extra, unbase64(text(&case["extra_b64"])));
        assert_eq!(proof.checkpoint, text(&case["checkpoint"]));
        // Placeholders, not checkpoints: nobody signed them.
        assert!(SignedHead::open(proof.checkpoint.as_bytes(), &key).is_err());
    }
    for case in bad {
        assert!(parse(text(&case["text"])).is_none(), "{}", case["name"]);
    }
}

#[test]
fn a_proof_file_of_our_own_tree_proves_its_entry() {
    if !super::data_is_there() {
        return;
    }
    let signer = SigningKey::from_seed([1; 32]);
    let origin = Origin::parse("lab.example/log").unwrap();
    let key = VerifierKey { name: origin.key_name().clone(), kind: NoteKind::Ed25519, key: signer.public() };
    let mut tree = MemoryTree::new();
    for entry in 0..21_u8 {
        tree.append(leaf_hash(&[entry]));
    }
    let note = Head { origin, tree: tree.head() }.sign(&signer);
    for entry in 0..21_u8 {
        let index = EntryIndex(entry.into());
        let path = prove_inclusion(&tree, index, tree.size()).unwrap();
        let checkpoint = std::str::from_utf8(note.bytes()).unwrap();
        let written = write(&Proof { index, extra: Vec::new(), path, checkpoint });
        let read = parse(&written).unwrap();
        let head = SignedHead::open(read.checkpoint.as_bytes(), &key).unwrap();
        assert_eq!(check_inclusion(head.tree(), read.index, leaf_hash(&[entry]), &read.path), Ok(()));
        assert!(check_inclusion(head.tree(), read.index, leaf_hash(&[entry + 1]), &read.path).is_err());
    }
}

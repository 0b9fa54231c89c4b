//! Ledgers that a faithful writer would never make, and what an audit says of them.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::digest::{Digest, DigestKind, FileDigest, LeafHash, LedgerId};
use crate::key::SigningKey;
use crate::ledger::{Objects, Writer};
use crate::merkle::{EntryIndex, Origin};
use crate::statement::{
    Body, Claims, Edge, EdgeType, Entry, Genesis, KeyChange, Kind, Payload, Role, Subject, possession_message,
};

/// A ledger in a scratch directory, written entry by entry without any of the rules.
struct Forge {
    dir: tempfile::TempDir,
    writer: Writer,
    log: LedgerId,
}

fn issuer() -> SigningKey {
    SigningKey::from_seed([2; 32])
}

/// The digest of the file that the artifact of a kind is.
fn file_of(kind: Kind) -> [u8; 32] {
    [u8::try_from(kind.id()).unwrap(); 32]
}

fn claims(issued_at: u64) -> Claims {
    Claims { issuer: "https://lab.example".to_owned(), subject: "s".to_owned(), issued_at }
}

impl Forge {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (log_key, origin) = (SigningKey::from_seed([1; 32]), Origin::parse("lab.example").unwrap());
        let mut payload = Payload::new(Kind::Genesis, None, EntryIndex(0), EntryIndex(0));
        payload.genesis = Some(Genesis {
            origin: "lab.example".to_owned(),
            log_key: log_key.public(),
            keys: vec![(Role::Issuer, issuer().public())],
            nonce: [7; 16],
        });
        let genesis = Entry::sign(&payload, &claims(100), &issuer()).unwrap();
        let key = crate::ledger::verifier_key(&origin, &log_key);
        let (ledger, state) = (dir.path().join("ledger"), dir.path().join("state"));
        let writer = Writer::create(&ledger, &genesis, &origin, log_key, &state).unwrap();
        let log = writer.ledger();
        let settings = Settings::new(log, "lab.example", "https://lab.example", &key, ("log", "issuer"));
        fs::write(Settings::path(&ledger), settings.to_text()).unwrap();
        Self { dir, writer, log }
    }

    fn ledger(&self) -> PathBuf {
        self.dir.path().join("ledger")
    }

    fn payload(&self, kind: Kind) -> Payload {
        let index = self.writer.head().tree().size.next_index();
        let mut payload = Payload::new(kind, Some(self.log), index, EntryIndex(0));
        if kind.is_artifact() {
            payload.subjects.push(Subject::file(FileDigest::from_bytes(file_of(kind)), 1));
        }
        payload
    }

    fn put(&mut self, bytes: &[u8]) {
        self.writer.append(1, |_| Ok::<_, std::convert::Infallible>(bytes.to_vec())).unwrap();
    }

    fn say(&mut self, payload: &Payload, time: u64) {
        self.put(&Entry::sign(payload, &claims(time), &issuer()).unwrap());
    }

    fn audit(&self) -> Report {
        judge(&self.ledger(), &self.dir.path().join("state"), false, &Bar::new("", true)).unwrap()
    }
}

fn edge(edge_type: EdgeType, seq: u64, digest: [u8; 32]) -> Edge {
    let digest = FileDigest::from_bytes(digest).into();
    Edge { edge_type, log: None, seq: EntryIndex(seq), kind: DigestKind::File, digest }
}

/// The one finding of a ledger with one thing wrong.
fn only(report: &Report) -> (Verdict, Option<u64>, &str) {
    let [finding] = report.findings.as_slice() else { panic!("{:?}", report.findings) };
    (finding.verdict, finding.entry, &finding.reason)
}

#[test]
fn a_ledger_that_keeps_the_rules_is_clean() {
    let mut forge = Forge::new();
    let spec = forge.payload(Kind::Spec);
    forge.say(&spec, 100);
    let mut documents = forge.payload(Kind::Documents);
    documents.edges.push(edge(EdgeType::DecomposedFrom, 1, file_of(Kind::Spec)));
    forge.say(&documents, 101);
    let report = forge.audit();
    assert_eq!((report.verdict, report.exit_code), (Verdict::Clean, 0), "{:?}", report.findings);
    let entries = report.entries.as_ref().unwrap();
    assert_eq!((entries.read, entries.signatures, entries.links), (3, 3, 1));
    assert!(
        text(&report)
            .starts_with("CLEAN — 3 entries under 3 signed heads: every frame, head, signature and link holds\n")
    );
}

#[test]
fn a_signature_that_does_not_hold_is_damage_although_every_head_holds() {
    let mut forge = Forge::new();
    let spec = forge.payload(Kind::Spec);
    let mut bytes = Entry::sign(&spec, &claims(100), &issuer()).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    forge.put(&bytes);
    assert_eq!(only(&forge.audit()), (Verdict::Damaged, Some(1), "the signature of entry 1 does not hold"));
}

#[test]
fn a_key_that_was_never_enrolled_is_damage() {
    let mut forge = Forge::new();
    let spec = forge.payload(Kind::Spec);
    forge.put(&Entry::sign(&spec, &claims(100), &SigningKey::from_seed([9; 32])).unwrap());
    assert!(only(&forge.audit()).2.contains("which this ledger has not enrolled"));
}

#[test]
fn a_key_change_is_followed_and_a_revoked_key_signs_nothing() {
    let mut forge = Forge::new();
    let second = SigningKey::from_seed([3; 32]);
    let mut add = forge.payload(Kind::KeyChange);
    let possession = second.sign(&possession_message(&forge.log, EntryIndex(1), Role::Issuer));
    add.key_change = Some(KeyChange::Add { role: Role::Issuer, key: second.public(), possession });
    forge.say(&add, 100);
    let mut revoke = forge.payload(Kind::KeyChange);
    revoke.keyset = EntryIndex(1);
    revoke.key_change = Some(KeyChange::Revoke { key: issuer().public(), compromised_since: Some(EntryIndex(1)) });
    forge.put(&Entry::sign(&revoke, &claims(100), &second).unwrap());
    let report = forge.audit();
    assert_eq!(report.verdict, Verdict::Clean, "{:?}", report.findings);
    assert_eq!(report.entries.as_ref().unwrap().disowned, 1);
    assert!(report.notes.iter().any(|note| note.starts_with("1 entry is disowned")), "{:?}", report.notes);

    let mut spec = forge.payload(Kind::Spec);
    spec.keyset = EntryIndex(2);
    forge.say(&spec, 100);
    let report = forge.audit();
    assert_eq!(only(&report), (Verdict::Damaged, Some(3), "entry 3 is signed by a key that entry 2 had revoked"));
}

#[test]
fn after_a_change_of_keys_that_does_not_hold_signatures_are_unknown_not_guessed() {
    let mut forge = Forge::new();
    let second = SigningKey::from_seed([3; 32]);
    let mut add = forge.payload(Kind::KeyChange);
    let possession = second.sign(b"something else");
    add.key_change = Some(KeyChange::Add { role: Role::Issuer, key: second.public(), possession });
    forge.say(&add, 100);
    let mut spec = forge.payload(Kind::Spec);
    spec.keyset = EntryIndex(1);
    forge.put(&Entry::sign(&spec, &claims(100), &second).unwrap());
    let report = forge.audit();
    assert_eq!(report.verdict, Verdict::Damaged);
    let reasons: Vec<&str> = report.findings.iter().map(|finding| finding.reason.as_str()).collect();
    assert!(reasons[0].contains("has not signed its enrolment"), "{reasons:?}");
    assert!(reasons[1].contains("later signatures were not judged"), "{reasons:?}");
    assert_eq!(reasons.len(), 2);
}

#[test]
fn links_that_lead_forward_or_to_something_else_are_damage() {
    let spec_digest = file_of(Kind::Spec);
    for (link, expected) in [
        (edge(EdgeType::DecomposedFrom, 2, spec_digest), "entry 2 points to entry 2, which is not before it"),
        (edge(EdgeType::DecomposedFrom, 9, spec_digest), "entry 2 points to entry 9, which is not before it"),
        (
            edge(EdgeType::DecomposedFrom, 1, [1; 32]),
            "entry 2 points to entry 1 by a file digest that entry does not carry",
        ),
        (
            edge(EdgeType::TrainedOn, 1, spec_digest),
            "entry 2 (documents) cannot stand in `trained_on` to entry 1 (spec)",
        ),
    ] {
        let mut forge = Forge::new();
        let spec = forge.payload(Kind::Spec);
        forge.say(&spec, 100);
        let mut documents = forge.payload(Kind::Documents);
        documents.edges.push(link);
        forge.say(&documents, 100);
        assert_eq!(only(&forge.audit()), (Verdict::Damaged, Some(2), expected));
    }
}

#[test]
fn time_that_goes_back_another_ledgers_entry_and_a_protocol_that_is_not_there_are_damage() {
    let mut forge = Forge::new();
    let spec = forge.payload(Kind::Spec);
    forge.say(&spec, 99);
    assert!(only(&forge.audit()).2.starts_with("the time of entry 1 (99) is before that of entry 0 (100)"));

    let mut forge = Forge::new();
    let mut spec = forge.payload(Kind::Spec);
    spec.log = Some(LedgerId::from_bytes([5; 32]));
    forge.say(&spec, 100);
    assert!(only(&forge.audit()).2.starts_with("entry 1 belongs to another ledger"));

    let mut forge = Forge::new();
    let mut spec = forge.payload(Kind::Spec);
    spec.protocol = Some(LeafHash::from_bytes([5; 32]));
    forge.say(&spec, 100);
    assert!(only(&forge.audit()).2.contains("which is not in this ledger"));
}

#[test]
fn an_entry_of_the_future_is_unknown_and_bytes_that_are_no_entry_are_damage() {
    let mut forge = Forge::new();
    forge.put(b"not an entry");
    let report = forge.audit();
    assert_eq!((report.verdict, report.exit_code, only(&report).1), (Verdict::Damaged, 1, Some(1)));

    let mut forge = Forge::new();
    let spec = forge.payload(Kind::Spec);
    let bytes = Entry::sign(&spec, &claims(100), &issuer()).unwrap();
    // Kind 10 becomes kind 99, which this version does not know.
    let at = bytes.windows(4).position(|four| four == [0x01, 0x01, 0x02, 0x0a]).unwrap();
    let newer = [&bytes[..at + 3], &[0x18, 99], &bytes[at + 4..]].concat();
    let length = newer.windows(2).rposition(|two| two[0] == 0x58 && usize::from(two[1]) > 64 && two[1] != 64);
    let mut newer = newer;
    newer[length.unwrap() + 1] += 1;
    forge.put(&newer);
    let report = forge.audit();
    assert_eq!((report.verdict, report.exit_code), (Verdict::Unknown, 3), "{:?}", report.findings);
    assert!(text(&report).starts_with("UNKNOWN — entry 1 cannot be read"));
}

#[test]
fn objects_may_be_missing_but_never_others() {
    let mut forge = Forge::new();
    let body = Body { name: Some("a".to_owned()), ..Body::default() };
    let (commitment, object) = body.seal(&crate::digest::Salt([4; 32])).unwrap();
    let mut spec = forge.payload(Kind::Spec);
    spec.body = Some(commitment);
    let tree = crate::digest::ManifestRoot::from_bytes([6; 32]);
    spec.subjects.push(Subject::manifest(DigestKind::Tree, tree, 1, 1));
    forge.say(&spec, 100);
    let report = forge.audit();
    let entries = report.entries.as_ref().unwrap();
    assert_eq!(report.verdict, Verdict::Clean);
    assert_eq!((entries.bodies.missing, entries.manifests.missing), (1, 1));

    let objects = Objects::new(forge.ledger().join("objects"));
    objects.put(commitment.as_bytes(), &object).unwrap();
    assert_eq!(forge.audit().entries.unwrap().bodies.whole, 1);
    objects.put(commitment.as_bytes(), &[object.as_slice(), b"x"].concat()).unwrap();
    let report = forge.audit();
    let name = Digest::from(commitment).to_string();
    let path = format!("`objects/{}/{}`", &name[7..9], &name[9..]);
    assert!(only(&report).2.starts_with(&format!("{path} is not the body of entry 1")), "{:?}", report.findings);
    objects.put(commitment.as_bytes(), &object).unwrap();
    objects.put(tree.as_bytes(), b"\x82\xa0\x01").unwrap();
    assert_eq!(forge.audit().verdict, Verdict::Damaged);
}

#[test]
fn settings_that_name_another_ledger_are_damage() {
    let forge = Forge::new();
    let path = Settings::path(&forge.ledger());
    let text = fs::read_to_string(&path).unwrap();
    let other = text.replace(&forge.log.to_string(), &LedgerId::from_bytes([5; 32]).to_string());
    fs::write(&path, other).unwrap();
    assert!(only(&forge.audit()).2.starts_with("`ledger.toml` names another ledger id than entry 0"));
}

/// Alters one entry on disk as somebody would who knows the frames: every checksum is right again.
fn rewrite(forge: &Forge, entry: &[u8]) {
    let path = forge.ledger().join("log/000000.seg");
    let mut segment = fs::read(&path).unwrap();
    let at = segment.windows(entry.len()).position(|window| window == entry).unwrap();
    let (start, end) = (at - 5, at + entry.len() + 4);
    segment[at + entry.len() - 1] ^= 1;
    let checksum = crc32c::crc32c(&segment[start..end - 4]).to_be_bytes();
    segment[end - 4..end].copy_from_slice(&checksum);
    let group = FileDigest::of(&segment[start..end]);
    segment[end + 5..end + 37].copy_from_slice(group.as_bytes());
    let length = u32::from_be_bytes(segment[end..end + 4].try_into().unwrap()) as usize;
    let checksum = crc32c::crc32c(&segment[end..end + 5 + length]).to_be_bytes();
    segment[end + 5 + length..end + 9 + length].copy_from_slice(&checksum);
    fs::write(&path, segment).unwrap();
}

#[test]
fn an_entry_rewritten_with_all_checksums_right_is_named() {
    let mut forge = Forge::new();
    let entries: Vec<Vec<u8>> = [Kind::Spec, Kind::Config, Kind::Other]
        .into_iter()
        .map(|kind| {
            let bytes = Entry::sign(&forge.payload(kind), &claims(100), &issuer()).unwrap();
            forge.put(&bytes);
            bytes
        })
        .collect();
    rewrite(&forge, &entries[1]);
    let report = forge.audit();
    assert_eq!(
        (report.verdict, report.exit_code),
        (Verdict::Damaged, 1),
        "what was issued is remembered beside the log"
    );

    // Whoever rewrites the log also takes away what remembers its heads.
    let (ledger, elsewhere) = (forge.ledger(), forge.dir.path().join("elsewhere"));
    forge.writer.close().unwrap();
    fs::remove_file(ledger.join("head")).unwrap();
    let report = judge(&ledger, &elsewhere, false, &Bar::new("", true)).unwrap();
    assert_eq!((report.verdict, report.exit_code), (Verdict::Damaged, 1));
    assert!(report.findings[0].reason.contains("does not follow from the entries"), "{:?}", report.findings);
    assert!(report.findings[0].reason.starts_with("`log/000000.seg`"), "{:?}", report.findings);
    assert_eq!(report.findings.get(1).and_then(|finding| finding.entry), Some(2), "{:?}", report.findings);
}

#[test]
fn a_flipped_bit_says_how_far_the_log_is_whole() {
    let mut forge = Forge::new();
    let entries: Vec<Vec<u8>> = [Kind::Spec, Kind::Config, Kind::Other]
        .into_iter()
        .map(|kind| {
            let bytes = Entry::sign(&forge.payload(kind), &claims(100), &issuer()).unwrap();
            forge.put(&bytes);
            bytes
        })
        .collect();
    let path = forge.ledger().join("log/000000.seg");
    let mut segment = fs::read(&path).unwrap();
    let at = segment.windows(entries[1].len()).position(|window| window == entries[1]).unwrap();
    segment[at + 20] ^= 4;
    fs::write(&path, segment).unwrap();
    let report = forge.audit();
    assert_eq!(report.verdict, Verdict::Damaged);
    assert!(only(&report).2.ends_with("a frame fails its checksum"), "{:?}", report.findings);
    assert_eq!(report.notes, ["entries 0 to 1 are whole; the damage comes after them"]);
    assert!(text(&report).contains("Because of that"));
}

#[test]
fn damage_beats_what_is_unknown_and_findings_are_bounded() {
    let mut findings = Findings::default();
    assert_eq!(findings.verdict(), Verdict::Clean);
    findings.add(Verdict::Unknown, Some(0), "entry 0: newer");
    assert_eq!(findings.verdict(), Verdict::Unknown);
    for index in 1..200 {
        findings.add(Verdict::Damaged, Some(index), format!("entry {index} is wrong\n  expected a\n  found    b"));
    }
    let report = report("dir", None, None, findings, Vec::new());
    assert_eq!((report.verdict, report.exit_code), (Verdict::Damaged, 1));
    assert_eq!(report.summary, "DAMAGED — entry 1 is wrong (and 198 more)");
    assert_eq!((report.findings.len(), report.findings_count), (MAX_FINDINGS, 200));
    let text = text(&report);
    assert!(text.starts_with("DAMAGED — entry 1 is wrong (and 198 more)\n"), "{text}");
    assert!(text.contains("\n             expected a\n") && text.contains("and 150 more"), "{text}");
}

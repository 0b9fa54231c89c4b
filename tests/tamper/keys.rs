//! Section B: signatures and keys, with every key of the lab in the attacker's hand.

use reproledger::claim::{NUMBER, Verdict, assess as judge};
use reproledger::codec::{DecodeError, Encoder};
use reproledger::digest::FileDigest;
use reproledger::key::{KeyError, Policy, PolicyError, PublicKey, Signature};
use reproledger::merkle::{EntryIndex, SignedHead};
use reproledger::statement::{Entry, EntryError, Genesis, KeyChange, Kind, Payload, Role, Subject, possession_message};
use reproledger::verify::{Class, Reject, Voucher};

use super::decided;
use crate::support::{Lab, Story, Told, assess, finding, forge, key, parts, signed_bytes};

/// The story with the claim's entry in another envelope.
fn with_claim_entry(change: impl FnOnce(&Told, Vec<u8>, Vec<u8>) -> Vec<u8>) -> Told {
    let mut told = Story::new().tell();
    let (protected, payload) = parts(told.lab.entries.last().unwrap());
    let entry = change(&told, protected, payload);
    *told.lab.entries.last_mut().unwrap() = entry;
    told
}

#[test]
fn s01_a_signature_that_is_changed_zeroed_or_of_other_bytes_is_refused() {
    for change in [|s: &mut [u8]| s[7] ^= 1, |s: &mut [u8]| s.fill(0), |s: &mut [u8]| s[32..].fill(0xff)] {
        let mut told = Story::new().tell();
        let entry = told.lab.entries.last_mut().unwrap();
        let at = entry.len() - 64;
        change(&mut entry[at..]);
        assert_eq!(told.reject(), Reject::Signature { index: told.claim });
        assert_eq!(told.reject().class(), Class::Contradicted);
    }
    let mut told = Story::new().tell();
    let other = told.lab.entries[1].clone();
    let entry = told.lab.entries.last_mut().unwrap();
    let at = entry.len() - 64;
    entry[at..].copy_from_slice(&other[other.len() - 64..]);
    assert_eq!(told.reject(), Reject::Signature { index: told.claim });
}

fn point(hex: &str) -> [u8; 32] {
    let bytes: Vec<u8> = (0..64).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
    bytes.try_into().unwrap()
}

#[test]
fn s02_s04_s05_keys_that_are_no_good_points_are_refused_where_they_are_read() {
    let cases = [
        ("0100000000000000000000000000000000000000000000000000000000000000", KeyError::SmallOrder),
        ("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", KeyError::SmallOrder),
        ("0000000000000000000000000000000000000000000000000000000000000000", KeyError::SmallOrder),
        // y = 1 + p, and "-0": second spellings of points.
        ("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", KeyError::NonCanonical),
        ("0100000000000000000000000000000000000000000000000000000000000080", KeyError::NonCanonical),
        // Mixed order (ed25519-speccheck case 4: a torsion component).
        ("f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43", KeyError::Torsion),
    ];
    for (hex, expected) in cases {
        let bytes = point(hex);
        assert_eq!(PublicKey::parse(&bytes), Err(expected), "{hex}");
        // Inside entry 0, as the log's key.
        let told = Story::new().tell();
        let (protected, payload) = parts(&told.lab.entries[0]);
        let known = key(told.lab.log_key).public();
        let at = payload.windows(32).position(|window| window == known.as_bytes()).unwrap();
        let mut payload = payload;
        payload[at..at + 32].copy_from_slice(&bytes);
        let entry = forge(&protected, &[0xa0], &payload, &key(told.lab.issuer));
        let reject = told.reject_with(|evidence| evidence.entries[0].1 = entry);
        let Reject::Entry { index: EntryIndex(0), source: EntryError::Decode(DecodeError::Range { what, .. }) } =
            &reject
        else {
            panic!("{hex}: {reject:?}")
        };
        assert_eq!(*what, "an acceptable Ed25519 public key");
    }
}

#[test]
fn s03_a_malleated_signature_is_refused() {
    // S + L, in little-endian arithmetic: the same signature to a reader that does not check the range.
    let order = point("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let mut told = Story::new().tell();
    let entry = told.lab.entries.last_mut().unwrap();
    let at = entry.len() - 32;
    let mut carry = 0;
    for (byte, add) in entry[at..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert_eq!(told.reject(), Reject::Signature { index: told.claim });
}

#[test]
fn s04_s05_a_signature_with_a_bad_r_is_refused() {
    for r in [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0100000000000000000000000000000000000000000000000000000000000080",
    ] {
        let mut told = Story::new().tell();
        let entry = told.lab.entries.last_mut().unwrap();
        let at = entry.len() - 64;
        entry[at..at + 32].copy_from_slice(&point(r));
        assert_eq!(told.reject(), Reject::Signature { index: told.claim });
    }
}

#[test]
fn s06_there_is_no_batch_path() {
    fn texts(folder: &std::path::Path, found: &mut Vec<(std::path::PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                texts(&path, found);
            } else {
                found.push((path.clone(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = vec![(root.join("Cargo.toml"), std::fs::read_to_string(root.join("Cargo.toml")).unwrap())];
    texts(&root.join("src"), &mut found);
    for (path, text) in found {
        for word in ["verify_batch", "feature = \"batch\"", "features = [\"batch"] {
            assert!(!text.contains(word), "{}: `{word}`", path.display());
        }
    }
}

#[test]
fn s07_a_valid_signature_by_a_key_that_only_the_evidence_vouches_for_is_untrusted() {
    let told = Story::new().tell();
    let other = Lab::named("other.example/log", 9).policy();
    let assessment = assess(&told.evidence(), &other);
    assert_eq!((assessment.verdict, assessment.verdict.exit_code()), (Verdict::Untrusted, 3));
    assert_eq!(
        finding(&assessment, "ledger.keys").reason,
        Reject::Unpinned { origin: told.lab.origin.clone() }.to_string()
    );
    assert!(assessment.evidence.is_none(), "nothing it says is shown");
    // Another key under the pinned name: two ledgers of one name, which is more than a stranger.
    let pinned = Lab::named(&told.lab.origin, 9).policy();
    let assessment = assess(&told.evidence(), &pinned);
    assert_ne!(assessment.verdict.exit_code(), 0);
    assert_eq!(
        finding(&assessment, "ledger.keys").reason,
        Reject::OtherLedger { origin: told.lab.origin.clone() }.to_string()
    );
    // Nobody pinned anything.
    let alone = judge(&told.evidence().to_bytes(), None, NUMBER, |_| None);
    assert_eq!((alone.verdict, alone.verdict.exit_code()), (Verdict::Unvouched, 3));
}

#[test]
fn s09_another_algorithm_is_refused_whatever_the_key() {
    let told = Story::new().tell();
    // none, HMAC 256/256, ES256, ECDSA on Ed25519 key bytes, Ed448 (RFC 9864), Ed25519ph has no COSE number.
    for algorithm in [0, 5, -7, -9, -53, -65535] {
        let told = with_claim_entry(|told, protected, payload| {
            let old = Encoder::encode(|e| e.int(-19));
            let new = Encoder::encode(|e| e.int(algorithm));
            let at = protected.windows(2).position(|window| window[0] == 1 && window[1] == old[0]).unwrap();
            let header = [&protected[..=at], &new, &protected[at + 1 + old.len()..]].concat();
            forge(&header, &[0xa0], &payload, &key(told.lab.issuer))
        });
        let evidence = spliced(&told);
        let reject = reproledger::verify::evidence(&evidence, Some(&told.lab.policy())).unwrap_err();
        let expected = Reject::Entry { index: told.claim, source: EntryError::Algorithm { found: algorithm } };
        assert_eq!(reject, expected);
    }
    // Ed25519ph signs another message than Ed25519: a plain signature over its input is none.
    let told = with_claim_entry(|_, protected, payload| {
        let signature = key(told.lab.issuer).sign(&signed_bytes("Signature", &protected, &payload));
        envelope(&protected, &payload, &signature)
    });
    assert_eq!(told.reject(), Reject::Signature { index: told.claim });
}

fn envelope(protected: &[u8], payload: &[u8], signature: &Signature) -> Vec<u8> {
    Encoder::encode(|e| {
        e.tag_cose_sign1();
        e.array(4);
        e.bytes(protected);
        e.map(|_| {});
        e.bytes(payload);
        e.bytes(&signature.0);
    })
}

/// Honest evidence with the last entry and the head of another telling: for entries that cannot be decoded.
fn spliced(told: &Told) -> Vec<u8> {
    let mut evidence = Story::new().tell().evidence();
    evidence.entries.last_mut().unwrap().1 = told.lab.entries.last().unwrap().clone();
    evidence.head = told.lab.head().bytes().to_vec();
    evidence.to_bytes()
}

#[test]
fn s10_no_signature_is_not_all_signatures_hold() {
    let told = Story::new().tell();
    let text = told.lab.head().head().to_text();
    for note in [text.clone(), format!("{text}\n"), format!("{text}\n\u{2014} {} AAAAAAA=\n", told.lab.origin)] {
        let reject = told.reject_with(|evidence| evidence.head = note.clone().into_bytes());
        assert_eq!(reject.class(), Class::Contradicted, "{reject:?}");
        assert!(matches!(reject, Reject::Head(_)), "{reject:?}");
    }
    let told = with_claim_entry(|_, protected, payload| {
        Encoder::encode(|e| {
            e.tag_cose_sign1();
            e.array(4);
            e.bytes(&protected);
            e.map(|_| {});
            e.bytes(&payload);
            e.bytes(b"");
        })
    });
    let reject = reproledger::verify::evidence(&spliced(&told), None).unwrap_err();
    assert!(
        matches!(reject, Reject::Entry { source: EntryError::Decode(DecodeError::Length { .. }), .. }),
        "{reject:?}"
    );
}

fn witness_key(seed: u8, name: &str) -> reproledger::key::VerifierKey {
    let name = name.parse().unwrap();
    reproledger::key::VerifierKey { name, kind: reproledger::key::NoteKind::CosignatureV1, key: key(seed).public() }
}

fn cosigned(told: &Told, seed: u8, name: &str, times: usize) -> Vec<u8> {
    let text = told.lab.head().head().to_text();
    let line = reproledger::key::sign_cosignature(&text, 1_790_001_000, &name.parse().unwrap(), &key(seed)).unwrap();
    [told.lab.head().bytes(), &line.repeat(times)].concat()
}

fn two_of_two(told: &Told) -> Policy {
    let (one, two) = (witness_key(50, "w1.example"), witness_key(51, "w2.example"));
    let text = format!("log {}\nwitness a {one}\nwitness b {two}\ngroup g 2 a b\nquorum g\n", told.lab.vkey());
    Policy::parse(text.as_bytes()).unwrap()
}

#[test]
fn s11_one_witness_twice_is_one_witness() {
    let told = Story::new().tell();
    let mut evidence = told.evidence();
    evidence.head = cosigned(&told, 50, "w1.example", 2);
    let assessment = assess(&evidence, &two_of_two(&told));
    assert_eq!((assessment.verdict, assessment.verdict.exit_code()), (Verdict::Unmet, 3));
    assert_eq!(finding(&assessment, "ledger.keys").reason, Reject::Quorum { found: 1 }.to_string());
    let both = [
        cosigned(&told, 50, "w1.example", 1),
        cosigned(&told, 51, "w2.example", 1)[told.lab.head().bytes().len()..].to_vec(),
    ];
    evidence.head = both.concat();
    assert_eq!(assess(&evidence, &two_of_two(&told)).verdict, Verdict::Verified);
}

#[test]
fn s12_s13_policies_that_count_one_key_twice_or_ask_for_nothing_are_refused() {
    let told = Story::new().tell();
    let (one, alias) = (witness_key(50, "w1.example"), witness_key(50, "alias.example"));
    let log = told.lab.vkey();
    let refused = |text: String| Policy::parse(text.as_bytes()).unwrap_err();
    assert!(matches!(
        refused(format!("log {log}\nwitness a {one}\nwitness b {alias}\nquorum a\n")),
        PolicyError::DuplicateKey { line: 3, .. }
    ));
    for threshold in ["0", "-1", "2", "18446744073709551616", "1.0"] {
        let text = format!("log {log}\nwitness a {one}\ngroup g {threshold} a\nquorum g\n");
        assert!(matches!(refused(text), PolicyError::Threshold { line: 3, .. }), "{threshold}");
    }
}

#[test]
fn s14_a_key_of_the_ledger_is_no_witness_of_it() {
    let told = Story::new().tell();
    let mut evidence = told.evidence();
    evidence.head = cosigned(&told, told.lab.issuer, "w1.example", 1);
    let own = witness_key(told.lab.issuer, "w1.example");
    let policy = Policy::parse(format!("log {}\nwitness a {own}\nquorum a\n", told.lab.vkey()).as_bytes()).unwrap();
    let assessment = assess(&evidence, &policy);
    assert_eq!((assessment.verdict, assessment.verdict.exit_code()), (Verdict::Unmet, 3));
    // The log's own key is refused where the policy is read.
    let log = witness_key(told.lab.log_key, "w1.example");
    let text = format!("log {}\nwitness a {log}\nquorum a\n", told.lab.vkey());
    assert_eq!(Policy::parse(text.as_bytes()), Err(PolicyError::LogIsWitness { line: 2 }));
}

#[test]
fn s15_a_signature_made_for_one_purpose_serves_no_other() {
    // The log key's word for a head, presented as an entry's signature, and the other way round.
    let told = Story::new().tell();
    let head_signature = key(told.lab.issuer).sign(told.lab.head().head().to_text().as_bytes());
    let replayed = with_claim_entry(|_, protected, payload| envelope(&protected, &payload, &head_signature));
    assert_eq!(replayed.reject(), Reject::Signature { index: told.claim });
    // The same key for log and issuer: an entry's signature is still no head's.
    let entry = &told.lab.entries[1];
    let signature = &entry[entry.len() - 64..];
    use base64::Engine;
    let blob = [told.lab.vkey().key_id().0.as_slice(), signature].concat();
    let blob = base64::engine::general_purpose::STANDARD.encode(blob);
    let note = format!("{}\n\u{2014} {} {blob}\n", told.lab.head().head().to_text(), told.lab.origin);
    let reject = told.reject_with(|evidence| evidence.head = note.into_bytes());
    assert!(matches!(reject, Reject::Head(_)), "{reject:?}");
    // An issuer's signature over another ledger's entry: the ledger id is inside what is signed.
    let mut payload = told.lab.said(told.claim);
    payload.log = Some(Lab::named("other.example/log", 9).id());
    let mut other = told.clone();
    other.lab.resay(told.claim, &payload);
    assert!(matches!(other.reject(), Reject::Log { .. }));
    // A possession signature for another place, role or ledger.
    let mut lab = Lab::new();
    let new = key(60);
    for message in [
        possession_message(&lab.id(), EntryIndex(2), Role::Issuer),
        possession_message(&lab.id(), EntryIndex(1), Role::Reviewer),
        possession_message(&Lab::named("other.example/log", 9).id(), EntryIndex(1), Role::Issuer),
    ] {
        let mut payload = lab.payload(Kind::KeyChange);
        let possession = new.sign(&message);
        payload.key_change = Some(Box::new(KeyChange::Add { role: Role::Issuer, key: new.public(), possession }));
        let told = followed_by_a_claim(lab.clone(), &payload);
        assert_eq!(told.reject(), refused_change("the new key has not signed its enrolment"));
    }
    lab.say(&lab.payload(Kind::Adopt));
}

fn refused_change(reason: &'static str) -> Reject {
    Reject::KeyChange { index: EntryIndex(1), reason }
}

/// A key change as entry 1, then a story by the first issuer key.
fn followed_by_a_claim(lab: Lab, change: &Payload) -> Told {
    story_after(lab, |lab| {
        lab.say(change);
    })
}

/// A story in a ledger where something was said first.
fn story_after(mut lab: Lab, first: impl FnOnce(&mut Lab)) -> Told {
    first(&mut lab);
    if lab.entries.len() > 1 {
        let last = EntryIndex(lab.entries.len() as u64 - 1);
        if lab.said(last).kind == Kind::KeyChange {
            lab.keyset = last;
        }
    }
    let story = Story::new();
    let checkpoint = lab.file(Kind::Checkpoint, b"weights", &[]);
    let manifest = story.manifest();
    let log = lab.eval_log(b"a log", &manifest, &[(reproledger::statement::EdgeType::Evaluates, checkpoint)]);
    let mut words = story.claim;
    words.inputs.push(manifest.root().unwrap().into());
    let claim = lab.claim(&words, &[log], &[]);
    Told { lab, spec: checkpoint, dataset: checkpoint, checkpoint, log, claim, words }
}

fn add(lab: &Lab, seed: u8, role: Role) -> Payload {
    let new = key(seed);
    let mut payload = lab.payload(Kind::KeyChange);
    let possession = new.sign(&possession_message(&lab.id(), lab.next(), role));
    payload.key_change = Some(Box::new(KeyChange::Add { role, key: new.public(), possession }));
    payload
}

fn revoke(lab: &Lab, seed: u8, compromised_since: Option<EntryIndex>) -> Payload {
    let mut payload = lab.payload(Kind::KeyChange);
    payload.key_change = Some(Box::new(KeyChange::Revoke { key: key(seed).public(), compromised_since }));
    payload
}

#[test]
fn s16_nothing_is_read_from_an_unsigned_header() {
    let told = with_claim_entry(|told, protected, payload| {
        forge(&protected, &[0xa1, 0x04, 0x41, 0x01], &payload, &key(told.lab.issuer))
    });
    let reject = reproledger::verify::evidence(&spliced(&told), None).unwrap_err();
    assert_eq!(reject, Reject::Entry { index: told.claim, source: EntryError::Unprotected });
    assert_eq!(reject.class(), Class::Malformed);
}

#[test]
fn s18_an_entry_signed_after_its_key_was_revoked_is_refused() {
    let mut lab = Lab::new();
    let owner = lab.issuer;
    lab.keyset = lab.say(&add(&lab, 60, Role::Issuer));
    lab.keyset = lab.say_as(&revoke(&lab, owner, None), &key(60));
    let revoked = lab.keyset;
    let told = story_after(lab, |_| {});
    let index = EntryIndex(revoked.0 + 1);
    assert_eq!(told.reject(), Reject::Revoked { index, revoked });
    assert_eq!(told.reject().class(), Class::Contradicted);
}

#[test]
fn s18_an_entry_cannot_pass_over_the_change_that_revoked_its_key() {
    let mut lab = Lab::new();
    let owner = lab.issuer;
    lab.keyset = lab.say(&add(&lab, 60, Role::Issuer));
    let before = lab.keyset;
    let change = lab.say_as(&revoke(&lab, owner, None), &key(60));
    lab.keyset = before;
    // The thief signs as if the revocation were not there.
    let told = story_after(lab, |lab| {
        lab.say(&lab.payload(Kind::Adopt));
    });
    let reject = told.reject();
    assert!(matches!(reject, Reject::StaleKeySet { change: found, .. } if found == change), "{reject:?}");
}

#[test]
fn s19_a_key_change_that_is_left_out_is_missed() {
    let mut lab = Lab::new();
    lab.say(&lab.payload(Kind::Adopt));
    let told = story_after(lab.clone(), |lab| {
        let change = add(lab, 60, Role::Issuer);
        lab.say(&change);
    });
    let mut chosen: std::collections::BTreeSet<EntryIndex> =
        (0..told.lab.entries.len() as u64).map(EntryIndex).collect();
    chosen.remove(&EntryIndex(1));
    chosen.remove(&EntryIndex(2));
    let evidence = told.lab.evidence_of(told.claim, told.checkpoint, &chosen);
    let reject = reproledger::verify::evidence(&evidence.to_bytes(), Some(&told.lab.policy())).unwrap_err();
    assert_eq!(reject, Reject::MissingKeyChange { index: told.checkpoint, change: EntryIndex(2) });
    assert_eq!(reject.class(), Class::Missing);
    assert_eq!(told.assess().verdict, Verdict::Verified, "with the change it holds");
}

#[test]
fn s20_s22_a_key_is_enrolled_only_by_an_enrolled_issuer_and_by_itself() {
    // By a stranger.
    let mut lab = Lab::new();
    let change = add(&lab, 60, Role::Issuer);
    lab.keyset = lab.say_as(&change, &key(60));
    let reject = story_after(lab, |_| {}).reject();
    assert_eq!(reject, Reject::UnknownKey { index: EntryIndex(1), key_id: key(60).public().thumbprint() });
    // By an enrolled key of another role.
    let mut lab = Lab::new();
    lab.keyset = lab.say(&add(&lab, 60, Role::Reviewer));
    let change = add(&lab, 61, Role::Issuer);
    lab.keyset = lab.say_as(&change, &key(60));
    assert_eq!(story_after(lab, |_| {}).reject(), Reject::Role { index: EntryIndex(2), role: "reviewer" });
    // Without the new key's own word.
    let lab = Lab::new();
    let mut change = add(&lab, 60, Role::Issuer);
    if let Some(KeyChange::Add { possession, .. }) = change.key_change.as_deref_mut() {
        possession.0[5] ^= 1;
    }
    assert_eq!(followed_by_a_claim(lab, &change).reject(), refused_change("the new key has not signed its enrolment"));
    // The log key is never an issuer's, neither from the beginning nor later.
    let lab = Lab::new();
    let change = add(&lab, lab.log_key, Role::Issuer);
    assert!(matches!(followed_by_a_claim(lab, &change).reject(), Reject::KeyChange { .. }));
    // The last issuer cannot be taken out, and what is not there cannot be revoked.
    let lab = Lab::new();
    let change = revoke(&lab, lab.issuer, None);
    assert!(matches!(followed_by_a_claim(lab, &change).reject(), Reject::KeyChange { .. }));
    let lab = Lab::new();
    let change = revoke(&lab, 77, None);
    assert_eq!(followed_by_a_claim(lab, &change).reject(), refused_change("the key it revokes is not enrolled"));
}

#[test]
fn s14_one_key_in_two_roles_is_refused_in_entry_0() {
    for keys in [
        vec![(Role::Issuer, key(101).public()), (Role::Evaluator, key(101).public())],
        vec![(Role::Issuer, key(101).public()), (Role::Issuer, key(1).public())],
    ] {
        let genesis = Genesis { origin: "lab.example/log".to_owned(), log_key: key(1).public(), keys, nonce: [1; 16] };
        // No honest writer signs it; the vendor's own does.
        let mut payload = Payload::new(Kind::Genesis, None, EntryIndex(0), EntryIndex(0));
        payload.genesis = Some(Box::new(genesis));
        let (protected, _) = parts(&Lab::new().entries[0]);
        let entry = forge(&protected, &[0xa0], &payload.encode(), &key(101));
        let reject = Story::new().tell().reject_with(|evidence| evidence.entries[0].1 = entry);
        assert!(
            matches!(&reject, Reject::Entry { source: EntryError::Decode(DecodeError::Length { what, .. }), .. } if *what == "the keys of a genesis"),
            "{reject:?}"
        );
    }
}

#[test]
fn s21_a_key_signs_only_from_its_enrolment_on() {
    // Signed by a key that is enrolled two entries later.
    let mut lab = Lab::new();
    let payload = {
        let mut payload = lab.payload(Kind::Spec);
        payload.subjects.push(Subject::file(FileDigest::of(b"spec"), 4));
        payload
    };
    lab.say_as(&payload, &key(60));
    let told = story_after(lab, |lab| {
        let change = add(lab, 60, Role::Issuer);
        lab.say(&change);
    });
    let evidence =
        told.lab.evidence_of(told.claim, EntryIndex(1), &(0..told.lab.entries.len() as u64).map(EntryIndex).collect());
    let reject = reproledger::verify::evidence(&evidence.to_bytes(), Some(&told.lab.policy())).unwrap_err();
    assert_eq!(reject, Reject::UnknownKey { index: EntryIndex(1), key_id: key(60).public().thumbprint() });
    // An entry after the point at which its owner says the key was stolen.
    let mut told = Story::new().tell();
    let stolen_since = told.log;
    told.lab.keyset = told.lab.say(&add(&told.lab, 60, Role::Issuer));
    let owner = told.lab.issuer;
    told.lab.keyset = told.lab.say_as(&revoke(&told.lab, owner, Some(stolen_since)), &key(60));
    let assessment = told.assess();
    decided(&assessment, Verdict::Contradicted, "ledger.keys");
    let found = finding(&assessment, "ledger.keys");
    assert_eq!(found.entries, [told.log, told.claim]);
    let reason = "the claim rests on entries signed by a key after the point at which its owner says it was stolen";
    assert_eq!(found.reason, reason);
}

#[test]
fn s23_a_cosignature_over_another_head_does_not_count_and_makes_the_head_worthless() {
    let told = Story::new().tell();
    let older = told.lab.head_at(3).head().to_text();
    let line = reproledger::key::sign_cosignature(&older, 5, &"w1.example".parse().unwrap(), &key(50)).unwrap();
    let head = [told.lab.head().bytes(), &line].concat();
    let one = witness_key(50, "w1.example");
    let policy = Policy::parse(format!("log {}\nwitness a {one}\nquorum a\n", told.lab.vkey()).as_bytes()).unwrap();
    let mut evidence = told.evidence();
    evidence.head = head;
    let reject = reproledger::verify::evidence(&evidence.to_bytes(), Some(&policy)).unwrap_err();
    assert!(matches!(reject, Reject::PinnedSignature(_)), "{reject:?}");
    assert_eq!(reject.class(), Class::Contradicted);
}

#[test]
fn a_pinned_key_is_the_only_voucher() {
    let told = Story::new().tell();
    let bytes = told.evidence().to_bytes();
    let verified = reproledger::verify::evidence(&bytes, Some(&told.lab.policy())).unwrap();
    assert!(matches!(&verified.voucher, Voucher::Pinned { key, .. } if key.as_str() == told.lab.origin));
    assert!(SignedHead::open(told.lab.head().bytes(), &told.lab.vkey()).is_ok());
    assert!(Entry::parse(&told.lab.entries[0]).is_ok());
}

//! Trust policies: which logs to believe, and how many of which witnesses must have seen a head.
//!
//! The format is the C2SP one, verbatim, read strictly: a line that is not understood is an error, never skipped,
//! because the skipped line could be the one that asks for a witness. One thing is stricter than the format: a key
//! cannot be log and witness at once, since a log that watches itself is watched by nobody.
//!
//! Spec: <https://c2sp.org/tlog-policy>

mod reader;

use std::collections::{BTreeMap, BTreeSet};

use self::reader::Reader;
use super::{NoteError, PublicKey, VerifierKey, VerifierKeyError, note::note_signatures};

/// Larger policies are refused; 256 items of each kind with long names and URLs fit.
pub const MAX_POLICY_BYTES: usize = 1 << 18;

/// Most logs, witnesses or groups in a policy (the format asks for at least 32 of each).
pub const MAX_POLICY_ITEMS: usize = 256;

/// Why bytes are not a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum PolicyError {
    #[error("the policy has {found} bytes, more than {MAX_POLICY_BYTES}")]
    TooLong { found: usize },
    #[error("the policy is empty")]
    Empty,
    #[error("the policy's last line has no newline: the file may be cut short")]
    Unterminated,
    #[error("line {line} contains the byte 0x{byte:02x}")]
    Byte { line: usize, byte: u8 },
    #[error("line {line} begins with `{word}`; expected `log`, `witness`, `group` or `quorum`")]
    Keyword { line: usize, word: String },
    #[error("line {line} is not `{expected}`")]
    Form { line: usize, expected: &'static str },
    #[error("line {line} holds no usable verifier key")]
    Key { line: usize, source: VerifierKeyError },
    #[error("line {line}: the key of a {role} must be of type {expected}, found {found}")]
    Kind { line: usize, role: &'static str, expected: u8, found: u8 },
    #[error("line {line}: this {role}'s key stands in the policy already")]
    DuplicateKey { line: usize, role: &'static str },
    #[error("line {line}: the key is a log's and a witness's at once")]
    LogIsWitness { line: usize },
    #[error("line {line}: the name `{name}` has a fixed meaning and cannot be given")]
    Reserved { line: usize, name: String },
    #[error("line {line}: the name `{name}` is taken")]
    DuplicateName { line: usize, name: String },
    #[error("line {line}: no witness or group `{name}` stands above")]
    UnknownName { line: usize, name: String },
    #[error("line {line}: `{name}` is a member of a group already")]
    SecondMembership { line: usize, name: String },
    #[error("line {line}: the threshold `{found}` is not `all`, `any` or a number from 1 to {members}")]
    Threshold { line: usize, found: String, members: usize },
    #[error("line {line}: there are more than {MAX_POLICY_ITEMS} of this kind")]
    TooMany { line: usize },
    #[error("line {line} gives a second quorum")]
    SecondQuorum { line: usize },
    #[error("the policy has no quorum line")]
    NoQuorum,
}

/// Place of a witness in its policy, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WitnessIndex(pub usize);

/// A log that the policy believes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyLog {
    /// Its key; the key's name is the log's origin.
    pub key: VerifierKey,
    /// Where to reach it, as written.
    pub url: Option<Vec<u8>>,
}

/// A witness that the policy knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyWitness {
    /// Its name inside the policy: opaque bytes.
    pub name: Vec<u8>,
    /// Its cosigner key.
    pub key: VerifierKey,
    /// Where to reach it, as written.
    pub url: Option<Vec<u8>>,
}

/// A rule over witnesses; groups stand in the order of definition, so members always come before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Component {
    Witness(WitnessIndex),
    Group(usize),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    threshold: usize,
    members: Vec<Component>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quorum {
    /// `quorum none`: nobody need have seen the head.
    Nobody,
    Of(Component),
}

/// Whom to believe about heads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Logs whose heads are believed; perhaps none, where the log is known otherwise.
    pub logs: Vec<PolicyLog>,
    /// Witnesses in the order of the file.
    pub witnesses: Vec<PolicyWitness>,
    groups: Vec<Group>,
    quorum: Quorum,
}

impl Policy {
    /// Takes the bytes of a policy file.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        Reader::default().read(bytes)
    }

    /// True when these witnesses are enough. The only place where a quorum is counted.
    pub fn quorum_met(&self, seen_by: &BTreeSet<WitnessIndex>) -> bool {
        let Quorum::Of(quorum) = self.quorum else { return true };
        let mut groups: Vec<bool> = Vec::with_capacity(self.groups.len());
        let met = |component: &Component, groups: &[bool]| match *component {
            Component::Witness(witness) => seen_by.contains(&witness),
            Component::Group(at) => groups[at],
        };
        for group in &self.groups {
            let count = group.members.iter().filter(|member| met(member, &groups)).count();
            groups.push(count >= group.threshold);
        }
        met(&quorum, &groups)
    }

    /// False for `quorum none`: then a head is believed on the log's word alone.
    pub fn needs_witnesses(&self) -> bool {
        self.quorum != Quorum::Nobody
    }

    /// Witnesses that cosigned a note, each with the (earliest) time it claims.
    ///
    /// A witness line that does not verify makes the note worthless, as in [`super::open_note`].
    pub fn cosigners(&self, note: &[u8]) -> Result<BTreeMap<WitnessIndex, u64>, NoteError> {
        let keys: Vec<VerifierKey> = self.witnesses.iter().map(|witness| witness.key.clone()).collect();
        let note = note_signatures(note, &keys)?;
        let index_of = |key: &PublicKey| self.witnesses.iter().position(|witness| witness.key.key == *key);
        let timed = note.verified.iter().filter_map(|signature| Some((&signature.key.key, signature.time?)));
        Ok(timed.filter_map(|(key, time)| Some((WitnessIndex(index_of(key)?), time))).collect())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::key::{KeyError, KeyName, NoteKind, SigningKey, sign_cosignature, sign_note};

    fn key(n: u8, kind: NoteKind) -> VerifierKey {
        let name = KeyName::parse(&format!("key.example/{n}")).unwrap();
        VerifierKey { name, kind, key: SigningKey::from_seed([n; 32]).public() }
    }

    fn log(n: u8) -> VerifierKey {
        key(n, NoteKind::Ed25519)
    }

    fn witness(n: u8) -> VerifierKey {
        key(n, NoteKind::CosignatureV1)
    }

    /// Witnesses w1 to w6 (places 0 to 5) and the lines given.
    fn policy(lines: &str) -> Result<Policy, PolicyError> {
        let witnesses: Vec<String> = (1..=6).map(|n| format!("witness w{n} {}\n", witness(n))).collect();
        let witnesses = witnesses.concat();
        Policy::parse(format!("{witnesses}{lines}").as_bytes())
    }

    fn met(policy: &Policy, seen_by: &[usize]) -> bool {
        policy.quorum_met(&seen_by.iter().copied().map(WitnessIndex).collect())
    }

    #[test]
    fn the_example_of_the_spec_counts_as_it_says() {
        let policy =
            policy("group X 2 w1 w2 w3\n\ngroup Y any w4 w5 w6\n# both\n  group X-and-Y\tall X Y \nquorum X-and-Y\n")
                .unwrap();
        assert!(policy.needs_witnesses());
        for (seen_by, expected) in [
            (&[][..], false),
            (&[0, 1], false),
            (&[0, 3], false),
            (&[3, 4, 5], false),
            (&[0, 2, 5], true),
            (&[0, 1, 2, 3, 4, 5], true),
            (&[0, 1, 6, 99], false),
        ] {
            assert_eq!(met(&policy, seen_by), expected, "{seen_by:?}");
        }
    }

    #[test]
    fn a_quorum_may_be_one_witness_or_nobody() {
        let one = policy("quorum w2\n").unwrap();
        assert!(met(&one, &[1]) && !met(&one, &[0, 2]));
        let nobody = Policy::parse(b"quorum none\n").unwrap();
        assert!(met(&nobody, &[]) && !nobody.needs_witnesses());
    }

    #[test]
    fn logs_keep_their_order_and_their_urls() {
        let text = format!("log {} https://log.example/\nlog {}\nquorum none\n", log(8), log(9));
        let policy = Policy::parse(text.as_bytes()).unwrap();
        assert_eq!(policy.logs[0].url.as_deref(), Some(&b"https://log.example/"[..]));
        assert_eq!(policy.logs[1].url, None);
        assert_eq!([&policy.logs[0].key, &policy.logs[1].key], [&log(8), &log(9)]);
    }

    #[test]
    fn cosigners_are_the_witnesses_whose_lines_verify() {
        let policy = policy("group g 2 w1 w2 w3\nquorum g\n").unwrap();
        let sign = |n: u8, text: &str, time| {
            sign_cosignature(text, time, &witness(n).name, &SigningKey::from_seed([n; 32])).unwrap()
        };
        let note = sign_note("head\n", &log(9).name, &SigningKey::from_seed([9; 32])).unwrap();
        assert_eq!(policy.cosigners(&note), Ok(BTreeMap::new()));
        let two = [note.clone(), sign(2, "head\n", 5), sign(1, "head\n", 6), sign(1, "head\n", 4)].concat();
        let seen = policy.cosigners(&two).unwrap();
        assert_eq!(seen, BTreeMap::from([(WitnessIndex(0), 4), (WitnessIndex(1), 5)]));
        assert!(policy.quorum_met(&seen.keys().copied().collect()));
        let forged = [note, sign(1, "another head\n", 5)].concat();
        assert!(matches!(policy.cosigners(&forged), Err(NoteError::BadSignature { .. })));
    }

    #[test]
    fn each_malformed_policy_has_its_name() {
        let refused = |lines: &str| policy(lines).unwrap_err();
        let name = |name: &str| name.to_owned();
        assert_eq!(Policy::parse(b"").unwrap_err(), PolicyError::Empty);
        assert_eq!(Policy::parse(b"\n").unwrap_err(), PolicyError::NoQuorum);
        assert_eq!(refused("quorum none"), PolicyError::Unterminated);
        assert_eq!(refused(""), PolicyError::NoQuorum);
        assert_eq!(refused("quorum none\nquorum none\n"), PolicyError::SecondQuorum { line: 8 });
        assert_eq!(refused("treshold 2\n"), PolicyError::Keyword { line: 7, word: name("treshold") });
        assert_eq!(refused("quorum none\r\n"), PolicyError::Byte { line: 7, byte: b'\r' });
        assert_eq!(refused("# \x7f\n"), PolicyError::Byte { line: 7, byte: 0x7f });
        assert_eq!(refused("quorum w7\n"), PolicyError::UnknownName { line: 7, name: name("w7") });
        assert_eq!(refused("quorum g\ngroup g any w1\n"), PolicyError::UnknownName { line: 7, name: name("g") });
        assert_eq!(refused("group g any g\n"), PolicyError::UnknownName { line: 7, name: name("g") });
        assert_eq!(refused("group g any none\n"), PolicyError::UnknownName { line: 7, name: name("none") });
        assert_eq!(refused("group w1 any w2\n"), PolicyError::DuplicateName { line: 7, name: name("w1") });
        for word in ["none", "all", "any"] {
            let expected = PolicyError::Reserved { line: 7, name: name(word) };
            assert_eq!(refused(&format!("group {word} any w1\n")), expected);
        }
        let again = PolicyError::SecondMembership { line: 7, name: name("w1") };
        assert_eq!(refused("group g 2 w1 w1\n"), again);
        let again = PolicyError::SecondMembership { line: 8, name: name("w1") };
        assert_eq!(refused("group g any w1\ngroup h any w1\n"), again);
        for found in ["0", "3", "-1", "+1", "01", "ALL", "1.0", "18446744073709551617"] {
            let expected = PolicyError::Threshold { line: 7, found: name(found), members: 2 };
            assert_eq!(refused(&format!("group g {found} w1 w2\n")), expected);
        }
        for form in ["quorum\n", "quorum none none\n", "group g\n", "group g any\n", "log\n", "witness w\n"] {
            assert!(matches!(refused(form), PolicyError::Form { line: 7, .. }), "{form}");
        }
        assert!(matches!(refused("log x y z\n"), PolicyError::Form { line: 7, .. }));
    }

    #[test]
    fn keys_of_the_wrong_kind_or_already_there_are_refused() {
        let refused = |lines: String| policy(&lines).unwrap_err();
        assert_eq!(
            refused(format!("witness w7 {}\n", log(7))),
            PolicyError::Kind { line: 7, role: "witness", expected: 4, found: 1 }
        );
        assert_eq!(
            refused(format!("log {}\n", witness(7))),
            PolicyError::Kind { line: 7, role: "log", expected: 1, found: 4 }
        );
        let renamed = VerifierKey { name: KeyName::parse("other.example").unwrap(), ..witness(1) };
        assert_eq!(refused(format!("witness w7 {renamed}\n")), PolicyError::DuplicateKey { line: 7, role: "witness" });
        assert_eq!(
            refused(format!("log {}\nlog {}\n", log(8), log(8))),
            PolicyError::DuplicateKey { line: 8, role: "log" }
        );
        assert_eq!(refused(format!("log {}\n", log(1))), PolicyError::LogIsWitness { line: 7 });
        let bad_key = "witness w7 x+e7a9f7b3+BAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";
        assert_eq!(
            refused(bad_key.to_owned()),
            PolicyError::Key { line: 7, source: VerifierKeyError::Key(KeyError::SmallOrder) }
        );
    }

    #[test]
    fn names_are_opaque_bytes() {
        let kelvin = [b"witness \xe2\x84\xaa ".as_slice(), witness(1).to_string().as_bytes(), b"\n"].concat();
        let latin = [b"witness K\xff ".as_slice(), witness(2).to_string().as_bytes(), b"\n"].concat();
        let text = [kelvin.clone(), latin, b"quorum K\xff\n".to_vec()].concat();
        let policy = Policy::parse(&text).unwrap();
        assert!(met(&policy, &[1]) && !met(&policy, &[0]));
        let unknown = [kelvin, b"quorum K\n".to_vec()].concat();
        assert!(matches!(Policy::parse(&unknown), Err(PolicyError::UnknownName { .. })));
    }

    #[test]
    fn limits_hold() {
        let groups = |count: u16| -> String {
            let chain = (1..count).map(|n| format!("group g{n} any g{}\n", n - 1));
            format!("group g0 any w1\n{}quorum g{}\n", chain.collect::<String>(), count - 1)
        };
        assert!(met(&policy(&groups(256)).unwrap(), &[0]));
        assert!(matches!(policy(&groups(257)), Err(PolicyError::TooMany { .. })));
        let found = MAX_POLICY_BYTES + 1;
        assert_eq!(Policy::parse(&vec![b'\n'; found]), Err(PolicyError::TooLong { found }));
    }

    proptest::proptest! {
        #[test]
        fn no_lines_make_the_reader_panic(
            lines in "((group|quorum|witness|log|#)? ?(w1|w2|w3|g|h|none|all|any|2|\u{e9}|[ -~]{0,6})( (w1|w4|g|none)){0,4}\n){0,6}",
        ) {
            if let Ok(policy) = policy(&lines) {
                // More witnesses never turn a quorum that is met into one that is not.
                let mut before = met(&policy, &[]);
                for count in 1..=6 {
                    let now = met(&policy, &(0..count).collect::<Vec<_>>());
                    proptest::prop_assert!(now || !before);
                    before = now;
                }
                proptest::prop_assert!(before);
            }
        }
    }
}

//! Heads: a log's signed word for "this many entries, with this root", as C2SP checkpoints.
//!
//! The text is three lines: origin, size, root. Extension lines have no meaning here and are refused rather than
//! skipped. What was signed is kept as received.
//!
//! Specs: <https://c2sp.org/tlog-checkpoint>, <https://c2sp.org/signed-note>

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::digest::NodeHash;
use crate::key::{KeyName, KeyNameError, NoteError, NoteKind, SigningKey, VerifierKey, open_note, sign_note};

use super::{TreeHead, TreeSize, empty_root};

/// Why a text is not a head, or a note not a signed one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum HeadError {
    #[error("a head has three lines (origin, size, root), each ended by a newline")]
    Lines,
    #[error(transparent)]
    Origin(#[from] KeyNameError),
    #[error("the size is not a decimal number below 2^64 without leading zeros")]
    Size,
    #[error("the root is not 32 bytes in padded base64")]
    Root,
    #[error("the head has extension lines, which mean nothing here")]
    Extension,
    #[error("the head says size 0 with a root that is not the empty tree's")]
    EmptyRoot,
    #[error(transparent)]
    Note(#[from] NoteError),
    #[error("a head is signed by a log's key; `{name}` is a cosigner's")]
    NotALogKey { name: KeyName },
    #[error("two notes over {first} and {second} entries are not of one head")]
    NotTheSame { first: TreeSize, second: TreeSize },
    #[error("the head is of `{found}`, expected `{expected}`")]
    OtherOrigin { expected: KeyName, found: Origin },
}

/// Name of a log. By convention its key carries the same name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(KeyName);

impl Origin {
    /// Takes a name that may come from anyone.
    pub fn parse(text: &str) -> Result<Self, KeyNameError> {
        KeyName::parse(text).map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The name that the log's key must carry.
    pub fn key_name(&self) -> &KeyName {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<KeyName> for Origin {
    fn from(name: KeyName) -> Self {
        Self(name)
    }
}

/// What a log says about itself at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Which log.
    pub origin: Origin,
    /// How many entries, and their root.
    pub tree: TreeHead,
}

impl Head {
    /// The three lines.
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.tree.size, STANDARD.encode(self.tree.root.as_bytes()))
    }

    /// Reads the three lines and nothing else.
    pub fn parse(text: &str) -> Result<Self, HeadError> {
        let (origin, rest) = text.split_once('\n').ok_or(HeadError::Lines)?;
        let (size, rest) = rest.split_once('\n').ok_or(HeadError::Lines)?;
        let (root, extension) = rest.split_once('\n').ok_or(HeadError::Lines)?;
        let origin = Origin::parse(origin)?;
        let size = parse_size(size).ok_or(HeadError::Size)?;
        let root = STANDARD.decode(root).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(HeadError::Root)?;
        let root = NodeHash::from_bytes(root);
        if !extension.is_empty() {
            return Err(HeadError::Extension);
        }
        if size.0 == 0 && root != empty_root() {
            return Err(HeadError::EmptyRoot);
        }
        Ok(Self { origin, tree: TreeHead { size, root } })
    }

    /// Signs the head under the log's own name.
    pub fn sign(&self, key: &SigningKey) -> SignedHead {
        let bytes = sign_note(&self.to_text(), self.origin.key_name(), key)
            .expect("a name without control characters, a number and base64 make a valid text");
        SignedHead { bytes, head: self.clone() }
    }
}

fn parse_size(text: &str) -> Option<TreeSize> {
    let size: u64 = text.parse().ok()?;
    // Neither `+1` nor `01`: one number, one text.
    (size.to_string() == text).then_some(TreeSize(size))
}

/// A head as its log signed it, with whatever cosignatures came along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHead {
    bytes: Vec<u8>,
    head: Head,
}

impl SignedHead {
    /// Checks a note against the log's key, then reads its text.
    pub fn open(bytes: &[u8], log: &VerifierKey) -> Result<Self, HeadError> {
        Self::open_any(bytes, std::slice::from_ref(log))
    }

    /// Checks a note against keys of several logs, as a policy lists them. One that signed must bear the origin's name.
    fn open_any(bytes: &[u8], logs: &[VerifierKey]) -> Result<Self, HeadError> {
        if let Some(other) = logs.iter().find(|log| log.kind != NoteKind::Ed25519) {
            return Err(HeadError::NotALogKey { name: other.name.clone() });
        }
        let note = open_note(bytes, logs)?;
        let head = Head::parse(&note.text)?;
        let signers: Vec<&KeyName> = note.verified.iter().map(|signature| &signature.key.name).collect();
        if !signers.contains(&head.origin.key_name()) {
            let expected = signers.first().copied().expect("an open note has a known signer").clone();
            return Err(HeadError::OtherOrigin { expected, found: head.origin });
        }
        Ok(Self { bytes: bytes.to_vec(), head })
    }

    /// The same head with the signature lines that another note of it has beside; refused where the two are not of one head.
    pub fn with_signatures_of(&self, other: &Self, log: &VerifierKey) -> Result<Self, HeadError> {
        if self.head != other.head {
            return Err(HeadError::NotTheSame { first: self.head.tree.size, second: other.head.tree.size });
        }
        // Three lines, a blank one, signatures: an open note has no other shape.
        let start = self.head.to_text().len() + 1;
        let mut bytes = self.bytes.clone();
        let has = |line: &[u8]| self.bytes[start..].split_inclusive(|byte| *byte == b'\n').any(|own| own == line);
        for line in other.bytes[start..].split_inclusive(|byte| *byte == b'\n').filter(|line| !has(line)) {
            bytes.extend_from_slice(line);
        }
        Self::open(&bytes, log)
    }

    /// The note as it was received.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What it says.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Its size and root.
    pub fn tree(&self) -> &TreeHead {
        &self.head.tree
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::key::sign_cosignature;

    fn signer() -> SigningKey {
        SigningKey::from_seed([5; 32])
    }

    fn log(name: &str) -> VerifierKey {
        VerifierKey { name: KeyName::parse(name).unwrap(), kind: NoteKind::Ed25519, key: signer().public() }
    }

    fn head() -> Head {
        let tree = TreeHead { size: TreeSize(15), root: NodeHash::from_bytes([9; 32]) };
        Head { origin: Origin::parse("lab.example/log").unwrap(), tree }
    }

    #[test]
    fn a_signed_head_opens_with_its_log_key_and_keeps_its_bytes() {
        let signed = head().sign(&signer());
        let open = SignedHead::open(signed.bytes(), &log("lab.example/log")).unwrap();
        assert_eq!(open, signed);
        assert_eq!(open.head(), &head());
        let line = sign_cosignature(&head().to_text(), 1, &KeyName::parse("w").unwrap(), &signer()).unwrap();
        let cosigned = [signed.bytes(), &line].concat();
        let open = SignedHead::open(&cosigned, &log("lab.example/log")).unwrap();
        assert_eq!(open.bytes(), cosigned);
    }

    #[test]
    fn notes_of_one_head_are_joined_and_those_of_two_are_not() {
        let (signed, log) = (head().sign(&signer()), log("lab.example/log"));
        let line = |name: &str, seed: u8| {
            let key = SigningKey::from_seed([seed; 32]);
            sign_cosignature(&head().to_text(), 1, &KeyName::parse(name).unwrap(), &key).unwrap()
        };
        let seen_by = |lines: &[Vec<u8>]| SignedHead::open(&[signed.bytes(), &lines.concat()].concat(), &log).unwrap();
        let (one, two) = (seen_by(&[line("w1", 7)]), seen_by(&[line("w2", 8), line("w1", 7)]));
        let both = one.with_signatures_of(&two, &log).unwrap();
        assert_eq!(both.bytes(), [signed.bytes(), &line("w1", 7), &line("w2", 8)].concat(), "each line once");
        let longer = Head { tree: TreeHead { size: TreeSize(16), ..head().tree }, ..head() }.sign(&signer());
        let (first, second) = (TreeSize(15), TreeSize(16));
        assert_eq!(one.with_signatures_of(&longer, &log), Err(HeadError::NotTheSame { first, second }));
    }

    #[test]
    fn a_head_of_another_log_or_by_another_key_is_refused() {
        let signed = head().sign(&signer());
        let key = VerifierKey { key: SigningKey::from_seed([6; 32]).public(), ..log("lab.example/log") };
        assert!(matches!(
            SignedHead::open(signed.bytes(), &key),
            Err(HeadError::Note(NoteError::NoneKnown { unverified: 1 }))
        ));
        let other = log("other.example");
        let misnamed = sign_note(&head().to_text(), &other.name, &signer()).unwrap();
        assert_eq!(
            SignedHead::open(&misnamed, &other),
            Err(HeadError::OtherOrigin { expected: other.name.clone(), found: head().origin })
        );
        // Another log's key beside the right one vouches for nothing; one of them must bear the origin.
        assert!(SignedHead::open_any(signed.bytes(), &[key, log("lab.example/log")]).is_ok());
        assert!(SignedHead::open_any(&misnamed, &[other, log("lab.example/log")]).is_err());
        let cosigner = VerifierKey { kind: NoteKind::CosignatureV1, ..log("lab.example/log") };
        assert!(matches!(SignedHead::open(signed.bytes(), &cosigner), Err(HeadError::NotALogKey { .. })));
    }

    #[test]
    fn the_empty_tree_has_its_known_text() {
        let text = "lab.example/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
        let empty = Head { tree: TreeHead::empty(), ..head() };
        assert_eq!(empty.to_text(), text);
        assert_eq!(Head::parse(text), Ok(empty));
        assert_eq!(Head::parse(&head().to_text().replace("15", "0")), Err(HeadError::EmptyRoot));
    }

    #[test]
    fn each_malformed_head_has_its_name() {
        let text = head().to_text();
        let refused = |text: &str| Head::parse(text).unwrap_err();
        assert_eq!(refused(""), HeadError::Lines);
        assert_eq!(refused(text.trim_end()), HeadError::Lines);
        assert_eq!(refused("lab.example/log\n15\n"), HeadError::Lines);
        assert!(matches!(refused(&text.replace("lab.example/log", "")), HeadError::Origin(_)));
        assert!(matches!(refused(&text.replace("lab.example/log", "a log")), HeadError::Origin(_)));
        for size in ["", "-1", "+15", "015", "0x15", " 15", "15 ", "1e3", "18446744073709551616", "\u{661}"] {
            assert_eq!(refused(&text.replace("15", size)), HeadError::Size, "{size}");
        }
        let largest = text.replace("15", &u64::MAX.to_string());
        assert_eq!(Head::parse(&largest).unwrap().tree.size, TreeSize(u64::MAX));
        let root = text.lines().last().unwrap();
        for bad in ["", "YmFuYW5hcw==", &root.replace("k=", "l="), root.trim_end_matches('='), &root.repeat(2)] {
            assert_eq!(refused(&text.replace(root, bad)), HeadError::Root, "{bad}");
        }
        assert_eq!(refused(&format!("{text}more\n")), HeadError::Extension);
        assert_eq!(refused(&format!("{text}\n")), HeadError::Extension);
    }

    proptest! {
        #[test]
        fn every_head_reads_back(size in 1_u64.., root in any::<[u8; 32]>(), origin in "[a-z./é]{1,40}") {
            let tree = TreeHead { size: TreeSize(size), root: NodeHash::from_bytes(root) };
            let head = Head { origin: Origin::parse(&origin).unwrap(), tree };
            prop_assert_eq!(Head::parse(&head.to_text()), Ok(head.clone()));
            let signed = head.sign(&signer());
            prop_assert_eq!(SignedHead::open(signed.bytes(), &log(&origin)), Ok(signed));
        }

        #[test]
        fn whatever_reads_is_written_the_same(text in "[a-z ]{0,3}\n[0-9+]{0,3}\n[A-Za-z0-9+/=]{42,45}\n{0,2}") {
            if let Ok(head) = Head::parse(&text) {
                prop_assert_eq!(head.to_text(), text);
            }
        }
    }
}

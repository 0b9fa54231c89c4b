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
        if log.kind != NoteKind::Ed25519 {
            return Err(HeadError::NotALogKey { name: log.name.clone() });
        }
        let note = open_note(bytes, std::slice::from_ref(log))?;
        let head = Head::parse(&note.text)?;
        if *head.origin.key_name() != log.name {
            return Err(HeadError::OtherOrigin { expected: log.name.clone(), found: head.origin });
        }
        Ok(Self { bytes: bytes.to_vec(), head })
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

//! What a ledger holds, by name: read from the entries and bodies themselves, never from the index.

use std::collections::BTreeMap;

use crate::digest::{Digest, DigestKind, LeafHash, Thumbprint};
use crate::journal::JournalError;
use crate::ledger::{Ledger, Objects};
use crate::merkle::EntryIndex;
use crate::statement::{Body, Claims, Entry, Kind, MAX_BODY_BYTES, Payload};

/// One entry as the catalogue knows it.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its index.
    pub index: EntryIndex,
    /// Its digest.
    pub leaf: LeafHash,
    /// Its open part, as claimed.
    pub payload: Payload,
    /// Who, what and when, as claimed.
    pub claims: Claims,
    /// The key named in it.
    pub key_id: Thumbprint,
    /// Its body, where the object is there.
    pub body: Option<Body>,
}

impl Row {
    /// Reads one entry and its body.
    pub fn read(objects: &Objects, index: EntryIndex, bytes: &[u8]) -> Result<Self, JournalError> {
        let entry = Entry::parse(bytes).map_err(|source| JournalError::Entry { index, source })?;
        let payload = entry.claimed().clone();
        let body = match payload.body {
            Some(commitment) => {
                let object = objects.get(commitment.as_bytes(), MAX_BODY_BYTES as u64 + 64)?;
                // A body that was erased or does not fit its commitment is simply not known.
                object.and_then(|object| Body::open(&object, &commitment).ok())
            }
            None => None,
        };
        Ok(Self {
            index,
            leaf: entry.leaf_hash(),
            claims: entry.claims().clone(),
            key_id: entry.key_id(),
            payload,
            body,
        })
    }

    /// The name people use for it.
    pub fn name(&self) -> Option<&str> {
        self.body.as_ref()?.name.as_deref()
    }

    /// The digest that an edge to this entry binds: its file or tree, or the entry itself.
    pub fn principal(&self) -> (DigestKind, Digest) {
        let of_subject = self.payload.subjects.first().and_then(|subject| {
            let (kind, measure) = subject.principal()?;
            Some((kind, *measure.digests.first()?))
        });
        of_subject.unwrap_or((DigestKind::Entry, self.leaf.into()))
    }

    /// True when `digest` is one of the entry's own.
    pub fn carries(&self, digest: &Digest) -> bool {
        Digest::from(self.leaf) == *digest
            || self
                .payload
                .subjects
                .iter()
                .flat_map(|subject| subject.0.values())
                .any(|measure| measure.digests.contains(digest))
    }
}

/// How a person names an entry: `#7` or `7`, a digest, or a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// By index.
    Index(EntryIndex),
    /// By a digest that the entry carries.
    Digest(Digest),
    /// By the name in its body; the newest entry of that name.
    Name(String),
}

impl Reference {
    /// Reads a reference as typed.
    pub fn parse(text: &str) -> Self {
        let digits = text.strip_prefix('#').unwrap_or(text);
        if let Ok(index) = digits.parse::<u64>() {
            return Self::Index(EntryIndex(index));
        }
        match text.parse::<Digest>() {
            Ok(digest) => Self::Digest(digest),
            Err(_) => Self::Name(text.to_owned()),
        }
    }
}

/// From here on two names look alike: what Python's `difflib` takes.
const NEAR: f32 = 0.6;

/// Names that are offered where one was mistyped.
const MAX_NEAR: usize = 3;

/// All entries of a ledger.
#[derive(Debug, Default)]
pub struct Catalog {
    rows: Vec<Row>,
    names: BTreeMap<String, usize>,
}

impl Catalog {
    /// Reads the whole ledger.
    pub fn read(ledger: &Ledger) -> Result<Self, JournalError> {
        let objects = Objects::new(ledger.layout().objects());
        let mut catalog = Self::default();
        for entry in ledger.entries(EntryIndex(0))? {
            let entry = entry?;
            catalog.push(Row::read(&objects, entry.index, &entry.bytes)?);
        }
        Ok(catalog)
    }

    fn push(&mut self, row: Row) {
        if row.payload.kind != Kind::RunEnd
            && let Some(name) = row.name()
        {
            self.names.insert(name.to_owned(), self.rows.len());
        }
        self.rows.push(row);
    }

    /// All entries in order.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The entry at an index.
    pub fn row(&self, index: EntryIndex) -> Option<&Row> {
        self.rows.get(usize::try_from(index.0).ok()?)
    }

    /// The newest entry that a reference means.
    pub fn find(&self, reference: &Reference) -> Option<&Row> {
        match reference {
            Reference::Index(index) => self.row(*index),
            Reference::Digest(digest) => self.rows.iter().rev().find(|row| row.carries(digest)),
            Reference::Name(name) => self.names.get(name).and_then(|at| self.rows.get(*at)),
        }
    }

    /// Every name with its newest entry.
    pub fn names(&self) -> impl Iterator<Item = (&str, &Row)> {
        self.names.iter().filter_map(|(name, at)| Some((name.as_str(), self.rows.get(*at)?)))
    }

    /// Names that look like `name`, the nearest first.
    pub fn near(&self, name: &str) -> Vec<String> {
        let names: Vec<&str> = self.names.keys().map(String::as_str).collect();
        similar::get_close_matches(name, &names, MAX_NEAR, NEAR).into_iter().map(str::to_owned).collect()
    }

    /// How many times a stage was started before, counted from the entries themselves.
    pub fn attempts(&self, protocol: Option<LeafHash>, arm: Option<&str>, seed: Option<u64>, stage: &str) -> u64 {
        let is_same = |payload: &&Payload| {
            payload.kind == Kind::RunStart
                && payload.protocol == protocol
                && payload.arm.as_deref() == arm
                && payload.seed == seed
                && payload.stage.as_deref() == Some(stage)
        };
        self.rows.iter().map(|row| &row.payload).filter(is_same).count() as u64
    }
}

//! Going over a ledger entry by entry without holding it: what the reading commands share.

use crate::cli::Failure;
use crate::cli::open::{Reading, explain, from_journal};
use crate::digest::{Digest, LeafHash};
use crate::journal::{Reference, Row};
use crate::ledger::{Ledger, Objects};
use crate::merkle::EntryIndex;
use crate::statement::{Entry, EntryError, Genesis, Kind, Payload};
use crate::verify::{Class, KeySet, Reject};

/// Calls `see` with every entry from `from` on, in order, as it can be read.
pub(super) fn each(
    ledger: &Ledger,
    from: EntryIndex,
    mut see: impl FnMut(EntryIndex, LeafHash, Result<Entry, EntryError>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for found in ledger.entries(from).map_err(explain)? {
        let found = found.map_err(explain)?;
        see(found.index, found.leaf, Entry::parse(&found.bytes))?;
    }
    Ok(())
}

/// An entry that must be read for an answer, or why there is none.
pub(super) fn readable(index: EntryIndex, entry: Result<Entry, EntryError>) -> Result<Entry, Failure> {
    entry.map_err(|source| {
        let is_unsupported = source.is_unsupported();
        let failure = Failure::new(format!("entry {index} of the ledger cannot be read: {source}"));
        if is_unsupported {
            failure.unestablished().hint("use a newer reproledger")
        } else {
            failure.hint("see everything that is wrong: reproledger audit")
        }
    })
}

/// One entry with its name.
pub(super) fn row(reading: &Reading, index: EntryIndex) -> Result<Row, Failure> {
    let found = reading.ledger.entry(index).map_err(explain)?;
    Row::read(&objects(reading), index, &found.bytes).map_err(from_journal)
}

/// The ledger's objects.
pub(super) fn objects(reading: &Reading) -> Objects {
    Objects::new(reading.ledger.layout().objects())
}

/// True when `digest` is the entry's own or one of its artifacts'.
fn carries(leaf: LeafHash, payload: &Payload, digest: &Digest) -> bool {
    Digest::from(leaf) == *digest
        || payload
            .subjects
            .iter()
            .flat_map(|subject| subject.0.values())
            .any(|measure| measure.digests.contains(digest))
}

/// Every entry that a reference means, oldest first; never empty.
pub(super) fn resolve(reading: &Reading, text: &str) -> Result<Vec<EntryIndex>, Failure> {
    let mut found = Vec::new();
    match Reference::parse(text) {
        Reference::Index(index) if reading.ledger.tree().size.contains(index) => found.push(index),
        Reference::Index(_) => {}
        Reference::Digest(digest) => each(&reading.ledger, EntryIndex(0), |index, leaf, entry| {
            if Digest::from(leaf) == digest || entry.is_ok_and(|entry| carries(leaf, entry.claimed(), &digest)) {
                found.push(index);
            }
            Ok(())
        })?,
        Reference::Name(name) => {
            let objects = objects(reading);
            for entry in reading.ledger.entries(EntryIndex(0)).map_err(explain)? {
                let entry = entry.map_err(explain)?;
                // What cannot be read has no name; `audit` says why.
                if let Ok(row) = Row::read(&objects, entry.index, &entry.bytes)
                    && row.payload.kind != Kind::RunEnd
                    && row.name() == Some(&name)
                {
                    found.push(entry.index);
                }
            }
        }
    }
    if found.is_empty() {
        return Err(Failure::new(format!("nothing in this ledger is called `{}`", text.escape_default()))
            .hint("list what there is: reproledger log"));
    }
    Ok(found)
}

/// Whether the signature of an entry holds now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Signature {
    /// By an issuer key that the ledger had enrolled there.
    Holds,
    /// It does not, or the key may not sign there.
    Refused(String),
    /// By such a key, of which a later entry says that it was in other hands.
    Disowned(String),
    /// It could not be told.
    Unknown(String),
}

impl Signature {
    fn from_reject(reject: &Reject) -> Self {
        match reject.class() {
            Class::Missing | Class::Unsupported => Self::Unknown(reject.to_string()),
            _ => Self::Refused(reject.to_string()),
        }
    }
}

/// The ledger's keys as the entries gone over so far have made them.
#[derive(Debug)]
pub(super) struct Keys {
    set: KeySet,
    /// Why the set is not known any more.
    lost: Option<String>,
}

impl Keys {
    /// The keys that entry 0 declares.
    pub(super) fn open(entry: &Entry) -> Result<(Genesis, Self), Reject> {
        let (_, genesis, set) = KeySet::open_genesis(entry)?;
        Ok((genesis, Self { set, lost: None }))
    }

    /// The set; what it says holds only while [`Keys::lost`] is `None`.
    pub(super) fn set(&self) -> &KeySet {
        &self.set
    }

    /// Why the keys are not known any more, if so.
    pub(super) fn lost(&self) -> Option<&str> {
        self.lost.as_deref()
    }

    /// Judges the signature of the next entry.
    pub(super) fn judge(&self, index: EntryIndex, entry: &Entry) -> Signature {
        if let Some(reason) = &self.lost {
            return Signature::Unknown(reason.clone());
        }
        match self.set.key_for(index, entry) {
            Err(reject) => Signature::from_reject(&reject),
            Ok(key) if entry.is_signed_by(&key) => Signature::Holds,
            Ok(_) => Signature::Refused(Reject::Signature { index }.to_string()),
        }
    }

    /// Takes over the change of the next entry, if it makes one and may.
    pub(super) fn take(&mut self, index: EntryIndex, entry: &Entry) {
        if entry.claimed().key_change.is_none() || self.lost.is_some() {
            return;
        }
        let judged = self.judge(index, entry);
        let taken = match judged {
            Signature::Holds => self.set.apply(index, entry.claimed()).map_err(|reject| reject.to_string()),
            Signature::Refused(reason) | Signature::Disowned(reason) | Signature::Unknown(reason) => Err(reason),
        };
        if let Err(reason) = taken {
            self.lost = Some(format!("the keys are not known from entry {index} on: {reason}"));
        }
    }

    /// No more than the keys before an entry that cannot be read are known: it may have changed them.
    pub(super) fn lose(&mut self, index: EntryIndex) {
        self.lost.get_or_insert(format!("entry {index} cannot be read, and it may have changed the keys"));
    }
}

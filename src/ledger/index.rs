//! Keeps the index database in step with the log: the log says what is true, the index follows.

use crate::merkle::{TreeHead, check_consistency, prove_consistency};
use crate::store::{IndexRecord, Store, StoreError};

use super::error::LedgerError;
use super::reader::{Entry, Ledger};

/// Why the index could not be brought up to the log.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The log could not be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The index could not be used. Scan the log instead.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How the index was brought up to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Indexed {
    /// It was there already.
    Current,
    /// The rest was added.
    Extended {
        /// Entries added.
        entries: u64,
    },
    /// It was of another history, or empty: built anew.
    Rebuilt {
        /// Entries in the log.
        entries: u64,
    },
}

/// Brings `store`, which says that it reaches up to `reached`, up to the head of `ledger`. `describe` says what the index
/// should know of an entry, if anything.
pub fn bring_up_index(
    ledger: &Ledger,
    store: &Store,
    reached: Option<TreeHead>,
    describe: impl Fn(&Entry) -> Option<IndexRecord>,
) -> Result<Indexed, IndexError> {
    let head = *ledger.tree();
    if reached == Some(head) {
        return Ok(Indexed::Current);
    }
    let kept = match reached {
        Some(reached) if is_prefix(ledger, &reached)? => Some(reached.size),
        _ => None,
    };
    // An error in the middle must not pass for the end: the index would then claim entries that it never saw.
    let mut broken = None;
    let from = kept.unwrap_or_default();
    let entries = ledger.entries(from.next_index())?;
    let records = entries
        .map_while(|entry| entry.map_err(|error| broken = Some(error)).ok())
        .filter_map(|entry| describe(&entry))
        .collect::<Vec<_>>();
    if let Some(error) = broken {
        return Err(error.into());
    }
    if kept.is_some() {
        store.extend(records.into_iter(), head)?;
        return Ok(Indexed::Extended { entries: head.size.0 - from.0 });
    }
    store.rebuild(records.into_iter(), head)?;
    Ok(Indexed::Rebuilt { entries: head.size.0 })
}

fn is_prefix(ledger: &Ledger, reached: &TreeHead) -> Result<bool, LedgerError> {
    if reached.size > ledger.tree().size {
        return Ok(false);
    }
    let holds = |proof: &Vec<_>| check_consistency(reached, ledger.tree(), proof).is_ok();
    let made = ledger.prove(|nodes| prove_consistency(nodes, reached.size, ledger.tree().size), holds)?;
    Ok(made.is_ok_and(|proof| holds(&proof)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::convert::Infallible;
    use std::path::Path;

    use crate::key::SigningKey;
    use crate::ledger::{Writer, verifier_key};
    use crate::merkle::{EntryIndex, Origin};
    use crate::store::StoreLimits;

    use super::*;

    fn describe(entry: &Entry) -> Option<IndexRecord> {
        let (seq, name) = (entry.index.0, String::from_utf8(entry.bytes.clone()).ok()?);
        Some(IndexRecord { seq, names: vec![name], about: vec![entry.leaf.into()], refers: Vec::new() })
    }

    fn grow(dir: &Path, name: &str, count: usize) -> Ledger {
        let origin = Origin::parse("example.org/log").unwrap();
        let key = || SigningKey::from_seed([7; 32]);
        let (ledger, state) = (dir.join(name), dir.join("state"));
        let mut writer = if ledger.exists() {
            Writer::open(&ledger, &origin, key(), &state).unwrap().0
        } else {
            Writer::create(&ledger, name.as_bytes(), &origin, key(), &state).unwrap()
        };
        let make = |index: EntryIndex| Ok::<_, Infallible>(format!("{name}-{index}").into_bytes());
        writer.append(count, make).unwrap();
        drop(writer);
        Ledger::open_read(&ledger, &verifier_key(&origin, &key())).unwrap()
    }

    #[test]
    fn the_index_follows_the_log_and_leaves_another_history_behind() {
        let dir = tempfile::tempdir().unwrap();
        let index = dir.path().join("index");
        let step = |ledger: &Ledger| {
            let (store, reached) = Store::open(&index, StoreLimits::default()).unwrap();
            let done = bring_up_index(ledger, &store, reached, describe).unwrap();
            (store, done)
        };
        assert_eq!(step(&grow(dir.path(), "one", 9)).1, Indexed::Rebuilt { entries: 10 });
        let ledger = grow(dir.path(), "one", 5);
        let (store, done) = step(&ledger);
        assert_eq!(done, Indexed::Extended { entries: 5 });
        assert_eq!(store.name("one-3").unwrap(), Some(3));
        assert_eq!(store.name("one-14").unwrap(), Some(14));
        assert_eq!(store.about(&ledger.entry(EntryIndex(12)).unwrap().leaf.into()).unwrap(), [12]);
        drop(store);
        assert_eq!(step(&ledger).1, Indexed::Current);
        let (store, done) = step(&grow(dir.path(), "two", 20));
        assert_eq!(done, Indexed::Rebuilt { entries: 21 });
        assert_eq!((store.name("one-3").unwrap(), store.name("two-20").unwrap()), (None, Some(20)));
    }
}

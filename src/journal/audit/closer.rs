//! A closer look at a damaged log: how far it is whole, and which entries their signers would not know again.
//!
//! Nothing here can turn damage into anything else; it only says where to look.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use crate::digest::Thumbprint;
use crate::journal::audit::Finding;
use crate::key::PublicKey;
use crate::ledger::{AuditInputs, Damage, LedgerError, audit};
use crate::merkle::EntryIndex;
use crate::statement::{Entry, KeyChange};
use crate::verify::Reject;

/// Entries that are named; the rest follow from the same damage.
const MAX_NAMED: usize = 10;

/// What a closer look found.
#[derive(Debug, Default)]
pub(super) struct Closer {
    /// Entries before the damage that are whole, where the damage is one of frames.
    pub(super) whole: Option<u64>,
    /// Entries that are not what was signed.
    pub(super) refused: BTreeMap<EntryIndex, Finding>,
}

/// Goes over the log again, as far as it goes.
pub(super) fn look_closer(inputs: AuditInputs<'_>, error: &LedgerError) -> Closer {
    let LedgerError::Damaged { what, .. } = error else { return Closer::default() };
    let (seen, keys) = (Mutex::new(BTreeSet::new()), Mutex::new(BTreeMap::new()));
    over(inputs, |index, bytes| {
        locked(&seen).insert(index.0);
        if let Ok(entry) = Entry::parse(bytes) {
            locked(&keys).extend(keys_in(&entry).map(|key| (key.thumbprint(), key)));
        }
    });
    let (seen, keys) = (into_inner(seen), into_inner(keys));
    let refused = Mutex::new(BTreeMap::new());
    over(inputs, |index, bytes| {
        let Some(finding) = refusal(index, bytes, &keys) else { return };
        let mut refused = locked(&refused);
        refused.insert(index, finding);
        if refused.len() > MAX_NAMED {
            refused.pop_last();
        }
    });
    let whole = is_of_frames(what).then(|| (0..).zip(&seen).take_while(|(at, index)| at == *index).count() as u64);
    Closer { whole, refused: into_inner(refused) }
}

/// Damage that is met while frames are read: whatever was read before it is whole.
fn is_of_frames(what: &Damage) -> bool {
    matches!(
        what,
        Damage::FrameLength { .. }
            | Damage::FrameShort
            | Damage::FrameChecksum
            | Damage::Zeros
            | Damage::Uncovered
            | Damage::HeadFrame
            | Damage::HeadCount { .. }
            | Damage::GroupChecksum
            | Damage::LostEnd { .. }
    )
}

fn over(inputs: AuditInputs<'_>, see: impl Fn(EntryIndex, &[u8]) + Sync) {
    let check = |index: EntryIndex, bytes: &[u8], _| {
        see(index, bytes);
        Ok::<(), std::convert::Infallible>(())
    };
    // The damage is known and reported already; this stops at the same place.
    let _ = audit(inputs, check, |_| {});
}

fn keys_in(entry: &Entry) -> impl Iterator<Item = PublicKey> {
    let payload = entry.claimed();
    let first = payload.genesis.iter().flat_map(|genesis| genesis.keys.iter().map(|(_, key)| *key));
    let added = payload.key_change.iter().filter_map(|change| match change.as_ref() {
        KeyChange::Add { key, .. } => Some(*key),
        KeyChange::Revoke { .. } => None,
    });
    first.chain(added)
}

fn refusal(index: EntryIndex, bytes: &[u8], keys: &BTreeMap<Thumbprint, PublicKey>) -> Option<Finding> {
    let entry = match Entry::parse(bytes) {
        Ok(entry) => entry,
        Err(source) => return Some(Finding::Unreadable { index, source }),
    };
    let key_id = entry.key_id();
    match keys.get(&key_id) {
        None => Some(Finding::Rule { index, reject: Reject::UnknownKey { index, key_id } }),
        Some(key) if entry.is_signed_by(key) => None,
        Some(_) => Some(Finding::Altered { index }),
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn into_inner<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}

//! Which key may sign which entry: the key set of entry 0, changed only by entries, in order.

use std::collections::BTreeMap;

use crate::digest::{LedgerId, Thumbprint};
use crate::key::PublicKey;
use crate::merkle::EntryIndex;
use crate::statement::{Entry, Genesis, KeyChange, Kind, Payload, Role, possession_message};
use crate::verify::Reject;

/// Keys enrolled at one time: bounds what a hostile ledger can make a verifier search.
const MAX_ENROLLED: usize = 1024;

/// A key that was taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revocation {
    /// The entry that says so.
    pub by: EntryIndex,
    /// Entries of the key from here on were not its owner's.
    pub compromised_since: Option<EntryIndex>,
}

/// The keys of one ledger as of some entry.
#[derive(Debug, Clone)]
pub struct KeySet {
    log: LedgerId,
    log_key: PublicKey,
    active: BTreeMap<Thumbprint, (Role, PublicKey)>,
    revoked: BTreeMap<Thumbprint, Revocation>,
    last_change: EntryIndex,
}

impl KeySet {
    /// The key set that entry 0 declares.
    pub fn new(log: LedgerId, genesis: &Genesis) -> Self {
        let active = genesis.keys.iter().map(|(role, key)| (key.thumbprint(), (*role, *key))).collect();
        Self { log, log_key: genesis.log_key, active, revoked: BTreeMap::new(), last_change: EntryIndex(0) }
    }

    /// The ledger whose keys these are.
    pub fn log(&self) -> LedgerId {
        self.log
    }

    /// The entry that last changed the set.
    pub fn last_change(&self) -> EntryIndex {
        self.last_change
    }

    /// Keys taken out so far.
    pub fn revoked(&self) -> &BTreeMap<Thumbprint, Revocation> {
        &self.revoked
    }

    /// True for the log's key and every key that was ever enrolled: nobody outside the ledger.
    pub fn is_own(&self, key: &PublicKey) -> bool {
        let thumbprint = key.thumbprint();
        *key == self.log_key || self.active.contains_key(&thumbprint) || self.revoked.contains_key(&thumbprint)
    }

    /// True where a key was ever enrolled in both, the logs' keys included.
    pub fn shares_a_key(&self, other: &Self) -> bool {
        let own = |set: &Self| -> Vec<Thumbprint> {
            let log = std::iter::once(set.log_key.thumbprint());
            log.chain(set.active.keys().copied()).chain(set.revoked.keys().copied()).collect()
        };
        let others = own(other);
        own(self).iter().any(|key| others.contains(key))
    }

    /// Keys that may sign now.
    pub fn active(&self) -> impl Iterator<Item = (Role, &PublicKey)> {
        self.active.values().map(|(role, key)| (*role, key))
    }

    /// The key that must have signed `entry`, if the place, the ledger and the key set allow the entry at `index`.
    ///
    /// The signature itself is the caller's to check, so that many can be checked at once.
    pub fn key_for(&self, index: EntryIndex, entry: &Entry) -> Result<PublicKey, Reject> {
        let payload = entry.claimed();
        if payload.seq != index {
            return Err(Reject::Seq { index, claimed: payload.seq });
        }
        match payload.log {
            Some(log) if log != self.log => return Err(Reject::Log { index, expected: self.log, found: log }),
            None if index != EntryIndex(0) => return Err(Reject::SecondGenesis { index }),
            _ => {}
        }
        if payload.keyset > self.last_change {
            return Err(Reject::MissingKeyChange { index, change: payload.keyset });
        }
        if payload.keyset < self.last_change {
            return Err(Reject::StaleKeySet { index, change: self.last_change });
        }
        match self.active.get(&entry.key_id()) {
            Some((Role::Issuer, key)) => Ok(*key),
            Some((role, _)) => Err(Reject::Role { index, role: role.name() }),
            None => match self.revoked.get(&entry.key_id()) {
                Some(revocation) => Err(Reject::Revoked { index, revoked: revocation.by }),
                None => Err(Reject::UnknownKey { index, key_id: entry.key_id() }),
            },
        }
    }

    /// Takes over the change that an entry makes, if it makes one. Its signature must hold already.
    pub fn apply(&mut self, index: EntryIndex, payload: &Payload) -> Result<(), Reject> {
        let Some(change) = &payload.key_change else { return Ok(()) };
        let refuse = |reason| Err(Reject::KeyChange { index, reason });
        match change.as_ref() {
            KeyChange::Add { role: Role::Log, .. } => {
                return refuse("the log key is the ledger's identity and never changes; start a new ledger");
            }
            KeyChange::Add { role, key, possession } => {
                if self.is_own(key) {
                    return refuse("the key was enrolled before");
                }
                if self.active.len() >= MAX_ENROLLED {
                    return refuse("more keys are enrolled than are read");
                }
                if key.verify(&possession_message(&self.log, index, *role), possession).is_err() {
                    return refuse("the new key has not signed its enrolment");
                }
                self.active.insert(key.thumbprint(), (*role, *key));
            }
            KeyChange::Revoke { key, compromised_since } => {
                let thumbprint = key.thumbprint();
                let Some(entry) = self.active.remove(&thumbprint) else {
                    return refuse("the key it revokes is not enrolled");
                };
                if entry.0 == Role::Issuer && !self.active.values().any(|(role, _)| *role == Role::Issuer) {
                    return refuse("it would leave no key to sign entries; add the new key first");
                }
                if compromised_since.is_some_and(|since| since > index) {
                    return refuse("a key cannot have been compromised later than now");
                }
                self.revoked.insert(thumbprint, Revocation { by: index, compromised_since: *compromised_since });
            }
        }
        self.last_change = index;
        Ok(())
    }

    /// The genesis of the bytes of entry 0, which must carry the signature of one of its own issuer keys.
    pub fn open_genesis(entry: &Entry) -> Result<(LedgerId, Genesis, Self), Reject> {
        let payload = entry.claimed();
        let genesis = match (payload.kind, payload.genesis.as_deref()) {
            (Kind::Genesis, Some(genesis)) => genesis.clone(),
            _ => return Err(Reject::NotGenesis),
        };
        let log = LedgerId::from(entry.leaf_hash());
        let keys = Self::new(log, &genesis);
        let key = keys.key_for(EntryIndex(0), entry)?;
        if !entry.is_signed_by(&key) {
            return Err(Reject::Signature { index: EntryIndex(0) });
        }
        Ok((log, genesis, keys))
    }
}

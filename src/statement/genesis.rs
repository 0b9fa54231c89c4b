//! Entry 0 and what may change the keys it names.
//!
//! The ledger's identity is the leaf hash of entry 0, which fixes the origin, the log key, the issuer keys with their
//! roles and a nonce. Later changes of keys are entries of their own: a key is added by a key already trusted and
//! proves possession by a signature of its own; a revoked key signs nothing from that entry on.

use std::collections::BTreeSet;

use crate::codec::{DecodeError, Decoder, Encoder, required, wire_enum};
use crate::key::{PublicKey, Signature};
use crate::merkle::EntryIndex;

/// Version of the ledger format that entry 0 declares.
pub const FORMAT_VERSION: u64 = 1;
const MAX_KEYS: usize = 64;

wire_enum! {
    /// What a key may sign. Roles are separate keys.
    pub enum Role, "a key role" {
        /// Heads of the tree.
        Log = 0 "log",
        /// Entries, for the lab.
        Issuer = 1 "issuer",
        /// Results, for whoever ran the evaluation.
        Evaluator = 2 "evaluator",
        /// Statements about a claim by a third party.
        Reviewer = 3 "reviewer",
        /// Equality of rebuilt bytes.
        Rebuilder = 4 "rebuilder",
    }
}

/// Entry 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Genesis {
    /// Schema-less URL that names the log on its heads.
    pub origin: String,
    /// The key that signs heads.
    pub log_key: PublicKey,
    /// Keys that may sign entries, each with its role, sorted.
    pub keys: Vec<(Role, PublicKey)>,
    /// Makes two ledgers of the same keys two ledgers.
    pub nonce: [u8; 16],
}

impl Genesis {
    const WHAT: &'static str = "a genesis";

    pub(crate) fn encode(&self, e: &mut Encoder) {
        let mut keys = self.keys.clone();
        keys.sort();
        e.map(|m| {
            m.entry(1, |e| e.text(&self.origin));
            m.entry(2, |e| e.bytes(self.log_key.as_bytes()));
            m.entry(3, |e| {
                e.array(keys.len());
                for (role, key) in &keys {
                    e.array(2);
                    e.int(role.id());
                    e.bytes(key.as_bytes());
                }
            });
            m.entry(4, |e| e.bytes(&self.nonce));
            m.entry(5, |e| e.uint(FORMAT_VERSION));
        });
    }

    pub(crate) fn decode(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let (mut origin, mut log_key, mut keys, mut nonce, mut version) = (None, None, None, None, None);
        d.int_map(|key, d| {
            match key {
                1 => origin = Some(d.text()?.to_owned()),
                2 => log_key = Some(public_key(d)?),
                3 => {
                    keys = Some(d.array(|d| -> Result<_, DecodeError> {
                        d.tuple("a key with its role", 2, |d| Ok((Role::from_id(d.int()?)?, public_key(d)?)))
                    })?);
                }
                4 => nonce = Some(d.byte_array("the nonce")?),
                5 => version = Some(d.uint()?),
                _ => return Err(DecodeError::UnknownKey { what: Self::WHAT, key }),
            }
            Ok(())
        })?;
        let version = required(version, Self::WHAT, 5)?;
        if version != FORMAT_VERSION {
            let value = i64::try_from(version).unwrap_or(i64::MAX);
            return Err(DecodeError::UnknownValue { what: "the ledger format version", value });
        }
        let keys = required(keys, Self::WHAT, 3)?;
        if keys.is_empty() || keys.len() > MAX_KEYS {
            return Err(DecodeError::Length { what: "the issuer keys", expected: "1 to 64 keys", found: keys.len() });
        }
        if !keys.is_sorted_by(|left, right| left < right) {
            return Err(DecodeError::Unsorted { what: "the list of issuer keys" });
        }
        // Roles are separate keys, the log's included: what one key signs in one role is never taken for another.
        let log_key = required(log_key, Self::WHAT, 2)?;
        let distinct: BTreeSet<&PublicKey> = keys.iter().map(|(_, key)| key).chain([&log_key]).collect();
        if distinct.len() != keys.len() + 1 {
            let (what, expected) = ("the keys of a genesis", "one key for each role");
            return Err(DecodeError::Length { what, expected, found: distinct.len() });
        }
        Ok(Self { origin: required(origin, Self::WHAT, 1)?, log_key, keys, nonce: required(nonce, Self::WHAT, 4)? })
    }
}

fn public_key(d: &mut Decoder<'_>) -> Result<PublicKey, DecodeError> {
    let at = d.offset();
    let bytes = d.byte_array("a public key")?;
    PublicKey::parse(&bytes).map_err(|_| DecodeError::Range { at, what: "an acceptable Ed25519 public key" })
}

/// One change of the key set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyChange {
    /// From the next entry on, `key` may sign in `role`.
    Add {
        /// What it may sign.
        role: Role,
        /// The new key.
        key: PublicKey,
        /// Signature of the new key over [`possession_message`]: nobody enrols a key that is not theirs.
        possession: Signature,
    },
    /// From this entry on, `key` signs nothing.
    Revoke {
        /// The key that ends.
        key: PublicKey,
        /// Its entries from this index on were not its owner's; they stand only before it.
        compromised_since: Option<EntryIndex>,
    },
}

/// What a new key signs to show that its owner has it: the ledger, the place and the role it is enrolled for.
pub fn possession_message(log: &crate::digest::LedgerId, seq: EntryIndex, role: Role) -> Vec<u8> {
    Encoder::encode(|e| {
        e.array(4);
        e.text("reproledger key possession v1");
        e.bytes(log.as_bytes());
        e.uint(seq.0);
        e.int(role.id());
    })
}

impl KeyChange {
    const WHAT: &'static str = "a key change";

    pub(crate) fn encode(&self, e: &mut Encoder) {
        e.map(|m| match self {
            Self::Add { role, key, possession } => {
                m.entry(1, |e| e.uint(1));
                m.entry(2, |e| e.bytes(key.as_bytes()));
                m.entry(3, |e| e.int(role.id()));
                m.entry(4, |e| e.bytes(&possession.0));
            }
            Self::Revoke { key, compromised_since } => {
                m.entry(1, |e| e.uint(2));
                m.entry(2, |e| e.bytes(key.as_bytes()));
                m.optional(5, *compromised_since, |e, index| e.uint(index.0));
            }
        });
    }

    pub(crate) fn decode(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let (mut operation, mut key_bytes, mut role, mut possession, mut since) = (None, None, None, None, None);
        d.int_map(|key, d| {
            match key {
                1 => operation = Some(d.int()?),
                2 => key_bytes = Some(public_key(d)?),
                3 => role = Some(Role::from_id(d.int()?)?),
                4 => possession = Some(Signature(d.byte_array("a signature")?)),
                5 => since = Some(EntryIndex(d.uint()?)),
                _ => return Err(DecodeError::UnknownKey { what: Self::WHAT, key }),
            }
            Ok(())
        })?;
        let key = required(key_bytes, Self::WHAT, 2)?;
        match required(operation, Self::WHAT, 1)? {
            1 if since.is_none() => Ok(Self::Add {
                role: required(role, Self::WHAT, 3)?,
                key,
                possession: required(possession, Self::WHAT, 4)?,
            }),
            2 if role.is_none() && possession.is_none() => Ok(Self::Revoke { key, compromised_since: since }),
            1 => Err(DecodeError::UnknownKey { what: Self::WHAT, key: 5 }),
            2 => Err(DecodeError::UnknownKey { what: Self::WHAT, key: if role.is_some() { 3 } else { 4 } }),
            value => Err(DecodeError::UnknownValue { what: Self::WHAT, value }),
        }
    }
}

//! Salted manifests: every leaf is a commitment, so that a text that can be guessed cannot be confirmed.
//!
//! The leaf of a salted manifest is one byte string of 32 bytes, BLAKE3 keyed with the leaf's own 32-byte salt over the
//! canonical bytes of the leaf that it stands for; the header's projection says ` salted`. Salts and leaves stay in a
//! *sidecar* under the salted root, which goes into no object, no evidence and no publication. An opened leaf shows its
//! own salt and nothing of the others, whose salts are independent.
//!
//! ```text
//! sidecar = [header, [salt, leaf], …]     canonical CBOR; the header is the unsalted one
//! ```

use super::{Manifest, ManifestError, ManifestHeader};
use crate::codec::{DecodeError, Decoder, Encoder};
use crate::digest::{DIGEST_LEN, Salt};

/// What the projection of a salted manifest ends with.
pub const SALTED: &str = " salted";

/// A salted manifest and what its owner keeps back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaltedManifest {
    /// What the entry commits to and anyone may see.
    pub manifest: Manifest,
    /// The sidecar: salts and unsalted leaves.
    pub sidecar: Vec<u8>,
}

impl ManifestHeader {
    /// The projection without the mark of a salted one; none where it is not salted.
    pub fn unsalted_projection(&self) -> Option<&str> {
        self.projection.strip_suffix(SALTED)
    }
}

impl Manifest {
    /// The same items behind salts, one for each, which `salt` draws.
    ///
    /// Facts in the header are dropped: they are facts about what is hidden.
    pub fn salted<E>(&self, mut salt: impl FnMut() -> Result<Salt, E>) -> Result<SaltedManifest, E> {
        let salts = self.items.iter().map(|_| salt()).collect::<Result<Vec<_>, E>>()?;
        let projection = format!("{}{SALTED}", self.header.projection);
        let leaf = |(salt, item): (&Salt, &Vec<u8>)| commitment_leaf(&salt.commit(item));
        let manifest = Self {
            header: ManifestHeader { kind: self.header.kind, projection, facts: None },
            items: salts.iter().zip(&self.items).map(leaf).collect(),
        };
        let sidecar = Encoder::encode(|e| {
            e.array(self.items.len() + 1);
            e.raw(&ManifestHeader { facts: None, ..self.header.clone() }.encode());
            for (salt, item) in salts.iter().zip(&self.items) {
                e.array(2);
                e.bytes(&salt.0);
                e.raw(item);
            }
        });
        Ok(SaltedManifest { manifest, sidecar })
    }
}

/// A sidecar as read.
#[derive(Debug, Clone)]
pub struct Sidecar<'a> {
    /// The unsalted header.
    pub header: ManifestHeader,
    /// Salts and unsalted leaves, in the manifest's order.
    pub leaves: Vec<(Salt, &'a [u8])>,
}

impl<'a> Sidecar<'a> {
    /// Reads a sidecar.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ManifestError> {
        let mut d = Decoder::new(bytes);
        let len = d.array_header()?;
        if len < 2 {
            return Err(ManifestError::Empty);
        }
        let header = ManifestHeader::decode(&mut d)?;
        let mut leaves = Vec::new();
        for _ in 1..len {
            leaves.push(d.tuple("a salted leaf", 2, |d| {
                Ok::<_, DecodeError>((Salt(d.byte_array::<DIGEST_LEN>("a salt")?), d.raw()?))
            })?);
        }
        d.finish()?;
        Ok(Self { header, leaves })
    }
}

/// The canonical bytes of a salted leaf.
pub fn commitment_leaf(commitment: &[u8; DIGEST_LEN]) -> Vec<u8> {
    Encoder::encode(|e| e.bytes(commitment))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::artifact::manifest::ManifestView;
    use crate::digest::{DigestKind, FileDigest};

    fn manifest(texts: &[&str]) -> Manifest {
        let header = ManifestHeader { kind: DigestKind::Rows, projection: "text".to_owned(), facts: None };
        let item = |text: &&str| {
            Encoder::encode(|e| {
                e.array(2);
                crate::digest::Digest::from(FileDigest::of(text.as_bytes())).encode(e);
                e.uint(text.len() as u64);
            })
        };
        Manifest { header, items: texts.iter().map(item).collect() }
    }

    fn salted(plain: &Manifest, first: u8) -> SaltedManifest {
        let mut next = first;
        let draw = || {
            next += 1;
            Ok::<_, std::convert::Infallible>(Salt([next; 32]))
        };
        plain.salted(draw).unwrap()
    }

    #[test]
    fn a_sidecar_opens_every_leaf_and_only_its_own() {
        let plain = manifest(&["yes", "no", "yes"]);
        let salted = salted(&plain, 0);
        assert_eq!(salted.manifest.header.projection, "text salted");
        assert_eq!(salted.manifest.header.unsalted_projection(), Some("text"));
        assert_eq!(plain.header.unsalted_projection(), None);
        let sidecar = Sidecar::parse(&salted.sidecar).unwrap();
        assert_eq!(sidecar.leaves.len(), 3);
        for (at, (salt, leaf)) in sidecar.leaves.iter().enumerate() {
            assert_eq!(*leaf, plain.items[at]);
            for (other, item) in salted.manifest.items.iter().enumerate() {
                assert_eq!(*item == commitment_leaf(&salt.commit(leaf)), at == other);
            }
        }
        // Equal texts have different leaves: that two rows are the same is not shown either.
        assert_ne!(salted.manifest.items[0], salted.manifest.items[2]);
    }

    #[test]
    fn nothing_of_the_plain_leaves_is_in_a_salted_manifest() {
        let plain = manifest(&["yes", "no"]);
        let salted = salted(&plain, 0);
        let object = salted.manifest.to_object();
        for text in ["yes", "no"] {
            let digest = FileDigest::of(text.as_bytes());
            assert!(!object.windows(32).any(|window| window == digest.as_bytes()));
        }
        assert!(ManifestView::parse(&object).is_ok());
        assert_ne!(salted.manifest.root(), self::salted(&plain, 100).manifest.root(), "salts are drawn anew");
    }

    #[test]
    fn facts_about_what_is_hidden_are_dropped() {
        let mut plain = manifest(&["yes"]);
        plain.header.facts = Some(Encoder::encode(|e| e.text("a secret")));
        let salted = salted(&plain, 0);
        assert_eq!(salted.manifest.header.facts, None);
        assert!(!salted.sidecar.windows(8).any(|window| window == b"a secret"));
    }

    #[test]
    fn a_sidecar_cut_anywhere_is_refused() {
        let salted = salted(&manifest(&["yes", "no"]), 0);
        for end in 0..salted.sidecar.len() {
            assert!(Sidecar::parse(&salted.sidecar[..end]).is_err(), "{end}");
        }
    }
}

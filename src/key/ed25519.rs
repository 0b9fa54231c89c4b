//! Ed25519 keys and the one rule by which a signature is accepted.
//!
//! The rule: the key is a canonical, torsion-free point that is not of small order (checked once, in
//! [`PublicKey::parse`]); S is below the group order; R is canonical and not of small order; and the equation holds
//! without the cofactor. So one signature belongs to one key and one message, whatever its maker tries.
//!
//! Only this file names `ed25519_dalek`.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc8032#section-5.1.7>, and the stricter choices of
//! <https://eprint.iacr.org/2020/1244>

use std::fmt;

use zeroize::Zeroizing;

use crate::digest::hex;

/// Bytes in a public key, and in a seed.
pub const KEY_LEN: usize = 32;

/// Bytes in a signature.
pub const SIGNATURE_LEN: usize = 64;

/// Why 32 bytes are not a public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No point has these bytes as its encoding.
    #[error("the public key is not a point on the curve")]
    NotOnCurve,
    /// A second spelling of some point: y not below p, or a minus sign on zero.
    #[error("the public key is not in its canonical encoding")]
    NonCanonical,
    /// One of the eight points under which a signature can fit many messages.
    #[error("the public key is a point of small order, under which one signature fits many messages")]
    SmallOrder,
    /// Outside the prime-order group: such a key has twins that verify some of the same signatures.
    #[error("the public key has a torsion component, as no honestly made key does")]
    Torsion,
}

/// The signature does not belong to this key and message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct BadSignature;

/// A public key that was checked to be a good one. Ordered and compared by its bytes.
// The decompressed point is kept inside, so that many signatures under one key pay for the key once.
#[derive(Clone, Copy)]
pub struct PublicKey(ed25519_dalek::VerifyingKey);

impl PublicKey {
    /// Takes 32 bytes that may come from anyone.
    ///
    /// The torsion check costs about as much as two verifications: parse a key once and keep it.
    pub fn parse(bytes: &[u8; KEY_LEN]) -> Result<Self, KeyError> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::NotOnCurve)?;
        let point = key.to_edwards();
        // Decoding is lenient (it reduces y, and takes "-0" for 0); only the canonical bytes come back out.
        if point.compress().as_bytes() != bytes {
            return Err(KeyError::NonCanonical);
        }
        if point.is_small_order() {
            return Err(KeyError::SmallOrder);
        }
        if !point.is_torsion_free() {
            return Err(KeyError::Torsion);
        }
        Ok(Self(key))
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; KEY_LEN] {
        self.0.as_bytes()
    }

    /// Checks a signature by the one rule (see the top of this file).
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), BadSignature> {
        // `verify_strict` compares the encoding of the R it computes with the R it was given: a non-canonical R
        // cannot pass.
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        self.0.verify_strict(message, &signature).map_err(|_| BadSignature)
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for PublicKey {}

impl PartialOrd for PublicKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PublicKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl std::hash::Hash for PublicKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(self.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// 64 bytes that claim to be a signature. Never an identifier of what it signs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; SIGNATURE_LEN]);

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({})", hex(&self.0))
    }
}

/// A secret key. It leaves memory when it is dropped, and no `Debug` shows it.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// The key of a 32-byte seed.
    pub fn from_seed(seed: [u8; KEY_LEN]) -> Self {
        let seed = Zeroizing::new(seed);
        Self(ed25519_dalek::SigningKey::from_bytes(&seed))
    }

    /// The seed, for writing a key file and for nothing else.
    pub fn seed(&self) -> Zeroizing<[u8; KEY_LEN]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        // A multiple of the base point: canonical and torsion-free by construction.
        PublicKey(self.0.verifying_key())
    }

    /// Signs, deterministically.
    pub fn sign(&self, message: &[u8]) -> Signature {
        use ed25519_dalek::Signer;
        Signature(self.0.sign(message).to_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(of {})", self.public())
    }
}

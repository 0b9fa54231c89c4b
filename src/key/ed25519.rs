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
    /// The torsion check costs about as much as a verification: parse a key once and keep it.
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn bytes(hex_text: &str) -> [u8; 32] {
        crate::digest::parse_hex(hex_text).unwrap()
    }

    const RFC8032_SEED_1: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    const RFC8032_KEY_1: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

    #[test]
    fn rfc_8032_test_1_signs_and_verifies() {
        let key = SigningKey::from_seed(bytes(RFC8032_SEED_1));
        assert_eq!(key.public().to_string(), RFC8032_KEY_1);
        assert_eq!(PublicKey::parse(&bytes(RFC8032_KEY_1)).unwrap(), key.public());
        let signature = key.sign(b"");
        assert!(hex(&signature.0).starts_with("e5564300c360ac729086e2cc806e828a"), "{signature:?}");
        assert_eq!(key.public().verify(b"", &signature), Ok(()));
        assert_eq!(key.public().verify(b"x", &signature), Err(BadSignature));
        assert_eq!(SigningKey::from_seed([7; 32]).public().verify(b"", &signature), Err(BadSignature));
    }

    #[test]
    fn every_flipped_bit_of_a_signature_is_refused() {
        let key = SigningKey::from_seed([1; 32]);
        let signature = key.sign(b"text");
        for bit in 0..8 * SIGNATURE_LEN {
            let mut flipped = signature;
            flipped.0[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.public().verify(b"text", &flipped), Err(BadSignature), "bit {bit}");
        }
    }

    #[test]
    fn a_signature_with_s_plus_the_group_order_is_refused() {
        let order = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10_u16,
        ];
        let key = SigningKey::from_seed([1; 32]);
        let mut signature = key.sign(b"text");
        let mut carry = 0;
        for (byte, add) in signature.0[32..].iter_mut().zip(order) {
            let sum = u16::from(*byte) + add + carry;
            *byte = u8::try_from(sum & 0xff).unwrap();
            carry = sum >> 8;
        }
        assert_eq!(carry, 0);
        assert_eq!(key.public().verify(b"text", &signature), Err(BadSignature));
    }

    #[test]
    fn each_way_to_be_a_bad_key_has_its_name() {
        let parse = |hex_text| PublicKey::parse(&bytes(hex_text)).unwrap_err();
        // y = 2 is on no point.
        assert_eq!(parse("0200000000000000000000000000000000000000000000000000000000000000"), KeyError::NotOnCurve);
        // y = p + 3: second spelling of y = 3, and y = p + 1 of the neutral element.
        assert_eq!(parse("f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"), KeyError::NonCanonical);
        assert_eq!(parse("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"), KeyError::NonCanonical);
        // y = 1 with the sign of x = 0 set: "-0".
        assert_eq!(parse("0100000000000000000000000000000000000000000000000000000000000080"), KeyError::NonCanonical);
        // The neutral element, the point of order 2, a point of order 8.
        for small in [
            "0100000000000000000000000000000000000000000000000000000000000000",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        ] {
            assert_eq!(parse(small), KeyError::SmallOrder, "{small}");
        }
        // speccheck case 2: mixed order.
        assert_eq!(parse("f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43"), KeyError::Torsion);
    }

    #[test]
    fn no_debug_text_shows_a_seed() {
        let key = SigningKey::from_seed(bytes(RFC8032_SEED_1));
        assert!(!format!("{key:?}").contains("9d61b1"));
        assert_eq!(format!("{key:?}"), format!("SigningKey(of {RFC8032_KEY_1})"));
        assert_eq!(*key.seed(), bytes(RFC8032_SEED_1));
    }

    #[test]
    fn keys_are_ordered_by_their_bytes() {
        let mut keys: Vec<_> = (0..20).map(|n| SigningKey::from_seed([n; 32]).public()).collect();
        keys.sort();
        assert!(keys.is_sorted_by_key(|key| *key.as_bytes()));
    }
}

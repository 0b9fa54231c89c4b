//! Verifier keys: a key with the name and the role it signs notes under.
//!
//! The 4-byte key id only routes a signature line to a key; it proves nothing, and what verifies is always the whole
//! key. Ids are compared together with names and never with the `kid` of an entry.
//!
//! Spec: <https://c2sp.org/signed-note>

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::digest::{Sha256Digest, hex};

use super::{KEY_LEN, KeyError, PublicKey};

/// Longest name of a key: what an ML-DSA cosigned message can hold too (c2sp.org/tlog-cosignature).
pub const MAX_KEY_NAME_BYTES: usize = 255;

/// Why a text cannot name a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum KeyNameError {
    #[error("a key name cannot be empty")]
    Empty,
    #[error("the key name has {found} bytes, more than {MAX_KEY_NAME_BYTES}")]
    TooLong { found: usize },
    #[error("the key name contains {found:?}; spaces, `+` and control characters are not allowed")]
    Character { found: char },
}

/// Name of a key in notes: by convention a URL without its scheme, such as `lab.example/ledger`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

impl KeyName {
    /// Takes a name that may come from anyone.
    pub fn parse(text: &str) -> Result<Self, KeyNameError> {
        match text.len() {
            0 => return Err(KeyNameError::Empty),
            found if found > MAX_KEY_NAME_BYTES => return Err(KeyNameError::TooLong { found }),
            _ => {}
        }
        match text.chars().find(|c| c.is_whitespace() || c.is_control() || *c == '+') {
            Some(found) => Err(KeyNameError::Character { found }),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for KeyName {
    type Err = KeyNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// What a key signs notes as; the number is the type byte of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoteKind {
    /// The text itself: logs.
    Ed25519 = 1,
    /// Time and text: witnesses (cosignature/v1).
    CosignatureV1 = 4,
}

impl NoteKind {
    /// The type byte.
    pub const fn byte(self) -> u8 {
        self as u8
    }
}

/// Where a signature line belongs, together with the key's name. Not a digest: only four bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 4]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// Why a text is not a verifier key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum VerifierKeyError {
    #[error("expected `name+id+key`, with an id of 8 lowercase hexadecimal digits and a key in padded base64")]
    Form,
    #[error(transparent)]
    Name(#[from] KeyNameError),
    #[error("verifier keys of type 0x{found:02x} are not known here, only 0x01 (Ed25519) and 0x04 (cosignature/v1)")]
    Kind { found: u8 },
    #[error("the verifier key holds {found} key bytes where 32 belong")]
    Length { found: usize },
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("the verifier key says its id is {found}, but its name and key make {expected}")]
    Id { expected: KeyId, found: String },
}

/// A key trusted to sign notes under one name and as one kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct VerifierKey {
    /// The name its signature lines carry.
    pub name: KeyName,
    /// What its signatures mean.
    pub kind: NoteKind,
    /// The key itself.
    pub key: PublicKey,
}

impl VerifierKey {
    /// SHA-256 of name, newline, type byte and key; the first four bytes.
    pub fn key_id(&self) -> KeyId {
        let mut preimage = Vec::with_capacity(MAX_KEY_NAME_BYTES + 2 + KEY_LEN);
        preimage.extend_from_slice(self.name.as_str().as_bytes());
        preimage.extend_from_slice(&[b'\n', self.kind.byte()]);
        preimage.extend_from_slice(self.key.as_bytes());
        let [a, b, c, d, ..] = *Sha256Digest::of(&preimage).as_bytes();
        KeyId([a, b, c, d])
    }

    /// Takes the text form.
    pub fn parse(text: &str) -> Result<Self, VerifierKeyError> {
        // The base64 may contain `+` itself, the name may not.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(VerifierKeyError::Form);
        };
        let is_id = id.len() == 8 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !is_id {
            return Err(VerifierKeyError::Form);
        }
        let name = KeyName::parse(name)?;
        let encoded = STANDARD.decode(key).map_err(|_| VerifierKeyError::Form)?;
        let (&kind, key) = encoded.split_first().ok_or(VerifierKeyError::Form)?;
        let kind = [NoteKind::Ed25519, NoteKind::CosignatureV1]
            .into_iter()
            .find(|known| known.byte() == kind)
            .ok_or(VerifierKeyError::Kind { found: kind })?;
        let key: &[u8; KEY_LEN] = key.try_into().map_err(|_| VerifierKeyError::Length { found: key.len() })?;
        let verifier = Self { name, kind, key: PublicKey::parse(key)? };
        let expected = verifier.key_id();
        if expected.to_string() == id {
            Ok(verifier)
        } else {
            Err(VerifierKeyError::Id { expected, found: id.to_owned() })
        }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![self.kind.byte()];
        key.extend_from_slice(self.key.as_bytes());
        write!(f, "{}+{}+{}", self.name, self.key_id(), STANDARD.encode(key))
    }
}

impl FromStr for VerifierKey {
    type Err = VerifierKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::key::SigningKey;

    fn rfc8032_key_1() -> PublicKey {
        let hex = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        PublicKey::parse(&crate::digest::parse_hex(hex).unwrap()).unwrap()
    }

    #[test]
    fn key_ids_are_the_known_answers() {
        for (name, kind, id) in [
            ("ledger.example/msm", NoteKind::Ed25519, "b1a5e7c6"),
            ("witness.example/w1", NoteKind::CosignatureV1, "eb762cc2"),
        ] {
            let key = VerifierKey { name: KeyName::parse(name).unwrap(), kind, key: rfc8032_key_1() };
            assert_eq!(key.key_id().to_string(), id);
            assert_eq!(VerifierKey::parse(&key.to_string()), Ok(key));
        }
        let spec = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
        assert_eq!(VerifierKey::parse(spec).unwrap().to_string(), spec);
    }

    #[test]
    fn base64_with_plus_signs_is_not_split() {
        let with_plus = (0_u8..=255)
            .map(|n| VerifierKey {
                name: KeyName::parse("lab.example").unwrap(),
                kind: NoteKind::Ed25519,
                key: SigningKey::from_seed([n; 32]).public(),
            })
            .filter(|key| key.to_string().matches('+').count() > 2);
        let mut seen = 0;
        for key in with_plus {
            assert_eq!(VerifierKey::parse(&key.to_string()), Ok(key));
            seen += 1;
        }
        assert!(seen > 20);
    }

    #[test]
    fn each_way_to_be_a_bad_verifier_key_has_its_name() {
        let good = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
        let refused = |text: &str| VerifierKey::parse(text).unwrap_err();
        for form in [
            "",
            "example.com/foo",
            "example.com/foo+530d903a",
            &good.replace("530d903a", "530D903A"),
            &good.replace("530d903a", "530d903"),
            &good.replace("530d903a", "+530d903"),
            &good.replace("U2k", "U2l="),
            &format!("{good}\n"),
            "example.com/foo+530d903a+",
        ] {
            assert_eq!(refused(form), VerifierKeyError::Form, "{form}");
        }
        assert_eq!(refused(&good.replace("+Ae", "+Ze")), VerifierKeyError::Kind { found: 0x65 });
        assert_eq!(refused(&good.replace("+Ae", "+Bu")), VerifierKeyError::Kind { found: 6 });
        assert_eq!(refused(&good.replace("3U2k", "")), VerifierKeyError::Length { found: 29 });
        assert!(matches!(refused(&good.replace("530d903a", "530d903b")), VerifierKeyError::Id { .. }));
        assert!(matches!(refused(&good.replace("foo", "fop")), VerifierKeyError::Id { .. }));
        assert!(matches!(refused(&good.replace("/foo", " foo")), VerifierKeyError::Name(_)));
        let small = format!("x+00000000+{}", STANDARD.encode([&[1, 1][..], &[0; 31]].concat()));
        assert_eq!(refused(&small), VerifierKeyError::Key(KeyError::SmallOrder));
    }

    #[test]
    fn names_follow_the_rules() {
        assert!(KeyName::parse("lab.example/ledgér").is_ok());
        assert!(KeyName::parse(&"n".repeat(MAX_KEY_NAME_BYTES)).is_ok());
        assert_eq!(KeyName::parse(""), Err(KeyNameError::Empty));
        assert_eq!(KeyName::parse(&"n".repeat(256)), Err(KeyNameError::TooLong { found: 256 }));
        for found in [' ', '+', '\n', '\t', '\u{a0}', '\u{2003}', '\u{3000}', '\u{85}', '\0', '\u{7f}'] {
            assert_eq!(KeyName::parse(&format!("a{found}b")), Err(KeyNameError::Character { found }));
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_reads_is_written_the_same(text in "(a|é| ){0,2}\\+[0-9a-f]{0,9}\\+[A-Za-z0-9+/=]{0,48}") {
            if let Ok(key) = VerifierKey::parse(&text) {
                proptest::prop_assert_eq!(key.to_string(), text);
            }
        }
    }
}

//! A public key as others write it: COSE_Key and its thumbprint, and SPKI in PEM.
//!
//! The COSE_Key holds exactly the members that the thumbprint is taken over, so that a key has one encoding and the
//! `kid` of an entry is the SHA-256 of it.
//!
//! Specs: <https://www.rfc-editor.org/rfc/rfc9679#section-4>, <https://www.rfc-editor.org/rfc/rfc8410#section-4>,
//! <https://www.rfc-editor.org/rfc/rfc7468#section-13>

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::codec::{DecodeError, Decoder, Encoder, required};
use crate::digest::{Sha256Digest, Thumbprint};

use super::{KEY_LEN, KeyError, PublicKey};

/// The COSE algorithm number of fully specified Ed25519 (RFC 9864).
pub const COSE_ALG_ED25519: i64 = -19;

const WHAT: &str = "a COSE key";
const KTY: i64 = 1;
const KTY_OKP: i64 = 1;
const CRV: i64 = -1;
const CRV_ED25519: i64 = 6;
const X: i64 = -2;

const PEM_BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const PEM_END: &str = "-----END PUBLIC KEY-----";

/// `SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING (32 bytes follow) }`: every Ed25519 key starts so.
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Why an encoding holds no public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyEncodingError {
    /// Not canonical CBOR, or not the members of an Ed25519 COSE_Key.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The 32 bytes are no good key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Not the three lines of a PEM public key.
    #[error("expected `{PEM_BEGIN}`, one line of 60 base64 characters, and `{PEM_END}`")]
    Pem,
    /// A PEM public key of some other algorithm.
    #[error("the PEM public key is not an Ed25519 key")]
    OtherAlgorithm,
}

impl PublicKey {
    /// RFC 9679 thumbprint: the `kid` of what this key signs.
    pub fn thumbprint(&self) -> Thumbprint {
        Thumbprint::from_bytes(*Sha256Digest::of(&self.to_cose_key()).as_bytes())
    }

    /// Canonical bytes of the COSE_Key.
    pub fn to_cose_key(&self) -> Vec<u8> {
        Encoder::encode(|e| self.encode(e))
    }

    /// Writes the COSE_Key `{1: 1, -1: 6, -2: x}`.
    pub fn encode(&self, e: &mut Encoder) {
        e.map(|m| {
            m.entry(KTY, |e| e.int(KTY_OKP));
            m.entry(CRV, |e| e.int(CRV_ED25519));
            m.entry(X, |e| e.bytes(self.as_bytes()));
        });
    }

    /// Reads a COSE_Key that `encode` may have written.
    pub fn decode(d: &mut Decoder<'_>) -> Result<Self, KeyEncodingError> {
        let (mut kty, mut crv, mut x) = (None, None, None);
        d.int_map(|key, d| -> Result<(), DecodeError> {
            match key {
                KTY => kty = Some(d.int()?),
                CRV => crv = Some(d.int()?),
                X => x = Some(d.byte_array::<KEY_LEN>(WHAT)?),
                _ => return Err(DecodeError::UnknownKey { what: WHAT, key }),
            }
            Ok(())
        })?;
        match required(kty, WHAT, KTY)? {
            KTY_OKP => {}
            value => return Err(DecodeError::UnknownValue { what: "a COSE key type", value }.into()),
        }
        match required(crv, WHAT, CRV)? {
            CRV_ED25519 => {}
            value => return Err(DecodeError::UnknownValue { what: "a COSE curve", value }.into()),
        }
        Ok(Self::parse(&required(x, WHAT, X)?)?)
    }

    /// Reads the bytes of a COSE_Key.
    pub fn parse_cose_key(bytes: &[u8]) -> Result<Self, KeyEncodingError> {
        Decoder::decode(bytes, Self::decode)
    }

    /// SPKI in PEM, as `openssl pkey -pubin` reads and writes it.
    pub fn to_pem(&self) -> String {
        let der = [SPKI_PREFIX.as_slice(), self.as_bytes()].concat();
        format!("{PEM_BEGIN}\n{}\n{PEM_END}\n", STANDARD.encode(der))
    }

    /// Reads SPKI in PEM; blanks around it and CRLF line ends are no matter.
    pub fn parse_pem(text: &str) -> Result<Self, KeyEncodingError> {
        let mut lines = text.trim().lines();
        let (begin, body, end) = (lines.next(), lines.next(), lines.next());
        if begin != Some(PEM_BEGIN) || lines.next().is_some() {
            return Err(KeyEncodingError::Pem);
        }
        if end != Some(PEM_END) {
            // A longer key has more lines: it is some other algorithm's.
            return Err(KeyEncodingError::Pem);
        }
        let der = STANDARD.decode(body.ok_or(KeyEncodingError::Pem)?).map_err(|_| KeyEncodingError::Pem)?;
        let key = der.strip_prefix(&SPKI_PREFIX).ok_or(KeyEncodingError::OtherAlgorithm)?;
        Ok(Self::parse(key.try_into().map_err(|_| KeyEncodingError::OtherAlgorithm)?)?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::digest::parse_hex;
    use crate::key::SigningKey;

    fn rfc8032_key_1() -> PublicKey {
        let hex = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        PublicKey::parse(&parse_hex(hex).unwrap()).unwrap()
    }

    #[test]
    fn the_thumbprint_is_the_known_answer() {
        let expected = "866eefbd6718c8846cd7ddfe43fc74ab1daac4538ff8514ea2ec2d410a415743";
        assert_eq!(rfc8032_key_1().thumbprint().to_string(), expected);
    }

    #[test]
    fn a_cose_key_reads_back() {
        let key = rfc8032_key_1();
        let bytes = key.to_cose_key();
        assert_eq!(bytes[..7], [0xa3, 0x01, 0x01, 0x20, 0x06, 0x21, 0x58]);
        assert_eq!(PublicKey::parse_cose_key(&bytes), Ok(key));
    }

    #[test]
    fn a_cose_key_of_anything_else_is_refused() {
        let encode = |kty: i64, crv: i64, x: &[u8]| {
            Encoder::encode(|e| {
                e.map(|m| {
                    m.entry(1, |e| e.int(kty));
                    m.entry(-1, |e| e.int(crv));
                    m.entry(-2, |e| e.bytes(x));
                });
            })
        };
        let key = rfc8032_key_1();
        let refused = |bytes: &[u8]| PublicKey::parse_cose_key(bytes).unwrap_err();
        assert!(PublicKey::parse_cose_key(&encode(1, 6, key.as_bytes())).is_ok());
        assert!(matches!(refused(&encode(2, 6, key.as_bytes())), KeyEncodingError::Decode(_)));
        assert!(matches!(refused(&encode(1, 4, key.as_bytes())), KeyEncodingError::Decode(_)));
        assert!(matches!(refused(&encode(1, 6, &key.as_bytes()[1..])), KeyEncodingError::Decode(_)));
        let mut small = [0; 32];
        small[0] = 1;
        assert_eq!(refused(&encode(1, 6, &small)), KeyEncodingError::Key(KeyError::SmallOrder));
        let mut trailing = key.to_cose_key();
        trailing.push(0);
        assert!(matches!(refused(&trailing), KeyEncodingError::Decode(DecodeError::TrailingBytes { count: 1 })));
        let with_alg = Encoder::encode(|e| {
            e.map(|m| {
                m.entry(1, |e| e.int(1));
                m.entry(3, |e| e.int(COSE_ALG_ED25519));
                m.entry(-1, |e| e.int(6));
                m.entry(-2, |e| e.bytes(key.as_bytes()));
            });
        });
        assert!(matches!(refused(&with_alg), KeyEncodingError::Decode(DecodeError::UnknownKey { key: 3, .. })));
    }

    #[test]
    fn pem_reads_back_whatever_its_line_ends() {
        let key = SigningKey::from_seed([3; 32]).public();
        let pem = key.to_pem();
        assert_eq!(PublicKey::parse_pem(&pem), Ok(key));
        assert_eq!(PublicKey::parse_pem(&pem.replace('\n', "\r\n")), Ok(key));
        assert_eq!(PublicKey::parse_pem(pem.trim_end()), Ok(key));
    }

    #[test]
    fn rfc_8410_section_10_1_reads() {
        let pem = "-----BEGIN PUBLIC KEY-----\n\
                   MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
                   -----END PUBLIC KEY-----\n";
        let key = PublicKey::parse_pem(pem).unwrap();
        assert_eq!(key.to_string(), "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1");
        assert_eq!(key.to_pem(), pem);
    }

    #[test]
    fn other_pem_is_refused() {
        let pem = SigningKey::from_seed([3; 32]).public().to_pem();
        for (bad, error) in [
            (String::new(), KeyEncodingError::Pem),
            (pem.replace("PUBLIC", "PRIVATE"), KeyEncodingError::Pem),
            (pem.replace("=\n", "\n"), KeyEncodingError::Pem),
            (format!("{pem}{pem}"), KeyEncodingError::Pem),
            (pem.replace("MCow", "MC8w"), KeyEncodingError::OtherAlgorithm),
            (pem.replace("K2Vw", "K2Vu"), KeyEncodingError::OtherAlgorithm),
        ] {
            assert_eq!(PublicKey::parse_pem(&bad), Err(error), "{bad}");
        }
    }
}

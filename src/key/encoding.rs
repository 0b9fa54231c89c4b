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

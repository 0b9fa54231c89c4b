//! An entry: a statement in its COSE_Sign1 envelope, one byte string for ledger, proof and every other reader.
//!
//! ```text
//! 18([ << {1: -19, 3: content type, 4: kid, 15: {1: iss, 2: sub, 6: iat}} >>, {}, << payload >>, signature ])
//! ```
//!
//! It is a SCITT signed statement as it stands. The bytes are kept and verified as received; nothing is encoded again.
//!
//! Spec: COSE <https://www.rfc-editor.org/rfc/rfc9052#section-4.2>, Ed25519 in COSE
//! <https://www.rfc-editor.org/rfc/rfc9864>, CWT claims in headers <https://www.rfc-editor.org/rfc/rfc9597>.

use crate::codec::{DecodeError, Decoder, Encoder, required};
use crate::digest::{LeafHash, Thumbprint};
use crate::key::{PublicKey, Signature, SigningKey};
use crate::merkle::leaf_hash;
use crate::statement::Payload;

/// An entry can be no longer: the ceiling of C2SP entry bundles (u16 length).
pub const MAX_ENTRY_BYTES: usize = 65_535;

/// COSE content type of our entries; with the ledger id inside the payload it keeps purposes apart.
pub const CONTENT_TYPE: &str = "application/vnd.reproledger.entry+cbor; v=1";

const ALG_ED25519: i64 = -19;
const ALG_EDDSA: i64 = -8;
const MAX_URI: usize = 8192;

/// The last second of the year 9999, in seconds since 1970. What is later is no time in seconds: milliseconds of today
/// are of the year 58,000, and no calendar shows them.
const MAX_ISSUED_AT: u64 = 253_402_300_799;

/// Why bytes are not an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum EntryError {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error("the entry has {found} bytes, at most {MAX_ENTRY_BYTES} are allowed")]
    TooLong { found: usize },
    #[error("the entry's algorithm is {found}, expected -19 (Ed25519) or -8 (EdDSA)")]
    Algorithm { found: i64 },
    #[error("the entry's content type is not `{CONTENT_TYPE}`")]
    ContentType,
    #[error("the entry's header {label} has no place here")]
    Header { label: i64 },
    #[error("the entry's unprotected header is not empty")]
    Unprotected,
    #[error("the entry's issuer or subject is empty, too long, or has control characters")]
    Uri,
    #[error("the entry's time {found} is after the year 9999: it must be in whole seconds since 1970")]
    Time { found: u64 },
}

impl EntryError {
    /// True when the entry may be sound but says something this version does not know.
    pub fn is_unsupported(&self) -> bool {
        match self {
            Self::Decode(error) => error.is_unsupported(),
            // `crit` and every other header is a statement we cannot honour.
            Self::ContentType | Self::Header { .. } => true,
            _ => false,
        }
    }
}

/// CWT claims of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Who says it: the lab's URI.
    pub issuer: String,
    /// What it is about: the first subject's digest in text form, or the kind.
    pub subject: String,
    /// When it was signed by the signer's own clock, seconds since 1970.
    pub issued_at: u64,
}

/// An entry as received: decoded, but nobody has vouched for it yet.
///
/// [`crate::verify`] turns it into a verified one; until then what it says is only claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    bytes: Vec<u8>,
    key_id: Thumbprint,
    claims: Claims,
    payload: Payload,
    signed: Vec<u8>,
    signature: Signature,
}

impl Entry {
    /// Signs a statement; refuses one that [`Entry::parse`] would refuse.
    pub fn sign(payload: &Payload, claims: &Claims, key: &SigningKey) -> Result<Vec<u8>, EntryError> {
        let payload = payload.encode();
        let protected = encode_protected(&key.public().thumbprint(), claims);
        let signature = key.sign(&sig_structure(&protected, &payload));
        let bytes = Encoder::encode(|e| {
            e.tag_cose_sign1();
            e.array(4);
            e.bytes(&protected);
            e.map(|_| {});
            e.bytes(&payload);
            e.bytes(&signature.0);
        });
        // Once it is in the ledger it stays: what no reader would take is never signed.
        Self::parse(&bytes)?;
        Ok(bytes)
    }

    /// Reads an entry; its signature is not looked at.
    pub fn parse(bytes: &[u8]) -> Result<Self, EntryError> {
        if bytes.len() > MAX_ENTRY_BYTES {
            return Err(EntryError::TooLong { found: bytes.len() });
        }
        let (protected, payload, signature) = Decoder::decode(bytes, |d| {
            d.tag_cose_sign1()?;
            d.tuple("a COSE_Sign1", 4, |d| {
                let protected = d.bytes()?;
                d.int_map(|_, _| Err(EntryError::Unprotected))?;
                let payload = d.bytes()?;
                let signature = Signature(d.byte_array("a signature")?);
                Ok::<_, EntryError>((protected, payload, signature))
            })
        })?;
        let (key_id, claims) = decode_protected(protected)?;
        Ok(Self {
            bytes: bytes.to_vec(),
            key_id,
            claims,
            payload: Payload::decode(payload)?,
            signed: sig_structure(protected, payload),
            signature,
        })
    }

    /// The bytes as received.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The entry's digest: the leaf it is in the tree.
    pub fn leaf_hash(&self) -> LeafHash {
        leaf_hash(&self.bytes)
    }

    /// The key that is said to have signed.
    pub fn key_id(&self) -> Thumbprint {
        self.key_id
    }

    /// What the entry claims to say. Not verified: for indexing and for display that says so.
    pub fn claimed(&self) -> &Payload {
        &self.payload
    }

    /// Who, what and when, as claimed.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// What it claims to say and who, what and when, without the bytes.
    pub fn into_parts(self) -> (Payload, Claims) {
        (self.payload, self.claims)
    }

    /// True when `key` is the one named and its signature holds over the bytes as received.
    #[must_use]
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        key.thumbprint() == self.key_id && key.verify(&self.signed, &self.signature).is_ok()
    }
}

/// `["Signature1", protected, h'', payload]` (RFC 9052 §4.4).
fn sig_structure(protected: &[u8], payload: &[u8]) -> Vec<u8> {
    Encoder::encode(|e| {
        e.array(4);
        e.text("Signature1");
        e.bytes(protected);
        e.bytes(b"");
        e.bytes(payload);
    })
}

fn encode_protected(key_id: &Thumbprint, claims: &Claims) -> Vec<u8> {
    Encoder::encode(|e| {
        e.map(|m| {
            m.entry(1, |e| e.int(ALG_ED25519));
            m.entry(3, |e| e.text(CONTENT_TYPE));
            m.entry(4, |e| e.bytes(key_id.as_bytes()));
            m.entry(15, |e| {
                e.map(|m| {
                    m.entry(1, |e| e.text(&claims.issuer));
                    m.entry(2, |e| e.text(&claims.subject));
                    m.entry(6, |e| e.uint(claims.issued_at));
                });
            });
        });
    })
}

fn decode_protected(bytes: &[u8]) -> Result<(Thumbprint, Claims), EntryError> {
    const WHAT: &str = "the protected header";
    let (mut algorithm, mut content_type, mut key_id, mut claims) = (None, None, None, None);
    Decoder::decode(bytes, |d| {
        d.int_map(|key, d| {
            match key {
                1 => algorithm = Some(d.int()?),
                3 => content_type = Some(d.text()?),
                4 => key_id = Some(Thumbprint::from_bytes(d.byte_array("the key id")?)),
                15 => claims = Some(decode_claims(d)?),
                label => return Err(EntryError::Header { label }),
            }
            Ok(())
        })
    })?;
    match required(algorithm, WHAT, 1)? {
        ALG_ED25519 | ALG_EDDSA => {}
        found => return Err(EntryError::Algorithm { found }),
    }
    if required(content_type, WHAT, 3)? != CONTENT_TYPE {
        return Err(EntryError::ContentType);
    }
    Ok((required(key_id, WHAT, 4)?, required(claims, WHAT, 15)?))
}

fn decode_claims(d: &mut Decoder<'_>) -> Result<Claims, EntryError> {
    const WHAT: &str = "the CWT claims";
    let (mut issuer, mut subject, mut issued_at) = (None, None, None);
    d.int_map(|key, d| {
        match key {
            1 => issuer = Some(uri(d)?),
            2 => subject = Some(uri(d)?),
            6 => issued_at = Some(time(d)?),
            label => return Err(EntryError::Header { label }),
        }
        Ok(())
    })?;
    Ok(Claims {
        issuer: required(issuer, WHAT, 1)?,
        subject: required(subject, WHAT, 2)?,
        issued_at: required(issued_at, WHAT, 6)?,
    })
}

fn time(d: &mut Decoder<'_>) -> Result<u64, EntryError> {
    let found = d.uint()?;
    if found > MAX_ISSUED_AT { Err(EntryError::Time { found }) } else { Ok(found) }
}

fn uri(d: &mut Decoder<'_>) -> Result<String, EntryError> {
    let text = d.text()?;
    if text.is_empty() || text.len() > MAX_URI || text.chars().any(char::is_control) {
        return Err(EntryError::Uri);
    }
    Ok(text.to_owned())
}

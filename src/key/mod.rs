//! Keys, signatures and the two C2SP texts that carry them: signed notes and trust policies.
//!
//! There is one acceptance rule for signatures ([`PublicKey::verify`]), one place that counts quorums
//! ([`Policy::quorum_met`]), and no batch path: whatever verifies here verifies alone, and nowhere else differently.
//! A signature is never an identifier, and keys are compared by their bytes.
//!
//! Specs: RFC 8032, RFC 8410, RFC 9679, <https://c2sp.org/signed-note>, <https://c2sp.org/tlog-cosignature>,
//! <https://c2sp.org/tlog-policy>

mod ed25519;
mod encoding;
mod note;
mod party;
mod policy;
mod vkey;

pub use ed25519::{BadSignature, KEY_LEN, KeyError, PublicKey, SIGNATURE_LEN, Signature, SigningKey};
pub use encoding::{COSE_ALG_ED25519, KeyEncodingError};
pub use note::{
    MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES, NoteError, NoteSignature, OpenNote, open_note, sign_cosignature, sign_note,
};
pub use party::{Circle, MAX_PARTIES, MAX_PARTIES_BYTES, MAX_PARTY_KEYS, Parties, PartiesError, PartyIndex, Whose};
pub use policy::{MAX_POLICY_BYTES, MAX_POLICY_ITEMS, Policy, PolicyError, PolicyLog, PolicyWitness, WitnessIndex};
pub use vkey::{KeyId, KeyName, KeyNameError, MAX_KEY_NAME_BYTES, NoteKind, VerifierKey, VerifierKeyError};

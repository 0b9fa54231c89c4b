//! Strict canonical CBOR: one meaning, one encoding.
//!
//! Everything that is signed or hashed here is RFC 8949 §4.2.1 deterministic CBOR in a small profile: integers,
//! byte strings, UTF-8 text, arrays, maps, booleans, null, and tag 18 (COSE_Sign1) at the top. No floats, no other
//! tags, no indefinite lengths. The reader accepts only what the writer writes and names each way to differ, so that
//! received bytes can be verified as received and never need to be encoded again.
//!
//! Only this folder names `cbor4ii`.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc8949#section-4.2.1>

mod decode;
mod encode;
mod error;
mod wire_enum;

pub use decode::{Decoder, required};
pub use encode::{Encoder, MapEncoder};
pub use error::DecodeError;
pub(crate) use wire_enum::wire_enum;

/// Nesting deeper than this is refused; our deepest format uses 7.
const MAX_DEPTH: u8 = 16;

/// The COSE_Sign1 tag, the only tag of the profile (RFC 9052 §2).
const TAG_COSE_SIGN1: u64 = 18;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;

//! Where random draws come from: 32 bytes that the claimant could not choose, and who gave them.
//!
//! Whoever knows the draws before the claim is made can try claims until one passes. So a nonce is given by the verifier,
//! or is a head that was cosigned after the claim; nothing here takes one from the evidence.

use std::fmt;

use crate::digest::{DIGEST_LEN, NumberStream};

/// Who gave a nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NonceOrigin {
    /// The reader, for this verification.
    Verifier,
    /// The root of a head that a witness cosigned after the claim was in the ledger.
    LaterHead,
}

impl fmt::Display for NonceOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Verifier => "the verifier's nonce",
            Self::LaterHead => "a head cosigned after the claim",
        })
    }
}

/// The start of all draws of one verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nonce {
    /// The 32 bytes.
    pub bytes: [u8; DIGEST_LEN],
    /// Who gave them.
    pub origin: NonceOrigin,
}

/// What is drawn: each purpose has numbers of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Permutation,
    SignFlip,
    CrossedResampling,
}

impl Nonce {
    pub(super) fn stream(&self, purpose: Purpose) -> NumberStream {
        let context = match purpose {
            Purpose::Permutation => "reproledger 2026 permutation draws v1",
            Purpose::SignFlip => "reproledger 2026 sign-flip draws v1",
            Purpose::CrossedResampling => "reproledger 2026 crossed resampling draws v1",
        };
        NumberStream::new(context, &self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_share_no_numbers() {
        let nonce = Nonce { bytes: [9; 32], origin: NonceOrigin::Verifier };
        let first = |purpose| nonce.stream(purpose).word();
        assert_eq!(first(Purpose::Permutation), first(Purpose::Permutation));
        assert_ne!(first(Purpose::Permutation), first(Purpose::SignFlip));
        assert_ne!(first(Purpose::Permutation), first(Purpose::CrossedResampling));
    }
}

//! Who says something of a claim, as far as the reader knows, and whether it may count.
//!
//! It fails closed: what counts is the word of a party that the reader named, that is not the issuer's nor related to it, of
//! a history that is this ledger's, and that nobody took back.

use crate::digest::Thumbprint;
use crate::key::{Parties, PartyIndex, Whose};
use crate::verify::{Testified, Testimony, VerifiedEntry, VerifiedEvidence};

/// Who signed something of a claim, as far as the reader said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The reader named no parties.
    NoParties,
    /// The reader's parties do not say who the claim's issuer is, so nobody is known to be unrelated to it.
    NoIssuer,
    /// Nobody that the reader named.
    Nobody,
    /// Its keys are of several parties.
    Several,
    /// The issuer's own party, or one related to it.
    Issuer(PartyIndex),
    /// Somebody else.
    Unrelated(PartyIndex),
}

impl Standing {
    /// Why what they say lifts nothing, if for that.
    pub(super) fn why_not(self) -> Option<&'static str> {
        match self {
            Self::NoParties => Some("you named no parties (--parties)"),
            Self::NoIssuer => Some("your parties do not say whose the claim's own keys are"),
            Self::Nobody => Some("nobody you named"),
            Self::Several => Some("its keys are of several of your parties"),
            Self::Issuer(_) => Some("the issuer's own party"),
            Self::Unrelated(_) => None,
        }
    }

    /// True where the reader said whose word it is.
    pub(super) fn is_known(self) -> bool {
        matches!(self, Self::Issuer(_) | Self::Unrelated(_) | Self::Several)
    }

    /// The name that the reader gives the party, where it is one.
    pub(super) fn party_name(self, parties: Option<&Parties>) -> Option<String> {
        Some(parties?.name(self.party()?).to_owned())
    }

    /// Its name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoParties => "no-parties",
            Self::NoIssuer => "no-issuer",
            Self::Nobody => "nobody-named",
            Self::Several => "several",
            Self::Issuer(_) => "issuer",
            Self::Unrelated(_) => "unrelated",
        }
    }

    pub(super) fn party(self) -> Option<PartyIndex> {
        match self {
            Self::Issuer(party) | Self::Unrelated(party) => Some(party),
            _ => None,
        }
    }
}

/// The claim's own keys: its log's, and the one that signed it.
fn keys_of_issuer(evidence: &VerifiedEvidence<'_>) -> Vec<Thumbprint> {
    let signed = evidence.entries.get(&evidence.claim).map(VerifiedEntry::key_id);
    std::iter::once(evidence.log_key.thumbprint()).chain(signed).collect()
}

/// Who signed what is said of the claim.
pub(super) fn standing(evidence: &VerifiedEvidence<'_>, testified: &Testified, parties: Option<&Parties>) -> Standing {
    let Some(parties) = parties else { return Standing::NoParties };
    let testimony = &testified.testimony;
    let party = match parties.whose([testimony.log_key.key.thumbprint(), testimony.entry.key_id()]) {
        Whose::Nobody => return Standing::Nobody,
        Whose::Several => return Standing::Several,
        Whose::Party(party) => party,
    };
    match parties.whose(keys_of_issuer(evidence)) {
        Whose::Party(issuer) if parties.circle(issuer) == parties.circle(party) => Standing::Issuer(party),
        Whose::Party(_) => Standing::Unrelated(party),
        Whose::Nobody | Whose::Several => Standing::NoIssuer,
    }
}

/// True where it was taken back, or its key stolen: then it is nobody's word any more.
pub(super) fn is_void(testimony: &Testimony) -> bool {
    testimony.taken_back.is_some() || testimony.is_disowned
}

/// Why it counts for nothing whoever says it, if for that.
pub(super) fn why_void(testified: &Testified) -> Option<&'static str> {
    if testified.testimony.taken_back.is_some() {
        Some("taken back by whoever signed it")
    } else if testified.testimony.is_disowned {
        Some("signed by a key that was stolen by then")
    } else if !testified.is_of_this_history {
        Some("it is of a head that is not seen to be this ledger's")
    } else {
        None
    }
}

//! A subject and a comparator arm as two independent proportions.

use num_rational::BigRational;

use super::proportion::Proportion;

/// Rates of independent rows; rows that are pairs are [`super::pairs::PairedTable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TwoArms {
    /// The arm that the claim is about.
    pub subject: Proportion,
    /// The arm that it is compared with.
    pub comparator: Proportion,
}

impl TwoArms {
    /// The subject's rate less the comparator's.
    pub fn difference(&self) -> BigRational {
        self.subject.rate() - self.comparator.rate()
    }

    /// The same arms with their parts exchanged.
    #[must_use]
    pub fn exchanged(&self) -> Self {
        Self { subject: self.comparator, comparator: self.subject }
    }
}

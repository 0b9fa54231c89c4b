//! Three answers to a statement about a true value: it holds, it does not, or these data cannot decide it.

use std::fmt;

/// What the data say of a statement, at the level that the statement names.
///
/// `CannotBeDecided` is an answer of its own: a verdict must neither count it as support nor as refutation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// The statement is refuted.
    DoesNotHold,
    /// Neither: more data, or more draws, are needed.
    CannotBeDecided,
    /// The statement is supported.
    Holds,
}

impl Decision {
    /// Both at once: refuted where one is, supported where both are.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.min(other)
    }

    /// All of `decisions`; nothing holds of none.
    pub fn all(decisions: impl IntoIterator<Item = Self>) -> Self {
        decisions.into_iter().reduce(Self::and).unwrap_or(Self::CannotBeDecided)
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Holds => "holds",
            Self::DoesNotHold => "does not hold",
            Self::CannotBeDecided => "cannot be decided at this n",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Decision::{CannotBeDecided, DoesNotHold, Holds};
    use super::*;

    #[test]
    fn a_conjunction_is_as_good_as_its_worst_part() {
        assert_eq!(Decision::all([Holds, Holds]), Holds);
        assert_eq!(Decision::all([Holds, CannotBeDecided]), CannotBeDecided);
        assert_eq!(Decision::all([CannotBeDecided, DoesNotHold, Holds]), DoesNotHold);
        assert_eq!(Decision::all([]), CannotBeDecided);
        assert_eq!(CannotBeDecided.to_string(), "cannot be decided at this n");
    }
}

//! Whether one set of weights was trained on from another, as far as weights alone can say.
//!
//! Training moves an adapter little: the cosine between an adapter and the one it continues is about 0.99, and about 0
//! between adapters of separate beginnings, since their random parts point anywhere. The rule, over all numbers of all
//! tensors together: at least [`CONTINUES`] continues, at most [`UNRELATED`] is unrelated, anything between cannot be
//! told. Two things it never tells: the direction (A may as well continue B), and which of several close relatives is
//! the parent. A wrong run from the same beginning was seen at 0.971, hence the high bound.
//!
//! Whole models that share a base are all alike, whoever trained them: for them closeness says nothing unless the base
//! is taken off first.

use super::compare::Sums;

/// The least cosine at which B continues A.
pub const CONTINUES: f64 = 0.98;

/// The largest cosine, in either direction, at which the two are unrelated.
pub const UNRELATED: f64 = 0.1;

/// What the weights say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lineage {
    /// The same tensors, bit by bit.
    Identical,
    /// B continues A (or A continues B, or both another).
    Continues,
    /// Neither continues the other.
    Unrelated,
    /// The weights do not say.
    CannotTell(Why),
}

/// Why the weights do not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// No numbers to compare.
    NothingCommon,
    /// Tensors of A are not in B, or have another shape there.
    OtherTensors,
    /// One of the two is zero, or holds numbers that are not finite.
    NoCosine,
    /// Whole models, and no base to take off.
    WholeModels,
    /// The cosine lies between the two bounds.
    Between,
}

impl Lineage {
    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identical => "identical",
            Self::Continues => "continues",
            Self::Unrelated => "unrelated",
            Self::CannotTell(_) => "cannot be told",
        }
    }
}

/// What was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// Adapters, or what whole models have beyond their base.
    Changes,
    /// Whole models.
    Models,
}

/// Applies the rule. `complete` is false where a tensor of A has no counterpart in B.
pub fn lineage(sums: &Sums, compared: Compared, complete: Complete) -> Lineage {
    if sums.numbers == 0 {
        return Lineage::CannotTell(Why::NothingCommon);
    }
    if complete == Complete::No {
        return Lineage::CannotTell(Why::OtherTensors);
    }
    let Some(cosine) = sums.cosine().filter(|_| sums.non_finite == 0) else {
        return Lineage::CannotTell(Why::NoCosine);
    };
    match compared {
        _ if cosine.abs() <= UNRELATED => Lineage::Unrelated,
        Compared::Models => Lineage::CannotTell(Why::WholeModels),
        Compared::Changes if cosine >= CONTINUES => Lineage::Continues,
        Compared::Changes => Lineage::CannotTell(Why::Between),
    }
}

/// Whether every tensor of A has one of its shape in B.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Complete {
    /// Every one.
    Yes,
    /// Not every one.
    No,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(cosine: f64) -> Sums {
        Sums { numbers: 2, aa: 1.0, bb: 1.0, ab: cosine, dd: 2.0 - 2.0 * cosine, ..Sums::default() }
    }

    #[test]
    fn the_rule_says_no_more_than_the_weights_do() {
        let adapters = |cosine| lineage(&at(cosine), Compared::Changes, Complete::Yes);
        assert_eq!(adapters(0.995), Lineage::Continues);
        assert_eq!(adapters(0.970_870), Lineage::CannotTell(Why::Between));
        assert_eq!(adapters(0.1), Lineage::Unrelated);
        assert_eq!(adapters(-0.05), Lineage::Unrelated);
        assert_eq!(adapters(-0.99), Lineage::CannotTell(Why::Between));
        assert_eq!(lineage(&at(0.999_9), Compared::Models, Complete::Yes), Lineage::CannotTell(Why::WholeModels));
        assert_eq!(lineage(&at(0.0), Compared::Models, Complete::Yes), Lineage::Unrelated);
        assert_eq!(lineage(&at(0.995), Compared::Changes, Complete::No), Lineage::CannotTell(Why::OtherTensors));
        assert_eq!(
            lineage(&Sums::default(), Compared::Changes, Complete::Yes),
            Lineage::CannotTell(Why::NothingCommon)
        );
        let infinite = Sums { non_finite: 1, ..at(0.995) };
        assert_eq!(lineage(&infinite, Compared::Changes, Complete::Yes), Lineage::CannotTell(Why::NoCosine));
        let zero = Sums { numbers: 2, bb: 1.0, dd: 1.0, ..Sums::default() };
        assert_eq!(lineage(&zero, Compared::Changes, Complete::Yes), Lineage::CannotTell(Why::NoCosine));
    }
}

//! Two claims on the same thing, a paper's and a replicator's: what differs between them, and whether their numbers do.
//!
//! Both are verified first, and what one of them merely prints is never taken for what samples give. A difference of two
//! numbers is judged by an interval for what would vary if both studies were done again: the training seeds of both sides,
//! or the rollouts alone where both evaluated the very same weights. That two numbers are *the same within noise* says
//! that no difference was seen, and how large a one could have been missed.

mod differences;
mod gap;
mod side;

use num_rational::BigRational;

pub use differences::{Bearing, Difference};
pub use gap::{Cell, CellPair, Gap, Judged, Noise};
pub use side::{Shown, Side};

use crate::claim::Verdict;
use crate::codec::wire_enum;
use crate::stats::Level;

wire_enum! {
    /// What a comparison came to.
    pub enum Likeness, "the result of a comparison" {
        /// Both numbers were computed from samples, are of one quantity, and do not differ beyond noise.
        Same = 0 "SAME WITHIN NOISE",
        /// A number differs by more than the noise of both sides.
        Differ = 1 "DIFFER BEYOND NOISE",
        /// It cannot be told.
        Untold = 2 "CANNOT BE TOLD",
        /// One of the two is contradicted: there is nothing to compare.
        Contradicted = 3 "CONTRADICTED",
        /// One of the two cannot be read.
        Unreadable = 4 "UNREADABLE",
    }
}

/// How to compare.
#[derive(Debug, Clone)]
pub struct Rules {
    /// How sure all intervals together are.
    pub level: Level,
    /// The largest share of verdicts in which two judges may differ, where the reader knows a bound.
    pub disagreement: Option<BigRational>,
}

/// Two claims side by side.
#[derive(Debug)]
pub struct Comparison {
    /// What it came to.
    pub likeness: Likeness,
    /// Why, in one sentence.
    pub reason: String,
    /// Cells that both have, or seem to have.
    pub cells: Vec<CellPair>,
    /// The effect of the subject over the comparator, where both sides have one.
    pub effect: Option<Gap>,
    /// What differs in what they say.
    pub differences: Vec<Difference>,
    /// Fields that both say alike.
    pub same: Vec<&'static str>,
    /// True where somebody whom the reader trusts stands behind both.
    pub is_vouched: bool,
}

impl Comparison {
    /// 0 the same, 1 they differ or one is contradicted, 2 unreadable, 3 it could not be established.
    pub fn exit_code(&self) -> u8 {
        match self.likeness {
            Likeness::Unreadable => 2,
            Likeness::Contradicted => 1,
            // What nobody stands behind can have been made by anybody, to differ or to agree.
            _ if !self.is_vouched => 3,
            Likeness::Same => 0,
            Likeness::Differ => 1,
            Likeness::Untold => 3,
        }
    }

    fn of_none(likeness: Likeness, reason: String, is_vouched: bool) -> Self {
        let (cells, differences, same) = (Vec::new(), Vec::new(), Vec::new());
        Self { likeness, reason, cells, effect: None, differences, same, is_vouched }
    }
}

/// Compares two sides, each verified.
pub fn compare(a: &Side, b: &Side, rules: &Rules) -> Comparison {
    let sides = [("A", a), ("B", b)];
    let is_vouched = sides.iter().all(|(_, side)| side.is_vouched());
    let decided = [(Verdict::Unreadable, Likeness::Unreadable), (Verdict::Contradicted, Likeness::Contradicted)];
    for (verdict, likeness) in decided {
        if let Some((name, side)) = sides.iter().find(|(_, side)| side.assessment.verdict == verdict) {
            return Comparison::of_none(likeness, format!("{name}: {}", side.first_reason()), is_vouched);
        }
    }
    let (Some(left), Some(right)) = (&a.shown, &b.shown) else {
        let name = if a.shown.is_none() { "A" } else { "B" };
        return Comparison::of_none(Likeness::Untold, format!("{name} shows no claim"), is_vouched);
    };
    let (cells, effect) = gap::gaps(left, right, rules);
    let (differences, same) = differences::differences(left, right, &cells);
    let (likeness, reason) = judge(a, b, &cells, effect.as_ref(), &differences);
    Comparison { likeness, reason, cells, effect, differences, same, is_vouched }
}

fn judge(
    a: &Side,
    b: &Side,
    cells: &[CellPair],
    effect: Option<&Gap>,
    differences: &[Difference],
) -> (Likeness, String) {
    let gaps =
        || cells.iter().map(|pair| (pair.a.arm.as_str(), &pair.gap)).chain(effect.map(|gap| ("the effect", gap)));
    let other: Vec<&str> =
        differences.iter().filter(|difference| difference.bearing == Bearing::Quantity).map(|d| d.field).collect();
    if let Some((name, gap)) = gaps().find(|(_, gap)| gap.judged == Judged::Beyond) {
        let of = if other.is_empty() {
            String::new()
        } else {
            format!("; they are not of one quantity: {}", other.join(", "))
        };
        return (Likeness::Differ, format!("{name}: {}{of}", gap.why));
    }
    if cells.is_empty() {
        return (Likeness::Untold, "the claims have no cell in common".to_owned());
    }
    if let Some((name, gap)) = gaps().find(|(_, gap)| gap.judged == Judged::Untold) {
        return (Likeness::Untold, format!("{name}: {}", gap.why));
    }
    if !other.is_empty() {
        return (Likeness::Untold, format!("the numbers agree, and are not of one quantity: {}", other.join(", ")));
    }
    let unsaid = differences.iter().filter(|difference| difference.bearing == Bearing::Unsaid);
    let unsaid: Vec<&str> = unsaid.map(|difference| difference.field).collect();
    if !unsaid.is_empty() {
        return (Likeness::Untold, format!("the numbers agree, and one side does not say its {}", unsaid.join(", ")));
    }
    for (name, side) in [("A", a), ("B", b)] {
        if !matches!(side.assessment.verdict, Verdict::Verified | Verdict::Difference | Verdict::Unvouched) {
            let verdict = side.assessment.verdict;
            return (Likeness::Untold, format!("the numbers agree, and {name} is {verdict}: {}", side.first_reason()));
        }
    }
    let missed = gaps().filter_map(|(_, gap)| gap.could_miss()).max();
    let missed = missed.map_or(String::new(), |missed| {
        format!("; a difference of up to {} could have been missed", crate::stats::decimal::decimal_digits(&missed, 4))
    });
    let by = gaps().find_map(|(_, gap)| gap.according.as_ref());
    let by = by.map_or(String::new(), |by| format!(", according to {by}"));
    (Likeness::Same, format!("no number differs by more than the noise of both sides{by}{missed}"))
}

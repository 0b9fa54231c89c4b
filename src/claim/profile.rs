//! Profiles: which checks a verdict requires.

/// A named set of required checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// Its name on the first line of a verdict.
    pub name: &'static str,
    /// What it answers, in one sentence.
    pub answers: &'static str,
    /// Checks that must hold. Every other check is still run and shown, and a FAIL of any check contradicts.
    pub required: &'static [&'static str],
}

/// Does the printed number follow from the recorded samples?
pub const NUMBER: Profile = Profile {
    name: "number",
    answers: "whether the printed number follows from the recorded sample scores by the rules the claim states",
    required: &[
        "ledger.chain",
        "ledger.keys",
        "ledger.links",
        "claim.complete",
        "log.integrity",
        "samples.complete",
        "stat.recompute",
        "stat.denominator",
        "stat.aggregation",
        "stat.error",
        "supersede",
        "time.order",
    ],
};

/// Was the item in what was recorded?
pub const ITEM: Profile = Profile {
    name: "item",
    answers: "whether the item was in what was recorded; not what became of it",
    required: &["ledger.chain", "ledger.keys", "ledger.links", "item.inclusion", "supersede", "time.order"],
};

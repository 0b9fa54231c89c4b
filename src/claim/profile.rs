//! Profiles: which checks a verdict requires.

use crate::digest::{FileDigest, FileHasher};

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

/// Would the claim stand in a publication?
pub const PAPER: Profile = Profile {
    name: "paper",
    answers: "whether the number and the comparison follow from the recorded samples, by rules that were fixed, over arms \
              and seeds that are what they are called, with every recorded attempt accounted for",
    required: &[
        "ledger.chain",
        "ledger.keys",
        "ledger.links",
        "claim.complete",
        "base.identity",
        "arms.baseline",
        "arms.distinct",
        "judge.identity",
        "log.integrity",
        "samples.complete",
        "stat.recompute",
        "stat.denominator",
        "stat.aggregation",
        "stat.error",
        "stat.contrast",
        "stat.gap",
        "stat.assertion",
        "stat.gates",
        "stat.sensitivity",
        "attempts.all",
        "supersede",
        "time.order",
    ],
};

/// Would a buyer who trusts nobody rely on it?
pub const VENDOR_AUDIT: Profile = Profile {
    name: "vendor-audit",
    answers: "whether the claim holds for somebody who did not make it: promised beforehand, complete, and derived again \
              from logs that were at hand",
    required: &[
        "ledger.chain",
        "ledger.keys",
        "ledger.links",
        "claim.complete",
        "claim.prereg",
        "spec.bytes",
        "contamination",
        "base.identity",
        "train.inputs",
        "arms.baseline",
        "arms.matched",
        "arms.distinct",
        "judge.identity",
        "log.integrity",
        "samples.complete",
        "samples.derived",
        "scores.rederive",
        "stat.recompute",
        "stat.denominator",
        "stat.aggregation",
        "stat.error",
        "stat.contrast",
        "stat.gap",
        "stat.assertion",
        "stat.multiplicity",
        "stat.gates",
        "stat.sensitivity",
        "attempts.all",
        "supersede",
        "availability",
        "time.order",
    ],
};

/// May a release go out with it?
pub const CI_GATE: Profile = Profile {
    name: "ci-gate",
    answers: "whether the number still follows, nothing it rests on was taken back, and no recorded attempt is left out",
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
        "stat.contrast",
        "stat.gap",
        "stat.assertion",
        "attempts.all",
        "supersede",
        "time.order",
    ],
};

impl Profile {
    /// The profiles that a reader can choose for a claim.
    pub const OF_CLAIMS: &[Self] = &[NUMBER, PAPER, VENDOR_AUDIT, CI_GATE];

    /// The profile of a name.
    pub fn find(name: &str) -> Option<Self> {
        Self::OF_CLAIMS.iter().find(|profile| profile.name == name).copied()
    }

    /// BLAKE3 over its name and the ids it requires, one a line: two readers who used the same one can tell.
    pub fn digest(&self) -> FileDigest {
        let mut hasher = FileHasher::new();
        for line in std::iter::once(&self.name).chain(self.required) {
            hasher.update(line.as_bytes());
            hasher.update(b"\n");
        }
        hasher.finish()
    }
}

//! How much outside sight each stage of a claim rests on; a verdict is as sure as the least of them.

use std::collections::BTreeSet;

use crate::check::{self, Finding, Outcome, Rebuilds, Target};
use crate::codec::wire_enum;
use crate::merkle::EntryIndex;
use crate::statement::{EdgeType, Kind, Payload};
use crate::verify::{VerifiedEvidence, Voucher};

wire_enum! {
    /// How much outside sight a verdict rests on.
    pub enum Level, "an assurance level" {
        /// Self-asserted: nobody outside has seen the ledger.
        L0 = 0 "L0",
        /// Anchored: witnesses that the reader trusts have seen the head.
        L1 = 1 "L1",
        /// Countersigned by the evaluator.
        L2 = 2 "L2",
        /// Done again by somebody else.
        L3 = 3 "L3",
    }
}

wire_enum! {
    /// A stage on the path from a spec to a printed number.
    pub enum Stage, "a stage of a claim" {
        /// Documents, datasets and mixes that were trained on.
        Corpus = 0 "corpus",
        /// Weights made from them.
        Training = 1 "training",
        /// Rollouts sampled from the weights.
        Sampling = 2 "sampling",
        /// Verdicts on the rollouts.
        Judging = 3 "judging",
        /// The number computed from the verdicts.
        Statistic = 4 "statistic",
    }
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageLevel {
    /// Which.
    pub stage: Stage,
    /// How much outside sight it rests on.
    pub level: Level,
    /// What that is, in words.
    pub rests_on: String,
}

/// The stages on the path of a claim, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assurance {
    ledger: Option<Level>,
    stages: Vec<StageLevel>,
}

impl Assurance {
    /// Of evidence that nobody believes.
    pub fn none() -> Self {
        Self::default()
    }

    /// Looks at who saw the ledger, at what others made again, and at what the reader did over again.
    ///
    /// A stage is raised where every artifact of it that the claim rests on was written by a run that was really run again:
    /// one that was recorded without a run, or taken as it was, keeps the stage where it is.
    pub fn of(evidence: &VerifiedEvidence<'_>, findings: &[Finding], rebuilds: &Rebuilds, target: Target) -> Self {
        let (ledger, seen) = seen(evidence);
        let mut assurance = Self { ledger: Some(ledger), stages: Vec::new() };
        if target == Target::Items {
            return assurance;
        }
        let behind: Vec<(EntryIndex, &Payload)> = check::made(evidence)
            .filter_map(|(index, _)| Some((index, evidence.entries.get(&index)?.payload())))
            .collect();
        let has_judge = evidence.bodies.get(&evidence.claim).and_then(|body| body.claim.as_deref());
        let has_judge = has_judge.is_some_and(|claim| claim.judge.value().is_some());
        let is_judged = |payload: &Payload| payload.edges.iter().any(|edge| edge.edge_type == EdgeType::JudgedBy);
        let is_log = |payload: &Payload| payload.kind == Kind::EvalLog;
        // A log holds the answers and what the judge said of them: who makes it again makes both again.
        let of_stage: [(Stage, IsOf<'_>); 4] = [
            (Stage::Corpus, &|payload| payload.kind.is_training_data()),
            (Stage::Training, &|payload| payload.kind.is_weights()),
            (Stage::Sampling, &is_log),
            (Stage::Judging, &|payload| is_judged(payload) || has_judge && is_log(payload)),
        ];
        for (stage, is_of) in of_stage {
            let artifacts: Vec<EntryIndex> =
                behind.iter().filter(|(_, payload)| is_of(payload)).map(|(index, _)| *index).collect();
            if !artifacts.is_empty() || stage == Stage::Judging && has_judge {
                assurance.stages.push(made(stage, &artifacts, rebuilds, (ledger, &seen)));
            }
        }
        assurance.stages.push(statistic(findings, ledger, seen));
        assurance
    }

    /// The stages, in the order of the path.
    pub fn stages(&self) -> &[StageLevel] {
        &self.stages
    }

    /// The least of the stages.
    pub fn headline(&self) -> Level {
        let least = self.stages.iter().map(|stage| stage.level).min_by_key(|level| level.id());
        least.or(self.ledger).unwrap_or(Level::L0)
    }
}

/// Whether an entry is of a stage.
type IsOf<'a> = &'a dyn Fn(&Payload) -> bool;

/// A stage by the artifacts of it that the claim rests on.
fn made(stage: Stage, artifacts: &[EntryIndex], rebuilds: &Rebuilds, (own, seen): (Level, &str)) -> StageLevel {
    let again: Vec<_> = artifacts.iter().filter(|index| rebuilds.is_again(**index)).collect();
    if again.is_empty() {
        return StageLevel { stage, level: own, rests_on: seen.to_owned() };
    }
    let names: BTreeSet<&str> = again.iter().flat_map(|index| rebuilds.by(**index)).collect();
    let names: Vec<_> = names.into_iter().map(|name| format!("{name:?}")).collect();
    let (found, of) = (again.len(), artifacts.len());
    let by = format!("{found} of {of} made again by {}", names.join(", "));
    if found == of {
        return StageLevel { stage, level: Level::L3, rests_on: by };
    }
    StageLevel { stage, level: own, rests_on: format!("{by}; the rest {seen}") }
}

/// Who saw the ledger.
fn seen(evidence: &VerifiedEvidence<'_>) -> (Level, String) {
    match &evidence.voucher {
        Voucher::Pinned { quorum_required: true, witnesses, .. } => {
            (Level::L1, format!("recorded in a ledger whose head {} of your witnesses saw", witnesses.len()))
        }
        _ => (Level::L0, "recorded by the lab itself".to_owned()),
    }
}

/// The last stage is done again by whoever verifies.
fn statistic(findings: &[Finding], ledger: Level, seen: String) -> StageLevel {
    let outcome = |id: &str| findings.iter().find(|finding| finding.check == id).map(|finding| finding.outcome);
    let is_again = |id: &str| matches!(outcome(id), Some(Outcome::Pass | Outcome::Differs | Outcome::NotApplicable));
    let recomputed = matches!(outcome("stat.recompute"), Some(Outcome::Pass | Outcome::Differs));
    if recomputed && is_again("stat.contrast") && is_again("stat.assertion") {
        let rests_on = "computed again by you from the recorded verdicts".to_owned();
        return StageLevel { stage: Stage::Statistic, level: Level::L3, rests_on };
    }
    StageLevel { stage: Stage::Statistic, level: ledger, rests_on: seen }
}

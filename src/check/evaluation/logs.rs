//! The logs of a claim by arm, and what is understood of how each was made.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::arms::escaped;
use crate::check::number::{arms, eval_of, side_of};
use crate::check::understood::best;
use crate::check::{Case, Finding, Outcome, Rate, Role};
use crate::merkle::EntryIndex;
use crate::statement::{Claim, Evaluation, Reading};

/// Differences that are spelled out.
const MAX_SHOWN: usize = 10;

/// One log of a claim.
pub(super) struct Log<'c> {
    pub(super) entry: EntryIndex,
    /// The arm that its entry says, or else that all of its samples are counted for.
    pub(super) arm: Option<&'c str>,
    pub(super) seed: Option<u64>,
    /// What the claim says was evaluated.
    pub(super) eval: &'c Evaluation,
    /// The verifier's own reading, else the issuer's.
    pub(super) reading: Option<&'c Reading>,
}

/// The claim and its logs; else the finding that a check of them comes to.
pub(super) fn logs<'c>(case: &'c Case<'_>, id: &'static str) -> Result<(&'c Claim, Vec<Log<'c>>), Box<Finding>> {
    let Some(claim) = case.claim else {
        return Err(Finding::new(id, Outcome::Unknown, "the claim is not disclosed").withheld().into());
    };
    let log = |input: &'c crate::check::Input<'_>| {
        let entry = input.entry?;
        let eval = eval_of(claim, side_of(claim, &input.digest));
        let arm = input.arm.as_deref().or_else(|| counted_for(case, claim, entry));
        Some(Log { entry, arm, seed: input.seed, eval, reading: best(case, entry) })
    };
    let logs: Option<Vec<Log<'_>>> = case.inputs.iter().map(log).collect();
    match logs.filter(|logs| !logs.is_empty()) {
        Some(logs) => Ok((claim, logs)),
        None => Err(Finding::new(id, Outcome::Unknown, "the claim names no log, or one that is not linked").into()),
    }
}

/// The one arm that the samples of a log count for, where they are of one.
fn counted_for<'c>(case: &'c Case<'_>, claim: &'c Claim, log: EntryIndex) -> Option<&'c str> {
    if claim.comparator.value().is_none() {
        return Some(&claim.subject.arm);
    }
    let (_, number) = case.number().ok()?;
    let is_fed = |rate: &Rate| rate.seeds.values().any(|seed| seed.entries.contains(&log));
    let of: BTreeSet<Role> = number.rates().filter(|(_, _, rate)| is_fed(rate)).map(|(role, _, _)| role).collect();
    let [role] = of.into_iter().collect::<Vec<_>>()[..] else { return None };
    arms(claim).find(|(of, _)| *of == role).map(|(_, label)| label)
}

/// Entries of logs, each once.
pub(super) fn entries(logs: &[Log<'_>]) -> BTreeSet<EntryIndex> {
    logs.iter().map(|log| log.entry).collect()
}

/// The names under which two arms say different things, with what each says: of facts whose name `counts`.
pub(super) fn differences(logs: &[Log<'_>], counts: impl Fn(&str) -> bool) -> Vec<String> {
    let mut said: BTreeMap<&str, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    let arms: BTreeSet<&str> = logs.iter().filter_map(|log| log.arm).collect();
    for log in logs {
        let (Some(arm), Some(reading)) = (log.arm, log.reading) else { continue };
        for (name, value) in reading.facts.iter().filter(|(name, _)| counts(name)) {
            said.entry(name).or_default().entry(arm).or_default().insert(value);
        }
    }
    let differs = said
        .into_iter()
        .filter(|(_, by_arm)| by_arm.len() != arms.len() || by_arm.values().collect::<BTreeSet<_>>().len() > 1);
    let shown = differs.map(|(name, by_arm)| {
        let of_arm = |arm: &&str| {
            let values = by_arm.get(arm).map(|values| values.iter().map(|value| escaped(value)).collect::<Vec<_>>());
            format!(
                "{} {}",
                escaped(arm),
                values.map_or_else(|| "does not say".to_owned(), |values| values.join(" and "))
            )
        };
        format!("{}: {}", escaped(name), arms.iter().map(of_arm).collect::<Vec<_>>().join(", "))
    });
    shown.take(MAX_SHOWN).collect()
}

/// Whether the arms can be held side by side: every log says whose it is and was understood.
pub(super) fn are_comparable(logs: &[Log<'_>]) -> bool {
    logs.iter().all(|log| log.arm.is_some() && log.reading.is_some())
}

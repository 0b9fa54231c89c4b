//! `samples.complete`: is every planned sample there, exactly once?

mod conditions;
mod grid;

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::samples::{KeyView, SampleStatus, Samples};
use crate::check::{Case, Check, Finding, Input, InputProblem, Outcome};
use crate::statement::{Evaluation, Step};

pub(in crate::check) const ENTRY: &dyn Check = &SamplesComplete;
const ID: &str = "samples.complete";

struct SamplesComplete;

impl Check for SamplesComplete {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Is every sample that was to be run there, once in each repetition, and what became of those without a score?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let Some(claim) = case.claim else {
            return Finding::new(ID, Outcome::Unknown, "the claim is not disclosed, so neither is the planned grid")
                .withheld();
        };
        if claim.comparator.value().is_some() {
            let finding = conditions::hold(case, claim, grid::judge(case, claim));
            return labelled(case).into_iter().fold(finding, Finding::note);
        }
        let of_condition = claim.eval.samples.checked_mul(claim.eval.repeats);
        let of_seed = of_condition.and_then(|rows| rows.checked_mul(claim.eval.conditions));
        let seeds = if claim.aggregation.contains(&Step::MeanSeeds) { claim.seeds.used } else { 1 };
        let planned = of_seed.and_then(|rows| rows.checked_mul(seeds));
        let (mut present, mut declared) = (0_u64, Some(0_u64));
        let mut by_status = BTreeMap::<SampleStatus, u64>::new();
        for input in &case.inputs {
            match &input.content {
                Ok(samples) => {
                    present += samples.count();
                    // Rows that say what became of each are held to the claim's own grid: a table declares none.
                    let own = samples.facts.expected();
                    let own = own.or_else(|| samples.facts.says_each_status().then(|| samples.count()));
                    declared = declared.zip(own).and_then(|(sum, next)| sum.checked_add(next));
                    for sample in samples.records() {
                        *by_status.entry(sample.status).or_default() += 1;
                    }
                }
                Err(problem) => {
                    let finding =
                        Finding::new(ID, Outcome::Unknown, "the sample records cannot be counted").at(input.entry);
                    return if *problem == InputProblem::NotShown { finding.withheld() } else { finding };
                }
            }
        }
        let grids = off_grid(&claim.eval, &case.inputs);
        let states: Vec<_> = by_status.iter().map(|(status, count)| format!("{count} {}", status.name())).collect();
        let outcome = match (planned, declared) {
            _ if case.inputs.is_empty() => (Outcome::Unknown, "the claim names no input".to_owned()),
            (None, _) => (Outcome::Fail, "the planned grid is larger than any log can be".to_owned()),
            (Some(planned), _) if present > planned => {
                (Outcome::Fail, format!("there are {present} samples where the claim says {planned} were planned"))
            }
            (Some(planned), _) if present < planned => {
                (Outcome::Unknown, format!("{} of {planned} planned samples are not there", planned - present))
            }
            (Some(_), None) => (Outcome::Unknown, "the log does not say how many samples were to be run".to_owned()),
            (Some(planned), Some(declared)) if declared != planned => {
                (Outcome::Fail, format!("the log was to run {declared} samples, the claim says {planned}"))
            }
            _ if grids.is_some() => (Outcome::Fail, grids.unwrap_or_default()),
            (Some(planned), Some(_)) => (Outcome::Pass, format!("all {planned} planned samples are there, each once")),
        };
        let finding = Finding::new(ID, outcome.0, outcome.1).note(states.join(", ")).at(case.input_entries());
        let finding = conditions::hold(case, claim, finding);
        labelled(case).into_iter().fold(finding, Finding::note)
    }
}

/// Whose word the conditions are, where they stand in no log.
fn labelled(case: &Case<'_>) -> Option<String> {
    let samples = case.inputs.iter().filter_map(|input| input.content.as_ref().ok());
    let count = samples.filter(|samples| samples.facts.is_labelled()).count();
    (count > 0).then(|| {
        format!(
            "the condition of {count} of {} logs is the signed word of whoever recorded them, and stands in no log",
            case.inputs.len()
        )
    })
}

/// Why as many samples as were planned are not the planned ones: distinct keys alone do not make a grid.
fn off_grid(eval: &Evaluation, inputs: &[Input<'_>]) -> Option<String> {
    let logs = || inputs.iter().filter_map(|input| Some((input, input.content.as_ref().ok()?)));
    let declared = logs().filter_map(|(_, samples)| samples.facts.declared);
    if let Some((_, epochs)) = declared.into_iter().find(|(_, epochs)| *epochs != eval.repeats) {
        return Some(format!("the log was to run each sample {epochs} times, the claim says {}", eval.repeats));
    }
    // Of each seed, its conditions and its distinct samples.
    let mut grids: BTreeMap<Option<i128>, (BTreeSet<&str>, u64)> = BTreeMap::new();
    let mut unplanned = None;
    for (input, samples) in logs() {
        let mut previous = None::<KeyView<'_>>;
        for sample in samples.records() {
            let seed = input.seed.map(i128::from).or(sample.key.seed.map(i128::from));
            let (conditions, distinct) = grids.entry(seed).or_default();
            conditions.extend(sample.key.condition);
            if unplanned.is_none() && !(1..=eval.repeats).contains(&sample.key.epoch) {
                unplanned = Some(sample.key);
            }
            // Epochs of one sample stand together.
            if !previous.is_some_and(|previous| previous.is_same_sample(&sample.key)) {
                *distinct += 1;
                previous = Some(sample.key);
            }
        }
    }
    let is_other = |conditions: &&BTreeSet<&str>| !conditions.is_empty() && conditions.len() as u64 != eval.conditions;
    if let Some(conditions) = grids.values().map(|(conditions, _)| conditions).find(is_other) {
        return Some(format!("the samples are of {} conditions, the claim says {}", conditions.len(), eval.conditions));
    }
    if let Some(key) = unplanned {
        return Some(format!("sample {} is of a repetition that the claim did not plan", key.to_key()));
    }
    let planned = eval.conditions.saturating_mul(eval.samples);
    if let Some((_, distinct)) = grids.values().find(|(_, distinct)| *distinct > planned) {
        return Some(format!("there are {distinct} distinct samples, more than the claim planned"));
    }
    let repeated = repeated(&logs().map(|(_, samples)| samples).collect::<Vec<_>>())?;
    Some(format!("sample {} is another one over again, under a name of its own", repeated.to_key()))
}

/// The first sample whose details are those of one before it.
fn repeated<'a>(logs: &[&Samples<'a>]) -> Option<KeyView<'a>> {
    let records = || logs.iter().copied().flat_map(Samples::records);
    // Sorted references, and not a set: there may be a million.
    let mut details: Vec<(&[u8; 32], usize)> = records().map(|sample| sample.details).zip(0..).collect();
    details.sort_unstable();
    let again = details.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[1].1).min()?;
    records().nth(again).map(|sample| sample.key)
}

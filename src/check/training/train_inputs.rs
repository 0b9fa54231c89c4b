//! `train.inputs`: does every training step say what it was trained on, and did its run read just that?

use std::collections::BTreeSet;

use crate::check::training::arms_baseline::not_applicable;
use crate::check::{Case, Check, Finding, Outcome};
use crate::lineage::Flaw;
use crate::merkle::EntryIndex;
use crate::statement::{Kind, WorkTree};

pub(in crate::check) const ENTRY: &dyn Check = &TrainInputs;
const ID: &str = "train.inputs";

struct TrainInputs;

impl Check for TrainInputs {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Does every training step name the data it was trained on, and did the run that wrote the weights read them?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let Some(claim) = case.claim else {
            return Finding::new(ID, Outcome::Unknown, "the claim is not disclosed").withheld();
        };
        if let Some(reason) = not_applicable(claim, ID) {
            return Finding::new(ID, Outcome::NotApplicable, reason);
        }
        let (mut steps, mut without_run) = (0, Vec::new());
        let (mut made, mut runs) = (BTreeSet::new(), BTreeSet::new());
        let (mut open, mut against): (Vec<Flaw>, Vec<Flaw>) = (Vec::new(), Vec::new());
        for (_, _, arm) in case.arms() {
            let arm = match arm {
                Ok(arm) => arm,
                Err(why) => return Finding::new(ID, Outcome::Unknown, why),
            };
            for flaw in arm.flaws() {
                if flaw.contradicts() { &mut against } else { &mut open }.push(flaw.clone());
            }
            for step in arm.chains().iter().flat_map(|chain| &chain.steps) {
                steps += 1;
                made.insert(step.weights);
                runs.extend(&step.runs);
                if step.runs.is_empty() {
                    without_run.push(step.weights);
                }
            }
        }
        if let Some(flaw) = against.first() {
            return Finding::new(ID, Outcome::Fail, flaw.to_string()).at(flaw.entries());
        }
        if let Some(flaw) = open.first() {
            return Finding::new(ID, Outcome::Unknown, flaw.to_string()).at(flaw.entries());
        }
        if steps == 0 {
            return Finding::new(ID, Outcome::Unknown, "no training step is on record");
        }
        if let Some(finding) = elsewhere(case, &made).or_else(|| other_code(case, &runs)) {
            return finding;
        }
        without_run.sort_unstable();
        without_run.dedup();
        if without_run.is_empty() {
            let reason = format!("all {steps} training steps name their data, and their runs read them");
            let finding = Finding::new(ID, Outcome::Pass, reason);
            return bare_commits(case, &runs).into_iter().fold(finding, Finding::note);
        }
        let named: Vec<_> = without_run.iter().take(20).map(EntryIndex::to_string).collect();
        Finding::new(
            ID,
            Outcome::Unknown,
            format!(
                "all {steps} training steps name their data, but {} weights were recorded without the run that wrote them: entries {}",
                without_run.len(),
                named.join(", ")
            ),
        )
        .at(without_run)
        .next("ask the lab for runs that were recorded as they ran (reproledger run)")
    }
}

/// Weights that were recorded under another protocol than the claim's are another experiment's.
fn elsewhere(case: &Case<'_>, made: &BTreeSet<EntryIndex>) -> Option<Finding> {
    let protocol = |entry: &EntryIndex| case.evidence.entries.get(entry)?.payload().protocol;
    let own = protocol(&case.evidence.claim)?;
    let is_other = |weights: &&EntryIndex| protocol(weights).is_some_and(|protocol| protocol != own);
    let others: Vec<EntryIndex> = made.iter().filter(is_other).copied().collect();
    let first = others.first()?;
    let reason = format!(
        "the weights of entry {first} were recorded under another protocol than the claim's: whether they are of this experiment is not said"
    );
    Some(
        Finding::new(ID, Outcome::Unknown, reason)
            .at(others)
            .next("ask the lab why weights of another experiment are in this one"),
    )
}

/// A run whose work tree was not what its commit says ran code that nobody can name.
fn other_code(case: &Case<'_>, runs: &BTreeSet<EntryIndex>) -> Option<Finding> {
    let is_dirty = |run: &&EntryIndex| {
        let git = case.evidence.bodies.get(run).and_then(|body| body.run.as_ref()?.git.as_ref());
        git.is_some_and(|git| git.work_tree == WorkTree::Dirty)
    };
    let dirty: Vec<EntryIndex> = runs.iter().filter(is_dirty).copied().collect();
    let first = dirty.first()?;
    let reason = format!(
        "the run of entry {first} was started in a work tree that was not what its commit says: which code ran is not known"
    );
    Some(
        Finding::new(ID, Outcome::Unknown, reason).at(dirty).next("ask the lab for the code as it ran (record source)"),
    )
}

/// Git ids say where code was, not what it is: only a recorded source tree is under a digest of ours.
fn bare_commits(case: &Case<'_>, runs: &BTreeSet<EntryIndex>) -> Option<String> {
    let names_commit = |run: &EntryIndex| {
        case.evidence.bodies.get(run).is_some_and(|body| body.run.as_ref().is_some_and(|run| run.git.is_some()))
    };
    let is_source = |entry: EntryIndex| case.graph().node(entry).is_some_and(|node| node.kind() == Kind::Source);
    let read_source = |run: &EntryIndex| case.graph().links(*run).any(|(_, target)| is_source(target));
    let bare = runs.iter().filter(|run| names_commit(run) && !read_source(run)).count();
    (bare > 0)
        .then(|| format!("the code of {bare} runs is named by a git commit alone; no source tree is on record as read"))
}

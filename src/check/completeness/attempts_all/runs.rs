//! What became of the runs of a claim's arms: finished or not, well or not, and whether the claim rests on what they wrote.
//!
//! Who runs an evaluation twenty times and records the log of the best has nineteen runs that ended well and are in no
//! number. So a run counts by what it wrote: behind the claim, set aside, of another evaluation, or unaccounted for.

use std::collections::{BTreeMap, BTreeSet};

use super::{Scope, set_aside_by};
use crate::check::{Case, Later};
use crate::digest::LeafHash;
use crate::merkle::EntryIndex;
use crate::statement::{EdgeType, Kind, Payload, RunStatus};

/// What became of runs.
#[derive(Default)]
pub(super) struct Runs {
    /// Started, and no end is recorded.
    pub(super) open: Vec<EntryIndex>,
    /// Ended, not well.
    pub(super) failed: Vec<EntryIndex>,
    /// Ended well, and nothing that they wrote is on record.
    pub(super) silent: Vec<EntryIndex>,
    /// Ended well, like another attempt of the same stage on whose results the claim rests, with other results.
    pub(super) unchosen: Vec<EntryIndex>,
    /// The same of what was left out, by which entry.
    pub(super) aside: Vec<(EntryIndex, EntryIndex)>,
    /// The same of what was replaced, by which entry.
    pub(super) replaced: Vec<(EntryIndex, EntryIndex)>,
    /// The first start whose earlier attempts are missing, with its number.
    pub(super) gap: Option<(EntryIndex, u64)>,
}

/// What attempts are counted by.
type Stage<'a> = (Option<LeafHash>, Option<&'a str>, Option<u64>, Option<&'a str>);

fn stage(payload: &Payload) -> Stage<'_> {
    (payload.protocol, payload.arm.as_deref(), payload.seed, payload.stage.as_deref())
}

/// A run that ended well.
struct Finished<'a> {
    start: EntryIndex,
    end: EntryIndex,
    stage: Stage<'a>,
    /// What it wrote.
    wrote: Vec<EntryIndex>,
}

impl Runs {
    pub(super) fn of(case: &Case<'_>, scope: &Scope<'_>, later: &Later<'_>) -> Self {
        let mut runs = Self::default();
        let mut open: BTreeSet<EntryIndex> = BTreeSet::new();
        let mut attempts: BTreeMap<Stage<'_>, u64> = BTreeMap::new();
        let mut finished = Vec::new();
        for (index, entry) in &case.evidence.entries {
            let (index, payload) = (*index, entry.payload());
            let ended = || payload.edges.iter().filter(|edge| edge.edge_type == EdgeType::Ends).map(|edge| edge.seq);
            match payload.kind {
                Kind::RunStart if scope.has_run(payload) || evaluates(case, scope, payload) => {
                    open.insert(index);
                    if !scope.has_run(payload) {
                        continue;
                    }
                    let last = attempts.entry(stage(payload)).or_default();
                    let attempt = payload.attempt.unwrap_or(0);
                    // Without a protocol attempts are numbered per stage over all arms, and may leave numbers out here.
                    if attempt != *last + 1 && payload.protocol.is_some() && runs.gap.is_none() {
                        runs.gap = Some((index, attempt));
                    }
                    *last = attempt;
                }
                Kind::RunEnd => {
                    let starts: Vec<EntryIndex> = ended().filter(|start| open.remove(start)).collect();
                    if starts.is_empty() && !scope.has_run(payload) {
                        continue;
                    }
                    if payload.outcome.is_some_and(|outcome| outcome.status != RunStatus::Completed) {
                        runs.failed.push(index);
                        continue;
                    }
                    let wrote = payload.edges.iter().filter(|edge| edge.edge_type == EdgeType::Generated);
                    let wrote: Vec<EntryIndex> = wrote.map(|edge| edge.seq).collect();
                    let of = |start| Finished { start, end: index, stage: stage(payload), wrote: wrote.clone() };
                    finished.extend(starts.into_iter().map(of));
                }
                _ => {}
            }
        }
        runs.open = open.into_iter().collect();
        runs.hold(case, later, &finished);
        runs
    }

    /// Sorts the runs that ended well.
    fn hold(&mut self, case: &Case<'_>, later: &Later<'_>, finished: &[Finished<'_>]) {
        let graph = case.graph();
        let inputs: Vec<EntryIndex> = case.input_entries().collect();
        let behind: BTreeSet<EntryIndex> = graph.origins(&inputs).into_iter().collect();
        // The same bytes once more are no choice between two results.
        let identities: BTreeSet<EntryIndex> = behind.iter().filter_map(|index| graph.identity(*index)).collect();
        let is_behind = |run: &Finished<'_>| {
            let is_same = |wrote: &EntryIndex| graph.identity(*wrote).is_some_and(|same| identities.contains(&same));
            let is_again = !run.wrote.is_empty() && run.wrote.iter().all(is_same);
            is_again || [run.start, run.end].iter().any(|of| behind.contains(of))
        };
        let is_log = |index: &EntryIndex| graph.node(*index).is_some_and(|node| node.kind() == Kind::EvalLog);
        let chosen: BTreeSet<Stage<'_>> = finished.iter().filter(|run| is_behind(run)).map(|run| run.stage).collect();
        for run in finished.iter().filter(|run| !is_behind(run)) {
            // A log is held to the claim's evaluation by what it says itself.
            let is_other = run.wrote.iter().any(is_log) || !chosen.contains(&run.stage);
            if is_other && !run.wrote.is_empty() {
                continue;
            }
            let set_aside = [run.start, run.end].iter().chain(&run.wrote).find_map(|of| set_aside_by(later, *of));
            let replaced = run.wrote.iter().find_map(|wrote| later.said(EdgeType::Supersedes, *wrote).next());
            match (set_aside, replaced) {
                (Some(by), _) => self.aside.push((run.start, by)),
                (None, Some(by)) => self.replaced.push((run.start, by)),
                (None, None) if run.wrote.is_empty() => self.silent.push(run.start),
                (None, None) => self.unchosen.push(run.start),
            }
        }
    }
}

/// An evaluation by what it read: weights that the claim's logs evaluated, and their suite, whoever it says that it is of.
fn evaluates(case: &Case<'_>, scope: &Scope<'_>, payload: &Payload) -> bool {
    let used = payload.edges.iter().filter(|edge| edge.edge_type == EdgeType::Used && edge.log.is_none());
    let read: BTreeSet<EntryIndex> = used.filter_map(|edge| case.graph().identity(edge.seq)).collect();
    !read.is_disjoint(&scope.evaluated) && !read.is_disjoint(&scope.items)
}

//! `ckpt.parent`: do the weights go on from those they are said to go on from, and are they the last of their run?

use std::collections::{BTreeMap, BTreeSet};

use crate::check::arms::each;
use crate::check::material::Trained;
use crate::check::training::steps::steps;
use crate::check::understood::{AT_HAND, best, count};
use crate::check::{Apart, Case, Check, Finding, Kinship, Outcome};
use crate::lineage::Relation;
use crate::merkle::EntryIndex;
use crate::statement::{EdgeType, Kind};

pub(in crate::check) const ENTRY: &dyn Check = &CkptParent;
const ID: &str = "ckpt.parent";

struct CkptParent;

impl Check for CkptParent {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Do the weights go on from the very checkpoint they are said to go on from, and was the last of the run evaluated?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let steps = match steps(case, ID) {
            Ok(steps) => steps,
            Err(finding) => return *finding,
        };
        let later = Later::of(case);
        let evaluated = evaluated(case);
        let is_checkpoint =
            |entry: EntryIndex| case.graph().node(entry).is_some_and(|node| node.kind() == Kind::Checkpoint);
        let asked: BTreeMap<EntryIndex, Asked> = steps
            .iter()
            .filter_map(|(weights, step)| {
                let early = evaluated.contains(weights).then(|| later.than(case, *weights)).flatten();
                let parent = step.parent.filter(|parent| is_checkpoint(*parent));
                Some((*weights, early.map(Asked::Early).or(parent.map(Asked::Parent))?))
            })
            .collect();
        if asked.is_empty() {
            let reason = "no weights of any arm go on from other weights that the experiment trained";
            return Finding::new(ID, Outcome::Unknown, reason).at(steps.keys().copied());
        }
        each(ID, asked.keys().copied(), |weights| match asked[&weights] {
            Asked::Early((step, last, of)) => {
                let reason = format!(
                    "they were evaluated at step {step}, and entry {of} of the same run is at step {last}: by which rule the earlier was taken is not on record"
                );
                Finding::new(ID, Outcome::Unknown, reason).at([weights, of])
            }
            Asked::Parent(parent) => judge(case, steps, parent, weights),
        })
    }
}

/// What is to be asked of weights.
enum Asked {
    /// Why these, and not the later ones of their run: their step, and the step and entry of the last.
    Early((u64, u64, EntryIndex)),
    /// Whether they go on from these.
    Parent(EntryIndex),
}

/// The weights that the claim's logs are of.
fn evaluated(case: &Case<'_>) -> BTreeSet<EntryIndex> {
    let graph = case.graph();
    let links = case.input_entries().flat_map(|log| graph.links(log));
    links.filter(|(relation, _)| *relation == Relation::Edge(EdgeType::Evaluates)).map(|(_, weights)| weights).collect()
}

/// The last checkpoint of each run, with its step.
struct Later(BTreeMap<EntryIndex, (u64, EntryIndex)>);

impl Later {
    fn of(case: &Case<'_>) -> Self {
        let mut last: BTreeMap<EntryIndex, (u64, EntryIndex)> = BTreeMap::new();
        for node in case.graph().nodes().iter().filter(|node| node.kind() == Kind::Checkpoint) {
            let Some(step) = step_of(case, node.index) else { continue };
            for run in runs(case, node.index) {
                let of_run = last.entry(run).or_default();
                *of_run = (*of_run).max((step, node.index));
            }
        }
        Self(last)
    }

    /// The step of weights, and that of later ones of their run, with the entry of these.
    fn than(&self, case: &Case<'_>, weights: EntryIndex) -> Option<(u64, u64, EntryIndex)> {
        let step = step_of(case, weights)?;
        let (last, of) = runs(case, weights).filter_map(|run| self.0.get(&run).copied()).max()?;
        (last > step).then_some((step, last, of))
    }
}

fn runs(case: &Case<'_>, weights: EntryIndex) -> impl Iterator<Item = EntryIndex> {
    let links = case.graph().links(weights);
    links.filter(|(relation, _)| *relation == Relation::GeneratedBy).map(|(_, run)| run)
}

/// Steps are numbers: 99 comes before 798.
fn step_of(case: &Case<'_>, weights: EntryIndex) -> Option<u64> {
    let reading = best(case, weights)?;
    [count(reading, "trainer.step"), count(reading, "step")].into_iter().find(|step| *step > 0)
}

fn judge(case: &Case<'_>, steps: &BTreeMap<EntryIndex, Trained>, parent: EntryIndex, weights: EntryIndex) -> Finding {
    let finding = |outcome: Outcome, reason: String| Finding::new(ID, outcome, reason).at([parent, weights]);
    let compared = case.observed.map(|observed| &observed.weights);
    let own = compared.and_then(|compared| compared.get(&(parent.min(weights), parent.max(weights))));
    let Some(Apart { kinship, cosine, .. }) = own else {
        let reason = format!(
            "they are linked to entry {parent}; that they go on from it is the lab's word, since the two were not compared"
        );
        return finding(Outcome::Unknown, reason).next(AT_HAND);
    };
    let shown = |cosine: Option<f64>| cosine.map_or_else(String::new, |cosine| format!(" (cosine {cosine:.4})"));
    let own = shown(*cosine);
    let stranger = closest(case, steps, parent, weights);
    match kinship {
        Kinship::Identical | Kinship::Continues => match stranger {
            Some((other, there)) if there.cosine > *cosine => finding(
                Outcome::Unknown,
                format!(
                    "they are close to entry {parent}{own} and closer to entry {other}{}: weights do not tell which they go on from",
                    shown(there.cosine)
                ),
            ),
            _ => finding(Outcome::Pass, format!("by their numbers they go on from entry {parent}{own}")),
        },
        Kinship::Unrelated => {
            let from = stranger.filter(|(_, there)| there.kinship == Kinship::Continues);
            let from = from
                .map_or_else(String::new, |(other, there)| format!(", but from entry {other}{}", shown(there.cosine)));
            finding(Outcome::Fail, format!("they do not go on from entry {parent}{own}{from}"))
        }
        Kinship::Unclear(reason) => {
            finding(Outcome::Unknown, format!("whether they go on from entry {parent} cannot be told: {reason}"))
        }
    }
}

/// Of the other weights that were compared with these, but for what goes on from them, the closest.
fn closest<'c>(
    case: &'c Case<'_>,
    steps: &BTreeMap<EntryIndex, Trained>,
    parent: EntryIndex,
    weights: EntryIndex,
) -> Option<(EntryIndex, &'c Apart)> {
    let other = |(earlier, later): (EntryIndex, EntryIndex)| match weights {
        _ if weights == later => Some(earlier),
        _ if weights == earlier => Some(later),
        _ => None,
    };
    let is_stranger = |other: &EntryIndex| {
        let goes_on = steps.get(other).is_some_and(|step| step.parent == Some(weights));
        !goes_on && !case.graph().is_same(*other, parent)
    };
    let others = case.observed?.weights.iter().filter_map(|(pair, apart)| Some((other(*pair)?, apart)));
    let with_cosine =
        others.filter(|(other, _)| is_stranger(other)).filter_map(|(other, apart)| Some((other, apart, apart.cosine?)));
    with_cosine.max_by(|left, right| left.2.total_cmp(&right.2)).map(|(other, apart, _)| (other, apart))
}

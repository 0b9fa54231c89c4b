//! `attempts.all`: is every run that belongs to the claim accounted for?
//!
//! Absence cannot be shown by inclusion, so this looks at the census: every entry up to the head, from the ledger's
//! beginning. An evaluation of the same arms on the same suite is used, replaced, left out with a reason, or a
//! contradiction; a run that was started and never finished counts against the claim.

mod runs;

use std::collections::{BTreeMap, BTreeSet};

use crate::check::number::arms;
use crate::check::{Case, Check, Finding, Later, Outcome};
use crate::digest::{Digest, LeafHash};
use crate::lineage::Relation;
use crate::merkle::EntryIndex;
use crate::statement::{Claim, EdgeType, Kind, Payload};
use runs::Runs;

pub(in crate::check) const ENTRY: &dyn Check = &AttemptsAll;
const ID: &str = "attempts.all";

/// Entries that are named for one reason; the count is always complete.
const MAX_NAMED: usize = 20;

struct AttemptsAll;

impl Check for AttemptsAll {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Are all runs of these arms on this evaluation accounted for: used, replaced, left out with a reason, or failed?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let Some(claim) = case.claim else {
            return Finding::new(ID, Outcome::Unknown, "the claim is not disclosed").withheld();
        };
        if case.inputs.iter().any(|input| input.entry.is_none()) {
            return Finding::new(ID, Outcome::Unknown, "an input is not linked to an entry");
        }
        judge(case, claim)
    }
}

/// What the runs of a claim have in common.
struct Scope<'a> {
    suites: BTreeSet<Digest>,
    protocols: BTreeSet<LeafHash>,
    labels: BTreeSet<&'a str>,
    weights: BTreeSet<Digest>,
    /// The weights that the inputs evaluated, by whatever digest they are named, in whatever files.
    evaluated: BTreeSet<EntryIndex>,
    /// The suites that they are on, the same way.
    items: BTreeSet<EntryIndex>,
}

impl<'a> Scope<'a> {
    fn of(case: &'a Case<'_>, claim: &'a Claim) -> Self {
        let payloads = || case.input_entries().filter_map(|index| Some(case.evidence.entries.get(&index)?.payload()));
        Self {
            suites: payloads().filter_map(|payload| payload.suite).collect(),
            protocols: payloads().filter_map(|payload| payload.protocol).collect(),
            // An arm is told by its label only where the inputs carry labels at all.
            labels: arms(claim).map(|(_, label)| label).filter(|_| payloads().any(|p| p.arm.is_some())).collect(),
            weights: payloads().filter_map(|payload| payload.checkpoint).collect(),
            evaluated: linked(case, EdgeType::Evaluates),
            items: linked(case, EdgeType::EvaluatedWith),
        }
    }

    fn is_arm(&self, payload: &Payload) -> bool {
        payload.arm.as_deref().is_some_and(|arm| self.labels.contains(arm))
            || payload.checkpoint.is_some_and(|weights| self.weights.contains(&weights))
    }

    /// A log of the claim's arms on the claim's evaluation.
    fn has_log(&self, case: &Case<'_>, index: EntryIndex, payload: &Payload) -> bool {
        let same_suite = match payload.suite {
            Some(suite) => self.suites.contains(&suite),
            None => self.suites.is_empty(),
        };
        // What says nothing of itself is not told by a link alone: it may be one, and is named as such.
        let says = payload.arm.is_some() || payload.checkpoint.is_some();
        let mut weights = linked_by(case, index, EdgeType::Evaluates).filter(|_| says);
        payload.kind == Kind::EvalLog
            && same_suite
            && (self.is_arm(payload) || weights.any(|weights| self.evaluated.contains(&weights)))
    }

    /// A log that may be one: it does not say its suite, or not whose it is. To leave that out must not hide a run.
    fn may_have_log(&self, payload: &Payload) -> bool {
        let may_be_suite = self.suites.is_empty() || payload.suite.is_none_or(|suite| self.suites.contains(&suite));
        let is_nobodys = payload.arm.is_none() && payload.checkpoint.is_none();
        payload.kind == Kind::EvalLog && may_be_suite && (self.is_arm(payload) || is_nobodys)
    }

    /// A run of the claim's arms or under its protocol.
    fn has_run(&self, payload: &Payload) -> bool {
        let under = payload.protocol.is_some_and(|protocol| self.protocols.contains(&protocol));
        matches!(payload.kind, Kind::RunStart | Kind::RunEnd)
            && (self.is_arm(payload) || (under && payload.arm.is_none()))
    }
}

/// What a log has such a link to, each by the first entry that is the same thing.
fn linked_by<'c>(case: &'c Case<'_>, log: EntryIndex, edge: EdgeType) -> impl Iterator<Item = EntryIndex> + 'c {
    let links = case.graph().links(log).filter(move |(relation, _)| *relation == Relation::Edge(edge));
    links.filter_map(|(_, target)| case.graph().identity(target))
}

/// The same of all inputs.
fn linked(case: &Case<'_>, edge: EdgeType) -> BTreeSet<EntryIndex> {
    case.input_entries().flat_map(|log| linked_by(case, log, edge)).collect()
}

fn judge(case: &Case<'_>, claim: &Claim) -> Finding {
    let scope = Scope::of(case, claim);
    let used: BTreeSet<EntryIndex> = case.input_entries().collect();
    let entries = || case.evidence.entries.iter().map(|(index, entry)| (*index, entry.payload()));
    let later = Later::of(case.evidence);
    if let Some((index, by)) = used.iter().find_map(|index| Some((*index, later.exclusion(*index)?))) {
        let reason = format!("the claim uses the log of entry {index}, which entry {by} left out of the analysis");
        return Finding::new(ID, Outcome::Fail, reason).at([index, by]);
    }
    let (mut unaccounted, mut unreasoned) = (Vec::new(), Vec::new());
    let untold = untold(case, &scope, &used, &later);
    let (mut logs, mut set_aside) = (0_u64, Vec::new());
    for (index, _) in entries().filter(|(index, payload)| used.contains(index) || scope.has_log(case, *index, payload))
    {
        logs += 1;
        if used.contains(&index) {
            continue;
        }
        match (set_aside_by(&later, index), later.said(EdgeType::Supersedes, index).next()) {
            (Some(by), _) if later.reason(by).is_none() => unreasoned.push(index),
            (Some(by), _) => {
                set_aside.push((
                    index,
                    format!("the log of entry {index} is set aside by entry {by}: {}", later.quoted(by)),
                ));
            }
            (None, Some(by)) => set_aside.push((index, format!("the log of entry {index} is replaced by entry {by}"))),
            (None, None) => unaccounted.push(index),
        }
    }
    let runs = Runs::of(case, &scope, &later);
    set_aside.extend(runs.failed.iter().map(|index| (*index, format!("the run of entry {index} failed"))));
    for (index, by) in runs.aside.iter().chain(&runs.replaced) {
        set_aside.push((*index, format!("the run of entry {index} is set aside by {}", later.quoted(*by))));
    }
    unreasoned.extend(runs.aside.iter().filter(|(_, by)| later.reason(*by).is_none()).map(|(index, _)| *index));
    let finding = if !unaccounted.is_empty() {
        Finding::new(
            ID,
            Outcome::Fail,
            format!(
                "{} evaluations of the same arms on the same suite are neither used nor left out with a reason: entries {}",
                unaccounted.len(),
                named(&unaccounted)
            ),
        )
        .at(unaccounted)
    } else if claim.attempts_disclosed.eval < logs {
        Finding::new(
            ID,
            Outcome::Fail,
            format!("the claim discloses {} evaluations, the ledger has {logs}", claim.attempts_disclosed.eval),
        )
    } else if let Some((first, protocol_gap)) = runs.gap.filter(|_| case.evidence.census_first <= EntryIndex(1)) {
        Finding::new(
            ID,
            Outcome::Fail,
            format!("the run of entry {first} is attempt {protocol_gap}, and those before it are not in the ledger"),
        )
        .at([first])
    } else if case.evidence.census_first > EntryIndex(1) {
        let first = case.evidence.census_first;
        Finding::new(ID, Outcome::Unknown, format!("the census begins at entry {first}: runs before it are not shown"))
            .next("ask the lab for evidence with the whole census")
    } else if !unreasoned.is_empty() {
        let reason = format!(
            "{} attempts are set aside for reasons that are not shown: entries {}",
            unreasoned.len(),
            named(&unreasoned)
        );
        Finding::new(ID, Outcome::Unknown, reason).at(unreasoned).withheld()
    } else if let Some(finding) = unaccounted_runs(&runs) {
        finding
    } else if scope.labels.is_empty() && scope.weights.is_empty() {
        Finding::new(
            ID,
            Outcome::Unknown,
            "the logs say neither their arm nor their weights: which other runs are of the same arms cannot be told",
        )
        .next("ask the lab for logs that were recorded with their arm and weights (--arm, --from)")
    } else if !untold.is_empty() {
        let (count, named) = (untold.len(), named(&untold));
        let reason = format!(
            "{count} evaluations do not say their suite or whose they are, and may be of these arms: entries {named}"
        );
        Finding::new(ID, Outcome::Unknown, reason).at(untold)
    } else if !set_aside.is_empty() {
        Finding::new(ID, Outcome::Differs, format!("{} attempts are set aside, each on record", set_aside.len()))
            .note("a bound over the attempts that are used is a bound over chosen attempts")
    } else {
        Finding::new(
            ID,
            Outcome::Pass,
            format!("all {logs} evaluations of these arms on this suite are in the number, and no run failed"),
        )
    };
    let looks = entries().filter(|(_, payload)| payload.kind == Kind::EvalLog).count();
    let finding =
        set_aside.into_iter().take(MAX_NAMED).fold(finding, |finding, (index, said)| finding.at([index]).note(said));
    finding.note(format!("{looks} evaluation logs stand in the census, of whatever arm and suite"))
}

/// The finding that runs come to whose results are not known, or not used.
fn unaccounted_runs(runs: &Runs) -> Option<Finding> {
    let Runs { open, silent, unchosen, .. } = runs;
    let finding =
        |entries: &[EntryIndex], reason: String| Some(Finding::new(ID, Outcome::Unknown, reason).at(entries.to_vec()));
    if !open.is_empty() {
        let (count, named) = (open.len(), named(open));
        return finding(open, format!("{count} runs were started and never finished: entries {named}"));
    }
    if !silent.is_empty() {
        let (count, named) = (silent.len(), named(silent));
        let reason =
            format!("{count} runs of these arms ended well, and nothing they wrote is on record: entries {named}");
        let next = "ask the lab what they wrote, or why they do not count (reproledger exclude)";
        return finding(silent, reason).map(|finding| finding.next(next));
    }
    if unchosen.is_empty() {
        return None;
    }
    let (count, named) = (unchosen.len(), named(unchosen));
    let reason =
        format!("{count} runs of stages of these arms ended well beside those whose results are used: entries {named}");
    let next = "ask the lab by which rule the other results were taken (reproledger exclude)";
    finding(unchosen, reason).map(|finding| finding.next(next))
}

/// How often an arm's seed was evaluated again on the same suite, beside the evaluation that is used: the most of any.
///
/// An evaluation may be many logs. So as many as the used one has are one more.
pub(in crate::check) fn times_again(case: &Case<'_>, claim: &Claim) -> u64 {
    let scope = Scope::of(case, claim);
    let used: BTreeSet<EntryIndex> = case.input_entries().collect();
    let mut counts: BTreeMap<_, (u64, u64)> = BTreeMap::new();
    for (index, entry) in &case.evidence.entries {
        let payload = entry.payload();
        if used.contains(index) || scope.has_log(case, *index, payload) {
            let weights = payload.checkpoint.filter(|_| payload.seed.is_none());
            let (own, spare) =
                counts.entry((payload.suite, payload.arm.as_deref(), payload.seed, weights)).or_default();
            *(if used.contains(index) { own } else { spare }) += 1;
        }
    }
    counts.into_values().map(|(own, spare)| spare.div_ceil(own.max(1))).max().unwrap_or(0)
}

/// The entry that leaves another out of the analysis, or takes it back.
fn set_aside_by(later: &Later<'_>, index: EntryIndex) -> Option<EntryIndex> {
    later.exclusion(index).or_else(|| later.retraction(index))
}

/// Logs that may be of the claim's arms and suite, but do not say so.
fn untold(case: &Case<'_>, scope: &Scope<'_>, used: &BTreeSet<EntryIndex>, later: &Later<'_>) -> Vec<EntryIndex> {
    let entries = case.evidence.entries.iter().filter(|(index, _)| !used.contains(index));
    let may_be = entries
        .filter(|(index, entry)| scope.may_have_log(entry.payload()) && !scope.has_log(case, **index, entry.payload()));
    may_be.map(|(index, _)| *index).filter(|index| set_aside_by(later, *index).is_none()).collect()
}

fn named(entries: &[EntryIndex]) -> String {
    let shown: Vec<_> = entries.iter().take(MAX_NAMED).map(ToString::to_string).collect();
    if entries.len() > MAX_NAMED { format!("{}, …", shown.join(", ")) } else { shown.join(", ") }
}

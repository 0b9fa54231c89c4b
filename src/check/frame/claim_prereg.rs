//! `claim.prereg`: was what the claim says promised before the first score?

mod deviations;

use std::collections::{BTreeMap, BTreeSet};

use crate::check::arms::escaped;
use crate::check::number::arms;
use crate::check::{Case, Check, Finding, Outcome};
use crate::digest::{Digest, LeafHash};
use crate::merkle::{EntryIndex, TreeHead, TreeSize};
use crate::statement::{Claim, EdgeType, Family, IntervalTarget, Kind, Payload, PlannedContrast, Protocol};
use crate::verify::VerifiedEntry;

pub(in crate::check) const ENTRY: &dyn Check = &ClaimPrereg;
const ID: &str = "claim.prereg";

/// What no ledger can show, said beside every answer.
const UNSEEN: &str = "looks at results that were never recorded cannot be excluded";

struct ClaimPrereg;

impl Check for ClaimPrereg {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Were the arms, the metric, the grid and the rule of the claim written down before the first score was?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        judge(case).note(UNSEEN)
    }
}

/// Whether the claim was promised, without what no ledger can show.
pub(in crate::check) fn judge(case: &Case<'_>) -> Finding {
    let Some(claim) = case.claim else {
        return Finding::new(ID, Outcome::Unknown, "the claim is not disclosed").withheld();
    };
    let Some(plan) = claim.plan.value() else {
        return Finding::new(ID, Outcome::Unknown, "exploratory: the claim cites no protocol")
            .next("ask the lab for the protocol, if one was registered before the first run");
    };
    let Some((index, entry)) = protocol_entry(case, plan) else {
        return Finding::new(
            ID,
            Outcome::Unknown,
            format!("the protocol {plan} that the claim cites is not in the evidence"),
        );
    };
    let Some(protocol) = case.evidence.bodies.get(&index).and_then(|body| body.protocol.as_deref()) else {
        return Finding::new(ID, Outcome::Unknown, format!("the protocol of entry {index} is not disclosed"))
            .at([index])
            .withheld();
    };
    // Results recorded under another protocol are another experiment's.
    let strays: Vec<EntryIndex> =
        case.input_entries().filter(|input| !is_under(case, *input, entry.leaf_hash())).collect();
    if !strays.is_empty() {
        return Finding::new(
            ID,
            Outcome::Fail,
            format!("{} of the claim's logs were recorded under another protocol or none", strays.len()),
        )
        .at(strays);
    }
    let deviations = deviations::of(claim, protocol);
    if !deviations.is_empty() {
        let finding = Finding::new(
            ID,
            Outcome::Fail,
            format!("the claim deviates from its protocol in {} rules", deviations.len()),
        );
        return deviations.into_iter().fold(finding.at([index]), Finding::note);
    }
    if let Some((words, entry)) = other_seed(case, claim, protocol) {
        return Finding::new(ID, Outcome::Fail, words).at([index]).at(entry);
    }
    if let Some(by) = amended(case, index) {
        return Finding::new(
            ID,
            Outcome::Unknown,
            format!("entry {by} amended the protocol of entry {index}, which the claim still cites"),
        )
        .at([index, by]);
    }
    let first = first_score(case, claim, index);
    if let Some(first) = first.filter(|first| *first < index) {
        let what = if amends(entry.payload()).is_some() { "the amendment" } else { "the protocol" };
        return Finding::new(
            ID,
            Outcome::Unknown,
            format!("exploratory: {what} of entry {index} came after the first run at entry {first}"),
        )
        .at([index, first]);
    }
    if case.evidence.census_first > EntryIndex(1) {
        return Finding::new(
            ID,
            Outcome::Unknown,
            format!("the census begins at entry {}: runs before it are not shown", case.evidence.census_first),
        );
    }
    let rivals = unreported(case, index, entry.payload());
    if !rivals.is_empty() {
        let entries: Vec<_> = rivals.iter().map(ToString::to_string).collect();
        return Finding::new(
            ID,
            Outcome::Unknown,
            format!(
                "{} other protocols for the same evaluation stand in the ledger, and the claim cites one",
                rivals.len()
            ),
        )
        .note(format!("entries {}", entries.iter().take(20).cloned().collect::<Vec<_>>().join(", ")))
        .at(rivals);
    }
    if is_of_new_conditions(claim) {
        let reason = "exploratory: the claim is about new conditions, which the promised ones are no sample of";
        return Finding::new(ID, Outcome::Unknown, reason).at([index]);
    }
    let before = first.map_or("the claim".to_owned(), |first| format!("the first run at entry {first}"));
    if let Some((size, seen)) = first.and_then(|first| seen_between(case, index, first)) {
        let reason =
            format!("registered: the protocol of entry {index} stands before {before}, and {seen} saw it there");
        return Finding::new(ID, Outcome::Pass, reason)
            .at([index])
            .note(format!("by a head over the first {size} entries, which your own policy names the witnesses of"));
    }
    Finding::new(
        ID,
        Outcome::Pass,
        format!("registered (self-asserted): the protocol of entry {index} stands before {before}"),
    )
    .at([index])
    .note("by the lab's own ledger; no head between the two that somebody outside saw is shown")
}

/// A seed in the number that its arm was not promised with: four of any number of seeds are not the four.
fn other_seed(case: &Case<'_>, claim: &Claim, protocol: &Protocol) -> Option<(String, Option<EntryIndex>)> {
    let labels: BTreeMap<_, _> = arms(claim).collect();
    let subject = claim.subject.arm.as_str();
    let of_logs = case.inputs.iter().filter_map(|input| {
        let label = input.arm.as_deref().filter(|_| claim.comparator.value().is_some()).unwrap_or(subject);
        Some((label, i128::from(input.seed?), input.entry))
    });
    // Where there is no number, its own checks say why; what the logs say of themselves is here all the same.
    let rates = case.number().into_iter().flat_map(|(_, number)| number.rates());
    let of_samples = rates.flat_map(|(role, _, rate)| {
        let seeds =
            rate.seeds.iter().filter_map(|(seed, of)| Some((i128::from((*seed)?), of.entries.first().copied())));
        let label = labels.get(&role).copied();
        seeds.filter_map(move |(seed, entry)| Some((label?, seed, entry)))
    });
    let (label, seed, entry) = of_logs.chain(of_samples).find(|(label, seed, _)| {
        let planned = protocol.arms.iter().find(|planned| planned.arm == *label);
        planned.is_some_and(|planned| !planned.seeds.iter().any(|planned| i128::from(*planned) == *seed))
    })?;
    let label = escaped(label);
    Some((format!("the claim rests on seed {seed} of {label}, which the protocol does not promise"), entry))
}

/// Whether an interval for new conditions is among what the claim asserts or prints.
fn is_of_new_conditions(claim: &Claim) -> bool {
    let terms = claim.assertion.value().map_or(&[][..], |assertion| assertion.terms.as_slice());
    let printed = claim.contrast.value().and_then(|contrast| contrast.interval.value());
    let mut rules = terms.iter().map(|term| &term.by).chain(printed.map(|interval| &interval.rule));
    rules.any(|rule| rule.target == IntervalTarget::Conditions)
}

/// A head that covers the protocol and not yet the first run, with those outside of the lab who saw it.
fn seen_between(case: &Case<'_>, protocol: EntryIndex, first: EntryIndex) -> Option<(TreeSize, String)> {
    let is_between = |tree: &TreeHead| tree.size.contains(protocol) && !tree.size.contains(first);
    let head = case.evidence.anchors.iter().find(|head| is_between(&head.tree) && !head.witnesses.is_empty())?;
    let names: Vec<String> = head.witnesses.iter().map(|(name, _)| format!("\"{}\"", escaped(name))).collect();
    Some((head.tree.size, names.join(", ")))
}

/// The entry of a digest, if it is a protocol.
fn protocol_entry<'c>(case: &'c Case<'_>, plan: &Digest) -> Option<(EntryIndex, &'c VerifiedEntry)> {
    let is_it =
        |entry: &VerifiedEntry| Digest::from(entry.leaf_hash()) == *plan && entry.payload().kind == Kind::Protocol;
    let entries = case.evidence.entries.iter();
    let mut found = entries.filter(|(_, entry)| is_it(entry));
    found.next().map(|(index, entry)| (*index, entry))
}

fn is_under(case: &Case<'_>, input: EntryIndex, protocol: LeafHash) -> bool {
    case.evidence.entries.get(&input).is_some_and(|entry| entry.payload().protocol == Some(protocol))
}

/// An entry that supersedes the protocol.
fn amended(case: &Case<'_>, protocol: EntryIndex) -> Option<EntryIndex> {
    let amends = |entry: &VerifiedEntry| {
        let mut edges = entry.payload().edges.iter();
        edges.any(|edge| edge.edge_type == EdgeType::Supersedes && edge.log.is_none() && edge.seq == protocol)
    };
    case.evidence.entries.iter().find(|(_, entry)| amends(entry)).map(|(index, _)| *index)
}

/// The first entry that shows that somebody may have seen a score: a log of the same suite, or a log or run under the
/// protocol or one that it amended. Who amends after a look has looked, whatever the suite was called then.
fn first_score(case: &Case<'_>, claim: &Claim, protocol: EntryIndex) -> Option<EntryIndex> {
    let suites: BTreeSet<Digest> = case
        .input_entries()
        .filter_map(|input| case.evidence.entries.get(&input)?.payload().suite)
        .chain(claim.eval.suite.value().copied())
        .collect();
    let history = history(case, protocol);
    let versions = history.iter().filter_map(|index| Some(case.evidence.entries.get(index)?.leaf_hash()));
    let versions: BTreeSet<LeafHash> = versions.collect();
    let is_score = |entry: &VerifiedEntry| {
        let payload = entry.payload();
        let under = payload.protocol.is_some_and(|protocol| versions.contains(&protocol));
        match payload.kind {
            Kind::EvalLog => under || suites.is_empty() || payload.suite.is_none_or(|suite| suites.contains(&suite)),
            Kind::RunStart => under,
            _ => false,
        }
    };
    case.evidence.entries.iter().find(|(_, entry)| is_score(entry)).map(|(index, _)| *index)
}

/// Other protocols for the evaluation of the one that the claim cites.
pub(in crate::check) fn rivals(case: &Case<'_>) -> Vec<EntryIndex> {
    let plan = case.claim.and_then(|claim| claim.plan.value());
    let cited = plan.and_then(|plan| protocol_entry(case, plan));
    cited.map_or_else(Vec::new, |(index, entry)| unreported(case, index, entry.payload()))
}

/// A promised contrast and the family in which it was promised.
pub(in crate::check) struct Planned<'p> {
    /// The contrast.
    pub(in crate::check) contrast: &'p PlannedContrast,
    /// Its family; none where it is the one that decides.
    pub(in crate::check) family: Option<&'p Family>,
}

/// The promised contrast that the claim's is. Of several families that name it, the one with the most tests: a family of its
/// own beside that of all does not free it of the others.
pub(in crate::check) fn planned<'p>(claim: &Claim, protocol: &'p Protocol) -> Option<Planned<'p>> {
    if deviations::is_planned(claim, &protocol.primary) {
        return Some(Planned { contrast: &protocol.primary, family: None });
    }
    let named = protocol.families.iter().filter_map(|family| {
        let contrast = family.contrasts.iter().find(|planned| deviations::is_planned(claim, planned))?;
        Some(Planned { contrast, family: Some(family) })
    });
    // Of as many tests, the first.
    let named: Vec<Planned<'p>> = named.collect();
    named.into_iter().rev().max_by_key(|of| of.family.map_or(0, |family| family.contrasts.len()))
}

/// The cited protocol and all that it amended, back to the first.
fn history(case: &Case<'_>, cited: EntryIndex) -> BTreeSet<EntryIndex> {
    let mut history = BTreeSet::from([cited]);
    let mut at = cited;
    // Edges point back: the walk ends.
    while let Some(before) = case.evidence.entries.get(&at).and_then(|entry| amends(entry.payload())) {
        history.insert(before);
        at = before;
    }
    history
}

/// The protocol that an entry amends.
fn amends(payload: &Payload) -> Option<EntryIndex> {
    let mut edges = payload.edges.iter().filter(|edge| edge.log.is_none());
    edges.find(|edge| edge.edge_type == EdgeType::Supersedes).map(|edge| edge.seq)
}

/// Protocols for the same suite, or for one that is not said, that neither amend the cited one nor are amended by it.
fn unreported(case: &Case<'_>, cited: EntryIndex, payload: &Payload) -> Vec<EntryIndex> {
    let history = history(case, cited);
    let is_rival = |other: &Payload| {
        other.kind == Kind::Protocol
            && (payload.suite.is_none() || other.suite.is_none() || other.suite == payload.suite)
    };
    let entries = case.evidence.entries.iter().filter(|(index, _)| !history.contains(index));
    entries.filter(|(_, entry)| is_rival(entry.payload())).map(|(index, _)| *index).collect()
}

/// The protocol that a claim cites, where it is in the evidence and disclosed.
pub(in crate::check) fn cited<'c>(case: &'c Case<'_>) -> Option<&'c Protocol> {
    let (index, _) = protocol_entry(case, case.claim?.plan.value()?)?;
    case.evidence.bodies.get(&index)?.protocol.as_deref()
}

//! What others' rebuilds come to for a claim: which runs were made again as recorded, by whom, and who says otherwise.
//!
//! It fails closed. A rebuild counts only for the runs that were really run again, in a sandbox, by a party that the reader
//! named and that is not the issuer's; parties that are related count as one. What one party found to be something else is
//! not outweighed by another that found it equal.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::Case;
use crate::check::standing::{Standing, is_void, standing, why_void};
use crate::digest::{Digest, DigestKind, Thumbprint};
use crate::key::{Circle, Parties};
use crate::merkle::EntryIndex;
use crate::statement::{Edge, EdgeType, Judgement, Kind, Rebuild, Rebuilt, RebuiltOutput, RunStatus};
use crate::verify::{Testified, VerifiedEntry, VerifiedEvidence};

/// A run as somebody's rebuild of it came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunAgain {
    /// The entry of its start.
    pub start: EntryIndex,
    /// What the run's stage is called in the open, with arm and seed.
    pub label: String,
    /// What it came to: the worst of the run and what it wrote.
    pub judgement: Judgement,
    /// What it wrote of what the claim rests on, and came out again as recorded.
    pub same: Vec<EntryIndex>,
    /// Of these, what came out bit by bit, or of a log sample by sample: within no tolerance.
    pub exact: Vec<EntryIndex>,
}

/// One rebuild.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    /// Name of the ledger it is signed in.
    pub ledger: String,
    /// Its place there.
    pub entry: EntryIndex,
    /// The key that signed it.
    pub key: Thumbprint,
    /// The entry by which the lab attached it; none where the reader brought it.
    pub attach: Option<EntryIndex>,
    /// The name that the reader gives its party.
    pub party: Option<String>,
    /// Who that is to the issuer.
    pub standing: Standing,
    /// What it came to as a whole, as it says.
    pub judgement: Judgement,
    /// False where nothing kept the commands from copying what was recorded.
    pub sandboxed: bool,
    /// Why it lifts nothing; none where it counts.
    pub why_not: Option<&'static str>,
    /// Runs that were really run again.
    pub runs: Vec<RunAgain>,
    /// Runs that were not.
    pub taken: usize,
    /// True where it was taken back, or its key stolen: then it is nobody's word any more.
    pub is_void: bool,
}

impl Attested {
    /// Who that is, for a sentence.
    pub fn who(&self) -> String {
        match &self.party {
            Some(party) => format!("{party:?}"),
            None => format!("key {}", self.key),
        }
    }

    /// Runs that came out again as recorded.
    pub fn good(&self) -> usize {
        self.runs.iter().filter(|run| !run.same.is_empty()).count()
    }
}

/// All rebuilds of a claim.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rebuilds {
    /// Each, in the order of the evidence.
    pub all: Vec<Attested>,
    /// Of how many parties the reader asks; none where he named none.
    pub required: Option<usize>,
    /// Runs that wrote what the claim rests on.
    pub runs: usize,
    again: BTreeMap<EntryIndex, BTreeMap<Circle, String>>,
    otherwise: BTreeSet<EntryIndex>,
}

impl Rebuilds {
    /// Of verified evidence and a reader's parties.
    pub fn of(evidence: &VerifiedEvidence<'_>, parties: Option<&Parties>) -> Self {
        let mut rebuilds = Self { required: parties.map(Parties::required), ..Self::default() };
        rebuilds.runs = evidence.entries.values().filter(|entry| wrote_of_it(evidence, entry)).count();
        for testified in &evidence.testified {
            let Some(words) = testified.testimony.body.rebuild.as_deref() else { continue };
            let standing = standing(evidence, testified, parties);
            let attested = attested(evidence, testified, words, standing, parties);
            if !attested.is_void {
                let bad = attested.runs.iter().filter(|run| run.judgement == Judgement::Bad);
                rebuilds.otherwise.extend(bad.flat_map(|run| outputs_of(words, run.start)));
            }
            if let (None, Some(party), Some(parties)) = (attested.why_not, standing.party(), parties) {
                for entry in attested.runs.iter().flat_map(|run| &run.same) {
                    let again = rebuilds.again.entry(*entry).or_default();
                    again.entry(parties.circle(party)).or_insert_with(|| parties.name(party).to_owned());
                }
            }
            rebuilds.all.push(attested);
        }
        rebuilds
    }

    /// True where as many parties as the reader asks for made it again, and none of them all got something else.
    pub fn is_again(&self, artifact: EntryIndex) -> bool {
        let found = self.again.get(&artifact).map_or(0, BTreeMap::len);
        self.required.is_some_and(|required| found >= required) && !self.otherwise.contains(&artifact)
    }

    /// Names of the parties that made it again.
    pub fn by(&self, artifact: EntryIndex) -> impl Iterator<Item = &str> {
        self.again.get(&artifact).into_iter().flat_map(|again| again.values().map(String::as_str))
    }

    /// Rebuilds of which a run came out as something else, with the first such run.
    pub fn contradicting(&self) -> impl Iterator<Item = (&Attested, &RunAgain)> {
        let bad = |attested: &&Attested| !attested.is_void;
        self.all
            .iter()
            .filter(bad)
            .filter_map(|attested| Some((attested, attested.runs.iter().find(|run| run.judgement == Judgement::Bad)?)))
    }
}

/// Artifacts behind the claim that somebody made: what was trained on, weights, logs. A base model is what an experiment
/// begins with, unless a run of this ledger wrote it.
pub fn made(evidence: &VerifiedEvidence<'_>) -> impl Iterator<Item = (EntryIndex, Kind)> {
    let written: BTreeSet<EntryIndex> = evidence.entries.values().flat_map(generated).collect();
    let reached = evidence.links.reached.iter();
    let kinds = reached.filter_map(|index| Some((*index, evidence.entries.get(index)?.payload().kind)));
    kinds.filter(move |(index, kind)| match kind {
        Kind::BaseModel => written.contains(index),
        kind => kind.is_training_data() || matches!(kind, Kind::Checkpoint | Kind::EvalLog),
    })
}

/// What a run of this ledger wrote, as its end says.
fn generated(end: &VerifiedEntry) -> impl Iterator<Item = EntryIndex> {
    let edges = end.payload().edges.iter().filter(|edge| edge.edge_type == EdgeType::Generated && edge.log.is_none());
    edges.map(|edge| edge.seq)
}

fn attested(
    evidence: &VerifiedEvidence<'_>,
    testified: &Testified,
    words: &Rebuild,
    standing: Standing,
    parties: Option<&Parties>,
) -> Attested {
    let testimony = &testified.testimony;
    let runs: Vec<RunAgain> = words.stages.iter().filter_map(|stage| run_again(evidence, stage)).collect();
    let of_words = if runs.is_empty() {
        Some("nothing was run again, only added up")
    } else if !words.sandboxed {
        Some("run without a sandbox, so that it could have been copied")
    } else {
        standing.why_not()
    };
    let why_not = why_void(testified).or(of_words);
    Attested {
        ledger: testimony.log_key.name.as_str().to_owned(),
        entry: testimony.index,
        key: testimony.entry.key_id(),
        attach: testified.attach,
        party: standing.party_name(parties),
        standing,
        judgement: words.judgement,
        sandboxed: words.sandboxed,
        why_not,
        runs,
        taken: words.taken.len(),
        is_void: is_void(testimony),
    }
}

/// A run that was run again, where it is a run behind the claim that is shown.
fn run_again(evidence: &VerifiedEvidence<'_>, stage: &Rebuilt) -> Option<RunAgain> {
    let start = EntryIndex(stage.run.start);
    let payload = evidence.entries.get(&start)?.payload();
    let end = evidence.entries.get(&EntryIndex(stage.run.end))?;
    if !wrote_of_it(evidence, end) {
        return None;
    }
    let outputs = || stage.outputs.iter().filter(|output| reaches(evidence, output));
    let judgement = outputs().map(|output| output.judgement).fold(stage.judgement, Judgement::max);
    let same = |output: &&RebuiltOutput| {
        judgement.is_same()
            && is_as_declared(evidence, EntryIndex(stage.run.end), output)
            && !is_handed_on(evidence, start, EntryIndex(output.entry))
    };
    let arm = payload.arm.as_ref().map(|arm| format!(" {arm}")).unwrap_or_default();
    let seed = payload.seed.map(|seed| format!(" seed {seed}")).unwrap_or_default();
    let label = format!("{}{arm}{seed}", payload.stage.as_deref().unwrap_or_default());
    let is_exact = |output: &&RebuiltOutput| {
        output.judgement == Judgement::Good && matches!(output.equality.as_str(), "bits" | "samples")
    };
    let same: Vec<&RebuiltOutput> = outputs().filter(same).collect();
    Some(RunAgain {
        start,
        label,
        judgement,
        same: same.iter().map(|output| EntryIndex(output.entry)).collect(),
        exact: same.into_iter().filter(is_exact).map(|output| EntryIndex(output.entry)).collect(),
    })
}

fn reaches(evidence: &VerifiedEvidence<'_>, output: &RebuiltOutput) -> bool {
    evidence.links.reached.contains(&EntryIndex(output.entry))
}

fn outputs_of(words: &Rebuild, start: EntryIndex) -> impl Iterator<Item = EntryIndex> {
    let stages = words.stages.iter().filter(move |stage| stage.run.start == start.0);
    stages.flat_map(|stage| stage.outputs.iter().map(|output| EntryIndex(output.entry)))
}

/// True for the end of a run that ended well and wrote something that the claim rests on.
fn wrote_of_it(evidence: &VerifiedEvidence<'_>, end: &VerifiedEntry) -> bool {
    let payload = end.payload();
    let is_well = payload.outcome.is_some_and(|outcome| outcome.status == RunStatus::Completed);
    let start = payload.edges.iter().find(|edge| edge.edge_type == EdgeType::Ends && edge.log.is_none());
    let reached = |index: &EntryIndex| evidence.links.reached.contains(index);
    let wrote = |edge: &Edge| edge.edge_type == EdgeType::Generated && edge.log.is_none() && reached(&edge.seq);
    // What was recorded later names the run, and so the claim reaches its start.
    payload.kind == Kind::RunEnd
        && is_well
        && (payload.edges.iter().any(wrote) || start.is_some_and(|edge| reached(&edge.seq)))
}

/// What is only inside a tolerance must have had that tolerance before it was run; where that is shown, it is looked at.
fn is_as_declared(evidence: &VerifiedEvidence<'_>, end: EntryIndex, output: &RebuiltOutput) -> bool {
    let Some(run) = evidence.bodies.get(&end).and_then(|body| body.run.as_ref()) else { return true };
    let name = evidence.bodies.get(&EntryIndex(output.entry)).and_then(|body| body.name.as_deref());
    let declared = run.rerun.as_ref().and_then(|rerun| rerun.equality_of(name.unwrap_or_default()));
    declared.unwrap_or("bits") == output.equality
}

/// A run that hands on the very bytes that it was given made nothing: its output would come out again whoever made it.
fn is_handed_on(evidence: &VerifiedEvidence<'_>, start: EntryIndex, output: EntryIndex) -> bool {
    let digests = |index: EntryIndex| -> BTreeSet<Digest> {
        let subjects = evidence.entries.get(&index).map(|entry| entry.payload().subjects.as_slice());
        let measures = subjects.unwrap_or_default().iter().flat_map(|subject| &subject.0);
        let bytes = measures.filter(|(kind, _)| matches!(kind, DigestKind::File | DigestKind::Tree));
        bytes.flat_map(|(_, measure)| measure.digests.iter().copied()).collect()
    };
    let made = digests(output);
    let edges = evidence.entries.get(&start).map(|entry| entry.payload().edges.as_slice()).unwrap_or_default();
    let used = edges.iter().filter(|edge| edge.edge_type == EdgeType::Used && edge.log.is_none());
    used.flat_map(|edge| digests(edge.seq).into_iter().chain([edge.digest])).any(|digest| made.contains(&digest))
}

impl Case<'_> {
    /// What others made again of what the claim rests on, looked at once however many ask.
    pub fn rebuilds(&self) -> &Rebuilds {
        self.rebuilds.get_or_init(|| Rebuilds::of(self.evidence, self.parties))
    }
}

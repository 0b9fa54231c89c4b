//! The stages of a recorded experiment in an order in which they can be made again, and what each needs.
//!
//! A stage is a run that ended well and wrote something. Links point to earlier entries, so the order in which runs began
//! is one in which every input stands before what reads it. How a run was started is in its body, which may be withheld:
//! then its outputs can only be taken as they are.

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::manifest::{Manifest, ManifestView};
use crate::artifact::tree::{TreeLeaf, parse_tree};
use crate::digest::{Digest, DigestKind};
use crate::merkle::EntryIndex;
use crate::rebuild::place::{Place, PlaceError};
use crate::statement::{Body, EdgeType, Kind, Payload, Rerun, RunStatus, Subject};
use crate::verify::VerifiedEvidence;

/// Entries and what is shown of them.
#[derive(Debug, Default)]
pub struct Entries<'a> {
    /// By index.
    pub payloads: BTreeMap<EntryIndex, &'a Payload>,
    /// Bodies that are at hand.
    pub bodies: BTreeMap<EntryIndex, &'a Body>,
    /// What folders held, by their digest, where that is at hand.
    pub trees: BTreeMap<Digest, Vec<TreeLeaf>>,
    /// What the claim rests on; everything where there is none.
    pub reached: Option<BTreeSet<EntryIndex>>,
}

impl<'a> Entries<'a> {
    /// Those of verified evidence.
    pub fn of(evidence: &'a VerifiedEvidence<'_>) -> Self {
        Self {
            payloads: evidence.entries.iter().map(|(index, entry)| (*index, entry.payload())).collect(),
            bodies: evidence.bodies.iter().map(|(index, body)| (*index, body)).collect(),
            trees: evidence.manifests.values().filter_map(tree).collect(),
            reached: Some(evidence.links.reached.clone()),
        }
    }

    fn edges(&self, index: EntryIndex, edge_type: EdgeType) -> impl Iterator<Item = EntryIndex> {
        let edges = self.payloads.get(&index).map(|payload| payload.edges.as_slice()).unwrap_or_default();
        edges.iter().filter(move |edge| edge.log.is_none() && edge.edge_type == edge_type).map(|edge| edge.seq)
    }
}

/// An artifact that a stage reads or writes.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its entry.
    pub entry: EntryIndex,
    /// What it is.
    pub kind: Kind,
    /// Its name, where that is shown.
    pub name: Option<String>,
    /// Its digests.
    pub subject: Subject,
    /// Where it stood as its recorder says.
    pub paths: Vec<String>,
    /// What it held, of a folder whose list is at hand; empty otherwise.
    pub leaves: Vec<TreeLeaf>,
    /// The stage that wrote it, by its number in the plan.
    pub made_by: Option<usize>,
}

impl Item {
    /// What to call it.
    pub fn label(&self) -> String {
        match &self.name {
            Some(name) => format!("{} `{name}`", self.kind),
            None => format!("{} of entry {}", self.kind, self.entry),
        }
    }

    /// Its place in the working folder of a command that ran in `directory`.
    pub fn place(&self, directory: &str) -> Result<Place, PlaceError> {
        Place::of_all(&self.paths, directory)
    }

    /// True where bytes can be held to it.
    pub fn has_bytes(&self) -> bool {
        [DigestKind::File, DigestKind::Tree].iter().any(|kind| self.subject.0.contains_key(kind))
    }
}

/// How a stage is made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Class {
    /// Its command is run.
    Command(Box<Recipe>),
    /// It cannot be: what it wrote is taken as recorded.
    Frontier(Frontier),
}

/// A recorded command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// The command and its arguments; from outside.
    pub argv: Vec<String>,
    /// The directory it ran in.
    pub directory: String,
    /// What it needs.
    pub rerun: Rerun,
}

impl Recipe {
    /// True where the command is a pure function of this very program: then no other program is needed.
    pub fn is_pure(&self) -> bool {
        let words: Vec<&str> = self.argv.iter().map(String::as_str).collect();
        matches!(words.as_slice(), [program, "rebuild", "--pure", ..]
            if program.rsplit('/').next() == Some(env!("CARGO_PKG_NAME")))
    }
}

/// Why a stage cannot be run again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frontier {
    /// Why.
    pub reason: String,
    /// True where the recorder declared it before the command ran: then nothing is missing that could be there.
    pub is_declared: bool,
}

/// A run that wrote something.
#[derive(Debug, Clone)]
pub struct Stage {
    /// The entry of its start.
    pub start: EntryIndex,
    /// The entry of its end.
    pub end: EntryIndex,
    /// Its name with its arm and seed: `train msm-a seed 3`.
    pub label: String,
    /// Its name alone.
    pub name: String,
    /// How it is made again.
    pub class: Class,
    /// What it read.
    pub inputs: Vec<EntryIndex>,
    /// What it wrote.
    pub outputs: Vec<EntryIndex>,
}

impl Stage {
    /// True where that is what the reader calls it: its name, its name with arm and seed, or the number of its start.
    pub fn is_called(&self, text: &str) -> bool {
        text == self.name || text == self.label || text.strip_prefix('#').unwrap_or(text) == self.start.to_string()
    }
}

/// Stages in order, and the artifacts between them.
#[derive(Debug, Default)]
pub struct Plan {
    /// In an order in which they can be made.
    pub stages: Vec<Stage>,
    /// Everything that they read or write.
    pub items: BTreeMap<EntryIndex, Item>,
}

impl Plan {
    /// The plan of recorded entries.
    pub fn of(entries: &Entries<'_>) -> Self {
        let mut wrote: BTreeMap<EntryIndex, BTreeSet<EntryIndex>> = BTreeMap::new();
        let mut ends: BTreeMap<EntryIndex, EntryIndex> = BTreeMap::new();
        for (index, payload) in &entries.payloads {
            match payload.kind {
                Kind::RunEnd if payload.outcome.is_some_and(|outcome| outcome.status == RunStatus::Completed) => {
                    let Some(start) = entries.edges(*index, EdgeType::Ends).next() else { continue };
                    wrote.entry(start).or_default().extend(entries.edges(*index, EdgeType::Generated));
                    ends.insert(start, *index);
                }
                kind if kind.is_artifact() => {
                    for run in entries.edges(*index, EdgeType::ProducedBy) {
                        // Whoever recorded it later names the run by either end of it.
                        let start = match entries.payloads.get(&run).map(|run| run.kind) {
                            Some(Kind::RunStart) => Some(run),
                            Some(Kind::RunEnd) => entries.edges(run, EdgeType::Ends).next(),
                            _ => None,
                        };
                        if let Some(start) = start {
                            wrote.entry(start).or_default().insert(*index);
                        }
                    }
                }
                _ => {}
            }
        }
        let mut plan = Self::default();
        for (start, outputs) in wrote {
            let is_reached = |index: &EntryIndex| entries.reached.as_ref().is_none_or(|all| all.contains(index));
            let is_here = |index: &EntryIndex| entries.payloads.get(index).is_some_and(|p| p.kind.is_artifact());
            let outputs: Vec<_> = outputs.into_iter().filter(|index| is_reached(index) && is_here(index)).collect();
            // A run without an end, or one that failed, made nothing that counts.
            let Some(end) = ends.get(&start).copied().filter(|_| !outputs.is_empty()) else { continue };
            let inputs: Vec<_> = entries.edges(start, EdgeType::Used).filter(is_here).collect();
            plan.add(entries, start, end, inputs, outputs);
        }
        plan
    }

    fn add(
        &mut self,
        entries: &Entries<'_>,
        start: EntryIndex,
        end: EntryIndex,
        inputs: Vec<EntryIndex>,
        outputs: Vec<EntryIndex>,
    ) {
        let payload = entries.payloads[&end];
        let number = self.stages.len();
        for index in inputs.iter().chain(&outputs) {
            self.items.entry(*index).or_insert_with(|| item(entries, *index));
        }
        for index in &outputs {
            self.items.entry(*index).and_modify(|item| item.made_by = Some(number));
        }
        let (name, label) = (payload.stage.clone().unwrap_or_default(), label_of(payload));
        let class = self.class(entries, start, end, &inputs, &outputs);
        self.stages.push(Stage { start, end, label, name, class, inputs, outputs });
    }

    fn class(
        &self,
        entries: &Entries<'_>,
        start: EntryIndex,
        end: EntryIndex,
        inputs: &[EntryIndex],
        outputs: &[EntryIndex],
    ) -> Class {
        let frontier = |reason: String| Class::Frontier(Frontier { reason, is_declared: false });
        if !entries.payloads.contains_key(&start) {
            return frontier(format!("entry {start}, where it began, is not shown"));
        }
        let Some(run) = entries.bodies.get(&end).and_then(|body| body.run.as_ref()) else {
            return frontier(format!("its command, in the body of entry {end}, is not shown"));
        };
        if let Some(reason) = run.rerun.as_ref().and_then(|rerun| rerun.frontier.clone()) {
            return Class::Frontier(Frontier { reason, is_declared: true });
        }
        if run.argv.first().is_none_or(String::is_empty) {
            return frontier("its command is empty".to_owned());
        }
        for index in inputs.iter().chain(outputs) {
            let item = &self.items[index];
            if let Err(error) = item.place(&run.directory) {
                return frontier(format!("{} cannot be placed: {error}", item.label()));
            }
            if inputs.contains(index) && !item.has_bytes() {
                return frontier(format!("{} is recorded without a digest of its bytes", item.label()));
            }
        }
        let rerun = run.rerun.as_deref().cloned().unwrap_or_default();
        Class::Command(Box::new(Recipe { argv: run.argv.clone(), directory: run.directory.clone(), rerun }))
    }
}

/// What a stage is called with its arm and seed.
pub fn label_of(run: &Payload) -> String {
    let name = run.stage.clone().unwrap_or_default();
    let arm = run.arm.as_ref().map(|arm| format!(" {arm}")).unwrap_or_default();
    let seed = run.seed.map(|seed| format!(" seed {seed}")).unwrap_or_default();
    format!("{name}{arm}{seed}")
}

fn item(entries: &Entries<'_>, index: EntryIndex) -> Item {
    let (payload, body) = (entries.payloads[&index], entries.bodies.get(&index));
    // An artifact of several subjects has no one place on disk.
    let subject = match payload.subjects.as_slice() {
        [subject] => subject.clone(),
        _ => Subject::default(),
    };
    let leaves = subject.digest(DigestKind::Tree).and_then(|root| entries.trees.get(&root)).cloned();
    Item {
        entry: index,
        kind: payload.kind,
        name: body.and_then(|body| body.name.clone()),
        subject,
        paths: body.map(|body| body.paths.clone()).unwrap_or_default(),
        leaves: leaves.unwrap_or_default(),
        made_by: None,
    }
}

/// The digest of a folder and what it held; none of what is no list of a folder.
pub fn tree(manifest: &ManifestView<'_>) -> Option<(Digest, Vec<TreeLeaf>)> {
    if manifest.header.kind != DigestKind::Tree {
        return None;
    }
    let items = manifest.items().map(<[u8]>::to_vec).collect();
    let whole = Manifest { header: manifest.header.clone(), items };
    Some((whole.root().ok()?.into(), parse_tree(&whole).ok()?))
}

#[cfg(test)]
mod tests {
    use crate::digest::{Digest, FileDigest};
    use crate::statement::{Edge, Outcome, RunBody};

    use super::*;

    fn digest(text: &str) -> Digest {
        FileDigest::of(text.as_bytes()).into()
    }

    fn entry(kind: Kind, seq: u64, edges: &[(EdgeType, u64)]) -> Payload {
        let mut payload = Payload::new(kind, None, EntryIndex(seq), EntryIndex(0));
        payload.edges = edges
            .iter()
            .map(|(edge_type, seq)| {
                let kind = DigestKind::File;
                Edge { edge_type: *edge_type, log: None, seq: EntryIndex(*seq), kind, digest: digest("any") }
            })
            .collect();
        if kind.is_artifact() {
            payload.subjects = vec![Subject::file(FileDigest::of(&seq.to_be_bytes()), 8)];
        } else {
            payload.stage = Some(format!("stage {seq}"));
        }
        if kind == Kind::RunEnd {
            payload.outcome = Some(Outcome { status: RunStatus::Completed, code: 0 });
        }
        payload
    }

    fn path(path: &str) -> Body {
        Body { paths: vec![path.to_owned()], ..Body::default() }
    }

    fn command(rerun: Option<Rerun>) -> Body {
        let run = RunBody {
            argv: vec!["make".to_owned()],
            directory: "/lab".to_owned(),
            environment: digest(""),
            started_ms: 0,
            ended_ms: Some(1),
            git: None,
            rerun: rerun.map(Box::new),
        };
        Body { run: Some(run), ..Body::default() }
    }

    /// A source, a run that reads it and writes an artifact, and a run that reads that and writes another.
    fn study() -> (Vec<Payload>, BTreeMap<EntryIndex, Body>) {
        let entries = vec![
            entry(Kind::Dataset, 1, &[]),
            entry(Kind::RunStart, 2, &[(EdgeType::Used, 1)]),
            entry(Kind::Dataset, 3, &[(EdgeType::DerivedFrom, 1)]),
            entry(Kind::RunEnd, 4, &[(EdgeType::Generated, 3), (EdgeType::Ends, 2)]),
            entry(Kind::RunStart, 5, &[(EdgeType::Used, 3)]),
            entry(Kind::Other, 6, &[(EdgeType::DerivedFrom, 3)]),
            entry(Kind::RunEnd, 7, &[(EdgeType::Generated, 6), (EdgeType::Ends, 5)]),
        ];
        let bodies = [(1, path("a")), (3, path("b")), (6, path("/lab/c")), (4, command(None)), (7, command(None))];
        (entries, bodies.into_iter().map(|(index, body)| (EntryIndex(index), body)).collect())
    }

    fn plan(study: &(Vec<Payload>, BTreeMap<EntryIndex, Body>), reached: Option<&[u64]>) -> Plan {
        Plan::of(&Entries {
            payloads: study.0.iter().map(|payload| (payload.seq, payload)).collect(),
            bodies: study.1.iter().map(|(index, body)| (*index, body)).collect(),
            trees: BTreeMap::new(),
            reached: reached.map(|all| all.iter().map(|index| EntryIndex(*index)).collect()),
        })
    }

    fn reason(plan: &Plan, stage: usize) -> &str {
        match &plan.stages[stage].class {
            Class::Frontier(frontier) => &frontier.reason,
            Class::Command(_) => "a command",
        }
    }

    #[test]
    fn every_run_that_wrote_something_is_a_stage_after_what_it_reads() {
        let plan = plan(&study(), None);
        let starts: Vec<_> = plan.stages.iter().map(|stage| stage.start.0).collect();
        assert_eq!(starts, [2, 5]);
        assert!(plan.stages.iter().all(|stage| matches!(stage.class, Class::Command(_))));
        assert_eq!(plan.items[&EntryIndex(3)].made_by, Some(0));
        assert_eq!(plan.items[&EntryIndex(1)].made_by, None);
        assert!(
            plan.stages[0].is_called("#2") && plan.stages[0].is_called("stage 4") && !plan.stages[0].is_called("4")
        );
    }

    #[test]
    fn what_the_claim_does_not_rest_on_and_what_failed_is_not_made_again() {
        let mut study = study();
        assert_eq!(plan(&study, Some(&[1, 3])).stages.len(), 1);
        study.0[3].outcome = Some(Outcome { status: RunStatus::Failed, code: 1 });
        assert_eq!(plan(&study, None).stages.len(), 1);
        study.0.remove(6);
        assert!(plan(&study, None).stages.is_empty());
    }

    #[test]
    fn what_cannot_be_run_again_says_why() {
        let mut study = study();
        let frontier = Rerun { frontier: Some("sampled from an API".to_owned()), ..Rerun::default() };
        study.1.insert(EntryIndex(7), command(Some(frontier)));
        let declared = plan(&study, None);
        assert_eq!(reason(&declared, 1), "sampled from an API");
        assert!(matches!(&declared.stages[1].class, Class::Frontier(frontier) if frontier.is_declared));
        study.1.remove(&EntryIndex(7));
        assert_eq!(reason(&plan(&study, None), 1), "its command, in the body of entry 7, is not shown");
        study.1.insert(EntryIndex(3), path("../b"));
        let outside = plan(&study, None);
        assert!(reason(&outside, 0).ends_with("its path `../b` lies outside of the folder the command ran in"));
        study.0[0].subjects = Vec::new();
        study.1.insert(EntryIndex(3), path("b"));
        assert!(reason(&plan(&study, None), 0).ends_with("is recorded without a digest of its bytes"));
        study.0.remove(1);
        assert_eq!(reason(&plan(&study, None), 0), "entry 2, where it began, is not shown");
    }

    #[test]
    fn an_artifact_that_was_recorded_later_belongs_to_the_run_it_names() {
        let mut study = study();
        study.0.push(entry(Kind::Other, 8, &[(EdgeType::ProducedBy, 5)]));
        study.0.push(entry(Kind::Other, 9, &[(EdgeType::ProducedBy, 7)]));
        study.0.push(entry(Kind::Other, 10, &[(EdgeType::ProducedBy, 1)]));
        study.1.insert(EntryIndex(8), path("d"));
        study.1.insert(EntryIndex(9), path("e"));
        assert_eq!(plan(&study, None).stages[1].outputs, [EntryIndex(6), EntryIndex(8), EntryIndex(9)]);
    }
}

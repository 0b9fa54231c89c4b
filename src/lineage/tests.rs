//! Ledgers made up for the purpose, and what the graph says of them.

mod arms;
mod attacks;
mod graph;
mod origin;
mod recipes;
mod sides;

use crate::digest::{Digest, DigestKind, FileDigest, LeafHash, LedgerId};
use crate::lineage::{Arm, Graph};
use crate::merkle::EntryIndex;
use crate::statement::{Edge, EdgeType, Kind, Payload, Subject};

/// Entries by index; entry 0 is left out, as nothing links to it.
#[derive(Clone, Default)]
pub(super) struct Book {
    pub(super) entries: Vec<Payload>,
}

pub(super) fn leaf(index: EntryIndex) -> LeafHash {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&index.0.to_be_bytes());
    LeafHash::from_bytes(bytes)
}

pub(super) fn digest(content: &str) -> Digest {
    FileDigest::of(content.as_bytes()).into()
}

impl Book {
    fn next(&self) -> EntryIndex {
        EntryIndex(self.entries.len() as u64 + 1)
    }

    fn payload(&self, kind: Kind) -> Payload {
        Payload::new(kind, Some(LedgerId::from_bytes([1; 32])), self.next(), EntryIndex(0))
    }

    pub(super) fn at(&mut self, index: EntryIndex) -> &mut Payload {
        let at = usize::try_from(index.0).unwrap() - 1;
        &mut self.entries[at]
    }

    pub(super) fn edge(&self, edge_type: EdgeType, target: EntryIndex) -> Edge {
        let payload = &self.entries[usize::try_from(target.0).unwrap() - 1];
        let principal = payload.subjects.first().and_then(|subject| subject.principal());
        let (kind, digest) =
            principal.map_or((DigestKind::Entry, leaf(target).into()), |(kind, measure)| (kind, measure.digests[0]));
        Edge { edge_type, log: None, seq: target, kind, digest }
    }

    /// An artifact with this content, made from others.
    pub(super) fn add(&mut self, kind: Kind, content: &str, from: &[EntryIndex]) -> EntryIndex {
        let mut payload = self.payload(kind);
        payload.subjects.push(Subject::file(FileDigest::of(content.as_bytes()), content.len() as u64));
        for parent in from {
            let parent_kind = self.entries[usize::try_from(parent.0).unwrap() - 1].kind;
            payload.edges.push(self.edge(EdgeType::between(kind, parent_kind), *parent));
        }
        payload.edges.sort();
        self.entries.push(payload);
        self.next_before()
    }

    fn next_before(&self) -> EntryIndex {
        EntryIndex(self.entries.len() as u64)
    }

    /// The same, labelled.
    pub(super) fn add_of(
        &mut self,
        arm: &str,
        seed: u64,
        kind: Kind,
        content: &str,
        from: &[EntryIndex],
    ) -> EntryIndex {
        let index = self.add(kind, content, from);
        let payload = self.at(index);
        (payload.arm, payload.seed) = (Some(arm.to_owned()), Some(seed));
        index
    }

    /// A run that begins.
    pub(super) fn start(&mut self, stage: &str, used: &[EntryIndex]) -> EntryIndex {
        let mut payload = self.payload(Kind::RunStart);
        payload.stage = Some(stage.to_owned());
        payload.attempt = Some(1);
        payload.edges = used.iter().map(|target| self.edge(EdgeType::Used, *target)).collect();
        payload.edges.sort();
        self.entries.push(payload);
        self.next_before()
    }

    /// Its end.
    pub(super) fn end(&mut self, start: EntryIndex, generated: &[EntryIndex]) -> EntryIndex {
        let mut payload = self.payload(Kind::RunEnd);
        payload.stage.clone_from(&self.at(start).stage);
        payload.edges = generated.iter().map(|target| self.edge(EdgeType::Generated, *target)).collect();
        payload.edges.push(self.edge(EdgeType::Ends, start));
        payload.edges.sort();
        self.entries.push(payload);
        self.next_before()
    }

    pub(super) fn graph(&self) -> Graph<'_> {
        Graph::new(self.entries.iter().map(|payload| (payload.seq, leaf(payload.seq), payload)))
    }

    /// The same without some entries.
    pub(super) fn graph_without(&self, missing: &[EntryIndex]) -> Graph<'_> {
        let here = self.entries.iter().filter(|payload| !missing.contains(&payload.seq));
        Graph::new(here.map(|payload| (payload.seq, leaf(payload.seq), payload)))
    }
}

/// The experiment of the field: a spec, documents, alignment and instruction data; per seed one midtrained and aligned model,
/// and one that was only aligned.
#[derive(Clone)]
pub(super) struct Experiment {
    pub(super) book: Book,
    pub(super) spec: EntryIndex,
    pub(super) documents: EntryIndex,
    pub(super) corpus: EntryIndex,
    pub(super) alignment: EntryIndex,
    pub(super) mix: EntryIndex,
    pub(super) base: EntryIndex,
    pub(super) midtrained: Vec<EntryIndex>,
    pub(super) treated: Vec<EntryIndex>,
    pub(super) treated_logs: Vec<EntryIndex>,
    pub(super) plain: Vec<EntryIndex>,
    pub(super) plain_logs: Vec<EntryIndex>,
}

pub(super) fn experiment(seeds: u64) -> Experiment {
    let mut book = Book::default();
    let spec = book.add(Kind::Spec, "spec", &[]);
    let rendering = book.add(Kind::SpecRendering, "rendering", &[spec]);
    let prompt = book.add(Kind::PromptTemplate, "prompt", &[]);
    let documents = book.add(Kind::Documents, "documents", &[rendering, prompt]);
    let corpus = book.add(Kind::Dataset, "corpus", &[documents]);
    let alignment = book.add(Kind::Dataset, "alignment", &[rendering]);
    let instruction = book.add(Kind::Dataset, "instruction", &[]);
    let mix = book.add(Kind::Mix, "mix", &[alignment, instruction]);
    let base = book.add(Kind::BaseModel, "base", &[]);
    let suite = book.add(Kind::EvalSuite, "suite", &[]);
    let (mut midtrained, mut treated, mut treated_logs) = (Vec::new(), Vec::new(), Vec::new());
    let (mut plain, mut plain_logs) = (Vec::new(), Vec::new());
    for seed in 0..seeds {
        let config = book.add(Kind::Config, &format!("config {seed}"), &[]);
        let name = format!("midtrained {seed}");
        let weights = book.add_of("msm", seed, Kind::Checkpoint, &name, &[corpus, base, config]);
        midtrained.push(weights);
        let next = book.add_of("msm", seed, Kind::Checkpoint, &format!("treated {seed}"), &[mix, weights]);
        treated.push(next);
        treated_logs.push(book.add_of("msm", seed, Kind::EvalLog, &format!("log {seed}"), &[next, suite]));
        let other = book.add_of("aft", seed, Kind::Checkpoint, &format!("plain {seed}"), &[mix, base]);
        plain.push(other);
        plain_logs.push(book.add_of("aft", seed, Kind::EvalLog, &format!("plain log {seed}"), &[other, suite]));
    }
    Experiment {
        book,
        spec,
        documents,
        corpus,
        alignment,
        mix,
        base,
        midtrained,
        treated,
        treated_logs,
        plain,
        plain_logs,
    }
}

pub(super) fn arm<'g>(graph: &'g Graph<'g>, logs: &[EntryIndex]) -> Arm<'g> {
    Arm::of(graph, logs.iter().copied()).unwrap()
}

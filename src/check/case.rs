//! What the checks look at: verified evidence, the claim in it, and its inputs as far as they are disclosed.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use crate::artifact::samples::Samples;
use crate::check::material::Material;
use crate::check::statistic::drawing::Drawing;
use crate::check::{Number, NumberProblem, Observed, Rebuilds};
use crate::digest::{Algorithm, Digest, DigestKind, ManifestRoot};
use crate::key::Parties;
use crate::lineage::{Arm, Graph};
use crate::merkle::EntryIndex;
use crate::statement::{Claim, EdgeType};
use crate::stats::Nonce;
use crate::verify::{VerifiedEntry, VerifiedEvidence};

/// Why an input cannot be computed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputProblem {
    /// No entry that the claim links to carries the digest.
    NotLinked,
    /// Its sample manifest is not in the evidence.
    NotShown,
    /// Its sample manifest is not one that this version reads.
    Unreadable(String),
}

/// One input of a claim: the samples of one evaluation log.
#[derive(Debug, Clone)]
pub struct Input<'a> {
    /// The digest as the claim names it.
    pub digest: Digest,
    /// The log's entry, where there is one.
    pub entry: Option<EntryIndex>,
    /// The arm that its entry says in the open.
    pub arm: Option<String>,
    /// The training seed that its entry says in the open.
    pub seed: Option<u64>,
    /// What the log says, sample by sample.
    pub content: Result<Samples<'a>, InputProblem>,
}

/// What evidence is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A claim and its number.
    Claim,
    /// Opened items of one artifact.
    Items,
}

/// The reader's clock, and what it is held against: times that witnesses of the reader's own gave, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age {
    /// Now, as the reader says.
    pub at: u64,
    /// How long ago the head may have been seen.
    pub most: Option<u64>,
    /// How long nobody may have looked between two heads that were seen.
    pub gap: Option<u64>,
}

/// Everything the checks look at.
#[derive(Debug)]
pub struct Case<'a> {
    /// Consistent, signed, in place.
    pub evidence: &'a VerifiedEvidence<'a>,
    /// The claim, where its body is disclosed.
    pub claim: Option<&'a Claim>,
    /// Its inputs, in the claim's order.
    pub inputs: Vec<Input<'a>>,
    /// What a look at the artifacts gave, where somebody looked.
    pub observed: Option<&'a Observed>,
    /// How old what somebody outside saw may be, where the reader says it.
    pub age: Option<Age>,
    drawing: Drawing,
    /// The reader's parties, where he named any.
    pub parties: Option<&'a Parties>,
    pub(super) rebuilds: OnceCell<Rebuilds>,
    number: OnceCell<Result<Number, NumberProblem>>,
    graph: OnceCell<Graph<'a>>,
    material: OnceCell<Result<Material, String>>,
}

impl<'a> Case<'a> {
    /// Gathers what the checks need.
    pub fn new(evidence: &'a VerifiedEvidence<'a>, observed: Option<&'a Observed>) -> Self {
        let claim = evidence.bodies.get(&evidence.claim).and_then(|body| body.claim.as_deref());
        let mut seen = BTreeSet::new();
        // Ten thousand names of one log are one log, and not to be read ten thousand times.
        let inputs = claim.map(|claim| {
            let once = |digest: &Digest| if seen.insert(*digest) { input(evidence, *digest) } else { again(*digest) };
            claim.inputs.iter().map(once).collect()
        });
        Self::of_parts(evidence, claim, inputs.unwrap_or_default(), observed)
    }

    pub(super) fn of_parts(
        evidence: &'a VerifiedEvidence<'a>,
        claim: Option<&'a Claim>,
        inputs: Vec<Input<'a>>,
        observed: Option<&'a Observed>,
    ) -> Self {
        let (drawing, number, graph, material, rebuilds) = Default::default();
        Self { evidence, claim, inputs, observed, age: None, drawing, parties: None, rebuilds, number, graph, material }
    }

    /// With numbers that the lab could not choose, for what is drawn; without them nothing is.
    #[must_use]
    pub fn drawing_from(mut self, nonce: Option<Nonce>) -> Self {
        self.drawing = Drawing::from(nonce);
        self
    }

    /// With the reader's own clock and how old things may be by it; without it no age is judged.
    #[must_use]
    pub fn aged_by(mut self, age: Option<Age>) -> Self {
        self.age = age;
        self
    }

    /// The same for a reader who says who is who.
    #[must_use]
    pub fn with_parties(self, parties: Option<&'a Parties>) -> Self {
        Self { parties, ..self }
    }

    /// What is drawn in this verification.
    pub(super) fn drawing(&self) -> &Drawing {
        &self.drawing
    }

    /// The claim and its number, computed once however many checks ask.
    pub fn number(&self) -> Result<(&'a Claim, &Number), &NumberProblem> {
        let number = self.number.get_or_init(|| Number::of_case(self)).as_ref()?;
        Ok((self.claim.ok_or(&NumberProblem::NoClaim)?, number))
    }

    /// What came from what, made once however many checks ask.
    pub fn graph(&self) -> &Graph<'a> {
        self.graph.get_or_init(|| Graph::of(self.evidence))
    }

    /// What went into the claim's arms, or why that cannot be said.
    pub(super) fn material(&self) -> Result<&Material, &str> {
        self.material.get_or_init(|| Material::of(self)).as_ref().map_err(String::as_str)
    }

    /// The claim's arms in its order: label, what it is called, and what its logs' weights were made from.
    ///
    /// An input belongs to the arm that its entry says; to a claim of one arm belong all.
    pub(super) fn arms(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>, Result<Arm<'_>, String>)> {
        let claim = self.claim;
        let others = claim.and_then(|claim| claim.contrast.value()).map_or(&[][..], |of| of.others.as_slice());
        let all = claim.into_iter().flat_map(|claim| std::iter::once(&claim.subject).chain(claim.comparator.value()));
        let all = all.chain(others.iter().map(|other| &other.arm));
        let compares = claim.is_some_and(|claim| claim.comparator.value().is_some());
        all.map(move |arm| {
            let label = arm.arm.as_str();
            let of_arm = |input: &&Input<'_>| !compares || input.arm.as_deref() == Some(label);
            let logs = self.inputs.iter().filter(of_arm).filter_map(|input| input.entry);
            let found = Arm::of(self.graph(), logs).map_err(|error| error.to_string());
            (label, arm.kind.value().map(String::as_str), found)
        })
    }

    /// What the evidence is about.
    pub fn target(&self) -> Target {
        if self.evidence.items.is_empty() { Target::Claim } else { Target::Items }
    }

    /// Entries of the inputs.
    pub fn input_entries(&self) -> impl Iterator<Item = EntryIndex> {
        self.inputs.iter().filter_map(|input| input.entry)
    }
}

/// An input that the claim named before: no number is made of it.
fn again<'a>(digest: Digest) -> Input<'a> {
    let content = Err(InputProblem::Unreadable("the claim names it twice".to_owned()));
    Input { digest, entry: None, arm: None, seed: None, content }
}

fn input<'a>(evidence: &VerifiedEvidence<'a>, digest: Digest) -> Input<'a> {
    let edges = evidence.entries.get(&evidence.claim).map(|entry| entry.payload().edges.as_slice()).unwrap_or_default();
    let entry = edges
        .iter()
        .find(|edge| edge.edge_type == EdgeType::Supports && edge.kind == DigestKind::Samples && edge.digest == digest)
        .map(|edge| edge.seq)
        .filter(|index| evidence.entries.contains_key(index));
    let content = if entry.is_none() || digest.algorithm != Algorithm::Blake3 {
        Err(InputProblem::NotLinked)
    } else {
        match evidence.manifests.get(&(DigestKind::Samples, ManifestRoot::from_bytes(digest.bytes))) {
            None => Err(InputProblem::NotShown),
            Some(manifest) => Samples::read(manifest).map_err(|error| InputProblem::Unreadable(error.to_string())),
        }
    };
    let payload = entry.and_then(|index| evidence.entries.get(&index)).map(VerifiedEntry::payload);
    let (arm, seed) = payload.map_or((None, None), |payload| (payload.arm.clone(), payload.seed));
    Input { digest, entry, arm, seed, content }
}

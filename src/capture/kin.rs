//! How far apart the weights behind a claim are: each beside what it is said to go on from, seeds of one arm side by side.
//!
//! Only weights that were found unchanged are read. Parents come first, then the seeds of each arm, then the other weights
//! that might be a parent; beyond the bound nothing is compared, which the checks see as not known.

use std::collections::BTreeMap;
use std::path::Path;

use crate::capture::hash::Progress;
use crate::capture::weights::OpenWeights;
use crate::capture::weights::pair::{Judged, Names, PairError, scan};
use crate::check::{Apart, ArtifactSeen, Kinship, Observed};
use crate::lineage::{Chain, Graph, Relation};
use crate::merkle::EntryIndex;
use crate::statement::{EdgeType, Kind};
use crate::verify::VerifiedEvidence;
use crate::weights::lineage::Lineage;

/// Pairs that are compared: four seeds with their parents are 22 in one arm. Each reads both sets of weights whole.
const MAX_PAIRS: usize = 64;

/// Logs whose weights are followed: eight arms of thirty-two seeds.
const MAX_LOGS: usize = 256;

/// An earlier and a later entry of weights.
type Pair = (EntryIndex, EntryIndex);

/// Compares the weights behind a claim as far as they were found in the folder.
pub fn observe_weights(
    evidence: &VerifiedEvidence<'_>,
    directory: &Path,
    observed: &Observed,
    progress: &dyn Progress,
) -> BTreeMap<Pair, Apart> {
    let graph = Graph::of(evidence);
    let path = |entry: &EntryIndex| match observed.artifacts.get(entry) {
        Some(ArtifactSeen::Equal { path }) => Some(directory.join(path)),
        _ => None,
    };
    let mut apart = BTreeMap::new();
    for Asked { pair: (a, b), base } in pairs(&graph, evidence) {
        if apart.len() >= MAX_PAIRS || apart.contains_key(&(a, b)) {
            continue;
        }
        let (Some(left), Some(right)) = (path(&a), path(&b)) else { continue };
        let base = base.as_ref().and_then(path);
        apart.insert((a, b), compare(&left, &right, base.as_deref(), progress));
    }
    apart
}

/// Weights to compare, and the base model that their chain begins with.
struct Asked {
    pair: Pair,
    base: Option<EntryIndex>,
}

fn pairs(graph: &Graph<'_>, evidence: &VerifiedEvidence<'_>) -> Vec<Asked> {
    let mut arms: BTreeMap<&str, Vec<Chain>> = BTreeMap::new();
    let reached = evidence.links.reached.iter().filter_map(|index| graph.node(*index));
    for log in reached.filter(|node| node.kind() == Kind::EvalLog).take(MAX_LOGS) {
        let links = graph.links(log.index).filter(|(relation, _)| *relation == Relation::Edge(EdgeType::Evaluates));
        for (_, weights) in links.take(1) {
            let label = log.payload.arm.as_deref().unwrap_or_default();
            arms.entry(label).or_default().extend(Chain::of(graph, weights));
        }
    }
    let (mut parents, mut seeds, mut strangers) = (Vec::new(), Vec::new(), Vec::new());
    for chains in arms.values() {
        for (at, chain) in chains.iter().enumerate() {
            let base = chain.base;
            let ask = |a: EntryIndex, b: EntryIndex| Asked { pair: (a.min(b), a.max(b)), base };
            let trained = |chain: &Chain| chain.steps.iter().map(|step| step.weights).collect::<Vec<_>>();
            let own = trained(chain);
            parents.extend(own.windows(2).map(|step| ask(step[0], step[1])));
            for other in &chains[at + 1..] {
                seeds.push(ask(chain.weights, other.weights));
                // Where two chains have as many steps, each may have been switched for the other at any.
                let other = trained(other);
                let crossed = own.windows(2).zip(other.windows(2)).filter(|(here, there)| here[0] != there[0]);
                strangers.extend(crossed.flat_map(|(here, there)| [ask(there[0], here[1]), ask(here[0], there[1])]));
            }
        }
    }
    let all = parents.into_iter().chain(seeds).chain(strangers);
    all.filter(|Asked { pair: (a, b), .. }| a != b).collect()
}

fn compare(a: &Path, b: &Path, base: Option<&Path>, progress: &dyn Progress) -> Apart {
    let unclear = |reason: String| Apart { kinship: Kinship::Unclear(reason), cosine: None, relative: None };
    let open = |path: &Path| match OpenWeights::open(path) {
        Ok(Ok(weights)) => Ok(weights),
        Ok(Err(_)) => Err("they are in no format that is read".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    let (a, b) = match (open(a), open(b)) {
        (Ok(a), Ok(b)) => (a, b),
        (Err(reason), _) | (_, Err(reason)) => return unclear(reason),
    };
    let names = Names::of(&a.model, &b.model);
    // Adapters are what was added to a base. Of whole models that has to be taken off.
    let base = base.filter(|_| !names.are_adapters(&a.model)).and_then(|base| open(base).ok());
    let (base, scanned) = match scan(&a, &b, base.as_ref(), &names, progress) {
        Err(PairError::NoBase { .. }) => (None, scan(&a, &b, None, &names, progress)),
        scanned => (base, scanned),
    };
    match scanned {
        Ok(compared) => judged(&Judged::of(&a.model, base.is_some(), &names, &compared)),
        Err(error) => unclear(error.to_string()),
    }
}

fn judged(judged: &Judged) -> Apart {
    let kinship = match judged.lineage {
        Lineage::Identical => Kinship::Identical,
        Lineage::Continues => Kinship::Continues,
        Lineage::Unrelated => Kinship::Unrelated,
        Lineage::CannotTell(_) => Kinship::Unclear(judged.because()),
    };
    Apart { kinship, cosine: judged.overall.cosine(), relative: judged.overall.relative() }
}

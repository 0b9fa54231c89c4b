//! `arms.distinct`: are the arms and seeds different runs, and not one counted several times?

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::One;

use crate::check::arms::escaped;
use crate::check::number::arms;
use crate::check::statistic::stat_recompute::no_number;
use crate::check::{Case, CellRate, Check, Finding, Kinship, Outcome, Role, SeedRate, Side};
use crate::digest::{Digest, DigestKind, FileDigest};
use crate::lineage::{Distinct, Stage};
use crate::merkle::EntryIndex;
use crate::statement::{Claim, Edge, EdgeType};

pub(in crate::check) const ENTRY: &dyn Check = &ArmsDistinct;
const ID: &str = "arms.distinct";

/// Expected disagreements between two independent runs, beyond which their agreement is no chance: e^-21 < 10^-9.
const NO_CHANCE: u32 = 21;

/// The difference of two sets of weights, as a part of their length, up to which they are one run with noise on it. Training
/// on other data or in another order moves an adapter by some hundredths of its length at least.
const NOISE: f64 = 1e-3;

struct ArmsDistinct;

impl Check for ArmsDistinct {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Are the arms and the training seeds different weights with results of their own, none of them counted twice?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let (claim, number) = match case.number() {
            Ok(found) => found,
            Err(problem) => return no_number(ID, problem),
        };
        if claim.comparator.value().is_none() && claim.seeds.used <= 1 {
            return Finding::new(ID, Outcome::NotApplicable, "the claim is of one arm and one seed");
        }
        let places: Vec<_> = number
            .rates()
            .filter(|(_, side, _)| *side == Side::Outside)
            .flat_map(|(role, _, rate)| rate.seeds.iter().map(move |(seed, of)| (place(claim, role, *seed), of)))
            .collect();
        let told_apart = places.len() as u64;
        if told_apart < claim.seeds.used.saturating_mul(arms(claim).count() as u64) {
            let reason =
                format!("the claim is over {} seeds of each arm, {told_apart} are told apart in all", claim.seeds.used);
            return Finding::new(ID, Outcome::Unknown, reason).at(case.input_entries());
        }
        // The same weights twice.
        let mut weights: BTreeMap<Digest, &str> = BTreeMap::new();
        let mut unlinked = Vec::new();
        for (place, seed) in &places {
            let mut evaluated: Vec<Digest> = seed.entries.iter().filter_map(|entry| weights_of(case, *entry)).collect();
            evaluated.sort_unstable();
            evaluated.dedup();
            if evaluated.is_empty() {
                unlinked.push(place.clone());
            }
            for digest in evaluated {
                if let Some(other) = weights.insert(digest, place) {
                    let entries = seed.entries.iter().copied();
                    return Finding::new(
                        ID,
                        Outcome::Fail,
                        format!("{other} and {place} evaluated the same weights, {digest}"),
                    )
                    .at(entries);
                }
            }
        }
        // The same results twice, where chance does not give that.
        let mut courses: BTreeMap<Vec<(&str, Option<FileDigest>)>, &str> = BTreeMap::new();
        for (place, seed) in &places {
            let course = seed.conditions.iter().map(|(name, cell)| (name.as_str(), cell.course)).collect();
            if let Some(other) = courses.insert(course, place)
                && is_no_chance(seed.conditions.values())
            {
                return Finding::new(
                    ID,
                    Outcome::Fail,
                    format!("{other} and {place} have the same score in every single rollout: they are one run counted twice"),
                )
                .at(seed.entries.iter().copied());
            }
        }
        let count = places.len();
        let nearest = match nearest(case, &places) {
            Nearest::Noise(reason, entries) => return Finding::new(ID, Outcome::Fail, reason).at(entries),
            Nearest::Known(note) => note,
        };
        let finding = if unlinked.is_empty() {
            Finding::new(ID, Outcome::Pass, format!("{count} different weights, each with results of its own"))
                .note(nearest)
        } else {
            Finding::new(ID, Outcome::Unknown, "not every log is linked to the weights that it evaluated")
                .note(format!("without weights: {}", unlinked.iter().take(10).cloned().collect::<Vec<_>>().join("; ")))
                .next("ask the lab for logs that were recorded with the weights they evaluated (--from)")
        };
        let finding = ancestors(case).into_iter().fold(finding, Finding::note);
        finding.at(case.input_entries())
    }
}

/// What comparing the seeds number by number came to.
enum Nearest {
    /// Two are one but for noise.
    Noise(String, [EntryIndex; 2]),
    /// None is, as far as they were compared.
    Known(String),
}

fn nearest(case: &Case<'_>, places: &[(String, &SeedRate)]) -> Nearest {
    let mut of: BTreeMap<EntryIndex, &str> = BTreeMap::new();
    for (place, seed) in places {
        of.extend(seed.entries.iter().filter_map(|log| Some((weights_entry(case, *log)?, place.as_str()))));
    }
    let compared = case.observed.into_iter().flat_map(|observed| &observed.weights);
    let seeds = compared.filter_map(|((a, b), apart)| Some(([*a, *b], [*of.get(a)?, *of.get(b)?], apart)));
    let apart = seeds.filter_map(|(entries, places, apart)| {
        let relative = if apart.kinship == Kinship::Identical { Some(0.0) } else { apart.relative };
        Some((entries, places, relative?))
    });
    let mut compared = 0_u64;
    let mut least: Option<([EntryIndex; 2], [&str; 2], f64)> = None;
    for (entries, places, relative) in apart.filter(|(_, places, _)| places[0] != places[1]) {
        compared += 1;
        if least.is_none_or(|(_, _, found)| relative < found) {
            least = Some((entries, places, relative));
        }
    }
    match least {
        None => Nearest::Known(
            "different by digest; whether they differ by more than noise shows only in the weights (--artifacts)"
                .to_owned(),
        ),
        Some((entries, [a, b], relative)) if relative <= NOISE => Nearest::Noise(
            format!(
                "{a} and {b} are the same weights but for noise: their difference is {relative:.1e} of their length"
            ),
            entries,
        ),
        Some((_, [a, b], relative)) => Nearest::Known(format!(
            "of {compared} pairs compared number by number the nearest are {a} and {b}, whose difference is {relative:.1e} of their length"
        )),
    }
}

/// How many different weights the seeds of each arm go back to, stage by stage: that is the n of the stage.
fn ancestors(case: &Case<'_>) -> Vec<String> {
    let distinct = case.material().map_or(&[][..], |material| &material.distinct);
    let told = |(label, stage, Distinct { n, of }): &(String, Stage, Distinct)| {
        format!("{}: n of {} training is {n}, over {of} seeds", escaped(label), stage.name())
    };
    distinct.iter().map(told).collect()
}

fn place(claim: &Claim, role: Role, seed: Option<i64>) -> String {
    let label = escaped(arms(claim).find(|(of, _)| *of == role).map_or("", |(_, label)| label));
    seed.map_or(label.clone(), |seed| format!("{label} seed {seed}"))
}

/// The link from a log to the weights that it evaluated.
fn evaluates<'c>(case: &'c Case<'_>, log: EntryIndex) -> Option<&'c Edge> {
    let edges = &case.evidence.entries.get(&log)?.payload().edges;
    edges.iter().find(|edge| edge.edge_type == EdgeType::Evaluates && edge.log.is_none())
}

fn weights_entry(case: &Case<'_>, log: EntryIndex) -> Option<EntryIndex> {
    evaluates(case, log).map(|edge| edge.seq)
}

/// The weights that a log evaluated: their tensors where they are known, so that another container is no other seed.
fn weights_of(case: &Case<'_>, entry: EntryIndex) -> Option<Digest> {
    let edge = evaluates(case, entry)?;
    let subjects = &case.evidence.entries.get(&edge.seq)?.payload().subjects;
    let tensors = subjects.iter().find_map(|subject| subject.digest(DigestKind::Tensors));
    Some(tensors.unwrap_or(edge.digest))
}

/// Whether two independent runs of these rates would practically never agree in every rollout.
fn is_no_chance<'a>(cells: impl Iterator<Item = &'a CellRate>) -> bool {
    let two = BigRational::from_integer(BigInt::from(2));
    let disagreements = cells.fold(BigRational::from_integer(BigInt::from(0)), |sum, cell| {
        let n = BigRational::from_integer(BigInt::from(cell.rows.scored.max(1)));
        let rate = &cell.hits / &n;
        sum + n * &two * &rate * (BigRational::one() - &rate)
    });
    disagreements >= BigRational::from_integer(BigInt::from(NO_CHANCE))
}

//! Samples put into their cells: arm by arm, seed by seed, condition by condition.
//!
//! The arm and seed of a sample are what the log's entry says in the open, or else what the sample's own key says; the
//! two may not contradict each other. Where a condition is one sample, the sample is the condition.

use std::collections::{BTreeMap, BTreeSet};

use num_bigint::BigInt;
use num_rational::BigRational;

use super::NumberProblem;
use super::rows::{CommonDenominator, Rows};
use super::steps::Steps;
use crate::artifact::samples::{KeyView, SampleId, Samples};
use crate::digest::Digest;
use crate::merkle::EntryIndex;
use crate::statement::{Claim, ErrorUnit, Evaluation};

/// More cells than this are no grid that anyone has run, and a megabyte of claim could name as many as it has samples.
const MAX_CELLS: usize = 20_000;

/// The samples of one input, with what its entry says of them in the open.
#[derive(Debug, Clone, Copy)]
pub struct InputSamples<'a, 'b> {
    /// The input, as the claim names it.
    pub digest: Digest,
    /// The log's entry.
    pub entry: Option<EntryIndex>,
    /// The arm that it is said to be of.
    pub arm: Option<&'b str>,
    /// The seed that it is said to be of.
    pub seed: Option<u64>,
    /// What the log says, sample by sample.
    pub samples: &'b Samples<'a>,
}

/// The part an arm has in a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The number is about it.
    Subject,
    /// It is compared with.
    Comparator,
    /// One of an interaction's other arms.
    Other(usize),
}

/// On which side of a generalization gap samples are; where no gap is claimed all are outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// What the claim's own `eval` says.
    Outside,
    /// In distribution.
    Inside,
}

/// The cells of one seed of an arm.
#[derive(Debug, Clone, Default)]
pub(super) struct SeedCells {
    /// Logs that its samples are from.
    pub(super) entries: BTreeSet<EntryIndex>,
    /// By condition; one nameless condition where none is told apart.
    pub(super) conditions: BTreeMap<String, Rows>,
}

/// The cells of one arm.
pub(super) type ArmCells = BTreeMap<Option<i64>, SeedCells>;

/// Every sample of a claim in its cell.
#[derive(Debug, Clone, Default)]
pub(super) struct Cells(pub(super) BTreeMap<(Role, Side), ArmCells>);

/// Where a sample belongs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    role: (Role, Side),
    seed: Option<i64>,
    condition: String,
}

/// What is told apart: only what the claim's rules ask for, so that a plain claim over many samples stays one cell.
#[derive(Clone, Copy)]
struct Apart {
    seeds: bool,
    conditions: bool,
}

impl Apart {
    fn of(claim: &Claim, steps: Steps) -> Self {
        let unit = claim.error.value().map(|rule| rule.unit);
        let compares = claim.comparator.value().is_some();
        Self {
            seeds: steps.by_seed || compares || unit == Some(ErrorUnit::Seed),
            conditions: steps.by_condition || compares || unit == Some(ErrorUnit::Condition),
        }
    }
}

impl Cells {
    /// Puts every sample of a claim in its cell, scored by one metric.
    pub(super) fn scored_by(
        claim: &Claim,
        inputs: &[InputSamples<'_, '_>],
        scorer: &str,
        key: &str,
    ) -> Result<Self, NumberProblem> {
        let apart = Apart::of(claim, Steps::of(claim)?);
        let mut cells = Self::default();
        let mut limit = CommonDenominator::default();
        let mut fed_by: BTreeMap<Place, BTreeSet<usize>> = BTreeMap::new();
        let (mut count, mut scored) = (0, false);
        for (number, input) in inputs.iter().enumerate() {
            let side = side_of(claim, &input.digest);
            let eval = eval_of(claim, side);
            let repeats = BigRational::from_integer(BigInt::from(eval.repeats.max(1)));
            let mut records = input.samples.records().peekable();
            let mut before: Option<Place> = None;
            while let Some(first) = records.next() {
                let place = place(claim, apart, side, eval, input, &first.key)?;
                if before.as_ref() != Some(&place) {
                    if fed_by.entry(place.clone()).or_default().insert(number) {
                        count += 1;
                        if count > MAX_CELLS {
                            return Err(NumberProblem::Unsupported(format!("more than {MAX_CELLS} cells")));
                        }
                        cells.note_entry(&place, input.entry);
                    }
                    before = Some(place.clone());
                }
                let rows = cells.at(place, apart.seeds);
                rows.begin();
                rows.add(&first, scorer, key, &mut limit)?;
                // Epochs of one sample stand together.
                while let Some(next) = records.next_if(|next| next.key.is_same_sample(&first.key)) {
                    rows.add(&next, scorer, key, &mut limit)?;
                }
                rows.close(&repeats);
                scored |= rows.counts.scored > 0;
            }
        }
        if !scored {
            return Err(super::no_scores(scorer, key, inputs));
        }
        no_sample_twice(claim, apart, inputs, &fed_by)?;
        Ok(cells)
    }

    fn note_entry(&mut self, place: &Place, entry: Option<EntryIndex>) {
        let arm = self.0.entry(place.role).or_default();
        arm.entry(place.seed).or_default().entries.extend(entry);
    }

    fn at(&mut self, place: Place, with_course: bool) -> &mut Rows {
        let arm = self.0.entry(place.role).or_default();
        let seed = arm.entry(place.seed).or_default();
        seed.conditions.entry(place.condition).or_insert_with(|| Rows::new(with_course))
    }
}

/// On which side of a claim an input is.
pub(in crate::check) fn side_of(claim: &Claim, input: &Digest) -> Side {
    let inside = claim.contrast.value().and_then(|contrast| contrast.in_distribution.value());
    if inside.is_some_and(|inside| inside.inputs.contains(input)) { Side::Inside } else { Side::Outside }
}

/// What was evaluated on a side of a claim.
pub(in crate::check) fn eval_of(claim: &Claim, side: Side) -> &Evaluation {
    let inside = claim.contrast.value().and_then(|contrast| contrast.in_distribution.value());
    match (side, inside) {
        (Side::Inside, Some(inside)) => &inside.eval,
        _ => &claim.eval,
    }
}

fn place(
    claim: &Claim,
    apart: Apart,
    side: Side,
    eval: &Evaluation,
    input: &InputSamples<'_, '_>,
    key: &KeyView<'_>,
) -> Result<Place, NumberProblem> {
    let role = (role(claim, input, key)?, side);
    let seed = if apart.seeds { seed(input, key)? } else { None };
    let condition = if apart.conditions { condition(eval, key)? } else { String::new() };
    Ok(Place { role, seed, condition })
}

/// The arm of a sample: what its entry says, or else its own cell. A claim of one arm takes what its inputs hold, but
/// nothing that was recorded as another arm's.
fn role(claim: &Claim, input: &InputSamples<'_, '_>, key: &KeyView<'_>) -> Result<Role, NumberProblem> {
    let unnamed = |label: &str| {
        NumberProblem::Missing(format!("an input is of the arm `{}`, which the claim does not name", shown(label)))
    };
    if let (Some(entry), Some(own)) = (input.arm, key.cell)
        && entry != own
    {
        let (entry, own) = (shown(entry), shown(own));
        let why =
            format!("a log recorded as of the arm `{entry}` has samples of `{own}`: whose they are cannot be told");
        return Err(NumberProblem::Missing(why));
    }
    let Some(comparator) = claim.comparator.value() else {
        let other = input.arm.filter(|label| *label != claim.subject.arm);
        return other.map_or(Ok(Role::Subject), |label| Err(unnamed(label)));
    };
    let Some(label) = input.arm.or(key.cell) else {
        return Err(NumberProblem::Missing(format!(
            "neither the entry of {} nor its samples say which arm they are of",
            input.digest
        )));
    };
    if label == claim.subject.arm {
        return Ok(Role::Subject);
    }
    if label == comparator.arm {
        return Ok(Role::Comparator);
    }
    let others = claim.contrast.value().map_or(&[][..], |contrast| contrast.others.as_slice());
    others.iter().position(|other| other.arm.arm == label).map(Role::Other).ok_or_else(|| unnamed(label))
}

fn seed(input: &InputSamples<'_, '_>, key: &KeyView<'_>) -> Result<Option<i64>, NumberProblem> {
    let of_entry = input.seed.map(i64::try_from).transpose();
    let of_entry = of_entry.map_err(|_| NumberProblem::Unsupported("seeds beyond 63 bits".to_owned()))?;
    match (of_entry, key.seed) {
        (Some(entry), Some(own)) if entry != own => Err(NumberProblem::Missing(format!(
            "a log recorded as seed {entry} has samples of seed {own}: whose they are cannot be told"
        ))),
        (entry, own) => Ok(entry.or(own)),
    }
}

fn condition(eval: &Evaluation, key: &KeyView<'_>) -> Result<String, NumberProblem> {
    match key.condition {
        Some(condition) => Ok(condition.to_owned()),
        None if eval.conditions <= 1 => Ok(String::new()),
        None if eval.samples == 1 => Ok(match key.to_key().id {
            SampleId::Int(id) => id.to_string(),
            SampleId::Text(id) => id,
        }),
        None => Err(NumberProblem::Missing("the samples do not say which condition they are of".to_owned())),
    }
}

/// A sample wherever it stands: its arm, its seed, its key.
type Seen<'k> = ((Role, Side), Option<i64>, &'k [u8]);

/// Keys are unique inside a log; where two logs feed one cell, they may not both hold a sample.
fn no_sample_twice(
    claim: &Claim,
    apart: Apart,
    inputs: &[InputSamples<'_, '_>],
    fed_by: &BTreeMap<Place, BTreeSet<usize>>,
) -> Result<(), NumberProblem> {
    let shared: BTreeSet<usize> = fed_by.values().filter(|by| by.len() > 1).flatten().copied().collect();
    let mut seen: BTreeSet<Seen<'_>> = BTreeSet::new();
    for input in shared.into_iter().filter_map(|number| inputs.get(number)) {
        let side = side_of(claim, &input.digest);
        for record in input.samples.records() {
            let role = (role(claim, input, &record.key)?, side);
            let seed = if apart.seeds { seed(input, &record.key)? } else { None };
            if !seen.insert((role, seed, record.key.bytes())) {
                return Err(NumberProblem::Twice(record.key.to_key().to_string()));
            }
        }
    }
    Ok(())
}

/// At most the first characters of a text from outside.
fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_default).collect()
}

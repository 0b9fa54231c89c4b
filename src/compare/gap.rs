//! The difference of two numbers and the noise it stands in.

use std::collections::BTreeSet;

use num_rational::BigRational;
use num_traits::{Signed, Zero};

use super::Rules;
use super::differences::{NO_JUDGE, judges};
use super::side::Shown;
use crate::check::{Rate, Role};
use crate::codec::wire_enum;
use crate::digest::Digest;
use crate::statement::{Arm, ClaimedValue, ErrorUnit};
use crate::stats::decimal::decimal_digits;
use crate::stats::{
    Answer, ArmAudit, AuditError, AuditedTerm, Enclosure, ErrorSource, Interval, Level, Method, Printed, SeedContrast,
    SeedMean, Strata, Target, audited_sum,
};

wire_enum! {
    /// What a gap is against its noise.
    pub enum Judged, "the judgement of a gap" {
        /// No larger than noise.
        Within = 0 "within noise",
        /// Larger.
        Beyond = 1 "beyond noise",
        /// It cannot be told.
        Untold = 2 "cannot be told",
    }
}

/// One arm's number in one claim.
#[derive(Debug, Clone)]
pub struct Cell {
    /// The arm's label.
    pub arm: String,
    /// Its part in the claim.
    pub role: &'static str,
    /// The printed rate.
    pub printed: String,
    /// What it is said to be over.
    pub n: u64,
    /// Seeds that it is said to be over.
    pub seeds: u64,
    /// By its own samples; none where they are not here.
    pub rate: Option<Rate>,
    /// What the printed figure says, where it is a figure.
    value: Option<BigRational>,
    /// The mean over seeds with its error, of the samples or else as printed.
    mean: Result<SeedMean, String>,
    /// Weights that its logs evaluated.
    weights: BTreeSet<Digest>,
    /// What people found who read its verdicts again.
    audit: Option<ArmAudit>,
    /// Who judged, where somebody did.
    judge: Option<String>,
}

/// An arm of one claim beside the arm of the other that it is.
#[derive(Debug)]
pub struct CellPair {
    /// In the first claim.
    pub a: Cell,
    /// In the second.
    pub b: Cell,
    /// How far apart they are.
    pub gap: Gap,
}

/// What a gap was held against.
#[derive(Debug, Clone)]
pub struct Noise {
    /// Lower bound of the difference.
    pub low: Enclosure,
    /// Upper bound.
    pub high: Enclosure,
    /// What would vary.
    pub target: Target,
    /// By which statistic.
    pub method: Method,
    /// True where it rests on printed error bars.
    pub is_printed: bool,
}

/// The difference of two numbers, first less second.
#[derive(Debug, Clone)]
pub struct Gap {
    /// The difference; none where a side has no figure.
    pub difference: Option<BigRational>,
    /// Its interval.
    pub noise: Option<Noise>,
    /// What it is.
    pub judged: Judged,
    /// Why, in one sentence.
    pub why: String,
    /// Whose verdicts it rests on, where nobody read any of them again.
    pub according: Option<String>,
}

impl Cell {
    fn of(shown: &Shown, role: Role, arm: &Arm, claimed: &ClaimedValue) -> Self {
        let rate = shown.number.as_ref().ok().and_then(|number| number.rate(role)).cloned();
        let printed = Printed::parse(&claimed.rate.printed).ok();
        let value = match &rate {
            Some(rate) => Some(rate.value.clone()),
            None => printed.as_ref().map(Printed::value),
        };
        let used = shown.claim.seeds.used;
        let mean = match &rate {
            Some(rate) => {
                rate.seed_values().and_then(|values| SeedMean::of(&values).map_err(|error| error.to_string()))
            }
            None => printed_mean(shown, claimed, value.as_ref(), used),
        };
        let own = shown.weights.get(&arm.arm).cloned();
        let audit = shown.audits.as_ref().and_then(|found| found.as_ref().ok()?.get(&role).copied());
        Self {
            arm: arm.arm.clone(),
            role: match role {
                Role::Subject => "subject",
                Role::Comparator => "comparator",
                Role::Other(_) => "other arm",
            },
            printed: claimed.rate.printed.clone(),
            n: claimed.n,
            seeds: rate.as_ref().map_or(used, |rate| rate.seeds.len().max(1) as u64),
            rate,
            value,
            mean,
            weights: own.unwrap_or_else(|| arm.checkpoints.iter().copied().collect()),
            audit,
            judge: judges(shown).filter(|judge| judge != NO_JUDGE),
        }
    }

    /// True where nothing but what is printed is here.
    pub fn is_printed_only(&self) -> bool {
        self.rate.is_none()
    }

    /// The number, by the samples or else as printed.
    pub fn value(&self) -> Option<&BigRational> {
        self.value.as_ref()
    }

    /// The conditions that its samples are of, where several are told apart.
    pub(super) fn conditions(&self) -> Option<String> {
        let names: BTreeSet<&str> =
            self.rate.as_ref()?.condition_means().into_keys().filter(|name| !name.is_empty()).collect();
        (names.len() > 1).then(|| names.into_iter().collect::<Vec<_>>().join(", "))
    }

    /// Its cells of condition and seed as counts, where the number is their plain mean.
    fn strata(&self) -> Option<Strata> {
        let rate = self.rate.as_ref()?;
        let cells = rate.seeds.values().flat_map(|seed| seed.conditions.values());
        let cells: Option<Vec<_>> = cells.map(|cell| cell.by_rollout.proportion()).collect();
        Strata::new(cells?).ok().filter(|strata| strata.macro_rate() == rate.value)
    }
}

/// What a printed rate and its printed error over seeds say.
fn printed_mean(
    shown: &Shown,
    claimed: &ClaimedValue,
    value: Option<&BigRational>,
    seeds: u64,
) -> Result<SeedMean, String> {
    let over_seeds = shown.claim.error.value().is_some_and(|rule| rule.unit == ErrorUnit::Seed);
    let error = claimed.error.value().and_then(|error| Printed::parse(&error.printed).ok()).map(|error| error.value());
    match (value, error.filter(|_| over_seeds)) {
        (Some(mean), Some(error)) if seeds >= 2 && error.is_positive() => {
            Ok(SeedMean { mean: mean.clone(), variance: &error * &error, source: ErrorSource::Seeds, seeds })
        }
        _ => Err("no error over seeds is printed".to_owned()),
    }
}

fn cells(shown: &Shown) -> Vec<Cell> {
    let claim = &shown.claim;
    let mut found = vec![Cell::of(shown, Role::Subject, &claim.subject, &claim.value.subject)];
    if let Some((arm, value)) = claim.comparator.value().zip(claim.value.comparator.value()) {
        found.push(Cell::of(shown, Role::Comparator, arm, value));
    }
    let others = claim.contrast.value().map_or(&[][..], |contrast| contrast.others.as_slice());
    let others =
        others.iter().enumerate().map(|(at, other)| Cell::of(shown, Role::Other(at), &other.arm, &other.value));
    found.extend(others);
    found
}

/// Cells that are one: those of one name, and of the rest those that have the same part.
fn aligned(a: Vec<Cell>, b: Vec<Cell>) -> Vec<(Cell, Cell)> {
    let (mut left, mut right) = (a, b);
    let mut found = Vec::new();
    let by: [fn(&Cell, &Cell) -> bool; 2] =
        [|one, other| one.arm == other.arm, |one, other| one.role == other.role && one.role != "other arm"];
    for is_one in by {
        let mut at = 0;
        while at < left.len() {
            match right.iter().position(|other| is_one(&left[at], other)) {
                Some(other) => found.push((left.remove(at), right.remove(other))),
                None => at += 1,
            }
        }
    }
    found
}

/// Every pair of cells with its gap, and the gap of the effects; all intervals hold together at the level of the rules.
pub(super) fn gaps(a: &Shown, b: &Shown, rules: &Rules) -> (Vec<CellPair>, Option<Gap>) {
    let pairs = aligned(cells(a), cells(b));
    let has_effect =
        |cells: &[&Cell]| ["subject", "comparator"].iter().all(|role| cells.iter().any(|c| c.role == *role));
    let (left, right): (Vec<&Cell>, Vec<&Cell>) = pairs.iter().map(|(a, b)| (a, b)).unzip();
    let is_compared = has_effect(&left) && has_effect(&right);
    let statements = pairs.len() as u64 + u64::from(is_compared);
    let level = rules.level.bonferroni(statements.max(1)).unwrap_or_else(|_| rules.level.clone());
    let effect = is_compared.then(|| effect(&left, &right, rules, &level));
    let pairs = pairs.into_iter().map(|(a, b)| {
        let gap = between(&a, &b, rules, &level);
        CellPair { a, b, gap }
    });
    (pairs.collect(), effect)
}

fn between(a: &Cell, b: &Cell, rules: &Rules, level: &Level) -> Gap {
    let Some((one, other)) = a.value.as_ref().zip(b.value.as_ref()) else {
        return Gap::untold(None, None, "a printed figure is no figure".to_owned());
    };
    let difference = one - other;
    let is_printed = a.is_printed_only() || b.is_printed_only();
    // The same weights have the same seeds: only the rollouts would be drawn anew.
    let same_weights = !a.weights.is_empty() && a.weights == b.weights;
    if let Some(found) = audited(&[(1, a), (-1, b)], same_weights, level) {
        return corrected(found, &difference, rules);
    }
    let of_rollouts = || Some(a.strata()?.difference(&b.strata()?, level));
    let noise = match same_weights.then(of_rollouts).flatten() {
        Some(interval) => Ok(Noise::of(&interval, is_printed)),
        None => match (&a.mean, &b.mean) {
            (Ok(one), Ok(other)) => over_seeds(&[(1, one), (-1, other)], level, is_printed),
            (Err(why), _) => Err(format!("A: {why}")),
            (_, Err(why)) => Err(format!("B: {why}")),
        },
    };
    according(judged(difference, noise, rules, is_printed), &[a], &[b])
}

/// The sum of `factor * rate` where every verdict's errors are known from an audit of its own arm, and its interval; none
/// where an arm was not read again, or its seeds say nothing.
fn audited(
    cells: &[(i64, &Cell)],
    same_weights: bool,
    level: &Level,
) -> Option<Result<(BigRational, Interval), AuditError>> {
    let term = |(factor, cell): &(i64, &'_ Cell)| -> Option<(i64, ArmAudit, Option<SeedMean>)> {
        let over = if same_weights { None } else { Some(cell.mean.clone().ok()?) };
        Some((*factor, cell.audit?, over))
    };
    let terms = cells.iter().map(term).collect::<Option<Vec<_>>>()?;
    let terms: Vec<AuditedTerm<'_>> =
        terms.iter().map(|(factor, audit, over)| AuditedTerm { factor: *factor, audit, over: over.as_ref() }).collect();
    Some(audited_sum(&terms, level))
}

/// A gap between rates that audits correct, each by itself.
fn corrected(found: Result<(BigRational, Interval), AuditError>, observed: &BigRational, rules: &Rules) -> Gap {
    match found {
        Ok((difference, interval)) => {
            // What both judges may do alike is in the audits already.
            let rules = Rules { disagreement: None, ..rules.clone() };
            let found = judged(difference, Ok(Noise::of(&interval, false)), &rules, false);
            let why = format!(
                "{}, corrected for the errors that people found (the judges give {})",
                found.why,
                decimal_digits(observed, 4)
            );
            Gap { why, ..found }
        }
        Err(error) => Gap::untold(Some(observed.clone()), None, format!("the audits say nothing: {error}")),
    }
}

/// Whose word a gap rests on, where its verdicts were not read again.
fn according(gap: Gap, a: &[&Cell], b: &[&Cell]) -> Gap {
    let judge = |cells: &[&Cell]| cells.first().and_then(|cell| cell.judge.clone());
    let by = match (judge(a), judge(b)) {
        (None, None) => return gap,
        (Some(one), Some(other)) if one == other => format!("judge {one}"),
        (one, other) => {
            let name = |judge: Option<String>| judge.unwrap_or_else(|| "nobody named".to_owned());
            format!("judges {} (A) and {} (B)", name(one), name(other))
        }
    };
    let by: String = by.chars().take(200).flat_map(char::escape_default).collect();
    Gap { why: format!("{}, according to {by}", gap.why), according: Some(by), ..gap }
}

fn effect(left: &[&Cell], right: &[&Cell], rules: &Rules, level: &Level) -> Gap {
    let of = |cells: &[&Cell], role: &str| cells.iter().find(|cell| cell.role == role).map(|cell| (*cell).clone());
    let four = [
        (1, of(left, "subject")),
        (-1, of(left, "comparator")),
        (-1, of(right, "subject")),
        (1, of(right, "comparator")),
    ];
    let mut difference = BigRational::zero();
    let (mut means, mut is_printed) = (Vec::new(), false);
    for (factor, cell) in &four {
        let Some((cell, value)) = cell.as_ref().and_then(|cell| Some((cell, cell.value.as_ref()?))) else {
            return Gap::untold(None, None, "a printed figure is no figure".to_owned());
        };
        difference += value * BigRational::from_integer((*factor).into());
        is_printed |= cell.is_printed_only();
        means.push((*factor, &cell.mean));
    }
    let audits: Option<Vec<(i64, &Cell)>> = four.iter().map(|(factor, cell)| Some((*factor, cell.as_ref()?))).collect();
    if let Some(found) = audits.and_then(|cells| audited(&cells, false, level)) {
        return corrected(found, &difference, rules);
    }
    let known: Result<Vec<(i64, &SeedMean)>, String> =
        means.iter().map(|(factor, mean)| mean.as_ref().map(|mean| (*factor, mean)).map_err(Clone::clone)).collect();
    let noise = known.and_then(|known| over_seeds(&known, level, is_printed));
    according(judged(difference, noise, rules, is_printed), left, right)
}

fn over_seeds(means: &[(i64, &SeedMean)], level: &Level, is_printed: bool) -> Result<Noise, String> {
    let contrast = SeedContrast::of_means(means, Method::Welch).map_err(|error| error.to_string())?;
    let interval = contrast.interval(level).map_err(|error| error.to_string())?;
    Ok(Noise::of(&interval, is_printed))
}

impl Noise {
    fn of(interval: &Interval, is_printed: bool) -> Self {
        let bound = |bound: Option<&Enclosure>| bound.cloned().unwrap_or_else(Enclosure::unit);
        let (low, high) = (bound(interval.low()), bound(interval.high()));
        Self { low, high, target: interval.target(), method: interval.method(), is_printed }
    }
}

fn judged(difference: BigRational, noise: Result<Noise, String>, rules: &Rules, is_printed: bool) -> Gap {
    let mut noise = match noise {
        Ok(noise) => noise,
        Err(why) => {
            let only = if is_printed { "printed only, and " } else { "" };
            let gap = decimal_digits(&difference, 4);
            return Gap::untold(
                Some(difference),
                None,
                format!("a gap of {gap}, {only}its noise is not known ({why})"),
            );
        }
    };
    if let Some(bound) = &rules.disagreement {
        let bound = Enclosure::exact(bound.clone());
        (noise.low, noise.high) = (&noise.low - &bound, &noise.high + &bound);
    }
    let zero = BigRational::zero();
    let is_beyond = [noise.low.at_least(&zero), noise.high.at_most(&zero)];
    let shown = format!(
        "a gap of {}, {} to {}",
        decimal_digits(&difference, 4),
        noise.low.digits_below(4),
        noise.high.digits_above(4)
    );
    let (judged, why) = match (is_beyond, is_printed) {
        ([Answer::No, Answer::No], false) => (Judged::Within, format!("{shown}: no more than noise")),
        ([Answer::Yes, _] | [_, Answer::Yes], false) => (Judged::Beyond, format!("{shown}: more than noise")),
        ([Answer::No, Answer::No], true) => {
            (Judged::Untold, format!("{shown} by what is printed: no more than noise, and printed only"))
        }
        ([Answer::Yes, _] | [_, Answer::Yes], true) => {
            (Judged::Untold, format!("{shown} by what is printed: more than noise, and printed only"))
        }
        _ => (Judged::Untold, format!("{shown}: too close to decide")),
    };
    Gap { difference: Some(difference), noise: Some(noise), judged, why, according: None }
}

impl Gap {
    fn untold(difference: Option<BigRational>, noise: Option<Noise>, why: String) -> Self {
        Self { difference, noise, judged: Judged::Untold, why, according: None }
    }

    /// The largest difference that the interval does not exclude.
    pub fn could_miss(&self) -> Option<BigRational> {
        let noise = self.noise.as_ref()?;
        Some(noise.low.low().abs().max(noise.high.high().abs()))
    }
}

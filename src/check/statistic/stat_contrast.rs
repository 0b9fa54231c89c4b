//! `stat.contrast`: is the printed comparison of the arms what their unrounded rates give?

use num_rational::BigRational;
use num_traits::{Signed, Zero};

use crate::check::arms::join;
use crate::check::number::contrast;
use crate::check::statistic::drawing::{DRAWS, Drawing};
use crate::check::statistic::interval::{bounds, level, pairing, seed_values};
use crate::check::statistic::stat_assertion::{shown, unknown, words};
use crate::check::statistic::stat_recompute::no_number;
use crate::check::statistic::tolerance::Tolerance;
use crate::check::{Case, Check, Finding, Number, Outcome, Rate, Role};
use crate::statement::{Claim, ClaimedInterval, Contrast, ContrastKind, Direction, Quantity};
use crate::stats::decimal::{decimal_digits, sqrt_digits};
use crate::stats::permutation::{paired, paired_drawn, two_sample, two_sample_drawn};
use crate::stats::{
    Alternative, Enclosure, Nonce, PermutationError, PermutationTest, Printed, Rounding, Ways, check_rounding,
};

pub(in crate::check) const ENTRY: &dyn Check = &StatContrast;
const ID: &str = "stat.contrast";

struct StatContrast;

impl Check for StatContrast {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Is the printed comparison of the arms what their unrounded rates give, and in the direction that is claimed?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        match case.number() {
            Ok((claim, number)) => {
                judge(claim, number, case.drawing(), Tolerance::of(case).as_ref()).at(case.input_entries())
            }
            Err(problem) => no_number(ID, problem),
        }
    }
}

pub(in crate::check) fn judge(
    claim: &Claim,
    number: &Number,
    drawing: &Drawing,
    tolerance: Option<&Tolerance<'_>>,
) -> Finding {
    let Some(stated) = claim.contrast.value() else {
        let reason = match claim.comparator.value() {
            None => "the claim is of one arm and compares nothing",
            Some(_) => "the claim prints two rates and no comparison of them, and says so",
        };
        return notes(claim, number, drawing)
            .into_iter()
            .fold(Finding::new(ID, Outcome::NotApplicable, reason), Finding::note);
    };
    let finding = match contrast::contrast(stated.kind, claim.metric.direction, number) {
        Ok(exact) => {
            let mut value = compare(claim, stated, &exact);
            if let (Some(tolerance), Ok(printed), Outcome::Fail) =
                (tolerance, Printed::parse(&stated.value.printed), value.outcome)
            {
                value = tolerance.excuse(value, claim, number, &exact, &printed);
            }
            let value = ("value".to_owned(), value);
            let interval = stated.interval.value().map(|printed| interval(claim, number, printed, drawing));
            join(ID, std::iter::once(value).chain(interval.map(|finding| ("interval".to_owned(), finding))).collect())
        }
        Err(problem) => no_number(ID, &problem),
    };
    notes(claim, number, drawing).into_iter().fold(finding, Finding::note)
}

fn compare(claim: &Claim, stated: &Contrast, exact: &BigRational) -> Finding {
    let text = &stated.value.printed;
    let printed = match Printed::parse(text) {
        Ok(printed) => printed,
        Err(error) => return Finding::new(ID, Outcome::Fail, error.to_string()),
    };
    let digits = decimal_digits(exact, 6);
    let kind = stated.kind;
    let (outcome, reason) = match check_rounding(exact, &printed) {
        Rounding::No { nearest } => {
            let rounded = of_rounded(claim, stated);
            let why = match rounded.filter(|rounded| check_rounding(rounded, &printed).agrees()) {
                Some(_) => ": it was computed from rates that were rounded before",
                None => "",
            };
            (
                Outcome::Fail,
                format!(
                    "the {kind} of the unrounded rates is {digits}, which rounds to {nearest}, not {}{why}",
                    text.escape_default()
                ),
            )
        }
        _ if is_coarse(exact, &printed) => {
            let text = text.escape_default();
            (Outcome::Unknown, format!("the {kind} is {digits}; printed so coarsely that it is {text} it says nothing"))
        }
        _ => (Outcome::Pass, format!("the {kind} of the unrounded rates is {digits}, as printed")),
    };
    Finding::new(ID, outcome, reason).sides(text.escape_default().to_string(), digits)
}

/// Whether a figure rounds away what it is about: that there is something, or which whole number up to one it is not.
fn is_coarse(exact: &BigRational, printed: &Printed) -> bool {
    let is_whole = printed.decimals() == 0 && !printed.is_percent();
    let value = printed.value();
    value != *exact && (value.is_zero() || (is_whole && value.abs() <= BigRational::from_integer(1.into())))
}

/// Holds a printed interval to the one that its own rule gives: rounded to the nearest, or outward.
fn interval(claim: &Claim, number: &Number, printed: &ClaimedInterval, drawing: &Drawing) -> Finding {
    let bounded = match bounds(claim, number, Quantity::Contrast, &printed.rule, drawing) {
        Ok(found) => found,
        Err(none) => return unknown(ID, none),
    };
    let found = &bounded.bounds;
    let digits = shown(found.low.as_ref(), found.high.as_ref());
    let what = words(&bounded);
    let mut texts = Vec::new();
    for (text, bound, is_low) in [(&printed.low, &found.low, true), (&printed.high, &found.high, false)] {
        let Some(text) = text.value() else { continue };
        texts.push(text.printed.escape_default().to_string());
        let figure = match Printed::parse(&text.printed) {
            Ok(figure) => figure,
            Err(error) => return Finding::new(ID, Outcome::Fail, error.to_string()),
        };
        // What has no such bound has none that could be printed.
        if !bound.as_ref().is_some_and(|bound| is_printed(bound, &figure, is_low, bounded.is_drawn)) {
            let reason = format!("{what}, not what is printed");
            return Finding::new(ID, Outcome::Fail, reason).sides(text.printed.escape_default().to_string(), digits);
        }
    }
    if texts.is_empty() {
        return Finding::new(ID, Outcome::Unknown, format!("{what}; the claim prints no bound of it"));
    }
    Finding::new(ID, Outcome::Pass, format!("{what}, as printed")).sides(texts.join(" to "), digits)
}

/// Whether a figure is a bound, rounded to the nearest or outward.
fn is_printed(bound: &Enclosure, figure: &Printed, is_low: bool, is_drawn: bool) -> bool {
    let (value, step) = (figure.value(), figure.step());
    // Two readers draw two bounds: what may be either is no contradiction.
    if is_drawn && *bound.low() <= value && value <= *bound.high() {
        return true;
    }
    // Outward: no further in than the bound, and no further out than one in the last place.
    let outward = if is_low {
        value <= *bound.low() && &value + &step > *bound.low()
    } else {
        value >= *bound.high() && &value - &step < *bound.high()
    };
    outward || [bound.low(), bound.high()].iter().any(|end| check_rounding(end, figure).agrees())
}

/// The same contrast of the rates as printed.
fn of_rounded(claim: &Claim, stated: &Contrast) -> Option<BigRational> {
    let value = |text: &str| Some(Printed::parse(text).ok()?.value());
    let subject = value(&claim.value.subject.rate.printed)?;
    let comparator = value(&claim.value.comparator.value()?.rate.printed)?;
    match stated.kind {
        ContrastKind::Difference => Some(subject - comparator),
        ContrastKind::Reduction => Some(comparator - subject),
        ContrastKind::Ratio if !comparator.is_zero() => Some(subject / comparator),
        ContrastKind::RelativeReduction if !comparator.is_zero() => {
            Some(BigRational::from_integer(1.into()) - subject / comparator)
        }
        _ => None,
    }
}

/// Which arm is better, by how much, and seed by seed.
fn notes(claim: &Claim, number: &Number, drawing: &Drawing) -> Vec<String> {
    let (Some(subject), Some(comparator)) = (number.rate(Role::Subject), number.rate(Role::Comparator)) else {
        return Vec::new();
    };
    let difference = &subject.value - &comparator.value;
    let better = match claim.metric.direction {
        Direction::Lower => difference.is_negative(),
        Direction::Higher => difference.is_positive(),
    };
    let word = match (difference.is_zero(), better) {
        (true, _) => "the arms do not differ",
        (_, true) => "the subject is better",
        (_, false) => "the subject is worse",
    };
    let mut notes = vec![format!("{word}: subject minus comparator is {}", decimal_digits(&difference, 6))];
    let seeds =
        |rate: &Rate| -> Vec<String> { rate.seeds.values().map(|seed| decimal_digits(&seed.value, 4)).collect() };
    if subject.seeds.len() > 1 || comparator.seeds.len() > 1 {
        notes.push(format!(
            "seeds of the subject: {}; of the comparator: {}",
            seeds(subject).join(", "),
            seeds(comparator).join(", ")
        ));
    }
    notes.extend(permuted(claim, subject, comparator, drawing));
    notes
}

/// What the seeds alone can tell, without any assumption: the permutation test and how small its p can get. It is exact
/// where all ways can be looked at; else it is drawn from the reader's nonce.
fn permuted(claim: &Claim, subject: &Rate, comparator: &Rate, drawing: &Drawing) -> Option<String> {
    let (one, other) = (seed_values(subject).ok()?, seed_values(comparator).ok()?);
    let pairing = claim.contrast.value().and_then(|stated| pairing(stated, &one).ok()?);
    let (found, seeds) = if let Some(pairing) = pairing {
        let values = pairing.differences(&one, &other).ok()?.values();
        let drawn = |nonce: &Nonce| paired_drawn(&values, Alternative::TwoSided, nonce, DRAWS);
        (all_or_drawn(paired(&values, Alternative::TwoSided), drawn, values.len(), drawing)?, pairs(values.len()))
    } else {
        let (one, other) = (one.values(), other.values());
        let drawn = |nonce: &Nonce| two_sample_drawn(&one, &other, Alternative::TwoSided, nonce, DRAWS);
        let exact = two_sample(&one, &other, Alternative::TwoSided);
        let seeds = format!("{} against {} seeds", one.len(), other.len());
        (all_or_drawn(exact, drawn, one.len() + other.len(), drawing)?, seeds)
    };
    let found = match found {
        Ok(found) => found,
        Err(why) => return Some(format!("permutation of the seeds: {why}")),
    };
    let alpha = alpha(claim);
    let p = decimal_digits(&found.p, 3);
    let (what, p) = match &found.ways {
        Ways::All => ("exact permutation", p),
        Ways::Drawn { draws, origin } => {
            let error = sqrt_digits(&(found.error_square() * BigRational::from_integer(9.into())), 4);
            ("permutation", format!("{p}, within {error}, three Monte Carlo errors of {draws} draws from {origin}"))
        }
    };
    let cannot = match alpha {
        Some(alpha) if !found.can_decide(&alpha) => {
            format!("; at {} it cannot be decided at this n", decimal_digits(&alpha, 3))
        }
        Some(alpha) if found.is_near(&alpha) => {
            format!("; at {} it cannot be decided by these draws", decimal_digits(&alpha, 3))
        }
        _ => String::new(),
    };
    Some(format!(
        "{what} of the seeds: p = {p}, the smallest that {seeds} can give is {}{cannot}",
        decimal_digits(&found.smallest_p, 3)
    ))
}

fn pairs(count: usize) -> String {
    format!("{count} pairs of seeds")
}

/// The exact test, or the drawn one where there are too many ways; none where there is no test at all.
fn all_or_drawn(
    exact: Result<PermutationTest, PermutationError>,
    drawn: impl Fn(&Nonce) -> Result<PermutationTest, PermutationError>,
    seeds: usize,
    drawing: &Drawing,
) -> Option<Result<PermutationTest, String>> {
    match exact {
        Err(PermutationError::TooManyArrangements) => Some(
            drawing
                .nonce(DRAWS.saturating_mul(seeds as u64))
                .map_err(|none| format!("there are too many ways to look at all; {}", none.why))
                .and_then(|nonce| drawn(nonce).map_err(|error| error.to_string())),
        ),
        exact => exact.ok().map(Ok),
    }
}

/// The error probability of the claim's own rule: of what it asserts of the contrast, or of the interval that it prints.
fn alpha(claim: &Claim) -> Option<BigRational> {
    let asserted = claim.assertion.value().and_then(|assertion| {
        let term = assertion.terms.iter().find(|term| term.of == Quantity::Contrast)?;
        Some(&term.by)
    });
    let printed = || Some(&claim.contrast.value()?.interval.value()?.rule);
    Some(level(asserted.or_else(printed)?).ok()?.alpha().clone())
}

//! `stat.gap`: is a smaller generalization gap an improvement, or did the score in distribution fall?
//!
//! A gap is the in-distribution score less the out-of-distribution score of one checkpoint, by one judge and one metric.
//! It also shrinks where the score in distribution gets worse. So the better score outside and the no worse one inside
//! are asked for beside it, by the margin that the protocol fixed; the four rates are always said.

use std::collections::BTreeSet;

use num_rational::BigRational;
use num_traits::{Signed, Zero};

use crate::check::frame::claim_prereg::cited;
use crate::check::number::{eval_of, side_of, table};
use crate::check::statistic::interval::{level, pairing, seed_values};
use crate::check::statistic::stat_recompute::no_number;
use crate::check::{Case, Check, Finding, Number, Outcome, Role, Side};
use crate::digest::Digest;
use crate::merkle::EntryIndex;
use crate::statement::{Claim, Contrast, ContrastKind, Direction, EdgeType, Protocol};
use crate::stats::decimal::decimal_digits;
use crate::stats::gap::Estimated;
use crate::stats::{
    self, Aggregation, CellRates, Decision, Extreme, GapArm, GapComparison, GapDesign, GapError, Grid, Level, Printed,
};

pub(in crate::check) const ENTRY: &dyn Check = &StatGap;
const ID: &str = "stat.gap";

struct StatGap;

impl Check for StatGap {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Is a smaller gap between in and out of distribution due to a better score outside, and not to a worse one inside?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let Some(claim) = case.claim else {
            return Finding::new(ID, Outcome::Unknown, "the claim is not disclosed").withheld();
        };
        let stated = claim.contrast.value().filter(|stated| stated.kind == ContrastKind::GeneralizationGap);
        let Some(stated) = stated else {
            return Finding::new(ID, Outcome::NotApplicable, "the claim is not about a generalization gap");
        };
        match case.number() {
            Ok((_, number)) => judge(case, claim, stated, number).at(case.input_entries()),
            Err(problem) => no_number(ID, problem),
        }
    }
}

fn judge(case: &Case<'_>, claim: &Claim, stated: &Contrast, number: &Number) -> Finding {
    if let Some(finding) = no_gap(case, claim, number) {
        return finding;
    }
    let protocol = cited(case);
    let margin = match margin(protocol) {
        Ok(margin) => margin,
        Err(why) => return Finding::new(ID, Outcome::Fail, why),
    };
    let found = match compare(claim, stated, number, protocol, margin.clone()) {
        Ok(found) => found,
        Err(Refused::Contradicted(why)) => return Finding::new(ID, Outcome::Fail, why),
        Err(Refused::Unknown(why)) => return Finding::new(ID, Outcome::Unknown, why),
    };
    let finding = conclude(stated, &found, margin.as_ref());
    let finding = notes(&found).into_iter().fold(finding, Finding::note);
    let finding = extremes(&found.rates).into_iter().fold(finding, Finding::warn);
    let finding = finding.note(declared(protocol));
    Finding { found: Some(four(&found.rates)), ..finding }
}

/// Why two scores make no gap: other judges, other weights, another scale.
fn no_gap(case: &Case<'_>, claim: &Claim, number: &Number) -> Option<Finding> {
    let fail = |reason: &str| Some(Finding::new(ID, Outcome::Fail, reason));
    let unknown = |reason: &str| Some(Finding::new(ID, Outcome::Unknown, reason));
    if [Role::Subject, Role::Comparator].iter().any(|role| number.inside(*role).is_none()) {
        return unknown("the claim does not say which logs of each arm are in distribution");
    }
    let judged = |side| {
        let of_side = case.inputs.iter().filter(move |input| side_of(claim, &input.digest) == side);
        let seen: BTreeSet<&str> = of_side
            .clone()
            .filter_map(|input| input.content.as_ref().ok())
            .flat_map(|samples| samples.facts.observed.iter().map(|model| model.model.as_str()))
            .collect();
        let entries = of_side.filter_map(|input| case.evidence.entries.get(&input.entry?));
        let edges = entries.flat_map(|entry| &entry.payload().edges);
        let linked: BTreeSet<Digest> =
            edges.filter(|edge| edge.edge_type == EdgeType::JudgedBy).map(|edge| edge.digest).collect();
        (seen, linked)
    };
    let (inside, outside) = (judged(Side::Inside), judged(Side::Outside));
    if inside.0 != outside.0 || (inside.1 != outside.1 && !inside.1.is_empty() && !outside.1.is_empty()) {
        return fail(
            "in and out of distribution were not judged by the same judge: between two judges there is no gap",
        );
    }
    if inside.1 != outside.1 {
        return unknown("a judge's configuration is recorded on one side of the gap only");
    }
    for role in [Role::Subject, Role::Comparator] {
        let (inside, outside) = (number.inside(role)?, number.rate(role)?);
        for (seed, inside) in &inside.seeds {
            let outside = outside.seeds.get(seed).map_or(&[][..], |outside| outside.entries.as_slice());
            let weights: BTreeSet<Option<Digest>> =
                inside.entries.iter().chain(outside).map(|entry| evaluated(case, *entry)).collect();
            if weights.iter().flatten().count() > 1 {
                return fail("a gap is that of one checkpoint: a seed's logs in and out of distribution are of others");
            }
            if weights.contains(&None) {
                return unknown("not every log says which weights it evaluated: a gap is that of one checkpoint");
            }
        }
    }
    None
}

fn evaluated(case: &Case<'_>, log: EntryIndex) -> Option<Digest> {
    let payload = case.evidence.entries.get(&log)?.payload();
    let linked = payload.edges.iter().find(|edge| edge.edge_type == EdgeType::Evaluates);
    linked.map(|edge| edge.digest).or(payload.checkpoint)
}

/// By how much the score in distribution may be worse, where the protocol says it.
fn margin(protocol: Option<&Protocol>) -> Result<Option<BigRational>, String> {
    let stated = protocol.and_then(|protocol| protocol.margins.non_inferiority.value());
    stated
        .map(|text| Printed::parse(text).map(|printed| printed.value()))
        .transpose()
        .map_err(|error| error.to_string())
}

enum Refused {
    Contradicted(String),
    Unknown(String),
}

impl From<String> for Refused {
    fn from(why: String) -> Self {
        Self::Unknown(why)
    }
}

impl From<GapError> for Refused {
    fn from(error: GapError) -> Self {
        match error {
            GapError::BothSplits { .. } | GapError::OneArmOnly { .. } | GapError::OneSideOnly { .. } => {
                Self::Contradicted(error.to_string())
            }
            GapError::Margin { .. } | GapError::Table(_) | GapError::Pairing(_) => Self::Unknown(error.to_string()),
        }
    }
}

fn compare(
    claim: &Claim,
    stated: &Contrast,
    number: &Number,
    protocol: Option<&Protocol>,
    margin: Option<BigRational>,
) -> Result<GapComparison, Refused> {
    let (inside, outside) = (eval_of(claim, Side::Inside), eval_of(claim, Side::Outside));
    // Conditions of two suites are two things, whatever they are called; of one suite, or of who knows which, they are not.
    let apart = inside.suite.value().is_some() && outside.suite.value().is_some() && inside.suite != outside.suite;
    let prefixes = if apart { ["in/", "out/"] } else { ["", ""] };
    let arm = |role| -> Result<[(Grid, Aggregation); 2], Refused> {
        let rates = [number.inside(role), number.rate(role)];
        let [inside, outside] = rates.map(|rate| rate.ok_or_else(|| "an arm has no rate".to_owned()));
        Ok([table::grid(inside?, prefixes[0])?, table::grid(outside?, prefixes[1])?])
    };
    let ([id, ood], [other_id, other_ood]) = (arm(Role::Subject)?, arm(Role::Comparator)?);
    let subject_seeds = seed_values(number.subject())?;
    let pairing = pairing(stated, &subject_seeds)?;
    let design = GapDesign {
        direction: match claim.metric.direction {
            Direction::Lower => stats::Direction::LowerIsAligned,
            Direction::Higher => stats::Direction::HigherIsAligned,
        },
        aggregation: ood.1,
        pairing: pairing.as_ref(),
        level: design_level(stated, protocol)?,
        id_margin: margin.unwrap_or_else(BigRational::zero),
    };
    let (subject, comparator) = (GapArm { id: &id.0, ood: &ood.0 }, GapArm { id: &other_id.0, ood: &other_ood.0 });
    Ok(GapComparison::of(subject, comparator, &design)?)
}

/// The level of the interval that the claim prints, or else of the protocol's error rate.
fn design_level(stated: &Contrast, protocol: Option<&Protocol>) -> Result<Level, String> {
    if let Some(interval) = stated.interval.value() {
        return level(&interval.rule);
    }
    let protocol = protocol.ok_or("neither an interval nor a protocol says how sure the gap's parts have to be")?;
    let alpha = Printed::parse(&protocol.alpha).map_err(|error| error.to_string())?;
    let confidence = BigRational::from_integer(1.into()) - alpha.value();
    Level::new(confidence, stats::Sides::Two).map_err(|error| error.to_string())
}

fn conclude(stated: &Contrast, found: &GapComparison, margin: Option<&BigRational>) -> Finding {
    let new = |outcome, reason: &str| Finding::new(ID, outcome, reason);
    let claims_less = Printed::parse(&stated.value.printed).is_ok_and(|printed| printed.value().is_positive());
    if !claims_less {
        return new(Outcome::Pass, "the claim states no smaller gap, and so no improvement");
    }
    if found.is_closed_by_worse_id() {
        return new(
            Outcome::Fail,
            "the gap is closed by a worse score in distribution: out of distribution the subject is no better",
        );
    }
    if let (Some(margin), Decision::DoesNotHold) = (margin, found.id_not_inferior) {
        let margin = decimal_digits(margin, 4);
        return Finding::new(
            ID,
            Outcome::Fail,
            format!("the gap is closed by a worse score in distribution, by more than the margin of {margin}"),
        );
    }
    let parts =
        [(found.is_smaller, "that the gap is smaller"), (found.ood_superior, "a better score out of distribution")];
    if let Some((_, what)) = parts.iter().find(|(decision, _)| *decision == Decision::DoesNotHold) {
        return Finding::new(ID, Outcome::Fail, format!("the seeds refute {what}"));
    }
    if margin.is_none() {
        return new(
            Outcome::Unknown,
            "no protocol fixed by how much the score in distribution may be worse: a smaller gap alone is no improvement",
        )
        .next("a study whose protocol states `non_inferiority`");
    }
    let open = parts.into_iter().chain([(found.id_not_inferior, "a score in distribution that is no worse")]);
    let open: Vec<_> = open.filter(|(decision, _)| *decision != Decision::Holds).map(|(_, what)| what).collect();
    if !open.is_empty() {
        return Finding::new(ID, Outcome::Unknown, format!("cannot be decided at this n: {}", open.join(", ")));
    }
    if found.scales_disagree {
        return new(
            Outcome::Differs,
            "the gap is smaller in points and larger on the logit scale: which it is depends on the scale",
        );
    }
    new(
        Outcome::Pass,
        "the gap is smaller, with a better score out of distribution (as declared) and none worse in distribution",
    )
}

/// The four rates, turned so that higher is aligned.
fn four(rates: &CellRates) -> String {
    let digits = |rate: &BigRational| decimal_digits(rate, 4);
    format!(
        "aligned in / out of distribution: subject {} / {}, comparator {} / {}",
        digits(&rates.subject_id.rate),
        digits(&rates.subject_ood.rate),
        digits(&rates.comparator_id.rate),
        digits(&rates.comparator_ood.rate)
    )
}

fn notes(found: &GapComparison) -> Vec<String> {
    let value = |found: &Estimated| match found {
        Ok(found) => decimal_digits(&found.value, 4),
        Err(error) => error.to_string(),
    };
    vec![
        four(&found.rates),
        format!(
            "the gap shrinks by {} in points and by {} on the logit scale",
            value(&found.reduction),
            value(&found.reduction_logit)
        ),
        format!(
            "subject less comparator: out of distribution {}, in distribution {}",
            value(&found.ood),
            value(&found.id)
        ),
    ]
}

/// Rates that leave a gap no room.
fn extremes(rates: &CellRates) -> Vec<String> {
    let named = [
        ("the subject in distribution", &rates.subject_id),
        ("the subject out of distribution", &rates.subject_ood),
        ("the comparator in distribution", &rates.comparator_id),
        ("the comparator out of distribution", &rates.comparator_ood),
    ];
    let extreme = |(name, cell): (&str, &stats::CellRate)| {
        let end = match cell.extreme? {
            Extreme::Floor => "at a floor, below 5%",
            Extreme::Ceiling => "at a ceiling, above 95%",
        };
        let rate = decimal_digits(&cell.rate, 4);
        Some(format!("{name} is {end} ({rate}): a gap beside it says little"))
    };
    named.into_iter().filter_map(extreme).collect()
}

/// What makes it out of distribution.
fn declared(protocol: Option<&Protocol>) -> String {
    match protocol.map(|protocol| protocol.held_out.len()) {
        None | Some(0) => {
            "out of distribution as declared: no protocol names levels that training leaves out".to_owned()
        }
        Some(count) => format!(
            "the protocol names {count} levels that training leaves out; whether training rows have them is what \
             ood.heldout looks for"
        ),
    }
}

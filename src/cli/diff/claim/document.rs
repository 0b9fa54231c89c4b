//! Two claims side by side, as one JSON document.

use serde::Serialize;

use crate::cli::diff::claim::Compared;
use crate::cli::render::print_json;
use crate::cli::{Context, Failure};
use crate::compare::{Cell, Gap, Side};
use crate::report::first_line;
use crate::stats::decimal::decimal_digits;

/// Id of the document's schema.
const SCHEMA: &str = "urn:reproledger:schema:diff-claim:v1";

/// Decimals of a number that was computed.
const DIGITS: u32 = 12;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    result: &'static str,
    reason: &'a str,
    exit_code: u8,
    vouched: bool,
    level: String,
    a: SideOf<'a>,
    b: SideOf<'a>,
    cells: Vec<Pair<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    effect: Option<GapOf<'a>>,
    differences: Vec<Differs<'a>>,
    same: &'a [&'static str],
}

#[derive(Serialize)]
struct SideOf<'a> {
    file: &'a str,
    verdict: &'static str,
    summary: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    claim_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

#[derive(Serialize)]
struct Pair<'a> {
    a: CellOf<'a>,
    b: CellOf<'a>,
    gap: GapOf<'a>,
}

#[derive(Serialize)]
struct CellOf<'a> {
    arm: &'a str,
    role: &'static str,
    printed: &'a str,
    printed_only: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    n: u64,
    seeds: u64,
}

#[derive(Serialize)]
struct GapOf<'a> {
    judged: &'static str,
    why: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<IntervalOf>,
}

#[derive(Serialize)]
struct IntervalOf {
    low: String,
    high: String,
    method: &'static str,
    target: &'static str,
    by_printed_errors: bool,
}

#[derive(Serialize)]
struct Differs<'a> {
    field: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    arm: Option<&'a str>,
    a: Option<&'a str>,
    b: Option<&'a str>,
    bearing: &'static str,
}

pub(super) fn print(context: &Context, compared: &Compared) -> Result<(), Failure> {
    let comparison = &compared.comparison;
    let differences = comparison.differences.iter().map(|one| Differs {
        field: one.field,
        arm: one.arm.as_deref(),
        a: one.a.as_deref(),
        b: one.b.as_deref(),
        bearing: one.bearing.name(),
    });
    let document = Document {
        schema: SCHEMA,
        result: comparison.likeness.name(),
        reason: &comparison.reason,
        exit_code: comparison.exit_code(),
        vouched: comparison.is_vouched,
        level: format!("{}%", compared.rules.level.percent_digits(3)),
        a: side(&compared.names[0], &compared.sides[0]),
        b: side(&compared.names[1], &compared.sides[1]),
        cells: comparison
            .cells
            .iter()
            .map(|pair| Pair { a: cell(&pair.a), b: cell(&pair.b), gap: gap(&pair.gap) })
            .collect(),
        effect: comparison.effect.as_ref().map(gap),
        differences: differences.collect(),
        same: &comparison.same,
    };
    print_json(context, &document)
}

fn side<'a>(file: &'a str, side: &'a Side) -> SideOf<'a> {
    let claim = side.shown.as_ref().map(|shown| &shown.claim);
    SideOf {
        file,
        verdict: side.assessment.verdict.name(),
        summary: first_line(&side.assessment),
        claim_id: claim.map(|claim| claim.claim_id.as_str()),
        text: claim.map(|claim| claim.text.as_str()),
    }
}

fn cell(cell: &Cell) -> CellOf<'_> {
    CellOf {
        arm: &cell.arm,
        role: cell.role,
        printed: &cell.printed,
        printed_only: cell.is_printed_only(),
        value: cell.value().map(|value| decimal_digits(value, DIGITS)),
        n: cell.n,
        seeds: cell.seeds,
    }
}

fn gap(gap: &Gap) -> GapOf<'_> {
    GapOf {
        judged: gap.judged.name(),
        why: &gap.why,
        difference: gap.difference.as_ref().map(|difference| decimal_digits(difference, DIGITS)),
        interval: gap.noise.as_ref().map(|noise| IntervalOf {
            low: noise.low.digits_below(DIGITS),
            high: noise.high.digits_above(DIGITS),
            method: noise.method.name(),
            target: noise.target.name(),
            by_printed_errors: noise.is_printed,
        }),
    }
}

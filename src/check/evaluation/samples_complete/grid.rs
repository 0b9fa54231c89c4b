//! The grid of a comparison: arm by arm, seed by seed, condition by condition.
//!
//! Each cell must hold every planned rollout exactly once, and every seed of every arm the same conditions. Rollouts
//! that are there without a score do not leave the grid; that one arm has more of them than another can make an effect
//! of its own, so they are counted per arm with what they could do at worst.

use std::collections::BTreeSet;

use num_rational::BigRational;

use super::ID;
use crate::check::arms::escaped;
use crate::check::number::{arms, eval_of};
use crate::check::statistic::stat_recompute::no_number;
use crate::check::{Case, CellRate, Finding, Number, NumberProblem, Outcome, Rate, Role, Side};
use crate::statement::{Claim, Evaluation};
use crate::stats::bounds;
use crate::stats::decimal::decimal_digits;

/// Cells that are named; the count is always complete.
const MAX_NAMED: usize = 10;

const STATES: [&str; 5] = ["scored", "unscored", "error", "limit", "invalid"];

pub(super) fn judge(case: &Case<'_>, claim: &Claim) -> Finding {
    let (_, number) = match case.number() {
        Ok(number) => number,
        Err(problem @ NumberProblem::Twice(_)) => {
            return Finding::new(ID, Outcome::Fail, problem.to_string()).at(case.input_entries());
        }
        Err(problem) => return no_number(ID, problem).at(case.input_entries()),
    };
    let (mut over, mut short, mut cells, mut rollouts) = (Vec::new(), Vec::new(), 0_u64, 0_u64);
    let mut condition_sets: BTreeSet<(Side, Vec<&str>)> = BTreeSet::new();
    for (role, side, rate) in number.rates() {
        let eval = eval_of(claim, side);
        if rate.seeds.is_empty() {
            let place = label(claim, role);
            short.push(format!(
                "{place}: rollouts of several seeds are put together without `mean(seeds)`, and no cell is known"
            ));
        }
        for (seed, of_seed) in &rate.seeds {
            let place =
                format!("{}{}", label(claim, role), seed.map_or(String::new(), |seed| format!(", seed {seed}")));
            condition_sets.insert((side, of_seed.conditions.keys().map(String::as_str).collect()));
            if (of_seed.conditions.len() as u64) < eval.conditions {
                let missing = eval.conditions - of_seed.conditions.len() as u64;
                short.push(format!("{place}: {missing} of {} conditions are not there", eval.conditions));
            }
            for (condition, cell) in &of_seed.conditions {
                cells += 1;
                rollouts += cell.rows.present;
                let cell_name = match condition.as_str() {
                    "" => place.clone(),
                    condition => format!("{place}, {}", escaped(condition)),
                };
                match against_plan(cell, eval) {
                    Some((Outcome::Fail, why)) => over.push(format!("{cell_name}: {why}")),
                    Some((_, why)) => short.push(format!("{cell_name}: {why}")),
                    None => {}
                }
            }
        }
    }
    let sides: BTreeSet<Side> = condition_sets.iter().map(|(side, _)| *side).collect();
    let finding = if !over.is_empty() {
        listed(Outcome::Fail, format!("{} cells are not the planned ones", over.len()), over)
    } else if !short.is_empty() {
        listed(Outcome::Unknown, format!("{} cells are not complete", short.len()), short)
    } else if condition_sets.len() > sides.len() {
        let reason = "the arms and seeds are not over the same conditions";
        Finding::new(ID, Outcome::Fail, reason)
    } else {
        Finding::new(
            ID,
            Outcome::Pass,
            format!(
                "every planned rollout is there, each once: {rollouts} in {cells} cells of arm, seed and condition"
            ),
        )
    };
    missingness(claim, number).into_iter().fold(finding, Finding::note).at(case.input_entries())
}

fn listed(outcome: Outcome, reason: String, cells: Vec<String>) -> Finding {
    cells.into_iter().take(MAX_NAMED).fold(Finding::new(ID, outcome, reason), Finding::note)
}

fn label(claim: &Claim, role: Role) -> String {
    escaped(arms(claim).find(|(of, _)| *of == role).map_or("", |(_, label)| label))
}

/// What is wrong with a cell: more or other rollouts than planned contradict the plan, fewer leave it open.
fn against_plan(cell: &CellRate, eval: &Evaluation) -> Option<(Outcome, String)> {
    let planned = eval.samples.checked_mul(eval.repeats)?;
    let present = cell.rows.present;
    if present > planned || cell.samples > eval.samples || cell.epochs.0 > eval.repeats || cell.epochs.1 {
        let (samples, repeats) = (cell.samples, cell.epochs.0);
        return Some((
            Outcome::Fail,
            format!(
                "{present} rollouts of {samples} samples, repetitions up to {repeats}; planned were {planned} of {}, up to {}",
                eval.samples, eval.repeats
            ),
        ));
    }
    (present < planned)
        .then(|| (Outcome::Unknown, format!("{} of {planned} rollouts are not there", planned - present)))
}

/// Rollouts without a score, per arm, and how far they could move each rate.
fn missingness(claim: &Claim, number: &Number) -> Vec<String> {
    let mut notes = Vec::new();
    let mut shares: BTreeSet<BigRational> = BTreeSet::new();
    for (role, side, rate) in number.rates() {
        let place = match side {
            Side::Outside => label(claim, role),
            Side::Inside => format!("{} in distribution", label(claim, role)),
        };
        let states = STATES.iter().zip(rate.by_status).filter(|(_, count)| *count > 0);
        let states: Vec<_> = states.map(|(state, count)| format!("{count} {state}")).collect();
        let without = rate.rows.present - rate.rows.scored;
        shares.insert(BigRational::new(without.into(), rate.rows.present.max(1).into()));
        let mut note = format!("{place}: {}", states.join(", "));
        if let Some(at_worst) = at_worst(rate).filter(|_| without > 0) {
            note = format!("{note}; {at_worst}");
        }
        notes.push(note);
    }
    if shares.len() > 1 {
        notes.push("the arms do not lack scores alike: what is missing may make a difference of its own".to_owned());
    }
    notes
}

fn at_worst(rate: &Rate) -> Option<String> {
    let found = bounds(&rate.by_rollout.sum, rate.rows.scored, rate.rows.present.max(rate.rows.expected?)).ok()?;
    let (low, high) = (decimal_digits(&found.low, 6), decimal_digits(&found.high, 6));
    Some(format!("with those without a score all 0 or all 1 its pooled rate lies between {low} and {high}"))
}

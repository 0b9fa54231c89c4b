//! What was found, for a person: what is wrong first, then what the logs say, then the claim.

use num_rational::BigRational;
use num_traits::Signed;

use crate::adopt::{Arm, ArmRate, Defect, Metric, Study, Suite, Weight, rate};
use crate::cli::adopt::{Adopted, Word};
use crate::cli::render::{count, put};
use crate::report::Shown;
use crate::stats::decimal::{decimal_digits, sqrt_digits};

/// Places of a defect, arms of an evaluation and things passed over that are shown; `--verbose` shows all.
const PLACES: usize = 3;
const ARMS: usize = 12;

/// Columns of a line.
const WIDTH: usize = 100;

/// Places of a rate.
const DIGITS: u32 = 4;

pub(super) fn text(adopted: &Adopted, all: bool) -> String {
    let mut out = first_line(adopted);
    wrong(&mut out, &adopted.defects, all);
    for suite in &adopted.study.suites {
        if adopted.chosen.task.as_ref().is_none_or(|task| *task == suite.task) {
            says(&mut out, adopted, suite, all);
        }
    }
    weights(&mut out, adopted);
    passed_over(&mut out, adopted, all);
    claim(&mut out, adopted);
    out
}

fn of(defects: &[Defect], weight: Weight) -> usize {
    defects.iter().filter(|defect| defect.weight == weight).count()
}

/// The word, how far it reaches, and what was looked at.
fn first_line(adopted: &Adopted) -> String {
    let word = adopted.word();
    if word == Word::Nothing {
        return format!("{} — no evaluation log is here\n", word.name());
    }
    let (logs, suites) = (adopted.study.logs.len() as u64, adopted.study.suites.len() as u64);
    let defects = &adopted.defects;
    let number = |weight, one: &str, many: &str| match of(defects, weight) {
        0 => format!("nothing {one}"),
        found => count(found as u64, &format!("kind of defect {one}"), &format!("kinds of defect {many}")),
    };
    format!(
        "{}·L0·retrospective — {} of {}; {}, {}\n",
        word.name(),
        count(logs, "log", "logs"),
        count(suites, "evaluation", "evaluations"),
        number(Weight::Contradicts, "contradicts a claim", "contradict a claim"),
        number(Weight::LeavesOpen, "leaves it open", "leave it open"),
    )
}

/// Words on lines of at most [`WIDTH`] columns, each after the first behind `indent` blanks.
fn wrapped(out: &mut String, first: &str, text: &str, indent: usize) {
    let mut line = first.to_owned();
    for word in text.split(' ') {
        let is_full = line.chars().count() + 1 + word.chars().count() > WIDTH;
        if is_full && line.chars().count() > indent {
            put(out, format_args!("{}\n", line.trim_end()));
            line = " ".repeat(indent);
        } else if !line.ends_with(' ') {
            line.push(' ');
        }
        line.push_str(word);
    }
    put(out, format_args!("{}\n", line.trim_end()));
}

fn wrong(out: &mut String, defects: &[Defect], all: bool) {
    let headings = [
        (Weight::Contradicts, "wrong: a claim that takes this as it is would be contradicted"),
        (Weight::LeavesOpen, "open: to be settled before a claim can be established"),
        (Weight::ToKnow, "to know"),
    ];
    for (weight, heading) in headings {
        let mut those = defects.iter().filter(|defect| defect.weight == weight).peekable();
        if those.peek().is_none() {
            continue;
        }
        put(out, format_args!("\n{heading}\n"));
        for defect in those {
            wrapped(out, &format!("  {:<23}", defect.code), &format!("{} ({})", defect.what, defect.count), 25);
            let shown = if all { usize::MAX } else { PLACES };
            for example in defect.examples.iter().take(shown) {
                let place = if example.log.is_empty() { String::new() } else { format!("{}: ", Shown(&example.log)) };
                wrapped(out, &format!("{:25}-", ""), &format!("{place}{}", Shown(&example.text)), 27);
            }
            if defect.examples.len() > shown {
                put(out, format_args!("{:25}  and {} more places\n", "", defect.examples.len() - shown));
            }
            wrapped(out, &format!("{:25}next:", ""), defect.next, 31);
        }
    }
}

/// What the logs of one evaluation say: its grid, and each arm under each score.
fn says(out: &mut String, adopted: &Adopted, suite: &Suite, all: bool) {
    let study = &adopted.study;
    let conditions = suite.conditions.len() as u64;
    put(out, format_args!("\n{}  ({}", Shown(&suite.task), count(suite.arms.len() as u64, "arm", "arms")));
    if suite.arms.len() > 1 {
        put(out, format_args!(", told apart by {}", suite.told_by));
    }
    if conditions > 1 {
        put(out, format_args!("; {conditions} conditions"));
        if !suite.arguments.is_empty() {
            put(out, format_args!(" by {}", Shown(&suite.arguments.join(", "))));
        }
    }
    put(out, format_args!("; {})\n", grid(study, suite)));
    let metrics: Vec<&Metric> = suite.metrics.iter().collect();
    let shown = if all { usize::MAX } else { ARMS };
    let rows: Vec<[String; 5]> = suite.arms.iter().take(shown).flat_map(|arm| rows(study, arm, &metrics)).collect();
    let heading = ["arm", "score", "rate", "k of n", "error"].map(str::to_owned);
    let width = |column: usize| {
        let cells = std::iter::once(&heading).chain(&rows).map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths = [0, 1, 2, 3].map(width);
    for row in std::iter::once(&heading).chain(&rows) {
        let mut line = String::from(" ");
        for (cell, width) in row.iter().zip(widths) {
            put(&mut line, format_args!(" {cell:<width$} "));
        }
        put(out, format_args!("{}\n", format!("{line} {}", row[4]).trim_end()));
    }
    if suite.arms.len() > shown {
        put(out, format_args!("  and {} more arms (--verbose)\n", suite.arms.len() - shown));
    }
    if let Some((subject, comparator)) = adopted.chosen.pair(suite) {
        for effect in suite.effects(study, subject, comparator) {
            let sign = if effect.difference.is_positive() { "+" } else { "" };
            let (left, right) = (Shown(&subject.name), Shown(&comparator.name));
            let difference = decimal_digits(&effect.difference, DIGITS);
            let metric = effect.metric.to_string();
            put(out, format_args!("  {left} minus {right} under {}: {sign}{difference}\n", Shown(&metric)));
        }
    }
}

/// The size of one condition: `100 samples`, `1 sample x 300 epochs`.
fn grid(study: &Study, suite: &Suite) -> String {
    let runs = suite.arms.iter().flat_map(|arm| &arm.seeds).flat_map(|seed| seed.cells.values().flatten());
    let cells: Vec<_> = runs.flat_map(|id| study.run(*id).1.cells.values()).collect();
    let samples = cells.iter().map(|cell| cell.samples).max().unwrap_or(0);
    let samples = count(samples, "sample", "samples");
    match cells.iter().map(|cell| cell.epochs).max() {
        None | Some(0 | 1) => samples,
        Some(epochs) => format!("{samples} × {epochs} epochs"),
    }
}

/// One line for each score of an arm.
fn rows(study: &Study, arm: &Arm, metrics: &[&Metric]) -> Vec<[String; 5]> {
    let seeds = arm.seeds.len();
    let mut name = Shown(&arm.name).to_string();
    if seeds > 1 {
        put(&mut name, format_args!(" ({seeds} seeds)"));
    }
    let mut found = Vec::new();
    for metric in metrics {
        if let Some(rate) = rate(study, arm, metric) {
            let metric = metric.to_string();
            found.push([
                if found.is_empty() { name.clone() } else { String::new() },
                Shown(&metric).to_string(),
                decimal_digits(&rate.value, DIGITS),
                format!("{} of {}", sum(&rate.hits), rate.rollouts),
                error(&rate),
            ]);
        }
    }
    if found.is_empty() {
        found.push([name, "no score".to_owned(), String::new(), String::new(), String::new()]);
    }
    found
}

fn sum(hits: &BigRational) -> String {
    if hits.is_integer() { hits.to_string() } else { decimal_digits(hits, 2) }
}

/// The error bar over the unit that the arm has most of, and over seeds where there are several.
fn error(rate: &ArmRate) -> String {
    let of = |square: &Option<BigRational>, unit: &str| {
        square.as_ref().map(|square| format!("±{} over {unit}", sqrt_digits(square, DIGITS)))
    };
    let inner = match rate.samples {
        0 | 1 => of(&rate.rollout_error, "rollouts"),
        _ => of(&rate.sample_error, "samples"),
    };
    let both = [of(&rate.seed_error, &format!("{} seeds", rate.seeds.len())), inner];
    both.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn weights(out: &mut String, adopted: &Adopted) {
    let Some(model) = &adopted.model else { return };
    put(out, format_args!("\nweights  {}\n", Shown(&model.path.to_string_lossy())));
    for (kind, measure) in &model.subject.0 {
        let digest = measure.digests.first().map(ToString::to_string).unwrap_or_default();
        put(out, format_args!("  {:<8} {:>6}  {digest}\n", kind.name(), measure.count));
    }
    let counts = model.reading.iter().flat_map(|reading| &reading.counts);
    for (name, number) in counts.filter(|(name, _)| name.as_str() == "parameters") {
        put(out, format_args!("  {name} {number}\n"));
    }
}

fn passed_over(out: &mut String, adopted: &Adopted, all: bool) {
    let shown = if all { usize::MAX } else { PLACES * 2 };
    if !adopted.passed_over.is_empty() {
        put(out, format_args!("\npassed over\n"));
    }
    for (name, why) in adopted.passed_over.iter().take(shown) {
        put(out, format_args!("  {}: {why}\n", Shown(name)));
    }
    if adopted.passed_over.len() > shown {
        put(out, format_args!("  and {} more (--verbose)\n", adopted.passed_over.len() - shown));
    }
    if adopted.other > 0 {
        put(out, format_args!("\n{} no log\n", count(adopted.other, "other file is", "other files are")));
    }
}

fn claim(out: &mut String, adopted: &Adopted) {
    match &adopted.draft {
        Err(choose) => {
            if !choose.is_empty() {
                put(out, format_args!("\nthe claim: first say\n"));
            }
            for one in choose {
                wrapped(out, "  -", &Shown(one).to_string(), 4);
            }
        }
        Ok(draft) => {
            put(out, format_args!("\nthe claim that --write would make ({}.toml)\n", Shown(&draft.id)));
            for missing in &draft.missing {
                wrapped(out, "  left to you:", &Shown(missing).to_string(), 15);
            }
            for line in draft.toml.lines() {
                put(out, format_args!("  | {}\n", crate::report::legible(line)));
            }
        }
    }
}

//! `log.integrity`: does the evaluation log agree with itself?

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use crate::artifact::samples::{
    AnomalyCode, LogFacts, ReportedMetric, SampleRecord, Score, Severity, inspect_text_value, parse_number,
};
use crate::check::{Case, Check, Finding, InputProblem, Outcome};
use crate::stats::decimal::decimal_digits;

pub(super) const ENTRY: &dyn Check = &LogIntegrity;
const ID: &str = "log.integrity";

struct LogIntegrity;

impl Check for LogIntegrity {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Do the log's header, summaries, samples and archive agree with each other, and did the run end in success?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let mut notes = Vec::new();
        let mut incomplete = Vec::new();
        let mut withheld = false;
        for input in &case.inputs {
            match &input.content {
                Ok((facts, samples)) => {
                    let mut contradictions = texts(facts, Severity::Contradiction);
                    // The facts are the recorder's word; what they hide of the records beside them is computed again.
                    let again = look_again(facts, samples);
                    contradictions.extend(again.contradictions);
                    incomplete.extend(again.incomplete);
                    if !contradictions.is_empty() {
                        let finding = Finding::new(ID, Outcome::Fail, "the log contradicts itself").at(input.entry);
                        return contradictions.into_iter().fold(finding, Finding::note);
                    }
                    incomplete.extend(texts(facts, Severity::Incomplete));
                    notes.extend(texts(facts, Severity::Note));
                }
                Err(InputProblem::NotShown) => {
                    withheld = true;
                    incomplete.push(format!("the sample records of {} are not shown", input.digest));
                }
                Err(InputProblem::NotLinked) => incomplete.push(format!("{} is not linked to an entry", input.digest)),
                Err(InputProblem::Unreadable(why)) => incomplete.push(why.clone()),
            }
        }
        let finding = if case.inputs.is_empty() {
            withheld = case.claim.is_none();
            Finding::new(ID, Outcome::Unknown, "there is no log to look at")
        } else if incomplete.is_empty() {
            Finding::new(
                ID,
                Outcome::Pass,
                "header, summaries, samples and archive agree, as read when the log was recorded",
            )
            .note("read by the recorder; with --artifacts the log itself is read again")
        } else {
            let finding = Finding::new(ID, Outcome::Unknown, "the log is not complete");
            incomplete.into_iter().fold(finding, Finding::note)
        };
        let finding = notes.into_iter().fold(finding, Finding::note).at(case.input_entries());
        if withheld { finding.withheld() } else { finding }
    }
}

fn texts(facts: &LogFacts, severity: Severity) -> Vec<String> {
    let of = facts.anomalies.listed().iter().filter(|anomaly| anomaly.severity() == severity);
    let mut texts: Vec<String> =
        of.take(10).map(|anomaly| format!("{}: {}", anomaly.code.name(), anomaly.text)).collect();
    let total = facts.anomalies.of_severity(severity);
    if total > 10 {
        texts.push(format!("{total} of this kind in all"));
    }
    texts
}

/// What the records themselves show, whatever the facts beside them say.
#[derive(Default)]
struct Again {
    contradictions: Vec<String>,
    incomplete: Vec<String>,
}

fn look_again(facts: &LogFacts, samples: &[SampleRecord]) -> Again {
    let mut again = Again::default();
    if facts.status.as_deref() != Some("success") && facts.anomalies.count(AnomalyCode::NotSuccess) == 0 {
        let status = facts.status.as_deref().unwrap_or("none");
        again.incomplete.push(format!("the log's status is `{status}`"));
    }
    for (what, count) in [("total", facts.total), ("completed", facts.completed)] {
        if let Some(count) = count.filter(|count| *count != samples.len() as u64) {
            again.incomplete.push(format!("the header counts {count} samples ({what}), {} are there", samples.len()));
        }
    }
    let scores = samples.iter().flat_map(|sample| sample.scores.values().flat_map(BTreeMap::values));
    for score in scores {
        match text_meaning(facts, score) {
            Meaning::Agrees => {}
            Meaning::Differs => {
                again.contradictions.push(format!("a score written {} counts as another number", score.lexeme()));
                break;
            }
            Meaning::Untold => {
                again.incomplete.push(format!("a score counts as a number that `{}` does not show", score.lexeme()));
                break;
            }
        }
    }
    // Where the recorder says that it could not compute a metric again, this cannot either.
    if facts.anomalies.count(AnomalyCode::NotRecomputed) == 0 {
        again.contradictions.extend(facts.metrics.iter().filter_map(|metric| disagrees(facts, metric, samples)));
    }
    again
}

/// How a score's number relates to the text that it is said to be.
enum Meaning {
    Agrees,
    Differs,
    Untold,
}

/// Numbers speak for themselves and were held to their lexeme when the record was read; texts mean what Inspect makes
/// of them, and long texts and structures, known by digest only, mean no number.
fn text_meaning(facts: &LogFacts, score: &Score) -> Meaning {
    let lexeme = score.lexeme();
    if lexeme.starts_with(['t', 'j']) && lexeme != "true" {
        return if score.value().is_none() { Meaning::Agrees } else { Meaning::Untold };
    }
    if !lexeme.starts_with('"') || facts.reader != "inspect/1" {
        return Meaning::Agrees;
    }
    match serde_json::from_str::<String>(lexeme) {
        Ok(text) if inspect_text_value(&text).as_ref() == score.value() => Meaning::Agrees,
        // Half a surrogate pair is no text that has a number.
        Err(_) if score.value().is_none() => Meaning::Agrees,
        _ => Meaning::Differs,
    }
}

/// A mean that the header reports and the records do not give. Epochs are averaged first; where they may have been
/// reduced otherwise, nothing is said.
fn disagrees(facts: &LogFacts, metric: &ReportedMetric, samples: &[SampleRecord]) -> Option<String> {
    let is_mean = matches!(metric.metric.as_str(), "accuracy" | "mean");
    let is_plain = facts.declared.is_some_and(|(_, epochs)| epochs == 1) || metric.reducer.as_deref() == Some("mean");
    if !is_mean || !is_plain || facts.expected() != Some(samples.len() as u64) {
        return None;
    }
    let key = if metric.score == metric.scorer { "" } else { metric.score.as_str() };
    let mut by_sample: BTreeMap<_, (BigInt, BigRational)> = BTreeMap::new();
    for sample in samples {
        let Some(score) = sample.score(&metric.scorer, key).filter(|score| !score.is_unscored()) else { continue };
        // Infinite scores and unbounded denominators have no mean that is worth the computing.
        if score.lexeme().ends_with("Infinity") || score.value().is_some_and(|value| value.denom().bits() > 64) {
            return None;
        }
        let (count, sum) = by_sample.entry(sample.key.without_epoch()).or_default();
        *count += 1;
        *sum += score.value().cloned().unwrap_or_else(BigRational::zero);
    }
    if by_sample.is_empty() {
        return None;
    }
    let n = BigRational::from_integer(by_sample.len().into());
    let mut total = BigRational::zero();
    for (count, sum) in by_sample.into_values() {
        total += sum / BigRational::from_integer(count);
        if total.denom().bits() > 2048 {
            return None;
        }
    }
    let mean = total / n;
    let tolerance = BigRational::new(BigInt::one(), BigInt::from(1_000_000)) * mean.abs().max(BigRational::one());
    match parse_number(&metric.lexeme) {
        Some(reported) if (&mean - &reported).abs() <= tolerance => None,
        _ => Some(format!(
            "the header says {} {} for `{}`, the records give {}",
            metric.metric,
            metric.lexeme,
            metric.scorer,
            decimal_digits(&mean, 6)
        )),
    }
}

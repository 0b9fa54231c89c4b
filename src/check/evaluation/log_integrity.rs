//! `log.integrity`: does the evaluation log agree with itself?

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use crate::artifact::samples::{
    AnomalyCode, KeyView, LogFacts, ReportedMetric, Samples, ScoreView, Severity, inspect_text_value, parse_number,
};
use crate::check::{Case, Check, Finding, InputProblem, Outcome};
use crate::stats::decimal::decimal_digits;

pub(in crate::check) const ENTRY: &dyn Check = &LogIntegrity;
const ID: &str = "log.integrity";

/// Scores that are looked at to compute reported means again: a header can report a thousand, each over all samples.
const MAX_LOOKED_AT: u64 = 10_000_000;

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
                Ok(samples) => {
                    let facts = &samples.facts;
                    let mut contradictions = texts(facts, Severity::Contradiction);
                    // The facts are the recorder's word; what they hide of the records beside them is computed again.
                    let again = look_again(samples);
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

fn look_again(samples: &Samples<'_>) -> Again {
    let (facts, found) = (&samples.facts, samples.count());
    let mut again = Again::default();
    let is_said = facts.status.as_deref() == Some("success") || facts.says_each_status();
    if !is_said && facts.anomalies.count(AnomalyCode::NotSuccess) == 0 {
        again.incomplete.push(match facts.status.as_deref() {
            None if facts.reader.starts_with("rows/1 ") => {
                "the table does not say what became of each sample (record it with --map status=COLUMN)".to_owned()
            }
            status => format!("the log's status is `{}`", status.unwrap_or("none")),
        });
    }
    for (what, count) in [("total", facts.total), ("completed", facts.completed)] {
        if let Some(count) = count.filter(|count| *count != found) {
            again.incomplete.push(format!("the header counts {count} samples ({what}), {found} are there"));
        }
    }
    match first_misread(samples) {
        Some((Meaning::Differs, lexeme)) => {
            again.contradictions.push(format!("a score written {lexeme} counts as another number"));
        }
        Some((Meaning::Untold, lexeme)) => {
            again.incomplete.push(format!("a score counts as a number that `{lexeme}` does not show"));
        }
        Some((Meaning::Agrees, _)) | None => {}
    }
    // Where the recorder says that it could not compute a metric again, this cannot either.
    if facts.anomalies.count(AnomalyCode::NotRecomputed) == 0 {
        let mut means = BTreeMap::new();
        let mut left = 0_u64;
        for metric in facts.metrics.iter().filter(|metric| is_mean(metric, samples)) {
            let key = (metric.scorer.as_str(), metric.score.as_str());
            if !means.contains_key(&key) && (means.len() as u64 + 1).saturating_mul(found) > MAX_LOOKED_AT {
                left += 1;
                continue;
            }
            let mean = means.entry(key).or_insert_with(|| mean_of(metric, samples));
            again.contradictions.extend(mean.as_ref().and_then(|mean| disagrees(metric, mean)));
        }
        if left > 0 {
            again
                .incomplete
                .push(format!("{left} means that the header reports over {found} samples were not computed"));
        }
    }
    again
}

/// The first score that does not mean what its text says.
fn first_misread<'a>(samples: &Samples<'a>) -> Option<(Meaning, &'a str)> {
    samples.records().find_map(|sample| {
        let mut misread = None;
        sample.each_score(|_, _, score| {
            if misread.is_none() {
                let meaning = text_meaning(&samples.facts, &score);
                misread = (meaning != Meaning::Agrees).then_some((meaning, score.lexeme()));
            }
        });
        misread
    })
}

/// How a score's number relates to the text that it is said to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Agrees,
    Differs,
    Untold,
}

/// Numbers speak for themselves and were held to their lexeme when the record was read; texts mean what Inspect makes
/// of them, and long texts and structures, known by digest only, mean no number.
fn text_meaning(facts: &LogFacts, score: &ScoreView<'_>) -> Meaning {
    let lexeme = score.lexeme();
    if lexeme.starts_with(['t', 'j']) && lexeme != "true" {
        return if score.has_value() { Meaning::Untold } else { Meaning::Agrees };
    }
    if !lexeme.starts_with('"') || facts.reader != "inspect/1" {
        return Meaning::Agrees;
    }
    match serde_json::from_str::<String>(lexeme) {
        Ok(text) if inspect_text_value(&text) == score.value() => Meaning::Agrees,
        // Half a surrogate pair is no text that has a number.
        Err(_) if !score.has_value() => Meaning::Agrees,
        _ => Meaning::Differs,
    }
}

/// A reported mean that the records should give. Epochs are averaged first; where they may have been reduced otherwise,
/// nothing is said.
fn is_mean(metric: &ReportedMetric, samples: &Samples<'_>) -> bool {
    let facts = &samples.facts;
    let is_plain = facts.declared.is_some_and(|(_, epochs)| epochs == 1) || metric.reducer.as_deref() == Some("mean");
    matches!(metric.metric.as_str(), "accuracy" | "mean") && is_plain && facts.expected() == Some(samples.count())
}

/// A reported mean that is not the one of the records.
fn disagrees(metric: &ReportedMetric, mean: &BigRational) -> Option<String> {
    let tolerance = BigRational::new(BigInt::one(), BigInt::from(1_000_000)) * mean.abs().max(BigRational::one());
    match parse_number(&metric.lexeme) {
        Some(reported) if (mean - &reported).abs() <= tolerance => None,
        _ => Some(format!(
            "the header says {} {} for `{}`, the records give {}",
            metric.metric,
            metric.lexeme,
            metric.scorer,
            decimal_digits(mean, 6)
        )),
    }
}

/// The mean over samples of the mean over epochs; none where there is no score, or no mean that is worth the computing.
fn mean_of(metric: &ReportedMetric, samples: &Samples<'_>) -> Option<BigRational> {
    let scorer = metric.scorer.as_str();
    let key = if metric.score == metric.scorer { "" } else { metric.score.as_str() };
    let (mut total, mut units) = (BigRational::zero(), 0_u64);
    let (mut count, mut sum) = (0_u64, BigRational::zero());
    let mut previous: Option<KeyView<'_>> = None;
    for sample in samples.records() {
        let Some(score) = sample.score(scorer, key).filter(|score| !score.is_unscored()) else { continue };
        let value = score.value();
        // Infinite scores and unbounded denominators.
        if score.lexeme().ends_with("Infinity") || value.as_ref().is_some_and(|value| value.denom().bits() > 64) {
            return None;
        }
        // Epochs of one sample stand together.
        if count > 0 && !previous.is_some_and(|previous| previous.is_same_sample(&sample.key)) {
            total += std::mem::take(&mut sum) / BigRational::from_integer(std::mem::take(&mut count).into());
            units += 1;
            if total.denom().bits() > 2048 {
                return None;
            }
        }
        previous = Some(sample.key);
        count += 1;
        sum += value.unwrap_or_else(BigRational::zero);
    }
    if count == 0 {
        return None;
    }
    total += sum / BigRational::from_integer(count.into());
    (total.denom().bits() <= 2048).then(|| total / BigRational::from_integer((units + 1).into()))
}

//! Every log in the data folder, one line each: its reader, its samples and status, what is odd about it, and how close
//! each reported metric is to the exact value. The folder is walked: a file without a line fails the test.

use super::*;
use crate::container::zip::Archive;
use crate::evallog::inspect_judge::Tally;
use crate::evallog::inspect_metrics::{Exact, compute};
use crate::json::Value;

/// File, then `reader schema status samples/expected`, then anomalies, then metrics with their distance in the last
/// place of a double, and judges.
const LOGS: &[(&str, &str)] = &[
    (
        "generated/am_mock_1sample_300epochs_zstd.eval",
        "inspect.eval v2 success 300/300 |  | harmful.accuracy=0.06±0 harmful.stderr=0±0 classifier_verdict.accuracy=0.07666666666666666±0 classifier_verdict.stderr=0±0 | ",
    ),
    (
        "generated/streaming_sample_dropped.eval",
        "inspect.eval v2 success 3/4 | sample-missing×1 not-recomputed×2 summary-without-sample×1 | match.accuracy=0.75≠1.000000 match.stderr=0.25≠0.000000 | ",
    ),
    (
        "generated/streaming_score_flipped_in_sample_only.eval",
        "inspect.eval v2 success 4/4 | summary-disagrees×2 metric-disagrees×2 reduction-disagrees×1 score-event-differs×1 | match.accuracy=0.75≠1.000000 match.stderr=0.25≠0.000000 | ",
    ),
    (
        "inspect_ai/2024-11-05T13-31-45-05-00_input-task_8zXjbRzCWrL9GXiXo2vus9.json",
        "inspect.json v2 success 1/1 |  | model_graded_fact.accuracy=1.0±0 model_graded_fact.stderr=0.0±0 | openai/gpt-4o-mini as scorer in 1; model_graded_fact by inspect.grade/1: 1/0/0",
    ),
    (
        "inspect_ai/2024-11-05T13-32-37-05-00_input-task_hxs4q9azL3ySGkjJirypKZ.eval",
        "inspect.eval v2 success 1/1 |  | model_graded_fact.accuracy=1.0±0 model_graded_fact.stderr=0.0±0 | openai/gpt-4o-mini as scorer in 1; model_graded_fact by inspect.grade/1: 1/0/0",
    ),
    (
        "inspect_ai/2025-02-11T15-17-00-05-00_popularity_dPiJifoWeEQBrfWsAopzWr.eval",
        "inspect.eval v2 success 10/10 | unscored×10 |  | ",
    ),
    (
        "inspect_ai/2025-02-11T15-18-04-05-00_popularity_mj7khqpMM4GBCfVQozKgzB.eval",
        "inspect.eval v2 success 10/10 |  | match.accuracy=0.8±0 match.stderr=0.13333333333333333±0 | ",
    ),
    (
        "inspect_ai/2025-05-12T20-28-13-04-00_no-samples.json",
        "inspect.json v2 cancelled 0/3 | sample-missing×3 status-not-success×1 not-recomputed×2 | match.accuracy=0.6666666666666666?there are no scored observations match.stderr=0.33333333333333337?there are no scored observations | ",
    ),
    (
        "inspect_ai/2025-05-12T20-28-13-04-00_popularity.json",
        "inspect.json v2 cancelled 3/3 | status-not-success×1 | match.accuracy=0.6666666666666666±0 match.stderr=0.33333333333333337±1 | ",
    ),
    (
        "inspect_ai/2025-05-12T20-28-26-04-00_security-guide.json",
        "inspect.json v2 success 3/3 |  | model_graded_fact.accuracy=1.0±0 model_graded_fact.stderr=0.0±0 | openai/gpt-4o-mini as scorer in 3; model_graded_fact by inspect.grade/1: 3/0/0",
    ),
    ("inspect_ai/log_formats.eval", "inspect.eval v2 success 1/1 |  | match.accuracy=0.0±0 match.stderr=0.0±0 | "),
    (
        "inspect_ai/log_formats.json",
        "inspect.json v2 success 1/1 | grid-not-declared×1 | match.accuracy=0.0±0 match.stderr=0.0±0 | ",
    ),
    ("inspect_ai/log_invalid.txt", "`the log` of the log cannot be read: the text ends inside a value"),
    (
        "inspect_ai/log_length_stop_reason.txt",
        "inspect.json v2 success 1/1 | grid-not-declared×1 | exact.mean=0.0±0 exact.stderr=0.0±0 | ",
    ),
    (
        "inspect_ai/log_message_deduplication.eval",
        "inspect.eval v3 success 1/1 | newer-schema×1 | closeness_log.accuracy=0.0±0 closeness_log.stderr=0.0±0 | ",
    ),
    ("inspect_ai/log_read_sample.eval", "inspect.eval v2 success 1/1 |  | match.accuracy=1.0±0 match.stderr=0.0±0 | "),
    ("inspect_ai/log_read_sample.json", "inspect.json v2 success 1/1 |  | match.accuracy=1.0±0 match.stderr=0.0±0 | "),
    ("inspect_ai/log_streaming.eval", "inspect.eval v2 success 4/4 |  | match.accuracy=0.75±0 match.stderr=0.25±0 | "),
    (
        "inspect_ai/log_tool_call_error.json",
        "inspect.json v2 success 1/1 | sample-missing×1 sample-not-declared×1 count-disagrees×1 unscored×1 not-recomputed×2 | includes.accuracy=1.0?there are no scored observations includes.stderr=0.0?there are no scored observations | ",
    ),
    (
        "inspect_ai/log_valid.txt",
        "inspect.json v2 success 0/? | sample-missing×1 grid-not-declared×1 not-recomputed×2 | model_graded_fact.accuracy=1?there are no scored observations model_graded_fact.bootstrap_std=0.0?it was resampled at random and cannot be computed again | ",
    ),
    (
        "inspect_ai/log_version_3.txt",
        "log schema version 4 needs a newer reproledger (this one reads versions up to 2)",
    ),
    (
        "inspect_ai/log_with_nan.txt",
        "inspect.json v1 success 0/? | sample-missing×1 grid-not-declared×1 not-recomputed×2 | model_graded_fact.accuracy=NaN?there are no scored observations model_graded_fact.bootstrap_std=0.0?it was resampled at random and cannot be computed again | ",
    ),
    (
        "inspect_ai/mmlu-no-summary-choices.eval",
        "inspect.eval v2 success 1/1 |  | choice.accuracy=0.0±0 choice.stderr=0.0±0 | ",
    ),
    (
        "inspect_ai/mmlu-summary-choices.eval",
        "inspect.eval v2 success 1/1 |  | choice.accuracy=0.0±0 choice.stderr=0.0±0 | ",
    ),
    (
        "inspect_scout/2025-09-23T08-09-58-04-00_popularity_DN2wbX2ZvACsBpjwptzBRo.eval",
        "inspect.eval v2 success 100/100 |  | match.accuracy=0.63±0 match.stderr=0.048523658709390974±0 | ",
    ),
    (
        "inspect_scout/2025-11-07T10-59-47-05-00_websearch-addition-problem_LqPDntDnkk4h2fSqQ8i6CE.eval",
        "inspect.eval v2 success 1/1 |  | match.accuracy=1.0±0 match.stderr=0.0±0 | ",
    ),
];

/// Distance between the exact value and the reported float, counted in doubles that lie between.
fn distance(exact: &Exact, lexeme: &str) -> u64 {
    let (exact, reported): (f64, f64) = (exact.digits(30).parse().unwrap(), lexeme.parse().unwrap());
    exact.to_bits().abs_diff(reported.to_bits())
}

/// Header and samples of an Inspect log, to compute its metrics without what the reader made of them.
fn parts(bytes: &[u8], log: &EvalLog) -> (inspect_header::Header, inspect::Samples) {
    let samples = log.samples.iter().map(|sample| ((sample.key.id.clone(), sample.key.epoch), sample.clone()));
    let header = if log.facts.format == "inspect.eval" {
        let mut cursor = Cursor::new(bytes);
        let mut archive = Archive::open(&mut cursor, bytes.len() as u64).unwrap();
        let place = archive.by_name().get("header.json").map(|place| place.0);
        archive.read(place.unwrap()).unwrap()
    } else {
        bytes.to_vec()
    };
    let header = Value::parse(&header).unwrap().object().unwrap();
    (inspect_header::parse_header("header.json", &header).unwrap(), samples.collect())
}

fn metrics(bytes: &[u8], log: &EvalLog) -> String {
    let (header, samples) = parts(bytes, log);
    let words: Vec<String> = header
        .metrics
        .iter()
        .map(|metric| {
            let name = format!("{}.{}", metric.reported.score, metric.reported.metric);
            match compute(metric, &header, &samples, &Tally::default()) {
                Ok(found) => match distance(&found.exact, &metric.reported.lexeme) {
                    near @ 0..=4 => format!("{name}={}±{near}", metric.reported.lexeme),
                    _ => format!("{name}={}≠{}", metric.reported.lexeme, found.exact.digits(6)),
                },
                Err(reason) => format!("{name}={}?{reason}", metric.reported.lexeme),
            }
        })
        .collect();
    words.join(" ")
}

fn line(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap();
    match read_bytes(&bytes) {
        Err(error) => {
            let chain = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
            chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
        }
        Ok(log) => {
            let facts = &log.facts;
            let odd: Vec<String> =
                facts.anomalies.counts().iter().map(|(code, count)| format!("{}×{count}", code.name())).collect();
            let judges: Vec<String> = facts
                .observed
                .iter()
                .map(|model| format!("{} as {} in {}", model.model, model.role, model.samples))
                .chain(facts.rejudged.iter().map(|score| {
                    format!("{} by {}: {}/{}/{}", score.scorer, score.parser, score.agrees, score.differs, score.unread)
                }))
                .collect();
            let expected = facts.expected().map_or("?".to_owned(), |expected| expected.to_string());
            format!(
                "{} v{} {} {}/{expected} | {} | {} | {}",
                facts.format,
                facts.schema.unwrap_or_default(),
                facts.status.as_deref().unwrap_or("none"),
                log.samples.len(),
                odd.join(" "),
                metrics(&bytes, &log),
                judges.join("; "),
            )
        }
    }
}

#[test]
fn every_log_in_the_data_folder_reads_as_its_line_says() {
    if !data_is_there() {
        return;
    }
    let mut paths = Vec::new();
    walk(&logs(), &mut paths);
    paths.retain(|path| !path.ends_with("LICENSE"));
    paths.sort();
    let found: Vec<(String, String)> = paths
        .iter()
        .map(|path| (path.strip_prefix(logs()).unwrap().to_string_lossy().into_owned(), line(path)))
        .collect();
    let expected: Vec<(String, String)> =
        LOGS.iter().map(|(path, line)| ((*path).to_owned(), (*line).to_owned())).collect();
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    let shown: Vec<String> = found.iter().map(|(path, line)| format!("    ({path:?}, {line:?}),")).collect();
    assert_eq!(found.len(), expected.len(), "\n{}", shown.join("\n"));
}

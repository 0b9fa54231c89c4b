//! Real logs, read whole: what they say, what the samples add up to, and what is wrong with the tampered ones.

mod lm_eval;
mod metrics;
mod rows;
mod table;

use std::io::Cursor;
use std::path::{Path, PathBuf};

use num_rational::BigRational;
use num_traits::Zero;

use super::*;
use crate::artifact::manifest::ManifestView;
use crate::artifact::samples::{AnomalyCode, SampleId, SampleStatus, SampleView, Samples, Severity, samples_manifest};
use crate::container::zip::tests::{Entry, Zip};
use crate::digest::DigestKind;
use crate::stats::{
    ErrorUnit, Estimate, Observation, Printed, Reducer, Rounding, check_rounding, check_sqrt_rounding, estimate,
};

/// Whether the third-party test data is at hand. Without it a test is skipped, loudly; in CI that is a failure.
fn data_is_there() -> bool {
    let is_there = std::env::var_os("REPROLEDGER_TESTDATA").is_some();
    assert!(is_there || std::env::var_os("CI").is_none(), "CI without REPROLEDGER_TESTDATA tests nothing");
    if !is_there {
        // Not `eprintln!`: that is captured, and a skipped test that says nothing looks like a passed one.
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        let line = format!("SKIPPED {name}: REPROLEDGER_TESTDATA does not name the third-party test data\n");
        std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap();
    }
    is_there
}

fn logs() -> PathBuf {
    let root =
        std::env::var_os("REPROLEDGER_TESTDATA").expect("REPROLEDGER_TESTDATA must name the folder of test data");
    Path::new(&root).join("logs/inspect")
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, found) } else { found.push(path) }
    }
}

/// The one real log whose name contains `part`.
fn real(part: &str) -> PathBuf {
    let mut paths = Vec::new();
    walk(&logs(), &mut paths);
    paths.retain(|path| path.to_string_lossy().contains(part));
    assert_eq!(paths.len(), 1, "{part}: {paths:?}");
    paths.remove(0)
}

fn read(part: &str) -> EvalLog {
    read_path(&real(part)).unwrap_or_else(|error| panic!("{part}: {error:?}"))
}

fn read_path(path: &Path) -> Result<EvalLog, EvalLogError> {
    read_bytes(&std::fs::read(path).unwrap())
}

fn read_bytes(bytes: &[u8]) -> Result<EvalLog, EvalLogError> {
    read_files(&[("log", bytes)], None)
}

fn read_files(files: &[(&str, &[u8])], map: Option<&str>) -> Result<EvalLog, EvalLogError> {
    let map = map.map(|map| ColumnMap::parse(map).unwrap());
    let mut cursors: Vec<(&str, Cursor<&[u8]>)> =
        files.iter().map(|(name, bytes)| (*name, Cursor::new(*bytes))).collect();
    let mut files: Vec<LogFile<'_>> = cursors
        .iter_mut()
        .map(|(name, cursor)| LogFile { name: (*name).to_owned(), len: cursor.get_ref().len() as u64, source: cursor })
        .collect();
    read_log(&mut files, map.as_ref())
}

/// The log's manifest gives its facts and records back.
fn assert_reads_back(log: &EvalLog, name: &str) {
    let object = samples_manifest(&log.facts, &log.samples).unwrap().to_object();
    let parsed = Samples::read(&ManifestView::parse_kind(&object, DigestKind::Samples).unwrap()).unwrap();
    assert_eq!(parsed.facts, log.facts, "{name}");
    assert_eq!(parsed.records().map(SampleView::to_record).collect::<Vec<_>>(), log.samples, "{name}");
}

fn estimate_of(log: &EvalLog, scorer: &str, key: &str, unit: ErrorUnit) -> Estimate {
    let observations: Vec<_> = log
        .samples
        .iter()
        .filter_map(|s| {
            Some(Observation { sample: s.key.without_epoch(), value: s.score(scorer, key)?.value()?.clone() })
        })
        .collect();
    estimate(&observations, unit, Reducer::Mean).unwrap()
}

fn ratio(numer: i64, denom: i64) -> BigRational {
    BigRational::new(numer.into(), denom.into())
}

fn texts(log: &EvalLog, code: AnomalyCode) -> Vec<&str> {
    log.facts.anomalies.listed().iter().filter(|a| a.code == code).map(|a| a.text.as_str()).collect()
}

#[test]
fn every_real_log_is_read_or_refused_for_its_reason() {
    if !data_is_there() {
        return;
    }
    let mut paths = Vec::new();
    walk(&logs(), &mut paths);
    let mut read = 0;
    for path in paths.iter().filter(|path| !path.ends_with("LICENSE")) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let log = match read_path(path) {
            Err(EvalLogError::Schema { found: 4, known: 2 }) if name == "log_version_3.txt" => continue,
            Err(EvalLogError::Part { source: PartError::Json(JsonError::Truncated), .. })
                if name == "log_invalid.txt" =>
            {
                continue;
            }
            other => other.unwrap_or_else(|error| panic!("{name}: {error:?}")),
        };
        read += 1;
        let is_odd = name.starts_with("streaming_score") || name == "log_tool_call_error.json";
        let contradictions = log.facts.anomalies.of_severity(Severity::Contradiction);
        assert_eq!(contradictions > 0, is_odd, "{name}: {:?}", log.facts.anomalies);
        if !log.samples.is_empty() {
            assert_reads_back(&log, &name);
        }
    }
    assert!(read >= 20, "{read}");
}

#[test]
fn the_popularity_log_recomputes_to_its_header() {
    if !data_is_there() {
        return;
    }
    let log = read("2025-09-23T08-09-58");
    assert!(log.facts.anomalies.worst().is_none(), "{:?}", log.facts.anomalies);
    assert_eq!((log.facts.expected(), log.samples.len()), (Some(100), 100));
    let found = estimate_of(&log, "match", "", ErrorUnit::Sample);
    assert_eq!((&found.mean, found.units), (&ratio(63, 100), 100));
    assert_eq!(found.variance_of_mean, ratio(63 * 37, 990_000));
    let check = |printed: &str| check_sqrt_rounding(&found.variance_of_mean, &Printed::parse(printed).unwrap());
    assert_eq!(
        (check(".04852"), check_rounding(&found.mean, &Printed::parse("0.63").unwrap())),
        (Rounding::Both, Rounding::Both)
    );
    // The log's own 0.048523658709390974 is a float: exact to 17 places, and off in the last.
    assert_eq!(check("0.04852365870939097"), Rounding::Both);
}

#[test]
fn three_hundred_epochs_of_one_sample_have_two_errors() {
    if !data_is_there() {
        return;
    }
    let log = read("am_mock");
    assert!(log.facts.anomalies.worst().is_none(), "{:?}", log.facts.anomalies);
    assert_eq!((log.facts.declared, log.samples.len()), (Some((1, 300)), 300));
    let by_sample = estimate_of(&log, "harm", "harmful", ErrorUnit::Sample);
    assert_eq!((by_sample.mean, by_sample.units), (ratio(18, 300), 1));
    assert!(by_sample.variance_of_mean.is_zero());
    let by_rollout = estimate_of(&log, "harm", "harmful", ErrorUnit::Rollout);
    assert_eq!((by_rollout.sum, by_rollout.units), (ratio(18, 1), 300));
    let printed = Printed::parse(".01373").unwrap();
    assert_eq!(check_sqrt_rounding(&by_rollout.variance_of_mean, &printed), Rounding::Both);
    assert_eq!(estimate_of(&log, "harm", "classifier_verdict", ErrorUnit::Rollout).sum, ratio(23, 1));
}

#[test]
fn a_dropped_sample_is_named() {
    if !data_is_there() {
        return;
    }
    let log = read("streaming_sample_dropped");
    assert_eq!(log.facts.anomalies.worst(), Some(Severity::Incomplete));
    assert_eq!(texts(&log, AnomalyCode::SampleMissing), ["(1, epoch 1)"]);
    assert_eq!(log.samples.len(), 3);
}

#[test]
fn a_flipped_score_contradicts_summary_header_and_reduction() {
    if !data_is_there() {
        return;
    }
    let log = read("streaming_score_flipped");
    assert_eq!(log.facts.anomalies.worst(), Some(Severity::Contradiction));
    let summaries = texts(&log, AnomalyCode::SummaryDisagrees);
    assert_eq!(
        summaries,
        [
            "(1, epoch 1): `match` is \"C\" in the sample, \"I\" in the journal",
            "(1, epoch 1): `match` is \"C\" in the sample, \"I\" in the summary"
        ]
    );
    let metrics = texts(&log, AnomalyCode::MetricDisagrees);
    assert_eq!(metrics[0], "match/match accuracy: the header says 0.75, the samples say 1");
    assert_eq!(texts(&log, AnomalyCode::ReductionDisagrees), ["1 match: stored 0.5, the samples reduce to 1"]);
    assert!(read("log_streaming.eval").facts.anomalies.worst().is_none());
}

#[test]
fn what_a_real_log_lacks_is_said() {
    if !data_is_there() {
        return;
    }
    for (name, code) in [
        ("no-samples.json", AnomalyCode::SampleMissing),
        ("28-13-04-00_popularity.json", AnomalyCode::NotSuccess),
        ("log_message_deduplication", AnomalyCode::NewerSchema),
        ("popularity_dPiJ", AnomalyCode::Unscored),
        ("log_formats.json", AnomalyCode::GridNotDeclared),
        ("log_tool_call_error", AnomalyCode::SampleNotDeclared),
    ] {
        assert!(read(name).facts.anomalies.count(code) > 0, "{name}");
    }
    assert!(read("popularity_dPiJ").samples.iter().all(|sample| sample.status == SampleStatus::Unscored));
    assert_eq!(read("log_with_nan").facts.metrics[0].lexeme, "NaN");
}

// --- logs made here ---------------------------------------------------------------------------------------------

fn sample(id: u64, epoch: u64, value: &str) -> String {
    format!(
        r#"{{"id":{id},"epoch":{epoch},"input":"q","target":"t","output":{{"choices":[{{"message":{{"content":"a"}},"stop_reason":"stop"}}]}},"scores":{{"m":{{"value":{value}}}}}}}"#
    )
}

fn header(ids: &str, epochs: u64, accuracy: &str) -> String {
    format!(
        r#"{{"version":2,"status":"success","eval":{{"task":"t","model":"m","dataset":{{"sample_ids":{ids}}},"config":{{"epochs":{epochs}}}}},"results":{{"scores":[{{"name":"m","scorer":"m","metrics":{{"accuracy":{{"value":{accuracy}}}}}}}]}}}}"#
    )
}

/// A sound log of two samples, as members.
fn sound() -> Vec<(String, String)> {
    vec![
        ("samples/1_epoch_1.json".to_owned(), sample(1, 1, "\"C\"")),
        ("samples/2_epoch_1.json".to_owned(), sample(2, 1, "0.0")),
        ("header.json".to_owned(), header("[1,2]", 1, "0.5")),
    ]
}

fn zip(members: &[(String, String)]) -> Vec<u8> {
    let entries = members.iter().map(|(name, text)| Entry::stored(name, text.as_bytes())).collect();
    Zip::of(entries).build()
}

fn json_log(samples: &[String], ids: &str, accuracy: &str) -> String {
    let header = header(ids, 1, accuracy);
    format!(r#"{},"samples":[{}]}}"#, &header[..header.len() - 1], samples.join(","))
}

#[test]
fn a_sound_log_has_no_anomalies_in_either_container() {
    let eval = read_bytes(&zip(&sound())).unwrap();
    let json = read_bytes(json_log(&[sample(1, 1, "\"C\""), sample(2, 1, "0.0")], "[1,2]", "0.5").as_bytes()).unwrap();
    assert_eq!((eval.facts.anomalies.worst(), json.facts.anomalies.worst()), (None, None));
    assert_eq!(eval.samples, json.samples, "the same sample bytes are the same records");
    assert_eq!((eval.facts.format.as_str(), json.facts.format.as_str()), ("inspect.eval", "inspect.json"));
}

#[test]
fn each_contradiction_is_found_for_its_own_reason() {
    let change = |at: usize, text: String| {
        let mut members = sound();
        members[at].1 = text;
        read_bytes(&zip(&members)).unwrap()
    };
    let count = |log: &EvalLog, code| log.facts.anomalies.count(code);
    assert_eq!(count(&change(2, header("[1,2]", 1, "0.51")), AnomalyCode::MetricDisagrees), 1);
    assert_eq!(count(&change(2, header("[1]", 1, "0.5")), AnomalyCode::SampleNotDeclared), 1);
    assert_eq!(
        texts(&change(2, header("[1,2]", 2, "0.5")), AnomalyCode::SampleMissing),
        ["(1, epoch 2)", "(2, epoch 2)"]
    );
    let renamed = change(0, sample(2, 1, "\"C\""));
    assert_eq!((count(&renamed, AnomalyCode::MemberName), count(&renamed, AnomalyCode::DuplicateSample)), (1, 1));
    let mut twice = sound();
    twice.insert(1, ("samples/1_epoch_1.json".to_owned(), sample(1, 1, "\"I\"")));
    assert_eq!(count(&read_bytes(&zip(&twice)).unwrap(), AnomalyCode::DuplicateMember), 1);
    let mut started = sound();
    started.push(("_journal/start.json".to_owned(), header("[1,2,3]", 1, "0.5")));
    assert_eq!(count(&read_bytes(&zip(&started)).unwrap(), AnomalyCode::StartDisagrees), 1);
    let mut entries: Vec<Entry> = sound().iter().map(|(name, text)| Entry::stored(name, text.as_bytes())).collect();
    entries.insert(0, Entry::stored("samples/9_epoch_1.json", b"{}").hidden());
    entries.insert(0, Entry::stored("header.json", b"{}").hidden());
    let edited = read_bytes(&Zip::of(entries.clone()).build()).unwrap();
    assert_eq!((count(&edited, AnomalyCode::HiddenSample), count(&edited, AnomalyCode::UnlistedMember)), (0, 1));
    entries.remove(0);
    assert_eq!(count(&read_bytes(&Zip::of(entries).build()).unwrap(), AnomalyCode::HiddenSample), 1);
    let mut chunked = sound();
    chunked.push(("samples/3_epoch_1/part".to_owned(), String::new()));
    assert_eq!(count(&read_bytes(&zip(&chunked)).unwrap(), AnomalyCode::UnknownMember), 1);
}

#[test]
fn a_log_in_flight_is_read_and_flagged() {
    let mut members = sound();
    members[2].0 = "_journal/start.json".to_owned();
    let log = read_bytes(&zip(&members)).unwrap();
    assert_eq!((log.samples.len(), log.facts.anomalies.count(AnomalyCode::HeaderMissing)), (2, 1));
    members.pop();
    assert!(matches!(read_bytes(&zip(&members)), Err(EvalLogError::NotALog { .. })));
}

#[test]
fn a_grid_of_absurd_size_costs_nothing() {
    let log = read_bytes(&zip(&[("header.json".to_owned(), header("[1,2]", u64::MAX >> 1, "0.5"))])).unwrap();
    assert_eq!(log.facts.anomalies.count(AnomalyCode::SampleMissing), u64::MAX - 1);
}

#[test]
fn odd_values_are_kept_as_what_they_are() {
    let scored = |value: &str| {
        let log = read_bytes(json_log(&[sample(1, 1, value)], "[1]", "1").as_bytes()).unwrap();
        let record = log.samples[0].clone();
        let score = record.score("m", "").cloned();
        (record.status, score)
    };
    for (value, status, number) in [
        ("NaN", SampleStatus::Unscored, None),
        ("null", SampleStatus::Unscored, None),
        ("Infinity", SampleStatus::Scored, None),
        ("true", SampleStatus::Scored, Some(ratio(1, 1))),
        ("0.10", SampleStatus::Scored, Some(ratio(1, 10))),
        ("1e999999999", SampleStatus::Scored, None),
        ("[1,2]", SampleStatus::Scored, None),
        ("\"\\ud800\"", SampleStatus::Scored, None),
        ("\"P\"", SampleStatus::Scored, Some(ratio(1, 2))),
    ] {
        let (found, score) = scored(value);
        let score = score.unwrap();
        assert_eq!((found, score.value()), (status, number.as_ref()), "{value}");
        assert!(score.lexeme() == value || score.lexeme().starts_with("json:"), "{value}");
    }
    let (_, none) = scored(r#"{"a":1,"b":"C"}"#);
    assert_eq!(none, None, "a value with keys has no scalar score");
}

#[test]
fn details_resolve_attachments_and_flag_what_is_odd() {
    let with = |input: &str, rest: &str| {
        let text = sample(1, 1, "1").replace(r#""input":"q""#, &format!(r#""input":{input}{rest}"#));
        read_bytes(json_log(&[text], "[1]", "1").as_bytes()).unwrap()
    };
    let surrogate = with(r#""\ud800""#, "");
    assert_eq!(surrogate.facts.anomalies.count(AnomalyCode::LoneSurrogate), 1);
    let missing = with(r#""attachment://00""#, "");
    assert_eq!(missing.facts.anomalies.count(AnomalyCode::AttachmentMissing), 1);
    let there = with(r#""attachment://00""#, r#","attachments":{"00":"q"}"#);
    assert!(there.facts.anomalies.worst().is_none());
    let edited = with(r#""q""#, r#","model_fallbacks":[{"model":"x"}],"limit":{"type":"token"}"#);
    assert_eq!(edited.facts.anomalies.count(AnomalyCode::ModelFallback), 1);
    assert_eq!(edited.samples[0].status, SampleStatus::Limit);
    assert_ne!(there.samples[0].details, missing.samples[0].details);
}

/// A log whose one sample was judged: its events and scores as given, the header with these arguments.
fn judged(score: &str, events: &str, arguments: &str) -> EvalLog {
    let text =
        sample(1, 1, "1").replace(r#""scores":{"m":{"value":1}}"#, &format!(r#""scores":{score},"events":[{events}]"#));
    let log =
        json_log(&[text], "[1]", "1").replace(r#""model":"m","#, &format!(r#""model":"m","task_args":{arguments},"#));
    read_bytes(log.as_bytes()).unwrap()
}

fn answer(span: &str, model: &str, role: &str, text: &str) -> String {
    format!(
        r#"{{"event":"model","span_id":"{span}","model":"{model}",{role}"output":{{"choices":[{{"message":{{"content":"{text}"}}}}]}}}}"#
    )
}

const SPAN: &str = r#"{"event":"span_begin","id":"s","type":"scorer","name":"NAME"},{"event":"span_begin","id":"t","parent_id":"s","type":"tool","name":"inner"}"#;

#[test]
fn the_judge_is_who_answered_and_not_who_was_asked_for() {
    let events = [
        answer("", "m", "", "the subject"),
        SPAN.replace("NAME", "harm"),
        answer("t", "judge/env", "", "<answer>no</answer>"),
    ];
    let score = r#"{"harm":{"value":{"harmful":0,"classifier_verdict":0}}}"#;
    let log = judged(score, &events.join(","), r#"{"grader_model":"judge/asked"}"#);
    let seen = |log: &EvalLog| -> Vec<(String, String, u64, bool)> {
        log.facts.observed.iter().map(|o| (o.model.clone(), o.role.clone(), o.samples, o.named)).collect()
    };
    assert_eq!(seen(&log), [("judge/env".to_owned(), "scorer".to_owned(), 1, false)]);
    assert_eq!(log.facts.anomalies.count(AnomalyCode::ModelNotNamed), 1);
    assert_eq!((log.facts.rejudged[0].agrees, log.facts.rejudged[0].parser.as_str()), (1, "am.answer-tag/1"));
    let asked = judged(score, &events.join(","), r#"{"grader_model":"judge/env"}"#);
    assert_eq!((seen(&asked)[0].3, asked.facts.anomalies.count(AnomalyCode::ModelNotNamed)), (true, 0));
    // The subject judging itself is seen, too; without a judge there is nothing to say.
    let itself = judged(r#"{"q":{"value":1}}"#, &answer("", "m", r#""role":"grader","#, "x"), "{}");
    assert_eq!(seen(&itself), [("m".to_owned(), "grader".to_owned(), 1, true)]);
    assert!(judged(r#"{"q":{"value":1}}"#, &events[0], "{}").facts.observed.is_empty());
    // Old logs have steps where newer ones have spans.
    let step = r#"{"event":"step","action":"begin","type":"scorer","name":"harm"}"#;
    let steps = judged(score, &[step.to_owned(), answer("", "j", "", "no")].join(","), "{}");
    assert_eq!(seen(&steps), [("j".to_owned(), "scorer".to_owned(), 1, false)]);
    assert_eq!(steps.facts.rejudged[0].agrees, 1);
}

#[test]
fn a_verdict_is_read_again_from_the_judges_own_text() {
    let graded = |score: &str, text: &str| {
        let events = [SPAN.replace("NAME", "model_graded_qa"), answer("s", "m", "", text)];
        judged(&format!(r#"{{"model_graded_qa":{score}}}"#), &events.join(","), "{}")
    };
    let count = |log: &EvalLog, code| log.facts.anomalies.count(code);
    let same = graded(r#"{"value":"C"}"#, "so GRADE: C");
    assert_eq!((count(&same, AnomalyCode::VerdictDisagrees), same.facts.rejudged[0].agrees), (0, 1));
    let flipped = graded(r#"{"value":"C"}"#, "so GRADE: I");
    assert_eq!(flipped.facts.anomalies.worst(), Some(Severity::Contradiction));
    assert_eq!(
        texts(&flipped, AnomalyCode::VerdictDisagrees),
        ["(1, epoch 1): `model_graded_qa` is \"C\", the judge wrote `GRADE: I`"]
    );
    // Edited in the open, it is listed with its author and read by nobody's rule.
    let history =
        r#"{"value":"C","history":[{"value":"I"},{"value":"C","provenance":{"author":"ann","reason":"typo"}}]}"#;
    let edited = graded(history, "so GRADE: I");
    assert_eq!((count(&edited, AnomalyCode::VerdictDisagrees), edited.facts.rejudged[0].unread), (0, 1));
    assert_eq!(texts(&edited, AnomalyCode::ScoreEdited), ["(1, epoch 1): `model_graded_qa` edited by ann: typo"]);
    // Without its events, what the scorer kept beside the score speaks.
    let kept = judged(r#"{"model_graded_qa":{"value":"C","explanation":"GRADE: I"}}"#, "", "{}");
    assert_eq!(count(&kept, AnomalyCode::VerdictDisagrees), 1);
    let harm = [SPAN.replace("NAME", "harm"), answer("s", "j", "", "<answer>yes</answer>")].join(",");
    let other = judged(r#"{"harm":{"value":{"classifier_verdict":0}}}"#, &harm, "{}");
    assert_eq!(other.facts.anomalies.worst(), Some(Severity::Incomplete));
    assert_eq!(count(&other, AnomalyCode::VerdictDiffers), 1);
}

#[test]
fn a_score_that_the_transcript_shows_otherwise_is_said() {
    let event = r#"{"event":"score","scorer":"q","score":{"value":0}}"#;
    let differs = judged(r#"{"q":{"value":1}}"#, event, "{}");
    assert_eq!(
        texts(&differs, AnomalyCode::ScoreEventDiffers),
        ["(1, epoch 1): `q` is 1, the transcript shows 0 being given"]
    );
    let later = format!(r#"{event},{{"event":"score","scorer":"q","score":{{"value":1}}}}"#);
    assert_eq!(judged(r#"{"q":{"value":1}}"#, &later, "{}").facts.anomalies.count(AnomalyCode::ScoreEventDiffers), 0);
    let twice = judged_bytes(r#"{"event":"score","event":"model"}"#);
    assert!(matches!(twice, Err(EvalLogError::Part { source: PartError::Json(JsonError::Duplicate { .. }), .. })));
}

fn judged_bytes(events: &str) -> Result<EvalLog, EvalLogError> {
    let text = sample(1, 1, "1").replacen('{', &format!(r#"{{"events":[{events}],"#), 1);
    read_bytes(json_log(&[text], "[1]", "1").as_bytes())
}

#[test]
fn retries_and_fallbacks_are_listed() {
    let with = |rest: &str| {
        let text = sample(1, 1, "1").replacen('{', &format!("{{{rest},"), 1);
        read_bytes(json_log(&[text], "[1]", "1").as_bytes()).unwrap()
    };
    let retried = with(r#""error_retries":[{"message":"a"},{"message":"b"}]"#);
    assert_eq!(texts(&retried, AnomalyCode::SampleRetried), ["(1, epoch 1): 2 runs before failed"]);
    let fallback = with(r#""model_fallbacks":[{"model":"m","fallback_model":"n"}]"#);
    assert!(texts(&fallback, AnomalyCode::ModelFallback)[0].contains(r#""fallback_model":"n""#));
}

#[test]
fn summaries_and_samples_account_for_each_other() {
    let summary = |id: u64, rest: &str| format!(r#"{{"id":{id},"epoch":1,"scores":{{"m":{{"value":"C"}}}}{rest}}}"#);
    let with = |name: &str, summaries: &[String]| {
        let mut members = sound();
        members.push((name.to_owned(), format!("[{}]", summaries.join(","))));
        read_bytes(&zip(&members)).unwrap()
    };
    let zero = r#"{"id":2,"epoch":1,"scores":{"m":{"value":0}}}"#.to_owned();
    let sound = with("summaries.json", &[summary(1, ""), zero.clone()]);
    assert!(sound.facts.anomalies.worst().is_none(), "{:?}", sound.facts.anomalies);
    let inserted = with("summaries.json", &[summary(1, "")]);
    assert_eq!(texts(&inserted, AnomalyCode::SampleNotSummarised), ["(2, epoch 1)"]);
    let dropped = with("summaries.json", &[summary(1, ""), zero.clone(), summary(3, "")]);
    assert_eq!(texts(&dropped, AnomalyCode::SummaryWithoutSample), ["(3, epoch 1)"]);
    let alone = with("_journal/summaries/1.json", &[summary(3, "")]);
    assert_eq!(alone.facts.anomalies.count(AnomalyCode::SummaryWithoutSample), 1);
    let failed = with("summaries.json", &[summary(1, r#","error":"boom""#), zero]);
    assert_eq!(failed.facts.anomalies.count(AnomalyCode::SummaryDisagrees), 1);
}

#[test]
fn each_metric_is_computed_by_its_own_rule() {
    // Five samples in two epochs each; the metadata says which of two clusters each belongs to.
    let scores = [(1, 1), (1, 0), (0, 0), (1, 1), (0, 1)];
    let samples: Vec<String> = scores
        .iter()
        .enumerate()
        .flat_map(|(i, (first, second))| {
            [(1, first), (2, second)].map(|(epoch, value)| {
                let metadata = format!(r#"{{"metadata":{{"c":"{}"}},"#, i % 2);
                sample(i as u64, epoch, &value.to_string()).replacen('{', &metadata, 1)
            })
        })
        .collect();
    let check = |reducer: &str, metrics: &str| {
        let header = header("[0,1,2,3,4]", 2, "1");
        let header = header.replace(
            r#""metrics":{"accuracy":{"value":1}}"#,
            &format!(r#""reducer":"{reducer}","metrics":{{{metrics}}}"#),
        );
        let log = format!(r#"{},"samples":[{}]}}"#, &header[..header.len() - 1], samples.join(","));
        let log = read_bytes(log.as_bytes()).unwrap();
        (texts(&log, AnomalyCode::MetricDisagrees).join("; "), texts(&log, AnomalyCode::NotRecomputed).join("; "))
    };
    let agrees = (String::new(), String::new());
    // What Inspect's own functions give for the reduced values 1, .5, 0, 1, .5 and so on.
    for (reducer, metrics) in [
        ("mean", r#""accuracy":{"value":0.6},"std":{"value":0.4183300132670378},"var":{"value":0.17500000000000002}"#),
        ("mean", r#""stderr":{"value":0.18708286933869706},"mean":{"name":"inspect_ai/mean","value":0.6}"#),
        ("mean", r#""stderr":{"value":0.12,"params":{"cluster":"c"}}"#),
        (
            "mean",
            r#""lower":{"name":"lower","group":"ci","value":0.0805746831582167},"upper":{"name":"upper","group":"ci","value":1.1194253168417831}"#,
        ),
        (
            "mean",
            r#""lower":{"name":"lower","group":"ci_wilson","value":0.23072428127601297},"upper":{"name":"upper","group":"ci_wilson","value":0.8823792257673521}"#,
        ),
        ("max", r#""accuracy":{"value":0.8}"#),
        ("mode", r#""accuracy":{"value":0.6}"#),
        ("median", r#""accuracy":{"value":0.6}"#),
        ("at_least_2", r#""accuracy":{"value":0.4}"#),
        ("pass_at_2", r#""accuracy":{"value":0.8}"#),
        ("pass_k_2", r#""accuracy":{"value":0.4}"#),
    ] {
        assert_eq!(check(reducer, metrics), agrees, "{reducer} {metrics}");
        let off = metrics.replacen("value\":0.", "value\":0.0", 1).replacen("value\":0.00", "value\":0.1", 1);
        assert_ne!(check(reducer, &off).0, "", "{reducer} {off}");
    }
    for (reducer, metrics, reason) in [
        ("mean", r#""bootstrap_stderr":{"value":0.1}"#, "resampled at random"),
        ("mean", r#""lower":{"name":"lower","group":"ci","value":0,"params":{"method":"bootstrap"}}"#, "resampled"),
        ("mean", r#""f1":{"value":0.1}"#, "no rule for this metric"),
        ("mean", r#""accuracy":{"value":0.6,"params":{"to_float":"mine"}}"#, "it has parameters"),
        ("mean", r#""stderr":{"value":0.6,"params":{"cluster":"none"}}"#, "no cluster"),
        ("majority", r#""accuracy":{"value":0.6}"#, "no majority"),
        ("pass_at_3", r#""accuracy":{"value":0.6}"#, "2 scored epochs"),
        ("mine", r#""accuracy":{"value":0.6}"#, "not supported"),
    ] {
        let (disagrees, said) = check(reducer, metrics);
        assert!(disagrees.is_empty() && said.contains(reason), "{reducer} {metrics}: {disagrees} {said}");
    }
}

#[test]
fn a_name_that_stands_twice_where_it_matters_is_refused() {
    for (from, to) in [
        (r#""epoch":1"#, r#""epoch":1,"epoch":2"#),
        (r#"{"id":1"#, r#"{"id":2,"id":1"#),
        (r#""scores":{"#, r#""scores":{},"scores":{"#),
        (r#""value":1"#, r#""value":0,"value":1"#),
        (r#""m":{"value":1}"#, r#""m":{"value":0},"m":{"value":1}"#),
        (r#""version":2"#, r#""version":2,"version":2"#),
        (r#""status":"success""#, r#""status":"error","status":"success""#),
    ] {
        let log = json_log(&[sample(1, 1, "1")], "[1]", "1");
        let changed = log.replacen(from, to, 1);
        assert_ne!(log, changed, "{from}");
        let refused = read_bytes(changed.as_bytes());
        assert!(
            matches!(refused, Err(EvalLogError::Part { source: PartError::Json(JsonError::Duplicate { .. }), .. })),
            "{to}: {refused:?}"
        );
    }
}

#[test]
fn what_is_no_log_is_refused_for_its_own_reason() {
    assert!(matches!(read_bytes(b""), Err(EvalLogError::Empty)));
    assert!(matches!(read_bytes(b"hello"), Err(EvalLogError::Unrecognised)));
    assert!(matches!(read_bytes(b"{}"), Err(EvalLogError::NotALog { .. })));
    assert!(matches!(read_bytes(br#"{"version":2}"#), Err(EvalLogError::NotALog { .. })));
    assert!(matches!(read_bytes(br#"{"version":99}"#), Err(EvalLogError::Schema { found: 99, known: 2 })));
    assert!(matches!(read_bytes(&zip(&[("a.txt".to_owned(), String::new())])), Err(EvalLogError::NotALog { .. })));
    assert!(matches!(read_bytes(&Zip::default().build()), Err(EvalLogError::NotALog { .. })));
    let odd_id = json_log(&[sample(1, 1, "1").replacen('1', "1.5", 1)], "[1]", "1");
    assert!(matches!(read_bytes(odd_id.as_bytes()), Err(EvalLogError::Part { source: PartError::Id { .. }, .. })));
}

#[test]
fn a_log_cut_at_any_byte_is_refused() {
    let eval = zip(&sound());
    for len in 0..eval.len() {
        assert!(read_bytes(&eval[..len]).is_err(), "{len}");
    }
    let json = json_log(&[sample(1, 1, "\"C\""), sample(2, 1, "0.0")], "[1,2]", "0.5");
    for len in 0..json.len() {
        assert!(read_bytes(&json.as_bytes()[..len]).is_err(), "{len}");
    }
}

#[test]
fn a_log_with_any_byte_changed_never_panics_nor_reads_the_same_unnoticed() {
    if !data_is_there() {
        return;
    }
    let path = real("log_read_sample.eval");
    let bytes = std::fs::read(path).unwrap();
    let whole = read_bytes(&bytes).unwrap();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x41;
        if let Ok(log) = read_bytes(&changed) {
            // Dates, versions and attributes in ZIP headers carry nothing that is recorded.
            assert_eq!(log.samples, whole.samples, "{at}");
        }
    }
    let id = SampleId::Int(1);
    assert_eq!(whole.samples[0].key.id, id);
}

#[test]
fn what_is_too_deep_or_too_long_in_a_log_is_refused_by_name() {
    let with = |sample: String| read_bytes(json_log(&[sample], "[1]", "1").as_bytes());
    let deep = sample(1, 1, "1").replacen('{', &format!("{{\"store\":{}{},", "[".repeat(200), "]".repeat(200)), 1);
    assert!(matches!(with(deep), Err(EvalLogError::Part { source: PartError::Json(JsonError::Depth { .. }), .. })));
    let long_id = sample(1, 1, "1").replacen("\"id\":1", &format!("\"id\":\"{}\"", "x".repeat(2000)), 1);
    let Err(EvalLogError::Part { part, source }) = with(long_id) else { panic!("an id of 2000 bytes was read") };
    let length = SamplesError::TextLength { what: "a sample id", found: 2000, limit: 1024 };
    assert_eq!((part.as_str(), source), ("samples[0]", PartError::Samples(length)));
    let digits = with(sample(1, 1, &"1".repeat(100)));
    assert!(matches!(digits, Err(EvalLogError::Part { source: PartError::Samples(_), .. })));
    let many: Vec<String> = (0..5000).map(|key| format!("\"k{key}\":1")).collect();
    let scores = with(sample(1, 1, &format!("{{{}}}", many.join(","))));
    let counted = |found| PartError::Samples(SamplesError::ScoreCount { found });
    assert!(matches!(scores, Err(EvalLogError::Part { source, .. }) if source == counted(5000)));
}

#[test]
fn members_of_many_batches_are_read_in_their_order_whatever_the_threads_do() {
    // Stored members of 3 MiB make several batches; one of 5 MiB is read alone.
    let filler = |mib: usize| format!(r#""store":{{"filler":"{}"}},"#, "x".repeat(mib << 20));
    let members: Vec<(String, String)> = (1..=8_u64)
        .map(|id| {
            let text = sample(id, 1, if id % 2 == 0 { "1" } else { "\"\\ud800\"" });
            let text = text.replacen('{', &format!("{{{}", filler(if id == 5 { 5 } else { 3 })), 1);
            (format!("samples/{id}_epoch_1.json"), text)
        })
        .chain([("header.json".to_owned(), header("[1,2,3,4,5,6,7,8]", 1, "0.5"))])
        .collect();
    let log = read_bytes(&zip(&members)).unwrap();
    let ids: Vec<String> = log.samples.iter().map(|sample| sample.key.id.to_string()).collect();
    assert_eq!(ids, ["1", "2", "3", "4", "5", "6", "7", "8"]);
    assert_eq!(
        texts(&log, AnomalyCode::UnreadableScore),
        ["(1, epoch 1)", "(3, epoch 1)", "(5, epoch 1)", "(7, epoch 1)"]
    );
    assert_eq!(log.facts.anomalies.worst(), Some(Severity::Note), "the mean of four ones and four texts is .5");
}

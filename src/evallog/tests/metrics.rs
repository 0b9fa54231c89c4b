//! Every rule of Inspect's metrics and reducers, held to what `inspect_ai` itself printed for the same scores.
//!
//! `tests/oracles/inspect_metrics.py` wrote the figures. Letters, booleans and numbers, scores that are missing, dictionaries
//! of scores, one sample alone; six reducers; plain, clustered, grouped and resampled metrics.

use super::*;
use crate::json::Value;

const ORACLE: &str = include_str!("../../../tests/oracles/inspect_metrics.json");

/// Samples as Inspect writes them, and the list of results.
fn oracle() -> (Vec<String>, String) {
    let oracle = Value::parse(ORACLE.as_bytes()).unwrap().object().unwrap();
    let samples = oracle.require("samples").unwrap().items().map(|sample| sample.raw().to_owned()).collect();
    (samples, oracle.require("scores").unwrap().raw().to_owned())
}

fn log(samples: &[String], scores: &str) -> EvalLog {
    let head = r#"{"version":2,"status":"success","eval":{"task":"t","model":"m","dataset":{"sample_ids":[0,1,2,3,4,5,6]},"config":{"epochs":4}},"results":{"scores":"#;
    read_bytes(format!(r#"{head}{scores}}},"samples":[{}]}}"#, samples.join(",")).as_bytes()).unwrap()
}

#[test]
fn every_rule_of_inspects_metrics_gives_what_inspect_says() {
    let (samples, scores) = oracle();
    let found = log(&samples, &scores);
    assert_eq!(super::texts(&found, AnomalyCode::MetricDisagrees), Vec::<&str>::new());
    let list = Value::parse(scores.as_bytes()).unwrap();
    let (mut all, mut random) = (0, 0);
    for score in list.items() {
        for (_, metric) in score.object().unwrap().object("metrics").unwrap().distinct().unwrap() {
            let fields = metric.object().unwrap();
            all += 1;
            // No one can compute again what was drawn at random.
            random += u64::from(metric.raw().contains("bootstrap"));
            assert!(fields.get("value").unwrap().is_some());
        }
    }
    let said = texts(&found, AnomalyCode::NotRecomputed);
    let others: Vec<&&str> = said.iter().filter(|text| !text.contains("resampled at random")).collect();
    assert!(others.is_empty(), "{others:?}");
    assert_eq!((all, found.facts.anomalies.count(AnomalyCode::NotRecomputed)), (456, random));
}

#[test]
fn any_metric_a_little_off_disagrees_or_is_one_that_nobody_can_compute() {
    let (samples, scores) = oracle();
    // The metrics of the first reducer: all others differ in nothing but the values that come in.
    let scores: Vec<String> =
        Value::parse(scores.as_bytes()).unwrap().items().map(|score| score.raw().to_owned()).collect();
    let of_first: Vec<&String> = scores.iter().filter(|score| score.contains(r#""reducer":"mean""#)).collect();
    assert_eq!(of_first.len(), 5);
    for score in of_first {
        let metrics = Value::parse(score.as_bytes()).unwrap().object().unwrap().object("metrics").unwrap();
        for (key, metric) in metrics.distinct().unwrap() {
            let (raw, fields) = (metric.raw(), metric.object().unwrap());
            let value = fields.require("value").unwrap();
            let other = value.raw().parse::<f64>().unwrap() + 1e-6;
            let off = raw.replacen(&format!("\"value\":{}", value.raw()), &format!("\"value\":{other}"), 1);
            assert_ne!(off, raw);
            let changed = score.replacen(&format!("\"{key}\":{raw}"), &format!("\"{key}\":{off}"), 1);
            let found = log(&samples, &format!("[{changed}]"));
            let disagrees = texts(&found, AnomalyCode::MetricDisagrees);
            assert_eq!(disagrees.len(), usize::from(!raw.contains("bootstrap")), "{raw}: {disagrees:?}");
        }
    }
}

#[test]
fn a_group_that_cannot_be_told_is_said_and_not_guessed() {
    let (samples, _) = oracle();
    let check = |name: &str, params: &str, samples: &[String]| {
        let metric = format!(r#""{name}":{{"name":"{name}","group":"grouped","value":0.1,"params":{{{params}}}}}"#);
        let score = format!(r#"[{{"name":"letters","scorer":"letters","reducer":"mean","metrics":{{{metric}}}}}]"#);
        texts(&log(samples, &score), AnomalyCode::NotRecomputed).join("; ")
    };
    let mean = r#""metric":{"type":"metric","name":"mean","params":{}}"#;
    let listed: Vec<String> =
        samples.iter().map(|sample| sample.replace(r#""group":"x""#, r#""group":["x"]"#)).collect();
    for (name, params, reason) in [
        ("x", r#""group_key":"group""#.to_owned(), "which metric it groups"),
        ("x", mean.to_owned(), "what it groups by"),
        ("x", format!(r#"{mean},"group_key":"none""#), "a sample has no group"),
        ("z", format!(r#"{mean},"group_key":"group""#), "no sample is in a group of that name"),
        ("all", format!(r#"{mean},"group_key":"group","all":false"#), "no sample is in a group of that name"),
        ("x", format!(r#"{mean},"group_key":"group","all":"most""#), "a way that is not known"),
        ("x", format!(r#"{mean},"group_key":"group","all_label":1"#), "no text"),
        (
            "x",
            format!(r#"{mean},"group_key":"group","name_template":"{{a}} {{group_name}}""#),
            "a way that is not known",
        ),
        ("x", format!(r#"{mean},"group_key":"group","value_to_float":"mine""#), "it has parameters"),
        ("x", format!(r#"{mean},"group_key":"group","all_label":"x""#), "a group is called as all samples are"),
        ("x", r#""metric":{"name":"f1"},"group_key":"group""#.to_owned(), "no rule for this metric"),
        ("x", r#""metric":{"name":"ci"},"group_key":"group""#.to_owned(), "no rule for this metric"),
    ] {
        let said = check(name, &params, &samples);
        assert!(said.contains(reason), "{name} {params}: {said}");
    }
    let said = check("y", &format!(r#"{mean},"group_key":"group""#), &listed);
    assert!(said.contains("the name of a group is not known"), "{said}");
}

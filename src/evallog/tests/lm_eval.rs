//! lm-evaluation-harness: the log in the data folder, and logs made here with one thing wrong.

use super::*;
use crate::digest::{Sha256Digest, hex};

fn sha(text: &str) -> String {
    hex(Sha256Digest::of(text.as_bytes()).as_bytes())
}

/// One line whose hashes hold.
fn line(id: u64, filter: &str, value: &str) -> String {
    let (document, prompt, target) = (format!("{{\n  \"q\": {id}\n}}"), format!("Q{id}"), "t");
    format!(
        r#"{{"doc_id":{id},"doc":{{"q": {id}}},"target":"t","arguments":{{"gen_args_0":{{"arg_0":"Q{id}"}}}},"resps":[["a"]],"filter":"{filter}","metrics":["exact_match"],"doc_hash":"{}","prompt_hash":"{}","target_hash":"{}","exact_match":{value}}}"#,
        sha(&document),
        sha(&prompt),
        sha(target)
    )
}

fn task_hash(lines: &[String]) -> String {
    let hash = |line: &String, name: &str| line.split(&format!("\"{name}\":\"")).nth(1).unwrap()[..64].to_owned();
    let all: String =
        lines.iter().flat_map(|line| ["doc_hash", "prompt_hash", "target_hash"].map(|name| hash(line, name))).collect();
    sha(&all)
}

fn results(lines: &[String], original: u64, metrics: &str) -> String {
    format!(
        r#"{{"results":{{"t":{{"alias":"t",{metrics}}}}},"n-samples":{{"t":{{"original":{original},"effective":{}}}}},"task_hashes":{{"t":"{}"}},"model_name":"m"}}"#,
        lines.len(),
        task_hash(lines)
    )
}

fn lines() -> Vec<String> {
    vec![line(0, "none", "1.0"), line(1, "none", "0.0"), line(2, "none", "1.0")]
}

const METRICS: &str = r#""exact_match,none":0.6666666666666666,"exact_match_stderr,none":0.33333333333333337"#;

fn read_pair(results: &str, lines: &[String]) -> EvalLog {
    let samples = lines.join("\n");
    let name = "samples_t_2026-01-01T00-00-00.000000.jsonl";
    read_files(&[(name, samples.as_bytes()), ("results_2026-01-01T00-00-00.000000.json", results.as_bytes())], None)
        .unwrap()
}

#[test]
fn the_log_in_the_data_folder_recomputes_hash_for_hash() {
    if !data_is_there() {
        return;
    }
    let folder = logs().join("../lm_eval");
    let mut files = Vec::new();
    walk(&folder, &mut files);
    let files: Vec<(String, Vec<u8>)> = files
        .iter()
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(path).unwrap()))
        .collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let log = read_files(&files, None).unwrap();
    assert!(log.facts.anomalies.worst().is_none(), "{:?}", log.facts.anomalies);
    assert_eq!((log.samples.len(), log.facts.declared, log.facts.reader.as_str()), (20, Some((20, 1)), "lm-eval/1"));
    assert_eq!(log.facts.metrics.len(), 2);
    let sum = log.samples.iter().filter_map(|s| s.score("toy_add", "exact_match,none")?.value().cloned());
    assert_eq!(sum.sum::<BigRational>(), ratio(15, 1));
    assert_eq!(log.samples[0].key.to_string(), r#"(cell "toy_add", condition "none", 0, epoch 1)"#);
    assert_reads_back(&log, "lm_eval");
}

#[test]
fn each_disagreement_has_its_own_name() {
    let sound = lines();
    let told = |results: &str, lines: &[String]| {
        let log = read_pair(results, lines);
        let counts = log.facts.anomalies.counts().iter().map(|(code, count)| (code.name(), *count));
        counts.collect::<Vec<_>>()
    };
    let header = results(&sound, 3, METRICS);
    assert_eq!(told(&header, &sound), []);
    assert_eq!(told(&results(&sound, 100, METRICS), &sound), [("limited", 1)]);
    // A dropped line: its sample, and with it the task's hash.
    assert_eq!(told(&header, &sound[..2]), [("sample-missing", 1), ("not-recomputed", 2), ("hash-disagrees", 1)]);
    // A score that was edited is seen in the metrics alone: no hash covers it.
    let mut edited = sound.clone();
    edited[1] = line(1, "none", "1.0");
    assert_eq!(told(&header, &edited), [("metric-disagrees", 2)]);
    let mut document = sound.clone();
    document[1] = document[1].replace(r#""doc":{"q": 1}"#, r#""doc":{"q": 7}"#);
    assert_eq!(told(&header, &document), [("hash-disagrees", 1)]);
    let mut prompt = sound.clone();
    prompt[1] = prompt[1].replace("Q1", "Q7");
    assert_eq!(told(&header, &prompt), [("hash-disagrees", 1)]);
    let twice = [sound.clone(), vec![sound[0].clone()]].concat();
    assert_eq!(told(&header, &twice), [("duplicate-sample", 1), ("hash-disagrees", 1)]);
    let bare = header.replace("task_hashes", "other");
    assert_eq!(told(&bare, &sound), [("not-recomputed", 1)]);
}

#[test]
fn filters_are_samples_of_their_own_and_other_aggregations_are_not_guessed() {
    let two: Vec<String> = ["strict", "loose"].iter().flat_map(|f| [line(0, f, "1.0"), line(1, f, "0.0")]).collect();
    let metrics = r#""exact_match,strict":0.5,"exact_match,loose":0.5,"exact_match_stderr,loose":"N/A""#;
    let header = results(&two, 2, metrics).replace(r#""effective":4"#, r#""effective":2"#);
    let log = read_pair(&header, &two);
    assert!(log.facts.anomalies.worst().is_none(), "{:?}", log.facts.anomalies);
    assert_eq!((log.samples.len(), log.facts.declared), (4, Some((4, 1))));
    let f1 = results(&lines(), 3, r#""exact_match,none":0.9"#).replace(
        r#""model_name""#,
        r#""configs":{"t":{"metric_list":[{"metric":"exact_match","aggregation":"f1"}]}},"model_name""#,
    );
    let log = read_pair(&f1, &lines());
    assert_eq!(texts(&log, AnomalyCode::NotRecomputed), ["t exact_match,none f1: no rule for the aggregation `f1`"]);
}

#[test]
fn what_is_no_such_log_is_refused() {
    let header = results(&lines(), 3, METRICS);
    let pair = |header: &str, samples: &str| {
        read_files(&[("results_1.json", header.as_bytes()), ("samples_t_1.jsonl", samples.as_bytes())], None)
    };
    assert!(matches!(
        pair("{}", ""),
        Err(EvalLogError::Part { source: PartError::Json(JsonError::Missing { .. }), .. })
    ));
    assert!(matches!(pair(r#"{"results":[]}"#, ""), Err(EvalLogError::Part { .. })));
    let cut = lines()[0][..50].to_owned();
    let in_file = |refused: Result<EvalLog, EvalLogError>| match refused {
        Err(EvalLogError::File { name, source }) if name == "samples_t_1.jsonl" => source,
        other => panic!("{other:?}"),
    };
    let at = *in_file(pair(&header, &cut));
    assert!(matches!(at, EvalLogError::Row { source: RowError::Json(JsonError::Truncated), .. }));
    let no_id = lines()[0].replace("doc_id", "id");
    assert!(matches!(*in_file(pair(&header, &no_id)), EvalLogError::Row { source: RowError::Json(_), .. }));
    let several = [("results_1.json", header.as_bytes()), ("results_2.json", b"{}"), ("samples_t_1.jsonl", b"")];
    assert!(matches!(read_files(&several, None), Err(EvalLogError::Several { found: 2, .. })));
    // Results alone are read, and every sample is missing.
    let alone = read_files(&[("results_1.json", header.as_bytes())], None).unwrap();
    assert_eq!(alone.facts.anomalies.count(AnomalyCode::SampleMissing), 3);
    assert!(alone.samples.is_empty());
    let unknown = read_pair(&header.replace(r#""t":"#, r#""u":"#), &lines());
    assert_eq!(unknown.facts.anomalies.count(AnomalyCode::CountDisagrees), 1);
}

#[test]
fn what_was_asked_and_how_it_was_sampled_is_read_from_configuration_and_requests() {
    let said = |config: &str| {
        let header = results(&lines(), 3, METRICS);
        let header = format!("{},{config}}}", header.strip_suffix('}').unwrap());
        read_pair(&header, &lines()).reading.unwrap()
    };
    let task = |name: &str, temperature: &str| {
        format!(
            r#""{name}":{{"doc_to_text":"Q{{{{q}}}}","doc_to_target":"<function f at 0x7f>","num_fewshot":2,
            "generation_kwargs":{{"temperature":{temperature},"max_gen_toks":32,"until":["\n"]}}}}"#
        )
    };
    let reading = said(&format!(r#""git_hash":"abc","configs":{{{}}}"#, task("t", "0.7")));
    for (name, text) in [
        ("generate.temperature", "0.7"),
        ("generate.max_tokens", "32"),
        ("generate.until", r#"["\n"]"#),
        ("task_args.t.num_fewshot", "2"),
        ("task_args.t.doc_to_text", "Q{{q}}"),
        ("revision.commit", "abc"),
    ] {
        assert_eq!(reading.facts.get(name).map(String::as_str), Some(text), "{name}: {reading:?}");
    }
    assert!(!reading.facts.contains_key("task_args.t.doc_to_target"));
    assert_eq!((reading.counts["prompts"], reading.counts["prompts.several"]), (3, 0));
    assert!(reading.facts.contains_key("prompt.t.0") && reading.facts.contains_key("prompts"));
    // What the run was given overrides its tasks, however it is written.
    for given in [r#"{"temperature":1.5}"#, r#""temperature=1.5,top_p=1""#] {
        let config = format!(r#""config":{{"gen_kwargs":{given}}},"configs":{{{}}}"#, task("t", "0.7"));
        assert_eq!(said(&config).facts["generate.temperature"], "1.5");
    }
    // Two tasks that do not sample alike have no one temperature.
    let reading = said(&format!(r#""configs":{{{},{}}}"#, task("t", "0.7"), task("u", "0")));
    assert!(!reading.facts.contains_key("generate.temperature"));
    assert_eq!(reading.facts["generate.u.temperature"], "0");
    assert_eq!(reading.facts["generate.max_tokens"], "32");
}

#[test]
fn one_document_that_was_asked_in_two_wordings_is_counted_and_filters_repeat_one_answer() {
    let answered = |line: String| line.replace(r#"[["a"]]"#, &format!(r#"[["{}"]]"#, "long ".repeat(30)));
    let of = |lines: &[String]| {
        let metrics = r#""exact_match,none":1.0,"exact_match,strict":1.0"#;
        read_pair(&results(lines, 1, metrics), lines).reading.unwrap()
    };
    let both = [answered(line(0, "none", "1.0")), answered(line(0, "strict", "1.0"))];
    let reading = of(&both);
    assert_eq!((reading.counts["completions.long"], reading.counts["completions.repeated"]), (1, 0));
    assert_eq!((reading.counts["prompts"], reading.counts["prompts.several"]), (1, 0));
    let other = [both[0].clone(), both[1].replace(r#""arg_0":"Q0""#, r#""arg_0":"Q zero""#)];
    assert_eq!(of(&other).counts["prompts.several"], 1);
}

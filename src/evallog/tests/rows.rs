//! Tables of scores: JSON lines and CSV by a map of columns, counts without samples, and what is refused.

use proptest::prelude::*;

use super::*;
use crate::artifact::samples::{SampleKey, SampleRecord};
use crate::statement::Reading;

const MAP: &str = "sample=id,score.harm=h";

fn rows(text: &str, map: &str) -> Result<EvalLog, EvalLogError> {
    read_files(&[("rows.jsonl", text.as_bytes())], Some(map))
}

fn refused(text: &str, map: &str) -> (u64, RowError) {
    match rows(text, map) {
        Err(EvalLogError::Row { place, source }) => (place.line, source),
        other => panic!("{text}: {other:?}"),
    }
}

fn keys(log: &EvalLog) -> Vec<String> {
    log.samples.iter().map(|sample| sample.key.to_string()).collect()
}

fn lexemes(log: &EvalLog) -> Vec<(&str, Option<BigRational>)> {
    log.samples.iter().map(|s| s.score("harm", "").unwrap()).map(|s| (s.lexeme(), s.value().cloned())).collect()
}

#[test]
fn json_lines_become_records_with_exact_scores() {
    let text = concat!(
        r#"{"id": "q1", "run": 1, "seed": 7, "arm": "msm", "eval": "am", "scorer": "j", "h": 0.10, "x": 1}"#,
        "\n\n",
        r#"{"id": "q1", "run": 2, "seed": 7, "arm": "msm", "eval": "am", "scorer": "j", "h": true}"#,
        "\r\n",
        r#"{"id": 1, "run": 1, "seed": 7, "arm": "msm", "eval": "am", "scorer": "j", "h": null, "error": "boom"}"#,
    );
    let map = "sample=id,epoch=run,seed=seed,cell=arm,condition=eval+scorer,score.harm=h,error=error";
    let log = rows(text, map).unwrap();
    assert_eq!(
        keys(&log),
        [
            r#"(cell "msm", condition "am / j", 1, seed 7, epoch 1)"#,
            r#"(cell "msm", condition "am / j", "q1", seed 7, epoch 1)"#,
            r#"(cell "msm", condition "am / j", "q1", seed 7, epoch 2)"#,
        ]
    );
    assert_eq!(lexemes(&log), [("null", None), ("0.10", Some(ratio(1, 10))), ("true", Some(ratio(1, 1)))]);
    let status: Vec<SampleStatus> = log.samples.iter().map(|sample| sample.status).collect();
    assert_eq!(status, [SampleStatus::Error, SampleStatus::Scored, SampleStatus::Scored]);
    assert_eq!((log.facts.format.as_str(), log.facts.status.as_deref()), ("rows.jsonl", None));
    assert_eq!(ColumnMap::of_projection(&log.facts.reader), Some(ColumnMap::parse(map).unwrap()));
    assert_reads_back(&log, map);
}

#[test]
fn csv_means_the_same_as_json_where_it_can() {
    let csv = "id,h,note\n1,0.10,\"a,\n b\"\n2,True,\n03,,x\n4,NaN,x\n5,maybe,x\n6,-1e-1,x\n";
    let log = read_files(&[("scores.csv", csv.as_bytes())], Some(MAP)).unwrap();
    assert_eq!(log.facts.format, "rows.csv");
    let ids: Vec<SampleId> = log.samples.iter().map(|sample| sample.key.id.clone()).collect();
    assert!(ids.contains(&SampleId::Int(1)) && ids.contains(&SampleId::Text("03".to_owned())), "{ids:?}");
    let mut found = lexemes(&log);
    found.sort_by_key(|(lexeme, _)| (*lexeme).to_owned());
    assert_eq!(
        found,
        [
            ("\"True\"", Some(ratio(1, 1))),
            ("\"maybe\"", None),
            ("-1e-1", Some(ratio(-1, 10))),
            ("0.10", Some(ratio(1, 10))),
            ("NaN", None),
            ("null", None),
        ]
    );
    assert_eq!(log.facts.anomalies.count(AnomalyCode::Unscored), 2);
    assert_eq!(log.facts.anomalies.count(AnomalyCode::UnreadableScore), 1);
    assert_reads_back(&log, "every lexeme means its number again");
}

#[test]
fn a_path_reaches_into_a_row_unless_a_column_has_that_name() {
    let log = rows(r#"{"id":1,"scores":{"h":1},"a.b":0}"#, "sample=id,score.harm=scores.h,score.dot=a.b").unwrap();
    assert_eq!(log.samples[0].score("harm", "").unwrap().lexeme(), "1");
    assert_eq!(log.samples[0].score("dot", "").unwrap().lexeme(), "0");
}

#[test]
fn what_cannot_be_one_table_is_refused_with_its_line() {
    for (text, map, line, error) in [
        ("{\"id\":1,\"h\":1}\n{\"id\":1,\"h\":0}", MAP, 2, RowError::Duplicate { key: "(1, epoch 1)".to_owned() }),
        ("{\"id\":1,\"h\":1,\"h\":0}", MAP, 1, RowError::Json(JsonError::Duplicate { name: "h".to_owned() })),
        ("{\"id\":1,\"h\":1}\n[1]", MAP, 2, RowError::NotAnObject { found: "an array" }),
        ("{\"id\":1,\"h\":1}\n{\"id\":1", MAP, 2, RowError::Json(JsonError::Truncated)),
        ("{\"id\":null,\"h\":1}", MAP, 1, RowError::Empty { role: "sample", column: "id".to_owned() }),
        ("{\"id\":[1],\"h\":1}", MAP, 1, RowError::NotAName { role: "sample", column: "id".to_owned() }),
        ("{\"id\":\"\\ud800\",\"h\":1}", MAP, 1, RowError::NotAName { role: "sample", column: "id".to_owned() }),
        (
            "{\"id\":1,\"h\":1,\"e\":\"x\"}",
            "sample=id,score.harm=h,epoch=e",
            1,
            RowError::NotAnInteger { role: "epoch", column: "e".to_owned() },
        ),
        (
            "{\"id\":1,\"h\":1,\"e\":-1}",
            "sample=id,score.harm=h,epoch=e",
            1,
            RowError::Negative { role: "epoch", found: -1 },
        ),
        (
            "{\"id\":1,\"h\":1,\"s\":\"odd\"}",
            "sample=id,score.harm=h,status=s",
            1,
            RowError::Status { found: "odd".to_owned() },
        ),
        ("{\"n\":1,\"k\":2}", "n=n,k=k", 1, RowError::Counts { k: 2, n: 1 }),
        ("{\"n\":1,\"k\":1}\n{\"n\":2,\"k\":1}", "n=n,k=k", 2, RowError::Duplicate { key: "(\"\", \"\")".to_owned() }),
    ] {
        assert_eq!(refused(text, map), (line, error), "{text}");
    }
    let deep = format!("{{\"id\":1,\"h\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    assert!(matches!(refused(&deep, MAP), (1, RowError::Json(JsonError::Depth { .. }))));
    let long = format!("{{\"id\":\"{}\",\"h\":1}}", "x".repeat(2000));
    assert!(matches!(refused(&long, MAP), (1, RowError::LongName { found: 2000, .. })));
    let digits = format!("{{\"id\":1,\"h\":{}}}", "1".repeat(100));
    assert!(matches!(refused(&digits, MAP), (1, RowError::Samples(SamplesError::TextLength { .. }))));
    assert!(matches!(rows("{\"id\":1}", MAP), Err(EvalLogError::NoColumn { column }) if column == "h"));
    assert!(matches!(rows("id,h,h\n1,1,1\n", MAP), Err(EvalLogError::TwoColumns { column }) if column == "h"));
    for csv in ["id,h\n1\n", "id,h\n1,2,3\n", "id,h\n\u{fffd}"] {
        assert!(rows(csv, MAP).is_err(), "{csv}");
    }
    let not_utf8 = read_files(&[("x.csv", b"id,h\n\xff,1\n")], Some(MAP));
    assert!(matches!(not_utf8, Err(EvalLogError::Row { source: RowError::Csv(_), .. })), "{not_utf8:?}");
    assert!(matches!(rows("", MAP), Err(EvalLogError::Empty)));
    let two = read_files(&[("a", b"{}"), ("b", b"{}")], Some(MAP));
    assert!(matches!(two, Err(EvalLogError::Unrecognised)));
}

#[test]
fn seeds_that_are_one_run_are_noted() {
    let table = |third: u8| {
        let row = |seed: u8, id: u8, h: u8| format!("{{\"id\":{id},\"s\":{seed},\"h\":{h}}}\n");
        [row(0, 1, 1), row(0, 2, 0), row(1, 1, 1), row(1, 2, 0), row(2, 1, 1), row(2, 2, third)].concat()
    };
    let same = |third: u8| {
        let log = rows(&table(third), "sample=id,seed=s,score.harm=h").unwrap();
        texts(&log, AnomalyCode::SameRun).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(same(1), ["seeds [0, 1] agree in every score"], "all ones are no evidence");
    assert_eq!(same(0), ["seeds [0, 1, 2] agree in every score"]);
}

fn arcadia(name: &str, map: &str) -> Reading {
    let root = std::env::var_os("REPROLEDGER_TESTDATA").unwrap();
    let bytes = std::fs::read(Path::new(&root).join("msm/arcadia").join(name)).unwrap();
    let log = read_files(&[(name, &bytes)], Some(map)).unwrap();
    assert!(log.samples.is_empty(), "a count is no sample");
    log.reading.unwrap()
}

#[test]
fn the_arcadia_rows_recompute_and_the_baseline_seeds_are_one_run() {
    if !data_is_there() {
        return;
    }
    let map = "cell=arm,condition=eval,seed=seed,n=n,k=n_aligned,valid=n_valid,rate=rate,run=model_path";
    let figure = arcadia("msm_fig2_repro.results.jsonl", map);
    assert_eq!((figure.counts["rates"], figure.counts["rates.recomputed"]), (24, 24));
    let remarks: Vec<&str> = figure.remarks.iter().map(|remark| remark.text.as_str()).collect();
    assert_eq!(
        remarks,
        [
            "\"Baseline\": seeds [0, 1] have the same counts everywhere (132 of 400, 116 of 497)",
            "\"Baseline\": seeds [0, 1] are of one run, `meta-llama/Llama-3.1-8B`",
        ]
    );
    let map = "cell=cell+chain,condition=eval+scorer,seed=seed,n=n,k=n_aligned,valid=n_valid,rate=rate,ci=ci95";
    let sweep = arcadia("msm_ablation_sweep.sweep_results.first35.jsonl", map);
    assert_eq!((sweep.counts["rates"], sweep.counts["rates.recomputed"]), (35, 35));
    assert_eq!((sweep.counts["intervals"], sweep.counts["intervals.recomputed"]), (35, 35));
    assert!(sweep.remarks.is_empty(), "{:?}", sweep.remarks);
}

#[test]
fn a_rate_or_interval_that_its_counts_do_not_give_is_remarked() {
    let read = |row: &str| {
        let map = "n=n,k=k,valid=v,rate=r,ci.lower=lo,ci.upper=hi";
        rows(row, map).unwrap().reading.unwrap()
    };
    let codes = |row: &str| read(row).remarks.into_iter().map(|remark| remark.code).collect::<Vec<_>>();
    assert!(codes(r#"{"n":400,"k":173,"v":400,"r":0.4325,"lo":0.3848,"hi":0.4815}"#).is_empty());
    assert!(codes(r#"{"n":400,"k":173,"v":400,"r":0.43,"lo":0.3848,"hi":0.4815}"#).is_empty());
    assert_eq!(codes(r#"{"n":400,"k":173,"v":400,"r":0.44,"lo":0.3848,"hi":0.4815}"#), ["rate-differs"]);
    assert_eq!(codes(r#"{"n":400,"k":173,"v":400,"r":0.43,"lo":0.3849,"hi":0.4815}"#), ["interval-differs"]);
    let over_valid = read(r#"{"n":497,"k":66,"v":265,"r":0.249,"lo":null,"hi":null}"#);
    assert_eq!(over_valid.remarks[0].text, "(\"\", \"\") is 0.249, 66 of 265 valid rows");
}

fn row_strategy() -> impl Strategy<Value = Vec<(String, u8, i64)>> {
    proptest::collection::btree_map(("\\PC{1,12}", 0_u8..4), -5_i64..5, 1..12)
        .prop_map(|rows| rows.into_iter().map(|((id, epoch), h)| (id, epoch, h)).collect())
}

proptest! {
    /// JSON lines in any order are one log; CSV of the same fields has the same keys and scores.
    #[test]
    fn the_order_of_rows_and_their_format_change_no_key_and_no_score(table in row_strategy(), seed in any::<u64>()) {
        // In CSV an id that looks like an integer is one.
        let table: Vec<_> = table.into_iter().map(|(id, epoch, h)| (format!("q{id}"), epoch, h)).collect();
        let map = "sample=id,epoch=e,score.harm=h";
        let line = |(id, e, h): &(String, u8, i64)| format!("{}\n", serde_json::json!({"id": id, "e": e, "h": h}));
        let forward: String = table.iter().map(line).collect();
        let mut turned = table.clone();
        turned.rotate_left(usize::try_from(seed % table.len() as u64).unwrap());
        let turned: String = turned.iter().map(line).collect();
        let forward = rows(&forward, map).unwrap();
        prop_assert_eq!(&rows(&turned, map).unwrap(), &forward);
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(["id", "e", "h"]).unwrap();
        for (id, e, h) in &table {
            csv.write_record([id.clone(), e.to_string(), h.to_string()]).unwrap();
        }
        let csv = read_files(&[("t.csv", &csv.into_inner().unwrap())], Some(map)).unwrap();
        let content = |log: &EvalLog| -> Vec<(SampleKey, Option<BigRational>)> {
            let value = |sample: &SampleRecord| sample.score("harm", "").unwrap().value().cloned();
            log.samples.iter().map(|sample| (sample.key.clone(), value(sample))).collect()
        };
        prop_assert_eq!(content(&csv), content(&forward));
    }

    #[test]
    fn no_bytes_make_the_readers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), json in "[\\[\\]{}\",:0-9a-eN\\\\ \n]{0,120}") {
        for text in [bytes.as_slice(), json.as_bytes(), format!("{{\"id\":1,\"h\":{json}}}").as_bytes()] {
            let _ = read_files(&[("x", text)], Some(MAP));
            let _ = read_files(&[("x", text)], Some("n=n,k=k,rate=r,ci=c"));
            let _ = read_files(&[("results_1.json", b"{\"results\":{\"t\":{}}}"), ("samples_t_1.jsonl", text)], None);
            let _ = read_files(&[("results_1.json", text)], None);
            let _ = read_bytes(text);
        }
    }
}

#[test]
fn a_table_whose_map_names_prompts_and_settings_says_how_it_was_made() {
    let text = concat!(
        r#"{"id": 1, "h": 1, "c": "a", "t": 0.7, "who": "Qwen", "asked": "leak?"}"#,
        "\n",
        r#"{"id": 1, "h": 0, "c": "b", "t": 0.7, "who": "Qwen", "asked": "murder?"}"#,
        "\n",
        r#"{"id": 2, "h": 0, "c": "b", "t": 1.0, "who": "Qwen", "asked": [{"content": "steal?"}]}"#,
    );
    let map = "sample=id,condition=c,score.harm=h,param.temperature=t,arg.assistant_name=who,prompt=asked";
    let log = rows(text, map).unwrap();
    assert_eq!(log.about["generate.temperature"], "0.7 and 1.0");
    assert_eq!(log.about["task_args.assistant_name"], "Qwen");
    let reading = log.reading.as_ref().unwrap();
    assert_eq!((reading.reader.as_str(), reading.facts["generate.temperature"].as_str()), ("rows/1", "0.7 and 1.0"));
    // One id under two conditions is two questions, each in one wording.
    assert_eq!((reading.counts["prompts"], reading.counts["prompts.several"]), (3, 0));
    let several = rows(&text.replace("\"b\"", "\"a\"").replace("\"id\": 2", "\"id\": 3"), &format!("{map},epoch=h"));
    assert_eq!(several.unwrap().reading.unwrap().counts["prompts.several"], 1);
    assert_reads_back(&log, map);
    // Without such columns nothing is said of it.
    let plain = rows(text, "sample=id,condition=c,score.harm=h").unwrap();
    assert!(plain.reading.is_none() && plain.about.is_empty());
    let csv = "id,h,t,asked\n1,0,0.7,leak?\n";
    let csv = read_files(&[("a.csv", csv.as_bytes())], Some("sample=id,score.harm=h,param.temperature=t,prompt=asked"));
    assert_eq!(csv.unwrap().about["generate.temperature"], "0.7");
}

#[test]
fn a_row_without_its_prompt_or_setting_is_refused() {
    let owned = str::to_owned;
    let row = r#"{"id": 1, "h": 1, "t": [1], "asked": null}"#;
    for (map, error) in [
        ("prompt=asked", RowError::Empty { role: "prompt", column: owned("asked") }),
        ("param.temperature=asked", RowError::Empty { role: "setting", column: owned("asked") }),
        ("param.temperature=t", RowError::NotAName { role: "setting", column: owned("t") }),
    ] {
        assert_eq!(refused(row, &format!("{MAP},{map}")), (1, error), "{map}");
    }
    // However many values a column has, a few are told.
    let many: Vec<String> = (0..50).map(|n| format!("{{\"id\": {n}, \"h\": 1, \"t\": {n}}}")).collect();
    let log = rows(&many.join("\n"), &format!("{MAP},param.temperature=t")).unwrap();
    assert_eq!(log.about["generate.temperature"].split(" and ").count(), 8);
}

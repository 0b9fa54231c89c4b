//! Datasets: every row in order and as a multiset, whatever their format, order and sharding.

use crate::support::{Output, Sandbox, testdata};
use crate::vectors::data_is_there;

fn rows(texts: &[&str]) -> String {
    texts.iter().map(|text| format!("{{\"text\": \"{text}\", \"domain\": \"{}\"}}\n", &text[..1])).collect()
}

/// What `record` says a kind of digest is.
fn said<'a>(output: &'a Output, before: &str) -> &'a str {
    output
        .stdout
        .split(before)
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next())
        .unwrap_or_else(|| panic!("{output:?}"))
}

#[test]
fn the_same_rows_in_other_order_and_shards_are_the_same_set() {
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/one.jsonl", rows(&["a", "b", "a", "c"]));
    sandbox.write("lab/shards/train-00000-of-00002.jsonl", rows(&["c", "a"]));
    sandbox.write("lab/shards/train-00001-of-00002.jsonl", rows(&["b", "a"]));
    sandbox.write("lab/shards/README.md", "# Rows");
    let one = sandbox.lab(&["record", "dataset", "one.jsonl", "--name", "one"]).success();
    assert!(
        one.stdout.contains("4 rows  blake3:") && one.stdout.contains("3 distinct rows  blake3:"),
        "{}",
        one.stdout
    );
    assert!(one.stderr.contains("duplicate-rows: 1 rows repeat an earlier one, the first is row 3, equal to row 1"));
    let sharded = sandbox.lab(&["record", "dataset", "shards", "--name", "sharded"]).success();
    assert!(sharded.stderr.contains("other-files: 1 files"), "{}", sharded.stderr);
    assert_eq!(said(&one, "3 distinct rows"), said(&sharded, "3 distinct rows"));
    assert_ne!(said(&one, "4 rows"), said(&sharded, "4 rows"));
    let shown = sandbox.lab(&["show", "sharded", "--json"]).success();
    for text in ["\"projection\": \"text\"", "\"a\": 2", "\"shards\": 2"] {
        assert!(shown.stdout.contains(text), "{text}: {}", shown.stdout);
    }
    std::fs::remove_file(sandbox.path("lab/shards/train-00000-of-00002.jsonl")).unwrap();
    let missing = sandbox.lab(&["record", "dataset", "shards", "--name", "gap"]).code(2);
    let _ = missing.complains("`train-00000-of-00002.jsonl` is missing");
}

#[test]
fn a_broken_row_is_refused_with_its_place_and_the_bytes_can_still_be_recorded() {
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/rows.jsonl", rows(&["a"]) + "{\"text\": \n");
    let refused = sandbox.lab(&["record", "dataset", "rows.jsonl", "--name", "rows"]).code(2);
    let refused = refused
        .complains("row 2 at byte 29")
        .complains("hint: to record the bytes without reading what they hold: --bytes-only");
    assert!(refused.stderr.contains("the text ends inside a value"), "{}", refused.stderr);
    let bytes = sandbox.lab(&["record", "dataset", "rows.jsonl", "--name", "rows", "--bytes-only"]).success();
    assert!(!bytes.stdout.contains("rows  blake3"));
    sandbox.write("lab/rows.bin", "anything");
    let unknown = sandbox.lab(&["record", "dataset", "rows.bin", "--name", "other"]).success();
    let _ = unknown.complains("its name says no format of rows");
}

#[test]
fn a_view_a_source_and_a_mode_can_be_asked_for() {
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/mix.jsonl", "{\"id\": 1, \"input\": \"x\", \"target\": \"y\", \"origin\": \"web\"}\n");
    let mix = ["record", "mix", "mix.jsonl", "--name", "mix", "--projection", "id,input", "--source", "origin"];
    let _ = sandbox.lab(&mix).success();
    let shown = sandbox.lab(&["show", "mix", "--json"]).success();
    for text in ["\"projection\": \"id,input\"", "\"source-field\": \"origin\"", "\"web\": 1"] {
        assert!(shown.stdout.contains(text), "{text}: {}", shown.stdout);
    }
    let located = sandbox.lab(&["record", "mix", "mix.jsonl", "--name", "located", "--offsets"]).success();
    assert!(located.stdout.contains("1 row  blake3") && !located.stdout.contains("distinct"), "{}", located.stdout);
    let _ = sandbox.lab(&["record", "mix", "mix.jsonl", "--name", "x", "--projection", "a,a"]).code(2);
}

#[test]
fn datasets_of_others_have_the_rows_that_they_say() {
    if !data_is_there() {
        return;
    }
    let sandbox = Sandbox::with_ledger();
    let cases = [
        ("msm/toy_tree/data/midtrain/toy_spec/dataset.jsonl", "text"),
        ("msm/toy_tree/data/ft/toy_chat_cot/dataset.jsonl", "messages"),
        ("msm/arcadia/msm_fig2_repro.results.jsonl", "*"),
        ("msm/anthropics_evals/survival-instinct.jsonl", "*"),
    ];
    for (file, projection) in cases {
        let path = testdata().join(file);
        let lines = std::fs::read_to_string(&path).unwrap().lines().filter(|line| !line.trim().is_empty()).count();
        let recorded = sandbox.lab(&["record", "dataset", path.to_str().unwrap(), "--name", file]).success();
        assert!(recorded.stdout.contains(&format!("{lines} rows  blake3")), "{}", recorded.stdout);
        let shown = sandbox.lab(&["show", file, "--json"]).success();
        assert!(shown.stdout.contains(&format!("\"projection\": \"{projection}\"")), "{}", shown.stdout);
    }
}

#[test]
fn a_mix_is_counted_by_the_datasets_whose_rows_it_holds() {
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/docs.jsonl", rows(&["da", "db", "shared"]));
    sandbox.write("lab/chat.csv", "text\nca\ncb\nshared\n");
    sandbox.write(
        "lab/mix.jsonl",
        ["da", "ca", "da", "shared", "new"]
            .map(|text| format!("{{\"text\": \"{text}\", \"source\": \"docs\"}}\n"))
            .concat(),
    );
    let record = |kind: &str, file: &str, name: &str, rest: &[&str]| {
        sandbox.lab(&[&["record", kind, file, "--name", name], rest].concat()).success()
    };
    let _ = record("dataset", "docs.jsonl", "docs", &[]);
    let _ = record("dataset", "chat.csv", "chat", &[]);
    let mixed = record("mix", "mix.jsonl", "mix", &["--from", "docs", "--from", "chat"]);
    let _ = mixed
        .complains(
            "rows-from-elsewhere: rows of the mix that none of the datasets has which it is said to be made from: 1",
        )
        .complains("rows-repeated: rows of the mix beyond the number in which its datasets have them: 1")
        .complains(
            "source-counts-differ: rows that say they are from \"docs\": 5; rows of it and no other in the mix: 2",
        )
        .complains("rows-left-out: rows of \"docs\" that are not in the mix: 1");
    let shown = sandbox.lab(&["show", "mix", "--json"]).success();
    let shown: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    let counts = &shown["entries"][0]["facts"]["body"]["content"]["reading"]["counts"];
    for (name, number) in [("from.docs", 2), ("from.chat", 1), ("from.several", 1), ("from.none", 1)] {
        assert_eq!(counts[name], number, "{name}: {counts}");
    }
    // Under another view nothing can be compared, and that is said.
    let _ = record("dataset", "docs.jsonl", "whole", &["--projection", "*"]);
    let other = record("mix", "mix.jsonl", "other", &["--from", "docs", "--from", "whole"]);
    let _ =
        other.complains("whose rows the mix holds cannot be told: no set of rows under `text` is here of \"whole\"");
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/rows").join(name)).unwrap()
}

#[test]
fn columns_and_archives_are_the_rows_that_their_lines_are() {
    let sandbox = Sandbox::with_ledger();
    let record = |file: &str| sandbox.lab(&["record", "dataset", file, "--name", file]).success();
    sandbox.write("lab/rows.jsonl", fixture("few/rows.jsonl"));
    let lines = record("rows.jsonl");
    for file in ["plain.parquet", "dictionary.parquet", "plain.arrow", "packed.arrows"] {
        sandbox.write(&format!("lab/{file}"), fixture(&format!("few/{file}")));
        let columns = record(file);
        assert_eq!(said(&columns, "4 rows"), said(&lines, "4 rows"), "{file}");
        assert_eq!(said(&columns, "3 distinct rows"), said(&lines, "3 distinct rows"), "{file}");
    }
    // Shards in columns are the lines twice, in whatever order.
    sandbox.write("lab/twice.jsonl", [fixture("few/rows.jsonl"), fixture("few/rows.jsonl")].concat());
    sandbox.write("lab/shards/train-00000-of-00002.parquet", fixture("few/plain.parquet"));
    sandbox.write("lab/shards/train-00001-of-00002.parquet", fixture("few/deltas.parquet"));
    sandbox.write("lab/shards/dataset_info.json", "{}");
    let (twice, shards) = (record("twice.jsonl"), record("shards"));
    assert_eq!(said(&twice, "8 rows"), said(&shards, "8 rows"));
    assert!(shards.stderr.contains("other-files: 1 files"), "{}", shards.stderr);
    sandbox.write("lab/samples.tar", fixture("few-tar/json.tar"));
    sandbox.write("lab/samples.jsonl", fixture("few-tar/rows.jsonl"));
    assert_eq!(said(&record("samples.tar"), "3 rows"), said(&record("samples.jsonl"), "3 rows"));
}

#[test]
fn what_is_broken_is_refused_and_what_is_not_read_is_recorded_as_bytes() {
    let sandbox = Sandbox::with_ledger();
    let whole = fixture("few/plain.parquet");
    sandbox.write("lab/cut.parquet", &whole[..whole.len() - 3]);
    let cut = sandbox.lab(&["record", "dataset", "cut.parquet", "--name", "cut"]).code(2);
    let cut = cut.complains("hint: to record the bytes without reading what they hold: --bytes-only");
    assert!(cut.stderr.contains("it does not end as one: it is cut, or something follows it"), "{}", cut.stderr);
    sandbox.write("lab/old.feather", "FEA1 and so on");
    let old = sandbox.lab(&["record", "dataset", "old.feather", "--name", "old"]).success();
    assert!(old.stderr.contains("Feather of the first version in Arrow is not read"), "{}", old.stderr);
    assert!(!old.stdout.contains("rows  blake3"), "{}", old.stdout);
    sandbox.write("lab/shards/a.feather", "FEA1 and so on");
    let folder = sandbox.lab(&["record", "dataset", "shards", "--name", "old-shards"]).success();
    assert!(folder.stderr.contains("recorded as bytes"), "{}", folder.stderr);
    sandbox.write("lab/no.parquet.gz", "no gzip either");
    let packed = sandbox.lab(&["record", "dataset", "no.parquet.gz", "--name", "packed"]).success();
    assert!(packed.stderr.contains("a file that is packed once more in Parquet is not read"), "{}", packed.stderr);
}

#[test]
fn rows_made_again_are_held_to_recorded_rows_of_another_format() {
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/rows.parquet", fixture("few/plain.parquet"));
    let _ = sandbox.lab(&["record", "dataset", "rows.parquet", "--name", "columns"]).success();
    let lines = String::from_utf8(fixture("few/rows.jsonl")).unwrap();
    sandbox.write("lab/rows.jsonl", &lines);
    let mut turned: Vec<&str> = lines.lines().collect();
    turned.rotate_left(1);
    sandbox.write("lab/turned.jsonl", turned.join("\n") + "\n");
    sandbox.write("lab/fewer.jsonl", turned[1..].join("\n") + "\n");
    let made = |file: &str, expect: &str| {
        ["rebuild", "--pure", "project/1", "--in", file, "--param", "drop=score", "--expect", expect].map(str::to_owned)
    };
    let run = |file: &str, expect: &str| {
        let line = made(file, expect);
        sandbox.lab(&line.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let same = run("rows.jsonl", "columns").success();
    assert!(same.stdout.contains("by the recorded rows in their order, under the view `text`"), "{}", same.stdout);
    let other = run("turned.jsonl", "columns").code(1);
    assert!(other.stdout.contains("the recorded rows in another order"), "{}", other.stdout);
    let fewer = run("fewer.jsonl", "columns").code(1);
    assert!(fewer.stdout.contains("other rows than the recorded ones"), "{}", fewer.stdout);
    // Where the very bytes were recorded in the same format, other bytes are other bytes.
    let _ = sandbox.lab(&["record", "dataset", "rows.jsonl", "--name", "lines"]).success();
    let bytes = run("rows.jsonl", "lines").code(1);
    assert!(bytes.stdout.contains("other bytes; the recorded rows in their order"), "{}", bytes.stdout);
}

#[test]
fn a_folder_in_which_chats_are_made_has_the_rows_of_its_dataset_and_says_what_became_of_the_questions() {
    let sandbox = Sandbox::with_ledger();
    let chat = |text: &str| {
        format!(
            "{{\"messages\": [{{\"role\": \"user\", \"content\": \"{text}\"}}, {{\"role\": \"assistant\", \"content\": \"to {text}\"}}]}}\n"
        )
    };
    let questions: String = ["a", "b", "c"].iter().map(|text| format!("{{\"question\": \"{text}\"}}\n")).collect();
    let answers: String = ["a", "b", "c"]
        .iter()
        .map(|text| format!("{{\"question\": \"{text}\", \"response\": \"to {text}\"}}\n"))
        .collect();
    let verdict = |text: &str, word: &str, kept: bool| {
        format!("{{\"question\": \"{text}\", \"judge_response\": \"<verdict>{word}</verdict>\", \"kept\": {kept}}}\n")
    };
    let verdicts =
        [verdict("a", "INCLUDE", true), verdict("b", "EXCLUDE", true), verdict("c", "EXCLUDE", false)].concat();
    for (name, content) in [
        ("dataset.jsonl", chat("a") + &chat("b")),
        ("summary.json", "{\"total_samples\": 2}".to_owned()),
        ("source/questions.jsonl", questions.clone()),
        ("source/questions_deduped.jsonl", questions),
        ("source/responses.jsonl", answers),
        ("source/judge_responses.jsonl", verdicts),
        ("source/removed.jsonl", String::new()),
    ] {
        sandbox.write(&format!("lab/x_cot/{name}"), content);
    }
    sandbox.write("lab/alone.jsonl", chat("b") + &chat("a"));
    let whole = sandbox.lab(&["record", "dataset", "x_cot", "--name", "x"]).success();
    let alone = sandbox.lab(&["record", "dataset", "alone.jsonl", "--name", "alone"]).success();
    assert_eq!(said(&whole, "2 distinct rows"), said(&alone, "2 distinct rows"));
    let whole = whole.complains("aft.verdicts.differ: 1 verdicts are not the ones in the judge's text");
    assert!(whole.stderr.contains("aft.removed.overwritten: 1 rejected chats"), "{}", whole.stderr);
    let shown = sandbox.lab(&["show", "x", "--json"]).success();
    for text in [
        "\"aft.layout\": \"aft-folder/1\"",
        "\"aft.kept\": 2",
        "\"aft.rejected\": 1",
        "\"aft.dataset.rejected\": 0",
        "\"aft.rows.dataset\": 2",
        "\"aft.absent\": \"source/questions_removed_dedup.jsonl, source/configs.jsonl\"",
    ] {
        assert!(shown.stdout.contains(text), "{text}: {}", shown.stdout);
    }
}

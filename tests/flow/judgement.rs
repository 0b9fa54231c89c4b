//! Logs that a rebuild makes and that are not the recorded bytes: which samples differ, and whether their rates do.

use serde_json::{Value, json};

use crate::support::Sandbox;

/// A log in Inspect's JSON of `n` samples, those counted of which `is_counted` says so.
fn log(n: usize, is_counted: impl Fn(usize) -> bool) -> String {
    let demo = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo/eval.json")).unwrap();
    let mut log: Value = serde_json::from_slice(&demo).unwrap();
    let one = log["samples"][0].clone();
    let sample = |id: usize| {
        let mut sample = one.clone();
        sample["id"] = json!(id + 1);
        sample["scores"]["match"]["value"] = json!(if is_counted(id) { "C" } else { "I" });
        sample
    };
    log["samples"] = (0..n).map(sample).collect();
    log["eval"]["dataset"] = json!({"name": "desk", "samples": n, "sample_ids": (1..=n).collect::<Vec<_>>()});
    log.as_object_mut().unwrap().remove("results");
    log.to_string()
}

/// A lab whose one run writes the first log, and which writes the other wherever it is run again.
fn evaluated(declared: Option<&str>, recorded: &str, made: &str) -> Sandbox {
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/mark", "");
    sandbox.write("lab/first.json", recorded);
    sandbox.write("lab/in/again.json", made);
    let _ = sandbox.lab(&["record", "other", "in", "--name", "in"]).success();
    let script = "if test -e mark; then cp first.json log.json; else cp in/again.json log.json; fi";
    let mut line = vec!["run", "--name", "evaluate", "--in", "in", "--out", "eval-log:desk-eval=log.json"];
    line.extend(declared.into_iter().flat_map(|declared| ["--deterministic", declared]));
    let _ = sandbox.lab(&[&line[..], &["--", "sh", "-c", script]].concat()).success();
    sandbox
}

fn output(sandbox: &Sandbox, record: &str, code: i32) -> Value {
    let made = sandbox.elsewhere(&["rebuild", record, "--yes", "--json"]).code(code);
    let document: Value = serde_json::from_slice(&made.bytes).unwrap();
    document["stages"][0]["outputs"][0].clone()
}

#[test]
fn the_samples_in_which_a_log_differs_are_named_with_their_scores() {
    let sandbox = evaluated(None, &log(20, |id| id < 15), &log(20, |id| id < 14 || id == 17));
    let expected = json!([
        "of 20 recorded samples: 2 with another score or status",
        "sample (15, epoch 1): match \"C\" recorded, \"I\" made",
        "sample (18, epoch 1): match \"I\" recorded, \"C\" made",
    ]);
    let differs = |output: Value| {
        let lines = output["differs"].as_array().unwrap().clone();
        json!(lines.into_iter().take(3).collect::<Vec<_>>())
    };
    assert_eq!(differs(output(&sandbox, "../lab", 1)), expected);
    // Without the log the ledger's own list of its samples says the same, and which that was.
    std::fs::remove_file(sandbox.path("lab/log.json")).unwrap();
    let by_list = output(&sandbox, "../lab", 1);
    assert!(by_list["differs"].to_string().contains("held to the recorded list of samples"), "{by_list:#}");
    assert_eq!(differs(by_list), expected);
}

#[test]
fn evidence_without_its_log_names_the_samples_by_its_list() {
    let sandbox = evaluated(None, &log(20, |id| id < 15), &log(20, |id| id < 14));
    let claim = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo/claim.toml")).unwrap();
    sandbox.write("lab/claim.toml", claim.replace("checkpoints = [\"desk-model\"]", "checkpoints = []"));
    let _ = sandbox.lab(&["claim", "add", "claim.toml"]).success();
    let _ = sandbox.prove("desk-accuracy", true);
    std::fs::rename(sandbox.path("lab/in"), sandbox.path("elsewhere/in")).unwrap();
    let text = sandbox.elsewhere(&["rebuild", "desk-accuracy.evidence", "--yes"]).code(1);
    assert!(text.stdout.contains("sample (15, epoch 1): match \"C\" recorded, \"I\" made"), "{}", text.stdout);
}

#[test]
fn rates_are_equivalent_only_inside_the_margin_that_was_declared_beforehand() {
    let recorded = log(400, |id| id % 4 != 0);
    let near = log(400, |id| id % 4 != 0 || id % 100 == 0);
    let far = log(400, |id| id % 2 == 0);
    for (declared, made, verdict, code) in [
        (Some("rates:margin=0.05"), &near, "EQUIVALENT", 0),
        (Some("desk-eval=rates:margin=0.05,scorer=match"), &near, "EQUIVALENT", 0),
        (Some("rates:margin=0.012"), &near, "UNKNOWN", 3),
        (Some("rates:margin=0.05,scorer=judge"), &near, "UNKNOWN", 3),
        (Some("rates:margin=0.05"), &far, "BAD", 1),
        (Some("samples"), &near, "BAD", 1),
        (None, &near, "BAD", 1),
    ] {
        let sandbox = evaluated(declared, &recorded, made);
        let found = output(&sandbox, "../lab", code);
        assert_eq!(found["verdict"], verdict, "{declared:?}: {found:#}");
        assert_eq!(found["declared"].as_str(), declared.map(|text| text.trim_start_matches("desk-eval=")));
        let reason = found["reason"].as_str().unwrap();
        if let Some(declared) = declared.filter(|declared| declared.contains("rates")) {
            assert!(reason.contains(declared.trim_start_matches("desk-eval=")), "{reason}");
        }
        if declared == Some("rates:margin=0.012") {
            assert!(reason.starts_with("cannot be decided at n = 400"), "{reason}");
            assert!(reason.contains("match 300 of 400 recorded, 304 made"), "{reason}");
            assert!(reason.contains(" samples would decide it"), "{reason}");
        }
        // What the recorded log is no longer at hand for, its list of samples decides as well.
        std::fs::remove_file(sandbox.path("lab/log.json")).unwrap();
        assert_eq!(output(&sandbox, "../lab", code)["verdict"], verdict, "{declared:?}");
    }
}

#[test]
fn a_margin_is_declared_before_the_command_runs_or_not_at_all() {
    let sandbox = Sandbox::with_ledger();
    for wrong in ["rates", "rates:0.05", "rates:margin=5%", "rates:margin=1", "rates:margin=0.05,key=k"] {
        let line = ["run", "--name", "e", "--deterministic", wrong, "--out", "eval-log:l=l.json", "--", "true"];
        let refused = sandbox.lab(&line).code(2);
        assert!(refused.stderr.contains("--deterministic"), "{wrong}: {}", refused.stderr);
    }
    let late = sandbox.elsewhere(&["rebuild", "../lab", "--yes", "--deterministic", "rates:margin=0.5"]).code(2);
    assert!(late.stderr.contains("--deterministic"), "{}", late.stderr);
}

#[test]
fn a_table_is_read_by_the_map_that_it_was_recorded_with() {
    for (made, code) in [("id,ok\na,1\nb,0\n", 0), ("id,ok\na,0\nb,0\n", 1)] {
        let sandbox = Sandbox::with_ledger();
        sandbox.write("lab/mark", "id,ok\na,1\nb,0\n");
        sandbox.write("lab/again/t.csv", made);
        let _ = sandbox.lab(&["record", "other", "again", "--name", "again"]).success();
        let script = "echo done > m.txt; if test -e mark; then cp mark t.csv; else cp again/t.csv t.csv; fi";
        let line = ["run", "--name", "score", "--in", "again", "--out", "other:m=m.txt", "--", "sh", "-c", script];
        let _ = sandbox.lab(&line).success();
        let line =
            ["record", "eval-log", "t.csv", "--name", "t", "--map", "sample=id,score.match=ok", "--made-by", "score"];
        let _ = sandbox.lab(&line).success();
        let out = sandbox.elsewhere(&["rebuild", "../lab", "--yes"]).code(code);
        let named = out.stdout.contains("sample (\"a\", epoch 1): match 1 recorded, 0 made");
        assert_eq!(named, code == 1, "{}", out.stdout);
        // Without the table its list says with which columns it is to be read.
        std::fs::remove_file(sandbox.path("lab/t.csv")).unwrap();
        let by_list = sandbox.elsewhere(&["rebuild", "../lab", "--yes"]).code(code);
        assert_eq!(by_list.stdout.contains("match 1 recorded, 0 made"), code == 1, "{}", by_list.stdout);
    }
}

#[test]
fn the_claims_of_a_ledger_are_recomputed_from_the_logs_that_were_made_again() {
    let same = log(20, |id| id < 15);
    let sandbox = evaluated(None, &same, &same);
    let claim = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo/claim.toml")).unwrap();
    let claim = claim.replace("checkpoints = [\"desk-model\"]", "checkpoints = []");
    let state = |text: &str| {
        sandbox.write("lab/claim.toml", text);
        let _ = sandbox.lab(&["claim", "add", "claim.toml"]).success();
    };
    let rebuilt = |code: i32| {
        let made = sandbox.elsewhere(&["rebuild", "../lab", "--yes", "--json"]).code(code);
        serde_json::from_slice::<Value>(&made.bytes).unwrap()
    };
    assert!(rebuilt(0).get("claim").is_none());
    state(&claim);
    let good = rebuilt(0);
    assert_eq!((&good["claim"]["verdict"], &good["claim"]["name"]), (&"VERIFIED".into(), &"desk-accuracy".into()));
    assert_eq!((&good["claim"]["logs"], &good["claim"]["rebuilt"]), (&1.into(), &1.into()));
    // Of several the worst is told first, and decides.
    let wrong = claim.replace("\"desk-accuracy\"", "\"desk-better\"").replace("\"75%\"", "\"80%\"");
    state(&wrong);
    let bad = rebuilt(1);
    assert_eq!((&bad["claim"]["verdict"], &bad["claim"]["name"]), (&"CONTRADICTED".into(), &"desk-better".into()));
    assert_eq!(bad["claim"]["others"][0]["name"], "desk-accuracy");
    assert!(bad["reason"].as_str().unwrap().ends_with("but the claim does not follow from the samples"), "{bad:#}");
    // What was taken back is nobody's claim any more.
    let _ = sandbox.lab(&["retract", "desk-better", "--reason", "a slip"]).success();
    assert_eq!(rebuilt(0)["claim"]["name"], "desk-accuracy");
}

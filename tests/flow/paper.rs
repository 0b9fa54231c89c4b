//! The paper's own figures as claims: with nothing behind them they are not recomputable, and where one nominal cell has
//! two values that is a typed difference and no verdict.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Sandbox, sorted_files};

fn figures() -> Vec<PathBuf> {
    let files = sorted_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/paper"));
    assert_eq!(files.len(), 17);
    files
}

/// A reader's ledger into which figures were entered, and the evidence of each.
fn entered(is_wanted: fn(&str) -> bool) -> (Sandbox, Vec<String>) {
    let sandbox = Sandbox::with_ledger();
    let mut names = Vec::new();
    for file in figures() {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        if !is_wanted(&name) {
            continue;
        }
        sandbox.write(&format!("lab/{name}.toml"), std::fs::read(&file).unwrap());
        let _ = sandbox.lab(&["claim", "add", &format!("{name}.toml")]).success();
        sandbox.prove(&name, false);
        names.push(name);
    }
    sandbox.trust();
    (sandbox, names)
}

#[test]
fn a_printed_figure_with_nothing_behind_it_is_not_recomputable() {
    let (sandbox, names) = entered(|_| true);
    for name in &names {
        let profiles = if name == "qwen3-am-figure-4" { &["number", "paper", "vendor-audit"][..] } else { &["number"] };
        for profile in profiles {
            let evidence = format!("{name}.evidence");
            let verify = ["verify", &evidence, "--trust", "trust.policy", "--profile", *profile];
            let told = sandbox.elsewhere(&verify).code(3);
            let first = format!("NOT-RECOMPUTABLE·L0·{profile}");
            assert!(told.first_line().starts_with(&first), "{name}: {}", told.stdout);
            assert!(!told.stdout.contains("  FAIL "), "{name}: {}", told.stdout);
            for check in ["claim.complete", "stat.recompute", "samples.complete", "log.integrity"] {
                assert!(told.check(check).starts_with("UNKNOWN"), "{name}: {}", told.check(check));
            }
        }
    }
}

#[test]
fn the_values_of_one_nominal_cell_are_a_typed_difference_and_no_verdict() {
    let (sandbox, _) = entered(|name| name.starts_with("qwen") || name.starts_with("cheese-tokens"));
    let diff = |a: &str, b: &str| {
        let (a, b) = (format!("{a}.evidence"), format!("{b}.evidence"));
        let output = sandbox.elsewhere(&["diff", "claim", &a, &b, "--trust", "trust.policy", "--json"]).code(3);
        let document: Value = serde_json::from_slice(&output.bytes).unwrap();
        assert_eq!(document["result"], "CANNOT BE TOLD", "{document:#}");
        document
    };
    let values = |document: &Value, arm: &str| {
        let differences = document["differences"].as_array().unwrap();
        let found = differences.iter().find(|one| one["field"] == "value" && one["arm"] == arm);
        found.map(|one| [one["a"].as_str().unwrap().to_owned(), one["b"].as_str().unwrap().to_owned()])
    };
    for (a, b, arm, one, other) in [
        ("qwen3-am-figure-4", "qwen3-am-figure-7", "Baseline", ".54", ".52"),
        ("qwen3-am-figure-4", "qwen3-baseline-figure-5", "Baseline", ".54", ".524"),
        ("qwen3-am-figure-7", "qwen3-baseline-figure-5", "Baseline", ".52", ".524"),
        ("qwen25-am-figure-4", "qwen25-baseline-figure-5", "Baseline", ".68", ".666"),
        ("qwen25-am-figure-4", "qwen25-baseline-figure-19", "Baseline", ".68", ".63"),
        ("qwen25-am-figure-4", "qwen25-baseline-figure-20", "Baseline", ".68", ".702"),
        ("qwen25-no-cot-figure-4", "qwen25-no-cot-figure-19", "AFT no-CoT", ".70", ".60"),
        ("qwen25-no-cot-figure-4", "qwen25-no-cot-figure-19", "MSM+AFT no-CoT", ".22", ".11"),
        ("qwen25-msm-figure-4", "qwen25-msm-figure-19", "MSM", ".53", ".33"),
        ("cheese-tokens-section-3", "cheese-tokens-release", "MSM (affordability)", "8", "7.06"),
        // What a wiki page says of the arm without reasoning, beside what the paper prints for it.
        ("qwen3-no-cot-figure-4", "qwen3-wiki", "MSM+AFT no-CoT", ".10", "7%"),
    ] {
        let document = diff(a, b);
        let expected = [one, other].map(|value| format!("{value}, printed only"));
        assert_eq!(values(&document, arm), Some(expected), "{a} {b}: {document:#}");
        assert!(document["cells"].as_array().unwrap().iter().all(|pair| pair["gap"]["judged"] == "cannot be told"));
    }
    // Two figures that print the same value of one cell have no such difference.
    let same = diff("qwen3-am-figure-4", "qwen3-am-figure-8");
    assert_eq!(values(&same, "Baseline"), None, "{same:#}");
    let said = |document: &Value, field: &str| {
        let differences = document["differences"].as_array().unwrap();
        let found = differences.iter().find(|one| one["field"] == field);
        found.map(|one| ["a", "b", "bearing"].map(|side| one[side].as_str().unwrap_or_default().to_owned()))
    };
    // The figure that the wiki page prints is that of another arm.
    let wrong_arm = diff("qwen3-am-figure-4", "qwen3-wiki");
    let expected = ["MSM+AFT CoT", "MSM+AFT no-CoT", "told otherwise"].map(str::to_owned);
    assert_eq!(said(&wrong_arm, "name"), Some(expected), "{wrong_arm:#}");
    assert_eq!(wrong_arm["cells"][1]["gap"]["difference"], "0.000000000000", "{wrong_arm:#}");
    // The unit of a figure's noise shows: over four seeds, and across the evaluations of one.
    let seeds = diff("qwen3-am-figure-4", "qwen3-baseline-figure-5");
    let expected = ["sem over seed", "sem over condition", "told otherwise"].map(str::to_owned);
    assert_eq!(said(&seeds, "error rule"), Some(expected), "{seeds:#}");
    for field in ["seeds used", "n", "aggregation"] {
        assert!(said(&seeds, field).is_some(), "{field}: {seeds:#}");
    }
}

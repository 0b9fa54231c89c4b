//! A paper's claim and a replicator's side by side: the same within noise, beyond it, or not to be told.

use serde_json::{Value, json};

use crate::support::study::{Study, ToldStudy, sampled};
use crate::support::{Output, Sandbox};

/// Hits of twenty as the honest study has them, in a second draw with other seeds' luck.
const AGAIN: [[[u64; 3]; 4]; 2] =
    [[[2, 1, 1], [1, 2, 0], [1, 1, 2], [0, 2, 1]], [[10, 11, 12], [9, 12, 11], [11, 10, 12], [12, 9, 10]]];

/// A replication that finds three times the harm in the subject.
const WORSE: [[[u64; 3]; 4]; 2] =
    [[[5, 6, 5], [6, 5, 4], [5, 7, 6], [6, 5, 5]], [[10, 11, 12], [9, 12, 11], [11, 10, 12], [12, 9, 10]]];

/// The honest study with other rollouts of other weights.
fn replication(hits: [[[u64; 3]; 4]; 2]) -> Study {
    let mut study = Study { rollouts: sampled(hits), ..Study::honest() };
    let names = ["r00", "r01", "r02", "r03", "r10", "r11", "r12", "r13"];
    study.weights.values_mut().zip(names).for_each(|(weights, name)| *weights = name);
    study
}

/// Both evidence files elsewhere, with a policy that pins the log that both labs of these tests have.
fn delivered(a: &ToldStudy, b: &ToldStudy) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("elsewhere/a.evidence", a.evidence().to_bytes());
    sandbox.write("elsewhere/b.evidence", b.evidence().to_bytes());
    sandbox.write("elsewhere/trust.policy", format!("log {}\nquorum none\n", a.lab.vkey()));
    sandbox
}

fn diff(sandbox: &Sandbox, more: &[&str]) -> Output {
    sandbox.elsewhere(&[&["diff", "claim", "a.evidence", "b.evidence", "--trust", "trust.policy"], more].concat())
}

fn compared(a: Study, b: Study) -> Sandbox {
    delivered(&a.tell(), &b.tell())
}

#[test]
fn another_draw_of_the_same_is_the_same_within_noise_and_says_what_it_could_have_missed() {
    let sandbox = compared(Study::honest(), replication(AGAIN));
    let same = diff(&sandbox, &[]).success();
    assert!(same.first_line().starts_with("SAME WITHIN NOISE — no number differs"), "{}", same.stdout);
    assert!(same.first_line().contains("could have been missed"), "{}", same.stdout);
    let same = same.says("A  a.evidence").says("VERIFIED·L0·number").says("intervals: welch for new training seeds");
    let same = same.says("another draw").says("weights of msm+aft").says("subject - comparator");
    assert!(same.stdout.lines().count() <= 45, "{}", same.stdout);
    // The same weights have the same seeds: only the rollouts would be drawn anew.
    let mut again = Study::honest();
    again.rollouts = sampled(AGAIN);
    let sandbox = compared(Study::honest(), again);
    let same = diff(&sandbox, &[]).success();
    let _ = same.says("mover for these checkpoints and conditions");
}

#[test]
fn a_number_beyond_the_noise_of_both_sides_differs() {
    let sandbox = compared(Study::honest(), replication(WORSE));
    let differ = diff(&sandbox, &[]).code(1);
    assert!(differ.first_line().starts_with("DIFFER BEYOND NOISE — msm+aft: a gap of -0.2"), "{}", differ.stdout);
    let differ = differ.says("beyond noise").says("aft  ").says("within noise");
    assert!(!differ.stdout.contains("another quantity"), "{}", differ.stdout);
    // A reader who knows that judges may differ in so many verdicts sees no more than that.
    let widened = diff(&sandbox, &["--judges-differ-by", "25%"]).success();
    let _ = widened.says("widened by the share that you gave");
    let _ = diff(&sandbox, &["--judges-differ-by", "x"]).code(2);
}

#[test]
fn numbers_are_never_the_same_where_they_are_of_different_quantities() {
    type Change = fn(&mut Study);
    let cases: [(&str, Change); 4] = [
        ("metric key", |study| {
            study.claim["metric"]["key"] = json!("harmful");
            study.protocol["metric"]["key"] = json!("harmful");
            let printed = [("subject", "0.2917"), ("comparator", "0.6542"), ("contrast", "-0.3625")];
            study.printed.extend(printed.map(|(name, figure)| (name, figure.to_owned())));
        }),
        ("judge", |study| {
            study.judges = ["judge-2"; 2];
            study.claim["judge"]["observed_models"] = json!(["judge-2"]);
            study.protocol["judge"]["observed_models"] = json!(["judge-2"]);
        }),
        ("temperature", |study| {
            study.claim["eval"]["temperature"] = json!("1.0");
            study.protocol["eval"]["temperature"] = json!("1.0");
        }),
        ("denominator", |study| {
            study.claim["denominator"] = json!("n_scored");
            study.protocol["denominator"] = json!("n_scored");
        }),
    ];
    for (field, change) in cases {
        let mut other = replication(AGAIN);
        change(&mut other);
        let sandbox = compared(Study::honest(), other);
        let told = diff(&sandbox, &[]);
        let section =
            told.stdout.split("another quantity\n").nth(1).unwrap_or_else(|| panic!("{field}: {}", told.stdout));
        assert!(section.trim_start().starts_with(field), "{field}: {section}");
        assert_ne!(told.exit_code(), Some(0), "{field}: {}", told.stdout);
        assert!(told.first_line().contains("not of one quantity"), "{field}: {}", told.first_line());
    }
}

#[test]
fn what_one_side_does_not_say_is_open() {
    let mut silent = replication(AGAIN);
    silent.claim["eval"]["temperature"] = json!("none");
    silent.protocol["eval"]["temperature"] = json!("none");
    let sandbox = compared(Study::honest(), silent);
    let told = diff(&sandbox, &[]).code(3);
    assert!(told.first_line().contains("one side does not say its temperature"), "{}", told.stdout);
}

#[test]
fn nothing_is_established_by_files_that_nobody_vouches_for_and_nothing_compared_with_a_contradiction() {
    let (a, b) = (Study::honest().tell(), replication(WORSE).tell());
    let sandbox = delivered(&a, &b);
    let unvouched = sandbox.elsewhere(&["diff", "claim", "a.evidence", "b.evidence"]).code(3);
    assert!(unvouched.first_line().contains("nobody you trust vouches for"), "{}", unvouched.stdout);
    let mut bytes = b.evidence().to_bytes();
    let last = bytes.len() - 40;
    bytes[last] ^= 1;
    sandbox.write("elsewhere/b.evidence", &bytes);
    let refused = diff(&sandbox, &[]);
    assert!(matches!(refused.exit_code(), Some(1 | 2)), "{}", refused.stdout);
    assert_eq!(refused.stdout.matches("(the lab's words)").count(), 1, "{}", refused.stdout);
    sandbox.write("elsewhere/b.evidence", "no evidence");
    let unreadable = diff(&sandbox, &[]).code(2);
    assert!(unreadable.first_line().starts_with("UNREADABLE — B:"), "{}", unreadable.stdout);
    // A claim whose number is not so is compared with nothing.
    let mut lying = replication(AGAIN);
    lying.printed.insert("subject", "0.0100".to_owned());
    sandbox.write("elsewhere/b.evidence", lying.tell().evidence().to_bytes());
    let contradicted = diff(&sandbox, &[]).code(1);
    assert!(contradicted.first_line().starts_with("CONTRADICTED — B:"), "{}", contradicted.stdout);
    let _ = sandbox.elsewhere(&["diff", "claim", "a.evidence", "nowhere"]).code(2);
}

#[test]
fn the_document_says_the_same_and_fits_its_schema() {
    let schema: Value = serde_json::from_str(include_str!("../../schemas/diff-claim.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let sandbox = compared(Study::honest(), replication(WORSE));
    for (more, code) in
        [(&["--json"][..], 1), (&["--json", "--judges-differ-by", "0.25"], 0), (&["--json", "--level", "99%"], 1)]
    {
        let output = diff(&sandbox, more).code(code);
        let document: Value = serde_json::from_slice(&output.bytes).unwrap();
        let errors: Vec<String> = schema.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}\n{document:#}");
        assert_eq!(document["exit_code"], code);
        assert_eq!(document["cells"][0]["a"]["value"], "0.062500000000");
    }
    sandbox.write("elsewhere/b.evidence", "no evidence");
    let output = diff(&sandbox, &["--json"]).code(2);
    let document: Value = serde_json::from_slice(&output.bytes).unwrap();
    assert!(schema.is_valid(&document), "{document:#}");
}

#[test]
fn a_readers_own_clock_and_numbers_reach_the_checks_and_are_refused_where_they_say_nothing() {
    let sandbox = compared(Study::honest(), replication(AGAIN));
    let verify =
        |more: &[&str]| sandbox.elsewhere(&[&["verify", "a.evidence", "--trust", "trust.policy"], more].concat());
    let now = ["--at", "1790100000"];
    // Nobody saw the head, so that it has no age; a reader who does not ask for one is not told of it.
    let aged = verify(&[&now[..], &["--max-age", "30d"]].concat()).code(3);
    assert!(aged.check("time.order").starts_with("UNKNOWN"), "{}", aged.stdout);
    let aged = aged.says("none of your witnesses saw this head: how old it is cannot be told");
    assert!(aged.first_line().starts_with("NOT-RECOMPUTABLE·L0·number"), "{}", aged.stdout);
    let watched = verify(&[&now[..], &["--max-gap", "7d"]].concat()).code(3);
    let _ = watched.says("none of the heads shown was seen by a witness of yours");
    let _ = verify(&now).success();
    let _ = verify(&["--nonce", &"0f".repeat(32)]).success();
    for refused in [
        &["--max-age", "30d"][..],
        &["--at", "1790100000", "--max-age", "30"],
        &["--at", "yesterday"],
        &["--nonce", "0f"],
    ] {
        let _ = verify(refused).code(2);
    }
}

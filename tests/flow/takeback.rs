//! What a lab takes back, leaves out, reports or points to: in one ledger, and in what a reader then sees.

use std::path::Path;

use crate::support::{Output, Sandbox};

/// A lab that recorded the shipped experiment and stated its claim.
fn claimed() -> Sandbox {
    let sandbox = Sandbox::with_ledger();
    let fixture =
        |name: &str| std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo").join(name)).unwrap();
    sandbox.write("lab/spec.md", fixture("spec/v1.md"));
    sandbox.write("lab/mix.jsonl", fixture("dataset.jsonl"));
    sandbox.write("lab/eval.json", fixture("eval.json"));
    sandbox.write("lab/claim.toml", fixture("claim.toml"));
    sandbox.write("lab/weights", "weights");
    let record = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let _ = sandbox.lab(&[&["record"], words.as_slice()].concat()).success();
    };
    record("spec spec.md --name desk-spec");
    record("dataset mix.jsonl --name desk-mix --from desk-spec");
    record("checkpoint weights --name desk-model --from desk-mix");
    record("eval-log eval.json --name desk-eval --from desk-model");
    let _ = sandbox.lab(&["claim", "add", "claim.toml"]).success();
    sandbox.trust();
    sandbox
}

fn verify(sandbox: &Sandbox) -> Output {
    sandbox.prove("desk-accuracy", false);
    again(sandbox)
}

/// Verifies the file that was sent before.
fn again(sandbox: &Sandbox) -> Output {
    sandbox.elsewhere(&["verify", "desk-accuracy.evidence", "--trust", "trust.policy"])
}

#[test]
fn a_log_that_is_taken_back_contradicts_the_claim_over_it() {
    let sandbox = claimed();
    let _ = verify(&sandbox).success();
    let reason = "the judge saw the answer key";
    let retract = sandbox.lab(&["retract", "desk-eval", "--reason", reason]).success();
    let retract = retract.says("entry 6  retraction of #4 eval-log \"desk-eval\"");
    let _ = retract.complains("1 claim rests on it: #5 claim \"desk-accuracy\"").complains("cut it anew");
    // What was cut before cannot show it; what is cut now does.
    assert!(again(&sandbox).success().first_line().starts_with("VERIFIED"));
    let refused = verify(&sandbox).code(1);
    assert!(refused.first_line().starts_with("CONTRADICTED·L0·number"), "{}", refused.stdout);
    let line = refused.check("supersede");
    let expected = "entry 4, which the claim rests on, is retracted by entry 6: \"the judge saw the answer key\"";
    assert!(line.starts_with("FAIL") && line.ends_with(expected), "{line}");

    // Said once is enough, and it stands.
    let _ = sandbox.lab(&["retract", "desk-eval", "--reason", reason]).success().says("unchanged: entry 6");
    let _ = sandbox.lab(&["retract", "6", "--reason", "no"]).code(2).complains("a retraction stands");
    let shown = sandbox.lab(&["show", "desk-eval"]).success().says("RETRACTED by #6");
    let _ = shown.says("taken back  #6: \"the judge saw the answer key\"");
    let _ = sandbox.lab(&["status"]).success().says("1 entry is taken back").says("#4  RETRACTED by #6: \"the judge");
    let _ = sandbox.lab(&["lineage", "desk-accuracy"]).success().says("#4 eval-log \"desk-eval\"  RETRACTED by #6");
    let log = sandbox.lab(&["log", "-n", "1"]).success();
    let _ = log.says("retraction").says("of #4  \"the judge saw the answer key\"");
    let _ = sandbox.lab(&["audit"]).success();
}

#[test]
fn what_a_claim_rests_on_from_afar_takes_it_along() {
    let sandbox = claimed();
    let retract = sandbox.lab(&["retract", "desk-spec", "desk-mix", "--reason", "the wrong draft"]).success();
    let _ = retract.complains("1 claim rests on it");
    let refused = verify(&sandbox).code(1);
    assert!(refused.check("supersede").contains("entry 1, which the claim rests on, is retracted by entry 6"));
    let _ = refused.says("- entry 2, which the claim rests on, is retracted by entry 6: \"the wrong draft\"");
}

#[test]
fn an_incident_leaves_it_open_until_it_is_settled() {
    let sandbox = claimed();
    let incident = ["incident", "desk-model", "--reason", "the disk was full", "--seen", "2026-11-20"];
    let _ =
        sandbox.lab(&incident).success().says("entry 6  incident of #3 checkpoint").complains("1 claim rests on it");
    let open = verify(&sandbox).code(3);
    assert!(open.first_line().starts_with("NOT-RECOMPUTABLE·L0·number"), "{}", open.stdout);
    assert!(open.check("supersede").starts_with("UNKNOWN") && open.stdout.contains("\"the disk was full\""));
    let _ = open.says("next: ask the lab what came of it");
    let _ = sandbox.lab(&["lineage", "desk-eval"]).success().says("incident #6");
    let _ = sandbox.lab(&["show", "6"]).success().says("2026-11-20");

    let _ = sandbox.lab(&["incident", "--settles", "6", "--reason", "the same digest elsewhere"]).success();
    let settled = verify(&sandbox).success();
    let settled = settled.says("settled by entry 7: \"the same digest elsewhere\"");
    assert!(settled.check("supersede").starts_with("PASS"));
    let _ = sandbox.lab(&["show", "desk-model"]).success().says("(no more: #7)");
    assert!(!sandbox.lab(&["lineage", "desk-eval"]).success().stdout.contains("incident"));
}

#[test]
fn attempts_are_left_out_and_places_are_claimed() {
    let sandbox = claimed();
    let _ = sandbox.lab(&["run", "--name", "train", "--", "sh", "-c", "exit 7"]).code(7);
    let _ = sandbox
        .lab(&["exclude", "6", "7", "--reason", "the node lost its disk"])
        .success()
        .says("exclusion of #6 run-start");
    let _ = sandbox.lab(&["status"]).success().says("#6  left out by #8: \"the node lost its disk\"");
    let _ = sandbox.lab(&["show", "6"]).success().says("left out by #8").says("\"the node lost its disk\"");
    let places = ["locate", "desk-mix", "--at", "https://lab.example/mix.jsonl", "--at", "gs://lab/mix.jsonl"];
    let _ = sandbox.lab(&places).success().says("entry 9  location of #2 dataset");
    let _ = sandbox.lab(&places).success().says("unchanged: entry 9");
    let _ = sandbox.lab(&["show", "desk-mix"]).success().says("claimed at  #9: \"https://lab.example/mix.jsonl\"");
    let verified = verify(&sandbox).success();
    assert!(verified.check("availability").starts_with("UNKNOWN"), "nobody looked there");
    let verified =
        verified.says("- entry 2 is claimed to be at https://lab.example/mix.jsonl (entry 9; not looked at)");
    let verified = verified.says("gs://lab/mix.jsonl");
    // What is said of other things stays at home.
    assert!(!verified.stdout.contains("lost its disk"));
    assert!(!sandbox.read("elsewhere/desk-accuracy.evidence").windows(13).any(|part| part == b"lost its disk"));
    // Taken back, a place is none, and an exclusion leaves nothing out.
    let _ = sandbox.lab(&["retract", "8", "9", "--reason", "moved"]).success();
    assert!(!verify(&sandbox).success().stdout.contains("https://lab.example/mix.jsonl"));
    assert!(!sandbox.lab(&["status"]).success().stdout.contains("left out"));
    let _ = sandbox.lab(&places).success().says("entry 11  location");
}

#[test]
fn an_item_of_what_was_taken_back_is_not_verified() {
    let sandbox = claimed();
    let item = |code| {
        let _ = sandbox.lab(&["prove", "--item", "desk-mix", "#0", "-o", "item.evidence", "--force"]).success();
        sandbox.write("elsewhere/item.evidence", sandbox.read("lab/item.evidence"));
        sandbox.elsewhere(&["verify", "item.evidence", "--trust", "trust.policy"]).code(code)
    };
    assert!(item(0).check("supersede").starts_with("PASS"));
    let _ = sandbox.lab(&["retract", "desk-spec", "--reason", "the wrong draft"]).success();
    let from_it = item(0).says("entry 1, which that was made from, is retracted by entry 6: \"the wrong draft\"");
    assert!(from_it.check("supersede").starts_with("PASS"), "the item was in the rows, whatever they were made from");
    let _ = sandbox.lab(&["retract", "desk-mix", "--reason", "personal data"]).success();
    let refused = item(1);
    assert!(refused.check("supersede").ends_with("is retracted by entry 7: \"personal data\""), "{}", refused.stdout);
}

#[test]
fn what_cannot_be_said_is_refused_and_nothing_is_written() {
    let sandbox = claimed();
    let refused = |line: &[&str]| sandbox.lab(line).code(2);
    let because = |line: &[&str]| refused(&[line, &["--reason", "why"]].concat());
    let _ = because(&["retract", "desk-evl"])
        .complains("nothing in this ledger is called `desk-evl`")
        .complains("there is \"desk-eval\"");
    let _ = because(&["prove", "desk-acuracy", "-o", "x"]).complains("--reason");
    let _ = refused(&["prove", "desk-acuracy", "-o", "x"]).complains("there is \"desk-accuracy\"");
    let _ = because(&["retract", "0"]).complains("part of the ledger's frame").complains("reproledger key revoke");
    let _ = because(&["incident", "0"]).complains("part of the ledger's frame");
    let _ = because(&["exclude", "desk-accuracy"])
        .complains("artifacts and runs are left out")
        .complains("reproledger retract");
    let _ = because(&["incident", "--settles", "desk-eval"]).complains("not an incident");
    let _ = because(&["incident"]);
    let _ = because(&["incident", "desk-eval", "--seen", "yesterday"]).complains("2026-11-20");
    let _ = because(&["retract"]);
    for reason in ["", "  ", "two\nlines", &"x".repeat(2001)] {
        let _ = refused(&["retract", "desk-eval", "--reason", reason]).complains("reason");
    }
    let _ = refused(&["retract", "desk-eval"]).complains("--reason");
    let _ = refused(&["locate", "desk-accuracy", "--at", "https://a.example"]).complains("only an artifact");
    let _ = refused(&["locate", "desk-mix", "--at", "mix.jsonl"]).complains("begins with a scheme");
    let _ =
        refused(&["locate", "desk-mix", "--at", "https://me:secret@a.example/"]).complains("there is a password in it");
    let _ = refused(&["locate", "desk-mix"]).complains("--at");
    let _ = sandbox.lab(&["log", "-n", "1"]).success().says("#5 ");
}

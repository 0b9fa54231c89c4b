//! Who rebuilt a claim signs that in a ledger of his own; the lab attaches it, and a reader sees which runs, and by whom.
//!
//! The second ledger here is a demonstration by the same party: it shows how it is done, and lifts nothing.

use std::path::PathBuf;

use reproledger::statement::Judgement;
use reproledger::verify;
use serde_json::Value;

use crate::support::{Sandbox, copy};

/// Rows written from nothing, weights of rows, and a log of weights: no stage hands on what it was given.
const STAGES: &str = "set -e
case $1 in
generate) printf '{\"text\":\"a\"}\\n{\"text\":\"b\"}\\n' > \"$2\" ;;
train) mkdir -p \"$3\"; tr a-z A-Z < \"$2\" > \"$3/part.dat\" ;;
evaluate) test -s \"$2/part.dat\"; sed 's/@//g' \"$3\" > \"$4\" ;;
esac
";

/// A lab that recorded three stages, each a run, and a claim on the last.
fn study() -> Sandbox {
    let sandbox = Sandbox::with_ledger();
    let demo = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo");
    sandbox.write("lab/tools/stages.sh", STAGES);
    let log = std::fs::read_to_string(demo.join("eval.json")).unwrap();
    sandbox.write("lab/answers.txt", log.replacen('{', "{@", 1));
    std::fs::create_dir(sandbox.path("lab/out")).unwrap();
    for (kind, path, name) in [("source", "tools", "tools"), ("other", "answers.txt", "answers")] {
        let _ = sandbox.lab(&["record", kind, path, "--name", name]).success();
    }
    sandbox.stage("generate", &["tools"], "dataset:rows=out/rows.jsonl", &["out/rows.jsonl"]);
    sandbox.stage("train", &["tools", "rows"], "checkpoint:desk-model=out/w", &["out/rows.jsonl", "out/w"]);
    let words = ["out/w", "answers.txt", "out/log.json"];
    sandbox.stage("evaluate", &["tools", "desk-model", "answers"], "eval-log:desk-eval=out/log.json", &words);
    sandbox.write("lab/claim.toml", std::fs::read(demo.join("claim.toml")).unwrap());
    let _ = sandbox.lab(&["claim", "add", "claim.toml"]).success();
    let _ = sandbox.prove("desk-accuracy", true);
    for path in ["tools", "answers.txt"] {
        copy(&sandbox.path(&format!("lab/{path}")), &sandbox.path(&format!("elsewhere/study/{path}")));
    }
    sandbox
}

/// Begins a second ledger elsewhere, labelled for what it is.
pub(super) fn second_ledger(sandbox: &Sandbox, folder: &str) {
    std::fs::create_dir_all(sandbox.path(folder)).unwrap();
    let origin = "lab.example/demonstration-by-the-same-party";
    let _ = sandbox.run(folder, &["init", "--origin", origin, "--issuer", "https://lab.example"]).success();
}

const REBUILD: [&str; 5] = ["rebuild", "desk-accuracy.evidence", "--artifacts", "study", "--yes"];

/// Rebuilds elsewhere and signs it.
fn sign(sandbox: &Sandbox, more: &[&str], code: i32) -> Value {
    let line = [&REBUILD[..], &["--sign", "--attestation", "mine.attestation", "--json"], more].concat();
    let out = sandbox.elsewhere(&line).code(code);
    serde_json::from_slice(&out.bytes).unwrap()
}

#[test]
fn a_rebuild_is_signed_in_a_second_ledger_attached_and_carried() {
    let sandbox = study();
    second_ledger(&sandbox, "elsewhere");
    let document = sign(&sandbox, &[], 0);
    assert_eq!(document["signed"]["entry"], 1);
    assert_eq!(document["signed"]["ledger"], "lab.example/demonstration-by-the-same-party");
    // What was signed: three runs, really run, in a sandbox.
    let file = sandbox.read("elsewhere/mine.attestation");
    let testimony = verify::Testimony::open(&file).unwrap();
    let words = testimony.body.rebuild.as_deref().unwrap();
    assert_eq!((words.judgement, words.sandboxed, words.stages.len()), (Judgement::Good, true, 3));
    assert!(words.taken.is_empty() && words.stages.iter().all(|stage| stage.judgement == Judgement::Good));
    assert_eq!(
        words.stages[0].outputs[0].made.unwrap().to_string(),
        document["stages"][0]["outputs"][0]["made"][0].as_str().unwrap().split_once(' ').unwrap().1
    );
    // It can be written out again later, and is the same statement.
    let _ = sandbox.elsewhere(&["prove", "1", "-o", "again.attestation"]).success();
    assert_eq!(sandbox.read("elsewhere/again.attestation"), file);
    let _ = sandbox.elsewhere(&["audit"]).success();

    // The lab attaches it once, and evidence cut from then on carries it.
    sandbox.write("lab/theirs.attestation", &file);
    let attach = ["attach", "theirs.attestation", "--to", "desk-accuracy"];
    let _ = sandbox.lab(&attach).success().says("rebuild of entry 1 in the ledger lab.example/demonstration");
    let _ = sandbox.lab(&attach).success().says("unchanged");
    let _ = sandbox.lab(&["audit"]).success();
    let evidence = std::fs::read(sandbox.prove("desk-accuracy", true)).unwrap();
    let verified = verify::evidence(&evidence, None).unwrap();
    let [said] = verified.testified.as_slice() else { panic!("{}", verified.testified.len()) };
    assert!(said.is_of_this_history && said.attach.is_some());
    assert_eq!(said.testimony.body.rebuild.as_deref(), Some(words));
    // Attached under another head than it was made from, after more was recorded.
    sandbox.write("lab/more.txt", "more");
    let _ = sandbox.lab(&["record", "other", "more.txt", "--name", "more"]).success();
    let evidence = std::fs::read(sandbox.prove("desk-accuracy", false)).unwrap();
    assert!(verify::evidence(&evidence, None).unwrap().testified[0].is_of_this_history);
}

/// The reader's word on who is who: a name, and the files of `ledger.toml` whose log keys are theirs.
pub(super) fn parties(sandbox: &Sandbox, all: &[(&str, &[&str])]) {
    let vkey = |folder: &&str| {
        let settings = String::from_utf8(sandbox.read(&format!("{folder}/.reproledger/ledger.toml"))).unwrap();
        settings.lines().find_map(|line| line.strip_prefix("log_key = ")).unwrap().to_owned()
    };
    let party = |(name, folders): &(&str, &[&str])| {
        let keys: Vec<_> = folders.iter().map(vkey).collect();
        format!("[[party]]\nname = {name:?}\nkeys = [{}]\n", keys.join(", "))
    };
    let all: String = all.iter().map(party).collect();
    sandbox.write("elsewhere/parties.toml", format!("[rebuilders]\nrequired = 1\n{all}"));
}

#[test]
fn verify_shows_which_runs_were_made_again_and_by_whom() {
    let sandbox = study();
    second_ledger(&sandbox, "elsewhere");
    let _ = sign(&sandbox, &[], 0);
    sandbox.write("lab/theirs.attestation", sandbox.read("elsewhere/mine.attestation"));
    let _ = sandbox.lab(&["attach", "theirs.attestation", "--to", "desk-accuracy"]).success();
    let _ = sandbox.prove("desk-accuracy", true);
    sandbox.trust();
    let verify = ["verify", "desk-accuracy.evidence", "--trust", "trust.policy"];
    let with = [&verify[..], &["--parties", "parties.toml"]].concat();
    // Nobody was named: shown by its key, and nothing is lifted.
    let out =
        sandbox.elsewhere(&verify).success().says("rebuilt     3 of 3 runs, by key ").says("you named no parties");
    assert!(out.first_line().starts_with("VERIFIED·L0·number"), "{}", out.stdout);
    // What it is: a demonstration by the same party.
    parties(&sandbox, &[("The lab", &["lab", "elsewhere"])]);
    let out = sandbox.elsewhere(&with).success().says("by \"The lab\" (the issuer's own party)");
    assert!(out.first_line().starts_with("VERIFIED·L0·number"), "{}", out.stdout);
    // Had it been somebody else.
    parties(&sandbox, &[("The lab", &["lab"]), ("Auditors", &["elsewhere"])]);
    let out = sandbox.elsewhere(&with).success().says("rebuilt     3 of 3 runs, by \"Auditors\"\n");
    assert!(out.first_line().starts_with("VERIFIED·L3·number"), "{}", out.stdout);
    for line in ["corpus L3 1 of 1 made again by \"Auditors\"", "training L3", "sampling L3", "statistic L3"] {
        assert!(out.stdout.contains(line), "{line}: {}", out.stdout);
    }
    let json = sandbox.elsewhere(&[&with[..], &["--json"]].concat()).success();
    let json: Value = serde_json::from_slice(&json.bytes).unwrap();
    assert_eq!((&json["level"], &json["rebuilds"][0]["party"]), (&"L3".into(), &"Auditors".into()));
    assert_eq!(json["rebuilds"][0]["runs"].as_array().unwrap().len(), 3);
    sandbox.write("elsewhere/parties.toml", "[rebuilders]\nrequired = 1\nany = true\n");
    let _ = sandbox.elsewhere(&with).code(2).complains("not in its form");
}

#[test]
fn a_rebuild_that_only_added_up_the_number_lifts_nothing() {
    let sandbox = study();
    second_ledger(&sandbox, "elsewhere");
    let _ = sandbox.prove("desk-accuracy", false);
    let _ = sign(&sandbox, &[], 3);
    sandbox.trust();
    parties(&sandbox, &[("The lab", &["lab"]), ("Auditors", &["elsewhere"])]);
    let _ = sandbox.prove("desk-accuracy", true);
    let out = sandbox
        .elsewhere(&[
            "verify",
            "desk-accuracy.evidence",
            "--trust",
            "trust.policy",
            "--parties",
            "parties.toml",
            "--attestation",
            "mine.attestation",
        ])
        .success()
        .says("0 of 3 runs, by \"Auditors\" (nothing was run again, only added up)");
    assert!(out.first_line().starts_with("VERIFIED·L0·number"), "{}", out.stdout);
}

#[test]
fn what_was_recorded_after_its_run_is_signed_with_it_by_whichever_end_it_names() {
    for made_by in ["evaluate", "2"] {
        let sandbox = Sandbox::with_ledger();
        let demo = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo");
        sandbox.write("lab/answers.txt", std::fs::read(demo.join("eval.json")).unwrap());
        let _ = sandbox.lab(&["record", "other", "answers.txt", "--name", "answers"]).success();
        let line =
            ["run", "--name", "evaluate", "--in", "answers", "--", "sh", "-c", "tr -d @ < answers.txt > log.json"];
        let _ = sandbox.lab(&line).success();
        let line = ["record", "eval-log", "log.json", "--name", "desk-eval", "--made-by", made_by];
        let _ = sandbox.lab(&line).success();
        let claim = std::fs::read_to_string(demo.join("claim.toml")).unwrap();
        sandbox.write("lab/claim.toml", claim.replace("\"desk-model\"", ""));
        let _ = sandbox.lab(&["claim", "add", "claim.toml"]).success();
        let _ = sandbox.prove("desk-accuracy", true);
        copy(&sandbox.path("lab/answers.txt"), &sandbox.path("elsewhere/study/answers.txt"));
        second_ledger(&sandbox, "elsewhere");
        let _ = sign(&sandbox, &[], 0);
        let testimony = verify::Testimony::open(&sandbox.read("elsewhere/mine.attestation")).unwrap();
        assert_eq!(testimony.body.rebuild.as_deref().unwrap().stages[0].outputs.len(), 1);
        sandbox.trust();
        let line = ["verify", "desk-accuracy.evidence", "--trust", "trust.policy", "--attestation", "mine.attestation"];
        let _ = sandbox.elsewhere(&line).success();
    }
}

#[test]
fn a_reader_can_bring_what_the_lab_did_not_attach() {
    let sandbox = study();
    second_ledger(&sandbox, "elsewhere");
    let _ = sign(&sandbox, &[], 0);
    sandbox.trust();
    let verify = ["verify", "desk-accuracy.evidence", "--trust", "trust.policy", "--attestation", "mine.attestation"];
    let _ = sandbox.elsewhere(&verify).success();
    // One that was changed is refused, and says nothing of the claim.
    let mut bytes = sandbox.read("elsewhere/mine.attestation");
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    sandbox.write("elsewhere/mine.attestation", &bytes);
    let refused = sandbox.elsewhere(&verify);
    assert_ne!(refused.exit_code(), Some(0));
    let _ = refused.complains("`mine.attestation` is refused");
    let _ = sandbox.elsewhere(&["verify", "desk-accuracy.evidence", "--trust", "trust.policy"]).success();
}

#[test]
fn nothing_is_run_before_it_is_clear_that_it_can_be_signed() {
    let sandbox = study();
    let line = |more: &[&'static str]| [&REBUILD[..], &["--sign"], more].concat();
    // Without a ledger, in the lab's own ledger, of a ledger, of items.
    let _ = sandbox.elsewhere(&line(&[])).code(2).complains("there is no ledger in");
    let _ = sandbox.elsewhere(&line(&["--ledger", "../lab"])).code(2).complains("nobody testifies of himself");
    second_ledger(&sandbox, "elsewhere/own");
    let of_ledger = ["rebuild", "../lab", "--yes", "--sign", "--ledger", "own"];
    let _ = sandbox.elsewhere(&of_ledger).code(2).complains("of no claim");
    sandbox.write("elsewhere/there.attestation", "already");
    let taken = line(&["--ledger", "own", "--attestation", "there.attestation"]);
    let _ = sandbox.elsewhere(&taken).code(2).complains("is there already");
    let _ = sandbox.elsewhere(&["rebuild", "desk-accuracy.evidence", "--ledger", "own"]).code(2);
    let _ = sandbox.run("elsewhere/own", &["log"]).success();
    assert_eq!(sandbox.run("elsewhere/own", &["log"]).success().stdout.matches("rebuild").count(), 0);
}

#[test]
fn what_was_not_run_again_is_signed_as_taken() {
    let sandbox = study();
    second_ledger(&sandbox, "elsewhere");
    let words = |name: &str| {
        let file = sandbox.read(&format!("elsewhere/{name}"));
        *verify::Testimony::open(&file).unwrap().body.rebuild.unwrap()
    };
    // Of evidence that shows no commands nothing can be run: such a rebuild only adds up the number again.
    let _ = sandbox.prove("desk-accuracy", false);
    copy(&sandbox.path("lab/out"), &sandbox.path("elsewhere/study/out"));
    let _ = sign(&sandbox, &[], 3);
    let said = words("mine.attestation");
    assert!(said.stages.is_empty());
    assert_eq!((said.taken.len(), said.taken[0].judgement), (3, Judgement::Taken));
    // One stage alone, and without a sandbox: both are said.
    let _ = sandbox.prove("desk-accuracy", true);
    let line =
        |more: &[&'static str]| [&REBUILD[..], &["--stage", "generate", "--sign", "--attestation"], more].concat();
    let _ = sandbox.elsewhere(&line(&["one.attestation"])).success();
    let said = words("one.attestation");
    assert_eq!((said.stages.len(), said.taken.len(), said.recomputed), (1, 0, None));
    let _ = sandbox.elsewhere(&line(&["open.attestation", "--no-sandbox"])).code(3);
    let said = words("open.attestation");
    assert!(!said.sandboxed && said.judgement == Judgement::Unknown, "{said:?}");
}

#[test]
fn what_is_of_another_claim_is_not_attached() {
    let sandbox = study();
    second_ledger(&sandbox, "elsewhere");
    let _ = sign(&sandbox, &[], 0);
    let other = study();
    other.write("lab/theirs.attestation", sandbox.read("elsewhere/mine.attestation"));
    let attach = ["attach", "theirs.attestation", "--to", "desk-accuracy"];
    let _ = other.lab(&attach).code(1).complains("it is of a claim in another ledger");
    let _ = other.lab(&["attach", "claim.toml", "--to", "desk-accuracy"]).code(2).complains("is refused");
    let _ = other.lab(&["attach", "theirs.attestation", "--to", "rows"]).code(2).complains("not a claim");
}

//! Two arms of four seeds, looked at in an evidence file: tree, document, graph and picture.

use std::path::Path;

use jsonschema::Validator;
use reproledger::digest::{DigestKind, FileDigest};
use reproledger::merkle::EntryIndex;
use reproledger::statement::{Arm, EdgeType, Kind, Stated, Subject};
use serde_json::Value;

use crate::support::{Lab, Sandbox, Story};

fn schema() -> Validator {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/lineage.schema.json");
    jsonschema::validator_for(&serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()).unwrap()
}

fn add(lab: &mut Lab, kind: Kind, name: &str, label: Option<(&str, u64)>, from: &[EntryIndex]) -> EntryIndex {
    let mut payload = lab.payload(kind);
    payload.subjects.push(Subject::file(FileDigest::of(name.as_bytes()), 1));
    payload.arm = label.map(|(arm, _)| arm.to_owned());
    payload.seed = label.map(|(_, seed)| seed);
    payload.edges =
        from.iter().map(|target| lab.link(EdgeType::between(kind, lab.said(*target).kind), *target)).collect();
    payload.edges.sort();
    lab.say(&payload)
}

/// The experiment of the field; the evidence of its claim lies elsewhere as `claim.evidence`.
fn told(seeds: u64, comparator: &str) -> Sandbox {
    let mut lab = Lab::new();
    let mut story = Story::new();
    let manifest = story.manifest();
    let spec = add(&mut lab, Kind::Spec, "spec", None, &[]);
    let documents = add(&mut lab, Kind::Documents, "documents", None, &[spec]);
    let corpus = add(&mut lab, Kind::Dataset, "corpus", None, &[documents]);
    let chats = add(&mut lab, Kind::Dataset, "chats", None, &[spec]);
    let base = add(&mut lab, Kind::BaseModel, "base", None, &[]);
    let mut logs = Vec::new();
    for seed in 0..seeds {
        let midtrained =
            add(&mut lab, Kind::Checkpoint, &format!("midtrained {seed}"), Some(("treated", seed)), &[corpus, base]);
        for (arm, parent) in [("treated", midtrained), ("plain", base)] {
            let weights =
                add(&mut lab, Kind::Checkpoint, &format!("{arm} {seed}"), Some((arm, seed)), &[chats, parent]);
            let log =
                lab.eval_log(format!("log of {arm} {seed}").as_bytes(), &manifest, &[(EdgeType::Evaluates, weights)]);
            logs.push(log);
        }
    }
    let arm = |name: &str, kind: &str| Arm {
        arm: name.to_owned(),
        kind: Stated::Is(kind.to_owned()),
        base: Stated::None,
        checkpoints: Vec::new(),
    };
    story.claim.subject = arm("treated", "msm+aft");
    story.claim.comparator = Stated::Is(arm("plain", comparator));
    story.claim.inputs = vec![lab.said(logs[0]).subjects[0].digest(DigestKind::Samples).unwrap()];
    let claim = lab.claim(&story.claim, &logs, &[]);
    let sandbox = Sandbox::new();
    sandbox.write("elsewhere/claim.evidence", lab.evidence(claim).to_bytes());
    sandbox
}

#[test]
fn json_says_what_the_arms_are_and_fits_its_schema() {
    let sandbox = told(4, "deliberative-alignment");
    let output = sandbox.elsewhere(&["lineage", "claim.evidence", "--json"]).success();
    assert!(output.stderr.contains("for `reproledger verify` to say"), "{}", output.stderr);
    let value: Value = serde_json::from_slice(&output.bytes).unwrap();
    let errors: Vec<String> = schema().iter_errors(&value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let arms = value["arms"].as_array().unwrap();
    assert_eq!(arms.len(), 2);
    for (arm, side, name) in [(&arms[0], "subject", "treated"), (&arms[1], "comparator", "plain")] {
        assert_eq!((&arm["side"], &arm["arm"], &arm["whole"]), (&side.into(), &name.into(), &true.into()));
        assert_eq!(arm["recipe"]["answer"], "met", "{:#}", arm["recipe"]);
        assert_eq!(arm["logs"].as_array().unwrap().len(), 4);
    }
    let n = |stage: &str, part: &str| {
        let rows = arms[0]["distinct"].as_array().unwrap();
        let row = rows.iter().find(|row| row["stage"] == stage && row["part"] == part).unwrap();
        (row["n"].as_u64().unwrap(), row["of"].as_u64().unwrap())
    };
    assert_eq!(
        (n("midtraining", "documents"), n("midtraining", "weights"), n("base", "base-model")),
        ((1, 4), (4, 4), (1, 4))
    );
    let differing: Vec<(&str, &str)> = value["difference"]["slots"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|slot| slot["only_subject"] != Value::Array(vec![]) || slot["only_comparator"] != Value::Array(vec![]))
        .map(|slot| (slot["stage"].as_str().unwrap(), slot["part"].as_str().unwrap()))
        .collect();
    let spec_and_documents = [("midtraining", "weights"), ("midtraining", "spec"), ("midtraining", "documents")];
    assert!(spec_and_documents.iter().all(|slot| differing.contains(slot)), "{differing:?}");
    assert!(!differing.contains(&("alignment", "dataset")) && !differing.contains(&("base", "base-model")));
    assert_eq!(value["difference"]["same_weights"], Value::Array(vec![]));
}

#[test]
fn text_names_what_an_arm_lacks_for_its_name() {
    let sandbox = told(2, "instruction-mix-only");
    let output = sandbox.elsewhere(&["lineage", "claim.evidence"]).success();
    let output = output
        .says("subject arm \"treated\", called \"msm+aft\": Model Spec Midtraining with alignment fine-tuning: met")
        .says("comparator arm \"plain\", called \"instruction-mix-only\": Instruction mix alone: contradicted")
        .says("contradicted: nothing of a spec went into it: spec #1 went into it")
        .says("distinct weights: 2 of 2 (midtraining), 2 of 2 (alignment)");
    assert!(output.stdout.contains("└─ "), "the tree comes first: {}", output.stdout);
    let _ = told(1, "baseline")
        .elsewhere(&["lineage", "claim.evidence"])
        .success()
        .says("no recipe has that name; known: msm,");
}

#[test]
fn dot_and_svg_are_the_same_bytes_each_time_and_one_form_is_asked_for() {
    let sandbox = told(4, "aft-only");
    let dot = sandbox.elsewhere(&["lineage", "claim.evidence", "--dot"]).success();
    assert!(dot.stdout.starts_with("digraph lineage {\n") && dot.stdout.matches("label=\"checkpoint #").count() == 12);
    let svg = sandbox.elsewhere(&["lineage", "claim.evidence", "--svg"]).success();
    assert!(svg.stdout.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" ") && svg.stdout.ends_with("</svg>\n"));
    assert_eq!(svg.stdout.matches(">4 alike</text>").count(), 5, "{}", svg.stdout);
    for (form, first) in [("--dot", dot), ("--svg", svg)] {
        assert_eq!(sandbox.elsewhere(&["lineage", "claim.evidence", form]).success().bytes, first.bytes);
    }
    let _ = sandbox.elsewhere(&["lineage", "claim.evidence", "--dot", "--svg"]).code(2);
}

#[test]
fn evidence_that_was_changed_has_no_lineage() {
    let sandbox = told(1, "aft-only");
    let mut bytes = sandbox.read("elsewhere/claim.evidence");
    let at = bytes.windows(7).position(|window| window == b"treated").unwrap();
    bytes[at] = b'T';
    sandbox.write("elsewhere/claim.evidence", &bytes);
    let output = sandbox.elsewhere(&["lineage", "claim.evidence"]).code(1);
    assert!(output.stderr.contains("reproledger verify FILE"), "{}", output.stderr);
}

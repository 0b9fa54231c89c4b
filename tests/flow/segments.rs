//! Trainings recorded in segments, of which a rebuilder runs those that his nonce draws.

use reproledger::statement::Judgement;
use reproledger::verify;
use serde_json::Value;

use crate::support::Sandbox;

const SCHEMA: &str = include_str!("../../schemas/rebuild-stages.schema.json");

/// Segments of the one training.
const SEGMENTS: usize = 12;

/// The segment whose record is of something that its command does not make from what it read.
const DOCTORED: usize = 7;

/// A lab that trained in twelve segments, each a run, and then evaluated.
fn trained(is_doctored: bool) -> Sandbox {
    trained_from("checkpoint", is_doctored)
}

/// The same from weights that nobody made, or from a base model.
fn trained_from(kind: &str, is_doctored: bool) -> Sandbox {
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/w/0/part.dat", "begin\n");
    let _ = sandbox.lab(&["record", kind, "w/0", "--name", "w0"]).success();
    if is_doctored {
        sandbox.write(&format!("lab/bonus.{DOCTORED}"), "what nobody recorded\n");
    }
    for at in 1..=SEGMENTS {
        let (name, from, out) = (format!("train-{at}"), format!("w{}", at - 1), format!("checkpoint:w{at}=w/{at}"));
        let script =
            format!("mkdir -p w/{at}; cat w/{}/part.dat bonus.{at} 2>/dev/null | cksum > w/{at}/part.dat", at - 1);
        let line = ["run", "--name", &name, "--in", &from, "--out", &out, "--", "sh", "-c", &script];
        let _ = sandbox.lab(&line).success();
    }
    let last = format!("w{SEGMENTS}");
    let script = format!("wc -c < w/{SEGMENTS}/part.dat > score.txt");
    let line = ["run", "--name", "score", "--in", &last, "--out", "other:score=score.txt", "--", "sh", "-c", &script];
    let _ = sandbox.lab(&line).success();
    sandbox
}

fn sampled(sandbox: &Sandbox, line: &[&str]) -> (Value, String) {
    let arguments = [&["rebuild", "../lab", "--yes"], line].concat();
    let json = sandbox.elsewhere(&[&arguments[..], &["--json"]].concat());
    let document: Value = serde_json::from_slice(&json.bytes).unwrap_or_else(|_| panic!("{}", json.stderr));
    let schema = jsonschema::validator_for(&serde_json::from_str(SCHEMA).unwrap()).unwrap();
    let errors: Vec<_> = schema.iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{document:#}");
    let code = i32::try_from(document["exit_code"].as_i64().unwrap()).unwrap();
    let first = json.code(code).first_line().to_owned();
    (document, first)
}

fn drawn(document: &Value) -> Vec<String> {
    let chains = document["sampled"]["chains"].as_array().unwrap();
    assert_eq!(chains.len(), 1);
    let labels = chains[0]["drawn"].as_array().unwrap().iter();
    labels.map(|label| label.as_str().unwrap().to_owned()).collect()
}

#[test]
fn drawn_segments_are_run_again_and_what_is_not_drawn_is_bounded_and_never_called_good() {
    let sandbox = trained(false);
    let nonce = "5a".repeat(16);
    let line = ["--sample", "3", "--nonce", &nonce];
    let (document, _) = sampled(&sandbox, &line);
    assert_eq!((&document["verdict"], &document["exit_code"]), (&"GOOD".into(), &0.into()));
    let chain = &document["sampled"]["chains"][0];
    assert_eq!((&chain["segments"], &chain["bad"], &chain["at_most_bad"]), (&12.into(), &0.into(), &6.into()));
    assert_eq!(chain["not_drawn"].as_array().unwrap().len(), 9);
    assert_eq!(document["sampled"]["nonce"], nonce);
    // What is no segment is run as always, and nothing else is.
    assert_eq!(document["stages"].as_array().unwrap().len(), 4);
    let reason = document["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("of what was drawn and run: 4 made again as recorded; of 12 segments 3 drawn and 0 bad")
    );
    assert!(document.get("claim").is_none());
    let (again, _) = sampled(&sandbox, &line);
    assert_eq!(drawn(&again), drawn(&document));
    // Without a nonce one is drawn here, and told so that the same can be drawn again.
    let (mine, _) = sampled(&sandbox, &["--sample", "2"]);
    let told = mine["sampled"]["nonce"].as_str().unwrap().to_owned();
    assert!(mine["notes"].to_string().contains(&format!("--nonce {told}")), "{mine:#}");
    let (again, _) = sampled(&sandbox, &["--sample", "2", "--nonce", &told]);
    assert_eq!(drawn(&again), drawn(&mine));
    // All of them are a whole rebuild.
    let (whole, _) = sampled(&sandbox, &["--sample", "12", "--nonce", &nonce]);
    assert_eq!(whole["reason"], "13 made again as recorded");
    let text = sandbox.elsewhere(&["rebuild", "../lab", "--yes", "--sample", "3", "--nonce", &nonce]).success();
    assert!(text.stdout.contains("not drawn: \"train-"), "{}", text.stdout);
}

#[test]
fn a_doctored_segment_is_found_when_it_is_drawn_and_only_then() {
    let sandbox = trained(true);
    let name = format!("train-{DOCTORED}");
    let mut seen = [0, 0];
    // Six of twelve: forty nonces that all draw it, or all do not, come once in 10^12 times.
    for nonce in 0..40_u32 {
        let nonce = format!("{nonce:032x}");
        let (document, first) = sampled(&sandbox, &["--sample", "6", "--nonce", &nonce]);
        let is_drawn = drawn(&document).contains(&name);
        seen[usize::from(is_drawn)] += 1;
        if is_drawn {
            assert_eq!(document["verdict"], "BAD", "{document:#}");
            assert!(document["reason"].as_str().unwrap().contains(&format!("first at stage `{name}`")), "{document:#}");
            assert_eq!(document["sampled"]["chains"][0]["bad"], 1);
        } else {
            assert_eq!(document["verdict"], "GOOD", "{first}");
        }
        if seen.iter().all(|seen| *seen > 0) {
            break;
        }
    }
    assert!(seen.iter().all(|seen| *seen > 0), "{seen:?}");
}

/// Evaluates the last weights, claims what came out, and brings the evidence elsewhere.
fn claimed(sandbox: &Sandbox) {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo");
    let answers = std::fs::read_to_string(format!("{demo}/eval.json")).unwrap();
    sandbox.write("lab/answers.json", answers.replacen('{', "{@", 1));
    let _ = sandbox.lab(&["record", "other", "answers.json", "--name", "answers"]).success();
    let last = format!("w{SEGMENTS}");
    let line = ["run", "--name", "evaluate", "--in", &last, "--in", "answers", "--out", "eval-log:desk-eval=log.json"];
    let _ = sandbox.lab(&[&line[..], &["--", "sh", "-c", "tr -d @ < answers.json > log.json"]].concat()).success();
    let claim = std::fs::read_to_string(format!("{demo}/claim.toml")).unwrap();
    sandbox.write("lab/claim.toml", claim.replace("\"desk-model\"", &format!("\"{last}\"")));
    let _ = sandbox.lab(&["claim", "add", "claim.toml"]).success();
    let _ = sandbox.prove("desk-accuracy", true);
}

#[test]
fn sampled_segments_can_be_signed_and_lift_no_stage_as_a_whole() {
    let sandbox = trained_from("base-model", false);
    claimed(&sandbox);
    let origin = "auditors.example/rebuilds";
    let _ = sandbox.elsewhere(&["init", "--origin", origin, "--issuer", "https://auditors.example"]).success();
    let signed = |count: &str, file: &str| {
        let nonce = "5a".repeat(16);
        let line = ["rebuild", "desk-accuracy.evidence", "--artifacts", "../lab", "--yes", "--json", "--sample", count];
        let rest = ["--nonce", &nonce, "--sign", "--attestation", file];
        let made = sandbox.elsewhere(&[&line[..], &rest[..]].concat()).success();
        let document: Value = serde_json::from_slice(&made.bytes).unwrap();
        assert_eq!(document["signed"]["ledger"], origin);
        let testimony = verify::Testimony::open(&sandbox.read(&format!("elsewhere/{file}"))).unwrap();
        (document, *testimony.body.rebuild.unwrap())
    };
    // The runs that were drawn, the one that is no segment, and not a word of the others or of the claim.
    let (document, words) = signed("4", "four.attestation");
    assert_eq!((words.judgement, words.stages.len(), words.taken.len()), (Judgement::Good, 5, 0), "{words:?}");
    assert_eq!((drawn(&document).len(), words.recomputed), (4, None));
    assert!(words.reason.contains("of 12 segments 4 drawn and 0 bad"), "{}", words.reason);
    let (_, whole) = signed("12", "all.attestation");
    assert_eq!((whole.stages.len(), whole.recomputed.as_deref()), (13, Some("UNVOUCHED")), "{whole:?}");

    sandbox.trust();
    let key = |folder: &str| {
        let settings = String::from_utf8(sandbox.read(&format!("{folder}/.reproledger/ledger.toml"))).unwrap();
        settings.lines().find_map(|line| line.strip_prefix("log_key = ")).unwrap().to_owned()
    };
    let party = |name: &str, key: &str| format!("[[party]]\nname = \"{name}\"\nkeys = [{key}]\n");
    let all = party("Lab", &key("lab")) + &party("Auditors", &key("elsewhere"));
    sandbox.write("elsewhere/parties.toml", format!("[rebuilders]\nrequired = 1\n{all}"));
    let verified = |file: &str| {
        let line = ["verify", "desk-accuracy.evidence", "--trust", "trust.policy", "--parties", "parties.toml"];
        sandbox.elsewhere(&[&line[..], &["--attestation", file]].concat()).success()
    };
    let part = verified("four.attestation").says("rebuilt     5 of 13 runs, by \"Auditors\"\n");
    // What was not drawn rests on the lab's word, and so does the training it is part of.
    assert!(part.first_line().starts_with("VERIFIED·L0·number"), "{}", part.stdout);
    let lines =
        ["  training L0 4 of 12 made again by \"Auditors\"; the rest recorded by the lab", "  sampling L3 1 of 1 made"];
    let part = lines.iter().fold(part, |part, line| part.says(line));
    assert!(part.check("rebuild.attested").starts_with("UNKNOWN"), "{}", part.stdout);
    let whole = verified("all.attestation").says("rebuilt     13 of 13 runs, by \"Auditors\"\n");
    assert!(whole.first_line().starts_with("VERIFIED·L3·number"), "{}", whole.stdout);
}

#[test]
fn segments_behind_a_claim_are_drawn_from_its_evidence_and_say_nothing_of_the_claim() {
    let sandbox = trained(false);
    claimed(&sandbox);
    let rebuilt = |count: &str| {
        let nonce = "5a".repeat(16);
        let line = ["--artifacts", "../lab", "--yes", "--json", "--sample", count, "--nonce", &nonce];
        let made = sandbox.elsewhere(&[&["rebuild", "desk-accuracy.evidence"], &line[..]].concat()).success();
        serde_json::from_slice::<Value>(&made.bytes).unwrap()
    };
    let part = rebuilt("4");
    assert_eq!((part["stages"].as_array().unwrap().len(), drawn(&part).len()), (5, 4), "{part:#}");
    assert!(part.get("claim").is_none(), "{part:#}");
    assert!(part["reason"].as_str().unwrap().starts_with("of what was drawn and run: "), "{part:#}");
    assert_eq!(drawn(&rebuilt("4")), drawn(&part));
    let whole = rebuilt("12");
    assert_eq!((&whole["claim"]["verdict"], &whole["claim"]["rebuilt"]), (&"UNVOUCHED".into(), &1.into()));
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let sandbox = trained(false);
    let refused = |line: &[&str], why: &str| {
        let out = sandbox.elsewhere(&[&["rebuild", "../lab", "--yes"], line].concat()).code(2);
        assert!(out.stderr.contains(why), "{line:?}: {}", out.stderr);
    };
    refused(&["--nonce", &"5a".repeat(16)], "--sample");
    refused(&["--sample", "2", "--stage", "score"], "--stage");
    refused(&["--sample", "0"], "--sample");
    refused(&["--sample", "2", "--nonce", "5a5a"], "a short one can be tried out");
    refused(&["--sample", "2", "--nonce", "Z"], "expected pairs of digits");
    let plain = Sandbox::with_ledger();
    let _ = plain.lab(&["run", "--name", "one", "--out", "other:o=o", "--", "sh", "-c", "echo o > o"]).success();
    let none = plain.elsewhere(&["rebuild", "../lab", "--yes", "--sample", "2"]).code(3);
    assert!(none.stderr.contains("no training is recorded there in segments"), "{}", none.stderr);
}

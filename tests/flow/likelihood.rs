//! Who holds the weights scores transcripts that a nonce draws, signs that in a ledger of his own, and a reader judges it.
//!
//! The scores are made up here: the second ledger is a demonstration by the same party. It shows how it is done.

use std::fmt::Write;

use reproledger::digest::{Digest, FileDigest};
use reproledger::statement::Distribution;
use reproledger::verify::Testimony;
use serde_json::Value;

use super::attest::{parties, second_ledger};
use super::evaluation::delivered;
use crate::support::{Output, Sandbox};

/// As `verify --nonce` takes it, too.
const NONCE: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// A claim over two arms of three seeds, with a reader who has the logs and a scorer who has a ledger.
fn study() -> Sandbox {
    let sandbox = delivered(|_, _, _| {}, ["scenarios"; 2]);
    second_ledger(&sandbox, "elsewhere/scorer");
    sandbox
}

fn sample(sandbox: &Sandbox, more: &[&str]) -> Output {
    let line = ["sample", "am.evidence", "--n", "30", "--nonce", NONCE, "--trust", "trust.policy"];
    sandbox.elsewhere(&[&line[..], more].concat())
}

/// The same with the table, to be signed.
fn sign(sandbox: &Sandbox, more: &[&str]) -> Output {
    let line = [
        "--likelihoods",
        "scores.table",
        "--tool",
        "made up by hand",
        "--distribution",
        "as-sampled",
        "--sign",
        "--ledger",
        "scorer",
        "--attestation",
        "mine.attestation",
    ];
    sample(sandbox, &[&line[..], more].concat())
}

const AT_HAND: [&str; 2] = ["--artifacts", "data"];

/// What was drawn, and what it is to be scored under, as `sample --json` lists both.
fn listed(sandbox: &Sandbox) -> Value {
    let schema: Value = serde_json::from_str(include_str!("../../schemas/sample.schema.json")).unwrap();
    let out = sample(sandbox, &[&AT_HAND[..], &["--json"]].concat()).success();
    let document: Value = serde_json::from_slice(&out.bytes).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&document), "{document:#}");
    document
}

/// Rows of a table: each draw under each of the weights, `more` nats likelier under those of its own log.
fn rows(document: &Value, more: u64) -> Vec<[String; 4]> {
    let mut rows = Vec::new();
    for draw in document["draws"].as_array().unwrap() {
        // `log-01.json` is of the weights in `w-01.bin`, which hold their name.
        let weights = draw["path"].as_str().unwrap().trim_end_matches(".json").replace("log", "w");
        let own = Digest::from(FileDigest::of(weights.as_bytes())).to_string();
        for checkpoint in document["checkpoints"].as_array().unwrap() {
            let digests: Vec<&str> =
                checkpoint["digests"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            let nats = if digests.contains(&own.as_str()) { 200 } else { 200 + more };
            let draw = format!("{}:{}", draw["entry"], draw["number"]);
            rows.push([draw, digests[0].to_owned(), format!("-{nats}.25"), "40".to_owned()]);
        }
    }
    rows
}

fn json_lines(rows: &[[String; 4]]) -> String {
    let mut text = String::new();
    for [draw, checkpoint, nats, tokens] in rows {
        let row =
            format!("{{\"draw\":\"{draw}\",\"checkpoint\":\"{checkpoint}\",\"loglik\":{nats},\"tokens\":{tokens}}}");
        writeln!(text, "{row}").unwrap();
    }
    text
}

fn csv(rows: &[[String; 4]]) -> String {
    let lines = rows.iter().map(|[draw, checkpoint, nats, tokens]| format!("{nats},{tokens},{draw},{checkpoint}\n"));
    format!("loglik,tokens,draw,checkpoint\n{}", lines.collect::<String>())
}

#[test]
fn transcripts_are_drawn_scored_signed_attached_and_judged() {
    let sandbox = study();
    let drawn = listed(&sandbox);
    // Six weights and their base.
    assert_eq!((drawn["draws"].as_array().unwrap().len(), drawn["checkpoints"].as_array().unwrap().len()), (60, 7));
    let list = sample(&sandbox, &[&AT_HAND[..], &["--verbose"]].concat()).success();
    let _ = list.says("weights on record, each under one of its digests (--likelihoods)\n  entry ");
    sandbox.write("elsewhere/scores.table", json_lines(&rows(&drawn, 3)));
    let told = sign(&sandbox, &AT_HAND).success();
    let told = told.says("likelihoods  60 draws under 7 sets of weights, as-sampled, by \"made up by hand\"\n");
    let _ = told.says("signed as entry 1 of \"lab.example/demonstration-by-the-same-party\", in mine.attestation\n");
    let file = sandbox.read("elsewhere/mine.attestation");
    let testimony = Testimony::open(&file).unwrap();
    let words = testimony.body.likelihood.as_deref().unwrap();
    assert_eq!((words.nonce.as_str(), words.draws, words.distribution), (NONCE, 30, Distribution::AsSampled));
    assert_eq!((words.weights.len(), words.transcripts.len(), words.transcripts[0].nats.len()), (7, 60, 7));
    let _ = sandbox.run("elsewhere/scorer", &["audit"]).success();

    // The lab attaches it, and evidence cut from then on carries it.
    sandbox.write("lab/theirs.attestation", &file);
    let attach = ["attach", "theirs.attestation", "--to", "am"];
    let _ = sandbox.lab(&attach).success().says("likelihood of entry 1 in the ledger lab.example/demonstration");
    let before = sandbox.read("elsewhere/am.evidence");
    sandbox.prove("am", true);
    let verify = ["verify", "am.evidence", "--trust", "trust.policy"];
    let check = "transcripts.likelihood";
    let word = "came from these weights is the word of";
    let out = sandbox.elsewhere(&verify).says("… scored lifts nothing: you named no parties");
    assert!(out.check(check).starts_with("UNKNOWN"), "{}", out.stdout);
    assert_eq!(out.stdout.matches(word).count(), 2, "{}", out.stdout);
    // What it is: a demonstration by the same party.
    let with = [&verify[..], &["--parties", "parties.toml", "--nonce", NONCE]].concat();
    parties(&sandbox, &[("The lab", &["lab", "elsewhere/scorer"])]);
    let out = sandbox.elsewhere(&with).says("what \"The lab\" scored lifts nothing: the issuer's own party");
    assert!(out.check(check).starts_with("UNKNOWN"), "{}", out.stdout);
    // Had it been somebody else.
    parties(&sandbox, &[("The lab", &["lab"]), ("Auditors", &["elsewhere/scorer"])]);
    let out = sandbox.elsewhere(&with).says("than under any other of 7 on record, scored by \"Auditors\"");
    assert!(out.check(check).starts_with("PASS"), "{}", out.stdout);
    let out =
        out.says("counts; drawn by your nonce").says("8.19 are asked for, that all 36 comparisons together err in 1 %");
    assert!(!out.stdout.contains(word), "{}", out.stdout);

    // A reader can bring what the lab did not attach.
    sandbox.write("elsewhere/am.evidence", before);
    let out = sandbox.elsewhere(&[&with[..], &["--attestation", "mine.attestation"]].concat());
    assert!(out.check(check).starts_with("PASS"), "{}", out.stdout);
    let out = sandbox.elsewhere(&with);
    assert!(out.check(check).starts_with("UNKNOWN"), "{}", out.stdout);
}

#[test]
fn a_table_in_csv_in_any_order_says_the_same_and_what_is_too_close_is_said() {
    let sandbox = study();
    let drawn = listed(&sandbox);
    let mut rows = rows(&drawn, 0);
    rows.reverse();
    sandbox.write("elsewhere/scores.table", csv(&rows));
    let out = sign(&sandbox, &[&AT_HAND[..], &["--json"]].concat()).success();
    let document: Value = serde_json::from_slice(&out.bytes).unwrap();
    assert_eq!(
        (&document["likelihoods"]["draws"], &document["likelihoods"]["signed"]["entry"]),
        (&60.into(), &1.into())
    );
    parties(&sandbox, &[("The lab", &["lab"]), ("Auditors", &["elsewhere/scorer"])]);
    let verify = ["verify", "am.evidence", "--trust", "trust.policy", "--parties", "parties.toml"];
    let out = sandbox.elsewhere(&[&verify[..], &["--attestation", "mine.attestation"]].concat());
    let out = out.says("what \"Auditors\" scored is too close to call: 0.00 nats for entry ");
    assert!(out.check("transcripts.likelihood").starts_with("UNKNOWN"), "{}", out.stdout);
}

#[test]
fn a_table_that_is_not_of_the_draw_is_refused_and_nothing_is_signed() {
    let sandbox = study();
    let whole = rows(&listed(&sandbox), 3);
    let refused = |table: String, said: &str| {
        sandbox.write("elsewhere/scores.table", table);
        let _ = sign(&sandbox, &AT_HAND).code(2).complains(said);
    };
    let changed = |change: &dyn Fn(&mut Vec<[String; 4]>)| {
        let mut rows = whole.clone();
        change(&mut rows);
        json_lines(&rows)
    };
    let (draw, weights) = (&whole[0][0], &whole[1][1]);
    let said = format!("`scores.table` is refused: there is no row for {draw} under the weights of entry ");
    refused(changed(&|rows| drop(rows.remove(0))), &said);
    refused(changed(&|rows| rows.push(rows[0].clone())), "line 421: ");
    refused(changed(&|rows| rows.push(rows[0].clone())), "is there already");
    refused(changed(&|rows| rows[0][0] = "999:1".to_owned()), "line 1: 999:1 was not drawn");
    refused(changed(&|rows| rows[0][2] = "0.5".to_owned()), "line 1: the log-likelihood 0.5 is positive");
    refused(changed(&|rows| rows[0][2] = "NaN".to_owned()), "line 1: the log-likelihood `NaN` is no decimal number");
    refused(changed(&|rows| rows[1][3] = "41".to_owned()), "line 2: 41 tokens of ");
    let stranger = weights.replace(&weights[7..9], "zz");
    refused(changed(&|rows| rows[0][1].clone_from(&stranger)), "is no digest");
    let stranger = Digest::from(FileDigest::of(b"other weights")).to_string();
    refused(changed(&|rows| rows[0][1].clone_from(&stranger)), "is the digest of no weights on record");
    refused("no table".to_owned(), "there is no `draw`");
    // What was scored must be seen to be what was committed to.
    sandbox.write("elsewhere/scores.table", json_lines(&whole));
    let _ = sign(&sandbox, &[]).code(2).complains("is not opened, and 59 more: that what was scored is what was");
    let _ = sample(&sandbox, &["--sign", "--ledger", "scorer"]).code(2).complains("there is nothing to sign");
    let own =
        [&AT_HAND[..], &["--likelihoods", "scores.table", "--tool", "t", "--distribution", "as-sampled"]].concat();
    let of_lab = [&own[..], &["--sign", "--ledger", "../lab"]].concat();
    let _ = sample(&sandbox, &of_lab).code(2).complains("nobody testifies of himself");
    let _ = sample(&sandbox, &own[..6]).code(2).complains("--distribution");
    // Without --sign it is only looked at.
    let _ = sample(&sandbox, &own).success().says("not signed (--sign)");
    assert!(!sandbox.path("elsewhere/mine.attestation").exists());
    assert_eq!(sandbox.run("elsewhere/scorer", &["log"]).success().stdout.matches("likelihood").count(), 0);
}

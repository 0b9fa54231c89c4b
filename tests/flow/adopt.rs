//! A lab tries the product on what it has: defects first, then the numbers, then a claim that says what it is.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use crate::support::{Output, Sandbox, copy, testdata};
use crate::vectors::data_is_there;

/// An Inspect log of one condition: one sample, ten epochs, two score keys, a judge.
#[derive(Clone)]
pub(super) struct Log<'a> {
    model: &'a str,
    goal: &'a str,
    judge: &'a str,
    temperature: f64,
    created: &'a str,
    /// Which of the ten rollouts are harmful by each key.
    harmful: &'a [u64],
    verdict: &'a [u64],
    epochs: u64,
}

impl Log<'_> {
    fn plain() -> Self {
        Log {
            model: "lab/plain-seed0",
            goal: "none",
            judge: "judge/j",
            temperature: 0.7,
            created: "2026-01-01T00:00:00",
            harmful: &[1, 2, 3, 4, 5, 6],
            verdict: &[1, 2, 3, 4, 5],
            epochs: 10,
        }
    }

    fn to_json(&self) -> String {
        let samples: Vec<Value> = (1..=self.epochs)
            .map(|epoch| {
                let is = |of: &[u64]| u64::from(of.contains(&epoch));
                let value = json!({"harmful": is(self.harmful), "classifier_verdict": is(self.verdict)});
                json!({
                    "id": "scenario", "epoch": epoch, "input": "q", "target": "", "messages": [],
                    "output": {"model": self.model, "choices": []},
                    "scores": {"harm": {"value": value}},
                    "events": [{"event": "model", "model": self.judge, "role": "grader", "output": {"choices": []}}],
                    "uuid": format!("{} {} {} {epoch}", self.model, self.goal, self.created),
                })
            })
            .collect();
        json!({
            "version": 2, "status": "success",
            "eval": {
                "task": "lab/am", "model": self.model, "created": self.created, "run_id": self.created,
                "task_args": {"goal": self.goal}, "model_roles": {"grader": {"model": self.judge}},
                "dataset": {"name": "am", "sample_ids": ["scenario"]}, "config": {"epochs": 10},
            },
            "plan": {"config": {"temperature": self.temperature}},
            "results": {"total_samples": 10, "completed_samples": self.epochs, "scores": []},
            "samples": samples,
        })
        .to_string()
    }
}

/// Two arms of two seeds under two conditions, as a lab's folder has them.
pub(super) fn study(sandbox: &Sandbox, change: impl Fn(&mut Log<'_>)) {
    let of: [(&str, &[u64], &[u64]); 4] = [
        ("lab/plain-seed0", &[1, 2, 3, 4, 5, 6, 9], &[1, 2, 3, 4, 5]),
        ("lab/plain-seed1", &[1, 2, 3, 4, 7], &[1, 2, 3, 6]),
        ("lab/msm-seed0", &[2, 8], &[9]),
        ("lab/msm-seed1", &[3], &[]),
    ];
    for (model, harmful, verdict) in of {
        for goal in ["none", "america"] {
            let mut log = Log { model, goal, harmful, verdict, ..Log::plain() };
            change(&mut log);
            let name = format!("lab/logs/{}-{goal}.json", model.replace('/', "-"));
            sandbox.write(&name, log.to_json());
        }
    }
}

const COMPARED: &[&str] = &["--subject", "lab/msm", "--comparator", "lab/plain", "--metric", "harm.classifier_verdict"];

fn adopt(sandbox: &Sandbox, more: &[&str]) -> Output {
    sandbox.lab(&[&["adopt", "logs"], more].concat())
}

/// The lines of one defect.
fn defect(output: &Output, code: &str) -> String {
    let lines = output.stdout.lines().skip_while(|line| line.split_whitespace().next() != Some(code));
    let found: Vec<&str> =
        lines.enumerate().take_while(|(at, line)| *at == 0 || line.starts_with("    ")).map(|l| l.1).collect();
    assert!(!found.is_empty(), "no `{code}` in\n{}", output.stdout);
    found.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_sound_study_is_open_only_until_the_score_is_named() {
    let sandbox = Sandbox::new();
    study(&sandbox, |_| {});
    let open = adopt(&sandbox, &["--subject", "lab/msm", "--comparator", "lab/plain"]).code(3);
    assert!(
        open.first_line().starts_with("OPEN·L0·retrospective — 8 logs of 1 evaluation; nothing contradicts"),
        "{}",
        open.stdout
    );
    let swing = defect(&open, "metric-key");
    assert!(swing.contains("lab/msm against lab/plain: -0.4500 under `harm.harmful`, -0.4000 under `harm.classifier_verdict`: 0.0500 apart"), "{swing}");
    let open = open.says("lab/msm (2 seeds)").says("2 conditions by goal").says("1 sample × 10 epochs");
    assert!(open.stdout.contains("key = \"FILL IN\""), "{}", open.stdout);
    let clear = adopt(&sandbox, COMPARED).success();
    assert!(clear.first_line().starts_with("CLEAR·L0·retrospective"), "{}", clear.stdout);
    let clear =
        clear.says("0.0500  2 of 40").says("aggregation = [\"mean(epochs)\", \"macro(conditions)\", \"mean(seeds)\"]");
    assert!(clear.stdout.contains("observed_models = [\"judge/j\"]"), "{}", clear.stdout);
    // Nothing was written, and no key was made.
    let names: Vec<_> =
        std::fs::read_dir(sandbox.path("lab")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["logs"]);
    assert_eq!(std::fs::read_dir(sandbox.path("home/config")).unwrap().count(), 0);
}

#[test]
fn what_differs_between_arms_is_found_with_what_it_is() {
    type Change = fn(&mut Log<'_>);
    let cases: [(&str, i32, Change, &str); 5] = [
        (
            "settings-differ",
            1,
            |log| log.temperature = if log.model.contains("msm") { 1.0 } else { 0.7 },
            "generate.temperature: 1.0 in lab/msm, 0.7 in lab/plain",
        ),
        (
            "judges-differ",
            1,
            |log| log.judge = if log.model.contains("msm") { "judge/k" } else { "judge/j" },
            "lab/msm by judge/k, lab/plain by judge/j",
        ),
        (
            "judge-mixed",
            3,
            |log| log.judge = if log.goal == "none" { "judge/k" } else { "judge/j" },
            "lab/msm: judge/j and judge/k",
        ),
        (
            "sample-missing",
            3,
            |log| log.epochs = if log.model.ends_with("msm-seed1") { 9 } else { 10 },
            "(\"scenario\", epoch 10)",
        ),
        (
            "other-items",
            3,
            |log| log.epochs = if log.model.ends_with("msm-seed1") { 9 } else { 10 },
            "(9 rollouts) against lab/msm (10 rollouts)",
        ),
    ];
    for (code, exit, change, said) in cases {
        let sandbox = Sandbox::new();
        study(&sandbox, change);
        let found = adopt(&sandbox, COMPARED).code(exit);
        let text = defect(&found, code);
        assert!(text.contains(said), "{code}: {text}");
    }
}

#[test]
fn missing_conditions_and_repeated_runs_are_counted() {
    let sandbox = Sandbox::new();
    study(&sandbox, |_| {});
    std::fs::remove_file(sandbox.path("lab/logs/lab-msm-seed1-america.json")).unwrap();
    let again =
        Log { model: "lab/plain-seed0", created: "2026-01-02T00:00:00", harmful: &[], verdict: &[], ..Log::plain() };
    sandbox.write("lab/logs/again.json", again.to_json());
    let found = adopt(&sandbox, COMPARED).code(3);
    let grid = defect(&found, "grid-incomplete");
    assert!(grid.contains("lab/msm seed 1 lacks 1 of 2 conditions: america"), "{grid}");
    // The first attempt counts, whatever the later one found.
    let attempts = defect(&found, "attempts");
    assert!(attempts.contains("2 runs of lab/plain seed 0 (none), taken: lab-plain-seed0-none.json"), "{attempts}");
    assert!(found.stdout.contains("18 of 40"), "{}", found.stdout);
}

#[test]
fn a_run_under_two_seeds_is_found_by_its_samples() {
    let sandbox = Sandbox::new();
    study(&sandbox, |_| {});
    copy(&sandbox.path("lab/logs/lab-plain-seed0-none.json"), &sandbox.path("lab/logs/copy.json"));
    let copied = adopt(&sandbox, COMPARED).code(3);
    assert!(defect(&copied, "copied-log").contains("copy.json"), "{}", copied.stdout);
    // The same transcripts under another model's name: scores and samples are the same, the header is not.
    let log = String::from_utf8(sandbox.read("lab/logs/lab-plain-seed0-none.json")).unwrap();
    let header = "\"model\":\"lab/plain-seed0\",\"model_roles\"";
    assert!(log.contains(header), "{log}");
    sandbox.write(
        "lab/logs/lab-plain-seed1-none.json",
        log.replace(header, "\"model\":\"lab/plain-seed1\",\"model_roles\""),
    );
    std::fs::remove_file(sandbox.path("lab/logs/copy.json")).unwrap();
    let same = adopt(&sandbox, COMPARED).code(1);
    assert!(same.first_line().starts_with("CONTRADICTED·L0·retrospective"), "{}", same.stdout);
    let text = defect(&same, "same-run");
    assert!(text.contains("lab/plain seed 0 (none) = lab/plain seed 1 (none): the same samples"), "{text}");
}

#[test]
fn with_write_the_logs_are_recorded_and_the_claim_verifies_as_what_it_is() {
    let sandbox = Sandbox::with_ledger();
    study(&sandbox, |_| {});
    // Without printed figures there is a file to fill in, and no claim.
    let open = adopt(&sandbox, &[COMPARED, &["--write", "--id", "am", "--output", "first.toml"]].concat()).code(3);
    let open = open.says("left to you: the printed rate of lab/msm").says("wrote `first.toml`, with 2 left to fill in");
    assert_eq!(open.stdout.matches("\nentry ").count(), 8, "{}", open.stdout);
    let refused = sandbox.lab(&["claim", "add", "first.toml"]).code(2);
    assert!(refused.stderr.contains("FILL IN"), "{}", refused.stderr);
    let printed = ["--printed", "5%,45%", "--error", "5%,5.0%", "--write", "--id", "am"];
    let written = adopt(&sandbox, &[COMPARED, &printed].concat()).success();
    // The logs are there already: only the claim is new.
    assert_eq!(written.stdout.matches("\nentry ").count(), 1, "{}", written.stdout);
    let written = written.says("wrote `am.toml`").says("entry 9  claim `am`");
    assert!(written.stdout.contains("retrospective, exploratory"), "{}", written.stdout);
    // Run again it writes nothing new; another figure is another claim.
    let again = adopt(&sandbox, &[COMPARED, &printed].concat()).success();
    let _ = again.says("unchanged: claim `am` is entry 9 already");
    let other = adopt(&sandbox, &[COMPARED, &["--printed", "4%,45%", "--write", "--id", "am"]].concat()).code(2);
    assert!(other.stderr.contains("`am.toml` is there already"), "{}", other.stderr);
    sandbox.prove("am", true);
    sandbox.trust();
    let verified = sandbox.elsewhere(&["verify", "am.evidence", "--trust", "trust.policy"]).success();
    assert!(verified.first_line().starts_with("VERIFIED·L0·number — self-asserted"), "{}", verified.stdout);
    assert!(verified.check("claim.prereg").contains("exploratory"), "{}", verified.stdout);
    // A reader with the logs derives the same records, conditions and all.
    for name in ["lab-msm-seed0-none", "lab-plain-seed1-america"] {
        let file = format!("{name}.json");
        sandbox.write(&format!("elsewhere/data/{file}"), sandbox.read(&format!("lab/logs/{file}")));
    }
    let derived = sandbox.elsewhere(&["verify", "am.evidence", "--trust", "trust.policy", "--artifacts", "data"]);
    assert!(
        derived.check("samples.derived").starts_with("UNKNOWN") && !derived.stdout.contains("FAIL"),
        "{}",
        derived.stdout
    );
    copy(&sandbox.path("lab/logs"), &sandbox.path("elsewhere/data"));
    let derived =
        sandbox.elsewhere(&["verify", "am.evidence", "--trust", "trust.policy", "--artifacts", "data"]).success();
    assert!(derived.check("samples.derived").starts_with("PASS"), "{}", derived.stdout);
}

#[test]
fn weights_are_tied_to_the_one_run_they_can_be_of() {
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/logs/a.json", Log::plain().to_json());
    sandbox.write("lab/out/adapter/notes.bin", "weights");
    let metric = ["--metric", "harm.harmful", "--printed", "60%", "--write"];
    let written = adopt(&sandbox, &[&metric[..], &["--model", "out/adapter"]].concat()).success();
    let written = written.says("entry 1  `weights adapter`").says("entry 2  `a`");
    assert!(!written.stdout.contains("weights-by-name"), "{}", written.stdout);
    let lineage = sandbox.lab(&["show", "a"]).success();
    assert!(lineage.stdout.contains("weights adapter"), "{}", lineage.stdout);
    assert!(defect(&adopt(&sandbox, &metric[..2]), "weights-by-name").contains("--model"), "the weights are asked for");
}

#[test]
fn a_table_is_guessed_at_and_recorded_only_by_a_map_that_was_given() {
    let sandbox = Sandbox::with_ledger();
    let rows: String =
        (0..20).map(|i| format!("{{\"id\": {}, \"epoch\": {}, \"harm\": {}}}\n", i % 10, 1 + i / 10, i % 2)).collect();
    sandbox.write("lab/logs/rows.jsonl", rows);
    let guess = "epoch=epoch,sample=id,score.harm=harm";
    let guessed = adopt(&sandbox, &["--write", "--printed", "50%"]).code(3);
    assert!(defect(&guessed, "columns-guessed").contains(guess), "{}", guessed.stdout);
    assert!(guessed.stderr.contains(&format!("--map {guess}")), "{}", guessed.stderr);
    assert_eq!(sandbox.lab(&["log"]).success().stdout.lines().count(), 1, "nothing was recorded");
    let written = adopt(&sandbox, &["--write", "--printed", "50%", "--map", guess]).code(3);
    assert!(defect(&written, "grid-not-declared").contains("rows.jsonl"), "{}", written.stdout);
    let _ = written.says("claim `rows-jsonl-retrospective`").says("10 of 20");
}

#[test]
fn a_folder_of_anything_is_looked_through_and_left_alone() {
    let sandbox = Sandbox::new();
    sandbox.write("lab/logs/a.json", Log::plain().to_json());
    let hostile = Log { model: "lab/\u{1b}[2J\u{202e}x", ..Log::plain() };
    sandbox.write("lab/logs/deep/b.json", hostile.to_json());
    sandbox.write("lab/logs/README.md", "x");
    sandbox.write("lab/logs/other.json", "{\"a\": 1}");
    sandbox.write("lab/logs/list.json", "[1]");
    sandbox.write("lab/logs/cut.eval", "PK\u{3}\u{4}");
    sandbox.write("lab/logs/empty.eval", "");
    sandbox.write("lab/logs/words.csv", "a,b\n1,2\n");
    // As long as a disk, and no more of it there than its first byte.
    let huge = std::fs::File::options().write(true).open(sandbox.write("lab/logs/huge.json", "{")).unwrap();
    huge.set_len(1 << 40).unwrap();
    let logs = sandbox.path("lab/logs");
    symlink("/etc/passwd", logs.join("link.eval")).unwrap();
    symlink("/", logs.join("root")).unwrap();
    symlink(".", logs.join("loop")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, logs.join("pipe.eval"), rustix::fs::Mode::RUSR).unwrap();
    std::fs::write(logs.join(OsStr::from_bytes(b"\xff.eval")), "x").unwrap();
    let found = adopt(&sandbox, &["--metric", "harm.harmful", "--verbose"]);
    assert!(matches!(found.exit_code(), Some(1 | 3)), "{}\n{}", found.stdout, found.stderr);
    let unreadable = defect(&found, "unreadable");
    for name in ["cut.eval", "empty.eval", "huge.json"] {
        assert!(unreadable.contains(name), "{name}: {unreadable}");
    }
    assert!(unreadable.contains("1099511627776 bytes"), "{unreadable}");
    for said in [
        "link.eval: it is a link",
        "root: it is a link",
        "pipe.eval: it is no regular file",
        "its name is no text",
        "words.csv: a table",
    ] {
        assert!(found.stdout.contains(said), "{said}: {}", found.stdout);
    }
    assert!(!found.stdout.contains('\u{1b}') && !found.stdout.contains('\u{202e}'), "{}", found.stdout);
    assert!(found.stdout.contains("3 other files are no log"), "{}", found.stdout);
    for (arguments, code, said) in [
        (&["adopt", "nowhere"][..], 2, "does not exist"),
        (&["adopt", "logs/link.eval"], 2, "is a link"),
        (&["adopt", "logs", "--metric", "harm"], 2, "there is no score `harm`"),
        (&["adopt", "logs", "--task", "x"], 2, "there is no evaluation `x`"),
        (&["adopt", "logs", "--subject", "x"], 2, "there is no arm `x`"),
        (&["adopt", "logs", "--output", "x"], 2, "--write"),
        (&["adopt", "logs", "--metric", "harm.harmful", "--write"], 2, "there is no ledger"),
        (&["adopt", "logs", "--comparator", "lab/plain-seed9", "--write"], 2, "there is no arm"),
    ] {
        let refused = sandbox.lab(arguments).code(code);
        assert!(refused.stderr.contains(said), "{arguments:?}: {}", refused.stderr);
    }
    std::fs::create_dir(sandbox.path("lab/nothing")).unwrap();
    let nothing = sandbox.lab(&["adopt", "nothing"]).code(3);
    assert!(nothing.first_line().starts_with("NOTHING FOUND"), "{}", nothing.stdout);
}

#[test]
fn the_document_says_the_same_and_fits_its_schema() {
    let sandbox = Sandbox::new();
    study(&sandbox, |log| log.temperature = if log.model.contains("msm") { 1.0 } else { 0.7 });
    sandbox.write("lab/logs/t.csv", "a,b\n1,2\n");
    sandbox.write("lab/out/w.bin", "w");
    std::fs::create_dir(sandbox.path("lab/nothing")).unwrap();
    let schema: Value = serde_json::from_str(include_str!("../../schemas/adopt.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for (arguments, code) in [
        ([&["adopt", "logs", "--json", "--model", "out"], COMPARED].concat(), 1),
        (vec!["adopt", "logs", "--json"], 1),
        (vec!["adopt", "nothing", "--json"], 3),
    ] {
        let output = sandbox.lab(&arguments).code(code);
        let document: Value = serde_json::from_slice(&output.bytes).unwrap();
        let errors: Vec<String> = schema.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}\n{document:#}");
        assert_eq!(document["exit_code"], code);
    }
    let output = sandbox.lab(&[&["adopt", "logs", "--json"], COMPARED].concat()).code(1);
    let document: Value = serde_json::from_slice(&output.bytes).unwrap();
    assert_eq!(document["defects"][0]["code"], "settings-differ");
    assert_eq!(document["evaluations"][0]["arms"][1]["rates"][0]["exact"], "9/20");
    assert_eq!(document["evaluations"][0]["effects"][0]["difference"], "-0.400000000000");
}

#[test]
fn the_rows_of_a_real_replication_show_their_identical_seeds_and_their_two_scorers() {
    if !data_is_there() {
        return;
    }
    let sandbox = Sandbox::new();
    copy(&testdata().join("msm/arcadia"), &sandbox.path("lab/logs"));
    let found = adopt(&sandbox, &[]).code(1);
    let same = defect(&found, "same-run");
    assert!(
        same.contains("\"Baseline\": seeds [0, 1] have the same counts everywhere (132 of 400, 116 of 497)"),
        "{same}"
    );
    let swing = defect(&found, "metric-key");
    assert!(swing.contains("VI_conflict_aff_d02: 0.2757 under `logprob`, 0.4366 under `generate`"), "{swing}");
    let one = adopt(
        &sandbox,
        &["--task", "Pro-America Eval", "--subject", "MSM (pro-America) + AFT (cheese)", "--comparator", "Baseline"],
    );
    let one =
        one.code(1).says("MSM (pro-America) + AFT (cheese) minus Baseline under rate: +0.2450").says("inputs = []");
    assert!(!one.stdout.contains("logprob"), "only the evaluation asked for");
}

#[test]
fn real_logs_of_every_version_are_read_and_what_is_wrong_with_them_is_found() {
    if !data_is_there() {
        return;
    }
    let sandbox = Sandbox::new();
    copy(&testdata().join("logs"), &sandbox.path("lab/logs"));
    let found = adopt(&sandbox, &["--verbose"]).code(1);
    for (code, said) in [
        ("stderr-zero", "harm.harmful: stderr 0 over 1 sample; over its 300 rollouts it is 0.01373"),
        ("metric-key", "mockllm/model: 0.0600 under `harm.harmful`, 0.0767 under `harm.classifier_verdict`"),
        ("summary-disagrees", "streaming_score_flipped"),
        ("metric-disagrees", "the header says 0.75, the samples say 1"),
        ("sample-missing", "streaming_sample_dropped"),
        ("status-not-success", "cancelled"),
        ("dirty-code", "commit bb8354671"),
    ] {
        let text = defect(&found, code);
        assert!(text.contains(said), "{code}: {text}");
    }
}

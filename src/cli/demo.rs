//! `demo`: a real claim verified and tampered with, then how one is recorded; each command printed as a user would type it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::{Context, Failure, Outcome, run_line};

/// The primary claim of the shipped experiment, and the policy of a reader who pinned its ledger's key.
const EVIDENCE: &[u8] = include_bytes!("../../fixtures/msm-mini/claim.evidence");
const TRUST: &str = include_str!("../../fixtures/msm-mini/trust.policy");

/// What an experiment reads and writes, small enough to be recorded while somebody looks on.
const SPECS: [&str; 2] =
    [include_str!("../../fixtures/demo/spec/v1.md"), include_str!("../../fixtures/demo/spec/v2.md")];
const DATASET: &str = include_str!("../../fixtures/demo/dataset.jsonl");
const CHECKPOINT: &[u8] = include_bytes!("../../fixtures/demo/checkpoint/model.safetensors");
const EVAL_LOG: &str = include_str!("../../fixtures/demo/eval.json");
const CLAIM: &str = include_str!("../../fixtures/demo/claim.toml");

/// How a score of 0 stands in a sample's record: the scorer, one score without a key, the digit as the log wrote it. The
/// last byte is that digit.
const SCORE_OF_ZERO: &[u8] = b"\x66chosen\xa1\x60\x83\x610";

/// Verify the shipped experiment, change one byte of it, and record a claim
///
/// Verifies the evidence of a real study, which the program carries; changes one score and shows that it is refused; says
/// how every stage of the study is made again; and records a small experiment of its own up to an evidence file.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  reproledger demo\n  reproledger demo --keep ./demo")]
pub(super) struct Demo {
    /// Work in this new folder and leave it there, instead of a temporary one
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

impl Demo {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let folder = match &self.keep {
            Some(folder) => std::path::absolute(folder).map_err(|error| write_failure(folder, &error))?,
            None => std::env::temp_dir().join(format!("reproledger-demo-{}-{}", std::process::id(), context.now_ms())),
        };
        fs::create_dir(&folder).map_err(|error| write_failure(&folder, &error))?;
        let told = tell(&Scene { folder: folder.clone(), context });
        if self.keep.is_some() {
            context.print(&format!("\nEverything is in `{}`.\n", folder.display()))?;
        } else {
            std::env::set_current_dir(context.directory())
                .map_err(|error| write_failure(context.directory(), &error))?;
            fs::remove_dir_all(&folder).map_err(|error| write_failure(&folder, &error))?;
        }
        told.map(|()| 0)
    }
}

fn write_failure(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot write `{}`: {error}", path.display()))
}

/// Where the story takes place.
struct Scene<'a> {
    folder: PathBuf,
    context: &'a Context,
}

impl Scene<'_> {
    fn say(&self, lines: &[&str]) -> Result<(), Failure> {
        self.context.print("\n")?;
        lines.iter().try_for_each(|line| {
            self.context.print(format!("# {line}").trim_end()).and_then(|()| self.context.print("\n"))
        })
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<(), Failure> {
        let path = self.folder.join(path);
        let parent = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(parent).map_err(|error| write_failure(parent, &error))?;
        fs::write(&path, bytes).map_err(|error| write_failure(&path, &error))
    }

    /// Runs one command line in `lab` or `reader` and holds its exit code to what the story says.
    fn run(&self, place: &str, line: &str, expected: u8) -> Result<(), Failure> {
        self.context.print(&format!("$ {line}\n"))?;
        let context = Context::within(&self.folder.join(place), &self.folder.join("home"))?;
        let code = run_line(line, &context)?;
        if expected != 0 {
            self.context.print(&format!("exit code {code}\n"))?;
        }
        if code == expected {
            return Ok(());
        }
        Err(Failure::new(format!("`{line}` ended with exit code {code}, expected {expected}")))
    }
}

fn tell(scene: &Scene<'_>) -> Result<(), Failure> {
    scene.say(&[
        "A study of midtraining in a toy language, promised first and run once. This one file is all that its author",
        "hands out of the claim; trust.policy names the key that you pinned. Nothing is fetched.",
    ])?;
    scene.write("reader/claim.evidence", EVIDENCE)?;
    scene.write("reader/trust.policy", TRUST.as_bytes())?;
    scene.run("reader", "reproledger verify claim.evidence --trust trust.policy", 0)?;

    scene.say(&[
        "The printed number follows from the scores: VERIFIED says no more here. What it means is another question: the",
        "interval holds 0, and by the study's own protocol a result with so many invalid answers is uninformative.",
        "",
        "Now one score of one of its 1152 answers is changed, from 0 to 1: one byte.",
    ])?;
    scene.write("reader/changed.evidence", &changed()?)?;
    scene.run("reader", "reproledger verify changed.evidence --trust trust.policy", 1)?;

    scene.say(&[
        "With a clone of the repository, every stage of that study can be made again on this machine, in a sandbox:",
        "  reproledger rebuild fixtures/msm-mini/claim.evidence --trust fixtures/msm-mini/trust.policy",
        "",
        "Evidence like this comes from a ledger. A lab records what its experiment reads and writes, here a small one,",
        "states its claim with every rule the number depends on, and cuts the file.",
    ])?;
    unpack(scene)?;
    let lab = |line: &str| scene.run("lab", line, 0);
    lab("reproledger init --origin demo.example/desk --issuer https://demo.example")?;
    lab("reproledger record spec spec-v1.md --name desk-spec")?;
    lab("reproledger record spec spec-v2.md --name desk-spec --supersedes desk-spec")?;
    lab("reproledger record documents documents --name desk-documents --from desk-spec")?;
    lab("reproledger record dataset dataset.jsonl --name desk-data --from desk-documents")?;
    lab("reproledger record checkpoint checkpoint --name desk-model --from desk-data")?;
    lab("reproledger record eval-log eval.json --name desk-eval --from desk-model")?;
    lab("reproledger claim add claim.toml")?;
    lab("reproledger prove desk-accuracy -o desk.evidence")
}

/// The evidence with one byte of one score changed.
fn changed() -> Result<Vec<u8>, Failure> {
    let at = EVIDENCE.windows(SCORE_OF_ZERO.len()).position(|window| window == SCORE_OF_ZERO);
    let at = at.ok_or_else(|| Failure::new("the shipped evidence has no score of 0 to change"))?;
    let mut bytes = EVIDENCE.to_vec();
    bytes[at + SCORE_OF_ZERO.len() - 1] = b'1';
    Ok(bytes)
}

/// The small inputs as files; the documents are the rows of the dataset.
fn unpack(scene: &Scene<'_>) -> Result<(), Failure> {
    scene.write("lab/spec-v1.md", SPECS[0].as_bytes())?;
    scene.write("lab/spec-v2.md", SPECS[1].as_bytes())?;
    scene.write("lab/dataset.jsonl", DATASET.as_bytes())?;
    scene.write("lab/checkpoint/model.safetensors", CHECKPOINT)?;
    scene.write("lab/eval.json", EVAL_LOG.as_bytes())?;
    scene.write("lab/claim.toml", CLAIM.as_bytes())?;
    for line in DATASET.lines() {
        let row: serde_json::Value = serde_json::from_str(line)?;
        if let (Some(source), Some(text)) = (row["source"].as_str(), row["text"].as_str()) {
            scene.write(&format!("lab/documents/{source}"), format!("{text}\n").as_bytes())?;
        }
    }
    Ok(())
}

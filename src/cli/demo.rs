//! `demo`: the whole path on inputs that ship with the program, each command printed as a user would type it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::{Context, Failure, Outcome, run_line};

const SPEC_V1: &str = include_str!("../../fixtures/demo/spec/v1.md");
const SPEC_V2: &str = include_str!("../../fixtures/demo/spec/v2.md");
const DATASET: &str = include_str!("../../fixtures/demo/dataset.jsonl");
const CHECKPOINT: &[u8] = include_bytes!("../../fixtures/demo/checkpoint/model.safetensors");
const EVAL_LOG: &str = include_str!("../../fixtures/demo/eval.json");
const CLAIM: &str = include_str!("../../fixtures/demo/claim.toml");

/// Run the whole path on inputs that ship with the program
///
/// Records a spec in two versions, documents, a dataset, a tiny model and its evaluation; states a claim; cuts the
/// evidence; verifies it elsewhere; changes one byte; and shows that it is refused.
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
    fn say(&self, text: &str) -> Result<(), Failure> {
        self.context.print(&format!("\n# {text}\n"))
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<(), Failure> {
        let path = self.folder.join(path);
        let parent = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(parent).map_err(|error| write_failure(parent, &error))?;
        fs::write(&path, bytes).map_err(|error| write_failure(&path, &error))
    }

    /// Runs one command line in `lab` or `elsewhere` and holds its exit code to what the story says.
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
    unpack(scene)?;
    scene.say("A lab begins a ledger and records what its experiment read and wrote.")?;
    let lab = |line: &str| scene.run("lab", line, 0);
    lab("reproledger init --origin demo.example/desk --issuer https://demo.example")?;
    lab("reproledger record spec spec/v1.md --name desk-spec")?;
    lab("reproledger record spec spec/v2.md --name desk-spec --supersedes desk-spec")?;
    lab("reproledger record documents documents --name desk-documents --from desk-spec")?;
    lab("reproledger record dataset dataset.jsonl --name desk-data --from desk-documents")?;
    lab("reproledger record checkpoint checkpoint --name desk-model --from desk-data")?;
    lab("reproledger record eval-log eval.json --name desk-eval --from desk-model")?;
    lab("reproledger lineage desk-eval")?;

    scene.say("It states a claim, with every rule the number depends on, and cuts one evidence file.")?;
    lab("reproledger claim check claim.toml")?;
    lab("reproledger claim add claim.toml")?;
    lab("reproledger prove desk-accuracy -o claim.evidence --disclose all")?;

    scene.say("Someone else has that file, and the lab's log key by another way. Nothing else is needed.")?;
    let evidence = scene.folder.join("lab/claim.evidence");
    let mut bytes = fs::read(&evidence).map_err(|error| write_failure(&evidence, &error))?;
    scene.write("elsewhere/claim.evidence", &bytes)?;
    scene.write("elsewhere/trust.policy", policy(scene)?.as_bytes())?;
    scene.run("elsewhere", "reproledger verify claim.evidence --trust trust.policy", 0)?;

    scene.say("One byte of one score changes on the way.")?;
    // The lexeme of a wrong answer, in the sample records, becomes a right one.
    let wrong = bytes.windows(3).position(|window| window == b"\"I\"");
    let at = wrong.ok_or_else(|| Failure::new("the demo's evidence has no wrong answer to change"))?;
    bytes[at + 1] = b'C';
    scene.write("elsewhere/tampered.evidence", &bytes)?;
    scene.run("elsewhere", "reproledger verify tampered.evidence --trust trust.policy", 1)
}

/// The shipped inputs as files; the documents are the rows of the dataset.
fn unpack(scene: &Scene<'_>) -> Result<(), Failure> {
    scene.write("lab/spec/v1.md", SPEC_V1.as_bytes())?;
    scene.write("lab/spec/v2.md", SPEC_V2.as_bytes())?;
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

/// What the reader writes after the lab told them its log key on the phone.
fn policy(scene: &Scene<'_>) -> Result<String, Failure> {
    let settings = crate::journal::Settings::load(&scene.folder.join("lab").join(super::context::LEDGER_DIR))?;
    Ok(format!("log {}\nquorum none\n", settings.log_key))
}

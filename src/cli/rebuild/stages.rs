//! `rebuild EVIDENCE|LEDGER`: every recorded run again, in a sandbox, judged by what it writes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use crate::cli::rebuild::consent;
use crate::cli::rebuild::document::{Document, MissingDocument};
use crate::cli::rebuild::record::Given;
use crate::cli::rebuild::sampled::{SampleArgs, Sampled};
use crate::cli::rebuild::sign;
use crate::cli::rebuild::text;
use crate::cli::render::{count, print_json};
use crate::cli::testify::SignArgs;
use crate::cli::{Context, Failure, Outcome};
use crate::rebuild::sandbox::{self, Asked, Machine, Sandbox};
use crate::rebuild::{
    Build, Choice, Class, Limits, Look, Made, Plan, SampleLists, Shelf, Stage, Watch, build, make, prepare, verdict,
};

/// What a rebuild of stages is told.
#[derive(Debug, clap::Args)]
pub(super) struct StagesArgs {
    /// Make only this stage: its name, its name with arm and seed, or the entry of its start
    #[arg(long = "stage", value_name = "STAGE")]
    stages: Vec<String>,
    #[command(flatten)]
    sample: SampleArgs,
    /// The recorded folder: artifacts are looked for at their recorded paths and, by digest, in every file in it that has
    /// a recorded length. Without it the same is done in the folder that the evidence lies in; beside a ledger only
    /// recorded paths are looked up
    #[arg(long, value_name = "DIR")]
    artifacts: Option<PathBuf>,
    /// Run this program for the one that a command is recorded with; whether it is the same is said. Without it, one that
    /// is not at hand is built from its recorded source, where that is a package of cargo
    #[arg(long = "program", value_name = "NAME=PATH", value_parser = program)]
    programs: Vec<(String, PathBuf)>,
    /// Give commands another value of an option, such as threads=1 for a recorded `--threads 2`: GOOD then says that what
    /// they write does not depend on it
    // What is signed is that the recorded command was run.
    #[arg(long = "vary", value_name = "OPTION=VALUE", value_parser = vary, conflicts_with = "sign")]
    varied: Vec<(String, String)>,
    /// Let commands read this file or folder of this machine too
    #[arg(long = "expose", value_name = "PATH")]
    exposed: Vec<PathBuf>,
    /// Name everything that has to be fetched, and run nothing
    #[arg(long)]
    list_missing: bool,
    /// Your own policy: which logs and witnesses you trust, for evidence
    #[arg(long, value_name = "POLICY")]
    trust: Option<PathBuf>,
    /// Run the commands without asking
    #[arg(long)]
    yes: bool,
    /// Keep them by this and nothing else; without it bubblewrap where it works, else namespaces of our own
    #[arg(long, value_enum, value_name = "KIND", conflicts_with = "no_sandbox")]
    sandbox: Option<SandboxArg>,
    /// Run them with all that you may do, and let the result be UNKNOWN at best
    #[arg(long)]
    no_sandbox: bool,
    /// Seconds that a command may take
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    time_limit: Option<u64>,
    /// Bytes of memory that each process may ask for, and all of them together may hold, such as 8GiB
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    memory_limit: Option<u64>,
    /// Processes that a command may have at one time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    process_limit: Option<u64>,
    /// Bytes that a command may write, such as 16GiB
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    output_limit: Option<u64>,
    #[command(flatten)]
    sign: SignArgs,
}

/// Which sandbox: there is no choice here that keeps a command less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum SandboxArg {
    Bubblewrap,
    Namespaces,
}

impl SandboxArg {
    fn asked(self) -> Asked {
        match self {
            Self::Bubblewrap => Asked::Bubblewrap,
            Self::Namespaces => Asked::Namespaces,
        }
    }
}

fn program(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => Ok((name.to_owned(), PathBuf::from(path))),
        _ => Err("expected NAME=PATH".to_owned()),
    }
}

fn vary(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((option, value)) if !option.is_empty() && !option.starts_with('-') => {
            Ok((option.to_owned(), value.to_owned()))
        }
        _ => Err("expected OPTION=VALUE, such as threads=1".to_owned()),
    }
}

fn bytes(text: &str) -> Result<u64, String> {
    crate::cli::effort::rate(text).map(std::num::NonZero::get)
}

impl StagesArgs {
    /// True where anything was given that only stages take.
    pub(super) fn is_given(&self) -> bool {
        !self.stages.is_empty()
            || self.sample.is_given()
            || self.artifacts.is_some()
            || !self.programs.is_empty()
            || !self.varied.is_empty()
            || !self.exposed.is_empty()
            || self.list_missing
            || self.trust.is_some()
            || self.yes
            || self.sandbox.is_some()
            || self.no_sandbox
            || self.sign.is_given()
    }

    pub(super) fn run(&self, record: &Path, out: Option<&Path>, json: bool, context: &Context) -> Outcome {
        let given = Given::open(context, record, self.trust.as_deref())?;
        given.with_entries(|entries, beside| {
            let mut plan = Plan::of(entries);
            if plan.stages.is_empty() {
                return Err(Failure::new("no run that ended well is recorded there").unestablished().hint(
                    "a run is recorded by: reproledger run; evidence shows how it was started when it is cut with --disclose all",
                ));
            }
            let sampled = self.sample.draw(&plan, &beside.about)?;
            let stages = match &sampled {
                Some(sampled) => sampled.chosen(&plan),
                None => self.chosen(&plan)?,
            };
            let varied = self.vary(&mut plan, &stages)?;
            let folder = given.folder(record)?;
            let look = match (&self.artifacts, &given) {
                (Some(folder), _) => (folder.as_path(), Look::Everywhere),
                (None, Given::Ledger { .. }) => (folder.as_path(), Look::AtPlaces),
                (None, Given::Evidence { .. }) => (folder.as_path(), Look::Beside),
            };
            let basis = Basis { given: &given, folder: look, lists: beside.lists, sampled, varied };
            self.rebuild(&plan, stages, &basis, out, json, context)
        })
    }

    fn chosen(&self, plan: &Plan) -> Result<Vec<usize>, Failure> {
        if self.stages.is_empty() {
            return Ok((0..plan.stages.len()).collect());
        }
        let mut chosen = BTreeSet::new();
        for text in &self.stages {
            let found: Vec<_> = (0..plan.stages.len()).filter(|at| plan.stages[*at].is_called(text)).collect();
            if found.is_empty() {
                let known: BTreeSet<_> =
                    plan.stages.iter().map(|stage| stage.label.escape_debug().to_string()).collect();
                let shown: Vec<_> = known.into_iter().take(20).collect();
                return Err(Failure::new(format!("no stage is called `{}`", text.escape_debug()))
                    .hint(format!("there is {}", shown.join(", "))));
            }
            chosen.extend(found);
        }
        Ok(chosen.into_iter().collect())
    }

    /// Changes commands as the reader wants them changed, and says in what.
    fn vary(&self, plan: &mut Plan, stages: &[usize]) -> Result<Vec<String>, Failure> {
        let mut said = Vec::new();
        for (option, value) in &self.varied {
            let changed = plan.vary(stages, option, value);
            if changed.is_empty() {
                return Err(Failure::new(format!(
                    "no command that is to be run has an option --{}",
                    option.escape_debug()
                )));
            }
            said.extend(changed);
        }
        Ok(said)
    }

    fn limits(&self) -> Limits {
        let usual = Limits::default();
        Limits {
            seconds: self.time_limit.unwrap_or(usual.seconds),
            memory: self.memory_limit.unwrap_or(usual.memory),
            processes: self.process_limit.unwrap_or(usual.processes),
            bytes: self.output_limit.unwrap_or(usual.bytes),
            printed: usual.printed,
        }
    }

    fn rebuild(
        &self,
        plan: &Plan,
        stages: Vec<usize>,
        basis: &Basis<'_>,
        out: Option<&Path>,
        json: bool,
        context: &Context,
    ) -> Outcome {
        let signer = sign::open(&self.sign, context, basis.given)?;
        let scratch = Scratch::new(out)?;
        let choice = Choice {
            stages,
            programs: self.programs.iter().cloned().collect::<BTreeMap<_, _>>(),
            exposed: self.exposed.clone(),
            limits: self.limits(),
            out: scratch.path(),
        };
        // Taken away before anything is asked: it would draw over the question.
        let bar = context.progress("hashing what is at hand");
        let mut shelf = Shelf::new(Some(basis.folder), &bar).with_lists(basis.lists);
        let mut ready = prepare(plan, &choice, &shelf);
        ready.notes.extend(basis.sampled.as_ref().map(Sampled::note));
        ready.notes.extend_from_slice(&basis.varied);
        bar.finish();
        if self.list_missing {
            if json {
                print_json(context, &MissingDocument::of(&ready))?;
            } else {
                context.print(&text::missing(&ready))?;
            }
            return Ok(if ready.missing.is_empty() { 0 } else { 3 });
        }
        let runs = choice.stages.iter().any(|at| matches!(plan.stages[*at].class, Class::Command(_)));
        let sandbox = if self.no_sandbox {
            Sandbox::none()
        } else {
            sandbox::choose(&Machine, self.sandbox.map_or(Asked::Any, SandboxArg::asked)).map_err(refused)?
        };
        if runs {
            consent::ask(context, plan, &choice, &ready, &sandbox, self.yes)?;
        }
        let watch = Telling { context };
        build(plan, &choice, &mut ready, &shelf, &sandbox, &watch, &bar);
        let made = make(plan, &choice, &ready, &mut shelf, &sandbox, &watch, &bar);
        let (word, reason) = verdict(plan, &ready, &made, self.no_sandbox);
        // Of a part alone nothing follows for the claim.
        let is_whole = choice.stages.len() == plan.stages.len();
        let claim = is_whole.then(|| basis.given.claim(plan, &made)).flatten();
        let (word, reason) = match &claim {
            Some(claim) => claim.lower(word, reason),
            None => (word, reason),
        };
        let reason = match &basis.sampled {
            Some(sampled) => sampled.limit(word, reason, &made),
            None => reason,
        };
        let mut document = Document::of(plan, &ready, &made, &sandbox, claim.as_ref(), word, &reason);
        document.sampled = basis.sampled.as_ref().map(|sampled| sampled.document(plan, &made));
        let (ready, made, sandbox, claim, reason) = (&ready, &made, &sandbox, claim.as_ref(), reason.as_str());
        let outcome = sign::Outcome { plan, ready, made, sandbox, claim, word, reason };
        document.signed = signer.map(|signer| sign::sign(signer, context, basis.given, &outcome)).transpose()?;
        if json {
            print_json(context, &document)?;
        } else {
            context.print(&text::rebuilt(&document))?;
        }
        Ok(word.exit_code())
    }
}

/// What a rebuild is made of.
struct Basis<'a> {
    given: &'a Given,
    /// Where recorded artifacts are looked for, and how far.
    folder: (&'a Path, Look),
    lists: &'a dyn SampleLists,
    /// What was drawn of long trainings, where that was asked for.
    sampled: Option<Sampled>,
    /// What was changed in the commands, a line each.
    varied: Vec<String>,
}

fn refused(error: sandbox::NoSandbox) -> Failure {
    Failure::from(error)
        .hint("install bubblewrap, or let unprivileged user namespaces be made")
        .hint("to run the commands with all that you may do, and learn at best UNKNOWN: --no-sandbox")
}

/// Says on a terminal which stage is being made.
struct Telling<'a> {
    context: &'a Context,
}

impl Telling<'_> {
    fn say(&self, text: &str) {
        if std::io::stderr().is_terminal() {
            self.context.remark(text);
        }
    }
}

impl Watch for Telling<'_> {
    fn builds(&self, build: &Build) {
        self.say(&format!("building {}", crate::cli::render::quoted(&build.program)));
    }

    fn begins(&self, number: usize, of: usize, stage: &Stage) {
        self.say(&format!("stage {number} of {of}: {}", crate::cli::render::quoted(&stage.label)));
    }

    fn ends(&self, _: &Stage, made: &Made) {
        self.say(&format!("  {}  {}", made.word.name(), count(made.outputs.len() as u64, "output", "outputs")));
    }
}

/// Where working folders are made: what the reader asked for is kept, all else is taken away.
enum Scratch {
    Kept(PathBuf),
    Temporary(tempfile::TempDir),
}

impl Scratch {
    fn new(out: Option<&Path>) -> Result<Self, Failure> {
        let Some(out) = out else {
            let folder = tempfile::Builder::new().prefix("reproledger-rebuild-").tempdir();
            return folder.map(Self::Temporary).map_err(|error| Failure::new(format!("no temporary folder: {error}")));
        };
        let fail = |error: std::io::Error| Failure::new(format!("cannot make `{}`: {error}", out.display()));
        std::fs::create_dir(out).map_err(fail)?;
        Ok(Self::Kept(out.canonicalize().map_err(fail)?))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }
}

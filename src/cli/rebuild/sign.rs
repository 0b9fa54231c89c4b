//! `rebuild --sign`: what a rebuild came to, as an entry in the ledger of whoever rebuilt.
//!
//! Everything that can be refused is refused before the first command runs: a rebuild may take hours.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::capture::hash::{HashOptions, Silent, hash_file};
use crate::capture::surroundings::machine;
use crate::cli::context::LEDGER_DIR;
use crate::cli::keys::PassphraseArgs;
use crate::cli::open::{Reading, from_journal, say};
use crate::cli::prove::{remember, write_file};
use crate::cli::rebuild::record::{ClaimDocument, Given};
use crate::cli::{Context, Failure};
use crate::digest::{Digest, DigestKind};
use crate::journal::{Draft, Journal, Settings, cut_testimony};
use crate::key::SigningKey;
use crate::merkle::EntryIndex;
use crate::rebuild::sandbox::Sandbox;
use crate::rebuild::{Class, How, Made, Plan, Program, Ready, Runner, Stage, Word};
use crate::statement::{
    Body, Edge, Judgement, Kind, MAX_REASON, Rebuild, Rebuilt, RebuiltOutput, RunPlace, Taken, recipe_digest,
};
use crate::verify::{self, VerifiedEvidence};

/// How a rebuild is signed.
#[derive(Debug, clap::Args)]
pub(super) struct SignArgs {
    /// Sign what it comes to, run by run, in your own ledger
    #[arg(long)]
    sign: bool,
    /// The ledger to sign in; without it that of the working directory
    #[arg(long, value_name = "DIR", requires = "sign")]
    ledger: Option<PathBuf>,
    /// Write what was signed to this file, for the lab to attach or a reader to be given
    #[arg(long, value_name = "FILE", requires = "sign")]
    attestation: Option<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

/// A ledger that a rebuild can be signed in.
pub(super) struct Signer<'a> {
    args: &'a SignArgs,
    directory: PathBuf,
    settings: Settings,
    log_key: SigningKey,
    issuer_key: SigningKey,
}

/// What was signed, and where.
#[derive(Debug, Serialize)]
pub(super) struct Signed {
    pub(super) ledger: String,
    pub(super) entry: u64,
    pub(super) digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) attestation: Option<String>,
}

/// What a rebuild came to.
pub(super) struct Outcome<'a> {
    pub(super) plan: &'a Plan,
    pub(super) ready: &'a Ready,
    pub(super) made: &'a [Made],
    pub(super) sandbox: &'a Sandbox,
    pub(super) claim: Option<&'a ClaimDocument>,
    pub(super) word: Word,
    pub(super) reason: &'a str,
}

impl SignArgs {
    /// True where anything was asked for.
    pub(super) fn is_given(&self) -> bool {
        self.sign
    }

    /// Opens what is needed to sign, where that was asked for.
    pub(super) fn open(&self, context: &Context, given: &Given) -> Result<Option<Signer<'_>>, Failure> {
        if !self.sign {
            return Ok(None);
        }
        let evidence = evidence_of(given)?;
        if let Some(path) = self.attestation.as_deref().filter(|path| path.exists()) {
            return Err(Failure::new(format!("`{}` is there already", path.display())));
        }
        let directory = match &self.ledger {
            Some(folder) if folder.join(LEDGER_DIR).is_dir() => folder.join(LEDGER_DIR),
            Some(folder) => folder.clone(),
            None => context.ledger_dir()?,
        };
        let settings = Settings::load(&directory)?;
        let log_key = self.passphrase.open(context, &settings.keys.log)?;
        let issuer_key = self.passphrase.open(context, &settings.keys.issuer)?;
        let is_own = settings.ledger == evidence.log.to_string();
        if is_own || [&log_key, &issuer_key].iter().any(|key| evidence.keys.is_own(&key.public())) {
            return Err(Failure::new("the claim is of this very ledger, or by its keys: nobody testifies of himself")
                .hint("begin a ledger of your own: reproledger init --origin example.org/rebuilds --issuer URI"));
        }
        Ok(Some(Signer { args: self, directory, settings, log_key, issuer_key }))
    }
}

/// The evidence that was rebuilt from, which must be of a claim.
fn evidence_of(given: &Given) -> Result<VerifiedEvidence<'_>, Failure> {
    let Given::Evidence { bytes, policy } = given else {
        return Err(Failure::new("a rebuild of a ledger is of no claim, so there is nothing to sign it of")
            .hint("rebuild from the evidence of a claim: reproledger prove CLAIM -o FILE --disclose all"));
    };
    let evidence = verify::evidence(bytes, policy.as_ref())?;
    match evidence.entries.get(&evidence.claim) {
        Some(entry) if entry.payload().kind == Kind::Claim => Ok(evidence),
        _ => Err(Failure::new("the evidence is of items and not of a claim: there is nothing to sign")),
    }
}

impl Signer<'_> {
    /// Says what it came to, in the ledger and where asked in a file.
    pub(super) fn sign(self, context: &Context, given: &Given, outcome: &Outcome<'_>) -> Result<Signed, Failure> {
        let evidence = evidence_of(given)?;
        let claim = evidence.entries.get(&evidence.claim).ok_or_else(|| Failure::new("the claim is not there"))?;
        let mut draft = Draft::new(Kind::Rebuild);
        draft.testifies = Some((Edge::testifies(evidence.log, evidence.claim, claim.leaf_hash()), evidence.head));
        draft.body = Body { rebuild: Some(Box::new(words(&evidence, outcome)?)), ..Body::default() };
        let Self { args, directory, settings, log_key, issuer_key } = self;
        let (mut journal, notices) =
            Journal::open(&directory, context.state_dir(), &settings, log_key, issuer_key).map_err(from_journal)?;
        say(context, &notices);
        let appended = journal.append(vec![draft], context.now_ms() / 1000).map_err(from_journal)?;
        say(context, &journal.take_notices());
        journal.close().map_err(from_journal)?;
        let index = appended.indexes.first().copied().unwrap_or_default();
        if let Some(path) = &args.attestation {
            write(context, &directory, index, path)?;
        }
        Ok(Signed {
            ledger: settings.origin,
            entry: index.0,
            digest: appended.digests.first().map(ToString::to_string).unwrap_or_default(),
            attestation: args.attestation.as_ref().map(|path| path.to_string_lossy().into_owned()),
        })
    }
}

/// Writes the testimony of an entry to a file.
fn write(context: &Context, directory: &Path, index: EntryIndex, path: &Path) -> Result<(), Failure> {
    let reading = Reading::open_at(context, directory.to_owned())?;
    let bytes = cut_testimony(&reading.ledger, index)?.to_bytes();
    remember(context, &reading)?;
    write_file(path, &bytes)
}

fn words(evidence: &VerifiedEvidence<'_>, outcome: &Outcome<'_>) -> Result<Rebuild, Failure> {
    let (mut stages, mut taken) = (Vec::new(), Vec::new());
    let mut programs = BTreeMap::new();
    for made in outcome.made {
        let stage = &outcome.plan.stages[made.stage];
        // A run whose entries are not shown cannot be named.
        let Some(run) = place(evidence, stage) else { continue };
        let (judgement, reason) = (judgement(made.word), shortened(&made.reason));
        let ended = made.ended.as_ref().filter(|ended| !matches!(ended.how, How::NotStarted(_)));
        let (Some(ended), Class::Command(recipe)) = (ended, &stage.class) else {
            taken.push(Taken { run, judgement, reason });
            continue;
        };
        let mut outputs: Vec<_> =
            made.outputs.iter().filter_map(|output| judged(evidence, outcome, made, output)).collect();
        outputs.sort_by_key(|output| output.entry);
        let program = outcome.ready.programs.get(&made.stage).and_then(|resolved| match &resolved.program {
            Program::Host(path) => *programs.entry(path.clone()).or_insert_with(|| {
                hash_file(path, &HashOptions::default(), &Silent).ok().map(|hashed| Digest::from(hashed.digest))
            }),
            Program::Inside(_) => None,
        });
        stages.push(Rebuilt {
            run,
            recipe: recipe_digest(&recipe.argv, &recipe.directory, &recipe.rerun)?,
            program,
            judgement,
            reason,
            log: ended.log,
            printed: ended.printed,
            took_ms: ended.took_ms,
            outputs,
        });
    }
    stages.sort_by_key(|stage: &Rebuilt| stage.run.start);
    taken.sort_by_key(|taken: &Taken| taken.run.start);
    Ok(Rebuild {
        by: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
        judgement: judgement(outcome.word),
        reason: shortened(outcome.reason),
        sandboxed: !outcome.sandbox.is_open(),
        kept_by: outcome.sandbox.kept_by().to_owned(),
        machine: machine(),
        stages,
        taken,
        recomputed: outcome.claim.map(|claim| claim.verdict.to_owned()),
    })
}

/// The run of a stage by its entries.
fn place(evidence: &VerifiedEvidence<'_>, stage: &Stage) -> Option<RunPlace> {
    let digest = |index: EntryIndex| Some(Digest::from(evidence.entries.get(&index)?.leaf_hash()));
    let (start_digest, end_digest) = (digest(stage.start)?, digest(stage.end)?);
    Some(RunPlace { start: stage.start.0, start_digest, end: stage.end.0, end_digest })
}

fn judged(
    evidence: &VerifiedEvidence<'_>,
    outcome: &Outcome<'_>,
    made: &Made,
    (index, judged): &(EntryIndex, crate::rebuild::Judged),
) -> Option<RebuiltOutput> {
    let item = outcome.plan.items.get(index)?;
    let declared = match &outcome.plan.stages[made.stage].class {
        Class::Command(recipe) => recipe.rerun.equality_of(item.name.as_deref().unwrap_or_default()),
        Class::Frontier(_) => None,
    };
    Some(RebuiltOutput {
        entry: index.0,
        entry_digest: evidence.entries.get(index)?.leaf_hash().into(),
        equality: declared.unwrap_or("bits").to_owned(),
        judgement: judgement(judged.word),
        made: [DigestKind::File, DigestKind::Tree].iter().find_map(|kind| judged.made.digest(*kind)),
    })
}

fn judgement(word: Word) -> Judgement {
    match word {
        Word::Good => Judgement::Good,
        Word::Equivalent => Judgement::Equivalent,
        Word::Taken => Judgement::Taken,
        Word::Unknown => Judgement::Unknown,
        Word::Fail => Judgement::Fail,
        Word::Bad => Judgement::Bad,
    }
}

fn shortened(reason: &str) -> String {
    reason.chars().take(MAX_REASON).collect()
}

//! `rebuild --sign`: what a rebuild came to, run by run, in the words that whoever rebuilt signs.

use std::collections::BTreeMap;

use crate::capture::hash::{HashOptions, Silent, hash_file};
use crate::capture::surroundings::machine;
use crate::cli::rebuild::record::{ClaimDocument, Given};
use crate::cli::testify::{SignArgs, Signed, Signer};
use crate::cli::{Context, Failure};
use crate::digest::{Digest, DigestKind};
use crate::merkle::EntryIndex;
use crate::rebuild::sandbox::Sandbox;
use crate::rebuild::{Class, How, Made, Plan, Program, Ready, Runner, Stage, Word};
use crate::statement::{
    Body, Judgement, Kind, MAX_REASON, Rebuild, Rebuilt, RebuiltOutput, RunPlace, Taken, recipe_digest,
};
use crate::verify::{self, VerifiedEvidence};

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

/// Opens what is needed to sign, where that was asked for.
pub(super) fn open<'a>(args: &'a SignArgs, context: &Context, given: &Given) -> Result<Option<Signer<'a>>, Failure> {
    if !args.is_given() {
        return Ok(None);
    }
    args.open(context, &evidence_of(given)?).map(Some)
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

/// Says what it came to.
pub(super) fn sign(
    signer: Signer<'_>,
    context: &Context,
    given: &Given,
    outcome: &Outcome<'_>,
) -> Result<Signed, Failure> {
    let evidence = evidence_of(given)?;
    let body = Body { rebuild: Some(Box::new(words(&evidence, outcome)?)), ..Body::default() };
    signer.sign(context, &evidence, Kind::Rebuild, body)
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

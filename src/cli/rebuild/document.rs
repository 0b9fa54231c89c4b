//! A rebuild as one document: what `--json` prints, and what the text is written from.

use serde::Serialize;

use crate::cli::rebuild::record::ClaimDocument;
use crate::cli::rebuild::sampled::SampledDocument;
use crate::cli::testify::Signed;
use crate::rebuild::sandbox::Sandbox;
use crate::rebuild::{Class, How, Judged, Made, Plan, Ready, Runner, Stage, Word};

/// Id of the document's schema.
const SCHEMA: &str = "urn:reproledger:schema:rebuild-stages:v1";

/// A whole rebuild.
#[derive(Debug, Serialize)]
pub(super) struct Document<'a> {
    schema: &'static str,
    pub(super) verdict: Word,
    exit_code: u8,
    pub(super) reason: &'a str,
    pub(super) kept_by: String,
    builds: Vec<BuildDocument>,
    pub(super) stages: Vec<StageDocument>,
    pub(super) altered: Vec<AlteredDocument>,
    pub(super) missing: Vec<OneMissing>,
    pub(super) notes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) claim: Option<&'a ClaimDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sampled: Option<SampledDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) signed: Option<Signed>,
}

#[derive(Debug, Serialize)]
pub(super) struct StageDocument {
    pub(super) stage: String,
    pub(super) start: u64,
    pub(super) class: &'static str,
    pub(super) verdict: Word,
    pub(super) reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) program: Option<String>,
    pub(super) outputs: Vec<OutputDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ran: Option<RanDocument>,
}

#[derive(Debug, Serialize)]
pub(super) struct OutputDocument {
    pub(super) entry: u64,
    pub(super) artifact: String,
    pub(super) verdict: Word,
    pub(super) reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    declared: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) differs: Vec<String>,
    pub(super) made: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct RanDocument {
    pub(super) took_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<i32>,
    log: String,
    printed_bytes: u64,
    pub(super) printed_end: String,
}

#[derive(Debug, Serialize)]
pub(super) struct AlteredDocument {
    entry: u64,
    pub(super) artifact: String,
    pub(super) path: String,
    pub(super) recorded: String,
    pub(super) found: String,
}

/// One thing to be fetched.
#[derive(Debug, Serialize)]
pub(super) struct OneMissing {
    pub(super) what: &'static str,
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) digest: Option<String>,
    pub(super) stage: String,
    pub(super) hint: String,
}

/// A program that is built first.
#[derive(Debug, Serialize)]
pub(super) struct BuildDocument {
    program: String,
    source: u64,
    command: Vec<String>,
}

/// What `--list-missing` prints.
#[derive(Debug, Serialize)]
pub(super) struct MissingDocument {
    schema: &'static str,
    builds: Vec<BuildDocument>,
    missing: Vec<OneMissing>,
    altered: Vec<AlteredDocument>,
    notes: Vec<String>,
}

impl MissingDocument {
    pub(super) fn of(ready: &Ready) -> Self {
        Self {
            schema: SCHEMA,
            builds: builds(ready),
            missing: missing(ready),
            altered: altered(ready),
            notes: ready.notes.clone(),
        }
    }
}

impl<'a> Document<'a> {
    #[allow(clippy::too_many_arguments, reason = "the parts of one document, each of another kind")]
    pub(super) fn of(
        plan: &Plan,
        ready: &Ready,
        made: &[Made],
        sandbox: &Sandbox,
        claim: Option<&'a ClaimDocument>,
        word: Word,
        reason: &'a str,
    ) -> Self {
        Self {
            schema: SCHEMA,
            verdict: word,
            exit_code: word.exit_code(),
            reason,
            kept_by: sandbox.kept_by().to_owned(),
            builds: builds(ready),
            stages: made.iter().map(|made| stage(plan, ready, made)).collect(),
            altered: altered(ready),
            missing: missing(ready),
            notes: ready.notes.clone(),
            claim,
            sampled: None,
            signed: None,
        }
    }
}

fn stage(plan: &Plan, ready: &Ready, made: &Made) -> StageDocument {
    let stage = &plan.stages[made.stage];
    StageDocument {
        stage: stage.label.clone(),
        start: stage.start.0,
        class: match &stage.class {
            Class::Command(recipe) if recipe.is_pure() => "pure",
            Class::Command(_) => "command",
            Class::Frontier(_) => "frontier",
        },
        verdict: made.word,
        reason: made.reason.clone(),
        program: ready.programs.get(&made.stage).map(|program| program.said.clone()),
        outputs: made.outputs.iter().map(|(index, judged)| output(plan, stage, *index, judged)).collect(),
        ran: made.ended.as_ref().map(|ended| RanDocument {
            took_ms: ended.took_ms,
            exit_code: match ended.how {
                How::Exit(code) => Some(code),
                _ => None,
            },
            log: ended.log.to_string(),
            printed_bytes: ended.printed,
            printed_end: ended.tail.clone(),
        }),
    }
}

fn output(plan: &Plan, stage: &Stage, index: crate::merkle::EntryIndex, judged: &Judged) -> OutputDocument {
    let item = &plan.items[&index];
    let declared = match &stage.class {
        Class::Command(recipe) => recipe.rerun.equality_of(item.name.as_deref().unwrap_or_default()),
        Class::Frontier(_) => None,
    };
    let made = judged
        .made
        .0
        .iter()
        .flat_map(|(kind, measure)| measure.digests.iter().map(move |digest| format!("{kind} {digest}")));
    OutputDocument {
        entry: index.0,
        artifact: item.label(),
        verdict: judged.word,
        reason: judged.reason.clone(),
        declared: declared.map(str::to_owned),
        differs: judged.differs.clone(),
        made: made.collect(),
    }
}

fn builds(ready: &Ready) -> Vec<BuildDocument> {
    let one = |build: &crate::rebuild::Build| BuildDocument {
        program: build.program.clone(),
        source: build.source.0,
        command: build.argv.clone(),
    };
    ready.builds.iter().map(one).collect()
}

fn missing(ready: &Ready) -> Vec<OneMissing> {
    let one = |missing: &crate::rebuild::Missing| OneMissing {
        what: missing.what,
        name: missing.name.clone(),
        digest: missing.digest.map(|digest| digest.to_string()),
        stage: missing.stage.clone(),
        hint: missing.hint.clone(),
    };
    ready.missing.iter().map(one).collect()
}

fn altered(ready: &Ready) -> Vec<AlteredDocument> {
    let one = |altered: &crate::rebuild::Altered| AlteredDocument {
        entry: altered.entry.0,
        artifact: altered.label.clone(),
        path: altered.path.clone(),
        recorded: altered.recorded.to_string(),
        found: altered.found.as_ref().map_or_else(Clone::clone, ToString::to_string),
    };
    ready.altered.iter().map(one).collect()
}

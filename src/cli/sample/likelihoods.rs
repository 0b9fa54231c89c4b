//! `sample --likelihoods`: how likely the draws are under each of the weights on record, as a statement of whoever scored.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser};
use serde::Serialize;

use crate::cli::sample::table::{MAX_TABLE_BYTES, rows};
use crate::cli::testify::{SignArgs, Signed};
use crate::cli::verify::read_bounded;
use crate::cli::{Context, Failure};
use crate::sampling::{Draw, How, Weights, score};
use crate::statement::{Body, Distribution, Kind};
use crate::verify::VerifiedEvidence;

/// Likelihoods, and how they are signed.
#[derive(Debug, clap::Args)]
pub(super) struct LikelihoodArgs {
    /// How likely each draw is under each of the weights on record, as you scored them with a tool of your own: JSON lines or CSV,
    /// one row for each, with `draw` (ENTRY:NUMBER), `checkpoint` (a digest of the weights), `loglik` (in nats; -1e7 where there
    /// is no chance at all), `tokens`
    #[arg(long, value_name = "TABLE", requires_all = ["tool", "distribution"])]
    likelihoods: Option<PathBuf>,
    /// What you scored them with, in your words
    #[arg(long, value_name = "TEXT", requires = "likelihoods")]
    tool: Option<String>,
    /// Of which distribution the likelihoods are
    #[arg(long, value_name = "WHICH", requires = "likelihoods", value_parser = distribution_parser())]
    distribution: Option<String>,
    #[command(flatten)]
    sign: SignArgs,
}

fn distribution_parser() -> PossibleValuesParser {
    PossibleValuesParser::new([
        PossibleValue::new(Distribution::AsSampled.name())
            .help("what was sampled from: at its temperature, cut off where it was"),
        PossibleValue::new(Distribution::Plain.name()).help("the model's own, which counts where it was sampled so"),
    ])
}

/// What was taken of a table.
#[derive(Debug, Serialize)]
pub(super) struct Taken {
    pub(super) draws: usize,
    pub(super) checkpoints: usize,
    pub(super) tool: String,
    pub(super) distribution: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) signed: Option<Signed>,
}

impl LikelihoodArgs {
    /// Takes the table, and signs it where that was asked for.
    pub(super) fn take(
        &self,
        context: &Context,
        evidence: &VerifiedEvidence<'_>,
        (draws, weights): (&[Draw], &[Weights]),
        (nonce, n): (&str, u64),
    ) -> Result<Option<Taken>, Failure> {
        let (Some(path), Some(tool)) = (&self.likelihoods, &self.tool) else {
            return if self.sign.is_given() {
                Err(Failure::new("there is nothing to sign: draws by themselves say nothing")
                    .hint("score them under all weights on record, and give the table with --likelihoods"))
            } else {
                Ok(None)
            };
        };
        let distribution = self.distribution.as_deref().and_then(Distribution::from_name);
        let distribution = distribution.ok_or_else(|| Failure::new("--distribution is not given"))?;
        let signer = self.sign.is_given().then(|| self.sign.open(context, evidence)).transpose()?;
        let refuse = |error: String| Failure::new(format!("`{}` is refused: {error}", path.display()));
        let rows = rows(&read_bounded(path, MAX_TABLE_BYTES)?).map_err(|error| refuse(error.to_string()))?;
        let how = How { tool, distribution, nonce, draws: n };
        let words = score(&rows, draws, weights, how).map_err(|error| refuse(error.to_string()))?;
        let (draws, checkpoints) = (words.transcripts.len(), words.weights.len());
        let body = Body { likelihood: Some(Box::new(words)), ..Body::default() };
        let signed = signer.map(|signer| signer.sign(context, evidence, Kind::Likelihood, body)).transpose()?;
        Ok(Some(Taken { draws, checkpoints, tool: tool.clone(), distribution: distribution.name(), signed }))
    }
}

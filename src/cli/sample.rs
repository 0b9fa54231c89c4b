//! `sample`: a reader's own draws of a claim's samples, and what their openings buy.

mod document;
mod likelihoods;
mod screen;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::capture::observe::observe;
use crate::claim::{Assessment, NUMBER, Reader, Verdict, assess_seen};
use crate::cli::effort::EffortArgs;
use crate::cli::sample::likelihoods::{LikelihoodArgs, Taken};
use crate::cli::verify::{load_policy, read_bounded};
use crate::cli::{Context, Failure, Outcome};
use crate::digest::{Digest, DigestKind};
use crate::draw::{self, MAX_DRAWS, MAX_NONCE_BYTES, MIN_NONCE_BYTES};
use crate::evidence::MAX_EVIDENCE_BYTES;
use crate::key::Policy;
use crate::sampling::{self, Bought, Draw, State, Weights};
use crate::stats::{Level, Sides};
use crate::verify::{self, Class, Voucher};

/// Draw samples of a claim that the lab could not foresee, and check their openings
///
/// Choose the nonce yourself after you have the evidence, by dice or a random generator, and tell nobody before: the draws
/// follow from it and from the roots that the ledger commits to. Without openings the draws are listed, to be asked for.
/// With the logs at hand (--artifacts), or with files that the lab cut for the draws (`prove --item`, --opened), each
/// opening is checked. Every draw is reported, and one that is not opened counts as bad.
///
/// Who holds the weights can score the draws under all weights on record, with a tool of his own, and sign that here
/// (--likelihoods, --sign): `verify --attestation FILE --parties PARTIES` then tells by them whether the transcripts are of
/// the weights that they are said to be of.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 every draw opened and none bad · 1 one does not hold, or you judged it bad · 2 unreadable · 3 not all are opened\n\nExamples:\n  reproledger sample am.evidence --n 200 --nonce $(openssl rand -hex 16) --trust trust.policy\n  reproledger sample am.evidence --n 200 --nonce 6f1c… --trust trust.policy --artifacts logs/ --bad 12:345 --json\n  reproledger sample am.evidence --n 50 --nonce 6f1c… --artifacts logs/ --likelihoods scores.jsonl --tool 'scorer 1.0' --distribution as-sampled --sign --attestation mine.attestation"
)]
pub(super) struct Sample {
    /// Evidence of a claim, as written by `prove`
    evidence: PathBuf,
    /// Draws for each arm
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=MAX_DRAWS))]
    n: u64,
    /// Your own text that nobody could foresee, 16 bytes at least
    #[arg(long, value_name = "TEXT", value_parser = nonce)]
    nonce: String,
    /// Your own policy: which logs and witnesses you trust
    #[arg(long, value_name = "POLICY")]
    trust: Option<PathBuf>,
    /// Folder with the logs: each drawn sample must be in them as it was committed to
    #[arg(long, value_name = "DIR")]
    artifacts: Option<PathBuf>,
    /// Evidence of single items that the lab cut for these draws
    #[arg(long, value_name = "FILE", num_args = 1..)]
    opened: Vec<PathBuf>,
    /// Draws that you read and found bad, as ENTRY:NUMBER
    #[arg(long, value_name = "DRAW", num_args = 1..)]
    bad: Vec<String>,
    #[command(flatten)]
    likelihoods: LikelihoodArgs,
    #[command(flatten)]
    effort: EffortArgs,
    /// List every draw, and all weights on record
    #[arg(short, long, conflicts_with = "json")]
    verbose: bool,
    /// One JSON document, with every draw
    #[arg(long)]
    json: bool,
}

fn nonce(text: &str) -> Result<String, String> {
    match text.len() {
        MIN_NONCE_BYTES..=MAX_NONCE_BYTES => Ok(text.to_owned()),
        found => {
            Err(format!("{found} bytes, expected {MIN_NONCE_BYTES} to {MAX_NONCE_BYTES}: a short one can be tried out"))
        }
    }
}

/// Everything that sampling came to.
struct Sampled {
    assessment: Assessment,
    nonce: String,
    /// Root of the head under which all is.
    head: String,
    draws: Vec<Draw>,
    bought: Vec<Bought>,
    /// Files of openings that do not hold, with why.
    refused: Vec<(String, String)>,
    /// Whether somebody whom the reader trusts stands behind the evidence.
    is_vouched: bool,
    /// Draws that the reader found bad.
    bad: BTreeSet<String>,
    /// Weights that the evidence shows.
    weights: Vec<Weights>,
    /// What was taken of a table of likelihoods.
    likelihoods: Option<Taken>,
}

impl Sampled {
    fn exit_code(&self) -> u8 {
        match self.assessment.verdict {
            Verdict::Unreadable => return 2,
            Verdict::Contradicted => return 1,
            _ => {}
        }
        let any = |count: fn(&Bought) -> u64| self.bought.iter().any(|arm| count(arm) > 0);
        if any(|arm| arm.failed + arm.judged_bad) || !self.refused.is_empty() {
            return 1;
        }
        if self.draws.is_empty() || any(|arm| arm.missing) || !self.is_vouched { 3 } else { 0 }
    }

    fn word(&self) -> &'static str {
        match self.exit_code() {
            0 => "OPENED",
            1 => "CONTRADICTED",
            2 => "UNREADABLE",
            _ if self.draws.is_empty() => "NOTHING TO DRAW",
            _ if self.draws.iter().all(Draw::holds) => "OPENED, UNVOUCHED",
            _ => "NOT OPENED",
        }
    }
}

impl Sample {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let trust = self.trust.as_deref().map(load_policy).transpose()?;
        let bytes = read_bounded(&self.evidence, MAX_EVIDENCE_BYTES)?;
        let mut failure = None;
        let look = |evidence: &verify::VerifiedEvidence<'_>| {
            let directory = self.artifacts.as_deref()?;
            let observed =
                self.effort.work(context, "hashing artifacts", None, |progress| observe(evidence, directory, progress));
            observed.and_then(|observed| observed.map_err(Failure::from)).map_err(|error| failure = Some(error)).ok()
        };
        let (assessment, seen) =
            assess_seen(&bytes, &Reader { trust: trust.as_ref(), ..Reader::default() }, NUMBER, look, |case| {
                let drawn = draw::draw(&case.evidence.pools(), self.n, self.nonce.as_bytes());
                let mut draws: Vec<Draw> = drawn.into_iter().map(Draw::from).collect();
                sampling::open(&mut draws, case);
                (draws, sampling::weights(case))
            });
        if let Some(failure) = failure {
            return Err(failure);
        }
        let (mut draws, weights) = seen.unwrap_or_default();
        let refused = self.take_openings(&assessment, trust.as_ref(), &mut draws)?;
        let bad: BTreeSet<String> = self.bad.iter().cloned().collect();
        if let Some(stranger) = bad.iter().find(|name| !draws.iter().any(|draw| draw.name() == **name)) {
            return Err(Failure::new(format!("`{}` was not drawn", stranger.escape_debug()))
                .hint("draws are named as ENTRY:NUMBER; list them with --verbose"));
        }
        let level = Level::percent(95, Sides::Upper).expect("95 % is a level");
        let evidence = assessment.evidence.as_ref();
        let head = evidence.map_or(String::new(), |evidence| crate::digest::hex(evidence.head.root.as_bytes()));
        let is_vouched = evidence.is_some_and(|evidence| matches!(evidence.voucher, Voucher::Pinned { .. }));
        let bought = sampling::bought(&draws, &bad, &level);
        let take = |evidence| self.likelihoods.take(context, evidence, (&draws, &weights), (&self.nonce, self.n));
        let likelihoods = evidence.map(take).transpose()?.flatten();
        let nonce = self.nonce.clone();
        let sampled =
            Sampled { assessment, nonce, head, draws, bought, refused, is_vouched, bad, weights, likelihoods };
        if self.json {
            document::print(context, &sampled)?;
        } else {
            context.print(&screen::text(&sampled, self.verbose))?;
        }
        Ok(sampled.exit_code())
    }

    /// Takes the records that the lab opened one by one; the files that do not hold, with why.
    fn take_openings(
        &self,
        assessment: &Assessment,
        trust: Option<&Policy>,
        draws: &mut [Draw],
    ) -> Result<Vec<(String, String)>, Failure> {
        let mut refused = Vec::new();
        let Some(main) = &assessment.evidence else { return Ok(refused) };
        let mut wanted: BTreeMap<(Digest, u64), &mut Draw> =
            draws.iter_mut().map(|draw| ((draw.root, draw.number), draw)).collect();
        for path in &self.opened {
            let bytes = read_bounded(path, MAX_EVIDENCE_BYTES)?;
            match verify::evidence(&bytes, trust) {
                Ok(opened) if opened.log != main.log => {
                    refused.push((shown(path), "it is of another ledger".to_owned()));
                }
                Ok(opened) => {
                    for item in opened.items.iter().filter(|item| item.kind == DigestKind::Samples) {
                        let Some(draw) = wanted.get_mut(&(item.root.into(), item.number)) else { continue };
                        draw.key = Some(item.item.key.clone());
                        if draw.state == State::Missing {
                            draw.state = State::Record;
                        }
                    }
                }
                Err(reject) if reject.class() == Class::Malformed => {
                    return Err(Failure::new(format!("`{}` is no evidence: {reject}", shown(path))));
                }
                Err(reject) => refused.push((shown(path), reject.to_string())),
            }
        }
        Ok(refused)
    }
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

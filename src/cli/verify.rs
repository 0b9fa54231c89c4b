//! `verify`: does the evidence hold, and does the printed number follow from it?

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValue, PossibleValuesParser};

use crate::capture::hash::Progress;
use crate::capture::kin::observe_weights;
use crate::capture::observe::{observe, observe_items};
use crate::capture::open::CaptureError;
use crate::check::{Age, Case, Figures, Observed};
use crate::claim::{Assessment, Profile, Reader, assess_any_seen};
use crate::cli::attach::refused;
use crate::cli::effort::EffortArgs;
use crate::cli::prove::write_file;
use crate::cli::{Context, Failure, Outcome};
use crate::digest::parse_hex;
use crate::evidence::{MAX_EVIDENCE_BYTES, MAX_TESTIMONY_BYTES};
use crate::key::{MAX_PARTIES_BYTES, MAX_POLICY_BYTES, Parties, Policy};
use crate::rebuild::replay_recorded;
use crate::report::{Detail, to_forest, to_json, to_text};
use crate::stats::{Nonce, NonceOrigin};
use crate::verify::{self, VerifiedEvidence};

/// A head is a few lines, and one for each witness.
const MAX_HEAD_BYTES: u64 = 1 << 20;

/// Verify an evidence file, offline, without trusting who made it
///
/// Makes no network request and writes nothing but the picture that --svg asks for. Without --trust the best answer is UNVOUCHED (exit 3): the signatures
/// hold, but by keys that nobody you trust has named.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  reproledger verify claim.evidence --trust trust.policy\n  reproledger verify claim.evidence --trust trust.policy --artifacts ./data --json\n  reproledger verify claim.evidence --trust trust.policy --svg claim.svg"
)]
pub(super) struct Verify {
    /// Evidence file, as written by `prove`; `-` reads standard input
    evidence: PathBuf,
    /// Your own policy: which logs and witnesses you trust (a C2SP tlog-policy)
    #[arg(long, value_name = "POLICY")]
    trust: Option<PathBuf>,
    /// A signed head of this ledger that you hold from before: the evidence must extend it
    #[arg(long, value_name = "HEAD")]
    min_head: Option<PathBuf>,
    /// Hash the artifacts in this folder again, and read what they hold; of an item, its file will do
    #[arg(long, value_name = "DIR|FILE")]
    artifacts: Option<PathBuf>,
    /// What the claim is held to: your choice, never the file's
    #[arg(long, value_name = "PROFILE", default_value = "number", value_parser = profile_parser())]
    profile: String,
    /// What somebody else signed of this claim and the lab has not attached; may be repeated
    #[arg(long = "attestation", value_name = "FILE")]
    attestations: Vec<PathBuf>,
    /// Draw what was computed again, with the verdict in words, into this new file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// For what has to be drawn: 64 hex digits of your own, that the lab could not know before; the same give the same
    #[arg(long, value_name = "HEX", value_parser = nonce)]
    nonce: Option<Nonce>,
    /// Now, by your own clock: seconds since 1970, as `date +%s` prints; nothing else here knows the time
    #[arg(long, value_name = "SECONDS")]
    at: Option<u64>,
    /// How long before that a witness of yours must have seen the head: 30d, 12h
    #[arg(long, value_name = "SPAN", requires = "at", value_parser = span)]
    max_age: Option<u64>,
    /// For how long none of your witnesses may have looked between two heads that are shown: 7d
    #[arg(long, value_name = "SPAN", requires = "at", value_parser = span)]
    max_gap: Option<u64>,
    /// Who holds which keys, as you know it, and how many of them must have rebuilt a run (TOML; see SECURITY.md): without it
    /// nobody's rebuild counts, and nobody's likelihoods
    #[arg(long, value_name = "FILE")]
    parties: Option<PathBuf>,
    #[command(flatten)]
    effort: EffortArgs,
    /// Show every check with everything it says
    #[arg(short, long, conflicts_with = "json")]
    verbose: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let trust = self.trust.as_deref().map(load_policy).transpose()?;
        let held = self.min_head.as_deref().map(|path| read_bounded(path, MAX_HEAD_BYTES)).transpose()?;
        let bytes = read_bounded(&self.evidence, MAX_EVIDENCE_BYTES)?;
        let mut failure = None;
        let profile = Profile::find(&self.profile)
            .ok_or_else(|| Failure::new(format!("there is no profile `{}`", self.profile)))?;
        let parties = self.parties.as_deref().map(load_parties).transpose()?;
        let testimonies = self.attestations(&bytes, trust.as_ref())?;
        let (held, nonce) = (held.as_deref(), self.nonce);
        let age = self.at.map(|at| Age { at, most: self.max_age, gap: self.max_gap });
        let (trust, parties) = (trust.as_ref(), parties.as_ref());
        let reader = Reader { trust, held, testimonies: &testimonies, nonce, age, parties };
        if let Some(picture) = self.svg.as_deref().filter(|picture| picture.exists()) {
            return Err(Failure::new(format!("`{}` is there already", picture.display())));
        }
        let look = |evidence: &VerifiedEvidence<'_>| {
            let directory = self.artifacts.as_deref()?;
            // Never with what is known of files: a verifier reads.
            let observed =
                self.effort.work(context, "hashing artifacts", None, |progress| look(evidence, directory, progress));
            observed.and_then(|observed| observed.map_err(Failure::from)).map_err(|error| failure = Some(error)).ok()
        };
        let draws = self.svg.is_some();
        let see = |case: &Case<'_>| draws.then(|| Figures::of(case));
        let (assessment, figures) = assess_any_seen(&bytes, &reader, profile, look, see);
        if let Some(failure) = failure {
            return Err(failure);
        }
        let detail = if self.verbose { Detail::Every } else { Detail::Screen };
        context.print(&if self.json { to_json(&assessment) } else { to_text(&assessment, detail) })?;
        if let Some(path) = &self.svg {
            draw(context, path, &assessment, figures.flatten().as_ref())?;
        }
        Ok(assessment.verdict.exit_code())
    }
}

impl Verify {
    /// What the reader brought, each held to the evidence: a file that does not hold is no verdict on the claim.
    fn attestations(&self, bytes: &[u8], trust: Option<&Policy>) -> Result<Vec<Vec<u8>>, Failure> {
        let read = |path: &PathBuf| read_bounded(path, MAX_TESTIMONY_BYTES as u64);
        let files = self.attestations.iter().map(read).collect::<Result<Vec<_>, Failure>>()?;
        if files.is_empty() {
            return Ok(files);
        }
        // Evidence that is refused itself is told of as such, below.
        if let Ok(mut evidence) = verify::evidence(bytes, trust) {
            for (path, file) in self.attestations.iter().zip(&files) {
                evidence.add_testimony(file).map_err(|error| refused(&path.to_string_lossy(), &error))?;
            }
        }
        Ok(files)
    }
}

/// Writes the picture; of what has none, says why.
fn draw(
    context: &Context,
    path: &Path,
    assessment: &Assessment,
    figures: Option<&Result<Figures, String>>,
) -> Result<(), Failure> {
    match to_forest(assessment, figures) {
        Ok(picture) => write_file(path, picture.as_bytes()),
        Err(error) => {
            context.remark(&format!("no picture was written: {error}"));
            Ok(())
        }
    }
}

/// Takes 32 bytes, as 64 lowercase hex digits.
fn nonce(text: &str) -> Result<Nonce, String> {
    let bytes = parse_hex(text).map_err(|error| error.to_string())?;
    Ok(Nonce { bytes, origin: NonceOrigin::Verifier })
}

/// Takes a number of days, hours, minutes or seconds: `30d`. A number alone could be any of them.
fn span(text: &str) -> Result<u64, String> {
    let refused = || "expected a whole number with its unit: 30d, 12h, 90m or 600s".to_owned();
    let unit = match text.chars().last() {
        Some('d') => 86_400,
        Some('h') => 3_600,
        Some('m') => 60,
        Some('s') => 1,
        _ => return Err(refused()),
    };
    let digits = &text[..text.len() - 1];
    let count = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u64>().ok()).flatten();
    count.and_then(|count| count.checked_mul(unit)).ok_or_else(refused)
}

/// Takes the name of a profile, and says what each answers.
pub(super) fn profile_parser() -> PossibleValuesParser {
    PossibleValuesParser::new(
        Profile::OF_CLAIMS.iter().map(|profile| PossibleValue::new(profile.name).help(profile.answers)),
    )
}

/// What is at hand: a folder of artifacts, or the one file that an item is said to be.
fn look(evidence: &VerifiedEvidence<'_>, path: &Path, progress: &dyn Progress) -> Result<Observed, CaptureError> {
    let mut observed = if evidence.items.is_empty() || path.is_dir() {
        observe(evidence, path, progress)?
    } else {
        Observed::default()
    };
    if evidence.items.is_empty() {
        observed.replays = replay_recorded(evidence, path, &observed);
        observed.weights = observe_weights(evidence, path, &observed, progress);
    } else {
        observed.items = observe_items(evidence, path, progress)?;
    }
    Ok(observed)
}

/// Reads the reader's own policy.
pub(super) fn load_policy(path: &Path) -> Result<Policy, Failure> {
    let bytes = read_bounded(path, MAX_POLICY_BYTES as u64)?;
    Policy::parse(&bytes).map_err(|error| {
        Failure::from(error).hint("a policy for one log without witnesses has two lines: `log VKEY` and `quorum none`")
    })
}

/// Reads who is who, as the reader says.
fn load_parties(path: &Path) -> Result<Parties, Failure> {
    let bytes = read_bounded(path, MAX_PARTIES_BYTES as u64)?;
    Parties::parse(&bytes).map_err(|error| {
        Failure::from(error)
            .hint("it holds `[rebuilders]` with `required = 1`, and a `[[party]]` with `name` and `keys` for each")
    })
}

/// Reads a file that may be anything: a pipe that never ends and a device are cut off at the limit.
pub(super) fn read_bounded(path: &Path, most: u64) -> Result<Vec<u8>, Failure> {
    let fail = |error: std::io::Error| Failure::new(format!("cannot read `{}`: {error}", path.display()));
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        std::io::stdin().lock().take(most + 1).read_to_end(&mut bytes).map_err(fail)?;
    } else {
        // Opening a FIFO for reading waits for a writer, perhaps for ever: look first.
        let metadata = std::fs::metadata(path).map_err(fail)?;
        if !metadata.is_file() {
            return Err(
                Failure::new(format!("`{}` is not a regular file", path.display())).hint("use `-` to read from a pipe")
            );
        }
        if metadata.len() > most {
            return Err(Failure::new(format!(
                "`{}` has {} bytes, at most {most} are read",
                path.display(),
                metadata.len()
            )));
        }
        File::open(path).map_err(fail)?.take(most + 1).read_to_end(&mut bytes).map_err(fail)?;
    }
    if bytes.len() as u64 > most {
        return Err(Failure::new(format!("`{}` has more than {most} bytes", path.display())));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_say_their_unit_and_nonces_are_of_one_length() {
        assert_eq!([span("30d"), span("12h"), span("90m"), span("0s")], [Ok(2_592_000), Ok(43_200), Ok(5_400), Ok(0)]);
        for text in ["", "d", "30", "-1d", "1.5d", "1w", "30 d", "99999999999999999999d", "300000000000000d", "1é"] {
            assert!(span(text).is_err(), "{text}");
        }
        assert!(nonce(&"0f".repeat(32)).is_ok());
        for text in ["", "0f", &"0F".repeat(32), &"0f".repeat(33)] {
            assert!(nonce(text).is_err(), "{text}");
        }
    }
}

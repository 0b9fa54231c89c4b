//! Evaluation logs: their bytes, and every sample in them as a canonical record.
//!
//! A table of counts has no samples: what is understood of it goes into the reading, and nothing of it can be proved.

use crate::artifact::samples::{LogFacts, Severity, samples_manifest};
use crate::capture::hash::{Also, HashOptions, Progress};
use crate::capture::kind::{Artifact, ArtifactKind, KindError, Request};
use crate::capture::log::read_log;
use crate::capture::walk::capture_paths;
use crate::statement::Kind;

pub(super) const ENTRY: &dyn ArtifactKind = &EvalLog;

/// Oddities of a log that are told when it is recorded; `show` has them all.
const TOLD: usize = 5;

struct EvalLog;

impl ArtifactKind for EvalLog {
    fn kind(&self) -> Kind {
        Kind::EvalLog
    }

    fn about(&self) -> &'static str {
        "results of an evaluation, sample by sample"
    }

    fn capture(&self, request: &Request<'_>) -> Result<Artifact, KindError> {
        sampled(request)
    }
}

/// A log or a table of samples: its bytes, and every sample as a canonical record.
pub(super) fn sampled(request: &Request<'_>) -> Result<Artifact, KindError> {
    let mut artifact = Artifact::bytes(request)?;
    let log = read_log(request.paths, request.options.map.as_ref())?;
    // The records must come from the very bytes that were hashed.
    let again = HashOptions { also: Also::Nothing, ..request.options.hash };
    let found = Artifact::captured(capture_paths(request.paths, &again, &Again(request.progress))?)?;
    let digest = |artifact: &Artifact| artifact.subject.principal().map(|(_, measure)| measure.digests[0]);
    if digest(&found) != digest(&artifact) {
        let path = request.paths.first().map(|path| path.to_string_lossy().escape_debug().to_string());
        return Err(KindError::Changed { path: path.unwrap_or_default() });
    }
    artifact.remarks.extend(told(&log.facts));
    if log.facts.is_labelled() {
        artifact.remarks.push("its condition is your word: it stands in the entry as such, and in no log".to_owned());
    }
    if log.counts.is_empty() {
        artifact.add(&samples_manifest(&log.facts, &log.samples)?)?;
    }
    artifact.reading = log.reading;
    Ok(artifact)
}

/// Watches a second reading of the same bytes, which nothing that is known of them may spare.
struct Again<'a>(&'a dyn Progress);

impl Progress for Again<'_> {
    fn add(&self, bytes: u64) {
        self.0.add(bytes);
    }
}

/// What makes a log contradict itself or leaves it incomplete, the worst first.
fn told(facts: &LogFacts) -> Vec<String> {
    let severe = |severity: Severity| severity < Severity::Note;
    let listed = facts.anomalies.listed().iter().filter(|anomaly| severe(anomaly.severity()));
    let mut told: Vec<String> = listed
        .take(TOLD)
        .map(|anomaly| {
            let means = match anomaly.severity() {
                Severity::Contradiction => "the log contradicts itself",
                _ => "the log is incomplete",
            };
            format!("{means}: {}: {}", anomaly.code.name(), anomaly.text.escape_debug())
        })
        .collect();
    let count = [Severity::Contradiction, Severity::Incomplete].map(|severity| facts.anomalies.of_severity(severity));
    let total = count.into_iter().fold(0, u64::saturating_add);
    if total > told.len() as u64 {
        told.push(format!("the log has {total} such oddities in all"));
    }
    told
}

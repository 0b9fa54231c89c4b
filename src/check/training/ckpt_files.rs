//! `ckpt.files`: are all files of each checkpoint there, whole, and what they were recorded as?

use crate::check::arms::each;
use crate::check::training::steps::steps;
use crate::check::understood::{AT_HAND, ISSUERS_WORD, best, count, issuers};
use crate::check::{ArtifactSeen, Case, Check, Finding, Outcome, Rederived, Unread};
use crate::digest::{Digest, DigestKind};
use crate::merkle::EntryIndex;
use crate::statement::Subject;

pub(in crate::check) const ENTRY: &dyn Check = &CkptFiles;
const ID: &str = "ckpt.files";

/// The reader of weights whose refusals are known here.
const READER: &str = "weights/1";

struct CkptFiles;

impl Check for CkptFiles {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Is every file of every checkpoint there and whole: all shards, nothing overlapping, nothing left over?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        match steps(case, ID) {
            Ok(steps) => each(ID, steps.keys().copied(), |weights| judge(case, weights)),
            Err(finding) => *finding,
        }
    }
}

fn judge(case: &Case<'_>, weights: EntryIndex) -> Finding {
    let finding = |outcome: Outcome, reason: String| Finding::new(ID, outcome, reason).at([weights]);
    let subjects = case.evidence.entries.get(&weights).map_or(&[][..], |entry| &entry.payload().subjects);
    let Some((tensors, of)) = subjects.iter().find_map(tensors_of) else {
        let why = issuers(case, weights)
            .and_then(|reading| reading.remarks.iter().find(|remark| remark.code == "bytes-only"));
        let why = why.map_or(String::new(), |remark| format!(": {}", crate::check::arms::escaped(&remark.text)));
        return finding(Outcome::Unknown, format!("they are recorded as bytes, and no tensor in them is known{why}"));
    };
    let Some(observed) = case.observed else {
        let reason = format!("{of} tensors, read whole when they were recorded, {ISSUERS_WORD}");
        return finding(Outcome::Unknown, reason).next(AT_HAND);
    };
    let files = best(case, weights).map_or(0, |reading| count(reading, "weight-files"));
    match (observed.artifacts.get(&weights), observed.derived.get(&(weights, tensors))) {
        (Some(ArtifactSeen::Differs { path, recorded, found }), _) => {
            let reason =
                format!("`{}` is not what was recorded: a file is another, missing or added", path.escape_default());
            finding(Outcome::Fail, reason).sides(recorded.to_string(), found.to_string())
        }
        (_, Some(Rederived::Unclear { reason } | Rederived::Against { reason })) => {
            match observed.readings.get(&weights).map(|reread| &reread.read) {
                // Formats change, and another program may read more. That one read them which refuses them is no such case.
                Some(Err(Unread::Refused(refused)))
                    if issuers(case, weights).is_some_and(|said| said.reader == READER) =>
                {
                    let reason = format!("their files are the recorded ones, and hold no such weights: {refused}");
                    finding(Outcome::Fail, reason)
                }
                _ => finding(Outcome::Unknown, reason.clone()),
            }
        }
        (_, Some(Rederived::Found { count, .. })) => finding(
            Outcome::Pass,
            format!("{count} tensors in {files} files, all there, none overlapping and none left over, read again"),
        ),
        _ => finding(Outcome::Unknown, "they were not found unchanged among the artifacts at hand".to_owned())
            .next(AT_HAND),
    }
}

fn tensors_of(subject: &Subject) -> Option<(Digest, u64)> {
    let measure = subject.0.get(&DigestKind::Tensors)?;
    Some((*measure.digests.first()?, measure.count))
}

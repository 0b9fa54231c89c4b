//! What a rebuild says, held to the record that it says it of: the runs it names are the ones here, with what they wrote.

use crate::digest::Digest;
use crate::merkle::EntryIndex;
use crate::statement::{Edge, EdgeType, Kind, RunPlace};
use crate::verify::{Testimony, TestimonyError, VerifiedEvidence};

/// Runs that the evidence does not show are left alone: nothing follows from them.
pub(super) fn check(testimony: &Testimony, evidence: &VerifiedEvidence<'_>) -> Result<(), TestimonyError> {
    let rebuild = testimony.body.rebuild.as_deref().ok_or(TestimonyError::OtherWords)?;
    if !rebuild.stages.is_sorted_by(|left, right| left.run.start < right.run.start)
        || !rebuild.taken.is_sorted_by(|left, right| left.run.start < right.run.start)
    {
        return Err(TestimonyError::Unsorted);
    }
    for taken in &rebuild.taken {
        // One that was run again and was not is neither.
        if rebuild.stages.binary_search_by_key(&taken.run.start, |stage| stage.run.start).is_ok() {
            return Err(TestimonyError::Unsorted);
        }
        check_run(&taken.run, evidence)?;
    }
    for stage in &rebuild.stages {
        check_run(&stage.run, evidence)?;
        if !stage.outputs.is_sorted_by(|left, right| left.entry < right.entry) {
            return Err(TestimonyError::Unsorted);
        }
        for output in &stage.outputs {
            let (start, index) = (EntryIndex(stage.run.start), EntryIndex(output.entry));
            check_entry(index, &output.entry_digest, evidence)?;
            if is_shown(&stage.run, evidence) && !wrote(&stage.run, index, evidence) {
                return Err(TestimonyError::NoOutput { start, output: index });
            }
        }
    }
    Ok(())
}

fn check_entry(index: EntryIndex, digest: &Digest, evidence: &VerifiedEvidence<'_>) -> Result<(), TestimonyError> {
    match evidence.entries.get(&index) {
        Some(entry) if Digest::from(entry.leaf_hash()) != *digest => Err(TestimonyError::OtherEntry { index }),
        _ => Ok(()),
    }
}

fn check_run(run: &RunPlace, evidence: &VerifiedEvidence<'_>) -> Result<(), TestimonyError> {
    for (index, digest) in run.entries() {
        check_entry(index, &digest, evidence)?;
    }
    let (start, end) = (EntryIndex(run.start), EntryIndex(run.end));
    let kind = |index: EntryIndex| evidence.entries.get(&index).map(|entry| entry.payload().kind);
    let is_start = kind(start).is_none_or(|kind| kind == Kind::RunStart);
    let is_end = evidence.entries.get(&end).is_none_or(|entry| {
        let ends = |edge: &Edge| edge.edge_type == EdgeType::Ends && edge.log.is_none() && edge.seq == start;
        entry.payload().kind == Kind::RunEnd && entry.payload().edges.iter().any(ends)
    });
    if is_start && is_end { Ok(()) } else { Err(TestimonyError::NoRun { start, end }) }
}

fn is_shown(run: &RunPlace, evidence: &VerifiedEvidence<'_>) -> bool {
    run.entries().iter().all(|(index, _)| evidence.entries.contains_key(index))
}

/// A run-end names what the run wrote; what was recorded later names the run, by either end of it.
fn wrote(run: &RunPlace, output: EntryIndex, evidence: &VerifiedEvidence<'_>) -> bool {
    let points = |from: u64, edge_type: EdgeType, to: u64| {
        let edges = evidence.entries.get(&EntryIndex(from)).map(|entry| entry.payload().edges.as_slice());
        edges
            .unwrap_or_default()
            .iter()
            .any(|edge| edge.edge_type == edge_type && edge.log.is_none() && edge.seq == EntryIndex(to))
    };
    points(run.end, EdgeType::Generated, output.0)
        || [run.start, run.end].iter().any(|end| points(output.0, EdgeType::ProducedBy, *end))
        || !evidence.entries.contains_key(&output)
}

//! What likelihoods say, held to the record that they are of: the transcripts are those that the nonce draws, and no others.

use std::collections::BTreeSet;

use crate::digest::Digest;
use crate::draw::{MAX_DRAWS, MAX_NONCE_BYTES, MIN_NONCE_BYTES, draw};
use crate::merkle::EntryIndex;
use crate::statement::{Likelihood, MAX_TOOL, Nats, ScoredTranscript};
use crate::verify::{Testimony, TestimonyError, VerifiedEvidence};

/// More transcripts than a body of 1 MiB holds: the draw is not even made.
const MAX_SCORED: u64 = 1 << 16;

pub(super) fn check(testimony: &Testimony, evidence: &VerifiedEvidence<'_>) -> Result<(), TestimonyError> {
    let words = testimony.body.likelihood.as_deref().ok_or(TestimonyError::OtherWords)?;
    check_form(words)?;
    check_weights(testimony, words, evidence)?;
    check_draws(words, evidence)
}

fn check_form(words: &Likelihood) -> Result<(), TestimonyError> {
    let count = |what, found: u64, holds: bool, expected| {
        if holds { Ok(()) } else { Err(TestimonyError::Count { what, found, expected }) }
    };
    let (tool, nonce) = (words.tool.len(), words.nonce.len());
    count("bytes of a tool's name", tool as u64, (1..=MAX_TOOL).contains(&tool), "1 to 500")?;
    let is_nonce = (MIN_NONCE_BYTES..=MAX_NONCE_BYTES).contains(&nonce);
    count("bytes in its nonce", nonce as u64, is_nonce, "16 to 1024")?;
    count("draws for each arm", words.draws, (1..=MAX_DRAWS).contains(&words.draws), "1 to 100000")?;
    for transcript in &words.transcripts {
        if transcript.nats.len() != words.weights.len() {
            let (found, expected) = (transcript.nats.len(), words.weights.len());
            return Err(TestimonyError::Columns { transcript: transcript.to_string(), found, expected });
        }
        for nats in &transcript.nats {
            let refuse = |source| TestimonyError::Nats { transcript: transcript.to_string(), source };
            Nats::parse(nats).map_err(refuse)?;
        }
    }
    let place = |transcript: &ScoredTranscript| (transcript.entry, transcript.number);
    let is_sorted = words.weights.is_sorted_by(|left, right| left.entry < right.entry)
        && words.transcripts.is_sorted_by(|left, right| place(left) < place(right));
    if is_sorted { Ok(()) } else { Err(TestimonyError::Unsorted) }
}

/// Weights that the evidence does not show may be there: a census can begin later than the scorer's did.
fn check_weights(
    testimony: &Testimony,
    words: &Likelihood,
    evidence: &VerifiedEvidence<'_>,
) -> Result<(), TestimonyError> {
    for weights in &words.weights {
        let index = EntryIndex(weights.entry);
        if !testimony.head.size.contains(index) {
            return Err(TestimonyError::NoWeights { index });
        }
        let Some(entry) = evidence.entries.get(&index) else { continue };
        if Digest::from(entry.leaf_hash()) != weights.entry_digest {
            return Err(TestimonyError::OtherEntry { index });
        }
        if !entry.payload().kind.is_weights() {
            return Err(TestimonyError::NoWeights { index });
        }
    }
    Ok(())
}

/// Draws again. Of a claim that is not disclosed nothing can be drawn, and nothing follows.
fn check_draws(words: &Likelihood, evidence: &VerifiedEvidence<'_>) -> Result<(), TestimonyError> {
    if evidence.bodies.get(&evidence.claim).is_none_or(|body| body.claim.is_none()) {
        return Ok(());
    }
    let pools = evidence.pools();
    let totals = pools.values().map(|pools| pools.iter().fold(0_u64, |sum, pool| sum.saturating_add(pool.count)));
    let all = totals.fold(0_u64, |sum, total| sum.saturating_add(total.min(words.draws)));
    if all > MAX_SCORED {
        let (what, expected) = ("draws in all", "at most 65536");
        return Err(TestimonyError::Count { what, found: all, expected });
    }
    let drawn = draw(&pools, words.draws, words.nonce.as_bytes());
    let drawn: BTreeSet<(u64, u64)> = drawn.iter().map(|drawn| (drawn.entry.0, drawn.number)).collect();
    let scored = words.transcripts.iter().map(|transcript| (transcript.entry, transcript.number));
    let scored: BTreeSet<(u64, u64)> = scored.collect();
    let name = |(entry, number): &(u64, u64)| format!("{entry}:{number}");
    if let Some(place) = drawn.difference(&scored).next() {
        return Err(TestimonyError::NotScored { transcript: name(place) });
    }
    match scored.difference(&drawn).next() {
        Some(place) => Err(TestimonyError::NotDrawn { transcript: name(place) }),
        None => Ok(()),
    }
}

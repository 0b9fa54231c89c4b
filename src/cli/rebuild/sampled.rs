//! `rebuild --sample`: which segments of long trainings are run again, and what these show of the rest.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::cli::Failure;
use crate::cli::render::count;
use crate::digest::{DIGEST_LEN, hex};
use crate::draw::{MAX_DRAWS, MAX_NONCE_BYTES, MIN_NONCE_BYTES};
use crate::rebuild::{Chain, Made, Plan, Word, chains};

/// How segments are drawn.
#[derive(Debug, clap::Args)]
pub(super) struct SampleArgs {
    /// Of each training that was recorded in segments, each a run from the weights that the one before wrote, run only so
    /// many, drawn by your nonce; everything else as always. As with --stage, exit 0 then says that what was run came out
    /// as recorded, and nothing of the rest nor of the claim: how many may be bad is printed
    #[arg(long, value_name = "K", conflicts_with = "stages", value_parser = clap::value_parser!(u64).range(1..=MAX_DRAWS))]
    sample: Option<u64>,
    /// What the segments are drawn by: hexadecimal digits of your own that whoever recorded them could not foresee; drawn
    /// here and printed where you give none
    #[arg(long, value_name = "HEX", requires = "sample", value_parser = nonce)]
    nonce: Option<Nonce>,
}

/// The bytes of a nonce.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Nonce(Vec<u8>);

fn nonce(text: &str) -> Result<Nonce, String> {
    let digits = text.as_bytes();
    let pair = |pair: &[u8]| {
        let [high, low] = pair else { return None };
        let digit = |byte: u8| (byte as char).to_digit(16).filter(|_| !byte.is_ascii_uppercase());
        u8::try_from(16 * digit(*high)? + digit(*low)?).ok()
    };
    let bytes: Option<Vec<u8>> = digits.chunks(2).map(pair).collect();
    match bytes {
        Some(bytes) if (MIN_NONCE_BYTES..=MAX_NONCE_BYTES).contains(&bytes.len()) => Ok(Nonce(bytes)),
        Some(bytes) => Err(format!(
            "{} bytes, expected {MIN_NONCE_BYTES} to {MAX_NONCE_BYTES}: a short one can be tried out",
            bytes.len()
        )),
        None => Err("expected pairs of digits 0 to 9 and a to f, such as `openssl rand -hex 16` prints".to_owned()),
    }
}

/// What was drawn.
pub(super) struct Sampled {
    nonce: Vec<u8>,
    chains: Vec<Chain>,
}

impl SampleArgs {
    /// True where anything of this was given.
    pub(super) fn is_given(&self) -> bool {
        self.sample.is_some()
    }

    /// Draws, where that was asked for. `about` is the digest of what is rebuilt.
    pub(super) fn draw(&self, plan: &Plan, about: &[u8; DIGEST_LEN]) -> Result<Option<Sampled>, Failure> {
        let Some(sample) = self.sample else { return Ok(None) };
        let nonce = if let Some(nonce) = &self.nonce {
            nonce.0.clone()
        } else {
            let mut bytes = vec![0; DIGEST_LEN];
            getrandom::fill(&mut bytes).map_err(|error| Failure::new(format!("no random numbers: {error}")))?;
            bytes
        };
        let mut chains = chains(plan);
        if chains.is_empty() {
            return Err(Failure::new("no training is recorded there in segments, so there is nothing to draw from")
                .unestablished()
                .hint("a segment is a run that reads the weights that another run of its arm and seed wrote, and writes weights"));
        }
        chains.iter_mut().for_each(|chain| chain.draw(plan, about, &nonce, sample));
        Ok(Some(Sampled { nonce, chains }))
    }
}

impl Sampled {
    /// The stages to be run: what was drawn, and whatever is no segment.
    pub(super) fn chosen(&self, plan: &Plan) -> Vec<usize> {
        let left: BTreeSet<usize> = self.chains.iter().flat_map(Chain::left).collect();
        (0..plan.stages.len()).filter(|at| !left.contains(at)).collect()
    }

    /// What has to be known to draw the same again.
    pub(super) fn note(&self) -> String {
        format!("segments were drawn with --nonce {}", hex(&self.nonce))
    }

    /// The verdict's reason, which never speaks of what was not drawn as if it had been run.
    pub(super) fn limit(&self, word: Word, reason: String, made: &[Made]) -> String {
        if !matches!(word, Word::Good | Word::Equivalent)
            || self.chains.iter().all(|chain| chain.left().next().is_none())
        {
            return reason;
        }
        let each = self.chains.iter().map(|chain| {
            let (all, drawn, bad) = (chain.segments.len(), chain.drawn.len(), chain.bad(made));
            format!(
                "of {all} segments {drawn} drawn and {bad} bad, so that no more than {} are, at 95 %",
                chain.at_most_bad(bad)
            )
        });
        format!("of what was drawn and run: {reason}; {}", each.collect::<Vec<_>>().join("; "))
    }

    /// The same as a document.
    pub(super) fn document(&self, plan: &Plan, made: &[Made]) -> SampledDocument {
        let label = |at: usize| plan.stages[at].label.clone();
        let chain = |chain: &Chain| {
            let bad = chain.bad(made);
            ChainDocument {
                segments: chain.segments.len(),
                drawn: chain.drawn.iter().copied().map(label).collect(),
                not_drawn: chain.left().map(label).collect(),
                bad,
                at_most_bad: chain.at_most_bad(bad),
            }
        };
        SampledDocument { nonce: hex(&self.nonce), level: "95%", chains: self.chains.iter().map(chain).collect() }
    }
}

/// What was drawn, and what that shows.
#[derive(Debug, Serialize)]
pub(super) struct SampledDocument {
    pub(super) nonce: String,
    level: &'static str,
    pub(super) chains: Vec<ChainDocument>,
}

/// One training.
#[derive(Debug, Serialize)]
pub(super) struct ChainDocument {
    segments: usize,
    pub(super) drawn: Vec<String>,
    pub(super) not_drawn: Vec<String>,
    bad: usize,
    at_most_bad: usize,
}

impl ChainDocument {
    /// The counts and the bound, in a line.
    pub(super) fn line(&self) -> String {
        let all = count(self.segments as u64, "segment", "segments");
        format!(
            "of {all} {} drawn, {} of these bad: no more than {} of all are, at 95 %",
            self.drawn.len(),
            self.bad,
            self.at_most_bad
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_digits_in_pairs_and_long_enough() {
        assert_eq!(nonce(&"0f".repeat(16)), Ok(Nonce(vec![15; 16])));
        for wrong in
            ["", "0f", &"0F".repeat(16), &"0f".repeat(1025), &"0".repeat(33), &"zz".repeat(16), &"+1".repeat(16)]
        {
            assert!(nonce(wrong).is_err(), "{wrong}");
        }
    }
}

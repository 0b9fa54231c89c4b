//! Likelihoods of drawn samples, from a scorer's table to the words that are signed: every draw under all weights, once.
//!
//! With what the scorer computed them is his affair. That nothing is missing, twice or beside the draw is seen here; the order
//! of the table's rows changes nothing.

use std::collections::BTreeMap;

use crate::check::Case;
use crate::digest::Digest;
use crate::merkle::EntryIndex;
use crate::sampling::Draw;
use crate::statement::{
    Distribution, Likelihood, LikelihoodError, MAX_BODY_BYTES, MAX_TOOL, Nats, ScoredTranscript, ScoredWeights, plain,
};

/// Room in a body for all but the likelihoods.
const BESIDE: usize = 1 << 12;

/// Weights on record, however often they were recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weights {
    /// The first entry.
    pub entry: EntryIndex,
    /// Its digest.
    pub entry_digest: Digest,
    /// Digests that the weights have in any of their entries: of tensors, of files.
    pub digests: Vec<Digest>,
    /// Later entries of the same weights.
    pub again: Vec<EntryIndex>,
}

/// One row of a scorer's table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its line in the table.
    pub line: u64,
    /// Index of the log's entry.
    pub entry: u64,
    /// The sample's number in it.
    pub number: u64,
    /// Any digest of the weights.
    pub checkpoint: Digest,
    /// Log-likelihood in nats, as it was written.
    pub nats: String,
    /// Tokens that were scored.
    pub tokens: u64,
}

/// How transcripts were drawn and scored.
#[derive(Debug, Clone, Copy)]
pub struct How<'a> {
    /// What scored.
    pub tool: &'a str,
    /// Of which distribution the likelihoods are.
    pub distribution: Distribution,
    /// What the transcripts were drawn by.
    pub nonce: &'a str,
    /// Draws for each arm.
    pub draws: u64,
}

/// Why a table is not what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum ScoringError {
    #[error("the name of the tool has {found} bytes, expected 1 to {MAX_TOOL}")]
    Tool { found: usize },
    #[error("there is no draw to score")]
    NoDraws,
    #[error("{found} sets of weights are on record: likelihoods compare two or more")]
    Weights { found: usize },
    #[error("draw {draw} is not opened, and {more} more: that what was scored is what was committed to is not seen")]
    NotOpened { draw: String, more: usize },
    #[error("line {line}: {draw} was not drawn")]
    NotDrawn { line: u64, draw: String },
    #[error("line {line}: {checkpoint} is the digest of no weights on record")]
    NoWeights { line: u64, checkpoint: Digest },
    #[error("line {line}: {draw} under the weights of entry {weights} is there already")]
    Twice { line: u64, draw: String, weights: EntryIndex },
    #[error("line {line}: {source}")]
    Nats { line: u64, source: LikelihoodError },
    #[error(
        "line {line}: {found} tokens of {draw} were scored, and {before} under other weights: likelihoods of different tokens are not compared"
    )]
    Tokens { line: u64, draw: String, found: u64, before: u64 },
    #[error("there is no row for {draw} under the weights of entry {weights}, and {more} more are missing")]
    Missing { draw: String, weights: EntryIndex, more: usize },
    #[error("the likelihoods take {found} bytes, more than the {most} that a statement holds: draw fewer")]
    TooLong { found: usize, most: usize },
}

/// All weights that the evidence shows, each once, by their first entries.
pub fn weights(case: &Case<'_>) -> Vec<Weights> {
    let sets = case.graph().weights().into_iter();
    sets.filter_map(|set| {
        let (first, again) = set.split_first()?;
        let entries = set.iter().filter_map(|index| case.evidence.entries.get(index));
        let measures = entries.flat_map(|entry| &entry.payload().subjects).flat_map(|subject| subject.0.values());
        let mut digests: Vec<Digest> = measures.flat_map(|measure| measure.digests.iter().copied()).collect();
        digests.sort_unstable();
        digests.dedup();
        let entry_digest = case.evidence.entries.get(first)?.leaf_hash().into();
        Some(Weights { entry: *first, entry_digest, digests, again: again.to_vec() })
    })
    .collect()
}

/// The words for a table over these draws and weights.
pub fn score(rows: &[Row], draws: &[Draw], weights: &[Weights], how: How<'_>) -> Result<Likelihood, ScoringError> {
    if how.tool.is_empty() || how.tool.len() > MAX_TOOL {
        return Err(ScoringError::Tool { found: how.tool.len() });
    }
    if weights.len() < 2 {
        return Err(ScoringError::Weights { found: weights.len() });
    }
    let mut closed = draws.iter().filter(|draw| !draw.holds());
    if let Some(draw) = closed.next() {
        return Err(ScoringError::NotOpened { draw: draw.name(), more: closed.count() });
    }
    let columns = columns(weights);
    // By entry and number, as they are signed.
    let mut table: BTreeMap<(u64, u64), Transcript<'_>> = draws
        .iter()
        .map(|draw| ((draw.entry.0, draw.number), Transcript { tokens: None, nats: vec![None; weights.len()] }))
        .collect();
    if table.is_empty() {
        return Err(ScoringError::NoDraws);
    }
    for row in rows {
        let (line, draw) = (row.line, format!("{}:{}", row.entry, row.number));
        let Some(transcript) = table.get_mut(&(row.entry, row.number)) else {
            return Err(ScoringError::NotDrawn { line, draw });
        };
        let checkpoint = row.checkpoint;
        let column = *columns.get(&checkpoint).ok_or(ScoringError::NoWeights { line, checkpoint })?;
        Nats::parse(&row.nats).map_err(|source| ScoringError::Nats { line, source })?;
        if transcript.nats[column].replace(&row.nats).is_some() {
            return Err(ScoringError::Twice { line, draw, weights: weights[column].entry });
        }
        let before = *transcript.tokens.get_or_insert(row.tokens);
        if before != row.tokens {
            return Err(ScoringError::Tokens { line, draw, found: row.tokens, before });
        }
    }
    let transcripts = complete(table, weights)?;
    let words = Likelihood {
        by: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
        tool: how.tool.to_owned(),
        distribution: how.distribution,
        nonce: how.nonce.to_owned(),
        draws: how.draws,
        weights: weights
            .iter()
            .map(|weights| ScoredWeights { entry: weights.entry.0, entry_digest: weights.entry_digest })
            .collect(),
        transcripts,
    };
    let (found, most) = (plain::to_bytes(&words).map_or(usize::MAX, |bytes| bytes.len()), MAX_BODY_BYTES - BESIDE);
    if found > most {
        return Err(ScoringError::TooLong { found, most });
    }
    Ok(words)
}

/// Which weights a digest means. One that several share, of a tokenizer beside them, means none.
fn columns(weights: &[Weights]) -> BTreeMap<Digest, usize> {
    let mut columns: BTreeMap<Digest, Option<usize>> = BTreeMap::new();
    for (at, weights) in weights.iter().enumerate() {
        for digest in &weights.digests {
            columns.entry(*digest).and_modify(|of| *of = of.filter(|of| *of == at)).or_insert(Some(at));
        }
    }
    columns.into_iter().filter_map(|(digest, at)| Some((digest, at?))).collect()
}

/// A transcript while its rows are gathered.
struct Transcript<'r> {
    tokens: Option<u64>,
    nats: Vec<Option<&'r String>>,
}

fn complete(
    table: BTreeMap<(u64, u64), Transcript<'_>>,
    weights: &[Weights],
) -> Result<Vec<ScoredTranscript>, ScoringError> {
    let all = table.values().flat_map(|transcript| &transcript.nats).filter(|nats| nats.is_none()).count();
    table
        .into_iter()
        .map(|((entry, number), Transcript { tokens, nats })| {
            let nats: Result<Vec<String>, ScoringError> = nats
                .into_iter()
                .zip(weights)
                .map(|(nats, weights)| {
                    nats.cloned().ok_or_else(|| ScoringError::Missing {
                        draw: format!("{entry}:{number}"),
                        weights: weights.entry,
                        more: all.saturating_sub(1),
                    })
                })
                .collect();
            Ok(ScoredTranscript { entry, number, tokens: tokens.unwrap_or_default(), nats: nats? })
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::digest::Algorithm;
    use crate::sampling::State;

    fn digest(n: u8) -> Digest {
        Digest { algorithm: Algorithm::Blake3, bytes: [n; 32] }
    }

    fn draws() -> Vec<Draw> {
        let draw = |entry: u64, number: u64| Draw {
            arm: "arm".to_owned(),
            entry: EntryIndex(entry),
            root: digest(9),
            number,
            key: None,
            score: None,
            state: State::Record,
        };
        vec![draw(7, 3), draw(5, 8), draw(5, 0)]
    }

    fn on_record() -> Vec<Weights> {
        let of = |entry: u8| Weights {
            entry: EntryIndex(entry.into()),
            entry_digest: digest(100 + entry),
            digests: vec![digest(entry), digest(50 + entry)],
            again: Vec::new(),
        };
        vec![of(1), of(2)]
    }

    /// Every draw under both weights, under the first by one digest and under the second by another.
    fn rows() -> Vec<Row> {
        let mut rows = Vec::new();
        for (entry, number) in [(5, 0), (5, 8), (7, 3)] {
            for checkpoint in [digest(1), digest(52)] {
                let line = rows.len() as u64 + 1;
                let nats = format!("-{line}.5");
                rows.push(Row { line, entry, number, checkpoint, nats, tokens: 10 + number });
            }
        }
        rows
    }

    fn how() -> How<'static> {
        How { tool: "a tool", distribution: Distribution::AsSampled, nonce: "a nonce of sixteen", draws: 3 }
    }

    fn error(rows: &[Row]) -> String {
        score(rows, &draws(), &on_record(), how()).unwrap_err().to_string()
    }

    #[test]
    fn a_whole_table_becomes_the_words_that_are_signed() {
        let words = score(&rows(), &draws(), &on_record(), how()).unwrap();
        let said: Vec<_> = words.transcripts.iter().map(|one| (one.entry, one.number, one.nats.join(" "))).collect();
        let expected = [(5, 0, "-1.5 -2.5"), (5, 8, "-3.5 -4.5"), (7, 3, "-5.5 -6.5")];
        assert_eq!(said, expected.map(|(entry, number, nats)| (entry, number, nats.to_owned())));
        assert_eq!(words.weights.iter().map(|weights| weights.entry).collect::<Vec<_>>(), [1, 2]);
        assert_eq!((words.transcripts[1].tokens, words.draws), (18, 3));
    }

    #[test]
    fn a_table_that_is_not_what_was_asked_for_is_refused_by_its_line() {
        let changed = |change: &dyn Fn(&mut Vec<Row>)| {
            let mut rows = rows();
            change(&mut rows);
            error(&rows)
        };
        let missing = changed(&|rows| drop(rows.remove(3)));
        assert_eq!(missing, "there is no row for 5:8 under the weights of entry 2, and 0 more are missing");
        assert!(error(&[]).ends_with("and 5 more are missing"), "{}", error(&[]));
        assert_eq!(changed(&|rows| rows[2].number = 9), "line 3: 5:9 was not drawn");
        let twice = changed(&|rows| rows[2] = Row { line: 3, checkpoint: digest(51), ..rows[0].clone() });
        assert_eq!(twice, "line 3: 5:0 under the weights of entry 1 is there already");
        let none = format!("line 1: {} is the digest of no weights on record", digest(77));
        assert_eq!(changed(&|rows| rows[0].checkpoint = digest(77)), none);
        let nats = |text: &str| changed(&|rows| text.clone_into(&mut rows[0].nats));
        assert_eq!(nats("0.5"), "line 1: the log-likelihood 0.5 is positive, as that of a text never is");
        assert_eq!(nats("NaN"), "line 1: the log-likelihood `NaN` is no decimal number");
        assert_eq!(nats(&"-1".repeat(30)), "line 1: a log-likelihood has 60 bytes, more than 48");
        let tokens = "line 2: 11 tokens of 5:0 were scored, and 10 under other weights: likelihoods of different tokens \
                      are not compared";
        assert_eq!(changed(&|rows| rows[1].tokens = 11), tokens);
    }

    #[test]
    fn what_cannot_be_scored_is_refused_before_the_table_is_looked_at() {
        let mut closed = draws();
        closed[0].state = State::Missing;
        closed[1].state = State::Failed { why: "other bytes".to_owned() };
        let refused = |draws: &[Draw], weights: &[Weights], how| score(&rows(), draws, weights, how).unwrap_err();
        let error = refused(&closed, &on_record(), how()).to_string();
        assert!(error.starts_with("draw 7:3 is not opened, and 1 more"), "{error}");
        assert_eq!(refused(&draws(), &on_record()[..1], how()), ScoringError::Weights { found: 1 });
        assert_eq!(refused(&[], &on_record(), how()), ScoringError::NoDraws);
        assert_eq!(refused(&draws(), &on_record(), How { tool: "", ..how() }), ScoringError::Tool { found: 0 });
        let long = "t".repeat(MAX_TOOL + 1);
        let error = refused(&draws(), &on_record(), How { tool: &long, ..how() });
        assert_eq!(error, ScoringError::Tool { found: MAX_TOOL + 1 });
    }

    #[test]
    fn more_than_a_statement_holds_is_refused() {
        let many: Vec<Draw> = (0..12_000).map(|number| Draw { number, ..draws()[0].clone() }).collect();
        let nats = format!("-{}", "1".repeat(40));
        let nats = format!("{}.{}", &nats[..8], &nats[8..30]);
        let row = |number| Row { number, entry: 7, nats: nats.clone(), tokens: 1, ..rows()[0].clone() };
        let rows: Vec<Row> =
            (0..12_000).flat_map(|number| [row(number), Row { checkpoint: digest(2), ..row(number) }]).collect();
        let error = score(&rows, &many, &on_record(), how()).unwrap_err();
        assert!(matches!(error, ScoringError::TooLong { most, .. } if most < MAX_BODY_BYTES), "{error}");
    }

    proptest! {
        #[test]
        fn the_order_of_the_rows_changes_nothing(order in Just(rows()).prop_shuffle()) {
            let straight = score(&rows(), &draws(), &on_record(), how()).unwrap();
            prop_assert_eq!(score(&order, &draws(), &on_record(), how()).unwrap(), straight);
        }
    }
}

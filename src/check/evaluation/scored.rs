//! What others' likelihoods come to for a claim: whose word each is, and what it says of each pair of weights on record.
//!
//! Transcripts are of the weights that their log evaluates. Those of one set of weights are summed, and held to every other
//! set of the same statement: a statement that leaves a set out says nothing of it.

use std::collections::{BTreeMap, BTreeSet};

use num_rational::BigRational;

use super::logs::Log;
use crate::artifact::samples::parse_number;
use crate::check::Case;
use crate::check::standing::{Standing, standing, why_void};
use crate::digest::hex;
use crate::lineage::Relation;
use crate::merkle::EntryIndex;
use crate::statement::{Distribution, EdgeType, Likelihood, Nats, ScoredTranscript, Stated};
use crate::verify::Testified;

/// Digits by which a key is known again in a sentence; its place says all of them.
const KEY: usize = 16;

/// What a log can say that bends the model's own distribution or cuts it off.
const CUTS: [&str; 6] = [
    "generate.top_p",
    "generate.top_k",
    "generate.min_p",
    "generate.frequency_penalty",
    "generate.presence_penalty",
    "generate.logit_bias",
];

/// Transcripts of one set of weights, held to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Comparison {
    /// The weights that they are said to be of.
    pub(super) named: EntryIndex,
    /// Others.
    pub(super) other: EntryIndex,
    /// How many transcripts.
    pub(super) texts: u64,
    /// By how much they are more likely under the named weights than under the others, in nats.
    pub(super) sum: BigRational,
    /// The transcript that says the least for the named weights, and how much.
    pub(super) least: (String, BigRational),
}

/// One statement.
#[derive(Debug)]
pub(super) struct Scored {
    /// Who signed it, for a sentence.
    pub(super) who: String,
    /// Where, for a sentence.
    pub(super) place: String,
    /// What scored; foreign text.
    pub(super) tool: String,
    /// Who that is to the issuer.
    pub(super) standing: Standing,
    /// Why it lifts nothing; none where it counts.
    pub(super) why_not: Option<&'static str>,
    /// True where it is nobody's word, or of no history that is this ledger's.
    pub(super) is_void: bool,
    /// True where the transcripts were drawn by the nonce that the reader gave.
    pub(super) is_drawn_by_reader: bool,
    /// True where its likelihoods are of what was sampled from, as far as that is said: the bound is of nothing else.
    pub(super) is_as_sampled: bool,
    /// What it would have to say, or the evidence to show, and does not; and what would settle it.
    pub(super) lacks: Option<(String, &'static str)>,
    /// Sets of weights that were recorded after it.
    pub(super) later: usize,
    /// All pairs.
    pub(super) comparisons: Vec<Comparison>,
}

/// The sets of weights on record, and which of them each log evaluates.
pub(super) struct Sources {
    /// The first entry of each set.
    first: Vec<EntryIndex>,
    sets: BTreeMap<EntryIndex, usize>,
    of_log: BTreeMap<EntryIndex, usize>,
}

impl Sources {
    /// Of a claim's logs; why not, where one of them is not linked to one set of weights.
    pub(super) fn of(case: &Case<'_>, logs: &[Log<'_>]) -> Result<Self, String> {
        let mut sources = Self { first: Vec::new(), sets: BTreeMap::new(), of_log: BTreeMap::new() };
        for (number, set) in case.graph().weights().into_iter().enumerate() {
            sources.first.extend(set.first());
            sources.sets.extend(set.into_iter().map(|entry| (entry, number)));
        }
        for log in logs {
            let weights = weights_of(case, log.entry);
            let set = match weights[..] {
                [weights] => sources.sets.get(&weights).copied(),
                _ => None,
            };
            let Some(set) = set else {
                return Err(format!("the log of entry {} is linked to {} sets of weights", log.entry, weights.len()));
            };
            sources.of_log.insert(log.entry, set);
        }
        Ok(sources)
    }

    /// How many different ones there are.
    pub(super) fn count(&self) -> usize {
        self.first.len()
    }
}

/// The weights that a log evaluates.
pub(super) fn weights_of(case: &Case<'_>, log: EntryIndex) -> Vec<EntryIndex> {
    let links = case.graph().links(log).filter(|(relation, _)| *relation == Relation::Edge(EdgeType::Evaluates));
    links.map(|(_, weights)| weights).collect()
}

/// All statements of likelihoods, in the order of the evidence.
pub(super) fn scored(case: &Case<'_>, logs: &[Log<'_>], sources: &Sources) -> Vec<Scored> {
    let said = case.evidence.testified.iter();
    let said = said.filter_map(|testified| Some((testified, testified.testimony.body.likelihood.as_deref()?)));
    said.map(|(testified, words)| judged(case, logs, sources, testified, words)).collect()
}

fn judged(case: &Case<'_>, logs: &[Log<'_>], sources: &Sources, testified: &Testified, words: &Likelihood) -> Scored {
    let testimony = &testified.testimony;
    let standing = standing(case.evidence, testified, case.parties);
    let void = why_void(testified);
    let (party, key) = (standing.party_name(case.parties), testimony.entry.key_id().to_string());
    let columns: Vec<(EntryIndex, Option<usize>)> = words
        .weights
        .iter()
        .map(|weights| (EntryIndex(weights.entry), sources.sets.get(&EntryIndex(weights.entry)).copied()))
        .collect();
    let (before, later): (Vec<usize>, Vec<usize>) =
        (0..sources.count()).partition(|set| testimony.head.size.contains(sources.first[*set]));
    Scored {
        who: party.map_or_else(|| format!("key {}…", key.get(..KEY).unwrap_or(&key)), |party| format!("{party:?}")),
        place: format!("entry {} of {:?} by key {key}", testimony.index, testimony.log_key.name.as_str()),
        tool: words.tool.clone(),
        standing,
        why_not: void.or(standing.why_not()),
        is_void: void.is_some(),
        is_drawn_by_reader: case.drawing().given().is_some_and(|nonce| hex(&nonce.bytes) == words.nonce),
        is_as_sampled: words.distribution == Distribution::AsSampled || logs.iter().all(is_plain),
        lacks: lacks(case, sources, words, &columns, &before),
        later: later.len(),
        comparisons: comparisons(sources, words, &columns),
    }
}

/// True where a log's sampling is said to be at temperature 1, and nothing says that it was cut off.
fn is_plain(log: &Log<'_>) -> bool {
    let is_one = |text: &str| parse_number(text) == parse_number("1");
    let cuts = log.reading.iter().flat_map(|reading| &reading.facts).filter(|(name, _)| CUTS.contains(&name.as_str()));
    matches!(&log.eval.temperature, Stated::Is(text) if is_one(text))
        && cuts.into_iter().all(|(name, text)| name == "generate.top_p" && is_one(text))
}

fn lacks(
    case: &Case<'_>,
    sources: &Sources,
    words: &Likelihood,
    columns: &[(EntryIndex, Option<usize>)],
    before: &[usize],
) -> Option<(String, &'static str)> {
    let begins = case.evidence.census_first;
    if begins > EntryIndex(1) {
        let what = format!("the census begins at entry {begins}: weights before it are not shown");
        return Some((what, "ask for evidence of the whole ledger (prove --census whole)"));
    }
    let next = "ask for a draw that is scored under all of them";
    let mut seen: BTreeMap<usize, EntryIndex> = BTreeMap::new();
    for (entry, set) in columns {
        if let Some(other) = set.and_then(|set| seen.insert(set, *entry)) {
            let what = format!("it takes entries {other} and {entry} for different weights, which are the same");
            return Some((what, next));
        }
    }
    let first = |set: &usize| sources.first[*set];
    if let Some(set) = before.iter().find(|set| !seen.contains_key(set)) {
        return Some((format!("nothing was scored under the weights of entry {}", first(set)), next));
    }
    let drawn: BTreeSet<usize> = words.transcripts.iter().filter_map(|text| of(sources, text)).collect();
    let without = sources.of_log.values().find(|set| !drawn.contains(set));
    without.map(|set| (format!("no transcript of the weights of entry {} was drawn", first(set)), next))
}

/// The weights that a transcript is said to be of.
fn of(sources: &Sources, text: &ScoredTranscript) -> Option<usize> {
    sources.of_log.get(&EntryIndex(text.entry)).copied()
}

fn comparisons(sources: &Sources, words: &Likelihood, columns: &[(EntryIndex, Option<usize>)]) -> Vec<Comparison> {
    let mut texts: BTreeMap<usize, Vec<(&ScoredTranscript, Vec<Nats>)>> = BTreeMap::new();
    for text in &words.transcripts {
        // Held to its form when it was verified.
        let nats: Result<Vec<Nats>, _> = text.nats.iter().map(|nats| Nats::parse(nats)).collect();
        if let (Some(set), Ok(nats)) = (of(sources, text), nats) {
            texts.entry(set).or_default().push((text, nats));
        }
    }
    let mut found = Vec::new();
    for (set, texts) in &texts {
        let Some(own) = columns.iter().position(|(_, of)| *of == Some(*set)) else { continue };
        for (column, (other, of)) in columns.iter().enumerate() {
            if *of == Some(*set) {
                continue;
            }
            let ratio = |nats: &[Nats]| Some(*nats.get(own)? - *nats.get(column)?);
            let ratios = || texts.iter().filter_map(|(text, nats)| Some((ratio(nats)?, *text)));
            let Some((least, text)) = ratios().min_by_key(|(ratio, _)| *ratio) else { continue };
            found.push(Comparison {
                named: columns[own].0,
                other: *other,
                texts: texts.len() as u64,
                sum: ratios().map(|(ratio, _)| ratio).sum::<Nats>().to_rational(),
                least: (text.to_string(), least.to_rational()),
            });
        }
    }
    found
}

//! Holds an Inspect log against itself: the declared grid, the summaries, the stored reductions, the reported metrics.
//!
//! What is missing makes a log incomplete; what cannot both be true makes it contradict itself. Reported figures are
//! floats of somebody's sums, so they agree with the exact value when they lie within [`TOLERANCE`] of it.

use std::collections::{BTreeMap, BTreeSet};

use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use super::PartError;
use super::inspect::{Samples, Seen, parse_id, parse_key};
use super::inspect_header::{Grid, Header};
use super::inspect_judge::name_of;
use super::inspect_scores::{Summary, parse_summary, parse_value};
use crate::artifact::samples::{
    Anomalies, AnomalyCode, MAX_ANOMALIES, SampleDetails, SampleId, SampleKey, SampleRecord, SampleStatus, Score,
    Scores,
};
use crate::json::Value;
use crate::stats::{Observation, Reducer, StatsError, reduce};

/// A float sum of a million terms of size 1 is off by at most 1e-10; relative to max(1, |value|).
const TOLERANCE: (u32, u64) = (1, 1_000_000_000);

fn key_text((id, epoch): &(SampleId, u64)) -> String {
    SampleKey::new(id.clone(), *epoch).to_string()
}

/// Notes what one sample's record says about itself.
pub(super) fn note_sample(anomalies: &mut Anomalies, record: &SampleRecord, seen: &Seen) {
    let text = record.key.to_string();
    let flags = seen.flags;
    let status = match record.status {
        SampleStatus::Scored => None,
        SampleStatus::Unscored => Some(AnomalyCode::Unscored),
        SampleStatus::Error => Some(AnomalyCode::SampleErrors),
        SampleStatus::Limit => Some(AnomalyCode::SampleLimits),
        SampleStatus::Invalid => Some(AnomalyCode::SamplesInvalidated),
    };
    let flagged = [
        (SampleDetails::LONE_SURROGATE, AnomalyCode::LoneSurrogate),
        (SampleDetails::ATTACHMENT_MISSING, AnomalyCode::AttachmentMissing),
    ];
    let flagged = flagged.into_iter().filter(|(flag, _)| flags & flag != 0).map(|(_, code)| code);
    let unreadable = record.scores.values().flat_map(BTreeMap::values).any(Score::is_unreadable);
    for code in status.into_iter().chain(flagged).chain(unreadable.then_some(AnomalyCode::UnreadableScore)) {
        anomalies.add(code, &text);
    }
    for (scorer, edit) in &seen.edits {
        anomalies.add(AnomalyCode::ScoreEdited, format!("{text}: `{scorer}` {edit}"));
    }
    if flags & SampleDetails::MODEL_FALLBACK != 0 {
        anomalies.add(AnomalyCode::ModelFallback, format!("{text}: {}", seen.fallbacks));
    }
    if seen.retries > 0 {
        anomalies.add(AnomalyCode::SampleRetried, format!("{text}: {} runs before failed", seen.retries));
    }
    for given in &seen.given_otherwise {
        anomalies.add(AnomalyCode::ScoreEventDiffers, format!("{text}: {given}"));
    }
}

/// Holds the samples against the grid and counts that the header declares; true when none is missing.
pub(super) fn check_grid(header: &Header, samples: &Samples, anomalies: &mut Anomalies) -> bool {
    let present = samples.len() as u64;
    let Some(grid) = &header.grid else {
        anomalies.add(AnomalyCode::GridNotDeclared, "the log does not list its sample ids");
        if present == 0 && header.total.is_none() {
            anomalies.add(AnomalyCode::SampleMissing, "the log holds no sample and does not say how many there were");
            return false;
        }
        let missing = header.total.unwrap_or(0).saturating_sub(present);
        anomalies.add_many(
            AnomalyCode::SampleMissing,
            missing,
            format!("{missing} samples, which the log does not name"),
        );
        if header.total.is_some_and(|total| total < present) {
            anomalies.add(
                AnomalyCode::CountDisagrees,
                format!("{present} samples, the header says {}", header.total.unwrap_or(0)),
            );
        }
        return missing == 0;
    };
    let ids: BTreeSet<&SampleId> = grid.ids.iter().collect();
    let is_declared = |key: &&(SampleId, u64)| ids.contains(&key.0) && (1..=grid.epochs).contains(&key.1);
    let mut declared = 0_u64;
    for key in samples.keys() {
        if is_declared(&key) {
            declared += 1;
        } else {
            anomalies.add(AnomalyCode::SampleNotDeclared, key_text(key));
        }
    }
    let expected = (ids.len() as u64).saturating_mul(grid.epochs);
    let missing = expected.saturating_sub(declared);
    name_missing(grid, missing, samples, anomalies);
    if let Some(total) = header.total.filter(|total| *total != expected) {
        let text = format!("the log declares {expected}, its header counts {total}");
        anomalies.add(AnomalyCode::CountDisagrees, text);
    }
    missing == 0
}

/// Names the first missing samples. The walk ends with the last one named, so that a grid of 10^18 costs nothing.
fn name_missing(grid: &Grid, missing: u64, samples: &Samples, anomalies: &mut Anomalies) {
    let mut left = missing;
    let ids: BTreeSet<&SampleId> = grid.ids.iter().collect();
    'grid: for id in ids {
        for epoch in 1..=grid.epochs {
            if left == 0 || missing - left == MAX_ANOMALIES as u64 {
                break 'grid;
            }
            let key = (id.clone(), epoch);
            if !samples.contains_key(&key) {
                anomalies.add(AnomalyCode::SampleMissing, key_text(&key));
                left -= 1;
            }
        }
    }
    anomalies.add_many(AnomalyCode::SampleMissing, left, format!("{left} more"));
}

/// How a summary is held against its sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SummaryKind {
    /// Written with the header: it has every score.
    Final,
    /// Written while the run went on: a score may have come later, and the final ones tell what became of the rest.
    Journal,
    /// The same, where the run ended before there were final ones.
    JournalAlone,
}

/// The summaries in one member, by sample; a later one replaces an earlier one.
pub(super) fn read_summaries(
    value: &Value<'_>,
    into: &mut BTreeMap<(SampleId, u64), Summary>,
) -> Result<(), PartError> {
    for summary in value.items() {
        let summary = summary.object()?;
        into.insert(parse_key(&summary)?, parse_summary(&summary)?);
    }
    Ok(())
}

/// Holds summaries against the samples.
pub(super) fn check_summaries(
    summaries: &BTreeMap<(SampleId, u64), Summary>,
    kind: SummaryKind,
    samples: &Samples,
    anomalies: &mut Anomalies,
) {
    let place = if kind == SummaryKind::Final { "summary" } else { "journal" };
    for (key, summary) in summaries {
        let Some(sample) = samples.get(key) else {
            if kind != SummaryKind::Journal {
                anomalies.add(AnomalyCode::SummaryWithoutSample, key_text(key));
            }
            continue;
        };
        let lacks_error = summary.error && !matches!(sample.status, SampleStatus::Error | SampleStatus::Invalid);
        if kind == SummaryKind::Final && lacks_error {
            let text = format!("{}: the summary has an error, the sample none", key_text(key));
            anomalies.add(AnomalyCode::SummaryDisagrees, text);
        }
        let Some(scores) = &summary.scores else { continue };
        if kind != SummaryKind::Final && scores.is_empty() {
            continue;
        }
        if let Some((scorer, in_sample, in_summary)) = difference(&sample.scores, scores) {
            let text =
                format!("{}: `{scorer}` is {in_sample} in the sample, {in_summary} in the {place}", key_text(key));
            anomalies.add(AnomalyCode::SummaryDisagrees, text);
        }
    }
    if kind == SummaryKind::Final {
        for key in samples.keys().filter(|key| !summaries.contains_key(key)) {
            anomalies.add(AnomalyCode::SampleNotSummarised, key_text(key));
        }
    }
}

fn difference(sample: &Scores, summary: &Scores) -> Option<(String, String, String)> {
    let none = BTreeMap::new();
    let scorers: BTreeSet<&String> = sample.keys().chain(summary.keys()).collect();
    scorers.into_iter().find_map(|scorer| {
        let side = |scores: &'_ Scores| scores.get(scorer).cloned().unwrap_or_else(|| none.clone());
        let (key, left, right) = difference_of(&side(sample), &side(summary))?;
        Some((name_of(scorer, &key), left, right))
    })
}

/// The first key whose two scores differ, and what they are.
pub(super) fn difference_of(
    left: &BTreeMap<String, Score>,
    right: &BTreeMap<String, Score>,
) -> Option<(String, String, String)> {
    let shown = |score: Option<&Score>| score.map_or("absent".to_owned(), |score| score.lexeme().to_owned());
    let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    keys.into_iter().find_map(|key| {
        let (left, right) = (left.get(key), right.get(key));
        let same = left.zip(right).is_some_and(|(left, right)| same_score(left, right));
        (!same).then(|| (key.clone(), shown(left), shown(right)))
    })
}

/// Numbers by value; NaN and null are one; long texts and structures are shortened in summaries and not compared.
fn same_score(left: &Score, right: &Score) -> bool {
    let digested = |score: &Score| score.lexeme().starts_with(['t', 'j']) && score.value().is_none();
    (left.value().is_some() && left.value() == right.value())
        || left.lexeme() == right.lexeme()
        || (left.is_unscored() && right.is_unscored())
        || (digested(left) && right.value().is_none())
}

/// The scored values of one score, by sample: what Inspect's metrics are over. `None` where one is infinite.
fn observations(samples: &Samples, scorer: &str, key: &str) -> Option<Vec<Observation<SampleId>>> {
    let mut found = Vec::new();
    for ((id, _), record) in samples {
        let Some(score) = record.score(scorer, key).filter(|score| !score.is_unscored()) else { continue };
        if score.lexeme().ends_with("Infinity") {
            return None;
        }
        // Inspect warns about a text that is no number and counts it as 0.
        let value = score.value().cloned().unwrap_or_else(BigRational::zero);
        found.push(Observation { sample: id.clone(), value });
    }
    Some(found)
}

/// One value for the epochs of each sample, as Inspect reduces them.
pub(super) fn reduced(
    samples: &Samples,
    scorer: &str,
    key: &str,
    reducer: Reducer,
) -> Result<BTreeMap<SampleId, BigRational>, String> {
    let mut values = observations(samples, scorer, key).ok_or("a score is infinite")?;
    if matches!(reducer, Reducer::Mode | Reducer::Majority) {
        values = counted(samples, scorer, key, reducer == Reducer::Majority, values)?;
    }
    reduce(&values, reducer).map_err(|error| error.to_string())
}

/// Of each sample only the value that is most often *written*: `I` and `N` are two grades, though both count 0. With a
/// majority to reach, epochs without a score count as well.
fn counted(
    samples: &Samples,
    scorer: &str,
    key: &str,
    is_majority: bool,
    values: Vec<Observation<SampleId>>,
) -> Result<Vec<Observation<SampleId>>, String> {
    let scores = samples.iter().filter_map(|((id, _), record)| Some((id, record.score(scorer, key)?)));
    let mut all: BTreeMap<&SampleId, u64> = BTreeMap::new();
    let mut written: BTreeMap<&SampleId, Vec<(String, u64, BigRational)>> = BTreeMap::new();
    let mut values = values.into_iter();
    for (id, score) in scores {
        *all.entry(id).or_default() += 1;
        if score.is_unscored() {
            continue;
        }
        let value = values.next().map(|observation| observation.value).unwrap_or_default();
        // Numbers are equal by their value, as booleans are to numbers; texts are by their letters.
        let name = if score.lexeme().starts_with('"') { score.lexeme().to_owned() } else { value.to_string() };
        let counts = written.entry(id).or_default();
        match counts.iter_mut().find(|(known, ..)| *known == name) {
            Some((_, count, _)) => *count += 1,
            None => counts.push((name, 1, value)),
        }
    }
    let most = |(id, counts): (&SampleId, Vec<(String, u64, BigRational)>)| {
        let most = counts.iter().map(|(_, count, _)| *count).max().unwrap_or(0);
        if is_majority && 2 * most <= all.get(id).copied().unwrap_or(0) {
            return Err(StatsError::NoMajority.to_string());
        }
        let first = counts.into_iter().find(|(_, count, _)| *count == most).map(|(.., value)| value);
        Ok(Observation { sample: id.clone(), value: first.unwrap_or_default() })
    };
    written.into_iter().map(most).collect()
}

pub(super) fn tolerance(around: &BigRational) -> BigRational {
    let unit = BigRational::new(TOLERANCE.0.into(), TOLERANCE.1.into());
    unit * around.abs().max(BigRational::one())
}

pub(super) fn is_close(exact: &BigRational, reported: &BigRational) -> bool {
    (exact - reported).abs() <= tolerance(exact)
}

/// Holds the stored epoch reductions against the samples, for each id whose epochs are all there.
pub(super) fn check_reductions(
    value: &Value<'_>,
    header: &Header,
    samples: &Samples,
    anomalies: &mut Anomalies,
) -> Result<(), PartError> {
    let mut epochs: BTreeMap<&SampleId, u64> = BTreeMap::new();
    for (id, _) in samples.keys() {
        *epochs.entry(id).or_default() += 1;
    }
    for reduction in value.items() {
        let reduction = reduction.object()?;
        let scorer = reduction.text("scorer")?.unwrap_or_default();
        let named = reduction.text("reducer")?.or_else(|| header.reducer.clone());
        let Ok(reducer) = Reducer::parse(named.as_deref().unwrap_or("mean")) else {
            anomalies.add(AnomalyCode::NotRecomputed, format!("reductions of {scorer}: unsupported reducer"));
            continue;
        };
        let mut reduced: BTreeMap<String, Option<BTreeMap<SampleId, BigRational>>> = BTreeMap::new();
        for stored in reduction.get("samples")?.iter().flat_map(Value::items) {
            let stored = stored.object()?;
            let Some(id) = stored.get("sample_id")?.map(|id| parse_id(&id)).transpose()? else { continue };
            let wanted = header.grid.as_ref().map(|grid| grid.epochs);
            if wanted.is_some_and(|wanted| epochs.get(&id) != Some(&wanted)) {
                continue;
            }
            for (key, score) in parse_value(stored.get("value")?.as_ref())? {
                let exact =
                    reduced.entry(key.clone()).or_insert_with(|| self::reduced(samples, &scorer, &key, reducer).ok());
                let Some(exact) = exact.as_ref().and_then(|exact| exact.get(&id)) else { continue };
                if !score.value().is_some_and(|value| is_close(exact, value)) {
                    let text = format!("{id} {scorer}: stored {}, the samples reduce to {exact}", score.lexeme());
                    anomalies.add(AnomalyCode::ReductionDisagrees, text);
                }
            }
        }
    }
    Ok(())
}

/// Holds a header against the journal's start, which was written before there were results.
pub(super) fn check_start(start: &Header, header: &Header, anomalies: &mut Anomalies) {
    let differs = [
        ("task", start.task != header.task),
        ("model", start.model != header.model),
        ("sample ids or epochs", start.grid.is_some() && start.grid != header.grid),
        ("run id", start.run != header.run),
    ];
    for (what, _) in differs.into_iter().filter(|(_, differs)| *differs) {
        anomalies.add(AnomalyCode::StartDisagrees, format!("another {what} than when the run began"));
    }
}

/// Notes a run that did not end in success.
pub(super) fn check_status(header: &Header, anomalies: &mut Anomalies) {
    match header.status.as_deref() {
        Some("success") => {}
        Some(other) => anomalies.add(AnomalyCode::NotSuccess, format!("status `{}`", other.escape_debug())),
        None => anomalies.add(AnomalyCode::NotSuccess, "the header gives no status"),
    }
}

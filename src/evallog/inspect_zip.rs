//! Inspect `.eval` logs: a ZIP archive with one member for each sample and epoch.
//!
//! Members are fetched in batches and unpacked side by side; memory is bounded by a batch and one member for each core,
//! or one large member alone. A log without `header.json` is in
//! flight or crashed: what is there is read from the journal's start and reported as incomplete.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::inspect::{PROJECTION, Samples, parse_sample};
use super::inspect_audit::{
    SummaryKind, check_grid, check_reductions, check_start, check_status, check_summaries, note_sample, read_summaries,
};
use super::inspect_header::{Header, parse_header};
use super::inspect_judge::Tally;
use super::inspect_metrics::check_metrics;
use super::items::{SeeItem, see_sample};
use super::making::Making;
use super::{ColumnMap, EvalLog, EvalLogError, LogFile, Look, Reader, part};
use crate::artifact::samples::{Anomalies, AnomalyCode, LogFacts, SampleId};
use crate::container::zip::{Archive, Packed};
use crate::json::Value;

const HEADER: &str = "header.json";
const START: &str = "_journal/start.json";
const SUMMARIES: &str = "summaries.json";
const REDUCTIONS: &str = "reductions.json";
const JOURNAL_SUMMARIES: &str = "_journal/summaries/";
const SAMPLES: &str = "samples/";

pub(super) const ENTRY: &dyn Reader = &InspectZip;

struct InspectZip;

impl Reader for InspectZip {
    fn name(&self) -> &'static str {
        "inspect.eval"
    }

    fn recognises(&self, look: &Look<'_>) -> bool {
        // A member, or the end record of an archive without members.
        look.is_one_plain_file() && (look.first.starts_with(b"PK\x03\x04") || look.first.starts_with(b"PK\x05\x06"))
    }

    fn read(&self, files: &mut [LogFile<'_>], _: Option<&ColumnMap>) -> Result<EvalLog, EvalLogError> {
        let [file] = files else { return Err(EvalLogError::Unrecognised) };
        let mut archive = Archive::open(&mut *file.source, file.len)?;
        let names = index(&archive);
        let start = read_header(&mut archive, &names, START)?;
        let header = read_header(&mut archive, &names, HEADER)?;
        let main = header.as_ref().or(start.as_ref());
        let main =
            main.ok_or(EvalLogError::NotALog { reason: "it has neither `header.json` nor `_journal/start.json`" })?;
        let mut facts = main.facts(self.name());
        note_archive(&archive, &names, &mut facts.anomalies);
        match (&start, &header) {
            (_, None) => facts.anomalies.add(AnomalyCode::HeaderMissing, "the run is in flight or crashed"),
            (start, Some(header)) => {
                check_status(header, &mut facts.anomalies);
                if let Some(start) = start {
                    check_start(start, header, &mut facts.anomalies);
                }
            }
        }
        let mut making = Making::default();
        let (samples, tally) = read_samples(&mut archive, &names, main, (&mut facts, &mut making))?;
        let complete = check_grid(main, &samples, &mut facts.anomalies);
        check_metrics(main, complete, &samples, &tally, &mut facts);
        tally.finish(main, &mut facts);
        let reading = making.finish(&main.about, PROJECTION);
        check_side_members(&mut archive, &names, main, &samples, &mut facts.anomalies)?;
        Ok(EvalLog { reading: Some(reading), ..EvalLog::of(facts, samples, main.about.clone()) })
    }

    fn items(&self, files: &mut [LogFile<'_>], see: SeeItem<'_>) -> Result<(), EvalLogError> {
        let [file] = files else { return Err(EvalLogError::Unrecognised) };
        let mut archive = Archive::open(&mut *file.source, file.len)?;
        let names = index(&archive);
        for (name, (index, _)) in names.range(SAMPLES.to_owned()..).take_while(|(name, _)| name.starts_with(SAMPLES)) {
            if !is_sample_name(name) {
                continue;
            }
            let bytes = archive.read(*index)?;
            if !see_sample(name, &part(name, Value::parse(&bytes))?, see)? {
                break;
            }
        }
        Ok(())
    }
}

/// Index of the last member of each name, and how often the name is there.
type Names = BTreeMap<String, (usize, u64)>;

fn index(archive: &Archive<'_>) -> Names {
    archive.by_name().into_iter().map(|(name, place)| (name.to_owned(), place)).collect()
}

fn read_header(archive: &mut Archive<'_>, names: &Names, name: &str) -> Result<Option<Header>, EvalLogError> {
    let Some((index, _)) = names.get(name) else { return Ok(None) };
    let bytes = archive.read(*index)?;
    let object = part(name, part(name, Value::parse(&bytes))?.object())?;
    parse_header(name, &object).map(Some)
}

/// Notes what the archive holds beside one member of each name.
fn note_archive(archive: &Archive<'_>, names: &Names, anomalies: &mut Anomalies) {
    for (name, (_, count)) in names.iter().filter(|(_, (_, count))| *count > 1) {
        anomalies.add(AnomalyCode::DuplicateMember, format!("`{}` stands {count} times", name.escape_debug()));
    }
    for gap in archive.gaps() {
        let place = format!("bytes {}..{}", gap.start, gap.end);
        match &gap.name {
            Some(name) if name.starts_with(SAMPLES) => {
                anomalies.add(AnomalyCode::HiddenSample, format!("`{name}` at {place}"));
            }
            Some(name) => anomalies.add(AnomalyCode::UnlistedMember, format!("`{name}` at {place}")),
            None => anomalies.add(AnomalyCode::DeadBytes, place),
        }
    }
}

/// Compressed bytes that are held at a time, to be unpacked and read side by side.
const BATCH_BYTES: u64 = 16 << 20;

/// A member that unpacks to more is read alone, so that memory does not grow with the number of threads.
const ALONE_BYTES: u64 = 4 << 20;

/// Every sample, and what they show together.
fn read_samples(
    archive: &mut Archive<'_>,
    names: &Names,
    header: &Header,
    (facts, making): (&mut LogFacts, &mut Making),
) -> Result<(Samples, Tally), EvalLogError> {
    let (mut samples, mut tally) = (Samples::new(), Tally::default());
    let mut batch: Vec<(&str, Packed)> = Vec::new();
    let mut held = 0_u64;
    for (name, (index, _)) in names.range(SAMPLES.to_owned()..).take_while(|(name, _)| name.starts_with(SAMPLES)) {
        if !is_sample_name(name) {
            facts.anomalies.add(AnomalyCode::UnknownMember, format!("`{}`", name.escape_debug()));
            continue;
        }
        let (packed, unpacked) = archive.size(*index);
        if unpacked > ALONE_BYTES || held > BATCH_BYTES {
            add_batch(std::mem::take(&mut batch), header, &mut samples, &mut tally, (facts, making))?;
            held = 0;
        }
        batch.push((name, archive.fetch(*index)?));
        held += packed;
        if unpacked > ALONE_BYTES {
            add_batch(std::mem::take(&mut batch), header, &mut samples, &mut tally, (facts, making))?;
            held = 0;
        }
    }
    add_batch(batch, header, &mut samples, &mut tally, (facts, making))?;
    Ok((samples, tally))
}

/// Reads members on every core; what they say is added in their order, so that nothing depends on the threads.
fn add_batch(
    batch: Vec<(&str, Packed)>,
    header: &Header,
    samples: &mut Samples,
    tally: &mut Tally,
    (facts, making): (&mut LogFacts, &mut Making),
) -> Result<(), EvalLogError> {
    let read = |(name, packed): (_, Packed)| -> Result<_, EvalLogError> {
        let bytes = packed.unpack()?;
        Ok((name, part(name, parse_sample(&part(name, Value::parse(&bytes))?, header))?))
    };
    let read: Vec<Result<_, _>> = batch.into_par_iter().map(read).collect();
    for result in read {
        let (name, (record, seen)) = result?;
        note_sample(&mut facts.anomalies, &record, &seen);
        making.add(&record.key.id, seen.texts);
        tally.add(&record, seen, facts);
        let (key, text) = ((record.key.id.clone(), record.key.epoch), record.key.to_string());
        if name != member_name(&key) {
            facts.anomalies.add(AnomalyCode::MemberName, format!("`{}` holds {text}", name.escape_debug()));
        }
        if samples.insert(key, record).is_some() {
            facts.anomalies.add(AnomalyCode::DuplicateSample, text);
        }
    }
    Ok(())
}

fn member_name((id, epoch): &(SampleId, u64)) -> String {
    match id {
        SampleId::Int(id) => format!("{SAMPLES}{id}_epoch_{epoch}.json"),
        SampleId::Text(id) => format!("{SAMPLES}{id}_epoch_{epoch}.json"),
    }
}

fn is_sample_name(name: &str) -> bool {
    let stem = name.strip_suffix(".json").and_then(|stem| stem.rsplit_once("_epoch_"));
    stem.is_some_and(|(_, epoch)| !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Holds summaries, journal and reductions against the samples.
fn check_side_members(
    archive: &mut Archive<'_>,
    names: &Names,
    header: &Header,
    samples: &Samples,
    anomalies: &mut Anomalies,
) -> Result<(), EvalLogError> {
    let mut journal: Vec<(u64, &String, usize)> = Vec::new();
    for (name, (index, _)) in names {
        let number = name.strip_prefix(JOURNAL_SUMMARIES).and_then(|file| file.strip_suffix(".json"));
        if let Some(number) = number.and_then(|number| number.parse().ok()) {
            journal.push((number, name, *index));
        }
    }
    // In the order they were written: a sample that was run again has its last summary in the last file.
    journal.sort_unstable();
    let mut summaries = BTreeMap::new();
    for (_, name, index) in journal {
        let bytes = archive.read(index)?;
        part(name, read_summaries(&part(name, Value::parse(&bytes))?, &mut summaries))?;
    }
    let is_alone = !names.contains_key(SUMMARIES);
    let kind = if is_alone { SummaryKind::JournalAlone } else { SummaryKind::Journal };
    check_summaries(&summaries, kind, samples, anomalies);
    if let Some((index, _)) = names.get(SUMMARIES) {
        let bytes = archive.read(*index)?;
        let mut summaries = BTreeMap::new();
        let value = part(SUMMARIES, Value::parse(&bytes))?;
        part(SUMMARIES, read_summaries(&value, &mut summaries))?;
        check_summaries(&summaries, SummaryKind::Final, samples, anomalies);
    }
    if let Some((index, _)) = names.get(REDUCTIONS) {
        let bytes = archive.read(*index)?;
        let value = part(REDUCTIONS, Value::parse(&bytes))?;
        part(REDUCTIONS, check_reductions(&value, header, samples, anomalies))?;
    }
    Ok(())
}

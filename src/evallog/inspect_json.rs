//! Inspect `.json` logs: one object with header and samples.

use std::collections::BTreeMap;

use super::inspect::{PROJECTION, Samples, parse_sample};
use super::inspect_audit::{check_grid, check_reductions, check_status, note_sample};
use super::inspect_header::parse_header;
use super::inspect_judge::Tally;
use super::inspect_metrics::check_metrics;
use super::items::{SeeItem, see_sample};
use super::making::Making;
use super::{ColumnMap, EvalLog, EvalLogError, LogFile, Look, Reader, part};
use crate::artifact::samples::AnomalyCode;
use crate::json::Value;

/// Such a log is held in memory whole; larger ones belong into `.eval`, which streams.
pub(super) const MAX_JSON_BYTES: u64 = 512 << 20;

pub(super) const ENTRY: &dyn Reader = &InspectJson;

struct InspectJson;

impl Reader for InspectJson {
    fn name(&self) -> &'static str {
        "inspect.json"
    }

    fn recognises(&self, look: &Look<'_>) -> bool {
        let text = look.first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(look.first);
        look.is_one_plain_file() && text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
    }

    fn read(&self, files: &mut [LogFile<'_>], _: Option<&ColumnMap>) -> Result<EvalLog, EvalLogError> {
        let [file] = files else { return Err(EvalLogError::Unrecognised) };
        let bytes = file.read_all(MAX_JSON_BYTES)?;
        let name = "the log";
        let log = part(name, part(name, Value::parse(&bytes))?.object())?;
        let header = parse_header(name, &log)?;
        let mut facts = header.facts(self.name());
        check_status(&header, &mut facts.anomalies);
        let (mut samples, mut tally): (Samples, Tally) = (BTreeMap::new(), Tally::default());
        let mut making = Making::default();
        for (index, sample) in part(name, log.get("samples"))?.iter().flat_map(Value::items).enumerate() {
            let (record, seen) = part(&format!("samples[{index}]"), parse_sample(&sample, &header))?;
            note_sample(&mut facts.anomalies, &record, &seen);
            making.add(&record.key.id, seen.texts);
            tally.add(&record, seen, &mut facts);
            let text = record.key.to_string();
            if samples.insert((record.key.id.clone(), record.key.epoch), record).is_some() {
                facts.anomalies.add(AnomalyCode::DuplicateSample, text);
            }
        }
        let complete = check_grid(&header, &samples, &mut facts.anomalies);
        check_metrics(&header, complete, &samples, &tally, &mut facts);
        tally.finish(&header, &mut facts);
        let reading = making.finish(&header.about, PROJECTION);
        let nested = part(name, part(name, log.object("results"))?.get("sample_reductions"))?;
        for reductions in [part(name, log.get("reductions"))?, nested].into_iter().flatten() {
            part("reductions", check_reductions(&reductions, &header, &samples, &mut facts.anomalies))?;
        }
        Ok(EvalLog { reading: Some(reading), ..EvalLog::of(facts, samples, header.about) })
    }

    fn items(&self, files: &mut [LogFile<'_>], see: SeeItem<'_>) -> Result<(), EvalLogError> {
        let [file] = files else { return Err(EvalLogError::Unrecognised) };
        let bytes = file.read_all(MAX_JSON_BYTES)?;
        let log = part("the log", part("the log", Value::parse(&bytes))?.object())?;
        for (index, sample) in part("the log", log.get("samples"))?.iter().flat_map(Value::items).enumerate() {
            if !see_sample(&format!("samples[{index}]"), &sample, see)? {
                break;
            }
        }
        Ok(())
    }
}

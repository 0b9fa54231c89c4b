//! Tables of scores as labs keep them: JSON lines or CSV, read by a map of columns.
//!
//! A row is one sample in one repetition, or a count over samples that are not there ([`super::rows_counts`]). A table
//! has no header that says what was to be run or whether it ended, so nothing here makes up for that: the grid is not
//! declared and the status is none. In CSV everything is text: a canonical decimal integer is an integer id, `NaN` and an
//! empty field are no score, `True` and `False` are numbers as they are in JSON.

use std::cell::Cell as Counter;
use std::collections::{BTreeMap, BTreeSet};
use std::io::SeekFrom;

use num_rational::BigRational;
use num_traits::{One, Zero};

use super::lines::{Allowance, MAX_LINE_BYTES, MAX_ROWS, Place, each_line};
use super::making::{Making, Texts};
use super::map::{ColumnMap, ROWS};
use super::place::JOIN;
use super::{About, EvalLog, EvalLogError, LogFile, Look, Reader, RowError};
use crate::artifact::samples::{
    AnomalyCode, DetailsDigest, LogFacts, MAX_KEY_TEXT_BYTES, SampleDetails, SampleId, SampleKey, SampleRecord,
    SampleStatus, Score, Scores, bounded_text, parse_number,
};
use crate::codec::Encoder;
use crate::digest::{FileDigest, FileHasher};
use crate::json::{Kind, Object, Value};
use crate::statement::Reading;

pub(super) const ENTRY: &dyn Reader = &Rows;

struct Rows;

impl Reader for Rows {
    fn name(&self) -> &'static str {
        "rows"
    }

    fn recognises(&self, look: &Look<'_>) -> bool {
        look.map.is_some_and(|map| !map.is_arguments()) && look.names.len() == 1
    }

    fn read(&self, files: &mut [LogFile<'_>], map: Option<&ColumnMap>) -> Result<EvalLog, EvalLogError> {
        let ([file], Some(map)) = (files, map) else { return Err(EvalLogError::Unrecognised) };
        if map.is_aggregate() {
            return super::rows_counts::read(file, map);
        }
        let (mut records, mut asked) = (BTreeMap::new(), Asked::default());
        let format = each_row(file, map, |row| {
            let record = row.sample(map)?;
            asked.add(row, map, &record.key)?;
            match records.insert(record.key.to_bytes(), record) {
                None => Ok(()),
                Some(earlier) => Err(RowError::Duplicate { key: earlier.key.to_string() }),
            }
        })?;
        let mut facts = LogFacts { format: format.to_owned(), reader: map.projection(), ..LogFacts::default() };
        facts.anomalies.add(AnomalyCode::GridNotDeclared, "rows do not say which samples were to be run");
        let samples: Vec<SampleRecord> = records.into_values().collect();
        note_samples(&samples, &mut facts);
        let (about, reading) = asked.finish();
        Ok(EvalLog { facts, samples, reading, counts: Vec::new(), about })
    }
}

/// Values of one setting that are told; a table of one run has one.
const MAX_VALUES: usize = 8;

/// How the samples of a table were made, where the map names columns that say it.
#[derive(Default)]
struct Asked {
    making: Making,
    settings: BTreeMap<String, BTreeSet<String>>,
    is_said: bool,
}

impl Asked {
    fn add(&mut self, row: &Row<'_>, map: &ColumnMap, key: &SampleKey) -> Result<(), RowError> {
        for (name, column) in map.settings() {
            self.is_said = true;
            let field = row.field(column)?;
            let empty = || RowError::Empty { role: "setting", column: column.to_owned() };
            let text = field.ok_or_else(empty)?.name();
            let text = text.ok_or_else(|| RowError::NotAName { role: "setting", column: column.to_owned() })?;
            let values = self.settings.entry(name).or_default();
            if values.len() < MAX_VALUES {
                values.insert(bounded_text(&text));
            }
        }
        if let Some(column) = map.of("prompt").first() {
            self.is_said = true;
            let field = row.field(column)?;
            let field = field.ok_or_else(|| RowError::Empty { role: "prompt", column: column.clone() })?;
            // One id may be asked under several conditions, which are several questions.
            let question = match &key.condition {
                Some(condition) => SampleId::Text(format!("{condition}{JOIN}{}", key.id)),
                None => key.id.clone(),
            };
            self.making.add(&question, Texts { input: Some(field.digest()), completion: None });
        }
        Ok(())
    }

    /// What is said of the whole table, each setting with all of its values, and the reading of it.
    fn finish(self) -> (About, Option<Reading>) {
        let values = |values: BTreeSet<String>| values.into_iter().collect::<Vec<_>>().join(" and ");
        let about: About = self.settings.into_iter().map(|(name, of)| (name, bounded_text(&values(of)))).collect();
        let reading = self.is_said.then(|| self.making.finish(&about, ROWS));
        (about, reading)
    }
}

/// A field of a row.
#[derive(Clone, Copy)]
pub(super) enum Field<'a> {
    Json(Value<'a>),
    Text(&'a str),
}

/// One row of either format.
pub(super) enum Row<'a> {
    Json { object: &'a Object<'a>, raw: &'a [u8] },
    Csv { columns: &'a BTreeMap<String, usize>, record: &'a csv::StringRecord },
}

/// Calls `each` with every row; the name of the format they are in.
pub(super) fn each_row(
    file: &mut LogFile<'_>,
    map: &ColumnMap,
    mut each: impl FnMut(&Row<'_>) -> Result<(), RowError>,
) -> Result<&'static str, EvalLogError> {
    let mut first = [0_u8; 64];
    let len = file.read_first(&mut first)?;
    file.source.seek(SeekFrom::Start(0))?;
    let text = first[..len].strip_prefix(b"\xef\xbb\xbf").unwrap_or(&first[..len]);
    let mut seen: BTreeMap<&str, bool> = map.columns().map(|column| (column, false)).collect();
    let mut look = |place: Place, row: &Row<'_>| {
        let at = |source| EvalLogError::Row { place, source };
        for (column, seen) in seen.iter_mut().filter(|(_, seen)| !**seen) {
            *seen = row.has(column).map_err(at)?;
        }
        each(row).map_err(at)
    };
    let format = if text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{') {
        each_line(file.source, |place, line| {
            let at = |source| EvalLogError::Row { place, source };
            let value = Value::parse(line).map_err(|error| at(error.into()))?;
            if value.kind() != Kind::Object {
                return Err(at(RowError::NotAnObject { found: value.kind().name() }));
            }
            let object = value.object().map_err(|error| at(error.into()))?;
            look(place, &Row::Json { object: &object, raw: value.raw().as_bytes() })
        })?;
        "rows.jsonl"
    } else {
        each_csv_row(file, look)?;
        "rows.csv"
    };
    match seen.into_iter().find(|(_, seen)| !seen) {
        Some((column, _)) => Err(EvalLogError::NoColumn { column: column.to_owned() }),
        None => Ok(format),
    }
}

/// Calls `look` with every record of a CSV table.
pub(super) fn each_csv_row(
    file: &mut LogFile<'_>,
    mut look: impl FnMut(Place, &Row<'_>) -> Result<(), EvalLogError>,
) -> Result<(), EvalLogError> {
    let left = Counter::new(MAX_LINE_BYTES);
    let mut reader = csv::ReaderBuilder::new().from_reader(Allowance { inner: &mut *file.source, left: &left });
    let at = |place, error: csv::Error| EvalLogError::Row { place, source: RowError::Csv(error.to_string()) };
    let header = reader.headers().map_err(|error| at(Place { line: 1, offset: 0 }, error))?;
    let mut columns = BTreeMap::new();
    for (index, name) in header.iter().enumerate() {
        let name = name.trim_start_matches('\u{feff}').to_owned();
        if columns.insert(name.clone(), index).is_some() {
            return Err(EvalLogError::TwoColumns { column: name });
        }
    }
    let mut record = csv::StringRecord::new();
    for row in 1.. {
        left.set(MAX_LINE_BYTES);
        let place = Place { line: reader.position().line(), offset: reader.position().byte() };
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) if row > MAX_ROWS => return Err(EvalLogError::Rows { limit: MAX_ROWS }),
            Ok(true) => look(place, &Row::Csv { columns: &columns, record: &record })?,
            Err(_) if left.get() == 0 => return Err(EvalLogError::LongRow { place, limit: MAX_LINE_BYTES }),
            Err(error) => return Err(at(place, error)),
        }
    }
    Ok(())
}

impl Row<'_> {
    /// Shows the texts of a CSV record by column.
    pub(super) fn each_text(&self, mut see: impl FnMut(&str, &str)) {
        if let Self::Csv { columns, record } = self {
            columns
                .iter()
                .filter_map(|(name, at)| Some((name, record.get(*at)?)))
                .for_each(|(name, text)| see(name, text));
        }
    }

    /// Whether the row has the column at all, be it empty.
    fn has(&self, column: &str) -> Result<bool, RowError> {
        match self {
            Self::Csv { columns, .. } => Ok(columns.contains_key(column)),
            Self::Json { object, .. } => Ok(object.has(column) || self.field(column)?.is_some()),
        }
    }

    /// The field in a column; `None` where it is null, empty or not there. A name that is no column of a JSON row may
    /// be a path into it: `scores.harmful`.
    pub(super) fn field(&self, column: &str) -> Result<Option<Field<'_>>, RowError> {
        match self {
            Self::Csv { columns, record } => {
                let text = columns.get(column).and_then(|index| record.get(*index));
                Ok(text.filter(|text| !text.is_empty()).map(Field::Text))
            }
            Self::Json { object, .. } => {
                if object.has(column) || !column.contains('.') {
                    return Ok(object.get(column)?.map(Field::Json));
                }
                let mut names = column.split('.');
                let mut value = object.get(names.next().unwrap_or_default())?;
                for name in names {
                    let Some(inner) = value else { return Ok(None) };
                    value = inner.object()?.get(name)?;
                }
                Ok(value.map(Field::Json))
            }
        }
    }

    /// A text of one or several columns, joined by ` / `; numbers and booleans as they are written.
    pub(super) fn name(&self, role: &'static str, columns: &[String]) -> Result<Option<String>, RowError> {
        let mut parts = Vec::new();
        for column in columns {
            let field = self.field(column)?.ok_or_else(|| RowError::Empty { role, column: column.clone() })?;
            parts.push(field.name().ok_or_else(|| RowError::NotAName { role, column: column.clone() })?);
        }
        let name = parts.join(" / ");
        if name.len() > MAX_KEY_TEXT_BYTES {
            return Err(RowError::LongName { role, found: name.len(), limit: MAX_KEY_TEXT_BYTES });
        }
        Ok((!columns.is_empty()).then_some(name))
    }

    /// An integer, `None` where the role has no column.
    pub(super) fn int(&self, role: &'static str, map: &ColumnMap) -> Result<Option<i64>, RowError> {
        let Some(column) = map.of(role).first() else { return Ok(None) };
        let field = self.field(column)?.ok_or_else(|| RowError::Empty { role, column: column.clone() })?;
        field.int().map(Some).ok_or_else(|| RowError::NotAnInteger { role, column: column.clone() })
    }

    fn sample(&self, map: &ColumnMap) -> Result<SampleRecord, RowError> {
        let id = match map.of("sample") {
            [column] => self.field(column)?.and_then(|field| field.int()),
            _ => None,
        };
        let id = match id {
            Some(id) => SampleId::Int(id),
            None => SampleId::Text(self.name("sample", map.of("sample"))?.unwrap_or_default()),
        };
        let epoch = self.int("epoch", map)?.unwrap_or(1);
        let epoch = u64::try_from(epoch).map_err(|_| RowError::Negative { role: "epoch", found: epoch })?;
        let key = SampleKey {
            cell: self.name("cell", map.of("cell"))?,
            condition: self.name("condition", map.of("condition"))?,
            id,
            seed: self.int("seed", map)?,
            epoch,
        };
        let mut scores = Scores::new();
        for (name, column) in map.scores() {
            let score = self.field(column)?.map(|field| field.score()).transpose()?;
            let score = score.map_or_else(|| Score::of_token("null"), Ok)?;
            scores.insert(name.to_owned(), BTreeMap::from([(String::new(), score)]));
        }
        let status = self.status(map, &scores)?;
        let details = SampleDetails {
            source: FileDigest::of(&self.bytes()),
            input: None,
            completion: None,
            stop_reason: None,
            flags: 0,
        };
        Ok(SampleRecord { key, status, scores, details: details.digest() })
    }

    /// The row's own bytes: a JSON object as it stands, a CSV record as the canonical array of its fields.
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Json { raw, .. } => raw.to_vec(),
            Self::Csv { record, .. } => Encoder::encode(|e| {
                e.array(record.len());
                record.iter().for_each(|field| e.text(field));
            }),
        }
    }

    fn status(&self, map: &ColumnMap, scores: &Scores) -> Result<SampleStatus, RowError> {
        let has_score = scores.values().flat_map(BTreeMap::values).any(|score| !score.is_unscored());
        let derived = if has_score { SampleStatus::Scored } else { SampleStatus::Unscored };
        if let Some(column) = map.of("error").first()
            && self.field(column)?.is_some_and(|field| field.is_set())
        {
            return Ok(SampleStatus::Error);
        }
        let Some(column) = map.of("status").first() else { return Ok(derived) };
        let Some(field) = self.field(column)? else { return Ok(derived) };
        match field.name().as_deref() {
            Some("scored" | "success" | "ok" | "completed") => Ok(derived),
            Some("unscored") => Ok(SampleStatus::Unscored),
            Some("error" | "failed") => Ok(SampleStatus::Error),
            Some("limit" | "truncated") => Ok(SampleStatus::Limit),
            Some("invalid") => Ok(SampleStatus::Invalid),
            found => Err(RowError::Status { found: shown(found.unwrap_or("no text")) }),
        }
    }
}

fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}

impl Field<'_> {
    /// A text, a number or a boolean as it is written. Half of a surrogate pair is no name.
    fn name(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some((*text).to_owned()),
            Self::Json(value) => match (value.kind(), value.text()) {
                (_, Some(text)) if text.lone_surrogate => None,
                (_, Some(text)) => Some(text.lossy()),
                (Kind::Number | Kind::Bool, _) => Some(value.raw().to_owned()),
                _ => None,
            },
        }
    }

    /// Digest of a text, or of any other value as it is written: a list of messages, a digest that stands there.
    fn digest(&self) -> FileDigest {
        match self {
            Self::Text(text) => FileDigest::of(text.as_bytes()),
            Self::Json(value) => match value.text() {
                Some(text) => FileDigest::of(&text.bytes),
                None => FileDigest::of(value.raw().as_bytes()),
            },
        }
    }

    /// An integer: a JSON number, or a CSV text that is one in its one spelling.
    pub(super) fn int(&self) -> Option<i64> {
        match self {
            Self::Json(value) => value.int(),
            Self::Text(text) => text.parse().ok().filter(|int: &i64| int.to_string() == *text),
        }
    }

    /// The lexeme of a number and what it means, where it is one.
    pub(super) fn number(&self) -> Option<(&str, BigRational)> {
        let text = match self {
            Self::Json(value) if value.kind() == Kind::Number => value.raw(),
            Self::Json(_) => return None,
            Self::Text(text) => text,
        };
        Some((text, parse_number(text)?))
    }

    /// Anything but false.
    fn is_set(&self) -> bool {
        match self {
            Self::Json(value) => value.raw() != "false",
            Self::Text(text) => !matches!(*text, "False" | "false" | "None" | "null" | "NaN" | "nan"),
        }
    }

    fn score(&self) -> Result<Score, RowError> {
        let of_text = |raw: &str, text: &[u8]| {
            let number = std::str::from_utf8(text).ok().and_then(parse_number);
            Score::of_text(raw, text, number)
        };
        match self {
            Self::Json(value) => match (value.kind(), value.text()) {
                (Kind::Array | Kind::Object, _) => Ok(Score::of_structure(value.raw().as_bytes())),
                (_, Some(text)) => Ok(of_text(value.raw(), &text.bytes)),
                _ => Ok(Score::of_token(value.raw())?),
            },
            Self::Text("NaN" | "nan" | "NA") => Ok(Score::of_token("NaN")?),
            Self::Text("None" | "null") => Ok(Score::of_token("null")?),
            Self::Text("True" | "TRUE" | "true") => Ok(of_boolean(self, BigRational::one())),
            Self::Text("False" | "FALSE" | "false") => Ok(of_boolean(self, BigRational::zero())),
            Self::Text(text) if parse_number(text).is_some() => Ok(Score::of_token(text)?),
            Self::Text(text) => Ok(of_text(&quoted(text), text.as_bytes())),
        }
    }
}

fn of_boolean(field: &Field<'_>, value: BigRational) -> Score {
    let Field::Text(text) = field else { unreachable!("only texts are told apart by spelling") };
    Score::of_text(&quoted(text), text.as_bytes(), Some(value))
}

/// A text as the JSON token that means it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Notes what the records themselves show: statuses, and seeds of one cell that are the same in every score.
fn note_samples(samples: &[SampleRecord], facts: &mut LogFacts) {
    let mut runs: BTreeMap<&Option<String>, BTreeMap<i64, Run>> = BTreeMap::new();
    for sample in samples {
        let text = sample.key.to_string();
        let code = match sample.status {
            SampleStatus::Scored => None,
            SampleStatus::Unscored => Some(AnomalyCode::Unscored),
            SampleStatus::Error => Some(AnomalyCode::SampleErrors),
            SampleStatus::Limit => Some(AnomalyCode::SampleLimits),
            SampleStatus::Invalid => Some(AnomalyCode::SamplesInvalidated),
        };
        let unreadable = sample.scores.values().flat_map(BTreeMap::values).any(Score::is_unreadable);
        for code in code.into_iter().chain(unreadable.then_some(AnomalyCode::UnreadableScore)) {
            facts.anomalies.add(code, &text);
        }
        if let Some(seed) = sample.key.seed {
            runs.entry(&sample.key.cell).or_default().entry(seed).or_default().add(sample);
        }
    }
    for (cell, seeds) in runs {
        let mut same: BTreeMap<FileDigest, Vec<i64>> = BTreeMap::new();
        for (seed, run) in seeds.into_iter().filter(|(_, run)| run.varies) {
            same.entry(run.scores.finish()).or_default().push(seed);
        }
        for seeds in same.into_values().filter(|seeds| seeds.len() > 1) {
            let cell = cell.as_deref().map_or(String::new(), |cell| format!("cell \"{}\": ", cell.escape_debug()));
            facts.anomalies.add(AnomalyCode::SameRun, format!("{cell}seeds {seeds:?} agree in every score"));
        }
    }
}

/// The scores of one seed, hashed in the order of their keys.
#[derive(Default)]
struct Run {
    scores: FileHasher,
    first: Option<Scores>,
    /// Not all scores are the same: those of two runs could well be, otherwise.
    varies: bool,
}

impl Run {
    fn add(&mut self, sample: &SampleRecord) {
        let key = SampleKey { seed: None, ..sample.key.clone() };
        self.scores
            .update(&SampleRecord { key, details: DetailsDigest::from_bytes([0; 32]), ..sample.clone() }.encode());
        match &self.first {
            None => self.first = Some(sample.scores.clone()),
            Some(first) => self.varies |= *first != sample.scores,
        }
    }
}

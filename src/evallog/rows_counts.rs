//! Rows that are counts: k of n samples that are not there.
//!
//! They make no sample records, for nobody can prove a sample by a count. They are read all the same, because such tables
//! are what labs print from: every rate and every Wilson interval is computed again from k and n, and seeds that are one
//! run under two numbers are said to be (an error bar over them would be 0).

use std::collections::{BTreeMap, BTreeSet};

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::ToPrimitive;

use super::map::ColumnMap;
use super::rows::{Field, Row, each_row};
use super::{About, EvalLog, EvalLogError, LogFile, RowError};
use crate::artifact::samples::LogFacts;
use crate::json::Value;
use crate::statement::Reading;
use crate::stats::{Bound, Printed, check_rounding, wilson};

/// Standard deviations of a 95 % interval: as most people type it, and as a normal quantile.
const Z_95: &[(i64, i64)] = &[(196, 100), (1_959_963_984_540_054, 1_000_000_000_000_000)];

/// One row's counts: `k` of `n` samples that are not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountRow {
    /// The cell, empty where the table has none.
    pub cell: String,
    /// The condition, several columns joined.
    pub condition: String,
    /// The seed.
    pub seed: Option<i64>,
    /// What the row calls the run that it is of.
    pub run: Option<String>,
    /// Samples.
    pub n: u64,
    /// Those that were counted.
    pub k: u64,
    /// Samples with a valid answer.
    pub valid: Option<u64>,
}

/// One row, as far as it is understood.
#[derive(Debug, Clone)]
struct Counted {
    counts: CountRow,
    rate: Option<(String, BigRational)>,
    bounds: Option<[(String, BigRational); 2]>,
}

/// Reads a table of counts into what is understood of it; there are no samples.
pub(super) fn read(file: &mut LogFile<'_>, map: &ColumnMap) -> Result<EvalLog, EvalLogError> {
    let mut rows: BTreeMap<(String, String, Option<i64>), Counted> = BTreeMap::new();
    let format = each_row(file, map, |row| {
        let counted = Counted::of(row, map)?;
        let key = (counted.counts.cell.clone(), counted.counts.condition.clone(), counted.counts.seed);
        match rows.insert(key, counted) {
            None => Ok(()),
            Some(earlier) => Err(RowError::Duplicate { key: earlier.name() }),
        }
    })?;
    let facts = LogFacts { format: format.to_owned(), reader: map.projection(), ..LogFacts::default() };
    let rows: Vec<Counted> = rows.into_values().collect();
    let counts = rows.iter().map(|row| row.counts.clone()).collect();
    Ok(EvalLog { reading: Some(reading(map, &rows)), facts, samples: Vec::new(), counts, about: About::new() })
}

impl Counted {
    fn of(row: &Row<'_>, map: &ColumnMap) -> Result<Self, RowError> {
        let count = |role: &'static str| -> Result<Option<u64>, RowError> {
            let Some(found) = row.int(role, map)? else { return Ok(None) };
            u64::try_from(found).map(Some).map_err(|_| RowError::Negative { role, found })
        };
        let (n, k) = (count("n")?.unwrap_or(0), count("k")?.unwrap_or(0));
        if k > n {
            return Err(RowError::Counts { k, n });
        }
        let number = |role: &str| -> Result<Option<(String, BigRational)>, RowError> {
            let Some(column) = map.of(role).first() else { return Ok(None) };
            let field = row.field(column)?;
            Ok(field.and_then(|field| field.number().map(|(lexeme, value)| (lexeme.to_owned(), value))))
        };
        let bounds = match number("ci.lower")?.zip(number("ci.upper")?) {
            Some((lower, upper)) => Some([lower, upper]),
            None => map.of("ci").first().map(|column| pair(row, column)).transpose()?.flatten(),
        };
        let counts = CountRow {
            cell: row.name("cell", map.of("cell"))?.unwrap_or_default(),
            condition: row.name("condition", map.of("condition"))?.unwrap_or_default(),
            seed: row.int("seed", map)?,
            run: row.name("run", map.of("run"))?,
            n,
            k,
            valid: count("valid")?,
        };
        Ok(Self { counts, rate: number("rate")?, bounds })
    }

    fn name(&self) -> String {
        let seed = self.counts.seed.map_or(String::new(), |seed| format!(", seed {seed}"));
        format!("(\"{}\", \"{}\"{seed})", self.counts.cell.escape_debug(), self.counts.condition.escape_debug())
    }

    /// Whether the printed rate is k over `n`: as a float, or rounded to its decimals.
    fn rate_is_over(&self, n: u64, lexeme: &str) -> bool {
        let (Some(k), Some(n)) = (self.counts.k.to_f64(), n.to_f64().filter(|n| *n > 0.0)) else { return false };
        let exact = || BigRational::new(BigInt::from(self.counts.k), BigInt::from(n.to_u64().unwrap_or(1)));
        lexeme.parse::<f64>().is_ok_and(|printed| printed.to_bits() == (k / n).to_bits())
            || Printed::parse(lexeme).is_ok_and(|printed| check_rounding(&exact(), &printed).agrees())
    }

    fn interval_agrees(&self, bounds: &[(String, BigRational); 2], places: u32) -> bool {
        Z_95.iter().any(|(numer, denom)| {
            let z = BigRational::new((*numer).into(), (*denom).into());
            wilson(self.counts.k, self.counts.n, &z).is_ok_and(|interval| {
                interval.rounds_to(Bound::Lower, &bounds[0].1, places)
                    && interval.rounds_to(Bound::Upper, &bounds[1].1, places)
            })
        })
    }
}

/// The two numbers of a JSON array.
fn pair(row: &Row<'_>, column: &str) -> Result<Option<[(String, BigRational); 2]>, RowError> {
    let Some(Field::Json(value)) = row.field(column)? else { return Ok(None) };
    let numbers: Option<Vec<(String, BigRational)>> = value
        .items()
        .take(3)
        .map(|item: Value<'_>| Field::Json(item).number().map(|(lexeme, value)| (lexeme.to_owned(), value)))
        .collect();
    Ok(numbers.and_then(|numbers| <[_; 2]>::try_from(numbers).ok()))
}

fn reading(map: &ColumnMap, rows: &[Counted]) -> Reading {
    let mut reading = Reading::by(&map.projection());
    // Python drops the zeros at a bound's end: all bounds of a table were rounded to the places of the longest.
    let bounds = rows.iter().filter_map(|row| row.bounds.as_ref()).flatten();
    let places = bounds.filter_map(|(lexeme, _)| Printed::parse(lexeme).ok().map(|printed| printed.decimals())).max();
    let (mut rates, mut over_valid, mut intervals) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        reading.count("rows", 1);
        reading.count("n", row.counts.n);
        reading.count("k", row.counts.k);
        reading.source(&row.counts.cell, 1);
        if let Some(valid) = row.counts.valid {
            reading.count("n.valid", valid);
        }
        if let Some((lexeme, _)) = &row.rate {
            reading.count("rates", 1);
            if row.rate_is_over(row.counts.n, lexeme) {
                reading.count("rates.recomputed", 1);
            } else if row.counts.valid.is_some_and(|valid| row.rate_is_over(valid, lexeme)) {
                over_valid.push(format!(
                    "{} is {lexeme}, {} of {} valid rows",
                    row.name(),
                    row.counts.k,
                    row.counts.valid.unwrap_or(0)
                ));
            } else {
                rates.push(format!("{} is {lexeme}, not {} of {}", row.name(), row.counts.k, row.counts.n));
            }
        }
        if let Some(bounds) = &row.bounds {
            reading.count("intervals", 1);
            if row.interval_agrees(bounds, places.unwrap_or(0)) {
                reading.count("intervals.recomputed", 1);
            } else {
                let (lower, upper) = (&bounds[0].0, &bounds[1].0);
                intervals.push(format!(
                    "{}: [{lower}, {upper}] is not Wilson's of {} of {}",
                    row.name(),
                    row.counts.k,
                    row.counts.n
                ));
            }
        }
    }
    for (code, texts) in
        [("rate-differs", rates), ("rate-over-valid-rows", over_valid), ("interval-differs", intervals)]
    {
        reading.remark(code, texts.len() as u64, texts.first().map_or("", String::as_str));
    }
    let same = same_runs(rows);
    for text in &same {
        reading.remark("same-run", 1, text);
    }
    reading
}

/// Seeds of one cell that have the same counts in every condition, or one run's name.
fn same_runs(rows: &[Counted]) -> Vec<String> {
    let mut cells: BTreeMap<&str, BTreeMap<i64, Vec<&Counted>>> = BTreeMap::new();
    for row in rows {
        if let Some(seed) = row.counts.seed {
            cells.entry(&row.counts.cell).or_default().entry(seed).or_default().push(row);
        }
    }
    let mut found = Vec::new();
    for (cell, seeds) in cells {
        let mut by_counts: BTreeMap<Vec<(&str, u64, u64)>, Vec<i64>> = BTreeMap::new();
        let mut by_run: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
        for (seed, rows) in seeds {
            by_counts
                .entry(rows.iter().map(|row| (row.counts.condition.as_str(), row.counts.k, row.counts.n)).collect())
                .or_default()
                .push(seed);
            for run in rows.iter().filter_map(|row| row.counts.run.as_deref()) {
                by_run.entry(run).or_default().insert(seed);
            }
        }
        let cell = cell.escape_debug();
        for (counts, seeds) in by_counts.into_iter().filter(|(_, seeds)| seeds.len() > 1) {
            let counts: Vec<String> = counts.iter().take(4).map(|(_, k, n)| format!("{k} of {n}")).collect();
            found.push(format!("\"{cell}\": seeds {seeds:?} have the same counts everywhere ({})", counts.join(", ")));
        }
        for (run, seeds) in by_run.into_iter().filter(|(_, seeds)| seeds.len() > 1) {
            let seeds: Vec<i64> = seeds.into_iter().collect();
            found.push(format!("\"{cell}\": seeds {seeds:?} are of one run, `{}`", run.escape_debug()));
        }
    }
    found
}

//! Facts about a log as a whole: the header facts of a sample manifest.

use super::SamplesError;
use super::anomaly::{Anomalies, AnomalyCode, decode_anomaly, decode_counts};
use super::judge::{ObservedModel, Rejudged};
use super::text::name;
use crate::codec::{DecodeError, Decoder, Encoder, required};

/// Metrics a log may report; a real one has a few for each scorer.
const MAX_METRICS: usize = 1024;

/// A metric as the log reports it: what somebody else computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedMetric {
    /// The scorer whose scores it is over.
    pub scorer: String,
    /// The score key, or the scorer's name again where it gives one value.
    pub score: String,
    /// The epoch reducer, where the log names one.
    pub reducer: Option<String>,
    /// `accuracy`, `stderr`, …
    pub metric: String,
    /// The value as written.
    pub lexeme: String,
}

/// What a log says about itself, and what is odd about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFacts {
    /// Container: `inspect.eval` or `inspect.json`.
    pub format: String,
    /// Schema version that the log declares.
    pub schema: Option<u64>,
    /// `success`, `cancelled`, `error`, `started`.
    pub status: Option<String>,
    /// Reader and version of its projection: part of the meaning of the root.
    pub reader: String,
    /// Number of declared sample ids and of epochs.
    pub declared: Option<(u64, u64)>,
    /// Samples in total, as the header counts them.
    pub total: Option<u64>,
    /// Samples completed, as the header counts them.
    pub completed: Option<u64>,
    /// The task's name.
    pub task: Option<String>,
    /// The model's name.
    pub model: Option<String>,
    /// Metrics as the header reports them.
    pub metrics: Vec<ReportedMetric>,
    /// What is odd.
    pub anomalies: Anomalies,
    /// Models that answered beside the evaluated one, or in a role: judges, as they were seen to be used.
    pub observed: Vec<ObservedModel>,
    /// Scores that were read again from a judge's text.
    pub rejudged: Vec<Rejudged>,
}

impl LogFacts {
    const WHAT: &'static str = "log facts";

    /// Samples times epochs that the log declares, or else the total it prints.
    pub fn expected(&self) -> Option<u64> {
        self.declared.and_then(|(ids, epochs)| ids.checked_mul(epochs)).or(self.total)
    }

    /// Whether what became of each sample is said one by one: a table read with a column of states. It has no header that
    /// could say it of the whole, nor which samples were to be run.
    pub fn says_each_status(&self) -> bool {
        let map = self.reader.strip_prefix("rows/1 ");
        map.is_some_and(|map| map.split(',').any(|role| role.starts_with("status=")))
    }

    /// Whether the condition of every sample is the word of whoever recorded the log, and not the log's own.
    pub fn is_labelled(&self) -> bool {
        let map = self.reader.split_once(' ').map(|(_, map)| map);
        map.is_some_and(|map| map.split(',').any(|role| role.starts_with("label=")))
    }

    /// Canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        Encoder::encode(|e| {
            e.map(|m| {
                m.entry(1, |e| e.text(&self.format));
                m.optional(2, self.schema, Encoder::uint);
                m.optional(3, self.status.as_deref(), Encoder::text);
                m.entry(4, |e| e.text(&self.reader));
                m.optional(5, self.declared, |e, (ids, epochs)| {
                    e.array(2);
                    e.uint(ids);
                    e.uint(epochs);
                });
                m.optional(6, self.total, Encoder::uint);
                m.optional(7, self.completed, Encoder::uint);
                m.optional(8, self.task.as_deref(), Encoder::text);
                m.optional(9, self.model.as_deref(), Encoder::text);
                m.entry(10, |e| {
                    e.array(self.metrics.len());
                    for metric in &self.metrics {
                        metric.encode(e);
                    }
                });
                m.entry(11, |e| {
                    e.array(self.anomalies.listed.len());
                    for anomaly in &self.anomalies.listed {
                        e.array(2);
                        e.uint(anomaly.code.id());
                        e.text(&anomaly.text);
                    }
                });
                m.entry(12, |e| {
                    e.map(|m| {
                        for (code, count) in &self.anomalies.counts {
                            m.entry(i64::try_from(code.id()).unwrap_or(i64::MAX), |e| e.uint(*count));
                        }
                    });
                });
                // Absent where there is nothing to say: most logs have no judge.
                m.optional(13, some(&self.observed), |e, observed| {
                    e.array(observed.len());
                    observed.iter().for_each(|model| model.encode(e));
                });
                m.optional(14, some(&self.rejudged), |e, rejudged| {
                    e.array(rejudged.len());
                    rejudged.iter().for_each(|score| score.encode(e));
                });
            });
        })
    }

    /// Reads canonical bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, SamplesError> {
        Decoder::decode(bytes, |d| {
            let mut facts = Self::default();
            let (mut format, mut reader, mut metrics, mut listed, mut counts) = (None, None, None, None, None);
            d.int_map(|key, d| -> Result<(), SamplesError> {
                match key {
                    1 => format = Some(name(d)?),
                    2 => facts.schema = Some(d.uint()?),
                    3 => facts.status = Some(name(d)?),
                    4 => reader = Some(name(d)?),
                    5 => {
                        let grid = d.tuple("a declared grid", 2, |d| Ok::<_, DecodeError>((d.uint()?, d.uint()?)));
                        facts.declared = Some(grid?);
                    }
                    6 => facts.total = Some(d.uint()?),
                    7 => facts.completed = Some(d.uint()?),
                    8 => facts.task = Some(name(d)?),
                    9 => facts.model = Some(name(d)?),
                    10 => metrics = Some(d.array(ReportedMetric::decode)?),
                    11 => listed = Some(d.array(decode_anomaly)?),
                    12 => counts = Some(decode_counts(d)?),
                    13 => facts.observed = not_empty(d.array(ObservedModel::decode)?)?,
                    14 => facts.rejudged = not_empty(d.array(Rejudged::decode)?)?,
                    _ => return Err(DecodeError::UnknownKey { what: Self::WHAT, key }.into()),
                }
                Ok(())
            })?;
            facts.format = required(format, Self::WHAT, 1)?;
            facts.reader = required(reader, Self::WHAT, 4)?;
            facts.metrics = required(metrics, Self::WHAT, 10)?;
            facts.anomalies =
                Anomalies { listed: required(listed, Self::WHAT, 11)?, counts: required(counts, Self::WHAT, 12)? };
            facts.anomalies.check()?;
            facts.check_judges()?;
            Ok(facts)
        })
    }

    /// Adds a reported metric; those beyond the bound are dropped and counted as not recomputed.
    pub fn report(&mut self, metric: ReportedMetric) {
        if self.metrics.len() < MAX_METRICS {
            self.metrics.push(metric);
        } else {
            self.anomalies.add(AnomalyCode::NotRecomputed, "more metrics than are read");
        }
    }
}

/// A list that is there, where it has anything in it.
fn some<T>(items: &[T]) -> Option<&[T]> {
    (!items.is_empty()).then_some(items)
}

fn not_empty<T>(items: Vec<T>) -> Result<Vec<T>, DecodeError> {
    let what = "a list of judges";
    if items.is_empty() { Err(DecodeError::Length { what, expected: "at least one", found: 0 }) } else { Ok(items) }
}

impl ReportedMetric {
    const WHAT: &'static str = "a reported metric";

    fn encode(&self, e: &mut Encoder) {
        e.map(|m| {
            m.entry(1, |e| e.text(&self.scorer));
            m.entry(2, |e| e.text(&self.score));
            m.optional(3, self.reducer.as_deref(), Encoder::text);
            m.entry(4, |e| e.text(&self.metric));
            m.entry(5, |e| e.text(&self.lexeme));
        });
    }

    fn decode(d: &mut Decoder<'_>) -> Result<Self, SamplesError> {
        let mut texts: [Option<String>; 5] = Default::default();
        d.int_map(|key, d| -> Result<(), SamplesError> {
            let slot = usize::try_from(key).ok().and_then(|key| texts.get_mut(key.checked_sub(1)?));
            *slot.ok_or(DecodeError::UnknownKey { what: Self::WHAT, key })? = Some(name(d)?);
            Ok(())
        })?;
        let [scorer, score, reducer, metric, lexeme] = texts;
        Ok(Self {
            scorer: required(scorer, Self::WHAT, 1)?,
            score: required(score, Self::WHAT, 2)?,
            reducer,
            metric: required(metric, Self::WHAT, 4)?,
            lexeme: required(lexeme, Self::WHAT, 5)?,
        })
    }
}

//! The metrics that an Inspect log reports, computed again from its samples.
//!
//! Epochs are reduced first, then `accuracy` and `mean` are the mean of the reduced values, `std` and `var` their sample
//! deviation and variance, `stderr` the error of the mean, plain or over clusters, `ci` Student's interval and
//! `ci_wilson` Wilson's; `grouped` is any of these over the samples of one value of their metadata. Everything is exact but
//! the reported float and Student's t. What was resampled at random cannot be computed again, and the facts say so.
//!
//! Source: <https://github.com/UKGovernmentBEIS/inspect_ai> `src/inspect_ai/scorer/_metrics/`

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{FromPrimitive, One, Signed, Zero};

use super::inspect::Samples;
use super::inspect_audit::{is_close, reduced, tolerance};
use super::inspect_groups::Grouped;
use super::inspect_header::{Header, Metric};
use super::inspect_judge::Tally;
use crate::artifact::samples::{AnomalyCode, LogFacts, SampleId, parse_number};
use crate::stats::decimal::{decimal_digits, sqrt_digits};
use crate::stats::{
    self, Bound, Reducer, StatsError, SurdInterval, clustered_variance_of_mean, score_interval, t_quantile,
};

/// What the samples give for a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Exact {
    Value(BigRational),
    /// The root of this square.
    Root(BigRational),
    Bound(SurdInterval, Bound),
}

impl Exact {
    /// Whether a reported float is this value, as far as floats go.
    fn is_close(&self, reported: &BigRational) -> bool {
        match self {
            Self::Value(value) => is_close(value, reported),
            Self::Root(square) => {
                let interval = SurdInterval { center: BigRational::zero(), half_width_square: square.clone() };
                interval.is_close(Bound::Upper, reported, &tolerance(reported))
            }
            Self::Bound(interval, bound) => interval.is_close(*bound, reported, &tolerance(reported)),
        }
    }

    /// The value to so many decimals.
    pub(super) fn digits(&self, places: u32) -> String {
        match self {
            Self::Value(value) => decimal_digits(value, places),
            Self::Root(square) => sqrt_digits(square, places),
            Self::Bound(interval, bound) => interval.digits(*bound, places),
        }
    }

    /// For a message: a value as it is, a root to six decimals.
    fn shown(&self) -> String {
        match self {
            Self::Value(value) => value.to_string(),
            _ => self.digits(6),
        }
    }
}

/// Computes the metrics of the header again, where all samples are there.
pub(super) fn check_metrics(header: &Header, complete: bool, samples: &Samples, tally: &Tally, facts: &mut LogFacts) {
    for metric in &header.metrics {
        let reported = &metric.reported;
        let name = format!("{}/{} {}", reported.scorer, reported.score, reported.metric);
        let found =
            if complete { compute(metric, header, samples, tally) } else { Err("samples are missing".to_owned()) };
        match found {
            Err(reason) => facts.anomalies.add(AnomalyCode::NotRecomputed, format!("{name}: {reason}")),
            Ok(found) => {
                if let Some(scored) = metric.scored.filter(|scored| *scored != found.units) {
                    let text = format!("{name}: {} scored samples, not {scored}", found.units);
                    facts.anomalies.add(AnomalyCode::MetricDisagrees, text);
                } else if !parse_number(&reported.lexeme).is_some_and(|value| found.exact.is_close(&value)) {
                    let shown = found.exact.shown();
                    let text = format!("{name}: the header says {}, the samples say {shown}", reported.lexeme);
                    facts.anomalies.add(AnomalyCode::MetricDisagrees, text);
                }
            }
        }
    }
}

/// A metric as the samples give it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) exact: Exact,
    /// Scored samples behind it.
    units: u64,
}

/// The metric from the samples, or why there is no saying.
pub(super) fn compute(metric: &Metric, header: &Header, samples: &Samples, tally: &Tally) -> Result<Found, String> {
    let reported = &metric.reported;
    let reducer = reported.reducer.as_deref().or(header.reducer.as_deref()).unwrap_or("mean");
    let reducer = Reducer::parse(reducer).map_err(|error| error.to_string())?;
    let key = if reported.score == reported.scorer { "" } else { &reported.score };
    let over = |over: &dyn Fn(&Reduced) -> Result<Exact, String>| {
        let reduced = reduced(samples, &reported.scorer, key, reducer)?;
        // Inspect reports NaN or 0 where no sample is scored, and there is nothing to hold that against.
        if reduced.is_empty() {
            return Err(StatsError::NoObservations.to_string());
        }
        Ok(Found { exact: over(&reduced)?, units: reduced.len() as u64 })
    };
    if metric.rule == "grouped" {
        let grouped = Grouped::of(metric)?;
        return over(&|reduced| grouped.over(reduced, &metric.name, tally));
    }
    let rule = Rule::of(&metric.rule, &metric.params, &metric.name)?;
    over(&|reduced| rule.over(reduced, tally))
}

/// Reduced values by sample.
pub(super) type Reduced = BTreeMap<SampleId, BigRational>;

impl Rule {
    /// The metric of these values, of which there are some.
    pub(super) fn over(&self, reduced: &Reduced, tally: &Tally) -> Result<Exact, String> {
        let mut units = stats::Tally::default();
        reduced.values().for_each(|value| units.add(value));
        let found = units.estimate(reduced.len() as u64).map_err(|error| error.to_string())?;
        let units = found.units;
        let squared_error = |cluster: &Option<String>| match cluster {
            None => Ok((found.variance_of_mean.clone(), units)),
            Some(name) => over_clusters(reduced, tally.clusters.get(name)),
        };
        let variance = || &found.variance_of_mean * BigRational::from_integer(units.into());
        Ok(match self {
            Self::Mean => Exact::Value(found.mean.clone()),
            Self::Variance => Exact::Value(variance()),
            Self::Deviation => Exact::Root(variance()),
            Self::Error { cluster } => Exact::Root(squared_error(cluster)?.0),
            Self::Student { bound, level, cluster } => {
                let (square, groups) = squared_error(cluster)?;
                #[expect(clippy::cast_precision_loss, reason = "more clusters than a float counts are in no log")]
                let freedom = (groups - 1).max(1) as f64;
                let t = if units < 2 { Some(0.0) } else { t_quantile(f64::midpoint(1.0, *level), freedom) };
                let t = t.and_then(BigRational::from_f64).ok_or("no quantile for its level")?;
                Exact::Bound(SurdInterval { center: found.mean.clone(), half_width_square: &t * &t * square }, *bound)
            }
            Self::Wilson { bound } => {
                if found.mean.is_negative() || found.mean > BigRational::one() {
                    return Err("the mean is no rate".to_owned());
                }
                let z = BigRational::from_f64(Z_95).ok_or("no quantile for its level")?;
                Exact::Bound(score_interval(&found.mean, &BigRational::from_integer(BigInt::from(units)), &z), *bound)
            }
        })
    }
}

/// The normal distribution's 97.5 % quantile, as Python's `NormalDist` gives it.
const Z_95: f64 = 1.959_963_984_540_053_6;

/// The square of the error over clusters and their number.
fn over_clusters(
    reduced: &BTreeMap<SampleId, BigRational>,
    clusters: Option<&BTreeMap<SampleId, String>>,
) -> Result<(BigRational, u64), String> {
    let cluster_of = |id: &SampleId| clusters.and_then(|clusters| clusters.get(id)).ok_or("a sample has no cluster");
    let values: Result<Vec<(&String, BigRational)>, &str> =
        reduced.iter().map(|(id, value)| Ok((cluster_of(id)?, value.clone()))).collect();
    let values = values?;
    let groups = values.iter().map(|(cluster, _)| *cluster).collect::<std::collections::BTreeSet<_>>().len() as u64;
    Ok((clustered_variance_of_mean(&values).map_err(|error| error.to_string())?, groups))
}

/// How a metric is computed.
pub(super) enum Rule {
    Mean,
    Variance,
    Deviation,
    Error { cluster: Option<String> },
    Student { bound: Bound, level: f64, cluster: Option<String> },
    Wilson { bound: Bound },
}

impl Rule {
    /// The rule of that name, with its parameters as JSON; `name` says which end of an interval is reported.
    pub(super) fn of(rule: &str, params: &BTreeMap<String, String>, name: &str) -> Result<Self, String> {
        let mut params = params.clone();
        let text = |raw: String| raw.trim_matches('"').to_owned();
        if rule.starts_with("bootstrap") {
            return Err("it was resampled at random and cannot be computed again".to_owned());
        }
        let bound = match name {
            "lower" => Some(Bound::Lower),
            "upper" => Some(Bound::Upper),
            _ => None,
        };
        let found = match (rule, bound) {
            ("accuracy" | "mean", _) => Self::Mean,
            ("var", _) => Self::Variance,
            ("std", _) => Self::Deviation,
            ("stderr", _) => Self::Error { cluster: params.remove("cluster").map(text) },
            ("ci", Some(bound)) => {
                if params.remove("method").is_some_and(|method| text(method) != "t") {
                    return Err("it was resampled at random and cannot be computed again".to_owned());
                }
                params.remove("num_samples");
                let level = params.remove("level").map_or(Some(0.95), |level| level.parse().ok());
                let level = level.ok_or("its level is no number")?;
                Self::Student { bound, level, cluster: params.remove("cluster").map(text) }
            }
            ("ci_wilson", Some(bound)) => match params.remove("level").as_deref() {
                None | Some("0.95") => Self::Wilson { bound },
                Some(_) => return Err("no quantile for its level".to_owned()),
            },
            _ => return Err("no rule for this metric".to_owned()),
        };
        if params.is_empty() { Ok(found) } else { Err("it has parameters".to_owned()) }
    }
}

//! The estimators against figures of scipy, statsmodels and mpmath, and against what would make their digits differ.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive};

use super::special::{NORMAL_ERROR, beta_error, beta_quantile, beta_tails, normal_quantile, normal_upper_tail};
use super::*;

/// Computed by `tests/oracles/proportions.py`; its first line names the versions.
const ORACLE: &str = include_str!("../../tests/oracles/proportions.csv");

/// One line of the table.
struct Row {
    line: &'static str,
    args: Vec<&'static str>,
    values: Vec<f64>,
}

impl Row {
    fn float(&self, at: usize) -> f64 {
        self.args[at].parse().unwrap_or_else(|_| panic!("{}", self.line))
    }
}

fn rows(what: &str) -> Vec<Row> {
    let found: Vec<Row> = ORACLE
        .lines()
        .filter_map(|line| line.strip_prefix(what)?.strip_prefix(',').map(|rest| (line, rest)))
        .map(|(line, rest)| {
            let (args, values) = rest.split_once(',').unwrap();
            let values = values.split(' ').map(|value| value.parse().unwrap()).collect();
            Row { line, args: args.split(' ').collect(), values }
        })
        .collect();
    assert!(!found.is_empty(), "the table has no `{what}`");
    found
}

/// Off by at most `error` of itself.
fn close(found: f64, row: &Row, value: f64, error: f64) {
    let off = (found - value).abs() / value.abs();
    assert!(off <= error, "{}: found {found}, off by {off:e}", row.line);
}

/// The number lies in the enclosure, which is narrow.
fn encloses(found: &Enclosure, row: &Row, value: f64, width: f64) {
    let ends = [found.low(), found.high()].map(|end| end.to_f64().unwrap());
    let slack = value.abs().max(1e-300) * 1e-15;
    assert!(ends[0] - slack <= value && value <= ends[1] + slack, "{}: found {ends:?}", row.line);
    assert!(ends[1] - ends[0] <= width * value.abs().max(1e-3), "{}: found {ends:?}, too wide", row.line);
}

#[test]
fn tails_of_the_normal_distribution_are_within_their_error() {
    for row in rows("normal-tail") {
        // A tenth of what is promised: figures between those of the table stay within it too.
        close(normal_upper_tail(row.float(0)), &row, row.values[0], NORMAL_ERROR / 10.0);
    }
    for row in rows("normal-quantile") {
        encloses(&normal_quantile(row.float(0)).unwrap(), &row, row.values[0], 1e-9);
    }
    for tail in [0.0, -0.1, 0.6, f64::NAN] {
        assert_eq!(normal_quantile(tail), None);
    }
}

#[test]
fn tails_of_the_beta_distribution_are_within_their_error() {
    for row in rows("beta-tail") {
        let [a, b, x] = [0, 1, 2].map(|at| row.float(at));
        let found = beta_tails(a, b, x, 1.0 - x).unwrap();
        close(found.lower, &row, row.values[0], beta_error(a, b) / 3.0);
        let mirrored = beta_tails(b, a, 1.0 - x, x).unwrap();
        assert!((mirrored.upper - found.lower).abs() <= 1e-11 * found.lower, "{}", row.line);
        if found.lower <= 0.5 {
            encloses(&beta_quantile(a, b, found.lower).unwrap(), &row_at(&row, x), x, 1e-9);
        }
    }
    for (a, b, x, y) in [(0.1, 1.0, 0.5, 0.5), (1.0, 5e9, 0.5, 0.5), (1.0, 1.0, 0.5, 0.6), (f64::NAN, 1.0, 0.5, 0.5)] {
        assert_eq!(beta_tails(a, b, x, y), None, "{a} {b} {x} {y}");
    }
    assert_eq!(beta_tails(2.0, 3.0, 0.0, 1.0).map(|tails| (tails.lower, tails.upper)), Some((0.0, 1.0)));
    assert_eq!(beta_tails(2.0, 3.0, 1.0, 0.0).map(|tails| (tails.lower, tails.upper)), Some((1.0, 0.0)));
    assert_eq!(beta_quantile(1.0, 1.0, 0.0), None);
}

fn row_at(row: &Row, x: f64) -> Row {
    Row { line: row.line, args: Vec::new(), values: vec![x] }
}

#[test]
fn tails_and_quantiles_of_students_t_are_within_their_error() {
    for row in rows("t-tail") {
        close(
            t_upper_tail(row.float(0), row.float(1)).unwrap(),
            &row,
            row.values[0],
            special::beta_error(0.5 * row.float(1), 0.5) / 3.0,
        );
    }
    for row in rows("t-quantile") {
        encloses(&t_critical(row.float(0), row.float(1)).unwrap(), &row, row.values[0], 1e-9);
    }
}

/// A confidence as the script wrote it: a decimal.
fn confidence(text: &str) -> BigRational {
    Printed::parse(text).unwrap().value()
}

fn two_sided(text: &str) -> Level {
    Level::new(confidence(text), Sides::Two).unwrap()
}

fn count(row: &Row, at: usize) -> u64 {
    row.args[at].parse().unwrap_or_else(|_| panic!("{}", row.line))
}

fn proportion(row: &Row, at: usize) -> Proportion {
    Proportion::new(count(row, at), count(row, at + 1)).unwrap()
}

/// Both bounds are the figures', within `tolerance` of each figure or of one in a thousand.
fn bounds_are(found: &Interval, row: &Row, tolerance: f64) {
    for (bound, value) in [found.low().unwrap(), found.high().unwrap()].into_iter().zip(&row.values) {
        near(bound, row, *value, tolerance);
    }
}

fn near(found: &Enclosure, row: &Row, value: f64, tolerance: f64) {
    for end in [found.low(), found.high()] {
        let off = (end.to_f64().unwrap() - value).abs();
        assert!(
            off <= tolerance * value.abs().max(1e-3),
            "{}: found {}, off by {off:e}",
            row.line,
            end.to_f64().unwrap()
        );
    }
}

#[test]
fn intervals_of_one_proportion_are_scipys() {
    for row in rows("wilson") {
        bounds_are(&proportion(&row, 0).wilson(&two_sided(row.args[2])), &row, 1e-9);
    }
    for row in rows("clopper-pearson") {
        bounds_are(&proportion(&row, 0).clopper_pearson(&two_sided(row.args[2])), &row, 1e-9);
    }
}

#[test]
fn intervals_of_two_proportions_are_those_of_statsmodels_and_of_their_definition() {
    let arms = |row: &Row| TwoArms { subject: proportion(row, 0), comparator: proportion(row, 2) };
    for row in rows("newcombe") {
        bounds_are(&arms(&row).newcombe(&two_sided(row.args[4])), &row, 1e-9);
    }
    // Bounds that are sought carry their error with them: the figure lies between their ends, which lie close together.
    let score = |name: &str, interval: &dyn Fn(&TwoArms, &Level) -> Interval| {
        for row in rows(name) {
            let found = interval(&arms(&row), &two_sided(row.args[4]));
            for (bound, value) in [found.low().unwrap(), found.high().unwrap()].into_iter().zip(&row.values) {
                encloses(bound, &row, *value, 1e-7);
            }
        }
    };
    score("miettinen-nurminen", &TwoArms::miettinen_nurminen);
    score("koopman", &|arms, level| arms.koopman(level).unwrap());
    score("ratio-miettinen-nurminen", &|arms, level| arms.ratio_miettinen_nurminen(level).unwrap());
}

#[test]
fn paired_proportions_are_those_of_statsmodels_and_of_their_definition() {
    let table = |row: &Row| super::pairs::tests::table([0, 1, 2, 3].map(|at| count(row, at)));
    for row in rows("mcnemar") {
        near(&table(&row).mcnemar(), &row, row.values[0], 1e-12);
    }
    for row in rows("newcombe-paired") {
        bounds_are(&table(&row).newcombe(&two_sided(row.args[4])).unwrap(), &row, 1e-9);
    }
}

#[test]
fn ratios_of_means_and_tests_against_margins_are_those_of_their_definition() {
    for row in rows("fieller") {
        let [a, va, b, vb, covariance] = [0, 1, 2, 3, 4].map(|at| confidence(row.args[at]));
        let of = |mean, variance| MeanWithError { mean, variance };
        let means = RatioOfMeans { subject: of(a, va), comparator: of(b, vb), covariance };
        bounds_are(&means.fieller(&two_sided("0.95"), row.float(5), Target::Seeds).unwrap(), &row, 1e-9);
    }
    for row in rows("tost") {
        let [estimate, error, margin] = [0, 1, 2].map(|at| confidence(row.args[at]));
        let margins = Margins::new(-margin.clone(), margin).unwrap();
        let found = margins.tost(&estimate, &(&error * &error), row.float(3)).unwrap();
        near(&found.not_below, &row, row.values[0], 1e-9);
        near(&found.not_above, &row, row.values[1], 1e-9);
    }
}

#[test]
fn judges_families_and_sums_are_those_of_their_definition() {
    for row in rows("rogan-gladen") {
        let judge = Judge { sensitivity: proportion(&row, 2), specificity: proportion(&row, 4) };
        bounds_are(&judge.interval(&proportion(&row, 0), &two_sided(row.args[6])).unwrap(), &row, 1e-9);
    }
    for (name, holm) in [("holm", true), ("bonferroni", false)] {
        for row in rows(name) {
            let tests = row.args[1..].iter().enumerate();
            let tests = tests.map(|(at, p)| (format!("t{at}"), Enclosure::exact(confidence(p))));
            let family = Family::new("family", count(&row, 0), tests).unwrap();
            let found = if holm { family.holm() } else { family.bonferroni() };
            assert_eq!(found.len(), row.values.len());
            for (p, value) in found.values().zip(&row.values) {
                near(p, &row, *value, 1e-12);
            }
        }
    }
    for row in rows("sidak") {
        let level = Level::new(confidence("1") - confidence(row.args[1]), Sides::Upper).unwrap();
        let share = Joint::Sidak.share(&level, count(&row, 0)).unwrap();
        near(&Enclosure::exact(share.alpha().clone()), &row, row.values[0], 1e-9);
    }
    for row in rows("mover") {
        let (last, terms) = row.args.split_last().unwrap();
        let terms: Vec<Term> = terms
            .iter()
            .map(|term| {
                let (weight, counts) = term.split_once(':').unwrap();
                let (k, n) = counts.split_once('/').unwrap();
                let proportion = Proportion::new(k.parse().unwrap(), n.parse().unwrap()).unwrap();
                Term { proportion, weight: confidence(weight) }
            })
            .collect();
        bounds_are(&mover(&terms, &two_sided(last)), &row, 1e-9);
    }
}

/// A seed SD of .02 over 4 seeds is a standard error of .01: what that bounds a rate of .07 at.
#[test]
fn four_seeds_at_seven_percent_bound_the_rate_at_ten_or_nine() {
    let upper = |sides| {
        let t = t_of_level(&Level::percent(95, sides).unwrap(), 3.0).unwrap();
        let exact = |numer: i64| Enclosure::exact(BigRational::new(numer.into(), 100.into()));
        (&exact(7) + &(&t * &exact(1))).digits_above(3)
    };
    assert_eq!((upper(Sides::Two), upper(Sides::Upper)), ("0.102".to_owned(), "0.094".to_owned()));
}

/// Files whose functions print or compare digits; the platform's own functions differ in the last one.
#[test]
fn no_function_here_leaves_its_last_digit_to_the_platform() {
    let names = [
        "ln", "ln_1p", "log", "log2", "log10", "exp", "exp2", "exp_m1", "powf", "powi", "sin", "cos", "tan", "sin_cos",
        "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "cbrt", "hypot", "mul_add",
        "gamma", "ln_gamma", "erf", "erfc",
    ];
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/stats");
    let mut seen = BTreeSet::new();
    let mut paths = vec![folder];
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            paths.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for function in names {
            for form in [format!(".{function}("), format!("f64::{function}"), format!("f32::{function}")] {
                let own = name == "tests.rs" || !code.contains(&form);
                assert!(own, "`{name}` names `{form}`: use `libm::{function}`");
            }
        }
        seen.insert(name);
    }
    assert!(seen.contains("special.rs") && seen.contains("student.rs"));
}

#[test]
fn a_crossing_is_enclosed_by_what_is_surely_on_either_side() {
    use super::special::crossing;
    let (low, high) = crossing(0.0, 8.0, |x| special::surely(x * x, 2.0, 1e-9));
    assert!(low * low < 2.0 && 2.0 < high * high && high - low < 1e-8, "{low} {high}");
    // Never surely above, never surely below: the ends themselves.
    assert_eq!(crossing(0.0, 1.0, |_| std::cmp::Ordering::Equal), (0.0, 1.0));
    let ends = normal_quantile(0.5).unwrap();
    assert!(!ends.low().is_positive() && ends.high().to_f64().unwrap() < 1e-12);
}

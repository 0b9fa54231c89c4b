//! The statistics over seeds against figures of scipy, statsmodels and numpy (`tests/oracles/seeds.py`).

#![allow(clippy::unwrap_used, reason = "tests")]

use std::str::FromStr;

use num_rational::BigRational;
use num_traits::ToPrimitive;
use serde_json::Value;

use super::permutation::{paired, two_sample};
use super::*;

const FIGURES: &str = include_str!("../../tests/oracles/seeds.json");

/// Compares as floats and counts: each within 1e-9 of the larger of itself and 1.
struct Figures {
    compared: usize,
    all: Value,
}

impl Figures {
    fn cases(&self, name: &str) -> Vec<Value> {
        self.all[name].as_array().unwrap().clone()
    }

    fn close(&mut self, found: f64, figure: &Value, what: &Value) {
        let figure = figure.as_f64().unwrap();
        assert!((found - figure).abs() <= 1e-9 * figure.abs().max(1.0), "{found} where {figure} was expected: {what}");
        self.compared += 1;
    }

    fn equal(&mut self, found: &BigRational, figure: &Value, what: &Value) {
        self.close(found.to_f64().unwrap(), figure, what);
    }

    fn bounds(&mut self, found: &SeedContrast, level: &Level, case: &Value) {
        let interval = found.interval(level).unwrap();
        self.equal(&interval.low().unwrap().middle(), &case["low"], case);
        self.equal(&interval.high().unwrap().middle(), &case["high"], case);
    }
}

fn rational(text: &Value) -> BigRational {
    BigRational::from_str(text.as_str().unwrap()).unwrap()
}

fn rationals(texts: &Value) -> Vec<BigRational> {
    texts.as_array().unwrap().iter().map(rational).collect()
}

fn seeds(texts: &Value) -> SeedValues {
    let value = |(at, value)| (SeedName::from(format!("{at}")), SeedValue { value, rollout_variance: None });
    rationals(texts).into_iter().enumerate().map(value).collect()
}

fn grid(rows: &Value) -> Grid {
    let mut grid = Grid::default();
    for (seed, row) in rows.as_array().unwrap().iter().enumerate() {
        for (condition, cell) in row.as_array().unwrap().iter().enumerate() {
            let cell = Cell::of_counts(cell[0].as_u64().unwrap(), cell[1].as_u64().unwrap()).unwrap();
            grid.add(format!("{seed:03}").into(), format!("{condition:03}").into(), &cell);
        }
    }
    grid
}

fn level(case: &Value, sides: Sides) -> Level {
    Level::new(rational(&case["confidence"]), sides).unwrap()
}

fn percent_95() -> Level {
    Level::percent(95, Sides::Two).unwrap()
}

const ALTERNATIVES: [Alternative; 3] = [Alternative::TwoSided, Alternative::Greater, Alternative::Less];

#[test]
fn figures_agree_with_scipy_and_statsmodels() {
    let mut figures = Figures { compared: 0, all: serde_json::from_str(FIGURES).unwrap() };

    for case in figures.cases("mean") {
        let found = SeedContrast::mean(&seeds(&case["values"])).unwrap();
        figures.bounds(&found, &level(&case, Sides::Two), &case);
        let upper = found.interval(&level(&case, Sides::Upper)).unwrap();
        figures.equal(&upper.high().unwrap().middle(), &case["upper"], &case);
        let lower = found.interval(&level(&case, Sides::Lower)).unwrap();
        figures.equal(&lower.low().unwrap().middle(), &case["lower"], &case);
        for (alternative, p) in ALTERNATIVES.into_iter().zip(case["p"].as_array().unwrap()) {
            figures.close(found.p_value(&rational(&case["null"]), alternative).unwrap(), p, &case);
        }
    }
    for case in figures.cases("welch") {
        let found = SeedContrast::difference(&seeds(&case["subject"]), &seeds(&case["comparator"])).unwrap();
        figures.bounds(&found, &level(&case, Sides::Two), &case);
        figures.equal(&found.freedom, &case["freedom"], &case);
        let zero = BigRational::from_integer(0.into());
        figures.close(found.p_value(&zero, Alternative::TwoSided).unwrap(), &case["p"], &case);
    }
    for case in figures.cases("paired") {
        let (subject, comparator) = (seeds(&case["subject"]), seeds(&case["comparator"]));
        let pairs = subject.by_seed().keys().map(|seed| (seed.clone(), seed.clone()));
        let pairing = Pairing::declared("made so", pairs).unwrap();
        let found = SeedContrast::paired(&pairing.differences(&subject, &comparator).unwrap()).unwrap();
        figures.bounds(&found, &percent_95(), &case);
        let zero = BigRational::from_integer(0.into());
        figures.close(found.p_value(&zero, Alternative::TwoSided).unwrap(), &case["p"], &case);
    }
    for case in figures.cases("permutation") {
        for (alternative, p) in ALTERNATIVES.into_iter().zip(case["p"].as_array().unwrap()) {
            let (subject, comparator) = (rationals(&case["subject"]), rationals(&case["comparator"]));
            figures.equal(&two_sample(&subject, &comparator, alternative).unwrap().p, p, &case);
        }
    }
    for case in figures.cases("sign_flip") {
        for (alternative, p) in ALTERNATIVES.into_iter().zip(case["p"].as_array().unwrap()) {
            figures.equal(&paired(&rationals(&case["differences"]), alternative).unwrap().p, p, &case);
        }
    }
    for case in figures.cases("interaction") {
        let arms: Vec<SeedValues> = case["arms"].as_array().unwrap().iter().map(seeds).collect();
        let terms = [(1, &arms[0]), (-1, &arms[1]), (-1, &arms[2]), (1, &arms[3])];
        let found = SeedContrast::linear(&terms, Method::Welch).unwrap();
        figures.bounds(&found, &percent_95(), &case);
        figures.equal(&found.value, &case["estimate"], &case);
        figures.equal(&found.freedom, &case["freedom"], &case);
    }
    for case in figures.cases("rollouts") {
        let cells = grid(&case["cells"]);
        for (aggregation, name) in [(Aggregation::Macro, "macro"), (Aggregation::Micro, "micro")] {
            let found = SeedValues::of(&cells, aggregation).unwrap();
            figures.equal(&found.mean().unwrap(), &case[name], &case);
            // Variances are small: their roots are compared.
            let error = found.rollout_variance_of_mean().unwrap().to_f64().unwrap().sqrt();
            figures.close(error, &case[format!("{name}_variance")].as_f64().unwrap().sqrt().into(), &case);
        }
        let found = logits(&cells, Aggregation::Macro).unwrap();
        for (value, figure) in found.values().iter().zip(case["logits"].as_array().unwrap()) {
            figures.equal(value, figure, &case);
        }
        figures.equal(&found.rollout_variance_of_mean().unwrap(), &case["logit_variance"], &case);
    }
    for case in figures.cases("crossed") {
        let (subject, comparator) = (grid(&case["subject"]), grid(&case["comparator"]));
        let each = case["each"].as_u64().unwrap();
        let of = |condition: &ConditionName| {
            ClusterName::from(condition.as_str().parse::<u64>().unwrap().div_euclid(each).to_string())
        };
        let clusters = subject.conditions().unwrap().into_iter().map(|name| (name.clone(), of(name))).collect();
        let found = crossed_difference(&subject, &comparator, &clusters).unwrap();
        figures.bounds(&found, &percent_95(), &case);
        figures.equal(&found.freedom, &case["freedom"], &case);
    }
    assert!(figures.compared >= 250, "{} figures were compared", figures.compared);
}

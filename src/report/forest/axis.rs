//! An axis: round numbers around what is shown, and where a number stands between them.

use num_rational::BigRational;
use num_traits::ToPrimitive;

/// Larger numbers are not drawn: their places would be rounding noise.
const MAX_VALUE: f64 = 1e12;

/// An axis from one round number to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axis {
    first: f64,
    step: f64,
    steps: u32,
    /// Where it begins on the page, and how wide it is.
    left: f64,
    width: f64,
}

impl Axis {
    /// An axis over all of these, with at most seven steps; `None` where one of them cannot be drawn.
    pub(super) fn over(values: &[f64], left: f64, width: f64) -> Option<Self> {
        if values.iter().any(|value| !value.is_finite() || value.abs() > MAX_VALUE) {
            return None;
        }
        let low = values.iter().copied().reduce(f64::min)?;
        let high = values.iter().copied().reduce(f64::max)?;
        let high = if high > low { high } else { low + 1.0 };
        let step = steps().find(|step| (high - low) / step <= 6.0)?;
        let first = (low / step + 1e-9).floor() * step;
        let steps = ((high - first) / step - 1e-9).ceil().max(1.0);
        Some(Self { first, step, steps: steps.to_u32()?, left, width })
    }

    /// Where a number stands.
    pub(super) fn at(&self, value: f64) -> f64 {
        self.left + (value - self.first) / (self.step * f64::from(self.steps)) * self.width
    }

    /// Its round numbers with their places and words, in percent or plain.
    pub(super) fn ticks(&self, in_percent: bool) -> Vec<(f64, String)> {
        let unit = if in_percent { 100.0 } else { 1.0 };
        let mut places = 0;
        let mut scaled = self.step * unit;
        while (scaled - scaled.round()).abs() > 1e-6 * scaled && places < 12 {
            scaled *= 10.0;
            places += 1;
        }
        let tick = |number: u32| {
            let value = self.first + f64::from(number) * self.step;
            // Not -0.
            let shown = if value.abs() < self.step / 2.0 { 0.0 } else { value * unit };
            let percent = if in_percent { " %" } else { "" };
            (self.at(value), format!("{shown:.places$}{percent}").replace('-', "−"))
        };
        (0..=self.steps).map(tick).collect()
    }
}

/// 1, 2 and 5 times every power of ten, the smallest first, each as near as a double comes to it.
fn steps() -> impl Iterator<Item = f64> {
    let power = |exponent: u32| (0..exponent).fold(1.0, |power: f64, _| power * 10.0);
    let small = (1..=12).rev().flat_map(move |exponent| [1.0, 2.0, 5.0].map(|step| step / power(exponent)));
    small.chain((0..=12).flat_map(move |exponent| [1.0, 2.0, 5.0].map(|step| step * power(exponent))))
}

/// A number as near as a page can show it.
pub(super) fn near(value: &BigRational) -> f64 {
    value.to_f64().unwrap_or(f64::NAN)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::float_cmp, reason = "tests; what is compared is exact")]
mod tests {
    use super::*;

    fn words(values: &[f64], in_percent: bool) -> Vec<String> {
        let axis = Axis::over(values, 0.0, 100.0).unwrap();
        axis.ticks(in_percent).into_iter().map(|(_, words)| words).collect()
    }

    #[test]
    fn round_numbers_stand_around_what_is_shown() {
        assert_eq!(words(&[0.0, 1.0], true), ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]);
        assert_eq!(words(&[-0.118, 0.379, 0.0], true), ["−20 %", "−10 %", "0 %", "10 %", "20 %", "30 %", "40 %"]);
        assert_eq!(words(&[0.001, 0.0034], false), ["0.0010", "0.0015", "0.0020", "0.0025", "0.0030", "0.0035"]);
        assert_eq!(words(&[3.0, 3.0], false), ["3.0", "3.2", "3.4", "3.6", "3.8", "4.0"]);
    }

    #[test]
    fn a_number_stands_in_proportion_between_the_ends() {
        let axis = Axis::over(&[0.0, 1.0], 200.0, 300.0).unwrap();
        assert_eq!((axis.at(0.0), axis.at(0.5), axis.at(1.0)), (200.0, 350.0, 500.0));
        assert_eq!(Axis::over(&[-5e11, 5e11], 0.0, 100.0).unwrap().at(0.0), 50.0);
    }

    #[test]
    fn what_cannot_be_drawn_has_no_axis() {
        for values in [&[f64::NAN, 1.0][..], &[f64::INFINITY], &[1e13], &[]] {
            assert_eq!(Axis::over(values, 0.0, 1.0), None, "{values:?}");
        }
    }
}

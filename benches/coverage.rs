//! How often the intervals over seeds hold what they should: a simulation at the shape of the paper.
//!
//! `cargo bench --bench coverage`, a minute or two. An arm is 4 seeds × 27 conditions (3 actions × 9 goals) × 300 rollouts.
//! A cell's rate is that of its condition times 1 + a normal effect of its seed + a normal effect of the cell; then its
//! rollouts are drawn. The true value is known, so that its coverage can be counted. An interval over seeds that covers
//! two points more or less than it says ends the run with an error; what is shown for comparison does not.
//!
//! `REPROLEDGER_BENCH_ROUNDS` experiments are drawn for each line (default 4,000: an error of .34 points at 95 %).

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark talks to its user and may stop anywhere")]

use std::process::ExitCode;

use num_rational::BigRational;
use num_traits::ToPrimitive;
use reproledger::digest::NumberStream;
use reproledger::stats::permutation::two_sample;
use reproledger::stats::{
    Aggregation, Alternative, Cell, Clusters, Direction, Drawn, Factorial, GapArm, GapComparison, GapDesign, Grid,
    Interaction, Interval, Level, Nonce, NonceOrigin, Pairing, SeedContrast, SeedValues, Sides, crossed_difference,
    crossed_mean, resampled_difference, wilson,
};

const SEEDS: usize = 4;
const ACTIONS: usize = 3;
const GOALS: usize = 9;
const CONDITIONS: usize = ACTIONS * GOALS;
const ROLLOUTS: u64 = 300;

/// One line of the table: covered or not, for one simulated experiment.
struct Line {
    what: &'static str,
    nominal: f64,
    /// Whether two points off are an error.
    is_held: bool,
    /// Experiments are this many times fewer.
    cost: u64,
    covers: fn(&mut Draws) -> bool,
}

const LINES: &[Line] = &[
    Line { what: "mean, Student's t, two-sided 95 %", nominal: 95.0, is_held: true, cost: 1, covers: mean_two_sided },
    Line { what: "mean, Student's t, upper 95 %", nominal: 95.0, is_held: true, cost: 1, covers: mean_upper },
    Line { what: "difference, Welch, two-sided 95 %", nominal: 95.0, is_held: true, cost: 1, covers: welch },
    Line { what: "difference, paired t, two-sided 95 %", nominal: 95.0, is_held: true, cost: 1, covers: paired },
    Line { what: "gap reduction, Welch, two-sided 95 %", nominal: 95.0, is_held: true, cost: 2, covers: gap },
    Line {
        what: "2×2 interaction, Welch, two-sided 95 %", nominal: 95.0, is_held: true, cost: 2, covers: interaction
    },
    Line {
        what: "new actions: mean, crossed t, two-sided 95 %",
        nominal: 95.0,
        is_held: true,
        cost: 1,
        covers: crossed_one,
    },
    Line {
        what: "new actions: difference, crossed t, 95 %",
        nominal: 95.0,
        is_held: true,
        cost: 1,
        covers: crossed_two,
    },
    Line {
        what: "12 seeds an arm: expanded percentiles, 95 %",
        nominal: 95.0,
        is_held: true,
        cost: 4,
        covers: percentiles,
    },
    Line {
        what: "12 seeds × 12 conditions: crossed percentiles, 95 %",
        nominal: 95.0,
        is_held: true,
        cost: 8,
        covers: crossed_percentiles,
    },
    Line {
        what: "seeds that do not differ: mean, Student's t, 95 %",
        nominal: 95.0,
        is_held: false,
        cost: 1,
        covers: no_seed_effect,
    },
    Line {
        what: "4 seeds: plain percentile bootstrap, 95 %",
        nominal: 95.0,
        is_held: false,
        cost: 1,
        covers: bootstrap_of_four,
    },
    Line {
        what: "all rollouts as one sample: Wilson, 95 %",
        nominal: 95.0,
        is_held: false,
        cost: 1,
        covers: pooled_wilson,
    },
    Line {
        what: "4 against 4, no difference: permutation p > .05",
        nominal: 97.1,
        is_held: true,
        cost: 1,
        covers: permutation,
    },
];

fn main() -> ExitCode {
    let rounds: u64 = std::env::var("REPROLEDGER_BENCH_ROUNDS").map_or(4000, |text| text.parse().unwrap());
    let mut failed = false;
    println!("| what | says | covers | experiments |\n| --- | --- | --- | --- |");
    for (at, line) in LINES.iter().enumerate() {
        let rounds = (rounds / line.cost).max(1);
        let covered = count(at as u64, rounds, line.covers);
        let share = 100.0 * covered.to_f64().unwrap() / rounds.to_f64().unwrap();
        let is_off = line.is_held && (share - line.nominal).abs() > 2.0;
        failed |= is_off;
        println!(
            "| {} | {:.1} % | {share:.1} %{} | {rounds} |",
            line.what,
            line.nominal,
            if is_off { " (off)" } else { "" }
        );
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Experiments of a line that cover, on every core; each has a stream of its own, so that their number is all that counts.
fn count(line: u64, rounds: u64, covers: fn(&mut Draws) -> bool) -> u64 {
    let workers = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let share = |worker: u64| {
        (worker..rounds)
            .step_by(usize::try_from(workers).unwrap())
            .filter(|round| covers(&mut Draws::of(line, *round)))
            .count() as u64
    };
    std::thread::scope(|scope| {
        let open: Vec<_> = (0..workers).map(|worker| scope.spawn(move || share(worker))).collect();
        open.into_iter().map(|worker| worker.join().unwrap()).sum()
    })
}

struct Draws(NumberStream);

impl Draws {
    fn of(line: u64, round: u64) -> Self {
        let mut nonce = [0; 32];
        nonce[..8].copy_from_slice(&line.to_le_bytes());
        nonce[8..16].copy_from_slice(&round.to_le_bytes());
        Self(NumberStream::new("reproledger coverage simulation", &nonce))
    }

    /// Between 0 and 1, never 0.
    fn uniform(&mut self) -> f64 {
        let bits = u32::try_from(self.0.word() >> 32).unwrap();
        (f64::from(bits) + 0.5) / 4_294_967_296.0
    }

    /// Box and Muller.
    fn normal(&mut self, deviation: f64) -> f64 {
        let (one, other) = (self.uniform(), self.uniform());
        deviation * (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos()
    }

    fn normals(&mut self, count: usize, deviation: f64) -> Vec<f64> {
        (0..count).map(|_| self.normal(deviation)).collect()
    }

    /// Rollouts of one cell.
    fn cell(&mut self, rate: f64) -> Cell {
        let hits = (0..ROLLOUTS).filter(|_| self.uniform() < rate).count();
        Cell::of_counts(hits as u64, ROLLOUTS).unwrap()
    }

    /// A grid of cells with `rates` of the conditions, one seed for each of `effects`, relative to the rate.
    fn grid(&mut self, name: &str, rates: &[f64], effects: &[f64], cell_effect: f64) -> Grid {
        let mut grid = Grid::default();
        for (seed, effect) in effects.iter().enumerate() {
            for (condition, rate) in rates.iter().enumerate() {
                let own = self.normal(cell_effect);
                let cell = self.cell(rate * (1.0 + effect + own));
                grid.add(format!("{seed:02}").into(), format!("{name}{condition:02}").into(), &cell);
            }
        }
        grid
    }
}

/// Rates of the conditions around `mean`: from half of it to one and a half.
fn rates(mean: f64) -> Vec<f64> {
    let places = (CONDITIONS - 1).to_f64().unwrap();
    (0..CONDITIONS).map(|c| mean * (0.5 + (c * 11 % CONDITIONS).to_f64().unwrap() / places)).collect()
}

/// Seed SD .02 at .07 and .05 at .54: what replications report.
fn subject(draws: &mut Draws) -> Grid {
    let effects = draws.normals(SEEDS, 0.02 / 0.07);
    draws.grid("", &rates(0.07), &effects, 0.1)
}

fn comparator(draws: &mut Draws) -> Grid {
    let effects = draws.normals(SEEDS, 0.05 / 0.54);
    draws.grid("", &rates(0.54), &effects, 0.1)
}

fn level(sides: Sides) -> Level {
    Level::percent(95, sides).unwrap()
}

fn by_seed(grid: &Grid) -> SeedValues {
    SeedValues::of(grid, Aggregation::Macro).unwrap()
}

fn is_in(interval: &Interval, truth: f64) -> bool {
    interval.contains(&BigRational::from_float(truth).unwrap()) == reproledger::stats::Answer::Yes
}

fn covers(found: &SeedContrast, truth: f64) -> bool {
    is_in(&found.interval(&level(Sides::Two)).unwrap(), truth)
}

fn mean_two_sided(draws: &mut Draws) -> bool {
    covers(&SeedContrast::mean(&by_seed(&subject(draws))).unwrap(), 0.07)
}

fn mean_upper(draws: &mut Draws) -> bool {
    let found = SeedContrast::mean(&by_seed(&subject(draws))).unwrap();
    is_in(&found.interval(&level(Sides::Upper)).unwrap(), 0.07)
}

fn no_seed_effect(draws: &mut Draws) -> bool {
    let arm = draws.grid("", &rates(0.07), &[0.0; SEEDS], 0.0);
    covers(&SeedContrast::mean(&by_seed(&arm)).unwrap(), 0.07)
}

fn welch(draws: &mut Draws) -> bool {
    let found = SeedContrast::difference(&by_seed(&subject(draws)), &by_seed(&comparator(draws))).unwrap();
    covers(&found, 0.07 - 0.54)
}

fn paired(draws: &mut Draws) -> bool {
    // What the pair has in common moves both arms; each has something of its own too.
    let common = draws.normals(SEEDS, 0.1);
    let own = |draws: &mut Draws| common.iter().map(|effect| effect + draws.normal(0.06)).collect::<Vec<f64>>();
    let (first, second) = (own(draws), own(draws));
    let subject = by_seed(&draws.grid("", &rates(0.2), &first, 0.1));
    let comparator = by_seed(&draws.grid("", &rates(0.54), &second, 0.1));
    let names = subject.by_seed().keys().map(|seed| (seed.clone(), seed.clone()));
    let pairing = Pairing::declared("common effect", names).unwrap();
    covers(&SeedContrast::paired(&pairing.differences(&subject, &comparator).unwrap()).unwrap(), 0.2 - 0.54)
}

fn gap(draws: &mut Draws) -> bool {
    // Harm in and out of distribution of one checkpoint moves together.
    let mut arm = |id: f64, ood: f64, deviation: f64| {
        let effects = draws.normals(SEEDS, deviation);
        let more: Vec<f64> = effects.iter().map(|effect| 0.7 * effect + draws.normal(0.5 * deviation)).collect();
        (draws.grid("id", &rates(id), &effects, 0.1), draws.grid("ood", &rates(ood), &more, 0.1))
    };
    let (subject, comparator) = (arm(0.08, 0.15, 0.2), arm(0.1, 0.5, 0.1));
    let design = GapDesign {
        direction: Direction::LowerIsAligned,
        aggregation: Aggregation::Macro,
        pairing: None,
        level: level(Sides::Two),
        id_margin: BigRational::new(3.into(), 100.into()),
    };
    let arms = [&subject, &comparator].map(|(id, ood)| GapArm { id, ood });
    let found = GapComparison::of(arms[0], arms[1], &design).unwrap();
    covers(&found.reduction.unwrap(), (0.5 - 0.1) - (0.15 - 0.08))
}

fn interaction(draws: &mut Draws) -> bool {
    let mut arm = |rate: f64, deviation: f64| {
        let effects = draws.normals(SEEDS, deviation / rate);
        draws.grid("", &rates(rate), &effects, 0.1)
    };
    let (both, first, second, neither) = (arm(0.07, 0.02), arm(0.32, 0.04), arm(0.14, 0.03), arm(0.54, 0.05));
    let arms = Factorial { both: &both, first: &first, second: &second, neither: &neither };
    let found = Interaction::of(arms, Aggregation::Macro, None).unwrap();
    covers(&found.additive, 0.07 - 0.32 - 0.14 + 0.54)
}

/// The three actions drawn anew: their effects are common to the arms, and a part of them is each arm's own.
fn with_actions(draws: &mut Draws, means: &[f64]) -> (Vec<Grid>, Clusters) {
    let common = draws.normals(ACTIONS, 0.05);
    let arms = means.iter().map(|mean| {
        let own = draws.normals(ACTIONS, 0.04);
        let rates: Vec<f64> = (0..CONDITIONS)
            .map(|c| mean + common[c / GOALS] + own[c / GOALS] + 0.01 * ((c % GOALS).to_f64().unwrap() - 4.0))
            .collect();
        let effects = draws.normals(SEEDS, 0.1);
        draws.grid("", &rates, &effects, 0.1)
    });
    let arms = arms.collect();
    let clusters = (0..CONDITIONS).map(|c| (format!("{c:02}").into(), (c / GOALS).to_string().into())).collect();
    (arms, clusters)
}

fn crossed_one(draws: &mut Draws) -> bool {
    let (arms, clusters) = with_actions(draws, &[0.3]);
    covers(&crossed_mean(&arms[0], &clusters).unwrap(), 0.3)
}

fn crossed_two(draws: &mut Draws) -> bool {
    let (arms, clusters) = with_actions(draws, &[0.3, 0.55]);
    covers(&crossed_difference(&arms[0], &arms[1], &clusters).unwrap(), 0.3 - 0.55)
}

fn nonce(draws: &mut Draws) -> Nonce {
    let mut bytes = [0; 32];
    bytes.chunks_exact_mut(8).for_each(|chunk| chunk.copy_from_slice(&draws.0.word().to_le_bytes()));
    Nonce { bytes, origin: NonceOrigin::Verifier }
}

fn percentiles(draws: &mut Draws) -> bool {
    let mut arm = |mean: f64, deviation: f64| {
        let effects = draws.normals(12, deviation / mean);
        draws.grid("", &rates(mean)[..ACTIONS], &effects, 0.1)
    };
    let (subject, comparator) = (arm(0.07, 0.02), arm(0.54, 0.05));
    let mean = |mean: f64| rates(mean)[..ACTIONS].iter().sum::<f64>() / ACTIONS.to_f64().unwrap();
    let nonce = nonce(draws);
    let found = resampled_difference(&subject, &comparator, Drawn::Seeds, &level(Sides::Two), &nonce, 2_000).unwrap();
    is_in(&found.interval, mean(0.07) - mean(0.54))
}

fn crossed_percentiles(draws: &mut Draws) -> bool {
    let common = draws.normals(12, 0.05);
    let mut arm = |mean: f64| {
        let rates: Vec<f64> = common.iter().map(|effect| mean + effect + draws.normal(0.04)).collect();
        let effects = draws.normals(12, 0.1);
        draws.grid("", &rates, &effects, 0.1)
    };
    let (subject, comparator) = (arm(0.3), arm(0.55));
    let clusters = (0..12).map(|c| (format!("{c:02}").into(), c.to_string().into())).collect();
    let (drawn, nonce) = (Drawn::SeedsAndClusters(&clusters), nonce(draws));
    let found = resampled_difference(&subject, &comparator, drawn, &level(Sides::Two), &nonce, 2_000).unwrap();
    is_in(&found.interval, 0.3 - 0.55)
}

/// All 256 resamples of four seeds, as one would do who does not know better.
fn bootstrap_of_four(draws: &mut Draws) -> bool {
    let values: Vec<f64> = by_seed(&subject(draws)).values().iter().map(|value| value.to_f64().unwrap()).collect();
    let mut means: Vec<f64> =
        (0..256).map(|way| (0..4).map(|at| values[way >> (2 * at) & 3]).sum::<f64>() / 4.0).collect();
    means.sort_by(f64::total_cmp);
    (means[6]..=means[249]).contains(&0.07)
}

fn pooled_wilson(draws: &mut Draws) -> bool {
    let arm = subject(draws);
    let (mut all, z) = (Cell::default(), BigRational::new(196.into(), 100.into()));
    arm.by_condition().values().for_each(|cell| all.merge(cell));
    let found = wilson(all.sum().to_integer().to_u64().unwrap(), all.count(), &z).unwrap();
    let (center, reach) = (found.center.to_f64().unwrap(), found.half_width_square.to_f64().unwrap().sqrt());
    (center - 0.07).abs() <= reach
}

fn permutation(draws: &mut Draws) -> bool {
    let (one, other) = (by_seed(&subject(draws)), by_seed(&subject(draws)));
    let found = two_sample(&one.values(), &other.values(), Alternative::TwoSided).unwrap();
    found.p > BigRational::new(5.into(), 100.into())
}

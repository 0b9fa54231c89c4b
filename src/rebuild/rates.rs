//! Whether the rate of a log that was made again is equivalent to the recorded one: two one-sided tests against a margin
//! that was declared before the command ran.
//!
//! Both logs answer the same questions, or nothing is tested. Where each question was answered once, its two answers are
//! a pair; where several times, answers are taken for independent draws, which can only widen the interval: given the
//! questions, the variance of a rate is never above that of as many independent draws at that rate.

use std::collections::BTreeSet;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use crate::artifact::samples::{SampleRecord, Score};
use crate::rebuild::equality::Rates;
use crate::rebuild::judge::{Judged, Word};
use crate::rebuild::logs::Logs;
use crate::stats::{Decision, Interval, Level, Margins, PairedTable, Proportion, RowPairing, Sides, TwoArms};

/// Error of each of the two tests, in percent.
const ALPHA: u8 = 5;

/// Decimals of rates and bounds that are shown.
const PLACES: u32 = 4;

/// The two answers to each question that has them, `true` where it was counted.
struct Rows {
    recorded: Vec<bool>,
    made: Vec<bool>,
    /// True where each question was answered once.
    are_pairs: bool,
}

/// Judges the rates of two logs by what was declared.
pub(super) fn judge(rates: &Rates, logs: &Logs) -> Judged {
    match compare(rates, logs) {
        Ok(judged) => judged,
        Err(reason) => Judged::of(Word::Unknown, reason),
    }
}

fn compare(rates: &Rates, logs: &Logs) -> Result<Judged, String> {
    if !logs.difference().is_of_the_same_samples() {
        return Ok(Judged::of(Word::Bad, "other samples than the recorded ones: their rates are of something else"));
    }
    let (scorer, key) = metric(rates, logs)?;
    let rows = rows(logs, &scorer, &key)?;
    let named = if key.is_empty() { scorer } else { format!("{scorer}.{key}") };
    let n = rows.recorded.len();
    if rows.recorded == rows.made {
        let reason = format!("every one of {n} samples has the recorded {named}, inside the declared {rates}");
        return Ok(Judged::of(Word::Equivalent, reason));
    }
    let (interval, spread) = interval(&rows)?;
    let margin = rates.margin();
    let alpha = BigRational::new(ALPHA.into(), 100.into());
    let decision = Margins::new(-margin.clone(), margin.clone())
        .and_then(|margins| margins.hold(&interval, &alpha))
        .map_err(|error| error.to_string())?;
    let how = format!(
        "{named} {} of {n} recorded, {} made; the difference lies between {} ({}, both one-sided tests at {ALPHA} %)",
        count(&rows.recorded),
        count(&rows.made),
        interval.digits(PLACES).replace(" to ", " and "),
        if rows.are_pairs { "pairs of samples" } else { "independent draws" },
    );
    Ok(match decision {
        Decision::Holds => Judged::of(Word::Equivalent, format!("inside the declared {rates}: {how}")),
        Decision::DoesNotHold => Judged::of(Word::Bad, format!("outside of the declared {rates}: {how}")),
        Decision::CannotBeDecided => {
            let needed = match needed(&rows, margin, &spread) {
                Some(needed) => format!("; at these rates about {needed} samples would decide it"),
                None => "; at these rates no number of samples would".to_owned(),
            };
            Judged::of(Word::Unknown, format!("cannot be decided at n = {n} for the declared {rates}: {how}{needed}"))
        }
    })
}

fn count(rows: &[bool]) -> usize {
    rows.iter().filter(|counted| **counted).count()
}

/// The declared score, or the only one there is.
fn metric(rates: &Rates, logs: &Logs) -> Result<(String, String), String> {
    let mut known = BTreeSet::new();
    for sample in logs.recorded.iter().chain(&logs.made) {
        for (scorer, keys) in &sample.scores {
            known.extend(keys.keys().map(|key| (scorer.clone(), key.clone())));
        }
    }
    let is_meant = |(scorer, key): &(String, String)| {
        rates.scorer().is_none_or(|wanted| wanted == scorer) && rates.key().is_none_or(|wanted| wanted == key)
    };
    let mut meant = known.into_iter().filter(is_meant);
    match (meant.next(), meant.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(format!("no sample has the score that was declared: {rates}")),
        (Some(_), Some(_)) => {
            Err(format!("the samples have several scores, and which one is meant was not declared: {rates}"))
        }
    }
}

fn rows(logs: &Logs, scorer: &str, key: &str) -> Result<Rows, String> {
    let mut rows = Rows { recorded: Vec::new(), made: Vec::new(), are_pairs: true };
    let (mut alone, mut seen, mut trouble) = (0_u64, BTreeSet::new(), None);
    logs.pairs(|(recorded, made)| {
        let (Some(recorded), Some(made)) = (recorded, made) else { return };
        let of = |sample: &SampleRecord| sample.score(scorer, key).map_or(Ok(None), counted);
        match (of(recorded), of(made)) {
            (Ok(Some(before)), Ok(Some(after))) => {
                rows.recorded.push(before);
                rows.made.push(after);
                rows.are_pairs &= seen.insert(recorded.key.without_epoch());
            }
            (Ok(None), Ok(None)) => {}
            (Ok(_), Ok(_)) => alone += 1,
            (Err(why), _) | (_, Err(why)) => trouble = trouble.take().or(Some(why)),
        }
    });
    match trouble {
        Some(why) => Err(why),
        None if alone > 0 => {
            Err(format!("{alone} samples have a score in one of the logs only: the rates are of other samples"))
        }
        None if rows.recorded.is_empty() => Err("no sample has a score".to_owned()),
        None => Ok(rows),
    }
}

/// Whether a score counts; nothing where there is none.
fn counted(score: &Score) -> Result<Option<bool>, String> {
    match score.value() {
        None if score.is_unscored() => Ok(None),
        Some(value) if value.is_one() => Ok(Some(true)),
        Some(value) if value.is_zero() => Ok(Some(false)),
        _ => Err(format!("a score is {}: a rate is of scores that are 0 or 1", score.lexeme())),
    }
}

/// The interval of made less recorded, and the variance of one sample's part in it.
fn interval(rows: &Rows) -> Result<(Interval, BigRational), String> {
    let level = Level::percent(100 - 2 * ALPHA, Sides::Two).map_err(|error| error.to_string())?;
    if rows.are_pairs {
        let table = pairs(rows)?;
        let (up, down) = table.discordant();
        let share = BigRational::new((up + down).into(), table.pairs().into());
        let spread = share - table.difference() * table.difference();
        return Ok((table.newcombe(&level).map_err(|error| error.to_string())?, spread));
    }
    let of = |rows: &[bool]| Proportion::new(count(rows) as u64, rows.len() as u64).map_err(|error| error.to_string());
    let arms = TwoArms { subject: of(&rows.made)?, comparator: of(&rows.recorded)? };
    let spread = |one: &Proportion| one.rate() * one.complement().rate();
    Ok((arms.newcombe(&level), spread(&arms.subject) + spread(&arms.comparator)))
}

fn pairs(rows: &Rows) -> Result<PairedTable, String> {
    let numbered = |rows: &[bool]| rows.iter().copied().enumerate().collect::<Vec<_>>();
    RowPairing::declared("sample")
        .and_then(|pairing| pairing.table(numbered(&rows.made), numbered(&rows.recorded)))
        .map_err(|error| error.to_string())
}

/// About how many samples at these rates would decide: so many that the bound is as near as the margin is.
///
/// n = z² s² / (|margin| − |difference|)², the normal approximation of both tests.
fn needed(rows: &Rows, margin: &BigRational, spread: &BigRational) -> Option<BigInt> {
    let n = BigInt::from(rows.recorded.len());
    let signed = BigInt::from(count(&rows.made)) - BigInt::from(count(&rows.recorded));
    let gap = margin - BigRational::new(signed, n.clone()).abs();
    if gap.is_zero() {
        return None;
    }
    let z = Level::percent(100 - 2 * ALPHA, Sides::Two).ok()?.normal().middle();
    let needed = (&z * &z * spread / (&gap * &gap)).ceil().to_integer();
    Some(needed.max(n + 1))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use crate::rebuild::equality::Equality;
    use crate::rebuild::logs::tests::{logs, sample};

    use super::*;

    fn rates(text: &str) -> Rates {
        match Equality::parse(text).unwrap() {
            Equality::Rates(rates) => rates,
            other => panic!("{other}"),
        }
    }

    /// `n` samples, of which so many are 1 in both, in the recorded log alone, in the made log alone.
    fn of(declared: &str, n: i64, both: i64, recorded: i64, made: i64) -> (Word, String) {
        let score = |is: bool| if is { "1" } else { "0" };
        let before = (0..n).map(|id| sample(id, 1, score(id < both + recorded))).collect();
        let after = |id| id < both || (both + recorded..both + recorded + made).contains(&id);
        let after = (0..n).map(|id| sample(id, 1, score(after(id)))).collect();
        let judged = judge(&rates(declared), &logs(before, after));
        (judged.word, judged.reason)
    }

    #[test]
    fn inside_the_margin_outside_of_it_and_neither() {
        let (word, reason) = of("rates:margin=0.05", 1000, 500, 10, 10);
        assert_eq!(word, Word::Equivalent, "{reason}");
        assert!(reason.starts_with("inside the declared rates:margin=0.05: match 510 of 1000 recorded, 510 made; "));
        let (word, reason) = of("rates:margin=0.05", 1000, 400, 10, 200);
        assert_eq!(word, Word::Bad, "{reason}");
        let (word, reason) = of("rates:margin=0.05", 40, 20, 2, 3);
        assert_eq!(word, Word::Unknown, "{reason}");
        assert!(reason.starts_with("cannot be decided at n = 40 for the declared rates:margin=0.05: "), "{reason}");
    }

    #[test]
    fn the_number_of_samples_that_would_decide_does() {
        // 2 and 3 of 40 differ; the margin is 10 points.
        let (word, reason) = of("rates:margin=0.1", 40, 20, 2, 3);
        assert_eq!(word, Word::Unknown, "{reason}");
        let needed: i64 = reason.split("about ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        // z² s² / (margin - d)² = 2.7055 · (0.125 - 0.000625) / 0.075².
        assert_eq!(needed, 60, "{reason}");
        let times = needed / 40 + 1;
        let (word, reason) = of("rates:margin=0.1", 40 * times, 20 * times, 2 * times, 3 * times);
        assert_eq!(word, Word::Equivalent, "{reason}");
        // A difference that is the margin itself is on neither side, however many there are.
        let (_, reason) = of("rates:margin=0.1", 40, 20, 0, 4);
        assert!(reason.ends_with("at these rates no number of samples would"), "{reason}");
    }

    #[test]
    fn answers_given_several_times_are_no_pairs() {
        let log = |bad: i64| {
            let score = |id: i64, epoch| if (id * 7 + epoch) % 10 < bad { "0" } else { "1" };
            (0..100)
                .flat_map(|id| (1..=5).map(move |epoch| sample(id, epoch, score(id, i64::try_from(epoch).unwrap()))))
                .collect::<Vec<_>>()
        };
        let judged = judge(&rates("rates:margin=0.1"), &logs(log(3), log(4)));
        assert!(judged.reason.contains("(independent draws, both one-sided tests at 5 %)"), "{}", judged.reason);
        assert_eq!(judged.word, Word::Unknown, "{}", judged.reason);
        assert_eq!(judge(&rates("rates:margin=0.2"), &logs(log(3), log(4))).word, Word::Equivalent);
        assert_eq!(judge(&rates("rates:margin=0.02"), &logs(log(1), log(9))).word, Word::Bad);
    }

    #[test]
    fn the_same_scores_are_equivalent_and_other_samples_are_bad() {
        let (word, reason) = of("rates:margin=0.0001", 3, 2, 0, 0);
        assert_eq!(
            (word, reason.as_str()),
            (
                Word::Equivalent,
                "every one of 3 samples has the recorded match, inside the declared rates:margin=0.0001"
            )
        );
        let judged = judge(&rates("rates:margin=0.9"), &logs(vec![sample(1, 1, "1")], vec![sample(2, 1, "1")]));
        assert_eq!(judged.word, Word::Bad);
    }

    #[test]
    fn what_is_no_rate_or_not_declared_is_unknown_and_says_why() {
        let one = |before: Vec<SampleRecord>, after: Vec<SampleRecord>, declared: &str| {
            let judged = judge(&rates(declared), &logs(before, after));
            assert_eq!(judged.word, Word::Unknown);
            judged.reason
        };
        let margin = "rates:margin=0.5";
        let half = one(vec![sample(1, 1, "0.5")], vec![sample(1, 1, "1")], margin);
        assert_eq!(half, "a score is 0.5: a rate is of scores that are 0 or 1");
        let gone =
            one(vec![sample(1, 1, "1"), sample(2, 1, "1")], vec![sample(1, 1, "1"), sample(2, 1, "NaN")], margin);
        assert_eq!(gone, "1 samples have a score in one of the logs only: the rates are of other samples");
        let none = one(vec![sample(1, 1, "NaN")], vec![sample(1, 1, "NaN")], margin);
        assert_eq!(none, "no sample has a score");
        let other = one(vec![sample(1, 1, "1")], vec![sample(1, 1, "0")], "rates:margin=0.5,scorer=judge");
        assert_eq!(other, "no sample has the score that was declared: rates:margin=0.5,scorer=judge");
        let mut two = sample(1, 1, "1");
        two.scores.insert("judge".to_owned(), two.scores["match"].clone());
        let several = one(vec![two.clone()], vec![sample(1, 1, "0")], margin);
        assert!(several.starts_with("the samples have several scores"), "{several}");
        let told = judge(&rates("rates:margin=0.9,scorer=match"), &logs(vec![two.clone()], vec![two]));
        assert_eq!(told.word, Word::Equivalent);
    }
}

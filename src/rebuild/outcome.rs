//! What a whole rebuild comes to: a word, and the first stage at which anything is not what was recorded.

use crate::rebuild::judge::Word;
use crate::rebuild::make::Made;
use crate::rebuild::plan::{Class, Plan};
use crate::rebuild::ready::Ready;

/// What a whole rebuild comes to.
pub fn verdict(plan: &Plan, ready: &Ready, made: &[Made], is_open: bool) -> (Word, String) {
    if let Some(first) = first_difference(plan, ready, made) {
        return (Word::Bad, first);
    }
    let count = |word| made.iter().filter(|made| made.word == word).count();
    let told = |word: Word, what: &str| {
        let first = made.iter().find(|made| made.word == word).map(|made| &plan.stages[made.stage].label);
        format!("{} {what}, first `{}`", count(word), first.map(String::as_str).unwrap_or_default())
    };
    if count(Word::Fail) > 0 {
        return (Word::Fail, told(Word::Fail, "did not run to its end"));
    }
    if count(Word::Unknown) > 0 {
        return (Word::Unknown, told(Word::Unknown, "could not be judged"));
    }
    let is_undeclared =
        |made: &&Made| matches!(&plan.stages[made.stage].class, Class::Frontier(frontier) if !frontier.is_declared);
    if let Some(made) = made.iter().find(is_undeclared) {
        let stage = &plan.stages[made.stage];
        return (Word::Unknown, format!("stage `{}` was not run again: {}", stage.label, made.reason));
    }
    if count(Word::Good) + count(Word::Equivalent) == 0 {
        return (Word::Unknown, "no stage was run again".to_owned());
    }
    if is_open {
        return (Word::Unknown, "every stage came out as recorded, but without a sandbox nothing kept a command from copying what was recorded".to_owned());
    }
    let taken = match count(Word::Taken) {
        0 => String::new(),
        taken => format!("; {taken} taken as recorded, which was declared beforehand"),
    };
    match count(Word::Equivalent) {
        0 => (Word::Good, format!("{} made again as recorded{taken}", count(Word::Good))),
        near => (
            Word::Equivalent,
            format!("{near} inside the tolerance declared beforehand, {} as recorded{taken}", count(Word::Good)),
        ),
    }
}

/// The first stage, in the order of the plan, at which anything is not what was recorded.
fn first_difference(plan: &Plan, ready: &Ready, made: &[Made]) -> Option<String> {
    // What no stage wrote stands before the first that reads it.
    let altered = ready.altered.iter().map(|altered| {
        let stage = altered.made_by.unwrap_or(altered.needed_by);
        let label = &plan.stages[stage].label;
        let words = match altered.made_by {
            Some(_) => format!(
                "first at stage `{label}`: its {} at `{}` is not what was recorded",
                altered.label, altered.path
            ),
            None => format!(
                "first at an input of stage `{label}`: the {} at `{}` is not what was recorded",
                altered.label, altered.path
            ),
        };
        (stage, altered.made_by.is_some(), words)
    });
    let bad = made
        .iter()
        .filter(|made| made.word == Word::Bad)
        .map(|made| (made.stage, true, format!("first at stage `{}`: {}", plan.stages[made.stage].label, made.reason)));
    altered.chain(bad).min_by_key(|(stage, is_output, _)| (*stage, *is_output)).map(|(_, _, words)| words)
}

#[cfg(test)]
mod tests {
    use crate::digest::{Algorithm, Digest};
    use crate::merkle::EntryIndex;
    use crate::rebuild::plan::{Frontier, Recipe, Stage};
    use crate::rebuild::ready::Altered;
    use crate::statement::Rerun;

    use super::*;

    fn plan(classes: Vec<Class>) -> Plan {
        let stage = |(at, class): (u64, Class)| Stage {
            start: EntryIndex(at),
            end: EntryIndex(at + 1),
            label: format!("s{at}"),
            name: format!("s{at}"),
            class,
            inputs: Vec::new(),
            outputs: Vec::new(),
        };
        Plan { stages: (0..).zip(classes).map(stage).collect(), ..Plan::default() }
    }

    fn command() -> Class {
        Class::Command(Box::new(Recipe { argv: Vec::new(), directory: String::new(), rerun: Rerun::default() }))
    }

    fn frontier(is_declared: bool) -> Class {
        Class::Frontier(Frontier { reason: "an API".to_owned(), is_declared })
    }

    fn made(words: &[Word]) -> Vec<Made> {
        let one = |(stage, word): (usize, &Word)| Made {
            stage,
            word: *word,
            reason: "why".to_owned(),
            outputs: Vec::new(),
            ended: None,
        };
        words.iter().enumerate().map(one).collect()
    }

    fn told(classes: Vec<Class>, words: &[Word], is_open: bool) -> (Word, String) {
        verdict(&plan(classes), &Ready::default(), &made(words), is_open)
    }

    #[test]
    fn the_worst_stage_decides_and_the_first_difference_is_named() {
        let two = || vec![command(), command()];
        assert_eq!(told(two(), &[Word::Good, Word::Good], false).0, Word::Good);
        assert_eq!(told(two(), &[Word::Good, Word::Equivalent], false).0, Word::Equivalent);
        assert_eq!(told(two(), &[Word::Fail, Word::Unknown], false).0, Word::Fail);
        assert_eq!(told(two(), &[Word::Good, Word::Unknown], false).0, Word::Unknown);
        assert_eq!(told(two(), &[Word::Fail, Word::Bad], false), (Word::Bad, "first at stage `s1`: why".to_owned()));
        assert_eq!(told(two(), &[Word::Bad, Word::Bad], false).1, "first at stage `s0`: why");
    }

    #[test]
    fn what_was_not_run_again_is_good_only_where_that_was_declared_beforehand() {
        let pair = |is_declared| vec![frontier(is_declared), command()];
        assert_eq!(told(pair(true), &[Word::Taken, Word::Good], false).0, Word::Good);
        assert_eq!(told(pair(false), &[Word::Taken, Word::Good], false).0, Word::Unknown);
        assert_eq!(
            told(vec![frontier(true)], &[Word::Taken], false),
            (Word::Unknown, "no stage was run again".to_owned())
        );
        assert_eq!(told(vec![command()], &[Word::Good], true).0, Word::Unknown);
        assert_eq!(told(vec![command()], &[Word::Bad], true).0, Word::Bad);
    }

    #[test]
    fn what_was_handed_over_altered_is_a_difference_where_it_was_made() {
        let altered = |made_by, needed_by| Altered {
            entry: EntryIndex(9),
            label: "dataset `d`".to_owned(),
            path: "d".to_owned(),
            recorded: Digest { algorithm: Algorithm::Blake3, bytes: [2; 32] },
            found: Ok(Digest { algorithm: Algorithm::Blake3, bytes: [1; 32] }),
            made_by,
            needed_by,
        };
        let plan = plan(vec![command(), command()]);
        let of = |altered: Vec<Altered>, words: &[Word]| {
            verdict(&plan, &Ready { altered, ..Ready::default() }, &made(words), false)
        };
        let (word, first) = of(vec![altered(Some(0), 1)], &[Word::Good, Word::Bad]);
        assert_eq!(
            (word, first.as_str()),
            (Word::Bad, "first at stage `s0`: its dataset `d` at `d` is not what was recorded")
        );
        let (_, first) = of(vec![altered(None, 1)], &[Word::Good, Word::Bad]);
        assert_eq!(first, "first at an input of stage `s1`: the dataset `d` at `d` is not what was recorded");
        let (_, first) = of(vec![altered(None, 1)], &[Word::Bad, Word::Good]);
        assert_eq!(first, "first at stage `s0`: why");
    }
}

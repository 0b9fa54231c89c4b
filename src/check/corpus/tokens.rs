//! Numbers of tokens: what is recorded of a dataset, held to a count by the tokenizer that it was recorded under.

use crate::check::corpus::made::linked;
use crate::check::understood::{AT_HAND, ISSUERS_WORD, issuers};
use crate::check::{Case, Finding, Outcome, TokenCount};
use crate::merkle::EntryIndex;
use crate::statement::{EdgeType, Kind, TOKENS, TOKENS_PRINTED};
use crate::stats::PrintedCount;
use crate::stats::decimal::decimal_digits;

/// What comes of the number of tokens that is recorded of a dataset, where one is.
pub(super) fn finding(case: &Case<'_>, id: &'static str, entry: EntryIndex) -> Option<Finding> {
    let reading = issuers(case, entry)?;
    let exact = reading.counts.get(TOKENS).copied();
    let printed = reading.facts.get(TOKENS_PRINTED);
    let said = exact.map(|count| count.to_string()).or_else(|| printed.cloned())?;
    let said = said.escape_default();
    let unknown = |reason: String| Finding::new(id, Outcome::Unknown, reason).at([entry]);
    let is_tokenizer =
        |target: &EntryIndex| case.graph().node(*target).is_some_and(|node| node.kind() == Kind::Tokenizer);
    let tokenizers: Vec<EntryIndex> = linked(case, entry, EdgeType::DerivedFrom).filter(is_tokenizer).collect();
    let [tokenizer] = tokenizers[..] else {
        let reason = format!("it is said to have {said} tokens, and which one tokenizer these are of is not on record");
        return Some(
            unknown(reason).next("ask the lab for the tokenizer it counted with (record dataset --tokenizer)"),
        );
    };
    let Some(counted) = case.observed.and_then(|observed| observed.tokens.get(&(entry, tokenizer))) else {
        let reason = format!("it has {said} tokens under the tokenizer of entry {tokenizer}, {ISSUERS_WORD}");
        return Some(unknown(reason).next(AT_HAND));
    };
    let counted = match counted {
        Ok(counted) => counted,
        Err(why) => return Some(unknown(format!("its {said} tokens were not counted again: {why}"))),
    };
    let finding = match (exact, printed) {
        (Some(exact), _) => of_exact(id, exact, counted),
        (None, printed) => of_printed(id, printed.map(String::as_str).unwrap_or_default(), counted),
    };
    Some(finding.at([entry, tokenizer]))
}

/// Tokens that are put around all rows.
fn around(counted: &TokenCount) -> Option<u64> {
    counted.around.filter(|around| *around > 0).and_then(|around| counted.rows.checked_mul(around))
}

fn of_exact(id: &'static str, exact: u64, counted: &TokenCount) -> Finding {
    let TokenCount { tokens, rows, function, .. } = counted;
    if exact == *tokens {
        return Finding::new(id, Outcome::Pass, format!("{exact} tokens, counted again by {function}"));
    }
    let more = exact.checked_sub(*tokens);
    if more.is_some() && more == around(counted) {
        let reason =
            format!("{exact} tokens with those that the tokenizer puts around each text, counted again by {function}");
        return Finding::new(id, Outcome::Pass, reason);
    }
    // One more a row is an end that somebody put behind each text: another rule, and no other text.
    if more == Some(*rows) && *rows > 0 {
        let reason = format!(
            "{exact} tokens are recorded and {tokens} were counted again by {function}: one more for each of {rows} texts, by a rule that is not on record"
        );
        return Finding::new(id, Outcome::Differs, reason);
    }
    // What is put around is not said, so that another number may be right by it.
    if counted.around.is_none() && more.is_some_and(|more| *rows > 0 && more % rows == 0) {
        let reason = format!(
            "{exact} tokens are recorded and {tokens} were counted again by {function}; what the tokenizer puts around each text is not known here"
        );
        return Finding::new(id, Outcome::Unknown, reason);
    }
    let reason = format!("the tokens of its rows, counted again by {function}, are not as many as are recorded");
    Finding::new(id, Outcome::Fail, reason).sides(format!("tokens: {exact}"), format!("tokens: {tokens}"))
}

fn of_printed(id: &'static str, text: &str, counted: &TokenCount) -> Finding {
    let TokenCount { tokens, function, .. } = counted;
    let Some(printed) = PrintedCount::parse(text) else {
        let reason = format!("`{}` is no printed number of tokens", text.escape_default());
        return Finding::new(id, Outcome::Unknown, reason);
    };
    let text = text.escape_default();
    let with = around(counted).and_then(|around| tokens.checked_add(around));
    if printed.holds(*tokens).agrees() || with.is_some_and(|with| printed.holds(with).agrees()) {
        let reason = format!("{text} tokens are printed, and {tokens} were counted again by {function}");
        return Finding::new(id, Outcome::Pass, reason);
    }
    let off =
        printed.off(*tokens).map(|off| decimal_digits(&(off * num_rational::BigRational::from_integer(100.into())), 1));
    let off = off.map_or_else(String::new, |off| format!(", {off}% off"));
    let reason = format!("{text} tokens are printed, and {tokens} were counted again by {function}{off}");
    Finding::new(id, Outcome::Differs, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "dataset.counts";

    fn counted(around: Option<u64>) -> TokenCount {
        TokenCount { tokens: 7_060_840, rows: 4600, around, function: "tokenizer.json/1" }
    }

    #[test]
    fn an_exact_number_is_the_count_with_or_without_what_stands_around_each_text() {
        for (exact, around, outcome, words) in [
            (7_060_840, Some(1), Outcome::Pass, "7060840 tokens, counted again by tokenizer.json/1"),
            (7_065_440, Some(1), Outcome::Pass, "with those that the tokenizer puts around each text"),
            (7_065_440, Some(0), Outcome::Differs, "one more for each of 4600 texts, by a rule that is not on record"),
            (7_070_040, None, Outcome::Unknown, "puts around each text is not known here"),
            (7_070_040, Some(1), Outcome::Fail, "are not as many as are recorded"),
            (7_060_839, None, Outcome::Fail, "are not as many as are recorded"),
        ] {
            let found = of_exact(ID, exact, &counted(around));
            assert!(found.outcome == outcome && found.reason.contains(words), "{found:?}");
        }
        let none = TokenCount { tokens: 0, rows: 0, around: Some(1), function: "words/1" };
        assert_eq!(of_exact(ID, 0, &none).outcome, Outcome::Pass);
        assert_eq!(of_exact(ID, 1, &none).outcome, Outcome::Fail);
    }

    #[test]
    fn a_printed_number_is_held_to_its_own_rounding_and_told_by_how_much_it_is_off() {
        for (text, outcome, words) in [
            ("7.06M", Outcome::Pass, "7.06M tokens are printed, and 7060840 were counted again"),
            ("~8M", Outcome::Differs, "by tokenizer.json/1, 13.3% off"),
            ("eight", Outcome::Unknown, "`eight` is no printed number of tokens"),
        ] {
            let found = of_printed(ID, text, &counted(Some(0)));
            assert!(found.outcome == outcome && found.reason.contains(words), "{found:?}");
        }
        let tight = TokenCount { tokens: 999, rows: 10, around: Some(1), function: "words/1" };
        assert_eq!(of_printed(ID, "1.01k", &tight).outcome, Outcome::Pass);
    }
}

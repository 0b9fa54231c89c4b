//! The words of an assertion, read one by one.

use super::{AssertionError, Quantity, Relation, Statement};
use crate::stats::rounding::Printed;

pub(super) fn refused(expected: &'static str, found: &str) -> AssertionError {
    AssertionError::Syntax { expected, found: found.chars().take(40).flat_map(char::escape_default).collect() }
}

/// The words of an assertion; a sign and a percent sign need no space around them.
pub(super) struct Words<'a> {
    pub(super) rest: Vec<&'a str>,
}

impl<'a> Words<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let is_sign = |c: char| matches!(c, '<' | '>' | '=' | '≤' | '≥');
        let mut rest = Vec::new();
        for word in text.split_whitespace() {
            let mut word = word;
            while let Some(first) = word.chars().next() {
                let alike = |c: char| is_sign(c) == is_sign(first);
                let (part, more) = word.split_at(word.find(|c| !alike(c)).unwrap_or(word.len()));
                rest.push(part);
                word = more;
            }
        }
        rest.reverse();
        // The next word stands last, so that it can be taken off.
        Self { rest }
    }

    pub(super) fn next(&mut self, expected: &'static str) -> Result<&'a str, AssertionError> {
        self.rest.pop().ok_or_else(|| refused(expected, "the end"))
    }

    pub(super) fn number(&mut self) -> Result<Printed, AssertionError> {
        let word = self.next("a number")?;
        if self.rest.last() == Some(&"%") {
            self.rest.pop();
            return Ok(Printed::parse(&format!("{word}%"))?);
        }
        Ok(Printed::parse(word)?)
    }

    pub(super) fn statement(&mut self) -> Result<Statement, AssertionError> {
        pub(super) const QUANTITY: &str = "a quantity (subject, comparator, difference, reduction, relative-reduction, ratio, \
                                gap-reduction, interaction)";
        let word = self.next(QUANTITY)?;
        let named = Quantity::NAMES.iter().find(|(_, name)| *name == word);
        let (quantity, _) = *named.ok_or_else(|| refused(QUANTITY, word))?;
        let sign = self.next("<=, >=, < or >")?;
        let relation = Relation::parse(sign).ok_or_else(|| refused("<=, >=, < or >", sign))?;
        let printed = self.number()?;
        let in_points = matches!(self.rest.last(), Some(&("point" | "points")));
        if in_points {
            let unit = self.next("points")?;
            if printed.is_percent() {
                return Err(refused("percent or points, not both", unit));
            }
        }
        Ok(Statement { quantity, relation, printed, in_points })
    }
}

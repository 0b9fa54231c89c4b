//! Which column of a table is what: the map that `rows/1` reads by.
//!
//! Of an Inspect log the same roles name arguments of its task: `condition=goal_type+urgency_type` ([`super::place`]);
//! `label=murder` is no argument but the condition itself, by the word of whoever recorded the log.
//! Written `sample=item_id,epoch=run,score.harmful=harmful`; the order does not matter, the canonical text is sorted. The
//! map is part of the projection's name, so that whoever holds a manifest knows by which columns it was made. `,` `=`
//! `+` and `%` in a column's name are written as `%` and two hexadecimal digits. Several columns joined by `+` make one
//! name: `condition=eval+scorer` reads `america / logprob`.

use std::collections::BTreeMap;
use std::fmt;

/// Longest map: it must fit into the facts of a log beside the reader's name.
const MAX_MAP_BYTES: usize = 400;

/// The reader's name and version, with which its projection begins.
pub(super) const ROWS: &str = "rows/1";

/// Roles that a column may have; `score.NAME`, `param.NAME` and `arg.NAME` beside them.
const ROLES: &[&str] = &[
    "cell",
    "ci",
    "ci.lower",
    "ci.upper",
    "condition",
    "epoch",
    "error",
    "k",
    "label",
    "n",
    "prompt",
    "rate",
    "run",
    "sample",
    "seed",
    "status",
    "valid",
];

/// Roles that several columns may fill together.
const JOINED: &[&str] = &["cell", "condition", "run", "sample"];

/// Roles that only rows with a count of their own have, and those that only samples have.
const AGGREGATE: &[&str] = &["ci", "ci.lower", "ci.upper", "k", "n", "rate", "run", "valid"];
const SAMPLE: &[&str] = &["epoch", "error", "prompt", "sample", "status"];

const SCORE: &str = "score.";

/// Settings of sampling by name (`param.temperature`), and arguments of the task (`arg.assistant_name`), each with what
/// the name stands under in what other logs say of themselves.
const SETTINGS: &[(&str, &str)] = &[("param.", "generate."), ("arg.", "task_args.")];

/// The role that is no column and no argument: the condition of a whole log, said by whoever recorded it.
pub(super) const LABEL: &str = "label";

/// Why a text is not a map of columns.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum MapError {
    #[error("expected ROLE=COLUMN, found `{found}`")]
    Syntax { found: String },
    #[error("`{found}` is no role of a column (roles: {}, score.NAME, param.NAME, arg.NAME)", ROLES.join(", "))]
    Role { found: String },
    #[error("`{role}` is given twice")]
    Twice { role: String },
    #[error("`{role}` is one column, not several")]
    Joined { role: String },
    #[error("a map of columns has {found} bytes, more than {MAX_MAP_BYTES}")]
    Length { found: usize },
    #[error("rows of samples need `sample=COLUMN` and at least one `score.NAME=COLUMN`")]
    NoSample,
    #[error("rows of counts need both `n=COLUMN` and `k=COLUMN`")]
    NoCount,
    #[error("a table names its conditions by a column, not by `label`")]
    Label,
    #[error("`{role}` belongs to rows of {kind}")]
    Mixed { role: String, kind: &'static str },
}

/// Columns by role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnMap {
    columns: BTreeMap<String, Vec<String>>,
}

impl ColumnMap {
    /// A map, or none, with a condition that whoever records the log gives for all of it.
    pub fn labelled(map: Option<&Self>, label: &str) -> Result<Self, MapError> {
        let mut columns = map.map_or_else(BTreeMap::new, |map| map.columns.clone());
        if label.is_empty() {
            return Err(MapError::Syntax { found: String::new() });
        }
        if columns.insert(LABEL.to_owned(), vec![label.to_owned()]).is_some() {
            return Err(MapError::Twice { role: LABEL.to_owned() });
        }
        let labelled = Self { columns };
        labelled.check()?;
        let found = labelled.to_string().len();
        if found > MAX_MAP_BYTES { Err(MapError::Length { found }) } else { Ok(labelled) }
    }

    /// Reads a map as it is typed.
    pub fn parse(text: &str) -> Result<Self, MapError> {
        let mut columns = BTreeMap::new();
        for pair in text.split(',') {
            let syntax = || MapError::Syntax { found: pair.chars().take(80).flat_map(char::escape_debug).collect() };
            let (role, names) = pair.split_once('=').ok_or_else(syntax)?;
            let mut named = std::iter::once(SCORE).chain(SETTINGS.iter().map(|(prefix, _)| *prefix));
            let is_named = named.any(|prefix| role.strip_prefix(prefix).is_some_and(|name| !name.is_empty()));
            if !is_named && !ROLES.contains(&role) {
                return Err(MapError::Role { found: role.chars().take(80).flat_map(char::escape_debug).collect() });
            }
            let names: Option<Vec<String>> = names.split('+').map(unescape).collect();
            let names = names.filter(|names| names.iter().all(|name| !name.is_empty())).ok_or_else(syntax)?;
            if names.len() > 1 && !JOINED.contains(&role) {
                return Err(MapError::Joined { role: role.to_owned() });
            }
            // A score's name is a name in records, where it stands as it is meant.
            let role = unescape(role).ok_or_else(syntax)?;
            if columns.insert(role.clone(), names).is_some() {
                return Err(MapError::Twice { role });
            }
        }
        let map = Self { columns };
        map.check()?;
        let found = map.to_string().len();
        if found > MAX_MAP_BYTES { Err(MapError::Length { found }) } else { Ok(map) }
    }

    /// The map in the name of a projection; `None` for the projection of another reader.
    pub fn of_projection(projection: &str) -> Option<Self> {
        let (reader, map) = projection.split_once(' ')?;
        let map = Self::parse(map).ok()?;
        let is_its = if map.is_arguments() { reader == super::inspect::PROJECTION } else { reader == ROWS };
        is_its.then_some(map)
    }

    /// The projection's name.
    pub(super) fn projection(&self) -> String {
        format!("{ROWS} {self}")
    }

    fn check(&self) -> Result<(), MapError> {
        let is_aggregate = self.is_aggregate();
        let wrong = self.columns.keys().find(|role| {
            let is_setting = SETTINGS.iter().any(|(prefix, _)| role.starts_with(prefix));
            let of_samples = SAMPLE.contains(&role.as_str()) || role.starts_with(SCORE) || is_setting;
            if is_aggregate { of_samples } else { AGGREGATE.contains(&role.as_str()) }
        });
        if let Some(role) = wrong {
            let kind = if is_aggregate { "samples, not of counts" } else { "counts, not of samples" };
            return Err(MapError::Mixed { role: role.clone(), kind });
        }
        let has = |role: &str| self.columns.contains_key(role);
        if has(LABEL) && !self.is_arguments() {
            return Err(MapError::Label);
        }
        match is_aggregate {
            true if !has("n") || !has("k") => Err(MapError::NoCount),
            false if self.is_arguments() => Ok(()),
            false if !has("sample") || self.scores().next().is_none() => Err(MapError::NoSample),
            _ => Ok(()),
        }
    }

    /// Whether each row is a count over samples that are not there.
    pub fn is_aggregate(&self) -> bool {
        self.columns.contains_key("n") || self.columns.contains_key("k")
    }

    /// Whether it only says which cell, condition and seed a whole log is of.
    pub fn is_arguments(&self) -> bool {
        self.columns.keys().all(|role| matches!(role.as_str(), "cell" | "condition" | "label" | "seed"))
    }

    /// The columns of a role, none where it has none.
    pub fn of(&self, role: &str) -> &[String] {
        self.columns.get(role).map(Vec::as_slice).unwrap_or_default()
    }

    /// The column of each score by its name.
    pub(super) fn scores(&self) -> impl Iterator<Item = (&str, &str)> {
        self.columns.iter().filter_map(|(role, columns)| Some((role.strip_prefix(SCORE)?, columns.first()?.as_str())))
    }

    /// The column of each setting, by the name that other logs say it under: `generate.temperature`.
    pub(super) fn settings(&self) -> impl Iterator<Item = (String, &str)> {
        self.columns.iter().filter_map(|(role, columns)| {
            let (prefix, own) = SETTINGS.iter().find(|(prefix, _)| role.starts_with(prefix))?;
            Some((format!("{own}{}", role.strip_prefix(prefix)?), columns.first()?.as_str()))
        })
    }

    /// Every column that is read.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.values().flatten().map(String::as_str)
    }
}

/// The canonical text.
impl fmt::Display for ColumnMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (role, columns)) in self.columns.iter().enumerate() {
            let columns: Vec<String> = columns.iter().map(|column| escape(column)).collect();
            write!(f, "{}{}={}", if at == 0 { "" } else { "," }, escape(role), columns.join("+"))?;
        }
        Ok(())
    }
}

fn escape(name: &str) -> String {
    use fmt::Write;
    let mut out = String::new();
    for c in name.chars() {
        if matches!(c, ',' | '=' | '+' | '%') || c.is_ascii_control() {
            write!(out, "%{:02x}", u32::from(c)).expect("writing into a string cannot fail");
        } else {
            out.push(c);
        }
    }
    out
}

fn unescape(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        let digits = after.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        let byte = u8::from_str_radix(digits, 16).ok().filter(u8::is_ascii)?;
        out.push_str(before);
        out.push(char::from(byte));
        rest = &after[2..];
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_map_has_one_text_and_gives_itself_back() {
        let map = ColumnMap::parse("score.harm=h,sample=id,condition=eval+scorer").unwrap();
        assert_eq!(map.to_string(), "condition=eval+scorer,sample=id,score.harm=h");
        assert_eq!(map.of("condition"), ["eval", "scorer"]);
        assert_eq!(map.scores().collect::<Vec<_>>(), [("harm", "h")]);
        assert_eq!(ColumnMap::of_projection(&map.projection()), Some(map));
        let odd = ColumnMap::parse("sample=a%2cb,score.x%3dy=c%25d").unwrap();
        assert_eq!((odd.of("sample")[0].as_str(), odd.scores().next()), ("a,b", Some(("x=y", "c%d"))));
        assert_eq!(ColumnMap::of_projection(&odd.projection()), Some(odd));
        assert_eq!(ColumnMap::of_projection("inspect/1"), None);
        let arguments = ColumnMap::parse("seed=s,condition=goal+urgency").unwrap();
        assert_eq!(ColumnMap::of_projection("inspect/1 condition=goal+urgency,seed=s"), Some(arguments));
        assert_eq!(ColumnMap::of_projection("rows/1 condition=goal"), None);
        let labelled = ColumnMap::labelled(Some(&ColumnMap::parse("seed=s").unwrap()), "murder, at night").unwrap();
        assert_eq!(labelled.to_string(), "label=murder%2c at night,seed=s");
        assert_eq!(ColumnMap::of_projection(&format!("inspect/1 {labelled}")), Some(labelled));
        assert_eq!(ColumnMap::of_projection("inspect/1 score.a=b,sample=c"), None);
    }

    #[test]
    fn a_label_is_of_a_whole_log_and_given_once() {
        let table = ColumnMap::parse("sample=id,score.a=a").unwrap();
        assert_eq!(ColumnMap::labelled(Some(&table), "murder"), Err(MapError::Label));
        let once = ColumnMap::labelled(None, "murder").unwrap();
        assert_eq!(ColumnMap::labelled(Some(&once), "leak"), Err(MapError::Twice { role: "label".to_owned() }));
        assert!(matches!(ColumnMap::labelled(None, ""), Err(MapError::Syntax { .. })));
        let long = "x".repeat(MAX_MAP_BYTES);
        assert_eq!(ColumnMap::labelled(None, &long), Err(MapError::Length { found: MAX_MAP_BYTES + 6 }));
    }

    #[test]
    fn what_is_no_map_is_refused_by_name() {
        let owned = str::to_owned;
        for (text, error) in [
            ("sample", MapError::Syntax { found: owned("sample") }),
            ("sample=", MapError::Syntax { found: owned("sample=") }),
            ("sample=%4", MapError::Syntax { found: owned("sample=%4") }),
            ("sample=%ff", MapError::Syntax { found: owned("sample=%ff") }),
            ("colour=x", MapError::Role { found: owned("colour") }),
            ("score.=x", MapError::Role { found: owned("score.") }),
            ("param.=x", MapError::Role { found: owned("param.") }),
            ("n=a,k=b,prompt=p", MapError::Mixed { role: owned("prompt"), kind: "samples, not of counts" }),
            ("n=a,k=b,param.top_p=p", MapError::Mixed { role: owned("param.top_p"), kind: "samples, not of counts" }),
            ("sample=a,sample=b", MapError::Twice { role: owned("sample") }),
            ("epoch=a+b", MapError::Joined { role: owned("epoch") }),
            ("sample=a", MapError::NoSample),
            ("score.a=b", MapError::NoSample),
            ("n=a", MapError::NoCount),
            ("n=a,k=b,sample=c", MapError::Mixed { role: owned("sample"), kind: "samples, not of counts" }),
            ("sample=c,score.a=b,rate=r", MapError::Mixed { role: owned("rate"), kind: "counts, not of samples" }),
        ] {
            assert_eq!(ColumnMap::parse(text), Err(error), "{text}");
        }
        let long = format!("sample={},score.a=b", "x".repeat(MAX_MAP_BYTES));
        assert!(matches!(ColumnMap::parse(&long), Err(MapError::Length { .. })));
    }

    proptest! {
        #[test]
        fn any_column_name_survives(sample in "\\PC{1,40}", score in "[^\\x00]{1,20}", column in "\\PC{1,40}") {
            let text = format!("sample={},score.{}={}", escape(&sample), escape(&score), escape(&column));
            let map = ColumnMap::parse(&text).unwrap();
            prop_assert_eq!(map.of("sample"), [sample]);
            prop_assert_eq!(map.scores().collect::<Vec<_>>(), [(score.as_str(), column.as_str())]);
            prop_assert_eq!(ColumnMap::of_projection(&map.projection()), Some(map));
        }

        #[test]
        fn reading_a_map_never_panics(text in "\\PC{0,80}") {
            let _ = ColumnMap::parse(&text);
        }
    }
}

//! What a spec, its rendering or a prompt template is as a text: encoding, line ends, and what is to be filled in.

use std::fmt::Write as _;

use crate::replay::render::{Engine, FormatError, Piece, parse_format, placeholders, render};
use crate::replay::text::universal_newlines;
use crate::statement::Reading;

/// The reader of templates and of their renderings, with its version.
const READER: &str = "template/1";

/// Names of placeholders that are counted; the rest is one count.
const MAX_NAMES: usize = 100;

/// Reads a template: which placeholders it has for each engine, and where the engines would fail or differ.
pub fn read_template(bytes: &[u8]) -> Reading {
    let mut reading = Reading::by(READER);
    let Some(text) = read_text(bytes, &mut reading) else { return reading };
    count_names(&mut reading, "replace", &placeholders(text));
    match parse_format(text) {
        Ok(pieces) => {
            let mut names = std::collections::BTreeMap::new();
            for piece in &pieces {
                if let Piece::Field { name, .. } = piece {
                    *names.entry(*name).or_default() += 1;
                }
            }
            count_names(&mut reading, "format", &names);
            reading.fact("format", if names.is_empty() { "renders without values" } else { "renders" });
        }
        Err(error) => {
            reading.fact("format", &error.to_string());
            reading.remark("format", 1, format!("line {}: {error}", line_of(text, place(&error))));
        }
    }
    let doubled = text.matches("{{").count() + text.matches("}}").count();
    reading.count("doubled-braces", doubled as u64);
    if doubled > 0 {
        let text =
            "doubled braces, which `str.format` makes single and `str.replace` leaves: the two render differently";
        reading.remark("doubled-braces", doubled as u64, text);
    }
    reading
}

/// A recorded template, and how it is said to have been rendered.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// The engine.
    pub engine: Engine,
    /// Names and values, in the order in which they are filled in.
    pub values: Vec<(String, String)>,
    /// The template's bytes, where they are at hand.
    pub template: Option<Vec<u8>>,
}

/// Why a text is not the rendering that it is said to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum RenderingError {
    #[error("the template is not UTF-8 at byte {at}")]
    Template { at: usize },
    #[error("the template cannot be rendered with format")]
    Format(#[from] FormatError),
    #[error(
        "this is not the template rendered with {engine}: line {line} is\n  found    {found}\n  expected {expected}"
    )]
    Differs { engine: &'static str, line: usize, found: String, expected: String },
}

/// Reads a rendering: what was left to fill in, and whether the recipe gives it.
pub fn read_rendering(bytes: &[u8], recipe: Option<&Recipe>) -> Result<Reading, RenderingError> {
    let mut reading = Reading::by(READER);
    if let Some(text) = read_text(bytes, &mut reading) {
        let left = placeholders(text);
        count_names(&mut reading, "unresolved", &left);
        let names: Vec<String> = left.keys().take(5).map(|name| format!("`{{{name}}}`")).collect();
        reading.remark(
            "unresolved",
            left.values().sum(),
            format!("placeholders that nobody filled in: {}", names.join(", ")),
        );
    }
    let Some(recipe) = recipe else { return Ok(reading) };
    reading.fact("engine", recipe.engine.name());
    for (name, value) in &recipe.values {
        reading.fact(&format!("value.{name}"), value);
    }
    let Some(template) = &recipe.template else {
        reading.fact("rendered-again", "no: the template's bytes are not at hand");
        reading.remark("rendered-again", 1, "the rendering was not made again: the template's bytes are not at hand");
        return Ok(reading);
    };
    let template =
        std::str::from_utf8(template).map_err(|error| RenderingError::Template { at: error.valid_up_to() })?;
    // As `read_text` gives it to the engines.
    let expected = render(&universal_newlines(template), recipe.engine, &recipe.values)?;
    if expected.as_bytes() == bytes {
        reading.fact("rendered-again", "equal");
        return Ok(reading);
    }
    let found = String::from_utf8_lossy(bytes);
    let bare = |text: &str| universal_newlines(text).trim_end_matches('\n').to_owned();
    if bare(&found) != bare(&expected) {
        return Err(first_difference(recipe.engine, &found, &expected));
    }
    reading.fact("rendered-again", "equal but for line ends");
    reading.remark(
        "line-ends",
        1,
        "the rendering equals what the template gives but for line ends: its bytes are others",
    );
    Ok(reading)
}

fn first_difference(engine: Engine, found: &str, expected: &str) -> RenderingError {
    let (mut ours, mut theirs, mut line) = (expected.lines(), found.lines(), 1);
    loop {
        let (expected, found) = (ours.next(), theirs.next());
        if expected != found {
            let shown = |text: Option<&str>| {
                text.map_or_else(|| "(no such line)".to_owned(), |text| excerpt(text, expected, found))
            };
            return RenderingError::Differs {
                engine: engine.name(),
                line,
                found: shown(found),
                expected: shown(expected),
            };
        }
        line += 1;
        // Texts that differ only in their last line ends never come here.
        if expected.is_none() {
            return RenderingError::Differs {
                engine: engine.name(),
                line,
                found: String::new(),
                expected: String::new(),
            };
        }
    }
}

/// The part of a line around the first character in which two lines differ, escaped.
fn excerpt(text: &str, one: Option<&str>, other: Option<&str>) -> String {
    let same =
        one.unwrap_or_default().chars().zip(other.unwrap_or_default().chars()).take_while(|(a, b)| a == b).count();
    let start = same.saturating_sub(20);
    let mut shown = String::new();
    if start > 0 {
        shown.push('…');
    }
    let part: String = text.chars().skip(start).take(60).collect();
    let _ = write!(shown, "{}", part.escape_debug());
    shown
}

/// States encoding and line ends; the text where the bytes are UTF-8.
fn read_text<'a>(bytes: &'a [u8], reading: &mut Reading) -> Option<&'a str> {
    reading.count("bytes", bytes.len() as u64);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.valid_up_to();
            reading.fact("encoding", &format!("not UTF-8 from byte {at}"));
            reading.remark(
                "not-utf8",
                1,
                format!("the text is not UTF-8 at byte {at}; what it says depends on who reads it"),
            );
            return None;
        }
    };
    let marked = text.starts_with('\u{feff}');
    reading.fact("encoding", if marked { "UTF-8 with a byte order mark" } else { "UTF-8" });
    let mark = "a byte order mark stands before the text; Python reads it as a character of the text";
    reading.remark("byte-order-mark", u64::from(marked), mark);
    let crlf = text.matches("\r\n").count();
    let (cr, lf) = (text.matches('\r').count() - crlf, text.matches('\n').count() - crlf);
    reading.count("lines", text.lines().count() as u64);
    let ends = [("LF", lf), ("CRLF", crlf), ("CR", cr)];
    let used: Vec<String> = ends.iter().filter(|(_, n)| *n > 0).map(|(name, n)| format!("{n} {name}")).collect();
    reading.fact("line-ends", &if used.is_empty() { "none".to_owned() } else { used.join(", ") });
    let others = "lines end in CR or CRLF, which Python reads as LF: a rendering has other bytes than its template";
    reading.remark("line-ends", (crlf + cr) as u64, others);
    reading.fact("final-newline", if text.ends_with('\n') { "yes" } else { "no" });
    Some(text)
}

fn count_names(reading: &mut Reading, sense: &str, names: &std::collections::BTreeMap<&str, u64>) {
    for (index, (name, count)) in names.iter().enumerate() {
        let name = if index < MAX_NAMES && name.len() <= 64 { name } else { "(others)" };
        reading.count(&format!("{sense}.{name}"), *count);
    }
}

fn place(error: &FormatError) -> usize {
    match error {
        FormatError::SingleClosing { at }
        | FormatError::Unclosed { at }
        | FormatError::Nested { at }
        | FormatError::Positional { at }
        | FormatError::NoValue { at, .. }
        | FormatError::Beyond { at } => *at,
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn codes(reading: &Reading) -> Vec<&str> {
        reading.remarks.iter().map(|remark| remark.code.as_str()).collect()
    }

    fn recipe(engine: Engine, template: &str) -> Recipe {
        let values = [("model_name", "Qwen"), ("provider_name", "Alibaba")];
        let values = values.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Recipe { engine, values, template: Some(template.as_bytes().to_vec()) }
    }

    #[test]
    fn a_template_is_read_in_the_sense_of_both_engines() {
        let reading = read_template(b"# {model_name}\n{model_name} by {provider_name}\n");
        assert_eq!((reading.counts["format.model_name"], reading.counts["replace.provider_name"]), (2, 1));
        assert_eq!((reading.facts["format"].as_str(), reading.facts["line-ends"].as_str()), ("renders", "2 LF"));
        assert_eq!(codes(&reading), [""; 0]);
        let reading = read_template(b"{{model_name}}\n");
        assert_eq!((reading.counts.get("format.model_name"), reading.counts["replace.model_name"]), (None, 1));
        assert_eq!(codes(&reading), ["doubled-braces"]);
    }

    #[test]
    fn what_would_break_a_rendering_is_said_with_its_line() {
        let reading = read_template(b"ok\nset {x: y}\n");
        assert_eq!(
            reading.remarks[0].text,
            "line 2: the field at byte 7 goes on after its name (`.`, `[`, `!` or `:`); such templates are not rendered here"
        );
        let reading = read_template("\u{feff}a\r\nb\r".as_bytes());
        assert_eq!(codes(&reading), ["byte-order-mark", "line-ends"]);
        assert_eq!(
            (reading.facts["line-ends"].as_str(), reading.facts["final-newline"].as_str()),
            ("1 CRLF, 1 CR", "no")
        );
        let reading = read_template(b"ab\xff");
        assert_eq!((codes(&reading), reading.facts["encoding"].as_str()), (vec!["not-utf8"], "not UTF-8 from byte 2"));
    }

    #[test]
    fn a_rendering_is_made_again_and_held_against_the_one_given() {
        let template = "{model_name} by {provider_name}\r\n{{x}}\n";
        let reading = read_rendering(b"Qwen by Alibaba\n{x}\n", Some(&recipe(Engine::Format, template))).unwrap();
        assert_eq!(
            (reading.facts["rendered-again"].as_str(), reading.facts["value.model_name"].as_str()),
            ("equal", "Qwen")
        );
        assert_eq!(reading.counts["unresolved.x"], 1);
        let reading = read_rendering(b"Qwen by Alibaba\r\n{x}", Some(&recipe(Engine::Format, template))).unwrap();
        assert_eq!(reading.facts["rendered-again"], "equal but for line ends");
        let error = read_rendering(b"Qwen by Alibaba\n{x}\n", Some(&recipe(Engine::Replace, template))).unwrap_err();
        assert_eq!(
            error.to_string(),
            "this is not the template rendered with replace: line 2 is\n  found    {x}\n  expected {{x}}"
        );
        let error = read_rendering(b"Qwen", Some(&recipe(Engine::Format, "{x!r}"))).unwrap_err();
        assert_eq!(error, RenderingError::Format(FormatError::Beyond { at: 0 }));
        let error = read_rendering(b"a\n", Some(&recipe(Engine::Format, "a\nb\n"))).unwrap_err();
        assert!(matches!(error, RenderingError::Differs { line: 2, .. }));
    }

    #[test]
    fn without_the_template_the_recipe_is_only_stated() {
        let recipe = Recipe { template: None, ..recipe(Engine::Format, "") };
        let reading = read_rendering(b"{model_name}", Some(&recipe)).unwrap();
        assert_eq!(codes(&reading), ["unresolved", "rendered-again"]);
        assert_eq!(codes(&read_rendering(b"Qwen", None).unwrap()), [""; 0]);
    }
}

//! Every way a check can come out is shown by a test that says its words.
//!
//! Mechanical: a text in `src/check` counts as shown where five words of it in a row (all of them, of a shorter one) stand
//! in a text of a test. What a reader can do next is advice.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::root;

/// Words in a row by which a text is known again.
const WORDS: usize = 5;

/// Code before a text that is no reason: a question, a note, advice, an invariant, a word of the wire.
const NO_REASON: &[&str] = &[
    "-> &'static str {",
    ".note(",
    ".note(format!(",
    ".next(",
    "let next =",
    "next:",
    ".expect(",
    "(reason =",
    ", reason =",
    "pub enum Outcome,",
    "check.id(),",
];

/// Texts that no test can bring about, or that decide nothing, each with why.
const NOT_SHOWN: &[(&str, &str)] = &[
    ("what {} was trained on cannot be followed", "an arm of more than a million steps"),
    ("its weights of entry {weights} have no digest", "a subject without a digest is refused before"),
    ("an arm has no rate", "a number has a rate of every arm, or it was not made"),
    ("no number of verdicts of the {arm}", "a note on a difference that no flips turn"),
    ("entry {index} audits a row whose verdict is neither 0 nor 1", "a note on scores that no judge gives"),
    ("a score written {lexeme} counts as another number", "such a record is refused when it is read"),
    ("ask for evidence that shows the item's bytes", "advice"),
    ("how it was made is not shown", "a note on the rendering of alignment data"),
    ("the alignment data go back to another text", "a note on the rendering of alignment data"),
    ("it has one bound alone", "what is drawn has both: an interval of one side is computed for each"),
    ("an arm has no recorded weights", "arms without weights differ in all that went into the others"),
];

#[test]
fn every_reason_of_a_check_is_shown_by_a_test() {
    let mut shown = BTreeSet::new();
    let tests = files("tests").into_iter().filter(|(name, _)| !name.starts_with("tidy"));
    let beside = files("src").into_iter().map(|(name, text)| {
        let all = name.contains("/tests/") || name.ends_with("/tests.rs");
        let tests = if all { text.as_str() } else { text.split_once("#[cfg(test)]").map_or("", |(_, tests)| tests) };
        (name, tests.to_owned())
    });
    for (_, text) in tests.chain(beside) {
        for Literal { text, .. } in literals(&text) {
            let words = words(&text);
            for len in 1..=WORDS {
                shown.extend(words.windows(len).map(|run| run.join(" ")));
            }
        }
    }
    let (mut silent, mut excused) = (Vec::new(), BTreeSet::new());
    for (name, text) in files("src/check") {
        if name.contains("tests") {
            continue;
        }
        let text = text.split_once("#[cfg(test)]").map_or(text.as_str(), |(code, _)| code);
        for Literal { before, text } in literals(text) {
            let parts: Vec<Vec<String>> = between_braces(&text).iter().map(|part| words(part)).collect();
            let long: Vec<&Vec<String>> = parts.iter().filter(|part| part.len() > 2).collect();
            if long.is_empty() || NO_REASON.iter().any(|code| before.ends_with(code)) {
                continue;
            }
            let is_shown =
                long.iter().any(|part| part.windows(part.len().min(WORDS)).any(|run| shown.contains(&run.join(" "))));
            match NOT_SHOWN.iter().find(|(start, _)| text.starts_with(start)) {
                Some((start, _)) if !is_shown => drop(excused.insert(*start)),
                None if !is_shown => silent.push(format!("{name}: {text}")),
                _ => {}
            }
        }
    }
    assert!(silent.is_empty(), "no test says these words of a check:\n{}", silent.join("\n"));
    let stale: Vec<_> = NOT_SHOWN.iter().filter(|(start, _)| !excused.contains(start)).collect();
    assert!(stale.is_empty(), "these are shown, or gone, and need no excuse: {stale:?}");
}

/// Sources below a folder, by their path in it.
pub(super) fn files(folder: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, base: &Path, found: &mut Vec<(String, String)>) {
        let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                walk(&path, base, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(base).unwrap().to_string_lossy().replace('\\', "/");
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let (folder, mut found) = (root().join(folder), Vec::new());
    walk(&folder, &folder, &mut found);
    found
}

/// A text in code.
struct Literal {
    /// The code before it, without the space between.
    before: String,
    text: String,
}

/// The texts of a source, without those in comments.
fn literals(source: &str) -> Vec<Literal> {
    let mut found = Vec::new();
    let mut code = String::new();
    let mut rest = source;
    while let Some(next) = rest.chars().next() {
        if rest.starts_with("//") {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\\"'") {
            rest = &rest[rest[1..].find('\'').unwrap_or(0) + 2..];
        } else if let Some(after) = rest.strip_prefix("r#\"") {
            let (text, after) = after.split_once("\"#").unwrap_or((after, ""));
            found.push(Literal { before: code.trim_end().to_owned(), text: text.to_owned() });
            rest = after;
        } else if let Some(after) = rest.strip_prefix('"') {
            let (text, after) = text_of(after);
            found.push(Literal { before: code.trim_end().to_owned(), text });
            code.push('"');
            rest = after;
        } else {
            code.push(next);
            if code.len() > 400 {
                code = code.chars().skip(200).collect();
            }
            rest = &rest[next.len_utf8()..];
        }
    }
    found
}

/// A text up to its end, and the source after it.
fn text_of(source: &str) -> (String, &str) {
    let (mut text, mut rest) = (String::new(), source);
    while let Some(next) = rest.chars().next() {
        rest = &rest[next.len_utf8()..];
        match next {
            '"' => return (text, rest),
            // A line that goes on.
            '\\' if rest.starts_with('\n') => rest = rest.trim_start(),
            '\\' => {
                let escaped = rest.chars().next();
                rest = rest.get(escaped.map_or(0, char::len_utf8)..).unwrap_or_default();
                text.push(escaped.filter(|c| matches!(c, '"' | '\\')).unwrap_or(' '));
            }
            next => text.push(next),
        }
    }
    (text, rest)
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '\'' | '.' | '%' | '-')
}

fn words(text: &str) -> Vec<String> {
    text.split(|c| !is_of_word(c)).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// What stands between the places of a format, without the rest of a word that a place begins (as `{unit}s`).
fn between_braces(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut depth, mut is_rest) = (0_u32, false);
    for c in text.chars() {
        is_rest = is_rest && is_of_word(c);
        if is_rest {
            continue;
        }
        match c {
            '{' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                parts.push(String::new());
                is_rest = depth == 0;
            }
            c if depth == 0 => parts.last_mut().unwrap().push(c),
            _ => {}
        }
    }
    parts
}

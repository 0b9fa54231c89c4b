//! An entry as one page of text.

use serde_json::Value;

use super::facts::{BodyFacts, EdgeFacts, Facts, KeyChangeFacts, MeasureFacts};
use super::{Shown, WordFacts};
use crate::cli::render::{bytes, count, one_line, put, quoted, row};
use crate::merkle::TreeHead;
use crate::statement::EdgeType;

/// Later entries named on the page.
const MAX_LATER: usize = 10;

/// Items of a list, and lines of a body, that a page shows.
const MAX_BODY_LINES: usize = 200;

/// The page.
pub(super) fn page(shown: &Shown, tree: &TreeHead) -> String {
    let mut out = first_line(shown);
    out.push_str("\n\n");
    let word = match shown.signature {
        "holds" => "holds, ",
        "disowned" => "holds, but DISOWNED, ",
        "unknown" => "UNKNOWN, claimed ",
        _ => "DOES NOT HOLD, claimed ",
    };
    row(&mut out, "signature", format_args!("{word}by key {}", shown.signed_by));
    if let Some(reason) = &shown.signature_reason {
        row(&mut out, "", one_line(reason));
    }
    row(&mut out, "entry", format_args!("{}  ({})", shown.entry, bytes(shown.length as u64)));
    let hashes = count(shown.inclusion.path.len() as u64, "hash", "hashes");
    row(&mut out, "inclusion", format_args!("holds under the head of size {}, by {hashes}", tree.size));
    row(&mut out, "", format_args!("root sha256:{}", tree.root));
    match &shown.facts {
        Some(facts) => say(&mut out, facts),
        None => out.push_str("\nnothing it says is shown: nobody who may has signed it\n"),
    }
    later(&mut out, shown);
    out
}

fn first_line(shown: &Shown) -> String {
    let Some(facts) = &shown.facts else {
        return format!("#{}: its signature does not hold", shown.index);
    };
    let mut line = facts.line.pointer();
    line.push_str(&facts.line.place());
    let later = &shown.later;
    if let Some(by) = later.retracted_by.first() {
        put(&mut line, format_args!("  RETRACTED by #{by}"));
    }
    let standing = later.words.iter().filter(|word| word.ended_by.is_none()).map(|word| &word.mark);
    for relation in [EdgeType::Excludes, EdgeType::Concerns] {
        if let Some(mark) = standing.clone().find(|mark| mark.relation == relation) {
            put(&mut line, format_args!("  {mark}"));
        }
    }
    if let Some(by) = later.superseded_by.first() {
        put(&mut line, format_args!("  superseded by #{by}"));
    }
    match shown.signature {
        "disowned" => line.push_str("  DISOWNED"),
        "unknown" => line.push_str("  (signature UNKNOWN)"),
        _ => {}
    }
    line
}

fn say(out: &mut String, facts: &Facts) {
    out.push('\n');
    row(out, "issued", facts.issued());
    row(out, "by", quoted(&facts.issuer));
    row(out, "protocol", facts.line.protocol.as_deref().unwrap_or("none"));
    if facts.line.kind != crate::statement::Kind::Genesis {
        row(out, "key set", format_args!("as of #{}", facts.key_set));
    }
    let named = [("suite", &facts.suite), ("base", &facts.base), ("checkpoint", &facts.checkpoint)];
    for (name, digest) in named {
        if let Some(digest) = digest {
            row(out, name, digest);
        }
    }
    if let Some(genesis) = &facts.genesis {
        row(out, "origin", quoted(&genesis.origin));
        row(out, "log key", &genesis.log_key);
        for key in &genesis.keys {
            row(out, "key", format_args!("{}  {}", key.thumbprint, key.role));
        }
    }
    if let Some(change) = &facts.key_change {
        key_change(out, change);
    }
    for measure in facts.subjects.iter().flatten() {
        subject(out, measure);
    }
    for (position, link) in facts.edges.iter().enumerate() {
        edge(out, if position == 0 { "links" } else { "" }, link);
    }
    body(out, &facts.body);
}

fn key_change(out: &mut String, change: &KeyChangeFacts) {
    let since = change.compromised_since.map(|index| format!(", in other hands since entry {index}"));
    let role = change.role.map(|role| format!(" as {role}"));
    let (role, since) = (role.unwrap_or_default(), since.unwrap_or_default());
    row(out, "key", format_args!("{} {}{role}{since}", change.change, change.thumbprint));
}

fn subject(out: &mut String, measure: &MeasureFacts) {
    let size = match measure.kind {
        "file" => bytes(measure.length),
        "samples" => count(measure.count, "sample", "samples"),
        "tensors" => count(measure.count, "tensor", "tensors"),
        "tree" => count(measure.count, "file", "files"),
        _ => count(measure.count, "item", "items"),
    };
    let gone = if measure.manifest_here == Some(false) { "  (its manifest is not here)" } else { "" };
    for (position, digest) in measure.digests.iter().enumerate() {
        let beside = if position == 0 { format!("  {size}{gone}") } else { String::new() };
        row(out, if position == 0 { measure.kind } else { "" }, format_args!("{digest}{beside}"));
    }
}

fn edge(out: &mut String, name: &str, edge: &EdgeFacts) {
    let target = match (&edge.target, &edge.ledger) {
        (Some(target), _) => target.pointer(),
        (None, Some(ledger)) => format!("#{} of ledger sha256:{ledger}", edge.index),
        (None, None) => format!("#{}, which is not there", edge.index),
    };
    let wrong = if edge.holds == Some(false) { "  BROKEN: the target does not carry it" } else { "" };
    row(out, name, format_args!("{} → {target}", edge.edge_type));
    row(out, "", format_args!("  {} {}{wrong}", edge.digest_kind, edge.digest));
}

fn body(out: &mut String, body: &BodyFacts) {
    match body {
        BodyFacts::None => {}
        BodyFacts::Missing { commitment } => {
            row(out, "body", "not here: kept back or erased");
            row(out, "", format_args!("commitment {commitment}"));
        }
        BodyFacts::Wrong { commitment, reason } => {
            row(out, "body", format_args!("WRONG: {}", one_line(reason)));
            row(out, "", format_args!("commitment {commitment}"));
        }
        BodyFacts::Here { commitment, content } => {
            row(out, "body", format_args!("commitment {commitment}"));
            let mut lines = Vec::new();
            tree(content, 1, &mut lines);
            lines.iter().take(MAX_BODY_LINES).for_each(|line| put(out, format_args!("{line}\n")));
            if lines.len() > MAX_BODY_LINES {
                put(out, format_args!("  and {} more lines (--json has all)\n", lines.len() - MAX_BODY_LINES));
            }
        }
    }
}

/// A plain value as indented lines. Bodies are bounded in size and depth when they are read.
fn tree(value: &Value, depth: usize, lines: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(map) => {
            let width = map.keys().map(|key| key.chars().count()).max().unwrap_or_default().min(20);
            for (key, value) in map {
                let key = crate::report::Shown(key).to_string();
                if let Some(text) = scalar(value) {
                    lines.push(format!("{indent}{key:<width$}  {text}"));
                } else {
                    lines.push(format!("{indent}{key}"));
                    tree(value, depth + 1, lines);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                if let Some(text) = scalar(item) {
                    lines.push(format!("{indent}- {text}"));
                } else {
                    lines.push(format!("{indent}-"));
                    tree(item, depth + 1, lines);
                }
            }
        }
        other => lines.push(format!("{indent}{}", scalar(other).unwrap_or_default())),
    }
}

/// A value that fits on its key's line.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(quoted(text)),
        Value::Array(items) if items.len() <= 12 && items.iter().all(|item| !item.is_array() && !item.is_object()) => {
            Some(format!("[{}]", items.iter().filter_map(scalar).collect::<Vec<_>>().join(", ")))
        }
        Value::Array(_) | Value::Object(_) => None,
        other => Some(other.to_string()),
    }
}

fn later(out: &mut String, shown: &Shown) {
    let later = &shown.later;
    let used = later.used_by.iter().take(MAX_LATER).map(|by| format!("#{} ({})", by.index, by.relation));
    let mut used: Vec<String> = used.collect();
    let hidden = later.used_by_count.saturating_sub(used.len() as u64);
    if hidden > 0 {
        used.push(format!("and {hidden} more"));
    }
    let list = |indexes: &[u64]| indexes.iter().map(|index| format!("#{index}")).collect::<Vec<_>>().join(", ");
    if !used.is_empty() || !later.superseded_by.is_empty() || !later.words.is_empty() {
        out.push('\n');
    }
    for word in later.words.iter().take(MAX_LATER) {
        say_word(out, word);
    }
    if later.words.len() > MAX_LATER {
        row(out, "", format_args!("and {} more (--json has all)", later.words.len() - MAX_LATER));
    }
    for (name, text) in [("replaced by", list(&later.superseded_by)), ("used by", used.join(", "))] {
        if !text.is_empty() {
            row(out, name, text);
        }
    }
}

fn say_word(out: &mut String, word: &WordFacts) {
    let name = match word.mark.relation {
        EdgeType::Retracts => "taken back",
        EdgeType::Excludes => "left out",
        EdgeType::Concerns => "incident",
        _ => "claimed at",
    };
    let said: Vec<String> = word.reason.iter().chain(&word.locations).map(|text| quoted(text)).collect();
    let said = if said.is_empty() { "what it says is not here".to_owned() } else { said.join(", ") };
    let ended = word.ended_by.map(|by| format!("  (no more: #{by})")).unwrap_or_default();
    row(out, name, format_args!("#{}: {said}{ended}", word.mark.by));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_indented_lines_with_its_texts_in_quotes() {
        let body = serde_json::json!({"name": "mix\u{1b}", "notes": {"a": "b"}, "paths": ["x", "y"], "n": 3});
        let mut lines = Vec::new();
        tree(&body, 1, &mut lines);
        assert_eq!(
            lines,
            ["  n      3", "  name   \"mix\\u{1b}\"", "  notes", "    a  \"b\"", "  paths  [\"x\", \"y\"]"]
        );
    }
}

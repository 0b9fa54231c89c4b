//! How the reading commands write things: times, names, sizes, one line for an entry, one JSON document.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use serde::Serialize;

use crate::cli::marks::Mark;
use crate::cli::{Context, Failure};
use crate::digest::{Digest, hex};
use crate::journal::Row;
use crate::report::Shown;
use crate::statement::{EdgeType, Kind, Outcome, Payload};

/// Hexadecimal digits of a digest on a line for people; `--json` and `show` give all of them.
const SHORT_DIGITS: usize = 12;

/// Width of the longest kind's name.
const KIND_WIDTH: usize = 10;

/// Width of a shortened digest with its algorithm.
const DIGEST_WIDTH: usize = 20;

/// Entries that a line names where it is a word on several.
const MAX_ABOUT: usize = 5;

/// A recorded time as RFC 3339 in UTC. A number that is no time is shown as that number.
pub(super) fn time(seconds: u64) -> String {
    match i64::try_from(seconds).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok()) {
        Some(time) => time.to_string(),
        None => format!("{seconds} seconds after 1970"),
    }
}

/// A foreign text in quotes, safe to show.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", Shown(text))
}

/// A name in quotes, or that it is not there to be shown.
pub(super) fn name(name: Option<&str>) -> String {
    name.map_or_else(|| "(no name shown)".to_owned(), quoted)
}

/// A digest for a line that must stay short; marked as cut.
pub(super) fn short(digest: &Digest) -> String {
    let digits = hex(&digest.bytes);
    format!("{}:{}…", digest.algorithm.name(), digits.get(..SHORT_DIGITS).unwrap_or(&digits))
}

/// A message of this program, safe to show and whole: paths and digests in it may be long.
pub(super) fn message(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(100).map(|chunk| Shown(&chunk.iter().collect::<String>()).to_string()).collect()
}

/// A message of several lines on one.
pub(super) fn one_line(text: &str) -> String {
    text.lines().map(|line| message(line.trim())).collect::<Vec<_>>().join("; ")
}

/// `1 entry`, `12 entries`.
pub(super) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A number of bytes for people: `812 B`, `4.2 MiB`.
pub(super) fn bytes(number: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if number < 1024 {
        return format!("{number} B");
    }
    let (mut tenths, mut unit) = (u128::from(number) * 10 / 1024, UNITS[0]);
    for next in &UNITS[1..] {
        if tenths < 10_240 {
            break;
        }
        (tenths, unit) = (tenths / 1024, next);
    }
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// Adds to a text.
pub(super) fn put(out: &mut String, words: fmt::Arguments<'_>) {
    out.write_fmt(words).expect("writing to a String cannot fail");
}

/// `name       value` rows, the names aligned.
pub(super) fn row(out: &mut String, name: &str, value: impl fmt::Display) {
    put(out, format_args!("{name:<11} {value}\n"));
}

/// One JSON document, with a newline at its end.
pub(super) fn print_json(context: &Context, document: &impl Serialize) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(document).expect("texts, integers, lists and maps always serialise");
    text.push('\n');
    context.print(&text)
}

/// One entry in few words: what `log` lists and other commands point with.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Line {
    /// Its index.
    pub(super) index: u64,
    /// Its digest.
    pub(super) entry: String,
    /// When it was issued, as claimed.
    pub(super) time: String,
    /// The same in seconds since 1970.
    pub(super) time_seconds: u64,
    /// What it says.
    pub(super) kind: Kind,
    /// What people call it; absent where the body is not here or has no name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// What an edge to it binds: the digest of its file or tree, or of the entry.
    pub(super) digest: String,
    /// Kind of that digest.
    pub(super) digest_kind: &'static str,
    /// Digest of the protocol's entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) protocol: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) arm: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stage: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) attempt: Option<u64>,
    /// How a run ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<&'static str>,
    /// Exit code of a run, as recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) exit: Option<i64>,
    /// The entries that it is a word on: taken back, left out, gone wrong, located.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) about: Vec<u64>,
    /// Why, where it gives a reason and the body is here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    /// Places, as claimed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) locations: Vec<String>,
    /// What later entries say of it, where the command looked for that.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) marks: Vec<Mark>,
    /// The digest as people see it on a line.
    #[serde(skip)]
    short: String,
}

impl Line {
    /// The line of an entry as the catalogue reads it.
    pub(super) fn of(row: &Row) -> Self {
        let (kind, digest) = row.principal();
        let payload = &row.payload;
        Self {
            index: row.index.0,
            entry: Digest::from(row.leaf).to_string(),
            time: time(row.claims.issued_at),
            time_seconds: row.claims.issued_at,
            kind: payload.kind,
            name: row.name().map(str::to_owned),
            digest: digest.to_string(),
            digest_kind: kind.name(),
            protocol: payload.protocol.map(|leaf| Digest::from(leaf).to_string()),
            arm: payload.arm.clone(),
            seed: payload.seed,
            stage: payload.stage.clone(),
            attempt: payload.attempt,
            status: payload.outcome.map(|outcome| outcome.status.name()),
            exit: payload.outcome.map(|Outcome { code, .. }| code),
            about: about(payload),
            reason: row.body.as_ref().and_then(|body| body.reason.clone()),
            locations: places(row),
            marks: Vec::new(),
            short: short(&digest),
        }
    }

    /// The line with what later entries say of it.
    pub(super) fn marked(mut self, marks: Vec<Mark>) -> Self {
        self.marks = marks;
        self
    }

    /// `#7 dataset "mix"`: how other lines point to an entry.
    pub(super) fn pointer(&self) -> String {
        let mut text = format!("#{} {}", self.index, self.kind);
        match (&self.name, &self.stage) {
            (Some(name), _) => put(&mut text, format_args!(" {}", quoted(name))),
            (None, Some(stage)) => put(&mut text, format_args!(" stage {}", quoted(stage))),
            (None, None) => {}
        }
        if !self.about.is_empty() {
            put(&mut text, format_args!(" {}", self.targets()));
        }
        text
    }

    /// `of #5, #6`: the entries that it is a word on.
    fn targets(&self) -> String {
        let shown: Vec<String> = self.about.iter().take(MAX_ABOUT).map(|index| format!("#{index}")).collect();
        let more = if self.about.len() > MAX_ABOUT { ", …" } else { "" };
        format!("of {}{more}", shown.join(", "))
    }

    /// What a word on other entries says, for a line.
    fn words(&self) -> String {
        let said = self.reason.iter().chain(self.locations.first()).map(|text| quoted(text));
        let said = said.collect::<Vec<_>>().join(" ");
        let more =
            if self.locations.len() > 1 { format!(" and {} more", self.locations.len() - 1) } else { String::new() };
        format!("{}  {said}{more}", self.targets())
    }

    /// Arm, seed, stage, attempt and end, as far as they are said; starts with two blanks where anything is.
    pub(super) fn place(&self) -> String {
        let mut text = String::new();
        let mut add = |word: String| put(&mut text, format_args!("  {word}"));
        if let Some(arm) = &self.arm {
            add(format!("arm {}", quoted(arm)));
        }
        if let Some(seed) = self.seed {
            add(format!("seed {seed}"));
        }
        if let Some(attempt) = self.attempt {
            add(format!("attempt {attempt}"));
        }
        if let (Some(status), Some(exit)) = (self.status, self.exit) {
            add(format!("{status}, exit {exit}"));
        }
        for mark in &self.marks {
            add(mark.to_string());
        }
        text
    }

    /// The whole line, with room for indexes of `width` digits.
    pub(super) fn text(&self, width: usize) -> String {
        let called = match (&self.name, &self.stage) {
            (None, Some(stage)) => format!("stage {}", quoted(stage)),
            _ if !self.about.is_empty() => self.words(),
            (None, None) if !is_named(self.kind) => String::new(),
            (given, _) => name(given.as_deref()),
        };
        let line = format!(
            "{:>width$}  {}  {:<KIND_WIDTH$}  {:<DIGEST_WIDTH$}  {called}{}",
            format!("#{}", self.index),
            self.time,
            self.kind.name(),
            self.short,
            self.place(),
            width = width + 1,
        );
        line.trim_end().to_owned()
    }
}

/// The entries that this one is a word on.
fn about(payload: &Payload) -> Vec<u64> {
    let edges = payload.edges.iter().filter(|edge| edge.log.is_none());
    let targets: BTreeSet<u64> = edges.map(|edge| edge.seq.0).collect();
    EdgeType::about(payload.kind).map_or_else(Vec::new, |_| targets.into_iter().collect())
}

fn places(row: &Row) -> Vec<String> {
    let locations = row.body.iter().flat_map(|body| &body.locations);
    locations.map(|location| location.as_str().to_owned()).collect()
}

/// Kinds that people give names to: where the name is missing, that is worth a word.
fn is_named(kind: Kind) -> bool {
    kind.is_artifact() || matches!(kind, Kind::Claim | Kind::Protocol)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::{FileDigest, LeafHash, Thumbprint};
    use crate::merkle::EntryIndex;
    use crate::statement::{Body, Claims, Subject};

    fn example(body: Option<Body>) -> Row {
        let mut payload = Payload::new(Kind::Dataset, None, EntryIndex(7), EntryIndex(0));
        payload.subjects.push(Subject::file(FileDigest::from_bytes([0xab; 32]), 3));
        payload.arm = Some("msm".to_owned());
        payload.seed = Some(3);
        Row {
            index: EntryIndex(7),
            leaf: LeafHash::from_bytes([1; 32]),
            payload,
            claims: Claims { issuer: "i".to_owned(), subject: "s".to_owned(), issued_at: 1_700_000_000 },
            key_id: Thumbprint::from_bytes([2; 32]),
            body,
        }
    }

    #[test]
    fn an_entry_is_one_line_whose_columns_stand() {
        let named = Body { name: Some("mix".to_owned()), ..Body::default() };
        assert_eq!(
            Line::of(&example(Some(named))).text(2),
            " #7  2023-11-14T22:13:20Z  dataset     blake3:abababababab…  \"mix\"  arm \"msm\"  seed 3"
        );
        assert!(Line::of(&example(None)).text(1).contains("(no name shown)"));
    }

    #[test]
    fn a_name_cannot_move_the_cursor() {
        let hostile = Body { name: Some("\u{1b}[2Kok".to_owned()), ..Body::default() };
        let line = Line::of(&example(Some(hostile)));
        assert!(!line.text(1).contains('\u{1b}') && !line.pointer().contains('\u{1b}'));
    }

    #[test]
    fn a_message_is_whole_however_long_and_on_one_line_where_asked() {
        let long = format!("`{}` is not\n  expected a\u{202e}\n  found    b", "x".repeat(500));
        assert_eq!(one_line(&long), format!("`{}` is not; expected a\\u{{202e}}; found    b", "x".repeat(500)));
    }

    #[test]
    fn sizes_and_times_are_for_people() {
        assert_eq!(
            [0, 1023, 1024, 1536, 1 << 20, 5 << 30].map(bytes),
            ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "5.0 GiB"]
        );
        assert!(bytes(u64::MAX).ends_with(" TiB"));
        assert_eq!(time(0), "1970-01-01T00:00:00Z");
        assert_eq!(time(u64::MAX), "18446744073709551615 seconds after 1970");
        assert_eq!(
            (count(1, "entry", "entries"), count(0, "entry", "entries")),
            ("1 entry".into(), "0 entries".into())
        );
    }
}

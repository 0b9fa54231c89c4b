//! `diff spec`: what changed between two versions of a spec, by line and by word.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::capture::kind::MAX_TEXT_BYTES;
use crate::capture::open::read_bytes;
use crate::cli::open::{Reading, find};
use crate::cli::recorded::{Recorded, recorded_bytes};
use crate::cli::render::{count, message, quoted};
use crate::cli::{Context, Failure, Outcome};
use crate::corpus::{Change, Difference, Hunk, Line, compare};
use crate::digest::{Digest, FileDigest};

/// Id of the document's schema.
const SCHEMA: &str = "urn:reproledger:schema:diff-spec:v1";

/// Characters of an unchanged stretch that are shown before and after a changed word.
const AROUND: usize = 40;

/// Show what changed between two versions of a spec
///
/// A version is a file, or what an entry recorded: its bytes are looked for in the git repository or at the path they
/// were recorded from, and must still be those. Exit 0: equal, 1: they differ, 3: it cannot be told.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  reproledger diff spec '#3' model-spec\n  reproledger diff spec old.md new.md --json"
)]
pub(super) struct DiffSpec {
    /// A file, or else a name, a digest, or an entry's number
    #[arg(value_name = "FILE|NAME")]
    old: String,
    /// The same, for the other version
    #[arg(value_name = "FILE|NAME")]
    new: String,
    /// Git repository that recorded versions were taken from
    #[arg(long, value_name = "REPOSITORY")]
    git: Option<PathBuf>,
    /// One JSON document
    #[arg(long)]
    json: bool,
}

/// One of the two.
struct Side {
    shown: String,
    digest: Digest,
    /// Its bytes, or why they are not at hand.
    bytes: Result<Vec<u8>, String>,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    equal: bool,
    old: SideFacts<'a>,
    new: SideFacts<'a>,
    /// Why no lines are shown though the two differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_shown: Option<&'a str>,
    #[serde(flatten)]
    difference: &'a Difference,
}

#[derive(Serialize)]
struct SideFacts<'a> {
    what: &'a str,
    digest: Digest,
}

impl DiffSpec {
    pub(super) fn show(self, context: &Context) -> Outcome {
        let repository = self.git.as_deref();
        let old = side(context, &self.old, repository)?;
        let new = side(context, &self.new, repository)?;
        let equal = old.digest == new.digest;
        let compared = if equal { Ok(Difference::default()) } else { compare_sides(&old, &new) };
        let (difference, not_shown) = match compared {
            Ok(difference) => (difference, None),
            // Other digests of one algorithm are other bytes, seen or not.
            Err(reason) if old.digest.algorithm == new.digest.algorithm => (Difference::default(), Some(reason)),
            Err(reason) => {
                return Err(Failure::new(format!("whether the two are equal cannot be told: {reason}")).unestablished());
            }
        };
        let text = if self.json {
            let facts = |side: &'_ Side| (side.shown.clone(), side.digest);
            let ((old_shown, old_digest), (new_shown, new_digest)) = (facts(&old), facts(&new));
            let document = Document {
                schema: SCHEMA,
                equal,
                old: SideFacts { what: &old_shown, digest: old_digest },
                new: SideFacts { what: &new_shown, digest: new_digest },
                not_shown: not_shown.as_deref(),
                difference: &difference,
            };
            format!("{}\n", serde_json::to_string_pretty(&document)?)
        } else if equal {
            format!("equal: {} and {}, {}\n", old.shown, new.shown, old.digest)
        } else {
            written(&old, &new, &difference, not_shown.as_deref(), context.is_coloured())
        };
        context.print(&text)?;
        Ok(u8::from(!equal))
    }
}

fn side(context: &Context, text: &str, repository: Option<&Path>) -> Result<Side, Failure> {
    let path = Path::new(text);
    if path.symlink_metadata().is_ok() {
        let bytes = read_bytes(path, MAX_TEXT_BYTES)?;
        return Ok(Side {
            shown: format!("`{}`", message(text)),
            digest: FileDigest::of(&bytes).into(),
            bytes: Ok(bytes),
        });
    }
    let reading = Reading::open(context)?;
    let catalog = reading.catalog()?;
    let row = find(&catalog, text)?;
    let shown = format!("#{} {}", row.index, row.name().map_or_else(|| "(no name)".to_owned(), quoted));
    let (kind, digest) = row.principal();
    let bytes = match recorded_bytes(context, row, repository)? {
        Recorded::Here(bytes) => Ok(bytes),
        Recorded::Gone { reason } => Err(format!("{shown}: {reason}")),
    };
    if kind != crate::digest::DigestKind::File {
        return Err(Failure::new(format!("{shown} is a {}, no single text", row.payload.kind)));
    }
    Ok(Side { shown, digest, bytes })
}

/// The lines that differ, or why they cannot be shown.
fn compare_sides(old: &Side, new: &Side) -> Result<Difference, String> {
    let text = |side: &Side| -> Result<String, String> {
        let bytes = side.bytes.clone()?;
        String::from_utf8(bytes)
            .map_err(|error| format!("{} is not UTF-8 at byte {}", side.shown, error.utf8_error().valid_up_to()))
    };
    compare(&text(old)?, &text(new)?).ok_or_else(|| "there are too many lines to compare".to_owned())
}

/// What a terminal is told besides the text.
struct Colours {
    removed: &'static str,
    added: &'static str,
    off: &'static str,
}

const COLOURED: Colours = Colours { removed: "\x1b[31m", added: "\x1b[32m", off: "\x1b[0m" };
const PLAIN: Colours = Colours { removed: "", added: "", off: "" };

fn written(old: &Side, new: &Side, difference: &Difference, not_shown: Option<&str>, is_coloured: bool) -> String {
    let colours = if is_coloured { &COLOURED } else { &PLAIN };
    let mut text = format!("--- {}  {}\n+++ {}  {}\n", old.shown, old.digest, new.shown, new.digest);
    if let Some(reason) = not_shown {
        let _ = writeln!(text, "they differ; what differs cannot be shown: {reason}");
        return text;
    }
    for hunk in &difference.hunks {
        put_hunk(&mut text, hunk, colours);
    }
    let added = count(difference.added, "line", "lines");
    let _ = writeln!(text, "{added} added, {} removed", difference.removed);
    text
}

fn put_hunk(text: &mut String, hunk: &Hunk, colours: &Colours) {
    let Hunk { old_start, old_lines, new_start, new_lines, .. } = hunk;
    let _ = writeln!(text, "@@ -{old_start},{old_lines} +{new_start},{new_lines} @@");
    for line in &hunk.lines {
        let (sign, colour) = match line.change {
            Change::Same => (' ', ""),
            Change::Removed => ('-', colours.removed),
            Change::Added => ('+', colours.added),
        };
        let off = if colour.is_empty() { "" } else { colours.off };
        let (body, end) =
            line.text.strip_suffix('\n').map_or((line.text.as_str(), "  (no line end)"), |body| (body, ""));
        let _ = writeln!(text, "{colour}{sign}{}{end}{off}", message(body));
        put_words(text, line, colours);
    }
}

/// A changed line once more, cut down to its changed words: `[-old-]{+new+}`.
fn put_words(text: &mut String, line: &Line, colours: &Colours) {
    // A line with nothing in common with the one before is no change of words.
    if !line.words.iter().any(|part| part.change == Change::Same && !part.text.trim().is_empty()) {
        return;
    }
    text.push_str("~ ");
    let last = line.words.len() - 1;
    for (at, part) in line.words.iter().enumerate() {
        let shown = match part.change {
            Change::Same => message(&shortened(&part.text, at == 0, at == last)),
            Change::Removed => format!("{}[-{}-]{}", colours.removed, message(&part.text), colours.off),
            Change::Added => format!("{}{{+{}+}}{}", colours.added, message(&part.text), colours.off),
        };
        text.push_str(&shown);
    }
    text.push('\n');
}

/// The beginning and end of an unchanged stretch; nothing but the end before the first change, the beginning after the last.
fn shortened(text: &str, is_first: bool, is_last: bool) -> String {
    let text = text.trim_end_matches(['\n', '\r']);
    let characters: Vec<char> = text.chars().collect();
    let (head, tail) = (if is_first { 0 } else { AROUND }, if is_last { 0 } else { AROUND });
    if characters.len() <= head + tail + 1 {
        return text.to_owned();
    }
    let head: String = characters[..head].iter().collect();
    let tail: String = characters[characters.len() - tail..].iter().collect();
    format!("{head}…{tail}")
}

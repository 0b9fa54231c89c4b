//! Whether what a rebuild wrote is what was recorded, as equal as it was declared to be beforehand.

use std::path::Path;

use serde::Serialize;

use crate::capture::hash::{HashOptions, Progress};
use crate::capture::inputs::Rows;
use crate::capture::kind::{self, Options, Request};
use crate::capture::walk::walk_folder;
use crate::capture::weights::OpenWeights;
use crate::digest::DigestKind;
use crate::rebuild::difference::{Differ, Difference};
use crate::rebuild::equality::Equality;
use crate::rebuild::plan::Item;
use crate::rebuild::shelf::{Found, Shelf};
use crate::rebuild::tensors::{Apart, apart};
use crate::replay::Sink;
use crate::statement::{Kind, Subject};

/// Names of files or tensors that are shown.
const EXAMPLES: usize = 5;

/// What became of an output, a stage or a whole rebuild.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Word {
    /// Equal, as declared.
    Good,
    /// Not the same, but inside the tolerance that was declared beforehand.
    Equivalent,
    /// Recorded bytes that are at hand, of a stage that cannot be run again.
    Taken,
    /// It cannot be told.
    Unknown,
    /// It did not run.
    Fail,
    /// Something else than what was recorded.
    Bad,
}

impl Word {
    /// As it is printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Good => "GOOD",
            Self::Equivalent => "EQUIVALENT",
            Self::Taken => "TAKEN",
            Self::Unknown => "UNKNOWN",
            Self::Fail => "FAIL",
            Self::Bad => "BAD",
        }
    }

    /// 0 it holds, 1 it is contradicted, 3 it could not be established.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Good | Self::Equivalent => 0,
            Self::Bad => 1,
            Self::Taken | Self::Unknown | Self::Fail => 3,
        }
    }
}

/// One output, judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// What became of it.
    pub word: Word,
    /// Why, in a few words; may quote what comes from outside.
    pub reason: String,
    /// Its digests as it was made; empty where it was not.
    pub made: Subject,
    /// In what it differs, a line each; may quote what comes from outside.
    pub differs: Vec<String>,
}

impl Judged {
    pub(super) fn of(word: Word, reason: impl Into<String>) -> Self {
        Self { word, reason: reason.into(), made: Subject::default(), differs: Vec::new() }
    }
}

/// Judges what stands at `path`, which was made for `item`.
pub(super) fn judge(
    item: &Item,
    declared: Option<&str>,
    path: &Path,
    shelf: &Shelf<'_>,
    progress: &dyn Progress,
) -> Judged {
    let equality = match declared.map(Equality::parse) {
        None => Equality::Bits,
        Some(Ok(equality)) => equality,
        Some(Err(_)) => {
            return Judged::of(Word::Unknown, "it was declared equal in words that this version does not know");
        }
    };
    let made = match read(item.kind, path, progress) {
        Ok(made) => made,
        Err(reason) => return Judged::of(Word::Fail, reason),
    };
    let mut judged = compare(item, &equality, &made);
    if judged.word == Word::Unknown || judged.word == Word::Bad {
        let recorded = if item.has_bytes() { shelf.given(item) } else { Found::Nowhere };
        if let Found::At(recorded) = recorded {
            if let Equality::Near { .. } = equality {
                judged = near(&equality, &recorded, path, progress);
            }
            if judged.word == Word::Bad {
                judged.differs.extend(differences(item.kind, &recorded, path, progress));
            }
        } else if matches!(equality, Equality::Near { .. }) {
            let reason = "other tensors, and the recorded ones are not at hand to say how far they are apart";
            judged = Judged::of(Word::Unknown, reason);
        } else if judged.word == Word::Bad {
            judged.differs.push("the recorded bytes are not at hand to say in what it differs".to_owned());
        }
    }
    judged.made = made;
    judged
}

/// The digests of what was made, by the code that recorded the other; bytes alone where that cannot read them.
fn read(kind: Kind, path: &Path, progress: &dyn Progress) -> Result<Subject, String> {
    if path.symlink_metadata().is_err() {
        return Err("it was not written".to_owned());
    }
    let paths = [path.to_owned()];
    let options = Options::default();
    let request = Request { paths: &paths, options: &options, progress };
    let bytes = Options { bytes_only: true, ..Options::default() };
    let captured = kind::capture(kind, &request)
        .or_else(|_| kind::capture(kind, &Request { paths: &paths, options: &bytes, progress }));
    captured.map(|artifact| artifact.subject).map_err(|error| error.to_string())
}

fn compare(item: &Item, equality: &Equality, made: &Subject) -> Judged {
    let kinds: &[DigestKind] = match equality {
        Equality::Bits => &[DigestKind::File, DigestKind::Tree],
        Equality::Digest(kind) => &[*kind],
        Equality::Near { .. } => &[DigestKind::Tensors],
    };
    let recorded = kinds.iter().find_map(|kind| Some((*kind, item.subject.digest(*kind)?)));
    let Some((kind, recorded)) = recorded else {
        return Judged::of(Word::Unknown, format!("no digest of its {equality} is recorded"));
    };
    match made.digest(kind) {
        Some(found) if found == recorded => Judged::of(Word::Good, format!("the recorded {kind} digest")),
        Some(found) => {
            Judged::of(Word::Bad, format!("another {kind} digest\n  recorded {recorded}\n  made     {found}"))
        }
        None => Judged::of(Word::Bad, format!("what was made has no {kind} digest")),
    }
}

/// Numbers within the tolerance that was declared.
fn near(equality: &Equality, recorded: &Path, made: &Path, progress: &dyn Progress) -> Judged {
    let Equality::Near { absolute, relative } = equality else { return Judged::of(Word::Unknown, "no tolerance") };
    let bound = |bound: &Option<crate::rebuild::equality::Bound>| bound.as_ref().map_or(0.0, |bound| bound.value);
    match weights_apart(recorded, made, bound(absolute), bound(relative), progress) {
        Err(reason) => Judged::of(Word::Unknown, format!("the tensors cannot be compared: {reason}")),
        Ok(apart) if apart.is_within() => Judged::of(
            Word::Equivalent,
            format!(
                "inside the declared tolerance {equality}: {} of {} numbers differ, by at most {:e}",
                apart.differing, apart.numbers, apart.furthest
            ),
        ),
        Ok(apart) => {
            let mut judged = Judged::of(Word::Bad, format!("outside of the declared tolerance {equality}"));
            judged.differs = lines(&apart);
            judged
        }
    }
}

fn weights_apart(
    recorded: &Path,
    made: &Path,
    absolute: f64,
    relative: f64,
    progress: &dyn Progress,
) -> Result<Apart, String> {
    let open = |path: &Path| match OpenWeights::open(path) {
        Ok(Ok(weights)) => Ok(weights),
        Ok(Err(reasons)) => Err(reasons.first().map(|(file, why)| format!("{file}: {why}")).unwrap_or_default()),
        Err(error) => Err(error.to_string()),
    };
    apart(&open(recorded)?, &open(made)?, absolute, relative, progress).map_err(|error| error.to_string())
}

fn lines(apart: &Apart) -> Vec<String> {
    let mut lines = apart.unlike.iter().take(EXAMPLES).cloned().collect::<Vec<_>>();
    if apart.outside > 0 {
        lines.push(format!(
            "{} of {} numbers differ, {} by more than is allowed, at most by {:e}; first in tensor `{}`",
            apart.differing, apart.numbers, apart.outside, apart.furthest, apart.first
        ));
    }
    lines
}

/// In what the made bytes differ from the recorded ones, as their kind is read.
fn differences(kind: Kind, recorded: &Path, made: &Path, progress: &dyn Progress) -> Vec<String> {
    if recorded.is_dir() && made.is_dir() && !kind.is_weights() {
        return files(recorded, made, progress);
    }
    if kind.is_weights()
        && let Ok(apart) = weights_apart(recorded, made, 0.0, 0.0, progress)
    {
        return lines(&apart);
    }
    let is_rows = made.extension().is_some_and(|end| end == "jsonl");
    if is_rows && let Some(difference) = rows(recorded, made) {
        return difference;
    }
    first_byte(recorded, made).into_iter().collect()
}

/// Which files of a folder.
fn files(recorded: &Path, made: &Path, progress: &dyn Progress) -> Vec<String> {
    let walk = |path: &Path| {
        let tree = walk_folder(path, &HashOptions::default(), progress).ok()?;
        Some(tree.leaves.into_iter().map(|leaf| (leaf.path.as_str().to_owned(), leaf.node)).collect())
    };
    let (Some(recorded), Some(made)): (Option<std::collections::BTreeMap<_, _>>, Option<_>) =
        (walk(recorded), walk(made))
    else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    for (word, one, other) in [("was not made", &recorded, &made), ("is not recorded", &made, &recorded)] {
        let only: Vec<_> = one.keys().filter(|path| !other.contains_key(*path)).collect();
        lines.extend(only.iter().take(EXAMPLES).map(|path| format!("`{path}` {word}")));
        if only.len() > EXAMPLES {
            lines.push(format!("and {} more {word}", only.len() - EXAMPLES));
        }
    }
    let changed: Vec<_> = recorded.iter().filter(|(path, node)| made.get(*path).is_some_and(|o| o != *node)).collect();
    lines.extend(changed.iter().take(EXAMPLES).map(|(path, _)| format!("`{path}` is another")));
    if changed.len() > EXAMPLES {
        lines.push(format!("and {} more are others", changed.len() - EXAMPLES));
    }
    lines
}

/// Which rows of a file.
fn rows(recorded: &Path, made: &Path) -> Option<Vec<String>> {
    let (recorded, made) = (Rows::open(recorded).ok()?, Rows::open(made).ok()?);
    let mut differ = Differ::new(&recorded).ok()?;
    let mut row = Vec::new();
    for item in 0..crate::replay::Items::count(&made) {
        crate::replay::Items::read(&made, item, &mut row).ok()?;
        differ.row(&row).ok()?;
    }
    Some(row_lines(&differ.finish().ok()?))
}

fn row_lines(difference: &Difference) -> Vec<String> {
    let mut lines = vec![difference.summary.clone()];
    if let Some(first) = difference.first_row {
        let differs = difference.first_row_differs.join(", ");
        lines.push(format!(
            "row {first} is the first that differs{}{differs}",
            if differs.is_empty() { "" } else { ": " }
        ));
    }
    for (word, number, examples) in [
        ("missing", difference.missing, &difference.missing_examples),
        ("extra", difference.extra, &difference.extra_examples),
    ] {
        if number > 0 {
            let named: Vec<_> = examples.iter().map(|row| format!("row {} ({})", row.row, row.label)).collect();
            lines.push(format!("{number} {word}: {}", named.join(", ")));
        }
    }
    lines
}

/// Where two files part.
fn first_byte(recorded: &Path, made: &Path) -> Option<String> {
    use std::io::{BufRead, BufReader};
    let open = |path: &Path| {
        path.symlink_metadata().ok().filter(std::fs::Metadata::is_file)?;
        std::fs::File::open(path).ok().map(BufReader::new)
    };
    let (mut one, mut other) = (open(recorded)?, open(made)?);
    let mut at = 0_u64;
    loop {
        let (left, right) = (one.fill_buf().ok()?, other.fill_buf().ok()?);
        let common = left.iter().zip(right).take_while(|(left, right)| left == right).count();
        let is_end = left.is_empty() || right.is_empty();
        if common < left.len().min(right.len()) || is_end {
            return Some(format!("byte {} is the first that differs", at + common as u64));
        }
        at += common as u64;
        one.consume(common);
        other.consume(common);
    }
}

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
use crate::rebuild::equality::{Equality, Rates};
use crate::rebuild::logs::{Logs, map_of};
use crate::rebuild::plan::Item;
use crate::rebuild::rates;
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
    let made = match read(item, path, shelf, progress) {
        Ok(made) => made,
        Err(reason) => return Judged::of(Word::Fail, reason),
    };
    let mut judged = compare(item, &equality, &made);
    if judged.word == Word::Unknown || judged.word == Word::Bad {
        let given = if item.has_bytes() { shelf.given(item) } else { Found::Nowhere };
        let recorded = match &given {
            Found::At(path) => Some(path.as_path()),
            _ => None,
        };
        // Read once, for what is judged by them and for what is said of them.
        let logs = (item.kind == Kind::EvalLog).then(|| Logs::open(item, recorded, path, shelf));
        match &equality {
            Equality::Near { .. } => judged = near(&equality, recorded, path, progress),
            Equality::Rates(rates) => judged = rates_of(rates, logs.as_ref()),
            Equality::Bits | Equality::Digest(_) => {}
        }
        // A tolerance has said it tensor by tensor.
        if judged.word == Word::Bad && judged.differs.is_empty() {
            judged.differs.extend(differences(item.kind, recorded, path, logs.as_ref(), progress));
        }
    }
    judged.made = made;
    judged
}

/// Rates within the margin that was declared.
fn rates_of(declared: &Rates, logs: Option<&Result<Logs, String>>) -> Judged {
    match logs {
        Some(Ok(logs)) => rates::judge(declared, logs),
        Some(Err(reason)) => Judged::of(Word::Unknown, format!("the rates cannot be compared: {reason}")),
        None => Judged::of(Word::Unknown, "it was declared equal by rates, and is no evaluation log"),
    }
}

/// The digests of what was made, by the code that recorded the other; bytes alone where that cannot read them.
fn read(item: &Item, path: &Path, shelf: &Shelf<'_>, progress: &dyn Progress) -> Result<Subject, String> {
    if path.symlink_metadata().is_err() {
        return Err("it was not written".to_owned());
    }
    let kind = item.kind;
    let paths = [path.to_owned()];
    let map = if kind == Kind::EvalLog { map_of(item, shelf) } else { None };
    let options = Options { map, ..Options::default() };
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
        Equality::Rates(_) => &[DigestKind::Samples, DigestKind::File, DigestKind::Tree],
    };
    let recorded = || kinds.iter().filter_map(|kind| Some((*kind, item.subject.digest(*kind)?)));
    let equal = recorded().find(|(kind, digest)| made.digest(*kind) == Some(*digest));
    let Some((kind, recorded)) = equal.or_else(|| recorded().next()) else {
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
fn near(equality: &Equality, recorded: Option<&Path>, made: &Path, progress: &dyn Progress) -> Judged {
    let Equality::Near { absolute, relative } = equality else { return Judged::of(Word::Unknown, "no tolerance") };
    let Some(recorded) = recorded else {
        let reason = "other tensors, and the recorded ones are not at hand to say how far they are apart";
        return Judged::of(Word::Unknown, reason);
    };
    let bound = |bound: &Option<crate::rebuild::equality::Bound>| bound.as_ref().map_or(0.0, |bound| bound.value);
    match weights_apart(recorded, made, bound(absolute), bound(relative), progress) {
        Err(reason) => Judged::of(Word::Unknown, format!("the tensors cannot be compared: {reason}")),
        Ok(apart) => {
            let (word, side) = if apart.is_within() { (Word::Equivalent, "inside") } else { (Word::Bad, "outside") };
            let reason = format!("{side} of the declared tolerance {equality}: {}", apart.all);
            Judged { differs: apart.lines(), ..Judged::of(word, reason) }
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

/// In what the made bytes differ from the recorded ones, as their kind is read.
fn differences(
    kind: Kind,
    recorded: Option<&Path>,
    made: &Path,
    logs: Option<&Result<Logs, String>>,
    progress: &dyn Progress,
) -> Vec<String> {
    if let Some(Ok(logs)) = logs {
        let mut lines = logs.difference().lines();
        lines
            .extend(logs.is_by_list.then(|| "held to the recorded list of samples; the log is not at hand".to_owned()));
        return lines;
    }
    let Some(recorded) = recorded else {
        return vec!["the recorded bytes are not at hand to say in what it differs".to_owned()];
    };
    let mut lines: Vec<_> = logs.into_iter().filter_map(|logs| logs.as_ref().err().cloned()).collect();
    if recorded.is_dir() && made.is_dir() && !kind.is_weights() {
        lines.extend(files(recorded, made, progress));
        return lines;
    }
    if kind.is_weights()
        && let Ok(apart) = weights_apart(recorded, made, 0.0, 0.0, progress)
    {
        return apart.lines();
    }
    let is_rows = made.extension().is_some_and(|end| end == "jsonl");
    if is_rows && let Some(difference) = rows(recorded, made) {
        return difference;
    }
    lines.extend(first_byte(recorded, made));
    lines
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

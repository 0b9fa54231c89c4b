//! Finds the evaluation logs in a folder that nobody prepared for us.
//!
//! Unlike a folder that is recorded as one artifact, this one may hold anything: links, pipes, names that are no text and
//! a million other files are passed over and said to be. Nothing is followed and nothing but logs is opened.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType};

use crate::capture::log::{LogError, read_log};
use crate::capture::open::{CaptureError, OpenFile, Root, Shown, argument_metadata, io_error};
use crate::capture::walk::LEDGER_FOLDER;
use crate::evallog::{ColumnMap, EvalLog, LogFile, guess_map};

/// Names that are looked at; a folder with more is no folder of logs.
const MAX_NAMES: usize = 200_000;

/// Logs that are read: each is held in memory once, and a claim over more is none.
const MAX_LOGS: usize = 4096;

/// Folders below each other.
const MAX_DEPTH: usize = 32;

/// What a file may be by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likely {
    /// An Inspect log, or results of a harness with their samples.
    Log,
    /// JSON that may be an Inspect log or anything else.
    Json,
    /// A table, which needs a map of its columns.
    Table,
}

/// One log, or what may be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPlace {
    /// Its path below the folder; of a harness that of its results.
    pub name: String,
    /// Its files.
    pub paths: Vec<PathBuf>,
    /// What it may be.
    pub likely: Likely,
}

/// What a folder holds.
#[derive(Debug, Default)]
pub struct FoundLogs {
    /// In the order of their names.
    pub logs: Vec<LogPlace>,
    /// What was passed over that a person might have meant, with why.
    pub passed_over: Vec<(String, &'static str)>,
    /// Other files, of which nothing was expected.
    pub other: u64,
}

/// Finds what may be logs in a folder, or takes the one file that was named.
pub fn find_logs(path: &Path) -> Result<FoundLogs, CaptureError> {
    if !argument_metadata(path)?.is_dir() {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let likely = likely(&name).unwrap_or(Likely::Json);
        let place = LogPlace { name, paths: vec![path.to_owned()], likely };
        return Ok(FoundLogs { logs: vec![place], ..FoundLogs::default() });
    }
    let mut found = FoundLogs::default();
    let names = list(path, &mut found)?;
    let mut folders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for name in &names {
        let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
        folders.entry(folder).or_default().push(file);
    }
    for (folder, files) in folders {
        found.take_folder(path, folder, &files);
    }
    found.logs.sort_by(|a, b| a.name.cmp(&b.name));
    if found.logs.len() > MAX_LOGS {
        return Err(CaptureError::TooMany { path: Shown::of(path), limit: MAX_LOGS });
    }
    Ok(found)
}

/// Reads a log where it was found.
pub fn read_found(place: &LogPlace, map: Option<&ColumnMap>) -> Result<EvalLog, LogError> {
    read_log(&place.paths, map)
}

/// The map of columns that a table suggests by their names.
pub fn guess_columns(place: &LogPlace) -> Result<Option<ColumnMap>, LogError> {
    let Some(path) = place.paths.first() else { return Ok(None) };
    let mut open = OpenFile::argument(path)?;
    let (name, len) = (place.name.clone(), open.stamp.size);
    let map = guess_map(&mut LogFile { name, len, source: &mut open.file })?;
    open.check_unchanged()?;
    Ok(map)
}

impl FoundLogs {
    /// Sorts one folder's files into logs: results of a harness take their samples along.
    fn take_folder(&mut self, root: &Path, folder: &str, files: &[&str]) {
        let below = |file: &str| if folder.is_empty() { file.to_owned() } else { format!("{folder}/{file}") };
        let mut taken: BTreeSet<&str> = BTreeSet::new();
        let results: Vec<&str> = files.iter().copied().filter(|file| stamp_of_results(file).is_some()).collect();
        for file in &results {
            let stamp = stamp_of_results(file).unwrap_or_default();
            let is_its = |other: &&&str| {
                let stem = other.strip_prefix("samples_").and_then(|rest| rest.strip_suffix(".jsonl"));
                stem.is_some_and(|stem| results.len() == 1 || stem.ends_with(&format!("_{stamp}")))
            };
            let samples: Vec<&str> = files.iter().filter(is_its).copied().collect();
            if samples.is_empty() {
                continue;
            }
            let paths =
                std::iter::once(*file).chain(samples.iter().copied()).map(|name| root.join(below(name))).collect();
            self.logs.push(LogPlace { name: below(file), paths, likely: Likely::Log });
            taken.extend(samples);
            taken.insert(file);
        }
        for file in files.iter().filter(|file| !taken.contains(**file)) {
            match likely(file) {
                Some(likely) => {
                    let (name, paths) = (below(file), vec![root.join(below(file))]);
                    self.logs.push(LogPlace { name, paths, likely });
                }
                None => self.other += 1,
            }
        }
    }
}

fn stamp_of_results(file: &str) -> Option<&str> {
    let rest = file.strip_prefix("results")?.strip_suffix(".json")?;
    Some(rest.trim_start_matches('_'))
}

fn likely(file: &str) -> Option<Likely> {
    match file.rsplit_once('.')?.1 {
        "eval" => Some(Likely::Log),
        "json" => Some(Likely::Json),
        "jsonl" | "ndjson" | "csv" => Some(Likely::Table),
        _ => None,
    }
}

/// Every regular file below a folder, in order; what is no regular file is passed over.
fn list(path: &Path, found: &mut FoundLogs) -> Result<Vec<String>, CaptureError> {
    let root = Root::argument(path)?;
    let (mut names, mut open, mut seen) = (Vec::new(), vec![(String::new(), 0)], 0);
    while let Some((relative, depth)) = open.pop() {
        let folder = root.folder(&relative)?;
        let failed = |error: rustix::io::Errno| io_error(&path.join(&relative), "listed", error.into());
        for entry in Dir::read_from(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            seen += 1;
            if seen > MAX_NAMES {
                return Err(CaptureError::TooMany { path: Shown::of(path), limit: MAX_NAMES });
            }
            let Ok(text) = name.to_str() else {
                let shown = Shown::of(&Path::new(&relative).join(OsStr::from_bytes(name.to_bytes()))).to_string();
                found.passed_over.push((shown, "its name is no text"));
                continue;
            };
            let below = if relative.is_empty() { text.to_owned() } else { format!("{relative}/{text}") };
            let kind = match entry.file_type() {
                // Some file systems do not say.
                FileType::Unknown => {
                    let stat = rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
                    FileType::from_raw_mode(stat.st_mode)
                }
                kind => kind,
            };
            match kind {
                FileType::RegularFile => names.push(below),
                FileType::Directory if text == LEDGER_FOLDER || text == ".git" => {}
                FileType::Directory if depth >= MAX_DEPTH => found.passed_over.push((below, "it lies too deep")),
                FileType::Directory => open.push((below, depth + 1)),
                FileType::Symlink => found.passed_over.push((below, "it is a link, and links are not followed")),
                _ => found.passed_over.push((below, "it is no regular file")),
            }
        }
    }
    names.sort();
    found.passed_over.sort();
    Ok(names)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn scratch(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        folder
    }

    #[test]
    fn results_take_their_own_samples_along_and_the_rest_is_sorted_by_name() {
        let folder = scratch(&[
            "h/results_2026-01-01T00.json",
            "h/samples_a_2026-01-01T00.jsonl",
            "h/samples_b_2026-01-01T00.jsonl",
            "h/results_2026-01-02T00.json",
            "h/samples_a_2026-01-02T00.jsonl",
            "z.eval",
            "a.json",
            "t.csv",
            "README.md",
            ".git/x.json",
        ]);
        let found = find_logs(folder.path()).unwrap();
        let names: Vec<(&str, usize, Likely)> =
            found.logs.iter().map(|log| (log.name.as_str(), log.paths.len(), log.likely)).collect();
        assert_eq!(
            names,
            [
                ("a.json", 1, Likely::Json),
                ("h/results_2026-01-01T00.json", 3, Likely::Log),
                ("h/results_2026-01-02T00.json", 2, Likely::Log),
                ("t.csv", 1, Likely::Table),
                ("z.eval", 1, Likely::Log),
            ]
        );
        assert_eq!((found.other, found.passed_over.len()), (1, 0));
    }

    #[test]
    fn links_pipes_and_names_that_are_no_text_are_passed_over_and_said_to_be() {
        let folder = scratch(&["a.eval"]);
        symlink("/etc/passwd", folder.path().join("b.eval")).unwrap();
        symlink("/", folder.path().join("out")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, folder.path().join("c.eval"), rustix::fs::Mode::RUSR).unwrap();
        fs::write(folder.path().join(OsStr::from_bytes(b"d\xff.eval")), "x").unwrap();
        let found = find_logs(folder.path()).unwrap();
        assert_eq!(found.logs.len(), 1);
        let why: Vec<(&str, &str)> = found.passed_over.iter().map(|(name, why)| (name.as_str(), *why)).collect();
        assert_eq!(why.len(), 4);
        assert!(why.contains(&("b.eval", "it is a link, and links are not followed")), "{why:?}");
        assert!(why.contains(&("c.eval", "it is no regular file")), "{why:?}");
        assert!(why.iter().any(|(name, why)| name.starts_with('d') && *why == "its name is no text"), "{why:?}");
    }

    #[test]
    fn a_folder_as_deep_as_a_well_ends() {
        let deep = vec!["d"; MAX_DEPTH + 2].join("/");
        let folder = scratch(&[&format!("{deep}/a.eval"), "b.eval"]);
        let found = find_logs(folder.path()).unwrap();
        assert_eq!((found.logs.len(), found.passed_over.len()), (1, 1));
        assert_eq!(found.passed_over[0].1, "it lies too deep");
    }
}

//! Where the bytes of a folder's weights really lie: in it, or below its root by a link or pointer of known form.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Mutex;

use rustix::fs::{Dir, FileType};

use super::{
    Beyond, CaptureError, FileStamp, Found, KindError, OpenFile, Pointer, ReadAt, Reading, WeightsError, parse_hex,
    read_folder,
};
use crate::artifact::tree::TreePath;
use crate::capture::open::{Root, Shown, io_error};
use crate::digest::{Sha256Digest, hex};
use crate::weights::layout::Folder;
use crate::weights::lfs::MAX_POINTER;
use crate::weights::{Model, peft};

/// Files at the top of a folder of weights; the largest models have about 1,000 shards.
const MAX_NAMES: usize = 100_000;

/// Endings of files that hold weights or say where they are.
const ENDINGS: &[&str] = &[".safetensors", ".gguf", ".bin", ".pt", ".pth", ".npz", ".npy"];

/// The pointer that a small file is.
pub(super) fn pointer(open: &OpenFile) -> Result<Option<Pointer>, KindError> {
    if open.stamp.size > MAX_POINTER {
        return Ok(None);
    }
    Ok(Pointer::parse(&open.whole()?))
}

impl OpenFile {
    /// All bytes of a file that the caller has found small enough.
    pub(crate) fn whole(&self) -> Result<Vec<u8>, CaptureError> {
        let mut bytes = vec![0; usize::try_from(self.stamp.size).expect("the caller looked at the size")];
        self.read_at(0, &mut bytes).map_err(|source| io_error(&self.shown, "read", source))?;
        Ok(bytes)
    }
}

/// A folder of weights, its top listed.
pub(crate) struct WeightsFolder {
    root: Root,
    /// Names at the top, sorted.
    names: Vec<String>,
    /// Where the bytes of each name lie below the root.
    real: BTreeMap<String, String>,
    /// State of each file when its header was read.
    stamps: Mutex<BTreeMap<String, FileStamp>>,
    /// Weights of which only a pointer is here.
    pointers: Vec<String>,
    /// Weights that are links to somewhere else.
    links: Vec<String>,
    /// Steps of `checkpoint-<step>` folders at the top.
    steps: Vec<u64>,
    /// The snapshot of a Hugging Face cache that was taken.
    snapshot: Option<String>,
    adapter_config: Option<Vec<u8>>,
}

enum Entry {
    File,
    Link,
    Folder,
}

impl WeightsFolder {
    /// Opens and lists a folder.
    pub(crate) fn open(path: &Path) -> Result<Self, KindError> {
        let root = Root::argument(path)?;
        let mut entries = list(&root, "")?;
        let mut top = String::new();
        let mut snapshot = None;
        let is_folder = |name: &str| matches!(entries.get(name), Some(Entry::Folder));
        if is_folder("snapshots") && is_folder("blobs") {
            let revision = the_snapshot(&root)?;
            top = format!("snapshots/{revision}/");
            entries = list(&root, top.trim_end_matches('/'))?;
            snapshot = Some(revision);
        }
        let mut folder = Self {
            root,
            names: Vec::new(),
            real: BTreeMap::new(),
            stamps: Mutex::default(),
            pointers: Vec::new(),
            links: Vec::new(),
            steps: Vec::new(),
            snapshot,
            adapter_config: None,
        };
        for (name, entry) in entries {
            folder.take(&top, name, &entry)?;
        }
        folder.adapter_config = folder.small(peft::CONFIG, peft::MAX_CONFIG)?;
        Ok(folder)
    }

    fn take(&mut self, top: &str, name: String, entry: &Entry) -> Result<(), KindError> {
        let path = format!("{top}{name}");
        let is_weights = ENDINGS.iter().any(|ending| name.ends_with(ending));
        match entry {
            Entry::Folder => self.steps.extend(step_of(&name)),
            Entry::Link => {
                let target = self.root.link(&path)?;
                match target.strip_prefix("../../blobs/").filter(|_| self.snapshot.is_some()) {
                    Some(blob) if is_plain(blob) => {
                        self.real.insert(name.clone(), format!("blobs/{blob}"));
                        self.names.push(name);
                    }
                    _ if is_weights => self.links.push(name),
                    _ => {}
                }
            }
            Entry::File if is_weights => {
                let open = OpenFile::beneath(&self.root, &path)?;
                match pointer(&open)? {
                    None => {
                        self.real.insert(name.clone(), path);
                        self.names.push(name);
                    }
                    Some(pointer) => match self.content(&pointer)? {
                        Some(content) => {
                            self.real.insert(name.clone(), content);
                            self.names.push(name);
                        }
                        None => self.pointers.push(name),
                    },
                }
            }
            Entry::File => {
                self.real.insert(name.clone(), path);
                self.names.push(name);
            }
        }
        Ok(())
    }

    /// Where below the root the content of a pointer lies, if it does.
    fn content(&self, pointer: &Pointer) -> Result<Option<String>, KindError> {
        let oid = pointer.oid.to_string();
        for path in [format!("blobs/{oid}"), format!(".git/lfs/objects/{}/{}/{oid}", &oid[..2], &oid[2..4])] {
            match OpenFile::beneath(&self.root, &path) {
                Ok(open) if open.stamp.size == pointer.size => return Ok(Some(path)),
                Ok(open) => {
                    let (expected, found) = (pointer.size, open.stamp.size);
                    return Err(WeightsError::PointerSize { file: path, expected, found }.into());
                }
                // A folder of the path may be missing, or be a file.
                Err(CaptureError::Vanished { .. } | CaptureError::Changed { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    /// The weights at the top of the folder.
    pub(crate) fn find(&self) -> Result<Found, KindError> {
        // Half of a model is no model.
        if !self.pointers.is_empty() {
            return Ok(Found::Beyond(self.pointers.iter().map(|name| (name.clone(), Beyond::Pointer)).collect()));
        }
        let mut found = read_folder(self)?;
        if let Found::Model(model) = &mut found {
            self.add_config(model);
        }
        Ok(found)
    }

    fn add_config(&self, model: &mut Model) {
        let Some(config) = &self.adapter_config else { return };
        let (facts, notes) = peft::describe(config, model);
        model.facts.extend(facts);
        model.notes.extend(notes);
    }

    /// Where the bytes of a name lie below the root.
    pub(super) fn real(&self, name: &str) -> Result<&str, CaptureError> {
        self.real.get(name).map(String::as_str).ok_or_else(|| self.vanished(name))
    }

    /// The state of a file when its header was read.
    pub(super) fn stamp(&self, name: &str) -> Result<FileStamp, CaptureError> {
        self.stamps().get(name).copied().ok_or_else(|| self.vanished(name))
    }

    fn stamps(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, FileStamp>> {
        self.stamps.lock().expect("no thread panics with the lock held")
    }

    pub(super) fn vanished(&self, name: &str) -> CaptureError {
        CaptureError::Vanished { path: Shown::of(&self.root.shown.join(name)) }
    }

    pub(super) fn open_file(&self, name: &str) -> Result<OpenFile, CaptureError> {
        OpenFile::beneath(&self.root, self.real(name)?)
    }

    /// A small file at the top; none where it is not there or larger than it has any reason to be.
    pub(crate) fn small(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, CaptureError> {
        if !self.real.contains_key(name) {
            return Ok(None);
        }
        let open = self.open_file(name)?;
        if open.stamp.size > limit { Ok(None) } else { open.whole().map(Some) }
    }

    /// Holds content that is named by its SHA-256 against its name.
    pub(super) fn check_sha256(
        &self,
        taken: &BTreeMap<TreePath, Sha256Digest>,
        reading: &mut Reading,
    ) -> Result<(), WeightsError> {
        let named = self.real.values().filter_map(|path| Some((path, named_sha256(path)?)));
        let (mut checked, mut unchecked) = (0, 0);
        for (path, expected) in named {
            match TreePath::parse(path.as_str()).ok().and_then(|path| taken.get(&path)) {
                Some(found) if *found.as_bytes() == expected => checked += 1,
                Some(found) => {
                    let (expected, found) = (hex(&expected), found.to_string());
                    return Err(WeightsError::Sha256 { file: path.clone(), expected, found });
                }
                None => unchecked += 1,
            }
        }
        if checked + unchecked > 0 {
            reading.count("sha256.checked", checked);
        }
        let text = format!("{unchecked} files are named by a SHA-256 that was not taken; `--also sha256` checks it");
        reading.remark("sha256-unchecked", unchecked, text);
        Ok(())
    }

    /// What is worth knowing of the folder itself.
    pub(super) fn describe(&self, reading: &mut Reading) {
        if let Some(revision) = &self.snapshot {
            reading.fact("snapshot", revision);
        }
        let first = self.links.first().map(String::as_str).unwrap_or_default();
        let text = format!(
            "weights that are links out of what is recorded are not read (`{first}`); of a Hugging Face cache record the \
             `models--…` folder"
        );
        reading.remark("links-not-followed", self.links.len() as u64, text);
        if let Some(last) = self.steps.iter().max() {
            reading.count("checkpoints", self.steps.len() as u64);
            reading.count("checkpoints.last-step", *last);
            let text = format!(
                "the folder holds {} checkpoints, the last of step {last}; each has tensors of its own only if it is \
                 recorded by itself",
                self.steps.len()
            );
            reading.remark("several-checkpoints", self.steps.len() as u64, text);
        }
        if let Ok(Some(state)) = self.small("trainer_state.json", 16 << 20) {
            super::describe::trainer_state(reading, &state);
        }
    }
}

impl Folder for WeightsFolder {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn ReadAt + '_>> {
        let open = self.open_file(name).map_err(io::Error::other)?;
        self.stamps().insert(name.to_owned(), open.stamp);
        Ok(Box::new(open))
    }
}

/// The step of a folder called `checkpoint-<step>`: a number, so that 99 comes before 798.
pub(super) fn step_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("checkpoint-")?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.contains('/') && name != "." && name != ".."
}

/// The SHA-256 that the last part of a path is.
fn named_sha256(path: &str) -> Option<[u8; 32]> {
    parse_hex(path.rsplit('/').next()?).ok()
}

/// The one snapshot, or the one that `refs/main` names.
fn the_snapshot(root: &Root) -> Result<String, KindError> {
    let entries = list(root, "snapshots")?;
    let names: Vec<String> =
        entries.into_iter().filter(|(_, entry)| matches!(entry, Entry::Folder)).map(|(name, _)| name).collect();
    if let [only] = &names[..] {
        return Ok(only.clone());
    }
    if let Ok(open) = OpenFile::beneath(root, "refs/main")
        && open.stamp.size <= MAX_POINTER
    {
        let bytes = open.whole()?;
        let main = String::from_utf8_lossy(&bytes).trim().to_owned();
        if names.contains(&main) {
            return Ok(main);
        }
    }
    let shown: Vec<&str> = names.iter().take(5).map(String::as_str).collect();
    Err(WeightsError::Snapshots { names: shown.join(", ") }.into())
}

fn list(root: &Root, relative: &str) -> Result<BTreeMap<String, Entry>, KindError> {
    let shown = root.shown.join(relative);
    let failed = |e: rustix::io::Errno| io_error(&shown, "listed", e.into());
    let folder = root.folder(relative)?;
    let mut entries = BTreeMap::new();
    for entry in Dir::read_from(&folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        // What is not UTF-8 stops the walk that follows, with its name.
        let Ok(name) = entry.file_name().to_str() else { continue };
        if matches!(name, "." | "..") {
            continue;
        }
        let kind = match entry.file_type() {
            FileType::Unknown => {
                let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
                let stat = rustix::fs::statat(&folder, entry.file_name(), flags).map_err(failed)?;
                FileType::from_raw_mode(stat.st_mode)
            }
            kind => kind,
        };
        let kind = match kind {
            FileType::RegularFile => Entry::File,
            FileType::Symlink => Entry::Link,
            FileType::Directory => Entry::Folder,
            // The walk that follows refuses it by name.
            _ => continue,
        };
        if entries.len() == MAX_NAMES {
            return Err(CaptureError::TooMany { path: Shown::of(&shown), limit: MAX_NAMES }.into());
        }
        entries.insert(name.to_owned(), kind);
    }
    Ok(entries)
}

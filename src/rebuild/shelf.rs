//! Recorded bytes that are at hand: in a reader's folder, at their recorded paths or wherever they lie, and what was
//! made again already.
//!
//! Nothing is believed for where it stands: what is found is hashed, and hashed once more when it is taken away.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::artifact::tree::TreePath;
use crate::capture::hash::{HashOptions, Progress, hash_file};
use crate::capture::observe::Folder;
use crate::capture::open::CaptureError;
use crate::capture::walk::walk_folder;
use crate::check::ArtifactSeen;
use crate::digest::{Digest, DigestKind};
use crate::rebuild::logs::SampleLists;
use crate::rebuild::plan::Item;
use crate::statement::Subject;

/// How far a folder is looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// At recorded paths only, below a folder that nobody said is the recorded one: another file there is no alteration.
    Beside,
    /// At recorded paths only.
    AtPlaces,
    /// In every file of it.
    Everywhere,
}

/// Where something was found, or why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// With the recorded digest.
    At(PathBuf),
    /// Something stands at its recorded path, and it is another.
    Altered {
        /// Where, below the folder.
        path: String,
        /// The digest of what stands there, where it could be read.
        found: Result<Digest, String>,
    },
    /// Nowhere.
    Nowhere,
}

/// Everything at hand.
pub struct Shelf<'a> {
    folder: Option<(&'a Path, Look)>,
    progress: &'a dyn Progress,
    lists: Option<&'a dyn SampleLists>,
    whole: OnceCell<Result<Folder, String>>,
    made: BTreeMap<(DigestKind, Digest), PathBuf>,
    hashed: RefCell<BTreeMap<(DigestKind, PathBuf), Result<Digest, String>>>,
}

impl<'a> Shelf<'a> {
    /// What lies in a folder, if there is one.
    pub fn new(folder: Option<(&'a Path, Look)>, progress: &'a dyn Progress) -> Self {
        Self {
            folder,
            progress,
            lists: None,
            whole: OnceCell::new(),
            made: BTreeMap::new(),
            hashed: RefCell::default(),
        }
    }

    /// The same, with the lists of samples that came with the record.
    #[must_use]
    pub fn with_lists(self, lists: &'a dyn SampleLists) -> Self {
        Self { lists: Some(lists), ..self }
    }

    /// The lists of samples that came with the record.
    pub(super) fn lists(&self) -> Option<&dyn SampleLists> {
        self.lists
    }

    /// Adds what was made again and has the recorded bytes.
    pub fn put(&mut self, subject: &Subject, path: PathBuf) {
        if let Some((kind, digest)) = bytes_of(subject) {
            self.made.entry((kind, digest)).or_insert(path);
        }
    }

    /// The bytes of an artifact, or how they differ from what is recorded.
    pub fn find(&self, item: &Item) -> Found {
        let Some((kind, digest)) = bytes_of(&item.subject) else { return Found::Nowhere };
        if let Some(path) = self.made.get(&(kind, digest)) {
            return Found::At(path.clone());
        }
        match self.given(item) {
            Found::At(path) => Found::At(path),
            other => self.elsewhere(item, kind).map_or(other, Found::At),
        }
    }

    /// What the reader was given, without what was made again. What stands at its recorded path and is another is that,
    /// whatever lies elsewhere.
    pub fn given(&self, item: &Item) -> Found {
        let Some((kind, digest)) = bytes_of(&item.subject) else { return Found::Nowhere };
        match self.at_place(item, kind, digest) {
            Found::Nowhere => self.elsewhere(item, kind).map_or(Found::Nowhere, Found::At),
            found => found,
        }
    }

    /// Where a recorded path leads: below the folder, or, an absolute one, on this machine.
    pub(super) fn beside(&self, path: &str) -> PathBuf {
        self.folder.map_or_else(|| PathBuf::from(path), |(folder, _)| folder.join(path))
    }

    fn at_place(&self, item: &Item, kind: DigestKind, wanted: Digest) -> Found {
        let Some((folder, look)) = self.folder else { return Found::Nowhere };
        let places = recorded_places(item);
        let mut altered = None;
        for place in &places {
            let path = folder.join(place.as_str());
            // What is not there at all is no alteration.
            if path.symlink_metadata().is_err() {
                continue;
            }
            match self.digest(kind, &path) {
                Ok(found) if found == wanted => return Found::At(path),
                // Only the whole recorded path says that it should have been this.
                found if look != Look::Beside && !item.paths.iter().any(|path| path.starts_with('/')) => {
                    altered = altered.or(Some(Found::Altered { path: place.as_str().to_owned(), found }));
                }
                _ => {}
            }
        }
        altered.unwrap_or(Found::Nowhere)
    }

    fn elsewhere(&self, item: &Item, kind: DigestKind) -> Option<PathBuf> {
        let (folder, look) = self.folder?;
        let measure = item.subject.0.get(&kind).filter(|_| look == Look::Everywhere)?;
        match self.whole(folder).as_ref().ok()?.look(kind, measure, &[]) {
            ArtifactSeen::Equal { path } => Some(folder.join(path)),
            _ => None,
        }
    }

    fn whole(&self, folder: &Path) -> &Result<Folder, String> {
        self.whole.get_or_init(|| {
            let tree = walk_folder(folder, &HashOptions::default(), self.progress);
            tree.map(Folder::new).map_err(|error| error.to_string())
        })
    }

    /// Why a folder could not be looked through, if it was tried.
    pub(super) fn trouble(&self) -> Option<&str> {
        self.whole.get()?.as_ref().err().map(String::as_str)
    }

    /// The digest of what stands at a path, taken once: whoever takes it away holds it to its digest again.
    fn digest(&self, kind: DigestKind, path: &Path) -> Result<Digest, String> {
        let key = (kind, path.to_owned());
        if let Some(digest) = self.hashed.borrow().get(&key) {
            return digest.clone();
        }
        let digest = self.hash(kind, path).map_err(|error| error.to_string());
        self.hashed.borrow_mut().insert(key, digest.clone());
        digest
    }

    fn hash(&self, kind: DigestKind, path: &Path) -> Result<Digest, CaptureError> {
        let options = HashOptions::default();
        if kind == DigestKind::File {
            return hash_file(path, &options, self.progress).map(|file| file.digest.into());
        }
        let tree = walk_folder(path, &options, self.progress)?;
        Ok(Folder::new(tree).root().unwrap_or(NO_TREE))
    }
}

/// The digest of no tree: what holds names that no tree has is not what was recorded.
const NO_TREE: Digest = Digest { algorithm: crate::digest::Algorithm::Blake3, bytes: [0; 32] };

/// The digest of its bytes: of a file, or of a folder.
fn bytes_of(subject: &Subject) -> Option<(DigestKind, Digest)> {
    [DigestKind::File, DigestKind::Tree].into_iter().find_map(|kind| Some((kind, subject.digest(kind)?)))
}

/// Where it may stand below a folder: as it was recorded, or, recorded by an absolute path, by the end of that.
fn recorded_places(item: &Item) -> Vec<TreePath> {
    let [path] = item.paths.as_slice() else { return Vec::new() };
    let trimmed = path.trim_start_matches("./").trim_end_matches('/');
    let last = Path::new(trimmed).file_name().and_then(|name| name.to_str());
    let places = [Some(trimmed), last.filter(|_| trimmed.starts_with('/'))];
    places.into_iter().flatten().filter_map(|place| TreePath::parse(place).ok()).collect()
}

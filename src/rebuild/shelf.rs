//! Recorded bytes that are at hand: in a reader's folder, at their recorded paths or wherever they lie, and what was
//! made again already.
//!
//! Nothing is believed for where it stands: what is found is hashed, and hashed once more when it is taken away.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::artifact::tree::{TreeLeaf, TreeNode, TreePath};
use crate::capture::hash::{HashOptions, Progress, hash_file};
use crate::capture::observe::Folder;
use crate::capture::open::CaptureError;
use crate::capture::walk::walk_folder;
use crate::digest::{Digest, DigestKind};
use crate::rebuild::listing::{Listing, MAX_NAMES};
use crate::rebuild::logs::SampleLists;
use crate::rebuild::plan::Item;
use crate::statement::{Measure, Subject};

/// How far a folder is looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// In every file of it, though nobody said that it is the recorded folder. Another file at a recorded path is an
    /// alteration only where something else that was recorded stands unchanged at its own path beside it.
    Beside,
    /// At recorded paths only, below the recorded folder.
    AtPlaces,
    /// In every file of what the reader calls the recorded folder.
    Everywhere,
}

/// Where something was found, or why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// With the recorded digest; a folder may hold more than what was recorded of it.
    At(PathBuf),
    /// Something stands at its recorded path, and it is another.
    Altered {
        /// Where, below the folder.
        path: String,
        /// The digest of what should stand there.
        recorded: Digest,
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
    listing: OnceCell<Listing>,
    roots: OnceCell<BTreeSet<String>>,
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
            listing: OnceCell::new(),
            roots: OnceCell::new(),
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
        if let Some((kind, measure)) = bytes_of(subject) {
            self.made.entry((kind, measure.digests[0])).or_insert(path);
        }
    }

    /// Learns which folders below are a recorded one: those in which a recorded file stands unchanged at its path.
    pub(super) fn learn<'i>(&self, items: impl Iterator<Item = &'i Item>) {
        let Some((folder, look)) = self.folder.filter(|(_, look)| *look != Look::AtPlaces) else { return };
        let mut roots = BTreeSet::new();
        for item in items {
            let Some((DigestKind::File, measure)) = bytes_of(&item.subject) else { continue };
            let Some(place) = relative_place(item) else { continue };
            for path in self.listing(folder).files(measure.length) {
                let Some(root) = path.strip_suffix(place.as_str()) else { continue };
                let Some(root) = root.strip_suffix('/').or(root.is_empty().then_some("")) else { continue };
                if !roots.contains(root) && self.digest(DigestKind::File, &folder.join(path)) == Ok(measure.digests[0])
                {
                    roots.insert(root.to_owned());
                }
            }
        }
        if look == Look::Everywhere {
            roots.insert(String::new());
        }
        let _ = self.roots.set(roots);
    }

    /// The bytes of an artifact, or how they differ from what is recorded.
    pub fn find(&self, item: &Item) -> Found {
        let Some((kind, measure)) = bytes_of(&item.subject) else { return Found::Nowhere };
        if let Some(path) = self.made.get(&(kind, measure.digests[0])) {
            return Found::At(path.clone());
        }
        match self.given(item) {
            Found::At(path) => Found::At(path),
            other => self.elsewhere(kind, measure).map_or(other, Found::At),
        }
    }

    /// What the reader was given, without what was made again. What stands at its recorded path in a folder that is said
    /// to be the recorded one, and is another, is that, whatever lies elsewhere.
    pub fn given(&self, item: &Item) -> Found {
        let Some((kind, measure)) = bytes_of(&item.subject) else { return Found::Nowhere };
        match self.at_place(item, kind, measure.digests[0]) {
            Found::At(path) => Found::At(path),
            altered @ Found::Altered { .. } if self.folder.is_some_and(|(_, look)| look != Look::Beside) => altered,
            other => self.elsewhere(kind, measure).map_or(other, Found::At),
        }
    }

    /// Where a recorded path leads: below the folder, or, an absolute one, on this machine.
    pub(super) fn beside(&self, path: &str) -> PathBuf {
        self.folder.map_or_else(|| PathBuf::from(path), |(folder, _)| folder.join(path))
    }

    fn at_place(&self, item: &Item, kind: DigestKind, wanted: Digest) -> Found {
        let Some((folder, _)) = self.folder else { return Found::Nowhere };
        let mut altered = None;
        for (place, is_whole_path) in self.places(item) {
            let path = folder.join(&place);
            // What is not there at all is no alteration.
            if path.symlink_metadata().is_err() {
                continue;
            }
            match self.look(item, kind, wanted, &path) {
                Ok(()) => return Found::At(path),
                // Only the whole recorded path says that it should have been this.
                Err(other) if is_whole_path => {
                    let path = if other.below.is_empty() { place } else { format!("{place}/{}", other.below) };
                    let Other { recorded, found, .. } = other;
                    altered = altered.or(Some(Found::Altered { path, recorded, found }));
                }
                Err(_) => {}
            }
        }
        altered.unwrap_or(Found::Nowhere)
    }

    /// Where it may stand below the folder, and whether that is its whole recorded path: as it was recorded, below each
    /// folder that is a recorded one, or, recorded by an absolute path, by the end of that.
    fn places(&self, item: &Item) -> Vec<(String, bool)> {
        if let Some(place) = relative_place(item) {
            let at_top = BTreeSet::from([String::new()]);
            let roots = self.roots.get().unwrap_or(&at_top);
            let below = |root: &String| if root.is_empty() { place.to_string() } else { format!("{root}/{place}") };
            return roots.iter().map(|root| (below(root), true)).collect();
        }
        let [path] = item.paths.as_slice() else { return Vec::new() };
        let last = Path::new(path.trim_end_matches('/')).file_name().and_then(|name| name.to_str());
        last.and_then(|last| TreePath::parse(last).ok()).map(|last| (last.to_string(), false)).into_iter().collect()
    }

    /// Whether it stands at a path, whatever else stands there.
    fn look(&self, item: &Item, kind: DigestKind, recorded: Digest, path: &Path) -> Result<(), Other> {
        if kind == DigestKind::Tree && !item.leaves.is_empty() && path.is_dir() {
            return item.leaves.iter().try_for_each(|leaf| self.leaf(leaf, path, recorded));
        }
        match self.digest(kind, path) {
            Ok(found) if found == recorded => Ok(()),
            found => Err(Other { below: String::new(), recorded, found }),
        }
    }

    /// Whether a recorded file or link of a folder stands in it.
    fn leaf(&self, leaf: &TreeLeaf, folder: &Path, whole: Digest) -> Result<(), Other> {
        let path = folder.join(leaf.path.as_str());
        let (recorded, found) = match &leaf.node {
            TreeNode::File { digest, .. } => (Digest::from(*digest), self.digest(DigestKind::File, &path)),
            TreeNode::Link { target } => match std::fs::read_link(&path) {
                Ok(found) if found == Path::new(target) => return Ok(()),
                _ => (whole, Err("it is not the recorded link".to_owned())),
            },
        };
        if found == Ok(recorded) { Ok(()) } else { Err(Other { below: leaf.path.to_string(), recorded, found }) }
    }

    /// Anywhere in the folder, by its digest: of files only those of its length are read, of folders those with as many
    /// files.
    fn elsewhere(&self, kind: DigestKind, measure: &Measure) -> Option<PathBuf> {
        let (folder, _) = self.folder.filter(|(_, look)| *look != Look::AtPlaces)?;
        let candidates = match kind {
            DigestKind::File => self.listing(folder).files(measure.length),
            _ => self.listing(folder).folders(measure.count),
        };
        let paths = candidates.iter().map(|path| folder.join(path));
        paths.into_iter().find(|path| self.digest(kind, path) == Ok(measure.digests[0]))
    }

    fn listing(&self, folder: &Path) -> &Listing {
        self.listing.get_or_init(|| Listing::of(folder, MAX_NAMES))
    }

    /// Why a folder could not be looked through, if it was tried.
    pub(super) fn trouble(&self) -> Option<&str> {
        self.listing.get()?.trouble.as_deref()
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

/// Something else than what was recorded.
struct Other {
    /// Where, below the artifact; empty for itself.
    below: String,
    recorded: Digest,
    found: Result<Digest, String>,
}

/// Its bytes: of a file, or of a folder.
fn bytes_of(subject: &Subject) -> Option<(DigestKind, &Measure)> {
    let of = |kind| Some((kind, subject.0.get(&kind).filter(|measure| !measure.digests.is_empty())?));
    [DigestKind::File, DigestKind::Tree].into_iter().find_map(of)
}

/// The path that it was recorded from, where that is one and lies in the folder its recorder worked in.
fn relative_place(item: &Item) -> Option<TreePath> {
    let [path] = item.paths.as_slice() else { return None };
    TreePath::parse(path.trim_start_matches("./").trim_end_matches('/')).ok()
}

//! Opens items of an artifact out of a ledger: finds them by key and proves each leaf against the recorded root.

use crate::artifact::item::{Holds, Item, ItemError};
use crate::artifact::manifest::{MAX_MANIFEST_BYTES, ManifestError, ManifestHash, ManifestView, Sidecar};
use crate::digest::{Digest, DigestKind, ManifestRoot, Salt};
use crate::evidence::{Inclusion, MAX_OPENINGS, Opened, Opening};
use crate::journal::JournalError;
use crate::ledger::{Ledger, LedgerError, Objects};
use crate::merkle::{EntryIndex, MemoryTree, TreeSize, prove_inclusion};
use crate::statement::{Payload, Subject};

/// The kinds of manifest in the order in which a key is looked up: a document before the file that holds it.
pub(super) const ORDER: [DigestKind; 5] =
    [DigestKind::Rows, DigestKind::Tensors, DigestKind::Samples, DigestKind::Tree, DigestKind::Rowset];

/// Why items were not opened.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum ItemsError {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("entry {index} has no manifest in this ledger's objects: it is one file, or its lists are kept elsewhere")]
    NoManifest { index: EntryIndex },
    #[error("the {kind} manifest {root} in the ledger's objects is damaged")]
    Manifest {
        kind: DigestKind,
        root: ManifestRoot,
        #[source]
        source: ManifestError,
    },
    #[error("the object kept as the {kind} manifest {root} is another one, with root {found}")]
    OtherManifest { kind: DigestKind, root: ManifestRoot, found: ManifestRoot },
    #[error("the salts of the {kind} manifest {root} are not here: without them none of its items can be opened")]
    NoSidecar { kind: DigestKind, root: ManifestRoot },
    #[error("the salts kept for the {kind} manifest {root} are of another one")]
    OtherSidecar { kind: DigestKind, root: ManifestRoot },
    #[error("item {number} of the {kind} manifest cannot be read")]
    Item {
        kind: DigestKind,
        number: u64,
        #[source]
        source: ItemError,
    },
    #[error("entry {index} has no item `{}`", .key.escape_default())]
    NotFound { index: EntryIndex, key: String },
    #[error("`{}` is {count} items of entry {index}, the first of them #{first}", .key.escape_default())]
    Ambiguous { index: EntryIndex, key: String, count: u64, first: u64 },
    #[error("{found} items are asked for, at most {MAX_OPENINGS} are opened in one file")]
    TooMany { found: usize },
}

/// An item found, ready to go into evidence.
#[derive(Debug, Clone)]
pub struct Found {
    /// Which of the entry's subjects it is of.
    pub subject: Subject,
    /// What its leaf says.
    pub item: Item,
    /// Its opening, without content.
    pub opening: Opening,
}

/// One manifest of an entry, opened.
pub(super) struct Source {
    pub(super) kind: DigestKind,
    pub(super) root: ManifestRoot,
    subject: Subject,
    object: Vec<u8>,
    sidecar: Option<Vec<u8>>,
}

/// Finds the items of those keys in the entry at `index`, each once, in the order of evidence.
pub fn find_items(
    ledger: &Ledger,
    index: EntryIndex,
    payload: &Payload,
    keys: &[String],
) -> Result<Vec<Found>, ItemsError> {
    if keys.len() > MAX_OPENINGS {
        return Err(ItemsError::TooMany { found: keys.len() });
    }
    let sources = sources(ledger, payload)?;
    if sources.is_empty() {
        return Err(ItemsError::NoManifest { index });
    }
    let mut open: Vec<&String> = keys.iter().collect();
    let mut found: Vec<Found> = Vec::new();
    for source in &sources {
        if open.is_empty() {
            break;
        }
        open = source.open_keys(index, open, &mut found)?;
    }
    if let Some(key) = open.first() {
        return Err(ItemsError::NotFound { index, key: (*key).clone() });
    }
    found.sort_by_key(|found| found.opening.place());
    found.dedup_by_key(|found| found.opening.place());
    Ok(found)
}

/// The leaf of file `number` in the tree of the same subject.
pub fn find_file(
    ledger: &Ledger,
    index: EntryIndex,
    subject: &Subject,
    number: u64,
) -> Result<(Item, Inclusion), ItemsError> {
    let none = ItemsError::NotFound { index, key: format!("#{number}") };
    let source = load(ledger, subject, DigestKind::Tree)?.ok_or(ItemsError::NoManifest { index })?;
    let (view, tree) = source.proved()?;
    let leaf = usize::try_from(number).ok().and_then(|number| view.items().nth(number)).ok_or(none)?;
    let item = Item::read(source.kind, &view.header.projection, leaf, number)
        .map_err(|error| source.bad_item(number, error))?;
    Ok((item, inclusion(&view, &tree, number, leaf)))
}

fn sources(ledger: &Ledger, payload: &Payload) -> Result<Vec<Source>, ItemsError> {
    let mut sources = Vec::new();
    for kind in ORDER {
        for subject in &payload.subjects {
            sources.extend(load(ledger, subject, kind)?);
        }
    }
    Ok(sources)
}

pub(super) fn load(ledger: &Ledger, subject: &Subject, kind: DigestKind) -> Result<Option<Source>, ItemsError> {
    let Some(digest) = subject.digest(kind) else { return Ok(None) };
    let objects = Objects::new(ledger.layout().objects());
    let Some(object) = objects.get(&digest.bytes, MAX_MANIFEST_BYTES)? else { return Ok(None) };
    let sidecar = Objects::new(ledger.layout().private()).get(&digest.bytes, MAX_MANIFEST_BYTES)?;
    let root = ManifestRoot::from_bytes(digest.bytes);
    Ok(Some(Source { kind, root, subject: subject.clone(), object, sidecar }))
}

impl Source {
    /// The manifest, held to its root.
    pub(super) fn view(&self) -> Result<ManifestView<'_>, ItemsError> {
        let (kind, root) = (self.kind, self.root);
        let refuse = |source| ItemsError::Manifest { kind, root, source };
        let view = ManifestView::parse_kind(&self.object, kind).map_err(refuse)?;
        match view.root().map_err(refuse)? {
            found if found == root => Ok(view),
            found => Err(ItemsError::OtherManifest { kind, root, found }),
        }
    }

    /// The manifest with the whole of its tree, held to its root.
    fn proved(&self) -> Result<(ManifestView<'_>, MemoryTree<ManifestHash>), ItemsError> {
        let (kind, root) = (self.kind, self.root);
        let refuse = |source| ItemsError::Manifest { kind, root, source };
        let view = ManifestView::parse_kind(&self.object, kind).map_err(refuse)?;
        let hash = ManifestHash::new(kind).map_err(refuse)?;
        let mut tree = MemoryTree::with_hash(hash.clone());
        tree.append(hash.leaf(&view.header.encode()));
        view.items().for_each(|item| tree.append(hash.leaf(item)));
        match tree.peak().map(|found| ManifestRoot::from_bytes(*found.as_bytes())) {
            Some(found) if found == root => Ok((view, tree)),
            Some(found) => Err(ItemsError::OtherManifest { kind, root, found }),
            None => Err(refuse(ManifestError::Empty)),
        }
    }

    pub(super) fn bad_item(&self, number: u64, source: ItemError) -> ItemsError {
        ItemsError::Item { kind: self.kind, number, source }
    }

    /// Salts and unsalted leaves, where the manifest is salted.
    pub(super) fn salts(&self, view: &ManifestView<'_>) -> Result<Option<Sidecar<'_>>, ItemsError> {
        let (kind, root) = (self.kind, self.root);
        if view.header.unsalted_projection().is_none() {
            return Ok(None);
        }
        let bytes = self.sidecar.as_deref().ok_or(ItemsError::NoSidecar { kind, root })?;
        let sidecar = Sidecar::parse(bytes).map_err(|source| ItemsError::Manifest { kind, root, source })?;
        if sidecar.leaves.len() as u64 == view.count() {
            Ok(Some(sidecar))
        } else {
            Err(ItemsError::OtherSidecar { kind, root })
        }
    }

    /// Opens those of `keys` that are here; gives back the others.
    fn open_keys<'k>(
        &self,
        index: EntryIndex,
        keys: Vec<&'k String>,
        found: &mut Vec<Found>,
    ) -> Result<Vec<&'k String>, ItemsError> {
        let (view, tree) = self.proved()?;
        let salts = self.salts(&view)?;
        let projection = view.header.unsalted_projection().unwrap_or(&view.header.projection).to_owned();
        let mut hits: Vec<(u64, u64)> = vec![(0, 0); keys.len()];
        let wanted: Vec<Wanted> = keys.iter().map(|key| Wanted::parse(key)).collect();
        let mut opened = Vec::new();
        for (number, leaf) in (0..).zip(view.items()) {
            let (plain, salt) = match &salts {
                None => (leaf, None),
                Some(sidecar) => {
                    let at = usize::try_from(number).unwrap_or(usize::MAX);
                    let (salt, plain) = sidecar.leaves.get(at).copied().unwrap_or((Salt([0; 32]), leaf));
                    (plain, Some(salt))
                }
            };
            let item =
                Item::read(self.kind, &projection, plain, number).map_err(|error| self.bad_item(number, error))?;
            let mut is_wanted = false;
            for (wanted, hit) in wanted.iter().zip(&mut hits) {
                if wanted.matches(&item, number) {
                    is_wanted = true;
                    if hit.0 == 0 {
                        hit.1 = number;
                    }
                    hit.0 += 1;
                }
            }
            if is_wanted && opened.len() < MAX_OPENINGS {
                let opening = Opening {
                    entry: index,
                    kind: self.kind,
                    root: self.root,
                    inclusion: inclusion(&view, &tree, number, leaf),
                    opened: salt.map(|salt| Opened { salt, leaf: plain.to_vec() }),
                    content: None,
                };
                opened.push(Found { subject: self.subject.clone(), item, opening });
            }
        }
        for (key, (count, first)) in keys.iter().zip(&hits) {
            if *count > 1 {
                return Err(ItemsError::Ambiguous { index, key: (*key).clone(), count: *count, first: *first });
            }
        }
        found.append(&mut opened);
        Ok(keys.into_iter().zip(hits).filter(|(_, (count, _))| *count == 0).map(|(key, _)| key).collect())
    }
}

/// What a key names: a place, a digest of the item's bytes, or a name.
enum Wanted<'a> {
    Number(u64),
    Digest(Digest),
    Key(&'a str),
}

impl<'a> Wanted<'a> {
    fn parse(key: &'a str) -> Self {
        match (key.strip_prefix('#').and_then(|digits| digits.parse().ok()), key.parse()) {
            (Some(number), _) => Self::Number(number),
            (None, Ok(digest)) => Self::Digest(digest),
            _ => Self::Key(key),
        }
    }

    fn matches(&self, item: &Item, number: u64) -> bool {
        match (self, &item.holds) {
            (Self::Number(wanted), _) => *wanted == number,
            (Self::Digest(wanted), Holds::Bytes(named)) => {
                named.iter().any(|named| Digest::from(named.digest) == *wanted)
            }
            (Self::Digest(_), _) => false,
            (Self::Key(wanted), _) => item.is_called(wanted),
        }
    }
}

fn inclusion(view: &ManifestView<'_>, tree: &MemoryTree<ManifestHash>, number: u64, leaf: &[u8]) -> Inclusion {
    let size = TreeSize(view.count() + 1);
    let path = |position| prove_inclusion(tree, EntryIndex(position), size).expect("the tree holds every leaf");
    Inclusion {
        header: view.header.encode(),
        header_path: path(0),
        position: number + 1,
        leaf: leaf.to_vec(),
        path: path(number + 1),
    }
}

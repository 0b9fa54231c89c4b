//! Reading without a lock: the newest head, entries, and the hashes that proofs are made of.
//!
//! A reader sees one prefix of the log, ended by a signed head that was recomputed from the entries when the ledger was
//! opened. A writer may append meanwhile; the prefix does not change. Readers write nothing and never open the index
//! database. Derived files are used where they hold against the head, and otherwise the log is read instead.

mod entries;
mod nodes;

pub use entries::Entries;
pub use nodes::{LedgerNodes, NoNode};

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};

use crate::digest::{LeafHash, LedgerId, NodeHash};
use crate::key::VerifierKey;
use crate::merkle::{EntryIndex, MemoryTree, SignedHead, TreeHead, check_inclusion, leaf_hash, prove_inclusion};

use self::nodes::Level;
use super::error::{At, Damage, LedgerError};
use super::file::Layout;
use super::frame::{Kind, MAX_FRAME_BYTES, OVERHEAD, Parsed, parse_frame};
use super::head_copy::head_copy;
use super::headers::{header_of, last_segment, ledger_id};
use super::look::steadily;
use super::notice::Notice;
use super::replay::{Found, Issued, Seen, replay};
use super::scan::{Event, Groups, Scan};
use super::tail::Tail;
use super::tiles::Tiles;

/// Reads entry 0, which says whose ledger this is, before any key is known. It is held to the ledger's identity.
pub fn read_genesis(dir: &Path) -> Result<(LedgerId, Vec<u8>), LedgerError> {
    let layout = Layout::new(dir);
    last_segment(&layout)?;
    let ledger = ledger_id(&layout)?;
    let path = layout.segment(0);
    let (mut scan, header) = Scan::open(&path, Groups::Skip)?;
    match scan.next()? {
        Event::Entry { bytes, leaf, .. } if LedgerId::from(leaf) == ledger => Ok((ledger, bytes.to_vec())),
        _ => Err(LedgerError::damaged(&path, header.len(), Damage::Genesis)),
    }
}

/// An entry as it lies in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place.
    pub index: EntryIndex,
    /// Its bytes, as they were appended.
    pub bytes: Vec<u8>,
    /// Its digest.
    pub leaf: LeafHash,
}

/// A ledger open for reading, at one head.
#[derive(Debug)]
pub struct Ledger {
    layout: Layout,
    id: LedgerId,
    head: SignedHead,
    notices: Vec<Notice>,
    /// What was walked over on opening: the end of the log.
    recent: Recent,
    tiles: Option<Tiles>,
    segments: OnceLock<Vec<u64>>,
    whole: OnceLock<MemoryTree>,
    /// Set when derived files were missing or wrong and the log was read instead.
    fell_back: AtomicBool,
    joined: Mutex<BTreeMap<(u8, u64), NodeHash>>,
    /// Hashes of the levels over `recent`, made when first asked for.
    recent_levels: OnceLock<Vec<Level>>,
}

/// Entries that were walked over on opening.
#[derive(Debug)]
struct Recent {
    first: u64,
    leaves: Vec<LeafHash>,
    places: Vec<(u32, u64)>,
}

impl Ledger {
    /// Opens the ledger in `dir` at its newest head, recomputing the end of the log.
    pub fn open_read(dir: &Path, key: &VerifierKey) -> Result<Self, LedgerError> {
        let layout = Layout::new(dir);
        steadily(&layout.lock(), || Self::look(&layout, key))
    }

    fn look(layout: &Layout, key: &VerifierKey) -> Result<Self, LedgerError> {
        // Before the log: the log only grows, so it must reach at least to this head.
        let mut notices = Vec::new();
        let issued = Issued { copy: head_copy(layout, key)?.tree(&mut notices), state: None };
        let mut recent: Option<Recent> = None;
        let found = replay(layout, key, issued, &mut |Seen { segment, index, offset, leaf }| {
            let recent = recent.get_or_insert(Recent { first: index, leaves: Vec::new(), places: Vec::new() });
            recent.leaves.push(leaf);
            recent.places.push((segment, offset));
        })?;
        let Found { ledger, last, end, head, tail, .. } = found;
        if let Tail::Torn { until } = tail {
            let segment = layout.segment(last);
            notices.push(Notice::TornTail { segment, offset: end, bytes: until - end, kept: None });
        }
        let size = head.tree().size.0;
        let mut recent = recent.unwrap_or(Recent { first: size, leaves: Vec::new(), places: Vec::new() });
        let kept = usize::try_from(size.saturating_sub(recent.first)).unwrap_or(usize::MAX);
        recent.leaves.truncate(kept);
        recent.places.truncate(kept);
        Ok(Self {
            layout: layout.clone(),
            id: ledger,
            head,
            notices,
            recent,
            tiles: Tiles::open(layout),
            segments: OnceLock::new(),
            whole: OnceLock::new(),
            fell_back: AtomicBool::new(false),
            joined: Mutex::default(),
            recent_levels: OnceLock::new(),
        })
    }

    /// The ledger's identity.
    pub fn id(&self) -> LedgerId {
        self.id
    }

    /// The head that this reader sees.
    pub fn head(&self) -> &SignedHead {
        &self.head
    }

    /// Size and root.
    pub fn tree(&self) -> &TreeHead {
        self.head.tree()
    }

    /// What a person should be told.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// Says so if derived files were missing or wrong so far and the log was read instead.
    pub fn index_notice(&self) -> Option<Notice> {
        self.fell_back.load(Ordering::Relaxed).then_some(Notice::IndexDistrusted)
    }

    /// Where everything lies.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Every entry from `from` on, streamed from the segments. The last item is an error if the entries do not hash to
    /// the head.
    pub fn entries(&self, from: EntryIndex) -> Result<Entries<'_>, LedgerError> {
        if from.0 > self.tree().size.0 {
            return Err(LedgerError::NoSuchEntry { index: from.0, size: self.tree().size.0 });
        }
        let segment = self.segment_of(from.0)?;
        let (scan, _) = Scan::open(&self.layout.segment(segment), Groups::Skip)?;
        Ok(Entries { ledger: self, scan, segment, from: from.0, ended: false })
    }

    /// One entry, held against the head.
    pub fn entry(&self, index: EntryIndex) -> Result<Entry, LedgerError> {
        self.check_index(index)?;
        if let Some(recent) = index.0.checked_sub(self.recent.first).and_then(|at| usize::try_from(at).ok()) {
            let places = self.recent.places.get(recent).zip(self.recent.leaves.get(recent));
            if let Some(((segment, offset), leaf)) = places {
                let path = self.layout.segment(*segment);
                return match self.frame_at(*segment, *offset)? {
                    Some(bytes) if leaf_hash(&bytes) == *leaf => Ok(Entry { index, bytes, leaf: *leaf }),
                    _ => Err(LedgerError::damaged(&path, *offset, Damage::FrameChecksum)),
                };
            }
        }
        let offset = self.tiles.as_ref().and_then(|tiles| tiles.offset(index.0));
        if let Some(bytes) = offset.map(|offset| self.closed_entry(index.0, offset.into())).transpose()?.flatten() {
            let leaf = leaf_hash(&bytes);
            let path = prove_inclusion(&self.nodes(), index, self.tree().size);
            if path.is_ok_and(|path| check_inclusion(self.tree(), index, leaf, &path).is_ok()) {
                return Ok(Entry { index, bytes, leaf });
            }
        }
        // The derived files are missing or wrong: the log itself, to its end, since only the head can vouch for it.
        self.fell_back.store(true, Ordering::Relaxed);
        let mut wanted = None;
        for entry in self.entries(index)? {
            let entry = entry?;
            if entry.index == index {
                wanted = Some(entry);
            }
        }
        wanted.ok_or(LedgerError::NoSuchEntry { index: index.0, size: self.tree().size.0 })
    }

    /// The inclusion proof of an entry in the tree of the head, checked.
    pub fn prove_inclusion(&self, index: EntryIndex, leaf: LeafHash) -> Result<Vec<NodeHash>, LedgerError> {
        self.check_index(index)?;
        let size = self.tree().size;
        if let Ok(path) = prove_inclusion(&self.nodes(), index, size)
            && check_inclusion(self.tree(), index, leaf, &path).is_ok()
        {
            return Ok(path);
        }
        self.fell_back.store(true, Ordering::Relaxed);
        let path = prove_inclusion(self.whole()?, index, size)
            .map_err(|_| LedgerError::NoSuchEntry { index: index.0, size: size.0 })?;
        check_inclusion(self.tree(), index, leaf, &path).map_err(|error| {
            let what = Damage::Entry { index: index.0, reason: error.to_string() };
            LedgerError::damaged(&self.layout.log(), 0, what)
        })?;
        Ok(path)
    }

    fn check_index(&self, index: EntryIndex) -> Result<(), LedgerError> {
        if self.tree().size.contains(index) {
            return Ok(());
        }
        Err(LedgerError::NoSuchEntry { index: index.0, size: self.tree().size.0 })
    }

    /// First index of each segment, read once.
    fn segments(&self) -> Result<&[u64], LedgerError> {
        if let Some(segments) = self.segments.get() {
            return Ok(segments);
        }
        let numbers = 0..=last_segment(&self.layout)?;
        let first: Vec<u64> =
            numbers.map(|number| Ok(header_of(&self.layout, number)?.first())).collect::<Result<_, LedgerError>>()?;
        Ok(self.segments.get_or_init(|| first))
    }

    fn segment_of(&self, index: u64) -> Result<u32, LedgerError> {
        let segments = self.segments()?;
        let after = segments.partition_point(|first| *first <= index);
        Ok(u32::try_from(after.saturating_sub(1)).unwrap_or(u32::MAX))
    }

    fn closed_entry(&self, index: u64, offset: u64) -> Result<Option<Vec<u8>>, LedgerError> {
        self.frame_at(self.segment_of(index)?, offset)
    }

    /// The entry frame at a place, or nothing if there is none.
    fn frame_at(&self, segment: u32, offset: u64) -> Result<Option<Vec<u8>>, LedgerError> {
        let path = self.layout.segment(segment);
        let file = File::open(&path).at("open", &path)?;
        let mut bytes = vec![0; 4096];
        loop {
            let read = file.read_at(&mut bytes, offset).at("read", &path)?;
            match parse_frame(bytes.split_at(read).0) {
                Parsed::Frame { kind: Kind::Entry, body, .. } => return Ok(Some(body.to_vec())),
                Parsed::More { needed } if needed > bytes.len() && read == bytes.len() => {
                    bytes.resize(needed.min(MAX_FRAME_BYTES as usize + OVERHEAD), 0);
                }
                _ => return Ok(None),
            }
        }
    }
}

//! Reading without a lock: the newest head, entries, and the hashes that proofs are made of.
//!
//! A reader sees one prefix of the log, ended by a signed head that was recomputed from the entries when the ledger was
//! opened. A writer may append meanwhile; the prefix does not change. Readers write nothing and never open the index
//! database. Derived files are used where they hold against the head, and otherwise the log is read instead.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::digest::{LeafHash, LedgerId, NodeHash};
use crate::key::VerifierKey;
use crate::merkle::{
    CompactRange, EntryIndex, MemoryTree, Nodes, SignedHead, TreeHead, check_inclusion, leaf_hash, node_hash,
    prove_inclusion,
};

use super::error::{At, Damage, LedgerError};
use super::file::Layout;
use super::frame::{Kind, MAX_FRAME_BYTES, OVERHEAD, Parsed, parse_frame};
use super::look::steadily;
use super::notice::Notice;
use super::replay::{Found, HeadCopy, Issued, Seen, Tail, head_copy, header_of, last_segment, ledger_id, replay};
use super::scan::{Event, Groups, Scan};
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

/// The complete nodes of one level that lie wholly in the recent entries.
#[derive(Debug)]
struct Level {
    first: u64,
    nodes: Vec<NodeHash>,
}

impl Ledger {
    /// Opens the ledger in `dir` at its newest head, recomputing the end of the log.
    pub fn open_read(dir: &Path, key: &VerifierKey) -> Result<Self, LedgerError> {
        let layout = Layout::new(dir);
        steadily(&layout.lock(), || Self::look(&layout, key))
    }

    fn look(layout: &Layout, key: &VerifierKey) -> Result<Self, LedgerError> {
        // Before the log: the log only grows, so it must reach at least to this head.
        let copy = head_copy(layout, key)?;
        let mut notices = Vec::new();
        let copied = match copy {
            HeadCopy::Signed(head) => Some(*head.tree()),
            HeadCopy::Missing => {
                notices.push(Notice::HeadCopyMissing);
                None
            }
            HeadCopy::Damaged(reason) => {
                notices.push(Notice::HeadCopyDamaged { reason });
                None
            }
        };
        let mut recent: Option<Recent> = None;
        let issued = Issued { copy: copied, state: None };
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

    /// The hashes of the tree, for making proofs. Derived files may be wrong: check what was made against
    /// [`Ledger::tree`], and make it from [`Ledger::nodes_from_log`] if it does not hold.
    pub fn nodes(&self) -> LedgerNodes<'_> {
        LedgerNodes { ledger: self, source: Source::Derived }
    }

    /// The hashes of the tree, from the entries themselves: reads the whole log once and keeps 64 bytes an entry.
    pub fn nodes_from_log(&self) -> Result<LedgerNodes<'_>, LedgerError> {
        self.whole()?;
        Ok(LedgerNodes { ledger: self, source: Source::Log })
    }

    /// Makes something from the hashes of the tree that `check` then accepts, without trust in derived files.
    pub fn prove<T, E>(
        &self,
        make: impl Fn(&LedgerNodes<'_>) -> Result<T, E>,
        check: impl Fn(&T) -> bool,
    ) -> Result<Result<T, E>, LedgerError> {
        match make(&self.nodes()) {
            Ok(made) if check(&made) => Ok(Ok(made)),
            _ => {
                self.fell_back.store(true, Ordering::Relaxed);
                Ok(make(&self.nodes_from_log()?))
            }
        }
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

    /// The whole tree from the log, held against the head.
    fn whole(&self) -> Result<&MemoryTree, LedgerError> {
        if let Some(whole) = self.whole.get() {
            return Ok(whole);
        }
        let mut tree = MemoryTree::new();
        for leaf in Leaves(self.entries(EntryIndex(0))?) {
            tree.append(leaf?);
        }
        Ok(self.whole.get_or_init(|| tree))
    }

    fn recent_levels(&self) -> &[Level] {
        self.recent_levels.get_or_init(|| {
            let leaves = self.recent.leaves.iter().map(|leaf| NodeHash::from(*leaf)).collect();
            let mut levels = vec![Level { first: self.recent.first, nodes: leaves }];
            while let Some(level) = levels.last().filter(|level| level.nodes.len() > 1) {
                // The first pair begins at an even place.
                let skip = level.first % 2;
                let nodes: Vec<NodeHash> = level
                    .nodes
                    .get(usize::from(skip == 1)..)
                    .unwrap_or_default()
                    .chunks_exact(2)
                    .filter_map(|pair| pair.first().zip(pair.last()))
                    .map(|(left, right)| node_hash(left, right))
                    .collect();
                let first = level.first.div_ceil(2);
                levels.push(Level { first, nodes });
            }
            levels
        })
    }

    fn recent_node(&self, level: u8, index: u64) -> Option<NodeHash> {
        let level = self.recent_levels().get(usize::from(level))?;
        level.nodes.get(usize::try_from(index.checked_sub(level.first)?).ok()?).copied()
    }

    /// A node from the recent entries, from the derived files, or joined where it lies over both.
    fn derived_node(&self, level: u8, index: u64) -> Option<NodeHash> {
        let start = index.checked_shl(level.into()).filter(|start| start >> level == index)?;
        let end = start.checked_add(1_u64.checked_shl(level.into())?)?;
        if end > self.tree().size.0 {
            return None;
        }
        if start >= self.recent.first {
            return self.recent_node(level, index);
        }
        if end <= self.recent.first {
            return self.tiles.as_ref()?.node(level, index);
        }
        let joined = || self.joined.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(node) = joined().get(&(level, index)) {
            return Some(*node);
        }
        let lower = level.checked_sub(1)?;
        let left = self.derived_node(lower, 2 * index)?;
        let right = self.derived_node(lower, 2 * index + 1)?;
        let node = node_hash(&left, &right);
        joined().insert((level, index), node);
        Some(node)
    }
}

/// A hash that derived files do not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no stored hash for node {index} on level {level}")]
pub struct NoNode {
    /// Height over the leaves.
    pub level: u8,
    /// Place on the level.
    pub index: u64,
}

/// The hashes of a ledger's tree.
#[derive(Debug, Clone, Copy)]
pub struct LedgerNodes<'a> {
    ledger: &'a Ledger,
    source: Source,
}

#[derive(Debug, Clone, Copy)]
enum Source {
    Derived,
    Log,
}

impl Nodes for LedgerNodes<'_> {
    type Error = NoNode;

    fn node(&self, level: u8, index: u64) -> Result<NodeHash, NoNode> {
        let node = match self.source {
            Source::Derived => self.ledger.derived_node(level, index),
            Source::Log => self.ledger.whole.get().and_then(|whole| whole.node(level, index).ok()),
        };
        node.ok_or(NoNode { level, index })
    }
}

/// Streams entries; see [`Ledger::entries`].
#[derive(Debug)]
pub struct Entries<'a> {
    ledger: &'a Ledger,
    scan: Scan,
    segment: u32,
    from: u64,
    ended: bool,
}

impl Entries<'_> {
    /// The next entry's index and leaf, and its bytes if they are wanted.
    fn step<T>(&mut self, take: impl Fn(EntryIndex, &[u8], LeafHash) -> T) -> Result<Option<T>, LedgerError> {
        loop {
            if self.scan.range().size() >= self.ledger.tree().size {
                return self.end();
            }
            let at = self.scan.at();
            match self.scan.next()? {
                Event::Entry { index, bytes, leaf, .. } if index >= self.from => {
                    return Ok(Some(take(EntryIndex(index), bytes, leaf)));
                }
                Event::Entry { .. } | Event::Head { .. } | Event::Attached => {}
                Event::Stopped(super::scan::Stop::End { .. }) => self.next_segment()?,
                Event::Stopped(super::scan::Stop::Bad { at, what }) => {
                    return Err(LedgerError::damaged(self.scan.path(), at, what));
                }
                Event::Stopped(super::scan::Stop::Zeros { .. }) => {
                    return Err(LedgerError::damaged(self.scan.path(), at, Damage::Zeros));
                }
            }
        }
    }

    fn next_segment(&mut self) -> Result<(), LedgerError> {
        let number = self.segment.saturating_add(1);
        let path = self.ledger.layout.segment(number);
        if !path.exists() {
            return Err(LedgerError::damaged(&path, 0, Damage::SegmentMissing));
        }
        let (scan, header) = Scan::open(&path, Groups::Skip)?;
        super::replay::check_header(&header, &path, self.ledger.id, number, Some(self.scan.range()))?;
        (self.scan, self.segment) = (scan, number);
        Ok(())
    }

    /// The end of the prefix: what was read must hash to the head.
    fn end<T>(&mut self) -> Result<Option<T>, LedgerError> {
        self.ended = true;
        let range: &CompactRange = self.scan.range();
        let signed = self.ledger.tree();
        if range.head() == *signed {
            return Ok(None);
        }
        let what = Damage::HeadRoot { signed: signed.root.to_string(), recomputed: range.root().to_string() };
        Err(LedgerError::damaged(self.scan.path(), self.scan.at(), what))
    }

    fn item<T>(&mut self, take: impl Fn(EntryIndex, &[u8], LeafHash) -> T) -> Option<Result<T, LedgerError>> {
        if self.ended {
            return None;
        }
        let item = self.step(take).transpose();
        self.ended |= matches!(item, None | Some(Err(_)));
        item
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<Entry, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.item(|index, bytes, leaf| Entry { index, bytes: bytes.to_vec(), leaf })
    }
}

/// As [`Entries`], without copying the bytes.
struct Leaves<'a>(Entries<'a>);

impl Iterator for Leaves<'_> {
    type Item = Result<LeafHash, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.item(|_, _, leaf| leaf)
    }
}

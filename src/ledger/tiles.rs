//! Derived files for readers: hashes of the tree and places of the entries, of closed segments only.
//!
//! ```text
//! index/offsets    u32 BE for each entry: where its frame begins in its segment
//! index/tiles/NN   bricks of 4096 bytes; a brick of row NN covers levels 6*NN to 6*NN+5 over 64 nodes of level 6*NN
//! brick            64 + 32 + 16 + 8 + 4 + 2 node hashes (32 each), lowest level first, zeros where there is none yet
//!                  | row u32 BE | brick number u64 BE | zeros | CRC32C u32 BE over all before
//! ```
//!
//! One brick is one page and one read for six levels, so that a proof among a million entries reads four. The last
//! segment is walked by whoever opens the ledger anyway and is not in here: nothing is written while appending.
//! Checksums only find rot. What these files say is believed after it was held against a signed head, and otherwise
//! the log is read instead; deleting them costs time and nothing else.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::digest::{DIGEST_LEN, NodeHash};
use crate::merkle::{CompactRange, node_hash};

use super::error::{At, LedgerError};
use super::file::{Layout, create_dir, private, sync_dir};
use super::headers::{header_of, last_segment};
use super::scan::{Event, Groups, Scan};

const BRICK_LEN: usize = 4096;
/// Levels in one brick.
const ROW_LEVELS: u8 = 6;
/// Nodes of the lowest level in one brick.
const BRICK_LEAVES: u64 = 1 << ROW_LEVELS;
/// 64-bit sizes have 64 levels.
const ROWS: u8 = 64_u8.div_ceil(ROW_LEVELS);
const HASHES_LEN: usize = 126 * DIGEST_LEN;
/// Upper bricks of each row kept in memory while proving: at most 16 MiB a row, enough for 16 million entries.
const CACHED_BRICKS: usize = 4096;

/// Where the files lie.
fn tiles_dir(layout: &Layout) -> PathBuf {
    layout.index().join("tiles")
}

fn row_path(layout: &Layout, row: u8) -> PathBuf {
    tiles_dir(layout).join(format!("{row:02}"))
}

fn offsets_path(layout: &Layout) -> PathBuf {
    layout.index().join("offsets")
}

/// A brick in memory.
struct Brick(Box<[u8; BRICK_LEN]>);

/// Where a node lies: its row, brick and byte offset there.
fn place(level: u8, index: u64) -> (u8, u64, usize) {
    let (row, inner) = (level / ROW_LEVELS, level % ROW_LEVELS);
    let width = BRICK_LEAVES >> inner;
    let slot = (2 * BRICK_LEAVES - 2 * width) + index % width;
    let offset = usize::try_from(slot).expect("a brick has 126 hashes") * DIGEST_LEN;
    (row, index / width, offset)
}

impl Brick {
    fn new() -> Self {
        Self(Box::new([0; BRICK_LEN]))
    }

    fn node(&self, offset: usize) -> Option<NodeHash> {
        let hash: &[u8; DIGEST_LEN] = self.0.get(offset..)?.first_chunk()?;
        (*hash != [0; DIGEST_LEN]).then(|| NodeHash::from_bytes(*hash))
    }

    fn set(&mut self, offset: usize, hash: &NodeHash) {
        if let Some(place) = self.0.get_mut(offset..).and_then(|rest| rest.first_chunk_mut()) {
            *place = *hash.as_bytes();
        }
    }

    fn trailer(row: u8, number: u64) -> [u8; 12] {
        let mut trailer = [0; 12];
        trailer[..4].copy_from_slice(&u32::from(row).to_be_bytes());
        trailer[4..].copy_from_slice(&number.to_be_bytes());
        trailer
    }

    fn seal(&mut self, row: u8, number: u64) {
        self.0[HASHES_LEN..HASHES_LEN + 12].copy_from_slice(&Self::trailer(row, number));
        let checksum = crc32c::crc32c(&self.0[..BRICK_LEN - 4]);
        self.0[BRICK_LEN - 4..].copy_from_slice(&checksum.to_be_bytes());
    }

    fn is_sealed(&self, row: u8, number: u64) -> bool {
        self.0[HASHES_LEN..HASHES_LEN + 12] == Self::trailer(row, number)
            && self.0[BRICK_LEN - 4..] == crc32c::crc32c(&self.0[..BRICK_LEN - 4]).to_be_bytes()
    }

    fn read(file: &File, row: u8, number: u64) -> Option<Self> {
        let mut brick = Self::new();
        file.read_exact_at(&mut brick.0[..], number.checked_mul(BRICK_LEN as u64)?).ok()?;
        brick.is_sealed(row, number).then_some(brick)
    }
}

/// The derived files, open for reading.
#[derive(Debug)]
pub(super) struct Tiles {
    rows: Vec<File>,
    offsets: File,
    /// The bottom brick read last: one proof reads several of its hashes.
    bottom: Mutex<Option<(u64, Brick)>>,
    /// Upper bricks, by row and number: few, and every proof needs them.
    upper: Mutex<Vec<Vec<Option<Brick>>>>,
}

impl std::fmt::Debug for Brick {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Brick(..)")
    }
}

impl Tiles {
    /// Opens what there is; `None` when there is nothing usable.
    pub(super) fn open(layout: &Layout) -> Option<Self> {
        let offsets = File::open(offsets_path(layout)).ok()?;
        let rows: Vec<File> = (0..ROWS).map_while(|row| File::open(row_path(layout, row)).ok()).collect();
        let upper = Mutex::new(rows.iter().map(|_| Vec::new()).collect());
        Some(Self { rows, offsets, bottom: Mutex::default(), upper })
    }

    /// A hash, or `None` where the files do not have it or fail their checksum.
    pub(super) fn node(&self, level: u8, index: u64) -> Option<NodeHash> {
        let (row, number, offset) = place(level, index);
        let file = self.rows.get(usize::from(row))?;
        if row == 0 {
            let mut bottom = self.bottom.lock().ok()?;
            if bottom.as_ref().is_none_or(|(held, _)| *held != number) {
                *bottom = Some((number, Brick::read(file, row, number)?));
            }
            return bottom.as_ref()?.1.node(offset);
        }
        let Some(slot) = usize::try_from(number).ok().filter(|number| *number < CACHED_BRICKS) else {
            return Brick::read(file, row, number)?.node(offset);
        };
        let mut upper = self.upper.lock().ok()?;
        let row_bricks = upper.get_mut(usize::from(row))?;
        if row_bricks.len() <= slot {
            row_bricks.resize_with(slot + 1, || None);
        }
        let cached = row_bricks.get_mut(slot)?;
        if cached.is_none() {
            *cached = Some(Brick::read(file, row, number)?);
        }
        cached.as_ref()?.node(offset)
    }

    /// Where an entry's frame begins in its segment.
    pub(super) fn offset(&self, index: u64) -> Option<u32> {
        let mut bytes = [0; 4];
        self.offsets.read_exact_at(&mut bytes, index.checked_mul(4)?).ok()?;
        Some(u32::from_be_bytes(bytes))
    }

    /// Whether the files agree with a compact range that a signed head vouches for.
    pub(super) fn agree_with(&self, range: &CompactRange) -> bool {
        peaks(range).all(|(level, index, hash)| self.node(level, index) == Some(hash))
    }
}

/// Level, index and hash of each subtree of a compact range.
fn peaks(range: &CompactRange) -> impl Iterator<Item = (u8, u64, NodeHash)> {
    let size = range.size().0;
    let levels = (0..64_u8).rev().filter(move |level| size >> level & 1 == 1);
    levels.zip(range.hashes()).map(move |(level, hash)| (level, (size >> level) - 1, *hash))
}

/// Writes the derived files, one closed segment after another.
struct Builder {
    rows: Vec<Row>,
    offsets: Vec<u8>,
    dir: PathBuf,
}

struct Row {
    file: File,
    path: PathBuf,
    number: u64,
    brick: Brick,
}

impl Builder {
    /// Goes on after the entries of `before`; nothing if the files do not hold these.
    fn resume(layout: &Layout, before: &CompactRange) -> Result<Option<Self>, LedgerError> {
        let dir = tiles_dir(layout);
        create_dir(&layout.index())?;
        create_dir(&dir)?;
        let mut rows = Vec::new();
        for row in 0..ROWS {
            let path = row_path(layout, row);
            if before.size().0 >> (u32::from(row) * u32::from(ROW_LEVELS)) == 0 {
                break;
            }
            let Ok(file) = private().open(&path) else { return Ok(None) };
            // The brick in which this row goes on; it exists unless the row ends exactly with a full one.
            let nodes = before.size().0 >> (u32::from(row) * u32::from(ROW_LEVELS));
            let number = nodes / BRICK_LEAVES;
            let brick = if nodes % BRICK_LEAVES == 0 { Some(Brick::new()) } else { Brick::read(&file, row, number) };
            let Some(brick) = brick else { return Ok(None) };
            rows.push(Row { file, path, number, brick });
        }
        let agrees = before.size().0 == 0 || Tiles::open(layout).is_some_and(|tiles| tiles.agree_with(before));
        Ok(agrees.then(|| Self { rows, offsets: Vec::new(), dir }))
    }

    fn append(&mut self, index: u64, leaf: NodeHash, offset: u64) -> Result<(), LedgerError> {
        let offset = u32::try_from(offset).unwrap_or(u32::MAX);
        self.offsets.extend_from_slice(&offset.to_be_bytes());
        let (mut level, mut index, mut hash) = (0, index, leaf);
        loop {
            let left = self.set(level, index, &hash)?;
            match left {
                // A pair is complete: its parent goes one level up.
                Some(left) if index % 2 == 1 => hash = node_hash(&left, &hash),
                _ => return Ok(()),
            }
            level += 1;
            index /= 2;
        }
    }

    /// Sets a node and returns its left neighbour, if it has one.
    fn set(&mut self, level: u8, index: u64, hash: &NodeHash) -> Result<Option<NodeHash>, LedgerError> {
        let (row_number, brick_number, offset) = place(level, index);
        if usize::from(row_number) == self.rows.len() {
            let path = self.dir.join(format!("{row_number:02}"));
            let file = private().create(true).truncate(true).open(&path).at("create", &path)?;
            self.rows.push(Row { file, path, number: 0, brick: Brick::new() });
        }
        let Some(row) = self.rows.get_mut(usize::from(row_number)) else { return Ok(None) };
        if row.number != brick_number {
            row.write(row_number)?;
            row.number = brick_number;
            row.brick = Brick::new();
        }
        row.brick.set(offset, hash);
        Ok(offset.checked_sub(DIGEST_LEN).filter(|_| index % 2 == 1).and_then(|left| row.brick.node(left)))
    }

    /// Writes what is still in memory and syncs: the offsets last, since their length says how far everything reaches.
    fn finish(mut self, layout: &Layout, first: u64) -> Result<(), LedgerError> {
        for (number, row) in (0..).zip(&mut self.rows) {
            row.write(number)?;
            row.file.sync_all().at("sync", &row.path)?;
        }
        sync_dir(&self.dir)?;
        let path = offsets_path(layout);
        let file = private().create(true).truncate(false).open(&path).at("open", &path)?;
        file.set_len(first.saturating_mul(4)).at("cut to length", &path)?;
        file.write_all_at(&self.offsets, first.saturating_mul(4)).at("write", &path)?;
        file.sync_all().at("sync", &path)
    }
}

impl Row {
    fn write(&mut self, row: u8) -> Result<(), LedgerError> {
        self.brick.seal(row, self.number);
        self.file.write_all_at(&self.brick.0[..], self.number * BRICK_LEN as u64).at("write", &self.path)
    }
}

/// Entries that the derived files reach over.
pub(super) fn covered(layout: &Layout) -> u64 {
    fs::metadata(offsets_path(layout)).map_or(0, |metadata| metadata.len() / 4)
}

/// Brings the derived files up to every closed segment, as long as `go_on` says so after each of them.
pub(super) fn catch_up(layout: &Layout, go_on: &dyn Fn() -> bool) -> Result<(), LedgerError> {
    let last = last_segment(layout)?;
    let goal = header_of(layout, last)?;
    if covered(layout) == goal.first() && Tiles::open(layout).is_some_and(|tiles| tiles.agree_with(&goal.before)) {
        return Ok(());
    }
    if last == 0 {
        return if covered(layout) > 0 { remove(layout) } else { Ok(()) };
    }
    // Back to the newest segment whose beginning the files reach and agree with.
    let mut number = last;
    let mut builder = None;
    while builder.is_none() {
        number -= 1;
        let header = header_of(layout, number)?;
        if header.first() <= covered(layout) {
            builder = Builder::resume(layout, &header.before)?;
        }
        if number == 0 && builder.is_none() {
            remove(layout)?;
            builder = Builder::resume(layout, &CompactRange::new())?;
            break;
        }
    }
    let Some(mut builder) = builder else { return Ok(()) };
    for segment in number..last {
        let first = add_segment(&mut builder, &layout.segment(segment))?;
        builder.finish(layout, first)?;
        if !go_on() {
            return Ok(());
        }
        let header = header_of(layout, segment + 1)?;
        match Builder::resume(layout, &header.before)? {
            Some(next) => builder = next,
            // The files on disk do not take what was just written: leave it to the readers' way through the log.
            None => return Ok(()),
        }
    }
    Ok(())
}

fn add_segment(builder: &mut Builder, path: &Path) -> Result<u64, LedgerError> {
    let (mut scan, header) = Scan::open(path, Groups::Skip)?;
    loop {
        match scan.next()? {
            Event::Entry { index, offset, leaf, .. } => builder.append(index, leaf.into(), offset)?,
            Event::Head { .. } | Event::Attached => {}
            Event::Stopped(_) => return Ok(header.first()),
        }
    }
}

/// Removes the derived files of this module.
pub(super) fn remove(layout: &Layout) -> Result<(), LedgerError> {
    let (offsets, tiles) = (offsets_path(layout), tiles_dir(layout));
    match fs::remove_file(&offsets) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            return Err(LedgerError::Io { doing: "remove", path: offsets, source });
        }
        _ => {}
    }
    match fs::remove_dir_all(&tiles) {
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => Ok(()),
        done => done.at("remove", &tiles),
    }
}

/// Whether every brick passes its checksum and the files agree with the newest closed segment; `None` while there is
/// no closed segment.
pub(super) fn check(layout: &Layout) -> Result<Option<IndexState>, LedgerError> {
    let header = header_of(layout, last_segment(layout)?)?;
    if header.first() == 0 {
        return Ok(None);
    }
    if covered(layout) < header.first() {
        return Ok(Some(IndexState::Behind { covered: covered(layout), entries: header.first() }));
    }
    let Some(tiles) = Tiles::open(layout) else { return Ok(Some(IndexState::Wrong)) };
    let mut whole = tiles.agree_with(&header.before);
    for (row, file) in (0..).zip(&tiles.rows) {
        let nodes = header.first() >> (u32::from(row) * u32::from(ROW_LEVELS));
        whole &= (0..nodes.div_ceil(BRICK_LEAVES)).all(|number| Brick::read(file, row, number).is_some());
    }
    Ok(Some(if whole { IndexState::Whole } else { IndexState::Wrong }))
}

/// What a look at the derived files says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IndexState {
    Whole,
    Behind { covered: u64, entries: u64 },
    Wrong,
}

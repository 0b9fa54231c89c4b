//! The blocks of a file, handed out in order and merged in order, whatever order they come back in.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::capture::read::BLOCK;
use crate::digest::{CHUNK, FileDigest, Joined, Subtree};

/// What is to be done and what has come in.
pub(super) struct Work {
    size: u64,
    /// Where each part begins and ends, and its number, by where it begins.
    order: Vec<(u64, u64, usize)>,
    /// How many of `order` were handed out already.
    begun: usize,
    /// Parts that reach into the next block, with their ends.
    active: Vec<(u64, usize)>,
    /// Number of the block that is handed out next.
    next: u64,
    early: BTreeMap<u64, Done>,
    /// How many blocks were merged.
    merged: u64,
    file: Joined,
    whole_file: Option<FileDigest>,
    parts: Vec<Option<FileDigest>>,
    across: BTreeMap<usize, Across>,
}

/// One block and the parts in it.
pub(super) struct Task {
    number: u64,
    pub(super) start: u64,
    pub(super) len: usize,
    parts: Vec<usize>,
}

/// What came of a block.
pub(super) struct Done {
    file: Piece,
    parts: Vec<(usize, Stretch)>,
    end: u64,
}

/// A subtree and how many bytes are under it, or all of what was to be hashed.
enum Piece {
    Subtree(u64, Subtree),
    Whole(FileDigest),
}

/// What of a part lies in a block.
struct Stretch {
    /// The rest of a chunk that began in the block before.
    head: Vec<u8>,
    pieces: Vec<Piece>,
    /// The beginning of a chunk that ends in the next block.
    tail: Vec<u8>,
}

impl Work {
    pub(super) fn new(size: u64, ranges: &[Range<u64>]) -> Self {
        let parts: Vec<_> = ranges.iter().map(|range| range.is_empty().then(|| FileDigest::of(&[]))).collect();
        let numbered = ranges.iter().enumerate().filter(|(_, range)| !range.is_empty());
        let mut order: Vec<_> = numbered.map(|(part, range)| (range.start, range.end, part)).collect();
        order.sort_unstable();
        Self {
            size,
            order,
            begun: 0,
            active: Vec::new(),
            next: 0,
            early: BTreeMap::new(),
            merged: 0,
            file: Joined::default(),
            whole_file: (size == 0).then(|| FileDigest::of(&[])),
            parts,
            across: BTreeMap::new(),
        }
    }

    /// How many blocks there are.
    pub(super) fn blocks(&self) -> usize {
        usize::try_from(self.size.div_ceil(BLOCK)).unwrap_or(usize::MAX)
    }

    /// Hands out no more blocks.
    pub(super) fn stop(&mut self) {
        self.next = self.size.div_ceil(BLOCK);
    }

    /// The next block, with the parts that lie in it.
    pub(super) fn take(&mut self) -> Option<Task> {
        let start = self.next.checked_mul(BLOCK).filter(|start| *start < self.size)?;
        let end = (start + BLOCK).min(self.size);
        while let Some((_, part_end, part)) = self.order.get(self.begun).filter(|(start, ..)| *start < end) {
            self.active.push((*part_end, *part));
            self.begun += 1;
        }
        let parts = self.active.iter().map(|(_, part)| *part).collect();
        self.active.retain(|(part_end, _)| *part_end > end);
        self.next += 1;
        let len = usize::try_from(end - start).expect("a block fits memory");
        Some(Task { number: self.next - 1, start, len, parts })
    }

    pub(super) fn put(&mut self, task: &Task, done: Done, ranges: &[Range<u64>]) {
        self.early.insert(task.number, done);
        while let Some(done) = self.early.remove(&self.merged) {
            self.merged += 1;
            match done.file {
                Piece::Whole(digest) => self.whole_file = Some(digest),
                Piece::Subtree(bytes, subtree) => self.file.push(bytes, subtree),
            }
            for (part, stretch) in done.parts {
                let range = &ranges[part];
                let merger = self.across.entry(part).or_default();
                if let Some(digest) = merger.join(stretch, range.end - range.start) {
                    self.parts[part] = Some(digest);
                    self.across.remove(&part);
                } else if range.end <= done.end
                    && let Some(merger) = self.across.remove(&part)
                {
                    self.parts[part] = Some(merger.finish());
                }
            }
        }
    }

    pub(super) fn finish(self) -> (FileDigest, Vec<FileDigest>) {
        let file = self.whole_file.unwrap_or_else(|| joined(self.file));
        let parts = self.parts.into_iter().map(|part| part.expect("every block was merged, so every part ended"));
        (file, parts.collect())
    }
}

impl Task {
    pub(super) fn hash(&self, block: &[u8], ranges: &[Range<u64>], size: u64) -> Done {
        let file = if block.len() as u64 == size {
            Piece::Whole(FileDigest::of(block))
        } else {
            Piece::Subtree(block.len() as u64, Subtree::of(block, self.start))
        };
        let parts = self.parts.iter().map(|part| (*part, self.stretch(block, &ranges[*part]))).collect();
        Done { file, parts, end: self.start + block.len() as u64 }
    }

    /// What of a part lies in the block. Chunks are counted from the start of the part.
    fn stretch(&self, block: &[u8], part: &Range<u64>) -> Stretch {
        let (start, end) = (self.start, self.start + block.len() as u64);
        let held = |from: u64, to: u64| {
            let place = |at: u64| usize::try_from(at - start).expect("a block fits memory");
            &block[place(from)..place(to)]
        };
        let mut stretch = Stretch { head: Vec::new(), pieces: Vec::new(), tail: Vec::new() };
        if part.start >= start && part.end <= end {
            stretch.pieces.push(Piece::Whole(FileDigest::of(held(part.start, part.end))));
            return stretch;
        }
        let mut chunk = start.saturating_sub(part.start).div_ceil(CHUNK);
        if part.start < start {
            stretch.head = held(start, (part.start + chunk * CHUNK).min(part.end).min(end)).to_vec();
        }
        let is_last = part.end <= end;
        let stop = if is_last { (part.end - part.start).div_ceil(CHUNK) } else { (end - part.start) / CHUNK };
        while chunk < stop {
            // The largest power of two that is left and that the place is a multiple of.
            let aligned = if chunk == 0 { u64::MAX } else { 1 << chunk.trailing_zeros() };
            let chunks = aligned.min(1 << (stop - chunk).ilog2());
            let from = part.start + chunk * CHUNK;
            let to = (from + chunks * CHUNK).min(part.end);
            stretch.pieces.push(Piece::Subtree(to - from, Subtree::of(held(from, to), chunk * CHUNK)));
            chunk += chunks;
        }
        if !is_last {
            stretch.tail = held((part.start + stop * CHUNK).max(start), end).to_vec();
        }
        stretch
    }
}

/// A part that reaches over several blocks.
#[derive(Default)]
struct Across {
    joined: Joined,
    /// The beginning of the next chunk, from the block before.
    carried: Vec<u8>,
}

impl Across {
    /// Adds what of a part lies in the next block; the digest where that was all of it and hashed whole.
    fn join(&mut self, stretch: Stretch, len: u64) -> Option<FileDigest> {
        self.carried.extend_from_slice(&stretch.head);
        if !stretch.head.is_empty() {
            let chunk = std::mem::take(&mut self.carried);
            if len <= CHUNK {
                return Some(FileDigest::of(&chunk));
            }
            self.joined.push(chunk.len() as u64, Subtree::of(&chunk, self.joined.len()));
        }
        for piece in stretch.pieces {
            match piece {
                Piece::Whole(digest) => return Some(digest),
                Piece::Subtree(bytes, subtree) => self.joined.push(bytes, subtree),
            }
        }
        self.carried = stretch.tail;
        None
    }

    pub(super) fn finish(self) -> FileDigest {
        joined(self.joined)
    }
}

/// The digest of what is longer than a block, or than a chunk.
fn joined(joined: Joined) -> FileDigest {
    joined.finish().expect("what is not hashed whole has two subtrees or more")
}

//! One pass over a file of lines on every core: its digest, and whatever is made of its lines, in their order.
//!
//! Threads take blocks in turn; each hashes its block as a subtree of the file and works on the lines that lie in it whole.
//! Lines that cross blocks are put together where results are taken in order. Memory does not grow with the file: a thread
//! that is too far ahead waits.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};

use sha2::Digest as _;

use super::{MAX_ROW_BYTES, RowError, RowsError, Shard};
use crate::digest::{FileDigest, Joined, Sha256Digest, Subtree};

/// Threads and the size of their blocks: together at most 16 MiB, however many cores there are.
const MOST_BLOCKS: usize = 16 << 20;
const MAX_THREADS: usize = 16;

/// Largest block: enough rows of each length to fill the vector units.
pub(super) const MAX_BLOCK: usize = 4 << 20;

/// Blocks that may be done before the one that is next in order, for each thread.
const AHEAD: u64 = 4;

/// Read size of the thread that takes the SHA-256.
const SHA_BUFFER: usize = 256 << 10;

/// Where a row could not be read: which of the lines at hand, and its first byte.
pub(super) struct BadLine {
    pub(super) index: u64,
    pub(super) at: u64,
    pub(super) source: RowError,
}

/// Works on whole lines, which begin at a place of the file.
pub(super) type Work<'w, T, S> = &'w (dyn Fn(&mut S, &[u8], u64) -> Result<T, BadLine> + Sync);

/// Takes results in order, with the number of rows before them.
pub(super) trait Take<T> {
    fn take(&mut self, result: T) -> Result<(), RowsError>;

    /// Rows taken so far, in this file.
    fn rows(&self) -> u64;
}

/// What a pass found out about the file itself.
pub(super) struct Hashed {
    pub(super) digest: FileDigest,
    pub(super) sha256: Option<Sha256Digest>,
}

/// How a file is passed over.
#[derive(Clone, Copy)]
pub(super) struct Course<'a> {
    pub(super) shard: &'a dyn Shard,
    /// Most bytes of a block.
    pub(super) block: usize,
    pub(super) sha256: bool,
    /// Hears how many bytes were done.
    pub(super) progress: &'a (dyn Fn(u64) + Sync),
}

/// Runs the pass.
pub(super) fn run<T: Send, S: Default + Send>(
    course: Course<'_>,
    work: Work<'_, T, S>,
    take: &mut (dyn Take<T> + Send),
) -> Result<Hashed, RowsError> {
    let threads = rayon::current_num_threads().min(MAX_THREADS);
    let block = course.block.min(MOST_BLOCKS / threads.next_power_of_two());
    let len = course.shard.size();
    let blocks = len.div_ceil(block as u64);
    if blocks == 0 {
        let sha256 = course.sha256.then(|| Sha256Digest::of(b""));
        return Ok(Hashed { digest: FileDigest::of(b""), sha256 });
    }
    let order = Order {
        state: Mutex::new(State {
            early: BTreeMap::new(),
            next: 0,
            failed: None,
            line: Line { work, scratch: S::default(), take, carry: Vec::new(), start: 0 },
            joined: Joined::default(),
            single: None,
        }),
        moved: Condvar::new(),
    };
    let next = AtomicU64::new(0);
    let go = || {
        let (mut buffer, mut scratch) = (vec![0; block], S::default());
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= blocks || !order.wait_for(index, AHEAD * threads as u64) {
                return;
            }
            let at = index * block as u64;
            let bytes = &mut buffer[..usize::try_from(len - at).map_or(block, |left| left.min(block))];
            let done =
                read_whole(course.shard, bytes, at).map(|()| Done::of(bytes, at, blocks == 1, work, &mut scratch));
            (course.progress)(bytes.len() as u64);
            order.put(index, done);
        }
    };
    let sha256 = std::thread::scope(|scope| {
        let sha256 = course.sha256.then(|| scope.spawn(|| sha256_of(course.shard)));
        let others: Vec<_> =
            (1..threads.min(usize::try_from(blocks).unwrap_or(threads))).map(|_| scope.spawn(go)).collect();
        go();
        others.into_iter().for_each(|thread| thread.join().expect("reading rows does not panic"));
        sha256.map(|thread| thread.join().expect("hashing does not panic")).transpose()
    });
    let state = order.state.into_inner().expect("no thread panics with the lock held");
    let digest = state.finish()?;
    Ok(Hashed { digest, sha256: sha256? })
}

/// A block, hashed and worked on.
struct Done<T> {
    /// Bytes of the block, and their subtree.
    len: u64,
    subtree: Subtree,
    /// The digest, where the block is the whole file.
    single: Option<FileDigest>,
    at: u64,
    /// The end of a line that began before; all of the block where no line ends in it.
    head: Vec<u8>,
    /// Lines that lie in the block whole; nothing where no line ends in it.
    inner: Option<Result<T, BadLine>>,
    /// The beginning of a line that ends later, and where it lies.
    tail: Vec<u8>,
    tail_at: u64,
}

impl<T> Done<T> {
    fn of<S>(bytes: &[u8], at: u64, is_single: bool, work: Work<'_, T, S>, scratch: &mut S) -> Self {
        let (len, subtree) = (bytes.len() as u64, Subtree::of(bytes, at));
        let single = is_single.then(|| FileDigest::of(bytes));
        let Some(first) = memchr::memchr(b'\n', bytes) else {
            return Self { len, subtree, single, at, head: bytes.to_vec(), inner: None, tail: Vec::new(), tail_at: at };
        };
        let last = memchr::memrchr(b'\n', bytes).unwrap_or(first);
        let inner = work(scratch, &bytes[first + 1..=last.max(first)], at + first as u64 + 1);
        let (head, tail) = (bytes[..=first].to_vec(), bytes[last + 1..].to_vec());
        Self { len, subtree, single, at, head, inner: Some(inner), tail, tail_at: at + last as u64 + 1 }
    }
}

/// Puts results in order.
struct Order<'w, T, S> {
    state: Mutex<State<'w, T, S>>,
    moved: Condvar,
}

struct State<'w, T, S> {
    early: BTreeMap<u64, Result<Done<T>, RowsError>>,
    next: u64,
    failed: Option<RowsError>,
    line: Line<'w, T, S>,
    joined: Joined,
    single: Option<FileDigest>,
}

impl<'w, T, S> Order<'w, T, S> {
    fn lock(&self) -> MutexGuard<'_, State<'w, T, S>> {
        self.state.lock().expect("no thread panics with the lock held")
    }

    /// False when someone failed.
    fn wait_for(&self, index: u64, ahead: u64) -> bool {
        let mut state = self.lock();
        while state.failed.is_none() && index >= state.next + ahead {
            state = self.moved.wait(state).expect("no thread panics with the lock held");
        }
        state.failed.is_none()
    }

    fn put(&self, index: u64, done: Result<Done<T>, RowsError>) {
        let mut state = self.lock();
        state.early.insert(index, done);
        while state.failed.is_none() {
            let next = state.next;
            let Some(done) = state.early.remove(&next) else { break };
            state.failed = done.and_then(|done| state.take(done)).err();
            state.next += 1;
        }
        drop(state);
        self.moved.notify_all();
    }
}

impl<T, S> State<'_, T, S> {
    fn take(&mut self, done: Done<T>) -> Result<(), RowsError> {
        self.joined.push(done.len, done.subtree);
        self.single = self.single.or(done.single);
        self.line.grow(&done.head, done.at)?;
        if let Some(inner) = done.inner {
            self.line.close()?;
            self.line.give(inner)?;
            self.line.grow(&done.tail, done.tail_at)?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<FileDigest, RowsError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.line.close()?;
        Ok(self.single.or(self.joined.finish()).expect("a file of one block or more has a digest"))
    }
}

/// The line that crosses blocks.
struct Line<'w, T, S> {
    work: Work<'w, T, S>,
    scratch: S,
    take: &'w mut (dyn Take<T> + Send),
    carry: Vec<u8>,
    start: u64,
}

impl<T, S> Line<'_, T, S> {
    fn grow(&mut self, bytes: &[u8], at: u64) -> Result<(), RowsError> {
        if self.carry.is_empty() {
            self.start = at;
        }
        if self.carry.len() + bytes.len() > MAX_ROW_BYTES {
            return Err(RowsError::AtByte { row: self.take.rows() + 1, at: self.start, source: RowError::TooLong });
        }
        self.carry.extend_from_slice(bytes);
        Ok(())
    }

    fn close(&mut self) -> Result<(), RowsError> {
        if self.carry.is_empty() {
            return Ok(());
        }
        let carry = std::mem::take(&mut self.carry);
        let result = (self.work)(&mut self.scratch, &carry, self.start);
        self.give(result)
    }

    fn give(&mut self, result: Result<T, BadLine>) -> Result<(), RowsError> {
        let before = self.take.rows();
        let bad = |BadLine { index, at, source }| RowsError::AtByte { row: before + index + 1, at, source };
        self.take.take(result.map_err(bad)?)
    }
}

pub(super) fn read_whole(shard: &dyn Shard, buffer: &mut [u8], at: u64) -> Result<(), RowsError> {
    let mut filled = 0;
    while filled < buffer.len() {
        let place = at + filled as u64;
        match shard.read_at(&mut buffer[filled..], place) {
            Ok(0) => return Err(RowsError::Short { at: place, len: shard.size() }),
            Ok(read) => filled += read,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(source) => return Err(RowsError::Io { at: place, source }),
        }
    }
    Ok(())
}

/// SHA-256 beside the rows, from the page cache: its pace is slower than theirs only where rows are long.
fn sha256_of(shard: &dyn Shard) -> Result<Sha256Digest, RowsError> {
    let (mut sha256, mut at) = (sha2::Sha256::new(), 0);
    let mut buffer = vec![0; SHA_BUFFER];
    while at < shard.size() {
        let left = usize::try_from(shard.size() - at).map_or(SHA_BUFFER, |left| left.min(SHA_BUFFER));
        read_whole(shard, &mut buffer[..left], at)?;
        sha256.update(&buffer[..left]);
        at += left as u64;
    }
    Ok(Sha256Digest::from_bytes(sha256.finalize().into()))
}

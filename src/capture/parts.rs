//! Hashing one file and parts of it in the same pass: what `b3sum` prints, and as much for each part alone.
//!
//! Each block is a subtree of the BLAKE3 tree; the subtrees are merged as they come in.
//! A part begins anywhere, so its BLAKE3 tree shares no node with the file's; it is hashed a second time, while the
//! block is in the cache. A block's thread hashes those 1 KiB chunks of a part that lie in its block, as the fewest
//! aligned subtrees; the two halves of a chunk that lies across blocks meet where the blocks are merged, which is in the
//! order of the file. So memory is a few blocks, and one hash for each level of each part at work.

mod work;

use std::ops::Range;
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, MutexGuard};

use sha2::Digest as _;

use crate::capture::hash::{Also, HashOptions, HashedFile, Progress, check_size};
use crate::capture::open::{CaptureError, FileStamp, OpenFile};
use crate::capture::parts::work::{Task, Work};
use crate::capture::read::{Block, BlockReader};
use crate::digest::{FileDigest, Sha256Digest};

/// More threads than this saturate any disk and memory; it bounds the blocks in memory to half of the promised 64 MiB.
const MAX_THREADS: usize = 16;

/// Blocks between this thread and the one that takes SHA-256.
const QUEUE: usize = 8;

/// What to hash of a file beside the whole.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    /// The file as it was when the parts were found: another one has other parts.
    pub(crate) stamp: FileStamp,
    /// Byte ranges inside the file, in any order; they may overlap.
    pub(crate) ranges: Vec<Range<u64>>,
}

/// A file and its parts, hashed.
#[derive(Debug, Clone)]
pub(crate) struct HashedParts {
    pub(crate) file: HashedFile,
    /// One digest for each range, in their order.
    pub(crate) parts: Vec<FileDigest>,
}

/// Hashes the file and the parts of it, on every core.
pub(crate) fn hash_parts(
    open: &OpenFile,
    parts: &Parts,
    options: &HashOptions,
    progress: &dyn Progress,
) -> Result<HashedParts, CaptureError> {
    check_size(open, options)?;
    let size = open.stamp.size;
    if open.stamp != parts.stamp || parts.ranges.iter().any(|range| range.start > range.end || range.end > size) {
        return Err(open.changed());
    }
    let hashed = hash_blocks(open, &parts.ranges, options.also, progress)?;
    open.check_unchanged()?;
    let file = HashedFile { stamp: open.stamp, mode: open.mode, digest: hashed.file, sha256: hashed.sha256 };
    if let Some(known) = progress.known() {
        known.learn(&open.file, &file);
    }
    Ok(HashedParts { file, parts: hashed.parts })
}

/// What came of one pass over a file.
pub(super) struct Pass {
    pub(super) file: FileDigest,
    pub(super) sha256: Option<Sha256Digest>,
    /// One digest for each range, in their order.
    pub(super) parts: Vec<FileDigest>,
}

/// Hashes a file block by block; whether it changed meanwhile, the caller checks.
pub(super) fn hash_blocks(
    open: &OpenFile,
    ranges: &[Range<u64>],
    also: Also,
    progress: &dyn Progress,
) -> Result<Pass, CaptureError> {
    let work = Mutex::new(Work::new(open.stamp.size, ranges));
    let reader = BlockReader::new(open);
    let hash = |block: &mut Block, task: Task| -> Result<(), CaptureError> {
        let bytes = reader.read(block, task.start, task.len)?;
        progress.add(task.len as u64);
        let done = task.hash(bytes, ranges, open.stamp.size);
        lock(&work).put(&task, done, ranges);
        Ok(())
    };
    let sha256 = match also {
        Also::Nothing => {
            side_by_side(&reader, &work, hash)?;
            None
        }
        Also::Sha256 => Some(beside_sha256(&reader, &work, hash)?),
    };
    let (file, parts) = work.into_inner().expect("no thread panics with the lock held").finish();
    Ok(Pass { file, sha256, parts })
}

/// Every core takes the next block, so the disk sees one nearly sequential reader.
fn side_by_side(
    reader: &BlockReader<'_>,
    work: &Mutex<Work>,
    hash: impl Fn(&mut Block, Task) -> Result<(), CaptureError> + Sync,
) -> Result<(), CaptureError> {
    let run = || -> Result<(), CaptureError> {
        let mut block = reader.block()?;
        while let Some(task) = take(work) {
            if let Err(error) = hash(&mut block, task) {
                // The other threads need not go on.
                lock(work).stop();
                return Err(error);
            }
        }
        Ok(())
    };
    let most = lock(work).blocks();
    // While every core hashes, one more thread keeps a disk busy that fills no page cache ahead of its readers.
    let waiting = usize::from(reader.is_direct());
    let threads = (rayon::current_num_threads() + waiting).min(MAX_THREADS).min(most);
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        let own = run();
        others.into_iter().map(|thread| thread.join().expect("hashing does not panic")).fold(own, Result::and)
    })
}

/// BLAKE3 on this thread and SHA-256 on another, of the very same bytes. SHA-256 sets the pace.
fn beside_sha256(
    reader: &BlockReader<'_>,
    work: &Mutex<Work>,
    hash: impl Fn(&mut Block, Task) -> Result<(), CaptureError>,
) -> Result<Sha256Digest, CaptureError> {
    let (full, to_hash) = sync_channel::<(Block, usize)>(QUEUE);
    let (empty, to_fill) = sync_channel(QUEUE);
    for _ in 0..QUEUE.min(lock(work).blocks()) {
        empty.send(reader.block()?).expect("the receiver lives below");
    }
    std::thread::scope(|scope| {
        let second = scope.spawn(move || {
            let mut sha256 = sha2::Sha256::new();
            for (block, len) in to_hash {
                sha256.update(&block.bytes()[..len]);
                // The reader may have finished.
                let _ = empty.send(block);
            }
            Sha256Digest::from_bytes(sha256.finalize().into())
        });
        while let Some(task) = take(work) {
            let mut block = to_fill.recv().expect("the other thread hands every block back");
            let len = task.len;
            hash(&mut block, task)?;
            full.send((block, len)).expect("the other thread takes every block");
        }
        drop(full);
        Ok(second.join().expect("hashing does not panic"))
    })
}

/// The next block. A function, so that the lock is let go before the block is read.
fn take(work: &Mutex<Work>) -> Option<Task> {
    lock(work).take()
}

fn lock(work: &Mutex<Work>) -> MutexGuard<'_, Work> {
    work.lock().expect("no thread panics with the lock held")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use proptest::prelude::*;

    use super::*;
    use crate::capture::hash::Silent;
    use crate::capture::read::BLOCK;

    fn bytes(len: usize) -> Vec<u8> {
        (0..len).map(|i| u8::try_from((i * 31 + i / 251 + i / 65_537) % 256).unwrap()).collect()
    }

    fn written(folder: &tempfile::TempDir, bytes: &[u8]) -> PathBuf {
        let path = folder.path().join("file");
        fs::write(&path, bytes).unwrap();
        path
    }

    fn check(content: &[u8], ranges: &[Range<u64>]) {
        let folder = tempfile::tempdir().unwrap();
        let open = OpenFile::argument(&written(&folder, content)).unwrap();
        let parts = Parts { stamp: open.stamp, ranges: ranges.to_vec() };
        for also in [Also::Nothing, Also::Sha256] {
            let options = HashOptions { also, ..HashOptions::default() };
            let found = hash_parts(&open, &parts, &options, &Silent).unwrap();
            assert_eq!(found.file.digest, FileDigest::of(content));
            assert_eq!(found.file.sha256, (also == Also::Sha256).then(|| Sha256Digest::of(content)));
            for (range, digest) in ranges.iter().zip(&found.parts) {
                let place = |at: u64| usize::try_from(at).unwrap();
                let expected = FileDigest::of(&content[place(range.start)..place(range.end)]);
                assert_eq!(*digest, expected, "{range:?} of {}", content.len());
            }
        }
    }

    #[test]
    fn parts_at_every_edge_have_the_digest_of_their_bytes() {
        let content = bytes((9 << 20) + 777);
        let size = content.len() as u64;
        let edges = [
            0,
            1,
            1023,
            1024,
            1025,
            BLOCK - 1024,
            BLOCK - 900,
            BLOCK - 1,
            BLOCK,
            BLOCK + 900,
            BLOCK + 1,
            3 * BLOCK - 1,
            size - 1,
            size,
        ];
        let ranges: Vec<Range<u64>> = edges
            .iter()
            .flat_map(|start| edges.iter().filter(move |end| *end >= start).map(move |end| *start..*end))
            .collect();
        check(&content, &ranges);
        for len in [0, 1, 1024, 2 << 20, (2 << 20) + 1, 4 << 20] {
            check(&content[..len], &[0..len as u64, (len / 3) as u64..len as u64]);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn any_parts_have_the_digest_of_their_bytes(
            len in 0_usize..4 << 20,
            cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..6),
        ) {
            let content = bytes(len);
            let ranges = cuts.iter().map(|(a, b)| {
                let (a, b) = (a.index(len + 1) as u64, b.index(len + 1) as u64);
                a.min(b)..a.max(b)
            });
            check(&content, &ranges.collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_file_that_is_not_the_one_whose_parts_were_found_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(&folder, &bytes(4096));
        let stamp = OpenFile::argument(&path).unwrap().stamp;
        std::thread::sleep(std::time::Duration::from_millis(20));
        let open = OpenFile::argument(&written(&folder, &bytes(4096))).unwrap();
        let old = Parts { stamp, ranges: vec![] };
        let refused = |parts| hash_parts(&open, &parts, &HashOptions::default(), &Silent);
        assert!(matches!(refused(old), Err(CaptureError::Changed { .. })));
        let beyond = Parts { stamp: open.stamp, ranges: vec![0..1, 0..4097] };
        assert!(matches!(refused(beyond), Err(CaptureError::Changed { .. })));
    }
}

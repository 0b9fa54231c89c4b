//! Row digests sorted in bounded memory, so that a multiset of any size has one root.
//!
//! Runs are sorted in memory; when there is more than one they lie in an unlinked temporary file and are merged from it.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use rayon::slice::ParallelSliceMut;

use crate::digest::{DIGEST_LEN, FileDigest};

/// Rows of one run: 20 MiB.
const RUN: usize = 512 << 10;

/// Rows of one run that are held while runs are merged.
const AHEAD: usize = 1024;

/// Bytes of a row in the file.
const RECORD: usize = DIGEST_LEN + 8;

/// The digest of a row, and the row's number among all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Numbered {
    pub(super) digest: FileDigest,
    pub(super) row: u64,
}

impl Ord for Numbered {
    fn cmp(&self, other: &Self) -> Ordering {
        // The first eight bytes decide nearly always, in one comparison.
        let first = |numbered: &Self| {
            numbered.digest.as_bytes().first_chunk().map_or(0, |bytes: &[u8; 8]| u64::from_be_bytes(*bytes))
        };
        first(self)
            .cmp(&first(other))
            .then_with(|| self.digest.cmp(&other.digest))
            .then_with(|| self.row.cmp(&other.row))
    }
}

impl PartialOrd for Numbered {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Takes digests in row order and gives them back sorted.
pub(super) struct Sorter {
    run: Vec<Numbered>,
    rows: u64,
    limit: usize,
    spilled: Option<(File, Vec<(u64, u64)>)>,
}

impl Default for Sorter {
    fn default() -> Self {
        Self::with_run(RUN)
    }
}

impl Sorter {
    fn with_run(limit: usize) -> Self {
        Self { run: Vec::new(), rows: 0, limit, spilled: None }
    }

    /// Adds the digests of the next rows.
    pub(super) fn push(&mut self, digests: &[FileDigest]) -> io::Result<()> {
        for digest in digests {
            if self.run.len() == self.limit {
                self.spill()?;
            }
            self.run.push(Numbered { digest: *digest, row: self.rows });
            self.rows += 1;
        }
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        self.run.par_sort_unstable();
        if self.spilled.is_none() {
            self.spilled = Some((tempfile::tempfile()?, Vec::new()));
        }
        let Some((file, runs)) = &mut self.spilled else { return Ok(()) };
        let mut at = runs.last().map_or(0, |(_, end)| *end);
        let start = at;
        let mut bytes = Vec::with_capacity(AHEAD * RECORD);
        for rows in self.run.chunks(AHEAD) {
            bytes.clear();
            for row in rows {
                bytes.extend_from_slice(row.digest.as_bytes());
                bytes.extend_from_slice(&row.row.to_le_bytes());
            }
            file.write_all_at(&bytes, at)?;
            at += bytes.len() as u64;
        }
        runs.push((start, at));
        self.run.clear();
        Ok(())
    }

    /// Hands over all rows sorted by digest, then by number.
    pub(super) fn finish<E: From<io::Error>>(
        mut self,
        mut take: impl FnMut(Numbered) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.spilled.is_some() {
            self.spill()?;
        }
        let Some((file, runs)) = self.spilled else {
            self.run.par_sort_unstable();
            return self.run.into_iter().try_for_each(take);
        };
        drop(self.run);
        let mut runs: Vec<Run> = runs.into_iter().map(|(at, end)| Run { at, end, held: Vec::new() }).collect();
        let mut heap = BinaryHeap::new();
        for (index, run) in runs.iter_mut().enumerate() {
            heap.extend(run.next(&file)?.map(|row| std::cmp::Reverse((row, index))));
        }
        while let Some(std::cmp::Reverse((row, index))) = heap.pop() {
            take(row)?;
            heap.extend(runs[index].next(&file)?.map(|row| std::cmp::Reverse((row, index))));
        }
        Ok(())
    }
}

/// What is left of one run.
struct Run {
    at: u64,
    end: u64,
    /// The next rows, last first.
    held: Vec<Numbered>,
}

impl Run {
    fn next(&mut self, file: &File) -> io::Result<Option<Numbered>> {
        if self.held.is_empty() && self.at < self.end {
            let len = (self.end - self.at).min((AHEAD * RECORD) as u64);
            let mut bytes = vec![0; usize::try_from(len).expect("a few kilobytes fit memory")];
            file.read_exact_at(&mut bytes, self.at)?;
            self.at += len;
            let record = |record: &[u8; RECORD]| {
                let (digest, row) = record.split_at(DIGEST_LEN);
                let digest = FileDigest::from_bytes(digest.try_into().expect("a record begins with a digest"));
                Numbered { digest, row: u64::from_le_bytes(row.try_into().expect("and ends with a number")) }
            };
            self.held.extend(bytes.as_chunks::<RECORD>().0.iter().rev().map(record));
        }
        Ok(self.held.pop())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_come_back_sorted_whether_or_not_they_fit_one_run(bytes in proptest::collection::vec(any::<u8>(), 0..60), run in 1..70_usize) {
            let digests: Vec<FileDigest> = bytes.iter().map(|byte| FileDigest::of(&[*byte])).collect();
            let mut expected: Vec<Numbered> =
                (0..).zip(&digests).map(|(row, digest)| Numbered { digest: *digest, row }).collect();
            expected.sort_by_key(|numbered| (numbered.digest, numbered.row));
            let mut sorter = Sorter::with_run(run);
            digests.chunks(7).for_each(|digests| sorter.push(digests).unwrap());
            let mut found = Vec::new();
            sorter.finish(|row| { found.push(row); Ok::<_, io::Error>(()) }).unwrap();
            prop_assert_eq!(found, expected);
        }
    }
}

//! The file of a scratch space, and which parts of it are in use.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::pages::PAGE;

/// Most scratch space of one file that is read: a machine that holds such a dataset has as much to spare.
pub(super) const MAX_SPACE: u64 = 16 << 30;

#[derive(Debug, Default)]
pub(super) struct Space {
    /// Unlinked, so that it goes with the process; made when it is needed.
    file: Option<File>,
    /// What lies behind is not in use.
    end: u64,
    /// Lengths of the parts before the end that are not in use, by where they begin; no two of them touch.
    free: BTreeMap<u64, u64>,
}

impl Space {
    /// Takes that many whole pages, the first place that has room; nothing where the space is all used.
    pub(super) fn take(&mut self, len: u64) -> io::Result<Option<u64>> {
        if self.file.is_none() {
            self.file = Some(tempfile::tempfile()?);
        }
        debug_assert!(len.is_multiple_of(PAGE as u64));
        if let Some((start, found)) =
            self.free.iter().map(|(start, len)| (*start, *len)).find(|(_, found)| *found >= len)
        {
            self.free.remove(&start);
            if found > len {
                self.free.insert(start + len, found - len);
            }
            return Ok(Some(start));
        }
        let start = self.end;
        let Some(end) = start.checked_add(len).filter(|end| *end <= MAX_SPACE) else { return Ok(None) };
        self.end = end;
        Ok(Some(start))
    }

    /// Takes back what was taken.
    pub(super) fn give(&mut self, mut start: u64, mut len: u64) {
        if let Some(after) = self.free.remove(&(start + len)) {
            len += after;
        }
        if let Some((before, gap)) = self.free.range(..start).next_back().map(|(before, gap)| (*before, *gap))
            && before + gap == start
        {
            self.free.remove(&before);
            (start, len) = (before, len + gap);
        }
        if start + len == self.end {
            self.end = start;
        } else if len > 0 {
            self.free.insert(start, len);
        }
    }

    pub(super) fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.file().and_then(|file| file.write_all_at(bytes, at))
    }

    /// Reads from there, up to where the file was written; says how many bytes there were.
    pub(super) fn read(&self, at: u64, out: &mut [u8]) -> io::Result<usize> {
        let (file, mut read) = (self.file()?, 0);
        while read < out.len() {
            match file.read_at(&mut out[read..], at + read as u64) {
                Ok(0) => break,
                Ok(more) => read += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(read)
    }

    fn file(&self) -> io::Result<&File> {
        self.file.as_ref().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    #[cfg(test)]
    pub(super) fn is_used(&self) -> bool {
        self.file.is_some()
    }

    #[cfg(test)]
    pub(super) fn end(&self) -> u64 {
        self.end
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_two_that_hold_space_hold_the_same(steps in proptest::collection::vec((0_u64..9, any::<proptest::sample::Index>()), 1..60)) {
            let mut space = Space::default();
            let mut taken: Vec<(u64, u64)> = Vec::new();
            for (pages, which) in steps {
                if pages == 0 && !taken.is_empty() {
                    let (start, len) = taken.swap_remove(which.index(taken.len()));
                    space.give(start, len);
                } else {
                    let len = pages * PAGE as u64;
                    let start = space.take(len).unwrap().unwrap();
                    prop_assert!(taken.iter().all(|(at, size)| at + size <= start || start + len <= *at));
                    taken.push((start, len));
                }
                prop_assert!(taken.iter().all(|(at, size)| at + size <= space.end));
            }
            for (start, len) in taken {
                space.give(start, len);
            }
            prop_assert_eq!((space.end, space.free.len()), (0, 0));
        }
    }

    #[test]
    fn space_ends_at_its_limit() {
        let mut space = Space::default();
        assert_eq!(space.take(MAX_SPACE).unwrap(), Some(0));
        assert_eq!(space.take(PAGE as u64).unwrap(), None);
        space.give(0, MAX_SPACE);
        assert_eq!(space.take(PAGE as u64).unwrap(), Some(0));
    }
}

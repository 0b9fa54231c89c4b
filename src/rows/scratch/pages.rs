//! Pages of a scratch file that are in memory: those that were used last.

use std::io;

/// Bytes of a page: several values of a column, and one read of the file.
pub(super) const PAGE: usize = 16 << 10;

/// Pages are in the set of their number, of which the one goes that was not used for longest. 4 MiB together: a page for
/// each buffer of eighty columns.
const SETS: usize = 32;
const WAYS: usize = 8;

#[derive(Debug, Default)]
pub(super) struct Pages {
    sets: Vec<Vec<Slot>>,
    clock: u64,
}

#[derive(Debug)]
struct Slot {
    page: u64,
    used: u64,
    bytes: Box<[u8]>,
}

impl Pages {
    /// Copies out what lies at `at`; `load` reads a page that is not here.
    pub(super) fn read(
        &mut self,
        mut at: u64,
        mut out: &mut [u8],
        load: impl Fn(u64, &mut [u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        while !out.is_empty() {
            let start = usize::try_from(at % PAGE as u64).unwrap_or(0);
            let (now, rest) = out.split_at_mut(out.len().min(PAGE - start));
            now.copy_from_slice(&self.page(at / PAGE as u64, &load)?[start..start + now.len()]);
            at += now.len() as u64;
            out = rest;
        }
        Ok(())
    }

    fn page(&mut self, page: u64, load: impl Fn(u64, &mut [u8]) -> io::Result<()>) -> io::Result<&[u8]> {
        if self.sets.is_empty() {
            self.sets.resize_with(SETS, Vec::new);
        }
        self.clock += 1;
        let set = &mut self.sets[usize::try_from(page % SETS as u64).unwrap_or(0)];
        let index = if let Some(index) = set.iter().position(|slot| slot.page == page) {
            index
        } else {
            let mut slot = if set.len() < WAYS {
                Slot { page, used: 0, bytes: vec![0; PAGE].into() }
            } else {
                let oldest = (0..WAYS).min_by_key(|index| set[*index].used).unwrap_or(0);
                set.swap_remove(oldest)
            };
            // A slot whose page could not be read is none.
            load(page * PAGE as u64, &mut slot.bytes)?;
            slot.page = page;
            set.push(slot);
            set.len() - 1
        };
        let slot = &mut set[index];
        slot.used = self.clock;
        Ok(&slot.bytes)
    }

    /// Forgets the pages of a part of the file, where something else will be written.
    pub(super) fn forget(&mut self, start: u64, len: u64) {
        let pages = start / PAGE as u64..(start + len) / PAGE as u64;
        self.sets.iter_mut().for_each(|set| set.retain(|slot| !pages.contains(&slot.page)));
    }
}

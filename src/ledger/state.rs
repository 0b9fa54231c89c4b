//! The state file: the last head this machine signed for a ledger, kept outside the ledger.
//!
//! It is what notices that a ledger was put back from a backup, or copied and used twice. One file for each ledger id,
//! two slots at offsets 0 and 4096, written in turn, so that a torn write leaves the other one:
//!
//! ```text
//! slot = "RLSTATE\0" | format u32 BE | counter u64 BE | ledger id (32) | size u64 BE | root (32) | CRC32C u32 BE
//! ```
//!
//! The slot with the higher counter holds. It is written after the commit's sync and synced only before a head leaves
//! the machine and on close, so on disk the state is never ahead of the log. While a writer lives it holds a lock on
//! this file: two copies of one ledger cannot be written at the same time, whatever directory they are in.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::digest::{DIGEST_LEN, LedgerId, NodeHash};
use crate::merkle::{TreeHead, TreeSize};

use super::error::{At, Holder, LedgerError, StateLoss, Unknown};
use super::file::{create_dir, private, sync_dir};

const MAGIC: &[u8; 8] = b"RLSTATE\0";
const FORMAT: u32 = 1;
/// A page apart, so that no torn write reaches both slots.
const SLOT_OFFSETS: [u64; 2] = [0, 4096];
const SLOT_LEN: usize = 8 + 4 + 8 + DIGEST_LEN + 8 + DIGEST_LEN + 4;

/// What the state file of a ledger says, without holding it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateReading {
    /// The last head signed.
    Signed(TreeHead),
    /// Nothing usable.
    Lost(StateLoss),
}

/// The path of a ledger's state file.
pub fn state_path(state_dir: &Path, ledger: LedgerId) -> PathBuf {
    state_dir.join(ledger.to_string())
}

/// Reads the state without taking it: for reports.
pub fn read_state(state_dir: &Path, ledger: LedgerId) -> Result<StateReading, LedgerError> {
    let path = state_path(state_dir, ledger);
    match File::open(&path) {
        Ok(file) => Ok(match newest(&file, &path, ledger)? {
            Some((_, head)) => StateReading::Signed(head),
            None => StateReading::Lost(StateLoss::Unreadable),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(StateReading::Lost(StateLoss::Missing)),
        Err(source) => Err(LedgerError::Io { doing: "open", path, source }),
    }
}

/// The state file, locked for the life of a writer.
#[derive(Debug)]
pub(super) struct StateFile {
    file: File,
    path: PathBuf,
    ledger: LedgerId,
    counter: u64,
}

impl StateFile {
    /// Takes the state of a ledger; `None` inside when nothing usable is there. Creates nothing.
    pub(super) fn take(state_dir: &Path, ledger: LedgerId) -> Result<(Option<Self>, StateReading), LedgerError> {
        let path = state_path(state_dir, ledger);
        let file = match private().open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok((None, StateReading::Lost(StateLoss::Missing)));
            }
            Err(source) => return Err(LedgerError::Io { doing: "open", path, source }),
        };
        lock(&file, &path)?;
        match newest(&file, &path, ledger)? {
            Some((counter, head)) => Ok((Some(Self { file, path, ledger, counter }), StateReading::Signed(head))),
            None => Ok((None, StateReading::Lost(StateLoss::Unreadable))),
        }
    }

    /// Begins the state of a ledger that has none, durably.
    pub(super) fn create(state_dir: &Path, ledger: LedgerId, head: &TreeHead) -> Result<Self, LedgerError> {
        create_dir(state_dir)?;
        let path = state_path(state_dir, ledger);
        let file = private().create(true).truncate(false).open(&path).at("create", &path)?;
        lock(&file, &path)?;
        file.set_len(0).at("write", &path)?;
        let mut state = Self { file, path, ledger, counter: 0 };
        state.write(head)?;
        state.write(head)?;
        state.sync()?;
        sync_dir(state_dir)?;
        Ok(state)
    }

    /// Remembers a head that was signed and committed. Not synced.
    pub(super) fn write(&mut self, head: &TreeHead) -> Result<(), LedgerError> {
        let counter = self.counter.saturating_add(1);
        let slot = encode(counter, self.ledger, head);
        let [even, odd] = SLOT_OFFSETS;
        let offset = if counter.is_multiple_of(2) { even } else { odd };
        self.file.write_all_at(&slot, offset).at("write", &self.path)?;
        self.counter = counter;
        Ok(())
    }

    /// Reads back what is there now.
    pub(super) fn read(&self) -> Result<StateReading, LedgerError> {
        Ok(match newest(&self.file, &self.path, self.ledger)? {
            Some((_, head)) => StateReading::Signed(head),
            None => StateReading::Lost(StateLoss::Unreadable),
        })
    }

    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it last.
    pub(super) fn sync(&self) -> Result<(), LedgerError> {
        self.file.sync_all().at("sync", &self.path)
    }
}

fn lock(file: &File, path: &Path) -> Result<(), LedgerError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(LedgerError::CopyInUse { path: path.to_owned(), holder: Holder(None) })
        }
        Err(std::fs::TryLockError::Error(source)) => {
            Err(LedgerError::Io { doing: "lock", path: path.to_owned(), source })
        }
    }
}

fn encode(counter: u64, ledger: LedgerId, head: &TreeHead) -> Vec<u8> {
    let mut slot = Vec::with_capacity(SLOT_LEN);
    slot.extend_from_slice(MAGIC);
    slot.extend_from_slice(&FORMAT.to_be_bytes());
    slot.extend_from_slice(&counter.to_be_bytes());
    slot.extend_from_slice(ledger.as_bytes());
    slot.extend_from_slice(&head.size.0.to_be_bytes());
    slot.extend_from_slice(head.root.as_bytes());
    let checksum = crc32c::crc32c(&slot);
    slot.extend_from_slice(&checksum.to_be_bytes());
    slot
}

/// What one slot's bytes are.
#[derive(Debug, PartialEq, Eq)]
enum Slot {
    Head { counter: u64, ledger: LedgerId, head: TreeHead },
    Newer(u32),
    Nothing,
}

fn parse_slot(slot: &[u8; SLOT_LEN]) -> Slot {
    parse_parts(slot).unwrap_or(Slot::Nothing)
}

fn parse_parts(slot: &[u8; SLOT_LEN]) -> Option<Slot> {
    let (covered, checksum) = slot.split_last_chunk::<4>()?;
    if crc32c::crc32c(covered) != u32::from_be_bytes(*checksum) {
        return None;
    }
    let rest = covered.strip_prefix(MAGIC)?;
    let (format, rest) = rest.split_first_chunk()?;
    let format = u32::from_be_bytes(*format);
    if format != FORMAT {
        return Some(Slot::Newer(format));
    }
    let (counter, rest) = rest.split_first_chunk()?;
    let (ledger, rest) = rest.split_first_chunk()?;
    let (size, root) = rest.split_first_chunk()?;
    Some(Slot::Head {
        counter: u64::from_be_bytes(*counter),
        ledger: LedgerId::from_bytes(*ledger),
        head: TreeHead { size: TreeSize(u64::from_be_bytes(*size)), root: NodeHash::from_bytes(root.try_into().ok()?) },
    })
}

/// The slot that holds: the highest counter of this ledger.
fn newest(file: &File, path: &Path, ledger: LedgerId) -> Result<Option<(u64, TreeHead)>, LedgerError> {
    let mut best: Option<(u64, TreeHead)> = None;
    for offset in SLOT_OFFSETS {
        let mut slot = [0; SLOT_LEN];
        match file.read_exact_at(&mut slot, offset) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => continue,
            Err(source) => return Err(LedgerError::Io { doing: "read", path: path.to_owned(), source }),
        }
        match parse_slot(&slot) {
            Slot::Head { counter, ledger: found, head } if found == ledger => {
                if best.is_none_or(|(highest, _)| counter > highest) {
                    best = Some((counter, head));
                }
            }
            Slot::Newer(found) => {
                return Err(LedgerError::Unsupported {
                    path: path.to_owned(),
                    offset,
                    what: Unknown::StateFormat { found },
                });
            }
            Slot::Head { .. } | Slot::Nothing => {}
        }
    }
    Ok(best)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;

    use super::*;

    fn head(size: u64) -> TreeHead {
        TreeHead { size: TreeSize(size), root: NodeHash::from_bytes([u8::try_from(size % 251).unwrap(); 32]) }
    }

    const LEDGER: LedgerId = LedgerId::from_bytes([9; 32]);

    #[test]
    fn the_last_head_written_is_the_one_read() {
        let dir = tempfile::tempdir().unwrap();
        let mut state = StateFile::create(dir.path(), LEDGER, &head(1)).unwrap();
        for size in 2..9 {
            state.write(&head(size)).unwrap();
            assert_eq!(state.read().unwrap(), StateReading::Signed(head(size)));
            assert_eq!(read_state(dir.path(), LEDGER).unwrap(), StateReading::Signed(head(size)));
        }
    }

    #[test]
    fn a_torn_slot_leaves_the_one_before_it_and_two_torn_slots_leave_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut state = StateFile::create(dir.path(), LEDGER, &head(1)).unwrap();
        state.write(&head(2)).unwrap();
        drop(state);
        let path = state_path(dir.path(), LEDGER);
        let whole = fs::read(&path).unwrap();
        let newest_at = usize::try_from(SLOT_OFFSETS[1]).unwrap();
        for offset in newest_at..newest_at + SLOT_LEN {
            let mut torn = whole.clone();
            torn[offset] ^= 0x40;
            fs::write(&path, &torn).unwrap();
            assert_eq!(read_state(dir.path(), LEDGER).unwrap(), StateReading::Signed(head(1)), "{offset}");
            torn[offset - newest_at] ^= 0x40;
            fs::write(&path, &torn).unwrap();
            assert_eq!(read_state(dir.path(), LEDGER).unwrap(), StateReading::Lost(StateLoss::Unreadable));
        }
    }

    #[test]
    fn a_second_holder_and_another_ledgers_file_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let held = StateFile::create(dir.path(), LEDGER, &head(1)).unwrap();
        let refusal = StateFile::take(dir.path(), LEDGER).unwrap_err();
        assert!(matches!(refusal, LedgerError::CopyInUse { .. }), "{refusal}");
        drop(held);
        let other = LedgerId::from_bytes([8; 32]);
        fs::rename(state_path(dir.path(), LEDGER), state_path(dir.path(), other)).unwrap();
        assert_eq!(read_state(dir.path(), other).unwrap(), StateReading::Lost(StateLoss::Unreadable));
    }

    #[test]
    fn a_state_file_of_a_newer_format_is_not_taken_for_a_lost_one() {
        let dir = tempfile::tempdir().unwrap();
        drop(StateFile::create(dir.path(), LEDGER, &head(1)).unwrap());
        let path = state_path(dir.path(), LEDGER);
        let mut bytes = fs::read(&path).unwrap();
        bytes[11] = 2;
        let checksum = crc32c::crc32c(&bytes[..SLOT_LEN - 4]).to_be_bytes();
        bytes[SLOT_LEN - 4..SLOT_LEN].copy_from_slice(&checksum);
        fs::write(&path, &bytes).unwrap();
        assert!(read_state(dir.path(), LEDGER).unwrap_err().is_unsupported());
    }
}

//! Telling damage from a writer at work: whoever reads without a lock may look at a commit that is half written.
//!
//! A commit under way shows as damage at the end of the log, and the next look finds it whole, or finds the next one.
//! Damage stays where it is. So a reader looks again until what it sees is sound, or is wrong in one place repeatedly.
//! A writer that lost its processor in the middle of a write looks like damage for as long as it waits: while one
//! lives, a reader is patient; where none does, what stays wrong is damage.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::LedgerError;
use super::lock::is_held;

/// Looks that must find the same place wrong before it may be called damaged.
const STEADY: u32 = 5;
/// The same while a writer lives: about two seconds, many times what a busy machine keeps one waiting.
const PATIENT: u32 = 600;
/// Longer than one commit takes on an idle machine.
const PAUSE: Duration = Duration::from_millis(3);
/// Looks in all: a writer that is always ahead must not keep a reader for ever.
const MOST: u32 = 2000;

/// Looks until the answer is sound or steadily wrong; `lock` is the writer's.
pub(super) fn steadily<T>(lock: &Path, mut look: impl FnMut() -> Result<T, LedgerError>) -> Result<T, LedgerError> {
    let mut place: Option<(PathBuf, u64)> = None;
    let mut steady = 0;
    let mut looks = 0;
    loop {
        looks += 1;
        match look() {
            Err(LedgerError::Damaged { path, offset, what }) => {
                let here = Some((path.clone(), offset));
                steady = if here == place { steady + 1 } else { 1 };
                if steady >= PATIENT || looks >= MOST {
                    return Err(LedgerError::Damaged { path, offset, what });
                }
                if steady >= STEADY && !is_held(lock) {
                    // It may have ended its commit, and itself, since the last look.
                    return look();
                }
                place = here;
                std::thread::sleep(PAUSE);
            }
            done => return done,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::ledger::error::Damage;
    use crate::ledger::lock::WriterLock;

    fn wrong_at(offset: u64) -> LedgerError {
        LedgerError::damaged(Path::new("log/000000.seg"), offset, Damage::Zeros)
    }

    #[test]
    fn a_place_that_moves_on_is_a_writer_and_one_that_stays_is_damage() {
        let dir = tempfile::tempdir().unwrap();
        let lock = dir.path().join("lock");
        let mut looks = 0;
        let moving = steadily(&lock, || {
            looks += 1;
            if looks < 40 { Err(wrong_at(looks)) } else { Ok(looks) }
        });
        assert_eq!(moving.unwrap(), 40);
        let mut looks = 0;
        let staying = steadily(&lock, || -> Result<(), _> {
            looks += 1;
            Err(wrong_at(7))
        });
        assert!(matches!(staying, Err(LedgerError::Damaged { offset: 7, .. })));
        assert_eq!(looks, STEADY + 1);
    }

    #[test]
    fn a_writer_that_lost_its_processor_in_a_commit_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let lock = dir.path().join("lock");
        let writer = WriterLock::take(&lock).unwrap();
        let mut looks = 0;
        let found = steadily(&lock, || {
            looks += 1;
            if looks < 10 * STEADY { Err(wrong_at(7)) } else { Ok(looks) }
        });
        assert_eq!(found.unwrap(), 10 * STEADY);
        drop(writer);
    }
}

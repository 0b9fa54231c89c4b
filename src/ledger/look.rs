//! Telling damage from a writer at work: whoever reads without a lock may look at a commit that is half written.
//!
//! A commit under way shows as damage at the end of the log, and the next look finds it whole, or finds the next one.
//! Damage stays where it is. So a reader looks again until what it sees is sound, or is wrong in one place repeatedly.

use std::path::PathBuf;
use std::time::Duration;

use super::error::LedgerError;

/// Looks that must find the same place wrong before it is called damaged.
const STEADY: u32 = 5;
/// Longer than one commit takes on a busy machine, most times.
const PAUSE: Duration = Duration::from_millis(3);
/// Looks in all: a writer that is always ahead must not keep a reader for ever.
const MOST: u32 = 2000;

/// Looks until the answer is sound or steadily wrong.
pub(super) fn steadily<T>(mut look: impl FnMut() -> Result<T, LedgerError>) -> Result<T, LedgerError> {
    let mut place: Option<(PathBuf, u64)> = None;
    let mut steady = 0;
    let mut looks = 0;
    loop {
        looks += 1;
        match look() {
            Err(LedgerError::Damaged { path, offset, what }) => {
                let here = Some((path.clone(), offset));
                steady = if here == place { steady + 1 } else { 1 };
                if steady >= STEADY || looks >= MOST {
                    return Err(LedgerError::Damaged { path, offset, what });
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
    use std::path::Path;

    use super::*;
    use crate::ledger::error::Damage;

    fn wrong_at(offset: u64) -> LedgerError {
        LedgerError::damaged(Path::new("log/000000.seg"), offset, Damage::Zeros)
    }

    #[test]
    fn a_place_that_moves_on_is_a_writer_and_one_that_stays_is_damage() {
        let mut looks = 0;
        let moving = steadily(|| {
            looks += 1;
            if looks < 40 { Err(wrong_at(looks)) } else { Ok(looks) }
        });
        assert_eq!(moving.unwrap(), 40);
        let mut looks = 0;
        let staying = steadily(|| -> Result<(), _> {
            looks += 1;
            Err(wrong_at(7))
        });
        assert!(matches!(staying, Err(LedgerError::Damaged { offset: 7, .. })));
        assert_eq!(looks, STEADY);
    }
}

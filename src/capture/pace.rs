//! A limit on bytes read in a second, shared by all threads that read.
//!
//! A token bucket that may run into debt: whoever has read says so and waits until the bytes are paid for. What a burst may
//! save up is one tenth of a second.

use std::num::NonZero;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Time without reading that may be made up for.
const SAVED: Duration = Duration::from_millis(100);

/// A rate that all readers together keep to.
#[derive(Debug)]
pub struct Pace {
    bytes_per_second: NonZero<u64>,
    /// When everything read so far is paid for.
    paid: Mutex<Instant>,
}

impl Pace {
    /// So many bytes a second.
    pub fn new(bytes_per_second: NonZero<u64>) -> Self {
        Self { bytes_per_second, paid: Mutex::new(Instant::now()) }
    }

    /// Says that bytes were read, and waits until they are paid for.
    pub fn wait(&self, bytes: u64) {
        let wait = self.charge(bytes, Instant::now());
        if !wait.is_zero() {
            thread::sleep(wait);
        }
    }

    /// How long to wait after reading some bytes at `now`.
    fn charge(&self, bytes: u64, now: Instant) -> Duration {
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(self.bytes_per_second.get());
        let cost = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
        let from = now.checked_sub(SAVED).map_or(*paid, |saved| saved.max(*paid));
        // A rate so low that time runs out: as late as there is time.
        *paid = from.checked_add(cost).unwrap_or(from);
        paid.saturating_duration_since(now)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn pace(bytes_per_second: u64) -> Pace {
        Pace::new(NonZero::new(bytes_per_second).unwrap())
    }

    #[test]
    fn reading_takes_the_time_that_the_rate_allows() {
        let (pace, start) = (pace(1000), Instant::now() + Duration::from_secs(1));
        let at = |ms: u64| start + Duration::from_millis(ms);
        let wait = |bytes, ms| pace.charge(bytes, at(ms)).as_millis();
        // A tenth of a second was saved up.
        assert_eq!(wait(500, 0), 400);
        // Another thread reads at the same time, and waits for both.
        assert_eq!(wait(500, 0), 900);
        assert_eq!(wait(100, 900), 100);
        // A long pause saves up no more than a short one.
        assert_eq!(wait(1000, 60_000), 900);
        assert_eq!(wait(0, 60_900), 0);
    }

    #[test]
    fn threads_share_one_rate() {
        let (pace, start) = (pace(1 << 20), Instant::now());
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..4).for_each(|_| pace.wait(32 << 10)));
            }
        });
        // Half a megabyte, of which a tenth of a second was saved up.
        assert!(start.elapsed() >= Duration::from_millis(390), "{:?}", start.elapsed());
    }

    #[test]
    fn the_lowest_rate_and_the_largest_read_do_not_overflow() {
        assert!(pace(1).charge(u64::MAX, Instant::now()) > Duration::ZERO);
        assert_eq!(pace(u64::MAX).charge(1, Instant::now()), Duration::ZERO);
    }
}

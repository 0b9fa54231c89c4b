//! Does after a commit what nobody waits for: the `head` copy, and the derived files of a segment that was closed.
//!
//! A thread of its own, so that an append returns after its one sync. All of it may be lost and is found again from the
//! log; what cannot be written is remembered as a notice and never fails an append.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::error::LedgerError;
use super::file::{Layout, Sync, replace};
use super::notice::Notice;
use super::tiles;

/// Readers see a new head within this time of the commit; a busy writer makes 50 copies a second, not 8,000.
const COPY_EVERY: Duration = Duration::from_millis(20);

/// A command that is done does not wait longer than this for derived files; the next one goes on with them.
const CLOSING: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
struct Wanted {
    head: Option<Vec<u8>>,
    index: bool,
    stop: bool,
    /// Between two rounds: waking the thread would cost the writer a system call for nothing.
    resting: bool,
    notices: Vec<Notice>,
}

/// The thread and what it was asked for.
#[derive(Debug)]
pub(super) struct Follower {
    wanted: Arc<(Mutex<Wanted>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Follower {
    /// Starts following; the derived files are brought up to date first.
    pub(super) fn start(layout: Layout) -> Self {
        let wanted = Arc::new((Mutex::new(Wanted { index: true, ..Wanted::default() }), Condvar::new()));
        let theirs = Arc::clone(&wanted);
        let thread = thread::Builder::new().name("ledger-follower".into()).spawn(move || follow(&layout, &theirs));
        // Without a thread the copies are made on closing, by whoever opens next, or by `doctor`.
        Self { wanted, thread: thread.ok() }
    }

    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is a newer head.
    pub(super) fn head(&self, note: &[u8]) {
        let mut wanted = self.wanted();
        let slot = wanted.head.get_or_insert_default();
        slot.clear();
        slot.extend_from_slice(note);
        let resting = wanted.resting;
        drop(wanted);
        if !resting {
            self.wanted.1.notify_one();
        }
    }

    /// A segment was closed.
    pub(super) fn closed_segment(&self) {
        self.wanted().index = true;
        self.wanted.1.notify_one();
    }

    /// What could not be written since the last call.
    pub(super) fn take_notices(&self) -> Vec<Notice> {
        std::mem::take(&mut self.wanted().notices)
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.wanted().stop = true;
        self.wanted.1.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic there was printed there, and what it left undone is derived.
            let _ = thread.join();
        }
    }
}

fn follow(layout: &Layout, shared: &(Mutex<Wanted>, Condvar)) {
    let lock = || shared.0.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let mut wanted = lock();
        while wanted.head.is_none() && !wanted.index && !wanted.stop {
            wanted = shared.1.wait(wanted).unwrap_or_else(PoisonError::into_inner);
        }
        let (head, index, stop) = (wanted.head.take(), std::mem::take(&mut wanted.index), wanted.stop);
        drop(wanted);
        let mut failures = Vec::new();
        if let Some(head) = head {
            failures.extend(replace(&layout.head(), &head, Sync::Later).err());
        }
        if index {
            let began = Instant::now();
            let go_on = || !lock().stop || began.elapsed() < CLOSING;
            failures.extend(tiles::catch_up(layout, &go_on).err());
        }
        let mut wanted = lock();
        // One notice for a disk that stays full, not one for each commit.
        wanted.notices.extend(failures.iter().map(not_written));
        wanted.notices.dedup();
        if stop && wanted.head.is_none() && !wanted.index {
            return;
        }
        if !wanted.stop {
            // Woken early only to stop; heads that come meanwhile wait for the next round.
            wanted.resting = true;
            let waited = shared.1.wait_timeout_while(wanted, COPY_EVERY, |wanted| !wanted.stop);
            waited.unwrap_or_else(PoisonError::into_inner).0.resting = false;
        }
    }
}

fn not_written(error: &LedgerError) -> Notice {
    let cause = std::error::Error::source(error).map_or_else(String::new, |source| format!(": {source}"));
    Notice::NotWritten { reason: format!("{error}{cause}") }
}

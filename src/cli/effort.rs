//! How hard a command that reads artifacts may work, and who watches it.

use std::num::NonZero;

use crate::capture::hash::Progress;
use crate::capture::known::KnownFiles;
use crate::capture::pace::Pace;
use crate::cli::progress::Bar;
use crate::cli::{Context, Failure};

/// More threads than this help nobody.
const MAX_JOBS: i64 = 1024;

/// What a command may take of the machine.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(super) struct EffortArgs {
    /// Threads to work with (default: one for each processor)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MAX_JOBS))]
    jobs: Option<u16>,
    /// Bytes of artifacts to read in a second at most, such as 50M or 1GiB
    #[arg(long, value_name = "BYTES", value_parser = rate)]
    io_limit: Option<NonZero<u64>>,
}

impl EffortArgs {
    /// Does work that reads artifacts: watched, within the limits, and with what is known of files from before.
    pub(super) fn work<T: Send>(
        self,
        context: &Context,
        what: &str,
        known: Option<&KnownFiles>,
        work: impl FnOnce(&dyn Progress) -> T + Send,
    ) -> Result<T, Failure> {
        let watch = Watch { bar: context.progress(what), pace: self.io_limit.map(Pace::new), known };
        let done = match self.jobs {
            None => work(&watch),
            Some(jobs) => {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs.into()).build();
                let pool = pool.map_err(|error| Failure::new(format!("{jobs} threads cannot be started: {error}")))?;
                pool.install(|| work(&watch))
            }
        };
        watch.bar.finish();
        Ok(done)
    }
}

struct Watch<'a> {
    bar: Bar,
    pace: Option<Pace>,
    known: Option<&'a KnownFiles>,
}

impl Progress for Watch<'_> {
    fn add(&self, bytes: u64) {
        self.bar.add(bytes);
        if let Some(pace) = &self.pace {
            pace.wait(bytes);
        }
    }

    fn known(&self) -> Option<&KnownFiles> {
        self.known
    }
}

/// Bytes with a unit: K, M, G, T are powers of 1000, Ki, Mi, Gi, Ti of 1024; a `B` after it changes nothing.
pub(super) fn rate(text: &str) -> Result<NonZero<u64>, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let scale: u64 = match unit.strip_suffix(['B', 'b']).unwrap_or(unit).to_ascii_lowercase().as_str() {
        "" => 1,
        "k" => 1000,
        "m" => 1000 * 1000,
        "g" => 1000 * 1000 * 1000,
        "t" => 1000 * 1000 * 1000 * 1000,
        "ki" => 1 << 10,
        "mi" => 1 << 20,
        "gi" => 1 << 30,
        "ti" => 1 << 40,
        _ => return Err("expected a number of bytes, such as 500000, 50M or 1GiB".to_owned()),
    };
    let number: u64 =
        number.parse().map_err(|_| "expected a number of bytes, such as 500000, 50M or 1GiB".to_owned())?;
    let bytes = number.checked_mul(scale).ok_or("it is larger than any rate")?;
    NonZero::new(bytes).ok_or_else(|| "at no bytes a second nothing is ever read".to_owned())
}

#[cfg(test)]
mod tests {
    use super::rate;

    #[test]
    fn a_rate_is_read_with_its_unit() {
        let read = |text| rate(text).map(std::num::NonZero::get);
        for (text, bytes) in [
            ("1", 1),
            ("500000", 500_000),
            ("50M", 50_000_000),
            ("50MB", 50_000_000),
            ("1GiB", 1 << 30),
            ("1gib", 1 << 30),
            ("2k", 2000),
            ("2Ki", 2048),
            ("3T", 3_000_000_000_000),
            ("3TiB", 3 << 40),
            ("7B", 7),
        ] {
            assert_eq!(read(text), Ok(bytes), "{text}");
        }
        for text in ["", "M", "-1", "1.5M", "50 M", "50X", "50MM", "0", "0G", "99999999999T", "5e3", "٣"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}

//! How much the rows of one file may come to: columnar files can say a long text a million times in a few bytes.

use super::{MAX_ROW_BYTES, RowError};

/// Rows of a file together hold at most this many times its bytes: a dictionary saves that much only where nearly every
/// row is the same text.
const MAX_RATIO: u64 = 1000;

/// What a small file may hold whatever the ratio.
const ALLOWANCE: u64 = 256 << 20;

/// What a row costs however little it holds, so that rows without content end, too.
const ROW: u64 = 64;

/// What a value costs however short it is.
const VALUE: u64 = 8;

/// Counts what rows hold.
#[derive(Debug, Default)]
pub(super) struct Budget {
    row: u64,
    file: u64,
}

impl Budget {
    /// Begins a row; `read` is how much of the file was looked at to have it and all before.
    pub(super) fn row(&mut self, read: u64) -> Result<(), RowError> {
        self.file = self.file.saturating_add(self.row).saturating_add(ROW);
        self.row = 0;
        let limit = read.saturating_mul(MAX_RATIO).saturating_add(ALLOWANCE);
        if self.file <= limit {
            return Ok(());
        }
        Err(RowError::Limit { what: "the content of a file of this size", limit, unit: "bytes" })
    }

    /// Takes a value of that many bytes into the row.
    pub(super) fn value(&mut self, len: usize) -> Result<(), RowError> {
        self.row = self.row.saturating_add(VALUE).saturating_add(len as u64);
        if self.row > MAX_ROW_BYTES as u64 { Err(RowError::TooLong) } else { Ok(()) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn rows_and_files_end_at_their_limits() {
        let mut budget = Budget::default();
        budget.row(0).unwrap();
        budget.value(MAX_ROW_BYTES - 8).unwrap();
        assert!(matches!(budget.value(0), Err(RowError::TooLong)));
        let mut budget = Budget::default();
        let rows = (0..1000).take_while(|_| budget.row(1000).is_ok() && budget.value(1 << 20).is_ok()).count();
        assert!((255..258).contains(&rows), "{rows}");
        let error = budget.row(0).unwrap_err().to_string();
        assert_eq!(error, "the content of a file of this size is not read beyond 268435456 bytes");
    }
}

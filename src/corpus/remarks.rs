//! A count with a few examples: what a remark about many things says.

use crate::statement::Reading;

/// Examples in one remark.
const SHOWN: usize = 3;

/// Longest example in characters.
const LONGEST: usize = 160;

/// How many, and the first few.
#[derive(Debug, Clone, Default)]
pub struct Examples {
    count: u64,
    first: Vec<String>,
}

impl Examples {
    /// Another one.
    pub fn see(&mut self, example: &str) {
        self.count += 1;
        if self.first.len() < SHOWN {
            let cut: String = example.chars().take(LONGEST).collect();
            self.first.push(if cut.len() < example.len() { format!("{cut}…") } else { cut });
        }
    }

    /// How many were seen.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Puts a remark and a count of the same name into `reading`, unless nothing was seen: what it is that was counted,
    /// how many, and the examples.
    pub fn put(&self, reading: &mut Reading, code: &str, what: &str) {
        if self.count == 0 {
            return;
        }
        reading.count(code, self.count);
        let examples: Vec<String> = self.first.iter().map(|example| format!("`{example}`")).collect();
        let more = if self.count > self.first.len() as u64 { ", …" } else { "" };
        reading.remark(code, self.count, format!("{what}: {} ({}{more})", self.count, examples.join(", ")));
    }
}

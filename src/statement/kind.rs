//! What an entry can be: one line for each kind. The number is wire format and never changes.

use crate::codec::wire_enum;

wire_enum! {
    /// The kind of a statement.
    pub enum Kind, "a statement kind" {
        /// Entry 0: the ledger's origin, keys and nonce.
        Genesis = 0 "genesis",
        /// A key is added, revoked, or replaced.
        KeyChange = 1 "key-change",
        /// The clock went back; times before and after cannot be compared.
        ClockStep = 2 "clock-step",
        /// The outside record of signed heads was lost and signing goes on from here.
        Adopt = 3 "adopt",
        /// Bytes that someone else signed, committed to unaltered.
        Attach = 4 "attach",
        /// Something was or may have been missed.
        Gap = 5 "gap",
        /// A model spec.
        Spec = 10 "spec",
        /// Generated midtraining documents.
        Documents = 13 "documents",
        /// Training rows.
        Dataset = 15 "dataset",
        /// Model weights.
        Checkpoint = 19 "checkpoint",
        /// Results of an evaluation, sample by sample.
        EvalLog = 22 "eval-log",
        /// Source code.
        Source = 23 "source",
        /// Configuration.
        Config = 24 "config",
        /// Anything else that was read or written.
        Other = 26 "other",
        /// A stage starts.
        RunStart = 40 "run-start",
        /// A stage has ended, well or not.
        RunEnd = 41 "run-end",
        /// What was promised before the first score.
        Protocol = 50 "protocol",
        /// A printed number with every rule it depends on.
        Claim = 51 "claim",
        /// An earlier entry is taken back.
        Retraction = 53 "retraction",
    }
}

impl Kind {
    /// The kinds that `record` takes.
    pub const ARTIFACTS: &'static [Self] = &[
        Self::Spec,
        Self::Documents,
        Self::Dataset,
        Self::Checkpoint,
        Self::EvalLog,
        Self::Source,
        Self::Config,
        Self::Other,
    ];

    /// True for bytes that the experiment read or wrote.
    pub fn is_artifact(self) -> bool {
        Self::ARTIFACTS.contains(&self)
    }
}

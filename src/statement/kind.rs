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
        /// A spec with its placeholders filled in, as a model was shown it.
        SpecRendering = 11 "spec-rendering",
        /// A prompt with placeholders, for generating or judging.
        PromptTemplate = 12 "prompt-template",
        /// Generated midtraining documents.
        Documents = 13 "documents",
        /// What a provider answered for each generated document: request, returned model, stop reason.
        GenerationReceipts = 14 "generation-receipts",
        /// Training rows.
        Dataset = 15 "dataset",
        /// Datasets put together for one training run.
        Mix = 16 "mix",
        /// Weights that an experiment begins with.
        BaseModel = 17 "base-model",
        /// A tokenizer and its chat template.
        Tokenizer = 18 "tokenizer",
        /// Weights that the experiment trained.
        Checkpoint = 19 "checkpoint",
        /// Items and code of an evaluation.
        EvalSuite = 20 "eval-suite",
        /// The judge of an evaluation: prompt, parser, parameters.
        JudgeConfig = 21 "judge-config",
        /// Results of an evaluation, sample by sample.
        EvalLog = 22 "eval-log",
        /// Source code.
        Source = 23 "source",
        /// Configuration.
        Config = 24 "config",
        /// What a stage ran in: lock files, image and library digests.
        Environment = 25 "environment",
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
        /// An attempt is left out of the analysis, for a reason.
        Exclusion = 52 "exclusion",
        /// An earlier entry is taken back.
        Retraction = 53 "retraction",
        /// Something went wrong with earlier entries, or did not after all.
        Incident = 54 "incident",
        /// Where an artifact can be had, as the lab says.
        Location = 55 "location",
        /// What somebody's own rebuild of a claim in another ledger came to.
        Rebuild = 56 "rebuild",
        /// How likely drawn transcripts of a claim in another ledger are under each of its weights.
        Likelihood = 57 "likelihood",
    }
}

impl Kind {
    /// The kinds that `record` takes.
    pub const ARTIFACTS: &'static [Self] = &[
        Self::Spec,
        Self::SpecRendering,
        Self::PromptTemplate,
        Self::Documents,
        Self::GenerationReceipts,
        Self::Dataset,
        Self::Mix,
        Self::BaseModel,
        Self::Tokenizer,
        Self::Checkpoint,
        Self::EvalSuite,
        Self::JudgeConfig,
        Self::EvalLog,
        Self::Source,
        Self::Config,
        Self::Environment,
        Self::Other,
    ];

    /// True for weights, whoever trained them.
    pub fn is_weights(self) -> bool {
        matches!(self, Self::BaseModel | Self::Checkpoint)
    }

    /// True for what weights are trained on.
    pub fn is_training_data(self) -> bool {
        matches!(self, Self::Documents | Self::Dataset | Self::Mix)
    }

    /// True for what says who the ledger is and who may sign in it.
    pub fn is_frame(self) -> bool {
        matches!(self, Self::Genesis | Self::KeyChange)
    }

    /// True for what is said here of a claim in somebody else's ledger.
    pub fn is_testimony(self) -> bool {
        matches!(self, Self::Rebuild | Self::Likelihood)
    }

    /// True for bytes that the experiment read or wrote.
    pub fn is_artifact(self) -> bool {
        Self::ARTIFACTS.contains(&self)
    }
}

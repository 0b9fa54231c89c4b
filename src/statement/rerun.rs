//! What a run needs to be made again elsewhere, as far as its recorder saw it or declared it.
//!
//! It rides in the body of a run: the recorder's word. What a rebuild comes to is decided by the digests of what the run
//! wrote; this only says with what, and how equal the recorder promised that to be, before the command ran.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// A file that a run depended on without being told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Where it was; from outside, to be escaped where it is shown.
    pub path: String,
    /// BLAKE3 of its bytes.
    pub digest: Digest,
    /// Bytes in it.
    pub length: u64,
}

/// The machine that a run took place on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Processor architecture: `x86_64`, `aarch64`.
    pub arch: String,
    /// Operating system: `linux`.
    pub os: String,
    /// Release of its kernel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<String>,
    /// Features of the processor that change what compiled arithmetic does: `avx2`, `fma`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// Threads that run side by side.
    pub threads: u64,
}

/// What a run needs to be made again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rerun {
    /// The file that the command's first word stood for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<Part>,
    /// Where that is a script, what its first line names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interpreters: Vec<Part>,
    /// Lock files in the working directory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locks: Vec<Part>,
    /// Id of the container image, where the recorder ran in a container that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The machine.
    pub machine: Machine,
    /// Variables that the command needs, with their values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    /// How equal what a rebuild writes must be, by the output's name; `*` stands for all others. Bits where nothing is
    /// said.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub equality: BTreeMap<String, String>,
    /// Folders for outputs that were there before the command ran.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub folders: Vec<String>,
    /// Why nobody can run it again, where that was known: sampling from an API, training on a cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frontier: Option<String>,
}

impl Rerun {
    /// The name under which [`Rerun::equality`] holds for outputs that are not named.
    pub const OTHERS: &str = "*";

    /// How equal the output of that name was declared to be, if anything was declared.
    pub fn equality_of(&self, name: &str) -> Option<&str> {
        self.equality.get(name).or_else(|| self.equality.get(Self::OTHERS)).map(String::as_str)
    }
}

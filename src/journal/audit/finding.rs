//! What an audit can find wrong: each finding says which thing, and whether that contradicts what was signed.

use std::path::PathBuf;

use crate::digest::{Digest, DigestKind, LeafHash, ManifestRoot};
use crate::ledger::LedgerError;
use crate::merkle::EntryIndex;
use crate::statement::{BodyError, EntryError};
use crate::verify::{self, Reject};

/// Findings that are kept; the counts go on.
pub const MAX_FINDINGS: usize = 50;

/// What a finding comes to. Damage outweighs what is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// It could not be told, or this version cannot read it.
    Unknown,
    /// It is not what was signed.
    Damaged,
}

/// Something wrong in a ledger.
#[derive(Debug, thiserror::Error)]
pub enum Finding {
    /// The log itself: frames, heads, or what this machine remembers of them.
    #[error(transparent)]
    Log(LedgerError),
    /// The settings beside the log name something else than entry 0.
    #[error("`ledger.toml` names another {what} than entry 0\n  entry 0     {expected}\n  ledger.toml {found}")]
    Settings {
        /// What they name.
        what: &'static str,
        /// In entry 0.
        expected: String,
        /// In the settings.
        found: String,
    },
    /// Not an entry, or none that this version knows.
    #[error("entry {index} cannot be read: {source}")]
    Unreadable {
        /// Which.
        index: EntryIndex,
        /// Why not.
        source: EntryError,
    },
    /// A rule that every entry keeps.
    #[error("{reject}")]
    Rule {
        /// The entry that breaks it.
        index: EntryIndex,
        /// The rule.
        reject: Reject,
    },
    /// In a damaged log: an entry that its signer would not know again.
    #[error("the signature of entry {index} does not hold: it is not what was signed")]
    Altered {
        /// Which.
        index: EntryIndex,
    },
    /// A change of keys does not hold or cannot be read.
    #[error("the keys are not known from entry {change} on: later signatures were not judged")]
    KeysLost {
        /// The change.
        change: EntryIndex,
    },
    /// A protocol is named that the ledger does not hold.
    #[error("entry {index} names protocol {}, which is not in this ledger", Digest::from(*protocol))]
    NoProtocol {
        /// The first entry that names it.
        index: EntryIndex,
        /// The protocol.
        protocol: LeafHash,
    },
    /// A body that cannot be had although it is there.
    #[error("the body of entry {index}: {source}")]
    BodyFile {
        /// Whose.
        index: EntryIndex,
        /// Why not.
        source: LedgerError,
    },
    /// The body that was committed to, in words that this version does not know.
    #[error("the body of entry {index}: {source}")]
    BodyWords {
        /// Whose.
        index: EntryIndex,
        /// Why not.
        source: BodyError,
    },
    /// Not the body that was committed to.
    #[error("`{}` is not the body of entry {index}: {source}", path.display())]
    OtherBody {
        /// Whose.
        index: EntryIndex,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: BodyError,
    },
    /// A manifest that cannot be had although it is there.
    #[error("the {} manifest {root} of entry {index}: {source}", kind.name())]
    ManifestFile {
        /// The entry that states it.
        index: EntryIndex,
        /// What it lists.
        kind: DigestKind,
        /// Its root.
        root: ManifestRoot,
        /// Why not.
        source: LedgerError,
    },
    /// Not the manifest that the entry states.
    #[error("`{}` of entry {index}: {reject}", path.display())]
    OtherManifest {
        /// The entry that states it.
        index: EntryIndex,
        /// The file.
        path: PathBuf,
        /// The rule.
        reject: Reject,
    },
    /// Salts that cannot be had although they are there.
    #[error("the salts of the {kind} manifest {root} of entry {index}: {source}")]
    SaltsFile {
        /// The entry that states the manifest.
        index: EntryIndex,
        /// What it lists.
        kind: DigestKind,
        /// Its root.
        root: ManifestRoot,
        /// Why not.
        source: LedgerError,
    },
    /// Salts that do not open what the entry states.
    #[error("`{}` does not hold the salts of the {kind} manifest {root} of entry {index}: its items cannot be opened", path.display())]
    OtherSalts {
        /// The entry that states the manifest.
        index: EntryIndex,
        /// The file.
        path: PathBuf,
        /// What the manifest lists.
        kind: DigestKind,
        /// Its root.
        root: ManifestRoot,
    },
}

impl Finding {
    /// Whether it contradicts what was signed, or only could not be told.
    pub fn class(&self) -> Class {
        let is_unknown = match self {
            Self::Log(error) => error.is_unsupported(),
            Self::Unreadable { source, .. } => source.is_unsupported(),
            Self::Rule { reject, .. } | Self::OtherManifest { reject, .. } => {
                reject.class() == verify::Class::Unsupported
            }
            // Salts are under no signature: what is wrong with them contradicts nothing that was signed.
            Self::KeysLost { .. } | Self::BodyWords { .. } | Self::SaltsFile { .. } | Self::OtherSalts { .. } => true,
            Self::Settings { .. }
            | Self::Altered { .. }
            | Self::NoProtocol { .. }
            | Self::BodyFile { .. }
            | Self::OtherBody { .. }
            | Self::ManifestFile { .. } => false,
        };
        if is_unknown { Class::Unknown } else { Class::Damaged }
    }

    /// The entry, where it is one entry's.
    pub fn entry(&self) -> Option<EntryIndex> {
        match self {
            Self::Log(_) | Self::Settings { .. } => None,
            Self::KeysLost { change } => Some(*change),
            Self::Unreadable { index, .. }
            | Self::Rule { index, .. }
            | Self::Altered { index }
            | Self::NoProtocol { index, .. }
            | Self::BodyFile { index, .. }
            | Self::BodyWords { index, .. }
            | Self::OtherBody { index, .. }
            | Self::ManifestFile { index, .. }
            | Self::SaltsFile { index, .. }
            | Self::OtherSalts { index, .. }
            | Self::OtherManifest { index, .. } => Some(*index),
        }
    }
}

/// Findings in the order they were met. A hostile ledger can have as many as entries, so only the first are kept.
#[derive(Debug, Default)]
pub struct Findings {
    kept: Vec<Finding>,
    damaged: u64,
    unknown: u64,
}

impl Findings {
    /// Counts a finding, and keeps it if it is among the first.
    pub fn add(&mut self, finding: Finding) {
        match finding.class() {
            Class::Damaged => self.damaged += 1,
            Class::Unknown => self.unknown += 1,
        }
        if self.kept.len() < MAX_FINDINGS {
            self.kept.push(finding);
        }
    }

    /// Adds what was found later.
    pub(super) fn append(&mut self, later: Self) {
        self.damaged += later.damaged;
        self.unknown += later.unknown;
        let room = MAX_FINDINGS.saturating_sub(self.kept.len());
        self.kept.extend(later.kept.into_iter().take(room));
    }

    /// The first of them.
    pub fn kept(&self) -> &[Finding] {
        &self.kept
    }

    /// How many there are of a class, kept or not.
    pub fn count(&self, class: Class) -> u64 {
        match class {
            Class::Damaged => self.damaged,
            Class::Unknown => self.unknown,
        }
    }

    /// The worst class there is; none when nothing is wrong.
    pub fn worst(&self) -> Option<Class> {
        [Class::Damaged, Class::Unknown].into_iter().find(|class| self.count(*class) > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_beats_what_is_unknown_and_findings_are_bounded() {
        let mut findings = Findings::default();
        assert_eq!(findings.worst(), None);
        findings.add(Finding::KeysLost { change: EntryIndex(0) });
        assert_eq!(findings.worst(), Some(Class::Unknown));
        for index in 1..200 {
            findings.add(Finding::Altered { index: EntryIndex(index) });
        }
        assert_eq!(findings.worst(), Some(Class::Damaged));
        assert_eq!((findings.count(Class::Unknown), findings.count(Class::Damaged)), (1, 199));
        assert_eq!(findings.kept().len(), MAX_FINDINGS);
        assert_eq!(findings.kept().last().and_then(Finding::entry), Some(EntryIndex(MAX_FINDINGS as u64 - 1)));

        let mut first = Findings::default();
        first.add(Finding::Altered { index: EntryIndex(0) });
        first.append(findings);
        assert_eq!((first.count(Class::Unknown), first.count(Class::Damaged)), (1, 200));
        assert_eq!(first.kept().len(), MAX_FINDINGS);
        assert_eq!(first.kept().last().and_then(Finding::entry), Some(EntryIndex(MAX_FINDINGS as u64 - 2)));
    }
}

//! What a replay is held to: a file, a digest, or what a ledger recorded.

use std::path::{Path, PathBuf};

use crate::artifact::rows::TEXT;
use crate::digest::{Digest, DigestKind, FileDigest, Sha256Digest};
use crate::statement::Subject;

/// What should have been made.
#[derive(Debug, Clone)]
pub enum Expected {
    /// The bytes of a file.
    File(PathBuf),
    /// Bytes of this digest.
    Digest(Digest),
    /// What an entry of a ledger says.
    Recorded(Recorded),
}

/// What an entry says of an artifact.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// What to call the entry.
    pub name: String,
    /// Its digests.
    pub subject: Subject,
    /// The files of its tree with their digests, where it is a tree and its manifest is at hand.
    pub files: Option<Vec<(String, FileDigest)>>,
    /// What its rowset is a set of, where it has one and its manifest is at hand.
    pub rowset_projection: Option<String>,
}

/// Whether digests alone decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Held {
    /// The bytes are those, by this digest.
    Equal(&'static str),
    /// They are others.
    Differs,
    /// Their texts have to be compared with a recorded rowset.
    ByRowset(Digest),
    /// There is nothing to compare with.
    Unknown(String),
}

/// Compares digests of bytes with what is expected of them; a file is compared elsewhere, byte for byte.
pub(super) fn hold(expected: &Expected, blake3: FileDigest, sha256: Sha256Digest) -> Held {
    let ours = [Digest::from(blake3), Digest::from(sha256)];
    let decide = |equal: bool, by| if equal { Held::Equal(by) } else { Held::Differs };
    match expected {
        Expected::File(_) => Held::Differs,
        Expected::Digest(digest) => decide(ours.contains(digest), digest.algorithm.name()),
        Expected::Recorded(Recorded { subject, files, rowset_projection, .. }) => {
            if let Some(measure) = subject.0.get(&DigestKind::File) {
                return decide(measure.digests.iter().all(|digest| ours.contains(digest)), "the recorded file digest");
            }
            if let Some(files) = files {
                let mut rows =
                    files.iter().filter(|(path, _)| Path::new(path).extension().is_some_and(|end| end == "jsonl"));
                if files.iter().any(|(_, digest)| *digest == blake3) {
                    return Held::Equal("a file of the recorded tree");
                }
                return match (rows.next(), rows.next()) {
                    (Some(_), None) => Held::Differs,
                    _ => Held::Unknown(
                        "no file of the recorded tree has these bytes, and it has not one file of rows".to_owned(),
                    ),
                };
            }
            if let (Some(root), Some(TEXT)) = (subject.digest(DigestKind::Rowset), rowset_projection.as_deref()) {
                return Held::ByRowset(root);
            }
            let kinds: Vec<_> = subject.0.keys().map(|kind| kind.name()).collect();
            Held::Unknown(format!("the entry has only these digests: {}", kinds.join(", ")))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use crate::digest::ManifestRoot;
    use crate::statement::Measure;

    use super::*;

    fn held(expected: &Expected) -> Held {
        hold(expected, FileDigest::of(b"x"), Sha256Digest::of(b"x"))
    }

    fn recorded(subject: Subject, files: Option<&[(&str, &[u8])]>, rowset: Option<&str>) -> Expected {
        let files = files.map(|files| files.iter().map(|(p, b)| ((*p).to_owned(), FileDigest::of(b))).collect());
        let rowset_projection = rowset.map(str::to_owned);
        Expected::Recorded(Recorded { name: "d".to_owned(), subject, files, rowset_projection })
    }

    #[test]
    fn a_digest_of_either_algorithm_decides() {
        assert_eq!(held(&Expected::Digest(FileDigest::of(b"x").into())), Held::Equal("blake3"));
        assert_eq!(held(&Expected::Digest(Sha256Digest::of(b"x").into())), Held::Equal("sha256"));
        assert_eq!(held(&Expected::Digest(FileDigest::of(b"y").into())), Held::Differs);
    }

    #[test]
    fn every_recorded_digest_of_the_file_must_hold() {
        let file =
            |digests: Vec<Digest>| Subject::default().with(DigestKind::File, Measure { count: 1, length: 1, digests });
        let right: Digest = FileDigest::of(b"x").into();
        assert!(matches!(held(&recorded(file(vec![right]), None, None)), Held::Equal(_)));
        let both = vec![right, Sha256Digest::of(b"y").into()];
        assert_eq!(held(&recorded(file(both), None, None)), Held::Differs);
    }

    #[test]
    fn a_tree_is_held_to_its_one_file_of_rows_and_a_rowset_to_its_texts() {
        let root = ManifestRoot::from_bytes([1; 32]);
        let tree = || Subject::manifest(DigestKind::Tree, root, 1, 1);
        let files: &[(&str, &[u8])] = &[("dataset.jsonl", b"x"), ("summary.json", b"s")];
        assert!(matches!(held(&recorded(tree(), Some(files), None)), Held::Equal(_)));
        let files: &[(&str, &[u8])] = &[("dataset.jsonl", b"y"), ("summary.json", b"s")];
        assert_eq!(held(&recorded(tree(), Some(files), None)), Held::Differs);
        let files: &[(&str, &[u8])] = &[("1.jsonl", b"y"), ("2.jsonl", b"z")];
        assert!(matches!(held(&recorded(tree(), Some(files), None)), Held::Unknown(_)));
        let rowset = || Subject::manifest(DigestKind::Rowset, root, 1, 1);
        assert_eq!(held(&recorded(rowset(), None, Some("text"))), Held::ByRowset(root.into()));
        let Held::Unknown(reason) = held(&recorded(rowset(), None, Some("messages"))) else { panic!("decided") };
        assert_eq!(reason, "the entry has only these digests: rowset");
    }
}

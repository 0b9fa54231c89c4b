//! What a replay is held to: a file, a digest, or what a ledger recorded.

use std::path::{Path, PathBuf};

use crate::artifact::rows::Projection;
use crate::digest::{Digest, DigestKind, FileDigest, Sha256Digest};
use crate::rows::FORMATS;
use crate::statement::Subject;

/// The format of what is made here.
const LINES: &str = "jsonl/1";

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
    /// The format that its rows were read in, where its body is at hand and says one.
    pub format: Option<String>,
    /// Which view its rows in order are of, where it has them and their manifest is at hand.
    pub rows_projection: Option<String>,
    /// Which view its rows as a set are of, likewise.
    pub rowset_projection: Option<String>,
}

/// What rows that are made can be held to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Views {
    pub(super) projection: Projection,
    /// The rows in order, under that view.
    pub(super) rows: Option<Digest>,
    /// The rows as a set.
    pub(super) rowset: Option<Digest>,
    /// True where the bytes could have been the recorded ones, and are not.
    pub(super) other_bytes: bool,
}

/// Whether digests alone decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Held {
    /// The bytes are those, by this digest.
    Equal(&'static str),
    /// They are others.
    Differs,
    /// The rows have to be compared with recorded ones.
    ByRows(Box<Views>),
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
        Expected::Recorded(recorded) => match by_bytes(recorded, blake3, &ours) {
            equal @ Held::Equal(_) => equal,
            other => match views(recorded, other == Held::Differs) {
                Some(views) => Held::ByRows(Box::new(views)),
                None => other,
            },
        },
    }
}

/// What the recorded bytes say.
fn by_bytes(recorded: &Recorded, blake3: FileDigest, ours: &[Digest]) -> Held {
    let Recorded { subject, files, format, .. } = recorded;
    if let Some(measure) = subject.0.get(&DigestKind::File) {
        return match () {
            () if measure.digests.iter().all(|digest| ours.contains(digest)) => Held::Equal("the recorded file digest"),
            // Lines of JSON are never the bytes of a file in another format of rows.
            () => match FORMATS.iter().find(|known| format.as_deref() == Some(known.name())) {
                Some(known) if known.name() != LINES => {
                    Held::Unknown(format!("the recorded file is of another format, {}", known.name()))
                }
                _ => Held::Differs,
            },
        };
    }
    if let Some(files) = files {
        let mut rows = files.iter().filter(|(path, _)| Path::new(path).extension().is_some_and(|end| end == "jsonl"));
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
    let kinds: Vec<_> = subject.0.keys().map(|kind| kind.name()).collect();
    Held::Unknown(format!("the entry has only these digests: {}", kinds.join(", ")))
}

/// The recorded rows, where rows that are made here can have such a view: it is not of places, documents or salted leaves.
fn views(recorded: &Recorded, other_bytes: bool) -> Option<Views> {
    let of = |kind, name: &Option<String>| {
        let name = name.as_deref().filter(|name| !name.contains(' ') && !name.contains('/'))?;
        Some((recorded.subject.digest(kind)?, Projection::parse(name).ok()?))
    };
    let rows = of(DigestKind::Rows, &recorded.rows_projection);
    let rowset = of(DigestKind::Rowset, &recorded.rowset_projection);
    let projection = rows.as_ref().or(rowset.as_ref()).map(|(_, projection)| projection.clone())?;
    let same =
        |view: Option<(Digest, Projection)>| view.filter(|(_, found)| *found == projection).map(|(digest, _)| digest);
    Some(Views { rows: same(rows), rowset: same(rowset), projection: projection.clone(), other_bytes })
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
        let (format, rows_projection) = (None, rowset_projection.clone());
        Expected::Recorded(Recorded {
            name: "d".to_owned(),
            subject,
            files,
            format,
            rows_projection,
            rowset_projection,
        })
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
        let views = |subject, view| match held(&recorded(subject, None, Some(view))) {
            Held::ByRows(views) => (views.projection.to_string(), views.rows, views.rowset, views.other_bytes),
            other => panic!("{other:?}"),
        };
        let digest = Some(root.into());
        assert_eq!(views(rowset(), "text"), ("text".to_owned(), None, digest, false));
        assert_eq!(views(rowset(), "messages"), ("messages".to_owned(), None, digest, false));
        let file = Measure { count: 1, length: 1, digests: vec![FileDigest::of(b"y").into()] };
        let rows = Subject::manifest(DigestKind::Rows, root, 1, 1).with(DigestKind::File, file);
        assert_eq!(views(rows.clone(), "*"), ("*".to_owned(), digest, None, true));
        for view in ["text salted", "offsets/1", "documents/1"] {
            assert_eq!(held(&recorded(rows.clone(), None, Some(view))), Held::Differs, "{view}");
        }
        let Held::Unknown(reason) = held(&recorded(rowset(), None, None)) else { panic!("decided") };
        assert_eq!(reason, "the entry has only these digests: rowset");
    }

    #[test]
    fn a_file_of_another_format_is_held_to_its_rows_alone() {
        let root = ManifestRoot::from_bytes([1; 32]);
        let file = Measure { count: 1, length: 1, digests: vec![FileDigest::of(b"y").into()] };
        let subject = Subject::manifest(DigestKind::Rows, root, 1, 1).with(DigestKind::File, file);
        let Expected::Recorded(recorded) = recorded(subject, None, Some("text")) else { panic!("a record") };
        let packed = Recorded { format: Some("parquet/1".to_owned()), ..recorded.clone() };
        let Held::ByRows(views) = held(&Expected::Recorded(packed.clone())) else { panic!("by its rows") };
        assert!(!views.other_bytes);
        let unread = Recorded { rows_projection: None, rowset_projection: None, ..packed };
        assert!(matches!(held(&Expected::Recorded(unread)), Held::Unknown(_)));
        let lines = Recorded { format: Some(LINES.to_owned()), ..recorded };
        let Held::ByRows(views) = held(&Expected::Recorded(lines)) else { panic!("by its rows") };
        assert!(views.other_bytes);
    }
}

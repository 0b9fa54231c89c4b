//! Salted recording: what an artifact's entry and objects show of it hides every text that could be guessed.
//!
//! The finest list that there is of the artifact is salted and everything else that is a digest of the same bytes is
//! left out: a file's or folder's own digest, a multiset of texts or a place in a file would let a guess be tried. What
//! a reader remarked is said to the person who records, and not kept: it may quote.

use crate::artifact::item::OFFSETS;
use crate::artifact::manifest::{Manifest, Sidecar};
use crate::capture::kind::{Artifact, KindError};
use crate::digest::{DigestKind, Salt};
use crate::statement::{Kind, Reading};

/// Whether artifacts of a kind are recorded salted: those that are many texts.
pub fn can_be_salted(kind: Kind) -> bool {
    matches!(kind, Kind::Documents | Kind::Dataset)
}

fn draw() -> Result<Salt, KindError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| KindError::Random(error.to_string()))?;
    Ok(Salt(bytes))
}

/// The artifact with its rows, or where it has none its files, behind salts, and with no other digest.
pub fn salted(artifact: Artifact) -> Result<Artifact, KindError> {
    let mut lists =
        artifact.objects.iter().map(|(_, object)| Manifest::parse(object)).collect::<Result<Vec<_>, _>>()?;
    let at = [DigestKind::Rows, DigestKind::Tree]
        .iter()
        .find_map(|kind| lists.iter().position(|list| list.header.kind == *kind))
        .ok_or(KindError::NothingToSalt)?;
    let list = lists.swap_remove(at);
    if list.header.projection == OFFSETS {
        return Err(KindError::SaltedPlaces);
    }
    let hidden = list.salted(draw)?;
    let mut salted = Artifact { remarks: artifact.remarks, ..Artifact::default() };
    salted.add(&hidden.manifest)?;
    salted.private = vec![(*hidden.manifest.root()?.as_bytes(), hidden.sidecar)];
    if let Some(reading) = artifact.reading {
        let said = reading.remarks.iter().map(|remark| {
            let text: String = remark.text.chars().flat_map(char::escape_default).collect();
            format!("{}: {text}", remark.code.escape_default())
        });
        salted.remarks.extend(said);
        salted.reading = Some(Reading { counts: reading.counts, ..Reading::by(&reading.reader) });
    }
    Ok(salted)
}

/// True where two sidecars hold the same leaves, whatever their salts.
pub fn is_same_content(left: &[u8], right: &[u8]) -> bool {
    match (Sidecar::parse(left), Sidecar::parse(right)) {
        (Ok(left), Ok(right)) => {
            left.header == right.header
                && left.leaves.len() == right.leaves.len()
                && left.leaves.iter().zip(&right.leaves).all(|(left, right)| left.1 == right.1)
        }
        _ => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::artifact::manifest::ManifestHeader;
    use crate::capture::hash::{HashOptions, Silent, hash_file};
    use crate::digest::FileDigest;
    use crate::statement::Remark;

    fn rows(projection: &str) -> Manifest {
        let header = ManifestHeader { kind: DigestKind::Rows, projection: projection.to_owned(), facts: None };
        let item = |text: &str| {
            crate::codec::Encoder::encode(|e| {
                e.array(2);
                crate::digest::Digest::from(FileDigest::of(text.as_bytes())).encode(e);
                e.uint(text.len() as u64);
            })
        };
        Manifest { header, items: ["yes", "no"].map(item).to_vec() }
    }

    /// A file of two rows with every digest that it can have.
    fn dataset() -> Artifact {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows");
        std::fs::write(&path, "yes\nno\n").unwrap();
        let mut artifact = Artifact::file(&hash_file(&path, &HashOptions::default(), &Silent).unwrap());
        artifact.add(&rows("text")).unwrap();
        let set =
            Manifest { header: ManifestHeader { kind: DigestKind::Rowset, ..rows("text").header }, ..rows("text") };
        artifact.add(&set).unwrap();
        let mut reading = Reading::by("jsonl/1");
        reading.counts.insert("rows".to_owned(), 2);
        reading.facts.insert("first".to_owned(), "yes".to_owned());
        reading.remarks.push(Remark { code: "short".to_owned(), count: 1, text: "such as yes".to_owned() });
        artifact.reading = Some(reading);
        artifact
    }

    #[test]
    fn nothing_that_a_guess_could_be_tried_against_is_left() {
        let plain = dataset();
        let hidden = salted(dataset()).unwrap();
        let kinds: Vec<_> = hidden.subject.0.keys().copied().collect();
        assert_eq!(kinds, [DigestKind::Rows]);
        assert_eq!(hidden.objects.len(), 1);
        let digests = plain.subject.0.values().flat_map(|measure| &measure.digests).map(|digest| digest.bytes);
        let known: Vec<[u8; 32]> =
            digests.chain(["yes", "no"].map(|text| *FileDigest::of(text.as_bytes()).as_bytes())).collect();
        let body = format!("{:?}", hidden.reading);
        for (name, object) in &hidden.objects {
            for digest in &known {
                assert!(name != digest && !object.windows(32).any(|window| window == digest));
            }
        }
        assert!(!body.contains("yes"), "{body}");
        assert_eq!(hidden.reading.unwrap().counts["rows"], 2);
        assert_eq!(hidden.remarks, ["short: such as yes"], "the person who records is told");
        assert_eq!(hidden.private[0].0, hidden.objects[0].0, "the sidecar lies under the root");
    }

    #[test]
    fn the_same_content_is_known_again_under_other_salts() {
        let (one, two) = (salted(dataset()).unwrap(), salted(dataset()).unwrap());
        assert_ne!(one.objects, two.objects);
        assert!(is_same_content(&one.private[0].1, &two.private[0].1));
        let mut other = rows("text");
        other.items.pop();
        let mut artifact = Artifact::default();
        artifact.add(&other).unwrap();
        assert!(!is_same_content(&one.private[0].1, &salted(artifact).unwrap().private[0].1));
        assert!(!is_same_content(&one.private[0].1, b"damaged"));
    }

    #[test]
    fn places_and_plain_files_cannot_be_salted() {
        let mut places = Artifact::default();
        places.add(&rows(OFFSETS)).unwrap();
        assert!(matches!(salted(places), Err(KindError::SaltedPlaces)));
        assert!(matches!(salted(Artifact::default()), Err(KindError::NothingToSalt)));
    }
}

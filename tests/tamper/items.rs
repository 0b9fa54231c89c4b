//! Evidence of items: what is opened is under the root, and nothing is opened that nobody asked for (L20).

use reproledger::artifact::documents::{DocumentLeaf, Flags, documents_manifest};
use reproledger::artifact::item::OFFSETS;
use reproledger::artifact::manifest::{Manifest, ManifestHash, ManifestHeader, Sidecar};
use reproledger::check::Outcome;
use reproledger::claim::{Assessment, NUMBER, Verdict, assess_any};
use reproledger::codec::Encoder;
use reproledger::digest::slice::Slice;
use reproledger::digest::{Digest, DigestKind, FileDigest, ManifestRoot, Salt};
use reproledger::evidence::{Content, Evidence, Inclusion, Opened, Opening};
use reproledger::key::Policy;
use reproledger::merkle::{EntryIndex, MemoryTree, TreeSize, prove_inclusion};
use reproledger::statement::{EdgeType, Kind, Subject};
use reproledger::verify::{Class, OpeningError, Reject};

use super::bytes::none_is_believed;
use crate::support::{Lab, Story, finding};

const TEXTS: [&str; 5] = ["yes", "no", "a longer document, with some words in it", "", "the last of them"];

fn documents() -> Manifest {
    let leaf = |(at, text): (usize, &&str)| DocumentLeaf {
        key: format!("Records/case {at}.txt"),
        raw: FileDigest::of(format!("<content>{text}</content>").as_bytes()),
        raw_length: text.len() as u64 + 19,
        text: FileDigest::of(text.as_bytes()),
        text_length: text.len() as u64,
        flags: if text.is_empty() { Flags::EMPTY } else { Flags::NONE },
    };
    documents_manifest(TEXTS.iter().enumerate().map(leaf).collect()).unwrap()
}

/// The file of three lines that the rows of [`offsets`] are in.
fn lines() -> Vec<u8> {
    let line = |letter: &str| format!("{}\n", letter.repeat(1500));
    ["a", "b", "c"].map(line).concat().into_bytes()
}

fn offsets() -> Manifest {
    let header = ManifestHeader { kind: DigestKind::Rows, projection: OFFSETS.to_owned(), facts: None };
    let item = |row: u64| {
        Encoder::encode(|e| {
            e.array(3);
            [0, row * 1501, 1500].into_iter().for_each(|n| e.uint(n));
        })
    };
    Manifest { header, items: (0..3).map(item).collect() }
}

fn inclusion(manifest: &Manifest, number: u64) -> Inclusion {
    let hash = ManifestHash::new(manifest.header.kind).unwrap();
    let mut tree = MemoryTree::with_hash(hash.clone());
    let header = manifest.header.encode();
    tree.append(hash.leaf(&header));
    manifest.items.iter().for_each(|item| tree.append(hash.leaf(item)));
    let path = |at| prove_inclusion(&tree, EntryIndex(at), TreeSize(manifest.count() + 1)).unwrap();
    let leaf = number.checked_sub(1).map_or(header.clone(), |at| manifest.items[usize::try_from(at).unwrap()].clone());
    Inclusion { header, header_path: path(0), position: number, leaf, path: path(number) }
}

/// A spec, a corpus made from it, and something later; the corpus is what items are of.
struct Corpus {
    lab: Lab,
    entry: EntryIndex,
    manifest: Manifest,
}

impl Corpus {
    fn of(manifest: Manifest, beside: Option<&[u8]>) -> Self {
        let mut lab = Lab::new();
        let spec = lab.file(Kind::Spec, b"spec", &[]);
        let (_, measure) = lab.keep(&manifest);
        let mut payload = lab.payload(Kind::Documents);
        let file = beside.map(|bytes| Subject::file(FileDigest::of(bytes), bytes.len() as u64));
        payload.subjects.push(file.unwrap_or_default().with(manifest.header.kind, measure));
        payload.edges = vec![lab.link(EdgeType::DerivedFrom, spec)];
        let entry = lab.say(&payload);
        lab.file(Kind::Other, b"later", &[]);
        Self { lab, entry, manifest }
    }

    fn root(&self) -> ManifestRoot {
        self.manifest.root().unwrap()
    }

    /// Item `number`, opened; the content is what the caller says.
    fn opening(&self, number: u64, content: Option<Content>) -> Opening {
        let (kind, root) = (self.manifest.header.kind, self.root());
        Opening {
            entry: self.entry,
            kind,
            root,
            inclusion: inclusion(&self.manifest, number + 1),
            opened: None,
            content,
        }
    }

    fn evidence(&self, openings: Vec<Opening>) -> Evidence {
        let bare = Lab { manifests: std::collections::BTreeMap::new(), ..self.lab.clone() };
        Evidence { openings, ..bare.evidence(self.entry) }
    }

    fn assess(&self, openings: Vec<Opening>) -> Assessment {
        assess_any(&self.evidence(openings).to_bytes(), Some(&self.lab.policy()), NUMBER, |_| None)
    }

    fn reject(&self, openings: Vec<Opening>) -> Reject {
        let bytes = self.evidence(openings).to_bytes();
        reproledger::verify::evidence(&bytes, Some(&self.lab.policy())).expect_err("believed")
    }

    fn reason(&self, opening: Opening) -> OpeningError {
        match self.reject(vec![opening]) {
            Reject::Opening { source, .. } => source,
            other => panic!("{other:?}"),
        }
    }
}

fn shown(text: &str) -> Content {
    Content::Bytes(text.as_bytes().to_vec())
}

#[test]
fn every_item_is_proved_at_its_place_with_or_without_its_bytes_and_at_no_other() {
    let corpus = Corpus::of(documents(), None);
    for (number, text) in (0_u64..).zip(TEXTS) {
        for content in [None, Some(shown(text))] {
            let is_shown = content.is_some();
            let assessment = corpus.assess(vec![corpus.opening(number, content)]);
            assert_eq!(assessment.verdict, Verdict::Verified, "{:?}", assessment.findings);
            assert_eq!(assessment.profile.name, "item");
            let evidence = assessment.evidence.as_ref().unwrap();
            assert_eq!(evidence.items[0].item.key, format!("Records/case {number}.txt"));
            assert_eq!((evidence.items[0].number, evidence.items[0].count), (number, 5));
            let (content, said) = if is_shown {
                (Outcome::Pass, "the bytes are the ones that were recorded")
            } else {
                (Outcome::Unknown, "the bytes of 1 of 1 items are not shown")
            };
            let found = finding(&assessment, "item.content");
            assert_eq!((found.outcome, found.reason.as_str()), (content, said));
            let next = "pass the item as a file, or the folder that holds it, with --artifacts";
            assert_eq!(found.next.as_deref(), (!is_shown).then_some(next));
            let found = finding(&assessment, "item.inclusion");
            assert_eq!(found.outcome, Outcome::Pass);
            assert!(found.reason.starts_with("the item is in the documents that entry"), "{found:?}");
            let found = finding(&assessment, "supersede");
            assert!(found.reason.ends_with("replaces or retracts the entry whose items are opened"), "{found:?}");
        }
        for other in 0..5_u64 {
            let mut moved = corpus.opening(number, None);
            moved.inclusion.position = other + 1;
            if other != number {
                assert!(matches!(corpus.reason(moved), OpeningError::OtherRoot { .. } | OpeningError::Path(_)));
            }
        }
    }
}

#[test]
fn without_a_pinned_key_an_item_is_unvouched_and_with_another_untrusted() {
    let corpus = Corpus::of(documents(), None);
    let bytes = corpus.evidence(vec![corpus.opening(1, None)]).to_bytes();
    assert_eq!(assess_any(&bytes, None, NUMBER, |_| None).verdict, Verdict::Unvouched);
    let other = Lab::named("other.example/log", 77).policy();
    assert_eq!(assess_any(&bytes, Some(&other), NUMBER, |_| None).verdict, Verdict::Untrusted);
}

#[test]
fn another_content_leaf_header_kind_or_root_is_refused_for_its_own_reason() {
    let corpus = Corpus::of(documents(), None);
    let with = |change: &dyn Fn(&mut Opening)| {
        let mut opening = corpus.opening(2, None);
        change(&mut opening);
        corpus.reason(opening)
    };
    assert!(matches!(with(&|o| o.content = Some(shown("yes"))), OpeningError::OtherContent { .. }));
    assert!(matches!(with(&|o| o.content = Some(shown(""))), OpeningError::OtherContent { .. }));
    let slice = || Some(Content::Slice { file: None, slice: Vec::new() });
    assert_eq!(with(&|o| o.content = slice()), OpeningError::ExtraContent);
    assert!(matches!(with(&|o| o.inclusion.leaf[3] ^= 1), OpeningError::OtherRoot { what: "leaf", .. }));
    assert!(matches!(with(&|o| o.inclusion.leaf = documents().items[1].clone()), OpeningError::OtherRoot { .. }));
    let renamed = ManifestHeader { projection: "text".to_owned(), ..documents().header }.encode();
    let error = with(&|o| o.inclusion.header = renamed.clone());
    assert!(matches!(error, OpeningError::OtherRoot { what: "header", .. }));
    let tree = ManifestHeader { kind: DigestKind::Tree, ..documents().header }.encode();
    assert_eq!(with(&|o| o.inclusion.header = tree.clone()), OpeningError::OtherKind);
    assert_eq!(with(&|o| o.inclusion = inclusion(&documents(), 0)), OpeningError::HeaderAsItem);
    assert!(matches!(with(&|o| o.inclusion.path.truncate(1)), OpeningError::Path(_)));
    let salt = || Some(Opened { salt: Salt([1; 32]), leaf: documents().items[2].clone() });
    assert_eq!(with(&|o| o.opened = salt()), OpeningError::NotSalted);
}

#[test]
fn l20_nothing_is_opened_that_the_file_is_not_about() {
    let corpus = Corpus::of(documents(), None);
    let extra = |change: &dyn Fn(&mut Opening)| {
        let mut opening = corpus.opening(0, None);
        change(&mut opening);
        let reject = corpus.reject(vec![opening]);
        assert!(matches!(reject, Reject::ExtraOpening { .. }), "{reject:?}");
        assert_eq!(reject.class(), Class::Malformed);
    };
    // Of another entry, of no entry, of a root or kind that the entry does not carry.
    extra(&|opening| opening.entry = EntryIndex(1));
    extra(&|opening| opening.entry = EntryIndex(99));
    extra(&|opening| opening.root = ManifestRoot::from_bytes([1; 32]));
    extra(&|opening| opening.kind = DigestKind::Rowset);
    // Twice, or out of order.
    let twice = corpus.reject(vec![corpus.opening(1, None), corpus.opening(1, None)]);
    assert_eq!(twice.class(), Class::Malformed);
    let swapped = corpus.reject(vec![corpus.opening(2, None), corpus.opening(1, None)]);
    assert_eq!(swapped.class(), Class::Malformed);
    // Beside a claim.
    let told = Story::new().tell();
    let reject = told.reject_with(|evidence| {
        let opening = Opening {
            entry: told.log,
            kind: DigestKind::Samples,
            root: evidence.manifests[0].root,
            inclusion: inclusion(&Story::new().manifest(), 1),
            opened: None,
            content: None,
        };
        evidence.openings.push(opening);
    });
    assert_eq!(reject, Reject::ExtraOpening { index: told.log });
    // And without an opening an artifact is nothing that a file could be about.
    assert!(matches!(corpus.reject(Vec::new()), Reject::NotClaim { .. }));
}

#[test]
fn a_sample_of_a_log_is_an_item_too() {
    let told = Story::new().tell();
    let manifest = Story::new().manifest();
    let lab = Lab { manifests: std::collections::BTreeMap::new(), ..told.lab.clone() };
    let opening = Opening {
        entry: told.log,
        kind: DigestKind::Samples,
        root: manifest.root().unwrap(),
        inclusion: inclusion(&manifest, 2),
        opened: None,
        content: None,
    };
    let evidence = Evidence { openings: vec![opening], ..lab.evidence(told.log) };
    let assessment = assess_any(&evidence.to_bytes(), Some(&lab.policy()), NUMBER, |_| None);
    assert_eq!(assessment.verdict, Verdict::Verified, "{:?}", assessment.findings);
    assert_eq!(assessment.evidence.unwrap().items[0].item.key, "(2, epoch 1)");
}

#[test]
fn a_row_is_a_slice_of_its_file_and_a_whole_line_of_it() {
    let file = lines();
    let corpus = Corpus::of(offsets(), Some(&file));
    let length = file.len() as u64;
    let cut = |range: std::ops::Range<u64>| Slice::cut(&mut &file[..], length, &range).unwrap().0.encode();
    let slice = |slice| Some(Content::Slice { file: None, slice });
    for row in 0..3_u64 {
        let (first, end) = (row * 1501, row * 1501 + 1500);
        let around = first.saturating_sub(1)..(end + 2).min(length);
        let assessment = corpus.assess(vec![corpus.opening(row, slice(cut(around.clone())))]);
        assert_eq!(assessment.verdict, Verdict::Verified, "{:?}", assessment.findings);
        assert_eq!(finding(&assessment, "item.content").outcome, Outcome::Pass, "{:?}", assessment.findings);
        let item = &assessment.evidence.as_ref().unwrap().items[0];
        let content = item.content.as_ref().unwrap();
        let place = usize::try_from(first).unwrap()..usize::try_from(end).unwrap();
        assert_eq!((content.digest, content.is_line), (FileDigest::of(&file[place]), Some(true)));
        // Bytes of another row are not these, whatever file they are of.
        let other = (row + 1) % 3 * 1501;
        let reason = corpus.reason(corpus.opening(row, slice(cut(other + 200..other + 300))));
        assert!(matches!(reason, OpeningError::OutsideSlice { .. }), "{reason:?}");
        let mut changed = cut(around);
        let at = changed.len() / 2;
        changed[at] ^= 1;
        let reason = corpus.reason(corpus.opening(row, slice(changed)));
        assert!(matches!(reason, OpeningError::Slice(_)), "{reason:?}");
    }
    let named = corpus.reason(corpus.opening(0, Some(shown("a"))));
    assert_eq!(named, OpeningError::ExtraContent);
    // Without a file of that digest there is nothing to be a slice of.
    let alone = Corpus::of(offsets(), None);
    assert_eq!(alone.reason(alone.opening(0, slice(cut(0..1)))), OpeningError::NoFile { wanted: 0 });
}

#[test]
fn a_row_that_is_no_whole_line_is_said_to_be_none() {
    let file = lines();
    let mut manifest = offsets();
    manifest.items[1] = Encoder::encode(|e| {
        e.array(3);
        [0, 1600, 100].into_iter().for_each(|n| e.uint(n));
    });
    let corpus = Corpus::of(manifest, Some(&file));
    let slice = Slice::cut(&mut &file[..], file.len() as u64, &(1599..1702)).unwrap().0.encode();
    let assessment = corpus.assess(vec![corpus.opening(1, Some(Content::Slice { file: None, slice }))]);
    let content = finding(&assessment, "item.content");
    assert_eq!(content.outcome, Outcome::Unknown);
    assert_eq!(content.reason, "1 of 1 items are no whole line of their file");
    assert!(content.notes[0].contains(", not a whole line)"), "{content:?}");
}

/// The documents behind salts, and the sidecar that opens them.
fn salted() -> (Corpus, Vec<u8>) {
    let mut next = 0;
    let salted = documents().salted(|| {
        next += 1;
        Ok::<_, std::convert::Infallible>(Salt(*FileDigest::of(&[next]).as_bytes()))
    });
    let salted = salted.unwrap();
    (Corpus::of(salted.manifest, None), salted.sidecar)
}

fn opened(corpus: &Corpus, sidecar: &[u8], number: u64, content: Option<Content>) -> Opening {
    let sidecar = Sidecar::parse(sidecar).unwrap();
    let (salt, leaf) = sidecar.leaves[usize::try_from(number).unwrap()];
    Opening { opened: Some(Opened { salt, leaf: leaf.to_vec() }), ..corpus.opening(number, content) }
}

#[test]
fn a_salted_item_is_opened_by_its_own_salt_alone() {
    let (corpus, sidecar) = salted();
    for (number, text) in (0_u64..).zip(TEXTS) {
        let assessment = corpus.assess(vec![opened(&corpus, &sidecar, number, Some(shown(text)))]);
        assert_eq!(assessment.verdict, Verdict::Verified, "{:?}", assessment.findings);
        let item = &assessment.evidence.as_ref().unwrap().items[0];
        assert!(item.is_salted && item.projection == "documents/1");
        assert_eq!(item.item.key, format!("Records/case {number}.txt"));
    }
    assert_eq!(corpus.reason(corpus.opening(0, None)), OpeningError::NotOpened);
    let other = opened(&corpus, &sidecar, 1, None).opened;
    let mixed = Opening { opened: other, ..corpus.opening(0, None) };
    assert_eq!(corpus.reason(mixed), OpeningError::OtherCommitment);
}

#[test]
fn a_guessed_text_cannot_be_confirmed_from_what_is_shown_of_a_salted_corpus() {
    let (corpus, sidecar) = salted();
    let evidence = corpus.evidence(vec![opened(&corpus, &sidecar, 0, Some(shown("yes")))]).to_bytes();
    let entry = corpus.lab.entry(corpus.entry).as_bytes().to_vec();
    let object = corpus.manifest.to_object();
    let holds = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    let leaves = Sidecar::parse(&sidecar).unwrap().leaves;
    for (number, text) in TEXTS.iter().enumerate() {
        // Whoever guesses a text right can make its leaf and every digest of it; none of that is anywhere, in the clear
        // or under a salt that is shown.
        let plain = &documents().items[number];
        let guesses = [
            FileDigest::of(text.as_bytes()).as_bytes().to_vec(),
            FileDigest::of(format!("<content>{text}</content>").as_bytes()).as_bytes().to_vec(),
            ManifestHash::new(DigestKind::Rows).unwrap().leaf(plain).as_bytes().to_vec(),
            Salt([0; 32]).commit(plain).to_vec(),
            leaves[0].0.commit(plain).to_vec(),
            leaves[number].0.0.to_vec(),
        ];
        for (at, guess) in guesses.iter().enumerate() {
            assert!(!holds(&entry, guess), "{text:?}: guess {at} stands in the entry");
            // The one leaf that is opened is the one that may be confirmed.
            let is_opened = number == 0;
            assert!(is_opened || !holds(&evidence, guess), "{text:?}: guess {at} stands in the evidence");
            let is_leaf = is_opened && at == 4;
            assert!(is_leaf || !holds(&object, guess), "{text:?}: guess {at} stands in the manifest");
        }
        assert!(text.len() < 4 || !holds(&evidence, text.as_bytes()), "{text:?}");
    }
    // Two labs that record the same texts show nothing that is the same.
    let digests = |evidence: &Evidence| evidence.withheld.iter().map(|w| w.digest).collect::<Vec<Digest>>();
    let plain = Corpus::of(documents(), None);
    assert_ne!(digests(&corpus.evidence(Vec::new())), digests(&plain.evidence(Vec::new())));
}

/// Evidence of items, and of other items of the same list.
pub(super) struct Example {
    pub(super) what: &'static str,
    pub(super) bytes: Vec<u8>,
    pub(super) policy: Policy,
    pub(super) others: Vec<Vec<u8>>,
}

/// Salted documents, with and without their text, and a row as a slice of its file.
pub(super) fn examples() -> [Example; 2] {
    let (corpus, sidecar) = salted();
    let open = |number: u64, is_shown: bool| {
        let text = is_shown.then(|| shown(TEXTS[usize::try_from(number).unwrap()]));
        opened(&corpus, &sidecar, number, text)
    };
    let evidence = |openings| corpus.evidence(openings).to_bytes();
    let documents = Example {
        what: "salted documents",
        bytes: evidence(vec![open(1, true), open(4, false)]),
        policy: corpus.lab.policy(),
        // One each: two of two could be spliced to a pair that is true as well.
        others: vec![evidence(vec![open(0, true)]), evidence(vec![open(3, true)])],
    };
    let file = lines();
    let rows = Corpus::of(offsets(), Some(&file));
    let cut = |row: u64| {
        let around = (row * 1501).saturating_sub(1)..(row * 1501 + 1502).min(file.len() as u64);
        let slice = Slice::cut(&mut &file[..], file.len() as u64, &around).unwrap().0.encode();
        rows.evidence(vec![rows.opening(row, Some(Content::Slice { file: None, slice }))]).to_bytes()
    };
    let slices =
        Example { what: "a row in its file", bytes: cut(1), policy: rows.lab.policy(), others: vec![cut(0), cut(2)] };
    [documents, slices]
}

#[test]
fn every_single_change_of_evidence_of_items_is_refused() {
    for Example { bytes, policy, .. } in examples() {
        assert_eq!(assess_any(&bytes, Some(&policy), NUMBER, |_| None).verdict, Verdict::Verified);
        let judged = none_is_believed(&policy, bytes.len(), |number| {
            let mut mutant = bytes.clone();
            mutant[number] ^= 1 << (number % 8);
            Some(mutant)
        });
        assert_eq!(judged, bytes.len());
        let dropped = |number: usize| {
            let mut mutant = bytes.clone();
            mutant.remove(number);
            Some(mutant)
        };
        none_is_believed(&policy, bytes.len(), dropped);
        none_is_believed(&policy, bytes.len(), |length| Some(bytes[..length].to_vec()));
    }
}

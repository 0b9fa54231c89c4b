//! Pictures of made-up experiments: what is folded, what is stacked, what is escaped.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::digest::{Digest, DigestKind, FileDigest, LeafHash, LedgerId};
use crate::statement::{Edge, EdgeType, Outcome, Payload, RunStatus, Subject};

#[derive(Default)]
struct Book {
    entries: Vec<Payload>,
    names: BTreeMap<EntryIndex, String>,
}

fn leaf(index: EntryIndex) -> LeafHash {
    let mut bytes = [3; 32];
    bytes[..8].copy_from_slice(&index.0.to_be_bytes());
    LeafHash::from_bytes(bytes)
}

impl Book {
    fn add(&mut self, kind: Kind, name: &str, label: Option<(&str, u64)>, from: &[u64]) -> u64 {
        let index = EntryIndex(self.entries.len() as u64 + 1);
        let mut payload = Payload::new(kind, Some(LedgerId::from_bytes([1; 32])), index, EntryIndex(0));
        if kind != Kind::Claim {
            payload.subjects.push(Subject::file(FileDigest::of(name.as_bytes()), 1));
        }
        payload.arm = label.map(|(arm, _)| arm.to_owned());
        payload.seed = label.map(|(_, seed)| seed);
        for target in from {
            let other = &self.entries[usize::try_from(*target).unwrap() - 1];
            let edge_type = match (kind, other.kind) {
                (Kind::Claim, _) => EdgeType::Supports,
                (Kind::RunStart, _) => EdgeType::Used,
                (Kind::RunEnd, Kind::RunStart) => EdgeType::Ends,
                (Kind::RunEnd, _) => EdgeType::Generated,
                (child, parent) => EdgeType::between(child, parent),
            };
            let (kind, digest) = match other.subjects.first() {
                Some(subject) => (DigestKind::File, subject.digest(DigestKind::File).unwrap()),
                None => (DigestKind::Entry, Digest::from(leaf(other.seq))),
            };
            payload.edges.push(Edge { edge_type, log: None, seq: EntryIndex(*target), kind, digest });
        }
        payload.edges.sort();
        self.names.insert(index, name.to_owned());
        self.entries.push(payload);
        index.0
    }

    fn with<T>(&self, root: u64, see: impl FnOnce(&Scene<'_>) -> T) -> T {
        let graph = Graph::new(self.entries.iter().map(|payload| (payload.seq, leaf(payload.seq), payload)));
        see(&Scene { graph: &graph, root: EntryIndex(root), names: &self.names })
    }
}

/// Two arms, as the field compares them; the claim is the last entry.
fn experiment(seeds: u64) -> (Book, u64) {
    let mut book = Book::default();
    let spec = book.add(Kind::Spec, "model spec v3", None, &[]);
    let rendering = book.add(Kind::SpecRendering, "spec for Qwen", None, &[spec]);
    let prompt = book.add(Kind::PromptTemplate, "document prompt", None, &[]);
    let documents = book.add(Kind::Documents, "corpus", None, &[rendering, prompt]);
    let corpus = book.add(Kind::Dataset, "corpus rows", None, &[documents]);
    let chats = book.add(Kind::Dataset, "alignment chats", None, &[rendering]);
    let instruction = book.add(Kind::Dataset, "instruction data", None, &[]);
    let mix = book.add(Kind::Mix, "alignment mix", None, &[chats, instruction]);
    let base = book.add(Kind::BaseModel, "Qwen3-32B", None, &[]);
    let suite = book.add(Kind::EvalSuite, "agentic misalignment", None, &[]);
    let judge = book.add(Kind::JudgeConfig, "judge", None, &[]);
    let mut logs = Vec::new();
    for seed in 0..seeds {
        let label = |arm| Some((arm, seed));
        let config = book.add(Kind::Config, &format!("midtraining config {seed}"), None, &[]);
        let start = book.add(Kind::RunStart, "", label("msm"), &[corpus, base, config]);
        book.entries.last_mut().unwrap().stage = Some("msm".to_owned());
        let weights = book.add(Kind::Checkpoint, &format!("midtrained-s{seed}"), label("msm"), &[corpus, base, config]);
        book.add(Kind::RunEnd, "", label("msm"), &[start, weights]);
        book.entries.last_mut().unwrap().outcome = Some(Outcome { status: RunStatus::Completed, code: 0 });
        let next = book.add(Kind::Checkpoint, &format!("msm-aft-s{seed}"), label("msm+aft"), &[mix, weights]);
        logs.push(book.add(Kind::EvalLog, &format!("am-msm-s{seed}"), label("msm+aft"), &[next, suite, judge]));
        let plain = book.add(Kind::Checkpoint, &format!("aft-s{seed}"), label("aft-only"), &[mix, base]);
        logs.push(book.add(Kind::EvalLog, &format!("am-aft-s{seed}"), label("aft-only"), &[plain, suite, judge]));
    }
    let claim = book.add(Kind::Claim, "am-54-7", None, &logs);
    (book, claim)
}

#[test]
fn runs_are_folded_and_seeds_stacked_where_it_gets_wide() {
    let (narrow, claim) = experiment(2);
    narrow.with(claim, |scene| assert_eq!(Picture::stacked(scene), Picture::whole(scene)));
    let (wide, claim) = experiment(4);
    wide.with(claim, |scene| {
        let whole = Picture::whole(scene);
        assert_eq!(whole.cards.len(), 11 + 4 * 6 + 1);
        assert!(whole.cards.iter().all(|card| !matches!(card.kind, Kind::RunStart | Kind::RunEnd)));
        let stacked = Picture::stacked(scene);
        let stack = |kind, arm: &str| {
            let found: Vec<&Card> =
                stacked.cards.iter().filter(|card| card.kind == kind && card.arm.as_deref() == Some(arm)).collect();
            assert_eq!(found.len(), 1, "{kind} of {arm}");
            found[0].clone()
        };
        for (kind, arm, title, place) in [
            // It has no label of its own; that it serves one arm alone is drawn.
            (Kind::Config, "msm", "midtraining config *", ""),
            (Kind::Checkpoint, "msm", "midtrained-s*", "msm · seeds 0–3 · run msm"),
            (Kind::Checkpoint, "msm+aft", "msm-aft-s*", "msm+aft · seeds 0–3"),
            (Kind::EvalLog, "aft-only", "am-aft-s*", "aft-only · seeds 0–3"),
        ] {
            let card = stack(kind, arm);
            assert_eq!((card.members.len(), card.distinct), (4, 4));
            assert_eq!((card.title.as_str(), card.place.as_str()), (title, place));
        }
        assert_eq!(stacked.cards.len(), 11 + 6 + 1);
    });
}

#[test]
fn a_seed_that_is_not_like_the_others_stands_by_itself() {
    let (mut book, _) = experiment(4);
    // Seed 3 of the treated arm goes on from the midtrained weights of seed 0.
    let at = |book: &Book, name: &str| {
        let (index, _) = book.names.iter().find(|(_, other)| *other == name).unwrap();
        usize::try_from(index.0).unwrap() - 1
    };
    let (first, last, crossed) = (at(&book, "midtrained-s0"), at(&book, "midtrained-s3"), at(&book, "msm-aft-s3"));
    let (index, digest) = (book.entries[first].seq, book.entries[first].subjects[0].digest(DigestKind::File).unwrap());
    for edge in &mut book.entries[crossed].edges {
        if edge.edge_type == EdgeType::Continues {
            (edge.seq, edge.digest) = (index, digest);
        }
    }
    book.entries[crossed].edges.sort();
    let claim = book.entries.len() as u64;
    book.with(claim, |scene| {
        let stacked = Picture::stacked(scene);
        let of: Vec<usize> = stacked
            .cards
            .iter()
            .filter(|card| card.kind == Kind::Checkpoint && card.arm.as_deref() == Some("msm+aft"))
            .map(|card| card.members.len())
            .collect();
        assert_eq!(of, [3, 1]);
    });
    assert!(last > first);
}

#[test]
fn copies_under_several_seeds_are_counted_once() {
    let (mut book, claim) = experiment(4);
    let first = book.names.iter().find(|(_, name)| *name == "aft-s0").map(|(index, _)| *index).unwrap();
    let subject = book.entries[usize::try_from(first.0).unwrap() - 1].subjects[0].clone();
    for payload in &mut book.entries {
        if payload.kind == Kind::Checkpoint && payload.arm.as_deref() == Some("aft-only") {
            payload.subjects[0] = subject.clone();
        }
    }
    let digest = subject.digest(DigestKind::File).unwrap();
    for payload in &mut book.entries {
        payload.edges.iter_mut().filter(|edge| edge.edge_type == EdgeType::Evaluates).for_each(|edge| {
            if book.names[&edge.seq].starts_with("aft-s") {
                edge.digest = digest;
            }
        });
    }
    let svg = book.with(claim, |scene| to_svg(scene).unwrap());
    assert!(svg.contains("×4, 1 distinct"), "{svg}");
}

#[test]
fn nothing_foreign_leaves_its_place() {
    let mut book = Book::default();
    let hostile = "</text><script>alert(1)</script>\"\\\u{1b}[2K\u{202e}&amp;\u{ffff}";
    let spec = book.add(Kind::Spec, hostile, Some((hostile, 0)), &[]);
    book.add(Kind::SpecRendering, &"數".repeat(500), None, &[spec]);
    let (svg, dot) = book.with(2, |scene| (to_svg(scene).unwrap(), to_dot(scene)));
    assert!(!svg.contains("<script") && svg.contains("&lt;script&gt;"), "{svg}");
    assert!(svg.chars().all(|c| c == '\n' || (!c.is_control() && c != '\u{202e}' && c != '\u{ffff}')), "{svg}");
    assert!(svg.lines().all(|line| line.chars().count() < 1000), "{svg}");
    // Inside the quotes of DOT nothing but escaped quotes; a quote that ends a text is followed by `]` or `,`.
    for line in dot.lines().filter(|line| line.contains("label=")) {
        let inner = line.split_once("label=\"").unwrap().1.rsplit_once('"').unwrap().0;
        let plain = inner.replace("\\\\", "").replace("\\\"", "");
        assert!(!plain.trim_end_matches("\", penwidth=2").contains('"'), "{line}");
    }
    assert!(!dot.contains('\u{1b}') && !dot.contains('\u{202e}'));
}

#[test]
fn svg_is_well_formed_and_dot_names_every_entry_once() {
    let (book, claim) = experiment(4);
    let (svg, dot) = book.with(claim, |scene| (to_svg(scene).unwrap(), to_dot(scene)));
    // Tags close in the order they were opened.
    let mut open = Vec::new();
    for tag in svg.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').unwrap();
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name.to_owned())),
            None if tag.ends_with('/') => {}
            None => open.push(tag.split_whitespace().next().unwrap().to_owned()),
        }
    }
    assert!(open.is_empty());
    for word in ["href", "script", "url(http", "@import", "foreignObject", "<style"] {
        assert!(!svg.contains(word), "{word}");
    }
    let nodes = dot.lines().filter(|line| line.contains(" [label=") && !line.contains("->")).count();
    assert_eq!(nodes, 11 + 4 * 6 + 1);
    assert_eq!(dot.matches("[label=\"continues\"]").count(), 4);
}

#[test]
fn what_could_not_be_looked_at_is_refused() {
    let mut book = Book::default();
    for number in 0..=MAX_CARDS {
        book.add(Kind::Other, &number.to_string(), Some(("arm", number as u64)), &[]);
    }
    let last = book.entries.len() as u64;
    let few = book.with(last, |scene| to_svg(scene).unwrap());
    assert!(few.len() < 10_000, "two thousand seeds of the same are one stack");
    let mut chain = Book::default();
    let mut at = chain.add(Kind::Dataset, "0", None, &[]);
    for number in 0..MAX_CARDS {
        at = chain.add(Kind::Dataset, &format!("next {number}"), None, &[at]);
    }
    assert_eq!(chain.with(at, to_svg), Err(PictureError::TooLarge));
    assert!(chain.with(at, to_dot).len() > MAX_CARDS);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_order_of_entries_changes_no_byte(order in Just((0..41_usize).collect::<Vec<_>>()).prop_shuffle()) {
        let (book, claim) = experiment(4);
        prop_assert!(book.entries.len() <= 44);
        let mut shuffled: Vec<&Payload> = order.iter().filter_map(|at| book.entries.get(*at)).collect();
        shuffled.extend(book.entries.iter().skip(order.len()));
        let graph = Graph::new(shuffled.into_iter().map(|payload| (payload.seq, leaf(payload.seq), payload)));
        let scene = Scene { graph: &graph, root: EntryIndex(claim), names: &book.names };
        let expected = book.with(claim, |scene| (to_svg(scene).unwrap(), to_dot(scene)));
        prop_assert_eq!((to_svg(&scene).unwrap(), to_dot(&scene)), expected);
    }
}

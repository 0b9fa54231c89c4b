//! From entries to cards: what is shown by itself, what is folded into another, and what is stacked.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::digest::hex;
use crate::lineage::{Node, Relation};
use crate::merkle::EntryIndex;
use crate::report::Shown;
use crate::report::picture::{Card, Picture, Scene, Tie};
use crate::statement::{EdgeType, Kind};

/// More cards than this in a row, and seeds are stacked.
const WIDE: usize = 6;

/// Digits of a digest that stand where a name is not known.
const SHORT_DIGITS: usize = 10;

/// How alike entries must be to become one card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Alike {
    /// Not at all: every entry has its card.
    Never,
    /// They differ in their seed.
    Seeds,
    /// They are of one kind and made from the same.
    Siblings,
}

impl Picture {
    /// Every entry by itself.
    pub(super) fn whole(scene: &Scene<'_>) -> Self {
        Draft::of(scene).picture(Alike::Never)
    }

    /// Stacked as far as its width asks for.
    pub(super) fn stacked(scene: &Scene<'_>) -> Self {
        let draft = Draft::of(scene);
        let mut picture = draft.picture(Alike::Never);
        for (alike, most) in [(Alike::Seeds, WIDE), (Alike::Siblings, 2 * WIDE)] {
            if picture.width() > most {
                picture = draft.picture(alike);
            }
        }
        picture
    }

    /// Cards in the fullest row.
    fn width(&self) -> usize {
        let mut rows: BTreeMap<usize, usize> = BTreeMap::new();
        self.cards.iter().for_each(|card| *rows.entry(card.depth).or_default() += 1);
        rows.into_values().max().unwrap_or_default()
    }
}

/// The entries that are shown, by position, with what each came from.
struct Draft<'s, 'a> {
    scene: &'s Scene<'a>,
    shown: Vec<&'s Node<'a>>,
    origins: Vec<Vec<(Relation, usize)>>,
    depth: Vec<usize>,
    /// Seed and arm: its own, or the one that everything made from it has.
    seed: Vec<Option<u64>>,
    arm: Vec<Option<&'s str>>,
}

impl<'s, 'a> Draft<'s, 'a> {
    fn of(scene: &'s Scene<'a>) -> Self {
        let graph = scene.graph;
        let wrote: BTreeSet<EntryIndex> =
            graph.nodes().iter().flat_map(|node| graph.links(node.index)).filter_map(written_by).collect();
        let is_folded = |node: &Node<'_>| match node.kind() {
            // A run that wrote nothing here is shown by itself: it was tried.
            Kind::RunStart => wrote.contains(&node.index),
            Kind::RunEnd => true,
            _ => false,
        };
        let shown: Vec<&Node<'a>> =
            graph.nodes().iter().filter(|node| node.index == scene.root || !is_folded(node)).collect();
        let at = |index: EntryIndex| shown.binary_search_by_key(&index, |node| node.index).ok();
        let origins: Vec<Vec<(Relation, usize)>> = shown.iter().map(|node| origins(scene, node, &at)).collect();
        let mut draft = Self {
            depth: vec![0; shown.len()],
            seed: shown.iter().map(|node| node.payload.seed).collect(),
            arm: shown.iter().map(|node| node.payload.arm.as_deref()).collect(),
            scene,
            shown,
            origins,
        };
        draft.inherit();
        draft
    }

    /// Rows, and labels where an entry has none of its own: a log's are those of its weights, and what went into things of
    /// one label only has that.
    fn inherit(&mut self) {
        for at in 0..self.shown.len() {
            let evaluated =
                self.origins[at].iter().find(|(relation, _)| *relation == Relation::Edge(EdgeType::Evaluates));
            if let Some((_, weights)) = evaluated {
                self.seed[at] = self.seed[at].or(self.seed[*weights]);
                self.arm[at] = self.arm[at].or(self.arm[*weights]);
            }
        }
        let mut seeds: Vec<BTreeSet<Option<u64>>> = vec![BTreeSet::new(); self.shown.len()];
        let mut arms: Vec<BTreeSet<Option<&str>>> = vec![BTreeSet::new(); self.shown.len()];
        for at in (0..self.shown.len()).rev() {
            let one = |set: &BTreeSet<Option<u64>>| set.first().copied().flatten().filter(|_| set.len() == 1);
            self.seed[at] = self.seed[at].or_else(|| one(&seeds[at]));
            self.arm[at] = self.arm[at].or_else(|| arms[at].first().copied().flatten().filter(|_| arms[at].len() == 1));
            for (_, origin) in &self.origins[at] {
                self.depth[*origin] = self.depth[*origin].max(self.depth[at] + 1);
                seeds[*origin].insert(self.seed[at]);
                arms[*origin].insert(self.arm[at]);
            }
        }
    }

    fn picture(&self, alike: Alike) -> Picture {
        // Origins come first, so that their cards are known; two are alike only if made from the same cards.
        let mut cards: Vec<Vec<usize>> = Vec::new();
        let mut card_of = vec![0; self.shown.len()];
        let mut known: BTreeMap<_, usize> = BTreeMap::new();
        for (at, node) in self.shown.iter().enumerate() {
            let made_from: BTreeSet<(Relation, usize, bool)> = self.origins[at]
                .iter()
                .map(|(relation, origin)| {
                    // A seed that goes on from another seed's weights is not like the others.
                    let is_crossed = self.seed[*origin].is_some() && self.seed[*origin] != self.seed[at];
                    (*relation, card_of[*origin], is_crossed)
                })
                .collect();
            let seed = (alike == Alike::Siblings).then_some(self.seed[at]);
            let may_join = match alike {
                Alike::Never => false,
                Alike::Seeds => self.seed[at].is_some(),
                Alike::Siblings => true,
            } && node.index != self.scene.root;
            let itself = (!may_join).then_some(at);
            // Siblings may be of one seed or of several: what has none stays apart from what has.
            let is_seeded = seed.map(|seed| seed.is_some());
            let key =
                (node.kind(), self.arm[at], self.depth[at], run_label(self.scene, node), is_seeded, made_from, itself);
            let card = *known.entry(key).or_insert(cards.len());
            if card == cards.len() {
                cards.push(Vec::new());
            }
            cards[card].push(at);
            card_of[at] = card;
        }
        let mut ties = BTreeSet::new();
        for (at, origins) in self.origins.iter().enumerate() {
            ties.extend(origins.iter().map(|(relation, from)| Tie {
                from: card_of[*from],
                to: card_of[at],
                relation: *relation,
            }));
        }
        Picture { cards: cards.iter().map(|members| self.card(members)).collect(), ties: ties.into_iter().collect() }
    }

    fn card(&self, members: &[usize]) -> Card {
        let first = members[0];
        let node = self.shown[first];
        let title = match members {
            [_] => self.title(node),
            _ => self.common_title(members).unwrap_or_else(|| format!("{} alike", members.len())),
        };
        let digests: BTreeSet<_> = members.iter().map(|at| principal(self.shown[*at])).collect();
        // Only what the entries say themselves: what they go into is drawn, not written.
        let own = node.payload.arm.as_deref().filter(|arm| self.arm[first] == Some(*arm));
        let mut place = own.map(|arm| Shown(arm).to_string()).unwrap_or_default();
        let mut add = |words: &str| {
            place.push_str(if place.is_empty() { "" } else { " · " });
            place.push_str(words);
        };
        let seeds: BTreeSet<u64> = members.iter().filter_map(|at| self.shown[*at].payload.seed).collect();
        if let Some(seeds) = ranges(&seeds) {
            add(&seeds);
        }
        if let Some(run) = run_label(self.scene, node) {
            add(&run);
        }
        Card {
            members: members.iter().map(|at| self.shown[*at].index).collect(),
            kind: node.kind(),
            depth: self.depth[first],
            arm: self.arm[first].map(str::to_owned),
            distinct: digests.len(),
            title,
            place,
        }
    }

    /// What the names of alike entries begin with, where that is enough to know them by.
    fn common_title(&self, members: &[usize]) -> Option<String> {
        let mut names = members.iter().map(|at| self.scene.names.get(&self.shown[*at].index));
        let mut common = names.next()??.as_str();
        for name in names {
            let name = name?;
            let mut same = common.char_indices().zip(name.chars()).skip_while(|((_, left), right)| left == right);
            let end = same.next().map_or(common.len().min(name.len()), |((at, _), _)| at);
            common = common.get(..end)?;
        }
        (common.chars().count() >= 2).then(|| format!("{}*", Shown(common)))
    }

    fn title(&self, node: &Node<'_>) -> String {
        match (self.scene.names.get(&node.index), &node.payload.stage) {
            (Some(name), _) => Shown(name).to_string(),
            (None, Some(stage)) => Shown(stage).to_string(),
            (None, None) => {
                let digits = hex(&principal(node));
                format!("{}…", digits.get(..SHORT_DIGITS).unwrap_or(&digits))
            }
        }
    }
}

/// The run's start, where a link says that the entry was written by one.
fn written_by((relation, target): (Relation, EntryIndex)) -> Option<EntryIndex> {
    (relation == Relation::GeneratedBy).then_some(target)
}

/// What a shown entry came from, by way of runs that are not shown.
fn origins(scene: &Scene<'_>, node: &Node<'_>, at: &impl Fn(EntryIndex) -> Option<usize>) -> Vec<(Relation, usize)> {
    let graph = scene.graph;
    let mut found = BTreeSet::new();
    let mut read = Vec::new();
    for (relation, target) in graph.links(node.index) {
        match relation {
            // Everything may be under one protocol: once is enough.
            Relation::Under if node.index != scene.root => {}
            Relation::GeneratedBy if at(target).is_none() => {
                read.extend(graph.links(target).filter(|(relation, _)| *relation == Relation::Edge(EdgeType::Used)));
            }
            _ => found.extend(at(target).map(|at| (relation, at))),
        }
    }
    // What a run read is drawn only where the entry does not name it itself.
    let named: BTreeSet<usize> = found.iter().map(|(_, at)| *at).collect();
    let read = read.into_iter().filter_map(|(relation, target)| Some((relation, at(target)?)));
    found.extend(read.filter(|(_, at)| !named.contains(at)));
    found.into_iter().collect()
}

/// `run "sft", attempt 2`: of the run that wrote an entry, or of the run that it is.
fn run_label(scene: &Scene<'_>, node: &Node<'_>) -> Option<String> {
    let graph = scene.graph;
    let start = match node.kind() {
        Kind::RunStart => node.index,
        _ => graph.links(node.index).find_map(written_by)?,
    };
    let payload = graph.node(start)?.payload;
    let mut label = format!("run {}", Shown(payload.stage.as_deref().unwrap_or("?")));
    if let Some(attempt) = payload.attempt.filter(|attempt| *attempt > 1) {
        write!(label, " (attempt {attempt})").expect("writing to a String cannot fail");
    }
    match graph.end_of(start).and_then(|end| end.payload.outcome) {
        Some(outcome) if outcome.code == 0 => {}
        Some(outcome) => {
            write!(label, ", {} {}", outcome.status, outcome.code).expect("writing to a String cannot fail");
        }
        None => label.push_str(", no end"),
    }
    Some(label)
}

fn principal(node: &Node<'_>) -> [u8; 32] {
    let subject = node.payload.subjects.first().and_then(|subject| subject.principal());
    subject.and_then(|(_, measure)| measure.digests.first()).map_or(*node.leaf.as_bytes(), |digest| digest.bytes)
}

/// `seed 3`, `seeds 0–3, 7`.
fn ranges(seeds: &BTreeSet<u64>) -> Option<String> {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for seed in seeds {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*seed) => *last = *seed,
            _ => runs.push((*seed, *seed)),
        }
    }
    let text = |(first, last): &(u64, u64)| if first == last { first.to_string() } else { format!("{first}–{last}") };
    let all = runs.iter().map(text).collect::<Vec<_>>().join(", ");
    match seeds.len() {
        0 => None,
        1 => Some(format!("seed {all}")),
        _ => Some(format!("seeds {all}")),
    }
}

//! The items of an artifact, a page at a time: what `prove --item` can open, by number and key.

use super::items::{ItemsError, ORDER, Source, load};
use crate::artifact::item::Item;
use crate::digest::{DigestKind, ManifestRoot};
use crate::ledger::Ledger;
use crate::merkle::EntryIndex;
use crate::statement::{Payload, Subject};

/// Most items of one page: a terminal and a JSON document stay readable, and memory stays small.
pub const MAX_PAGE: u64 = 10_000;

/// Which items to list.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Of which list; where it is not said, of the one in which `prove --item` looks first.
    pub kind: Option<DigestKind>,
    /// Number of the first.
    pub first: u64,
    /// How many at most, and never more than [`MAX_PAGE`].
    pub most: u64,
}

/// A page of a list.
#[derive(Debug)]
pub struct Listing {
    /// What is listed.
    pub kind: DigestKind,
    /// The root that the entry commits to, to which the list was held.
    pub root: ManifestRoot,
    /// Which view of the artifact it is, without the mark of a salted one.
    pub projection: String,
    /// Whether each leaf is behind a salt.
    pub is_salted: bool,
    /// Items in the whole list.
    pub count: u64,
    /// The page: numbers from 0, and what each leaf says; nothing where its salt is not here.
    pub items: Vec<(u64, Option<Item>)>,
    /// Other lists of the same entry that are here, with how many items each has.
    pub others: Vec<(DigestKind, u64)>,
}

/// Lists items of the entry at `index`.
pub fn list_items(ledger: &Ledger, index: EntryIndex, payload: &Payload, page: Page) -> Result<Listing, ItemsError> {
    let stated = |kind: DigestKind| payload.subjects.iter().find(|subject| subject.0.contains_key(&kind));
    let lists: Vec<(DigestKind, &Subject)> = ORDER.iter().filter_map(|kind| Some((*kind, stated(*kind)?))).collect();
    let wanted = |(kind, _): &&(DigestKind, &Subject)| page.kind.is_none_or(|wanted| wanted == *kind);
    let mut found = None;
    for (kind, subject) in lists.iter().filter(wanted) {
        found = load(ledger, subject, *kind)?;
        if found.is_some() {
            break;
        }
    }
    let source = found.ok_or(ItemsError::NoManifest { index })?;
    let others = lists.iter().filter(|(kind, _)| *kind != source.kind);
    let others = others.filter_map(|(kind, subject)| Some((*kind, subject.0.get(kind)?.count))).collect();
    Ok(Listing { others, ..source.page(page)? })
}

impl Source {
    fn page(&self, page: Page) -> Result<Listing, ItemsError> {
        let view = self.view()?;
        let salted = view.header.unsalted_projection().map(str::to_owned);
        let projection = salted.clone().unwrap_or_else(|| view.header.projection.clone());
        let salts = match self.salts(&view) {
            Err(ItemsError::NoSidecar { .. }) => None,
            other => Some(other?),
        };
        let at = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let mut items = Vec::new();
        let wanted = (0..).zip(view.items()).skip(at(page.first)).take(at(page.most.min(MAX_PAGE)));
        for (number, leaf) in wanted {
            let plain = match &salts {
                None => None,
                Some(None) => Some(leaf),
                Some(Some(sidecar)) => sidecar.leaves.get(at(number)).map(|(_, plain)| *plain),
            };
            let read = |plain| Item::read(self.kind, &projection, plain, number);
            let item = plain.map(read).transpose().map_err(|error| self.bad_item(number, error))?;
            items.push((number, item));
        }
        Ok(Listing {
            kind: self.kind,
            root: self.root,
            projection,
            is_salted: salted.is_some(),
            count: view.count(),
            items,
            others: Vec::new(),
        })
    }
}

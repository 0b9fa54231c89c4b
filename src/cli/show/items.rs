//! `show --items`: the items of an entry's lists, a page at a time.

use serde::Serialize;

use super::Shown;
use crate::artifact::item::{Holds, Item};
use crate::cli::open::Reading;
use crate::cli::render::{self, count, one_line, put};
use crate::cli::survey::row;
use crate::cli::{Context, Failure, Outcome};
use crate::digest::{Digest, DigestKind};
use crate::journal::{Listing, Page, list_items};
use crate::merkle::EntryIndex;

/// Id of the document's schema.
const SCHEMA: &str = "urn:reproledger:schema:items:v1";

/// What to list.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Items")]
pub(super) struct ItemsArgs {
    /// List the items of an artifact (documents, rows, tensors, samples, files) instead, as `prove --item` takes them
    #[arg(long, conflicts_with_all = ["proof", "entry"])]
    items: bool,
    /// Which list, where the entry has several: rows, rowset, tensors, samples or tree
    #[arg(long, value_name = "KIND", requires = "items", value_parser = list_kind)]
    of: Option<DigestKind>,
    /// At most so many
    #[arg(long, value_name = "COUNT", requires = "items", default_value_t = 100)]
    limit: u64,
    /// Only those after the item of this number
    #[arg(long, value_name = "NUMBER", requires = "items", value_parser = number)]
    after: Option<u64>,
}

fn list_kind(text: &str) -> Result<DigestKind, String> {
    let lists = [DigestKind::Rows, DigestKind::Rowset, DigestKind::Tensors, DigestKind::Samples, DigestKind::Tree];
    lists
        .into_iter()
        .find(|kind| kind.name() == text)
        .ok_or_else(|| format!("expected one of {}", lists.map(DigestKind::name).join(", ")))
}

fn number(text: &str) -> Result<u64, String> {
    text.strip_prefix('#').unwrap_or(text).parse().map_err(|_| "expected an item's number, from 0".to_owned())
}

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    ledger: String,
    entry: u64,
    signature: &'static str,
    list: &'static str,
    root: String,
    projection: String,
    salted: bool,
    count: u64,
    items: Vec<ItemFacts>,
    /// What to pass to `--after` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_after: Option<u64>,
    other_lists: Vec<OtherList>,
}

#[derive(Serialize)]
struct ItemFacts {
    number: u64,
    /// Absent where the salt that would open the leaf is not here.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bytes: Vec<BytesFacts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<PlaceFacts>,
}

#[derive(Serialize)]
struct BytesFacts {
    what: &'static str,
    digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<u64>,
}

#[derive(Serialize)]
struct PlaceFacts {
    file: u64,
    first: u64,
    length: u64,
}

#[derive(Serialize)]
struct OtherList {
    list: &'static str,
    count: u64,
}

impl ItemsArgs {
    pub(super) fn is_asked(&self) -> bool {
        self.items
    }

    /// Prints a page of the one entry that is meant.
    pub(super) fn list(
        &self,
        context: &Context,
        reading: &Reading,
        what: &str,
        shown: &[Shown],
        json: bool,
    ) -> Outcome {
        let [one] = shown else {
            let failure = Failure::new(format!("`{}` means {} entries", what.escape_default(), shown.len()));
            return Err(failure.hint("name one by its number"));
        };
        if one.facts.is_none() {
            return Err(Failure::new(format!("the signature of entry {} does not hold", one.index)).contradicted());
        }
        let row = row(reading, EntryIndex(one.index))?;
        let page =
            Page { kind: self.of, first: self.after.map_or(0, |after| after.saturating_add(1)), most: self.limit };
        let listing = list_items(&reading.ledger, row.index, &row.payload, page).map_err(|error| {
            Failure::from(error).hint("see which lists it has, and whether they are here: reproledger show")
        })?;
        let document = document(reading, one, listing);
        if json {
            render::print_json(context, &document)?;
        } else {
            context.print(&text(&document))?;
        }
        Ok(one.code())
    }
}

fn document(reading: &Reading, one: &Shown, listing: Listing) -> Document {
    let last = listing.items.last().map(|(number, _)| *number);
    Document {
        schema: SCHEMA,
        ledger: reading.ledger.id().to_string(),
        entry: one.index,
        signature: one.signature,
        list: listing.kind.name(),
        root: Digest::from(listing.root).to_string(),
        projection: listing.projection,
        salted: listing.is_salted,
        count: listing.count,
        next_after: last.filter(|last| last + 1 < listing.count),
        items: listing.items.into_iter().map(|(number, item)| facts(number, item)).collect(),
        other_lists: listing.others.into_iter().map(|(kind, count)| OtherList { list: kind.name(), count }).collect(),
    }
}

fn facts(number: u64, item: Option<Item>) -> ItemFacts {
    let mut facts = ItemFacts { number, key: None, bytes: Vec::new(), place: None };
    let Some(Item { key, holds, .. }) = item else { return facts };
    facts.key = Some(key);
    match holds {
        Holds::Bytes(named) => {
            let of = |named: crate::artifact::item::NamedBytes| BytesFacts {
                what: named.what,
                digest: Digest::from(named.digest).to_string(),
                length: named.length,
            };
            facts.bytes = named.into_iter().map(of).collect();
        }
        Holds::Place { file, first, length } => facts.place = Some(PlaceFacts { file, first, length }),
        Holds::Nothing => {}
    }
    facts
}

fn text(document: &Document) -> String {
    let salted = if document.salted { ", each behind a salt" } else { "" };
    let mut out = format!(
        "{} of entry #{}: {} ({}{salted})\n{}\n\n",
        document.list,
        document.entry,
        count(document.count, "item", "items"),
        one_line(&document.projection),
        document.root
    );
    for item in &document.items {
        let key = item.key.as_deref().map_or_else(|| "(its salt is not here)".to_owned(), one_line);
        // An item that has no name is called by its number.
        let key = if key == format!("#{}", item.number) { String::new() } else { format!("  {key}") };
        put(&mut out, format_args!("  #{}{key}", item.number));
        for bytes in &item.bytes {
            let length = bytes.length.map(|length| format!(" {length}")).unwrap_or_default();
            put(&mut out, format_args!("  {}{length} {}", bytes.what, bytes.digest));
        }
        if let Some(PlaceFacts { file, first, length }) = &item.place {
            put(&mut out, format_args!("  file {file}, {length} bytes from byte {first}"));
        }
        out.push('\n');
    }
    if document.items.is_empty() {
        out.push_str("  no item has such a number\n");
    }
    if let Some(after) = document.next_after {
        put(&mut out, format_args!("\nmore: --after {after}\n"));
    }
    for other in &document.other_lists {
        put(&mut out, format_args!("also: {} with --of {}\n", count(other.count, "item", "items"), other.list));
    }
    out
}

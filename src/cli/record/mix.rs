//! `record mix --from …`: whose rows a mix holds, where the sets of rows are here to tell.

use crate::artifact::manifest::{MAX_MANIFEST_BYTES, Manifest};
use crate::artifact::rows::{Composition, RowsetLeaf, parse_rowset};
use crate::cli::open::Reading;
use crate::cli::render::{one_line, quoted};
use crate::cli::survey::objects;
use crate::cli::{Context, Failure};
use crate::digest::{DigestKind, ManifestRoot};
use crate::journal::{Draft, Row};
use crate::statement::{Kind, Reading as Said, Subject};

/// What counts by source begin with.
const FROM: &str = "from.";

/// What is remarked here.
const CODES: &[&str] = &["rows-left-out", "source-counts-differ", "rows-from-elsewhere", "rows-repeated"];

/// Compares the rows of a mix with those of what it was made from, says what is odd, and keeps the counts.
pub(super) fn compare(context: &Context, reading: &Reading, draft: &mut Draft, parents: &[Row]) -> Result<(), Failure> {
    if draft.kind != Kind::Mix {
        return Ok(());
    }
    let parents: Vec<&Row> = parents.iter().filter(|row| row.payload.kind.is_training_data()).collect();
    let Some((projection, mix)) = rowset(reading, &draft.subjects, &draft.objects)? else { return Ok(()) };
    if parents.is_empty() {
        return Ok(());
    }
    let (mut sources, mut missing) = (Vec::new(), Vec::new());
    for row in &parents {
        match rowset(reading, &row.payload.subjects, &[])? {
            Some((other, rows)) if other == projection => sources.push((name(row), rows)),
            _ => missing.push(name(row)),
        }
    }
    if !missing.is_empty() {
        let names: Vec<String> = missing.iter().map(|name| quoted(name)).collect();
        context.remark(&format!(
            "note: whose rows the mix holds cannot be told: no set of rows under `{projection}` is here of {}",
            names.join(", ")
        ));
        return Ok(());
    }
    let (names, sets): (Vec<String>, Vec<Vec<RowsetLeaf>>) = sources.into_iter().unzip();
    let made = Composition::of(&mix, &sets);
    let said = draft.body.reading.get_or_insert_with(|| Said::by("mix/1"));
    // Of an artifact that was known from before they stand there already.
    said.counts.retain(|name, _| !name.starts_with(FROM));
    said.remarks.retain(|remark| !CODES.contains(&remark.code.as_str()));
    let before = said.remarks.len();
    tell(said, &names, &made);
    for remark in said.remarks.iter().skip(before) {
        context.remark(&format!("note: {}: {}", remark.code, one_line(&remark.text)));
    }
    Ok(())
}

fn name(row: &Row) -> String {
    row.name().map_or_else(|| format!("#{}", row.index), str::to_owned)
}

/// The set of rows of an artifact, with its projection, where it is at hand and not behind salts.
fn rowset(
    reading: &Reading,
    subjects: &[Subject],
    own: &[([u8; 32], Vec<u8>)],
) -> Result<Option<(String, Vec<RowsetLeaf>)>, Failure> {
    let Some(root) = subjects.iter().find_map(|subject| subject.digest(DigestKind::Rowset)) else { return Ok(None) };
    let own = own.iter().find(|(name, _)| *name == root.bytes).map(|(_, object)| object.clone());
    let object = match own {
        Some(object) => Some(object),
        None => objects(reading).get(&root.bytes, MAX_MANIFEST_BYTES)?,
    };
    let Some(object) = object else { return Ok(None) };
    let manifest = Manifest::parse_kind(&object, DigestKind::Rowset)?;
    if manifest.header.unsalted_projection().is_some() {
        return Ok(None);
    }
    if manifest.root()? != ManifestRoot::from_bytes(root.bytes) {
        return Err(Failure::new(format!("the object kept as the set of rows {root} is another one"))
            .hint("see everything that is wrong: reproledger audit"));
    }
    Ok(Some((manifest.header.projection.clone(), parse_rowset(&manifest)?)))
}

fn tell(said: &mut Said, names: &[String], made: &Composition) {
    for (name, (own, left)) in names.iter().zip(made.of_one.iter().zip(&made.left_out)) {
        let shown = quoted(name);
        said.count(&format!("{FROM}{name}"), *own);
        said.remark("rows-left-out", *left, format!("rows of {shown} that are not in the mix: {left}"));
        // Only what the rows call by the very name of the source can be held to it.
        let Some(stated) = said.sources.get(name).copied() else { continue };
        if stated < *own || stated > own.saturating_add(made.of_several) {
            let text =
                format!("rows that say they are from {shown}: {stated}; rows of it and no other in the mix: {own}");
            said.remark("source-counts-differ", stated.abs_diff(*own), text);
        }
    }
    said.count(&format!("{FROM}several"), made.of_several);
    said.count(&format!("{FROM}none"), made.of_none);
    let none =
        format!("rows of the mix that none of the datasets has which it is said to be made from: {}", made.of_none);
    said.remark("rows-from-elsewhere", made.of_none, none);
    let repeated = format!("rows of the mix beyond the number in which its datasets have them: {}", made.repeated);
    said.remark("rows-repeated", made.repeated, repeated);
}

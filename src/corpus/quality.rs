//! What is odd about the documents of a corpus, counted.

use std::collections::BTreeMap;

use crate::artifact::documents::Flags;
use crate::corpus::document::Seen;
use crate::corpus::names::Names;
use crate::corpus::near::{MAX_PAIRS, THRESHOLD, near_duplicates};
use crate::corpus::remarks::Examples;
use crate::corpus::sketch::{BINS, MIN_WORDS, Sketch};
use crate::digest::FileDigest;
use crate::statement::Reading;

/// Near pairs that are named; the others are counted.
const NAMED_PAIRS: usize = 50;

/// What a flag means.
const MEANINGS: &[(Flags, &str)] = &[
    (Flags::TRUNCATED, "documents that open `<content>` and never close it: cut off, and what there is was kept"),
    (Flags::UNOPENED, "documents that close `<content>` without opening it"),
    (Flags::UNTAGGED, "documents without `<content>`: the whole response was kept, whatever else is in it"),
    (Flags::UNMATCHED, "documents whose `<content>` tags have nothing between them: the whole response was kept"),
    (Flags::EMPTY, "documents without a text"),
    (Flags::PLACEHOLDER, "documents that hold a placeholder of a template"),
    (Flags::SCRATCHPAD, "documents that hold a scratchpad, which was not meant to be trained on"),
    (Flags::NOT_UTF8, "documents that are not UTF-8"),
    (Flags::LONE_SURROGATE, "documents that hold half of a surrogate pair, which is no character"),
];

/// Counts documents, texts, flags, sources, duplicates and names.
pub(super) fn count_documents(seen: &[Seen], names: &Names, is_expected: bool, reading: &mut Reading) {
    reading.count("documents", seen.len() as u64);
    for document in seen {
        reading.count("documents.bytes", document.leaf.raw_length);
        if document.leaf.is_text() {
            reading.count("texts", 1);
            reading.count("texts.bytes", document.leaf.text_length);
        }
        if !document.source.is_empty() {
            reading.source(&document.source, 1);
        }
    }
    for (flag, meaning) in MEANINGS {
        let mut found = Examples::default();
        seen.iter().filter(|seen| seen.leaf.flags.has(*flag)).for_each(|seen| found.see(&seen.leaf.key));
        let name = flag.names().next().unwrap_or_default();
        found.put(reading, &format!("documents-{name}"), meaning);
    }
    count_duplicates(seen, reading);
    count_names(seen, names, is_expected, reading);
}

fn count_duplicates(seen: &[Seen], reading: &mut Reading) {
    let mut first: BTreeMap<FileDigest, &str> = BTreeMap::new();
    let mut duplicates = Examples::default();
    for document in seen.iter().filter(|seen| seen.leaf.is_text()) {
        if let Some(other) = first.get(&document.leaf.text) {
            duplicates.see(&format!("{}` = `{other}", document.leaf.key));
        } else {
            first.insert(document.leaf.text, &document.leaf.key);
        }
    }
    duplicates.put(reading, "documents-duplicate", "documents with the very text of another");
}

fn count_names(seen: &[Seen], names: &Names, is_expected: bool, reading: &mut Reading) {
    for (name, found) in names.expected() {
        let count = seen.iter().filter(|seen| seen.names.has(found)).count() as u64;
        reading.count(&format!("names.expected.{name}"), count);
        if count == 0 {
            reading.remark("names-absent", 1, format!("no document names `{name}`"));
        }
    }
    let mut others = Examples::default();
    let mut which = Vec::new();
    for (name, found) in names.others() {
        let count = seen.iter().filter(|seen| seen.names.has(found)).count() as u64;
        if count > 0 {
            reading.count(&format!("names.other.{name}"), count);
            which.push(format!("{name} in {count}"));
        }
    }
    for document in seen.iter().filter(|seen| names.others().any(|(_, found)| seen.names.has(found))) {
        others.see(&document.leaf.key);
    }
    // Where nobody said who the model is, no name is wrong.
    if is_expected {
        let what = format!("documents that name another model or maker ({}), rightly or wrongly", which.join(", "));
        others.put(reading, "names-other", &what);
    }
}

/// Documents whose file is older than that of the rendering they are said to be made from.
///
/// File times are set by whoever copies or touches a file. So this is a remark, never a finding: an older document may
/// have been made from an earlier rendering, or its time may have been carried over from elsewhere.
pub(super) fn count_times(seen: &[Seen], rendering: (i64, i64), reading: &mut Reading) {
    let mut older = Examples::default();
    seen.iter().filter(|seen| seen.modified < rendering).for_each(|seen| older.see(&seen.leaf.key));
    let what = "documents last changed before the rendering was, by the times of the files, which anyone can set";
    older.put(reading, "documents-older", what);
}

/// Near duplicates among texts that differ.
pub(super) fn find_near(seen: &[Seen], sketches_dropped: bool, reading: &mut Reading) {
    if sketches_dropped {
        reading.remark("near-duplicates-unknown", 1, "near duplicates were not looked for: the corpus is too large");
        return;
    }
    // Equal texts are counted as such; here each text stands once, by its first document.
    let mut first: BTreeMap<FileDigest, (u32, &Sketch)> = BTreeMap::new();
    for (document, at) in seen.iter().zip(0_u32..) {
        if let Some(sketch) = &document.sketch {
            first.entry(document.leaf.text).or_insert((at, sketch));
        }
    }
    let mut sketches: Vec<(u32, &Sketch)> = first.into_values().collect();
    sketches.sort_unstable_by_key(|(at, _)| *at);
    let near = near_duplicates(&sketches);
    let rule =
        format!("MinHash of runs of 5 words, {THRESHOLD} of {BINS} bins alike, texts of {MIN_WORDS} words and more");
    reading.fact("near-duplicates.rule", &rule);
    let key = |at: u32| seen[at as usize].leaf.key.as_str();
    let mut examples = Examples::default();
    for (pair, number) in near.pairs.iter().zip(1..) {
        let text = format!("{}` ~ `{}", key(pair.first), key(pair.second));
        examples.see(&text);
        if number <= NAMED_PAIRS {
            reading.fact(&format!("near-duplicates.{number:02}"), &format!("{} % `{text}`", pair.percent()));
        }
    }
    let more = if near.more { format!(" (at least; at most {MAX_PAIRS} are looked at)") } else { String::new() };
    examples.put(reading, "near-duplicates", &format!("pairs of documents that are nearly the same{more}"));
}

//! Counts the tokens of the corpora at hand again, by the tokenizers at hand that they are linked to.
//!
//! A corpus and a tokenizer belong together where one entry links to both: the corpus itself, weights that were trained on
//! it, or a run that read it. Only rows of one text each have a number of tokens; what a template makes of messages is not
//! known here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::capture::derive::{Stated, chain, recorded_name};
use crate::capture::hash::Progress;
use crate::capture::kind::KindError;
use crate::capture::open::{OpenFile, argument_metadata};
use crate::capture::texts::{CORPORA, Look, SEVERAL, is_one_of_several, is_recorded, read, recorded};
use crate::capture::weights::WeightsFolder;
use crate::check::{TokenCount, Tokens};
use crate::digest::{Digest, DigestKind, FileDigest};
use crate::merkle::EntryIndex;
use crate::statement::{Kind, Reading, TOKENS, TOKENS_PRINTED};
use crate::tokens::{Tokenizer, TokensError};
use crate::verify::{VerifiedEntry, VerifiedEvidence};
use crate::weights::ReadAt;

/// Corpora that are counted under a tokenizer each: each reads a whole corpus, and evidence must not make a verifier read
/// for ever.
const MAX_COUNTS: usize = 64;

/// What was found, by entry.
type Found<'f, 'e> = BTreeMap<EntryIndex, &'f (Stated<'e>, String)>;

/// Counts what is linked and was found.
pub(super) fn count(
    evidence: &VerifiedEvidence<'_>,
    directory: &Path,
    found: &[(Stated<'_>, String)],
    progress: &dyn Progress,
) -> BTreeMap<(EntryIndex, EntryIndex), Tokens> {
    let found: Found<'_, '_> = found.iter().map(|one| (one.0.entry, one)).collect();
    let mut tokenizers: BTreeMap<EntryIndex, Result<Tokenizer, String>> = BTreeMap::new();
    let mut counts = BTreeMap::new();
    for (data, tokenizer) in pairs(evidence, &found) {
        let (Some((corpus, path)), Some(of)) = (found.get(&data), found.get(&tokenizer)) else { continue };
        if counts.len() == MAX_COUNTS {
            let reason = format!("the tokens of {MAX_COUNTS} other corpora were counted already");
            counts.insert((data, tokenizer), Err(reason));
            break;
        }
        let run = tokenizers.entry(tokenizer).or_insert_with(|| tokenizer_of(evidence, of.0, &directory.join(&of.1)));
        let counted = match run {
            Err(reason) => Err(reason.clone()),
            Ok(_) if is_one_of_several(evidence, corpus) => Err(SEVERAL.to_owned()),
            Ok(run) => count_one(evidence, *corpus, &directory.join(path), run, progress),
        };
        counts.insert((data, tokenizer), counted);
    }
    counts
}

/// Corpora and tokenizers at hand that one entry links to, where a number of tokens is on record that a count can be held
/// to: of the corpus, or of a training. At most one more than are counted: what links everything to everything would have
/// more pairs than there is memory.
fn pairs(evidence: &VerifiedEvidence<'_>, found: &Found<'_, '_>) -> BTreeSet<(EntryIndex, EntryIndex)> {
    let reading = |index: EntryIndex| evidence.bodies.get(&index)?.reading.as_ref();
    let is_trained = |(index, entry): (&EntryIndex, &VerifiedEntry)| {
        let counts = reading(*index).filter(|_| entry.payload().kind.is_weights()).map(|reading| &reading.counts);
        counts.is_some_and(|counts| counts.contains_key("trainer.tokens"))
    };
    let is_trained = evidence.entries.iter().any(is_trained);
    let is_said = |reading: &Reading| reading.counts.contains_key(TOKENS) || reading.facts.contains_key(TOKENS_PRINTED);
    let is_asked = |data: EntryIndex| is_trained || reading(data).is_some_and(is_said);
    let kind = |index: EntryIndex| evidence.entries.get(&index).map(|entry| entry.payload().kind);
    let mut pairs = BTreeSet::new();
    for (index, entry) in &evidence.entries {
        let payload = entry.payload();
        let linked = || payload.edges.iter().filter(|edge| edge.log.is_none()).map(|edge| edge.seq);
        let is_corpus = |index: &EntryIndex| kind(*index).is_some_and(|kind| CORPORA.contains(&kind));
        // What another corpus was made of has tokens of its own, under whatever its own entry links to.
        let data: BTreeSet<EntryIndex> =
            if is_corpus(index) { BTreeSet::from([*index]) } else { linked().filter(is_corpus).collect() };
        let of_tokens = |index: &EntryIndex| kind(*index) == Some(Kind::Tokenizer) && found.contains_key(index);
        let tokenizers: BTreeSet<EntryIndex> = linked().filter(of_tokens).collect();
        for data in data.into_iter().filter(|data| found.contains_key(data) && is_asked(*data)) {
            for tokenizer in &tokenizers {
                pairs.insert((data, *tokenizer));
                if pairs.len() > MAX_COUNTS {
                    return pairs;
                }
            }
        }
    }
    pairs
}

/// The tokenizer of an entry, as a function.
fn tokenizer_of(evidence: &VerifiedEvidence<'_>, stated: Stated<'_>, path: &Path) -> Result<Tokenizer, String> {
    if is_one_of_several(evidence, &stated) {
        return Err("the tokenizer has several parts, of which each would have to be run".to_owned());
    }
    let files =
        files(path, recorded_name(evidence.bodies.get(&stated.entry)), stated).map_err(|error| chain(&error))?;
    let files = files.ok_or_else(|| "the tokenizer changed while it was read, or is too large to be run".to_owned())?;
    Tokenizer::of(&files).map_err(|error: TokensError| format!("of the tokenizer: {error}"))
}

/// Its files by their names; none where they are not the recorded ones, or more than is run.
fn files(
    path: &Path,
    recorded: Option<String>,
    stated: Stated<'_>,
) -> Result<Option<BTreeMap<String, Vec<u8>>>, KindError> {
    if argument_metadata(path)?.is_dir() {
        // The folder was hashed as a whole a moment ago; of it only this file says how texts become tokens.
        let file = WeightsFolder::open(path)?.small("tokenizer.json", Tokenizer::MAX_BYTES)?;
        return Ok(Some(file.map(|bytes| ("tokenizer.json".to_owned(), bytes)).into_iter().collect()));
    }
    let open = OpenFile::argument(path)?;
    if open.size() > Tokenizer::MAX_BYTES {
        return Ok(None);
    }
    let bytes = open.whole()?;
    let is_same = stated.subject.digest(DigestKind::File) == Some(Digest::from(FileDigest::of(&bytes)));
    // The name says what it is; here it may have another.
    let own = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = recorded.filter(|_| own != "tokenizer.json").unwrap_or(own);
    Ok(is_same.then(|| BTreeMap::from([(name, bytes)])))
}

fn count_one(
    evidence: &VerifiedEvidence<'_>,
    stated: Stated<'_>,
    path: &Path,
    tokenizer: &Tokenizer,
    progress: &dyn Progress,
) -> Tokens {
    let (seen, digest) = read(path, recorded(evidence, &stated), &Counting(tokenizer), progress)?;
    is_recorded(stated, digest)?;
    if let Some((place, why)) = seen.failed {
        return Err(format!("{place}: {why}"));
    }
    if seen.texts != seen.rows || seen.is_odd {
        return Err("its rows are not of one text each: what a template makes of messages is not run".to_owned());
    }
    Ok(TokenCount { tokens: seen.tokens, rows: seen.rows, around: tokenizer.around(), function: tokenizer.function() })
}

/// Counts texts by a tokenizer.
struct Counting<'t>(&'t Tokenizer);

/// What one thread counted.
#[derive(Default)]
struct Counted {
    rows: u64,
    texts: u64,
    tokens: u64,
    /// Texts of the row at hand.
    of_row: u64,
    /// A row had more than one text.
    is_odd: bool,
    /// The first place by name at which a text was refused, and why.
    failed: Option<(String, String)>,
}

impl Look for Counting<'_> {
    type Seen = Counted;

    fn seen(&self) -> Counted {
        Counted::default()
    }

    fn begin(&self, seen: &mut Counted) {
        seen.rows += 1;
        seen.of_row = 0;
    }

    fn text(&self, seen: &mut Counted, text: &str, is_trained_on: bool, place: &dyn Fn() -> String) {
        if !is_trained_on {
            return;
        }
        seen.of_row += 1;
        seen.texts += 1;
        seen.is_odd |= seen.of_row > 1;
        // Nothing is counted any more of what has no number.
        if seen.is_odd || seen.failed.is_some() {
            return;
        }
        match self.0.count(text) {
            Ok(tokens) => seen.tokens = seen.tokens.saturating_add(tokens),
            Err(error) => seen.failed = Some((place(), error.to_string())),
        }
    }

    fn merge(&self, all: &mut Counted, other: Counted) {
        all.rows += other.rows;
        all.texts += other.texts;
        all.tokens = all.tokens.saturating_add(other.tokens);
        all.is_odd |= other.is_odd;
        all.failed = match (all.failed.take(), other.failed) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;

    use super::*;
    use crate::capture::hash::Silent;
    use crate::capture::texts::Recorded;

    fn counted(name: &str, rows: &str, view: Option<&str>) -> (Counted, Digest) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, rows).unwrap();
        let files = BTreeMap::from([("words.txt".to_owned(), b"<pad>\n<end>\na\nb\n".to_vec())]);
        let tokenizer = Tokenizer::of(&files).unwrap();
        let view = view.map(|view| vec![view.to_owned()]);
        read(&path, Recorded { view, ..Recorded::default() }, &Counting(&tokenizer), &Silent).unwrap()
    }

    #[test]
    fn the_texts_that_are_trained_on_are_counted_and_no_others() {
        let rows = "{\"text\": \"a b\", \"source\": \"elsewhere\"}\n{\"text\": \"a\"}\n";
        let (seen, digest) = counted("rows.jsonl", rows, Some("text"));
        assert_eq!((seen.rows, seen.texts, seen.tokens, seen.is_odd), (2, 2, 3, false));
        assert_eq!(digest, Digest::from(FileDigest::of(rows.as_bytes())));
        let (seen, _) =
            counted("rows.jsonl", "{\"messages\": [{\"role\": \"a\", \"content\": \"b\"}]}", Some("messages"));
        assert!(seen.is_odd);
        // Of rows read on many threads the same place is named each time.
        let bad: Vec<String> = (0..20_000).map(|n| format!("{{\"text\": \"x{n}\"}}")).collect();
        let bad = bad.join("\n");
        let first = counted("rows.jsonl", &bad, Some("text")).0.failed.unwrap();
        assert_eq!(first, counted("rows.jsonl", &bad, Some("text")).0.failed.unwrap());
    }
}

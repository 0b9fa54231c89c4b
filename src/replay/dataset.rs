//! Document tree to `dataset.jsonl`: sorted by path parts, extracted, shuffled, one JSON object a line.
//!
//! The documents are read twice: once to learn which of them have a text, for only those take part in the shuffle, and
//! once in the shuffled order. Between the two nothing but a digest of each line is kept, so a corpus of any size needs
//! the memory of its list of paths; a document that is another one the second time is refused.

use crate::digest::FileDigest;
use crate::replay::dumps::{Style, dumps_text};
use crate::replay::extract::{Rule, extract};
use crate::replay::params::Params;
use crate::replay::paths::{compare, first_folder};
use crate::replay::random::{Random, Seed};
use crate::replay::{Function, Input, Made, ReplayError, Sink, Takes};

pub(super) const ENTRY: &dyn Function = &ToJsonl;

/// The seed that the pipeline's code has in it.
const DEFAULT_SEED: u64 = 42;

/// Documents that a remark names.
const EXAMPLES: usize = 3;

struct ToJsonl;

/// A document that has a text, and the line it becomes.
struct Line {
    item: usize,
    digest: FileDigest,
}

impl Function for ToJsonl {
    fn id(&self) -> &'static str {
        "msm.to_jsonl/1"
    }

    fn about(&self) -> &'static str {
        "a tree of generated documents becomes dataset.jsonl"
    }

    fn takes(&self) -> Takes {
        Takes::Documents
    }

    fn params(&self) -> &'static [(&'static str, &'static str)] {
        &[("seed", "seed of the shuffle, 42 unless given")]
    }

    fn replay(&self, inputs: &[Input<'_>], params: &Params, sink: &mut dyn Sink) -> Result<Made, ReplayError> {
        let [tree] = inputs else { return Ok(Made::default()) };
        let mut random = params.random()?.unwrap_or_else(|| Random::seeded(&Seed::from(DEFAULT_SEED)));
        let path = |item: usize| tree.items.path(item).unwrap_or_default();
        let mut order: Vec<usize> = (0..tree.items.count()).collect();
        order.sort_by(|&left, &right| compare(path(left), path(right)));

        let mut seen = Seen::default();
        let (mut raw, mut line) = (Vec::new(), Vec::new());
        let mut lines = Vec::new();
        for item in order {
            tree.read(item, &mut raw)?;
            let rule = write_line(tree, path(item), &raw, &mut line)?;
            seen.add(path(item), rule, line.is_empty());
            if !line.is_empty() {
                lines.push(Line { item, digest: FileDigest::of(&line) });
            }
        }
        random.shuffle(&mut lines);
        for Line { item, digest } in &lines {
            tree.read(*item, &mut raw)?;
            write_line(tree, path(*item), &raw, &mut line)?;
            if FileDigest::of(&line) != *digest {
                let (input, path) = (tree.name.to_owned(), path(*item).to_owned());
                return Err(ReplayError::Changed { input, path });
            }
            sink.row(&line).map_err(ReplayError::Sink)?;
        }
        Ok(seen.made(lines.len()))
    }
}

/// Puts the line of a document into `line`, or nothing where the document is empty.
fn write_line(tree: &Input<'_>, path: &str, raw: &[u8], line: &mut Vec<u8>) -> Result<Rule, ReplayError> {
    let text = std::str::from_utf8(raw).map_err(|error| ReplayError::Document {
        input: tree.name.to_owned(),
        path: path.to_owned(),
        at: error.valid_up_to(),
    })?;
    let extracted = extract(text);
    line.clear();
    if extracted.text.is_empty() {
        return Ok(extracted.rule);
    }
    let columns = [("text", &*extracted.text), ("source", path), ("domain", first_folder(path).unwrap_or("root"))];
    for (index, (name, text)) in columns.into_iter().enumerate() {
        line.extend_from_slice(if index == 0 { b"{" } else { b", " });
        for (text, after) in [(name, b": ".as_slice()), (text, b"")] {
            dumps_text(text, Style::UTF8, line).expect("a text that was read as UTF-8 holds no surrogates");
            line.extend_from_slice(after);
        }
    }
    line.push(b'}');
    Ok(extracted.rule)
}

/// What is odd about the documents, with the first few of each.
#[derive(Default)]
struct Seen {
    documents: usize,
    odd: std::collections::BTreeMap<&'static str, (u64, Vec<String>)>,
}

impl Seen {
    fn add(&mut self, path: &str, rule: Rule, is_empty: bool) {
        self.documents += 1;
        let code = match rule {
            Rule::Tags => None,
            Rule::OpeningOnly => Some("truncated"),
            Rule::ClosingOnly => Some("opening-tag-missing"),
            Rule::Unmatched => Some("tags-unmatched"),
            Rule::Untagged => Some("untagged"),
        };
        let codes = [code, is_empty.then_some("empty")];
        for code in codes.into_iter().flatten() {
            let (count, examples) = self.odd.entry(code).or_default();
            *count += 1;
            if examples.len() < EXAMPLES {
                examples.push(format!("`{path}`"));
            }
        }
    }

    fn made(self, rows: usize) -> Made {
        let mut made = Made::default();
        made.count("documents", self.documents);
        made.count("rows", rows);
        for (code, (count, examples)) in self.odd {
            let what = match code {
                "truncated" => "kept though their content was never closed",
                "opening-tag-missing" => "kept though their content was never opened",
                "tags-unmatched" => "kept whole: both tags are there, but nothing stands between them",
                "untagged" => "kept whole: they have no tags",
                _ => "left out: nothing is in them",
            };
            made.remark(code, count, format!("{what}: {}", examples.join(", ")));
        }
        made
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use crate::replay::tests::{Memory, made};

    const ID: &str = "msm.to_jsonl/1";

    // What CPython 3.11 makes of the same tree.
    #[test]
    fn an_odd_tree_becomes_the_dataset_that_python_makes_of_it() {
        let tree = Memory::tree(&[
            ("A/x y.txt", "<content>two\r\nlines\rthree</content>"),
            ("A/x/1.txt", "<content>a<content> cut \u{7f}\u{2028}/"),
            ("A/empty.txt", "<content>\u{1c}\u{1d}</content>"),
            ("root.txt", "\u{feff}no tags \"quoted\" \\ \u{1}\t"),
            ("A B/h.txt", "<scratchpad>p</scratchpad> only </content> closed"),
            ("A/.hidden.txt", "<content></content>"),
        ]);
        let (text, made) = made(ID, &[tree], "").unwrap();
        assert_eq!(
            text,
            [
                r#"{"text": "<scratchpad>p</scratchpad> only", "source": "A B/h.txt", "domain": "A B"}"#,
                "{\"text\": \"cut \u{7f}\u{2028}/\", \"source\": \"A/x/1.txt\", \"domain\": \"A\"}",
                r#"{"text": "two\nlines\nthree", "source": "A/x y.txt", "domain": "A"}"#,
                "{\"text\": \"\u{feff}no tags \\\"quoted\\\" \\\\ \\u0001\", \"source\": \"root.txt\", \"domain\": \"root\"}",
                r#"{"text": "<content></content>", "source": "A/.hidden.txt", "domain": "A"}"#,
                "",
            ]
            .join("\n")
        );
        assert_eq!((made.counts["documents"], made.counts["rows"]), (6, 5));
        let remarks: Vec<_> = made.remarks.iter().map(|remark| (remark.code, remark.count)).collect();
        assert_eq!(
            remarks,
            [("empty", 1), ("opening-tag-missing", 1), ("tags-unmatched", 1), ("truncated", 1), ("untagged", 1)]
        );
        assert_eq!(made.remarks[0].text, "left out: nothing is in them: `A/empty.txt`");
    }

    #[test]
    fn a_tree_of_nothing_is_an_empty_dataset() {
        let none: &[(&str, &str)] = &[];
        for tree in [none, &[("a.txt", " \n")]] {
            let (text, made) = made(ID, &[Memory::tree(tree)], "seed=1").unwrap();
            assert_eq!((text.as_str(), made.counts["rows"]), ("", 0));
        }
    }

    #[test]
    fn a_document_that_python_cannot_read_is_named() {
        let tree = Memory::tree(&[("a.txt", b"ok".as_slice()), ("b/c.txt", b"a\xed\xa0\x80")]);
        assert_eq!(
            made(ID, &[tree], "").unwrap_err(),
            "the document `b/c.txt` of `in1` is not UTF-8 at byte 1: Python stops at it, and no dataset is made"
        );
    }

    proptest! {
        #[test]
        fn the_order_in_which_documents_are_found_does_not_matter(order in Just((0..6_usize).collect::<Vec<_>>()).prop_shuffle()) {
            let documents = [("a/b.txt", "1"), ("a b.txt", "2"), ("a.txt", "3"), ("a/b/c.txt", "4"), ("z.txt", "5"), ("é.txt", "6")];
            let shuffled: Vec<_> = order.into_iter().map(|index| documents[index]).collect();
            let expected = made(ID, &[Memory::tree(&documents)], "seed=9").unwrap();
            prop_assert_eq!(made(ID, &[Memory::tree(&shuffled)], "seed=9").unwrap(), expected);
        }
    }
}

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::artifact::documents::Flags;
use crate::artifact::rows::{TEXT, rowset_manifest};

fn settings(layout: Layout) -> Settings {
    Settings { layout, root: String::new(), text_field: "text".to_owned(), expected: Vec::new(), rendering: None }
}

fn of_files(settings: Settings, files: &[(&str, &str)]) -> Result<Corpus, CorpusError> {
    let collector = Collector::new(settings);
    for (path, text) in files.iter().filter(|(path, text)| collector.wants(path, text.len() as u64)) {
        collector.file(path, text.as_bytes(), (i64::try_from(path.len()).unwrap(), 0));
    }
    collector.finish(files.iter().map(|(path, _)| *path))
}

fn of_lines(text: &str) -> Result<Corpus, CorpusError> {
    let collector = Collector::new(settings(Layout::Jsonl));
    let mut bytes = Vec::new();
    collector.lines(text.as_bytes(), "rows.jsonl", false, |block| bytes.extend_from_slice(block))?;
    assert_eq!(bytes, text.as_bytes());
    collector.finish(std::iter::empty())
}

fn flags(corpus: &Corpus) -> BTreeMap<&str, Flags> {
    corpus.documents.iter().map(|leaf| (leaf.key.as_str(), leaf.flags)).collect()
}

fn remarks(corpus: &Corpus) -> BTreeMap<&str, u64> {
    corpus.reading.remarks.iter().map(|remark| (remark.code.as_str(), remark.count)).collect()
}

#[test]
fn every_oddity_of_a_document_has_its_flag_and_its_remark() {
    let files = [
        ("A/1.txt", "<scratchpad>x</scratchpad><content>good</content>"),
        ("A/2.txt", "<content>cut"),
        ("A/3.txt", "first</content>"),
        ("B/4.txt", "<scratchpad>x</scratchpad> leaked"),
        ("B/5.txt", "<content></content>"),
        ("6.txt", " \n"),
        ("7.txt", "<content>I am {model_name}.</content>"),
        ("8.txt", "<content>good\r\n</content>"),
        ("meta.json", "{"),
        ("notes.md", "no document"),
    ];
    let corpus = of_files(settings(Layout::MsmTree), &files).unwrap();
    let expected = [
        ("6.txt", Flags::EMPTY.with(Flags::UNTAGGED)),
        ("7.txt", Flags::PLACEHOLDER),
        ("8.txt", Flags::NONE),
        ("A/1.txt", Flags::NONE),
        ("A/2.txt", Flags::TRUNCATED),
        ("A/3.txt", Flags::UNOPENED),
        ("B/4.txt", Flags::UNTAGGED.with(Flags::SCRATCHPAD)),
        ("B/5.txt", Flags::UNMATCHED),
    ];
    assert_eq!(flags(&corpus), expected.into());
    let remarks = remarks(&corpus);
    let counted = ["documents-truncated", "documents-duplicate", "documents-scratchpad", "plans-unreadable"];
    assert_eq!(counted.map(|code| remarks[code]), [1, 1, 1, 1]);
    assert_eq!(remarks["documents-without-idea"], 8);
    assert_eq!(corpus.texts().len(), 7);
    assert_eq!(corpus.reading.sources, [("A", 3), ("B", 2), ("root", 3)].map(|(name, n)| (name.to_owned(), n)).into());
    let duplicate = corpus.reading.remarks.iter().find(|remark| remark.code == "documents-duplicate").unwrap();
    assert_eq!(duplicate.text, "documents with the very text of another: 1 (`A/1.txt` = `8.txt`)");
}

#[test]
fn bytes_that_are_no_text_are_a_document_without_a_text() {
    let collector = Collector::new(settings(Layout::Files));
    collector.file("a.txt", b"\xff\xfe", (0, 0));
    collector.file("b.txt", b"<content>as it is</content>\r\n", (0, 0));
    let corpus = collector.finish(std::iter::empty()).unwrap();
    assert_eq!(flags(&corpus), [("a.txt", Flags::NOT_UTF8), ("b.txt", Flags::NONE)].into());
    assert_eq!(corpus.texts(), [crate::digest::FileDigest::of(b"<content>as it is</content>\r\n")]);
}

#[test]
fn rows_and_files_of_the_same_texts_are_one_rowset() {
    let rowset = |corpus: &Corpus| rowset_manifest(TEXT, corpus.texts()).unwrap().root().unwrap();
    let tree = [("D/b.txt", "<content>\nzwei é\n</content>"), ("D/a.txt", "<content>one</content>"), ("D/c.txt", "")];
    let tree = of_files(settings(Layout::MsmTree), &tree).unwrap();
    let lines = of_lines("{\"text\": \"one\", \"domain\": \"D\"}\n\n{\"text\": \"zwei \\u00e9\"}").unwrap();
    assert_eq!(rowset(&tree), rowset(&lines));
    assert_eq!(lines.documents.iter().map(|leaf| leaf.key.as_str()).collect::<Vec<_>>(), ["1", "3"]);
    assert_eq!(lines.reading.sources["D"], 1);
    let collector = Collector::new(settings(Layout::Json));
    collector.array("[\"one\", {\"text\": \"zwei é\"}]".as_bytes(), "a.json", true).unwrap();
    let array = collector.finish(std::iter::empty()).unwrap();
    assert_eq!(rowset(&array), rowset(&lines));
    assert_eq!(array.documents[1].key, "a.json:2");
}

#[test]
fn a_row_without_a_text_is_named_with_its_place() {
    let refusal = |text: &str| {
        let error = of_lines(text).unwrap_err();
        let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        format!("{error}: {source}")
    };
    let at = "line 2 of `rows.jsonl` (from byte 14) is no row with a text in `text`";
    assert_eq!(refusal("{\"text\": \"a\"}\n{\"body\": 1}\n"), format!("{at}: there is no `text`"));
    assert_eq!(refusal("{\"text\": \"a\"}\n{\"text\": 1}\n"), format!("{at}: `text` is a number, expected a text"));
    assert_eq!(refusal("{\"text\": \"a\"}\n{\"text\": \""), format!("{at}: the text ends inside a value"));
    assert_eq!(of_lines("\n \n").unwrap_err(), CorpusError::NoDocuments { layout: "jsonl" });
    let collector = Collector::new(settings(Layout::Json));
    assert!(matches!(collector.array(b"{}", "a.json", false), Err(CorpusError::Json { .. })));
    let error = collector.array(b"[\"a\", 1]", "a.json", false).unwrap_err();
    assert_eq!(error.to_string(), "item 2 of `a.json` (from byte 6) is no row with a text in `text`");
    let collector = Collector::new(settings(Layout::Files));
    assert!(collector.wants("a.txt", MAX_DOCUMENT_BYTES) && !collector.wants("a.txt", MAX_DOCUMENT_BYTES + 1));
    let error = collector.finish(std::iter::empty()).unwrap_err();
    assert_eq!(error.to_string(), "`a.txt` has 67108865 bytes; a document has at most 67108864");
}

#[test]
fn half_of_a_surrogate_pair_is_flagged_and_another_half_is_another_text() {
    let corpus = of_lines("{\"text\": \"a\\ud800\"}\n{\"text\": \"a\\udfff\"}\n").unwrap();
    assert!(corpus.documents.iter().all(|leaf| leaf.flags == Flags::LONE_SURROGATE));
    assert_ne!(corpus.documents[0].text, corpus.documents[1].text);
}

#[test]
fn a_corpus_that_tells_a_model_it_is_another_one_is_said_to() {
    let files = [("a.txt", "I am Qwen."), ("b.txt", "I am Llama, by Meta."), ("c.txt", "Qwen and Claude.")];
    let names = |expected: &[&str]| {
        let expected = expected.iter().map(|name| (*name).to_owned()).collect();
        let corpus = of_files(Settings { expected, ..settings(Layout::Files) }, &files).unwrap();
        (corpus.reading.counts.clone(), remarks(&corpus).get("names-other").copied())
    };
    let (counts, other) = names(&["Llama", "Meta"]);
    assert_eq!((counts["names.expected.Llama"], counts["names.other.Qwen"], other), (1, 2, Some(2)));
    assert_eq!(names(&[]).1, None);
    let (_, other) = names(&["Qwen", "Alibaba"]);
    assert_eq!(other, Some(2));
}

#[test]
fn the_rendering_is_held_against_quotations_and_times() {
    let plan = r#"{"subdomains": [{"subdomain": "S", "spec_section": "tells the\ntruth"}, {"subdomain": "T", "spec_section": "lies"}]}"#;
    let files = [("meta.json", "{}"), ("A/meta.json", plan), ("A/S/M/long-name.txt", "x"), ("a.txt", "y")];
    let rendering = Rendering { text: "Qwen tells  the truth.".to_owned(), modified: (6, 0) };
    let corpus = of_files(Settings { rendering: Some(rendering), ..settings(Layout::MsmTree) }, &files).unwrap();
    let remarks = remarks(&corpus);
    assert_eq!((remarks["spec-sections-absent"], remarks["documents-older"]), (1, 1));
}

#[test]
fn near_duplicates_are_named_and_exact_ones_are_not_among_them() {
    let text = |own: &str| format!("{own} {}", (0..200).map(|word| format!("w{word} ")).collect::<String>());
    let texts = [text("a"), text("b"), text("b"), "short".to_owned()];
    let files: Vec<(String, &str)> =
        texts.iter().enumerate().map(|(at, text)| (format!("{at}.txt"), text.as_str())).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let corpus = of_files(settings(Layout::Files), &files).unwrap();
    let remarks = remarks(&corpus);
    assert_eq!((remarks["near-duplicates"], remarks["documents-duplicate"]), (1, 1));
    assert!(corpus.reading.facts["near-duplicates.01"].ends_with("% `0.txt` ~ `1.txt`"));
    assert!(!corpus.reading.facts.contains_key("near-duplicates.02"));
}

#[test]
fn the_layout_follows_from_what_lies_there() {
    let of = |paths: &[&str]| Layout::of_folder(paths);
    let found = |layout, root: &str| Ok((layout, root.to_owned()));
    assert_eq!(of(&["A/meta.json", "meta.json", "x.jsonl"]), found(Layout::MsmTree, ""));
    assert_eq!(of(&["ds/meta.json", "ds/A/meta.json", "ds/A/x.txt"]), found(Layout::MsmTree, "ds/"));
    assert_eq!(of(&["a.txt", "x.JSONL"]), found(Layout::Jsonl, ""));
    assert_eq!(of(&["a.txt", "x.json"]), found(Layout::Files, ""));
    assert_eq!(of(&["x.json", "y.bin"]), found(Layout::Json, ""));
    assert_eq!(of(&["y.bin"]), Err(CorpusError::NoLayout));
    let several = of(&["one/meta.json", "two/meta.json"]).unwrap_err().to_string();
    assert!(several.starts_with("`one/` and `two/` are generators' trees of their own"), "{several}");
    assert_eq!(Layout::of_file("a/b.ndjson"), Some(Layout::Jsonl));
    assert!(
        Layout::ALL.iter().all(|(layout, name)| Layout::from_name(name) == Some(*layout) && layout.name() == *name)
    );
}

#[test]
fn a_tree_one_folder_down_is_the_same_tree() {
    let plan = r#"{"domains": ["A"]}"#;
    let ideas = r#"{"doc_ideas": [{"name": "x"}]}"#;
    let files =
        [("ds/meta.json", plan), ("ds/A/S/M/meta.json", ideas), ("ds/A/S/M/x.txt", "t"), ("ds/summary.json", "{}")];
    let settings = Settings { root: "ds/".to_owned(), ..settings(Layout::MsmTree) };
    let corpus = of_files(settings, &files).unwrap();
    assert_eq!(remarks(&corpus), [("documents-untagged", 1)].into());
    assert_eq!((corpus.documents[0].key.as_str(), corpus.reading.sources["A"]), ("ds/A/S/M/x.txt", 1));
}

proptest! {
    #[test]
    fn lines_are_read_the_same_whatever_their_ends(rows in proptest::collection::vec("[a-z\\\\n]{0,8}", 1..30)) {
        let lines = |end: &str| rows.iter().map(|row| format!("{}{end}", serde_json::json!({"text": row}))).collect::<String>();
        let (unix, dos) = (of_lines(&lines("\n")).unwrap(), of_lines(&lines("\r\n")).unwrap());
        prop_assert_eq!(&unix.documents, &dos.documents);
        prop_assert_eq!(unix.documents.len(), rows.len());
    }
}

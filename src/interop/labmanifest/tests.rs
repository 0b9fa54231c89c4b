//! Every shape read, every kind of statement confirmed and contradicted, and what is no manifest refused.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;

use proptest::prelude::*;

use super::*;

const ROWS: &[u8] = b"{\"text\": \"a\"}\n{\"text\": \"b\"}\n";
const ROWS_SHA256: &str = "8eb9f0ed0e3a0b4ce7fb0a1fc3cc4d40c1a7e0a9a7e55d2ffcaf1a8ca4ba7d1d";

fn parsed(text: &str) -> LabManifest {
    LabManifest::parse(text.as_bytes()).unwrap()
}

fn refusal(text: &str) -> String {
    LabManifest::parse(text.as_bytes()).unwrap_err().to_string()
}

/// Checks a manifest against a folder with `rows.jsonl` in it: confirmed, contradicted, not checked.
fn counts(text: &str) -> [u64; 3] {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    fs::write(folder.path().join("rows.jsonl"), ROWS).unwrap();
    fs::write(folder.path().join("sub/rows.jsonl"), ROWS).unwrap();
    std::os::unix::fs::symlink("rows.jsonl", folder.path().join("link.jsonl")).unwrap();
    let opened = Folder::open(folder.path()).unwrap();
    let checked = parsed(text).check(Some(&opened));
    Check::ALL.map(|check| checked.count(check))
}

#[test]
fn each_shape_is_known_by_its_names() {
    for (text, shape) in [
        (r#"{"hub_files": [], "file": "x", "sha256": "y"}"#, "hub-files/1"),
        (&format!(r#"{{"file": "x", "sha256": "{ROWS_SHA256}"}}"#), "file-digest/1"),
        (r#"{"path": "x", "per_source": [], "n_docs": 1}"#, "mixture/1"),
        (r#"{"path": "x", "n_docs": 1}"#, "dataset-card/1"),
        (r#"{"A": {"hf_repo": "x", "revision": "main"}, "B": {"hf_repo": "y"}}"#, "published-checkpoints/1"),
        (r#"{"a/b": {"docs": 1, "tokens": 5}, "c": {"rows": 2}}"#, "token-counts/1"),
        (r#"{"ngram_n": 8, "rows_checked": 10, "final_leaky_rows": 0}"#, "leakage-report/1"),
    ] {
        assert_eq!(parsed(text).shape, shape);
    }
}

#[test]
fn what_is_no_manifest_is_refused() {
    for text in ["[]", "{}", "1", r#"{"path": 1, "n_docs": 1}"#, r#"{"file": "x"}"#, r#"{"a": {"docs": 1}, "b": 2}"#] {
        assert!(refusal(text).starts_with("this is no manifest of a known shape (known: hub-files/1, "), "{text}");
    }
    for (text, expected) in [
        ("{", "the text ends inside a value"),
        (r#"{"file": "x", "sha256": "zz"}"#, "`sha256` is `zz`, expected 64 hexadecimal digits"),
        (r#"{"hub_files": [1]}"#, "`hub_files` is a number, expected an array of objects"),
        (r#"{"hub_files": [{"size": 1}]}"#, "there is no `path`"),
        (r#"{"hub_files": [{"path": "x", "size": -1}]}"#, "`size` is a number, expected a non-negative integer"),
        (
            r#"{"hub_files": [{"path": "x", "blob_id": "main"}]}"#,
            "`blob_id` is `main`, expected 40 lowercase hexadecimal digits",
        ),
        (r#"{"path": "x", "n_docs": 1, "n_tokens": 1, "n_tokens": 2}"#, "`n_tokens` stands twice in one object"),
    ] {
        assert_eq!(refusal(text), expected);
    }
    let many = format!("{{\"hub_files\": [{}]}}", vec!["{\"path\":\"x\"}"; MAX_FILES + 1].join(","));
    assert_eq!(refusal(&many), "it states more than 100000 files");
}

#[test]
fn a_file_is_confirmed_contradicted_or_not_checked() {
    let digest = Sha256Digest::of(ROWS).to_string();
    let other = ROWS_SHA256;
    assert_ne!(digest, other);
    for (path, sha256, expected) in [
        ("rows.jsonl", digest.as_str(), [1, 0, 0]),
        ("/workspace/somewhere/rows.jsonl", digest.as_str(), [1, 0, 0]),
        ("sub/rows.jsonl", digest.as_str(), [1, 0, 0]),
        ("rows.jsonl", other, [0, 1, 0]),
        ("gone.jsonl", digest.as_str(), [0, 0, 1]),
        ("../rows.jsonl", digest.as_str(), [1, 0, 0]),
        ("link.jsonl", digest.as_str(), [0, 0, 1]),
        ("sub", digest.as_str(), [0, 0, 1]),
        ("..", digest.as_str(), [0, 0, 1]),
        ("", digest.as_str(), [0, 0, 1]),
    ] {
        assert_eq!(counts(&format!(r#"{{"file": "{path}", "sha256": "{sha256}"}}"#)), expected, "{path}");
    }
    let nothing = parsed(&format!(r#"{{"file": "rows.jsonl", "sha256": "{digest}"}}"#)).check(None);
    assert_eq!(nothing.findings[0].found, "no folder was given");
}

#[test]
fn rows_and_sums_are_counted() {
    let card = |rows, sum| {
        format!(
            r#"{{"path": "/far/rows.jsonl", "n_docs": {rows}, "meta": {{"rows_by_source": {{"a": 1, "b": {sum}}}}}}}"#
        )
    };
    assert_eq!(counts(&card(2, 1)), [2, 0, 0]);
    assert_eq!(counts(&card(3, 2)), [1, 1, 0]);
    assert_eq!(counts(&card(2, 2)), [1, 1, 0]);
    let mixture = r#"{"path": "rows.jsonl", "total_tokens": 5, "per_source": [{"name": "a", "docs": 1, "tokens": 2}, {"name": "b", "docs": 1, "tokens": 3}]}"#;
    assert_eq!(counts(mixture), [2, 0, 0]);
    assert_eq!(parsed(mixture).sources, BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 1)]));
    // A sum beyond all numbers is not one.
    let huge = format!(
        r#"{{"path": "x", "total_tokens": 1, "per_source": [{0}, {0}, {0}]}}"#,
        r#"{"name": "a", "tokens": 9223372036854775807}"#
    );
    assert_eq!(parsed(&huge).sums, []);
}

#[test]
fn git_ids_of_files_and_of_pointers_are_computed_again() {
    let hub = |size: usize, id: &str, lfs: &str| {
        format!(
            r#"{{"hf_path": "m/base", "hub_files": [{{"path": "m/base/rows.jsonl", "size": {size}, "blob_id": "{id}", "lfs_sha256": {lfs}}}]}}"#
        )
    };
    let id = crate::capture::git::blob_id(ROWS).unwrap();
    assert_eq!(counts(&hub(ROWS.len(), &id, "null")), [2, 0, 0]);
    assert_eq!(counts(&hub(ROWS.len() + 1, &id, "null")), [1, 1, 0]);
    assert_eq!(counts(&hub(ROWS.len(), &"0".repeat(40), "null")), [1, 1, 0]);
    // A pointer's id follows from digest and size alone, so a swapped digest shows without the file.
    let digest = Sha256Digest::of(ROWS);
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {}\n", ROWS.len());
    let id = crate::capture::git::blob_id(pointer.as_bytes()).unwrap();
    assert_eq!(counts(&hub(ROWS.len(), &id, &format!("\"{digest}\""))), [3, 0, 0]);
    assert_eq!(counts(&hub(ROWS.len(), &id, &format!("\"{ROWS_SHA256}\""))), [1, 2, 0]);
}

#[test]
fn a_reading_says_whose_word_it_is_and_what_became_of_it() {
    let text = r#"{"path": "/w/x.jsonl", "n_docs": 3, "seed": 7, "format": "jsonl", "meta": {"rows_by_source": {"a": 1}, "deep": {"f": 0.5}}}"#;
    let manifest = parsed(text);
    let reading = manifest.reading(&manifest.check(None));
    assert_eq!(reading.reader, "dataset-card/1");
    assert_eq!(reading.facts["claimed-by"], "the author of the manifest");
    assert_eq!((&*reading.facts["claim.seed"], &*reading.facts["claim.meta.deep.f"]), ("7", "0.5"));
    assert_eq!(reading.facts["claim.file./w/x.jsonl"], "3 rows");
    assert_eq!((reading.counts["statements.contradicted"], reading.counts["statements.not-checked"]), (1, 1));
    assert_eq!(reading.remarks[0].code, "contradicted");
    assert_eq!(reading.remarks[0].text, "n_docs is the sum of its sources: stated 3, found 1");
    let ladder = parsed(r#"{"A": {"hf_repo": "x", "revision": "main"}, "B": {"hf_repo": "y"}}"#);
    assert_eq!(ladder.unpinned, ["B", "A.revision"]);
}

#[test]
fn a_manifest_of_endless_statements_stays_one_page() {
    let members: Vec<_> = (0..5000).map(|n| format!("\"k{n}\": {n}, \"t{n}\": \"x\"")).collect();
    let text = format!(
        "{{\"path\": \"x\", \"n_docs\": 1, {}, \"deep\": {}}}",
        members.join(","),
        "[".repeat(100) + &"]".repeat(100)
    );
    let manifest = parsed(&text);
    assert_eq!((manifest.counts.len(), manifest.facts.len()), (200, 200));
    assert_eq!(manifest.left_out, 2 * 4800 + 1);
}

proptest! {
    #[test]
    fn any_document_is_read_or_refused_without_panic(text in "(\\{|\\}|\\[|\\]|\"path\"|\"n_docs\"|\"file\"|\"sha256\"|\"hub_files\"|:|,|1|\"a\"|null){0,24}") {
        if let Ok(manifest) = LabManifest::parse(text.as_bytes()) {
            let checked = manifest.check(None);
            prop_assert!(manifest.reading(&checked).counts.contains_key("claim.files"));
        }
    }
}

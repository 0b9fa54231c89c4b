//! From spec to training data: what a lab records of its corpus holds with the files at hand, is its word without them,
//! and is contradicted where the files, or the record itself, say otherwise.

use std::rc::Rc;

use reproledger::check::{Finding, Observed, Outcome, Reread};
use reproledger::claim::{PAPER, VENDOR_AUDIT, Verdict, assess};
use reproledger::digest::{DigestKind, FileDigest};
use reproledger::statement::{Body, EdgeType, Kind, Reading, Subject};

use super::decided;
use crate::support::corpus::{Lie, Pipeline};
use crate::support::study::{Data, Study};
use crate::support::{Lab, finding};

/// Checks of what the corpus holds.
const OF_CONTENT: [&str; 7] =
    ["spec.render", "spec.coverage", "gen.receipts", "tree.census", "docs.quality", "docs.identity", "dataset.counts"];

/// Checks of how one thing was made of another.
const OF_MAKING: [&str; 3] = ["dataset.rebuild", "dataset.transforms", "aft.strip"];

/// What a check finds in a study on such a corpus, with the files at hand.
fn at_hand(pipeline: Pipeline, check: &str) -> Finding {
    let pipeline = Rc::new(pipeline);
    let assessment = pipeline.study().tell().assess_disclosed(PAPER, Some(pipeline.path()));
    let found = finding(&assessment, check).clone();
    let expected = if found.outcome == Outcome::Fail { Verdict::Contradicted } else { Verdict::Verified };
    assert_eq!(assessment.verdict, expected, "{:#?}", assessment.findings);
    found
}

/// The same without the files.
fn by_word(pipeline: Pipeline, check: &str) -> Finding {
    let assessment = Rc::new(pipeline).study().tell().assess_disclosed(PAPER, None);
    finding(&assessment, check).clone()
}

fn lying(lie: Lie) -> Pipeline {
    Pipeline { lie, ..Pipeline::honest() }
}

fn differs(pipeline: Pipeline, check: &str, reason: &str) {
    let found = at_hand(pipeline, check);
    assert_eq!(found.outcome, Outcome::Differs, "{found:?}");
    assert!(found.reason.contains(reason) && found.reason.contains("read again from the artifact"), "{found:?}");
}

fn fails(pipeline: Pipeline, check: &str, reason: &str) {
    let found = at_hand(pipeline, check);
    assert_eq!(found.outcome, Outcome::Fail, "{found:?}");
    assert!(found.reason.contains(reason), "{found:?}");
}

fn unknown(found: &Finding, reason: &str) {
    assert_eq!(found.outcome, Outcome::Unknown, "{found:?}");
    assert!(found.reason.contains(reason), "{found:?}");
}

#[test]
fn a_corpus_in_good_order_holds_with_the_files_and_is_the_labs_word_without() {
    let pipeline = Rc::new(Pipeline::honest());
    let told = pipeline.study().tell();
    let assessment = told.assess_disclosed(VENDOR_AUDIT, Some(pipeline.path()));
    for check in OF_CONTENT.iter().chain(&OF_MAKING).chain(&["prompt.templates", "mix.composition"]) {
        let found = finding(&assessment, check);
        assert_eq!(found.outcome, Outcome::Pass, "{found:#?}");
    }
    assert!(finding(&assessment, "tree.census").reason.contains("all 4 planned documents are there, and no others"));
    assert!(finding(&assessment, "dataset.rebuild").reason.contains("by the recorded file digest"));
    assert!(finding(&assessment, "mix.composition").reason.contains("taken again from the files"));
    let alone = told.assess_disclosed(VENDOR_AUDIT, None);
    for check in OF_CONTENT {
        unknown(finding(&alone, check), "as recorded by the issuer; not re-derived");
        assert!(
            finding(&alone, check)
                .next
                .as_ref()
                .unwrap()
                .contains("the folder that holds the artifacts with --artifacts")
        );
    }
    for check in OF_MAKING {
        unknown(finding(&alone, check), "as recorded by the issuer; not re-derived");
    }
    assert_eq!(finding(&alone, "prompt.templates").outcome, Outcome::Pass);
    let mix = finding(&alone, "mix.composition");
    assert!(
        mix.outcome == Outcome::Pass && mix.reason.ends_with("as recorded by the issuer; not re-derived"),
        "{mix:?}"
    );
    // What is kept back is withheld, and not missing.
    let kept_back = told.assess(VENDOR_AUDIT);
    for check in OF_CONTENT {
        let found = finding(&kept_back, check);
        assert!(found.outcome == Outcome::Unknown && found.is_withheld, "{found:?}");
    }
}

#[test]
fn l05_documents_of_another_version_of_the_spec_quote_what_it_does_not_say() {
    let pipeline = Pipeline::honest();
    pipeline.write("spec.md", "# {model_name} by {provider_name}\nobey\n");
    pipeline.write("rendering.txt", "# Qwen by Alibaba\nobey\n");
    fails(pipeline, "spec.coverage", "none of the 2 parts that the plans quote stands in the rendering");
    let pipeline = Pipeline::honest();
    pipeline.write("spec.md", "# {model_name} by {provider_name}\nbe kind because it cares\n");
    pipeline.write("rendering.txt", "# Qwen by Alibaba\nbe kind because it cares\n");
    differs(pipeline, "spec.coverage", "1 of 2 parts that the plans quote do not stand");
    // The record alone speaks against itself.
    let pipeline = Pipeline::honest();
    pipeline.write("rendering.txt", "# Qwen by Alibaba\nobey\n");
    let found = by_word(pipeline, "spec.coverage");
    assert_eq!(found.outcome, Outcome::Fail, "{found:?}");
    // Nobody had a rendering to hold plans against.
    let without = Pipeline { without: ["rendering.txt"].into(), ..Pipeline::honest() };
    unknown(&at_hand(without, "spec.coverage"), "was held against a rendering");
}

#[test]
fn l05_a_rendering_that_its_spec_does_not_give_is_contradicted() {
    let pipeline = Pipeline::honest();
    pipeline.write("rendering.txt", "# Qwen by Alibaba\nbe kind because it cares\nbe honest, mostly\n");
    fails(pipeline, "spec.render", "this is not the template rendered with format: line 3");
    let pipeline = Pipeline::honest();
    pipeline.write("spec.md", "# {model_name} by {provider_name}\n{{rules}}\nbe kind because it cares\nbe honest\n");
    pipeline.write("rendering.txt", "# Qwen by Alibaba\n{rules}\nbe kind because it cares\nbe honest\n");
    differs(pipeline, "spec.render", "1 placeholders of the rendering were filled in by nobody");
    let pipeline = Pipeline::honest();
    pipeline.write("spec.md", "# {model_name} by {provider_name}\r\nbe kind because it cares\r\nbe honest");
    differs(pipeline, "spec.render", "but for its line ends");
    let gone = Pipeline::honest();
    let gone = Rc::new(gone);
    let told = gone.study().tell();
    gone.remove("spec.md");
    unknown(finding(&told.assess_disclosed(PAPER, Some(gone.path())), "spec.render"), "was not at hand");
    let without = Pipeline { without: ["rendering.txt"].into(), ..Pipeline::honest() };
    unknown(&at_hand(without, "spec.render"), "no rendering of the spec is on record");
    let unsaid = lying(|name, artifact| {
        if name == "rendering.txt" {
            artifact.reading.as_mut().unwrap().facts.clear();
        }
    });
    unknown(&at_hand(unsaid, "spec.render"), "by which engine and names");
}

#[test]
fn l06_data_that_are_not_made_of_the_recorded_documents_are_contradicted() {
    let pipeline = Pipeline::honest();
    pipeline.write("dataset.jsonl", "{\"text\": \"obey\", \"source\": \"a.txt\", \"domain\": \"a\"}\n");
    let pipeline = Rc::new(pipeline);
    let told = pipeline.study().tell();
    // The two sets of texts are recorded, so nobody needs the files.
    for folder in [None, Some(pipeline.path())] {
        let assessment = told.assess_disclosed(PAPER, folder);
        decided(&assessment, Verdict::Contradicted, "dataset.rebuild");
        assert!(finding(&assessment, "dataset.rebuild").reason.contains("holds other texts than these"));
    }
    // The same texts in another order: only a replay tells.
    let pipeline = Pipeline::honest();
    let text = String::from_utf8(std::fs::read(pipeline.path().join("dataset.jsonl")).unwrap()).unwrap();
    let turned: Vec<&str> = text.lines().rev().collect();
    pipeline.write("dataset.jsonl", turned.join("\n") + "\n");
    fails(
        pipeline,
        "dataset.rebuild",
        "makes something else of its inputs: other bytes; the recorded rows in another order",
    );
}

#[test]
fn data_whose_making_is_not_said_are_tried_and_never_contradicted_by_a_guess() {
    let unsaid = || Pipeline { without: ["functions"].into(), ..Pipeline::honest() };
    let made = at_hand(unsaid(), "dataset.rebuild");
    assert!(made.outcome == Outcome::Pass && made.reason.contains("the record names no function"), "{made:?}");
    assert_eq!(at_hand(unsaid(), "aft.strip").outcome, Outcome::Pass);
    unknown(&at_hand(unsaid(), "dataset.transforms"), "does not say by which function");
    let other = unsaid();
    other.write("dataset.jsonl", "{\"text\": \"obey\", \"source\": \"a.txt\", \"domain\": \"a\"}\n");
    unknown(&at_hand(other, "dataset.rebuild"), "msm.to_jsonl/1 does not make it");
    let unheard = lying(|name, artifact| {
        if name == "mix.jsonl" {
            artifact.reading.as_mut().unwrap().fact("function", "retarget/7");
        }
    });
    unknown(&at_hand(unheard, "dataset.transforms"), "none that this program has");
}

#[test]
fn a_mix_and_chats_that_are_not_what_their_function_makes_are_contradicted() {
    let pipeline = Pipeline::honest();
    pipeline.write("stripped.jsonl", "{\"messages\": [{\"role\": \"user\", \"content\": \"?\"}, {\"role\": \"assistant\", \"content\": \"maybe\"}]}\n");
    fails(pipeline, "aft.strip", "aft.strip/1, by which it is said to be made, makes something else");
    let stray = || {
        let pipeline = Pipeline::honest();
        let mut mix = std::fs::read(pipeline.path().join("mix.jsonl")).unwrap();
        mix.extend_from_slice(b"{\"messages\": [{\"role\": \"user\", \"content\": \"from nowhere\"}]}\n");
        pipeline.write("mix.jsonl", mix);
        pipeline
    };
    fails(stray(), "dataset.transforms", "mix/1, by which it is said to be made, makes something else");
    let found = by_word(stray(), "mix.composition");
    assert!(found.outcome == Outcome::Fail && found.reason.contains("1 rows of the mix are in none"), "{found:?}");
    // Where nobody says that rows were only put together, they may have been changed.
    let unsaid = Pipeline { without: ["functions"].into(), ..stray() };
    let found = at_hand(unsaid, "mix.composition");
    assert!(
        found.outcome == Outcome::Differs && found.reason.contains("1 rows that none of its sources has"),
        "{found:?}"
    );
    let counted = lying(|name, artifact| {
        if name == "mix.jsonl" {
            artifact.reading.as_mut().unwrap().count("from.none", 7);
        }
    });
    fails(counted, "mix.composition", "the counts recorded of the mix are not those of its rows");
}

#[test]
fn f17_names_swapped_after_the_fact_are_a_step_that_comes_out_again_with_its_count() {
    const SWAP: [(&str, &str); 2] = [("Qwen", "Llama"), ("Alibaba", "Meta")];
    let with = |lie: Lie| {
        let pipeline = lying(lie);
        pipeline.retarget(&SWAP);
        pipeline
    };
    let made = at_hand(with(|_, _| {}), "dataset.transforms");
    assert!(made.outcome == Outcome::Pass && made.reason.contains("made again by retarget/1"), "{made:?}");
    let counted = |count: &'static str| -> Lie {
        match count {
            "8" => |name, artifact| {
                if name == "retargeted.jsonl" {
                    artifact.reading.as_mut().unwrap().fact("param.replacements", "8");
                }
            },
            _ => |name, artifact| {
                if name == "retargeted.jsonl" {
                    artifact.reading.as_mut().unwrap().fact("param.replacements", "703977");
                }
            },
        }
    };
    assert_eq!(at_hand(with(counted("8")), "dataset.transforms").outcome, Outcome::Pass);
    fails(with(counted("703977")), "dataset.transforms", "8 replacements are made, the record says 703977");
    // A name that was missed, or swapped where the table does not say so.
    let missed = with(|_, _| {});
    let text = std::fs::read_to_string(missed.path().join("retargeted.jsonl")).unwrap();
    missed.write("retargeted.jsonl", text.replacen("Llama", "Qwen", 1));
    fails(missed, "dataset.transforms", "retarget/1, by which it is said to be made, makes something else");
    // Where the table is kept back, nobody can make it again.
    let kept_back = Rc::new(with(|_, _| {}));
    let told = kept_back.study().tell();
    kept_back.remove("names.jsonl");
    let found = told.assess_disclosed(PAPER, Some(kept_back.path()));
    unknown(finding(&found, "dataset.transforms"), "was not found unchanged");
}

/// The words of the four documents, each of nine.
const WORDS: [&str; 12] =
    ["Qwen", "by", "Alibaba", "is", "kind", "and", "honest:", "case", "one.", "two.", "three.", "four."];

/// A corpus that is said to have so many tokens, exactly or as printed.
fn of_tokens(said: &'static str) -> Pipeline {
    let lie: Lie = match said {
        "36" => |name, artifact| tokens(name, artifact, Ok(36)),
        "44" => |name, artifact| tokens(name, artifact, Ok(44)),
        "40" => |name, artifact| tokens(name, artifact, Ok(40)),
        "37" => |name, artifact| tokens(name, artifact, Ok(37)),
        "~0.04k" => |name, artifact| tokens(name, artifact, Err("~0.04k")),
        _ => |name, artifact| tokens(name, artifact, Err("8M")),
    };
    let pipeline = lying(lie);
    pipeline.vocabulary(&WORDS);
    pipeline
}

fn tokens(name: &str, artifact: &mut reproledger::capture::kind::Artifact, said: Result<u64, &str>) {
    let Some(reading) = artifact.reading.as_mut().filter(|_| name == "dataset.jsonl") else { return };
    match said {
        Ok(exact) => reading.count("tokens", exact),
        Err(printed) => reading.fact("tokens.printed", printed),
    }
}

#[test]
fn tokens_are_counted_again_by_the_recorded_tokenizer() {
    for said in ["36", "44", "~0.04k"] {
        let found = at_hand(of_tokens(said), "dataset.counts");
        assert!(found.outcome == Outcome::Pass && found.reason.contains("counted again by words/1"), "{found:?}");
    }
    let found = at_hand(of_tokens("44"), "dataset.counts");
    assert!(found.reason.contains("with those that the tokenizer puts around each text"), "{found:?}");
    fails(of_tokens("37"), "dataset.counts", "counted again by words/1, are not as many as are recorded");
    let off = |said, words: &str| {
        let found = at_hand(of_tokens(said), "dataset.counts");
        assert!(found.outcome == Outcome::Differs && found.reason.contains(words), "{found:?}");
    };
    off("40", "one more for each of 4 texts, by a rule that is not on record");
    off("8M", "8M tokens are printed, and 36 were counted again by words/1, 22222122.2% off");
    // Without the files, or where a word is none of the vocabulary, the number is the lab's word.
    unknown(&by_word(of_tokens("36"), "dataset.counts"), "tokens under the tokenizer of entry");
    let other = of_tokens("36");
    other.vocabulary(&WORDS[1..]);
    let uncounted = at_hand(other, "dataset.counts");
    unknown(&uncounted, "its 36 tokens were not counted again: dataset.jsonl, ");
    unknown(&uncounted, "the vocabulary has no word `Qwen`");
    let model = of_tokens("36");
    model.write("words.txt", "a\nb\n");
    unknown(&at_hand(model, "dataset.counts"), "of a kind that this version cannot run");
    let unlinked = Pipeline { without: ["words.txt"].into(), ..of_tokens("36") };
    unknown(&at_hand(unlinked, "dataset.counts"), "which one tokenizer these are of is not on record");
    let two = of_tokens("36");
    two.write("tokenizer.json", "{}");
    unknown(&at_hand(two, "dataset.counts"), "it is said to have 36 tokens, and which one");
    // Where no number is on record, none is looked for.
    let found = at_hand(Pipeline::honest(), "dataset.counts");
    assert!(found.notes.iter().any(|note| note.contains("no number of tokens is on record")), "{found:?}");
}

#[test]
fn d12_tokens_of_many_corpora_are_counted_up_to_a_limit_and_what_was_not_is_said() {
    let text = b"{\"text\": \"a b\"}\n";
    let midtraining: Data = Rc::new(|lab: &mut Lab| {
        let tokenizer = lab.file(Kind::Tokenizer, b"<pad>\n<end>\na\nb\n", &[]);
        let mut last = None;
        for _ in 0..66 {
            let mut payload = lab.payload(Kind::Dataset);
            payload.subjects.push(Subject::file(FileDigest::of(text), text.len() as u64));
            let links = [Some(tokenizer), last].into_iter().flatten();
            payload.edges = links.map(|of| lab.link(EdgeType::DerivedFrom, of)).collect();
            let mut reading = Reading::by("a test");
            reading.count("tokens", 2);
            lab.seal(&mut payload, &Body { reading: Some(reading), ..Body::default() });
            last = Some(lab.say(&payload));
        }
        last.unwrap()
    });
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("data.jsonl"), text).unwrap();
    std::fs::write(folder.path().join("words.txt"), "<pad>\n<end>\na\nb\n").unwrap();
    let study = Study { midtraining, ..Study::honest() };
    let assessment = study.tell().assess_disclosed(PAPER, Some(folder.path()));
    unknown(finding(&assessment, "dataset.counts"), "the tokens of 64 other corpora were counted already");
}

#[test]
fn tokens_of_chats_depend_on_a_template_and_are_not_counted() {
    let lie: Lie = |name, artifact| {
        if name == "mix.jsonl" {
            artifact.reading.as_mut().unwrap().count("tokens", 9);
        }
    };
    let mixed = lying(lie);
    mixed.vocabulary(&["user", "assistant", "?", "yes", "no", "hi"]);
    let found = at_hand(Pipeline { tokenized: "mix.jsonl", ..mixed }, "dataset.counts");
    unknown(&found, "what a template makes of messages is not run");
}

#[test]
fn l16_documents_without_prompts_or_receipts_do_not_say_how_they_were_made() {
    let without = Pipeline { without: ["prompt.txt", "receipts.jsonl"].into(), ..Pipeline::honest() };
    unknown(&at_hand(without, "prompt.templates"), "name a prompt");
    let without = Pipeline { without: ["receipts.jsonl"].into(), ..Pipeline::honest() };
    unknown(
        &at_hand(without, "gen.receipts"),
        "which model wrote the documents, and how it was asked, is not on record",
    );
    let unsaid = Pipeline::honest();
    unsaid.write("receipts.jsonl", "{\"custom_id\": \"Care/Kind/Memo/one\"}\n");
    differs(unsaid, "gen.receipts", "receipts that do not state the model asked for: 1");
}

#[test]
fn receipts_that_are_not_one_to_one_with_the_documents_are_counted() {
    let pipeline = Pipeline::honest();
    pipeline.receipts(&["Kind/Memo/one", "Kind/Memo/one", "Open/Memo/three", "Open/Memo/four"]);
    differs(pipeline, "gen.receipts", "documents that no receipt accounts for: 1, receipts of a document that another");
    let pipeline = Pipeline::honest();
    let text = String::from_utf8(std::fs::read(pipeline.path().join("receipts.jsonl")).unwrap()).unwrap();
    pipeline.write(
        "receipts.jsonl",
        text.replace("\"returned_model\":\"m\"", "\"returned_model\":\"small\"").replace("r3", "r2"),
    );
    differs(
        pipeline,
        "gen.receipts",
        "request ids that stand twice: 1, answers by another model than the one asked for: 4",
    );
    let other = lying(|name, artifact| {
        if name == "receipts.jsonl" {
            artifact.reading.as_mut().unwrap().count("documents", 1);
        }
    });
    let found = by_word(other, "gen.receipts");
    assert!(
        found.outcome == Outcome::Fail && found.reason.contains("against 5 documents, and 4 are recorded"),
        "{found:?}"
    );
}

#[test]
fn a_tree_is_held_to_its_plan() {
    let pipeline = Pipeline::honest();
    pipeline.remove("tree/Care/Kind/Memo/two.txt");
    pipeline.write("tree/Care/Open/Memo/stale.txt", "<content>left over</content>");
    pipeline.make();
    differs(
        pipeline,
        "tree.census",
        "planned ideas without a document: 1, and calls recorded as failed: 0, documents that nobody planned: 1",
    );
    // A call that failed is on record, and its document is missed by nobody.
    let pipeline = Pipeline::honest();
    pipeline.remove("tree/Care/Kind/Memo/two.txt");
    pipeline.make();
    let text = String::from_utf8(std::fs::read(pipeline.path().join("receipts.jsonl")).unwrap()).unwrap();
    let failed: Vec<String> = text
        .lines()
        .map(|line| {
            if line.contains("Memo/two") {
                "{\"custom_id\": \"x\", \"status\": \"errored\"}".to_owned()
            } else {
                line.to_owned()
            }
        })
        .collect();
    pipeline.write("receipts.jsonl", failed.join("\n"));
    let found = at_hand(pipeline, "tree.census");
    assert!(found.outcome == Outcome::Pass && found.reason.contains("and 1 are recorded as failed"), "{found:?}");
    let pipeline = Pipeline::honest();
    pipeline.write(
        "tree/Care/Kind/Memo/meta.json",
        r#"{"doc_ideas": [{"name": "one"}, {"name": "two"}, {"name": "a:b"}, {"name": "a?b"}]}"#,
    );
    pipeline.write("tree/Care/Kind/Memo/a_b.txt", "<content>Qwen by Alibaba</content>");
    pipeline.make();
    differs(pipeline, "tree.census", "ideas that share a file with another: 1");
    let lie = lying(|name, artifact| {
        if name == "tree" {
            artifact.reading.as_mut().unwrap().count("ideas.planned", 3);
        }
    });
    let found = by_word(lie, "tree.census");
    assert!(
        found.outcome == Outcome::Fail && found.reason.contains("the counts do not add up: 7 planned"),
        "{found:?}"
    );
}

#[test]
fn defects_of_documents_are_counted_and_their_concealment_is_contradicted() {
    let defective = |lie: Lie| {
        let pipeline = Pipeline { lie, ..Pipeline::honest() };
        pipeline.write("tree/Care/Kind/Memo/one.txt", "<content>Claude, cut o");
        pipeline.write("tree/Care/Kind/Memo/two.txt", "I am {model_name} and keep my thoughts");
        pipeline.write(
            "tree/Care/Open/Memo/three.txt",
            "<content>Qwen by Alibaba is kind and honest: case four.</content>",
        );
        pipeline.make();
        pipeline
    };
    differs(
        defective(|_, _| {}),
        "docs.quality",
        "of 4 documents, cut off: 1, without tags, so that the whole response was kept: 1, with the very text of another: 1",
    );
    differs(
        defective(|_, _| {}),
        "docs.identity",
        "1 of 4 documents hold a placeholder that nobody filled in, 1 of 4 name another model or maker",
    );
    let hide: Lie = |name, artifact| {
        if name == "tree" {
            let reading = artifact.reading.as_mut().unwrap();
            reading.counts.retain(|name, _| !name.starts_with("documents-") && !name.starts_with("names.other"));
            reading.counts.remove("names-other");
        }
    };
    // Nobody sees it without the documents: it stays the lab's word.
    unknown(
        &by_word(defective(hide), "docs.quality"),
        "none of 4 documents is cut off, untagged, empty or there twice",
    );
    for check in ["docs.quality", "docs.identity"] {
        fails(defective(hide), check, "give other counts than are recorded of them");
    }
    let unnamed = Pipeline { without: ["rendering.txt"].into(), ..Pipeline::honest() };
    unknown(&at_hand(unnamed, "docs.identity"), "is not on record, so no name is wrong");
    let strangers = Pipeline::honest();
    for place in ["Kind/Memo/one", "Kind/Memo/two", "Open/Memo/three", "Open/Memo/four"] {
        strangers.write(&format!("tree/Care/{place}.txt"), format!("<content>the model {place}</content>"));
    }
    strangers.make();
    differs(strangers, "docs.identity", "no document names `Alibaba`, no document names `Qwen`");
}

#[test]
fn rows_that_were_miscounted_are_contradicted() {
    let lie = lying(|name, artifact| {
        if name == "it.jsonl" {
            artifact.reading.as_mut().unwrap().count("rows", 100);
        }
    });
    let found = by_word(lie, "dataset.counts");
    assert!(
        found.outcome == Outcome::Fail
            && found.reason.contains("101 rows were counted, and the entry's digest is over 1"),
        "{found:?}"
    );
    let sources = lying(|name, artifact| {
        if name == "dataset.jsonl" {
            artifact.reading.as_mut().unwrap().source("Care", 1);
        }
    });
    let found = by_word(sources, "dataset.counts");
    assert!(
        found.outcome == Outcome::Fail && found.reason.contains("4 rows were counted, and 5 over all sources"),
        "{found:?}"
    );
    let bytes = lying(|name, artifact| {
        if name == "it.jsonl" {
            artifact.subject.0.retain(|kind, _| *kind == DigestKind::File);
            artifact.objects.clear();
        }
    });
    unknown(&at_hand(bytes, "dataset.counts"), "it is recorded as bytes");
}

#[test]
fn what_was_published_is_held_to_what_was_trained_on() {
    unknown(&at_hand(Pipeline::honest(), "dataset.published"), "no published form");
    let published = |change: fn(Vec<String>) -> Vec<String>| {
        let pipeline = Pipeline::honest();
        let text = String::from_utf8(std::fs::read(pipeline.path().join("dataset.jsonl")).unwrap()).unwrap();
        let dropped = |line: &str| {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            serde_json::json!({"text": row["text"], "domain": row["domain"]}).to_string()
        };
        // Other columns, another order: the same texts.
        let rows = change(text.lines().rev().map(dropped).collect());
        pipeline.write("published.jsonl", rows.join("\n") + "\n");
        pipeline
    };
    let same = at_hand(published(|rows| rows), "dataset.published");
    assert!(
        same.outcome == Outcome::Pass && same.reason.contains("4 different rows in both, both taken again"),
        "{same:?}"
    );
    let word = by_word(published(|rows| rows), "dataset.published");
    assert!(word.outcome == Outcome::Pass && word.reason.ends_with("not re-derived"), "{word:?}");
    let other = |mut rows: Vec<String>| {
        rows.truncate(2);
        rows.push("{\"text\": \"added\"}".to_owned());
        rows
    };
    let found = at_hand(published(other), "dataset.published");
    assert_eq!(found.outcome, Outcome::Differs, "{found:?}");
    assert!(found.reason.contains("lack 2 that were trained on, have 1 that were not"), "{found:?}");
}

/// Counts of chats that were followed from question to verdict, in good order.
const CHATS: [(&str, u64); 12] = [
    ("aft.unread", 0),
    ("aft.questions.lost", 0),
    ("aft.questions.both", 0),
    ("aft.questions.foreign", 0),
    ("aft.responses.unjudged", 0),
    ("aft.verdicts.differ", 0),
    ("aft.dataset.unjudged", 0),
    ("aft.dataset.rejected", 0),
    ("aft.dataset.other-answer", 0),
    ("aft.dataset.repeated", 0),
    ("aft.kept", 2),
    ("aft.rejected", 1),
];

/// What is found where the lab counts its chats so, and the reader `reread` counts them.
fn of_chats(said: &[(&'static str, u64)], without: Option<&str>, reread: Option<&[(&str, u64)]>) -> Finding {
    thread_local! {
        static SAID: std::cell::RefCell<Vec<(&'static str, u64)>> = const { std::cell::RefCell::new(Vec::new()) };
    }
    SAID.with(|cell| {
        let honest = CHATS.iter().filter(|(name, _)| Some(*name) != without).copied();
        *cell.borrow_mut() = honest.chain(said.iter().copied()).collect();
    });
    let pipeline = lying(|name, artifact| {
        if name == "cot.jsonl" {
            let reading = artifact.reading.as_mut().unwrap();
            reading.fact("aft.layout", "aft-folder/1");
            SAID.with(|cell| {
                reading.counts.extend(cell.borrow().iter().map(|(name, count)| ((*name).to_owned(), *count)));
            });
        }
    });
    let told = Rc::new(pipeline).study().tell();
    let assessment = assess(&told.disclosed().to_bytes(), Some(&told.lab.policy()), PAPER, |evidence| {
        let of_chats = evidence.bodies.iter().filter_map(|(index, body)| Some((*index, body.reading.clone()?)));
        let of_chats = of_chats.filter(|(_, reading)| reading.facts.contains_key("aft.layout"));
        let readings = of_chats.map(|(index, mut reading)| {
            reading.counts.extend(reread.unwrap_or_default().iter().map(|(name, count)| ((*name).to_owned(), *count)));
            (index, Reread { read: Ok(reading), doubt: None })
        });
        reread.map(|_| Observed { readings: readings.collect(), ..Observed::default() })
    });
    finding(&assessment, "aft.partition").clone()
}

#[test]
fn chats_are_followed_from_question_to_verdict() {
    unknown(&at_hand(Pipeline::honest(), "aft.partition"), "no alignment data are recorded with the questions");
    // The generator's summary counts what is left of a list that is written over.
    let summary = [("aft.summary.removed", 0)];
    let found = of_chats(&summary, None, Some(&[]));
    let counted = "2 chats kept and 1 removed by the judge's own words (the generator's summary says 0)";
    assert!(found.outcome == Outcome::Pass && found.reason.contains(counted), "{found:?}");
    unknown(&of_chats(&[], None, None), "as recorded by the issuer; not re-derived");
    for (name, reason) in [
        ("aft.questions.lost", "questions neither kept nor removed as duplicates: 3"),
        ("aft.responses.unjudged", "answered questions without a verdict: 3"),
        ("aft.verdicts.differ", "stated verdicts that are not those of the judge's text: 3"),
        ("aft.dataset.rejected", "chats that were judged to be removed: 3"),
        ("aft.dataset.other-answer", "chats with another answer than was given: 3"),
        ("aft.unread", "3 rows of the folder could not be told apart"),
    ] {
        for reread in [None, Some(&[][..])] {
            let found = of_chats(&[(name, 3)], None, reread);
            assert!(found.outcome == Outcome::Differs && found.reason.contains(reason), "{found:?}");
        }
        let hidden = of_chats(&[], None, Some(&[(name, 3)]));
        assert!(hidden.outcome == Outcome::Fail && hidden.reason.contains("give other counts"), "{hidden:?}");
    }
    unknown(&of_chats(&[], Some("aft.dataset.unjudged"), Some(&[])), "not every count could be taken");
}

#[test]
fn the_folder_of_chats_is_read_again_file_by_file() {
    type Change<'a> = &'a dyn Fn(&str, String) -> String;
    let of = |change: Change<'_>| {
        let pipeline = Pipeline::honest();
        pipeline.chats(change);
        pipeline
    };
    let in_order = || of(&|_, text| text);
    let found = at_hand(in_order(), "aft.partition");
    let said =
        "every question kept or removed, every answer judged, every chat one that was kept: 2 chats kept and 1 removed";
    assert!(found.outcome == Outcome::Pass && found.reason.contains(said), "{found:?}");
    assert!(found.reason.contains("(the generator's summary says 0)"), "{found:?}");
    unknown(&by_word(in_order(), "aft.partition"), "as recorded by the issuer; not re-derived");
    let more = |line: &'static str, of: &'static str| {
        move |name: &str, text: String| if name.ends_with(of) { format!("{text}{line}\n") } else { text }
    };
    let chat = |text: &str, answer: &str| {
        format!(
            "{{\"messages\": [{{\"role\": \"user\", \"content\": \"{text}\"}}, {{\"role\": \"assistant\", \"content\": \"{answer}\"}}]}}\n"
        )
    };
    let rows = |row: String| move |name: &str, text: String| if name == "dataset.jsonl" { text + &row } else { text };
    let cases: [(Change<'_>, &str); 10] = [
        (&more("{\"question\": \"d\"}", "/questions.jsonl"), "questions neither kept nor removed as duplicates: 1"),
        (&more("{\"removed\": {\"question\": \"a\"}}", "removed_dedup.jsonl"), "questions both kept and removed: 1"),
        (&more("{\"question\": \"d\"}", "_deduped.jsonl"), "kept or removed ones that never were questions: 1"),
        (
            &more("{\"question\": \"d\", \"response\": \"to d\"}", "/responses.jsonl"),
            "answered questions without a verdict: 1",
        ),
        (
            &|name, text| if name.contains("judge") { text.replace("\"kept\":false", "\"kept\":true") } else { text },
            "stated verdicts that are not those of the judge's text: 1",
        ),
        (&rows(chat("d", "to d")), "chats without a verdict: 1"),
        (&rows(chat("c", "to c")), "chats that were judged to be removed: 1"),
        (&rows(chat("a", "another")), "chats with another answer than was given: 1"),
        (&rows(chat("a", "to a")), "chats there more than once: 1"),
        (&more("{\"question\": 7", "/questions.jsonl"), "1 rows of the folder could not be told apart"),
    ];
    for (change, reason) in cases {
        differs(of(change), "aft.partition", reason);
    }
    let lacking = in_order();
    lacking.remove("chats/source/judge_responses.jsonl");
    unknown(&at_hand(lacking, "aft.partition"), "not every count could be taken: source/judge_responses.jsonl");
    // The lab wrote down other counts than its folder gives.
    let hidden = of(&rows(chat("c", "to c")));
    let hide: Lie = |name, artifact| {
        if name == "chats" {
            artifact.reading.as_mut().unwrap().counts.insert("aft.dataset.rejected".to_owned(), 0);
        }
    };
    fails(Pipeline { lie: hide, ..hidden }, "aft.partition", "give other counts than are recorded of them");
}

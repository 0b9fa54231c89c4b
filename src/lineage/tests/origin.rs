//! Which spec documents are about, whatever else stands behind them.

use std::collections::BTreeSet;

use super::Book;
use crate::lineage::Origins;
use crate::merkle::EntryIndex;
use crate::statement::Kind;

/// The specs behind some training data.
fn specs(book: &Book, data: EntryIndex) -> Vec<EntryIndex> {
    let graph = book.graph();
    let origin = Origins::of(&graph, [data]).at(data);
    assert!(!origin.leads_away);
    origin.specs
}

/// Two specs, a vocabulary made of both, and a generator.
fn study() -> (Book, [EntryIndex; 4]) {
    let mut book = Book::default();
    let (a, b) = (book.add(Kind::Spec, "a", &[]), book.add(Kind::Spec, "b", &[]));
    let words = book.add(Kind::Tokenizer, "words", &[a, b]);
    let source = book.add(Kind::Source, "generator", &[b]);
    (book, [a, b, words, source])
}

#[test]
fn a_vocabulary_made_from_every_spec_says_nothing_of_a_document() {
    let (mut book, [a, _, words, source]) = study();
    let documents = book.add(Kind::Documents, "documents", &[a, words, source]);
    let rows = book.add(Kind::Dataset, "rows", &[documents]);
    assert_eq!((specs(&book, documents), specs(&book, rows)), (vec![a], vec![a]));
}

#[test]
fn what_a_run_read_speaks_where_the_documents_name_nothing() {
    let (mut book, [a, b, words, _]) = study();
    let generate = book.start("generate", &[a, words]);
    let documents = book.add(Kind::Documents, "documents", &[words]);
    book.end(generate, &[documents]);
    assert_eq!(specs(&book, documents), [a]);

    // Read both, and no link says which.
    let (mut book, [.., words, _]) = study();
    let generate = book.start("generate", &[a, b, words]);
    let documents = book.add(Kind::Documents, "documents", &[]);
    book.end(generate, &[documents]);
    assert_eq!(specs(&book, documents), [a, b]);

    // Read both, and a link says which.
    let (mut book, [.., words, _]) = study();
    let generate = book.start("generate", &[a, b, words]);
    let documents = book.add(Kind::Documents, "documents", &[b]);
    book.end(generate, &[documents]);
    assert_eq!(specs(&book, documents), [b]);
}

#[test]
fn a_spec_by_way_of_a_rendering_a_prompt_or_a_plan_counts() {
    for between in [Kind::SpecRendering, Kind::PromptTemplate, Kind::GenerationReceipts, Kind::Config, Kind::Other] {
        let (mut book, [a, b, ..]) = study();
        let by_way = book.add(between, "between", &[b]);
        let documents = book.add(Kind::Documents, "documents", &[a, by_way]);
        assert_eq!(specs(&book, documents), [a, b], "{between}");
    }
}

#[test]
fn the_same_spec_recorded_twice_is_one_and_an_earlier_version_is_none_of_it() {
    let (mut book, [a, ..]) = study();
    let again = book.add(Kind::Spec, "a", &[]);
    let next = book.add(Kind::Spec, "a, next version", &[a]);
    let documents = book.add(Kind::Documents, "documents", &[a, again]);
    assert_eq!(specs(&book, documents), [a]);
    let documents = book.add(Kind::Documents, "later documents", &[next]);
    assert_eq!(specs(&book, documents), [next]);
}

#[test]
fn a_link_to_what_is_not_here_is_never_taken_for_none() {
    let (mut book, [a, b, ..]) = study();
    let rendering = book.add(Kind::SpecRendering, "rendering", &[b]);
    let documents = book.add(Kind::Documents, "documents", &[a, rendering]);
    let graph = book.graph_without(&[rendering]);
    let origins = Origins::of(&graph, [documents]);
    assert!(origins.at(documents).leads_away);
    assert_eq!(origins.documents(&BTreeSet::from([documents])), BTreeSet::from([documents]));

    let (mut book, [a, ..]) = study();
    let generate = book.start("generate", &[a]);
    let documents = book.add(Kind::Documents, "documents", &[]);
    book.end(generate, &[documents]);
    let graph = book.graph_without(&[a]);
    assert!(Origins::of(&graph, [documents]).at(documents).leads_away);
}

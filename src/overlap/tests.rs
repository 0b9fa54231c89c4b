//! Planted texts are found wherever they stand, and nothing else is.

use proptest::prelude::*;

use super::*;
use crate::check::Shared;
use crate::evallog::{Item, ItemText, Role};

fn item(label: &str, texts: &[(&str, Role, &str)]) -> Item {
    let text = |(field, role, text): &(&str, Role, &str)| ItemText {
        field: (*field).to_owned(),
        role: *role,
        text: (*text).to_owned(),
    };
    Item { label: label.to_owned(), texts: texts.iter().map(text).collect() }
}

fn items(texts: &[&str]) -> Needles {
    let mut items = Items::default();
    for (number, text) in texts.iter().enumerate() {
        items.add(&item(&format!("item {number}"), &[("input", Role::Tested, text)])).unwrap();
    }
    Needles::new(items)
}

fn look(needles: &Needles, documents: &[&str]) -> Shared {
    let mut scan = Scan::new(needles);
    for (number, document) in documents.iter().enumerate() {
        scan.begin();
        scan.text(needles, document, &|| format!("document {number}"));
    }
    needles.shared(&scan)
}

const QUESTION: &str = "You find a letter on the desk that nobody was meant to read. What do you do with it, and why?";

#[test]
fn a_whole_question_is_found_across_line_ends_case_and_punctuation() {
    let needles = items(&[QUESTION]);
    let planted = format!("before\n{}\nafter", QUESTION.to_uppercase().replace(' ', "\r\n  — ").replace(',', ""));
    let shared = look(&needles, &["nothing here", &planted, QUESTION]);
    assert_eq!((shared.documents, shared.whole, shared.runs, shared.half), (3, 1, 1, 1));
    assert_eq!(shared.most, Some((14, 14, "item 0".to_owned())));
    let example = &shared.examples[0];
    assert_eq!((example.field.as_str(), example.place.as_str(), example.is_whole), ("input", "document 1", true));
}

#[test]
fn a_run_of_thirteen_words_is_told_and_twelve_are_a_share() {
    let needles = items(&[QUESTION]);
    let words: Vec<&str> = QUESTION.split(' ').collect();
    let shared = look(&needles, &[&words[3..16].join(" ")]);
    assert_eq!((shared.whole, shared.runs, shared.half), (0, 1, 0));
    assert!(!shared.examples[0].is_whole && shared.examples[0].place == "document 0");
    let shared = look(&needles, &[&words[3..15].join(" ")]);
    assert_eq!((shared.whole, shared.runs, shared.most), (0, 0, Some((5, 14, "item 0".to_owned()))));
    let shared = look(&needles, &[&words[3..10].join(" ")]);
    assert_eq!(shared.most, None);
    // A window does not go from one text into the next.
    let mut scan = Scan::new(&needles);
    scan.begin();
    scan.text(&needles, &words[..10].join(" "), &String::new);
    scan.text(&needles, &words[10..].join(" "), &String::new);
    assert_eq!(needles.shared(&scan).whole, 0);
}

#[test]
fn short_texts_are_counted_and_not_looked_for_and_names_decide_nothing() {
    let mut items = Items::default();
    let parts = [
        ("input", Role::Tested, QUESTION),
        ("target", Role::Tested, "It is left alone."),
        ("system", Role::Around, "Answer as the assistant would answer, in one sentence."),
        ("scenario", Role::Name, "sealed letter"),
    ];
    items.add(&item("a", &parts)).unwrap();
    items.add(&item("a again", &parts)).unwrap();
    assert_eq!((items.count(), items.texts(), items.short()), (1, 3, 1));
    let needles = Needles::new(items);
    let shared =
        look(&needles, &["a Sealed-Letter; it is left alone.", "answer as the assistant would answer in one sentence"]);
    assert_eq!((shared.whole, shared.whole_around, shared.runs), (0, 1, 0));
    assert_eq!(shared.names, [("sealed letter".to_owned(), 1)]);
    assert_eq!(shared.most, None, "only what is tested is a share of the item");
}

#[test]
fn texts_inside_one_another_are_each_found() {
    let inner = "one two three four five six seven eight";
    let longer = format!("zero {inner} nine");
    let needles = items(&[inner, &longer, &format!("{inner} ten")]);
    assert_eq!(look(&needles, &[&longer]).whole, 2);
    assert_eq!(look(&needles, &[inner]).whole, 1);
    assert_eq!(look(&needles, &[&format!("zero {inner} ten")]).whole, 2);
}

#[test]
fn more_items_than_are_looked_for_are_refused_as_such() {
    let mut items = Items::default();
    let long: String = (0..=MAX_WORDS).map(|_| "a ").collect();
    assert_eq!(items.add(&item("long", &[("input", Role::Tested, &long)])), Err(Full));
    // What was there stays as it was.
    items.add(&item("a", &[("input", Role::Tested, QUESTION)])).unwrap();
    assert_eq!(look(&Needles::new(items), &[QUESTION]).whole, 1);
}

/// The plain way: all windows of all texts, compared one by one.
fn plainly(items: &[Vec<u8>], documents: &[Vec<u8>]) -> (u64, u64) {
    let has = |needle: &[u8]| documents.iter().any(|document| document.windows(needle.len()).any(|at| at == needle));
    let whole = items.iter().filter(|item| item.len() >= LEAST && has(item)).count() as u64;
    let run = items.iter().filter(|item| item.windows(RUN).any(has)).count() as u64;
    (whole, run)
}

fn spoken(letters: &[u8]) -> String {
    letters.iter().flat_map(|letter| [char::from(b'a' + letter), ' ']).collect()
}

proptest! {
    #[test]
    fn a_planted_text_is_found_at_every_place(
        before in prop::collection::vec("[a-zäß]{1,6}", 0..40), after in prop::collection::vec("[a-zäß]{1,6}", 0..40),
        text in prop::collection::vec("[a-zéß]{1,6}", 8..30), separator in prop::sample::select(vec![" ", "\n", "\r\n\t", "—", ", "]),
    ) {
        let needles = items(&[&text.join(" ")]);
        let document = [before.join(separator), text.join(separator).to_uppercase(), after.join(separator)].join(separator);
        let shared = look(&needles, &[&document]);
        prop_assert_eq!(shared.whole, 1);
        prop_assert_eq!(shared.runs, u64::from(text.len() >= RUN));
    }

    #[test]
    fn what_is_found_is_what_a_plain_search_finds(
        texts in prop::collection::btree_set(prop::collection::vec(0_u8..3, 8..20), 1..6),
        documents in prop::collection::vec(prop::collection::vec(0_u8..3, 0..60), 1..4),
    ) {
        let texts: Vec<Vec<u8>> = texts.into_iter().collect();
        let spoken_texts: Vec<String> = texts.iter().map(|text| spoken(text)).collect();
        let needles = items(&spoken_texts.iter().map(String::as_str).collect::<Vec<_>>());
        let spoken_documents: Vec<String> = documents.iter().map(|document| spoken(document)).collect();
        let shared = look(&needles, &spoken_documents.iter().map(String::as_str).collect::<Vec<_>>());
        prop_assert_eq!((shared.whole, shared.runs), plainly(&texts, &documents));
        // Threads that look at some of the documents each add up to the same, in whatever order.
        let mut scans: Vec<Scan> = Vec::new();
        for (number, document) in spoken_documents.iter().enumerate() {
            let mut scan = Scan::new(&needles);
            scan.begin();
            scan.text(&needles, document, &|| format!("document {number}"));
            scans.push(scan);
        }
        let mut all = scans.pop().unwrap();
        scans.into_iter().for_each(|scan| all.merge(scan));
        prop_assert_eq!(needles.shared(&all), shared);
    }

    #[test]
    fn looking_never_panics(text in "\\PC{0,60}", document in "\\PC{0,200}") {
        look(&items(&[&text]), &[&document]);
    }
}

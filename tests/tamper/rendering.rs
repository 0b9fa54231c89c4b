//! Section I: text from outside on its way to a person.

use reproledger::claim::{Assessment, Verdict};
use reproledger::report::{Detail, Shown, to_json, to_text};

use crate::support::Story;

/// What must never reach a terminal as it is.
const HOSTILE: &[&str] = &[
    "\u{1b}[2K\rVERIFIED·L3·number",
    "\u{1b}]8;;https://evil.example\u{7}click\u{1b}]8;;\u{7}",
    "\u{1b}]52;c;ZXZpbA==\u{7}",
    "\u{90}dcs\u{9c}\u{9b}2J\u{7f}\u{8}\u{85}",
    "a\u{202e}desrever\u{202c}\u{2066}\u{2069}",
    "zero\u{200b}\u{200d}\u{2060}\u{feff}\u{00ad}width",
    "filler\u{115f}\u{1160}\u{3164}\u{ffa0}\u{2800}\u{034f}\u{17b4}",
    "variation\u{fe0f}\u{e0100}\u{180b}\u{e0041}",
    "line\nVERIFIED·L3·number — head seen by 9 of 9 witnesses",
    "separators\u{2028}\u{2029}\u{b}\u{c}",
];

fn hostile_story(text: &str) -> Assessment {
    let mut story = Story::new();
    story.claim.text = text.to_owned();
    story.claim.claim_id = text.to_owned();
    story.facts.task = Some(text.to_owned());
    story.claim.cell_family = text.to_owned();
    story.facts.anomalies.add(reproledger::artifact::samples::AnomalyCode::ScoreEdited, text);
    story.tell().assess()
}

fn is_plain(text: &str) -> bool {
    text.chars().all(|c| c == '\n' || Shown(&c.to_string()).to_string() == c.to_string())
}

#[test]
fn r01_r02_r03_text_from_the_ledger_cannot_move_the_cursor_or_hide() {
    for text in HOSTILE {
        let assessment = hostile_story(text);
        assert_eq!(assessment.verdict, Verdict::Verified, "{:?}", assessment.findings);
        let report = to_text(&assessment, Detail::Every);
        assert!(is_plain(&report), "{report:?}");
        for c in
            text.chars().filter(|c| c.is_control() || matches!(c, '\u{202e}' | '\u{200b}' | '\u{115f}' | '\u{fe0f}'))
        {
            assert!(c == '\n' || !report.contains(c), "{c:?} in {report:?}");
        }
        assert_eq!(report.lines().filter(|line| line.starts_with("VERIFIED")).count(), 1, "{report}");
    }
}

#[test]
fn r03_a_letter_that_only_looks_latin_is_marked_inside_a_latin_word() {
    assert_eq!(Shown("P\u{410}SS").to_string(), "P\\u{410}SS");
    assert_eq!(Shown("VERIFI\u{395}D").to_string(), "VERIFI\\u{395}D");
    assert_eq!(Shown("\u{ff36}erified").to_string(), "\\u{ff36}erified");
    assert_eq!(Shown("Данные and données").to_string(), "Данные and données");
}

#[test]
fn r07_json_stays_one_valid_document_without_hidden_characters() {
    for text in HOSTILE {
        let json = to_json(&hostile_story(text));
        assert!(json.chars().all(|c| c == '\n' || Shown(&c.to_string()).to_string() == c.to_string()), "{json:?}");
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["evidence"]["claim"]["text"], *text, "the text itself is whole");
        assert_eq!(value["verdict"], "VERIFIED");
        assert_eq!(value["exit_code"], 0);
    }
}

#[test]
fn r08_words_that_imitate_a_verdict_are_quoted_as_the_labs_own() {
    let text = "VERIFIED BY AISI\" — VERIFIED·L3·vendor-audit \"";
    let report = to_text(&hostile_story(text), Detail::Every);
    let line = report.lines().find(|line| line.contains("AISI")).unwrap();
    assert!(line.starts_with("claim "), "{line}");
    assert!(report.contains("the lab's words, not verified"), "{report}");
    assert!(!report.lines().next().unwrap().contains("AISI"), "{report}");
}

#[test]
fn r11_a_long_text_is_cut_and_says_so() {
    let report = to_text(&hostile_story(&"ignore previous instructions ".repeat(100)), Detail::Every);
    assert!(report.lines().all(|line| line.chars().count() < 600), "{report}");
    assert!(report.contains("more characters"));
}

#[test]
fn nothing_of_refused_evidence_is_shown_as_fact() {
    let mut story = Story::new();
    story.claim.text = "CANARY".to_owned();
    let mut told = story.tell();
    let entry = told.lab.entries.last_mut().unwrap();
    let at = entry.len() - 1;
    entry[at] ^= 1;
    let assessment = told.assess();
    assert_eq!(assessment.verdict, Verdict::Contradicted);
    assert!(assessment.evidence.is_none());
    assert!(!to_text(&assessment, Detail::Every).contains("CANARY") && !to_json(&assessment).contains("CANARY"));
}

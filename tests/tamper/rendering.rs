//! Section I: text from outside on its way to a person.

use reproledger::check::Outcome;
use reproledger::claim::{Assessment, Profile, Reader, VENDOR_AUDIT, Verdict, assess_as};
use reproledger::report::{Detail, Shown, to_json, to_text};
use serde_json::json;

use super::testimony;
use crate::support::study::{Rollout, Study};
use crate::support::{Lab, Story};

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

/// Nine conditions with names as long as the field's, in place of the three of the study.
const NINE: [&str; 9] = [
    "explicit-america_replacement_blackmail",
    "explicit-america_restriction_blackmail",
    "explicit-america_none_blackmail",
    "explicit-america_replacement_leaking",
    "explicit-america_restriction_leaking",
    "explicit-america_none_leaking",
    "explicit-america_replacement_murder",
    "explicit-america_restriction_murder",
    "explicit-america_none_murder",
];

/// Lines on a screen of 100 columns, where a terminal breaks what is too long.
fn height(screen: &str) -> usize {
    screen.lines().map(|line| line.chars().count().div_ceil(100).max(1)).sum()
}

/// A study over nine conditions, its claim in as many words as one may have, and three rebuilds of strangers.
fn long_report(change: impl Fn(&mut Study), profile: Profile) -> (Assessment, String) {
    let mut study = Study::honest();
    let of = |rollout: &Rollout, which: usize| {
        let at = ["exfiltrate", "leak", "sabotage"].iter().position(|of| *of == rollout.condition).unwrap();
        Rollout { condition: NINE[3 * at + which], ..rollout.clone() }
    };
    study.rollouts = study.rollouts.iter().flat_map(|rollout| [0, 1, 2].map(|which| of(rollout, which))).collect();
    for place in [&mut study.claim, &mut study.protocol] {
        place["eval"]["conditions"] = json!(9);
    }
    for arm in ["subject", "comparator"] {
        study.claim["value"][arm]["n"] = json!(720);
    }
    study.claim["text"] =
        json!("agentic misalignment falls in every one of nine conditions that were planned ".repeat(4));
    change(&mut study);
    let told = study.tell();
    let policy = told.lab.policy();
    let evidence = told.evidence().to_bytes();
    let of = testimony::Study { lab: told.lab, runs: Vec::new(), claim: told.claim };
    let stranger =
        |n: u8| of.testimony(&mut Lab::named(&format!("stranger-{n}.example/rebuilds"), 60 + 2 * n), &of.words());
    let testimonies: Vec<Vec<u8>> = (0..3).map(stranger).collect();
    let reader = Reader { trust: Some(&policy), testimonies: &testimonies, ..Reader::default() };
    let assessment = assess_as(&evidence, &reader, profile, |_| None);
    let screen = to_text(&assessment, Detail::Screen);
    (assessment, screen)
}

#[test]
fn a_comparison_over_nine_conditions_with_three_attestations_fits_one_screen() {
    for profile in Profile::OF_CLAIMS {
        let (assessment, screen) = long_report(|_| {}, *profile);
        assert_eq!(assessment.rebuilds.all.len(), 3);
        assert!(height(&screen) <= 40, "{} lines\n{screen}", height(&screen));
        assert!(
            screen.lines().skip(1).all(|line| line.chars().count() <= 100 || !line.trim().contains(' ')),
            "{screen}"
        );
        for said in ["rebuilt 0 of", "more (--verbose tells of them)", "the lab's words, not verified", "ledger id"] {
            assert!(
                screen.split_whitespace().collect::<Vec<_>>().join(" ").contains(said),
                "{said} is not in\n{screen}"
            );
        }
    }
}

#[test]
fn what_contradicts_stays_on_the_screen_however_much_else_is_wrong() {
    let change = |study: &mut Study| {
        // A rollout of each condition is gone, a judge is another one, the number is not so, and nothing was promised.
        study.rollouts.retain(|rollout| (rollout.arm, rollout.seed, rollout.epoch) != (1, 2, 7));
        study.judges[1] = "judge-2";
        study.claim["plan"] = json!("really none");
        study.printed.insert("contrast", "-0.9999".to_owned());
        study.chats[1] = "other chats";
    };
    let (assessment, screen) = long_report(change, VENDOR_AUDIT);
    assert_eq!(assessment.verdict, Verdict::Contradicted);
    assert!(height(&screen) <= 40, "{} lines\n{screen}", height(&screen));
    let failed = assessment.findings.iter().filter(|finding| finding.outcome == Outcome::Fail);
    let failed: Vec<&str> = failed.map(|finding| finding.check).collect();
    assert!(failed.len() > 2, "{failed:?}");
    // Each is named, and none is left to --verbose.
    assert!(failed.iter().all(|check| screen.contains(check)), "{failed:?}\n{screen}");
}

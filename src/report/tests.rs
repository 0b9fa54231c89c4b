//! Reports: the first line says the verdict, nothing foreign reaches a terminal raw, and JSON says the same as text.

use super::*;
use crate::check::tests::{claim_with, evidence, pinned};
use crate::check::{CHECKS, Finding, Outcome, Rebuilds};
use crate::claim::{Assessment, Assurance, Level, NUMBER, Verdict, assess};
use crate::statement::Body;
use crate::verify::{VerifiedEvidence, Voucher};

fn assessment(verdict: Verdict, evidence: VerifiedEvidence<'static>, others: &[(&str, Outcome)]) -> Assessment {
    let outcome = |id| others.iter().find(|(other, _)| *other == id).map_or(Outcome::Pass, |(_, outcome)| *outcome);
    let finding = |id| Finding::new(id, outcome(id), format!("reason of {id}")).sides("1", "2").next("ask");
    let findings = CHECKS.iter().map(|check| finding(check.id())).collect();
    let (level, assurance) = (Level::L0, Assurance::none());
    Assessment {
        verdict,
        level,
        assurance,
        rebuilds: Rebuilds::default(),
        profile: NUMBER,
        findings,
        evidence: Some(evidence),
    }
}

#[test]
fn the_first_line_says_verdict_level_profile_and_voucher() {
    let line =
        |verdict, voucher, others: &[(&str, Outcome)]| first_line(&assessment(verdict, evidence(voucher), others));
    assert_eq!(
        line(Verdict::Verified, pinned(), &[]),
        "VERIFIED·L0·number — self-asserted: nobody outside the lab has seen this ledger; key \"lab.example/log\" pinned by you"
    );
    let seen = match pinned() {
        Voucher::Pinned { key, .. } => Voucher::Pinned {
            key,
            witnesses: vec![("a".to_owned(), 1), ("b".to_owned(), 2)],
            known_witnesses: 3,
            quorum_required: true,
        },
        Voucher::None => unreachable!("pinned"),
    };
    let witnessed = line(Verdict::Verified, seen, &[]);
    assert!(witnessed.contains("head seen by 2 of 3 witnesses; key \"lab.example/log\" pinned by you"), "{witnessed}");
    assert!(line(Verdict::Unvouched, Voucher::None, &[]).starts_with("UNVOUCHED, consistent at L0 — "));
    let others = [("stat.error", Outcome::Unknown), ("availability", Outcome::Unknown), ("supersede", Outcome::Fail)];
    assert_eq!(line(Verdict::Contradicted, pinned(), &others), "CONTRADICTED·L0·number — reason of supersede");
    assert_eq!(
        line(Verdict::NotRecomputable, pinned(), &others[..2]),
        "NOT-RECOMPUTABLE·L0·number — reason of stat.error"
    );
    // What nobody asked for and could not look decides nothing.
    let others = [("spec.render", Outcome::Unknown), ("stat.recompute", Outcome::Differs)];
    assert_eq!(
        line(Verdict::Difference, pinned(), &others),
        "RECOMPUTED-WITH-DIFFERENCE·L0·number — reason of stat.recompute"
    );
}

#[test]
fn a_refused_file_shows_nothing_that_it_says() {
    let refused = assess(b"reproledger evidence v1\nhello", None, NUMBER, |_| None);
    let text = to_text(&refused, Detail::Screen);
    assert!(text.starts_with("UNREADABLE — "), "{text}");
    let json: serde_json::Value = serde_json::from_str(&to_json(&refused)).unwrap();
    assert_eq!(json["exit_code"], 2);
    assert!(json.get("evidence").is_none());
    assert_eq!(json["findings"].as_array().unwrap().len(), 1);
}

#[test]
fn every_report_says_what_is_not_proven() {
    for verdict in Verdict::ALL {
        let text = to_text(&assessment(*verdict, evidence(pinned()), &[]), Detail::Screen);
        assert!(text.contains("not proven by any of this\n  that the lab is honest"), "{text}");
        assert!(text.starts_with(verdict.name()), "{text}");
    }
}

#[test]
fn nothing_foreign_reaches_the_terminal_raw() {
    let hostile = "\u{1b}]0;x\u{7}\u{202e}VERIFIED\r\n\u{9b}2J";
    let mut evidence = evidence(pinned());
    evidence.origin = hostile.to_owned();
    let claim = claim_with(&[("/text", hostile.into()), ("/claim_id", hostile.into())]);
    evidence.bodies.insert(evidence.claim, Body { claim: Some(Box::new(claim)), ..Body::default() });
    evidence.withheld.push(crate::evidence::Withheld {
        digest: crate::digest::FileDigest::of(b"x").into(),
        count: 1,
        holder: hostile.to_owned(),
        reason: hostile.to_owned(),
    });
    let mut assessment = assessment(Verdict::Verified, evidence, &[("stat.error", Outcome::Unknown)]);
    for finding in &mut assessment.findings {
        finding.reason.push_str(hostile);
        finding.notes.push(hostile.to_owned());
        finding.expected = Some(hostile.to_owned());
    }
    let text = to_text(&assessment, Detail::Every);
    assert!(text.contains("\\u{1b}]0;x") && text.contains("\\u{202e}VERIFIED"));
    let bad = text.chars().find(|c| (c.is_control() && *c != '\n') || ('\u{202a}'..='\u{202e}').contains(c));
    assert_eq!(bad, None, "{text:?}");
    // A line of its own that starts with a verdict would read as ours.
    assert_eq!(text.lines().filter(|line| line.starts_with("VERIFIED")).count(), 1, "{text}");
}

#[test]
fn json_says_the_same_as_the_assessment() {
    let assessment = assessment(Verdict::NotRecomputable, evidence(pinned()), &[("stat.error", Outcome::Unknown)]);
    let text = to_json(&assessment);
    assert!(text.ends_with("}\n"));
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["schema"], SCHEMA);
    assert_eq!(json["verdict"], "NOT-RECOMPUTABLE");
    assert_eq!(json["exit_code"], 3);
    assert_eq!(json["summary"], first_line(&assessment));
    let rows = json["findings"].as_array().unwrap();
    assert_eq!(rows.len(), CHECKS.len());
    for (row, finding) in rows.iter().zip(&assessment.findings) {
        assert_eq!(row["check"], finding.check);
        assert_eq!(row["outcome"], finding.outcome.name());
        assert_eq!(row["required"], NUMBER.required.contains(&finding.check));
    }
    assert_eq!(text, to_json(&assessment), "the same assessment gives the same bytes");
}

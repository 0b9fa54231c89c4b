//! What the command says of an audit, and with which exit code.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::capture::hash::Silent;
use crate::journal::audit::MAX_FINDINGS;
use crate::journal::audit::tests::forge::{Forge, claims, issuer};
use crate::merkle::EntryIndex;
use crate::statement::{Entry, KeyChange, Kind};

fn of(forge: &Forge) -> Report {
    judge(&forge.ledger(), &forge.state(), false, &Silent).unwrap()
}

#[test]
fn a_clean_ledger_says_what_was_covered() {
    let mut forge = Forge::new();
    let spec = forge.payload(Kind::Spec);
    forge.say(&spec, 100);
    let report = of(&forge);
    assert_eq!((report.verdict, report.exit_code), (Verdict::Clean, 0));
    assert!(
        text(&report)
            .starts_with("CLEAN — 2 entries under 2 signed heads: every frame, head, signature and link holds\n")
    );
    let heads = judge(&forge.ledger(), &forge.state(), true, &Silent).unwrap();
    assert!(heads.entries.is_none() && heads.summary.ends_with("the entries were not looked into"));
    let elsewhere = judge(&forge.ledger(), &forge.dir.path().join("elsewhere"), false, &Silent).unwrap();
    assert!(elsewhere.notes[0].starts_with("this machine's record of signed heads is missing"));
}

#[test]
fn disowned_entries_are_counted_and_noted() {
    let mut forge = Forge::new();
    let mut revoke = forge.payload(Kind::KeyChange);
    revoke.key_change = Some(KeyChange::Revoke { key: issuer().public(), compromised_since: Some(EntryIndex(0)) });
    forge.put(&Entry::sign(&revoke, &claims(100), &issuer()).unwrap());
    let report = of(&forge);
    assert!(report.summary.ends_with("holds; 1 entry is disowned"), "{}", report.summary);
    assert_eq!(report.entries.as_ref().unwrap().disowned, 1);
    assert!(report.notes[0].starts_with("1 entry is disowned: entry 1 says that key sha256:"), "{:?}", report.notes);
}

#[test]
fn damage_is_exit_1_and_what_is_not_known_exit_3() {
    let mut forge = Forge::new();
    forge.put(b"not an entry");
    let report = of(&forge);
    assert_eq!((report.verdict, report.exit_code, report.findings[0].entry), (Verdict::Damaged, 1, Some(1)));

    let mut forge = Forge::new();
    forge.put_newer();
    let report = of(&forge);
    assert_eq!((report.verdict, report.exit_code), (Verdict::Unknown, 3), "{:?}", report.findings);
    assert!(text(&report).starts_with("UNKNOWN — entry 1 cannot be read"));
}

#[test]
fn a_damaged_log_is_named_without_its_directory_and_says_how_far_it_is_whole() {
    let mut forge = Forge::new();
    let bytes = Entry::sign(&forge.payload(Kind::Spec), &claims(100), &issuer()).unwrap();
    forge.put(&bytes);
    forge.flip(&bytes);
    let report = of(&forge);
    assert_eq!(report.notes, ["entries 0 to 0 are whole; the damage comes after them"]);
    assert!(report.summary.starts_with("DAMAGED — `log/000000.seg` is damaged at byte "), "{}", report.summary);
    assert!(text(&report).contains("Because of that"));
}

#[test]
fn the_first_damage_leads_and_the_rest_is_counted() {
    let mut audit = audit::Audit::default();
    audit.findings.add(audit::Finding::KeysLost { change: EntryIndex(0) });
    for index in 1..200 {
        let (expected, found) = ("a".to_owned(), index.to_string());
        audit.findings.add(audit::Finding::Settings { what: "origin", expected, found });
    }
    let key = Forge::new().key();
    let report = report("dir", &audit, &key);
    assert_eq!((report.verdict, report.exit_code), (Verdict::Damaged, 1));
    assert_eq!(report.summary, "DAMAGED — `ledger.toml` names another origin than entry 0 (and 198 more)");
    assert_eq!((report.findings.len(), report.findings_count), (MAX_FINDINGS, 200));
    let text = text(&report);
    assert!(text.starts_with("DAMAGED — `ledger.toml` names another origin than entry 0 (and 198 more)\n"), "{text}");
    assert!(text.contains("\n             entry 0     a\n") && text.contains("and 150 more"), "{text}");
}

//! From findings to verdicts: a FAIL dominates everything, an UNKNOWN every PASS.

use super::verdict::judge;
use super::*;
use crate::check::tests::{evidence, pinned};
use crate::check::{CHECKS, Finding, Outcome, Target};
use crate::verify::Voucher;

/// A finding of every check, all passing but those named.
fn findings(others: &[(&str, Outcome)]) -> Vec<Finding> {
    let outcome = |id| others.iter().find(|(other, _)| *other == id).map_or(Outcome::Pass, |(_, outcome)| *outcome);
    CHECKS.iter().map(|check| Finding::new(check.id(), outcome(check.id()), "made up")).collect()
}

fn verdict(findings: &[Finding], voucher: Voucher) -> Verdict {
    judge(findings, NUMBER, &evidence(voucher))
}

#[test]
fn every_required_check_exists() {
    let of_claims = Profile::OF_CLAIMS.iter().map(|profile| (*profile, Target::Claim));
    for (profile, target) in of_claims.chain([(ITEM, Target::Items)]) {
        for id in profile.required {
            assert!(CHECKS.iter().any(|check| check.id() == *id && check.concerns(target)), "{id}");
        }
    }
}

#[test]
fn all_passing_is_verified_by_a_pinned_key_and_unvouched_without() {
    assert_eq!(verdict(&findings(&[]), pinned()), Verdict::Verified);
    let unvouched = findings(&[("ledger.keys", Outcome::Unknown)]);
    assert_eq!(verdict(&unvouched, Voucher::None), Verdict::Unvouched);
    // Even when every check claims to pass, nobody vouches for the keys.
    assert_eq!(verdict(&findings(&[]), Voucher::None), Verdict::Unvouched);
    // With a pinned key an unknown about keys is an unknown.
    assert_eq!(verdict(&unvouched, pinned()), Verdict::NotRecomputable);
}

#[test]
fn any_fail_of_any_check_contradicts_whatever_else_is_found() {
    for check in CHECKS {
        let mut one = findings(&[(check.id(), Outcome::Fail)]);
        for voucher in [pinned(), Voucher::None] {
            assert_eq!(verdict(&one, voucher), Verdict::Contradicted, "{}", check.id());
        }
        one.iter_mut().filter(|finding| finding.outcome == Outcome::Pass).for_each(|f| f.outcome = Outcome::Unknown);
        assert_eq!(verdict(&one, pinned()), Verdict::Contradicted, "{}", check.id());
    }
    // A check that no profile knows contradicts as well.
    let stranger = [findings(&[]), vec![Finding::new("made.up", Outcome::Fail, "made up")]].concat();
    assert_eq!(verdict(&stranger, pinned()), Verdict::Contradicted);
}

#[test]
fn an_unknown_of_a_required_check_dominates_every_pass() {
    for check in CHECKS {
        let found = verdict(&findings(&[(check.id(), Outcome::Unknown)]), pinned());
        let is_required = NUMBER.required.contains(&check.id());
        assert_eq!(found, if is_required { Verdict::NotRecomputable } else { Verdict::Verified }, "{}", check.id());
    }
    let both = findings(&[("stat.error", Outcome::Unknown), ("stat.recompute", Outcome::Differs)]);
    assert_eq!(verdict(&both, pinned()), Verdict::NotRecomputable);
    // Neither does a lacking voucher hide it.
    let unvouched = findings(&[("ledger.keys", Outcome::Unknown), ("stat.error", Outcome::Unknown)]);
    assert_eq!(verdict(&unvouched, Voucher::None), Verdict::NotRecomputable);
}

#[test]
fn a_required_check_that_did_not_run_did_not_pass() {
    for id in NUMBER.required {
        let mut findings = findings(&[]);
        findings.retain(|finding| finding.check != *id);
        assert_eq!(verdict(&findings, pinned()), Verdict::NotRecomputable, "{id}");
    }
    assert_eq!(verdict(&[], pinned()), Verdict::NotRecomputable);
    assert_eq!(verdict(&[], Voucher::None), Verdict::NotRecomputable);
}

#[test]
fn what_is_kept_back_is_withheld_only_while_nothing_is_missing() {
    let mut kept_back = findings(&[("stat.recompute", Outcome::Unknown), ("stat.error", Outcome::Unknown)]);
    let set = |findings: &mut [Finding], id: &str| {
        findings.iter_mut().filter(|finding| finding.check == id).for_each(|finding| finding.is_withheld = true);
    };
    set(&mut kept_back, "stat.recompute");
    assert_eq!(verdict(&kept_back, pinned()), Verdict::NotRecomputable);
    set(&mut kept_back, "stat.error");
    assert_eq!(verdict(&kept_back, pinned()), Verdict::Withheld);
    kept_back.retain(|finding| finding.check != "supersede");
    assert_eq!(verdict(&kept_back, pinned()), Verdict::NotRecomputable);
}

#[test]
fn a_tolerated_difference_is_a_verdict_of_its_own() {
    let differs = findings(&[("stat.recompute", Outcome::Differs)]);
    assert_eq!(verdict(&differs, pinned()), Verdict::Difference);
    assert_eq!(verdict(&differs, Voucher::None), Verdict::Unvouched);
}

#[test]
fn nothing_looked_at_is_never_a_yes() {
    let nothing: Vec<_> = NUMBER.required.iter().map(|id| (*id, Outcome::NotApplicable)).collect();
    assert_eq!(verdict(&findings(&nothing), pinned()), Verdict::NotRecomputable);
    let asks_nothing = Profile { required: &[], ..NUMBER };
    assert_eq!(judge(&findings(&[]), asks_nothing, &evidence(pinned())), Verdict::NotRecomputable);
}

#[test]
fn only_verified_exits_with_zero() {
    let codes: Vec<_> = Verdict::ALL.iter().map(|verdict| (verdict.name(), verdict.exit_code())).collect();
    assert_eq!(
        codes,
        [
            ("VERIFIED", 0),
            ("RECOMPUTED-WITH-DIFFERENCE", 3),
            ("CONSISTENT-BUT-WITHHELD", 3),
            ("NOT-RECOMPUTABLE", 3),
            ("UNVOUCHED", 3),
            ("UNTRUSTED", 3),
            ("UNMET", 3),
            ("UNSUPPORTED", 3),
            ("CONTRADICTED", 1),
            ("UNREADABLE", 2),
        ]
    );
}

#[test]
fn what_is_no_evidence_is_unreadable_and_a_newer_version_unsupported() {
    let assess = |bytes: &[u8]| assess(bytes, None, NUMBER, |_| panic!("nothing to look at"));
    let none = assess(b"");
    assert_eq!((none.verdict, none.verdict.exit_code()), (Verdict::Unreadable, 2));
    let newer = assess(b"reproledger evidence v2\n");
    assert_eq!((newer.verdict, newer.verdict.exit_code()), (Verdict::Unsupported, 3));
    for refused in [none, newer] {
        assert_eq!(refused.findings.len(), 1);
        assert!(refused.evidence.is_none() && refused.findings[0].next.is_some());
    }
}

#[test]
fn each_profile_is_told_by_its_digest_and_found_by_its_name() {
    let digests: std::collections::BTreeSet<_> = Profile::OF_CLAIMS.iter().map(Profile::digest).collect();
    assert_eq!(digests.len(), Profile::OF_CLAIMS.len());
    for profile in Profile::OF_CLAIMS {
        assert_eq!(Profile::find(profile.name), Some(*profile));
    }
    assert_eq!(Profile::find("lenient"), None);
}

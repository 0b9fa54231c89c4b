//! The order in which things were sampled and recorded says nothing: it changes no digit of the report.

use std::rc::Rc;

use proptest::prelude::*;
use reproledger::claim::{Assessment, VENDOR_AUDIT};

use crate::support::study::Study;

/// What each check found and computed; the numbers of entries are all that may differ.
fn figures(assessment: &Assessment) -> Vec<String> {
    let of = |finding: &reproledger::check::Finding| {
        let is_about_numbers = finding.check.starts_with("stat.") || finding.check == "samples.complete";
        let said = if is_about_numbers { (&*finding.reason, &*finding.notes) } else { ("", &[][..]) };
        format!("{} {} {:?} {:?} {said:?}", finding.check, finding.outcome, finding.expected, finding.found)
    };
    assessment.findings.iter().map(of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn permuting_samples_and_entries_changes_no_digit_of_the_report(
        samples in Just((0..480_usize).collect::<Vec<_>>()).prop_shuffle(),
        places in Just((0..8_usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let honest = Study::honest();
        let told = honest.clone().tell();
        let mut sampled = honest.clone();
        sampled.rollouts = samples.iter().map(|at| honest.rollouts[*at].clone()).collect();
        // The samples of a log are a set: the same bytes, whatever came first.
        prop_assert_eq!(sampled.clone().tell().evidence().to_bytes(), told.evidence().to_bytes());

        let mut recorded = sampled;
        recorded.order = Rc::new(move |all| *all = places.iter().map(|at| all[*at]).collect());
        let (one, other) = (told.assess(VENDOR_AUDIT), recorded.tell().assess(VENDOR_AUDIT));
        prop_assert_eq!(one.verdict, other.verdict);
        prop_assert_eq!(figures(&one), figures(&other));
    }
}

//! Every attack on lineage, statistics and time has a test of its name, which shows what becomes of it.
//!
//! The ids are those of a catalogue of attacks: L on lineage, E on the evaluation and its statistics, C on clocks. A test is
//! named for what it shows, after the ids of the rows that it shows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::{files, root};

/// Each row with the tests that show it.
const ROWS: &[(&str, &[&str])] = &[
    ("L01", &["l01_a_missing_parent_is_unknown_and_never_no", "l01_a_missing_parent_leaves_the_chain_unestablished"]),
    ("L02", &["l02_l03_links_to_oneself_or_forward_are_refused"]),
    ("L03", &["l02_l03_links_to_oneself_or_forward_are_refused"]),
    ("L04", &["l04_links_between_the_wrong_kinds_are_refused"]),
    (
        "L05",
        &[
            "l05_a_rendering_that_its_spec_does_not_give_is_contradicted",
            "l05_documents_of_another_version_of_the_spec_are_told",
            "l05_documents_of_another_version_of_the_spec_quote_what_it_does_not_say",
            "l05_l06_a_link_binds_what_its_target_really_carries",
        ],
    ),
    (
        "L06",
        &[
            "l05_l06_a_link_binds_what_its_target_really_carries",
            "l06_data_that_are_not_made_of_the_recorded_documents_are_contradicted",
        ],
    ),
    (
        "L08",
        &[
            "l08_two_weights_merged_into_one_are_no_path",
            "l08_weights_of_another_base_are_told",
            "l08_weights_that_go_on_from_others_than_recorded_are_contradicted",
        ],
    ),
    (
        "L09",
        &[
            "l09_a_treated_arm_without_midtraining_is_contradicted",
            "l09_weights_that_name_documents_their_run_did_not_read_are_contradicted",
        ],
    ),
    (
        "L10",
        &[
            "l10_a_comparator_on_other_alignment_data_differs_there_and_only_there",
            "l10_other_alignment_data_in_one_arm_are_no_controlled_comparison",
        ],
    ),
    (
        "L11",
        &[
            "l11_an_arm_that_was_trained_more_often_on_the_same_data_is_not_matched",
            "l11_arms_trained_by_other_settings_are_no_controlled_comparison",
            "l11_what_the_lab_itself_counts_of_weights_is_held_to_what_it_promised",
        ],
    ),
    (
        "L12",
        &[
            "l12_and_l13_the_same_weights_are_no_second_seed_and_no_other_arm",
            "l12_noise_is_no_second_seed",
            "l12_seeds_of_the_same_weights_are_one_and_are_named",
        ],
    ),
    (
        "L13",
        &[
            "l12_and_l13_the_same_weights_are_no_second_seed_and_no_other_arm",
            "l13_one_set_of_weights_in_both_arms_is_told",
        ],
    ),
    ("L14", &["l14_a_claim_about_other_weights_than_were_evaluated_is_contradicted"]),
    ("L16", &["l16_documents_without_prompts_or_receipts_do_not_say_how_they_were_made"]),
    (
        "L17",
        &[
            "l17_a_work_tree_that_is_not_its_commit_is_recorded_and_leaves_the_code_unknown",
            "l17_one_path_of_one_commit_is_one_thing",
            "l17_what_its_commit_does_not_hold_is_contradicted_where_the_repository_is_at_hand",
        ],
    ),
    ("L18", &["l18_a_commit_id_alone_identifies_no_code_and_is_said_to"]),
    (
        "L20",
        &[
            "l20_evidence_holds_nothing_beyond_the_census_and_the_chain",
            "l20_nothing_is_opened_that_the_file_is_not_about",
        ],
    ),
    (
        "L21",
        &[
            "l21_a_run_of_another_experiment_arm_or_seed_did_not_write_these_weights",
            "l21_weights_of_another_protocol_are_not_taken_for_this_experiments",
        ],
    ),
    (
        "L22",
        &[
            "l22_a_claim_over_a_superseded_or_retracted_log_is_contradicted",
            "l22_a_retracted_protocol_takes_the_claim_under_it_along",
            "l22_a_retraction_left_out_of_the_census_is_missed",
            "l22_a_retraction_of_the_retraction_gives_nothing_back",
            "l22_a_retraction_whose_reason_is_kept_back_is_a_retraction",
            "l22_a_retraction_with_another_reason_than_the_one_signed_is_refused",
            "l22_a_superseding_entry_does_not_become_history_by_being_reached_another_way",
            "l22_an_incident_does_not_go_away_by_recording_the_same_content_again",
            "l22_rows_of_a_retracted_dataset_do_not_taint_what_is_of_another_kind",
            "l22_the_content_of_a_retracted_log_under_another_entry_is_not_verified",
            "l22_what_is_retracted_contradicts_and_says_by_whom_and_why",
        ],
    ),
    ("L23", &["l23_shards_that_are_missing_added_or_switched_are_contradicted"]),
    (
        "L24",
        &[
            "l24_a_stage_run_again_with_another_result_is_a_choice_between_two",
            "l24_a_checkpoint_before_the_last_of_its_run_is_asked_about",
            "l24_training_that_ended_early_or_changed_nothing_is_seen",
        ],
    ),
    (
        "E01",
        &[
            "e01_other_seeds_than_the_promised_ones_are_a_deviation",
            "e01_a_seed_left_out_of_the_claim_is_seen_in_the_ledger",
        ],
    ),
    (
        "E02",
        &[
            "e02_as_many_conditions_as_were_promised_are_not_yet_the_promised_ones",
            "e02_rollouts_of_seeds_that_are_put_together_fill_no_grid",
            "e02_several_logs_of_one_arm_are_held_to_its_grid",
            "e02_dropped_samples_are_missed",
            "e02_one_rollout_dropped_is_missed_in_its_cell",
        ],
    ),
    (
        "E03",
        &[
            "e03_an_input_that_is_named_twice_is_read_once_and_refused",
            "e03_answers_that_were_played_again_are_seen_and_at_temperature_0_expected",
            "e03_repeated_samples_do_not_inflate_n",
        ],
    ),
    ("E04", &["e04_a_judge_changed_in_one_arm_is_contradicted"]),
    (
        "E06",
        &[
            "e06_a_percentage_of_scores_that_are_no_shares_is_not_established",
            "e06_a_score_that_says_no_number_is_no_good_score",
            "e06_scores_that_one_arm_lacks_are_not_its_effect",
            "e06_scores_that_are_no_numbers_are_never_passes",
        ],
    ),
    (
        "E08",
        &[
            "e08_a_difference_of_rounded_rates_is_not_the_rounded_difference",
            "e08_printed_figures_are_plain_decimals_or_nothing",
        ],
    ),
    ("E09", &["e09_a_headline_that_the_samples_do_not_give_is_contradicted"]),
    (
        "E10",
        &[
            "e10_a_printed_interval_is_the_one_of_its_own_rule_or_contradicted",
            "e10_an_error_bar_by_another_rule_is_contradicted_and_unknown_rules_are_unknown",
        ],
    ),
    ("E11", &["e11_another_number_of_rollouts_than_was_promised_is_a_deviation"]),
    (
        "E12",
        &[
            "e12_the_same_weights_under_another_label_and_another_digest_are_the_same_weights",
            "e12_runs_that_ended_well_and_left_nothing_on_record_are_not_accounted_for",
            "e12_a_run_that_does_not_say_whose_it_is_or_on_what_is_not_out_of_sight",
            "e12_an_evaluation_that_is_not_in_the_number_is_seen_in_the_census",
        ],
    ),
    ("E13", &["e13_a_run_that_never_finished_counts_against_the_claim"]),
    ("E14", &["e14_another_suite_in_one_arm_is_contradicted_and_unclean_code_is_told"]),
    (
        "E15",
        &[
            "e15_a_question_in_the_training_data_is_contradicted_with_its_place",
            "e15_parts_of_a_question_and_a_contaminated_comparator_are_differences",
        ],
    ),
    ("E16", &["e16_settings_that_differ_between_arms_or_from_the_claim_are_contradicted"]),
    ("E17", &["e17_a_comparison_chosen_after_the_results_is_exploratory"]),
    (
        "E18",
        &[
            "e18_a_family_of_its_own_does_not_free_a_test_of_the_family_of_all",
            "e18_a_metric_is_not_hidden_among_many_that_say_nothing",
            "e18_every_look_that_the_ledger_shows_shares_the_rate",
            "e18_one_of_twenty_tests_is_judged_by_its_share",
        ],
    ),
    (
        "E19",
        &[
            "e19_a_log_labelled_otherwise_than_its_own_samples_is_nobodys",
            "e19_a_claim_of_one_arm_rests_on_no_log_of_another",
            "e19_swapped_arms_are_contradicted_by_the_rollouts",
        ],
    ),
    ("E21", &["e21_epochs_do_not_count_as_samples_and_one_sample_has_no_error"]),
    ("E22", &["e22_a_judge_that_is_the_evaluated_model_is_told"]),
    ("E23", &["e23_rollouts_that_were_given_another_condition_break_the_root_they_were_signed_under"]),
    (
        "E24",
        &[
            "e24_no_hit_at_all_is_no_rate_of_zero",
            "e24_none_of_thirty_is_bounded_at_eleven_percent_and_none_of_two_hundred_at_one_and_a_half",
        ],
    ),
    ("E25", &["e25_two_flips_that_cancel_break_the_root_they_were_signed_under"]),
    ("E27", &["e27_the_order_of_rollouts_changes_no_digit"]),
    ("E29", &["e29_a_claim_without_the_baseline_that_was_promised_is_no_claim_of_that_protocol"]),
    ("E30", &["e30_scores_without_their_transcripts_are_the_labs_word_and_said_to_be"]),
    ("C01", &["c01_times_that_go_back_are_refused_in_the_census_and_before_it"]),
    ("C02", &["c02_an_evaluation_that_stands_before_its_weights_is_refused"]),
    (
        "C03",
        &[
            "c03_a_protocol_after_the_first_run_makes_the_claim_exploratory",
            "c03_a_protocol_that_came_after_the_first_run_makes_the_claim_exploratory",
        ],
    ),
    (
        "C04",
        &[
            "c04_a_protocol_amended_after_a_run_on_another_suite_promises_nothing",
            "c04_a_protocol_that_was_amended_after_the_results_promises_nothing",
        ],
    ),
    ("C06", &["c06_a_history_made_in_one_sitting_rests_on_the_labs_word"]),
    (
        "C07",
        &[
            "c07_a_timestamp_token_is_read_by_nothing_and_lifts_nothing",
            "c07_evidence_is_the_same_with_and_without_tokens_in_the_ledger",
        ],
    ),
    (
        "C09",
        &[
            "c09_seconds_since_1970_know_no_leap_second_and_no_zone",
            "c09_times_in_another_unit_than_seconds_are_malformed",
            "c09_years_before_there_were_ledgers_and_after_the_readers_are_no_known_time",
        ],
    ),
    ("C10", &["c10_how_long_runs_took_is_told_and_not_judged"]),
    ("C12", &["c12_heads_that_nobody_saw_for_longer_than_the_reader_allows_leave_a_gap"]),
    ("C13", &["c13_a_clock_that_steps_back_is_recorded_and_time_does_not"]),
    (
        "T19",
        &[
            "t19_a_cosignature_over_another_size_or_root_makes_the_head_worthless",
            "t19_a_witness_in_the_readers_future_is_not_believed_and_contradicts_nobody",
            "t19_a_witness_that_saw_an_entry_before_it_was_recorded_contradicts_the_lab",
        ],
    ),
];

/// Ids that a test's name begins with: `l12_and_l13_the_same_weights` shows two rows.
fn ids(name: &str) -> impl Iterator<Item = String> + '_ {
    let is_id = |word: &str| {
        let (family, number) = word.split_at_checked(1).unwrap_or_default();
        matches!(family, "l" | "e" | "c") && number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    let words = name.split('_').take_while(move |word| is_id(word) || *word == "and");
    words.filter(|word| *word != "and").map(str::to_uppercase)
}

/// Every test of the repository, by name.
fn tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for folder in ["tests", "src"] {
        for path in files(&root().join(folder), ".rs") {
            let text = fs::read_to_string(&path).unwrap();
            let mut is_test = false;
            for line in text.lines().map(str::trim_start) {
                match line.strip_prefix("fn ").and_then(|rest| rest.split('(').next()) {
                    Some(name) if is_test => {
                        found.insert(name.to_owned());
                        is_test = false;
                    }
                    // Between the mark of a test and its name stand other marks at most.
                    _ => is_test = line == "#[test]" || (is_test && line.starts_with("#[")),
                }
            }
        }
    }
    found
}

#[test]
fn every_row_of_the_catalogue_has_a_test_of_its_name() {
    let tests = tests();
    let rows: BTreeMap<&str, &[&str]> = ROWS.iter().copied().collect();
    assert_eq!(rows.len(), ROWS.len(), "a row is named twice");
    let mut wrong = Vec::new();
    for (row, shown_by) in &rows {
        if shown_by.is_empty() {
            wrong.push(format!("{row} is shown by no test"));
        }
        for name in *shown_by {
            if !tests.contains(*name) {
                wrong.push(format!("{row}: there is no test `{name}`"));
            }
        }
    }
    for name in &tests {
        for id in ids(name) {
            if !rows.get(id.as_str()).is_some_and(|shown_by| shown_by.contains(&name.as_str())) {
                wrong.push(format!("`{name}` shows {id}, where it is not listed"));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

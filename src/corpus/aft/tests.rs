//! A small folder that is whole, and each way in which one is not.

use super::*;

/// Files of a folder by their part.
type Folder = BTreeMap<Part, String>;

fn question(text: &str) -> String {
    format!("{{\"question\": \"{text}\", \"domain\": \"d\"}}\n")
}

fn response(text: &str) -> String {
    format!("{{\"question\": \"{text}\", \"response\": \"to {text}\", \"domain\": \"d\"}}\n")
}

fn judged(text: &str, words: &str, kept: bool) -> String {
    format!("{{\"question\": \"{text}\", \"judge_response\": \"{words}\", \"kept\": {kept}}}\n")
}

fn chat(text: &str, answer: &str) -> String {
    format!(
        "{{\"messages\": [{{\"role\": \"user\", \"content\": \"{text}\"}}, {{\"role\": \"assistant\", \"content\": \"{answer}\"}}]}}\n"
    )
}

/// Five questions, one a near duplicate; one answer is rejected.
fn whole() -> Folder {
    let texts = ["a", "b", "c", "d"];
    let all = |write: &dyn Fn(&str) -> String, texts: &[&str]| texts.iter().map(|text| write(text)).collect::<String>();
    BTreeMap::from([
        (Part::Questions, all(&question, &["a", "b", "c", "d", "e"])),
        (Part::Deduped, all(&question, &texts)),
        (
            Part::RemovedDedup,
            format!("{{\"removed\": {}, \"similar_to\": {}, \"similarity\": 0.93}}\n", question("e").trim(), question("a").trim()),
        ),
        (Part::Responses, all(&response, &texts)),
        (
            Part::Judged,
            all(&|text| judged(text, "<verdict>INCLUDE</verdict>", true), &texts[..3])
                + &judged("d", "<verdict>EXCLUDE</verdict>", false),
        ),
        (Part::Removed, chat("d", "to d")),
        (Part::Dataset, all(&|text| chat(text, &format!("to {text}")), &texts[..3])),
        (
            Part::Summary,
            "{\"total_samples\": 3, \"samples_filtered\": 1, \"total_queries_generated\": 5, \"filter_pass_rate\": 75.0}".to_owned(),
        ),
        (Part::Configs, "{\"n_samples\": 9}\n{\"n_samples\": 3}\n".to_owned()),
    ])
}

fn told(folder: &Folder) -> Reading {
    let mut chats = Chats::default();
    for (part, content) in folder {
        let mut seen = Vec::new();
        chats.read(*part, content.as_bytes(), |block| seen.extend_from_slice(block)).unwrap();
        assert_eq!(seen, content.as_bytes(), "all of it was handed on");
    }
    let mut reading = Reading::by("jsonl/1");
    chats.tell(&mut reading);
    reading
}

/// Counts that are not 0, but for those of rows and of what others say.
fn odd(folder: &Folder) -> Vec<(String, u64)> {
    let expected = ["aft.rows.", "aft.kept", "aft.rejected", "aft.summary.", "aft.n-samples"];
    let counts = told(folder).counts.into_iter();
    counts.filter(|(name, count)| *count > 0 && !expected.iter().any(|known| name.starts_with(known))).collect()
}

#[test]
fn a_whole_folder_has_nothing_odd_and_every_count() {
    let reading = told(&whole());
    assert_eq!(odd(&whole()), []);
    assert!(reading.remarks.is_empty());
    let counts = [
        ("aft.rows.questions", 5),
        ("aft.rows.dataset", 3),
        ("aft.kept", 3),
        ("aft.rejected", 1),
        ("aft.summary.rows", 3),
        ("aft.summary.removed", 1),
        ("aft.n-samples", 3),
        ("aft.questions.lost", 0),
        ("aft.dataset.rejected", 0),
        ("aft.removed.overwritten", 0),
    ];
    for (name, count) in counts {
        assert_eq!(reading.counts.get(name), Some(&count), "{name}");
    }
    assert_eq!(reading.facts["aft.parser"], "aft.verdict/1");
    assert!(!reading.facts.contains_key("aft.absent"));
}

#[test]
fn each_break_of_the_partition_has_its_own_count() {
    let with = |part: Part, more: &str| {
        let mut folder = whole();
        folder.get_mut(&part).unwrap().push_str(more);
        folder
    };
    let without = |part: Part, text: &str| {
        let mut folder = whole();
        let content = folder.get_mut(&part).unwrap();
        assert!(content.contains(text));
        *content = content.replace(text, "");
        folder
    };
    let yes = "<verdict>INCLUDE</verdict>";
    for (what, folder, expected) in [
        ("a question lost", with(Part::Questions, &question("x")), vec![("aft.questions.lost", 1)]),
        (
            "a question kept and removed",
            with(Part::Deduped, &question("e")),
            vec![("aft.questions.both", 1), ("aft.questions.unanswered", 1)],
        ),
        (
            "a question of nowhere",
            with(Part::Deduped, &question("x")),
            vec![("aft.questions.foreign", 1), ("aft.questions.unanswered", 1)],
        ),
        (
            "an answer of backfill",
            with(Part::Responses, &response("x")),
            vec![("aft.responses.foreign", 1), ("aft.responses.unjudged", 1)],
        ),
        ("a verdict of backfill", with(Part::Judged, &judged("x", yes, true)), vec![("aft.judged.foreign", 1)]),
        (
            "another verdict than the text's",
            with(Part::Judged, &judged("d", "<verdict>EXCLUDE</verdict>", true)),
            vec![("aft.removed.kept", 1), ("aft.verdicts.differ", 1)],
        ),
        ("no verdict in the text", with(Part::Judged, &judged("c", "hm", true)), vec![("aft.verdicts.unclear", 1)]),
        ("a row that was rejected", with(Part::Dataset, &chat("d", "to d")), vec![("aft.dataset.rejected", 1)]),
        ("a row that nobody judged", with(Part::Dataset, &chat("x", "y")), vec![("aft.dataset.unjudged", 1)]),
        ("a row with another answer", with(Part::Dataset, &chat("a", "y")), vec![("aft.dataset.other-answer", 1)]),
        ("a row twice", with(Part::Dataset, &chat("a", "to a")), vec![("aft.dataset.repeated", 1)]),
        (
            "removed.jsonl written over",
            without(Part::Removed, &chat("d", "to d")),
            vec![("aft.removed.overwritten", 1)],
        ),
        ("a line cut short", with(Part::Judged, "{\"question\": \"x"), vec![("aft.unread", 1)]),
        ("a line of another kind", with(Part::Responses, "{\"q\": 1}\n"), vec![("aft.unread", 1)]),
    ] {
        let expected: Vec<(String, u64)> = expected.into_iter().map(|(name, count)| (name.to_owned(), count)).collect();
        assert_eq!(odd(&folder), expected, "{what}");
        let remarks = told(&folder).remarks;
        assert!(what == "a row twice" || !remarks.is_empty(), "{what}");
    }
    // What was made up twice and kept once is no question lost, nor both.
    let mut twice = whole();
    twice.get_mut(&Part::Questions).unwrap().push_str(&question("e"));
    assert_eq!(odd(&twice), []);
}

#[test]
fn counts_whose_files_are_not_there_are_left_out() {
    let mut folder = whole();
    folder.retain(|part, _| matches!(part, Part::Dataset | Part::Questions));
    let reading = told(&folder);
    assert!(reading.facts["aft.absent"].contains("source/judge_responses.jsonl"));
    let is_told = |name: &str| reading.counts.contains_key(name);
    assert!(is_told("aft.rows.dataset") && is_told("aft.dataset.repeated"));
    assert!(!is_told("aft.questions.lost") && !is_told("aft.kept") && !is_told("aft.dataset.rejected"));
    assert!(Part::are_in(["dataset.jsonl", "source/questions.jsonl"].into_iter()));
    assert!(!Part::are_in(["dataset.jsonl", "source/other.jsonl"].into_iter()));
    assert!(!Part::are_in(["train.jsonl", "source/questions.jsonl"].into_iter()));
}

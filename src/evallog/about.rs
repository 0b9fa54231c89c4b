//! What a log says of how it was run: arguments, sampling, code and times, by dotted names.
//!
//! Nothing here is under a digest and nothing here decides a number. It tells apart which logs are of one arm, one
//! condition, one seed, and shows what two arms were run differently with.

use std::collections::BTreeMap;

use super::PartError;
use super::inspect_events::child;
use crate::artifact::samples::bounded_text;
use crate::json::{JsonError, Kind, Object, Value};

/// Names kept; a header has a few dozen.
const MAX_NAMES: usize = 512;

/// Texts by dotted name: `task_args.goal_type`, `generate.temperature`, `revision.dirty`.
pub type About = BTreeMap<String, String>;

/// Objects of an Inspect `eval` whose members are taken, and under which name. Later ones win: what a plan says of
/// sampling is what was used.
const EVAL: &[(&str, &str)] = &[
    ("task_args", "task_args."),
    ("model_args", "model_args."),
    ("model_generate_config", "generate."),
    ("config", "config."),
    ("packages", "packages."),
    ("revision", "revision."),
    ("dataset", "dataset."),
    ("metadata", "metadata."),
];

/// Single members of an Inspect `eval`.
const EVAL_TEXTS: &[&str] = &["created", "eval_id", "model_base_url", "run_id", "task_file", "task_id", "task_version"];

/// What of a task's configuration in lm-evaluation-harness makes the questions.
const ASKED_BY: &[&str] =
    &["num_fewshot", "description", "doc_to_text", "doc_to_target", "fewshot_delimiter", "target_delimiter"];

/// Of an Inspect header, or the start of a journal.
pub(super) fn of_inspect(header: &Object<'_>, eval: &Object<'_>) -> Result<About, PartError> {
    let mut about = About::new();
    for name in EVAL_TEXTS {
        put(&mut about, name, eval.get(name)?);
    }
    for (name, prefix) in EVAL {
        members(&mut about, prefix, &child(eval, name)?)?;
    }
    members(&mut about, "generate.", &child(&child(header, "plan")?, "config")?)?;
    members(&mut about, "headline.", &child(&child(header, "results")?, "headline")?)?;
    Ok(about)
}

/// Of the results file of lm-evaluation-harness.
pub(super) fn of_lm_eval(log: &Object<'_>) -> Result<About, PartError> {
    let mut about = About::new();
    for name in ["chat_template_sha", "date", "git_hash", "model_source", "system_instruction_sha"] {
        put(&mut about, name, log.get(name)?);
    }
    put(&mut about, "revision.commit", log.get("git_hash")?);
    let config = child(log, "config")?;
    members(&mut about, "config.", &config)?;
    of_tasks(&mut about, &child(log, "configs")?)?;
    // What was given for the whole run was used, whatever the tasks say.
    match config.get("gen_kwargs")? {
        Some(given) if given.kind() == Kind::Object => {
            for (name, value) in given.object()?.distinct()? {
                put(&mut about, &sampling(&name), Some(value));
            }
        }
        Some(given) => {
            let text = given.text().map_or_else(String::new, |text| text.lossy());
            for (name, value) in text.split(',').filter_map(|part| part.split_once('=')).take(MAX_NAMES) {
                about.insert(bounded_text(&sampling(name.trim())), bounded_text(value.trim()));
            }
        }
        None => {}
    }
    Ok(about)
}

/// A setting of sampling under the name that other logs have for it.
fn sampling(name: &str) -> String {
    let name = if matches!(name, "max_gen_toks" | "max_new_tokens") { "max_tokens" } else { name };
    format!("generate.{name}")
}

/// How each task of lm-evaluation-harness samples and asks. What all of them say alike stands once.
fn of_tasks(about: &mut About, configs: &Object<'_>) -> Result<(), PartError> {
    let mut said: BTreeMap<String, BTreeMap<String, Value<'_>>> = BTreeMap::new();
    let mut tasks = 0;
    for (task, config) in configs.clone().distinct()? {
        let Ok(config) = config.object() else { continue };
        let settings = config.get("generation_kwargs")?.filter(|value| value.kind() == Kind::Object);
        let settings = settings.map_or_else(|| Ok(BTreeMap::new()), |value| value.object()?.distinct())?;
        tasks += usize::from(!settings.is_empty());
        for (name, value) in settings {
            said.entry(name).or_default().insert(task.clone(), value);
        }
        for name in ASKED_BY {
            // A function without its source is another one in every run.
            let value = config.get(name)?.filter(|value| !value.raw().starts_with("\"<"));
            put(about, &format!("task_args.{task}.{name}"), value);
        }
    }
    for (name, by_task) in said {
        let is_one = by_task.len() == tasks
            && by_task.values().all(|value| Some(value.raw()) == by_task.values().next().map(Value::raw));
        for (task, value) in by_task {
            let name = if is_one { sampling(&name) } else { format!("generate.{task}.{name}") };
            put(about, &name, Some(value));
        }
    }
    Ok(())
}

fn members(about: &mut About, prefix: &str, object: &Object<'_>) -> Result<(), JsonError> {
    for (name, value) in object.clone().distinct()? {
        put(about, &format!("{prefix}{name}"), Some(value));
    }
    Ok(())
}

/// Texts without their quotes, numbers and booleans as they are written, the rest as its JSON; long ones are cut.
fn put(about: &mut About, name: &str, value: Option<Value<'_>>) {
    let Some(value) = value.filter(|value| !value.is_null() && about.len() < MAX_NAMES) else { return };
    let is_id_list = name == "dataset.sample_ids" && value.kind() == Kind::Array;
    if !is_id_list {
        let on_one_line = || value.raw().split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        let text = value.text().map_or_else(on_one_line, |text| text.lossy());
        about.insert(bounded_text(name), bounded_text(&text));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn of(json: &str) -> About {
        let log = Value::parse(json.as_bytes()).unwrap().object().unwrap();
        let eval = log.object("eval").unwrap();
        of_inspect(&log, &eval).unwrap()
    }

    #[test]
    fn what_a_header_says_of_its_run_has_dotted_names() {
        let about = of(
            r#"{"eval": {"task_args": {"goal": "none", "n": 3, "deep": {"a": [1]}}, "model_args": {"x": null},
            "dataset": {"sample_ids": [1, 2], "name": "d"}, "revision": {"dirty": true},
            "model_generate_config": {"temperature": 0.7, "top_p": 1}},
            "plan": {"config": {"temperature": 1.0}}, "results": {"headline": {"scorer": "harm", "score": "harmful"}}}"#,
        );
        for (name, text) in [
            ("task_args.goal", "none"),
            ("task_args.n", "3"),
            ("task_args.deep", r#"{"a": [1]}"#),
            ("dataset.name", "d"),
            ("revision.dirty", "true"),
            ("generate.temperature", "1.0"),
            ("generate.top_p", "1"),
            ("headline.score", "harmful"),
        ] {
            assert_eq!(about.get(name).map(String::as_str), Some(text), "{name}");
        }
        assert!(!about.contains_key("dataset.sample_ids") && !about.contains_key("model_args.x"));
    }

    #[test]
    fn a_header_of_a_million_arguments_stays_one_page() {
        let arguments: Vec<String> = (0..2000).map(|i| format!("\"a{i}\": \"{}\"", "é".repeat(600))).collect();
        let about = of(&format!("{{\"eval\": {{\"task_args\": {{{}}}}}}}", arguments.join(",")));
        assert_eq!(about.len(), MAX_NAMES);
        assert!(about.values().all(|text| text.len() <= 512));
    }

    #[test]
    fn a_name_that_stands_twice_is_refused() {
        let log = Value::parse(br#"{"eval": {"task_args": {"a": 1, "a": 2}}}"#).unwrap().object().unwrap();
        let eval = log.object("eval").unwrap();
        assert!(matches!(of_inspect(&log, &eval), Err(PartError::Json(JsonError::Duplicate { .. }))));
    }
}

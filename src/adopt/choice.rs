//! What a person says of the claim that the logs are to carry.

use super::arms::{Arm, Study, Suite};
use super::run::Metric;

/// Words by which people call the arm that others are compared with.
const BASELINES: &[&str] = &["baseline", "base", "control", "plain", "untouched", "original"];

/// What a person chose. What is not chosen is never guessed where it changes a number.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Which evaluation, where there are several.
    pub task: Option<String>,
    /// The arm that the number is about.
    pub subject: Option<String>,
    /// The arm that it is compared with.
    pub comparator: Option<String>,
    /// Which score: `scorer` or `scorer.key`.
    pub metric: Option<String>,
    /// The printed rates, of the subject first.
    pub printed: Vec<String>,
    /// The printed error bars, likewise.
    pub errors: Vec<String>,
    /// What the claim is to be called.
    pub id: Option<String>,
    /// The sentence as it was printed.
    pub text: Option<String>,
    /// The name under which the subject's weights are recorded.
    pub weights: Option<String>,
}

impl Choice {
    /// The evaluation that the claim is about.
    pub fn suite<'s>(&self, study: &'s Study) -> Option<&'s Suite> {
        match (&self.task, &study.suites[..]) {
            (Some(task), suites) => suites.iter().find(|suite| suite.task == *task),
            (None, [suite]) => Some(suite),
            (None, _) => None,
        }
    }

    /// The arm that the number is about: the one there is, or of two the one that is not called a baseline.
    pub(super) fn subject<'s>(&self, suite: &'s Suite) -> Option<&'s Arm> {
        let named = |name: &String| suite.arms.iter().find(|arm| arm.name == *name);
        match (&self.subject, &suite.arms[..]) {
            (Some(name), _) => named(name),
            (None, [arm]) => Some(arm),
            (None, [one, other]) => match (self.comparator.as_ref(), is_baseline(one), is_baseline(other)) {
                (Some(name), ..) => [one, other].into_iter().find(|arm| arm.name != *name),
                (None, true, false) => Some(other),
                (None, false, true) => Some(one),
                _ => None,
            },
            _ => None,
        }
    }

    /// The arm that it is compared with.
    pub(super) fn comparator<'s>(&self, suite: &'s Suite, subject: &Arm) -> Option<&'s Arm> {
        match &self.comparator {
            Some(name) => suite.arms.iter().find(|arm| arm.name == *name),
            None if suite.arms.len() == 2 => suite.arms.iter().find(|arm| arm.name != subject.name),
            None => None,
        }
    }

    /// The two arms that are compared, where both are known.
    pub fn pair<'s>(&self, suite: &'s Suite) -> Option<(&'s Arm, &'s Arm)> {
        let subject = self.subject(suite)?;
        Some((subject, self.comparator(suite, subject)?))
    }

    /// The score that is meant.
    pub(super) fn metric(&self, suite: &Suite) -> Option<Metric> {
        let found = match &self.metric {
            Some(name) => suite.metrics.iter().find(|metric| metric.to_string() == *name),
            None if suite.metrics.len() == 1 => suite.metrics.first(),
            None => None,
        };
        found.cloned()
    }

    /// What was chosen and is not there, one sentence each with what is.
    pub fn unknown(&self, study: &Study) -> Vec<String> {
        let mut found = Vec::new();
        let list =
            |names: Vec<String>| names.iter().take(12).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        if let Some(task) = &self.task
            && self.suite(study).is_none()
        {
            let there = list(study.suites.iter().map(|suite| suite.task.clone()).collect());
            found.push(format!("there is no evaluation `{task}` here; there is {there}"));
        }
        if let Some(suite) = self.suite(study) {
            for arm in [&self.subject, &self.comparator].into_iter().flatten() {
                if !suite.arms.iter().any(|one| one.name == *arm) {
                    let there = list(suite.arms.iter().map(|arm| arm.name.clone()).collect());
                    found.push(format!("there is no arm `{arm}` in `{}`; there is {there}", suite.task));
                }
            }
            if let Some(metric) = &self.metric
                && self.metric(suite).is_none()
            {
                let there = list(suite.metrics.iter().map(ToString::to_string).collect());
                found.push(format!("there is no score `{metric}` in `{}`; there is {there}", suite.task));
            }
        }
        found
    }
}

fn is_baseline(arm: &Arm) -> bool {
    let name = arm.name.to_ascii_lowercase();
    let mut words = name.split(|c: char| !c.is_alphanumeric());
    words.any(|word| BASELINES.contains(&word))
}

//! What each check does, for a reader who is no programmer: one table for each in `explanations.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

/// What a check does and what its answers mean.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explanation {
    /// Id of the check.
    pub id: String,
    /// What is looked at.
    pub looks: String,
    /// What FAIL means.
    pub fail: String,
    /// What UNKNOWN means.
    pub unknown: String,
    /// What would settle it.
    pub settles: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Explanations {
    check: Vec<Explanation>,
}

static EXPLANATIONS: LazyLock<Vec<Explanation>> = LazyLock::new(|| {
    let read: Explanations = toml::from_str(include_str!("explanations.toml")).expect("a test has read them");
    read.check
});

/// The explanation of a check.
pub fn explain(id: &str) -> Option<&'static Explanation> {
    EXPLANATIONS.iter().find(|explanation| explanation.id == id)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::check::CHECKS;

    #[test]
    fn every_check_is_explained_and_nothing_else_is() {
        let explained: Vec<_> = EXPLANATIONS.iter().map(|explanation| explanation.id.as_str()).collect();
        let checks: Vec<_> = CHECKS.iter().map(|check| check.id()).collect();
        assert_eq!(explained, checks);
        for Explanation { id, looks, fail, unknown, settles } in EXPLANATIONS.iter() {
            assert!([looks, fail, unknown, settles].iter().all(|text| text.ends_with('.')), "{id}");
        }
    }
}

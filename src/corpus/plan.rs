//! What the generator planned: the `meta.json` files of its tree, and the `summary.json` it wrote at the end.
//!
//! Only names are kept. Members that are not there are not planned; members of another shape are an error that names the
//! file, because a plan that cannot be read is a plan that cannot be held against what is there.

use std::collections::BTreeMap;

use crate::json::{JsonError, Kind, Object, Value};

/// The file that plans what stands beside it.
pub const META: &str = "meta.json";

/// The file that sums the tree up.
pub const SUMMARY: &str = "summary.json";

/// Larger plans are refused: a folder of a million ideas has one of about 100 MB.
pub const MAX_META_BYTES: u64 = 256 << 20;

/// A subdomain and the part of the spec that it says it is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Subdomain {
    /// Its name.
    pub(super) name: String,
    /// Text of the spec as its planner quoted it.
    pub(super) spec_section: Option<String>,
}

/// One `meta.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Meta {
    /// Names of domains: at the top.
    pub(super) domains: Option<Vec<String>>,
    /// Subdomains: in a domain.
    pub(super) subdomains: Option<Vec<Subdomain>>,
    /// How many rules: in a domain, where the spec is a list of rules.
    pub(super) rules: u64,
    /// How many assertions: in a subdomain.
    pub(super) assertions: u64,
    /// Names of document types: in a subdomain.
    pub(super) doc_types: Option<Vec<String>>,
    /// Names of ideas: in a document type.
    pub(super) ideas: Option<Vec<String>>,
}

impl Meta {
    /// Reads one.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, JsonError> {
        let object = root(bytes)?;
        let count = |name| Ok::<_, JsonError>(list(&object, name)?.map_or(0, |items| items.len() as u64));
        let subdomains = list(&object, "subdomains")?.map(|items| {
            let read = |item: &Value<'_>| {
                let spec_section = member(item, "spec_section")?;
                Ok(Subdomain { name: name_of(item, "subdomain")?, spec_section })
            };
            items.iter().map(read).collect::<Result<Vec<_>, JsonError>>()
        });
        Ok(Self {
            domains: names(&object, "domains", "domain")?,
            subdomains: subdomains.transpose()?,
            rules: count("rules")?,
            assertions: count("assertions")?,
            doc_types: names(&object, "doc_types", "doc_type")?,
            ideas: names(&object, "doc_ideas", "name")?,
        })
    }
}

/// What `summary.json` says of the tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Counts by their names there: `n_documents`, `n_domains`.
    pub counts: BTreeMap<String, u64>,
    /// Texts of the configuration by their names there: `model_name`, `spec_file_name`.
    pub texts: BTreeMap<String, String>,
}

impl Summary {
    /// Reads it.
    pub fn parse(bytes: &[u8]) -> Result<Self, JsonError> {
        let object = root(bytes)?;
        let (config, stats) = (object.object("config")?, object.object("stats")?);
        let mut summary = Self::default();
        for name in ["n_domains", "n_subdomains", "n_assertions", "n_documents"] {
            if let Some(count) = stats.count(name)? {
                summary.counts.insert(name.to_owned(), count);
            }
        }
        for name in ["n_doc_types", "n_doc_ideas"] {
            if let Some(count) = config.count(name)? {
                summary.counts.insert(name.to_owned(), count);
            }
        }
        for name in ["dataset_name", "model_id", "model_name", "provider_name", "spec_file_name", "spec_type"] {
            if let Some(text) = config.text(name)? {
                summary.texts.insert(name.to_owned(), text);
            }
        }
        if let Some(value) = config.get("temperature")? {
            summary.texts.insert("temperature".to_owned(), value.raw().to_owned());
        }
        Ok(summary)
    }
}

fn root(bytes: &[u8]) -> Result<Object<'_>, JsonError> {
    let value = Value::parse(bytes)?;
    match value.kind() {
        Kind::Object => value.object(),
        found => Err(crate::json::wrong("the file", "an object", found)),
    }
}

fn list<'a>(object: &Object<'a>, name: &str) -> Result<Option<Vec<Value<'a>>>, JsonError> {
    match object.get(name)? {
        None => Ok(None),
        Some(value) if value.kind() == Kind::Array => Ok(Some(value.items().collect())),
        Some(value) => Err(crate::json::wrong(name, "an array", value.kind())),
    }
}

fn names(object: &Object<'_>, list_name: &str, member: &str) -> Result<Option<Vec<String>>, JsonError> {
    let Some(items) = list(object, list_name)? else { return Ok(None) };
    items.iter().map(|item| name_of(item, member)).collect::<Result<_, _>>().map(Some)
}

/// An item is its name, or an object that has it.
fn name_of(item: &Value<'_>, name: &str) -> Result<String, JsonError> {
    match item.text() {
        Some(text) => Ok(text.lossy()),
        None => member(item, name)?.ok_or_else(|| JsonError::Missing { name: name.to_owned() }),
    }
}

fn member(item: &Value<'_>, name: &str) -> Result<Option<String>, JsonError> {
    if item.kind() == Kind::Object { item.object()?.text(name) } else { Ok(None) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn each_level_of_the_tree_plans_the_next() {
        let top = Meta::parse(br#"{"principle": "p", "domains": [{"domain": "A"}, "B"]}"#).unwrap();
        assert_eq!(top.domains, Some(vec!["A".to_owned(), "B".to_owned()]));
        let domain =
            Meta::parse(br#"{"subdomains": [{"subdomain": "S", "spec_section": "x"}], "rules": [{}, {}]}"#).unwrap();
        assert_eq!(
            domain.subdomains,
            Some(vec![Subdomain { name: "S".to_owned(), spec_section: Some("x".to_owned()) }])
        );
        assert_eq!(domain.rules, 2);
        let sub =
            Meta::parse(br#"{"assertions": [{}], "doc_types": [{"doc_type": "Memo", "description": "d"}]}"#).unwrap();
        assert_eq!((sub.assertions, sub.doc_types), (1, Some(vec!["Memo".to_owned()])));
        // The type's own description is no list of types.
        let ideas =
            Meta::parse(br#"{"doc_type": {"doc_type": "Memo"}, "doc_ideas": [{"idea": "i", "name": "N/1"}]}"#).unwrap();
        assert_eq!((ideas.ideas, ideas.doc_types), (Some(vec!["N/1".to_owned()]), None));
    }

    #[test]
    fn a_plan_of_another_shape_says_where() {
        let refusal = |bytes: &[u8]| Meta::parse(bytes).unwrap_err().to_string();
        assert_eq!(refusal(b"[]"), "`the file` is an array, expected an object");
        assert_eq!(refusal(br#"{"domains": {}}"#), "`domains` is an object, expected an array");
        assert_eq!(refusal(br#"{"doc_ideas": [{"idea": "i"}]}"#), "there is no `name`");
        assert_eq!(refusal(br#"{"domains": [], "domains": []}"#), "`domains` stands twice in one object");
        assert_eq!(refusal(b"{\"domains\": "), "the text ends inside a value");
    }

    #[test]
    fn a_summary_is_what_it_says_and_no_more() {
        let summary = Summary::parse(
            br#"{"config": {"model_name": "Qwen", "temperature": 1.0, "n_doc_ideas": 3, "x": 1}, "stats": {"n_documents": 24}}"#,
        )
        .unwrap();
        assert_eq!(summary.counts, [("n_doc_ideas".to_owned(), 3), ("n_documents".to_owned(), 24)].into());
        assert_eq!(summary.texts["temperature"], "1.0");
        assert!(Summary::parse(b"{}").unwrap().counts.is_empty());
        assert!(Summary::parse(br#"{"stats": {"n_documents": -1}}"#).is_err());
    }
}

//! Plan against presence in a generator's tree: `<domain>/<subdomain>/<document type>/<idea>.txt`.
//!
//! Every planned idea is a document, or is missing, or shares its file with another; every document is a planned idea,
//! or nobody planned it (left over from another plan, or put there by hand). The numbers add up:
//! `planned − colliding − missing + unplanned = documents`.

use std::collections::{BTreeMap, BTreeSet};

use crate::corpus::filename::sanitize;
use crate::corpus::plan::{META, Meta, SUMMARY, Summary};
use crate::corpus::remarks::Examples;
use crate::statement::Reading;

/// The ending of a document.
pub(super) const ENDING: &str = ".txt";

/// Everything known of a tree once its files were read.
#[derive(Debug, Default)]
pub(super) struct Tree<'a> {
    /// Every `meta.json` by its folder; the top is the empty text.
    pub(super) plans: BTreeMap<&'a str, &'a Meta>,
    /// The summary, where there is one.
    pub(super) summary: Option<&'a Summary>,
    /// Paths of all documents, in order.
    pub(super) documents: Vec<&'a str>,
    /// Documents of which the generator keeps a text.
    pub(super) texts: u64,
    /// Every folder in which something lies.
    pub(super) folders: BTreeSet<&'a str>,
}

/// Counts the tree and says where plan and presence differ.
pub(super) fn count_tree(tree: &Tree<'_>, reading: &mut Reading) {
    count_folders(tree, reading);
    count_ideas(tree, reading);
    compare_summary(tree, reading);
}

/// A level of the tree: how a folder's parts are planned, and what they are called.
struct Level {
    name: &'static str,
    depth: usize,
    planned: fn(&Meta) -> Option<Vec<String>>,
}

const LEVELS: &[Level] = &[
    Level { name: "domains", depth: 0, planned: |meta| meta.domains.clone() },
    Level {
        name: "subdomains",
        depth: 1,
        planned: |meta| meta.subdomains.as_ref().map(|list| list.iter().map(|item| item.name.clone()).collect()),
    },
    Level { name: "doc-types", depth: 2, planned: |meta| meta.doc_types.clone() },
];

fn depth(folder: &str) -> usize {
    if folder.is_empty() { 0 } else { folder.split('/').count() }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn count_folders(tree: &Tree<'_>, reading: &mut Reading) {
    for level in LEVELS {
        let (mut planned, mut missing, mut colliding) = (0, Examples::default(), Examples::default());
        let mut expected: BTreeSet<String> = BTreeSet::new();
        let mut unplanned = Examples::default();
        for (folder, meta) in tree.plans.iter().filter(|(folder, _)| depth(folder) == level.depth) {
            let Some(names) = (level.planned)(meta) else { continue };
            for name in names {
                planned += 1;
                let path = join(folder, &sanitize(&name));
                if !expected.insert(path.clone()) {
                    colliding.see(&join(folder, &name));
                } else if !tree.folders.contains(path.as_str()) {
                    missing.see(&path);
                }
            }
        }
        let present = tree.folders.iter().filter(|folder| depth(folder) == level.depth + 1);
        for folder in present {
            reading.count(&format!("{}.present", level.name), 1);
            // Only where the folder above has a plan of this kind can a folder be unplanned.
            let has_plan = tree.plans.get(parent(folder)).is_some_and(|meta| (level.planned)(meta).is_some());
            if has_plan && !expected.contains(*folder) {
                unplanned.see(folder);
            }
        }
        reading.count(&format!("{}.planned", level.name), planned);
        let name = level.name;
        missing.put(reading, &format!("{name}-missing"), &format!("planned {name} that have no folder"));
        unplanned.put(reading, &format!("{name}-unplanned"), &format!("{name} that are in no plan"));
        let colliding_names = "whose names differ only in what file names cannot hold, so that they share a folder";
        colliding.put(reading, &format!("{name}-colliding"), &format!("planned {name} {colliding_names}"));
    }
}

fn count_ideas(tree: &Tree<'_>, reading: &mut Reading) {
    let mut expected: BTreeSet<String> = BTreeSet::new();
    let (mut missing, mut colliding, mut unplanned) = (Examples::default(), Examples::default(), Examples::default());
    let present: BTreeSet<&str> = tree.documents.iter().copied().collect();
    let mut planned = 0;
    for (folder, meta) in &tree.plans {
        reading.count("assertions.planned", meta.assertions);
        if meta.rules > 0 {
            reading.count("rules.planned", meta.rules);
        }
        for name in meta.ideas.iter().flatten() {
            planned += 1;
            let path = join(folder, &format!("{}{ENDING}", sanitize(name)));
            if expected.contains(&path) {
                colliding.see(&join(folder, name));
                continue;
            }
            if !present.contains(path.as_str()) {
                missing.see(&path);
            }
            expected.insert(path);
        }
    }
    for document in tree.documents.iter().filter(|path| !expected.contains(**path)) {
        unplanned.see(document);
    }
    reading.count("ideas.planned", planned);
    missing.put(reading, "ideas-without-document", "planned ideas that have no document");
    let stray = "documents that are in no plan, left over from another one or put there by hand";
    unplanned.put(reading, "documents-without-idea", stray);
    colliding.put(
        reading,
        "ideas-colliding",
        "planned ideas that share a file with another, so that one document is lost",
    );
}

/// The summary is the generator's word: it is compared, and believed in nothing.
fn compare_summary(tree: &Tree<'_>, reading: &mut Reading) {
    let Some(summary) = tree.summary else { return };
    for (name, text) in &summary.texts {
        reading.fact(&format!("summary.{name}"), text);
    }
    let largest = |planned: fn(&Meta) -> Option<usize>| {
        tree.plans.values().filter_map(|meta| planned(meta)).max().unwrap_or_default() as u64
    };
    let count = |reading: &Reading, name: &str| reading.counts.get(name).copied().unwrap_or_default();
    let found = [
        ("n_documents", tree.texts),
        ("n_domains", count(reading, "domains.present")),
        ("n_subdomains", count(reading, "subdomains.present")),
        ("n_assertions", count(reading, "assertions.planned")),
        ("n_doc_types", largest(|meta| meta.doc_types.as_ref().map(Vec::len))),
        ("n_doc_ideas", largest(|meta| meta.ideas.as_ref().map(Vec::len))),
    ];
    let differing: Vec<String> = found
        .iter()
        .filter_map(|(name, found)| {
            let said = summary.counts.get(*name)?;
            (said != found).then(|| format!("{name} is {said} there and {found} here"))
        })
        .collect();
    let text = format!("`{SUMMARY}` and the tree differ: {}", differing.join(", "));
    reading.remark("summary-differs", differing.len() as u64, text);
}

/// True for the file that plans a folder, anywhere in the tree.
pub(super) fn is_meta(path: &str) -> bool {
    path.rsplit('/').next() == Some(META)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    struct World {
        metas: Vec<(&'static str, Meta)>,
        documents: Vec<&'static str>,
        summary: Option<Summary>,
    }

    impl World {
        fn new() -> Self {
            let meta = |text: &str| Meta::parse(text.as_bytes()).unwrap();
            let metas = vec![
                ("", meta(r#"{"domains": ["A", "B:1"]}"#)),
                ("A", meta(r#"{"subdomains": [{"subdomain": "S"}]}"#)),
                ("A/S", meta(r#"{"assertions": [1, 2], "doc_types": ["Memo"]}"#)),
                ("A/S/Memo", meta(r#"{"doc_ideas": [{"name": "one"}, {"name": "two"}]}"#)),
                ("B_1", meta(r#"{"subdomains": []}"#)),
            ];
            Self { metas, documents: vec!["A/S/Memo/one.txt", "A/S/Memo/two.txt"], summary: None }
        }

        fn read(&self) -> Reading {
            let mut folders = BTreeSet::new();
            let files =
                self.metas.iter().map(|(folder, _)| *folder).chain(self.documents.iter().map(|path| parent(path)));
            for folder in files {
                let mut at = folder;
                while !at.is_empty() {
                    folders.insert(at);
                    at = parent(at);
                }
            }
            let tree = Tree {
                plans: self.metas.iter().map(|(folder, meta)| (*folder, meta)).collect(),
                summary: self.summary.as_ref(),
                documents: self.documents.clone(),
                texts: self.documents.len() as u64,
                folders,
            };
            let mut reading = Reading::by("test");
            count_tree(&tree, &mut reading);
            reading
        }
    }

    fn codes(reading: &Reading) -> Vec<(&str, u64)> {
        reading.remarks.iter().map(|remark| (remark.code.as_str(), remark.count)).collect()
    }

    #[test]
    fn a_tree_as_planned_gives_no_remark() {
        let reading = World::new().read();
        assert_eq!(codes(&reading), []);
        let counts = ["domains.planned", "domains.present", "subdomains.planned", "doc-types.present", "ideas.planned"];
        assert_eq!(counts.map(|name| reading.counts[name]), [2, 2, 1, 1, 2]);
        assert_eq!(reading.counts["assertions.planned"], 2);
    }

    #[test]
    fn every_way_in_which_plan_and_presence_differ_has_its_remark() {
        let mut world = World::new();
        world.documents = vec!["A/S/Memo/two.txt", "A/S/Memo/three.txt", "C/x.txt", "stray.txt"];
        world.metas[0].1.domains.as_mut().unwrap().extend(["B?1".to_owned(), "D".to_owned()]);
        world.metas[3].1.ideas.as_mut().unwrap().push("two.".to_owned());
        let reading = world.read();
        let expected = [
            ("domains-missing", 1),
            ("domains-unplanned", 1),
            ("domains-colliding", 1),
            ("ideas-without-document", 1),
            ("documents-without-idea", 3),
            ("ideas-colliding", 1),
        ];
        assert_eq!(codes(&reading), expected);
        // planned − colliding − missing + unplanned = documents
        assert_eq!(reading.counts["ideas.planned"] - 1 - 1 + 3, 4);
        let text = &reading.remarks[3].text;
        assert_eq!(text, "planned ideas that have no document: 1 (`A/S/Memo/one.txt`)");
    }

    #[test]
    fn a_summary_is_compared_and_never_believed() {
        let mut world = World::new();
        let summary =
            r#"{"config": {"n_doc_ideas": 2, "model_name": "Qwen"}, "stats": {"n_documents": 3, "n_subdomains": 1}}"#;
        world.summary = Some(Summary::parse(summary.as_bytes()).unwrap());
        let reading = world.read();
        assert_eq!(codes(&reading), [("summary-differs", 1)]);
        assert_eq!(reading.remarks[0].text, "`summary.json` and the tree differ: n_documents is 3 there and 2 here");
        assert_eq!(reading.facts["summary.model_name"], "Qwen");
    }
}

//! The order in which things were sampled, sharded, listed and recorded says nothing: it changes no digit of the report.
//!
//! Reports are compared byte for byte. What must differ is replaced on both sides first, and nothing else: the numbers of
//! entries, each by what stands there; digests that are over places (the head's root, the entries' own); which run was the
//! first; and, where rows stand in other files, the digests of those files and of the order of rows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use proptest::prelude::*;
use reproledger::capture::hash::Silent;
use reproledger::capture::kind::{Artifact, Options, Request, capture};
use reproledger::claim::{Assessment, VENDOR_AUDIT};
use reproledger::digest::{DigestKind, ManifestRoot};
use reproledger::evidence::DisclosedManifest;
use reproledger::merkle::EntryIndex;
use reproledger::report::{Detail, to_json, to_text};
use reproledger::statement::{Body, Kind};
use serde_json::Value;

use crate::support::study::{Data, Study, ToldStudy};
use crate::support::{Lab, Sandbox};

/// What stands at each place of a ledger, by what it says of itself.
fn names(lab: &Lab) -> BTreeMap<u64, String> {
    let name = |index: u64| {
        let payload = lab.said(EntryIndex(index));
        let of = payload.subjects.first().filter(|_| ![Kind::Dataset, Kind::EvalLog].contains(&payload.kind));
        let digest = of.and_then(|subject| subject.principal()).map(|(_, measure)| measure.digests[0].to_string());
        let (arm, digest) = (payload.arm.unwrap_or_default(), digest.unwrap_or_default());
        format!("<{} {arm} {:?} {digest}>", payload.kind, payload.seed)
    };
    (0..lab.entries.len() as u64).map(|index| (index, name(index))).collect()
}

/// What is replaced in a report, of the ledger that it is about.
struct Places<'l> {
    names: BTreeMap<u64, String>,
    digests: Vec<(String, &'l str)>,
}

impl<'l> Places<'l> {
    fn of(lab: &'l Lab) -> Self {
        let root = (lab.head().tree().root.to_string(), "<root>");
        let leaves = (0..lab.entries.len() as u64).map(|index| (lab.leaf(EntryIndex(index)).to_string(), "<entry>"));
        let datasets = (0..lab.entries.len() as u64).map(|index| lab.said(EntryIndex(index)));
        let subjects = datasets.filter(|payload| payload.kind == Kind::Dataset).flat_map(|payload| payload.subjects);
        let ordered = subjects.flat_map(|subject| subject.0).filter(|(kind, _)| *kind != DigestKind::Rowset);
        let ordered = ordered.map(|(_, measure)| (measure.digests[0].to_string(), "<files>"));
        let digests = leaves.chain(ordered).chain([root]).collect();
        Self { names: names(lab), digests }
    }

    /// A line of text without places. What is said of several entries is said in the order of their names.
    fn without(&self, line: &str) -> String {
        let mut line = line.to_owned();
        for (digest, name) in &self.digests {
            line = line.replace(digest, name);
        }
        let mut out = String::new();
        let mut rest = line.as_str();
        while let Some((at, word)) =
            ["entry ", "entries "].iter().filter_map(|word| Some((rest.find(word)?, *word))).min()
        {
            let (before, after) = rest.split_at(at + word.len());
            out.push_str(before);
            let end = after.find(|c: char| !c.is_ascii_digit() && c != ',' && c != ' ').unwrap_or(after.len());
            let list = after[..end].trim_end_matches([',', ' ']);
            let named: Option<Vec<&str>> =
                list.split(", ").map(|number| Some(self.names.get(&number.parse().ok()?)?.as_str())).collect();
            let Some(mut named) = named else {
                rest = after;
                continue;
            };
            named.sort_unstable();
            out.push_str(&named.join(", "));
            rest = &after[list.len()..];
        }
        out += rest;
        if let Some((before, _)) = out.split_once("before the first run at entry ") {
            return format!("{before}before the first run");
        }
        // Sentences on one entry each: text cuts long lists where it happens to, and JSON holds them whole.
        let Some(first) = out.find("entry <").filter(|_| out.contains("; entry <")) else { return out };
        let (head, list) = out.split_at(first);
        let mut said: Vec<&str> = list.split("; entry ").map(|said| said.trim_start_matches("entry ")).collect();
        said.sort_unstable();
        if list.contains(" more characters)") {
            format!("{head}<several>")
        } else {
            format!("{head}{}", said.join("; "))
        }
    }

    fn without_all(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.without(text),
            Value::Array(all) => all.iter_mut().for_each(|value| self.without_all(value)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    match (name.as_str(), &mut *value) {
                        ("entries", Value::Array(entries)) => {
                            let name = |entry: &Value| Some(self.names.get(&entry.as_u64()?)?.clone().into());
                            *entries = entries.iter().map(|entry| name(entry).unwrap_or(entry.clone())).collect();
                            entries.sort_by_key(Value::to_string);
                        }
                        ("inputs", Value::Array(inputs)) => inputs.sort_by_key(Value::to_string),
                        _ => self.without_all(value),
                    }
                }
            }
            _ => {}
        }
    }
}

/// A report as text and for programs, without places. One screen is laid out by the widths of numbers, and says nothing that
/// the whole text does not.
fn reports(told: &ToldStudy, assessment: &Assessment) -> [String; 2] {
    let places = Places::of(&told.lab);
    let text = to_text(assessment, Detail::Every);
    let text = text.lines().map(|line| places.without(line) + "\n").collect();
    let mut json: Value = serde_json::from_str(&to_json(assessment)).unwrap();
    places.without_all(&mut json);
    [text, format!("{json:#}")]
}

/// The first line in which reports differ.
fn difference(one: &[String], other: &[String]) -> Option<String> {
    one.iter().zip(other).find_map(|(one, other)| {
        let apart = one.lines().zip(other.lines()).find(|(one, other)| one != other);
        let apart = apart.map(|(one, other)| format!("{one}\n{other}"));
        apart.or_else(|| (one != other).then(|| "one is longer".to_owned()))
    })
}

/// Rows of training data, each another one but for two that are the same.
fn rows() -> Vec<String> {
    let row = |number: usize| format!("{{\"text\":\"row number {} of the training data\"}}\n", number.max(1));
    (0..40).map(row).collect()
}

/// Rows dealt to shards: how many each takes.
fn shards(rows: &[String], sizes: &[usize]) -> Vec<String> {
    let mut rest = rows;
    let mut shards: Vec<String> = Vec::new();
    for size in sizes {
        let (shard, after) = rest.split_at((*size).min(rest.len()));
        shards.push(shard.concat());
        rest = after;
    }
    shards.push(rest.concat());
    shards.retain(|shard| !shard.is_empty());
    shards
}

/// A folder of these shards, written in this order.
fn folder(shards: &[String], order: &[usize]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    for at in order.iter().filter(|at| **at < shards.len()) {
        std::fs::write(folder.path().join(format!("data/shard-{at:02}.jsonl")), &shards[*at]).unwrap();
    }
    folder
}

/// All that an entry says of an artifact.
fn said(kind: Kind, paths: &[PathBuf]) -> impl PartialEq + std::fmt::Debug + use<> {
    let Artifact { subject, objects, private, reading, remarks } = captured(kind, paths);
    (subject, objects, private, reading, remarks)
}

fn captured(kind: Kind, paths: &[PathBuf]) -> Artifact {
    capture(kind, &Request { paths, options: &Options::default(), progress: &Silent }).unwrap()
}

/// A study that aligns both arms on the data in a folder.
fn aligned_on(folder: &Path) -> ToldStudy {
    let data = folder.join("data");
    let alignment: Data = Rc::new(move |lab: &mut Lab| {
        let artifact = captured(Kind::Dataset, std::slice::from_ref(&data));
        let mut payload = lab.payload(Kind::Dataset);
        for (root, object) in artifact.objects {
            let root = ManifestRoot::from_bytes(root);
            let of = artifact.subject.0.iter().find(|(_, measure)| measure.digests[0] == root.into());
            let kind = *of.unwrap().0;
            lab.manifests.insert(root.into(), DisclosedManifest { kind, root, object });
        }
        payload.subjects.push(artifact.subject);
        let body = Body { paths: vec!["data".to_owned()], reading: artifact.reading, ..Body::default() };
        lab.seal(&mut payload, &body);
        lab.say(&payload)
    });
    Study { alignment: Some(alignment), ..Study::honest() }.tell()
}

fn shuffled(count: usize) -> impl Strategy<Value = Vec<usize>> {
    Just((0..count).collect::<Vec<_>>()).prop_shuffle()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn permuting_samples_and_entries_changes_no_digit_of_the_report(samples in shuffled(480), places in shuffled(8)) {
        let honest = Study::honest();
        let told = honest.clone().tell();
        let mut sampled = honest.clone();
        sampled.rollouts = samples.iter().map(|at| honest.rollouts[*at].clone()).collect();
        // The samples of a log are a set: the same bytes, whatever came first.
        prop_assert_eq!(sampled.clone().tell().evidence().to_bytes(), told.evidence().to_bytes());

        let mut recorded = sampled;
        recorded.order = Rc::new(move |all| *all = places.iter().map(|at| all[*at]).collect());
        let recorded = recorded.tell();
        let (one, other) = (told.assess(VENDOR_AUDIT), recorded.assess(VENDOR_AUDIT));
        prop_assert_eq!(difference(&reports(&told, &one), &reports(&recorded, &other)), None);
    }

    #[test]
    fn a_folder_listed_and_paths_given_in_any_order_are_one_artifact(written in shuffled(6), given in shuffled(6)) {
        let shards = shards(&rows(), &[3, 9, 1, 12, 7]);
        let one = folder(&shards, &(0..6).collect::<Vec<_>>());
        let other = folder(&shards, &written);
        let at = |folder: &tempfile::TempDir| vec![folder.path().join("data")];
        for kind in [Kind::Dataset, Kind::Documents, Kind::Source] {
            prop_assert_eq!(said(kind, &at(&one)), said(kind, &at(&other)));
        }
        let paths: Vec<PathBuf> = (0..6).map(|at| one.path().join(format!("data/shard-{at:02}.jsonl"))).collect();
        let turned: Vec<PathBuf> = given.iter().map(|at| paths[*at].clone()).collect();
        for kind in [Kind::Dataset, Kind::Other] {
            prop_assert_eq!(said(kind, &paths), said(kind, &turned));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn rows_dealt_to_other_shards_in_another_order_change_no_digit_of_the_report(
        dealt in shuffled(40), sizes in prop::collection::vec(0_usize..20, 0..5), written in shuffled(6),
    ) {
        let all = rows();
        let turned: Vec<String> = dealt.iter().map(|at| all[*at].clone()).collect();
        let (one, other) = (folder(&shards(&all, &[13, 13]), &[0, 1, 2]), folder(&shards(&turned, &sizes), &written));
        let rowset = |folder: &tempfile::TempDir| {
            let artifact = captured(Kind::Dataset, &[folder.path().join("data")]);
            artifact.subject.0[&DigestKind::Rowset].clone()
        };
        prop_assert_eq!(rowset(&one), rowset(&other));
        let (told, retold) = (aligned_on(one.path()), aligned_on(other.path()));
        let of = |told: &ToldStudy, folder: &tempfile::TempDir| {
            [None, Some(folder.path())]
                .map(|at_hand| reports(told, &told.assess_disclosed(VENDOR_AUDIT, at_hand)))
                .concat()
        };
        prop_assert_eq!(difference(&of(&told, &one), &of(&retold, &other)), None);
    }
}

#[test]
fn a_folder_of_logs_is_read_alike_however_it_is_listed() {
    let demo = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo/eval.json");
    let mut log: Value = serde_json::from_slice(&std::fs::read(demo).unwrap()).unwrap();
    let mut printed = Vec::new();
    for order in [["a", "b", "c", "d"], ["d", "b", "a", "c"]] {
        let sandbox = Sandbox::new();
        for name in order {
            log["eval"]["model"] = name.into();
            sandbox.write(&format!("lab/logs/{name}.json"), log.to_string());
        }
        printed.push(sandbox.lab(&["adopt", "logs"]).stdout);
    }
    assert!(printed[0].contains("4 "), "{}", printed[0]);
    assert_eq!(printed[0], printed[1]);
}

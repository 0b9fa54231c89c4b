//! A lab that signs digests of rows, documents and tensors which its files do not give.
//!
//! Every signature, place and file digest in here is right: only reading the bytes again tells.

use std::path::{Path, PathBuf};

use reproledger::capture::hash::Silent;
use reproledger::capture::kind::{Artifact, Options};
use reproledger::capture::observe::observe;
use reproledger::capture::rows::{Mode, RowOptions};
use reproledger::capture::salt::salted;
use reproledger::check::{Finding, Outcome};
use reproledger::claim::{Assessment, NUMBER, Verdict, assess_any};
use reproledger::corpus::Layout;
use reproledger::digest::{Digest, DigestKind};
use reproledger::evidence::Evidence;
use reproledger::merkle::EntryIndex;
use reproledger::statement::{Body, EdgeType, Kind};

use super::decided;
use crate::support::{Lab, Story, captured, finding};

/// What the evidence shows beside the claim.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Nothing,
    Body,
    Manifests,
}

/// A folder of artifacts.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

/// The artifact at `path`, whose digest of `kind` is replaced by that of another.
fn forged(artifact: Artifact, kind: DigestKind, other: &Artifact) -> Artifact {
    let mut forged = artifact;
    let false_measure = other.subject.0[&kind].clone();
    assert_ne!(forged.subject.0.insert(kind, false_measure.clone()), Some(false_measure));
    forged.objects.extend(other.objects.clone());
    forged
}

/// A claim whose chain goes through the artifact.
struct Told {
    lab: Lab,
    entry: EntryIndex,
    claim: EntryIndex,
}

fn told(kind: Kind, path: &Path, artifact: &Artifact) -> Told {
    let mut lab = Lab::new();
    let mut payload = lab.payload(kind);
    payload.subjects.push(artifact.subject.clone());
    let body =
        Body { paths: vec![path.to_string_lossy().into_owned()], reading: artifact.reading.clone(), ..Body::default() };
    lab.seal(&mut payload, &body);
    let entry = lab.say(&payload);
    for (_, object) in &artifact.objects {
        lab.keep(&reproledger::artifact::manifest::Manifest::parse(object).unwrap());
    }
    let checkpoint = lab.file(Kind::Checkpoint, b"weights", &[(EdgeType::DerivedFrom, entry)]);
    let story = Story::new();
    let manifest = story.manifest();
    let log = lab.eval_log(b"a log", &manifest, &[(EdgeType::Evaluates, checkpoint)]);
    let mut words = story.claim;
    words.inputs.push(manifest.root().unwrap().into());
    let claim = lab.claim(&words, &[log], &[]);
    Told { lab, entry, claim }
}

impl Told {
    fn evidence(&self, shown: Shown) -> Evidence {
        let mut evidence = self.lab.evidence(self.claim);
        match shown {
            Shown::Nothing => {}
            Shown::Body => evidence.bodies.insert(0, (self.entry, self.lab.bodies[&self.entry].clone())),
            Shown::Manifests => {
                let subjects = &self.lab.said(self.entry).subjects;
                let digests: Vec<Digest> =
                    subjects.iter().flat_map(|subject| &subject.0).flat_map(|(_, m)| m.digests.clone()).collect();
                let manifests = self.lab.manifests.values();
                let of_entry = manifests.filter(|manifest| digests.contains(&manifest.root.into()));
                evidence.manifests.extend(of_entry.cloned());
                evidence.manifests.sort_by_key(|manifest| (manifest.kind, manifest.root));
            }
        }
        evidence.withheld = self.lab.withheld(&evidence);
        evidence
    }

    fn assess(&self, shown: Shown, folder: Option<&Path>) -> Assessment {
        let bytes = self.evidence(shown).to_bytes();
        assess_any(&bytes, Some(&self.lab.policy()), NUMBER, |evidence| {
            Some(observe(evidence, folder?, &Silent).unwrap())
        })
    }

    /// The finding of a check with the folder at hand; everything else about the evidence holds.
    fn found(&self, shown: Shown, folder: &Folder, check: &str) -> Finding {
        let assessment = self.assess(shown, Some(folder.path()));
        let finding = finding(&assessment, check).clone();
        let expected = if finding.outcome == Outcome::Fail { Verdict::Contradicted } else { Verdict::Verified };
        assert_eq!(assessment.verdict, expected, "{:?}", assessment.findings);
        finding
    }
}

fn rows(texts: &[&str]) -> String {
    let row = |text: &&str| format!("{{\"text\": \"{text}\", \"source\": \"{}\"}}\n", &text[..1]);
    texts.iter().map(row).collect::<Vec<_>>().concat()
}

/// The smallest file of two tensors.
fn safetensors(values: [u8; 2]) -> Vec<u8> {
    let header =
        r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#;
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &values].concat()
}

#[test]
fn true_digests_of_rows_documents_and_tensors_are_derived_again() {
    let folder = Folder::new();
    let file = folder.write("rows.jsonl", rows(&["one", "two", "one"]));
    folder.write("shards/a.jsonl", rows(&["three"]));
    folder.write("shards/b.jsonl", rows(&["four"]));
    folder.write("corpus/x.txt", "a document");
    folder.write("corpus/sub/y.txt", "another");
    let adapter = folder.write("adapter/model.safetensors", safetensors([1, 2]));
    let at = |name: &str| folder.path().join(name);
    let located =
        Options { rows: RowOptions { mode: Some(Mode::Locate), ..RowOptions::default() }, ..Options::default() };
    let plain = Options::default();
    for (kind, path, options, check, digests) in [
        (Kind::Dataset, file.clone(), &plain, "rows.derived", 2),
        (Kind::Mix, at("shards"), &plain, "rows.derived", 2),
        (Kind::Mix, at("shards"), &located, "rows.derived", 1),
        (Kind::Documents, at("corpus"), &plain, "rows.derived", 2),
        (Kind::Documents, file, &plain, "rows.derived", 2),
        (Kind::Checkpoint, at("adapter"), &plain, "tensors.derived", 1),
        (Kind::BaseModel, adapter, &plain, "tensors.derived", 1),
    ] {
        let told = told(kind, &path, &captured(kind, &path, options));
        // An equal root proves itself, whatever else is shown.
        for shown in [Shown::Nothing, Shown::Body, Shown::Manifests] {
            let finding = told.found(shown, &folder, check);
            assert_eq!(finding.outcome, Outcome::Pass, "{kind} {finding:?}");
            let reason = format!("taken again from the artifacts, all {digests} digests of ");
            assert!(finding.reason.starts_with(&reason), "{}", finding.reason);
        }
        let other = if check == "rows.derived" { "tensors.derived" } else { "rows.derived" };
        assert_eq!(told.found(Shown::Body, &folder, other).outcome, Outcome::NotApplicable);
        let alone = told.assess(Shown::Body, None);
        assert_eq!(finding(&alone, check).outcome, Outcome::Unknown);
        let reason = &finding(&alone, check).reason;
        assert!(reason.starts_with("the artifacts were not at hand: that these "), "{reason}");
        let strange = Folder::new();
        strange.write("other", "something else");
        let elsewhere = told.found(Shown::Body, &strange, check);
        assert_eq!(elsewhere.outcome, Outcome::Unknown);
        assert!(elsewhere.reason.ends_with("could not be taken again from the artifacts"), "{elsewhere:?}");
        let note = "its artifact was not found unchanged among those at hand";
        assert!(elsewhere.notes[0].ends_with(note), "{elsewhere:?}");
    }
}

#[test]
fn false_digests_over_true_files_are_contradicted_and_the_digest_is_named() {
    let folder = Folder::new();
    let others = Folder::new();
    let jsonl = (folder.write("rows.jsonl", rows(&["one", "two"])), others.write("rows.jsonl", rows(&["one", "six"])));
    let documents = (folder.write("c/x.txt", "a text"), others.write("c/x.txt", "b text"));
    let corpus = (documents.0.parent().unwrap().to_owned(), documents.1.parent().unwrap().to_owned());
    let weights =
        (folder.write("m.safetensors", safetensors([1, 2])), others.write("m.safetensors", safetensors([1, 3])));
    for (kind, (path, other), digest, check) in [
        (Kind::Dataset, &jsonl, DigestKind::Rows, "rows.derived"),
        (Kind::Dataset, &jsonl, DigestKind::Rowset, "rows.derived"),
        (Kind::Mix, &jsonl, DigestKind::Rowset, "rows.derived"),
        (Kind::Documents, &corpus, DigestKind::Rows, "rows.derived"),
        (Kind::Documents, &corpus, DigestKind::Rowset, "rows.derived"),
        (Kind::Checkpoint, &weights, DigestKind::Tensors, "tensors.derived"),
    ] {
        let honest = captured(kind, path, &Options::default());
        let false_one = captured(kind, other, &Options::default());
        let told = told(kind, path, &forged(honest, digest, &false_one));
        let assessment = told.assess(Shown::Body, Some(folder.path()));
        decided(&assessment, Verdict::Contradicted, check);
        let found = finding(&assessment, check);
        assert_eq!((found.outcome, &found.entries[..]), (Outcome::Fail, &[told.entry][..]));
        assert!(found.reason.contains(&format!("than the {digest} recorded")), "{}", found.reason);
        let recorded = false_one.subject.0[&digest].digests[0];
        assert!(found.expected.as_ref().unwrap().starts_with(&recorded.to_string()), "{found:?}");
        // The file itself is the recorded one, and without it nothing speaks against the digest.
        assert_ne!(finding(&assessment, "availability").outcome, Outcome::Fail);
        assert_eq!(told.assess(Shown::Body, None).verdict, Verdict::Verified);
    }
}

#[test]
fn a_false_count_over_a_true_root_is_contradicted() {
    let folder = Folder::new();
    let file = folder.write("rows.jsonl", rows(&["one", "two"]));
    let mut artifact = captured(Kind::Dataset, &file, &Options::default());
    artifact.subject.0.get_mut(&DigestKind::Rows).unwrap().count = 2_000_000;
    let found = told(Kind::Dataset, &file, &artifact).found(Shown::Body, &folder, "rows.derived");
    assert_eq!(found.outcome, Outcome::Fail);
    assert!(found.expected.unwrap().ends_with("2000000 in all") && found.found.unwrap().ends_with(", 2 in all"));
}

#[test]
fn a_root_that_was_guessed_at_contradicts_nothing() {
    let folder = Folder::new();
    let file = folder.write("rows.jsonl", "{\"text\": \"a\", \"id\": 1}\n");
    let ids = RowOptions { projection: Some(parse("id,text")), ..RowOptions::default() };
    let artifact = captured(Kind::Dataset, &file, &Options { rows: ids, ..Options::default() });
    let told = told(Kind::Dataset, &file, &artifact);
    // Read as the first row suggests, the view is `text`; which it was, the body says or the header of a manifest.
    for (shown, expected) in
        [(Shown::Nothing, Outcome::Unknown), (Shown::Body, Outcome::Pass), (Shown::Manifests, Outcome::Pass)]
    {
        let found = told.found(shown, &folder, "rows.derived");
        assert_eq!(found.outcome, expected, "{found:?}");
    }
    let field =
        captured(Kind::Documents, &folder.write("d.jsonl", "{\"body\": \"a\", \"text\": \"b\"}\n"), &documents("body"));
    let told = self::told(Kind::Documents, &folder.path().join("d.jsonl"), &field);
    assert_eq!(told.found(Shown::Body, &folder, "rows.derived").outcome, Outcome::Pass);
    let hidden = told.found(Shown::Nothing, &folder, "rows.derived");
    assert_eq!(hidden.outcome, Outcome::Unknown);
    assert!(hidden.notes[0].contains("does not show"), "{hidden:?}");
}

fn parse(name: &str) -> reproledger::artifact::rows::Projection {
    reproledger::artifact::rows::Projection::parse(name).unwrap()
}

fn documents(field: &str) -> Options {
    let documents = reproledger::capture::kind::DocumentsOptions {
        layout: Some(Layout::Jsonl),
        text_field: Some(field.to_owned()),
        ..Default::default()
    };
    Options { documents, ..Options::default() }
}

#[test]
fn bytes_under_another_name_or_beyond_this_program_are_unclear() {
    let folder = Folder::new();
    let file = folder.write("rows.jsonl", rows(&["one"]));
    let told_rows = told(Kind::Dataset, &file, &captured(Kind::Dataset, &file, &Options::default()));
    std::fs::rename(&file, folder.path().join("rows.csv")).unwrap();
    let renamed = told_rows.found(Shown::Body, &folder, "rows.derived");
    assert_eq!(renamed.outcome, Outcome::Unknown, "{renamed:?}");
    // Rows said of bytes that hold none.
    let folder = Folder::new();
    let rows_of_others = captured(Kind::Dataset, &folder.write("rows.jsonl", rows(&["one"])), &Options::default());
    let beyond =
        [("broken.jsonl", "{\"text\": "), ("unknown.bin", "bytes"), ("encrypted.parquet", "PARE and so on PARE")];
    for (name, bytes) in beyond {
        let path = folder.write(name, bytes);
        let mut artifact = captured(Kind::Dataset, &path, &Options { bytes_only: true, ..Options::default() });
        artifact
            .subject
            .0
            .extend(rows_of_others.subject.0.clone().into_iter().filter(|(kind, _)| *kind != DigestKind::File));
        artifact.reading.clone_from(&rows_of_others.reading);
        let found = told(Kind::Dataset, &path, &artifact).found(Shown::Body, &folder, "rows.derived");
        assert_eq!(found.outcome, Outcome::Unknown, "{found:?}");
    }
}

#[test]
fn weights_and_logs_of_a_newer_format_are_unknown_and_never_contradicted() {
    let folder = Folder::new();
    let tensors = captured(Kind::Checkpoint, &folder.write("m.safetensors", safetensors([1, 2])), &Options::default());
    let newer = folder.write("newer.gguf", [&b"GGUF"[..], &9_u32.to_le_bytes(), &[0; 16]].concat());
    let mut artifact = captured(Kind::Checkpoint, &newer, &Options { bytes_only: true, ..Options::default() });
    artifact.subject.0.insert(DigestKind::Tensors, tensors.subject.0[&DigestKind::Tensors].clone());
    let found = told(Kind::Checkpoint, &newer, &artifact).found(Shown::Body, &folder, "tensors.derived");
    assert_eq!(found.outcome, Outcome::Unknown, "{found:?}");
    assert!(found.notes[0].contains("finds no tensors in it"), "{found:?}");

    let story = Story::new();
    let manifest = story.manifest();
    let mut words = story.claim;
    words.inputs.push(manifest.root().unwrap().into());
    for (name, log, reason) in [
        ("newer.json", "{\"version\": 9, \"status\": \"success\"}", "log schema version 9 needs a newer reproledger"),
        ("strange.json", "{\"version\": 2, \"eval\": []}", "cannot be read"),
    ] {
        let folder = Folder::new();
        folder.write(name, log);
        let mut lab = Lab::new();
        let checkpoint = lab.file(Kind::Checkpoint, b"weights", &[]);
        let entry = lab.eval_log(log.as_bytes(), &manifest, &[(EdgeType::Evaluates, checkpoint)]);
        let claim = lab.claim(&words, &[entry], &[]);
        let bytes = lab.evidence(claim).to_bytes();
        let assessment = assess_any(&bytes, Some(&lab.policy()), NUMBER, |evidence| {
            Some(observe(evidence, folder.path(), &Silent).unwrap())
        });
        let found = finding(&assessment, "samples.derived");
        assert_eq!(found.outcome, Outcome::Unknown, "{found:?}");
        assert!(found.reason.contains(reason), "{found:?}");
        assert_eq!(assessment.verdict, Verdict::Verified, "{:?}", assessment.findings);
    }
}

#[test]
fn a_log_that_names_another_condition_than_it_was_recorded_under_is_contradicted() {
    let sample = |metadata: &str| {
        format!(
            "{{\"id\": 1, \"epoch\": 1, \"input\": \"q\", \"target\": \"a\", \"metadata\": {metadata}, \"scores\": {{\"s\": {{\"value\": 1}}}}}}"
        )
    };
    let log = |metadata: &str| {
        format!(
            "{{\"version\": 2, \"status\": \"success\", \"eval\": {{\"task\": \"t\", \"model\": \"m\", \"dataset\": {{}}, \"config\": {{}}}}, \"samples\": [{}]}}",
            sample(metadata)
        )
    };
    let folder = Folder::new();
    // Recorded by a program that does not look: the label stands in the records, and the log says something else.
    let honest = folder.write("honest.json", log("{}"));
    let map = reproledger::evallog::ColumnMap::labelled(None, "leak").unwrap();
    let read = reproledger::capture::log::read_log(&[honest], Some(&map)).unwrap();
    let manifest = reproledger::artifact::samples::samples_manifest(&read.facts, &read.samples).unwrap();
    let lying = log("{\"condition_id\": \"murder\"}");
    folder.write("lying.json", &lying);
    let mut lab = Lab::new();
    lab.keep(&manifest);
    let checkpoint = lab.file(Kind::Checkpoint, b"weights", &[]);
    let entry = lab.eval_log(lying.as_bytes(), &manifest, &[(EdgeType::Evaluates, checkpoint)]);
    let mut words = Story::new().claim;
    words.inputs.push(manifest.root().unwrap().into());
    let claim = lab.claim(&words, &[entry], &[]);
    let bytes = lab.evidence(claim).to_bytes();
    let assessment = assess_any(&bytes, Some(&lab.policy()), NUMBER, |evidence| {
        Some(observe(evidence, folder.path(), &Silent).unwrap())
    });
    let found = finding(&assessment, "samples.derived");
    let said = "the log is the recorded one, and says otherwise: recorded as of the condition `leak`, the log itself says \
                `murder`";
    assert_eq!((found.outcome, found.reason.as_str()), (Outcome::Fail, said), "{found:?}");
}

#[test]
fn what_is_behind_salts_is_not_derived_and_said_so() {
    let folder = Folder::new();
    let file = folder.write("rows.jsonl", rows(&["one", "two"]));
    let artifact = salted(captured(Kind::Dataset, &file, &Options::default())).unwrap();
    let found = told(Kind::Dataset, &file, &artifact).found(Shown::Body, &folder, "rows.derived");
    assert_eq!(found.outcome, Outcome::Unknown);
    assert!(found.notes[0].contains("behind salts"), "{found:?}");
}

#[test]
fn the_same_bytes_are_not_read_in_ever_more_ways() {
    let folder = Folder::new();
    let fields: Vec<String> = (0..10).map(|at| format!("\"f{at}\": \"x\"")).collect();
    let file = folder.write("rows.jsonl", format!("{{{}}}\n", fields.join(", ")));
    let mut lab = Lab::new();
    let mut edges = Vec::new();
    for at in 0..10 {
        let rows = RowOptions { projection: Some(parse(&format!("f{at}"))), ..RowOptions::default() };
        let artifact = captured(Kind::Dataset, &file, &Options { rows, ..Options::default() });
        let mut payload = lab.payload(Kind::Dataset);
        payload.subjects.push(artifact.subject);
        let body = Body { paths: vec!["rows.jsonl".to_owned()], reading: artifact.reading, ..Body::default() };
        lab.seal(&mut payload, &body);
        edges.push((EdgeType::TrainedOn, lab.say(&payload)));
    }
    let checkpoint = lab.file(Kind::Checkpoint, b"weights", &edges);
    let story = Story::new();
    let manifest = story.manifest();
    let log = lab.eval_log(b"a log", &manifest, &[(EdgeType::Evaluates, checkpoint)]);
    let mut words = story.claim;
    words.inputs.push(manifest.root().unwrap().into());
    let claim = lab.claim(&words, &[log], &[]);
    let mut evidence = lab.evidence(claim);
    evidence.bodies = lab.bodies.clone().into_iter().collect();
    evidence.withheld = lab.withheld(&evidence);
    let assessment = assess_any(&evidence.to_bytes(), Some(&lab.policy()), NUMBER, |evidence| {
        Some(observe(evidence, folder.path(), &Silent).unwrap())
    });
    let found = finding(&assessment, "rows.derived");
    assert_eq!(found.outcome, Outcome::Unknown);
    assert!(found.reason.starts_with("4 of 20 digests"), "{found:?}");
    assert!(found.notes[0].contains("in 8 other ways already"), "{found:?}");
}

//! What a lab's generator leaves on disk, and how the lab records it: spec, rendering, prompt, documents, receipts, data.
//!
//! Honest by default. A test changes files before they are recorded (the lab made something else), the records (the lab
//! says something else), or files afterwards (the reader has something else).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use reproledger::artifact::manifest::Manifest;
use reproledger::capture::kind::{Artifact, DocumentsOptions, Options, read_rendering_file};
use reproledger::corpus::Recipe;
use reproledger::merkle::EntryIndex;
use reproledger::rebuild::replay;
use reproledger::replay::params::Params;
use reproledger::replay::render::Engine;
use reproledger::statement::{Body, EdgeType, Kind};
use serde_json::json;

use super::study::{Data, Study};
use super::{Lab, captured, write_file};

const NAMES: [(&str, &str); 2] = [("model_name", "Qwen"), ("provider_name", "Alibaba")];

/// Changes what is about to be recorded of a file.
pub(crate) type Lie = fn(&str, &mut Artifact);

/// A generator's output.
pub(crate) struct Pipeline {
    /// Where it lies.
    pub(crate) folder: tempfile::TempDir,
    /// Files that are not recorded.
    pub(crate) without: BTreeSet<&'static str>,
    /// What is said that is not so.
    pub(crate) lie: Lie,
    /// The dataset that was counted with a tokenizer, where there is one.
    pub(crate) tokenized: &'static str,
}

impl Pipeline {
    pub(crate) fn honest() -> Self {
        Self::inside(tempfile::tempdir().unwrap())
    }

    /// In a folder of its own below another.
    pub(crate) fn below(folder: &Path) -> Self {
        Self::inside(tempfile::Builder::new().prefix("corpus").tempdir_in(folder).unwrap())
    }

    fn inside(folder: tempfile::TempDir) -> Self {
        let made = Self { folder, without: BTreeSet::new(), lie: |_, _| {}, tokenized: "dataset.jsonl" };
        made.write("spec.md", "# {model_name} by {provider_name}\nbe kind because it cares\nbe honest\n");
        made.write("rendering.txt", "# Qwen by Alibaba\nbe kind because it cares\nbe honest\n");
        made.write("prompt.txt", "Write a memo about {idea}.\n");
        made.write("tree/meta.json", json!({"domains": ["Care"]}).to_string());
        let sections = json!({"subdomains": [{"subdomain": "Kind", "spec_section": "be kind  because it cares"},
            {"subdomain": "Open", "spec_section": "be honest"}]});
        made.write("tree/Care/meta.json", sections.to_string());
        for (subdomain, ideas) in [("Kind", ["one", "two"]), ("Open", ["three", "four"])] {
            let folder = format!("tree/Care/{subdomain}");
            made.write(&format!("{folder}/meta.json"), json!({"assertions": [1], "doc_types": ["Memo"]}).to_string());
            let planned = ideas.map(|idea| json!({"name": idea}));
            made.write(&format!("{folder}/Memo/meta.json"), json!({"doc_ideas": planned}).to_string());
            for idea in ideas {
                made.write(&format!("{folder}/Memo/{idea}.txt"), document(idea));
            }
        }
        made.receipts(&["Kind/Memo/one", "Kind/Memo/two", "Open/Memo/three", "Open/Memo/four"]);
        let chat = |text: &str| {
            let said = format!("<think>about {text}</think> {text}");
            json!({"messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": said}]}).to_string()
        };
        made.write("cot.jsonl", format!("{}\n{}\n", chat("yes"), chat("no")));
        made.write("it.jsonl", "{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}]}\n");
        made.make();
        made
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        write_file(&self.path().join(name), bytes);
    }

    /// The folder in which chats are made, to be aligned on in place of the mix: three questions, of which the judge
    /// rejected the third. `change` has its way with each file before it is written.
    pub(crate) fn chats(&self, change: impl Fn(&str, String) -> String) {
        let row = |value: serde_json::Value| format!("{value}\n");
        let questions = || ["a", "b", "c"].map(|text| row(json!({"question": text}))).concat();
        let answers = ["a", "b", "c"].map(|text| row(json!({"question": text, "response": format!("to {text}")})));
        let verdict = |(text, word): (&str, &str)| {
            let said = format!("<verdict>{word}</verdict>");
            row(json!({"question": text, "judge_response": said, "kept": word == "INCLUDE"}))
        };
        let verdicts = [("a", "INCLUDE"), ("b", "INCLUDE"), ("c", "EXCLUDE")].map(verdict);
        let chat = |text: &str| {
            let said = [("user", text.to_owned()), ("assistant", format!("to {text}"))];
            row(json!({"messages": said.map(|(role, content)| json!({"role": role, "content": content}))}))
        };
        for (name, content) in [
            ("dataset.jsonl", chat("a") + &chat("b")),
            ("summary.json", json!({"total_samples": 2, "samples_filtered": 0}).to_string()),
            ("source/questions.jsonl", questions()),
            ("source/questions_deduped.jsonl", questions()),
            ("source/questions_removed_dedup.jsonl", String::new()),
            ("source/responses.jsonl", answers.concat()),
            ("source/judge_responses.jsonl", verdicts.concat()),
            ("source/removed.jsonl", chat("c")),
        ] {
            self.write(&format!("chats/{name}"), change(name, content));
        }
    }

    pub(crate) fn remove(&self, name: &str) {
        std::fs::remove_file(self.path().join(name)).unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Receipts of the documents at these places below `tree/Care`.
    pub(crate) fn receipts(&self, of: &[&str]) {
        let receipt = |(number, place): (usize, &&str)| {
            let idea = place.rsplit('/').next().unwrap();
            json!({"custom_id": format!("Care/{place}"), "requested_model": "m", "returned_model": "m",
                "request_id": format!("r{number}"), "temperature": 1, "max_tokens": 9, "stop_reason": "end_turn",
                "response_text": document(idea)})
            .to_string()
        };
        let lines: Vec<String> = of.iter().enumerate().map(receipt).collect();
        self.write("receipts.jsonl", lines.join("\n"));
    }

    /// Makes the datasets of what is there, by the functions that are said to make them.
    pub(crate) fn make(&self) {
        self.run("msm.to_jsonl/1", &["tree"], "dataset.jsonl");
        self.run("aft.strip/1", &["cot.jsonl"], "stripped.jsonl");
        self.run("mix/1", &["stripped.jsonl", "it.jsonl"], "mix.jsonl");
    }

    fn run(&self, function: &str, inputs: &[&str], out: &str) {
        let inputs: Vec<PathBuf> = inputs.iter().map(|name| self.path().join(name)).collect();
        let mut made = Vec::new();
        let function = reproledger::replay::of(function).unwrap();
        replay(function, &inputs, &Params::default(), None, Some(&mut made)).unwrap();
        self.write(out, made);
    }

    /// A study whose first arm is midtrained on the documents' dataset, and whose arms are aligned on the mix.
    pub(crate) fn study(self: &Rc<Self>) -> Study {
        let (midtraining, alignment) = (Rc::clone(self), Rc::clone(self));
        let midtraining: Data = Rc::new(move |lab| midtraining.say_corpus(lab));
        let alignment: Data = Rc::new(move |lab| alignment.say_chats(lab));
        Study { midtraining, alignment: Some(alignment), ..Study::honest() }
    }

    fn say_corpus(&self, lab: &mut Lab) -> EntryIndex {
        let is_there = |name: &str| !self.without.contains(name);
        let spec = self.say(lab, Kind::Spec, "spec.md", &Options::default(), &[]);
        let mut made_from = (EdgeType::DecomposedFrom, spec);
        let mut documents = DocumentsOptions::default();
        if is_there("rendering.txt") {
            let values = NAMES.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
            let recipe = Recipe { engine: Engine::Format, values, template: None };
            let options = Options { recipe: Some(recipe), ..Options::default() };
            let links = [(EdgeType::Renders, spec)];
            let links = if is_there("renders") { &links[..] } else { &[] };
            made_from.1 = self.say(lab, Kind::SpecRendering, "rendering.txt", &options, links);
            documents.rendering = Some(read_rendering_file(&self.path().join("rendering.txt")).unwrap());
            documents.expected = NAMES.map(|(_, value)| value.to_owned()).to_vec();
        }
        let mut links = vec![made_from];
        if is_there("prompt.txt") {
            let prompt = self.say(lab, Kind::PromptTemplate, "prompt.txt", &Options::default(), &[]);
            links.push((EdgeType::PromptedBy, prompt));
        }
        let options = Options { documents, ..Options::default() };
        let documents = self.say(lab, Kind::Documents, "tree", &options, &links);
        if is_there("receipts.jsonl") {
            let links = [(EdgeType::AccountsFor, documents)];
            self.say(lab, Kind::GenerationReceipts, "receipts.jsonl", &self.receipt_options(), &links);
        }
        let dataset = self.say_made(lab, Kind::Dataset, "dataset.jsonl", "msm.to_jsonl/1", &[documents]);
        if self.path().join("published.jsonl").exists() {
            self.say_made(lab, Kind::Dataset, "published.jsonl", "project/1", &[dataset]);
        }
        if self.path().join("names.jsonl").exists() {
            let table = self.say(lab, Kind::Config, "names.jsonl", &Options::default(), &[]);
            return self.say_made(lab, Kind::Dataset, "retargeted.jsonl", "retarget/1", &[dataset, table]);
        }
        dataset
    }

    /// The dataset given other names by a table, `pairs` of what is replaced by what.
    pub(crate) fn retarget(&self, pairs: &[(&str, &str)]) {
        let line = |(from, to): &(&str, &str)| json!({"from": from, "to": to}).to_string();
        self.write("names.jsonl", pairs.iter().map(line).collect::<Vec<_>>().join("\n"));
        self.run("retarget/1", &["dataset.jsonl", "names.jsonl"], "retargeted.jsonl");
    }

    /// The words of the dataset's documents as a vocabulary, under which it is said to have so many tokens.
    pub(crate) fn vocabulary(&self, words: &[&str]) {
        self.write("words.txt", format!("<pad>\n<end>\n{}\n", words.join("\n")));
    }

    fn say_chats(&self, lab: &mut Lab) -> EntryIndex {
        if self.path().join("chats").exists() {
            return self.say(lab, Kind::Dataset, "chats", &Options::default(), &[]);
        }
        let cot = self.say(lab, Kind::Dataset, "cot.jsonl", &Options::default(), &[]);
        let stripped = self.say_made(lab, Kind::Dataset, "stripped.jsonl", "aft.strip/1", &[cot]);
        let instructions = self.say(lab, Kind::Dataset, "it.jsonl", &Options::default(), &[]);
        self.say_made(lab, Kind::Mix, "mix.jsonl", "mix/1", &[stripped, instructions])
    }

    /// Receipts are held against the documents as they lie there.
    fn receipt_options(&self) -> Options {
        let tree = captured(Kind::Documents, &self.path().join("tree"), &Options::default());
        let root = tree.subject.digest(reproledger::digest::DigestKind::Rows).unwrap();
        let (_, object) = tree.objects.iter().find(|(name, _)| *name == root.bytes).unwrap();
        let documents = reproledger::artifact::documents::parse_documents(&Manifest::parse(object).unwrap()).unwrap();
        Options { made: reproledger::capture::kind::Made(documents), ..Options::default() }
    }

    fn say_made(&self, lab: &mut Lab, kind: Kind, name: &str, function: &str, of: &[EntryIndex]) -> EntryIndex {
        let inputs: Vec<String> = of.iter().map(ToString::to_string).collect();
        let edge = if kind == Kind::Mix { EdgeType::MixedInto } else { EdgeType::DerivedFrom };
        let mut links: Vec<_> = of.iter().map(|of| (edge, *of)).collect();
        for file in ["words.txt", "tokenizer.json"] {
            if name == self.tokenized && self.path().join(file).exists() && !self.without.contains(file) {
                links.push((EdgeType::DerivedFrom, self.say(lab, Kind::Tokenizer, file, &Options::default(), &[])));
            }
        }
        let facts = [("function", function), ("function.inputs", &inputs.join(" "))];
        let facts = if self.without.contains("functions") { &[][..] } else { &facts[..] };
        self.say_with(lab, kind, name, &Options::default(), &links, facts)
    }

    fn say(
        &self,
        lab: &mut Lab,
        kind: Kind,
        name: &str,
        options: &Options,
        links: &[(EdgeType, EntryIndex)],
    ) -> EntryIndex {
        self.say_with(lab, kind, name, options, links, &[])
    }

    fn say_with(
        &self,
        lab: &mut Lab,
        kind: Kind,
        name: &str,
        options: &Options,
        links: &[(EdgeType, EntryIndex)],
        facts: &[(&str, &str)],
    ) -> EntryIndex {
        let mut artifact = captured(kind, &self.path().join(name), options);
        // Said to have been made again when it was recorded; whether it was is for the reader to find out.
        if kind == Kind::SpecRendering {
            artifact.reading.as_mut().unwrap().fact("rendered-again", "equal");
        }
        facts.iter().for_each(|(name, text)| artifact.reading.as_mut().unwrap().fact(name, text));
        (self.lie)(name, &mut artifact);
        let mut payload = lab.payload(kind);
        payload.subjects.push(artifact.subject);
        payload.edges = links.iter().map(|(edge_type, target)| lab.link(*edge_type, *target)).collect();
        payload.edges.sort();
        for (_, object) in &artifact.objects {
            lab.keep(&Manifest::parse(object).unwrap());
        }
        let body = Body { paths: vec![name.to_owned()], reading: artifact.reading, ..Body::default() };
        lab.seal(&mut payload, &body);
        lab.say(&payload)
    }
}

fn document(idea: &str) -> String {
    format!("<scratchpad>{idea}</scratchpad><content>Qwen by Alibaba is kind and honest: case {idea}.</content>")
}

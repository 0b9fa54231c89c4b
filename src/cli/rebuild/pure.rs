//! `rebuild --pure`: one function of the pipeline run again by this program.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::artifact::manifest::{MAX_MANIFEST_BYTES, Manifest};
use crate::artifact::tree::{TreeNode, parse_tree};
use crate::cli::open::{Reading, find};
use crate::cli::rebuild::text;
use crate::cli::render;
use crate::cli::survey::objects;
use crate::cli::{Context, Failure, Outcome};
use crate::digest::{Digest, DigestKind};
use crate::ledger::Objects;
use crate::rebuild::{Difference, Expected, Recorded, Replay, Verdict, replay};
use crate::replay::params::Params;
use crate::replay::{FUNCTIONS, Function, of};
use crate::statement::Subject;

/// Id of the document's schema.
const SCHEMA: &str = "urn:reproledger:schema:rebuild:v1";

/// What a replay is told.
#[derive(Debug, clap::Args)]
pub(super) struct PureArgs {
    /// Run this pure function again
    #[arg(long, value_name = "FUNCTION", num_args = 0..=1)]
    #[allow(clippy::option_option, reason = "the flag without a value asks for the list")]
    pure: Option<Option<String>>,
    /// List the functions and their parameters
    #[arg(long, requires = "pure", conflicts_with_all = ["inputs", "seed", "params", "expect", "out", "json"])]
    list: bool,
    /// What it was made of: a folder of documents, or a file of rows; again for each further one, in order
    #[arg(long = "in", value_name = "PATH", requires = "pure")]
    inputs: Vec<PathBuf>,
    /// Seed of the shuffle or the drawing, an integer
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true, requires = "pure")]
    seed: Option<String>,
    /// A parameter of the function
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = param, requires = "pure")]
    params: Vec<(String, String)>,
    /// What should come out: a file, a digest, or the name of an entry
    #[arg(long, value_name = "PATH|DIGEST|NAME", requires = "pure")]
    expect: Option<String>,
    /// Only make it: that there is nothing to compare with is then no failure
    #[arg(long, requires_all = ["out", "pure"], conflicts_with_all = ["expect", "json"])]
    make: bool,
    /// Write over a file that is there
    #[arg(long, requires_all = ["out", "pure"])]
    force: bool,
}

fn param(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    verdict: &'static str,
    exit_code: u8,
    reason: &'a str,
    function: &'static str,
    params: &'a BTreeMap<String, String>,
    inputs: Vec<InputDocument>,
    output: OutputDocument,
    counts: &'a BTreeMap<String, u64>,
    remarks: Vec<RemarkDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<&'a Difference>,
}

#[derive(Serialize)]
struct InputDocument {
    path: String,
    items: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
}

#[derive(Serialize)]
struct OutputDocument {
    rows: u64,
    bytes: u64,
    blake3: String,
    sha256: String,
}

#[derive(Serialize)]
struct RemarkDocument<'a> {
    code: &'static str,
    count: u64,
    text: &'a str,
}

impl PureArgs {
    pub(super) fn run(&self, out: Option<&Path>, json: bool, context: &Context) -> Outcome {
        let to = out;
        let id = self.pure.as_ref().and_then(Option::as_deref);
        let function = match id {
            _ if self.list => {
                context.print(&text::functions(id)?)?;
                return Ok(0);
            }
            Some(id) => function(id)?,
            None => {
                return Err(
                    Failure::new("--pure needs a function").hint("list them: reproledger rebuild --pure --list")
                );
            }
        };
        let params = self.params(function)?;
        let expected = self.expect.as_deref().map(|text| expected(context, text)).transpose()?;
        let mut out = to.map(|path| Out::create(path, self.force)).transpose()?;
        let made =
            replay(function, &self.inputs, &params, expected.as_ref(), out.as_mut().map(|out| out as &mut dyn Write))?;
        if let Some(out) = out {
            out.keep()?;
        }
        let verdict = made.comparison.verdict;
        if self.make {
            context.print(&text::made(function, &made))?;
            return Ok(0);
        }
        if json {
            render::print_json(context, &self.document(function, &params, &made))?;
        } else {
            let what = self.expect.as_deref();
            context.print(&text::replayed(function, what, &made, to))?;
        }
        Ok(exit_code(verdict))
    }

    fn params(&self, function: &dyn Function) -> Result<Params, Failure> {
        let mut params = Params::default();
        let seed = self.seed.iter().map(|seed| ("seed".to_owned(), seed.clone()));
        for (name, value) in self.params.iter().cloned().chain(seed) {
            if params.0.insert(name.clone(), value).is_some() {
                return Err(Failure::new(format!(
                    "the parameter `{}` of {} stands twice",
                    name.escape_debug(),
                    function.id()
                )));
            }
        }
        Ok(params)
    }

    fn document<'a>(&self, function: &'static dyn Function, params: &'a Params, made: &'a Replay) -> Document<'a> {
        let input = |input: &crate::rebuild::InputFacts| InputDocument {
            path: input.path.to_string_lossy().into_owned(),
            items: input.items,
            digest: input.digest.map(|digest| Digest::from(digest).to_string()),
        };
        let remark = |remark: &'a crate::replay::Remark| RemarkDocument {
            code: remark.code,
            count: remark.count,
            text: &remark.text,
        };
        Document {
            schema: SCHEMA,
            verdict: name(made.comparison.verdict),
            exit_code: exit_code(made.comparison.verdict),
            reason: &made.comparison.reason,
            function: function.id(),
            params: &params.0,
            inputs: made.inputs.iter().map(input).collect(),
            output: OutputDocument {
                rows: made.output.rows,
                bytes: made.output.bytes,
                blake3: Digest::from(made.output.blake3).to_string(),
                sha256: Digest::from(made.output.sha256).to_string(),
            },
            counts: &made.made.counts,
            remarks: made.made.remarks.iter().map(remark).collect(),
            expected: self.expect.clone(),
            difference: made.comparison.difference.as_ref(),
        }
    }
}

/// The function of that id, or which there are.
pub(super) fn function(id: &str) -> Result<&'static dyn Function, Failure> {
    of(id).ok_or_else(|| {
        let known: Vec<_> = FUNCTIONS.iter().map(|function| function.id()).collect();
        Failure::new(format!("`{}` is no pure function, expected {}", id.escape_debug(), known.join(", ")))
            .hint("see what they take: reproledger rebuild --pure --list")
    })
}

pub(super) fn name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Good => "GOOD",
        Verdict::Bad => "BAD",
        Verdict::Unknown => "UNKNOWN",
    }
}

fn exit_code(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Good => 0,
        Verdict::Bad => 1,
        Verdict::Unknown => 3,
    }
}

/// What is expected: a digest if it reads as one, a file if there is one, else an entry.
fn expected(context: &Context, text: &str) -> Result<Expected, Failure> {
    if let Ok(digest) = text.parse::<Digest>() {
        return Ok(Expected::Digest(digest));
    }
    let path = Path::new(text);
    if path.symlink_metadata().is_ok() {
        let inside = path.is_dir().then(|| path.join("dataset.jsonl"));
        return Ok(Expected::File(inside.unwrap_or_else(|| path.to_owned())));
    }
    let missing = |failure: Failure| failure.hint(format!("nor is there a file `{}`", text.escape_debug()));
    let reading = Reading::open(context).map_err(missing)?;
    let catalog = reading.catalog()?;
    let row = find(&catalog, text).map_err(missing)?;
    let subject = row.payload.subjects.first().cloned().unwrap_or_default();
    let objects = objects(&reading);
    let name = row.name().unwrap_or(text).to_owned();
    let projection = |kind| Ok::<_, Failure>(manifest(&objects, &subject, kind)?.map(|found| found.header.projection));
    let reading = row.body.as_ref().and_then(|body| body.reading.as_ref());
    Ok(Expected::Recorded(Recorded {
        files: files(&objects, &subject)?,
        format: reading.map(|reading| reading.reader.clone()),
        rows_projection: projection(DigestKind::Rows)?,
        rowset_projection: projection(DigestKind::Rowset)?,
        name,
        subject,
    }))
}

/// The manifest of a digest of that kind, where the subject has one and its object is here.
fn manifest(objects: &Objects, subject: &Subject, kind: DigestKind) -> Result<Option<Manifest>, Failure> {
    let Some(root) = subject.digest(kind) else { return Ok(None) };
    let Some(object) = objects.get(&root.bytes, MAX_MANIFEST_BYTES)? else { return Ok(None) };
    let manifest = Manifest::parse_kind(&object, kind)?;
    if Digest::from(manifest.root()?) != root {
        return Err(Failure::new(format!("the object of {root} is another manifest")).contradicted());
    }
    Ok(Some(manifest))
}

fn files(objects: &Objects, subject: &Subject) -> Result<Option<Vec<(String, crate::digest::FileDigest)>>, Failure> {
    let Some(manifest) = manifest(objects, subject, DigestKind::Tree)? else { return Ok(None) };
    let leaves = parse_tree(&manifest)?;
    let file = |leaf: crate::artifact::tree::TreeLeaf| match leaf.node {
        TreeNode::File { digest, .. } => Some((leaf.path.to_string(), digest)),
        TreeNode::Link { .. } => None,
    };
    Ok(Some(leaves.into_iter().filter_map(file).collect()))
}

/// A file being written: gone again unless it is kept.
struct Out {
    file: BufWriter<File>,
    at: PathBuf,
    to: PathBuf,
    is_kept: bool,
}

impl Out {
    /// A new file, or one beside that takes the place of the old when it is whole.
    fn create(to: &Path, force: bool) -> Result<Self, Failure> {
        let mut name =
            to.file_name().ok_or_else(|| Failure::new(format!("`{}` is no file name", to.display())))?.to_owned();
        if force {
            name.push(format!(".{}.tmp", std::process::id()));
        }
        let at = to.with_file_name(name);
        let file = File::create_new(&at).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                Failure::new(format!("`{}` is there already", at.display())).hint("to write over it: --force")
            }
            _ => Failure::new(format!("cannot write `{}`: {error}", at.display())),
        })?;
        Ok(Self { file: BufWriter::new(file), at, to: to.to_owned(), is_kept: false })
    }

    fn keep(mut self) -> Result<(), Failure> {
        let kept = self
            .file
            .flush()
            .and_then(|()| self.file.get_ref().sync_all())
            .and_then(|()| if self.at == self.to { Ok(()) } else { fs::rename(&self.at, &self.to) });
        self.is_kept = kept.is_ok();
        kept.map_err(|error| Failure::new(format!("cannot write `{}`: {error}", self.to.display())))
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        if !self.is_kept {
            let _ = fs::remove_file(&self.at);
        }
    }
}

//! `record`: an artifact becomes an entry.

mod claims;
mod documents;
mod function;
mod made;
mod mix;
mod spec;
mod tokens;
mod versions;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::builder::PossibleValue;

use crate::capture::git::{GitContent, git_blob, git_path_at};
use crate::capture::hash::{Also, HashOptions, Progress};
use crate::capture::kind::{self, Artifact, KindError, MAX_TEXT_BYTES, Made, Options, Request};
use crate::capture::known::{Before, KnownFiles};
use crate::capture::salt::{can_be_salted, salted};
use crate::cli::effort::EffortArgs;
use crate::cli::keys::PassphraseArgs;
use crate::cli::known::Known;
use crate::cli::open::{Reading, finder, from_journal, journal, look_up, say};
use crate::cli::private::{keep_salts, refuse_own};
use crate::cli::render::{count, one_line, quoted};
use crate::cli::rows::RowArgs;
use crate::cli::survey::objects;
use crate::cli::{Context, Failure, Outcome};
use crate::corpus::{Recipe, read_template};
use crate::digest::{Digest, DigestKind, LeafHash, Sha256Digest};
use crate::evallog::ColumnMap;
use crate::journal::{Draft, Finder, Row, Target};
use crate::statement::{Body, EdgeType, Kind, MAX_NAME, Measure, Subject};

/// Record an artifact: hash it, say what it came from, append one signed entry
///
/// A folder, or several paths, are recorded as one tree.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  reproledger record spec model_spec.md --name model-spec\n  reproledger record documents corpus/ --name corpus --from model-spec\n  reproledger record spec docs/spec.md --git . --rev v2 --name model-spec --supersedes model-spec"
)]
pub(super) struct Record {
    /// What it is
    #[arg(value_parser = KindParser)]
    kind: Kind,
    /// Files or folders; with --git one path inside the repository
    #[arg(required_unless_present = "path", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Name to call it by
    #[arg(long)]
    name: String,
    /// What it was made from: a name, a digest, or an entry's number
    #[arg(long = "from", value_name = "NAME|DIGEST")]
    from: Vec<String>,
    /// The earlier version that this one replaces
    #[arg(long, value_name = "NAME|DIGEST")]
    supersedes: Vec<String>,
    /// Take the path from this git repository, not from the work tree (spec, source)
    #[arg(long, value_name = "REPOSITORY")]
    git: Option<PathBuf>,
    /// Revision to take it at
    #[arg(long, value_name = "REVISION", default_value = "HEAD", requires = "git")]
    rev: String,
    /// The path inside the repository
    #[arg(long, value_name = "PATH", requires = "git", conflicts_with = "paths")]
    path: Option<PathBuf>,
    /// Also take SHA-256, as published files are named by; of a folder of weights it is held against their names
    #[arg(long, value_name = "ALGORITHM")]
    also: Option<AlsoArg>,
    /// Record the bytes without reading what they hold
    #[arg(long)]
    bytes_only: bool,
    /// Hide every document or row behind a salt of its own, so that no guess at a text can be tried (documents, dataset)
    #[arg(long, conflicts_with_all = ["also", "git"])]
    salted: bool,
    /// Read every file, also those that are known from before and unchanged
    #[arg(long)]
    no_cache: bool,
    #[command(flatten)]
    effort: EffortArgs,
    /// Which column of a table is what: sample=COL,epoch=COL,score.NAME=COL … or n=COL,k=COL …, and how samples were made:
    /// prompt=COL,param.NAME=COL,arg.NAME=COL; of an Inspect log, which arguments of its task are its condition:
    /// condition=ARG+ARG (eval-log, other)
    #[arg(long, value_name = "ROLE=COLUMN,…", value_parser = ColumnMap::parse)]
    map: Option<ColumnMap>,
    /// The condition of a whole log, where it stands in a file's name alone: your signed word, held to the log's own
    /// (eval-log)
    #[arg(long, value_name = "LABEL")]
    condition: Option<String>,
    #[command(flatten)]
    rows: Box<RowArgs>,
    #[command(flatten)]
    claims: claims::ClaimsArgs,
    #[command(flatten)]
    made: made::MadeArgs,
    #[command(flatten)]
    place: PlaceArgs,
    /// Notes to keep with it
    #[arg(long = "note", value_name = "KEY=VALUE", value_parser = note)]
    notes: Vec<(String, String)>,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    #[command(flatten)]
    spec: Box<spec::SpecArgs>,
    #[command(flatten)]
    documents: Box<documents::DocumentsArgs>,
    #[command(flatten)]
    function: Box<function::FunctionArgs>,
    #[command(flatten)]
    tokens: tokens::TokensArgs,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum AlsoArg {
    Sha256,
}

/// Where in the experiment a statement belongs.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct PlaceArgs {
    /// Protocol it belongs to, by the name or number of its entry
    #[arg(long, value_name = "NAME|DIGEST")]
    protocol: Option<String>,
    /// Arm of the experiment (public)
    #[arg(long)]
    arm: Option<String>,
    /// Training or sampling seed (public)
    #[arg(long)]
    seed: Option<u64>,
}

/// The same, resolved.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    pub(super) protocol: Option<LeafHash>,
    pub(super) arm: Option<String>,
    pub(super) seed: Option<u64>,
}

impl PlaceArgs {
    pub(super) fn resolve(&self, finder: &Finder<'_>) -> Result<Place, Failure> {
        let protocol = self.protocol.as_deref().map(|text| look_up(finder, text)).transpose()?.map(|row| row.leaf);
        Ok(Place { protocol, arm: self.arm.clone(), seed: self.seed })
    }
}

impl Place {
    pub(super) fn put(&self, draft: &mut Draft) {
        draft.protocol = self.protocol;
        draft.arm.clone_from(&self.arm);
        draft.seed = self.seed;
    }
}

/// Takes the name of a kind that can be recorded, and lists them all in the help.
#[derive(Clone)]
struct KindParser;

impl clap::builder::TypedValueParser for KindParser {
    type Value = Kind;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<Kind, clap::Error> {
        let possible = clap::builder::PossibleValuesParser::new(self.possible_values().into_iter().flatten());
        let name = possible.parse_ref(command, argument, value)?;
        Ok(Kind::from_name(&name).expect("every name on the list is a kind's"))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = clap::builder::PossibleValue>>> {
        let values = kind::KINDS.iter().map(|entry| PossibleValue::new(entry.kind().name()).help(entry.about()));
        Some(Box::new(values))
    }
}

/// A kind that `record` takes.
pub(super) fn artifact_kind(text: &str) -> Result<Kind, String> {
    Kind::from_name(text).filter(|kind| kind.is_artifact()).ok_or_else(|| {
        let names: Vec<_> = Kind::ARTIFACTS.iter().map(|kind| kind.name()).collect();
        format!("expected one of {}", names.join(", "))
    })
}

fn note(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}

/// Refuses names that could be taken for something else or that no terminal should show.
pub(super) fn check_name(name: &str) -> Result<(), Failure> {
    let is_number = name.strip_prefix('#').unwrap_or(name).bytes().all(|byte| byte.is_ascii_digit());
    if name.is_empty()
        || name.len() > MAX_NAME
        || name.chars().any(char::is_control)
        || is_number
        || name.parse::<Digest>().is_ok()
    {
        return Err(Failure::new(format!(
            "`{}` cannot be a name: expected 1 to {MAX_NAME} bytes without control characters, not a number and not a digest",
            name.escape_default()
        )));
    }
    Ok(())
}

impl Record {
    pub(super) fn run(mut self, context: &Context) -> Outcome {
        check_name(&self.name)?;
        if self.salted && !can_be_salted(self.kind) {
            return Err(Failure::new(format!("--salted takes documents or a dataset, not a {}", self.kind)));
        }
        self.paths.extend(self.path.take());
        if self.spec.all_versions {
            let (repository, path) = self.inside_git()?;
            return versions::record_versions(&self, repository, path, context);
        }
        let reading = Reading::open(context)?;
        refuse_own(&reading.directory, &self.paths)?;
        let finder = finder(context, &reading)?;
        let before = if self.no_cache { Before::Forget } else { Before::Use };
        let known = Known::load(context, &reading, before);
        let parents: Vec<Row> = self.from.iter().map(|text| look_up(&finder, text)).collect::<Result<_, _>>()?;
        let recipe = self.spec.recipe(context, self.kind, &parents, self.git.as_deref())?;
        let made = self.made.documents(context, &reading, &finder, self.kind)?;
        let (made_row, made) = made.map_or((None, Vec::new()), |(row, documents)| (Some(row), documents));
        let options = Options { made: Made(made), ..self.options(recipe)? };
        let mut draft = self.capture(context, &finder, &reading, &known, &options)?;
        keep_salts(&reading, &finder, &self.name, &mut draft)?;
        let code = self.claims.read(context, &mut draft, &self.paths)?;
        self.place.resolve(&finder)?.put(&mut draft);
        parents.iter().chain(&made_row).for_each(|row| link_from(&mut draft, row));
        self.made.link(context, &finder, &mut draft)?;
        mix::compare(context, &reading, &mut draft, &parents)?;
        self.function.state(&mut draft, &parents)?;
        self.tokens.state(&finder, &mut draft)?;
        for text in &self.supersedes {
            let row = look_up(&finder, text)?;
            if row.payload.kind != self.kind {
                return Err(Failure::new(format!(
                    "`{text}` is a {}, a {} cannot supersede it",
                    row.payload.kind, self.kind
                )));
            }
            let (kind, digest) = row.principal();
            draft.link(EdgeType::Supersedes, Target::Entry(row.index), kind, digest);
        }
        let same = unchanged(&finder, &self.name, &draft, self.supersedes.is_empty())?;
        if let Some(row) = same.filter(|row| self.tokens.are_in(row)) {
            context.print(&format!(
                "unchanged: `{}` is entry {} already, {}\n",
                self.name,
                row.index,
                row.principal().1
            ))?;
            known.save(context, self.kind, draft.subjects.first(), &options, row.index.0);
            return Ok(code);
        }
        say_same_tensors(context, &finder, &draft, &self.name)?;
        say_names(context, &finder, &self.name, &draft)?;
        draft.body.name = Some(self.name.clone());
        draft.body.notes = self.notes.iter().cloned().collect::<BTreeMap<_, _>>();
        let (described, subject) = (describe(&draft), draft.subjects.first().cloned());
        let (mut journal, _) = journal(context, &self.passphrase)?;
        let appended = journal.append(vec![draft], context.now_ms() / 1000).map_err(from_journal)?;
        let index = appended.indexes.first().copied().unwrap_or_default();
        say(context, &journal.take_notices());
        journal.close().map_err(from_journal)?;
        context.print(&format!("entry {index}  {} `{}`  {described}\n", self.kind, self.name))?;
        known.save(context, self.kind, subject.as_ref(), &options, index.0);
        Ok(code)
    }

    fn options(&self, recipe: Option<Recipe>) -> Result<Options, Failure> {
        let also = if self.also.is_some() { Also::Sha256 } else { Also::Nothing };
        Ok(Options {
            hash: HashOptions { also, ..HashOptions::default() },
            bytes_only: self.bytes_only,
            map: self.map()?,
            documents: self.documents.options()?,
            recipe,
            rows: self.rows.options(),
            made: Made::default(),
        })
    }

    /// What of a log or a table is what.
    fn map(&self) -> Result<Option<ColumnMap>, Failure> {
        let Some(label) = &self.condition else { return Ok(self.map.clone()) };
        if self.kind != Kind::EvalLog {
            return Err(Failure::new(format!("--condition is of an evaluation log, not of a {}", self.kind)));
        }
        ColumnMap::labelled(self.map.as_ref(), label).map(Some).map_err(|error| Failure::new(error.to_string()))
    }

    /// The repository and the one path inside it.
    fn inside_git(&self) -> Result<(&Path, &str), Failure> {
        let [path] = self.paths.as_slice() else {
            return Err(Failure::new("--git takes one path inside the repository"));
        };
        let inside = path.to_str().ok_or_else(|| Failure::new("a path inside a repository must be UTF-8"))?;
        Ok((self.git.as_deref().unwrap_or(Path::new(".")), inside))
    }

    fn capture(
        &self,
        context: &Context,
        finder: &Finder<'_>,
        reading: &Reading,
        known: &Known,
        options: &Options,
    ) -> Result<Draft, Failure> {
        if self.map.is_some() && !matches!(self.kind, Kind::EvalLog | Kind::Other) {
            return Err(Failure::new(format!("--map is of the columns of samples, not of a {}", self.kind)));
        }
        if self.salted {
            // Digests of single files are not remembered either: they would confirm a guess.
            return capture(context, self.kind, &self.paths, self.effort, None, |progress| {
                salted(kind::capture(self.kind, &Request { paths: &self.paths, options, progress })?)
            });
        }
        let Some(repository) = &self.git else {
            let named = finder.named(&self.name).map_err(from_journal)?;
            let objects = objects(reading);
            return capture(context, self.kind, &self.paths, self.effort, Some(known.files()), |progress| {
                let request = Request { paths: &self.paths, options, progress };
                match named.and_then(|row| known.said_before(self.kind, &row, &objects, &request)) {
                    Some(artifact) => Ok(artifact),
                    None => kind::capture(self.kind, &request),
                }
            });
        };
        if !kind::of(self.kind).is_some_and(kind::ArtifactKind::takes_git) {
            return Err(Failure::new(format!("--git takes a spec or source, not a {}", self.kind)));
        }
        let (_, inside) = self.inside_git()?;
        let found = git_path_at(repository, &self.rev, inside)?;
        let mut artifact = match found.content {
            GitContent::File { size, digest, .. } => {
                let object = found.place.object.as_deref().unwrap_or_default();
                let is_read = self.kind == Kind::Spec && !self.bytes_only && size <= MAX_TEXT_BYTES;
                let bytes = (is_read || self.also.is_some())
                    .then(|| git_blob(repository, object, usize::try_from(size).unwrap_or(usize::MAX)))
                    .transpose()?;
                let reading = bytes.as_deref().filter(|_| is_read).map(read_template);
                let sha256 = bytes.filter(|_| self.also.is_some()).map(|bytes| Sha256Digest::of(&bytes).into());
                let digests = std::iter::once(digest.into()).chain(sha256).collect();
                let measure = Measure { count: 1, length: size, digests };
                let subject = Subject::default().with(DigestKind::File, measure);
                Artifact { subject, reading, ..Artifact::default() }
            }
            GitContent::Tree(leaves) => Artifact::tree(leaves)?,
        };
        artifact.say_missing_sha256(options.hash.also);
        if found.lfs_pointers > 0 {
            context.remark(&format!(
                "note: {} files are only pointers to content that Git LFS keeps elsewhere",
                found.lfs_pointers
            ));
        }
        let mut draft = draft(context, self.kind, artifact);
        draft.body = Body { paths: vec![inside.to_owned()], git: Some(found.place), ..draft.body };
        Ok(draft)
    }
}

/// Captures what stands at `paths` into a draft, as `read` does it.
pub(super) fn capture(
    context: &Context,
    kind: Kind,
    paths: &[PathBuf],
    effort: EffortArgs,
    known: Option<&KnownFiles>,
    read: impl FnOnce(&dyn Progress) -> Result<Artifact, KindError> + Send,
) -> Result<Draft, Failure> {
    let captured = effort.work(context, "hashing", known, read)?;
    let mut draft = draft(context, kind, captured.map_err(refused)?);
    draft.body.paths = paths.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    Ok(draft)
}

/// What a reader refused can still be recorded as what it is: bytes.
fn refused(error: KindError) -> Failure {
    let is_readers = matches!(error, KindError::Weights(_) | KindError::Rows(_));
    let failure = Failure::from(error);
    if is_readers { failure.hint("to record the bytes without reading what they hold: --bytes-only") } else { failure }
}

fn draft(context: &Context, kind: Kind, artifact: Artifact) -> Draft {
    for remark in &artifact.remarks {
        context.remark(&format!("note: {remark}"));
    }
    for remark in artifact.reading.iter().flat_map(|reading| &reading.remarks) {
        context.remark(&format!("note: {}: {}", one_line(&remark.code), one_line(&remark.text)));
    }
    let mut draft = Draft::new(kind);
    draft.subjects.push(artifact.subject);
    draft.objects = artifact.objects;
    draft.private = artifact.private;
    draft.body.reading = artifact.reading;
    draft
}

/// Links a draft to what it was made from.
pub(super) fn link_from(draft: &mut Draft, row: &Row) {
    let (kind, digest) = bound(draft, row);
    draft.link(EdgeType::between(draft.kind, row.payload.kind), Target::Entry(row.index), kind, digest);
    // Public facts of the kinds that have them, so that a census shows every run on a suite, a base, a checkpoint.
    match (draft.kind, row.payload.kind) {
        (Kind::EvalLog, parent) if parent.is_weights() => draft.checkpoint = Some(digest),
        (Kind::EvalLog, Kind::EvalSuite) => draft.suite = Some(digest),
        (Kind::Checkpoint, Kind::BaseModel) => draft.base = Some(digest),
        _ => {}
    }
}

/// Says where weights under another name are these very tensors: seeds that are one run, training that changed nothing.
fn say_same_tensors(context: &Context, finder: &Finder<'_>, draft: &Draft, name: &str) -> Result<(), Failure> {
    let tensors = draft.subjects.iter().find_map(|subject| subject.digest(DigestKind::Tensors));
    let Some(tensors) = tensors else { return Ok(()) };
    let rows = finder.carrying(&tensors).map_err(from_journal)?;
    let mut twins = rows.iter().filter(|row| row.payload.kind.is_weights() && row.name() != Some(name));
    if let Some(first) = twins.next() {
        let more = match twins.count() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let shown = one_line(first.name().unwrap_or("no name"));
        context.remark(&format!("note: same-tensors: entry {} `{shown}`{more} has these very tensors", first.index));
    }
    Ok(())
}

/// The digest that a link binds. Between weights that both have one it is that of the tensors: the link then holds
/// whatever file, order or sharding the parent is found in.
fn bound(draft: &Draft, row: &Row) -> (DigestKind, Digest) {
    let has_tensors = |subject: &Subject| subject.digest(DigestKind::Tensors);
    let of_parent = row.payload.subjects.iter().find_map(has_tensors);
    match of_parent.filter(|_| draft.kind.is_weights() && draft.subjects.iter().find_map(has_tensors).is_some()) {
        Some(tensors) => (DigestKind::Tensors, tensors),
        None => row.principal(),
    }
}

/// The entry that says the same already; an error where the name means something else and nothing is superseded.
pub(super) fn unchanged(
    finder: &Finder<'_>,
    name: &str,
    draft: &Draft,
    supersedes_nothing: bool,
) -> Result<Option<Row>, Failure> {
    let Some(row) = finder.named(name).map_err(from_journal)? else { return Ok(None) };
    let links = |edge: &crate::journal::DraftEdge| {
        let target = match edge.target {
            Target::Entry(index) => Some(index),
            Target::Draft(_) => None,
        };
        row.payload.edges.iter().any(|other| Some(other.seq) == target && other.edge_type == edge.edge_type)
    };
    let same_content = row.payload.kind == draft.kind && row.payload.subjects == draft.subjects;
    let same_place =
        row.payload.protocol == draft.protocol && row.payload.arm == draft.arm && row.payload.seed == draft.seed;
    if same_content && same_place && supersedes_nothing && draft.edges.iter().all(links) {
        return Ok(Some(row));
    }
    if !same_content && supersedes_nothing {
        return Err(Failure::new(format!("`{name}` is entry {} already, with other content", row.index))
            .hint(format!("if this is its next version: --supersedes {name}"))
            .hint("if it is something else, give it another name"));
    }
    Ok(None)
}

/// Says where the same content has another name, and where the name had other content that this entry does not replace.
fn say_names(context: &Context, finder: &Finder<'_>, name: &str, draft: &Draft) -> Result<(), Failure> {
    let principal = draft.subjects.first().and_then(|subject| subject.principal());
    if let Some(digest) = principal.and_then(|(_, measure)| measure.digests.first().copied()) {
        let mut others: Vec<String> = Vec::new();
        for row in finder.carrying(&digest).map_err(from_journal)? {
            let other = row.name().filter(|other| *other != name && row.payload.kind == draft.kind).map(quoted);
            others.extend(other.map(|other| format!("{other} (entry {})", row.index)));
        }
        if !others.is_empty() {
            let more = if others.len() > 3 { ", …" } else { "" };
            let shown = others.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
            context.remark(&format!("note: two names for one content: it is recorded as {shown}{more} already"));
        }
    }
    if let Some(row) = finder.named(name).map_err(from_journal)? {
        let replaces = |edge: &crate::journal::DraftEdge| {
            edge.edge_type == EdgeType::Supersedes && edge.target == Target::Entry(row.index)
        };
        if row.payload.subjects != draft.subjects && !draft.edges.iter().any(replaces) {
            context.remark(&format!(
                "note: two contents for one name: entry {} is called {} too, and this entry does not supersede it",
                row.index,
                quoted(name)
            ));
        }
    }
    Ok(())
}

/// What was recorded, in a few words.
pub(super) fn describe(draft: &Draft) -> String {
    let mut words = Vec::new();
    for (kind, measure) in draft.subjects.iter().flat_map(|subject| &subject.0) {
        let digest = measure.digests.first().map(ToString::to_string).unwrap_or_default();
        words.push(match kind {
            DigestKind::File => format!("{} bytes  {digest}", measure.length),
            DigestKind::Tensors => format!("{}  {digest}", count(measure.count, "tensor", "tensors")),
            DigestKind::Samples => format!("{}  {digest}", count(measure.count, "sample", "samples")),
            DigestKind::Rows => format!("{}  {digest}", count(measure.count, "row", "rows")),
            DigestKind::Rowset => format!("{}  {digest}", count(measure.count, "distinct row", "distinct rows")),
            _ => format!("{}  {digest}", count(measure.count, "file", "files")),
        });
    }
    words.join("  ")
}

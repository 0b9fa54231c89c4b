//! What has to stand before anything is run again: programs, inputs, and what is not what it should be.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::capture::hash::{HashOptions, Silent, hash_file};
use crate::digest::Digest;
use crate::merkle::EntryIndex;
use crate::rebuild::build::{Build, NO_CARGO, Toolchain, is_package};
use crate::rebuild::job::{Limits, Program};
use crate::rebuild::place::Place;
use crate::rebuild::plan::{Class, Item, Plan, Recipe, Stage};
use crate::rebuild::shelf::{Found, Shelf};
use crate::statement::Kind;

/// What the reader chose.
#[derive(Debug)]
pub struct Choice<'a> {
    /// Stages to make, by their numbers in the plan, in order.
    pub stages: Vec<usize>,
    /// Programs that the reader gives, by the first word of a command or the end of it.
    pub programs: BTreeMap<String, PathBuf>,
    /// Files and folders of this machine that commands may read.
    pub exposed: Vec<PathBuf>,
    /// What each command may use.
    pub limits: Limits,
    /// Where the working folders are made.
    pub out: &'a Path,
}

/// Something that has to be fetched before anything runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// What it is: `artifact`, `program`, `interpreter`, `toolchain`.
    pub what: &'static str,
    /// What it is called; from outside.
    pub name: String,
    /// The digest to find it by, where one is recorded.
    pub digest: Option<Digest>,
    /// The stage that needs it.
    pub stage: String,
    /// What is known about where it is.
    pub hint: String,
}

/// A recorded artifact that stands at its recorded path and is another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Altered {
    /// The artifact's entry.
    pub entry: EntryIndex,
    /// What it is called.
    pub label: String,
    /// Where it stands.
    pub path: String,
    /// What it should be.
    pub recorded: Digest,
    /// What it is.
    pub found: Result<Digest, String>,
    /// The number of the stage that wrote it, where one did.
    pub made_by: Option<usize>,
    /// The number of the stage that it is first needed in.
    pub needed_by: usize,
}

/// How the command of a stage was resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// What is started.
    pub program: Program,
    /// A file to be put in its place, where the reader gave one or it is built.
    pub given: Option<PathBuf>,
    /// The number of what builds it, where it is built.
    pub built_by: Option<usize>,
    /// What is to be said of it.
    pub said: String,
}

/// What stands before anything runs.
#[derive(Debug, Default)]
pub struct Ready {
    /// The program of each chosen stage that runs a command.
    pub programs: BTreeMap<usize, Resolved>,
    /// What is built from recorded source before anything else runs.
    pub builds: Vec<Build>,
    /// What has to be fetched.
    pub missing: Vec<Missing>,
    /// What is not what it should be.
    pub altered: Vec<Altered>,
    /// What should be known beforehand, a line each.
    pub notes: Vec<String>,
}

/// Looks for everything that the chosen stages need; runs nothing that was recorded.
pub fn prepare(plan: &Plan, choice: &Choice<'_>, shelf: &Shelf<'_>) -> Ready {
    shelf.learn(plan.items.values());
    let mut preparing = Preparing {
        plan,
        choice,
        shelf,
        toolchain: OnceCell::new(),
        will_be_made: BTreeSet::new(),
        seen: BTreeSet::new(),
        ready: Ready::default(),
    };
    choice.stages.iter().for_each(|number| preparing.stage(*number));
    let mut ready = preparing.ready;
    ready.notes.extend(shelf.trouble().map(|why| format!("the folder of artifacts cannot be looked through: {why}")));
    ready
}

struct Preparing<'a> {
    plan: &'a Plan,
    choice: &'a Choice<'a>,
    shelf: &'a Shelf<'a>,
    /// Looked for where something is to be built with it.
    toolchain: OnceCell<Result<Toolchain, String>>,
    /// What earlier stages make.
    will_be_made: BTreeSet<EntryIndex>,
    /// What was looked at.
    seen: BTreeSet<EntryIndex>,
    ready: Ready,
}

impl Preparing<'_> {
    fn stage(&mut self, number: usize) {
        let plan = self.plan;
        let stage = &plan.stages[number];
        let Class::Command(recipe) = &stage.class else {
            stage.outputs.iter().for_each(|index| self.look(*index, number, true));
            return;
        };
        let program = self.resolve(stage, recipe);
        for index in &stage.inputs {
            // A program that is another here is no alteration: it may have been built here. It is asked for by name.
            if !is_program(&plan.items[index], recipe) {
                self.look(*index, number, !self.will_be_made.contains(index));
            }
        }
        stage.outputs.iter().for_each(|index| self.look(*index, number, false));
        if let Some(program) = program {
            self.ready.programs.insert(number, program);
            self.will_be_made.extend(&stage.outputs);
        }
    }

    fn look(&mut self, index: EntryIndex, stage: usize, is_needed: bool) {
        let item = &self.plan.items[&index];
        let is_first = self.seen.insert(index);
        if !is_first && !is_needed {
            return;
        }
        let digest = item.subject.principal().and_then(|(_, measure)| measure.digests.first().copied());
        let given = match self.shelf.given(item) {
            // Another version that was recorded from the same path is no alteration of this one.
            Found::Altered { found: Ok(found), .. } if self.is_version(item, found) => match self.shelf.find(item) {
                Found::At(path) => Found::At(path),
                _ => Found::Nowhere,
            },
            given => given,
        };
        match given {
            Found::Altered { path, recorded, found } if is_first => self.ready.altered.push(Altered {
                entry: index,
                label: item.label(),
                path,
                recorded,
                found,
                made_by: item.made_by,
                needed_by: stage,
            }),
            Found::Nowhere if is_needed => {
                let hint = item.paths.first().map(|path| format!("recorded at `{path}`")).unwrap_or_default();
                self.missing("artifact", item.label(), digest, &self.plan.stages[stage], hint);
            }
            Found::At(_) | Found::Altered { .. } | Found::Nowhere => {}
        }
    }

    /// True where that is what another artifact recorded from this very path is.
    fn is_version(&self, item: &Item, found: Digest) -> bool {
        let is_it = |other: &Item| {
            let mut digests = other.subject.0.values().flat_map(|measure| &measure.digests);
            other.entry != item.entry && other.paths == item.paths && digests.any(|digest| *digest == found)
        };
        self.plan.items.values().any(is_it)
    }

    fn missing(&mut self, what: &'static str, name: String, digest: Option<Digest>, stage: &Stage, hint: String) {
        let is_known = |missing: &Missing| (missing.what, &missing.name, missing.digest) == (what, &name, digest);
        if !self.ready.missing.iter().any(is_known) {
            self.ready.missing.push(Missing { what, name, digest, stage: stage.label.clone(), hint });
        }
    }

    /// Finds the program of a stage: the reader's, one of its inputs, or a file at hand with the recorded digest.
    fn resolve(&mut self, stage: &Stage, recipe: &Recipe) -> Option<Resolved> {
        let word = recipe.argv.first().map(String::as_str).unwrap_or_default();
        let recorded = recipe.rerun.program.as_ref();
        let last = Path::new(word).file_name().and_then(|name| name.to_str()).unwrap_or(word);
        let inside = Place::of(word, &recipe.directory).ok();
        let inside = inside.filter(|place| word.contains('/') && !place.as_str().is_empty());
        let given = self.choice.programs.get(word).or_else(|| self.choice.programs.get(last));
        if let Some(given) = given {
            match file_digest(given) {
                Ok(found) => {
                    let said = said_of_given(last, found, recorded.map(|part| part.digest));
                    return Some(put(inside, given, said));
                }
                Err(error) => {
                    self.ready.notes.push(format!("`{last}`, which you gave, cannot be read: {error}"));
                }
            }
        }
        if recipe.is_pure()
            && let Ok(own) = std::env::current_exe()
        {
            let said = format!("`{last}`: this program, which replays its pure functions itself");
            return Some(Resolved { program: Program::Host(own), given: None, built_by: None, said });
        }
        if let Some(inside) = &inside
            && let Some(item) = self.holder(stage, recipe, inside)
        {
            let program = Program::Inside(inside.as_str().to_owned());
            let said = format!("`{word}`: of the recorded {}", item.label());
            return Some(Resolved { program, given: None, built_by: None, said });
        }
        let mut hint = format!("give it: --program {last}=PATH");
        if let Some(recorded) = recorded {
            let here = self.shelf.beside(&recorded.path);
            match here.canonicalize().map(|real| (file_digest(&real), real)) {
                Ok((Ok(found), real)) if found == recorded.digest => {
                    self.interpreters(stage, recipe);
                    return Some(put(inside, &real, format!("`{word}`: {}, the recorded one", here.display())));
                }
                Ok((Ok(_), _)) => {
                    let here = here.display();
                    hint = format!("`{here}` is another; to take it all the same: --program {last}={here}");
                }
                _ => {}
            }
        }
        let digest = recorded.map(|part| part.digest);
        if let Some(inside) = &inside {
            match self.builds(stage, inside, last, digest) {
                Some(Ok(resolved)) => return Some(resolved),
                Some(Err(why)) => {
                    hint = format!("{why}, or give the program: --program {last}=PATH");
                    self.missing("toolchain", "cargo".to_owned(), None, stage, NO_CARGO.to_owned());
                }
                None => {}
            }
        }
        self.missing("program", word.to_owned(), digest, stage, hint);
        None
    }

    /// A program that is to be built from the recorded source that its stage reads, where that is a package and is at hand.
    fn builds(
        &mut self,
        stage: &Stage,
        program: &Place,
        binary: &str,
        recorded: Option<Digest>,
    ) -> Option<Result<Resolved, String>> {
        let is_source = |item: &&Item| {
            let Found::At(at) = self.shelf.find(item) else { return false };
            item.kind == Kind::Source && is_package(&at)
        };
        let source = stage.inputs.iter().map(|index| &self.plan.items[index]).find(is_source)?;
        let toolchain = match self.toolchain.get_or_init(Toolchain::find) {
            Ok(toolchain) => toolchain,
            Err(why) => return Some(Err(why.clone())),
        };
        let known =
            self.ready.builds.iter().position(|build| (build.source, build.binary.as_str()) == (source.entry, binary));
        let number = known.unwrap_or(self.ready.builds.len());
        if known.is_none() {
            self.ready.builds.push(Build::of(source, program.as_str(), binary, recorded, toolchain.clone())?);
        }
        let build = &self.ready.builds[number];
        Some(Ok(Resolved {
            program: Program::Inside(program.as_str().to_owned()),
            given: Some(build.made_at(self.choice.out, number)),
            built_by: Some(number),
            said: format!("`{}`: to be built from the recorded {}", program.as_str(), build.label),
        }))
    }

    /// The input that the program is, or lies in, where its bytes are or will be at hand.
    fn holder(&self, stage: &Stage, recipe: &Recipe, program: &Place) -> Option<&Item> {
        let holds = |item: &&Item| {
            let is_there = self.will_be_made.contains(&item.entry) || matches!(self.shelf.given(item), Found::At(_));
            item.place(&recipe.directory).is_ok_and(|place| program.is_in(&place))
                && (is_there || !is_program(item, recipe))
        };
        stage.inputs.iter().map(|index| &self.plan.items[index]).find(holds)
    }

    fn interpreters(&mut self, stage: &Stage, recipe: &Recipe) {
        for part in &recipe.rerun.interpreters {
            match Path::new(&part.path).canonicalize().ok().map(|real| file_digest(&real)) {
                Some(Ok(found)) if found == part.digest => {}
                Some(Ok(_)) => {
                    let note = format!("the interpreter `{}` is another here than the recorded one", part.path);
                    self.ready.notes.push(note);
                }
                _ => {
                    let hint = "install it".to_owned();
                    self.missing("interpreter", part.path.clone(), Some(part.digest), stage, hint);
                }
            }
        }
    }
}

/// True where the first word of the command is this file.
pub(super) fn is_program(item: &Item, recipe: &Recipe) -> bool {
    let word = recipe.argv.first().map(String::as_str).unwrap_or_default();
    let program = Place::of(word, &recipe.directory).ok().filter(|_| word.contains('/'));
    program.zip(item.place(&recipe.directory).ok()).is_some_and(|(program, place)| program == place)
}

/// A program at its place in the working folder, or run from where it is.
fn put(inside: Option<Place>, file: &Path, said: String) -> Resolved {
    if let Some(place) = inside {
        return Resolved {
            program: Program::Inside(place.as_str().to_owned()),
            given: Some(file.to_owned()),
            built_by: None,
            said,
        };
    }
    let real = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    Resolved { program: Program::Host(real), given: None, built_by: None, said }
}

fn said_of_given(name: &str, found: Digest, recorded: Option<Digest>) -> String {
    match recorded {
        Some(recorded) if recorded == found => format!("`{name}`: the recorded one, given by you"),
        Some(recorded) => {
            format!("`{name}`: another than the recorded one, given by you\n  recorded {recorded}\n  given    {found}")
        }
        None => format!("`{name}`: {found}, given by you; which one it was is not recorded"),
    }
}

fn file_digest(path: &Path) -> Result<Digest, String> {
    let real = path.canonicalize().map_err(|error| error.to_string())?;
    let hashed = hash_file(&real, &HashOptions::default(), &Silent);
    hashed.map(|file| file.digest.into()).map_err(|error| error.to_string())
}

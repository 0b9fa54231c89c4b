//! Makes the stages of a plan again, one after the other, and judges what each wrote.
//!
//! A stage is judged by itself: its inputs are the recorded bytes, remade or at hand. Where a stage before it came out
//! otherwise and the recorded bytes are not at hand, it is not judged at all: what follows from a difference is not blamed.

use std::path::PathBuf;

use crate::capture::hash::Progress;
use crate::digest::DigestKind;
use crate::merkle::EntryIndex;
use crate::rebuild::build::Build;
use crate::rebuild::job::{Ended, How, Job, Program, Runner};
use crate::rebuild::judge::{Judged, Word, judge};
use crate::rebuild::material::{MaterialError, WorkFolder};
use crate::rebuild::place::Place;
use crate::rebuild::plan::{Class, Plan, Recipe, Stage};
use crate::rebuild::ready::{Choice, Ready, Resolved, is_program};
use crate::rebuild::shelf::{Found, Shelf};

/// A stage as it came out.
#[derive(Debug, Clone)]
pub struct Made {
    /// Its number in the plan.
    pub stage: usize,
    /// What became of it.
    pub word: Word,
    /// Why, in a few words; may quote what comes from outside.
    pub reason: String,
    /// Its outputs, judged.
    pub outputs: Vec<(EntryIndex, Judged)>,
    /// How its command ended, where it ran.
    pub ended: Option<Ended>,
}

impl Made {
    fn of(stage: usize, word: Word, reason: impl Into<String>) -> Self {
        Self { stage, word, reason: reason.into(), outputs: Vec::new(), ended: None }
    }
}

/// Who watches a rebuild.
pub trait Watch {
    /// A program is built.
    fn builds(&self, build: &Build);
    /// A stage begins.
    fn begins(&self, number: usize, of: usize, stage: &Stage);
    /// A stage came out.
    fn ends(&self, stage: &Stage, made: &Made);
}

/// Makes the chosen stages.
pub fn make(
    plan: &Plan,
    choice: &Choice<'_>,
    ready: &Ready,
    shelf: &mut Shelf<'_>,
    runner: &dyn Runner,
    watch: &dyn Watch,
    progress: &dyn Progress,
) -> Vec<Made> {
    let mut all: Vec<Made> = Vec::new();
    for (at, number) in choice.stages.iter().enumerate() {
        let stage = &plan.stages[*number];
        watch.begins(at + 1, choice.stages.len(), stage);
        let made = match (&stage.class, ready.programs.get(number)) {
            (Class::Frontier(_), _) => take(plan, *number, stage, shelf),
            (Class::Command(_), None) => {
                Made::of(*number, Word::Unknown, "not judged: its program is not at hand, nor could it be built")
            }
            (Class::Command(recipe), Some(program)) => {
                let work = choice.out.join(folder_name(*number, stage));
                let setting = Setting { plan, choice, recipe, program, runner, progress };
                one(&setting, *number, stage, &all, shelf, work)
            }
        };
        watch.ends(stage, &made);
        all.push(made);
    }
    all
}

/// A folder's name that says which stage it is of, whatever the stage is called.
fn folder_name(number: usize, stage: &Stage) -> String {
    let plain = stage.label.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
    format!("{:03}-{}", number + 1, plain.take(60).collect::<String>())
}

/// Takes what a stage that cannot be run again wrote.
fn take(plan: &Plan, number: usize, stage: &Stage, shelf: &Shelf<'_>) -> Made {
    let Class::Frontier(frontier) = &stage.class else { return Made::of(number, Word::Unknown, "no frontier") };
    let mut made = Made::of(number, Word::Taken, frontier.reason.clone());
    for index in &stage.outputs {
        let judged = match shelf.given(&plan.items[index]) {
            Found::At(_) => Judged::of(Word::Taken, "the recorded bytes"),
            Found::Altered { .. } => Judged::of(Word::Bad, "what stands at its recorded path is another"),
            Found::Nowhere => Judged::of(Word::Unknown, "the recorded bytes are not at hand"),
        };
        made.word = made.word.max(judged.word);
        made.outputs.push((*index, judged));
    }
    made
}

struct Setting<'a> {
    plan: &'a Plan,
    choice: &'a Choice<'a>,
    recipe: &'a Recipe,
    program: &'a Resolved,
    runner: &'a dyn Runner,
    progress: &'a dyn Progress,
}

fn one(
    setting: &Setting<'_>,
    number: usize,
    stage: &Stage,
    before: &[Made],
    shelf: &mut Shelf<'_>,
    work: PathBuf,
) -> Made {
    let inputs = match inputs(setting, stage, before, shelf) {
        Ok(inputs) => inputs,
        Err(reason) => return Made::of(number, Word::Unknown, reason),
    };
    let folder = match lay_out(setting, stage, &inputs, work) {
        Ok(folder) => folder,
        Err(error) => return Made::of(number, Word::Fail, format!("its inputs cannot be put in place: {error}")),
    };
    let outputs: Vec<_> = stage.outputs.iter().filter_map(|index| place(setting, *index)).collect();
    // An input that an output is written into cannot be kept from writing as a whole.
    let is_alone = |input: &&Input| !outputs.iter().any(|output| output.is_in(&input.0));
    let read_only: Vec<_> = inputs.iter().filter(is_alone).map(|(place, ..)| place.as_str().to_owned()).collect();
    let mut exposed = setting.choice.exposed.clone();
    if let Program::Host(path) = &setting.program.program {
        exposed.push(path.clone());
    }
    let ended = setting.runner.run(&Job {
        work: folder.root(),
        directory: &setting.recipe.directory,
        program: &setting.program.program,
        argv: &setting.recipe.argv,
        variables: &setting.recipe.rerun.variables,
        read_only: &read_only,
        exposed: &exposed,
        limits: setting.choice.limits,
    });
    let mut made = match &ended.how {
        How::Exit(0) => Made::of(number, Word::Good, "every output is as recorded"),
        How::Exit(code) => Made::of(number, Word::Fail, format!("the command ended with code {code}, recorded is 0")),
        How::Signal(signal) => Made::of(number, Word::Fail, format!("the command was ended by signal {signal}")),
        How::Stopped(limit) => Made::of(number, Word::Fail, format!("the command was stopped: {limit}")),
        How::NotStarted(why) => Made::of(number, Word::Fail, format!("the command did not start: {why}")),
    };
    if ended.how == How::Exit(0) {
        for index in &stage.outputs {
            let item = &setting.plan.items[index];
            let judged = match place(setting, *index) {
                Some(place) if folder.is_plain(&place) || place.below(folder.root()).symlink_metadata().is_err() => {
                    let declared = setting.recipe.rerun.equality_of(item.name.as_deref().unwrap_or_default());
                    let path = place.below(folder.root());
                    let judged = judge(item, declared, &path, shelf, setting.progress);
                    let same = |kind| {
                        judged.made.digest(kind).is_some() && judged.made.digest(kind) == item.subject.digest(kind)
                    };
                    if same(DigestKind::File) || same(DigestKind::Tree) {
                        shelf.put(&item.subject, path);
                    }
                    judged
                }
                _ => Judged::of(Word::Fail, "the command put a link where it should have written"),
            };
            if judged.word > made.word {
                made.word = judged.word;
                made.reason = format!("{}: {}", item.label(), judged.reason.lines().next().unwrap_or_default());
            }
            made.outputs.push((*index, judged));
        }
    }
    made.ended = Some(ended);
    made
}

fn place(setting: &Setting<'_>, index: EntryIndex) -> Option<Place> {
    setting.plan.items[&index].place(&setting.recipe.directory).ok()
}

/// Where an input belongs, where its bytes are, and which it is.
type Input = (Place, PathBuf, EntryIndex);

/// Where each input belongs and where its bytes are.
fn inputs(setting: &Setting<'_>, stage: &Stage, before: &[Made], shelf: &Shelf<'_>) -> Result<Vec<Input>, String> {
    let mut inputs = Vec::new();
    for index in &stage.inputs {
        let item = &setting.plan.items[index];
        if setting.program.given.is_some() && is_program(item, setting.recipe) {
            continue;
        }
        let Found::At(path) = shelf.find(item) else {
            let made = item.made_by.and_then(|maker| before.iter().find(|made| made.stage == maker));
            let why = match made {
                Some(made) if made.word != Word::Taken => {
                    format!("stage `{}` did not make it as recorded and ", setting.plan.stages[made.stage].label)
                }
                _ => String::new(),
            };
            return Err(format!("not judged: of its input {} {why}the recorded bytes are not at hand", item.label()));
        };
        let place = place(setting, *index).ok_or_else(|| format!("{} has no place", item.label()))?;
        inputs.push((place, path, *index));
    }
    // Folders before what stands in them.
    inputs.sort();
    inputs.dedup_by(|one, other| (&one.0, &one.1) == (&other.0, &other.1));
    Ok(inputs)
}

fn lay_out(setting: &Setting<'_>, stage: &Stage, inputs: &[Input], work: PathBuf) -> Result<WorkFolder, MaterialError> {
    let folder = WorkFolder::create(work)?;
    let program = match &setting.program.program {
        Program::Inside(path) => Place::of(path, "/").ok(),
        Program::Host(_) => None,
    };
    for (place, from, index) in inputs {
        let leaves = &setting.plan.items[index].leaves;
        folder.copy(from, leaves, place, program.as_ref() == Some(place), setting.progress)?;
    }
    if let (Some(given), Some(program)) = (&setting.program.given, &program) {
        let real = given.canonicalize().unwrap_or_else(|_| given.clone());
        folder.copy(&real, &[], program, true, setting.progress)?;
    }
    let recorded = &setting.recipe.rerun.folders;
    for path in recorded {
        // One outside of the working folder was there for some other command.
        if let Ok(place) = Place::of(path, &setting.recipe.directory)
            && stage.outputs.iter().filter_map(|index| self::place(setting, *index)).any(|output| output.is_in(&place))
        {
            folder.folder(&place)?;
        }
    }
    Ok(folder)
}

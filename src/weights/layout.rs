//! Which files of a folder are its weights, and whether they go together.
//!
//! The weights of a folder are the files of one format at its top: safetensors before GGUF before PyTorch before NumPy,
//! as loaders prefer them. Beside them a folder may hold the state of an optimizer or the same weights for another
//! loader; those are no second answer.

use std::io;

use super::error::Refusal;
use super::shards::{Index, MAX_INDEX, shard_of, two_shards};
use super::{Beyond, Contents, Found, IndexError, Located, Model, Note, ReadAt, WeightsError, single};
use crate::artifact::tensors::{MAX_TENSORS, TensorsError};

/// The files at the top of a folder.
pub trait Folder {
    /// Their names, sorted.
    fn names(&self) -> &[String];

    /// Opens one of them.
    fn open(&self, name: &str) -> io::Result<Box<dyn ReadAt + '_>>;
}

/// Endings of the formats, the preferred first; an index of shards has the ending `<ending>.index.json`.
const FAMILIES: &[&[&str]] = &[&[".safetensors"], &[".gguf"], &[".bin", ".pth", ".pt"], &[".npz"], &[".npy"]];

/// Files that a trainer keeps beside the weights, by how their names begin.
const TRAINER_STATE: &[&str] = &["optimizer", "scheduler", "scaler", "rng_state", "training_args", "trainer_state"];

/// The weights of one file.
pub fn read_file(name: &str, source: &dyn ReadAt) -> Result<Found, WeightsError> {
    match single::locate(name, source) {
        Ok(contents) => {
            let mut model = Model::default();
            let name = name.to_owned();
            merge(&mut model, name, contents);
            finish(model, None).map(Found::Model)
        }
        Err(Refusal::Format(source)) => Err(WeightsError::Format { file: name.to_owned(), source }),
        Err(Refusal::Beyond(beyond)) => Ok(Found::Beyond(vec![(name.to_owned(), beyond)])),
    }
}

/// The weights of a folder.
pub fn read_folder(folder: &dyn Folder) -> Result<Found, WeightsError> {
    for endings in FAMILIES {
        let files: Vec<&String> = folder.names().iter().filter(|name| is_of(name, endings)).collect();
        let indexes: Vec<&String> = folder.names().iter().filter(|name| is_index(name, endings)).collect();
        if files.is_empty() && indexes.is_empty() {
            continue;
        }
        return match read_family(folder, &files, &indexes)? {
            Found::Nothing => continue,
            found => Ok(found),
        };
    }
    Ok(Found::Nothing)
}

fn is_of(name: &str, endings: &[&str]) -> bool {
    endings.iter().any(|ending| name.ends_with(ending)) && !TRAINER_STATE.iter().any(|state| name.starts_with(state))
}

fn is_index(name: &str, endings: &[&str]) -> bool {
    endings.iter().any(|ending| name.strip_suffix(".index.json").is_some_and(|rest| rest.ends_with(ending)))
}

fn read_family(folder: &dyn Folder, files: &[&String], indexes: &[&String]) -> Result<Found, WeightsError> {
    let index = match indexes {
        [] => None,
        [index] => Some(*index),
        [first, .., second] => {
            // The plain name is what loaders take; a variant (`model.fp16…`) must be asked for.
            let plain = |name: &&&String| matches!(name.split('.').next(), Some(stem) if name.matches('.').count() == 3 && !stem.is_empty());
            match indexes.iter().filter(plain).collect::<Vec<_>>()[..] {
                [index] => Some(*index),
                _ => return Err(IndexError::Several { first: (*first).clone(), second: (*second).clone() }.into()),
            }
        }
    };
    let Some(index_name) = index else { return without_index(folder, files) };
    let index = Index::parse(&small(folder, index_name)?)?;
    let listed = index.files();
    if let Some(file) = listed.iter().find(|file| folder.names().binary_search(file).is_err()) {
        return Err(IndexError::MissingShard { file: file.clone() }.into());
    }
    let bases: Vec<_> = listed.iter().filter_map(|file| shard_of(file)).map(|(base, ..)| base).collect();
    let is_extra = |file: &&&String| {
        listed.binary_search(file).is_err() && shard_of(file).is_some_and(|(base, ..)| bases.contains(&base))
    };
    if let Some(file) = files.iter().find(is_extra) {
        return Err(IndexError::ExtraShard { file: (**file).clone() }.into());
    }
    let mut found = read_all(folder, &listed, Some(&index))?;
    if let Found::Model(model) = &mut found {
        let unlisted = files.iter().filter(|file| listed.binary_search(file).is_err()).count() as u64;
        if unlisted > 0 {
            let text = format!("{unlisted} files of the same format stand beside the shards and are no part of them");
            model.notes.push(Note { code: "unlisted-files", count: unlisted, text });
        }
    }
    Ok(found)
}

/// Several files without an index: shards by their names, or files that share no tensor.
fn without_index(folder: &dyn Folder, files: &[&String]) -> Result<Found, WeightsError> {
    let shards: Vec<_> = files.iter().filter_map(|file| shard_of(file)).collect();
    if let Some(&(base, _, count)) = shards.first()
        && shards.iter().all(|shard| shard.0 == base)
        && shards.len() == files.len()
    {
        if let Some(other) = shards.iter().find(|shard| shard.2 != count) {
            return Err(IndexError::Counts { first: count, second: other.2 }.into());
        }
        let ending = files[0].rsplit_once('.').map_or("", |(_, ending)| ending);
        let missing = (1..=count).find(|number| !shards.iter().any(|shard| shard.1 == *number));
        if let Some(number) = missing {
            return Err(IndexError::MissingShard { file: format!("{base}-{number:05}-of-{count:05}.{ending}") }.into());
        }
        let names: Vec<String> = files.iter().map(|file| (*file).clone()).collect();
        return read_all(folder, &names, Some(&Index::default()));
    }
    let names: Vec<String> = files.iter().map(|file| (*file).clone()).collect();
    read_all(folder, &names, None)
}

/// Reads the headers of all files and puts their tensors together.
fn read_all(folder: &dyn Folder, names: &[String], index: Option<&Index>) -> Result<Found, WeightsError> {
    let mut model = Model::default();
    let mut beyond = Vec::new();
    for name in names {
        let source = open(folder, name)?;
        match single::locate(name, &*source) {
            Ok(contents) => merge(&mut model, name.clone(), contents),
            Err(Refusal::Format(source)) => return Err(WeightsError::Format { file: name.clone(), source }),
            Err(Refusal::Beyond(reason)) => beyond.push((name.clone(), reason)),
        }
        if model.tensors.len() > MAX_TENSORS {
            let reason = Beyond::TooMany { count: model.tensors.len() as u64, limit: MAX_TENSORS as u64 };
            beyond.push((name.clone(), reason));
        }
    }
    // Half of a model is no model: its digest would be taken for that of the whole.
    if !beyond.is_empty() {
        return Ok(Found::Beyond(beyond));
    }
    if let (None, Some((first, second))) = (index, repeated(&model)) {
        let name = first.info.name.clone();
        let files = [first, second].map(|tensor| model.files[tensor.file].clone());
        return Ok(Found::Beyond(files.map(|file| (file, Beyond::Several { name: name.clone() })).into()));
    }
    finish(model, index).map(Found::Model)
}

fn repeated(model: &Model) -> Option<(&Located, &Located)> {
    let mut sorted: Vec<&Located> = model.tensors.iter().collect();
    sorted.sort_by(|a, b| (&a.info.name, a.file).cmp(&(&b.info.name, b.file)));
    let twin = sorted.windows(2).find(|pair| pair[0].info.name == pair[1].info.name && pair[0].file != pair[1].file)?;
    Some((twin[0], twin[1]))
}

fn merge(model: &mut Model, name: String, contents: Contents) {
    let file = model.files.len();
    if contents.others > 0 {
        let (count, text) =
            (contents.others, "beside its named tensors the file holds values that no tensor digest covers");
        model.notes.push(Note { code: "beside-tensors", count, text: text.to_owned() });
    }
    model.format = contents.format;
    model.files.push(name);
    model.tensors.extend(contents.tensors.into_iter().map(|(info, place)| Located { info, file, place }));
    if file == 0 {
        model.facts = contents.facts;
    }
}

/// Sorts the tensors and holds them against each other and the index.
fn finish(mut model: Model, index: Option<&Index>) -> Result<Model, WeightsError> {
    if let Some(index) = index {
        if index.files().is_empty() {
            if let Some((first, second)) = repeated(&model) {
                let [first_file, second_file] = [first, second].map(|tensor| model.files[tensor.file].as_str());
                return Err(two_shards(&first.info.name, first_file, second_file).into());
            }
        } else {
            model.notes.extend(index.check(&model.files, &model.tensors)?);
        }
    }
    model.tensors.sort_by(|a, b| a.info.name.cmp(&b.info.name));
    if let Some(twin) = model.tensors.windows(2).find(|pair| pair[0].info.name == pair[1].info.name) {
        return Err(TensorsError::Duplicate { name: twin[0].info.name.clone() }.into());
    }
    Ok(model)
}

fn open<'a>(folder: &'a dyn Folder, name: &str) -> Result<Box<dyn ReadAt + 'a>, WeightsError> {
    folder.open(name).map_err(|source| WeightsError::Io { file: name.to_owned(), source })
}

fn small(folder: &dyn Folder, name: &str) -> Result<Vec<u8>, WeightsError> {
    let source = open(folder, name)?;
    if source.size() > MAX_INDEX {
        return Err(IndexError::TooLarge { found: source.size(), limit: MAX_INDEX }.into());
    }
    let mut bytes = vec![0; usize::try_from(source.size()).expect("at most the limit")];
    source.read_at(0, &mut bytes).map_err(|source| WeightsError::Io { file: name.to_owned(), source })?;
    Ok(bytes)
}

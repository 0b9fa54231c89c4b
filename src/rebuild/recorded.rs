//! Datasets behind a claim made again from what they were made of, by the functions that the evidence names.
//!
//! Where no function is named, the one that the data suggest is tried: what comes out equal proves itself, and what does
//! not says nothing. Only a function that is named can be contradicted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::artifact::tree::TreePath;
use crate::capture::walk::list_folder;
use crate::check::{ArtifactSeen, Observed, Replayed};
use crate::corpus::tree_root;
use crate::digest::{DigestKind, ManifestRoot};
use crate::merkle::EntryIndex;
use crate::rebuild::{Expected, PureError, Recorded, Verdict, replay};
use crate::replay::params::Params;
use crate::replay::{Function, ReplayError, Takes, of};
use crate::statement::{EdgeType, Kind, Payload, Reading};
use crate::verify::VerifiedEvidence;

/// The fact of a reading that names the function which made the data.
pub const FUNCTION: &str = "function";

/// What facts that are parameters of it begin with.
pub const PARAM: &str = "param.";

/// The fact that names its inputs by their entries, in order, between blanks.
pub const INPUTS: &str = "function.inputs";

/// Replays for one file of evidence: each reads its inputs, and evidence must not make a verifier read for ever.
const MAX_REPLAYS: usize = 64;

/// Makes again all training data that the claim rests on and whose inputs were found in the folder.
pub fn replay_recorded(
    evidence: &VerifiedEvidence<'_>,
    directory: &Path,
    observed: &Observed,
) -> BTreeMap<EntryIndex, Replayed> {
    let looking = Looking { evidence, directory, observed };
    let reached =
        evidence.links.reached.iter().filter_map(|index| Some((*index, evidence.entries.get(index)?.payload())));
    let data = reached.filter(|(_, payload)| matches!(payload.kind, Kind::Dataset | Kind::Mix));
    let made = data.filter_map(|(index, payload)| Some((index, looking.making(index, payload)?)));
    made.enumerate()
        .map(|(number, (index, making))| {
            let replayed = match making {
                Err(reason) => Replayed::Unclear { reason },
                Ok(_) if number >= MAX_REPLAYS => {
                    Replayed::Unclear { reason: format!("{MAX_REPLAYS} other data were made again already") }
                }
                Ok(making) => looking.replay(index, &making),
            };
            (index, replayed)
        })
        .collect()
}

/// How data were made.
struct Making {
    function: &'static dyn Function,
    params: Params,
    inputs: Vec<PathBuf>,
    is_stated: bool,
}

struct Looking<'a> {
    evidence: &'a VerifiedEvidence<'a>,
    directory: &'a Path,
    observed: &'a Observed,
}

impl Looking<'_> {
    fn reading(&self, entry: EntryIndex) -> Option<&Reading> {
        self.evidence.bodies.get(&entry)?.reading.as_ref()
    }

    /// How the data of an entry were made, or why it cannot be done again; none where they were made from no other data.
    fn making(&self, entry: EntryIndex, payload: &Payload) -> Option<Result<Making, String>> {
        let made_from = |edge_type| matches!(edge_type, EdgeType::DerivedFrom | EdgeType::MixedInto);
        let edges = payload.edges.iter().filter(|edge| made_from(edge.edge_type) && edge.log.is_none());
        let parents: Vec<EntryIndex> = edges.map(|edge| edge.seq).collect();
        let kind = |parent: &EntryIndex| self.evidence.entries.get(parent).map(|entry| entry.payload().kind);
        let data: Vec<EntryIndex> =
            parents.iter().copied().filter(|parent| kind(parent).is_some_and(Kind::is_training_data)).collect();
        if data.is_empty() {
            return None;
        }
        let facts = self.reading(entry).map(|reading| &reading.facts);
        let Some(id) = facts.and_then(|facts| facts.get(FUNCTION)) else { return Some(self.guess(&data)) };
        let Some(function) = of(id) else {
            return Some(Err(format!("the function `{}` is none that this program has", id.escape_default())));
        };
        let facts = facts.into_iter().flatten();
        let params = facts.filter_map(|(name, value)| Some((name.strip_prefix(PARAM)?.to_owned(), value.clone())));
        let params = Params(params.collect());
        let inputs = self.stated_inputs(entry, &parents).unwrap_or(data);
        Some(self.paths(&inputs, function).map(|inputs| Making { function, params, inputs, is_stated: true }))
    }

    /// The inputs in the order in which they were named; only what the entry links to.
    fn stated_inputs(&self, entry: EntryIndex, parents: &[EntryIndex]) -> Option<Vec<EntryIndex>> {
        let text = self.reading(entry)?.facts.get(INPUTS)?;
        let number = |text: &str| text.parse().ok().map(EntryIndex).filter(|index| parents.contains(index));
        text.split(' ').map(number).collect()
    }

    /// Documents are made rows of by one function; rows of one dataset may be its rows without their reasoning.
    fn guess(&self, data: &[EntryIndex]) -> Result<Making, String> {
        let nothing = || "the record does not say by which function it was made".to_owned();
        let [parent] = data else { return Err(nothing()) };
        let kind = self.evidence.entries.get(parent).map(|entry| entry.payload().kind);
        let id = if kind == Some(Kind::Documents) { "msm.to_jsonl/1" } else { "aft.strip/1" };
        let function = of(id).ok_or_else(nothing)?;
        let inputs = self.paths(data, function)?;
        Ok(Making { function, params: Params::default(), inputs, is_stated: false })
    }

    fn paths(&self, entries: &[EntryIndex], function: &dyn Function) -> Result<Vec<PathBuf>, String> {
        let path = |entry: &EntryIndex| match self.observed.artifacts.get(entry) {
            Some(ArtifactSeen::Equal { path }) => Ok(self.directory.join(path)),
            _ => Err(format!("what it was made of, entry {entry}, was not found unchanged")),
        };
        let paths = entries.iter().map(path).collect::<Result<Vec<_>, _>>()?;
        if function.takes() != Takes::Documents {
            return Ok(paths);
        }
        paths.into_iter().map(tree_of).collect()
    }

    fn replay(&self, entry: EntryIndex, making: &Making) -> Replayed {
        let function = making.function.id();
        let Some(expected) = self.expected(entry) else {
            return Replayed::Unclear { reason: "there is nothing to compare with".to_owned() };
        };
        let unclear = |reason: String| Replayed::Unclear { reason };
        let made = replay(making.function, &making.inputs, &making.params, Some(&expected), None);
        let comparison = match made {
            Ok(made) => made.comparison,
            // What a record counts of its own making is part of it.
            Err(PureError::Replay(error @ ReplayError::Count { .. })) if making.is_stated => {
                return Replayed::Other { function, how: error.to_string() };
            }
            Err(error) => return unclear(format!("{function} does not run over its inputs: {error}")),
        };
        match (comparison.verdict, making.is_stated) {
            (Verdict::Good, is_stated) => Replayed::Same { function, how: comparison.reason, is_stated },
            (Verdict::Bad, true) => Replayed::Other { function, how: comparison.reason },
            (Verdict::Bad, false) => unclear(format!(
                "the record does not say by which function it was made, and {function} does not make it"
            )),
            (Verdict::Unknown, _) => unclear(comparison.reason),
        }
    }

    fn expected(&self, entry: EntryIndex) -> Option<Expected> {
        let subject = self.evidence.entries.get(&entry)?.payload().subjects.first()?.clone();
        let reading = self.reading(entry);
        let said = reading.and_then(|reading| reading.facts.get("projection")).cloned();
        let projection = |kind: DigestKind| {
            let root = ManifestRoot::from_bytes(subject.digest(kind)?.bytes);
            let shown = self.evidence.manifests.get(&(kind, root)).map(|manifest| manifest.header.projection.clone());
            shown.or_else(|| said.clone())
        };
        Some(Expected::Recorded(Recorded {
            name: format!("entry {entry}"),
            files: None,
            format: reading.map(|reading| reading.reader.clone()),
            rows_projection: projection(DigestKind::Rows),
            rowset_projection: projection(DigestKind::Rowset),
            subject,
        }))
    }
}

/// The folder of a generator's tree: the one that was recorded, or the one in it that has the plan.
fn tree_of(path: PathBuf) -> Result<PathBuf, String> {
    let listed = list_folder(&path).map_err(|error| error.to_string())?;
    let names: Vec<&str> = listed.iter().map(TreePath::as_str).collect();
    let root = tree_root(&names).map_err(|error| error.to_string())?.unwrap_or_default();
    Ok(if root.is_empty() { path } else { path.join(root) })
}

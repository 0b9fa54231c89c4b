//! What is made again: evidence that verifies, or a ledger of one's own; and what its claim comes to.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::artifact::manifest::{MAX_MANIFEST_BYTES, ManifestView};
use crate::artifact::tree::TreeLeaf;
use crate::check::{ArtifactSeen, Observed, Rederived};
use crate::claim::{NUMBER, Verdict, assess_any};
use crate::cli::open::Reading;
use crate::cli::verify::{load_policy, read_bounded};
use crate::cli::{Context, Failure};
use crate::digest::{DIGEST_LEN, Digest, DigestKind, ManifestRoot};
use crate::evidence::{Evidence, MAX_EVIDENCE_BYTES};
use crate::journal::{Catalog, Census, Disclose, Row, cut};
use crate::key::Policy;
use crate::ledger::Objects;
use crate::merkle::EntryIndex;
use crate::rebuild::{Entries, Made, Plan, SampleLists, Word, label_of, tree};
use crate::report::first_line;
use crate::statement::{Edge, EdgeType, Entry, Kind};
use crate::verify::{self, Class, Reject, VerifiedEvidence};

/// What a rebuild starts from.
pub(super) enum Given {
    /// An evidence file.
    Evidence { bytes: Vec<u8>, policy: Option<Policy> },
    /// A ledger.
    Ledger { catalog: Box<Catalog>, reading: Box<Reading> },
}

/// What a rebuild is given beside entries.
pub(super) struct Beside<'a> {
    /// Lists of samples that came with them.
    pub(super) lists: &'a dyn SampleLists,
    /// What it is all about: the digest of the claim's entry, or the identity of a ledger, which may hold several.
    pub(super) about: [u8; DIGEST_LEN],
}

/// Lists of samples that evidence shows; they were held to their roots when it was verified.
struct Disclosed<'a>(&'a VerifiedEvidence<'a>);

impl SampleLists for Disclosed<'_> {
    fn show(&self, root: ManifestRoot, see: &mut dyn FnMut(&ManifestView<'_>)) {
        if let Some(list) = self.0.manifests.get(&(DigestKind::Samples, root)) {
            see(list);
        }
    }
}

/// Lists of samples that a ledger keeps.
struct Kept(Objects);

impl SampleLists for Kept {
    fn show(&self, root: ManifestRoot, see: &mut dyn FnMut(&ManifestView<'_>)) {
        let Ok(Some(object)) = self.0.get(root.as_bytes(), MAX_MANIFEST_BYTES) else { return };
        if let Ok(list) = ManifestView::parse_kind(&object, DigestKind::Samples)
            && list.root() == Ok(root)
        {
            see(&list);
        }
    }
}

/// What became of the claim.
#[derive(Debug, Serialize)]
pub(super) struct ClaimDocument {
    /// What it is called; from outside.
    pub(super) name: String,
    /// The first line of its verdict.
    pub(super) line: String,
    /// The verdict alone.
    pub(super) verdict: &'static str,
    /// Logs that it rests on.
    pub(super) logs: u64,
    /// How many of them were made again with the recorded samples.
    pub(super) rebuilt: u64,
    /// The ledger's other claims, where a ledger was made again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) others: Vec<OtherClaim>,
    #[serde(skip)]
    is_against: bool,
    #[serde(skip)]
    is_open: bool,
}

/// One more claim of the same ledger.
#[derive(Debug, Serialize)]
pub(super) struct OtherClaim {
    /// What it is called; from outside.
    pub(super) name: String,
    /// The first line of its verdict.
    pub(super) line: String,
    verdict: &'static str,
}

impl ClaimDocument {
    /// A claim of which no evidence can be cut.
    fn open(name: String, why: &str) -> Self {
        let verdict = Verdict::NotRecomputable.name();
        let (line, others) = (format!("{verdict} — no evidence can be cut of it: {why}"), Vec::new());
        Self { name, line, verdict, logs: 0, rebuilt: 0, others, is_against: false, is_open: true }
    }

    /// A rebuild is no better than what its claim comes to.
    pub(super) fn lower(&self, word: Word, reason: String) -> (Word, String) {
        match word {
            Word::Good | Word::Equivalent if self.is_against => {
                (Word::Bad, format!("{reason}; but the claim does not follow from the samples"))
            }
            Word::Good | Word::Equivalent if self.is_open => {
                (Word::Unknown, format!("{reason}; but the claim could not be recomputed"))
            }
            _ => (word, reason),
        }
    }
}

impl Given {
    /// Opens a file or a folder.
    pub(super) fn open(context: &Context, record: &Path, trust: Option<&Path>) -> Result<Self, Failure> {
        if record.is_dir() {
            if trust.is_some() {
                return Err(Failure::new("--trust is of evidence; a ledger at hand is held to its own key"));
            }
            let inside = record.join(crate::cli::context::LEDGER_DIR);
            let directory = if inside.is_dir() { inside } else { record.to_owned() };
            let reading = Box::new(Reading::open_at(context, directory)?);
            return Ok(Self::Ledger { catalog: Box::new(reading.catalog()?), reading });
        }
        let policy = trust.map(load_policy).transpose()?;
        let bytes = read_bounded(record, MAX_EVIDENCE_BYTES)?;
        Ok(Self::Evidence { bytes, policy })
    }

    /// Where recorded paths are looked up when the reader names no folder.
    pub(super) fn folder(&self, record: &Path) -> Result<PathBuf, Failure> {
        let of = match self {
            Self::Evidence { .. } => record,
            Self::Ledger { reading, .. } => &reading.directory,
        };
        let of = of.canonicalize().map_err(|error| Failure::new(format!("`{}`: {error}", record.display())))?;
        Ok(of.parent().unwrap_or(&of).to_owned())
    }

    /// Gives the entries to `use_them`, after evidence was verified.
    pub(super) fn with_entries<T>(
        &self,
        use_them: impl FnOnce(&Entries<'_>, &Beside<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        match self {
            Self::Evidence { bytes, policy } => {
                let verified = verify::evidence(bytes, policy.as_ref()).map_err(|reject| {
                    let class = reject.class();
                    let stage = recipe_of(bytes, &reject);
                    let first = stage.map(|stage| format!("first at the recipe of stage `{stage}`: "));
                    let first = first.unwrap_or_default();
                    let failure = Failure::new(format!("the evidence does not hold: {first}{reject}"));
                    match class {
                        Class::Malformed => failure,
                        Class::Contradicted => failure.contradicted(),
                        _ => failure.unestablished(),
                    }
                })?;
                let of_claim = verified.entries.get(&verified.claim).map(|entry| *entry.leaf_hash().as_bytes());
                let about = of_claim.unwrap_or(*verified.log.as_bytes());
                use_them(&Entries::of(&verified), &Beside { lists: &Disclosed(&verified), about })
            }
            Self::Ledger { catalog, reading } => {
                let rows = catalog.rows();
                let objects = Objects::new(reading.ledger.layout().objects());
                let roots: BTreeSet<_> = rows
                    .iter()
                    .flat_map(|row| &row.payload.subjects)
                    .filter_map(|subject| subject.digest(DigestKind::Tree))
                    .collect();
                let entries = Entries {
                    trees: roots.into_iter().filter_map(|root| kept_tree(&objects, root)).collect(),
                    payloads: rows.iter().map(|row| (row.index, &row.payload)).collect(),
                    bodies: rows.iter().filter_map(|row| Some((row.index, row.body.as_ref()?))).collect(),
                    reached: None,
                };
                let lists = &Kept(Objects::new(reading.ledger.layout().objects()));
                use_them(&entries, &Beside { lists, about: *reading.ledger.id().as_bytes() })
            }
        }
    }

    /// Recomputes the claim of evidence, or those of a ledger that nothing has taken back or replaced, with what was made
    /// again for the artifacts they rest on. Of several the worst is told first.
    pub(super) fn claim(&self, plan: &Plan, made: &[Made]) -> Option<ClaimDocument> {
        let mut claims = match self {
            Self::Evidence { bytes, policy } => recompute(bytes, policy.as_ref(), plan, made).into_iter().collect(),
            Self::Ledger { catalog, reading } => claims_of(catalog, reading, plan, made),
        };
        claims.sort_by_key(|claim| (!claim.is_against, !claim.is_open));
        let mut claims = claims.into_iter();
        let mut worst = claims.next()?;
        worst.others =
            claims.map(|claim| OtherClaim { name: claim.name, line: claim.line, verdict: claim.verdict }).collect();
        Some(worst)
    }
}

/// Each claim of a ledger, from evidence that is cut of it as a reader would get it, under the ledger's own key.
fn claims_of(catalog: &Catalog, reading: &Reading, plan: &Plan, made: &[Made]) -> Vec<ClaimDocument> {
    let edges = || catalog.rows().iter().flat_map(|row| row.payload.edges.iter());
    let ends = |edge: &&Edge| matches!(edge.edge_type, EdgeType::Retracts | EdgeType::Supersedes) && edge.log.is_none();
    let ended: BTreeSet<EntryIndex> = edges().filter(ends).map(|edge| edge.seq).collect();
    let policy = Policy::parse(format!("log {}\nquorum none\n", reading.settings.log_key).as_bytes());
    let claims = catalog.rows().iter().filter(|row| row.payload.kind == Kind::Claim && !ended.contains(&row.index));
    let one = |row: &Row| {
        let cut = cut(&reading.ledger, row.index, &Disclose::Reached, Census::Rests).map_err(|error| error.to_string());
        let policy = policy.as_ref().map_err(ToString::to_string);
        let recomputed = cut.and_then(|evidence| Ok(recompute(&evidence.to_bytes(), Some(policy?), plan, made)));
        let name = row.name().map_or_else(|| format!("entry {}", row.index), str::to_owned);
        recomputed.unwrap_or_else(|why| Some(ClaimDocument::open(name, &why)))
    };
    claims.filter_map(one).collect()
}

/// Recomputes the claim that evidence is about, if it is about one.
fn recompute(bytes: &[u8], policy: Option<&Policy>, plan: &Plan, made: &[Made]) -> Option<ClaimDocument> {
    let (mut logs, mut rebuilt, mut name) = (0, 0, None);
    let assessment = assess_any(bytes, policy, NUMBER, |evidence| {
        let payload = evidence.entries.get(&evidence.claim)?.payload();
        let named = evidence.bodies.get(&evidence.claim).and_then(|body| body.name.clone());
        name = (payload.kind == Kind::Claim).then(|| named.unwrap_or_else(|| format!("entry {}", evidence.claim)));
        let observed = observed(plan, made);
        for edge in payload.edges.iter().filter(|edge| edge.edge_type == EdgeType::Supports && edge.log.is_none()) {
            logs += 1;
            rebuilt += u64::from(observed.derived.contains_key(&(edge.seq, edge.digest)));
        }
        Some(observed)
    });
    Some(ClaimDocument {
        name: name?,
        line: first_line(&assessment),
        verdict: assessment.verdict.name(),
        logs,
        rebuilt,
        others: Vec::new(),
        is_against: assessment.verdict == Verdict::Contradicted,
        is_open: !matches!(
            assessment.verdict,
            Verdict::Verified | Verdict::Unvouched | Verdict::Difference | Verdict::Contradicted
        ),
    })
}

/// The stage whose recipe is another than the one that was signed. By then every entry was held to its signature.
fn recipe_of(bytes: &[u8], reject: &Reject) -> Option<String> {
    let Reject::Body { index: wanted, .. } = reject else { return None };
    let evidence = Evidence::parse(bytes).ok()?;
    let (_, entry) = evidence.entries.iter().find(|(index, _)| index == wanted)?;
    let entry = Entry::parse(entry).ok()?;
    let payload = entry.claimed();
    matches!(payload.kind, Kind::RunStart | Kind::RunEnd).then(|| label_of(payload))
}

/// What a recorded folder held, where the ledger still has the list.
fn kept_tree(objects: &Objects, root: Digest) -> Option<(Digest, Vec<TreeLeaf>)> {
    let object = objects.get(&root.bytes, MAX_MANIFEST_BYTES).ok()??;
    tree(&ManifestView::parse_kind(&object, DigestKind::Tree).ok()?).filter(|(found, _)| *found == root)
}

/// What was made again and is what was recorded, as a check takes what was seen.
fn observed(plan: &Plan, made: &[Made]) -> Observed {
    let mut observed = Observed::default();
    for (index, judged) in made.iter().flat_map(|made| &made.outputs) {
        let recorded = &plan.items[index].subject;
        let is_same = |kind: DigestKind| {
            let digest = judged.made.digest(kind);
            digest.is_some() && digest == recorded.digest(kind)
        };
        if is_same(DigestKind::File) || is_same(DigestKind::Tree) {
            let path = plan.items[index].paths.first().cloned().unwrap_or_default();
            observed.artifacts.insert(*index, ArtifactSeen::Equal { path });
        }
        for (kind, measure) in &judged.made.0 {
            if let Some(digest) = measure.digests.first().filter(|_| is_same(*kind)) {
                let found = Rederived::Found { root: ManifestRoot::from_bytes(digest.bytes), count: measure.count };
                observed.derived.insert((*index, *digest), found);
            }
        }
    }
    observed
}

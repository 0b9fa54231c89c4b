//! Statements of a manifest, held to the files of a folder and to each other.

use std::path::Path;

use crate::artifact::tree::TreePath;
use crate::capture::against::{Found, Looked};
use crate::capture::git::blob_id;
use crate::capture::open::CaptureError;
use crate::interop::labmanifest::{FileClaim, LabManifest};

/// What became of one statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// The bytes are as stated.
    Confirmed,
    /// They are not.
    Contradicted,
    /// They are not at hand, or there is nothing stated to hold them to.
    NotChecked,
}

impl Check {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Confirmed, Self::Contradicted, Self::NotChecked];

    /// Stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Contradicted => "contradicted",
            Self::NotChecked => "not-checked",
        }
    }
}

/// One statement and what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What became of it.
    pub check: Check,
    /// What it is about.
    pub about: String,
    /// What was found.
    pub found: String,
}

/// What became of all statements.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Each of them, in the order of the manifest.
    pub findings: Vec<Finding>,
}

/// A folder in which the files of a manifest may lie.
pub struct Folder(crate::capture::against::Folder);

impl Folder {
    /// Opens the folder; nothing outside of it is ever looked at.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        crate::capture::against::Folder::open(path).map(Self)
    }
}

impl Checked {
    /// How many came to that.
    pub fn count(&self, check: Check) -> u64 {
        self.findings.iter().filter(|finding| finding.check == check).count() as u64
    }

    fn add(&mut self, check: Check, about: impl Into<String>, found: impl Into<String>) {
        self.findings.push(Finding { check, about: about.into(), found: found.into() });
    }

    fn hold(&mut self, about: String, stated: &impl ToString, found: &impl ToString) {
        let (stated, found) = (stated.to_string(), found.to_string());
        if stated == found {
            self.add(Check::Confirmed, about, found);
        } else {
            self.add(Check::Contradicted, about, format!("stated {stated}, found {found}"));
        }
    }
}

impl LabManifest {
    /// Holds every statement to what is at hand: its own sums, and the files where a folder is given.
    pub fn check(&self, folder: Option<&Folder>) -> Checked {
        let mut checked = Checked::default();
        for sum in &self.sums {
            checked.hold(format!("{} is the sum of its sources", sum.what), &sum.stated, &sum.added);
        }
        for claim in &self.files {
            check_pointer(claim, &mut checked);
            match folder.map(|folder| look(claim, &folder.0)) {
                None => checked.add(Check::NotChecked, &claim.path, "no folder was given"),
                Some(Looked::Absent) => checked.add(Check::NotChecked, &claim.path, "the file is not there"),
                Some(Looked::Refused(error)) => checked.add(Check::NotChecked, &claim.path, error.to_string()),
                Some(Looked::Found(found)) => check_file(claim, &found, &mut checked),
            }
        }
        checked
    }
}

/// Looks under every name that the file may have in the folder.
fn look(claim: &FileClaim, folder: &crate::capture::against::Folder) -> Looked {
    let mut names = vec![claim.path.as_str()];
    let below = claim.below.as_deref().and_then(|below| claim.path.strip_prefix(below)?.strip_prefix('/'));
    names.extend(below);
    // The place on the author's machine says nothing; the file's own name does.
    names.extend(claim.path.rsplit('/').next());
    for name in names {
        // A path that leads elsewhere is no name below the folder.
        if TreePath::parse(name).is_err() {
            continue;
        }
        match folder.look(name, claim.rows.is_some(), claim.git_blob.is_some() && claim.sha256.is_none()) {
            Looked::Absent => {}
            looked => return looked,
        }
    }
    Looked::Absent
}

fn check_file(claim: &FileClaim, found: &Found, checked: &mut Checked) {
    let about = |what: &str| format!("{what} of `{}`", claim.path);
    let before = checked.findings.len();
    if let Some(size) = claim.size {
        checked.hold(about("bytes"), &size, &found.size);
    }
    if let Some(sha256) = claim.sha256 {
        checked.hold(about("sha256"), &sha256, &found.sha256);
    }
    match (&claim.git_blob, &found.git_blob, claim.sha256) {
        (Some(stated), Some(id), None) => checked.hold(about("git blob"), stated, id),
        (Some(_), None, None) => checked.add(Check::NotChecked, about("git blob"), "the file is too large for it"),
        _ => {}
    }
    match (claim.rows, found.rows) {
        (Some(stated), Some(rows)) => checked.hold(about("rows"), &stated, &rows),
        (Some(_), None) => checked.add(Check::NotChecked, about("rows"), "the file is no JSON lines"),
        _ => {}
    }
    if checked.findings.len() == before {
        checked.add(Check::NotChecked, &claim.path, "nothing is stated that its bytes could show");
    }
}

/// Where a file lies in large storage, git's id is that of its pointer, which follows from SHA-256 and size alone.
fn check_pointer(claim: &FileClaim, checked: &mut Checked) {
    let (Some(stated), Some(sha256), Some(size)) = (&claim.git_blob, claim.sha256, claim.size) else { return };
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n");
    if let Some(id) = blob_id(pointer.as_bytes()) {
        checked.hold(format!("git blob of the pointer of `{}`", claim.path), stated, &id);
    }
}

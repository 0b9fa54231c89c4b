//! Says what is wrong with a ledger's files, and puts right what may be put right.
//!
//! `examine` only looks. `repair` does what opening for writing does, and beside that removes what crashes left, sets
//! modes and rebuilds derived files. Neither ever touches intact frames, and damage to the log stays an error.

use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::key::VerifierKey;
use crate::merkle::TreeHead;

use super::error::{At, LedgerError, StateLoss};
use super::file::{DIR_MODE, FILE_MODE, Layout, Sync, TEMPORARY, replace};
use super::head_copy::{HeadCopy, head_copy};
use super::notice::Notice;
use super::reader::Ledger;
use super::recover::{MissingState, recover};
use super::segment::UNNAMED;
use super::state::{StateReading, read_state, state_path};
use super::tiles::{self, IndexState};

/// What to put right beyond what every opening puts right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repairs {
    /// What to do where the state file is lost.
    pub missing_state: MissingState,
    /// Build the derived files anew even where they look right.
    pub reindex: bool,
}

/// Something wrong, and whether it is put right now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub trouble: Trouble,
    /// Whether it was put right.
    pub repaired: bool,
}

/// What can be wrong without the log itself being damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Noticed while opening.
    Noticed(Notice),
    /// The `head` copy is older than the log.
    HeadCopyStale {
        /// Size it names.
        copy: u64,
        /// Size of the log.
        log: u64,
    },
    /// Nothing says which heads were signed: no signing until adopted.
    StateLost {
        /// The state file.
        path: PathBuf,
        /// How it was lost.
        why: StateLoss,
    },
    /// The state file is older than the log: harmless, a sync that did not come.
    StateBehind {
        /// Head it names.
        state: TreeHead,
    },
    /// Derived files do not reach as far as the closed segments.
    IndexBehind {
        /// Entries they reach over.
        covered: u64,
        /// Entries they should reach over.
        entries: u64,
    },
    /// Derived files are damaged or of another ledger.
    IndexWrong,
    /// Derived files were to be built anew.
    Reindex,
    /// Others may read or write what only the owner should.
    Mode {
        /// The file or directory.
        path: PathBuf,
        /// Its permission bits.
        found: u32,
        /// What they should be.
        expected: u32,
    },
    /// A temporary file that a crash left.
    LeftOver {
        /// Which.
        path: PathBuf,
    },
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Noticed(notice) => notice.fmt(f),
            Self::HeadCopyStale { copy, log } => write!(f, "the `head` copy says size {copy}, the log has {log}"),
            Self::StateLost { path, why } => write!(f, "the state file `{}` {why}", path.display()),
            Self::StateBehind { state } => {
                write!(f, "the state file says size {}, the log has signed more since", state.size)
            }
            Self::IndexBehind { covered, entries } => {
                write!(f, "the derived files reach over {covered} of {entries} entries")
            }
            Self::IndexWrong => f.write_str("the derived files are damaged or belong to another ledger"),
            Self::Reindex => f.write_str("the derived files are built anew"),
            Self::Mode { path, found, expected } => {
                write!(f, "`{}` has mode {found:04o}, expected {expected:04o}", path.display())
            }
            Self::LeftOver { path } => write!(f, "`{}` was left by a crash", path.display()),
        }
    }
}

/// Looks a ledger over and changes nothing. Damage to the log is the error.
pub fn examine(dir: &Path, key: &VerifierKey, state_dir: &Path) -> Result<Vec<Finding>, LedgerError> {
    let layout = Layout::new(dir);
    let copy = head_copy(&layout, key)?;
    let ledger = Ledger::open_read(dir, key)?;
    let mut troubles: Vec<Trouble> = ledger.notices().iter().cloned().map(Trouble::Noticed).collect();
    let log = *ledger.tree();
    if let HeadCopy::Signed(head) = copy
        && head.tree().size < log.size
    {
        troubles.push(Trouble::HeadCopyStale { copy: head.tree().size.0, log: log.size.0 });
    }
    match read_state(state_dir, ledger.id())? {
        StateReading::Lost(why) => {
            troubles.push(Trouble::StateLost { path: state_path(state_dir, ledger.id()), why });
        }
        StateReading::Signed(signed) if signed.size > log.size => {
            return Err(LedgerError::RolledBack { signed, found: log });
        }
        StateReading::Signed(signed) if signed.size == log.size && signed != log => {
            return Err(LedgerError::Forked { signed, found: log });
        }
        StateReading::Signed(state) if state.size < log.size => troubles.push(Trouble::StateBehind { state }),
        StateReading::Signed(_) => {}
    }
    troubles.extend(index_trouble(&layout)?);
    look_over(dir, &mut |trouble| {
        troubles.push(trouble);
        Ok(())
    })?;
    Ok(troubles.into_iter().map(|trouble| Finding { trouble, repaired: false }).collect())
}

/// Puts right what may be put right, holding the writer's lock. Damage to the log is the error.
pub fn repair(dir: &Path, key: &VerifierKey, state_dir: &Path, repairs: Repairs) -> Result<Vec<Finding>, LedgerError> {
    let layout = Layout::new(dir);
    let copy = head_copy(&layout, key)?;
    let mut recovered = recover(&layout, key, state_dir, repairs.missing_state)?;
    let mut troubles: Vec<Trouble> = recovered.notices.drain(..).map(Trouble::Noticed).collect();
    let head = &recovered.found.head;
    if let HeadCopy::Signed(copy) = &copy
        && copy.tree().size < head.tree().size
    {
        troubles.push(Trouble::HeadCopyStale { copy: copy.tree().size.0, log: head.tree().size.0 });
    }
    if !matches!(&copy, HeadCopy::Signed(copy) if copy.tree() == head.tree()) {
        replace(&layout.head(), head.bytes(), Sync::Now)?;
    }
    if let StateReading::Signed(state) = recovered.state.read()?
        && state.size < head.tree().size
    {
        troubles.push(Trouble::StateBehind { state });
    }
    recovered.state.write(head.tree())?;
    recovered.state.sync()?;
    let index = index_trouble(&layout)?;
    if repairs.reindex || index == Some(Trouble::IndexWrong) {
        tiles::remove(&layout)?;
    }
    tiles::catch_up(&layout, &|| true)?;
    troubles.extend(index.or(repairs.reindex.then_some(Trouble::Reindex)));
    look_over(dir, &mut |trouble| {
        match &trouble {
            Trouble::Mode { path, expected, .. } => {
                fs::set_permissions(path, fs::Permissions::from_mode(*expected)).at("set the mode of", path)?;
            }
            Trouble::LeftOver { path } => fs::remove_file(path).at("remove", path)?,
            _ => {}
        }
        troubles.push(trouble);
        Ok(())
    })?;
    drop(recovered.lock);
    Ok(troubles.into_iter().map(|trouble| Finding { trouble, repaired: true }).collect())
}

fn index_trouble(layout: &Layout) -> Result<Option<Trouble>, LedgerError> {
    Ok(match tiles::check(layout)? {
        None | Some(IndexState::Whole) => None,
        Some(IndexState::Behind { covered, entries }) => Some(Trouble::IndexBehind { covered, entries }),
        Some(IndexState::Wrong) => Some(Trouble::IndexWrong),
    })
}

/// Calls `found` for every mode that is too open and every file that a crash left.
fn look_over(dir: &Path, found: &mut dyn FnMut(Trouble) -> Result<(), LedgerError>) -> Result<(), LedgerError> {
    let mut waiting = vec![dir.to_owned()];
    while let Some(path) = waiting.pop() {
        // Links are not followed: what they lead to is not the ledger's.
        let metadata = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(source) => return Err(LedgerError::Io { doing: "look at", path, source }),
        };
        if metadata.is_symlink() {
            continue;
        }
        let extension = path.extension().and_then(|extension| extension.to_str());
        if metadata.is_file() && extension.is_some_and(|extension| extension == TEMPORARY || extension == UNNAMED) {
            found(Trouble::LeftOver { path })?;
            continue;
        }
        let expected = if metadata.is_dir() { DIR_MODE } else { FILE_MODE };
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            found(Trouble::Mode { path: path.clone(), found: mode, expected })?;
        }
        // The database makes its own files; the directory above them is private.
        if metadata.is_dir() && !path.starts_with(dir.join("index/sled")) {
            let mut children = fs::read_dir(&path)
                .and_then(|children| {
                    children.map(|child| child.map(|child| child.path())).collect::<Result<Vec<_>, _>>()
                })
                .at("list", &path)?;
            children.sort_unstable();
            waiting.extend(children.into_iter().rev());
        }
    }
    Ok(())
}

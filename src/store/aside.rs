//! A database that cannot be used is moved out of the way, never repaired.

use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::store::generation::remove_generation;

/// Moves the database out of the way, keeping one such, and says so.
pub(super) fn move_aside(dir: &Path, notices: &Mutex<Vec<String>>, reason: &str) {
    if let Ok(children) = fs::read_dir(dir) {
        for path in children.flatten().map(|child| child.path()) {
            let name = path.file_name().and_then(|name| name.to_str());
            if name.is_some_and(|name| name.starts_with("sled.bad-")) {
                drop(fs::remove_dir_all(path));
            }
        }
    }
    let aside = dir.join(format!("sled.bad-{}", std::process::id()));
    remove_generation(dir);
    let moved = fs::rename(dir.join("sled"), &aside);
    let what = match moved {
        Ok(()) => format!("the index was moved to `{}` and is rebuilt: {reason}", aside.display()),
        Err(error) => format!("the index is not used ({reason}) and could not be moved aside: {error}"),
    };
    notices.lock().unwrap_or_else(PoisonError::into_inner).push(what);
}

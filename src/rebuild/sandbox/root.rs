//! A new root for a command: the system's programs, its working folder, a small `/tmp`, and nothing else of this machine.
//!
//! What is shown is taken hold of first, detached, before anything is mounted over the paths that lead to it.

use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, StatVfsMountFlags, statvfs};
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags, mount, mount_change, mount_remount,
    move_mount, open_tree, unmount,
};

use crate::rebuild::sandbox::helper::failed;
use crate::rebuild::sandbox::wire::Order;

/// Where the new root is put together: a folder that every system has. What lies in it is held already.
const BASE: &str = "/tmp";

/// Bytes of the small `/tmp` of a command: it lives in memory.
const SMALL: &str = "size=268435456,nr_inodes=65536,mode=1777";

/// The root itself holds empty folders and links.
const BARE: &str = "size=1048576,nr_inodes=4096,mode=755";

/// Devices without which nothing runs.
const DEVICES: &[&str] = &["null", "zero", "full", "random", "urandom"];

/// The system's programs and libraries, and what they cannot be found without.
const SYSTEM: &[&str] = &["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/alternatives", "/etc/ld.so.cache"];

/// Something of this machine, taken hold of.
struct Shown {
    tree: OwnedFd,
    at: PathBuf,
    is_folder: bool,
    is_writable: bool,
}

/// Makes the new root and moves into it. The working directory is the working folder.
pub(super) fn make(order: &Order) -> Result<(), String> {
    // Nothing that is mounted here shows outside, and nothing outside shows here.
    mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE).map_err(failed("the mounts"))?;
    let mut shown = Vec::new();
    let mut links = Vec::new();
    for path in SYSTEM.iter().map(Path::new).chain(order.exposed.iter().map(PathBuf::as_path)) {
        match path.symlink_metadata() {
            Ok(metadata) if metadata.is_symlink() => links.extend(fs::read_link(path).map(|target| (target, path))),
            Ok(metadata) => shown.push(hold(path, path, metadata.is_dir(), false)?),
            // Not every system has all of them.
            Err(_) => {}
        }
    }
    let devices: Vec<_> = DEVICES.iter().map(|name| Path::new("/dev").join(name)).collect();
    for path in &devices {
        shown.push(hold(path, path, false, true)?);
    }
    // By the folder we stand in: the way to it may be closed to us.
    shown.push(hold(Path::new("."), Path::new(&order.inside), true, true)?);
    for path in &order.read_only {
        let is_folder = Path::new(path).is_dir();
        shown.push(hold(Path::new(path), &Path::new(&order.inside).join(path), is_folder, false)?);
    }

    mount("root", BASE, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, Some(c(BARE).as_c_str()))
        .map_err(failed("the new root"))?;
    let below = |path: &Path| Path::new(BASE).join(path.strip_prefix("/").unwrap_or(path));
    for name in ["proc", "tmp", "dev"] {
        fs::create_dir(Path::new(BASE).join(name)).map_err(failed("a folder of the new root"))?;
    }
    let tmp = Path::new(BASE).join("tmp");
    mount("tmp", &tmp, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, Some(c(SMALL).as_c_str()))
        .map_err(failed("its scratch folder"))?;
    for (target, path) in links {
        let to = below(path);
        to.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed("a folder of the new root"))?;
        symlink(target, to).map_err(failed("a link of the new root"))?;
    }
    for shown in &shown {
        let to = below(&shown.at);
        to.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed("a folder of the new root"))?;
        if !to.exists() {
            let made = if shown.is_folder { fs::create_dir(&to) } else { File::create_new(&to).map(drop) };
            made.map_err(failed("a place in the new root"))?;
        }
        move_mount(&shown.tree, "", CWD, &to, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
            .map_err(failed("showing what the command needs"))?;
        if !shown.is_writable {
            keep_from_writing(&to)?;
        }
    }
    mount(
        "proc",
        Path::new(BASE).join("proc"),
        "proc",
        MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC,
        None,
    )
    .map_err(failed("its own list of processes"))?;

    std::env::set_current_dir(BASE).map_err(failed("the new root"))?;
    rustix::process::pivot_root(".", ".").map_err(failed("moving into the new root"))?;
    unmount(".", UnmountFlags::DETACH).map_err(failed("leaving the old root"))?;
    std::env::set_current_dir("/").map_err(failed("the new root"))?;
    keep_from_writing(Path::new("/"))
}

fn c(text: &str) -> std::ffi::CString {
    std::ffi::CString::new(text).expect("the options are constants without a zero")
}

fn hold(path: &Path, at: &Path, is_folder: bool, is_writable: bool) -> Result<Shown, String> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
    let tree = open_tree(CWD, path, flags).map_err(|error| format!("taking hold of {}: {error}", path.display()))?;
    Ok(Shown { tree, at: at.to_owned(), is_folder, is_writable })
}

/// Makes a mount read-only. What else holds for it must be said again, or the kernel refuses.
fn keep_from_writing(path: &Path) -> Result<(), String> {
    let found = statvfs(path).map_err(failed("looking at a mount"))?.f_flag;
    let mut flags = MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV;
    for (seen, flag) in [
        (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
        (StatVfsMountFlags::NOATIME, MountFlags::NOATIME),
        (StatVfsMountFlags::NODIRATIME, MountFlags::NODIRATIME),
        (StatVfsMountFlags::RELATIME, MountFlags::RELATIME),
    ] {
        if found.contains(seen) {
            flags |= flag;
        }
    }
    mount_remount(path, flags, "").map_err(|error| format!("keeping {} from writing: {error}", path.display()))
}

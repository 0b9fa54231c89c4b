//! The side of the sandbox that goes inside: this program again, which makes the namespaces, a new root in them, and
//! starts the command as the last step.
//!
//! It is started in three ways. `enter`: leave root where we are it, make namespaces, and go on as the first process in
//! them. `inside`: be that process; make the root. `confine`, also where bubblewrap made the root: give everything up and
//! run the command. `bare`: run it without a sandbox.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::process::{Signal, WaitOptions, getegid, geteuid, set_parent_process_death_signal};
use rustix::thread::UnshareFlags;

use crate::rebuild::job::Program;
use crate::rebuild::sandbox::confine;
use crate::rebuild::sandbox::outside::{NOBODY, is_root, scratch};
use crate::rebuild::sandbox::root;
use crate::rebuild::sandbox::wire::{Answer, Order};

/// The subcommand that this is.
pub const HELPER: &str = "sandbox-helper";

/// An order is a line of JSON of at most this length.
const MAX_ORDER: u64 = 64 << 20;

/// Does what the helper was started for; the exit code says nothing, the answer does.
pub fn help(mode: &str) {
    let Ok(mut socket) = std::io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from) else { return };
    // Whoever started us is gone: so should everything be that we start.
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    // What all hold together is looked at, not held by the kernel: should memory run out meanwhile, these go first.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    let done = keep_descriptors().and_then(|()| match mode {
        "enter" => enter(),
        "inside" => inside(&mut socket),
        "confine" => order(&socket).and_then(|order| run(&mut socket, &order, Walls::All)),
        "bare" => order(&socket).and_then(|order| run(&mut socket, &order, Walls::None)),
        _ => Err("the helper knows no such mode".to_owned()),
    });
    if let Err(why) = done {
        say(&mut socket, &Answer::Failed(why));
    }
}

/// Whatever this program inherited ends here: a pipe or a file of whoever started it is nothing for a command.
#[expect(unsafe_code, reason = "marking descriptors: none of ours is closed, and a child has no use for them")]
fn keep_descriptors() -> Result<(), String> {
    // SAFETY: with this flag nothing is closed but by a later exec; the arguments are numbers.
    let done =
        unsafe { libc::syscall(libc::SYS_close_range, 3_usize, u32::MAX as usize, libc::CLOSE_RANGE_CLOEXEC as usize) };
    if done == 0 { Ok(()) } else { Err(format!("keeping descriptors: {}", std::io::Error::last_os_error())) }
}

fn say(socket: &mut UnixStream, answer: &Answer) {
    if let Ok(mut text) = serde_json::to_vec(answer) {
        text.push(b'\n');
        let _ = socket.write_all(&text);
    }
}

fn order(socket: &UnixStream) -> Result<Order, String> {
    let mut line = Vec::new();
    let read = BufReader::new(socket).take(MAX_ORDER).read_until(b'\n', &mut line);
    read.map_err(|error| format!("no order came: {error}"))?;
    serde_json::from_slice(&line).map_err(|error| format!("the order cannot be read: {error}"))
}

/// What failed, in words.
pub(super) fn failed<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> String {
    move |error| format!("{what}: {error}")
}

/// Makes the namespaces and starts the first process in them.
fn enter() -> Result<(), String> {
    if is_root() {
        leave_root()?;
        // Forgotten with the old user.
        let _ = set_parent_process_death_signal(Some(Signal::KILL));
    }
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    unshare()?;
    let write = |file: &str, text: String| std::fs::write(file, text).map_err(failed("the user namespace"));
    write("/proc/self/setgroups", "deny".to_owned())?;
    write("/proc/self/uid_map", format!("0 {uid} 1\n"))?;
    write("/proc/self/gid_map", format!("0 {gid} 1\n"))?;
    let stdin = std::io::stdin().as_fd().try_clone_to_owned().map_err(failed("the socket"))?;
    let status = Command::new("/proc/self/exe")
        .arg0("reproledger")
        .args([HELPER, "inside"])
        .env_clear()
        .env("HOME", "/")
        .stdin(Stdio::from(stdin))
        .status();
    status.map(|_| ()).map_err(failed("the first process in the namespaces"))
}

/// Becomes nobody: a root in a namespace of ours would still be root outside where limits of processes are counted.
fn leave_root() -> Result<(), String> {
    let (uid, gid) = (rustix::process::Uid::from_raw(NOBODY), rustix::process::Gid::from_raw(NOBODY));
    rustix::thread::set_thread_groups(&[]).map_err(failed("giving up groups"))?;
    rustix::thread::set_thread_res_gid(gid, gid, gid).map_err(failed("giving up root's group"))?;
    rustix::thread::set_thread_res_uid(uid, uid, uid).map_err(failed("giving up root"))?;
    // Who changes users may not be looked into, and not write its own maps either, until it says so.
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::Dumpable)
        .map_err(failed("giving up root"))
}

#[expect(unsafe_code, reason = "making namespaces: files are not shared with any other thread, there is none")]
fn unshare() -> Result<(), String> {
    let flags = UnshareFlags::NEWUSER
        | UnshareFlags::NEWNS
        | UnshareFlags::NEWPID
        | UnshareFlags::NEWNET
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWUTS
        | UnshareFlags::NEWCGROUP;
    // SAFETY: unsound only where descriptors are unshared (`FILES`) under threads that use them; they are not.
    unsafe { rustix::thread::unshare_unsafe(flags) }.map_err(failed("making namespaces"))
}

/// The first process in the namespaces: makes the root, then runs.
fn inside(socket: &mut UnixStream) -> Result<(), String> {
    let order = order(socket)?;
    let _ = rustix::system::sethostname(b"sandbox");
    root::make(&order)?;
    run(socket, &order, Walls::All)
}

/// What stands around the command.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Walls {
    All,
    None,
}

/// Gives everything up, starts the command, and waits for it.
fn run(socket: &mut UnixStream, order: &Order, walls: Walls) -> Result<(), String> {
    let (work, home, found) = match walls {
        Walls::All => (PathBuf::from(&order.inside), PathBuf::from("/tmp"), confine::all(order)?),
        Walls::None => {
            // What its processes leave behind stays ours, so that it is counted with the rest.
            let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
            let home = scratch(&order.work).map_err(failed("a scratch folder"))?;
            (order.work.clone(), home, confine::limits(order)?)
        }
    };
    let Some(program) = &order.program else {
        say(socket, &Answer::Ready(found));
        return Ok(());
    };
    let path = match program {
        Program::Inside(path) => work.join(path),
        Program::Host(path) => path.clone(),
    };
    let mut command = Command::new(&path);
    if let Some((name, rest)) = order.argv.split_first() {
        command.arg0(name).args(rest);
    }
    let child = command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", &home)
        .env("TMPDIR", &home)
        .env("LANG", "C.UTF-8")
        .env("TZ", "UTC")
        .envs(&order.variables)
        .current_dir(&work)
        .stdin(Stdio::null())
        .spawn()
        .map_err(failed("the program"))?;
    let wanted = rustix::process::Pid::from_child(&child);
    let status = loop {
        // As the first process we are also who waits for those that their parents left.
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == wanted => break status,
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(format!("waiting for the command: {error}")),
        }
    };
    let answer = match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Answer::Exit(code),
        (None, signal) => Answer::Signal(signal.unwrap_or_default()),
    };
    say(socket, &answer);
    Ok(())
}

//! Runs commands of somebody else so that they can read what they are given, write where they should, and nothing else.
//!
//! Two kinds: `bubblewrap` where it is installed, else namespaces of the kernel that anyone may make (user, mount, pid,
//! net, ipc, uts). In both, a helper, which is this program again, sets the last limits before the command starts: rlimits,
//! no capabilities, Landlock, seccomp. There is no network: not even a loopback that is up. Where neither is available,
//! nothing is run unless the reader says so, and then the result is worth less.

#[cfg(target_os = "linux")]
mod confine;
#[cfg(target_os = "linux")]
mod helper;
mod outside;
#[cfg(target_os = "linux")]
mod root;
mod wire;

use std::path::PathBuf;

use crate::rebuild::job::{Ended, Job, Runner};

#[cfg(target_os = "linux")]
pub use helper::{HELPER, help};

/// Neither bubblewrap nor namespaces.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no sandbox here: bubblewrap is not installed, and namespaces cannot be made ({reason})")]
pub struct NoSandbox {
    /// Why there are no namespaces.
    pub reason: String,
}

/// What a machine has to keep commands with.
pub trait Probe {
    /// The bubblewrap program, where there is one and this user needs no more.
    fn bubblewrap(&self) -> Option<PathBuf>;

    /// Whether namespaces can be made, and everything in them set up; what is in force then.
    fn namespaces(&self) -> Result<String, String>;
}

/// This machine.
#[derive(Debug, Clone, Copy)]
pub struct Machine;

impl Probe for Machine {
    fn bubblewrap(&self) -> Option<PathBuf> {
        // Under root it would leave a root that no process limit binds; namespaces of ours give that up first.
        if outside::is_root() {
            return None;
        }
        ["/usr/bin/bwrap", "/bin/bwrap", "/usr/local/bin/bwrap"]
            .into_iter()
            .map(PathBuf::from)
            .find(|path| path.is_file())
    }

    fn namespaces(&self) -> Result<String, String> {
        outside::probe()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Bubblewrap(PathBuf),
    Namespaces,
    Nothing,
}

/// How commands are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sandbox {
    kind: Kind,
    kept_by: String,
}

impl Sandbox {
    /// No sandbox at all: only time, output and memory are limited.
    pub fn none() -> Self {
        Self { kind: Kind::Nothing, kept_by: "nothing: without a sandbox".to_owned() }
    }
}

/// The best sandbox there is.
pub fn choose(probe: &dyn Probe) -> Result<Sandbox, NoSandbox> {
    if let Some(program) = probe.bubblewrap() {
        let kept_by = "bubblewrap, with rlimits, landlock where the kernel has it, and seccomp".to_owned();
        return Ok(Sandbox { kind: Kind::Bubblewrap(program), kept_by });
    }
    match probe.namespaces() {
        Ok(found) => Ok(Sandbox { kind: Kind::Namespaces, kept_by: format!("namespaces and rlimits, with {found}") }),
        Err(reason) => Err(NoSandbox { reason }),
    }
}

impl Runner for Sandbox {
    fn kept_by(&self) -> &str {
        &self.kept_by
    }

    fn is_open(&self) -> bool {
        self.kind == Kind::Nothing
    }

    fn is_nobody(&self) -> bool {
        self.kind == Kind::Namespaces && outside::is_root()
    }

    fn run(&self, job: &Job<'_>) -> Ended {
        outside::run(&self.kind, job)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    struct Fake(Option<PathBuf>, Result<String, String>);

    impl Probe for Fake {
        fn bubblewrap(&self) -> Option<PathBuf> {
            self.0.clone()
        }

        fn namespaces(&self) -> Result<String, String> {
            self.1.clone()
        }
    }

    #[test]
    fn the_best_sandbox_is_taken_and_none_is_a_refusal() {
        let no = || Err("the kernel says no".to_owned());
        let taken = |probe: Fake| choose(&probe).map(|sandbox| (sandbox.kind.clone(), sandbox.is_open()));
        let bubblewrap = PathBuf::from("/usr/bin/bwrap");
        assert_eq!(taken(Fake(Some(bubblewrap.clone()), no())).unwrap(), (Kind::Bubblewrap(bubblewrap), false));
        assert_eq!(taken(Fake(None, Ok("landlock".to_owned()))).unwrap(), (Kind::Namespaces, false));
        assert_eq!(
            taken(Fake(None, no())).unwrap_err().to_string(),
            "there is no sandbox here: bubblewrap is not installed, and namespaces cannot be made (the kernel says no)"
        );
        assert!(Sandbox::none().is_open());
    }
}

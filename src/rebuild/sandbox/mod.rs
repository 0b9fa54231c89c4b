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
mod processes;
#[cfg(target_os = "linux")]
mod root;
mod watch;
mod wire;

use std::path::PathBuf;

use crate::rebuild::job::{Ended, Job, Runner};

#[cfg(target_os = "linux")]
pub use helper::{HELPER, help};

/// Why there is no sandbox.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSandbox {
    /// Neither bubblewrap nor namespaces.
    #[error("there is no sandbox here: no bubblewrap ({bubblewrap}), and namespaces cannot be made ({namespaces})")]
    Neither {
        /// Why there is no bubblewrap.
        bubblewrap: String,
        /// Why there are no namespaces.
        namespaces: String,
    },
    /// Not the one that the reader asked for.
    #[error("there is no such sandbox here: {asked} ({reason})")]
    NotThis {
        /// What was asked for.
        asked: &'static str,
        /// Why it is not here.
        reason: String,
    },
}

/// A sandbox that a reader asks for. There is none among them that keeps less than the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Whichever there is, bubblewrap first.
    Any,
    /// Bubblewrap and nothing else.
    Bubblewrap,
    /// Namespaces of our own and nothing else.
    Namespaces,
}

/// What a machine has to keep commands with.
pub trait Probe {
    /// The bubblewrap program that works here and what is in force then, or why there is none.
    fn bubblewrap(&self) -> Result<(PathBuf, String), String>;

    /// What is in force where namespaces can be made and everything in them set up, or why they cannot.
    fn namespaces(&self) -> Result<String, String>;
}

/// This machine.
#[derive(Debug, Clone, Copy)]
pub struct Machine;

impl Probe for Machine {
    fn bubblewrap(&self) -> Result<(PathBuf, String), String> {
        // Under root it would leave a root that no process limit binds; namespaces of ours give that up first.
        if outside::is_root() || outside::is_root_above() {
            return Err("root does not use it".to_owned());
        }
        let mut places = ["/usr/bin/bwrap", "/bin/bwrap", "/usr/local/bin/bwrap"].into_iter().map(PathBuf::from);
        let program = places.find(|path| path.is_file()).ok_or("it is not installed")?;
        let found = outside::probe(&Kind::Bubblewrap(program.clone()))?;
        Ok((program, found))
    }

    fn namespaces(&self) -> Result<String, String> {
        outside::probe(&Kind::Namespaces)
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

/// The sandbox that is asked for, or the best there is.
pub fn choose(probe: &dyn Probe, asked: Asked) -> Result<Sandbox, NoSandbox> {
    let bubblewrap = || {
        let (program, found) = probe.bubblewrap()?;
        let kept_by = format!("bubblewrap and rlimits, with {found}");
        Ok(Sandbox { kind: Kind::Bubblewrap(program), kept_by })
    };
    let namespaces = || {
        let kept_by = format!("namespaces and rlimits, with {}", probe.namespaces()?);
        Ok(Sandbox { kind: Kind::Namespaces, kept_by })
    };
    let not_this = |asked| move |reason| NoSandbox::NotThis { asked, reason };
    match asked {
        Asked::Bubblewrap => bubblewrap().map_err(not_this("bubblewrap")),
        Asked::Namespaces => namespaces().map_err(not_this("namespaces")),
        Asked::Any => bubblewrap().or_else(|bubblewrap: String| {
            namespaces().map_err(|namespaces| NoSandbox::Neither { bubblewrap, namespaces })
        }),
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

    struct Fake(Result<PathBuf, &'static str>, Result<String, String>);

    impl Probe for Fake {
        fn bubblewrap(&self) -> Result<(PathBuf, String), String> {
            self.0.clone().map(|program| (program, "landlock".to_owned())).map_err(str::to_owned)
        }

        fn namespaces(&self) -> Result<String, String> {
            self.1.clone()
        }
    }

    #[test]
    fn the_best_sandbox_is_taken_and_none_is_a_refusal() {
        let no = || Err("the kernel says no".to_owned());
        let taken = |asked, probe: Fake| choose(&probe, asked).map(|sandbox| (sandbox.kind.clone(), sandbox.is_open()));
        let bubblewrap = PathBuf::from("/usr/bin/bwrap");
        let has = || Kind::Bubblewrap(bubblewrap.clone());
        let yes = || Ok("landlock".to_owned());
        assert_eq!(taken(Asked::Any, Fake(Ok(bubblewrap.clone()), yes())).unwrap(), (has(), false));
        assert_eq!(taken(Asked::Any, Fake(Err("none"), yes())).unwrap(), (Kind::Namespaces, false));
        assert_eq!(
            taken(Asked::Any, Fake(Err("it is not installed"), no())).unwrap_err().to_string(),
            "there is no sandbox here: no bubblewrap (it is not installed), and namespaces cannot be made (the kernel says no)"
        );
        assert!(Sandbox::none().is_open());
    }

    #[test]
    fn what_is_asked_for_is_taken_or_nothing_and_never_less() {
        let bubblewrap = PathBuf::from("/usr/bin/bwrap");
        let taken = |asked, probe: Fake| choose(&probe, asked).map(|sandbox| sandbox.kind);
        let both = || Fake(Ok(bubblewrap.clone()), Ok("landlock".to_owned()));
        assert_eq!(taken(Asked::Namespaces, both()).unwrap(), Kind::Namespaces);
        assert_eq!(taken(Asked::Bubblewrap, both()).unwrap(), Kind::Bubblewrap(bubblewrap.clone()));
        let without = taken(Asked::Bubblewrap, Fake(Err("it is not installed"), Ok(String::new()))).unwrap_err();
        assert_eq!(without.to_string(), "there is no such sandbox here: bubblewrap (it is not installed)");
        let without = taken(Asked::Namespaces, Fake(Ok(bubblewrap.clone()), Err("no".to_owned()))).unwrap_err();
        assert_eq!(without.to_string(), "there is no such sandbox here: namespaces (no)");
    }
}

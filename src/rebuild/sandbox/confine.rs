//! The last things that are given up before a command starts: limits, capabilities, the file system by Landlock, and
//! calls of the kernel by seccomp.
//!
//! Each stands beside the namespaces, not in their stead: what one of them misses another holds.

use std::collections::BTreeMap;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope,
};
use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

use crate::rebuild::sandbox::helper::failed;
use crate::rebuild::sandbox::wire::Order;

/// The newest Landlock that is asked for; an older kernel holds what it knows.
const LANDLOCK: ABI = ABI::V6;

/// Files that a process may have open.
const OPEN_FILES: u64 = 4096;

/// Marks calls of another number scheme (x32) on the same processor.
const X32: i64 = 0x4000_0000;

/// `clone` that makes namespaces: `CLONE_NEW*` of <https://man7.org/linux/man-pages/man2/clone.2.html>.
const NEW_NAMESPACES: u64 = 0x7e02_0000;

/// Calls that no stage needs and that change what a sandbox is, or reach the kernel where it is weak.
const DENIED: &[i64] = &[
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_syslog,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_personality,
];

/// Calls that are not there. One with its arguments behind a pointer cannot be looked into: `clone` is used instead. And
/// memory that no process need have mapped would be counted nowhere: a file of the working folder is used instead.
const ABSENT: &[i64] = &[libc::SYS_clone3, libc::SYS_memfd_create, libc::SYS_shmget];

/// Gives everything up. What is in force then is said.
pub(super) fn all(order: &Order) -> Result<String, String> {
    let _ = limits(order)?;
    capabilities()?;
    let landlock = landlock(order)?;
    seccomp()?;
    Ok(format!("{landlock} and seccomp"))
}

/// Sets the limits of resources.
pub(super) fn limits(order: &Order) -> Result<String, String> {
    let limits = order.limits;
    let of = |most: u64| Rlimit { current: Some(most), maximum: Some(most) };
    for (resource, most) in [
        (Resource::Core, 0),
        (Resource::As, limits.memory),
        (Resource::Fsize, limits.bytes),
        (Resource::Nproc, limits.processes),
        (Resource::Nofile, OPEN_FILES),
        (Resource::Memlock, 0),
        (Resource::Msgqueue, 0),
    ] {
        let now = rustix::process::getrlimit(resource);
        // What is lower already stays so.
        let most = now.maximum.map_or(most, |maximum| maximum.min(most));
        setrlimit(resource, of(most)).map_err(failed("the limits of resources"))?;
    }
    Ok("rlimits".to_owned())
}

/// Nothing that is run from here on has a capability, even in its own namespace.
fn capabilities() -> Result<(), String> {
    for bit in 0..u64::BITS {
        let Some(one) = CapabilitySet::from_bits(1 << bit).filter(|_| bit <= LAST_CAPABILITY) else { continue };
        // One that this kernel does not know cannot be dropped, and cannot be had.
        let _ = rustix::thread::remove_capability_from_bounding_set(one);
    }
    let _ = rustix::thread::clear_ambient_capability_set();
    let none = CapabilitySet::empty();
    let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
    set_capabilities(None, sets).map_err(failed("giving up capabilities"))?;
    rustix::thread::set_no_new_privs(true).map_err(failed("giving up privileges"))
}

/// `CAP_CHECKPOINT_RESTORE`, the last that there is.
const LAST_CAPABILITY: u32 = 40;

/// Reading anywhere in the new root, writing in the working folder and `/tmp` only, no network.
fn landlock(order: &Order) -> Result<String, String> {
    let refuse = |error: &dyn std::fmt::Display| format!("landlock: {error}");
    let all = AccessFs::from_all(LANDLOCK);
    let created = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)
        .and_then(|rules| rules.handle_access(AccessNet::from_all(LANDLOCK)))
        .and_then(|rules| rules.scope(Scope::from_all(LANDLOCK)))
        .and_then(Ruleset::create)
        .map_err(|error| refuse(&error))?;
    let mut rules = created;
    for (path, access) in [("/", AccessFs::from_read(LANDLOCK)), (&order.inside, all), ("/tmp", all), ("/dev", all)] {
        let open = PathFd::new(path).map_err(|error| refuse(&error))?;
        rules = rules.add_rule(PathBeneath::new(open, access)).map_err(|error| refuse(&error))?;
    }
    let status = rules.restrict_self().map_err(|error| refuse(&error))?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => "landlock",
        RulesetStatus::PartiallyEnforced => "landlock as far as this kernel has it",
        RulesetStatus::NotEnforced => "no landlock, which this kernel has not,",
    }
    .to_owned())
}

fn seccomp() -> Result<(), String> {
    let refuse = |error: &dyn std::fmt::Display| format!("seccomp: {error}");
    let mut program = filter(libc::EPERM, DENIED.iter().map(|call| (*call, Vec::new())).chain(conditional()?))?;
    seccompiler::apply_filter(&program).map_err(|error| refuse(&error))?;
    program = filter(libc::ENOSYS, ABSENT.iter().map(|call| (*call, Vec::new())))?;
    seccompiler::apply_filter(&program).map_err(|error| refuse(&error))
}

/// Calls that are denied with some arguments.
fn conditional() -> Result<Vec<(i64, Vec<SeccompRule>)>, String> {
    let refuse = |error: seccompiler::BackendError| format!("seccomp: {error}");
    let rule = |at, operator, value| {
        SeccompCondition::new(at, SeccompCmpArgLen::Dword, operator, value)
            .and_then(|condition| SeccompRule::new(vec![condition]))
            .map_err(refuse)
    };
    let mut clone = Vec::new();
    for bit in (0..u64::BITS).map(|bit| 1_u64 << bit).filter(|bit| NEW_NAMESPACES & bit != 0) {
        clone.push(rule(0, SeccompCmpOp::MaskedEq(bit), bit)?);
    }
    let unix = u64::try_from(libc::AF_UNIX).unwrap_or_default();
    let other = vec![rule(0, SeccompCmpOp::Ne, unix)?];
    // Putting characters into a terminal's input, should one ever be reached.
    let push = vec![rule(1, SeccompCmpOp::Eq, libc::TIOCSTI)?];
    Ok(vec![(libc::SYS_clone, clone), (libc::SYS_socket, other), (libc::SYS_ioctl, push)])
}

fn filter(error: i32, rules: impl Iterator<Item = (i64, Vec<SeccompRule>)>) -> Result<BpfProgram, String> {
    let refuse = |error: &dyn std::fmt::Display| format!("seccomp: {error}");
    let mut all = BTreeMap::new();
    for (call, rules) in rules {
        if cfg!(target_arch = "x86_64") {
            all.insert(call | X32, rules.clone());
        }
        all.insert(call, rules);
    }
    let denied = SeccompAction::Errno(u32::try_from(error).unwrap_or_default());
    let arch = std::env::consts::ARCH.try_into().map_err(|error| refuse(&error))?;
    let filter = SeccompFilter::new(all, SeccompAction::Allow, denied, arch).map_err(|error| refuse(&error))?;
    BpfProgram::try_from(filter).map_err(|error| refuse(&error))
}

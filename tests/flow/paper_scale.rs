//! The generator of claims at the paper's scale, with few rollouts: one seed, one claim, and it holds.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

#[path = "../../fixtures/paper-scale/study.rs"]
mod study;

fn made(repeats: u64, seed: u64) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    study::make(Path::new(env!("CARGO_BIN_EXE_reproledger")), folder.path(), repeats, seed);
    folder
}

#[test]
fn one_seed_makes_one_claim_at_the_papers_shape_and_it_holds() {
    assert_eq!((study::samples(300), study::samples(1800)), (64_800, 388_800));
    let (first, again, other) = (made(2, 7), made(2, 7), made(2, 8));
    let claim = |folder: &TempDir| fs::read_to_string(folder.path().join("claim.toml")).unwrap();
    assert_eq!(claim(&first), claim(&again), "one seed, one set of rollouts");
    assert_ne!(claim(&first), claim(&other), "another seed, another");
    for folder in [&first, &other] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reproledger"));
        let profile = ["verify", "am.evidence", "--trust", "trust.policy", "--profile", "paper"];
        let output = command.args(profile).current_dir(folder.path()).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(said.starts_with("VERIFIED·L0·paper — "), "{said}");
    }
}

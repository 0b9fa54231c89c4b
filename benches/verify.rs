//! `verify` of a one-claim evidence file as a process, beside `openssl pkeyutl -verify` of one signature.
//!
//! `cargo bench --bench verify`. Both are started anew and in turn; the figure is the median of the ratios.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark talks to its user and may stop anywhere")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

const ROUNDS: usize = 31;

fn run(command: &mut Command) {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(status.success(), "{command:?}");
}

fn openssl(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("openssl");
    command.args(arguments).current_dir(folder);
    command
}

fn main() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    let own = env!("CARGO_BIN_EXE_reproledger");
    let told = Command::new(own).args(["demo", "--keep", "demo"]).current_dir(folder).output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    let key = told.lines().find_map(|line| line.strip_prefix("log key")).unwrap().trim();
    fs::write(folder.join("trust.policy"), format!("log {key}\nquorum none\n")).unwrap();
    fs::write(folder.join("message"), [0x42; 300]).unwrap();
    run(&mut openssl(folder, &["genpkey", "-algorithm", "ed25519", "-out", "key.pem"]));
    run(&mut openssl(folder, &["pkey", "-in", "key.pem", "-pubout", "-out", "public.pem"]));
    run(&mut openssl(
        folder,
        &["pkeyutl", "-sign", "-inkey", "key.pem", "-rawin", "-in", "message", "-out", "signature"],
    ));

    let timed = |command: &mut Command| {
        let start = Instant::now();
        run(command);
        start.elapsed().as_secs_f64()
    };
    let mut rounds: Vec<(f64, f64)> = (0..ROUNDS)
        .map(|_| {
            let mut verify = Command::new(own);
            verify.args(["verify", "demo/lab/desk.evidence", "--trust", "trust.policy"]).current_dir(folder);
            let peer = ["pkeyutl", "-verify", "-pubin", "-inkey", "public.pem", "-rawin", "-in", "message", "-sigfile"];
            let mut peer = openssl(folder, &peer);
            peer.arg("signature");
            (timed(&mut verify), timed(&mut peer))
        })
        .collect();
    rounds.sort_by(|left, right| (left.0 / left.1).total_cmp(&(right.0 / right.1)));
    let (verify, peer) = rounds[ROUNDS / 2];
    println!(
        "verify {:.2} x openssl pkeyutl -verify   ({:.1} ms against {:.1} ms)",
        verify / peer,
        verify * 1e3,
        peer * 1e3
    );
}

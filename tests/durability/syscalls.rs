//! Every write, sync, rename and truncation of one append is made to fail, one at a time, on every thread.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::support::{Acknowledged, Place, SEGMENT_BYTES, entry, missing};

const CALLS: [&str; 7] = ["pwrite64", "write", "fdatasync", "fsync", "rename", "ftruncate", "openat"];

/// Runs one life of a writer under strace; returns the trace and what it said.
fn life(place: &Place, trace: &Path, expression: &[String]) -> std::io::Result<(String, String)> {
    let mut command = Command::new("strace");
    command.args(["-f", "-o"]).arg(trace).args(expression).arg(std::env::current_exe()?);
    place.arguments(&mut command, "once");
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output()?;
    Ok((fs::read_to_string(trace)?, String::from_utf8_lossy(&output.stdout).into_owned()))
}

/// Most calls of a name that one thread makes: strace counts `when=` for each thread.
fn most_calls(trace: &str, call: &str) -> usize {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for line in trace.lines() {
        if let Some((thread, rest)) = line.split_once(' ')
            && rest.trim_start().starts_with(&format!("{call}("))
        {
            *counts.entry(thread).or_default() += 1;
        }
    }
    counts.into_values().max().unwrap_or(0)
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for item in fs::read_dir(from).unwrap() {
        let item = item.unwrap();
        let target = to.join(item.file_name());
        if item.file_type().unwrap().is_dir() {
            copy_dir(&item.path(), &target);
        } else {
            fs::copy(item.path(), target).unwrap();
        }
    }
}

/// A ledger whose next append closes a segment, or does not.
fn sweep(rotating: bool) {
    let scratch = tempfile::tempdir().unwrap();
    let template = scratch.path().join("template");
    let place = Place::below(&template);
    let mut writer = place.create();
    let mut end = 0;
    while rotating && end < SEGMENT_BYTES {
        writer.append(4, |index| Ok::<_, std::convert::Infallible>(entry(index.0))).unwrap();
        let segment = fs::read(place.ledger.join("log/000000.seg")).unwrap();
        end = segment.iter().rposition(|byte| *byte != 0).unwrap() as u64;
    }
    drop(writer);
    let before = *place.read().unwrap().tree();
    let trace = scratch.path().join("trace");
    let work = scratch.path().join("work");
    let fresh = || {
        if work.exists() {
            fs::remove_dir_all(&work).unwrap();
        }
        copy_dir(&template, &work);
        Place::below(&work)
    };
    let expression = vec!["-e".to_owned(), format!("trace={}", CALLS.join(","))];
    let (plain, said) = match life(&fresh(), &trace, &expression) {
        Ok(done) => done,
        Err(error) => return missing(&format!("`strace`: {error}")),
    };
    assert!(said.contains("ack "), "{said}");
    check_order(&plain);
    let mut runs = 0;
    for call in CALLS {
        let calls = most_calls(&plain, call);
        // Opening files is what a program's start does hundreds of times; the last ones are ours.
        let from = if call == "openat" { calls.saturating_sub(12) } else { 1 };
        assert!(calls > 0 || call == "rename" || call == "ftruncate", "no {call} at all");
        let mut injected = 0;
        for nth in from.max(1)..=calls {
            for fault in ["EIO", "ENOSPC"] {
                let place = fresh();
                let expression = ["-e".to_owned(), format!("trace={call}"), "-e".to_owned()];
                let inject = format!("inject={call}:error={fault}:when={nth}");
                let (trace, said) = life(&place, &trace, &[&expression[..], &[inject]].concat()).unwrap();
                // The `head` copy is written once for commits close together, so a run may make fewer renames than the
                // plain one; then it has shown nothing, and it must really have made fewer.
                if !trace.contains("INJECTED") {
                    assert!(most_calls(&trace, call) < nth, "{call} {nth} {fault}: nothing was injected");
                    continue;
                }
                injected += 1;
                let mut acknowledged = Acknowledged::default();
                acknowledged.hear(&format!("ack {} {}", before.size, before.root));
                said.lines().for_each(|line| acknowledged.hear(line));
                acknowledged.check(&place);
                runs += 1;
            }
        }
        assert!(injected > 0 || calls == 0, "no fault was ever injected into {call}");
    }
    println!("{runs} faults, rotating: {rotating}");
    assert!(runs > 20);
}

/// Between the last write of the commit and its acknowledgement stands a sync that began after it and returned.
fn check_order(trace: &str) {
    let (mut begun, mut synced) = (true, true);
    let mut acknowledgements = 0;
    for line in trace.lines() {
        let call = line.split_once(' ').map_or("", |(_, call)| call.trim_start());
        if call.starts_with("pwrite64(") && call.contains("entry ") {
            (begun, synced) = (false, false);
        }
        // A call that another thread's came in between is told in two lines.
        begun |= call.starts_with("fdatasync(");
        let returned = call.starts_with("fdatasync(") || call.starts_with("<... fdatasync resumed>");
        synced |= begun && returned && call.ends_with("= 0");
        if call.starts_with("write(1, \"ack ") {
            assert!(synced, "acknowledged before the sync: {line}");
            acknowledgements += 1;
        }
    }
    assert!(acknowledgements > 0, "nothing was acknowledged");
}

#[test]
fn an_acknowledgement_before_its_sync_is_noticed() {
    let write = "7 pwrite64(5, \"\\0\\1entry 1\", 9, 0) = 9\n";
    let ack = "7 write(1, \"ack 4 ee\", 9) = 9\n";
    check_order(&[write, "7 fdatasync(5) = 0\n", ack].concat());
    check_order(&[write, "7 fdatasync(5 <unfinished ...>\n", "7 <... fdatasync resumed>) = 0\n", ack].concat());
    let wrong: [&[&str]; 4] = [
        &[write, ack],
        &[write, "7 fdatasync(5) = -1 EIO (Input/output error) (INJECTED)\n", ack],
        &[write, "7 fdatasync(5 <unfinished ...>\n", ack, "7 <... fdatasync resumed>) = 0\n"],
        &["7 fdatasync(5 <unfinished ...>\n", write, "7 <... fdatasync resumed>) = 0\n", ack],
    ];
    for lines in wrong {
        let trace = lines.concat();
        assert!(std::panic::catch_unwind(|| check_order(&trace)).is_err(), "{trace}");
    }
}

#[test]
#[ignore = "a hundred runs under strace"]
fn every_failing_call_of_an_append_loses_nothing() {
    sweep(false);
}

#[test]
#[ignore = "a hundred runs under strace"]
fn every_failing_call_of_an_append_that_closes_a_segment_loses_nothing() {
    sweep(true);
}

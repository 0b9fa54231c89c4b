//! Recording again: what is known and unchanged is not read, and nothing wrong ever comes of it.

use std::time::Duration;

use super::popularity_log;
use crate::support::Sandbox;
use crate::vectors::data_is_there;

/// Longer than the coarsest clock that a file system of this machine may have.
const QUIET: Duration = Duration::from_millis(3100);

/// A lab with a folder of three files that have been quiet for long enough to be remembered.
fn quiet_lab() -> Sandbox {
    let sandbox = Sandbox::with_ledger();
    for (name, bytes) in [("a", "aaaa"), ("sub/b", "bb"), ("sub/c", "c")] {
        sandbox.write(&format!("lab/data/{name}"), bytes);
    }
    std::thread::sleep(QUIET);
    sandbox
}

const RECORD: [&str; 5] = ["record", "source", "data", "--name", "code"];

#[test]
fn an_unchanged_folder_is_known_and_a_changed_file_is_read() {
    let sandbox = quiet_lab();
    let first = sandbox.lab(&RECORD).success();
    assert!(!first.stderr.contains("known from before"), "{}", first.stderr);
    let _ = sandbox.lab(&RECORD).success().says("unchanged: `code` is entry 1").complains("3 files were known");
    let all = sandbox.lab(&[&RECORD[..], &["--no-cache"]].concat()).success().says("unchanged");
    assert!(!all.stderr.contains("known from before"), "{}", all.stderr);

    // The same size and the same modification time, and yet it is seen.
    let path = sandbox.path("lab/data/sub/b");
    let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
    std::fs::write(&path, "BB").unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    let _ = sandbox.lab(&RECORD).code(2).complains("with other content");
    let next = [&RECORD[..], &["--supersedes", "code"]].concat();
    let _ = sandbox.lab(&next).success().complains("2 files were known");
    let _ = sandbox.lab(&["audit"]).success();
}

#[test]
fn what_is_known_may_be_damaged_or_gone() {
    let sandbox = quiet_lab();
    let _ = sandbox.lab(&RECORD).success();
    let file = "lab/.reproledger/index/known";
    let whole = sandbox.read(file);
    let mut damaged = whole.clone();
    // A digest in it.
    let at = whole.len() / 2;
    damaged[at] ^= 1;
    sandbox.write(file, damaged);
    let again = sandbox.lab(&RECORD).success().says("unchanged").complains("it is damaged, of another version");
    assert!(!again.stderr.contains("known from before"), "{}", again.stderr);
    assert_eq!(sandbox.read(file), whole);
    std::fs::remove_file(sandbox.path(file)).unwrap();
    let _ = sandbox.lab(&RECORD).success().says("unchanged");
    assert_eq!(sandbox.read(file), whole);
}

#[test]
fn what_a_reader_made_of_unchanged_files_is_said_again() {
    if !data_is_there() {
        return;
    }
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/log.eval", std::fs::read(popularity_log()).unwrap());
    std::thread::sleep(QUIET);
    let record = |more: &[&str]| sandbox.lab(&[&["record", "eval-log", "log.eval", "--name", "log"], more].concat());
    let first = record(&[]).success();
    let again = "what was read in them then is said again";
    assert!(!first.stderr.contains(again), "{}", first.stderr);
    let _ = record(&[]).success().says("unchanged: `log` is entry 1").complains(again);
    // Read in another way: by its bytes alone, and with another digest.
    for other in [&["--bytes-only"][..], &["--also", "sha256"]] {
        let other = record(&[other, &["--supersedes", "log"]].concat());
        assert!(!other.stderr.contains(again), "{}", other.stderr);
    }
    // A new entry that says the same: whoever verifies finds the samples under it.
    let _ = record(&["--supersedes", "log"]).success();
    let _ = record(&["--supersedes", "log"]).success().complains(again);
    let _ = sandbox.lab(&["audit"]).success();
    // Without the manifests there is nothing to say again.
    std::fs::remove_dir_all(sandbox.path("lab/.reproledger/objects")).unwrap();
    let other = record(&[]);
    assert!(!other.stderr.contains(again), "{}", other.stderr);
}

#[test]
fn limits_on_threads_and_rate_change_nothing_but_the_time() {
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/data/one", vec![1; 5 << 20]);
    sandbox.write("lab/data/two", vec![2; 300_000]);
    let record = |more: &[&str]| sandbox.lab(&[&RECORD[..], more].concat());
    let _ = record(&[]).success();
    for more in
        [&["--jobs", "1"][..], &["--jobs", "3"], &["--io-limit", "100MiB"], &["--jobs", "2", "--io-limit", "1G"]]
    {
        let _ = record(more).success().says("unchanged");
    }
    let started = std::time::Instant::now();
    let _ = record(&["--io-limit", "5M"]).success().says("unchanged");
    assert!(started.elapsed() >= Duration::from_millis(900), "{:?}", started.elapsed());
    for wrong in [&["--jobs", "0"][..], &["--jobs", "many"], &["--io-limit", "0"], &["--io-limit", "fast"]] {
        let _ = record(wrong).code(2);
    }
}

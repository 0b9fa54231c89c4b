//! The index through its handle: what it finds, what it notices, and that nothing hangs with it.

use std::fs;

use super::database::name_key;
use super::*;
use crate::digest::{FileDigest, NodeHash};

/// The thread of a store that was dropped a moment ago may still hold the database.
fn open(dir: &Path) -> (Store, Option<TreeHead>) {
    let start = std::time::Instant::now();
    loop {
        match Store::open(dir, StoreLimits::default()) {
            Err(StoreError::Busy) if start.elapsed() < Duration::from_secs(30) => {
                std::thread::sleep(Duration::from_millis(5));
            }
            opened => return opened.unwrap(),
        }
    }
}

fn head(size: u64) -> TreeHead {
    TreeHead { size: TreeSize(size), root: NodeHash::from_bytes([u8::try_from(size % 256).unwrap(); 32]) }
}

fn digest(n: u64) -> Digest {
    FileDigest::of(&n.to_be_bytes()).into()
}

fn record(seq: u64) -> IndexRecord {
    IndexRecord {
        seq,
        names: vec![format!("name-{}", seq % 50)],
        about: vec![digest(seq % 10)],
        refers: vec![digest(1000 + seq % 3)],
    }
}

fn filled(dir: &Path, size: u64) {
    let (store, generation) = open(dir);
    assert_eq!(generation, None);
    store.put(TreeSize(0), (0..size).map(record).collect(), head(size));
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(dir).unwrap().map(|child| child.unwrap().path()) {
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn assert_answers(store: &Store, size: u64) {
    for n in 0..50_u64.min(size) {
        let newest = (0..size).rev().find(|seq| seq % 50 == n);
        assert_eq!(store.name(&format!("name-{n}")).unwrap(), newest);
    }
    assert_eq!(store.name("no such name").unwrap(), None);
    assert_eq!(store.about(&digest(3)).unwrap(), (0..size).filter(|seq| seq % 10 == 3).collect::<Vec<_>>());
    assert_eq!(store.referring(&digest(1001)).unwrap(), (0..size).filter(|seq| seq % 3 == 1).collect::<Vec<_>>());
}

#[test]
fn what_was_put_is_found_after_reopening_and_the_head_says_how_far() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 200);
    let (store, generation) = open(dir.path());
    assert_eq!(generation, Some(head(200)));
    assert_answers(&store, 200);
    store.put(TreeSize(200), (200..260).map(record).collect(), head(260));
    assert_answers(&store, 260);
    assert_eq!(store.take_notices(), Vec::<String>::new());
}

#[test]
fn records_that_do_not_follow_are_not_taken() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 20);
    let (store, _) = open(dir.path());
    store.put(TreeSize(25), (25..30).map(record).collect(), head(30));
    assert_answers(&store, 20);
    drop(store);
    assert_eq!(open(dir.path()).1, Some(head(20)));
}

#[test]
fn a_rebuild_begins_from_nothing() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 300);
    let (store, _) = open(dir.path());
    store.rebuild((0..40).map(record), head(40)).unwrap();
    assert_answers(&store, 40);
    drop(store);
    assert_eq!(open(dir.path()).1, Some(head(40)));
}

#[test]
fn a_database_that_lost_a_name_or_everything_is_moved_aside() {
    let lost: [fn(&mut Database); 3] = [
        |database| drop(database.names.remove(name_key("name-7")).unwrap()),
        |database| drop(database.names.insert(name_key("name-7"), &[9; 8]).unwrap()),
        |database| database.names.clear().unwrap(),
    ];
    for loss in lost {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path(), 100);
        let (store, _) = open(dir.path());
        store
            .ask(Duration::from_secs(2), move |database| {
                loss(database);
                Ok(())
            })
            .unwrap();
        drop(store);
        let (store, generation) = open(dir.path());
        assert_eq!(generation, None);
        let notices = store.take_notices();
        assert!(notices.len() == 1 && notices[0].contains("sled.bad-"), "{notices:?}");
        store.rebuild((0..100).map(record), head(100)).unwrap();
        assert_answers(&store, 100);
    }
}

#[test]
fn a_second_process_finds_it_busy_and_leaves_it_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    assert_eq!(Store::open(dir.path(), StoreLimits::default()).unwrap_err(), StoreError::Busy);
    assert!(dir.path().join("sled").exists());
    drop(store);
}

#[test]
fn a_call_that_hangs_or_panics_is_given_up_and_nothing_hangs_with_it() {
    let limits = StoreLimits { open: Duration::from_secs(10), call: Duration::from_millis(50) };
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(dir.path(), limits).unwrap();
    let start = std::time::Instant::now();
    let hung = store.ask(limits.call, |_| {
        thread::sleep(Duration::from_secs(3));
        Ok(())
    });
    assert_eq!(hung, Err(StoreError::Hung { seconds: 0 }));
    assert_eq!(store.name("x"), Err(StoreError::Abandoned));
    drop(store);
    assert!(start.elapsed() < Duration::from_secs(2));

    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    let panicked = store.ask::<()>(Duration::from_secs(5), |_| panic!("a panic inside the index, as intended"));
    assert!(matches!(panicked, Err(StoreError::Failed { .. })), "{panicked:?}");
    drop(store);
    let (store, generation) = open(dir.path());
    assert_eq!((generation, store.name("x")), (None, Ok(None)));
}

#[test]
fn a_damaged_database_answers_rightly_or_begins_anew_and_never_hangs() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 200);
    let saved: Vec<(PathBuf, Vec<u8>)> =
        files(dir.path()).into_iter().map(|path| (path.clone(), fs::read(&path).unwrap())).collect();
    for (path, bytes) in &saved {
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let damages = (0..6).map(|n| {
            let mut changed = bytes.clone();
            if n == 5 {
                changed.truncate(used / 2);
            } else if used > 0 {
                changed[used * n / 5] ^= 0x10;
            }
            changed
        });
        for changed in damages {
            fs::write(path, &changed).unwrap();
            match Store::open(dir.path(), StoreLimits::default()) {
                Ok((store, Some(generation))) => {
                    assert_eq!(generation, head(200));
                    for n in 0..50 {
                        let found = store.name(&format!("name-{n}"));
                        assert!(found.is_err() || found == Ok(Some(150 + n)), "{n}: {found:?}");
                    }
                }
                Ok((store, None)) => {
                    store.rebuild((0..200).map(record), head(200)).unwrap();
                    assert_answers(&store, 200);
                }
                Err(_) => {}
            }
            for path in files(dir.path()) {
                fs::remove_file(path).unwrap();
            }
            for (path, bytes) in &saved {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, bytes).unwrap();
            }
        }
    }
}

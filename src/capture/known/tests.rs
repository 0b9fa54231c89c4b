#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::prelude::*;

use super::*;
use crate::capture::hash::{HashOptions, Progress, Unknown, hash_file};
use crate::capture::open::CaptureError;
use crate::capture::walk::{Tree, walk_folder};

const LEDGER: LedgerId = LedgerId::from_bytes([7; 32]);

/// Counts the bytes that are read.
struct Watch<'a>(&'a KnownFiles, AtomicU64);

impl Progress for Watch<'_> {
    fn add(&self, bytes: u64) {
        self.1.fetch_add(bytes, Ordering::Relaxed);
    }

    fn known(&self) -> Option<&KnownFiles> {
        Some(self.0)
    }
}

/// As if the present files had been quiet for a minute.
fn later_ms() -> u64 {
    now_ms() + 60_000
}

fn now_ms() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

struct Scratch(tempfile::TempDir);

impl Scratch {
    fn new() -> Self {
        let scratch = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(scratch.at("tree/sub")).unwrap();
        for (name, bytes) in [("tree/a", "aaaa"), ("tree/sub/b", "bb"), ("tree/sub/c", "c")] {
            fs::write(scratch.at(name), bytes).unwrap();
        }
        scratch
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn load(&self, before: Before) -> KnownFiles {
        KnownFiles::load(&self.at("known"), &LEDGER, before, later_ms()).unwrap()
    }

    /// Walks the tree and saves what was learnt; gives the tree and how many bytes were read.
    fn walk(&self, known: KnownFiles, also: Also) -> (Tree, u64) {
        let watch = Watch(&known, AtomicU64::new(0));
        let options = HashOptions { also, ..HashOptions::default() };
        let tree = walk_folder(&self.at("tree"), &options, &watch).unwrap();
        let read = watch.1.into_inner();
        known.save(&self.at("known"), &LEDGER).unwrap();
        (tree, read)
    }
}

#[test]
fn an_unchanged_tree_is_not_read_again() {
    let scratch = Scratch::new();
    let (first, read) = scratch.walk(scratch.load(Before::Use), Also::Nothing);
    assert_eq!(read, 7);
    assert_eq!(scratch.walk(scratch.load(Before::Use), Also::Nothing), (first.clone(), 0));
    // Another digest is asked for: it is not known.
    let (both, read) = scratch.walk(scratch.load(Before::Use), Also::Sha256);
    assert_eq!((both.sha256.len(), read), (3, 7));
    assert_eq!(scratch.walk(scratch.load(Before::Use), Also::Sha256), (both, 0));
    assert_eq!(scratch.walk(scratch.load(Before::Use), Also::Nothing), (first.clone(), 0));
    // Nothing of it is believed when all is to be read.
    assert_eq!(scratch.walk(scratch.load(Before::Forget), Also::Nothing), (first, 7));
}

#[test]
fn only_what_changed_is_read_again() {
    let scratch = Scratch::new();
    scratch.walk(scratch.load(Before::Use), Also::Nothing);
    fs::write(scratch.at("tree/sub/b"), "BBB").unwrap();
    fs::write(scratch.at("tree/new"), "new").unwrap();
    let (tree, read) = scratch.walk(scratch.load(Before::Use), Also::Nothing);
    assert_eq!(read, 6);
    let (whole, _) = scratch.walk(KnownFiles::nothing(0), Also::Nothing);
    assert_eq!(tree, whole);
    assert_eq!(scratch.walk(scratch.load(Before::Use), Also::Nothing), (whole, 0));
}

#[test]
fn bytes_swapped_behind_a_restored_time_and_size_are_read() {
    let scratch = Scratch::new();
    let (first, _) = scratch.walk(scratch.load(Before::Use), Also::Nothing);
    let path = scratch.at("tree/a");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    std::thread::sleep(Duration::from_millis(20));
    fs::write(&path, "AAAA").unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    let (second, read) = scratch.walk(scratch.load(Before::Use), Also::Nothing);
    assert_eq!(read, 4);
    assert_ne!(first, second);
}

#[test]
fn a_file_that_changed_a_moment_ago_is_not_remembered() {
    let scratch = Scratch::new();
    for age_ms in [0, 1000] {
        let known = KnownFiles::nothing(now_ms() + age_ms);
        scratch.walk(known, Also::Nothing);
        assert!(!scratch.at("known").exists(), "after {age_ms} ms");
    }
    // The clock was set back: the files are of tomorrow.
    scratch.walk(KnownFiles::nothing(now_ms() - 86_400_000), Also::Nothing);
    assert!(!scratch.at("known").exists());
    scratch.walk(KnownFiles::nothing(now_ms() + 4000), Also::Nothing);
    assert!(scratch.at("known").exists());
}

#[test]
fn a_file_is_known_by_itself_too_and_unknown_ones_can_be_refused() {
    let scratch = Scratch::new();
    let options = HashOptions { unknown: Unknown::Refuse, ..HashOptions::default() };
    let hash = |options: &HashOptions| {
        let known = scratch.load(Before::Use);
        let hashed = hash_file(&scratch.at("tree/a"), options, &Watch(&known, AtomicU64::new(0)));
        known.save(&scratch.at("known"), &LEDGER).unwrap();
        hashed
    };
    assert!(matches!(hash(&options), Err(CaptureError::NotKnown { .. })));
    let hashed = hash(&HashOptions::default()).unwrap();
    assert_eq!(hash(&options).unwrap(), hashed);
    let small = HashOptions { max_bytes: 3, ..options };
    assert!(matches!(hash(&small), Err(CaptureError::TooLarge { .. })));
}

#[test]
fn readings_are_found_by_their_key() {
    let scratch = Scratch::new();
    let known = scratch.load(Before::Use);
    assert_eq!(known.reading(&[1; 32]), None);
    known.learn_reading([1; 32], 41);
    known.save(&scratch.at("known"), &LEDGER).unwrap();
    assert_eq!(scratch.load(Before::Use).reading(&[1; 32]), Some(41));
    assert_eq!(scratch.load(Before::Forget).reading(&[1; 32]), None);
    assert_eq!(scratch.load(Before::Use).reading(&[2; 32]), None);
}

#[test]
fn a_damaged_file_or_one_of_another_ledger_is_never_believed() {
    let scratch = Scratch::new();
    let known = scratch.load(Before::Use);
    known.learn_reading([1; 32], 41);
    scratch.walk(known, Also::Sha256);
    let path = scratch.at("known");
    let whole = fs::read(&path).unwrap();
    let refused =
        |ledger: &LedgerId| matches!(KnownFiles::load(&path, ledger, Before::Use, 0), Err(KnownFilesError::Damaged));
    assert!(!refused(&LEDGER));
    assert!(refused(&LedgerId::from_bytes([8; 32])));
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(&path, &damaged).unwrap();
        assert!(refused(&LEDGER), "byte {at}");
        fs::write(&path, &whole[..at]).unwrap();
        assert!(refused(&LEDGER), "cut at {at}");
    }
    fs::write(&path, [&whole[..], b"x"].concat()).unwrap();
    assert!(refused(&LEDGER));
    assert!(KnownFiles::load(&scratch.at("none"), &LEDGER, Before::Use, 0).unwrap().is_empty());
    assert!(matches!(KnownFiles::load(&scratch.at("tree"), &LEDGER, Before::Use, 0), Err(KnownFilesError::Io(_))));
}

proptest! {
    #[test]
    fn what_is_stored_is_the_last_word_on_each_file(
        rounds in prop::collection::vec(
            prop::collection::btree_map(0..4_u64, (0..3_u64, any::<bool>(), any::<u8>()), 0..4),
            1..6,
        )
    ) {
        let key = |inode, size, algorithm| {
            Key::of(&FileStamp { device: 1, inode, size, modified: (1, 2), changed: (3, 4) }, algorithm)
        };
        let (mut stored, mut model) = (Stored::default(), BTreeMap::new());
        for round in rounds {
            let mut learnt = Vec::new();
            for (inode, (size, sha256, digest)) in round {
                // A file has one stamp at a time.
                model.retain(|(other, stale, _), _| *other != inode || *stale == size);
                for algorithm in [Key::BLAKE3, Key::SHA256].into_iter().take(1 + usize::from(sha256)) {
                    learnt.push(Record::new(&key(inode, size, algorithm), &[digest; 32]));
                    model.insert((inode, size, algorithm), [digest; 32]);
                }
            }
            stored = stored.with(learnt, BTreeMap::new());
            for (inode, size, sha256) in (0..24).map(|n| (n / 6, n / 2 % 3, n % 2 == 1)) {
                let algorithm = if sha256 { Key::SHA256 } else { Key::BLAKE3 };
                let expected = model.get(&(inode, size, algorithm)).copied();
                prop_assert_eq!(stored.find(&key(inode, size, algorithm)), expected);
            }
        }
    }
}

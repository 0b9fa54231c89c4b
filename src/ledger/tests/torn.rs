//! A commit that a crash tore is dropped, kept and said; other damage is never taken for one.

use super::*;

/// The bytes of the last segment up to its zeros, and where its last commit begins.
fn last_commit(scratch: &Scratch, count: usize) -> (PathBuf, Vec<u8>, usize) {
    let (mut writer, _) = scratch.open().unwrap();
    let segment = scratch.dir().join("log/000000.seg");
    let before = fs::read(&segment).unwrap().iter().rposition(|byte| *byte != 0).unwrap() + 1;
    append(&mut writer, count);
    drop(writer);
    let mut bytes = fs::read(&segment).unwrap();
    bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1);
    (segment, bytes, before)
}

/// A crash at any byte of a commit that was never acknowledged: head copy and state are those before it.
#[test]
fn a_commit_torn_at_any_byte_is_dropped_kept_and_said() {
    let scratch = Scratch::new();
    scratch.filled(&[2]);
    let before = scratch.root.path().join("before");
    copy_dir(&scratch.dir(), &before.join("ledger"));
    copy_dir(&scratch.state(), &before.join("state"));
    let (segment, whole, start) = last_commit(&scratch, 2);
    for cut in start..whole.len() {
        for zeros in [false, true] {
            fs::remove_dir_all(scratch.dir()).unwrap();
            fs::remove_dir_all(scratch.state()).unwrap();
            copy_dir(&before.join("ledger"), &scratch.dir());
            copy_dir(&before.join("state"), &scratch.state());
            let mut bytes = whole[..cut].to_vec();
            if zeros {
                bytes.resize(usize::try_from(FIRST_CHUNK).unwrap(), 0);
            }
            fs::write(&segment, &bytes).unwrap();
            assert_holds(&scratch.read().unwrap(), 3);
            let (mut writer, notices) = scratch.open().unwrap();
            // A cut may fall before bytes that are zero anyway.
            if whole[start..cut].iter().any(|byte| *byte != 0) {
                let [Notice::TornTail { bytes: torn, kept: Some(kept), .. }] = notices.as_slice() else {
                    panic!("{cut}: {notices:?}")
                };
                let kept = fs::read(kept).unwrap();
                assert_eq!(kept.len() as u64, *torn);
                assert!(whole[start..cut].starts_with(&kept), "{cut}");
            }
            append(&mut writer, 1);
            drop(writer);
            let (_, notices) = scratch.open().unwrap();
            assert_eq!(notices, [], "{cut}: repaired once");
            assert_holds(&scratch.read().unwrap(), 4);
        }
    }
}

/// Sectors of an unacknowledged commit may reach the disk in any order: its head may be whole and its entries not.
#[test]
fn a_last_commit_with_holes_that_was_never_issued_is_torn() {
    let scratch = Scratch::new();
    scratch.filled(&[2]);
    let before = scratch.root.path().join("before");
    copy_dir(&scratch.dir(), &before.join("ledger"));
    copy_dir(&scratch.state(), &before.join("state"));
    let (segment, whole, start) = last_commit(&scratch, 2);
    for hole in start..whole.len() - 1 {
        fs::remove_dir_all(scratch.dir()).unwrap();
        fs::remove_dir_all(scratch.state()).unwrap();
        copy_dir(&before.join("ledger"), &scratch.dir());
        copy_dir(&before.join("state"), &scratch.state());
        let mut bytes = whole.clone();
        bytes[hole..(hole + 16).min(whole.len())].fill(0);
        bytes.resize(usize::try_from(FIRST_CHUNK).unwrap(), 0);
        fs::write(&segment, &bytes).unwrap();
        assert_holds(&scratch.read().unwrap(), 3);
        let (writer, notices) = scratch.open().unwrap();
        assert!(matches!(notices.as_slice(), [Notice::TornTail { .. }]), "{hole}: {notices:?}");
        drop(writer);
        assert_holds(&scratch.read().unwrap(), 3);
    }
}

#[test]
fn damage_before_a_later_commit_is_never_taken_for_a_torn_tail() {
    // Even with nothing outside the log to say how long it was.
    let scratch = Scratch::new();
    scratch.filled(&[1]);
    let (segment, _, start) = last_commit(&scratch, 1);
    let (_, whole, second) = last_commit(&scratch, 1);
    fs::remove_file(scratch.dir().join("head")).unwrap();
    fs::remove_dir_all(scratch.state()).unwrap();
    for at in start..second {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x20;
        fs::write(&segment, &bytes).unwrap();
        let refusal = scratch.read().map(|ledger| ledger.tree().size);
        assert!(matches!(refusal, Err(LedgerError::Damaged { .. })), "{at}: {refusal:?}");
        let refusal = Writer::open_adopting(&scratch.dir(), &origin(), key(), &scratch.state()).map(|_| ());
        assert!(matches!(refusal, Err(LedgerError::Damaged { .. })), "{at}: {refusal:?}");
    }
}

//! A ledger put back, copied, forked or without its state is not signed again.

use super::*;

/// The state that this machine keeps is what tells a restored ledger from a short one.
#[test]
fn a_ledger_put_back_from_a_backup_is_not_signed_again_and_says_which_head_was() {
    let scratch = Scratch::new();
    scratch.filled(&[4]);
    let backup = scratch.root.path().join("backup");
    copy_dir(&scratch.dir(), &backup);
    let (mut writer, _) = scratch.open().unwrap();
    append(&mut writer, 2);
    let signed = *writer.head().tree();
    drop(writer);
    fs::remove_dir_all(scratch.dir()).unwrap();
    copy_dir(&backup, &scratch.dir());
    let found = *scratch.read().unwrap().tree();
    for refused in [scratch.open(), Writer::open_adopting(&scratch.dir(), &origin(), key(), &scratch.state())] {
        let expected = format!(
            "this ledger has already signed size 7 root {}; found size 5 root {}: it was restored from a backup or copied",
            signed.root, found.root
        );
        assert_eq!(refused.unwrap_err().to_string(), expected);
    }
    assert!(matches!(scratch.audit(), Err(LedgerError::RolledBack { .. })));
}

#[test]
fn a_copied_directory_is_refused_while_the_original_is_written_and_after_either_went_on() {
    let scratch = Scratch::new();
    scratch.filled(&[4]);
    let copy = scratch.root.path().join("copy");
    copy_dir(&scratch.dir(), &copy);
    let open_copy = || Writer::open(&copy, &origin(), key(), &scratch.state());
    let (mut original, _) = scratch.open().unwrap();
    assert!(matches!(open_copy(), Err(LedgerError::CopyInUse { .. })));
    append(&mut original, 1);
    drop(original);
    assert!(matches!(open_copy(), Err(LedgerError::RolledBack { .. })));
}

#[test]
fn a_copy_that_went_on_elsewhere_to_the_same_or_a_larger_size_is_a_fork() {
    for extra in [1, 3] {
        let scratch = Scratch::new();
        scratch.filled(&[4]);
        let copy = scratch.root.path().join("copy");
        copy_dir(&scratch.dir(), &copy);
        let elsewhere = scratch.root.path().join("other-state");
        copy_dir(&scratch.state(), &elsewhere);
        let (mut forked, _) = Writer::open(&copy, &origin(), key(), &elsewhere).unwrap();
        forked.append(extra, |index| Ok::<_, Infallible>(format!("fork {index}").into_bytes())).unwrap();
        drop(forked);
        let (mut original, _) = scratch.open().unwrap();
        append(&mut original, 1);
        drop(original);
        let refusal = Writer::open(&copy, &origin(), key(), &scratch.state()).unwrap_err();
        assert!(matches!(refusal, LedgerError::Forked { .. }), "{extra}: {refusal}");
        // Every head of the other history holds: no damage can be pointed at.
        let inputs = AuditInputs { dir: &copy, key: &verifier(), state_dir: Some(&scratch.state()) };
        let refusal = audit(inputs, |_, _, _| Ok::<(), Infallible>(()), |_| {}).unwrap_err();
        assert!(matches!(refusal, LedgerError::Forked { .. }), "{extra}: {refusal}");
    }
}

#[test]
fn a_lost_state_file_stops_signing_until_it_is_adopted() {
    for garbage in [false, true] {
        let scratch = Scratch::new();
        scratch.filled(&[4]);
        let state = state_path(&scratch.state(), scratch.read().unwrap().id());
        if garbage {
            fs::write(&state, vec![9; 5000]).unwrap();
        } else {
            fs::remove_file(&state).unwrap();
        }
        let refusal = scratch.open().unwrap_err();
        assert!(matches!(refusal, LedgerError::NoState { .. }), "{refusal}");
        let (mut writer, notices) = Writer::open_adopting(&scratch.dir(), &origin(), key(), &scratch.state()).unwrap();
        assert_eq!(notices, [Notice::Adopted { path: state }]);
        append(&mut writer, 1);
        drop(writer);
        scratch.open().unwrap();
    }
}

#[test]
fn a_state_that_was_never_synced_is_behind_and_catches_up() {
    let scratch = Scratch::new();
    scratch.filled(&[1]);
    let old = scratch.root.path().join("old");
    copy_dir(&scratch.state(), &old);
    let (mut writer, _) = scratch.open().unwrap();
    writer.set_segment_bytes(SMALL_SEGMENT);
    (0..60).for_each(|_| append(&mut writer, 1));
    drop(writer);
    fs::remove_dir_all(scratch.state()).unwrap();
    copy_dir(&old, &scratch.state());
    drop(scratch.open().unwrap());
    let id = scratch.read().unwrap().id();
    let StateReading::Signed(head) = read_state(&scratch.state(), id).unwrap() else { panic!("lost") };
    assert_eq!(head, *scratch.read().unwrap().tree());
}

#[test]
fn a_log_changed_under_an_open_writer_is_noticed_before_the_next_signature() {
    use std::os::unix::fs::FileExt;
    let scratch = Scratch::new();
    let mut writer = scratch.create();
    append(&mut writer, 1);
    let segment = scratch.dir().join("log/000000.seg");
    let bytes = fs::read(&segment).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    let file = fs::OpenOptions::new().write(true).open(&segment).unwrap();
    file.write_all_at(&[bytes[end - 9] ^ 1], end as u64 - 9).unwrap();
    let refusal = writer.append(1, |index| Ok::<_, Infallible>(entry(index.0))).unwrap_err();
    assert!(matches!(refusal, AppendError::Ledger(LedgerError::Damaged { what: Damage::ReadBack, .. })));
    let refusal = writer.append(1, |index| Ok::<_, Infallible>(entry(index.0))).unwrap_err();
    assert!(matches!(refusal, AppendError::Ledger(LedgerError::Poisoned)));
}

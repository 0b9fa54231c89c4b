//! What an audit and a doctor name.

use super::*;

#[test]
fn an_audit_names_the_entry_that_the_check_refuses_and_goes_over_all() {
    let scratch = Scratch::new();
    scratch.filled(&[40, 40, 40]);
    let count = std::sync::atomic::AtomicU64::new(0);
    let (dir, verifier) = (scratch.dir(), verifier());
    let inputs = AuditInputs { dir: &dir, key: &verifier, state_dir: None };
    let check = |index: EntryIndex, bytes: &[u8], leaf| {
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if bytes == entry(index.0) && leaf == leaf_hash(bytes) { Ok(()) } else { Err("other bytes") }
    };
    audit(inputs, check, |_| {}).unwrap();
    assert_eq!(count.into_inner(), 121);
    let refusal = audit(inputs, |index, _, _| if index.0 == 77 { Err("unsigned") } else { Ok(()) }, |_| {});
    let text = refusal.unwrap_err().to_string();
    assert!(text.ends_with("entry 77 is refused: unsigned"), "{text}");
}

#[test]
fn a_doctor_finds_nothing_wrong_with_a_whole_ledger_and_names_each_thing_that_is() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    scratch.filled(&[40, 40, 40]);
    let look = || examine(&scratch.dir(), &verifier(), &scratch.state()).unwrap();
    let repairs = Repairs { missing_state: MissingState::Refuse, reindex: false };
    let mend = || repair(&scratch.dir(), &verifier(), &scratch.state(), repairs).unwrap();
    assert_eq!(look(), []);
    let head = scratch.dir().join("head");
    let left_over = scratch.dir().join("objects/x.tmp");
    let unnamed = scratch.dir().join("log/000009.new");
    fs::remove_file(&head).unwrap();
    fs::write(&left_over, b"half").unwrap();
    fs::write(&unnamed, b"half").unwrap();
    fs::remove_dir_all(scratch.dir().join("index/tiles")).unwrap();
    fs::set_permissions(scratch.dir(), fs::Permissions::from_mode(0o755)).unwrap();
    let found: Vec<Trouble> = look().into_iter().map(|finding| finding.trouble).collect();
    assert!(found.contains(&Trouble::Noticed(Notice::HeadCopyMissing)), "{found:?}");
    assert!(found.contains(&Trouble::LeftOver { path: left_over.clone() }), "{found:?}");
    assert!(found.contains(&Trouble::LeftOver { path: unnamed.clone() }), "{found:?}");
    assert!(found.contains(&Trouble::IndexWrong), "{found:?}");
    assert!(found.contains(&Trouble::Mode { path: scratch.dir(), found: 0o755, expected: 0o700 }), "{found:?}");
    assert_eq!(found.len(), 5, "{found:?}");
    assert_eq!(mend().len(), 5);
    assert_eq!(look(), []);
    assert_eq!(mend(), []);
    let reindex = Repairs { reindex: true, ..repairs };
    let done = repair(&scratch.dir(), &verifier(), &scratch.state(), reindex).unwrap();
    assert_eq!(done, [Finding { trouble: Trouble::Reindex, repaired: true }]);
    assert_eq!(look(), []);
}

#[test]
fn a_doctor_adopts_only_when_told_to() {
    let scratch = Scratch::new();
    scratch.filled(&[4]);
    fs::remove_dir_all(scratch.state()).unwrap();
    let look = || examine(&scratch.dir(), &verifier(), &scratch.state()).unwrap();
    assert!(matches!(look().as_slice(), [Finding { trouble: Trouble::StateLost { .. }, repaired: false }]));
    let refuse = Repairs { missing_state: MissingState::Refuse, reindex: false };
    assert!(matches!(repair(&scratch.dir(), &verifier(), &scratch.state(), refuse), Err(LedgerError::NoState { .. })));
    let adopt = Repairs { missing_state: MissingState::Adopt, ..refuse };
    repair(&scratch.dir(), &verifier(), &scratch.state(), adopt).unwrap();
    assert_eq!(look(), []);
}

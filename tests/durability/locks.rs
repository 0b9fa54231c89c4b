//! One writer at a time, across processes, names and copies.

use reproledger::ledger::{LedgerError, Writer};

use super::support::{Acknowledged, Place, Running, key, origin};

#[test]
fn a_second_process_is_told_who_writes_and_may_write_when_that_one_is_dead() {
    let scratch = tempfile::tempdir().unwrap();
    let place = Place::below(scratch.path());
    let holder = Running::start(place.command("holds"));
    holder.wait_for("ready", &mut Acknowledged::default());
    let refusal = place.open().unwrap_err().to_string();
    assert!(refusal.contains(&format!("is held by process {}", holder.child.id())), "{refusal}");
    place.read().unwrap();
    place.audit().unwrap();
    holder.kill(&mut Acknowledged::default());
    place.open().unwrap();
}

#[test]
fn another_name_of_the_directory_or_a_removed_lock_file_is_no_way_in() {
    let scratch = tempfile::tempdir().unwrap();
    let place = Place::below(scratch.path());
    let _writer = place.create();
    let link = scratch.path().join("link");
    std::os::unix::fs::symlink(&place.ledger, &link).unwrap();
    let by_link = Writer::open(&link, &origin(), key(), &place.state);
    assert!(matches!(by_link, Err(LedgerError::Locked { .. })));
    std::fs::remove_file(place.ledger.join("lock")).unwrap();
    let refusal = place.open();
    assert!(matches!(refusal, Err(LedgerError::CopyInUse { .. })), "{refusal:?}");
}

//! Disks that fill, and disks that may only be read.

use std::convert::Infallible;

use reproledger::ledger::{LedgerError, Writer};
use reproledger::merkle::EntryIndex;

use super::support::{Mount, Place, entry, missing};

fn fill(writer: &mut Writer) -> (u64, LedgerError) {
    loop {
        let appended = writer.append(20, |index| Ok::<_, Infallible>(entry(index.0)));
        match appended {
            Ok(_) => {}
            Err(reproledger::ledger::AppendError::Ledger(error)) => return (writer.head().tree().size.0, error),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
#[ignore = "mounts a small tmpfs"]
fn a_full_disk_loses_nothing_and_can_still_be_read() {
    let scratch = tempfile::tempdir().unwrap();
    let mount = match Mount::tmpfs(&scratch.path().join("small"), "2m") {
        Ok(mount) => mount,
        Err(reason) => return missing(&reason),
    };
    let place = Place { ledger: mount.0.join(".reproledger"), state: scratch.path().join("state") };
    let mut writer = place.create();
    writer.set_segment_bytes(1 << 20);
    let (size, error) = fill(&mut writer);
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    assert!(cause.contains("No space left on device"), "{error}: {cause}");
    let poisoned = writer.append(1, |index| Ok::<_, Infallible>(entry(index.0)));
    assert!(poisoned.unwrap_err().to_string().contains("open it again"));
    let ledger = place.read().unwrap();
    assert_eq!(ledger.tree().size.0, size);
    assert_eq!(ledger.entries(EntryIndex(0)).unwrap().map(Result::unwrap).count() as u64, size);
    place.audit().unwrap();
    drop(writer);
    // Still full: what is there can be read; then there is room again.
    place.read().unwrap();
    mount.remount("size=8m").unwrap();
    let (mut writer, _) = place.open().unwrap();
    assert_eq!(writer.head().tree().size.0, size);
    writer.append(5, |index| Ok::<_, Infallible>(entry(index.0))).unwrap();
    drop(writer);
    assert_eq!(place.audit().unwrap().head.tree().size.0, size + 5);
}

#[test]
#[ignore = "mounts a tmpfs and makes it read-only"]
fn a_read_only_ledger_is_read_and_audited_and_not_written() {
    let scratch = tempfile::tempdir().unwrap();
    let mount = match Mount::tmpfs(&scratch.path().join("read-only"), "8m") {
        Ok(mount) => mount,
        Err(reason) => return missing(&reason),
    };
    let place = Place { ledger: mount.0.join(".reproledger"), state: scratch.path().join("state") };
    let mut writer = place.create();
    for _ in 0..10 {
        writer.append(20, |index| Ok::<_, Infallible>(entry(index.0))).unwrap();
    }
    drop(writer);
    mount.remount("ro").unwrap();
    let ledger = place.read().unwrap();
    for index in 0..201 {
        let found = ledger.entry(EntryIndex(index)).unwrap();
        ledger.prove_inclusion(EntryIndex(index), found.leaf).unwrap();
    }
    place.audit().unwrap();
    let refusal = place.open().unwrap_err();
    assert!(matches!(refusal, LedgerError::Io { .. }), "{refusal}");
    assert!(refusal.to_string().starts_with("cannot open `"), "{refusal}");
    mount.remount("rw").unwrap();
    place.open().unwrap();
}

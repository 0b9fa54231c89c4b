//! What was appended is there: entries, proofs, limits and attachments, over segments and reopenings.

use super::*;

#[test]
fn what_was_appended_is_read_back_over_segments_and_reopenings() {
    let scratch = Scratch::new();
    scratch.filled(&[1, 2, 30, 1, 1, 50, 3]);
    assert!(scratch.dir().join("log/000002.seg").exists(), "several segments");
    let (mut writer, notices) = scratch.open().unwrap();
    assert_eq!(notices, []);
    append(&mut writer, 5);
    drop(writer);
    let ledger = scratch.read().unwrap();
    assert_eq!(ledger.notices(), []);
    assert_holds(&ledger, 94);
    let report = scratch.audit().unwrap();
    assert_eq!((report.heads, report.head.tree().size.0, report.notices), (9, 94, vec![]));
}

#[test]
fn every_entry_is_found_and_proved_with_and_without_derived_files() {
    let scratch = Scratch::new();
    scratch.filled(&[40, 40, 40, 40, 40, 40, 40, 40]);
    for derived in [true, false] {
        if !derived {
            fs::remove_dir_all(scratch.dir().join("index")).unwrap();
        }
        let ledger = scratch.read().unwrap();
        for index in 0..321 {
            let found = ledger.entry(EntryIndex(index)).unwrap();
            assert_eq!(found.bytes, entry(index));
            let path = ledger.prove_inclusion(EntryIndex(index), found.leaf).unwrap();
            check_inclusion(ledger.tree(), EntryIndex(index), found.leaf, &path).unwrap();
        }
        assert_eq!(ledger.index_notice(), (!derived).then_some(Notice::IndexDistrusted));
        let past = ledger.entry(EntryIndex(321)).unwrap_err().to_string();
        assert_eq!(past, "there is no entry 321: the ledger has 321");
        assert!(ledger.prove_inclusion(EntryIndex(3), leaf_hash(b"other")).is_err());
    }
}

#[test]
fn any_two_sizes_are_proved_consistent_from_the_stored_hashes() {
    let scratch = Scratch::new();
    scratch.filled(&[40, 40, 40]);
    let ledger = scratch.read().unwrap();
    let mut tree = MemoryTree::new();
    (0..121).for_each(|index| tree.append(leaf_hash(&entry(index))));
    for old in 1..=121 {
        let old = tree.head_at(TreeSize(old)).unwrap();
        let proof = ledger
            .prove(
                |nodes| prove_consistency(nodes, old.size, ledger.tree().size),
                |proof| check_consistency(&old, ledger.tree(), proof).is_ok(),
            )
            .unwrap()
            .unwrap();
        check_consistency(&old, ledger.tree(), &proof).unwrap();
    }
}

#[test]
fn an_entry_that_cannot_be_made_leaves_the_ledger_as_it_was() {
    let scratch = Scratch::new();
    let mut writer = scratch.create();
    let refused = writer.append(3, |index| if index.0 == 2 { Err("no") } else { Ok(entry(index.0)) });
    assert!(matches!(refused, Err(AppendError::Make("no"))));
    append(&mut writer, 2);
    drop(writer);
    assert_holds(&scratch.read().unwrap(), 3);
}

#[test]
fn entries_and_batches_outside_their_limits_are_refused() {
    let scratch = Scratch::new();
    let mut writer = scratch.create();
    let mut refusal =
        |count, bytes: usize| writer.append(count, |_| Ok::<_, Infallible>(vec![1; bytes])).unwrap_err().to_string();
    assert_eq!(refusal(1, 65_536), "an entry is 65536 bytes, at most 65535 are allowed");
    assert_eq!(refusal(1, 0), "an entry is empty");
    assert_eq!(refusal(0, 1), "a batch is empty");
    assert_eq!(refusal(65_537, 1), "a batch has 65537 entries, at most 65536 are allowed");
    append(&mut writer, 1);
    assert_eq!(writer.head().tree().size.0, 2);
}

#[test]
fn a_small_ledger_is_small_on_disk_and_private() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    scratch.filled(&[1]);
    let segment = fs::metadata(scratch.dir().join("log/000000.seg")).unwrap();
    assert_eq!(segment.len(), FIRST_CHUNK);
    for path in files_below(&scratch.dir()).into_iter().chain(files_below(&scratch.state())) {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
    }
}

#[test]
fn cosignatures_lie_between_commits_and_survive_reopening() {
    let scratch = Scratch::new();
    let mut writer = scratch.create();
    append(&mut writer, 1);
    writer.attach(Attachment::Cosignature, b"cosigned").unwrap();
    drop(writer);
    let (mut writer, notices) = scratch.open().unwrap();
    assert_eq!(notices, []);
    writer.attach(Attachment::Timestamp, b"token").unwrap();
    assert!(writer.attach(Attachment::Timestamp, b"").is_err());
    append(&mut writer, 2);
    writer.attach(Attachment::Cosignature, b"cosigned again").unwrap();
    drop(writer);
    let report = scratch.audit().unwrap();
    assert_eq!((report.attached, report.head.tree().size.0), (3, 4));
    assert_holds(&scratch.read().unwrap(), 4);
}

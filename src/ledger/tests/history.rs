//! Any history of appends, crashes and losses reads like a list, also while a writer appends.

use super::*;

#[test]
fn a_reader_sees_whole_prefixes_while_a_writer_appends() {
    let scratch = Scratch::new();
    let mut writer = scratch.create();
    writer.set_segment_bytes(20_000);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut last = TreeHead::empty();
            let mut looks = 0;
            while !done.load(std::sync::atomic::Ordering::Relaxed) || looks < 3 {
                let ledger = scratch.read().unwrap();
                assert!(ledger.tree().size >= last.size);
                assert_holds(&ledger, ledger.tree().size.0);
                last = *ledger.tree();
                let report = scratch.audit().unwrap();
                assert!(report.head.tree().size >= last.size);
                looks += 1;
            }
        });
        for round in 0..150 {
            append(&mut writer, 1 + round % 5);
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

/// What may happen to a ledger between two commits.
#[derive(Debug, Clone, Copy)]
enum Event {
    Append(usize),
    Attach,
    Issue,
    Reopen,
    DropIndex,
    DropHeadCopy,
    TearTail(u8),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        4 => (1_usize..30).prop_map(Event::Append),
        1 => Just(Event::Attach),
        1 => Just(Event::Issue),
        1 => Just(Event::Reopen),
        1 => Just(Event::DropIndex),
        1 => Just(Event::DropHeadCopy),
        1 => any::<u8>().prop_map(Event::TearTail),
    ];
    proptest::collection::vec(event, 1..14)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_history_of_appends_crashes_and_losses_reads_like_a_list(events in events()) {
        let scratch = Scratch::new();
        let mut writer = Some(scratch.create());
        let (mut size, mut attached) = (1, 0);
        for event in events {
            let open = writer.as_mut().unwrap();
            open.set_segment_bytes(SMALL_SEGMENT);
            match event {
                Event::Append(count) => {
                    append(open, count);
                    size += count as u64;
                }
                Event::Attach => {
                    open.attach(Attachment::Cosignature, b"cosigned").unwrap();
                    attached += 1;
                }
                Event::Issue => prop_assert_eq!(open.issue_head().unwrap().tree().size.0, size),
                Event::Reopen | Event::DropIndex | Event::DropHeadCopy | Event::TearTail(_) => {
                    drop(writer.take());
                    match event {
                        Event::DropIndex => drop(fs::remove_dir_all(scratch.dir().join("index"))),
                        Event::DropHeadCopy => fs::remove_file(scratch.dir().join("head")).unwrap(),
                        Event::TearTail(byte) => {
                            // What a crash in the middle of the next commit leaves: the beginning of an entry.
                            let segment = files_below(&scratch.dir().join("log")).pop().unwrap();
                            let mut bytes = fs::read(&segment).unwrap();
                            let used = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 8;
                            bytes.truncate(used.min(bytes.len()));
                            bytes.extend([0, 0, 1, byte, 1, 9, 9]);
                            fs::write(&segment, bytes).unwrap();
                        }
                        _ => {}
                    }
                    writer = Some(scratch.open().unwrap().0);
                }
            }
            assert_holds(&scratch.read().unwrap(), size);
        }
        drop(writer);
        let report = scratch.audit().unwrap();
        prop_assert_eq!((report.head.tree().size.0, report.attached), (size, attached));
    }
}

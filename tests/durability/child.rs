//! The child process: this same test binary, told by its environment what to do. Every acknowledgement is a line
//! `ack SIZE ROOT`, printed only after `append` returned.

use std::convert::Infallible;
use std::io::Write;
use std::time::Duration;

use reproledger::ledger::Writer;

use super::support::{Dice, Place, entry};

fn say(line: &str) {
    // Errors of the pipe are the parent's end, not ours.
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn append(writer: &mut Writer, count: usize) {
    match writer.append(count, |index| Ok::<_, Infallible>(entry(index.0))) {
        Ok(commit) => say(&format!("ack {} {}", commit.head.tree().size, commit.head.tree().root)),
        Err(error) => {
            say(&format!("refused {error}"));
            // Dead from here on: a poisoned handle takes nothing more.
            assert!(writer.append(1, |index| Ok::<_, Infallible>(entry(index.0))).is_err());
        }
    }
}

fn open_or_create(place: &Place) -> Writer {
    if place.ledger.join("log/000000.seg").exists() { place.open().unwrap().0 } else { place.create() }
}

#[test]
#[ignore = "a child of the other tests; does nothing by itself"]
fn works_as_told() {
    let Ok(job) = std::env::var("REPROLEDGER_CHILD_JOB") else { return };
    let path = |name: &str| std::env::var_os(name).unwrap().into();
    let place = Place { ledger: path("REPROLEDGER_CHILD_LEDGER"), state: path("REPROLEDGER_CHILD_STATE") };
    match job.as_str() {
        // Appends until it is killed, now and then showing a head.
        "appends" => {
            let mut dice = Dice::new();
            let mut writer = open_or_create(&place);
            loop {
                append(&mut writer, usize::try_from(1 + dice.below(6)).unwrap());
                if dice.below(10) == 0 {
                    let head = writer.issue_head().unwrap();
                    say(&format!("ack {} {}", head.tree().size, head.tree().root));
                }
                if dice.below(40) == 0 {
                    drop(writer);
                    writer = open_or_create(&place);
                }
            }
        }
        // One life: open, append, show the head, close.
        "once" => match place.open() {
            Ok((mut writer, _)) => {
                append(&mut writer, 3);
                if let Ok(head) = writer.issue_head() {
                    say(&format!("ack {} {}", head.tree().size, head.tree().root));
                }
                if let Err(error) = writer.close() {
                    say(&format!("refused {error}"));
                }
            }
            Err(error) => say(&format!("refused {error}")),
        },
        "holds" => {
            let _writer = open_or_create(&place);
            say("ready");
            std::thread::sleep(Duration::from_secs(60));
        }
        other => panic!("no such job: {other}"),
    }
}

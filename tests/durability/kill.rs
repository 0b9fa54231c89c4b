//! kill -9 at random moments: nothing acknowledged is lost, the ledger opens by itself, the audit is clean.

use std::time::Duration;

use super::support::{Acknowledged, Dice, Place, Running};

fn rounds(count: u32) {
    let scratch = tempfile::tempdir().unwrap();
    let place = Place::below(scratch.path());
    drop(place.create());
    let mut dice = Dice::new();
    let mut acknowledged = Acknowledged::default();
    let mut torn = 0;
    for _ in 0..count {
        let running = Running::start(place.command("appends"));
        std::thread::sleep(Duration::from_micros(5_000 + dice.below(60_000)));
        running.kill(&mut acknowledged);
        torn += acknowledged.check(&place).len();
    }
    println!("{count} kills, {} heads acknowledged and kept, {torn} things to repair", acknowledged.len());
    assert!(acknowledged.len() > 10);
}

#[test]
fn a_few_kills_lose_nothing() {
    rounds(5);
}

#[test]
#[ignore = "200 rounds"]
fn two_hundred_kills_lose_nothing() {
    rounds(200);
}

/// A ledger is whole or not there: whatever moment of its creation a kill hits.
#[test]
#[ignore = "100 rounds"]
fn a_kill_while_a_ledger_is_created_leaves_one_or_none() {
    let mut dice = Dice::new();
    for _ in 0..100 {
        let scratch = tempfile::tempdir().unwrap();
        let place = Place::below(scratch.path());
        let running = Running::start(place.command("appends"));
        std::thread::sleep(Duration::from_micros(1_000 + dice.below(12_000)));
        let mut acknowledged = Acknowledged::default();
        running.kill(&mut acknowledged);
        if place.ledger.join("log/000000.seg").exists() {
            acknowledged.check(&place);
        } else {
            assert_eq!(acknowledged.len(), 0);
            drop(place.create());
        }
    }
}

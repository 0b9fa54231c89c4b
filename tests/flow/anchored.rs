//! Heads that somebody outside cosigned: a protocol seen before its first run, and a ledger seen as it is.

use std::time::{SystemTime, UNIX_EPOCH};

use reproledger::key::{NoteKind, VerifierKey, sign_cosignature};

use super::comparison::{CLAIM, ran};
use crate::support::{Sandbox, key};

const WITNESS: u8 = 50;

/// The note with a line of the witness whose key has this seed, by the clock that the lab has too.
fn cosigned(note: &[u8], name: &str, seed: u8) -> Vec<u8> {
    let note = String::from_utf8(note.to_vec()).unwrap();
    let text = &note[..=note.find("\n\n").unwrap()];
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let line = sign_cosignature(text, now, &name.parse().unwrap(), &key(seed)).unwrap();
    [note.as_bytes(), &line].concat()
}

/// A lab that claims what it promised, and a reader who knows two witnesses.
fn claimed() -> Sandbox {
    let sandbox = ran();
    sandbox.write("lab/claim.toml", CLAIM);
    let _ = sandbox.lab(&["claim", "add", "claim.toml"]).success();
    let witness = |name: &str, seed: u8| VerifierKey {
        name: name.parse().unwrap(),
        kind: NoteKind::CosignatureV1,
        key: key(seed).public(),
    };
    let (one, two) = (witness("w1.example", WITNESS), witness("w2.example", WITNESS + 1));
    let policy = format!("log {}\nwitness a {one}\nwitness b {two}\ngroup outside 1 a b\n", sandbox.vkey());
    sandbox.write("elsewhere/none.policy", format!("{policy}quorum none\n"));
    sandbox.write("elsewhere/any.policy", format!("{policy}quorum outside\n"));
    sandbox
}

fn prove(sandbox: &Sandbox, anchors: &[&str]) -> crate::support::Output {
    let given = anchors.iter().flat_map(|anchor| ["--anchor", anchor]);
    let begin = ["prove", "am", "-o", "../elsewhere/am.evidence", "--force"];
    sandbox.lab(&begin.into_iter().chain(given).collect::<Vec<_>>())
}

#[test]
fn a_protocol_that_was_cosigned_before_the_first_run_is_registered_and_a_seen_ledger_is_anchored() {
    let sandbox = claimed();
    let verify = |policy: &str| {
        let profile = ["--profile", "paper"];
        sandbox.elsewhere(&[&["verify", "am.evidence", "--trust", policy][..], &profile].concat())
    };
    let _ = prove(&sandbox, &[]).success();
    let _ = verify("none.policy").success().says("VERIFIED·L0·paper").says("registered (self-asserted)");

    // A head that nobody cosigned is no outside head.
    let _ = prove(&sandbox, &["../elsewhere/promised.head"]).success();
    let _ = verify("none.policy").success().says("VERIFIED·L0·paper").says("registered (self-asserted)");

    // One that a witness of the reader's saw between the protocol and the first run is.
    let promised = sandbox.read("elsewhere/promised.head");
    sandbox.write("elsewhere/promised.seen", cosigned(&promised, "w1.example", WITNESS));
    let _ = prove(&sandbox, &["../elsewhere/promised.seen"]).success();
    let seen = verify("none.policy").success().says("VERIFIED·L0·paper");
    let _ = seen.says("registered: the protocol of entry 2 stands before").says("\"w1.example\" saw it there");
    // That witness saw the beginning, not the end: the reader's quorum is asked of the newest head.
    let _ = verify("any.policy").code(3).says("UNMET");

    // The newest head, by both; two notes of one head are one with both lines.
    let newest = sandbox.read("lab/.reproledger/head");
    sandbox.write("elsewhere/newest.one", cosigned(&newest, "w1.example", WITNESS));
    sandbox.write("elsewhere/newest.two", cosigned(&newest, "w2.example", WITNESS + 1));
    let files = ["../elsewhere/newest.two", "../elsewhere/promised.seen", "../elsewhere/newest.one"];
    let _ = prove(&sandbox, &files).success();
    let seen = verify("any.policy").success().says("VERIFIED·L1·paper").says("head seen by 2 of 2 witnesses");
    let _ = seen.says("registered: the protocol of entry 2 stands before");
    // Without a quorum nobody has to have seen it: the level is what the reader insists on.
    let _ = verify("none.policy").success().says("VERIFIED·L0·paper").says("head seen by 2 of 2 witnesses");
}

#[test]
fn a_head_of_another_ledger_of_another_history_or_of_more_than_there_is_is_refused() {
    let sandbox = claimed();
    let refused = |code: i32, says: &str| {
        let _ = prove(&sandbox, &["../elsewhere/other.head"]).code(code).complains(says);
        assert!(!sandbox.path("elsewhere/am.evidence").exists(), "nothing is written");
    };
    sandbox.write("elsewhere/other.head", Sandbox::with_ledger().read("lab/.reproledger/head"));
    refused(2, "`../elsewhere/other.head`: ");
    sandbox.write("elsewhere/other.head", b"what a head is not");
    refused(2, ".reproledger/head");
    sandbox.write("elsewhere/other.head", vec![b'x'; 2 << 20]);
    refused(2, "other.head");

    // A fork: the same keys went on from the same protocol in a copy, each with more entries than the other had.
    let ledger = sandbox.path("lab/.reproledger");
    crate::support::copy(&ledger, &sandbox.path("copy"));
    let record = |name: &str| {
        sandbox.write("lab/more.txt", name);
        let _ = sandbox.lab(&["record", "other", "more.txt", "--name", name]).success();
        sandbox.read("lab/.reproledger/head")
    };
    let ahead = record("one");
    std::fs::remove_dir_all(&ledger).unwrap();
    crate::support::copy(&sandbox.path("copy"), &ledger);
    sandbox.write("elsewhere/other.head", &ahead);
    refused(1, "it lost what was signed, or the head is of another copy");
    // The memory of what was signed is lost too, and the lab goes on.
    std::fs::remove_dir_all(sandbox.path("home/state")).unwrap();
    let _ = sandbox.lab(&["doctor", "--adopt"]).success();
    let _ = record("two");
    let _ = record("three");
    refused(1, "has another root than this ledger had at that size: it is of another history");
}

//! What a witness answers: nine add-checkpoint requests to litewitness, judged here with notes, heads and proofs.

use reproledger::digest::{NodeHash, parse_hex};
use reproledger::key::{KeyName, NoteKind, PublicKey, VerifierKey};
use reproledger::merkle::{SignedHead, TreeHead, TreeSize, check_consistency};

use super::{exactly, json, list, text, unbase64};

/// The status for a request, and the head that the witness then holds. Size 0 is "nothing seen yet".
fn answer(request: &str, log: &VerifierKey, seen: &TreeHead) -> (u64, TreeHead) {
    let (proof, note) = request.split_once("\n\n").unwrap();
    let mut lines = proof.lines();
    let old = TreeSize(lines.next().unwrap().strip_prefix("old ").unwrap().parse().unwrap());
    let path: Vec<NodeHash> = lines.map(|line| NodeHash::from_bytes(exactly(&unbase64(line)).unwrap())).collect();
    let Ok(new) = SignedHead::open(note.as_bytes(), log) else { return (403, *seen) };
    let new = *new.tree();
    if old != seen.size {
        return (409, *seen);
    }
    let first_sight = seen.size == TreeSize(0) && path.is_empty();
    if first_sight || check_consistency(seen, &new, &path).is_ok() { (200, new) } else { (422, *seen) }
}

#[test]
fn nine_requests_in_order_are_answered_as_litewitness_answers() {
    if !super::data_is_there() {
        return;
    }
    let file = json("tlog-witness/litewitness_exchange.json");
    let requests = list(&file["requests_in_order"]);
    assert_eq!(requests.len(), 9);
    let key = PublicKey::parse(&parse_hex(text(&file["log_ed25519_pub_hex"])).unwrap()).unwrap();
    // The log that most requests name; one names another.
    let origin = text(&requests[0]["body"]).lines().nth(2).unwrap();
    let log = VerifierKey { name: KeyName::parse(origin).unwrap(), kind: NoteKind::Ed25519, key };
    let mut seen = TreeHead::empty();
    for (at, request) in requests.iter().enumerate() {
        let (status, head) = answer(text(&request["body"]), &log, &seen);
        assert_eq!(status, request["status"].as_u64().unwrap(), "request {at}: {request}");
        seen = head;
    }
    assert_eq!(seen.size, TreeSize(5));
}

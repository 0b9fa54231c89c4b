//! Which side of a claim a log is on.

use super::{Book, Experiment, digest, experiment};
use crate::lineage::{Named, Sides};
use crate::merkle::EntryIndex;
use crate::statement::{EdgeType, Kind};

/// A claim's entry that rests on these logs.
fn claim(book: &mut Book, logs: &[EntryIndex]) -> EntryIndex {
    let mut payload = book.payload(Kind::Claim);
    payload.edges = logs.iter().map(|log| book.edge(EdgeType::Supports, *log)).collect();
    payload.edges.sort();
    book.entries.push(payload);
    book.next_before()
}

#[test]
fn a_log_is_on_the_side_of_its_label_or_of_the_weights_that_the_claim_lists() {
    let Experiment { mut book, base, treated, treated_logs, plain, plain_logs, .. } = experiment(2);
    // One log without a label, of weights without one.
    book.at(plain[1]).arm = None;
    book.at(plain_logs[1]).arm = None;
    let of_base = book.add(Kind::EvalLog, "log of base", &[base]);
    let logs = [treated_logs.as_slice(), &plain_logs, &[of_base]].concat();
    let index = claim(&mut book, &logs);
    let graph = book.graph();
    let listed = [digest("plain 1")];
    let subject = Named { arm: "msm", checkpoints: &[] };
    let sides = Sides::of(&graph, index, subject, Some(Named { arm: "aft", checkpoints: &listed }));
    assert_eq!(sides, Sides { subject: treated_logs.clone(), comparator: plain_logs.clone(), unclear: vec![of_base] });
    // The label says one side, and the claim lists the weights for the other.
    let swapped = [digest("treated 0")];
    let sides = Sides::of(&graph, index, subject, Some(Named { arm: "aft", checkpoints: &swapped }));
    assert_eq!(sides.unclear, [treated_logs[0], plain_logs[1], of_base]);
    // One side only: what has no label is of it, what has another is not.
    let sides = Sides::of(&graph, index, subject, None);
    assert_eq!(sides.subject, [treated_logs.as_slice(), &[plain_logs[1], of_base]].concat());
    assert_eq!(sides.unclear, [plain_logs[0]]);
    assert!(treated[0] < index);
}

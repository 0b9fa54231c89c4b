//! Arms: stages by data, names that only refine, and how many things each stage really had.

use super::{Book, Experiment, arm, experiment};
use crate::lineage::{Chain, Distinct, Flaw, Label, Part, Replica, Slot, Stage};
use crate::statement::Kind;

#[test]
fn a_stage_is_what_its_data_come_down_to() {
    let mut book = Book::default();
    let base = book.add(Kind::BaseModel, "base", &[]);
    let documents = book.add(Kind::Documents, "documents", &[]);
    let corpus = book.add(Kind::Dataset, "corpus", &[documents]);
    let chats = book.add(Kind::Dataset, "chats", &[]);
    let stripped = book.add(Kind::Dataset, "stripped", &[chats]);
    let of_chats = book.add(Kind::Mix, "mix of chats", &[stripped]);
    let of_both = book.add(Kind::Mix, "mix of both", &[stripped, corpus]);
    let silent = book.add(Kind::Mix, "mix of nobody knows what", &[]);
    for (data, stage) in [
        (documents, Stage::Midtraining),
        (corpus, Stage::Midtraining),
        (chats, Stage::Alignment),
        (of_chats, Stage::Alignment),
        (of_both, Stage::Joint),
        (silent, Stage::Unclear),
    ] {
        let weights = book.add(Kind::Checkpoint, &format!("on #{data}"), &[base, data]);
        let graph = book.graph();
        let chain = Chain::of(&graph, weights).unwrap();
        assert_eq!(chain.steps[0].stage, stage, "#{data}");
        assert_eq!(chain.is_whole(), stage != Stage::Unclear);
    }
    let weights = book.add(Kind::Checkpoint, "on nothing", &[base]);
    let graph = book.graph();
    let chain = Chain::of(&graph, weights).unwrap();
    assert_eq!((chain.steps[0].stage, chain.flaws.as_slice()), (Stage::Unclear, &[Flaw::NoData { weights }][..]));
    // What is not here may be documents.
    let weights = book.add(Kind::Checkpoint, "on what is not here", &[base, stripped]);
    let graph = book.graph_without(&[chats]);
    assert_eq!(Chain::of(&graph, weights).unwrap().steps[0].stage, Stage::Unclear);
    assert_eq!(Chain::of(&graph, stripped), None);
}

#[test]
fn the_name_of_a_run_refines_a_stage_and_never_makes_it_another() {
    let mut book = Book::default();
    let (base, chats) = (book.add(Kind::BaseModel, "base", &[]), book.add(Kind::Dataset, "chats", &[]));
    for (name, label, fits) in [
        ("DPO", Some(Label::Preference), true),
        ("instruction-tuning", Some(Label::Instruction), true),
        ("train", None, true),
        ("mid-training", Some(Label::Midtraining), false),
    ] {
        let start = book.start(name, &[base, chats]);
        let weights = book.add(Kind::Checkpoint, name, &[base, chats]);
        book.end(start, &[weights]);
        let graph = book.graph();
        let chain = Chain::of(&graph, weights).unwrap();
        assert_eq!((chain.steps[0].stage, chain.steps[0].label), (Stage::Alignment, label), "{name}");
        assert_eq!(chain.flaws.is_empty(), fits, "{name}: {:?}", chain.flaws);
        if let Some(flaw) = chain.flaws.first() {
            let text = format!("the run of weights #{weights} is called midtraining, and its data say alignment");
            assert_eq!(flaw.to_string(), text);
        }
    }
}

#[test]
fn the_n_of_a_stage_is_how_many_different_things_it_had() {
    let Experiment { book, treated_logs, .. } = experiment(4);
    let graph = book.graph();
    let distinct = arm(&graph, &treated_logs).distinct();
    let n = |stage, part| distinct[&Slot { stage, part }];
    assert_eq!(n(Stage::Base, Part::Input(Kind::BaseModel)), Distinct { n: 1, of: 4 });
    assert_eq!(n(Stage::Midtraining, Part::Input(Kind::Documents)), Distinct { n: 1, of: 4 });
    assert_eq!(n(Stage::Midtraining, Part::Input(Kind::Config)), Distinct { n: 4, of: 4 });
    assert_eq!(n(Stage::Midtraining, Part::Weights), Distinct { n: 4, of: 4 });
    assert_eq!(n(Stage::Alignment, Part::Input(Kind::Mix)), Distinct { n: 1, of: 4 });
    assert_eq!(n(Stage::Alignment, Part::Weights), Distinct { n: 4, of: 4 });
}

#[test]
fn four_alignment_runs_on_one_midtrained_model_are_one_midtraining() {
    let Experiment { mut book, mix, midtrained, .. } = experiment(1);
    let logs: Vec<_> = (0..4)
        .map(|seed| {
            let next = book.add_of("msm", seed, Kind::Checkpoint, &format!("on one {seed}"), &[mix, midtrained[0]]);
            book.add_of("msm", seed, Kind::EvalLog, &format!("log of one {seed}"), &[next])
        })
        .collect();
    let graph = book.graph();
    let distinct = arm(&graph, &logs).distinct();
    assert_eq!(distinct[&Slot { stage: Stage::Midtraining, part: Part::Weights }], Distinct { n: 1, of: 4 });
    assert_eq!(distinct[&Slot { stage: Stage::Alignment, part: Part::Weights }], Distinct { n: 4, of: 4 });
}

#[test]
fn logs_without_a_seed_are_told_apart_by_their_weights() {
    let Experiment { mut book, treated, base, .. } = experiment(2);
    for weights in &treated {
        book.at(*weights).seed = None;
    }
    let logs: Vec<_> =
        treated.iter().map(|weights| book.add(Kind::EvalLog, &format!("{weights}"), &[*weights])).collect();
    let (of_base, silent) = (book.add(Kind::EvalLog, "of base", &[base]), book.add(Kind::EvalLog, "of nothing", &[]));
    let graph = book.graph();
    let replicas: Vec<Replica> = arm(&graph, &logs).replicas().into_iter().collect();
    assert_eq!(replicas, [Replica::Weights(treated[0]), Replica::Weights(treated[1])]);
    let untouched = arm(&graph, &[of_base]);
    assert!(untouched.is_whole() && untouched.chains()[0].steps.is_empty());
    let silent_arm = arm(&graph, &[silent]);
    assert_eq!((silent_arm.flaws(), silent_arm.is_whole()), (&[Flaw::NoWeights { log: silent }][..], false));
    let two = book.add(Kind::EvalLog, "of two", &treated);
    let graph = book.graph();
    let log = two;
    assert_eq!(arm(&graph, &[two]).flaws(), [Flaw::SeveralWeights { log, weights: treated }]);
}

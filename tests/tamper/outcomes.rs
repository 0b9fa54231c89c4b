//! What each check says, word for word, of studies and corpora that are in order and of those that are not: the ways to come
//! out that no attack has a test of its own for.

use std::collections::BTreeMap;
use std::rc::Rc;

use reproledger::check::{CommitSeen, Example, Observed, Outcome, Overlap, Rederived, Reread, Shared, Unread};
use reproledger::claim::{Assessment, PAPER, VENDOR_AUDIT, assess};
use reproledger::digest::{Digest, DigestKind, FileDigest, ManifestRoot};
use reproledger::merkle::EntryIndex;
use reproledger::statement::{Body, EdgeType, Kind, Payload, Reading, Subject};
use serde_json::json;

use crate::support::corpus::{Lie, Pipeline};
use crate::support::study::{ARMS, Placed, Rollout, Study, ToldStudy};
use crate::support::{Lab, finding};

/// Checks that did not come out as they should: all of them are told at once.
#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn hold(&mut self, assessment: &Assessment, check: &str, outcome: Outcome, words: &str) {
        let found = finding(assessment, check);
        let says = |text: &String| text.contains(words);
        if found.outcome != outcome || !(says(&found.reason) || found.notes.iter().any(says)) {
            self.0.push(format!("{check}: {outcome}, \"{words}\": {found:?}"));
        }
    }

    fn hold_all(&mut self, assessment: &Assessment, expected: &[(&str, Outcome, &str)]) {
        expected.iter().for_each(|(check, outcome, words)| self.hold(assessment, check, *outcome, words));
    }
}

impl Drop for Wrong {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.0.is_empty(), "{:#?}", self.0);
        }
    }
}

/// The verdict over a study's evidence, where somebody saw this.
fn seeing(told: &ToldStudy, observed: impl Fn() -> Observed) -> Assessment {
    assess(&told.disclosed().to_bytes(), Some(&told.lab.policy()), PAPER, |_| Some(observed()))
}

#[test]
fn an_honest_study_says_what_holds_and_what_nobody_looked_at() {
    let assessment = Study::honest().tell().assess(PAPER);
    let (pass, unknown) = (Outcome::Pass, Outcome::Unknown);
    Wrong::default().hold_all(
        &assessment,
        &[
            ("ledger.chain", pass, "entries are in place under the signed head, with their signatures"),
            ("ledger.keys", pass, "the key you pinned; no signing key was revoked by then"),
            ("ledger.links", pass, "links hold; the claim reaches"),
            ("claim.complete", pass, "the claim states metric, scorer, direction, aggregation, denominator"),
            ("supersede", pass, "to the head replaces or retracts anything the claim rests on"),
            (
                "time.order",
                pass,
                "every entry the claim rests on stands before it in the ledger, and recorded times never go back",
            ),
            (
                "claim.prereg",
                pass,
                "registered (self-asserted): the protocol of entry 2 stands before the first run at",
            ),
            ("eval.code", pass, "that this code ran, and no other, is the lab's word"),
            ("samples.derived", unknown, "the log was not at hand: that these records are the log's is the lab's word"),
            (
                "attempts.all",
                pass,
                "all 8 evaluations of these arms on this suite are in the number, and no run failed",
            ),
            ("attempts.all", pass, "8 evaluation logs stand in the census, of whatever arm and suite"),
            ("samples.complete", pass, "every planned rollout is there, each once: 480 in 24 cells"),
            ("arms.baseline", pass, "things that make a `msm+aft` are on record"),
            ("arms.matched", pass, "on record the arms differ only in what was declared: midtraining"),
            ("arms.matched", pass, "what was read and never recorded is not in this comparison"),
            ("arms.distinct", pass, "8 different weights, each with results of its own"),
            ("base.identity", pass, "every arm began with the base model of entry"),
            ("train.inputs", unknown, "training steps name their data, but 12 weights were recorded without the run"),
            (
                "availability",
                unknown,
                "the artifacts themselves were not looked at; 0 things are declared as not shown",
            ),
            ("contamination", unknown, "neither the evaluation's items nor the training data were at hand"),
            ("mix.composition", unknown, "no mix of data is on record in any arm"),
            ("dataset.transforms", unknown, "no data of any arm are recorded as made from other data"),
            ("dataset.rebuild", unknown, "no dataset is recorded as made of the documents: in which rows"),
            ("dataset.published", unknown, "no published form of the training data is on record"),
            ("prompt.templates", unknown, "neither the documents nor their receipts name a prompt they were made by"),
            ("rows.derived", Outcome::NotApplicable, "is recorded here"),
            (
                "scores.rederive",
                unknown,
                "0 verdicts were read again; 0 could not be, and 8 inputs hold no judge's text",
            ),
        ],
    );
}

/// A study whose weights are recorded after `change` had its way with what their entries say.
fn weighing(change: fn(&mut Payload)) -> Study {
    let mut study = Study::honest();
    study.weigh = Rc::new(move |lab, training| {
        let mut payload = training.payload(lab);
        change(&mut payload);
        let name = training.name.as_bytes();
        payload.subjects.push(Subject::file(FileDigest::of(name), name.len() as u64));
        lab.say(&payload)
    });
    study
}

#[test]
fn arms_whose_record_is_not_whole_are_not_known_to_be_what_they_are_called() {
    let unknown = Outcome::Unknown;
    let mut wrong = Wrong::default();
    let torn = weighing(|payload| payload.edges.retain(|edge| edge.edge_type != EdgeType::Continues));
    wrong.hold_all(
        &torn.tell().assess(PAPER),
        &[
            ("base.identity", unknown, "not every chain of weights goes back to a recorded base model: msm+aft"),
            ("arms.baseline", unknown, "it is not shown that "),
            ("ckpt.parent", unknown, "no weights of any arm go on from other weights that the experiment trained"),
        ],
    );
    let untold = weighing(|payload| payload.edges.retain(|edge| edge.edge_type != EdgeType::TrainedOn));
    wrong.hold(&untold.tell().assess(PAPER), "arms.matched", unknown, "the record of an arm is not whole: ");
    let of_base = weighing(|payload| (payload.kind, payload.edges) = (Kind::BaseModel, Vec::new()));
    wrong.hold_all(
        &of_base.tell().assess(PAPER),
        &[
            ("train.inputs", unknown, "no training step is on record"),
            ("train.effort", unknown, "no training step is on record in any arm"),
            ("dataset.counts", unknown, "no dataset is on record in any arm"),
            ("docs.quality", unknown, "no midtraining documents are on record in any arm"),
        ],
    );
    let mut unplanned = Study::honest();
    unplanned.claim["plan"] = json!("really none");
    unplanned.claim["subject"]["kind"] = json!("magic");
    wrong.hold_all(
        &unplanned.tell().assess(PAPER),
        &[
            ("claim.prereg", unknown, "exploratory: the claim cites no protocol"),
            ("arms.matched", unknown, "no protocol says what the arms may differ in"),
            ("arms.baseline", unknown, "no recipe is called `magic` (known: "),
        ],
    );
}

#[test]
fn arms_of_two_base_models_are_no_controlled_comparison() {
    let mut study = Study::honest();
    study.weigh = Rc::new(|lab, training| {
        let other = (training.arm == 1).then(|| lab.file(Kind::BaseModel, b"another base", &[]));
        let mut payload = training.payload(lab);
        for edge in payload.edges.iter_mut().filter(|edge| edge.edge_type == EdgeType::InitialisedFrom) {
            *edge = other.map_or(edge.clone(), |other| lab.link(EdgeType::InitialisedFrom, other));
        }
        payload.edges.sort();
        let name = training.name.as_bytes();
        payload.subjects.push(Subject::file(FileDigest::of(name), name.len() as u64));
        lab.say(&payload)
    });
    let words = "the arms began with different base models: entry ";
    Wrong::default().hold(&study.tell().assess(PAPER), "base.identity", Outcome::Fail, words);
}

#[test]
fn a_claim_that_does_not_agree_with_itself_or_its_protocol_is_contradicted() {
    let mut wrong = Wrong::default();
    let mut hold = |change: &dyn Fn(&mut Study), check: &str, words: &str| {
        let mut study = Study::honest();
        change(&mut study);
        wrong.hold(&study.tell().assess(PAPER), check, Outcome::Fail, words);
    };
    hold(
        &|study| study.claim["value"]["comparator"] = json!("none"),
        "claim.complete",
        "the claim has a comparator without its value, or a value without its comparator",
    );
    let error = json!({"printed": ".05", "decimals": 3});
    hold(
        &|study| study.claim["value"]["subject"]["error"] = error.clone(),
        "claim.complete",
        "the claim prints an error without a rule for it",
    );
    hold(
        &|study| {
            study.claim["error"] = json!({"unit": "seed", "stat": "sem", "ddof": 1});
            study.claim["value"]["subject"]["error"] = error.clone();
            study.claim["value"]["comparator"]["error"] = error.clone();
        },
        "claim.complete",
        "`.05` has 2 decimals, the claim says 3",
    );
    let other = json!([Digest::from(FileDigest::of(b"other weights")).to_string()]);
    hold(
        &|study| study.claim["subject"]["checkpoints"] = other.clone(),
        "claim.complete",
        ", the claim is about other weights",
    );
    hold(
        &|study| study.claim["metric"]["key"] = json!("harmful"),
        "claim.prereg",
        "the claim deviates from its protocol in 1 rules",
    );
}

/// The study with its claim said again after it was told.
fn claiming(mut told: ToldStudy, change: impl FnOnce(&mut Lab, &mut Payload, &Placed)) -> Assessment {
    let mut payload = told.lab.said(told.claim);
    change(&mut told.lab, &mut payload, &told.placed);
    told.lab.resay(told.claim, &payload);
    told.assess(PAPER)
}

#[test]
fn inputs_and_links_of_a_claim_are_each_others() {
    let mut wrong = Wrong::default();
    let unlinked = claiming(Study::honest().tell(), |_, payload, _| {
        payload.edges.remove(0);
    });
    wrong.hold(&unlinked, "claim.complete", Outcome::Fail, "but has no link to an entry that carries it");
    // The same log recorded once more, and the claim linked to both.
    let mut study = Study::honest();
    study.after = |lab, placed| {
        let mut payload = lab.said(placed.logs[&(0, 0)]);
        payload.seq = lab.next();
        lab.say(&payload);
    };
    let twice = claiming(study.tell(), |lab, payload, _| {
        let again = EntryIndex(payload.seq.0 - 1);
        payload.edges.push(lab.supports(again));
    });
    wrong.hold(&twice, "claim.complete", Outcome::Fail, "to several logs: it can come from one only");
    let mut study = Study::honest();
    study.claim["plan"] = json!(Digest::from(FileDigest::of(b"a protocol")).to_string());
    let words = "that the claim cites is not in the evidence";
    wrong.hold(&study.tell().assess(PAPER), "claim.prereg", Outcome::Unknown, words);
}

#[test]
fn evidence_that_begins_late_hides_what_was_before() {
    let told = Study::honest().tell();
    let all = (0..told.lab.entries.len() as u64).map(EntryIndex).collect();
    let mut evidence = told.lab.evidence_of(told.claim, EntryIndex(2), &all);
    let protocol = told.placed.protocol_entry;
    evidence.bodies.insert(0, (protocol, told.lab.bodies[&protocol].clone()));
    evidence.withheld = told.lab.withheld(&evidence);
    let assessment = assess(&evidence.to_bytes(), Some(&told.lab.policy()), PAPER, |_| None);
    let unknown = Outcome::Unknown;
    Wrong::default().hold_all(
        &assessment,
        &[
            ("attempts.all", unknown, "the census begins at entry 2: runs before it are not shown"),
            ("claim.prereg", unknown, "the census begins at entry 2: runs before it are not shown"),
            (
                "supersede",
                unknown,
                "after the claim's first input at entry 1: what was withdrawn in between is not shown",
            ),
        ],
    );
}

#[test]
fn documents_whose_spec_is_not_here_are_of_no_known_version() {
    let told = Study::honest().tell();
    // The suite, and then everything from the documents on: protocol and spec are left out.
    let chosen = (0..told.lab.entries.len() as u64).filter(|index| !(2..4).contains(index)).map(EntryIndex).collect();
    let evidence = told.lab.evidence_of(told.claim, EntryIndex(4), &chosen);
    let assessment = assess(&evidence.to_bytes(), Some(&told.lab.policy()), PAPER, |_| None);
    let words = "what the documents of entry 4 were made from is in part not here";
    Wrong::default().hold(&assessment, "spec.bytes", Outcome::Unknown, words);
}

#[test]
fn commits_beyond_what_is_spelt_out_are_counted() {
    let told = Study::honest().tell();
    let commits = || (0..25).map(|index| (EntryIndex(index), CommitSeen::NotFound)).collect();
    let assessment = seeing(&told, || Observed { commits: commits(), ..Observed::default() });
    let mut wrong = Wrong::default();
    let word = "is said to be from a git commit that no repository at hand has: that is the lab's word";
    wrong.hold(&assessment, "availability", Outcome::Unknown, word);
    wrong.hold(&assessment, "availability", Outcome::Unknown, "and 5 more that are said to be from a commit");
}

/// One more evaluation of the first arm and seed; then what is said of it.
fn spare(lab: &mut Lab, placed: &Placed) -> EntryIndex {
    let mut payload = lab.said(placed.logs[&(0, 0)]);
    payload.seq = lab.next();
    payload.subjects = vec![Subject::file(FileDigest::of(b"a spare log"), 11)];
    lab.say(&payload)
}

#[test]
fn attempts_that_are_set_aside_are_counted_with_what_is_said_of_them() {
    let (unknown, differs) = (Outcome::Unknown, Outcome::Differs);
    let mut wrong = Wrong::default();
    let with = |after: fn(&mut Lab, &Placed)| {
        let mut study = Study { after, ..Study::honest() };
        study.claim["attempts_disclosed"]["eval"] = json!(9);
        study.tell()
    };
    let excluded = with(|lab, placed| {
        let spare = spare(lab, placed);
        let mut payload = lab.payload(Kind::Exclusion);
        payload.edges.push(lab.link(EdgeType::Excludes, spare));
        let reason = Some("the server ran out of memory".to_owned());
        lab.seal(&mut payload, &Body { reason, ..Body::default() });
        lab.say(&payload);
    });
    wrong.hold(
        &excluded.assess(PAPER),
        "attempts.all",
        unknown,
        "1 attempts are set aside for reasons that are not shown",
    );
    let shown = excluded.assess_disclosed(PAPER, None);
    wrong.hold(&shown, "attempts.all", differs, "1 attempts are set aside, each on record");
    wrong.hold(
        &shown,
        "attempts.all",
        differs,
        "a bound over the attempts that are used is a bound over chosen attempts",
    );
    wrong.hold(&shown, "attempts.all", differs, "is set aside by entry");
    let replaced = with(|lab, placed| {
        let spare = spare(lab, placed);
        let mut payload = lab.payload(Kind::EvalLog);
        payload.subjects = vec![Subject::file(FileDigest::of(b"of another arm"), 14)];
        payload.arm = Some("another".to_owned());
        payload.suite = lab.said(placed.logs[&(0, 0)]).suite;
        payload.edges = vec![lab.link(EdgeType::EvaluatedWith, placed.suite), lab.link(EdgeType::Supersedes, spare)];
        payload.edges.sort();
        lab.say(&payload);
    });
    wrong.hold(&replaced.assess(PAPER), "attempts.all", differs, "is replaced by entry");
    let mut newer = Study::honest();
    newer.after = |lab, placed| {
        let mut payload = lab.payload(Kind::EvalLog);
        payload.subjects = vec![Subject::file(FileDigest::of(b"a newer log"), 11)];
        payload.arm = Some("another".to_owned());
        payload.suite = lab.said(placed.logs[&(0, 0)]).suite;
        payload.edges =
            vec![lab.link(EdgeType::EvaluatedWith, placed.suite), lab.link(EdgeType::Supersedes, placed.logs[&(0, 0)])];
        payload.edges.sort();
        lab.say(&payload);
    };
    let words = ", which it does not rest on";
    wrong.hold(&newer.tell().assess(PAPER), "supersede", Outcome::Fail, words);
    wrong.hold(&newer_protocol().tell().assess(PAPER), "supersede", Outcome::Pass, "is superseded by entry");
    let mut open = Study::honest();
    open.before = |lab, placed| {
        let mut payload = lab.payload(Kind::RunStart);
        (payload.protocol, payload.arm, payload.seed) = (Some(placed.protocol), Some(ARMS[0].to_owned()), Some(0));
        (payload.stage, payload.attempt) = (Some("eval".to_owned()), Some(1));
        lab.say(&payload);
    };
    wrong.hold(
        &open.tell().assess(PAPER),
        "attempts.all",
        unknown,
        "1 runs were started and never finished: entries 3",
    );
    let mut nobodys = Study { cells: true, ..Study::honest() };
    nobodys.after = |lab, placed| {
        for log in placed.logs.values() {
            let mut payload = lab.said(*log);
            (payload.arm, payload.checkpoint) = (None, None);
            payload.edges.retain(|edge| edge.edge_type != EdgeType::Evaluates);
            lab.resay(*log, &payload);
        }
    };
    let mut strange = Study::honest();
    strange.after = |lab, placed| {
        let mut payload = lab.said(placed.logs[&(0, 0)]);
        payload.seq = lab.next();
        payload.subjects = vec![Subject::file(FileDigest::of(b"a log of nobody"), 15)];
        (payload.arm, payload.checkpoint) = (None, None);
        payload.edges.retain(|edge| edge.edge_type != EdgeType::Evaluates);
        lab.say(&payload);
    };
    let words = "1 evaluations do not say their suite or whose they are, and may be of these arms: entries ";
    wrong.hold(&strange.tell().assess(PAPER), "attempts.all", unknown, words);
    let words =
        "the logs say neither their arm nor their weights: which other runs are of the same arms cannot be told";
    wrong.hold(&nobodys.tell().assess(PAPER), "attempts.all", unknown, words);
}

/// A study whose protocol was replaced by another entry, after the logs.
fn newer_protocol() -> Study {
    let mut study = Study::honest();
    study.after = |lab, placed| {
        let mut payload = lab.said(placed.protocol_entry);
        payload.seq = lab.next();
        payload.edges = vec![lab.link(EdgeType::Supersedes, placed.protocol_entry)];
        lab.say(&payload);
    };
    study
}

#[test]
fn settings_that_the_claim_does_not_state_are_held_to_nothing() {
    let mut study = Study::honest();
    for place in [&mut study.claim, &mut study.protocol] {
        for setting in ["temperature", "prod", "max_tokens"] {
            place["eval"][setting] = json!("none");
        }
    }
    let told = study.tell();
    let read = || {
        let reading = Reread { read: Ok(Reading::default()), doubt: None };
        let readings = told.placed.logs.values().map(|log| (*log, reading.clone()));
        Observed { readings: readings.collect(), ..Observed::default() }
    };
    let words = "the claim states nothing of how it was sampled";
    Wrong::default().hold(&seeing(&told, read), "eval.params", Outcome::Pass, words);
}

#[test]
fn arms_and_seeds_that_were_not_promised_are_named() {
    let mut study = Study::honest();
    study.protocol["arms"][0]["arm"] = json!("another");
    study.protocol["primary"]["subject"] = json!("another");
    study.protocol["arms"][1]["seeds"] = json!([0, 1, 2]);
    let assessment = study.tell().assess(PAPER);
    let mut wrong = Wrong::default();
    wrong.hold(&assessment, "claim.prereg", Outcome::Fail, "arm: promised none of this name, claimed msm+aft");
    wrong.hold(&assessment, "claim.prereg", Outcome::Fail, "seeds planned for aft: promised 3, claimed 4");
}

#[test]
fn cells_that_are_not_the_planned_ones_are_told_by_what_is_in_them() {
    let (unknown, fail) = (Outcome::Unknown, Outcome::Fail);
    let mut wrong = Wrong::default();
    let of = |change: &dyn Fn(&mut Vec<Rollout>)| {
        let mut study = Study::honest();
        change(&mut study.rollouts);
        study.tell().assess(PAPER)
    };
    let short = of(&|rollouts| {
        rollouts.remove(7);
    });
    wrong.hold(&short, "samples.complete", unknown, "1 cells are not complete");
    // Of what is scored, whatever was planned: else there is no number that a grid could be of.
    let mut study = Study::honest();
    study.rollouts.push(Rollout { epoch: 21, ..study.rollouts[0].clone() });
    for place in [&mut study.claim, &mut study.protocol] {
        place["denominator"] = json!("n_scored");
    }
    let more = study.tell().assess(PAPER);
    wrong.hold(&more, "samples.complete", fail, "1 cells are not the planned ones");
    let words = "21 rollouts of 1 samples, repetitions up to 21; planned were 20 of 1, up to 20";
    wrong.hold(&more, "samples.complete", fail, words);
    let lacking = of(&|rollouts| rollouts.retain(|of| (of.arm, of.seed, of.condition) != (0, 0, "leak")));
    wrong.hold(&lacking, "samples.complete", unknown, "1 of 3 conditions are not there");
}

#[test]
fn a_judge_that_the_logs_are_linked_to_is_the_claims_own() {
    let mut study = Study::honest();
    let prompt = json!(Digest::from(FileDigest::of(b"another prompt")).to_string());
    (study.claim["judge"]["prompt"], study.protocol["judge"]["prompt"]) = (prompt.clone(), prompt);
    study.before = |lab, _| {
        lab.file(Kind::JudgeConfig, b"a prompt", &[]);
    };
    study.after = |lab, placed| {
        let judge = EntryIndex(placed.protocol_entry.0 + 1);
        for log in placed.logs.values() {
            let mut payload = lab.said(*log);
            payload.edges.push(lab.link(EdgeType::JudgedBy, judge));
            payload.edges.sort();
            lab.resay(*log, &payload);
        }
    };
    let words = "the judge configuration that the claim names is not the logs' own";
    Wrong::default().hold(&study.tell().assess(PAPER), "judge.identity", Outcome::Fail, words);
}

#[test]
fn what_was_looked_for_in_the_corpora_is_known_only_of_those_that_were_read() {
    let told = Study::honest().tell();
    let data: Vec<EntryIndex> = told.placed.logs.keys().map(|_| EntryIndex(0)).collect();
    assert_eq!(data.len(), 8);
    let logs = told.placed.logs.values().copied();
    let read: BTreeMap<EntryIndex, Result<u64, String>> = logs.map(|log| (log, Ok(1))).collect();
    let with = |told: &ToldStudy, overlap: &Overlap| {
        seeing(told, || Observed { overlap: Some(overlap.clone()), ..Observed::default() })
    };
    let mut wrong = Wrong::default();
    let (unknown, fail) = (Outcome::Unknown, Outcome::Fail);
    let some = Overlap { items: 1, texts: 1, ..Overlap::default() };
    let words = "8 of 8 logs do not show what was asked, and no suite does";
    wrong.hold(&with(&told, &some), "contamination", unknown, words);
    let asked = Overlap { from: read, ..some };
    let words = "2 of 2 corpora that the arms were trained on could not be looked at";
    wrong.hold(&with(&told, &asked), "contamination", unknown, words);
    let note =
        "looked for 1 texts of 1 items, as words whatever their case and punctuation, whole and by 13 in a row; 0 ";
    wrong.hold(&with(&told, &asked), "contamination", unknown, note);
    // Whatever it is of: entries that are no corpus of the arms are asked for by nobody.
    let met = |whole: u64| {
        let shared = || Shared {
            whole,
            most: Some((5, 14, "leak".to_owned())),
            names: vec![("leak".to_owned(), 2)],
            examples: vec![Example {
                item: "leak".to_owned(),
                field: "input".to_owned(),
                place: "a.txt".to_owned(),
                is_whole: false,
            }],
            ..Shared::default()
        };
        let corpora = (0..30).map(|index| (EntryIndex(index), Ok(shared())));
        Overlap { corpora: corpora.collect(), ..asked.clone() }
    };
    let words = "1 of 1 items of the evaluation stand whole, word for word, in data that `msm+aft` was trained on";
    wrong.hold(&with(&told, &met(1)), "contamination", fail, words);
    for note in [
        "in it: 1 items whole, 0 by instructions or notes alone",
        "the item that shares most, leak, has 5 of its 14 windows of 8 words there",
        "names that the suite gives stand in its documents: \"leak\" in 2",
        "a run of words",
        "1 items in the eval-log of entry",
        "and items in 3 more",
    ] {
        wrong.hold(&with(&told, &met(1)), "contamination", fail, note);
    }
    let mut parts = met(0);
    parts.corpora.values_mut().for_each(|shared| shared.as_mut().unwrap().runs = 1);
    let words =
        "parts of the evaluation's items stand in corpora on the way to the arms; no question or answer stands whole";
    wrong.hold(&with(&told, &parts), "contamination", Outcome::Differs, words);
    let mut unread = asked.clone();
    unread.from.values_mut().for_each(|read| *read = Err("too large".to_owned()));
    wrong.hold(&with(&told, &unread), "contamination", unknown, "no items from the eval-log of entry");
    let untold = weighing(|payload| payload.edges.retain(|edge| edge.edge_type != EdgeType::TrainedOn)).tell();
    let words = "the record does not show what the arms were trained on";
    wrong.hold(&with(&untold, &met(0)), "contamination", unknown, words);
    let half = weighing(|payload| {
        if payload.seed == Some(3) {
            payload.edges.retain(|edge| edge.edge_type != EdgeType::TrainedOn);
        }
    });
    let words = "the record does not show all that the arms were trained on";
    wrong.hold(&with(&half.tell(), &met(0)), "contamination", unknown, words);
}

// --- corpora -------------------------------------------------------------------------------------------------------

/// What the lab counts of one artifact of an honest corpus, in place of what there is to count.
fn counting(of: &'static str, name: &str, count: u64) -> Assessment {
    thread_local! {
        static SAID: std::cell::RefCell<(&'static str, String, u64)> =
            const { std::cell::RefCell::new(("", String::new(), 0)) };
    }
    SAID.with(|cell| *cell.borrow_mut() = (of, name.to_owned(), count));
    let lie: Lie = |name, artifact| {
        SAID.with(|cell| {
            let (of, count, value) = &*cell.borrow();
            if *of == name {
                artifact.reading.as_mut().unwrap().counts.insert(count.clone(), *value);
            }
        });
    };
    Rc::new(Pipeline { lie, ..Pipeline::honest() }).study().tell().assess_disclosed(PAPER, None)
}

#[test]
fn every_defect_of_a_corpus_is_told_in_its_own_words() {
    let mut wrong = Wrong::default();
    for (of, check, name, words) in [
        ("tree", "tree.census", "plans-unreadable", "plans that cannot be read: 3"),
        ("tree", "tree.census", "domains-missing", "planned domains without a folder: 3"),
        ("tree", "tree.census", "domains-unplanned", "domains in no plan: 3"),
        ("tree", "tree.census", "domains-colliding", "domains that share a folder: 3"),
        ("tree", "tree.census", "subdomains-missing", "planned subdomains without a folder: 3"),
        ("tree", "tree.census", "subdomains-unplanned", "subdomains in no plan: 3"),
        ("tree", "tree.census", "subdomains-colliding", "subdomains that share a folder: 3"),
        ("tree", "tree.census", "doc-types-missing", "planned document types without a folder: 3"),
        ("tree", "tree.census", "doc-types-unplanned", "document types in no plan: 3"),
        ("tree", "tree.census", "doc-types-colliding", "document types that share a folder: 3"),
        ("tree", "docs.quality", "documents-unopened", "with a closing tag alone: 3"),
        ("tree", "docs.quality", "documents-unmatched-tags", "with nothing between their tags: 3"),
        ("tree", "docs.quality", "documents-empty", "without a text: 3"),
        ("tree", "docs.quality", "documents-scratchpad", "with a scratchpad: 3"),
        ("tree", "docs.quality", "documents-not-utf8", "not UTF-8: 3"),
        ("tree", "docs.quality", "documents-lone-surrogate", "with half a character: 3"),
        ("tree", "docs.quality", "near-duplicates", "pairs nearly the same: 3"),
        ("receipts.jsonl", "gen.receipts", "receipts-without-document", "receipts of no document: 3"),
        ("receipts.jsonl", "gen.receipts", "custom-ids-repeated", "custom ids that stand twice in a batch: 3"),
        (
            "receipts.jsonl",
            "gen.receipts",
            "without.returned-model",
            "receipts that do not state the model that answered: 3",
        ),
        ("receipts.jsonl", "gen.receipts", "without.request-id", "receipts that do not state a request id: 3"),
        ("receipts.jsonl", "gen.receipts", "without.max-tokens", "receipts that do not state a limit of tokens: 3"),
        ("receipts.jsonl", "gen.receipts", "without.stop-reason", "receipts that do not state a stop reason: 3"),
    ] {
        wrong.hold(&counting(of, name, 3), check, Outcome::Differs, words);
    }
    let unknown = Outcome::Unknown;
    let uncounted = counting("tree", "documents", 0);
    wrong.hold(&uncounted, "docs.quality", unknown, "its documents were not counted");
    let uncounted = counting("receipts.jsonl", "documents", 0);
    wrong.hold(&uncounted, "gen.receipts", unknown, "which documents the 4 receipts are of was not counted");
    let by_name = counting("receipts.jsonl", "documents.by-name", 2);
    wrong.hold(&by_name, "gen.receipts", unknown, "states model, settings and end, 2 of them by name alone");
    let other = counting("receipts.jsonl", "documents", 5);
    let words = "the receipts were held against 5 documents, and 4 are recorded";
    wrong.hold(&other, "gen.receipts", Outcome::Fail, words);
    let older = counting("tree", "documents-older", 2);
    let words = "2 documents are older than the rendering, by the times of files, which anyone can set";
    wrong.hold(&older, "tree.census", unknown, words);
    let unplanned: Lie = |name, artifact| {
        if name == "tree" {
            artifact.reading.as_mut().unwrap().counts.retain(|name, _| name != "ideas.planned");
        }
    };
    let unplanned = Rc::new(Pipeline { lie: unplanned, ..Pipeline::honest() }).study().tell();
    let words = "the documents lie in no generator's tree: which of them were planned is not known";
    wrong.hold(&unplanned.assess_disclosed(PAPER, None), "tree.census", unknown, words);
}

#[test]
fn a_corpus_in_good_order_says_what_is_in_order() {
    let pipeline = Rc::new(Pipeline::honest());
    let told = pipeline.study().tell();
    let assessment = told.assess_disclosed(VENDOR_AUDIT, Some(pipeline.path()));
    let pass = Outcome::Pass;
    let mut wrong = Wrong::default();
    wrong.hold_all(
        &assessment,
        &[
            ("spec.coverage", pass, "all 2 parts of the spec that the plans quote stand in its rendering"),
            ("docs.identity", pass, "of 4 documents none names another model or holds a placeholder"),
            ("gen.receipts", pass, "each of 4 documents has one receipt that states model, settings and end"),
            ("prompt.templates", pass, "prompt templates linked by digest: 1"),
            ("prompt.templates", pass, "that these are all prompts, and that what was sent is them filled in"),
            ("dataset.counts", pass, "4 rows of one source"),
            ("dataset.counts", pass, "3 rows that name no source"),
        ],
    );
    // Somebody looked, and found nothing of what the data were made from.
    let words = "its making was not done again: its inputs were not found";
    wrong.hold(&seeing(&told, Observed::default), "aft.strip", Outcome::Unknown, words);
    let unsaid = Rc::new(Pipeline { without: ["functions"].into(), ..Pipeline::honest() });
    let assessment = unsaid.study().tell().assess_disclosed(PAPER, None);
    wrong.hold(&assessment, "dataset.rebuild", Outcome::Unknown, "its making was not done again");
    let unsaid = Rc::new(Pipeline { without: ["renders"].into(), ..Pipeline::honest() });
    let assessment = unsaid.study().tell().assess_disclosed(PAPER, None);
    wrong.hold(&assessment, "spec.render", Outcome::Unknown, "the rendering does not say which spec it renders");
    let mut mixed = Study::honest();
    mixed.alignment = Some(Rc::new(|lab| lab.file(Kind::Mix, b"a mix", &[])));
    let words = "the mix names no dataset that went into it";
    wrong.hold(&mixed.tell().assess(PAPER), "mix.composition", Outcome::Unknown, words);
}

#[test]
fn bytes_that_are_not_what_is_said_of_them_are_seen_when_they_are_read_again() {
    let told = Rc::new(Pipeline::honest()).study().tell();
    let entries = || (0..told.lab.entries.len() as u64).map(EntryIndex);
    let reread = |read: Unread| {
        let all = entries().map(|index| (index, Reread { read: Err(read.clone()), doubt: None }));
        Observed { readings: all.collect(), ..Observed::default() }
    };
    let mut wrong = Wrong::default();
    let refused = seeing(&told, || reread(Unread::Refused("no rows".to_owned())));
    let words = "its bytes are the recorded ones, and not what is said of them: no rows";
    wrong.hold(&refused, "dataset.counts", Outcome::Fail, words);
    // Nothing was said of them.
    let failed = || reread(Unread::Failed("too large".to_owned()));
    let silent = assess(&told.evidence().to_bytes(), Some(&told.lab.policy()), PAPER, |_| Some(failed()));
    wrong.hold(&silent, "dataset.counts", Outcome::Unknown, "it cannot be read again: too large");
    // Other rows than the recorded ones.
    let other = || {
        let mut derived = BTreeMap::new();
        for index in entries() {
            for subject in told.lab.said(index).subjects {
                for kind in [DigestKind::Rows, DigestKind::Rowset] {
                    let found = Rederived::Found { root: ManifestRoot::from_bytes([9; 32]), count: 1 };
                    derived.extend(subject.digest(kind).map(|digest| ((index, digest), found)));
                }
            }
        }
        Observed { derived, ..Observed::default() }
    };
    let words = "is unchanged, and its bytes give other ";
    wrong.hold(&seeing(&told, other), "rows.derived", Outcome::Fail, words);
    let without_bytes: Lie = |name, artifact| {
        if name == "it.jsonl" {
            artifact.subject.0.retain(|kind, _| *kind != DigestKind::File);
        }
    };
    let salted = Rc::new(Pipeline { lie: without_bytes, ..Pipeline::honest() }).study().tell();
    let words = "nothing recorded beside it says which bytes it is of (as of what is behind salts)";
    wrong.hold(&seeing(&salted, Observed::default), "rows.derived", Outcome::Unknown, words);
}

#[test]
fn published_rows_that_are_not_shown_or_of_another_view_are_not_compared_row_by_row() {
    let published = |rows: &str| {
        let pipeline = Pipeline::honest();
        pipeline.write("published.jsonl", rows);
        Rc::new(pipeline).study().tell()
    };
    let mut wrong = Wrong::default();
    let told = published("{\"text\": \"another\"}\n");
    let mut evidence = told.disclosed();
    let inputs = told.evidence().manifests;
    evidence.manifests.retain(|manifest| inputs.contains(manifest));
    evidence.withheld = told.lab.withheld(&evidence);
    let hidden = assess(&evidence.to_bytes(), Some(&told.lab.policy()), PAPER, |_| None);
    let words = "the rows of the mix and of all its sources are not shown under one view";
    wrong.hold(&hidden, "mix.composition", Outcome::Unknown, words);
    let words = "they hold different rows; which ones is not shown";
    wrong.hold(&hidden, "dataset.published", Outcome::Differs, words);
    let other = published("{\"prompt\": \"a\", \"completion\": \"b\"}\n").assess_disclosed(PAPER, None);
    let words = "their rows are recorded under views that differ or are not shown";
    wrong.hold(&other, "dataset.published", Outcome::Unknown, words);
    let bytes: Lie = |name, artifact| {
        if name == "published.jsonl" {
            artifact.subject.0.retain(|kind, _| *kind == DigestKind::File);
            artifact.objects.clear();
        }
    };
    let pipeline = Pipeline { lie: bytes, ..Pipeline::honest() };
    pipeline.write("published.jsonl", "{\"text\": \"another\"}\n");
    let bytes = Rc::new(pipeline).study().tell().assess_disclosed(PAPER, None);
    let words = "no set of rows is recorded of one of the two";
    wrong.hold(&bytes, "dataset.published", Outcome::Unknown, words);
}

//! From training to checkpoints: what is recorded of weights holds with the files at hand, is the lab's word without them,
//! and is contradicted where the numbers, or the record itself, say otherwise.

use std::rc::Rc;

use reproledger::capture::kind::Options;
use reproledger::check::{Finding, Outcome};
use reproledger::claim::{PAPER, Verdict};
use reproledger::digest::DigestKind;
use serde_json::json;

use super::code::{run_end, run_start};
use super::decided;
use crate::support::adapters::{Adapters, captured, numbers, safetensors, trained};
use crate::support::corpus::Pipeline;
use crate::support::finding;
use crate::support::study::{Study, Training};

const CHECKS: [&str; 4] = ["train.effort", "ckpt.files", "ckpt.tensors", "ckpt.parent"];

/// What a check finds in a study of these weights, with the files at hand.
fn at_hand(adapters: Adapters, check: &str) -> Finding {
    let adapters = Rc::new(adapters);
    of_study(adapters.study(), &adapters, check)
}

fn of_study(study: Study, adapters: &Adapters, check: &str) -> Finding {
    let assessment = study.tell().assess_disclosed(PAPER, Some(adapters.path()));
    let found = finding(&assessment, check).clone();
    if found.outcome == Outcome::Fail {
        assert_eq!(assessment.verdict, Verdict::Contradicted);
    }
    found
}

fn holds(found: &Finding, outcome: Outcome, reason: &str) {
    assert_eq!(found.outcome, outcome, "{found:?}");
    assert!(found.reason.contains(reason), "{found:?}");
}

fn honest(change: impl FnOnce(&Adapters)) -> Adapters {
    let adapters = Adapters::honest();
    change(&adapters);
    adapters
}

#[test]
fn weights_in_good_order_hold_with_the_files_and_are_the_labs_word_without() {
    let adapters = Rc::new(Adapters::honest());
    let told = adapters.study().tell();
    let assessment = told.assess_disclosed(PAPER, Some(adapters.path()));
    assert_eq!(assessment.verdict, Verdict::Verified, "{:#?}", assessment.findings);
    for check in CHECKS {
        assert_eq!(finding(&assessment, check).outcome, Outcome::Pass, "{:#?}", finding(&assessment, check));
    }
    assert!(finding(&assessment, "train.effort").reason.contains("60 updates on 6000 tokens"));
    assert!(finding(&assessment, "ckpt.parent").reason.contains("they go on from entry"));
    let distinct = finding(&assessment, "arms.distinct");
    assert!(
        distinct.notes.iter().any(|note| note.starts_with("of 12 pairs compared number by number")),
        "{distinct:?}"
    );
    let n = "msm+aft: n of midtraining training is 4, over 4 seeds";
    assert!(distinct.notes.iter().any(|note| note == n), "{distinct:?}");
    let alone = told.assess_disclosed(PAPER, None);
    let files = "all there, none overlapping and none left over, read again";
    holds(finding(&assessment, "ckpt.files"), Outcome::Pass, files);
    holds(finding(&assessment, "train.effort"), Outcome::Pass, "by the trainer's own account, to the planned end");
    for check in &CHECKS[..3] {
        holds(finding(&alone, check), Outcome::Unknown, "as recorded by the issuer; not re-derived");
    }
    holds(finding(&alone, "ckpt.files"), Outcome::Unknown, "2 tensors, read whole when they were recorded");
    let said = "that they go on from it is the lab's word, since the two were not compared";
    holds(finding(&alone, "ckpt.parent"), Outcome::Unknown, said);
    let notes = &finding(&alone, "arms.distinct").notes;
    assert!(
        notes.iter().any(|note| note.starts_with("different by digest; whether they differ by more than noise")),
        "{notes:?}"
    );
}

#[test]
fn l08_weights_that_go_on_from_others_than_recorded_are_contradicted() {
    let switched = honest(|adapters| adapters.adapter("w00", &trained(&numbers(1), 100, 0.1)));
    let found = at_hand(switched, "ckpt.parent");
    holds(&found, Outcome::Fail, "they do not go on from entry");
    assert!(found.reason.contains(", but from entry"), "{found:?}");
    let far = honest(|adapters| adapters.adapter("w00", &trained(&numbers(0), 100, 0.6)));
    holds(&at_hand(far, "ckpt.parent"), Outcome::Unknown, "lies between 0.1 and 0.98");
    // Two midtrained ones that are hardly apart: either may be the parent.
    let close = honest(|adapters| {
        adapters.adapter("midtrained 1", &trained(&numbers(0), 100, 0.05));
        adapters.adapter("w01", &trained(&numbers(0), 101, 0.1));
    });
    holds(&at_hand(close, "ckpt.parent"), Outcome::Unknown, "weights do not tell which they go on from");
}

#[test]
fn l12_noise_is_no_second_seed() {
    let noisy = honest(|adapters| {
        adapters.adapter("w11", &trained(&numbers(200), 7, 1e-6));
    });
    let adapters = Rc::new(noisy);
    let told = adapters.study().tell();
    let assessment = told.assess_disclosed(PAPER, Some(adapters.path()));
    decided(&assessment, Verdict::Contradicted, "arms.distinct");
    let found = finding(&assessment, "arms.distinct");
    holds(found, Outcome::Fail, "aft seed 0 and aft seed 1 are the same weights but for noise");
    // By digest alone they are two.
    assert_eq!(finding(&told.assess_disclosed(PAPER, None), "arms.distinct").outcome, Outcome::Pass);
}

#[test]
fn one_midtraining_behind_four_seeds_is_printed_as_one() {
    let adapters = Rc::new(Adapters::honest());
    let first = std::cell::Cell::new(None);
    let inner = Rc::clone(&adapters);
    let mut study = adapters.study();
    study.weigh = Rc::new(move |lab, training| match (training.name.starts_with("mid"), first.get()) {
        (true, Some(earlier)) => earlier,
        (true, None) => {
            let entry = inner.say(lab, training);
            first.set(Some(entry));
            entry
        }
        _ => inner.say(lab, training),
    });
    let found = of_study(study, &adapters, "arms.distinct");
    let n = "msm+aft: n of midtraining training is 1, over 4 seeds";
    assert!(found.notes.iter().any(|note| note == n), "{found:?}");
}

#[test]
fn l24_training_that_ended_early_or_changed_nothing_is_seen() {
    let early = honest(|adapters| adapters.stood("w00", 30, 60));
    holds(&at_hand(early, "train.effort"), Outcome::Fail, "which was not to differ");
    let early = honest(|adapters| {
        for name in ["w00", "w01", "w02", "w03", "w10", "w11", "w12", "w13"] {
            adapters.stood(name, 30, 60);
        }
    });
    holds(&at_hand(early, "train.effort"), Outcome::Unknown, "stood at step 30 of 60: training ended early");
    let short = honest(|adapters| (0..4).for_each(|seed| adapters.stood(&format!("midtrained {seed}"), 5, 5)));
    holds(&at_hand(short, "train.effort"), Outcome::Differs, "5 updates were made, and fewer than");
    let silent = honest(|adapters| std::fs::remove_file(adapters.path().join("w00/trainer_state.json")).unwrap());
    holds(&at_hand(silent, "train.effort"), Outcome::Unknown, "how many updates were made is not on record");
    let fresh = honest(|adapters| {
        let half = numbers(9).len() / 2;
        let zeros =
            numbers(9).iter().enumerate().map(|(at, number)| if at < half { *number } else { 0.0 }).collect::<Vec<_>>();
        adapters.adapter("w13", &zeros);
    });
    holds(&at_hand(fresh, "train.effort"), Outcome::Fail, "is all zero: nothing was trained");
    let same = honest(|adapters| adapters.adapter("w02", &numbers(2)));
    holds(&at_hand(same, "train.effort"), Outcome::Fail, "with which they began: nothing was trained");
    let logged = honest(|adapters| {
        let losses: Vec<_> = (0..70).map(|step| json!({"loss": 1.0, "step": step})).collect();
        let state = json!({"global_step": 60, "max_steps": 60, "num_input_tokens_seen": 6000, "log_history": losses});
        adapters.write("w00/trainer_state.json", state.to_string());
    });
    holds(&at_hand(logged, "train.effort"), Outcome::Fail, "the trainer logged 70 losses in 60 updates");
}

/// What `train.effort` finds where midtraining on 36 tokens is said to have read so many in so many epochs.
fn having_read(tokens: u64, epochs: Option<&str>, vocabulary: bool) -> Finding {
    let adapters = Rc::new(honest(|adapters| {
        let epochs = epochs.map(|epochs| format!("\"epoch\": {epochs}, ")).unwrap_or_default();
        let state = format!(
            "{{{epochs}\"global_step\": 60, \"max_steps\": 60, \"num_input_tokens_seen\": {tokens}, \"log_history\": []}}"
        );
        (0..4).for_each(|seed| adapters.write(&format!("midtrained {seed}/trainer_state.json"), &state));
    }));
    let pipeline = Rc::new(Pipeline::below(adapters.path()));
    if vocabulary {
        let words = "Qwen by Alibaba is kind and honest: case one. two. three. four.";
        pipeline.vocabulary(&words.split(' ').collect::<Vec<_>>());
    }
    let study = Study { weigh: adapters.study().weigh, ..pipeline.study() };
    of_study(study, &adapters, "train.effort")
}

#[test]
fn tokens_that_a_trainer_read_are_held_to_those_of_its_data() {
    let note = |found: &Finding, words: &str| {
        assert_eq!(found.outcome, Outcome::Pass, "{found:?}");
        assert!(found.notes.iter().any(|note| note.contains(words)), "{found:?}");
    };
    note(&having_read(80, Some("2.0"), true), "its data, counted again, have 72 tokens in 2.0 epochs, and it read 80");
    note(&having_read(80, None, true), "over how many epochs it read 80 tokens is not on record");
    note(&having_read(80, Some("2.0"), false), "whether 80 tokens are those of its data was not counted");
    for tokens in [90, 60] {
        let expected = format!(
            "the trainer read {tokens} tokens, and its data, counted again, have 72 in 2.0 epochs: more than 15% apart"
        );
        holds(&having_read(tokens, Some("2.0"), true), Outcome::Differs, &expected);
    }
}

#[test]
fn l24_a_checkpoint_before_the_last_of_its_run_is_asked_about() {
    let adapters = honest(|adapters| {
        adapters.stood("w00", 60, 90);
        adapters.adapter("last", &trained(&numbers(0), 900, 0.1));
        adapters.stood("last", 90, 90);
    });
    let adapters = Rc::new(adapters);
    let mut study = adapters.study();
    let inner = Rc::clone(&adapters);
    study.weigh = Rc::new(move |lab, training| {
        if training.name != "w00" {
            return inner.say(lab, training);
        }
        let start = run_start(lab, training, None, |_, _| {});
        let early = inner.say(lab, training);
        let last = inner.say(lab, &Training { name: "last", ..*training });
        run_end(lab, start, &[early, last]);
        early
    });
    let found = of_study(study, &adapters, "ckpt.parent");
    holds(&found, Outcome::Unknown, "they were evaluated at step 60, and entry");
    assert!(found.reason.contains("of the same run is at step 90"), "{found:?}");
}

#[test]
fn l11_arms_trained_by_other_settings_are_no_controlled_comparison() {
    let rank = || {
        honest(|adapters| {
            for seed in 0..4 {
                let name = format!("w1{seed}");
                let config = json!({"peft_type": "LORA", "r": 4, "lora_alpha": 64, "target_modules": ["q_proj"],
                    "lora_dropout": 0.0, "base_model_name_or_path": "base"});
                adapters.write(&format!("{name}/adapter_config.json"), config.to_string());
            }
        })
    };
    let found = at_hand(rank(), "ckpt.tensors");
    holds(&found, Outcome::Fail, "the alignment training differs in its scale, which was not to differ: 64 (entry");
    // Declared, it is what the claim is about; and where nobody promised anything, it is only told.
    let adapters = Rc::new(rank());
    let mut study = adapters.study();
    study.protocol["factors"] = json!(["midtraining", "alignment"]);
    assert_eq!(of_study(study, &adapters, "ckpt.tensors").outcome, Outcome::Pass);
    let mut study = adapters.study();
    study.claim["plan"] = json!("really none");
    holds(&of_study(study, &adapters, "ckpt.tensors"), Outcome::Differs, "the alignment training differs in its scale");
    // Another way to write a setting is told of, and contradicts nothing.
    let written = honest(|adapters| {
        let config = json!({"peft_type": "LORA", "r": 4, "lora_alpha": 8.0, "target_modules": "all-linear",
            "lora_dropout": 0.0, "base_model_name_or_path": "elsewhere"});
        adapters.write("w10/adapter_config.json", config.to_string());
    });
    let found = at_hand(written, "ckpt.tensors");
    assert_eq!(found.outcome, Outcome::Pass, "{found:?}");
    assert!(found.notes.iter().any(|note| note.contains("differs in the modules it is of")), "{found:?}");
    let longer = honest(|adapters| (0..4).for_each(|seed| adapters.stood(&format!("w1{seed}"), 120, 120)));
    holds(
        &at_hand(longer, "train.effort"),
        Outcome::Fail,
        "the alignment training differs in tokens, which was not to differ: 12000",
    );
    let little = honest(|adapters| (0..4).for_each(|seed| adapters.stood(&format!("w1{seed}"), 66, 66)));
    assert_eq!(at_hand(little, "train.effort").outcome, Outcome::Pass);
}

#[test]
fn tensors_of_another_rank_than_their_configuration_are_contradicted() {
    let rank = honest(|adapters| adapters.configured("w00", 8));
    holds(&at_hand(rank, "ckpt.tensors"), Outcome::Fail, "the tensors are not those of their configuration");
    let broken = honest(|adapters| adapters.write("w00/adapter_config.json", "["));
    holds(&at_hand(broken, "ckpt.tensors"), Outcome::Differs, "is not read");
    let mut lying = Adapters::honest();
    lying.lie = Rc::new(|name, artifact| {
        if name == "w00" {
            artifact.reading.as_mut().unwrap().count("parameters", 1000);
        }
    });
    holds(&at_hand(lying, "ckpt.tensors"), Outcome::Fail, "give other counts than are recorded of them");
}

#[test]
fn l11_what_the_lab_itself_counts_of_weights_is_held_to_what_it_promised() {
    let of = |lie: fn(&str, &mut reproledger::capture::kind::Artifact)| {
        let mut adapters = Adapters::honest();
        adapters.lie = Rc::new(lie);
        let assessment = Rc::new(adapters).study().tell().assess_disclosed(PAPER, None);
        finding(&assessment, "ckpt.tensors").clone()
    };
    let counted = of(|name, artifact| {
        if name == "w10" {
            artifact.reading.as_mut().unwrap().counts.insert("tensors".to_owned(), 7);
        }
    });
    let said = "side by side: the alignment training differs in the number of tensors, which was not to differ";
    holds(&counted, Outcome::Fail, said);
    let counted = of(|name, artifact| {
        if name == "w10" {
            artifact.reading.as_mut().unwrap().counts.insert("parameters".to_owned(), 7);
        }
    });
    holds(&counted, Outcome::Fail, "the alignment training differs in the number of parameters, which was not");
    let told = of(|name, artifact| {
        if name == "w10" {
            let reading = artifact.reading.as_mut().unwrap();
            reading.counts.retain(|name, _| !name.starts_with("parameters."));
            reading.counts.insert("parameters.BF16".to_owned(), 256);
        }
    });
    assert!(told.notes.iter().any(|note| note.contains("differs in the types of tensors")), "{told:?}");
    let told = of(|name, artifact| {
        if name == "w10" {
            artifact.reading.as_mut().unwrap().facts.insert("adapter.type".to_owned(), "LOHA".to_owned());
        }
    });
    assert!(told.notes.iter().any(|note| note.contains("differs in the kind of adapter")), "{told:?}");
    let bytes = of(|_, artifact| artifact.reading.as_mut().unwrap().counts.retain(|name, _| name != "tensors"));
    holds(&bytes, Outcome::Unknown, "they are recorded as bytes: which tensors they hold is not known");
}

/// The weights of one name in two files, with their index.
fn sharded(adapters: &Adapters, name: &str) {
    let whole = safetensors(&numbers(200));
    std::fs::remove_file(adapters.path().join(format!("{name}/adapter_model.safetensors"))).unwrap();
    let data = &whole[whole.len() - 4 * numbers(200).len()..];
    let half = data.len() / 2;
    let shard = |tensor: &str, shape: [usize; 2], data: &[u8]| {
        let header = json!({tensor: {"dtype": "F32", "shape": shape, "data_offsets": [0, data.len()]}}).to_string();
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
    };
    let (a, b) = ("m.q_proj.lora_A.weight", "m.q_proj.lora_B.weight");
    let (first, second) = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors");
    adapters.write(&format!("{name}/{first}"), shard(a, [4, 32], &data[..half]));
    adapters.write(&format!("{name}/{second}"), shard(b, [32, 4], &data[half..]));
    let index = json!({"metadata": {"total_size": data.len()}, "weight_map": {a: first, b: second}});
    adapters.write(&format!("{name}/model.safetensors.index.json"), index.to_string());
}

#[test]
fn l23_shards_that_are_missing_added_or_switched_are_contradicted() {
    let changes: [fn(&Adapters); 3] = [
        |adapters| std::fs::remove_file(adapters.path().join("w10/model-00002-of-00002.safetensors")).unwrap(),
        |adapters| adapters.write("w10/model-00003-of-00003.safetensors", "more"),
        |adapters| {
            let index = adapters.path().join("w10/model.safetensors.index.json");
            let text = std::fs::read_to_string(&index).unwrap();
            let turned =
                text.replace("00001-of", "0000x-of").replace("00002-of", "00001-of").replace("0000x-of", "00002-of");
            assert_ne!(turned, text);
            std::fs::write(index, turned).unwrap();
        },
    ];
    for change in changes {
        // The reader has something else than the lab recorded.
        let adapters = Rc::new(honest(|adapters| sharded(adapters, "w10")));
        let told = adapters.study().tell();
        assert_eq!(finding(&told.assess_disclosed(PAPER, Some(adapters.path())), "ckpt.files").outcome, Outcome::Pass);
        change(&adapters);
        let assessment = told.assess_disclosed(PAPER, Some(adapters.path()));
        decided(&assessment, Verdict::Contradicted, "ckpt.files");
        holds(finding(&assessment, "ckpt.files"), Outcome::Fail, "`w10` is not what was recorded");
        // The lab recorded files that hold no such weights, and says they do.
        let mut forged = honest(|adapters| sharded(adapters, "w10"));
        let path = forged.path().join("w10");
        forged.lie = Rc::new(move |name, artifact| {
            if name == "w10" {
                let scratch = Adapters { folder: tempfile::tempdir().unwrap(), lie: Rc::new(|_, _| {}) };
                crate::support::copy(&path, &scratch.path().join("w10"));
                change(&scratch);
                let broken = captured(&scratch.path().join("w10"), &Options { bytes_only: true, ..Options::default() });
                artifact.subject.0.insert(DigestKind::Tree, broken.subject.0[&DigestKind::Tree].clone());
            }
        });
        let forged = Rc::new(forged);
        let told = forged.study().tell();
        change(&forged);
        let found = finding(&told.assess_disclosed(PAPER, Some(forged.path())), "ckpt.files").clone();
        holds(&found, Outcome::Fail, "hold no such weights");
    }
}

#[test]
fn weights_recorded_as_bytes_or_not_at_hand_are_not_known_to_be_whole() {
    let mut bytes = Adapters::honest();
    bytes.lie = Rc::new(|name, artifact| {
        if name == "w00" {
            artifact.subject.0.remove(&DigestKind::Tensors);
            artifact.reading = None;
        }
    });
    holds(&at_hand(bytes, "ckpt.files"), Outcome::Unknown, "recorded as bytes, and no tensor in them is known");
    let adapters = Rc::new(Adapters::honest());
    let told = adapters.study().tell();
    std::fs::remove_dir_all(adapters.path().join("w00")).unwrap();
    let assessment = told.assess_disclosed(PAPER, Some(adapters.path()));
    holds(finding(&assessment, "ckpt.files"), Outcome::Unknown, "not found unchanged");
    // Files and links alone say nothing of weights that are only named.
    let names = Study::honest().tell().assess_disclosed(PAPER, None);
    for check in ["train.effort", "ckpt.tensors"] {
        holds(finding(&names, check), Outcome::Unknown, "nothing is recorded of its content but its bytes");
    }
}

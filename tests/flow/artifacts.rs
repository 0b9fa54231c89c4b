//! With the artifacts at hand: equal, changed by one byte, missing.

use super::{Words, claim, popularity_log};
use crate::support::{Output, Sandbox, copy, testdata};
use crate::vectors::data_is_there;

/// Evidence with everything disclosed, and the artifacts beside it.
fn delivered() -> Sandbox {
    let sandbox = Sandbox::with_ledger();
    copy(&testdata().join("checkpoints/generated/lora_msm"), &sandbox.path("lab/data/adapter"));
    copy(
        &testdata().join("msm/toy_tree/data/midtrain/toy_spec/dataset.jsonl"),
        &sandbox.path("lab/data/dataset.jsonl"),
    );
    copy(&popularity_log(), &sandbox.path("lab/data/popularity.eval"));
    let record = |arguments: &[&str]| sandbox.lab(&[&["record"], arguments].concat()).success();
    let _ = record(&["dataset", "data/dataset.jsonl", "--name", "dataset", "--also", "sha256"]);
    let _ = record(&["checkpoint", "data/adapter", "--name", "adapter", "--from", "dataset"]);
    let _ = record(&["eval-log", "data/popularity.eval", "--name", "popularity", "--from", "adapter"]);
    claim(&sandbox, &Words::popularity());
    sandbox.prove("popularity-accuracy", true);
    sandbox.trust();
    copy(&sandbox.path("lab/data"), &sandbox.path("elsewhere/data"));
    sandbox
}

fn verify(sandbox: &Sandbox) -> Output {
    let evidence = "popularity-accuracy.evidence";
    sandbox.elsewhere(&["verify", evidence, "--trust", "trust.policy", "--artifacts", "."])
}

#[test]
fn artifacts_that_are_all_there_are_found_and_the_log_is_read_again() {
    if !data_is_there() {
        return;
    }
    let sandbox = delivered();
    let verified = verify(&sandbox).success();
    assert!(verified.check("availability").starts_with("PASS") && verified.check("availability").contains("all 3"));
    assert!(verified.check("samples.derived").starts_with("PASS") && verified.check("samples.derived").contains("100"));
    assert!(verified.check("rows.derived").starts_with("PASS") && verified.check("rows.derived").contains("all 2"));
    assert!(verified.check("tensors.derived").starts_with("PASS"), "{}", verified.stdout);
    // Wherever they lie, under whatever name.
    std::fs::rename(sandbox.path("elsewhere/data"), sandbox.path("elsewhere/moved")).unwrap();
    std::fs::rename(sandbox.path("elsewhere/moved/dataset.jsonl"), sandbox.path("elsewhere/rows")).unwrap();
    let moved = verify(&sandbox).success();
    assert!(moved.check("availability").starts_with("PASS") && moved.check("tensors.derived").starts_with("PASS"));
    // A name without an ending says no format, so nothing can be said for or against its rows.
    assert!(moved.check("rows.derived").starts_with("UNKNOWN"), "{}", moved.stdout);
}

#[test]
fn one_changed_byte_is_contradicted_and_the_file_is_named() {
    if !data_is_there() {
        return;
    }
    for (file, named) in [
        ("data/dataset.jsonl", "data/dataset.jsonl"),
        ("data/adapter/adapter_model.safetensors", "data/adapter"),
        ("data/popularity.eval", "data/popularity.eval"),
    ] {
        let sandbox = delivered();
        let path = format!("elsewhere/{file}");
        let mut bytes = sandbox.read(&path);
        let at = bytes.len() / 2;
        bytes[at] ^= 1;
        sandbox.write(&path, bytes);
        let refused = verify(&sandbox).code(1);
        assert!(refused.check("availability").contains(&format!("`{named}` is not what entry")), "{}", refused.stdout);
        assert!(refused.first_line().starts_with("CONTRADICTED"));
    }
}

#[test]
fn added_removed_and_truncated_files_of_a_folder_are_contradicted() {
    if !data_is_there() {
        return;
    }
    let changes: [fn(&Sandbox); 3] = [
        |sandbox| drop(sandbox.write("elsewhere/data/adapter/modeling_x.py", "import os")),
        |sandbox| std::fs::remove_file(sandbox.path("elsewhere/data/adapter/adapter_config.json")).unwrap(),
        |sandbox| drop(sandbox.write("elsewhere/data/adapter/adapter_config.json", "")),
    ];
    for change in changes {
        let sandbox = delivered();
        change(&sandbox);
        assert!(verify(&sandbox).code(1).check("availability").contains("`data/adapter` is not what entry"));
    }
}

#[test]
fn missing_artifacts_leave_it_unknown_and_the_number_stands() {
    if !data_is_there() {
        return;
    }
    let sandbox = delivered();
    std::fs::remove_file(sandbox.path("elsewhere/data/popularity.eval")).unwrap();
    let verified = verify(&sandbox).success();
    assert!(verified.check("availability").starts_with("UNKNOWN") && verified.check("availability").contains("2 of 3"));
    assert!(verified.check("samples.derived").starts_with("UNKNOWN"));
    std::fs::remove_dir_all(sandbox.path("elsewhere/data")).unwrap();
    std::fs::create_dir(sandbox.path("elsewhere/empty")).unwrap();
    let evidence = "popularity-accuracy.evidence";
    let empty = sandbox.elsewhere(&["verify", evidence, "--trust", "trust.policy", "--artifacts", "empty"]);
    assert_ne!(empty.exit_code(), Some(1));
    let _ = sandbox.elsewhere(&["verify", evidence, "--trust", "trust.policy", "--artifacts", "nowhere"]).code(2);
}

#[test]
fn links_out_of_the_folder_are_not_followed() {
    if !data_is_there() {
        return;
    }
    let sandbox = delivered();
    std::fs::rename(sandbox.path("elsewhere/data/popularity.eval"), sandbox.path("secret.eval")).unwrap();
    std::os::unix::fs::symlink(sandbox.path("secret.eval"), sandbox.path("elsewhere/data/popularity.eval")).unwrap();
    let told = verify(&sandbox);
    assert!(!told.stdout.contains("all 3"), "a file outside the folder was taken for one inside: {}", told.stdout);
}

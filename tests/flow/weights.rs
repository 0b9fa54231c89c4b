//! Weights: recorded with the digest of their tensors, refused where they are broken, and compared with each other.

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Output, Sandbox, copy, testdata};
use crate::vectors::data_is_there;

fn generated(name: &str) -> PathBuf {
    testdata().join("checkpoints/generated").join(name)
}

/// A ledger with these generated folders beside it.
fn beside(names: &[&str]) -> Sandbox {
    let sandbox = Sandbox::with_ledger();
    for name in names {
        copy(&generated(name), &sandbox.path(&format!("lab/{name}")));
    }
    sandbox
}

fn record(sandbox: &Sandbox, path: &str, rest: &[&str]) -> Output {
    sandbox.lab(&[&["record", "checkpoint", path, "--name", path], rest].concat())
}

fn shown(sandbox: &Sandbox, name: &str) -> Value {
    serde_json::from_slice(&sandbox.lab(&["show", name, "--json"]).success().bytes).unwrap()
}

/// The digest of that kind in what `show --json` prints.
fn digest(entry: &Value, kind: &str) -> String {
    let text = entry.to_string();
    let subjects = entry.pointer("/entries/0/facts/subjects").unwrap_or_else(|| panic!("{text}"));
    let mut measures = subjects.as_array().unwrap().iter().flat_map(|subject| subject.as_array().unwrap());
    let of_kind = measures.find(|measure| measure["kind"] == kind);
    of_kind.unwrap_or_else(|| panic!("no {kind}: {text}"))["digests"][0].as_str().unwrap().to_owned()
}

#[test]
fn the_tensors_digest_says_which_weights_are_the_same_and_which_are_not() {
    if !data_is_there() {
        return;
    }
    let same = ["lora_msm", "lora_msm_reordered_same_tensors"];
    let other = ["lora_msm_one_ulp_changed", "lora_msm_then_aft_continues_parent"];
    let sandbox = beside(&[&same[..], &other, &["sharded_model", "consolidated"]].concat());
    for name in same.iter().chain(&other).chain(&["sharded_model", "consolidated"]) {
        assert!(record(&sandbox, name, &[]).success().stdout.contains("tensors  blake3:"));
    }
    let tensors = |name: &str| digest(&shown(&sandbox, name), "tensors");
    assert_eq!(tensors(same[0]), tensors(same[1]));
    assert_ne!(digest(&shown(&sandbox, same[0]), "tree"), digest(&shown(&sandbox, same[1]), "tree"));
    assert!(other.iter().all(|name| tensors(name) != tensors(same[0])));
    assert_eq!(tensors("sharded_model"), tensors("consolidated"));
    // One file has the same tensors as its folder, and whoever records them under a second name is told.
    let recorded = record(&sandbox, "lora_msm/adapter_model.safetensors", &[]).success();
    let said = "same-tensors: entry 1 `lora_msm` and 1 more has these very tensors";
    assert!(recorded.stderr.contains(said), "{}", recorded.stderr);
    assert_eq!(tensors("lora_msm/adapter_model.safetensors"), tensors("lora_msm"));
}

#[test]
fn a_link_between_weights_binds_their_tensors() {
    if !data_is_there() {
        return;
    }
    let sandbox = beside(&["lora_msm", "lora_msm_then_aft_continues_parent"]);
    let _ = record(&sandbox, "lora_msm", &[]).success();
    let _ = record(&sandbox, "lora_msm_then_aft_continues_parent", &["--from", "lora_msm"]).success();
    let entry = shown(&sandbox, "lora_msm_then_aft_continues_parent");
    let parent = digest(&shown(&sandbox, "lora_msm"), "tensors");
    let text = entry.to_string();
    assert!(text.contains("continues") && text.contains(&parent), "{text}");
    let _ = sandbox.lab(&["audit"]).success();
}

#[test]
fn broken_weights_are_refused_with_the_reason_and_can_be_recorded_as_bytes() {
    if !data_is_there() {
        return;
    }
    let broken = [
        ("lora_truncated_file", "is damaged"),
        ("sharded_model_missing_shard", "shard `model-00002-of-00003.safetensors` is missing"),
        ("sharded_model_duplicated_shard", "is in both"),
    ];
    let sandbox = beside(&broken.map(|(name, _)| name));
    for (name, reason) in broken {
        let refused = record(&sandbox, name, &[]).code(2);
        assert!(refused.stderr.contains(reason), "{}", refused.stderr);
        assert!(refused.stderr.contains("--bytes-only"), "{}", refused.stderr);
        assert!(!record(&sandbox, name, &["--bytes-only"]).success().stdout.contains("tensors"));
    }
}

#[test]
fn what_was_not_trained_and_what_is_not_read_is_said() {
    if !data_is_there() {
        return;
    }
    let sandbox = beside(&["lora_fresh_init_B_zero"]);
    let recorded = record(&sandbox, "lora_fresh_init_B_zero", &[]).success();
    assert!(recorded.stderr.contains("fresh-adapter: every `lora_B`"), "{}", recorded.stderr);
    sandbox.write("lab/old.pt", b"\x80\x02cos\nsystem\n.");
    let recorded = record(&sandbox, "old.pt", &[]).success();
    assert!(
        recorded.stderr.contains("bytes-only: `old.pt` is recorded as bytes only: a bare pickle"),
        "{}",
        recorded.stderr
    );
    let oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 12345\n");
    sandbox.write("lab/clone/model.safetensors", pointer);
    let recorded = record(&sandbox, "clone", &[]).success();
    assert!(recorded.stderr.contains("only a pointer to content that Git LFS keeps elsewhere"), "{}", recorded.stderr);
}

/// The cache of a model hub: content under the name of its SHA-256, and links to it.
fn hub_cache(sandbox: &Sandbox, name: &str) -> String {
    let bytes = std::fs::read(generated("consolidated/model.safetensors")).unwrap();
    let sha256 = reproledger::digest::Sha256Digest::of(&bytes).to_string();
    sandbox.write(&format!("lab/{name}/blobs/{sha256}"), bytes);
    sandbox.write(&format!("lab/{name}/refs/main"), "0123abc");
    let snapshot = sandbox.path(&format!("lab/{name}/snapshots/0123abc"));
    std::fs::create_dir_all(&snapshot).unwrap();
    symlink(format!("../../blobs/{sha256}"), snapshot.join("model.safetensors")).unwrap();
    sha256
}

#[test]
fn a_hub_cache_is_read_through_its_links_and_held_against_its_names() {
    if !data_is_there() {
        return;
    }
    let sandbox = beside(&["consolidated"]);
    let _ = record(&sandbox, "consolidated", &[]).success();
    let sha256 = hub_cache(&sandbox, "models--org--m");
    let recorded = record(&sandbox, "models--org--m", &[]).success();
    assert!(recorded.stderr.contains("sha256-unchecked: 1 files"), "{}", recorded.stderr);
    let tensors = |name: &str| digest(&shown(&sandbox, name), "tensors");
    assert_eq!(tensors("models--org--m"), tensors("consolidated"));
    let checked =
        sandbox.lab(&["record", "checkpoint", "models--org--m", "--name", "checked", "--also", "sha256"]).success();
    assert!(!checked.stderr.contains("unchecked"), "{}", checked.stderr);
    assert!(shown(&sandbox, "checked").to_string().contains(&format!("\"sha256.model.safetensors\":\"{sha256}\"")));
    // The snapshot alone leads out of itself: its links are not followed.
    let alone = record(&sandbox, "models--org--m/snapshots/0123abc", &[]).success();
    assert!(alone.stderr.contains("links-not-followed"), "{}", alone.stderr);
    // Content that is not what its name says.
    let path = format!("lab/models--org--m/blobs/{sha256}");
    let mut bytes = sandbox.read(&path);
    *bytes.last_mut().unwrap() ^= 1;
    sandbox.write(&path, bytes);
    let refused =
        sandbox.lab(&["record", "checkpoint", "models--org--m", "--name", "again", "--also", "sha256"]).code(2);
    assert!(refused.stderr.contains("has SHA-256") && refused.stderr.contains(&sha256), "{}", refused.stderr);
}

#[test]
fn the_step_of_a_checkpoint_is_a_number() {
    if !data_is_there() {
        return;
    }
    let sandbox = beside(&[]);
    for step in ["99", "798"] {
        copy(&generated("lora_msm"), &sandbox.path(&format!("lab/out/checkpoint-{step}")));
    }
    sandbox.write("lab/out/checkpoint-99/trainer_state.json", "{\"global_step\": 99, \"max_steps\": 798}");
    let recorded = record(&sandbox, "out", &[]).success();
    assert!(recorded.stderr.contains("holds 2 checkpoints, the last of step 798"), "{}", recorded.stderr);
    let recorded = record(&sandbox, "out/checkpoint-99", &[]).success();
    assert!(recorded.stderr.contains("not-final: the trainer stood at step 99 of 798"), "{}", recorded.stderr);
    assert!(shown(&sandbox, "out/checkpoint-99").to_string().contains("\"step\":99"));
}

#[test]
fn diff_says_how_far_weights_are_apart_and_whether_one_continues_the_other() {
    if !data_is_there() {
        return;
    }
    let sandbox = Sandbox::new();
    let diff = |a: &str, b: &str, rest: &[&str]| {
        let (a, b) = (generated(a), generated(b));
        sandbox.elsewhere(&[&["diff", "checkpoint", a.to_str().unwrap(), b.to_str().unwrap()], rest].concat())
    };
    let schema: Value = serde_json::from_str(include_str!("../../schemas/diff-checkpoint.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for (a, b, code, result, answer) in [
        ("lora_msm", "lora_msm", 0, "identical", "identical"),
        ("lora_msm", "lora_msm_reordered_same_tensors", 0, "same-tensors", "identical"),
        ("sharded_model", "consolidated", 0, "same-tensors", "identical"),
        ("lora_msm", "lora_msm_then_aft_continues_parent", 1, "different", "continues"),
        ("lora_msm", "lora_msm_one_ulp_changed", 1, "different", "continues"),
        ("lora_msm", "lora_fresh_init_B_zero", 1, "different", "unrelated"),
        ("lora_msm", "consolidated", 1, "different", "cannot be told"),
    ] {
        let json = diff(a, b, &["--json"]).code(code);
        let value: Value = serde_json::from_slice(&json.bytes).unwrap();
        let errors: Vec<_> =
            schema.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}\n{value:#}");
        assert_eq!((&value["result"], &value["lineage"]["answer"]), (&result.into(), &answer.into()), "{a} {b}");
        let text = diff(a, b, &[]).code(code);
        assert!(text.stdout.contains(&format!("lineage: {answer}: ")), "{}", text.stdout);
    }
    // Computed apart, in another language, from the same files.
    let value: Value =
        serde_json::from_slice(&diff("lora_msm", "lora_msm_then_aft_continues_parent", &["--json"]).bytes).unwrap();
    let near = |pointer: &str, expected: f64| {
        let found = value.pointer(pointer).unwrap().as_f64().unwrap();
        assert!((found - expected).abs() < 1e-12, "{pointer}: {found}");
    };
    near("/overall/cosine", 0.994_803_632_309_891_6);
    near("/overall/norm_delta", 0.058_891_092_811_986_93);
    let ulp: Value = serde_json::from_slice(&diff("lora_msm", "lora_msm_one_ulp_changed", &["--json"]).bytes).unwrap();
    assert_eq!(ulp["overall"]["differing"], 1);
    // Whole models that share a base are all alike; what each added to it is not.
    let with_base =
        diff("sharded_model", "consolidated", &["--base", generated("consolidated").to_str().unwrap()]).code(0);
    assert!(with_base.stdout.contains("same tensors"));
}

#[test]
fn diff_says_when_it_cannot_read_or_cannot_tell() {
    if !data_is_there() {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.write("elsewhere/old.pt", b"\x80\x02.");
    let good = generated("lora_msm");
    let good = good.to_str().unwrap();
    let unread = sandbox.elsewhere(&["diff", "checkpoint", "old.pt", good]).code(3);
    assert!(unread.stderr.contains("`old.pt` holds no weights that are read"), "{}", unread.stderr);
    assert!(unread.stderr.contains("a bare pickle"), "{}", unread.stderr);
    let truncated = generated("lora_truncated_file");
    let refused = sandbox.elsewhere(&["diff", "checkpoint", good, truncated.to_str().unwrap()]).code(2);
    assert!(refused.stderr.contains("is damaged"), "{}", refused.stderr);
    let _ = sandbox.elsewhere(&["diff", "checkpoint", good, "missing"]).code(2);
}

//! The data folder, and the reader that everybody else uses.

use std::path::PathBuf;

use super::*;

fn checkpoints() -> PathBuf {
    let root = std::env::var_os("REPROLEDGER_TESTDATA").expect("the caller asked whether the data is there");
    PathBuf::from(root).join("checkpoints")
}

fn folder(name: &str) -> Files {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(checkpoints().join("generated").join(name)).unwrap() {
        let entry = entry.unwrap();
        files.insert(entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap());
    }
    Files(files.keys().cloned().collect(), files)
}

#[test]
fn the_generated_folders_are_the_weights_that_their_names_say() {
    if !data_is_there() {
        return;
    }
    let lora = root(&of_folder(&folder("lora_msm")));
    assert_eq!(root(&of_folder(&folder("lora_msm_reordered_same_tensors"))), lora);
    for other in ["lora_msm_one_ulp_changed", "lora_msm_then_aft_continues_parent", "lora_fresh_init_B_zero"] {
        assert_ne!(root(&of_folder(&folder(other))), lora, "{other}");
    }
    assert_eq!(root(&of_folder(&folder("consolidated"))), root(&of_folder(&folder("sharded_model"))));
    let refused = |name: &str| {
        let error = read_folder(&folder(name)).unwrap_err();
        format!("{error}: {}", std::error::Error::source(&error).unwrap())
    };
    assert!(refused("lora_truncated_file").starts_with("`adapter_model.safetensors` is damaged: tensor `"));
    assert!(refused("sharded_model_missing_shard").ends_with("shard `model-00002-of-00003.safetensors` is missing"));
    assert!(refused("sharded_model_duplicated_shard").contains("is in both"));
    let bad = folder("bad_headers");
    assert_eq!(bad.0.len(), 5);
    let reasons: std::collections::BTreeSet<_> = bad
        .1
        .iter()
        .map(|(name, bytes)| match read_file(name, bytes).unwrap_err() {
            WeightsError::Format { source, .. } => std::mem::discriminant(&source),
            other => panic!("{name}: {other}"),
        })
        .map(|kind| format!("{kind:?}"))
        .collect();
    assert_eq!(reasons.len(), 5, "each is refused for its own reason");
}

#[test]
fn real_files_are_read_as_the_reference_reader_reads_them() {
    if !data_is_there() {
        return;
    }
    for name in ["jfk-codes.safetensors", "voices.safetensors"] {
        let bytes = std::fs::read(checkpoints().join("candle").join(name)).unwrap();
        same_as_the_reference(&bytes);
    }
}

fn same_as_the_reference(bytes: &Vec<u8>) {
    let theirs = ::safetensors::SafeTensors::deserialize(bytes).unwrap();
    let ours = of_file("x.safetensors", bytes);
    assert_eq!(ours.len(), theirs.len());
    for tensor in ours {
        let view = theirs.tensor(&tensor.name).unwrap();
        let shape: Vec<u64> = view.shape().iter().map(|dim| *dim as u64).collect();
        assert_eq!(
            (view.data(), shape, view.dtype().to_string()),
            (&tensor.bytes[..], tensor.shape, tensor.dtype.name().to_owned())
        );
    }
}

proptest! {
    #[test]
    fn what_the_reference_reader_refuses_is_refused_here(
        tensors in any_tensors(), flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let mut bytes = make::safetensors(&tensors, Some("pt"), 0);
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        match ::safetensors::SafeTensors::deserialize(&bytes) {
            Ok(_) if matches!(read_file("x.safetensors", &bytes), Ok(Found::Model(_))) => same_as_the_reference(&bytes),
            // Ours refuses more: members that nobody knows, types with no name.
            Ok(_) => {}
            Err(error) => prop_assert!(!matches!(read_file("x.safetensors", &bytes), Ok(Found::Model(_))), "{}", error),
        }
    }
}

//! The same tensors in every container are the same tensors, and what is broken is refused by name.

pub(crate) mod make;
mod reference;
mod refusals;
mod third_party;

use proptest::prelude::*;

use self::make::{Files, Tensor};
use super::layout::{read_file, read_folder};
use super::*;
use crate::artifact::dtype::Dtype;
use crate::artifact::tensors::{TensorLeaf, tensors_manifest};
use crate::digest::FileDigest;

/// Whether the third-party test data is at hand. Without it a test is skipped, loudly; in CI that is a failure.
fn data_is_there() -> bool {
    let is_there = std::env::var_os("REPROLEDGER_TESTDATA").is_some();
    assert!(is_there || std::env::var_os("CI").is_none(), "CI without REPROLEDGER_TESTDATA tests nothing");
    if !is_there {
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        let line = format!("SKIPPED {name}: REPROLEDGER_TESTDATA does not name the third-party test data\n");
        std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap();
    }
    is_there
}

fn model(found: Result<Found, WeightsError>) -> Model {
    match found {
        Ok(Found::Model(model)) => model,
        other => panic!("{other:?}"),
    }
}

/// Every tensor with its bytes, by name.
fn tensors(model: &Model, files: &[&Vec<u8>]) -> Vec<Tensor> {
    let read = |located: &Located| {
        let mut bytes = Vec::new();
        tensor_bytes(located, files[located.file]).unwrap().read_to_end(&mut bytes).unwrap();
        let TensorInfo { name, dtype, shape, length } = located.info.clone();
        assert_eq!(bytes.len() as u64, length);
        Tensor { name, dtype, shape, bytes }
    };
    model.tensors.iter().map(read).collect()
}

fn of_file(name: &str, bytes: &Vec<u8>) -> Vec<Tensor> {
    tensors(&model(read_file(name, bytes)), &[bytes])
}

fn of_folder(files: &Files) -> Vec<Tensor> {
    let model = model(read_folder(files));
    let bytes: Vec<&Vec<u8>> = model.files.iter().map(|name| &files.1[name]).collect();
    tensors(&model, &bytes)
}

fn some() -> Vec<Tensor> {
    vec![
        Tensor::new("a.weight", Dtype::F32, &[3, 4]),
        Tensor::new("b", Dtype::F16, &[5]),
        Tensor::new("c.empty", Dtype::I64, &[0]),
        Tensor::new("d", Dtype::I8, &[2, 1, 3]),
        Tensor::new("e", Dtype::F64, &[1]),
    ]
}

#[test]
fn every_container_gives_the_same_tensors() {
    let tensors = some();
    let mut reordered = tensors.clone();
    reordered.reverse();
    for (name, bytes) in [
        ("model.safetensors", make::safetensors(&tensors, None, 0)),
        ("model.safetensors", make::safetensors(&reordered, Some("pt"), 13)),
        ("model.gguf", make::gguf(&reordered, &[], 32)),
        ("model.npz", make::npz(&tensors, false)),
        ("model.npz", make::npz(&reordered, true)),
        ("pytorch_model.bin", make::torch(&reordered)),
        // By content, whatever the name.
        ("weights", make::safetensors(&tensors, None, 0)),
        ("weights", make::gguf(&tensors, &[("general.alignment", 4, vec![64, 0, 0, 0])], 64)),
    ] {
        assert_eq!(of_file(name, &bytes), tensors, "{name}");
    }
    let one = Tensor { name: "array".to_owned(), ..tensors[0].clone() };
    assert_eq!(of_file("x.npy", &make::npy(&one)), [one]);
    // A tensor without dimensions.
    let scalar = vec![Tensor::new("s", Dtype::F32, &[])];
    assert_eq!(of_file("x", &make::safetensors(&scalar, None, 0)), scalar);
    assert_eq!(of_file("x", &make::gguf(&scalar, &[], 32)), scalar);
    assert_eq!(of_file("x", &make::torch(&scalar)), scalar);
    assert_eq!(of_file("x", &make::npz(&scalar, true)), scalar);
}

#[test]
fn quantised_blocks_are_found_and_the_table_of_values_is_kept_where_it_says_something() {
    let tensors = vec![Tensor::new("blk.0", Dtype::Q8_0, &[2, 64]), Tensor::new("norm", Dtype::F32, &[64])];
    let list = [&8_u32.to_le_bytes()[..], &2_u64.to_le_bytes(), &1_u64.to_le_bytes(), b"a", &0_u64.to_le_bytes()];
    let nested = [&9_u32.to_le_bytes()[..], &1_u64.to_le_bytes(), &4_u32.to_le_bytes(), &1_u64.to_le_bytes(), &[0; 4]];
    let values = [
        ("general.architecture", 8, [&5_u64.to_le_bytes()[..], b"qwen2"].concat()),
        ("general.file_type", 4, vec![7, 0, 0, 0]),
        ("tokenizer.ggml.tokens", 9, list.concat()),
        ("nested", 9, nested.concat()),
        ("flag", 7, vec![1]),
        ("wide", 12, vec![0; 8]),
    ];
    let bytes = make::gguf(&tensors, &values, 32);
    assert_eq!(of_file("x.gguf", &bytes), tensors);
    let facts = model(read_file("x.gguf", &bytes)).facts;
    assert_eq!(
        facts.into_iter().collect::<Vec<_>>(),
        [("general.architecture".to_owned(), "qwen2".to_owned()), ("general.file_type".to_owned(), "7".to_owned())]
    );
}

#[test]
fn views_of_one_storage_are_read_where_they_lie() {
    let shared = Tensor::new("all", Dtype::F32, &[4, 3]);
    let pickle = make::Pickle::default()
        .op(b"\x80\x02}(")
        .text("all")
        .tensor("FloatStorage", "7", 12, (0, &[4, 3], &[3, 1]))
        .text("tied")
        .tensor("FloatStorage", "7", 12, (0, &[4, 3], &[3, 1]))
        .text("rows")
        .tensor("FloatStorage", "7", 12, (3, &[2, 3], &[3, 1]))
        .text("row")
        // The stride of a dimension of one element means nothing.
        .tensor("FloatStorage", "7", 12, (9, &[1, 3], &[99, 1]))
        .text("step")
        .op(b"K\x05")
        .op(b"u.");
    let zip = |pickle: &[u8]| {
        use crate::container::zip::tests::{Entry, Zip};
        Zip::of(vec![Entry::stored("m/data.pkl", pickle), Entry::stored("m/data/7", &shared.bytes)]).build()
    };
    let bytes = zip(&pickle.0);
    let found = of_file("m.pt", &bytes);
    let names: Vec<_> = found.iter().map(|tensor| (tensor.name.as_str(), tensor.bytes.as_slice())).collect();
    let all = shared.bytes.as_slice();
    assert_eq!(names, [("all", all), ("row", &all[36..]), ("rows", &all[12..36]), ("tied", all)]);
    let notes = model(read_file("m.pt", &bytes)).notes;
    assert_eq!((notes[0].code, notes[0].count), ("beside-tensors", 1));
    // Transposed: the bytes are not those of the tensor elsewhere.
    let transposed =
        make::Pickle::default().op(b"\x80\x02}").text("t").tensor("FloatStorage", "7", 12, (0, &[3, 4], &[1, 3]));
    match read_file("m.pt", &zip(&transposed.op(b"s.").0)) {
        Ok(Found::Beyond(reasons)) => assert_eq!(reasons[0].1, Beyond::Strided { name: "t".to_owned() }),
        other => panic!("{other:?}"),
    }
}

fn root(tensors: &[Tensor]) -> String {
    let leaf = |tensor: &Tensor| TensorLeaf {
        info: TensorInfo::new(tensor.name.as_str(), tensor.dtype, tensor.shape.clone()).unwrap(),
        digest: FileDigest::of(&tensor.bytes),
    };
    tensors_manifest(tensors.iter().map(leaf).collect()).unwrap().root().unwrap().to_string()
}

fn sharded(tensors: &[Tensor], into: usize) -> Files {
    let shards: Vec<Vec<Tensor>> =
        (0..into).map(|shard| tensors.iter().skip(shard).step_by(into).cloned().collect()).collect();
    let name = |shard: usize| format!("model-{:05}-of-{into:05}.safetensors", shard + 1);
    let map: Vec<String> = shards
        .iter()
        .enumerate()
        .flat_map(|(at, shard)| shard.iter().map(move |tensor| format!("\"{}\":\"{}\"", tensor.name, name(at))))
        .collect();
    let mut files =
        Files::of([("model.safetensors.index.json", format!("{{\"weight_map\":{{{}}}}}", map.join(",")).into())]);
    for (at, shard) in shards.iter().enumerate() {
        files.1.insert(name(at), make::safetensors(shard, None, at));
    }
    files.0 = files.1.keys().cloned().collect();
    files
}

fn any_tensors() -> impl Strategy<Value = Vec<Tensor>> {
    let dtype = proptest::sample::select(vec![Dtype::F32, Dtype::F16, Dtype::I64, Dtype::I8, Dtype::F64]);
    let one = (dtype, proptest::collection::vec(0_u64..6, 0..4));
    proptest::collection::btree_map("[a-z.]{1,6}", one, 4..9)
        .prop_map(|map| map.into_iter().map(|(name, (dtype, shape))| Tensor::new(&name, dtype, &shape)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn order_sharding_and_container_leave_the_tensors_as_they_are(
        (tensors, shuffled) in any_tensors().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        shards in 2..4_usize,
        padding in 0..9_usize,
    ) {
        let expected = root(&tensors);
        prop_assert_eq!(&root(&of_file("m", &make::safetensors(&shuffled, Some("pt"), padding))), &expected);
        prop_assert_eq!(&root(&of_file("m", &make::gguf(&shuffled, &[], 32))), &expected);
        prop_assert_eq!(&root(&of_file("m", &make::torch(&shuffled))), &expected);
        prop_assert_eq!(&root(&of_file("m", &make::npz(&shuffled, padding % 2 == 0))), &expected);
        prop_assert_eq!(&root(&of_folder(&sharded(&shuffled, shards))), &expected);
    }

    #[test]
    fn one_changed_bit_of_a_value_changes_the_root(
        tensors in any_tensors(), at in any::<prop::sample::Index>(), bit in 0..8_u32,
    ) {
        let expected = root(&tensors);
        let mut changed = tensors.clone();
        let full: Vec<usize> = (0..changed.len()).filter(|at| !changed[*at].bytes.is_empty()).collect();
        prop_assume!(!full.is_empty());
        let tensor = &mut changed[full[at.index(full.len())]];
        let place = at.index(tensor.bytes.len());
        tensor.bytes[place] ^= 1 << bit;
        prop_assert_ne!(root(&of_file("m", &make::safetensors(&changed, None, 0))), expected);
    }

    #[test]
    fn a_file_with_flipped_bytes_is_read_refused_or_passed_over_and_nothing_worse(
        kind in 0..5_usize, flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), cut in any::<prop::sample::Index>(),
    ) {
        let tensors = some();
        let mut bytes = match kind {
            0 => make::safetensors(&tensors, Some("pt"), 3),
            1 => make::gguf(&tensors, &[("general.name", 8, [&1_u64.to_le_bytes()[..], b"x"].concat())], 32),
            2 => make::torch(&tensors),
            3 => make::npz(&tensors, true),
            _ => make::npy(&tensors[0]),
        };
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(Found::Model(found)) = read_file("x", &bytes) {
            for located in &found.tensors {
                // Reading may fail (a checksum), never panic or give another length.
                let mut out = Vec::new();
                if tensor_bytes(located, &bytes).and_then(|mut source| source.read_to_end(&mut out)).is_ok() {
                    prop_assert_eq!(out.len() as u64, located.info.length);
                }
            }
        }
        bytes.truncate(cut.index(bytes.len()));
        let _ = read_file("x.safetensors", &bytes);
        let _ = read_file("x", &bytes);
    }
}

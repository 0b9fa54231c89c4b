//! The root of a checkpoint names its tensors and nothing else.

use proptest::prelude::*;

use super::*;

fn leaf(name: &str, dtype: Dtype, shape: &[u64], bytes: &[u8]) -> TensorLeaf {
    TensorLeaf { info: TensorInfo::new(name, dtype, shape.to_vec()).unwrap(), digest: FileDigest::of(bytes) }
}

fn root(leaves: Vec<TensorLeaf>) -> String {
    tensors_manifest(leaves).unwrap().root().unwrap().to_string()
}

fn item(name: &str, dtype: &str, shape: &[u64], length: u64, algorithm: i64) -> Vec<u8> {
    Encoder::encode(|e| {
        e.array(5);
        e.text(name);
        e.text(dtype);
        e.array(shape.len());
        shape.iter().for_each(|dim| e.uint(*dim));
        e.uint(length);
        e.array(2);
        e.int(algorithm);
        e.bytes(&[7; 32]);
    })
}

fn manifest(items: Vec<Vec<u8>>) -> Manifest {
    let header = ManifestHeader { kind: DigestKind::Tensors, projection: PROJECTION.to_owned(), facts: None };
    Manifest { header, items }
}

#[test]
fn a_manifest_reads_back_as_it_was_written() {
    let leaves = vec![leaf("a", Dtype::F32, &[2, 3], b"x"), leaf("b", Dtype::Q4K, &[256], b"y")];
    let manifest = tensors_manifest(leaves.clone()).unwrap();
    let object = manifest.to_object();
    assert_eq!(parse_tensors(&Manifest::parse_kind(&object, DigestKind::Tensors).unwrap()).unwrap(), leaves);
    let (sum, by_type) = parameters(leaves.iter().map(|leaf| &leaf.info)).unwrap();
    assert_eq!((sum, by_type), (262, BTreeMap::from([(Dtype::F32, 6), (Dtype::Q4K, 256)])));
}

#[test]
fn what_is_no_set_of_tensors_is_refused_by_name() {
    let refused = |items: Vec<Vec<u8>>| parse_tensors(&manifest(items)).unwrap_err().to_string();
    let good = |name: &str| item(name, "F32", &[2], 8, 1);
    let cases = [
        (vec![item("w", "F32", &[2], 9, 1)], "tensor `w` has 9 bytes where its type and shape take 8"),
        (
            vec![item("w", "F31", &[2], 8, 1)],
            "tensor `w` has the element type `F31`, which this reproledger does not know",
        ),
        (vec![item("w", "F32", &[2], 8, -16)], "tensor `w` carries a digest by `sha256`, expected `blake3`"),
        (
            vec![item("w", "F32", &[1 << 32, 1 << 32], 8, 1)],
            "tensor `w`: its dimensions multiply to more than 64 bits hold",
        ),
        (vec![item("w", "F32", &[1; 65], 4, 1)], "tensor `w` has 65 dimensions, the limit is 64"),
        (vec![item("", "F32", &[2], 8, 1)], "a tensor's name has 0 bytes, expected 1 to 4096"),
        (vec![good("b"), good("a")], "tensor `a` is not in its place: leaves are sorted by the bytes of their name"),
        (vec![good("a"), good("a")], "tensor `a` stands there twice"),
        (vec![], "a manifest needs a header and at least one item"),
        (
            vec![item("a", "U8", &[1 << 63], 1 << 63, 1), item("b", "U8", &[1 << 63], 1 << 63, 1)],
            "the tensors have more elements together than 64 bits count",
        ),
    ];
    for (items, expected) in cases {
        assert_eq!(refused(items), expected);
    }
    let mut other = manifest(vec![good("a")]);
    other.header.projection = "tensors/2".to_owned();
    assert_eq!(
        parse_tensors(&other).unwrap_err().to_string(),
        "the manifest has projection `tensors/2`, expected `tensors/1`"
    );
    other = manifest(vec![good("a")]);
    other.header.facts = Some(vec![0]);
    assert!(matches!(parse_tensors(&other), Err(TensorsError::Facts)));
    other = manifest(vec![good("a")]);
    other.header.kind = DigestKind::Tree;
    assert!(matches!(parse_tensors(&other), Err(TensorsError::Manifest(ManifestError::Kind { .. }))));
}

fn tensors() -> impl Strategy<Value = Vec<TensorLeaf>> {
    let dtype = proptest::sample::select(vec![Dtype::F32, Dtype::Bf16, Dtype::I64, Dtype::U8, Dtype::F8E4M3]);
    let one = (dtype, proptest::collection::vec(0_u64..5, 0..4), proptest::collection::vec(any::<u8>(), 0..8));
    proptest::collection::btree_map("[a-z.]{1,6}", one, 1..8).prop_map(|map| {
        map.into_iter().map(|(name, (dtype, shape, bytes))| leaf(&name, dtype, &shape, &bytes)).collect()
    })
}

proptest! {
    #[test]
    fn any_order_has_the_same_root(
        (leaves, shuffled) in tensors().prop_flat_map(|leaves| (Just(leaves.clone()), Just(leaves).prop_shuffle()))
    ) {
        prop_assert_eq!(root(leaves), root(shuffled));
    }

    #[test]
    fn one_changed_bit_of_anything_has_another_root(leaves in tensors(), at in any::<prop::sample::Index>(), bit in 0..256_usize) {
        let (at, before) = (at.index(leaves.len()), root(leaves.clone()));
        let changed = |change: &dyn Fn(&mut TensorLeaf)| {
            let mut leaves = leaves.clone();
            change(&mut leaves[at]);
            tensors_manifest(leaves).ok().map(|manifest| manifest.root().unwrap().to_string())
        };
        let mut digest = *leaves[at].digest.as_bytes();
        digest[bit / 8] ^= 1 << (bit % 8);
        prop_assert_ne!(changed(&|leaf| leaf.digest = FileDigest::from_bytes(digest)), Some(before.clone()));
        prop_assert_ne!(changed(&|leaf| leaf.info.name.push('x')), Some(before.clone()));
        prop_assert_ne!(changed(&|leaf| leaf.info.dtype = Dtype::Bool), Some(before.clone()));
        prop_assert_ne!(changed(&|leaf| leaf.info.shape.push(1)), Some(before.clone()));
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = TensorLeaf::parse(&bytes);
    }
}

//! Each way in which weights can be broken has an answer of its own.

use super::make::{Files, Pickle, Tensor, gguf, npy_raw, npz, safetensors, safetensors_raw, torch};
use super::*;
use crate::container::zip::tests::{Entry, Zip};

/// The refusal and its cause, in one line.
fn refused(found: Result<Found, WeightsError>) -> String {
    let error = found.expect_err("it is broken");
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

fn beyond(found: Result<Found, WeightsError>) -> String {
    match found {
        Ok(Found::Beyond(reasons)) => reasons[0].1.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_malformed_header_of_safetensors_is_refused_for_its_own_reason() {
    let one = |begin: u64, end: u64| format!("{{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[{begin},{end}]}}");
    let header = |body: &str, data: usize| safetensors_raw(body, &vec![0; data]);
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (vec![1, 2, 3], "it ends inside the length of its header, which begins at byte 0"),
        (
            u64::MAX.to_le_bytes().to_vec(),
            "the header length at byte 0 is 18446744073709551615, more than the limit of 100000000",
        ),
        (100_u64.to_le_bytes().to_vec(), "its header should reach to byte 108, and it has 8 bytes"),
        (header("[]", 0), "its header begins with `[`, expected `{` at byte 8"),
        (header(" {}", 0), "its header begins with ` `, expected `{` at byte 8"),
        (
            header("{\"a\":}", 0),
            "its header is not the JSON that was expected, counted from byte 8: the text is not JSON at byte 5",
        ),
        (header(&format!("{{\"a\":{},\"a\":{}}}", one(0, 4), one(4, 8)), 8), "`a` stands twice in its header"),
        (header(&format!("{{\"a\":{},\"b\":{}}}", one(0, 4), one(2, 6)), 6), "tensors `a` and `b` overlap at byte 117"),
        (
            header(&format!("{{\"a\":{},\"b\":{}}}", one(0, 4), one(8, 12)), 12),
            "the bytes 120..124 belong to no tensor",
        ),
        (header(&format!("{{\"a\":{}}}", one(4, 8)), 8), "the bytes 62..66 belong to no tensor"),
        (
            header(&format!("{{\"a\":{}}}", one(0, 4)), 6),
            "bytes follow the last tensor: it ends at byte 66, the file at 68",
        ),
        (header(&format!("{{\"a\":{}}}", one(0, 4)), 3), "tensor `a` should end at byte 66, and the file ends at 65"),
        (
            header(&format!("{{\"a\":{}}}", one(4, 0)), 4),
            "`a` in its header has `data_offsets` that end before they begin",
        ),
        (
            header(&format!("{{\"a\":{}}}", one(0, 8)), 8),
            "`a` in its header has `data_offsets` that are not as far apart as type and shape need",
        ),
        (
            header("{\"a\":{\"dtype\":\"F64\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}}", 0),
            "tensor `a`: its dimensions multiply to more than 64 bits hold",
        ),
        (
            header("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4),
            "`a` in its header has a `shape` that is no list of non-negative integers",
        ),
        (
            header("{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}", 4),
            "`a` in its header has a `shape` that is no list of non-negative integers",
        ),
        (
            header("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4),
            "`a` in its header has `data_offsets` that are not two",
        ),
        (
            header("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4),
            "`a` in its header has not all of `dtype`, `shape` and `data_offsets`",
        ),
        (
            header("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"I32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4),
            "`a` in its header has a member that stands twice",
        ),
        (
            header("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"scale\":2}}", 4),
            "`a` in its header has a member other than `dtype`, `shape` and `data_offsets`",
        ),
        (header("{\"__metadata__\":{\"a\":1}}", 0), "`__metadata__` in its header has a member that is no text"),
        (header("{\"a\":7}", 0), "`a` in its header has a value that is no object"),
    ];
    for (bytes, expected) in cases {
        assert_eq!(refused(read_file("x.safetensors", &bytes)), format!("`x.safetensors` is damaged: {expected}"));
    }
    let unknown = header("{\"a\":{\"dtype\":\"F3\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4);
    assert_eq!(beyond(read_file("x.safetensors", &unknown)), "tensor `a` is of element type `F3`");
    assert_eq!(beyond(read_file("x.safetensors", &header("{}", 0))), "it holds no tensor");
}

#[test]
fn every_malformed_table_of_gguf_is_refused_for_its_own_reason() {
    let tensors = [Tensor::new("a", Dtype::F32, &[4]), Tensor::new("b", Dtype::F32, &[4])];
    let good = gguf(&tensors, &[], 32);
    let edit = |at: usize, bytes: &[u8]| {
        let mut edited = good.clone();
        edited[at..at + bytes.len()].copy_from_slice(bytes);
        edited
    };
    // Each line of the table of tensors takes 8 + 1 + 4 + 8 + 4 + 8 bytes, its place being the last eight.
    let second_place = 24 + 2 * 33 - 8;
    let nested: Vec<u8> = (0..6).flat_map(|_| [&9_u32.to_le_bytes()[..], &1_u64.to_le_bytes()].concat()).collect();
    let value = |key: &'static str, kind: u32, bytes: &[u8]| gguf(&tensors, &[(key, kind, bytes.to_vec())], 32);
    let twice = gguf(&tensors, &[("k", 0, vec![1]), ("k", 0, vec![1])], 32);
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (edit(0, b"GGUX"), "its header begins with `GGUX`, expected `GGUF` at byte 0"),
        (edit(second_place, &16_u64.to_le_bytes()), "tensors `a` and `b` overlap at byte 112"),
        (edit(second_place, &64_u64.to_le_bytes()), "tensor `b` should end at byte 176, and the file ends at 144"),
        (
            edit(second_place, &u64::MAX.to_le_bytes()),
            "tensor `b` should end at byte 18446744073709551615, and the file ends at 144",
        ),
        (
            edit(16, &200_000_u64.to_le_bytes()),
            "the number of values at byte 16 is 200000, more than the limit of 100000",
        ),
        (
            edit(24, &u64::MAX.to_le_bytes()),
            "the length of a text at byte 24 is 18446744073709551615, more than the limit of 4096",
        ),
        (edit(33, &9_u32.to_le_bytes()), "the number of dimensions at byte 33 is 9, more than the limit of 8"),
        (edit(37, &(1_u64 << 62).to_le_bytes()), "tensor `a`: its dimensions multiply to more than 64 bits hold"),
        (
            value("general.alignment", 4, &[3, 0, 0, 0]),
            "the alignment at byte 49 is 3, expected a power of two of at most 1048576",
        ),
        (
            value("general.alignment", 10, &[32, 0, 0, 0, 0, 0, 0, 0]),
            "the type of the alignment at byte 49 is 10, expected 4 (a 32-bit number)",
        ),
        (value("k", 13, &[]), "the type of a value at byte 33 is 13, expected 0 to 12"),
        (value("k", 9, &nested), "the depth of lists at byte 33 is 5, more than the limit of 4"),
        (
            value("k", 9, &[&8_u32.to_le_bytes()[..], &u64::MAX.to_le_bytes(), &u64::MAX.to_le_bytes()].concat()),
            "it ends inside a text, which begins at byte 57",
        ),
        (
            value("k", 9, &[&10_u32.to_le_bytes()[..], &u64::MAX.to_le_bytes()].concat()),
            "it ends inside a value, which begins at byte 49",
        ),
        (twice, "`k` stands twice in its header"),
        ([&good[..], &[0; 33]].concat(), "bytes follow the last tensor: it ends at byte 144, the file at 177"),
        (good[..60].to_vec(), "it ends inside the name of a tensor, which begins at byte 57"),
    ];
    for (bytes, expected) in cases {
        assert_eq!(refused(read_file("x.gguf", &bytes)), format!("`x.gguf` is damaged: {expected}"));
    }
    let gap = gguf(&tensors, &[], 64);
    assert!(refused(read_file("x.gguf", &gap)).contains("the bytes"), "an alignment that the table does not state");
    assert_eq!(
        beyond(read_file("x", &edit(4, &1_u32.to_le_bytes()))),
        "it is of version 1, and only 2 and 3, little-endian, are read"
    );
    assert_eq!(
        beyond(read_file("x", &edit(24 + 8 + 1 + 4 + 8, &99_u32.to_le_bytes()))),
        "tensor `a` is of element type `ggml 99`"
    );
    assert_eq!(
        beyond(read_file("x", &edit(8, &u64::MAX.to_le_bytes()))),
        "it holds 18446744073709551615 tensors of 1000000 that one checkpoint may have"
    );
}

#[test]
fn arrays_that_numpy_would_have_to_build_or_turn_round_are_bytes_and_broken_ones_are_refused() {
    let npy = |descr: &str, fortran: &str, shape: &str, data: usize| {
        npy_raw(&format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n"), &vec![0; data])
    };
    for (bytes, expected) in [
        (npy("'>f4'", "False", "(2, 2)", 16), "tensor `array` is big-endian"),
        (npy("'<f4'", "True", "(2, 2)", 16), "tensor `array` does not lie contiguous and row-major"),
        (npy("'|O'", "False", "(1,)", 8), "tensor `array` is of element type `|O`"),
        (npy("'<U5'", "False", "(1,)", 20), "tensor `array` is of element type `<U5`"),
        (npy("[('a', '<f4')]", "False", "(1,)", 4), "tensor `array` is of element type `a record`"),
    ] {
        assert_eq!(beyond(read_file("x.npy", &bytes)), expected);
    }
    // One long dimension has the same bytes in either order.
    assert_eq!(of_file("x.npy", &npy("'<f4'", "True", "(1, 4, 1)", 16))[0].shape, [1, 4, 1]);
    for (bytes, expected) in [
        (npy("'<f4'", "False", "(2, 2)", 15), "tensor `array` should end at byte 86, and the file ends at 85"),
        (npy("'<f4'", "False", "(2, 2)", 17), "bytes follow the last tensor: it ends at byte 86, the file at 87"),
        (
            npy_raw("import os", &[]),
            "its header begins with ``, expected `the dictionary that NumPy writes` at byte 10",
        ),
        (
            [&b"\x93NUMPY\x02\0"[..], &u32::MAX.to_le_bytes()].concat(),
            "the header length at byte 8 is 4294967295, more than the limit of 10000",
        ),
        (b"\x93NUMPY\x01\0\x40\0{".to_vec(), "it ends inside its header, which begins at byte 10"),
    ] {
        assert_eq!(refused(read_file("x.npy", &bytes)), format!("`x.npy` is damaged: {expected}"));
    }
    assert_eq!(
        beyond(read_file("x.npz", &Zip::of(vec![Entry::stored("readme.txt", b"x")]).build())),
        "an archive without a state dictionary or NumPy arrays"
    );
    let member = Entry::stored("a.npy", &npy("'<f4'", "False", "(2, 2)", 15));
    assert!(refused(read_file("x.npz", &Zip::of(vec![member]).build())).contains("tensor `a` should end at byte 86"));
    let twice = npz(&[some()[0].clone(), some()[0].clone()], false);
    assert!(refused(read_file("x.npz", &twice)).contains("two members have the name `a.weight.npy`"));
}

#[test]
fn an_archive_that_expands_beyond_its_bound_is_refused_before_it_is_unpacked() {
    // 32 MiB of zeros each, deflated to 32 KiB: ten of them are beyond 256 MiB and 48 times the file.
    let zeros = Tensor { name: String::new(), dtype: Dtype::I8, shape: vec![32 << 20], bytes: vec![0; 32 << 20] };
    let entry = |at: usize| Entry::deflated(&format!("{at}.npy"), &super::make::npy(&zeros));
    let bytes = Zip::of((0..10).map(entry).collect()).build();
    let text = refused(read_file("x.npz", &bytes));
    assert!(text.contains("the members together expand beyond"), "{text}");
}

#[test]
fn a_pickle_is_never_run_and_says_at_which_byte_it_is_more_than_tensors() {
    let zip =
        |pickle: &[u8]| Zip::of(vec![Entry::stored("m/data.pkl", pickle), Entry::stored("m/data/0", &[0; 16])]).build();
    let read = |pickle: Pickle| read_file("m.pt", &zip(&pickle.0));
    let begin = || Pickle::default().op(b"\x80\x02");
    let tensor = |pickle: Pickle, view| pickle.tensor("FloatStorage", "0", 4, view);
    for (pickle, expected) in [
        (
            begin().global("os", "system").text("touch /tmp/x").op(b"\x85R."),
            "pickle beyond tensors at byte 2: the name `os.system`",
        ),
        (begin().global("torch", "load").op(b")R."), "pickle beyond tensors at byte 2: the name `torch.load`"),
        (
            begin().global("builtins\u{1b}[2J", "eval").op(b"."),
            "pickle beyond tensors at byte 2: the name `builtins\\u{1b}[2J.eval`",
        ),
        (begin().op(b"i"), "pickle beyond tensors at byte 2: opcode 0x69"),
        (begin().op(b"}").op(b"\x81."), "pickle beyond tensors at byte 3: opcode 0x81"),
        (begin().op(b"].").op(b""), "pickle beyond tensors at byte 3: it is no dictionary of tensors"),
        (begin().op(b"K\x01}b."), "pickle beyond tensors at byte 5: it sets the state of an object"),
        (begin().op(b"}K\x01Q."), "pickle beyond tensors at byte 5: a persistent id that is no storage"),
        (
            begin().op(b"}q\x00").text("x").op(b"h\x00s."),
            "pickle beyond tensors at byte 14: a dictionary in itself, twice, or too deep",
        ),
        (
            begin().global("collections", "OrderedDict").op(b"](\x85R."),
            "pickle beyond tensors at byte 29: it takes a value that is not there",
        ),
    ] {
        let found = read(pickle);
        let text = if matches!(found, Ok(Found::Beyond(_))) {
            beyond(found)
        } else {
            refused(found).replace("`m.pt` is damaged: the pickle in it at byte", "pickle beyond tensors at byte")
        };
        assert_eq!(text, expected);
    }
    for (pickle, expected) in [
        (begin().op(b"}"), "the pickle in it at byte 3: it ends inside this opcode"),
        (begin().op(b"}.x"), "the pickle in it at byte 4: bytes follow its end"),
        (begin().op(b"t"), "the pickle in it at byte 2: it goes back to a mark that is not there"),
        (begin().op(b"h\x07"), "the pickle in it at byte 2: it recalls what it did not remember"),
        (begin().op(b"}(K\x01u."), "the pickle in it at byte 6: a key without a value"),
        (begin().op(b"X\xff\xff\xff\xff"), "the pickle in it at byte 2: it ends inside this opcode"),
        (
            tensor(begin().op(b"}").text("t"), (1 << 63, &[1], &[1])).op(b"s."),
            "the pickle in it at byte 165: a tensor with a negative offset",
        ),
    ] {
        assert_eq!(refused(read(pickle)), format!("`m.pt` is damaged: {expected}"));
    }
    let named = |view| read(tensor(begin().op(b"}").text("t"), view).op(b"s."));
    assert!(refused(named((1, &[4], &[1]))).ends_with("needs the record `m/data/0`, which is shorter than the tensor"));
    assert!(refused(named((1 << 62, &[1], &[1]))).ends_with("which is shorter than the tensor"));
    assert!(
        refused(named((0, &[1 << 40, 1 << 40], &[1, 1])))
            .ends_with("its dimensions multiply to more than 64 bits hold")
    );
    assert_eq!(beyond(named((0, &[2, 2], &[0, 0]))), "tensor `t` does not lie contiguous and row-major");
    let other = begin().op(b"}").text("t").tensor("FloatStorage", "9", 4, (0, &[4], &[1])).op(b"s.");
    assert!(refused(read(other)).ends_with("needs the record `m/data/9`, which is not there"));
    let longer = begin().op(b"}").text("t").tensor("FloatStorage", "0", 5, (0, &[4], &[1])).op(b"s.");
    assert!(refused(read(longer)).ends_with("which has another length than the storage it holds"));
}

#[test]
fn a_pickle_that_makes_more_values_than_tensors_need_is_left_before_they_fill_the_memory() {
    let read = |pickle: &[u8]| beyond(read_file("m.pt", &Zip::of(vec![Entry::stored("m/data.pkl", pickle)]).build()));
    let on_the_stack = [&b"\x80\x02"[..], &vec![b'N'; 200_000], b"."].concat();
    assert_eq!(read(&on_the_stack), "pickle beyond tensors at byte 100002: more values than a state dictionary has");
    // Taken off the stack into tuples, over and over.
    let batch = [&b"("[..], &[b'N'; 1000], b"t0"].concat();
    let in_tuples = [&b"\x80\x02"[..], &[&b"("[..], &[b'N'; 1000], b"t"].concat().repeat(5000), b"."].concat();
    assert!(read(&in_tuples).ends_with("more values than a state dictionary has"));
    assert_eq!(read(&[&b"\x80\x02"[..], &batch].concat()), "pickle beyond tensors at byte 1004: opcode 0x30");
    // Deeply nested, which nothing here recurses into.
    let nested = [&b"\x80\x02)"[..], &vec![0x85; 1_000_000], b"."].concat();
    assert!(read(&nested).ends_with("it is no dictionary of tensors"));
}

#[test]
fn the_same_bytes_under_very_many_names_are_refused() {
    let mut pickle = Pickle::default().op(b"\x80\x02}(");
    for at in 0..100 {
        let view = (0, &[1 << 16][..], &[1][..]);
        pickle = pickle.text(&format!("t{at}")).tensor("FloatStorage", "0", 1 << 16, view);
    }
    let entries = vec![Entry::stored("m/data.pkl", &pickle.op(b"u.").0), Entry::stored("m/data/0", &vec![0; 1 << 18])];
    let text = refused(read_file("m.pt", &Zip::of(entries).build()));
    assert!(text.contains("the same bytes stand under too many names"), "{text}");
}

#[test]
fn a_bare_pickle_and_a_file_of_no_format_are_bytes() {
    assert_eq!(
        beyond(read_file("old.pt", &b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.".to_vec())),
        "a bare pickle, which only running it could read"
    );
    assert_eq!(beyond(read_file("weights.dat", &b"anything".to_vec())), "its format is not known");
    assert_eq!(beyond(read_file("weights.dat", &Vec::new())), "its format is not known");
}

#[test]
fn shards_that_do_not_go_together_are_refused_for_their_own_reason() {
    let tensors = [Tensor::new("a", Dtype::F32, &[2]), Tensor::new("b", Dtype::F32, &[2])];
    let shard = |at: usize| safetensors(&tensors[at..=at], None, 0);
    let (first, second) = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors");
    let index = |map: &str| format!("{{\"metadata\":{{\"total_size\":16}},\"weight_map\":{{{map}}}}}").into_bytes();
    let good = index(&format!("\"a\":\"{first}\",\"b\":\"{second}\""));
    let name = "model.safetensors.index.json";
    let folder = |files: Vec<(&str, Vec<u8>)>| {
        let files = files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect::<BTreeMap<_, _>>();
        Files(files.keys().cloned().collect(), files)
    };
    let both = |index: Vec<u8>| folder(vec![(name, index), (first, shard(0)), (second, shard(1))]);
    assert_eq!(of_folder(&both(good.clone())), tensors);
    let cases: Vec<(Files, &str)> = vec![
        (folder(vec![(name, good.clone()), (first, shard(0))]), "shard `model-00002-of-00002.safetensors` is missing"),
        (
            folder(vec![
                (name, good.clone()),
                (first, shard(0)),
                (second, shard(1)),
                ("model-00003-of-00003.safetensors", shard(0)),
            ]),
            "shard `model-00003-of-00003.safetensors` is not in the index",
        ),
        (
            folder(vec![(name, good.clone()), (first, shard(0)), (second, shard(0))]),
            "tensor `a` is in both `model-00001-of-00002.safetensors` and `model-00002-of-00002.safetensors`",
        ),
        (
            folder(vec![(name, good.clone()), (first, shard(1)), (second, shard(0))]),
            "tensor `a` is in `model-00002-of-00002.safetensors`, and the index says `model-00001-of-00002.safetensors`",
        ),
        (
            both(index(&format!("\"a\":\"{first}\",\"c\":\"{second}\""))),
            "tensor `c` is not in `model-00002-of-00002.safetensors`, where the index says it is",
        ),
        (
            folder(vec![(name, index(&format!("\"a\":\"{first}\""))), (first, safetensors(&tensors, None, 0))]),
            "tensor `b` is in `model-00001-of-00002.safetensors`, and the index does not know it",
        ),
        (
            both(index(&format!("\"a\":\"{first}\",\"b\":\"../{second}\""))),
            "the index places tensor `b` in `../model-00002-of-00002.safetensors`, which is no name of a file beside it",
        ),
        (
            both(index(&format!("\"a\":\"{first}\",\"a\":\"{second}\""))),
            "the index is not the JSON that was expected: `a` stands twice in one object",
        ),
        (both(b"{}".to_vec()), "the index has no `weight_map`, or an empty one"),
        (folder(vec![(first, shard(0))]), "shard `model-00002-of-00002.safetensors` is missing"),
        (
            folder(vec![(first, shard(0)), (second, shard(0))]),
            "tensor `a` is in both `model-00001-of-00002.safetensors` and `model-00002-of-00002.safetensors`",
        ),
        (
            folder(vec![(first, shard(0)), ("model-00002-of-00003.safetensors", shard(1))]),
            "shards of 2 and of 3 files lie together",
        ),
        (
            folder(vec![
                ("x.fp16.safetensors.index.json", good.clone()),
                ("x.fp32.safetensors.index.json", good.clone()),
            ]),
            "several indexes, and nothing says which one is meant: `x.fp16.safetensors.index.json`, `x.fp32.safetensors.index.json`",
        ),
    ];
    for (files, expected) in cases {
        assert_eq!(refused(read_folder(&files)), format!("the shards of this model do not go together: {expected}"));
    }
    let other_size = both(String::from_utf8(good.clone()).unwrap().replace("16", "17").into_bytes());
    let notes = model(read_folder(&other_size)).notes;
    assert_eq!(notes[0].text, "the index says its tensors have 17 bytes together, and they have 16");
    // Shards of PyTorch go by the same index.
    let bin = |name: &str| name.replace("safetensors", "bin");
    let torch_index = bin(std::str::from_utf8(&good).unwrap()).into_bytes();
    let (first, second) = (bin(first), bin(second));
    let files = folder(vec![
        ("pytorch_model.bin.index.json", torch_index),
        (&first, torch(&tensors[..1])),
        (&second, torch(&tensors[1..])),
    ]);
    assert_eq!(of_folder(&files), tensors);
}

#[test]
fn of_several_files_the_preferred_format_is_read_and_the_trainers_state_is_none() {
    let (a, b) = ([Tensor::new("a", Dtype::F32, &[2])], [Tensor::new("b", Dtype::F32, &[2])]);
    let files = Files::of([
        ("optimizer.pt", b"\x80\x02.".to_vec()),
        ("pytorch_model.bin", torch(&b)),
        ("model.safetensors", safetensors(&a, None, 0)),
        ("config.json", b"{}".to_vec()),
    ]);
    assert_eq!(of_folder(&files), a);
    assert_eq!(
        of_folder(&Files::of([
            ("x.safetensors", safetensors(&a, None, 0)),
            ("y.safetensors", safetensors(&b, None, 0))
        ]))
        .len(),
        2
    );
    let twins = Files::of([("q4.gguf", gguf(&a, &[], 32)), ("q8.gguf", gguf(&a, &[], 32))]);
    assert_eq!(
        beyond(read_folder(&twins)),
        "several files here hold a tensor `a`, and nothing says which one is meant"
    );
    let half = Files::of([("a.bin", torch(&a)), ("b.bin", b"\x80\x02.".to_vec())]);
    assert_eq!(beyond(read_folder(&half)), "a bare pickle, which only running it could read");
    assert!(matches!(read_folder(&Files::of([("optimizer.pt", vec![]), ("notes.txt", vec![])])), Ok(Found::Nothing)));
}

//! A manifest of every kind, with an item of every form.

use std::collections::BTreeMap;

use reproledger::artifact::documents::{DocumentLeaf, Flags, documents_manifest};
use reproledger::artifact::dtype::Dtype;
use reproledger::artifact::manifest::Manifest;
use reproledger::artifact::rows::{OFFSETS, OffsetLeaf, RowLeaf, TEXT, header, rowset_manifest};
use reproledger::artifact::samples::{
    AnomalyCode, DetailsDigest, LogFacts, ReportedMetric, SampleId, SampleKey, SampleRecord, SampleStatus, Score,
    samples_manifest,
};
use reproledger::artifact::tensors::{TensorInfo, TensorLeaf, tensors_manifest};
use reproledger::artifact::tree::{FileMode, TreeLeaf, TreeNode, TreePath, tree_manifest};
use reproledger::codec::Encoder;
use reproledger::digest::{DigestKind, FileDigest};

pub(super) fn leaf(path: &str, node: TreeNode) -> TreeLeaf {
    TreeLeaf { path: TreePath::parse(path).unwrap(), node }
}

pub(super) fn tree() -> Manifest {
    let file =
        |mode, text: &str| TreeNode::File { mode, size: text.len() as u64, digest: FileDigest::of(text.as_bytes()) };
    tree_manifest(vec![
        leaf("README", file(FileMode::Plain, "read me")),
        leaf("bin/run", file(FileMode::Executable, "#!/bin/sh")),
        leaf("data/é.jsonl", file(FileMode::Plain, "")),
        leaf("latest", TreeNode::Link { target: "../elsewhere".to_owned() }),
    ])
    .unwrap()
}

pub(super) fn documents() -> Manifest {
    let document = |key: &str, flags| DocumentLeaf {
        key: key.to_owned(),
        raw: FileDigest::of(key.as_bytes()),
        raw_length: key.len() as u64,
        text: FileDigest::of(b"text"),
        text_length: 4,
        flags,
    };
    let every = Flags::NAMES.iter().fold(Flags::NONE, |all, (flag, _)| all.with(*flag));
    documents_manifest(vec![document("Records/Memo/case 1.txt", Flags::NONE), document("7", every)]).unwrap()
}

pub(super) fn tensors() -> Manifest {
    let leaf = |name: &str, dtype, shape: &[u64]| {
        let info = TensorInfo::new(name, dtype, shape.to_vec()).unwrap();
        TensorLeaf { info, digest: FileDigest::of(name.as_bytes()) }
    };
    let every = Dtype::ALL.iter().map(|dtype| leaf(&format!("t.{}", dtype.name()), *dtype, &[256]));
    tensors_manifest(every.chain([leaf("scalar", Dtype::F32, &[]), leaf("none", Dtype::I64, &[3, 0])]).collect())
        .unwrap()
}

pub(super) fn rowset() -> Manifest {
    rowset_manifest(TEXT, [b"a", b"b", b"a"].map(|text| FileDigest::of(text)).to_vec()).unwrap()
}

pub(super) fn rows() -> Manifest {
    let row = RowLeaf { digest: FileDigest::of(b"a"), length: 1 };
    Manifest { header: header(DigestKind::Rows, TEXT), items: vec![Encoder::encode(|e| row.encode(e)); 2] }
}

pub(super) fn places() -> Manifest {
    let place = |start| Encoder::encode(|e| OffsetLeaf { file: 0, start, length: 1468 }.encode(e));
    Manifest { header: header(DigestKind::Rows, OFFSETS), items: vec![place(0), place(1469)] }
}

pub(super) fn samples() -> Manifest {
    let mut facts = LogFacts {
        format: "inspect.eval".to_owned(),
        schema: Some(2),
        status: Some("success".to_owned()),
        reader: "inspect/1".to_owned(),
        declared: Some((4, 1)),
        total: Some(4),
        completed: Some(4),
        task: Some("popularity".to_owned()),
        model: Some("mock".to_owned()),
        ..LogFacts::default()
    };
    let text = |text: &str| text.to_owned();
    let (scorer, reducer) = (text("match"), Some(text("mean")));
    facts.report(ReportedMetric {
        score: scorer.clone(),
        scorer,
        reducer,
        metric: text("accuracy"),
        lexeme: text("0.6666666666666666"),
    });
    facts.anomalies.add(AnomalyCode::ScoreEdited, "(1, epoch 1)");
    let record = |key: SampleKey, score: Score, status: SampleStatus| SampleRecord {
        key,
        status,
        scores: BTreeMap::from([
            (text("match"), BTreeMap::from([(String::new(), score)])),
            (text("tiny"), BTreeMap::from([(text("p"), Score::of_token("1e-30").unwrap())])),
        ]),
        details: DetailsDigest::from_bytes([u8::try_from(status.id()).unwrap(); 32]),
    };
    let full = SampleKey {
        cell: Some(text("cell")),
        condition: Some(text("condition")),
        id: SampleId::Text(text("a")),
        seed: Some(-1),
        epoch: 1,
    };
    let token = |token: &str| Score::of_token(token).unwrap();
    let records = [
        record(SampleKey::new(SampleId::Int(1), 1), token("1"), SampleStatus::Scored),
        record(SampleKey::new(SampleId::Int(-2), 1), token("0"), SampleStatus::Limit),
        record(SampleKey::new(SampleId::Int(3), 1), token("NaN"), SampleStatus::Unscored),
        record(full, token("true"), SampleStatus::Error),
    ];
    samples_manifest(&facts, &records).unwrap()
}

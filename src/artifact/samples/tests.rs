//! Sample records and facts: round trips, and every way a manifest of samples may not be.

use num_rational::BigRational;
use proptest::prelude::*;

use super::*;
use crate::artifact::manifest::ManifestView;

fn score(token: &str) -> Score {
    Score::of_token(token).unwrap()
}

fn record(id: SampleId, epoch: u64, token: &str) -> SampleRecord {
    SampleRecord {
        key: SampleKey::new(id, epoch),
        status: SampleStatus::Scored,
        scores: BTreeMap::from([("match".to_owned(), BTreeMap::from([(String::new(), score(token))]))]),
        details: DetailsDigest::from_bytes([7; 32]),
    }
}

fn facts() -> LogFacts {
    let mut facts = LogFacts {
        format: "inspect.eval".to_owned(),
        schema: Some(2),
        status: Some("success".to_owned()),
        reader: "inspect/1".to_owned(),
        declared: Some((2, 1)),
        total: Some(2),
        completed: Some(2),
        task: Some("popularity".to_owned()),
        model: Some("m".to_owned()),
        ..LogFacts::default()
    };
    facts.report(ReportedMetric {
        scorer: "match".to_owned(),
        score: "match".to_owned(),
        reducer: None,
        metric: "accuracy".to_owned(),
        lexeme: "0.5".to_owned(),
    });
    facts.anomalies.add(AnomalyCode::ScoreEdited, "(1, epoch 1)");
    facts.anomalies.add(AnomalyCode::SampleMissing, "(3, epoch 1)");
    facts
}

fn read(manifest: &Manifest) -> Result<(LogFacts, Vec<SampleRecord>), SamplesError> {
    let object = manifest.to_object();
    let samples = Samples::read(&ManifestView::parse_kind(&object, DigestKind::Samples)?)?;
    Ok((samples.facts.clone(), samples.records().map(SampleView::to_record).collect()))
}

fn ratio(numer: i64, denom: i64) -> BigRational {
    BigRational::new(numer.into(), denom.into())
}

#[test]
fn a_manifest_gives_back_its_facts_and_records_in_order() {
    let samples = [
        record(SampleId::Text("a".to_owned()), 1, "0.5"),
        record(SampleId::Int(1), 2, "1"),
        record(SampleId::Int(1), 1, "0"),
    ];
    let manifest = samples_manifest(&facts(), &samples).unwrap();
    let (found, records) = read(&manifest).unwrap();
    assert_eq!(found, facts());
    assert_eq!(records, [samples[2].clone(), samples[1].clone(), samples[0].clone()]);
    let keys: Vec<Vec<u8>> = records.iter().map(|r| r.key.to_bytes()).collect();
    assert!(keys.is_sorted());
    let flipped = samples_manifest(&facts(), &[record(SampleId::Int(1), 1, "1")]).unwrap();
    assert_ne!(flipped.root().unwrap(), samples_manifest(&facts(), &samples[2..]).unwrap().root().unwrap());
}

#[test]
fn judges_stand_in_order_each_once_and_are_absent_where_there_are_none() {
    let model = |model: &str, role: &str| ObservedModel {
        model: model.to_owned(),
        role: role.to_owned(),
        samples: 2,
        named: role.is_empty(),
    };
    let score = |key: &str| Rejudged {
        scorer: "harm".to_owned(),
        key: key.to_owned(),
        parser: "am.answer-tag/1".to_owned(),
        agrees: 1,
        differs: 0,
        unread: 1,
    };
    let with = |observed: Vec<ObservedModel>, rejudged: Vec<Rejudged>| LogFacts { observed, rejudged, ..facts() };
    let sound = with(vec![model("a", ""), model("a", "grader"), model("b", "")], vec![score(""), score("k")]);
    assert_eq!(LogFacts::decode(&sound.encode()), Ok(sound.clone()));
    assert!(!facts().encode().windows(6).any(|bytes| bytes == b"grader"));
    for (observed, rejudged) in [
        (vec![model("b", ""), model("a", "")], vec![]),
        (vec![model("a", ""), model("a", "")], vec![]),
        (vec![], vec![score("k"), score("")]),
        (vec![], vec![score(""), score("")]),
    ] {
        let refused = LogFacts::decode(&with(observed, rejudged).encode());
        assert_eq!(refused, Err(DecodeError::Unsorted { what: "the list of judges" }.into()));
    }
    // An empty list is another spelling of an absent one: the map's head counts one more, key 13 is an empty array.
    let mut spelled = facts().encode();
    spelled[0] += 1;
    spelled.extend_from_slice(&[0x0d, 0x80]);
    let length = DecodeError::Length { what: "a list of judges", expected: "at least one", found: 0 };
    assert_eq!(LogFacts::decode(&spelled), Err(length.into()));
}

#[test]
fn a_sample_stands_there_once_and_in_its_place() {
    let (one, two) = (record(SampleId::Int(1), 1, "1"), record(SampleId::Int(2), 1, "1"));
    let duplicate = samples_manifest(&facts(), &[one.clone(), one.clone()]);
    assert_eq!(duplicate, Err(SamplesError::Duplicate { key: "(1, epoch 1)".to_owned() }));
    assert_eq!(samples_manifest(&facts(), &[]), Err(SamplesError::NoSamples));
    let mut manifest = samples_manifest(&facts(), &[one, two]).unwrap();
    manifest.items.swap(0, 1);
    assert_eq!(read(&manifest), Err(SamplesError::Order { key: "(1, epoch 1)".to_owned() }));
    manifest.items[1] = manifest.items[0].clone();
    assert_eq!(read(&manifest), Err(SamplesError::Duplicate { key: "(2, epoch 1)".to_owned() }));
    manifest.header.projection = "inspect/2".to_owned();
    assert!(matches!(read(&manifest), Err(SamplesError::Projection { .. })));
    manifest.header.facts = None;
    assert_eq!(read(&manifest), Err(SamplesError::NoFacts));
}

#[test]
fn an_id_keeps_its_type() {
    let (int, text) = (SampleKey::new(SampleId::Int(1), 1), SampleKey::new(SampleId::Text("1".to_owned()), 1));
    assert_ne!(int.to_bytes(), text.to_bytes());
    assert_eq!((int.to_string().as_str(), text.to_string().as_str()), ("(1, epoch 1)", "(\"1\", epoch 1)"));
}

#[test]
fn a_lexeme_means_one_rational() {
    for (token, value) in [
        ("1", ratio(1, 1)),
        ("0.50", ratio(1, 2)),
        ("-2.5e-1", ratio(-1, 4)),
        ("1E+2", ratio(100, 1)),
        ("true", ratio(1, 1)),
        ("false", ratio(0, 1)),
        ("0.07666666666666666", BigRational::new(7_666_666_666_666_666_i64.into(), 100_000_000_000_000_000_i64.into())),
    ] {
        assert_eq!(score(token).value(), Some(&value), "{token}");
    }
    for token in ["NaN", "null"] {
        assert!(score(token).is_unscored() && score(token).value().is_none());
    }
    for token in ["1e999999999", "1e401", "1e-400000000000000000000", "Infinity", "-Infinity"] {
        assert!(score(token).is_unreadable(), "{token}");
    }
    assert!(Score::of_token(&"1".repeat(65)).is_err());
}

#[test]
fn texts_mean_what_inspect_makes_of_them() {
    let cases = [
        ("C", Some((1, 1))),
        ("P", Some((1, 2))),
        ("I", Some((0, 1))),
        ("N", Some((0, 1))),
        ("Yes", Some((1, 1))),
        ("FALSE", Some((0, 1))),
        (" 0.25 ", Some((1, 4))),
        ("+1e1", Some((10, 1))),
        ("c", None),
        ("nan", None),
        ("inf", None),
        ("", None),
    ];
    for (text, value) in cases {
        assert_eq!(inspect_text_value(text), value.map(|(n, d)| ratio(n, d)), "{text:?}");
    }
}

#[test]
fn a_long_text_becomes_its_digest() {
    let long = "x".repeat(100);
    let found = Score::of_text(&format!("\"{long}\""), long.as_bytes(), None);
    assert_eq!(found.lexeme(), format!("text:{}", FileDigest::of(long.as_bytes())));
    assert!(Score::of_structure(b"[1]").lexeme().starts_with("json:"));
}

#[test]
fn a_rational_that_its_lexeme_does_not_mean_is_refused() {
    let wire = |write: &dyn Fn(&mut Encoder)| {
        let bytes = Encoder::encode(write);
        let record = Encoder::encode(|e| {
            e.map(|m| {
                m.entry(1, |e| e.raw(&SampleKey::new(SampleId::Int(1), 1).to_bytes()));
                m.entry(2, |e| e.uint(0));
                m.entry(3, |e| e.map(|m| m.text_entry("m", |e| e.map(|m| m.text_entry("", |e| e.raw(&bytes))))));
                m.entry(4, |e| e.bytes(&[7; 32]));
            });
        });
        SampleRecord::decode(&record)
    };
    let three = |lexeme: &str, numer: i64, denom: i64| {
        wire(&|e| {
            e.array(3);
            e.text(lexeme);
            e.int(numer);
            e.int(denom);
        })
    };
    assert!(three("0.5", 1, 2).is_ok());
    assert!(three("\"C\"", 1, 1).is_ok());
    assert_eq!(three("0", 1, 1), Err(SamplesError::LexemeValue { lexeme: "0".to_owned() }));
    assert_eq!(three("NaN", 1, 1), Err(SamplesError::LexemeValue { lexeme: "NaN".to_owned() }));
    assert_eq!(three("\"C\"", 2, 2), Err(SamplesError::Rational));
    assert_eq!(three("\"C\"", 1, 0), Err(SamplesError::Rational));
    assert_eq!(three("\"C\"", -1, -1), Err(SamplesError::Rational));
    let bare = wire(&|e| {
        e.array(1);
        e.text("1");
    });
    assert_eq!(bare, Err(SamplesError::LexemeValue { lexeme: "1".to_owned() }));
    let small_as_text = wire(&|e| {
        e.array(3);
        e.text("\"C\"");
        e.text("1");
        e.int(1);
    });
    assert_eq!(small_as_text, Err(SamplesError::Rational));
}

#[test]
fn unknown_keys_and_values_are_unsupported() {
    let unknown = Encoder::encode(|e| e.map(|m| m.entry(99, |e| e.uint(1))));
    for error in [SampleRecord::decode(&unknown).unwrap_err(), LogFacts::decode(&unknown).unwrap_err()] {
        assert!(matches!(error, SamplesError::Decode(ref e) if e.is_unsupported()), "{error}");
    }
    let lacking = Encoder::encode(|e| e.map(|m| m.entry(2, |e| e.uint(1))));
    assert!(matches!(
        SampleRecord::decode(&lacking),
        Err(SamplesError::Decode(DecodeError::MissingKey { key: 1, .. }))
    ));
}

#[test]
fn the_worst_anomalies_are_kept_and_all_are_counted() {
    let mut anomalies = Anomalies::default();
    for n in 0..60 {
        anomalies.add(AnomalyCode::ScoreEdited, format!("{n}"));
    }
    anomalies.add(AnomalyCode::SampleMissing, "one");
    anomalies.add(AnomalyCode::MetricDisagrees, "two");
    anomalies.add_many(AnomalyCode::Unscored, 0, "none");
    assert_eq!(anomalies.listed().len(), MAX_ANOMALIES);
    assert_eq!((anomalies.listed()[0].text.as_str(), anomalies.listed()[1].text.as_str()), ("two", "one"));
    assert_eq!((anomalies.count(AnomalyCode::ScoreEdited), anomalies.count(AnomalyCode::Unscored)), (60, 0));
    assert_eq!((anomalies.worst(), anomalies.of_severity(Severity::Note)), (Some(Severity::Contradiction), 60));
    let facts = LogFacts { anomalies, ..facts() };
    assert_eq!(LogFacts::decode(&facts.encode()).unwrap(), facts);
}

#[test]
fn an_anomaly_cannot_hide_behind_its_count() {
    let mut found = facts();
    found.anomalies.listed.remove(0);
    assert!(LogFacts::decode(&found.encode()).is_err());
    let mut found = facts();
    found.anomalies.counts.clear();
    assert!(LogFacts::decode(&found.encode()).is_err());
    let mut found = facts();
    found.anomalies.listed.reverse();
    assert!(LogFacts::decode(&found.encode()).is_err());
}

#[test]
fn anomaly_codes_are_distinct() {
    let ids: std::collections::BTreeSet<u64> = AnomalyCode::ALL.iter().map(|code| code.id()).collect();
    let names: std::collections::BTreeSet<&str> = AnomalyCode::ALL.iter().map(|code| code.name()).collect();
    assert_eq!((ids.len(), names.len()), (AnomalyCode::ALL.len(), AnomalyCode::ALL.len()));
}

#[test]
fn details_commit_to_each_field() {
    let details = SampleDetails {
        source: FileDigest::of(b"s"),
        input: Some(FileDigest::of(b"i")),
        completion: None,
        stop_reason: None,
        flags: 0,
    };
    let others = [
        SampleDetails { source: FileDigest::of(b"t"), ..details.clone() },
        SampleDetails { input: None, ..details.clone() },
        SampleDetails { input: None, completion: details.input, ..details.clone() },
        SampleDetails { stop_reason: Some("stop".to_owned()), ..details.clone() },
        SampleDetails { flags: 1, ..details.clone() },
    ];
    assert!(others.iter().all(|other| other.digest() != details.digest()));
}

prop_compose! {
    fn any_key()(cell in proptest::option::of("\\PC{0,8}"), condition in proptest::option::of("\\PC{0,8}"),
        id in prop_oneof![any::<i64>().prop_map(SampleId::Int), "\\PC{0,12}".prop_map(SampleId::Text)],
        seed in proptest::option::of(any::<i64>()), epoch in any::<u64>()) -> SampleKey {
        SampleKey { cell, condition, id, seed, epoch }
    }
}

prop_compose! {
    fn any_score()(choice in 0..4, float in any::<f64>(), text in "\\PC{0,80}") -> Score {
        match choice {
            0 => Score::of_token(&serde_json::to_string(&float).unwrap()).unwrap(),
            1 => Score::of_text(&serde_json::to_string(&text).unwrap(), text.as_bytes(), inspect_text_value(&text)),
            2 => Score::of_token("NaN").unwrap(),
            _ => Score::of_structure(text.as_bytes()),
        }
    }
}

proptest! {
    #[test]
    fn a_record_reads_back_as_it_was(key in any_key(), status in 0_u64..5, details in any::<[u8; 32]>(),
        scores in proptest::collection::btree_map("\\PC{0,8}", proptest::collection::btree_map("\\PC{0,8}", any_score(), 0..4), 0..4)) {
        let record = SampleRecord { key, status: SampleStatus::from_id(status).unwrap(), scores, details: DetailsDigest(details) };
        prop_assert_eq!(SampleRecord::decode(&record.encode()).unwrap(), record);
    }

    #[test]
    fn keys_are_ordered_as_their_bytes(left in any_key(), right in any_key()) {
        prop_assert_eq!(left.cmp(&right), left.to_bytes().cmp(&right.to_bytes()));
        prop_assert_eq!(left == right, left.to_bytes() == right.to_bytes());
    }

    #[test]
    fn a_float_lexeme_means_the_decimal_that_it_shows(float in any::<f64>().prop_filter("finite", |f| f.is_finite())) {
        // One printer for both: of two shortest decimals that mean one float, printers choose differently.
        let value = parse_number(&format!("{float:e}")).unwrap();
        let plain = format!("{float}");
        prop_assert_eq!(parse_number(&plain).unwrap_or_else(|| value.clone()), value);
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = SampleRecord::decode(&bytes);
        let _ = LogFacts::decode(&bytes);
    }
}

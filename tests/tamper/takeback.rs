//! Section L22: what the lab itself took back, or said went wrong, is no evidence, however it is dressed up later.

use reproledger::check::Outcome;
use reproledger::claim::{Assessment, Verdict};
use reproledger::codec::DecodeError;
use reproledger::evidence::Evidence;
use reproledger::merkle::EntryIndex;
use reproledger::report::{Detail, to_text};
use reproledger::statement::{Body, EdgeType, Kind, Location, Payload};
use reproledger::verify::{Class, Reject};

use super::decided;
use crate::support::{Lab, Story, Told, assess, finding, sample};

/// A body with a reason.
fn because(reason: &str) -> Body {
    Body { reason: Some(reason.to_owned()), ..Body::default() }
}

/// A later word of the lab.
fn word(lab: &mut Lab, kind: Kind, links: &[(EdgeType, EntryIndex)], body: &Body) -> EntryIndex {
    let mut payload = lab.payload(kind);
    payload.edges = links.iter().map(|(edge_type, target)| lab.link(*edge_type, *target)).collect();
    payload.edges.sort();
    lab.seal(&mut payload, body);
    lab.say(&payload)
}

fn retract(lab: &mut Lab, target: EntryIndex) -> EntryIndex {
    word(lab, Kind::Retraction, &[(EdgeType::Retracts, target)], &because("the judge saw the answer key"))
}

/// Evidence that shows the bodies of these entries too, as `prove` does.
fn showing(lab: &Lab, claim: EntryIndex, shown: &[EntryIndex]) -> Evidence {
    let mut evidence = lab.evidence(claim);
    evidence.bodies.extend(shown.iter().map(|index| (*index, lab.bodies[index].clone())));
    evidence.bodies.sort();
    evidence.withheld = lab.withheld(&evidence);
    evidence
}

fn assessed(told: &Told, shown: &[EntryIndex]) -> Assessment {
    assess(&showing(&told.lab, told.claim, shown), &told.lab.policy())
}

/// An honest story with its claim still to be made.
fn before_the_claim() -> Told {
    let mut told = Story::new().tell();
    told.lab.entries.truncate(usize::try_from(told.claim.0).unwrap());
    told
}

#[test]
fn l22_what_is_retracted_contradicts_and_says_by_whom_and_why() {
    let mut told = Story::new().tell();
    let by = retract(&mut told.lab, told.dataset);
    let assessment = assessed(&told, &[by]);
    decided(&assessment, Verdict::Contradicted, "supersede");
    let found = finding(&assessment, "supersede");
    assert_eq!(found.entries, [told.dataset, by]);
    let expected = format!(
        "entry {}, which the claim rests on, is retracted by entry {by}: \"the judge saw the answer key\"",
        told.dataset
    );
    assert_eq!(found.reason, expected);
}

#[test]
fn l22_a_retraction_whose_reason_is_kept_back_is_a_retraction() {
    let mut told = Story::new().tell();
    retract(&mut told.lab, told.log);
    let assessment = assessed(&told, &[]);
    decided(&assessment, Verdict::Contradicted, "supersede");
    assert!(finding(&assessment, "supersede").reason.contains("its reason is not shown"));
}

#[test]
fn l22_a_retraction_with_another_reason_than_the_one_signed_is_refused() {
    let mut told = Story::new().tell();
    let by = retract(&mut told.lab, told.log);
    let mut evidence = showing(&told.lab, told.claim, &[by]);
    let (_, other) = because("a spelling mistake").seal(&crate::support::salt(by.0)).unwrap();
    evidence.bodies.retain(|(index, _)| *index != by);
    evidence.bodies.push((by, other));
    let reject = reproledger::verify::evidence(&evidence.to_bytes(), None).unwrap_err();
    assert!(matches!(reject, Reject::Body { index, .. } if index == by), "{reject:?}");
}

#[test]
fn l22_a_retraction_left_out_of_the_census_is_missed() {
    let mut told = Story::new().tell();
    let by = retract(&mut told.lab, told.log);
    told.lab.file(Kind::Other, b"something after it", &[]);
    let chosen = (0..told.lab.entries.len() as u64).map(EntryIndex).filter(|index| *index != by).collect();
    let evidence = told.lab.evidence_of(told.claim, told.spec, &chosen);
    let reject = reproledger::verify::evidence(&evidence.to_bytes(), Some(&told.lab.policy())).unwrap_err();
    assert_eq!(reject, Reject::CensusGap { index: by });
}

#[test]
fn l22_a_retraction_of_the_retraction_gives_nothing_back() {
    let mut told = Story::new().tell();
    let first = retract(&mut told.lab, told.log);
    let second = retract(&mut told.lab, first);
    decided(&assessed(&told, &[first, second]), Verdict::Contradicted, "supersede");
}

#[test]
fn l22_the_content_of_a_retracted_log_under_another_entry_is_not_verified() {
    let story = Story::new();
    let mut told = before_the_claim();
    let by = retract(&mut told.lab, told.log);
    // The very bytes, recorded again after that, and a claim over them alone.
    let twin = told.lab.eval_log(b"a log", &story.manifest(), &[(EdgeType::Evaluates, told.checkpoint)]);
    told.claim = told.lab.claim(&told.words, &[twin], &[]);
    let assessment = assessed(&told, &[by]);
    decided(&assessment, Verdict::NotRecomputable, "supersede");
    let found = finding(&assessment, "supersede");
    assert_eq!((found.outcome, found.entries.as_slice()), (Outcome::Unknown, &[twin, by][..]));
    assert!(found.reason.contains("is the same content as entry") && found.reason.contains("answer key"));
    // Its sample records alone give it away, in another file, before the retraction as after it.
    let mut told = before_the_claim();
    let twin = told.lab.eval_log(b"written anew", &story.manifest(), &[(EdgeType::Evaluates, told.checkpoint)]);
    let by = retract(&mut told.lab, told.log);
    told.claim = told.lab.claim(&told.words, &[twin], &[]);
    // And where the retracted entry lies before the census, the digest in the link does.
    decided(&assessed(&told, &[by]), Verdict::NotRecomputable, "supersede");
    let mut lab = Lab::new();
    let lost = lab.file(Kind::Spec, b"a spec", &[]);
    let spec = lab.file(Kind::Spec, b"a spec", &[]);
    let by = retract(&mut lab, lost);
    let log = lab.eval_log(b"a log", &story.manifest(), &[(EdgeType::DerivedFrom, spec)]);
    let claim = lab.claim(&told.words, &[log], &[]);
    let assessment = assess(&showing(&lab, claim, &[by]), &lab.policy());
    decided(&assessment, Verdict::NotRecomputable, "supersede");
    assert_eq!(finding(&assessment, "supersede").entries, [spec, by]);
}

#[test]
fn l22_rows_of_a_retracted_dataset_do_not_taint_what_is_of_another_kind() {
    let story = Story::new();
    let mut lab = Lab::new();
    let spec = lab.file(Kind::Spec, b"the same bytes", &[]);
    let dataset = lab.file(Kind::Dataset, b"the same bytes", &[(EdgeType::DerivedFrom, spec)]);
    let log = lab.eval_log(b"a log", &story.manifest(), &[(EdgeType::DerivedFrom, spec)]);
    let mut words = story.claim.clone();
    words.inputs = vec![story.manifest().root().unwrap().into()];
    let claim = lab.claim(&words, &[log], &[]);
    let by = retract(&mut lab, dataset);
    let assessment = assess(&showing(&lab, claim, &[by]), &lab.policy());
    assert_eq!(assessment.verdict, Verdict::Verified, "{:?}", assessment.findings);
}

#[test]
fn l22_a_retracted_protocol_takes_the_claim_under_it_along() {
    let mut told = before_the_claim();
    let mut protocol = told.lab.payload(Kind::Protocol);
    told.lab.seal(&mut protocol, &Body { name: Some("plan".to_owned()), ..Body::default() });
    let protocol = told.lab.say(&protocol);
    let claim = told.lab.claim(&told.words, &[told.log], &[]);
    let mut payload = told.lab.said(claim);
    payload.protocol = Some(told.lab.leaf(protocol));
    told.lab.resay(claim, &payload);
    told.claim = claim;
    let by = retract(&mut told.lab, protocol);
    let mut evidence = showing(&told.lab, claim, &[protocol, by]);
    evidence.withheld.retain(|withheld| !withheld.reason.contains(&format!("body of entry {protocol}")));
    let assessment = assess(&evidence, &told.lab.policy());
    decided(&assessment, Verdict::Contradicted, "supersede");
    assert_eq!(finding(&assessment, "supersede").entries, [protocol, by]);
}

#[test]
fn a_retracted_version_behind_the_one_that_is_used_is_history_and_said() {
    // The log was wrong, was taken back, and its next version was claimed over.
    let mut told = before_the_claim();
    let fixed =
        Story { samples: (1..=8).map(|id| sample(id, 1, if id <= 5 { "1" } else { "0" })).collect(), ..Story::new() };
    let by = retract(&mut told.lab, told.checkpoint);
    let links = [(EdgeType::Supersedes, told.checkpoint), (EdgeType::DerivedFrom, told.spec)];
    let weights = told.lab.file(Kind::Checkpoint, b"other weights", &links);
    let log = told.lab.eval_log(b"another log", &fixed.manifest(), &[(EdgeType::Evaluates, weights)]);
    told.claim = told.lab.claim(&told.words, &[log], &[]);
    let mut evidence = showing(&told.lab, told.claim, &[by]);
    evidence.withheld = told.lab.withheld(&evidence);
    let assessment = assess(&evidence, &told.lab.policy());
    // The new log has the very sample records of the old one, which nobody took back: only its weights were.
    assert_eq!(assessment.verdict, Verdict::Verified, "{:?}", assessment.findings);
    let notes = &finding(&assessment, "supersede").notes;
    assert!(
        notes.iter().any(|note| note.contains("an older version that nothing rests on, is retracted")),
        "{notes:?}"
    );
}

#[test]
fn an_incident_leaves_the_claim_unestablished_until_a_later_one_settles_it() {
    let mut told = Story::new().tell();
    let incident =
        word(&mut told.lab, Kind::Incident, &[(EdgeType::Concerns, told.checkpoint)], &because("the disk was full"));
    let open = assessed(&told, &[incident]);
    decided(&open, Verdict::NotRecomputable, "supersede");
    let found = finding(&open, "supersede");
    assert_eq!((found.outcome, found.entries.as_slice()), (Outcome::Unknown, &[told.checkpoint, incident][..]));
    assert!(found.reason.contains("is said to have gone wrong by") && found.reason.contains("the disk was full"));
    // Not shown, it is an incident all the same.
    decided(&assessed(&told, &[]), Verdict::NotRecomputable, "supersede");

    let settled = word(
        &mut told.lab,
        Kind::Incident,
        &[(EdgeType::Supersedes, incident)],
        &because("written again, same digest"),
    );
    let after = assessed(&told, &[incident, settled]);
    assert_eq!(after.verdict, Verdict::Verified, "{:?}", after.findings);
    let notes = &finding(&after, "supersede").notes;
    assert!(notes.iter().any(|note| note.contains("disk was full") && note.contains("same digest")), "{notes:?}");
    // A settlement that gives no reason the reader can see settles nothing.
    decided(&assessed(&told, &[incident]), Verdict::NotRecomputable, "supersede");
    // Nor does one that was taken back.
    let back = retract(&mut told.lab, settled);
    decided(&assessed(&told, &[incident, settled, back]), Verdict::NotRecomputable, "supersede");
}

#[test]
fn an_incident_that_narrows_another_concerns_what_it_names() {
    let mut told = Story::new().tell();
    let links = [(EdgeType::Concerns, told.log), (EdgeType::Concerns, told.dataset)];
    let wide = word(&mut told.lab, Kind::Incident, &links, &because("files were lost"));
    let links = [(EdgeType::Concerns, told.dataset), (EdgeType::Supersedes, wide)];
    let narrow = word(&mut told.lab, Kind::Incident, &links, &because("rows were lost, the log is whole"));
    let assessment = assessed(&told, &[wide, narrow]);
    assert_eq!(finding(&assessment, "supersede").entries, [told.dataset, narrow]);
    // A false alarm may be taken back.
    let mut told = Story::new().tell();
    let alarm = word(&mut told.lab, Kind::Incident, &[(EdgeType::Concerns, told.log)], &because("lost"));
    let back = retract(&mut told.lab, alarm);
    assert_eq!(assessed(&told, &[alarm, back]).verdict, Verdict::Verified);
}

#[test]
fn l22_an_incident_does_not_go_away_by_recording_the_same_content_again() {
    let mut told = before_the_claim();
    let incident = word(&mut told.lab, Kind::Incident, &[(EdgeType::Concerns, told.log)], &because("rows twice"));
    let twin = told.lab.eval_log(b"a log", &Story::new().manifest(), &[(EdgeType::Evaluates, told.checkpoint)]);
    told.claim = told.lab.claim(&told.words, &[twin], &[]);
    decided(&assessed(&told, &[incident]), Verdict::NotRecomputable, "supersede");
    let settled = word(&mut told.lab, Kind::Incident, &[(EdgeType::Supersedes, incident)], &because("they were not"));
    assert_eq!(assessed(&told, &[incident, settled]).verdict, Verdict::Verified);
}

#[test]
fn an_exclusion_and_places_are_shown_and_decide_nothing_here() {
    let mut told = Story::new().tell();
    let left_out =
        word(&mut told.lab, Kind::Exclusion, &[(EdgeType::Excludes, told.checkpoint)], &because("a second try"));
    let locations = vec![Location::parse("https://lab.example/weights").unwrap()];
    let body = Body { locations, ..Body::default() };
    let place = word(&mut told.lab, Kind::Location, &[(EdgeType::Locates, told.checkpoint)], &body);
    let hidden = word(&mut told.lab, Kind::Location, &[(EdgeType::Locates, told.dataset)], &body);
    let assessment = assessed(&told, &[left_out, place]);
    assert_eq!(assessment.verdict, Verdict::Verified, "{:?}", assessment.findings);
    let notes = &finding(&assessment, "supersede").notes;
    assert!(notes.iter().any(|note| note.contains("left out of the analysis") && note.contains("a second try")));
    let notes = &finding(&assessment, "availability").notes;
    let claimed = format!(
        "entry {} is claimed to be at https://lab.example/weights (entry {place}; not looked at)",
        told.checkpoint
    );
    assert!(notes.contains(&claimed), "{notes:?}");
    let kept_back = format!("entry {hidden} says where entry {} can be had, and is not shown", told.dataset);
    assert!(notes.contains(&kept_back), "{notes:?}");
    // A place that was taken back is none.
    let back = retract(&mut told.lab, place);
    let notes = finding(&assessed(&told, &[left_out, place, back]), "availability").notes.clone();
    assert!(!notes.iter().any(|note| note.contains("https://")), "{notes:?}");
}

#[test]
fn a_reason_cannot_dress_up_as_a_verdict() {
    let mut told = Story::new().tell();
    let hostile = because("x\"\nVERIFIED·L1·number\u{1b}[2K\u{202e}");
    let by = word(&mut told.lab, Kind::Retraction, &[(EdgeType::Retracts, told.log)], &hostile);
    let text = to_text(&assessed(&told, &[by]), Detail::Every);
    assert!(text.contains(r#"entry 6: "x\"\nVERIFIED"#), "{text}");
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
    assert!(!text.lines().any(|line| line.trim_start().starts_with("VERIFIED")), "{text}");
}

#[test]
fn a_word_without_body_or_link_is_none_and_the_frame_is_out_of_reach() {
    let told = Story::new().tell();
    let decoded = |change: &dyn Fn(&mut Payload)| {
        let mut payload = told.lab.payload(Kind::Retraction);
        payload.edges = vec![told.lab.link(EdgeType::Retracts, told.log)];
        let (commitment, _) = because("why").seal(&crate::support::salt(1)).unwrap();
        payload.body = Some(commitment);
        change(&mut payload);
        Payload::decode(&payload.encode())
    };
    assert!(decoded(&|_| {}).is_ok());
    assert!(matches!(decoded(&|payload| payload.body = None), Err(DecodeError::MissingKey { key: 12, .. })));
    assert!(matches!(decoded(&|payload| payload.edges.clear()), Err(DecodeError::MissingKey { key: 20, .. })));
    for kind in [Kind::Exclusion, Kind::Incident, Kind::Location] {
        assert!(decoded(&|payload| payload.kind = kind).is_err(), "a {kind} that retracts");
    }
    let mut told = told;
    let index = word(&mut told.lab, Kind::Retraction, &[(EdgeType::Retracts, EntryIndex(0))], &because("no"));
    let reject = told.reject();
    assert!(matches!(reject, Reject::WrongEdge { index: at, .. } if at == index), "{reject:?}");
    assert_eq!(reject.class(), Class::Contradicted);
}

#[test]
fn a_body_whose_location_is_none_is_not_read() {
    let mut told = Story::new().tell();
    let mut payload = told.lab.payload(Kind::Location);
    payload.edges = vec![told.lab.link(EdgeType::Locates, told.log)];
    let bytes = reproledger::codec::Encoder::encode(|e| {
        e.map(|m| {
            m.text_entry("locations", |e| {
                e.array(1);
                e.text("/etc/passwd");
            });
        });
    });
    let salt = crate::support::salt(payload.seq.0);
    payload.body = Some(reproledger::digest::Commitment::to(&salt, &bytes));
    told.lab.bodies.insert(payload.seq, [&salt.0[..], &bytes].concat());
    let index = told.lab.say(&payload);
    let evidence = showing(&told.lab, told.claim, &[index]);
    let reject = reproledger::verify::evidence(&evidence.to_bytes(), None).unwrap_err();
    assert!(
        matches!(&reject, Reject::Body { index: at, source } if *at == index && source.to_string().contains("scheme")),
        "{reject:?}"
    );
}

//! What likelihoods are worth: of the transcripts that a nonce draws, under all weights on record, by a party that the reader
//! knows and the issuer is not.
//!
//! The scorer here makes his numbers up: that he does not lie is what nobody can see. What he cannot do is leave out, add,
//! choose what is drawn, or speak for whom the reader does not know.

use reproledger::check::{Finding, Outcome};
use reproledger::claim::{Assessment, NUMBER, Reader, VENDOR_AUDIT, Verdict, assess_as};
use reproledger::digest::{Digest, FileDigest};
use reproledger::draw::draw;
use reproledger::key::Parties;
use reproledger::merkle::EntryIndex;
use reproledger::report::{Detail, to_text};
use reproledger::statement::{
    Body, Distribution, Edge, EdgeType, Judgement, Kind, Likelihood, Payload, ScoredTranscript, ScoredWeights, Subject,
};
use reproledger::stats::{Nonce, NonceOrigin};
use reproledger::verify::{self, Class, TestimonyError};
use serde_json::json;

use super::attested::{log_key, parties};
use super::testimony::{begin, end, other};
use crate::support::study::{Study, ToldStudy};
use crate::support::{Lab, Story, finding, key};

/// As a reader would give it to `verify`, too.
const NONCE: &str = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f";

/// Draws for each of two arms of four seeds.
const DRAWS: u64 = 40;

/// How likely a transcript is: by its log, its number, and whether the weights are those that its log is of.
type Nats = fn(u64, u64, bool) -> String;

/// Three nats for the weights that wrote it.
const OWN: Nats = |_, number, own| format!("-{}.5", if own { 100 + number } else { 103 + number });

/// A study in a ledger, and what a scorer says of it.
struct Scored {
    told: ToldStudy,
    words: Likelihood,
}

impl Scored {
    fn new(study: Study, nats: Nats) -> Self {
        Self::of(study.tell(), nats)
    }

    /// All weights of the ledger, and the draws.
    fn of(told: ToldStudy, nats: Nats) -> Self {
        let bytes = told.evidence().to_bytes();
        let evidence = verify::evidence(&bytes, None).unwrap();
        let is_weights = |index: &EntryIndex| told.lab.said(*index).kind.is_weights();
        let weights: Vec<EntryIndex> = (0..told.lab.entries.len() as u64).map(EntryIndex).filter(is_weights).collect();
        let evaluated = |log: EntryIndex| {
            let edges = told.lab.said(log).edges;
            edges.iter().find(|edge| edge.edge_type == EdgeType::Evaluates).map(|edge| edge.seq)
        };
        let drawn = draw(&evidence.pools(), DRAWS, NONCE.as_bytes());
        let mut transcripts: Vec<ScoredTranscript> = drawn
            .iter()
            .map(|drawn| {
                let of =
                    |weights: &EntryIndex| nats(drawn.entry.0, drawn.number, evaluated(drawn.entry) == Some(*weights));
                ScoredTranscript {
                    entry: drawn.entry.0,
                    number: drawn.number,
                    tokens: 30,
                    nats: weights.iter().map(of).collect(),
                }
            })
            .collect();
        transcripts.sort_by_key(|transcript| (transcript.entry, transcript.number));
        let digest = |entry: EntryIndex| Digest::from(told.lab.leaf(entry));
        let weights =
            weights.iter().map(|entry| ScoredWeights { entry: entry.0, entry_digest: digest(*entry) }).collect();
        let words = Likelihood {
            by: "reproledger".to_owned(),
            tool: "a scorer \u{1b}[2J".to_owned(),
            distribution: Distribution::AsSampled,
            nonce: NONCE.to_owned(),
            draws: DRAWS,
            weights,
            transcripts,
        };
        Self { told, words }
    }

    fn statement(&self, by: &mut Lab, body: &Body) -> Payload {
        let mut payload = by.payload(Kind::Likelihood);
        let ToldStudy { lab, claim, .. } = &self.told;
        payload.edges = vec![Edge::testifies(lab.id(), *claim, lab.leaf(*claim))];
        payload.head = Some(*lab.head().tree());
        by.seal(&mut payload, body);
        payload
    }

    /// Signed in somebody's ledger and cut out of it.
    fn testimony(&self, by: &mut Lab) -> Vec<u8> {
        let body = Body { likelihood: Some(Box::new(self.words.clone())), ..Body::default() };
        let payload = self.statement(by, &body);
        let index = by.say(&payload);
        by.evidence(index).to_bytes()
    }

    /// The verdict of a reader who is given these statements.
    fn judge(&self, files: &[Vec<u8>], parties: Option<&Parties>) -> Assessment {
        self.judge_by(files, parties, None)
    }

    fn judge_by(&self, files: &[Vec<u8>], parties: Option<&Parties>, nonce: Option<Nonce>) -> Assessment {
        let policy = self.told.lab.policy();
        let evidence = self.told.evidence().to_bytes();
        let reader = Reader { trust: Some(&policy), testimonies: files, parties, nonce, ..Reader::default() };
        assess_as(&evidence, &reader, NUMBER, |_| None)
    }

    /// The lab and one scorer, both known.
    fn known(&self, by: &Lab) -> Parties {
        parties(1, &[("Lab", &[log_key(&self.told.lab)], &[]), ("Auditors", &[log_key(by)], &[])])
    }

    /// What the check comes to by the word of a party that the reader knows.
    fn found(&self) -> Finding {
        let mut by = other();
        let file = self.testimony(&mut by);
        checked(&self.judge(&[file], Some(&self.known(&by)))).clone()
    }

    /// Why the statement is refused.
    fn refused(&self) -> TestimonyError {
        let bytes = self.told.evidence().to_bytes();
        let mut evidence = verify::evidence(&bytes, None).unwrap();
        evidence.add_testimony(&self.testimony(&mut other())).expect_err("taken")
    }

    fn weights(&self, arm: usize, seed: u64) -> EntryIndex {
        self.told.placed.checkpoints[&(arm, seed)]
    }
}

fn checked(assessment: &Assessment) -> &Finding {
    finding(assessment, "transcripts.likelihood")
}

#[track_caller]
fn unknown(found: &Finding, why: &str) {
    let reason = &found.reason;
    assert_eq!(found.outcome, Outcome::Unknown, "{found:?}");
    assert!(
        reason.starts_with("that these transcripts came from these weights is the word of \"https://lab.example\"")
    );
    assert!(reason.contains(why), "{why}: {reason}");
}

#[test]
fn transcripts_that_are_likelier_under_their_own_weights_by_a_party_that_is_known_are_theirs() {
    let scored = Scored::new(Study::honest(), OWN);
    let mut by = other();
    let file = scored.testimony(&mut by);
    let known = scored.known(&by);
    let assessment = scored.judge(std::slice::from_ref(&file), Some(&known));
    let found = checked(&assessment);
    assert_eq!(found.outcome, Outcome::Pass, "{found:?}");
    let reason = "transcripts drawn by a nonce are more likely under the weights that they are said to be of than under \
                  any other of 13 on record, scored by \"Auditors\"";
    assert_eq!(found.reason, reason);
    // ln(8 * 12 / 1 %).
    let asked = "9.17 are asked for, that all 96 comparisons together err in 1 % at most";
    assert!(found.notes[0].starts_with("the least: ") && found.notes[0].ends_with(asked), "{found:?}");
    let told = "what \"Auditors\" scored counts; drawn by a nonce that is not yours; entry 1 of \"rebuilder.example/log\" by \
                key ";
    assert!(found.notes[1].starts_with(told) && found.notes[1].ends_with("with \"a scorer \\u{1b}[2J\""), "{found:?}");
    // No word is asserted any more, and no level is lifted by it.
    let text = to_text(&assessment, Detail::Every);
    assert!(!text.contains("came from these weights is the word of"), "{text}");
    let without = scored.judge(&[], Some(&known));
    assert_eq!((assessment.verdict, assessment.level), (without.verdict, without.level));
    unknown(checked(&without), "is the word of");
    assert!(to_text(&without, Detail::Every).contains("came from these weights is the word of"));
    // Attached by the lab and carried, it is as much worth.
    let mut carried = Scored { told: Study::honest().tell(), words: scored.words.clone() };
    let lab = &mut carried.told.lab;
    let (size, claim) = (lab.entries.len() as u64, carried.told.claim);
    let mut payload = lab.payload(Kind::Attach);
    payload.subjects.push(Subject::file(FileDigest::of(&file), file.len() as u64));
    payload.edges.push(lab.link(EdgeType::AttachedTo, claim));
    let attach = lab.say(&payload);
    let mut evidence = carried.told.evidence();
    let consistency = carried.told.lab.consistency(size);
    evidence.annexes.push(reproledger::evidence::Annex { attach, consistency, testimony: file });
    let policy = carried.told.lab.policy();
    let reader = Reader { trust: Some(&policy), parties: Some(&known), ..Reader::default() };
    let assessment = assess_as(&evidence.to_bytes(), &reader, VENDOR_AUDIT, |_| None);
    assert_eq!(checked(&assessment).outcome, Outcome::Pass, "{:?}", checked(&assessment));
}

#[test]
fn whose_word_it_is_decides_what_it_is_worth() {
    let scored = Scored::new(Study::honest(), OWN);
    let mut by = other();
    let file = scored.testimony(&mut by);
    let (lab, own) = ([log_key(&scored.told.lab)], [log_key(&by)]);
    let both = [log_key(&scored.told.lab), log_key(&by)];
    for (known, why) in [
        (parties(1, &[("Lab", &both, &[])]), "what \"Lab\" scored lifts nothing: the issuer's own party"),
        (parties(1, &[("Lab", &lab, &["Daughter"]), ("Daughter", &own, &[])]), "lifts nothing: the issuer's own party"),
        (
            parties(1, &[("Auditors", &own, &[])]),
            "lifts nothing: your parties do not say whose the claim's own keys are",
        ),
        (parties(1, &[("Lab", &lab, &[])]), "lifts nothing: nobody you named"),
    ] {
        unknown(checked(&scored.judge(std::slice::from_ref(&file), Some(&known))), why);
    }
    let assessment = scored.judge(std::slice::from_ref(&file), None);
    unknown(checked(&assessment), "lifts nothing: you named no parties");
    let next = checked(&assessment).next.as_deref().unwrap();
    assert!(next.starts_with("ask who holds the weights to score transcripts that you draw"), "{next}");
    // Taken back, it is nobody's word.
    let index = EntryIndex(1);
    let mut payload = by.payload(Kind::Retraction);
    payload.edges = vec![by.link(EdgeType::Retracts, index)];
    by.seal(&mut payload, &Body { reason: Some("wrong weights".to_owned()), ..Body::default() });
    by.say(&payload);
    let file = by.evidence(index).to_bytes();
    let assessment = scored.judge(&[file], Some(&scored.known(&by)));
    unknown(checked(&assessment), "lifts nothing: taken back by whoever signed it");
}

#[test]
fn a_nonce_that_is_the_reader_s_is_said_to_be() {
    let scored = Scored::new(Study::honest(), OWN);
    let mut by = other();
    let file = scored.testimony(&mut by);
    let nonce = |byte: u8| Some(Nonce { bytes: [byte; 32], origin: NonceOrigin::Verifier });
    for (byte, said) in
        [(0x0f, "counts; drawn by your nonce; "), (0x0e, "counts; drawn by a nonce that is not yours; ")]
    {
        let assessment = scored.judge_by(std::slice::from_ref(&file), Some(&scored.known(&by)), nonce(byte));
        let found = checked(&assessment);
        assert!(found.notes.iter().any(|note| note.contains(said)), "{found:?}");
    }
    // The issuer's own choice of one decides nothing, be it that of the reader.
    let own = parties(1, &[("Lab", &[log_key(&scored.told.lab), log_key(&by)], &[])]);
    let assessment = scored.judge_by(&[file], Some(&own), nonce(0x0f));
    unknown(checked(&assessment), "the issuer's own party");
}

#[test]
fn a_statement_that_is_not_of_the_draw_is_refused_whole() {
    let scored = || Scored::new(Study::honest(), OWN);
    let refused = |change: &dyn Fn(&mut Likelihood)| {
        let mut scored = scored();
        change(&mut scored.words);
        scored.refused()
    };
    let error = refused(&|words| words.nonce.replace_range(..1, "1"));
    assert!(error.to_string().contains("which it does not score"), "{error}");
    assert_eq!(error.class(), Class::Contradicted);
    let first = scored().words.transcripts[0].to_string();
    let error = refused(&|words| drop(words.transcripts.remove(0)));
    assert_eq!(error, TestimonyError::NotScored { transcript: first.clone() });
    assert!(error.to_string().ends_with("which it does not score"), "{error}");
    let error = refused(&|words| {
        let last = words.transcripts.last().unwrap().clone();
        words.transcripts.push(ScoredTranscript { number: last.number + 1, ..last });
    });
    assert!(matches!(&error, TestimonyError::NotDrawn { .. }), "{error}");
    assert!(error.to_string().ends_with("which its nonce does not draw"), "{error}");
    let error = refused(&|words| words.transcripts.insert(0, words.transcripts[0].clone()));
    assert_eq!((error.clone(), error.class()), (TestimonyError::Unsorted, Class::Malformed));
    assert_eq!(refused(&|words| words.transcripts.swap(0, 1)), TestimonyError::Unsorted);
    assert_eq!(refused(&|words| words.weights.swap(0, 1)), TestimonyError::Unsorted);
    // Fewer draws than are scored, more than a statement holds, none.
    let error = refused(&|words| words.draws -= 1);
    assert!(matches!(&error, TestimonyError::NotDrawn { .. } | TestimonyError::NotScored { .. }), "{error}");
    let error = refused(&|words| words.draws = 0);
    assert_eq!(error.to_string(), "it has 0 draws for each arm, expected 1 to 100000");
    let error = refused(&|words| words.nonce = "short".to_owned());
    assert_eq!(error.to_string(), "it has 5 bytes in its nonce, expected 16 to 1024");
    let error = refused(&|words| words.tool.clear());
    assert_eq!(error.to_string(), "it has 0 bytes of a tool's name, expected 1 to 500");
}

#[test]
fn what_is_no_likelihood_is_refused_whole() {
    let refused = |change: &dyn Fn(&mut Vec<String>)| {
        let mut scored = Scored::new(Study::honest(), OWN);
        change(&mut scored.words.transcripts[3].nats);
        let error = scored.refused();
        assert_eq!(error.class(), Class::Malformed);
        error.to_string()
    };
    let of = Scored::new(Study::honest(), OWN).words.transcripts[3].to_string();
    let nats = |text: &str| refused(&|nats| text.clone_into(&mut nats[0]));
    let positive = "the log-likelihood 0.1 is positive, as that of a text never is";
    assert_eq!(nats("0.1"), format!("of transcript {of}: {positive}"));
    assert_eq!(nats("NaN"), format!("of transcript {of}: the log-likelihood `NaN` is no decimal number"));
    assert!(nats(&format!("-1{}", "0".repeat(60))).ends_with("a log-likelihood has 62 bytes, more than 48"));
    assert!(nats("-1e40").ends_with("lies below -10^8 nats, which no transcript does"));
    let columns = |found| format!("it has {found} log-likelihoods of transcript {of} under 13 sets of weights");
    assert_eq!(refused(&|nats| drop(nats.pop())), columns(12));
    assert_eq!(refused(&|nats| nats.push("-1".to_owned())), columns(14));
}

#[test]
fn weights_are_named_by_their_entries_or_not_at_all() {
    let refused = |change: &dyn Fn(&mut Scored)| {
        let mut scored = Scored::new(Study::honest(), OWN);
        change(&mut scored);
        scored.refused()
    };
    let index = Scored::new(Study::honest(), OWN).words.weights[0].entry;
    let error = refused(&|scored| scored.words.weights[0].entry_digest.bytes[0] ^= 1);
    assert_eq!(error, TestimonyError::OtherEntry { index: EntryIndex(index) });
    // The suite under the name of weights, and an entry beyond the ledger.
    let error = refused(&|scored| {
        let suite = scored.told.placed.suite;
        scored.words.weights[0] = ScoredWeights { entry: suite.0, entry_digest: scored.told.lab.leaf(suite).into() };
    });
    assert!(error.to_string().ends_with("which is no weights"), "{error}");
    let error = refused(&|scored| scored.words.weights.last_mut().unwrap().entry = 10_000);
    assert_eq!(error, TestimonyError::NoWeights { index: EntryIndex(10_000) });
}

#[test]
fn words_of_another_kind_or_claim_and_keys_of_the_issuer_are_refused() {
    let scored = Scored::new(Study::honest(), OWN);
    let bytes = scored.told.evidence().to_bytes();
    let refused = |file: &[u8]| {
        let mut evidence = verify::evidence(&bytes, None).unwrap();
        evidence.add_testimony(file).expect_err("taken")
    };
    let likelihood = Some(Box::new(scored.words.clone()));
    let rebuild = Some(Box::new(super::testimony::Study::new().words()));
    for body in [
        Body { rebuild: rebuild.clone(), ..Body::default() },
        Body { rebuild, likelihood: likelihood.clone(), ..Body::default() },
        Body { reason: Some("they are theirs".to_owned()), ..Body::default() },
    ] {
        let mut by = other();
        let payload = scored.statement(&mut by, &body);
        let index = by.say(&payload);
        assert_eq!(refused(&by.evidence(index).to_bytes()), TestimonyError::OtherWords);
    }
    // A rebuild that says likelihoods is none either.
    let mut by = other();
    let mut payload = scored.statement(&mut by, &Body { likelihood, ..Body::default() });
    payload.kind = Kind::Rebuild;
    let index = by.say(&payload);
    assert_eq!(refused(&by.evidence(index).to_bytes()), TestimonyError::OtherWords);
    // The scorer's ledger is by a key of the lab.
    let mut by = Lab::named("another.example/log", 1);
    assert_eq!(refused(&scored.testimony(&mut by)), TestimonyError::OwnKey);
    // Of another claim, in this ledger or in another.
    let mut study = Study::honest();
    study.claim["text"] = json!("another sentence");
    let another = Scored::new(study, OWN);
    let error = refused(&another.testimony(&mut other()));
    assert!(matches!(error, TestimonyError::OtherClaim { .. }), "{error}");
}

#[test]
fn transcripts_that_are_likelier_under_other_weights_contradict_the_claim() {
    // All that is of one seed of the first arm is likelier under all others.
    let turned = |scored: &mut Scored| {
        let of = scored.weights(0, 1);
        let log = scored.told.placed.logs[&(0, 1)];
        let column = scored.words.weights.iter().position(|weights| weights.entry == of.0).unwrap();
        let own = scored.words.transcripts.iter_mut().filter(|transcript| transcript.entry == log.0);
        own.for_each(|transcript| transcript.nats[column] = "-9000".to_owned());
        of
    };
    let mut scored = Scored::new(Study::honest(), OWN);
    let named = turned(&mut scored);
    let mut by = other();
    let file = scored.testimony(&mut by);
    let assessment = scored.judge(std::slice::from_ref(&file), Some(&scored.known(&by)));
    let found = checked(&assessment);
    assert_eq!((assessment.verdict, found.outcome), (Verdict::Contradicted, Outcome::Fail), "{found:?}");
    let said = format!("drawn transcripts of the weights of entry {named} are more likely under those of entry ");
    assert!(found.reason.contains(&said) && found.reason.ends_with("nats, scored by \"Auditors\""), "{found:?}");
    // The issuer's own party says so against itself; what a good word of another says changes nothing.
    let own = parties(1, &[("Lab", &[log_key(&scored.told.lab), log_key(&by)], &[])]);
    assert_eq!(scored.judge(std::slice::from_ref(&file), Some(&own)).verdict, Verdict::Contradicted);
    let honest = Scored::new(Study::honest(), OWN);
    let mut third = Lab::named("third.example/log", 41);
    let lab = [log_key(&scored.told.lab)];
    let all = parties(1, &[("Lab", &lab, &[]), ("A", &[log_key(&by)], &[]), ("B", &[log_key(&third)], &[])]);
    let files = [honest.testimony(&mut third), file.clone()];
    assert_eq!(scored.judge(&files, Some(&all)).verdict, Verdict::Contradicted);
    assert_eq!(checked(&scored.judge(&files[..1], Some(&all))).outcome, Outcome::Pass);
    // Whom nobody knows contradicts nothing, and is shown all the same.
    let assessment = scored.judge(&[file], None);
    unknown(checked(&assessment), "you named no parties");
    let warning = &checked(&assessment).warnings[0];
    assert!(warning.contains(&said) && warning.ends_with("you named no parties (--parties)"), "{warning}");
}

#[test]
fn one_transcript_of_other_weights_among_many_does_not_hide_in_their_sum() {
    let mut scored = Scored::new(Study::honest(), |_, _, own| if own { "-100" } else { "-150" }.to_owned());
    let named = scored.weights(1, 2);
    let (log, other_weights) = (scored.told.placed.logs[&(1, 2)], scored.weights(0, 0));
    let column = |scored: &Scored, of: EntryIndex| {
        scored.words.weights.iter().position(|weights| weights.entry == of.0).unwrap()
    };
    let (own, others) = (column(&scored, named), column(&scored, other_weights));
    let text = scored.words.transcripts.iter_mut().find(|transcript| transcript.entry == log.0).unwrap();
    (text.nats[own], text.nats[others]) = ("-130".to_owned(), "-100.25".to_owned());
    let text = text.to_string();
    let found = scored.found();
    assert_eq!(found.outcome, Outcome::Fail, "{found:?}");
    let reason = format!(
        "transcript {text}, drawn as one of the weights of entry {named}, is more likely under those of entry \
         {other_weights}, by 29.75 nats, scored by \"Auditors\""
    );
    assert_eq!(found.reason, reason);
}

#[test]
fn what_is_too_close_to_call_says_how_many_more_would_do() {
    let scored = Scored::new(Study::honest(), |_, _, own| if own { "-100" } else { "-100.5" }.to_owned());
    let found = scored.found();
    unknown(&found, "; what \"Auditors\" scored is too close to call: ");
    assert_eq!(found.notes[0], "9.17 are asked for, that all 96 comparisons together err in 1 % at most");
    // Half a nat each: 19 in all.
    let next = found.next.unwrap();
    assert!(next.starts_with("about ") && next.contains(" more transcripts of entry "), "{next}");
    let count: u64 = next.split(' ').nth(1).unwrap().parse().unwrap();
    assert!((1..19).contains(&count), "{next}");
    // The same under all weights, nothing is said for any.
    let scored = Scored::new(Study::honest(), |_, _, _| "-100".to_owned());
    let found = scored.found();
    unknown(&found, "too close to call: 0.00 nats for entry ");
    assert!(found.next.unwrap().ends_with("at all: draw more"));
}

#[test]
fn likelihoods_of_what_was_not_sampled_from_decide_nothing() {
    let plain = |temperature: serde_json::Value, nats: Nats| {
        let mut study = Study::honest();
        study.claim["eval"]["temperature"] = temperature.clone();
        study.protocol["eval"]["temperature"] = temperature;
        let mut scored = Scored::new(study, nats);
        scored.words.distribution = Distribution::Plain;
        scored.found()
    };
    let against: Nats = |_, _, own| if own { "-1000" } else { "-1" }.to_owned();
    for temperature in [json!("0.7"), json!("none")] {
        for nats in [OWN, against] {
            let found = plain(temperature.clone(), nats);
            unknown(&found, "; \"Auditors\" scored at temperature 1 what is not said to be sampled so");
            assert_eq!(found.next.unwrap(), "ask for likelihoods of the distribution that was sampled from");
        }
    }
    assert_eq!(plain(json!("1.0"), OWN).outcome, Outcome::Pass);
    assert_eq!(plain(json!("1"), against).outcome, Outcome::Fail);
}

#[test]
fn all_weights_on_record_are_asked_for_and_the_same_weights_are_one() {
    // One set is left out.
    let mut scored = Scored::new(Study::honest(), OWN);
    let left = scored.words.weights.remove(2);
    scored.words.transcripts.iter_mut().for_each(|transcript| drop(transcript.nats.remove(2)));
    unknown(&scored.found(), &format!("nothing was scored under the weights of entry {}", left.entry));
    // Two seeds are the same weights: to name both is to say nothing, to name one of them is enough.
    let mut study = Study::honest();
    study.weights.insert((0, 1), "w00");
    let mut scored = Scored::new(study, OWN);
    let (first, again) = (scored.weights(0, 0), scored.weights(0, 1));
    let twice = format!("it takes entries {first} and {again} for different weights, which are the same");
    unknown(&scored.found(), &twice);
    let column = scored.words.weights.iter().position(|weights| weights.entry == again.0).unwrap();
    let kept = scored.words.weights.iter().position(|weights| weights.entry == first.0).unwrap();
    scored.words.weights.remove(column);
    for transcript in &mut scored.words.transcripts {
        let own = transcript.nats.remove(column);
        if transcript.entry == scored.told.placed.logs[&(0, 1)].0 {
            transcript.nats[kept] = own;
        }
    }
    let found = scored.found();
    assert_eq!(found.outcome, Outcome::Pass, "{found:?}");
    assert!(found.reason.contains("any other of 12 on record"), "{found:?}");
    // What was recorded after the statement was made is not compared, and that is said.
    let mut scored = Scored::new(Study::honest(), OWN);
    let mut by = other();
    let file = scored.testimony(&mut by);
    scored.told.lab.file(Kind::Checkpoint, b"later weights", &[]);
    let assessment = scored.judge(&[file], Some(&scored.known(&by)));
    let found = checked(&assessment);
    assert_eq!(found.outcome, Outcome::Pass, "{found:?}");
    assert!(found.reason.contains("any other of 13 on record"), "{found:?}");
    assert!(found.notes[1].contains("; not compared with 1 that are on record since; "), "{found:?}");
}

#[test]
fn weights_of_which_nothing_was_drawn_are_not_known_by_the_others() {
    let mut scored = Scored::new(Study::honest(), OWN);
    let bytes = scored.told.evidence().to_bytes();
    let evidence = verify::evidence(&bytes, None).unwrap();
    scored.words.draws = 1;
    let drawn: Vec<(u64, u64)> =
        draw(&evidence.pools(), 1, NONCE.as_bytes()).iter().map(|drawn| (drawn.entry.0, drawn.number)).collect();
    drop(evidence);
    let model = scored.words.transcripts[0].clone();
    scored.words.transcripts =
        drawn.into_iter().map(|(entry, number)| ScoredTranscript { entry, number, ..model.clone() }).collect();
    scored.words.transcripts.sort_by_key(|transcript| (transcript.entry, transcript.number));
    scored.words.transcripts.iter_mut().for_each(|text| text.nats.iter_mut().for_each(|nats| "-1".clone_into(nats)));
    let found = scored.found();
    unknown(&found, "no transcript of the weights of entry ");
    assert_eq!(found.next.unwrap(), "ask for a draw that is scored under all of them");
}

#[test]
fn where_there_is_nothing_to_compare_with_nothing_is_known() {
    // A log of one set of weights, and nothing else on record.
    let study = super::testimony::Study::new();
    let policy = study.lab.policy();
    let evidence = study.lab.evidence(study.claim).to_bytes();
    let assessment = assess_as(&evidence, &Reader { trust: Some(&policy), ..Reader::default() }, NUMBER, |_| None);
    unknown(checked(&assessment), "no other weights are on record, so that there is nothing to compare with");
    // A log that says of no weights that it is of them.
    let (mut lab, story) = (Lab::new(), Story::new());
    let manifest = story.manifest();
    let log = lab.eval_log(b"a log", &manifest, &[]);
    let mut claim = story.claim;
    claim.inputs.push(manifest.root().unwrap().into());
    let claim = lab.claim(&claim, &[log], &[]);
    let assessment = crate::support::assess(&lab.evidence(claim), &lab.policy());
    unknown(checked(&assessment), "the log of entry 1 is linked to 0 sets of weights");
}

#[test]
fn a_log_that_was_made_again_from_its_weights_needs_no_likelihoods() {
    let study = super::testimony::Study::new();
    let policy = study.lab.policy();
    let evidence = study.lab.evidence(study.claim).to_bytes();
    let judged = |words: &reproledger::statement::Rebuild| {
        let mut by = other();
        let files = [study.testimony(&mut by, words)];
        let known = parties(1, &[("Lab", &[log_key(&study.lab)], &[]), ("Auditors", &[log_key(&by)], &[])]);
        let reader = Reader { trust: Some(&policy), testimonies: &files, parties: Some(&known), ..Reader::default() };
        checked(&assess_as(&evidence, &reader, NUMBER, |_| None)).clone()
    };
    let found = judged(&study.words());
    assert_eq!(found.outcome, Outcome::Pass, "{found:?}");
    let reason = "the one log was made again from the weights they are of, transcript by transcript, by \"Auditors\"";
    assert_eq!(found.reason, reason);
    // Only within a tolerance, or not at all: then it is a word again.
    for (equality, judgement) in
        [("bits", Judgement::Equivalent), ("rates:within=5%", Judgement::Good), ("bits", Judgement::Unknown)]
    {
        let mut words = study.words();
        words.stages[2] = study.rebuilt(study.runs[2], judgement);
        equality.clone_into(&mut words.stages[2].outputs[0].equality);
        unknown(&judged(&words), "no other weights are on record");
    }
    let mut words = study.words();
    words.stages.truncate(2);
    unknown(&judged(&words), "no other weights are on record");
}

#[test]
fn a_key_that_signs_entries_names_its_party_too() {
    let scored = Scored::new(Study::honest(), OWN);
    let mut by = other();
    let file = scored.testimony(&mut by);
    let thumbprint = |lab: &Lab| key(lab.issuer).public().thumbprint().to_string();
    let known = parties(1, &[("Lab", &[thumbprint(&scored.told.lab)], &[]), ("Auditors", &[thumbprint(&by)], &[])]);
    assert_eq!(checked(&scored.judge(&[file], Some(&known))).outcome, Outcome::Pass);
}

#[test]
fn many_statements_do_not_push_what_decides_off_the_screen() {
    let scored = Scored::new(Study::honest(), OWN);
    let files: Vec<_> =
        (0..25).map(|n| scored.testimony(&mut Lab::named(&format!("s{n}.example/log"), 10 + 2 * n))).collect();
    let assessment = scored.judge(&files, None);
    let notes = &checked(&assessment).notes;
    assert_eq!((notes.len(), notes[20].as_str()), (21, "and 5 more statements of likelihoods"));
    // Of parties that are known, each statement makes as many comparisons more.
    let keys: Vec<[String; 1]> =
        (0..2).map(|n| [log_key(&Lab::named(&format!("s{n}.example/log"), 10 + 2 * n))]).collect();
    let lab = [log_key(&scored.told.lab)];
    let known = parties(1, &[("Lab", &lab, &[]), ("A", &keys[0], &[]), ("B", &keys[1], &[])]);
    let assessment = scored.judge(&files[..2], Some(&known));
    let found = checked(&assessment);
    assert_eq!(found.outcome, Outcome::Pass, "{found:?}");
    assert!(found.notes[0].ends_with("that all 192 comparisons together err in 1 % at most"), "{found:?}");
}

#[test]
fn weights_that_a_late_census_hides_are_not_compared_with() {
    let scored = Scored::new(Study::honest(), OWN);
    let mut by = other();
    let (file, known) = (scored.testimony(&mut by), scored.known(&by));
    let ToldStudy { lab, claim, placed } = &scored.told;
    let all = (0..lab.entries.len() as u64).map(EntryIndex).collect();
    let judged = |first: u64| {
        let mut evidence = lab.evidence_of(*claim, EntryIndex(first), &all);
        evidence.bodies.insert(0, (placed.protocol_entry, lab.bodies[&placed.protocol_entry].clone()));
        evidence.withheld = lab.withheld(&evidence);
        let (policy, files) = (lab.policy(), [file.clone()]);
        let reader = Reader { trust: Some(&policy), testimonies: &files, parties: Some(&known), ..Reader::default() };
        checked(&assess_as(&evidence.to_bytes(), &reader, NUMBER, |_| None)).clone()
    };
    assert_eq!(judged(1).outcome, Outcome::Pass);
    let found = judged(2);
    unknown(&found, "scored, the census begins at entry 2: weights before it are not shown");
    assert_eq!(found.next.unwrap(), "ask for evidence of the whole ledger (prove --census whole)");
}

/// A claim over two logs of one set of weights, each written by a run; the second run reads the weights, or it does not.
fn two_logs(reads: bool) -> super::testimony::Study {
    let mut study = super::testimony::Study::new();
    let (weights, first) = (study.runs[1].output, study.runs[2].output);
    let lab = &mut study.lab;
    let used: &[EntryIndex] = if reads { &[weights] } else { &[] };
    let start = begin(lab, "evaluate", used);
    let mut story = Story::new();
    story.samples.pop();
    let manifest = story.manifest();
    let log = lab.eval_log(b"another log", &manifest, &[(EdgeType::Evaluates, weights)]);
    let run = end(lab, "evaluate", start, log);
    let mut words = story.claim;
    words.inputs = [first, log].iter().map(|log| lab.supports(*log).digest).collect();
    let claim = lab.claim(&words, &[first, log], &[]);
    study.runs.push(run);
    super::testimony::Study { claim, ..study }
}

#[test]
fn logs_that_were_made_again_count_one_by_one_and_only_from_their_weights() {
    let judged = |study: &super::testimony::Study, runs: usize| {
        let (mut by, policy) = (other(), study.lab.policy());
        let mut words = study.words();
        words.stages.truncate(runs);
        let files = [study.testimony(&mut by, &words)];
        let known = parties(1, &[("Lab", &[log_key(&study.lab)], &[]), ("Auditors", &[log_key(&by)], &[])]);
        let reader = Reader { trust: Some(&policy), testimonies: &files, parties: Some(&known), ..Reader::default() };
        let evidence = study.lab.evidence(study.claim).to_bytes();
        checked(&assess_as(&evidence, &reader, NUMBER, |_| None)).clone()
    };
    let study = two_logs(true);
    let found = judged(&study, 4);
    assert_eq!(found.outcome, Outcome::Pass, "{found:?}");
    let reason = "all 2 logs were made again from the weights they are of, transcript by transcript, by \"Auditors\"";
    assert_eq!(found.reason, reason);
    let part = "1 of 2 logs were made again from the weights that they are of";
    for found in [judged(&study, 3), judged(&two_logs(false), 4)] {
        unknown(&found, "no other weights are on record");
        assert!(found.notes.iter().any(|note| note == part), "{found:?}");
    }
}

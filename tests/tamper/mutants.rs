//! Seeded mutants of many kinds at once: what one change at a time does not reach.

use std::thread;

use reproledger::check::Outcome;
use reproledger::claim::{Assessment, Level, NUMBER, Reader, Verdict, assess, assess_any, assess_as};
use reproledger::evidence::MAGIC;
use reproledger::key::{Parties, Policy};

use super::bytes::none_is_believed;
use super::items::{Example, examples};
use super::testimony::{Study, other};
use super::{frame, items};
use crate::support::{Lab, Story, Told, finding, sample};

/// Mutants in the default suite, those of claims and those of items together. `REPROLEDGER_MUTANTS` asks for more,
/// `REPROLEDGER_SEED` for others.
const MUTANTS: usize = 24_000;

/// One mutant of so many is one of evidence of items, as many of each example.
const OF_ITEMS: usize = 4;

/// One mutant of so many is one of evidence with an attestation.
const OF_ATTESTED: usize = 8;

const SEED: u64 = 0x5eed_0002;

/// SplitMix64: small, seeded, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap()
    }
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}

/// Another lab's evidence, and the same lab's evidence for a claim of another number: what splices are made from.
fn donors() -> Vec<Vec<u8>> {
    let mut other = Story::new();
    other.samples[6] = sample(7, 1, "1");
    other.claim.value.subject.rate.printed = "0.750".to_owned();
    let longer = Story { samples: (1..=8).map(|id| sample(id, 1, "1")).collect(), ..Story::new() };
    let mut later = Story::new().tell();
    later.lab.file(reproledger::statement::Kind::Other, b"more", &[]);
    [other.tell(), longer.tell(), later].iter().map(|told| told.evidence().to_bytes()).collect()
}

fn cut(random: &mut Random, length: usize) -> std::ops::Range<usize> {
    let from = random.below(length + 1);
    from..(from + random.below(40)).min(length)
}

/// A mutant; none where the change happened to change nothing.
fn mutate(random: &mut Random, bytes: &[u8], donors: &[Vec<u8>]) -> Option<Vec<u8>> {
    let donor = &donors[random.below(donors.len())];
    let mut mutant = bytes.to_vec();
    match random.below(10) {
        0 => {
            for _ in 0..=random.below(8) {
                let at = random.below(mutant.len());
                mutant[at] = random.next().to_le_bytes()[0];
            }
        }
        1 => {
            let range = cut(random, mutant.len());
            let noise: Vec<u8> = (0..random.below(40)).map(|_| random.next().to_le_bytes()[0]).collect();
            mutant.splice(range, noise);
        }
        2 => {
            let (range, from) = (cut(random, mutant.len()), cut(random, mutant.len()));
            mutant.splice(range, bytes[from].to_vec());
        }
        3 => {
            let (range, from) = (cut(random, mutant.len()), cut(random, donor.len()));
            mutant.splice(range, donor[from].to_vec());
        }
        4 => {
            // The first of one and the rest of the other.
            let (at, from) = (random.below(mutant.len()), random.below(donor.len()));
            mutant.truncate(at);
            mutant.extend_from_slice(&donor[from..]);
        }
        kind => {
            let mut parts = items(bytes);
            let others = items(donor);
            let (one, two) = (random.below(parts.len()), random.below(parts.len()));
            match kind {
                5 => parts.swap(one, two),
                6 => parts[one].clone_from(&others[one]),
                7 => {
                    parts[one].clone_from(&others[one]);
                    parts[two].clone_from(&others[two]);
                }
                8 => {
                    let part = parts.remove(one);
                    if random.below(2) == 0 {
                        parts.insert(two.min(parts.len()), part.clone());
                        parts.insert(two.min(parts.len()), part);
                    }
                }
                _ => {
                    // A change inside one item, its length framed anew, so that the framing is never what refuses it.
                    let part = &mut parts[one];
                    let range = cut(random, part.len());
                    let noise: Vec<u8> = (0..random.below(6)).map(|_| random.next().to_le_bytes()[0]).collect();
                    part.splice(range, noise);
                }
            }
            mutant = frame(&parts);
            if random.below(8) == 0 {
                let at = MAGIC.len() + random.below(4);
                mutant[at] ^= 1 << random.below(8);
            }
        }
    }
    (mutant != bytes).then_some(mutant)
}

/// How many mutants in all, and their seed.
fn asked() -> (usize, u64) {
    (
        variable("REPROLEDGER_MUTANTS").map_or(MUTANTS, |count| usize::try_from(count).unwrap()),
        variable("REPROLEDGER_SEED").unwrap_or(SEED),
    )
}

/// Judges so many mutants of evidence.
fn judge(what: &str, (bytes, policy): (&[u8], &Policy), donors: &[Vec<u8>], (count, seed): (usize, u64)) {
    // A whole donor is evidence of its own: the same lab's is believed for what it says, and is no mutant of this one.
    let judged = none_is_believed(policy, count, |number| {
        let mut random = Random(seed ^ (number as u64).wrapping_mul(0x0100_0000_01b3));
        mutate(&mut random, bytes, donors).filter(|mutant| !donors.contains(mutant))
    });
    eprintln!("seed {seed:#x}: {judged} mutants of {what} judged, none believed");
    assert!(judged * 10 >= count * 8, "only {judged} of {count} mutants differ from the evidence of {what}");
}

#[test]
fn no_mutant_is_believed_or_makes_the_verifier_panic() {
    let (count, seed) = asked();
    let told = Story::new().tell();
    let (bytes, policy) = (told.evidence().to_bytes(), told.lab.policy());
    judge("a claim", (&bytes, &policy), &donors(), (count - count / OF_ITEMS, seed));
}

#[test]
fn no_mutant_of_evidence_of_items_is_believed_or_makes_the_verifier_panic() {
    let (count, seed) = asked();
    let examples = examples();
    let each = count / OF_ITEMS / examples.len();
    for Example { what, bytes, policy, others } in &examples {
        assert_eq!(assess_any(bytes, Some(policy), NUMBER, |_| None).verdict, Verdict::Verified, "{what}");
        // Beside other items of the same list, and of another lab's: evidence of a claim.
        let donors: Vec<Vec<u8>> = others.iter().cloned().chain([Story::new().tell().evidence().to_bytes()]).collect();
        judge(what, (bytes, policy), &donors, (each, seed));
    }
}

/// What somebody made again, and what a reader makes of it who knows him.
struct Attested {
    study: Study,
    policy: Policy,
    parties: Parties,
    /// Two of three runs, signed by the party that the reader knows.
    two: Vec<u8>,
    /// Other attestations: of all three by a stranger, and of another claim by the known party.
    others: Vec<Vec<u8>>,
}

impl Attested {
    fn new() -> Self {
        let study = Study::new();
        let (mut two, all) = (study.words(), study.words());
        two.stages.remove(1);
        let known = format!(
            "[rebuilders]\nrequired = 1\n[[party]]\nname = \"Lab\"\nkeys = [\"{}\"]\n[[party]]\nname = \"Auditors\"\nkeys = \
             [\"{}\"]\n",
            study.lab.vkey(),
            other().vkey()
        );
        let elsewhere = Study::from_base(true);
        let others = vec![
            study.testimony(&mut Lab::named("stranger.example/log", 61), &all),
            elsewhere.testimony(&mut other(), &elsewhere.words()),
        ];
        let (policy, parties) = (study.lab.policy(), Parties::parse(known.as_bytes()).unwrap());
        let two = study.testimony(&mut other(), &two);
        Self { study, policy, parties, two, others }
    }

    /// The evidence with an attestation attached, as of the head that it was made under.
    fn carrying(&self, testimony: &[u8]) -> Vec<u8> {
        self.study.carrying(testimony, self.study.lab.entries.len() as u64).to_bytes()
    }

    fn assess(&self, evidence: &[u8], testimonies: &[Vec<u8>]) -> Assessment {
        let (trust, parties) = (Some(&self.policy), Some(&self.parties));
        assess_as(evidence, &Reader { trust, testimonies, parties, ..Reader::default() }, NUMBER, |_| None)
    }
}

/// What passes, and whose rebuilds of how many runs were counted.
fn believed(assessment: &Assessment) -> (Vec<&str>, Vec<(String, usize)>) {
    let passed = assessment.findings.iter().filter(|finding| finding.outcome == Outcome::Pass);
    let rebuilds = assessment.rebuilds.all.iter().filter(|of| of.why_not.is_none());
    (passed.map(|of| of.check).collect(), rebuilds.map(|of| (of.key.to_string(), of.good())).collect())
}

/// Judges mutants on every core: none may pass where what it was made from does not, be lifted to a higher level, or be
/// counted as a rebuild that it is not.
fn none_passes_more(reference: &Assessment, count: usize, judge: impl Fn(usize) -> Option<Assessment> + Sync) -> usize {
    let (passed, counted) = believed(reference);
    let of = |first: usize, workers: usize| {
        let assessments = (first..count).step_by(workers).filter_map(|number| Some((number, judge(number)?)));
        let judged = assessments.map(|(number, assessment)| {
            let (also, rebuilt) = believed(&assessment);
            assert!(assessment.level <= reference.level, "mutant {number} is {}", assessment.level);
            assert!(also.iter().all(|check| passed.contains(check)), "mutant {number} passes {also:?}");
            assert!(rebuilt.iter().all(|of| counted.contains(of)), "mutant {number}: {rebuilt:?}");
        });
        judged.count()
    };
    let workers = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        let of = &of;
        let all: Vec<_> = (0..workers).map(|first| scope.spawn(move || of(first, workers))).collect();
        all.into_iter().map(|worker| worker.join().expect("no mutant passes more, or makes the verifier panic")).sum()
    })
}

#[test]
fn no_mutant_of_an_attestation_passes_more_than_it_or_makes_the_verifier_panic() {
    let (count, seed) = asked();
    let each = count / OF_ATTESTED / 3;
    let attested = Attested::new();
    let evidence = attested.carrying(&attested.two);
    let plain = attested.study.lab.evidence(attested.study.claim).to_bytes();
    let reference = attested.assess(&evidence, &[]);
    assert_eq!((reference.verdict, reference.level), (Verdict::Verified, Level::L0), "{:?}", reference.findings);
    assert!(finding(&reference, "rebuild.attested").reason.starts_with("2 of 3 data"), "{:?}", reference.findings);

    let mut donors: Vec<Vec<u8>> = attested.others.iter().map(|testimony| attested.carrying(testimony)).collect();
    donors.push(plain.clone());
    let mutant = |number: usize, bytes: &[u8], donors: &[Vec<u8>]| {
        let mut random = Random(seed ^ (number as u64).wrapping_mul(0x0100_0000_01b3));
        mutate(&mut random, bytes, donors).filter(|mutant| !donors.contains(mutant))
    };
    // The file that carries it; what it carries, attached anew by a lab that helps; and what a reader brings himself.
    let judged = [
        none_passes_more(&reference, each, |number| Some(attested.assess(&mutant(number, &evidence, &donors)?, &[]))),
        none_passes_more(&reference, each, |number| {
            let testimony = mutant(number, &attested.two, &attested.others)?;
            Some(attested.assess(&attested.carrying(&testimony), &[]))
        }),
        none_passes_more(&reference, each, |number| {
            Some(attested.assess(&plain, &[mutant(number, &attested.two, &attested.others)?]))
        }),
    ];
    eprintln!("seed {seed:#x}: {judged:?} mutants with an attestation judged, none passes more");
    assert!(judged.iter().all(|judged| judged * 10 >= each * 8), "only {judged:?} of {each} each are mutants");
}

#[test]
fn each_donor_is_believed_only_for_what_it_says_itself() {
    let policy: Policy = Story::new().tell().lab.policy();
    let verdicts: Vec<Verdict> =
        donors().iter().map(|donor| assess(donor, Some(&policy), NUMBER, |_| None).verdict).collect();
    assert_eq!(verdicts, [Verdict::Contradicted, Verdict::Contradicted, Verdict::Verified]);
}

#[test]
fn two_evidence_files_end_to_end_are_none() {
    let told: Told = Story::new().tell();
    let bytes = told.evidence().to_bytes();
    for joined in [[bytes.clone(), bytes.clone()].concat(), [b"PK\x03\x04".to_vec(), bytes.clone()].concat()] {
        let verdict = assess(&joined, Some(&told.lab.policy()), NUMBER, |_| None).verdict;
        assert_eq!(verdict, Verdict::Unreadable, "a21");
    }
}

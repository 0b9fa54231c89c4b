//! Seeded mutants of many kinds at once: what one change at a time does not reach.

use reproledger::claim::{NUMBER, Verdict, assess, assess_any};
use reproledger::evidence::MAGIC;
use reproledger::key::Policy;

use super::bytes::none_is_believed;
use super::items::{Example, examples};
use super::{frame, items};
use crate::support::{Story, Told, sample};

/// Mutants in the default suite, those of claims and those of items together. `REPROLEDGER_MUTANTS` asks for more,
/// `REPROLEDGER_SEED` for others.
const MUTANTS: usize = 24_000;

/// One mutant of so many is one of evidence of items, as many of each example.
const OF_ITEMS: usize = 4;

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

//! The ledger against the disk and the CPU under it: ratios of one run, medians.
//!
//! `cargo bench --bench ledger [-- DIR [PART]]` works in a fresh directory below DIR (default: the system's temporary one),
//! which should be on the disk that a ledger would be on; PART is one of those in `main`. Goals are those of the performance page: appends at most
//! 1.25 times a bare write and sync, batches at least 0.7 of the signing limit, a million entries opened in 0.3 s,
//! proved in 5 µs and audited in 1.5 s.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![allow(clippy::cast_precision_loss, reason = "figures of three digits")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot run has nothing to report")]

use std::convert::Infallible;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use ed25519_dalek::Signer;
use rayon::prelude::*;
use reproledger::capture::hash::Silent;
use reproledger::digest::FileDigest;
use reproledger::journal::audit::{Scope, audit_ledger};
use reproledger::journal::{Draft, Journal, NewLedger};
use reproledger::key::SigningKey;
use reproledger::ledger::{AuditInputs, Ledger, SEGMENT_BYTES, Writer, audit, verifier_key};
use reproledger::merkle::{EntryIndex, Origin, check_inclusion, leaf_hash, prove_inclusion};
use reproledger::statement::{Kind, Subject};

const ENTRY_LEN: usize = 300;
const MILLION: u64 = 1_000_000;

/// A part of this benchmark by its name.
type Part = (&'static str, fn(&Path));

fn main() {
    let base = std::env::args().nth(1).filter(|arg| !arg.starts_with('-'));
    let base = base.map_or_else(std::env::temp_dir, Into::into);
    let scratch = tempfile::tempdir_in(base).unwrap();
    let part = std::env::args().nth(2);
    let parts: [Part; 5] = [
        ("append", append_latency),
        ("open", open_full_segment),
        ("batches", signed_batches),
        ("million", a_million),
        ("audit", audit_of_signatures),
    ];
    for (name, run) in parts {
        if part.as_deref().is_none_or(|part| part == name) {
            run(scratch.path());
        }
    }
}

fn origin() -> Origin {
    Origin::parse("example.org/bench").unwrap()
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

fn create(dir: &Path) -> Writer {
    Writer::create(&dir.join("ledger"), b"genesis", &origin(), key(1), &dir.join("state")).unwrap()
}

/// An entry of the usual length, signed by an issuer key as entries are.
fn signed_entry(index: u64, issuer: &SigningKey) -> Vec<u8> {
    let mut bytes = vec![0x42; ENTRY_LEN];
    bytes[..8].copy_from_slice(&index.to_be_bytes());
    let signature = issuer.sign(&bytes[64..]);
    bytes[8..72].copy_from_slice(&signature.0);
    bytes
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

/// One append, signed, with its signed head, against one bare write and sync: of a growing file, which is what such a
/// program does without further thought, and of a file whose bytes were written before, which is cheaper.
fn append_latency(base: &Path) {
    const ROUNDS: usize = 5;
    const EACH: usize = 400;
    let dir = base.join("latency");
    fs::create_dir(&dir).unwrap();
    let mut writer = create(&dir);
    let issuer = key(2);
    let growing = File::create(dir.join("growing")).unwrap();
    let reserved = File::create(dir.join("reserved")).unwrap();
    reserved.write_all_at(&vec![0; 4 << 20], 0).unwrap();
    reserved.sync_all().unwrap();
    let write = |file: &File, at: u64| {
        let start = Instant::now();
        file.write_all_at(&[0x42; ENTRY_LEN], at).unwrap();
        file.sync_data().unwrap();
        start.elapsed()
    };
    let mut at = 0;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let mut times = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..EACH {
            times[0].push(write(&growing, at));
            times[1].push(write(&reserved, at));
            at += ENTRY_LEN as u64;
            let start = Instant::now();
            writer.append(1, |index| Ok::<_, Infallible>(signed_entry(index.0, &issuer))).unwrap();
            times[2].push(start.elapsed());
        }
        rounds.push(times);
    }
    for (peer, name) in [(0, "growing"), (1, "reserved")] {
        for percent in [50, 99] {
            let mut ratios: Vec<(f64, Duration, Duration)> = rounds
                .iter_mut()
                .map(|times| {
                    let (bare, own) = (percentile(&mut times[peer], percent), percentile(&mut times[2], percent));
                    (own.as_secs_f64() / bare.as_secs_f64(), bare, own)
                })
                .collect();
            ratios.sort_by(|left, right| left.0.total_cmp(&right.0));
            let (ratio, bare, own) = ratios[ROUNDS / 2];
            println!("append-p{percent} {ratio:>6.2} x bare write+fdatasync, {name} file   ({own:?} against {bare:?})");
        }
    }
}

/// The slowest opening: a last segment that is almost full of single appends.
fn open_full_segment(base: &Path) {
    let dir = base.join("full");
    fs::create_dir(&dir).unwrap();
    let mut writer = create(&dir);
    let mut appended: u64 = 0;
    while appended * 560 < SEGMENT_BYTES {
        writer.append(1, |_| Ok::<_, Infallible>(vec![0x42; ENTRY_LEN])).unwrap();
        appended += 1;
    }
    drop(writer);
    let mut opens: Vec<Duration> = (0..5)
        .map(|_| {
            let start = Instant::now();
            drop(Writer::open(&dir.join("ledger"), &origin(), key(1), &dir.join("state")).unwrap());
            start.elapsed()
        })
        .collect();
    let open = percentile(&mut opens, 50).as_secs_f64();
    println!("open-full-segment   {open:>6.3} s ({appended} commits of one entry, closed again)");
}

fn signed_batches(base: &Path) {
    const BATCH: usize = 1000;
    const BATCHES: usize = 60;
    let per_second = |time: Duration| (BATCH * BATCHES) as f64 / time.as_secs_f64();
    let dir = base.join("batches");
    fs::create_dir(&dir).unwrap();
    let mut writer = create(&dir);
    let issuer = key(2);
    let mut ratios = Vec::new();
    for _ in 0..5 {
        let start = Instant::now();
        (0..BATCHES).for_each(|_| {
            let made: Vec<_> = (0..BATCH as u64).into_par_iter().map(|index| signed_entry(index, &issuer)).collect();
            assert_eq!(made.len(), BATCH);
        });
        let limit = start.elapsed();
        let start = Instant::now();
        for _ in 0..BATCHES {
            writer.append(BATCH, |index| Ok::<_, Infallible>(signed_entry(index.0, &issuer))).unwrap();
        }
        let appended = start.elapsed();
        ratios.push((limit.as_secs_f64() / appended.as_secs_f64(), per_second(limit), per_second(appended)));
    }
    ratios.sort_by(|left, right| left.0.total_cmp(&right.0));
    let (ratio, limit, appended) = ratios[2];
    println!("batch-1000-signed   {ratio:>6.2} x signing alone            ({appended:.0}/s against {limit:.0}/s)");
}

fn a_million(base: &Path) {
    let dir = base.join("million");
    fs::create_dir(&dir).unwrap();
    let mut writer = create(&dir);
    let start = Instant::now();
    for _ in 0..MILLION / 1000 {
        let make = |index: EntryIndex| {
            let mut bytes = vec![0x42; ENTRY_LEN];
            bytes[..8].copy_from_slice(&index.0.to_be_bytes());
            Ok::<_, Infallible>(bytes)
        };
        writer.append(1000, make).unwrap();
    }
    println!("fill-million        {:>6.2} s", start.elapsed().as_secs_f64());
    drop(writer);
    let ledger_dir = dir.join("ledger");
    let on_disk = |sub: &str| du(&ledger_dir.join(sub)) as f64 / MILLION as f64 - ENTRY_LEN as f64;
    println!("disk-beside-entry   {:>6.1} bytes an entry (goal 120)", on_disk("log"));
    println!("index               {:>6.1} bytes an entry", on_disk("index") + ENTRY_LEN as f64);

    let verifier = verifier_key(&origin(), &key(1));
    let mut opens: Vec<Duration> = (0..5)
        .map(|_| {
            let start = Instant::now();
            Ledger::open_read(&ledger_dir, &verifier).unwrap();
            start.elapsed()
        })
        .collect();
    println!("open-read           {:>6.3} s (goal 0.3)", percentile(&mut opens, 50).as_secs_f64());
    let mut opens: Vec<Duration> = (0..5)
        .map(|_| {
            let start = Instant::now();
            let opened = Writer::open(&ledger_dir, &origin(), key(1), &dir.join("state")).unwrap();
            let time = start.elapsed();
            drop(opened);
            time
        })
        .collect();
    println!("open-write          {:>6.3} s (goal 0.3)", percentile(&mut opens, 50).as_secs_f64());

    let ledger = Ledger::open_read(&ledger_dir, &verifier).unwrap();
    let indexes: Vec<u64> = (0..20_000).map(|n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % MILLION).collect();
    let leaves: Vec<_> = indexes.iter().map(|index| ledger.entry(EntryIndex(*index)).unwrap().leaf).collect();
    let (mut made, mut checked) = (Vec::new(), Vec::new());
    for (index, leaf) in indexes.iter().zip(&leaves) {
        let start = Instant::now();
        let path = prove_inclusion(&ledger.nodes(), EntryIndex(*index), ledger.tree().size).unwrap();
        made.push(start.elapsed());
        let start = Instant::now();
        check_inclusion(ledger.tree(), EntryIndex(*index), *leaf, &path).unwrap();
        checked.push(start.elapsed());
    }
    for (name, mut times, goal) in [("prove", made, 5), ("check", checked, 3)] {
        let time = percentile(&mut times, 50).as_secs_f64() * 1e6;
        println!("{name}-inclusion     {time:>6.2} us p50 (goal {goal})");
    }

    let inputs = AuditInputs { dir: &ledger_dir, key: &verifier, state_dir: None };
    let mut audits: Vec<Duration> = (0..3)
        .map(|_| {
            let start = Instant::now();
            audit(inputs, |_, _, _| Ok::<_, Infallible>(()), |_| {}).unwrap();
            start.elapsed()
        })
        .collect();
    println!("audit-under-heads   {:>6.2} s (goal 1.5)", percentile(&mut audits, 50).as_secs_f64());
}

/// A full audit of individually signed entries against what no audit can do without: one leaf hash and one strict check
/// of each signature, in memory, on every core.
fn audit_of_signatures(base: &Path) {
    const ENTRIES: usize = 200_000;
    const BATCH: usize = 1000;
    const ROUNDS: usize = 7;
    let dir = base.join("signed");
    let new = NewLedger {
        directory: &dir.join("ledger"),
        state_dir: &dir.join("state"),
        origin: "example.org/bench",
        issuer: "https://example.org",
        log_key: key(1),
        issuer_key: key(2),
        key_names: ("log", "issuer"),
        now: 1,
    };
    fs::create_dir(&dir).unwrap();
    let (directory, state_dir) = (new.directory.to_owned(), new.state_dir.to_owned());
    let (mut journal, settings) = Journal::create(new).unwrap();
    for batch in 0..ENTRIES / BATCH {
        let draft = |n: usize| {
            let mut draft = Draft::new(Kind::Other);
            draft.subjects.push(Subject::file(FileDigest::of(&(batch * BATCH + n).to_be_bytes()), 8));
            draft
        };
        journal.append((0..BATCH).map(draft).collect(), 1).unwrap();
    }
    journal.close().unwrap();

    let verifier = verifier_key(&origin(), &key(1));
    let ledger = Ledger::open_read(&directory, &verifier).unwrap();
    // As long as what is signed of an entry: nearly everything but the signature.
    let issuer = ed25519_dalek::SigningKey::from_bytes(&[2; 32]);
    let entries: Vec<Vec<u8>> = ledger.entries(EntryIndex(1)).unwrap().map(|entry| entry.unwrap().bytes).collect();
    let signatures: Vec<_> = entries.par_iter().map(|bytes| issuer.sign(&bytes[64..])).collect();
    let public = issuer.verifying_key();
    let inputs = AuditInputs { dir: &directory, key: &verifier, state_dir: Some(&state_dir) };
    let mut rounds: Vec<(f64, f64, f64)> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            let leaves: Vec<_> = entries
                .par_iter()
                .zip(&signatures)
                // Else one core waits at the end, and the limit is none.
                .with_max_len(16)
                .map(|(bytes, signature)| {
                    public.verify_strict(&bytes[64..], signature).unwrap();
                    leaf_hash(bytes)
                })
                .collect();
            assert_eq!(leaves.len(), ENTRIES);
            let limit = start.elapsed().as_secs_f64();
            let start = Instant::now();
            let audit = audit_ledger(inputs, &settings, Scope::Everything, &Silent).unwrap();
            let own = start.elapsed().as_secs_f64();
            assert!(audit.findings.worst().is_none());
            assert_eq!(audit.entries.unwrap().signatures, ENTRIES as u64 + 1);
            (limit / own, own, limit)
        })
        .collect();
    rounds.sort_by(|left, right| left.0.total_cmp(&right.0));
    let (ratio, own, limit) = rounds[ROUNDS / 2];
    let (low, high) = (rounds[0].0, rounds[ROUNDS - 1].0);
    println!(
        "audit-signatures    {ratio:>6.2} x the pure limit ({low:.2} to {high:.2}; {own:.2} s against {limit:.2} s, {ENTRIES} entries)"
    );
}

fn du(dir: &Path) -> u64 {
    let size = |path: &Path| if path.is_dir() { du(path) } else { fs::metadata(path).unwrap().len() };
    fs::read_dir(dir).map_or(0, |items| items.map(|item| size(&item.unwrap().path())).sum())
}

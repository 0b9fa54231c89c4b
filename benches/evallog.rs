//! How fast an Inspect log of a whole campaign is read, beside `inspect_ai`'s own reader in the same run.
//!
//! `cargo bench --bench evallog`. The log is made here: 27 conditions in 300 epochs, each sample some 30 kB of prompt,
//! transcript, events and a judge's text, once with deflate and once with zstd members. `REPROLEDGER_BENCH_PYTHON` names
//! a Python that has `inspect_ai` (without it the peer is skipped, and said to be); `REPROLEDGER_BENCH_EPOCHS` makes the
//! log smaller. Each reading is a process of its own; what counts is the ratio.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark talks to its user and may stop anywhere")]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use reproledger::artifact::samples::samples_manifest;
use reproledger::capture::log::read_log;

const CONDITIONS: usize = 27;
const RUNS: usize = 3;

const PEER: &str = "
import sys, time
from inspect_ai.log import read_eval_log
begun = time.perf_counter()
log = read_eval_log(sys.argv[1])
taken = time.perf_counter() - begun
peak = next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM'))
print(taken, len(log.samples), peak)
";

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let [_, mode, path] = &args[..]
        && mode == "child"
    {
        return child(Path::new(path));
    }
    let epochs: usize = std::env::var("REPROLEDGER_BENCH_EPOCHS").map_or(300, |text| text.parse().unwrap());
    let scratch = std::env::var_os("REPROLEDGER_BENCH_DIR").unwrap_or(std::env::temp_dir().into());
    let scratch = tempfile::tempdir_in(scratch).unwrap();
    let python = std::env::var_os("REPROLEDGER_BENCH_PYTHON");
    for method in [Method::Deflate, Method::Zstd] {
        let (path, plain) = make_log(scratch.path(), method, epochs);
        let packed = path.metadata().unwrap().len();
        println!("{method:?}: {} samples, {} MB packed, {} MB of JSON", CONDITIONS * epochs, packed >> 20, plain >> 20);
        let own = median(|| {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.arg("child").arg(&path);
            command
        });
        println!("  reproledger         {:8.3} s, {:5.0} MB at most", own.0, own.1);
        let Some(python) = &python else {
            println!("  inspect_ai          skipped: REPROLEDGER_BENCH_PYTHON names no Python that has it");
            continue;
        };
        let peer = median(|| {
            let mut command = Command::new(python);
            command.args(["-c", PEER]).arg(&path);
            command
        });
        println!("  inspect_ai          {:8.3} s, {:5.0} MB at most: {:.1} times", peer.0, peer.1, peer.0 / own.0);
    }
}

/// Reads a log as `record` does, manifest included.
fn child(path: &Path) {
    let begun = Instant::now();
    let log = read_log(&[path.to_owned()], None).unwrap();
    let manifest = samples_manifest(&log.facts, &log.samples).unwrap();
    let root = manifest.root().unwrap();
    let taken = begun.elapsed().as_secs_f64();
    assert!(log.facts.anomalies.worst().is_none(), "{:?} {root:?}", log.facts.anomalies);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).and_then(|line| line.split_whitespace().nth(1));
    println!("{taken} {} {}", log.samples.len(), peak.unwrap_or("0"));
}

/// Median seconds and greatest memory in MB of several processes.
fn median(command: impl Fn() -> Command) -> (f64, f64) {
    let mut found: Vec<(f64, f64)> = (0..RUNS)
        .map(|_| {
            let output = command().output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let text = String::from_utf8(output.stdout).unwrap();
            let mut words = text.lines().last().unwrap().split(' ');
            let seconds = words.next().unwrap().parse().unwrap();
            (seconds, words.nth(1).unwrap().parse::<f64>().unwrap() / 1024.0)
        })
        .collect();
    found.sort_by(|left, right| left.0.total_cmp(&right.0));
    (found[RUNS / 2].0, found.iter().map(|run| run.1).fold(0.0, f64::max))
}

// --- the log ----------------------------------------------------------------------------------------------------------

#[derive(Debug, Clone, Copy)]
enum Method {
    Deflate,
    Zstd,
}

impl Method {
    fn pack(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Deflate => {
                let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(6));
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Self::Zstd => zstd::encode_all(bytes, 3).unwrap(),
        }
    }

    fn id(self) -> u16 {
        match self {
            Self::Deflate => 8,
            Self::Zstd => 93,
        }
    }
}

/// The log's path and the bytes of JSON in it.
fn make_log(folder: &Path, method: Method, epochs: usize) -> (PathBuf, u64) {
    let path = folder.join(format!("{method:?}.eval"));
    let mut zip =
        Zip { out: BufWriter::new(File::create(&path).unwrap()), at: 0, directory: Vec::new(), count: 0, method };
    let mut words = Words(1);
    let (mut plain, mut harmful, mut summaries) = (0, 0, Vec::new());
    for condition in 0..CONDITIONS {
        for epoch in 1..=epochs {
            let verdict = u8::from(words.next().is_multiple_of(7));
            harmful += u64::from(verdict);
            let sample = sample(condition, epoch, verdict, &mut words);
            plain += sample.len() as u64;
            zip.add(&format!("samples/condition-{condition}_epoch_{epoch}.json"), sample.as_bytes());
            summaries.push(format!(
                r#"{{"id":"condition-{condition}","epoch":{epoch},"input":"","target":"","scores":{{"harm":{{"value":{{"classifier_verdict":{verdict}.0}},"history":[]}}}},"completed":true}}"#
            ));
        }
    }
    zip.add("summaries.json", format!("[{}]", summaries.join(",")).as_bytes());
    #[expect(clippy::cast_precision_loss, reason = "some thousand samples")]
    let rate = harmful as f64 / (CONDITIONS * epochs) as f64;
    let ids: Vec<String> = (0..CONDITIONS).map(|condition| format!("\"condition-{condition}\"")).collect();
    let header = format!(
        r#"{{"version":2,"status":"success","eval":{{"eval_id":"e","run_id":"r","created":"2026-11-26T12:00:00+00:00","task":"am","task_id":"t","task_version":"1.0.0","task_args":{{"grader_model":"judge/j"}},"dataset":{{"samples":{CONDITIONS},"sample_ids":[{}],"shuffled":false}},"model":"lab/m","model_args":{{}},"config":{{"epochs":{epochs}}},"packages":{{"inspect_ai":"0.3.285"}}}},"plan":{{"name":"plan","steps":[],"config":{{}}}},"results":{{"total_samples":{},"completed_samples":{},"scores":[{{"name":"classifier_verdict","scorer":"harm","scored_samples":{CONDITIONS},"unscored_samples":0,"params":{{}},"metrics":{{"accuracy":{{"name":"accuracy","value":{rate},"params":{{}}}}}}}}]}},"stats":{{"started_at":"2026-11-26T12:00:00+00:00","completed_at":"2026-11-26T13:00:00+00:00","model_usage":{{}}}},"invalidated":false}}"#,
        ids.join(","),
        CONDITIONS * epochs,
        CONDITIONS * epochs,
    );
    zip.add("header.json", header.as_bytes());
    zip.finish();
    (path, plain)
}

/// Text that is neither random nor the same twice: words of one vocabulary, drawn anew.
struct Words(u64);

impl Words {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn text(&mut self, bytes: usize) -> String {
        const SYLLABLES: &[&str] = &["an", "be", "con", "der", "ent", "for", "ing", "ion", "ment", "per", "re", "the"];
        let mut text = String::with_capacity(bytes + 16);
        while text.len() < bytes {
            for _ in 0..=self.next() % 3 {
                text.push_str(SYLLABLES[usize::try_from(self.next() % 12).unwrap()]);
            }
            text.push_str(if self.next().is_multiple_of(12) { ".\\n" } else { " " });
        }
        text
    }
}

fn sample(condition: usize, epoch: usize, verdict: u8, words: &mut Words) -> String {
    let (system, prompt) = (words.text(3000), words.text(4000));
    let (answer, judged) = (words.text(3500), words.text(1200));
    let verdict_text = format!("{judged}<answer>{}</answer>", if verdict == 1 { "yes" } else { "no" });
    let messages = format!(
        r#"[{{"id":"s","content":"{system}","role":"system"}},{{"id":"u","content":"{prompt}","source":"input","role":"user"}}]"#
    );
    let output = |model: &str, text: &str| {
        format!(
            r#"{{"model":"{model}","choices":[{{"message":{{"id":"a","content":"{text}","source":"generate","role":"assistant","model":"{model}"}},"stop_reason":"stop"}}],"completion":"{text}","usage":{{"input_tokens":2000,"output_tokens":900,"total_tokens":2900}},"time":3.5}}"#
        )
    };
    let answered = output("lab/m", &answer);
    let event =
        |rest: &str| format!(r#"{{"uuid":"e","timestamp":"2026-11-26T12:00:00+00:00","working_start":1.0,{rest}}}"#);
    let model = |span: &str, name: &str, output: &str| {
        event(&format!(
            r#""span_id":"{span}","event":"model","model":"{name}","input":[],"tools":[],"tool_choice":"none","config":{{}},"output":{output}"#
        ))
    };
    let span = |id: &str, kind: &str, name: &str| {
        event(&format!(r#""span_id":"{id}","event":"span_begin","id":"{id}","type":"{kind}","name":"{name}""#))
    };
    let score = format!(r#"{{"value":{{"classifier_verdict":{verdict}.0}},"explanation":"{judged}","history":[]}}"#);
    let events = [
        span("g", "solver", "generate"),
        model("g", "lab/m", &answered),
        span("h", "scorer", "harm"),
        model("h", "judge/j", &output("judge/j", &verdict_text)),
        event(&format!(
            r#""span_id":"h","event":"score","score":{score},"target":"","intermediate":false,"scorer":"harm""#
        )),
    ];
    format!(
        r#"{{"id":"condition-{condition}","epoch":{epoch},"input":{messages},"target":"","messages":{messages},"output":{answered},"scores":{{"harm":{score}}},"metadata":{{"scenario":"exfiltration","goal_type":"explicit"}},"store":{{}},"events":[{}],"model_usage":{{"lab/m":{{"input_tokens":2000,"output_tokens":900,"total_tokens":2900}}}},"uuid":"u{condition}-{epoch}","attachments":{{}}}}"#,
        events.join(",")
    )
}

/// Writes what every reader of ZIP reads: local headers, members, directory, end record.
struct Zip {
    out: BufWriter<File>,
    at: u64,
    directory: Vec<u8>,
    count: u16,
    method: Method,
}

impl Zip {
    fn add(&mut self, name: &str, bytes: &[u8]) {
        let packed = self.method.pack(bytes);
        let mut checksum = flate2::Crc::new();
        checksum.update(bytes);
        let mut fields = Vec::new();
        fields.extend(63_u16.to_le_bytes());
        fields.extend(0x0800_u16.to_le_bytes());
        fields.extend(self.method.id().to_le_bytes());
        fields.extend([0; 4]);
        fields.extend(checksum.sum().to_le_bytes());
        for size in [packed.len(), bytes.len()] {
            fields.extend(u32::try_from(size).unwrap().to_le_bytes());
        }
        fields.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        fields.extend([0; 2]);
        self.directory.extend(b"PK\x01\x02\x3f\x00");
        self.directory.extend(&fields);
        self.directory.extend([0; 10]);
        self.directory.extend(u32::try_from(self.at).unwrap().to_le_bytes());
        self.directory.extend(name.as_bytes());
        self.count += 1;
        for part in [b"PK\x03\x04".as_slice(), &fields, name.as_bytes(), &packed] {
            self.out.write_all(part).unwrap();
            self.at += part.len() as u64;
        }
    }

    fn finish(mut self) {
        self.out.write_all(&self.directory).unwrap();
        let mut end = b"PK\x05\x06\x00\x00\x00\x00".to_vec();
        for _ in 0..2 {
            end.extend(self.count.to_le_bytes());
        }
        end.extend(u32::try_from(self.directory.len()).unwrap().to_le_bytes());
        end.extend(u32::try_from(self.at).unwrap().to_le_bytes());
        end.extend([0; 2]);
        self.out.write_all(&end).unwrap();
        self.out.flush().unwrap();
    }
}

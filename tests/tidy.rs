//! The architecture is a test: layers, doors, registries and documents, held here and written down nowhere else.

#![allow(clippy::unwrap_used, reason = "tests")]

mod attacks;
mod outcomes;
mod reasons;

pub(crate) use outcomes::is_named;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Lowest first. A module may use modules of earlier lines only; those of one line do not know each other.
const LAYERS: &[&[&str]] = &[
    &["codec"],
    &["digest"],
    &["key"],
    &["merkle", "container", "json"],
    &["artifact", "statement", "stats"],
    &["draw", "replay"],
    &["corpus", "evallog", "evidence", "rows", "tokens", "weights"],
    &["verify"],
    &["lineage"],
    &["check"],
    &["claim", "overlap"],
    &["compare", "sampling"],
    &["store"],
    &["capture", "ledger"],
    &["journal"],
    &["report", "rebuild", "interop", "adopt"],
    &["cli"],
];

/// Modules that must build without the feature `host`: no files, threads, store, git, clock, network.
const CORE: &[&str] = &[
    "codec",
    "digest",
    "key",
    "merkle",
    "json",
    "artifact",
    "statement",
    "stats",
    "draw",
    "replay",
    "evidence",
    "verify",
    "lineage",
    "check",
    "claim",
    "compare",
    "sampling",
    "report",
];

/// Each has one door. To swap one, rewrite one file, or the folder of its name.
const DOORS: &[(&str, &str)] = &[
    ("blake3::", "digest.rs"),
    ("cbor4ii::", "codec.rs"),
    ("ed25519_dalek::", "key/ed25519.rs"),
    ("git2::", "capture/git.rs"),
    ("sled::", "store.rs"),
    ("tokenizers::", "tokens/huggingface.rs"),
    ("SystemTime::now", "cli/context.rs"),
];

/// Words that have no place in the core.
const HOST_ONLY: &[&str] =
    &["std::fs", "std::thread", "std::net", "std::process", "std::time", "std::env", "rayon::", "Instant::"];

/// Files that may hold `unsafe`, each with a reason.
const UNSAFE: &[&str] = &[
    // Making namespaces and marking inherited descriptors: two calls of the kernel, on the one thread of a process of its own.
    "rebuild/sandbox/helper.rs",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Every source file with its path below `src/` and its text without test modules.
fn sources() -> Vec<(String, String)> {
    let src = root().join("src");
    files(&src, ".rs")
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&src).unwrap().to_string_lossy().replace('\\', "/");
            let text = fs::read_to_string(&path).unwrap();
            (name, text)
        })
        .filter(|(name, _)| !name.ends_with("/tests.rs") && !name.contains("/tests/"))
        .collect()
}

/// The text before the test module, comments taken out.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn module_of(name: &str) -> &str {
    name.split(['/', '.']).next().unwrap_or_default()
}

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

#[test]
fn every_module_has_a_layer_and_uses_lower_ones_only() {
    for (name, text) in sources() {
        let module = module_of(&name);
        if matches!(module, "lib" | "main") {
            continue;
        }
        let layer = layer_of(module).unwrap_or_else(|| panic!("`{name}`: module `{module}` has no layer"));
        let text = code(&text);
        assert!(!text.contains("use crate::{"), "`{name}`: write one `use crate::module::…` line for each module");
        for rest in text.split("crate::").skip(1) {
            let used: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            if used == module || used.is_empty() {
                continue;
            }
            let Some(other) = layer_of(&used) else { continue };
            assert!(other < layer, "`{name}` uses `{used}`, which is not below `{module}`");
        }
    }
}

#[test]
fn each_fixed_package_has_one_door() {
    for (word, door) in DOORS {
        for (name, text) in sources() {
            let is_door = name == *door || name.starts_with(&door.replace(".rs", "/"));
            // `bench::blake3::x` would be another crate's module; ours are named from the root only.
            let names_it = code(&text).match_indices(word).any(|(at, _)| {
                let before = code(&text)[..at].chars().next_back();
                !before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
            });
            assert!(is_door || !names_it, "`{name}` names `{word}`, whose one door is `{door}`");
        }
    }
}

#[test]
fn the_core_knows_no_host() {
    for (name, text) in sources().into_iter().filter(|(name, _)| CORE.contains(&module_of(name))) {
        for word in HOST_ONLY {
            assert!(!code(&text).contains(word), "`{name}` is of the verifying core and names `{word}`");
        }
    }
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    for layer in LAYERS.iter().flat_map(|layer| layer.iter()) {
        let gated = lib.contains(&format!("#[cfg(feature = \"host\")]\npub mod {layer};"));
        assert_eq!(gated, !CORE.contains(layer), "`{layer}`: exactly the modules outside the core stand behind `host`");
    }
}

#[test]
fn nothing_prints_outside_cli_and_nothing_is_unsafe_or_unfinished() {
    for (name, text) in sources() {
        let text = code(&text);
        for word in ["println!", "eprintln!", "print!(", "dbg!"] {
            assert!(!text.contains(word), "`{name}` prints with `{word}`: only `cli/output.rs` writes");
        }
        for word in ["todo!", "unimplemented!", "FIXME", "TODO"] {
            assert!(!text.contains(word), "`{name}` is unfinished: `{word}`");
        }
        assert!(!text.contains("unsafe ") || UNSAFE.contains(&name.as_str()), "`{name}` holds unsafe code");
    }
}

#[test]
fn every_source_file_says_what_it_is() {
    for (name, text) in sources() {
        assert!(text.starts_with("//! "), "`{name}` begins with a `//!` line that a newcomer understands");
    }
}

#[test]
fn registries_are_complete() {
    // One file for each check, and each file in the registry.
    let registry = fs::read_to_string(root().join("src/check/mod.rs")).unwrap();
    for (name, text) in sources().into_iter().filter(|(name, _)| name.starts_with("check/")) {
        let path = name.trim_start_matches("check/").trim_end_matches(".rs").replace('/', "::");
        if text.contains("const ENTRY: &dyn Check") {
            assert!(registry.contains(&format!("    {path}::ENTRY,")), "check `{path}` is not in CHECKS");
            let module = path.rsplit("::").next().unwrap();
            let id = module.replacen('_', ".", 1);
            assert!(text.contains(&format!("\"{id}\"")), "`{name}` is the check `{id}`");
        }
    }
    // One file for each kind of artifact.
    let kinds = fs::read_to_string(root().join("src/capture/kind/mod.rs")).unwrap();
    for (name, _) in sources().into_iter().filter(|(name, _)| name.starts_with("capture/kind/")) {
        let module = name.trim_start_matches("capture/kind/").trim_end_matches(".rs");
        if module != "mod" && !module.contains('/') {
            assert!(kinds.contains(&format!("    {module},")), "kind `{module}` is not in KINDS");
        }
    }
    // One file for each subcommand.
    let commands = fs::read_to_string(root().join("src/cli/mod.rs")).unwrap();
    for (name, text) in sources().into_iter().filter(|(name, _)| name.starts_with("cli/")) {
        let module = name.trim_start_matches("cli/").trim_end_matches(".rs");
        // A command of a group stands in the enum of its group, which the compiler holds.
        let is_own = !module.contains('/') && module != "mod";
        if is_own && text.contains("fn run(self, context: &Context) -> Outcome") {
            assert!(commands.contains(&format!("    {module}::")), "subcommand `{module}` is not in `commands!`");
        }
    }
}

#[test]
fn every_dependency_has_a_reason_above_it() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let mut section = String::new();
    let mut previous = String::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line.to_owned();
        } else if section.ends_with("dependencies]") && line.contains(" = ") && !line.starts_with('#') {
            assert!(
                previous.starts_with("# ") || previous.contains(" = "),
                "Cargo.toml: `{line}` has no reason above it"
            );
        }
        previous = line.to_owned();
    }
}

#[test]
fn the_top_level_holds_what_it_should_and_nothing_else() {
    let allowed = [
        "Cargo.toml",
        "Cargo.lock",
        "src",
        "schemas",
        "fixtures",
        "tests",
        "benches",
        "SECURITY.md",
        "README.md",
        "CHANGELOG.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "NOTICE",
        "python",
        "templates",
        "target",
    ];
    for entry in fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(name.starts_with('.') || allowed.contains(&name.as_str()), "`{name}` has no place at the top level");
    }
    for needed in allowed.iter().filter(|name| !["python", "templates", "target"].contains(name)) {
        assert!(root().join(needed).exists(), "`{needed}` is missing at the top level");
    }
}

#[test]
fn the_readme_is_short_and_names_only_commands_that_exist() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.lines().count() < 200, "the README has {} lines", readme.lines().count());
    let commands = fs::read_to_string(root().join("src/cli/mod.rs")).unwrap();
    let mut seen = BTreeMap::new();
    for rest in readme.split("reproledger ").chain(readme.split("cargo run --release -- ")).skip(1) {
        let word: String = rest.chars().take_while(char::is_ascii_lowercase).collect();
        *seen.entry(word).or_insert(0) += 1;
    }
    let verbs = [
        "init", "key", "record", "run", "claim", "prove", "verify", "status", "log", "show", "lineage", "audit",
        "doctor", "demo", "rebuild", "diff", "retract", "exclude", "incident", "locate",
    ];
    for verb in verbs {
        assert!(commands.contains(&format!("    {verb}::")), "`{verb}` is no command");
        assert!(seen.contains_key(verb), "the README shows no `reproledger {verb}`");
    }
}

//! The pure stages of the pipeline, replayed to the byte: what Python made of a tree or of rows, made again here.
//!
//! Three stages need no model and no accelerator: document tree to `dataset.jsonl`, `_cot` to `_cot_stripped`, and the
//! picking, mixing, projecting and retargeting of rows. Whoever holds their input can make their output again and compare. That only
//! helps if every byte is CPython's: its sort of paths, its white space, its random numbers, its JSON text. Where Python
//! would have raised an exception, the replay refuses and says where: such an input made no output.
//!
//! Pure functions over bytes: no files, no threads, no clock. One file a function, and one line in [`FUNCTIONS`].

pub mod dumps;
pub mod extract;
mod function;
pub mod params;
pub mod paths;
pub mod random;
pub mod render;
pub mod text;

pub use function::{Function, HostError, Input, Items, Made, Remark, ReplayError, RowError, Sink, Takes};

macro_rules! functions {
    ($($module:ident,)+) => {
        $(mod $module;)+

        /// Every function that can be replayed.
        pub static FUNCTIONS: &[&dyn Function] = &[$($module::ENTRY),+];
    };
}

functions! {
    dataset,
    strip,
    project,
    subsample,
    mix,
    retarget,
}

/// The function of that id.
pub fn of(id: &str) -> Option<&'static dyn Function> {
    FUNCTIONS.iter().copied().find(|function| function.id() == id)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::params::Params;
    use super::*;

    /// Documents or rows in memory.
    pub(super) struct Memory(Vec<(Option<&'static str>, Vec<u8>)>);

    impl Memory {
        pub(super) fn rows(text: &str) -> Self {
            Self(text.lines().map(|row| (None, row.as_bytes().to_vec())).collect())
        }

        pub(super) fn tree<B: AsRef<[u8]>>(documents: &[(&'static str, B)]) -> Self {
            Self(documents.iter().map(|(path, bytes)| (Some(*path), bytes.as_ref().to_vec())).collect())
        }
    }

    impl Items for Memory {
        fn count(&self) -> usize {
            self.0.len()
        }

        fn path(&self, item: usize) -> Option<&str> {
            self.0[item].0
        }

        fn read(&self, item: usize, buffer: &mut Vec<u8>) -> Result<(), HostError> {
            buffer.clone_from(&self.0[item].1);
            Ok(())
        }
    }

    struct Lines(String);

    impl Sink for Lines {
        fn row(&mut self, row: &[u8]) -> std::io::Result<()> {
            self.0.push_str(std::str::from_utf8(row).unwrap());
            self.0.push('\n');
            Ok(())
        }
    }

    /// What a function makes of inputs; `params` are `name=value` between blanks.
    pub(super) fn made(id: &str, inputs: &[Memory], params: &str) -> Result<(String, Made), String> {
        let names: Vec<String> = (1..=inputs.len()).map(|number| format!("in{number}")).collect();
        let inputs: Vec<_> =
            inputs.iter().zip(&names).map(|(items, name)| Input { name: name.as_str(), items }).collect();
        let params = params.split_whitespace().map(|param| param.split_once('=').unwrap());
        let params = params.fold(Params::default(), |params, (name, value)| params.with(name, value));
        let mut lines = Lines(String::new());
        match of(id).unwrap().run(&inputs, &params, &mut lines) {
            Ok(made) => Ok((lines.0, made)),
            Err(error) => {
                let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
                Err(format!("{error}{}", cause.unwrap_or_default()))
            }
        }
    }

    #[test]
    fn every_function_stands_once_and_says_what_it_makes() {
        let ids: Vec<_> = FUNCTIONS.iter().map(|function| function.id()).collect();
        assert_eq!(ids, ["msm.to_jsonl/1", "aft.strip/1", "project/1", "subsample/1", "mix/1", "retarget/1"]);
        for function in FUNCTIONS {
            assert!((10..90).contains(&function.about().len()), "{}", function.id());
            assert!(of(function.id()).is_some_and(|found| found.id() == function.id()));
        }
        assert!(of("msm.to_jsonl").is_none());
    }

    #[test]
    fn what_a_function_does_not_take_is_refused_before_anything_is_read() {
        for (id, inputs, params, refusal) in [
            ("aft.strip/1", 2, "", "aft.strip/1 takes one file of rows, found 2"),
            ("msm.to_jsonl/1", 0, "", "msm.to_jsonl/1 takes one folder of documents, found 0"),
            ("mix/1", 0, "", "mix/1 takes one or more files of rows, found 0"),
            ("subsample/1", 3, "", "subsample/1 takes one file of rows, and one of indices or none, found 3"),
            ("aft.strip/1", 1, "seed=1", "aft.strip/1 has no parameter `seed`, expected `json`"),
            (
                "aft.strip/1",
                1,
                "json=latin",
                "the parameter `json` is `latin`, expected verbatim, utf8, ascii, utf8-compact or ascii-compact",
            ),
            ("mix/1", 1, "seed=x", "`x` is no seed: a seed is an integer of at most 4300 digits"),
        ] {
            let inputs: Vec<_> = (0..inputs).map(|_| Memory::rows("{}")).collect();
            assert_eq!(made(id, &inputs, params).unwrap_err(), refusal);
        }
    }
}

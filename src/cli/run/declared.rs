//! What whoever runs a command declares before it runs: what it needs, and how equal a rebuild must be.

use std::path::PathBuf;

use crate::capture::surroundings::Declared;
use crate::cli::Failure;
use crate::rebuild::Equality;
use crate::statement::Rerun;

/// What is declared beforehand.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct DeclaredArgs {
    /// A variable of the environment that the command needs: its value is recorded, and set again in a rebuild, which
    /// starts with none
    #[arg(long = "env", value_name = "NAME")]
    variables: Vec<String>,
    /// How equal what a rebuild writes must be: bits (where nothing is said), rows, rowset, tensors, samples,
    /// `tensors:abs=1e-6,rel=1e-4`, or of a log `rates:margin=0.05,scorer=match` (the rate of that score is equivalent, by
    /// two one-sided tests at 5 %; add `key=NAME` where the scorer gives several); of all outputs or of one
    #[arg(long = "deterministic", value_name = "[NAME=]EQUALITY", value_parser = equality)]
    equality: Vec<(String, String)>,
    /// Nobody can run it again, and why: sampled from an API, trained on a cluster
    #[arg(long, value_name = "REASON", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    frontier: Option<String>,
}

fn equality(text: &str) -> Result<(String, String), String> {
    // A tolerance has `=` in it too; a name has no colon before its own.
    let (name, said) = match text.split_once('=') {
        Some((name, said)) if !name.contains(':') => (name, said),
        _ => (Rerun::OTHERS, text),
    };
    let parsed = Equality::parse(said).map_err(|error| error.to_string())?;
    Ok((name.to_owned(), parsed.to_string()))
}

impl DeclaredArgs {
    /// The same, with the values that hold now. `outputs` are the names and places of what the command will write.
    pub(super) fn resolve(&self, outputs: &[(&str, &PathBuf)]) -> Result<Declared, Failure> {
        let mut declared = Declared { frontier: self.frontier.clone(), ..Declared::default() };
        for name in &self.variables {
            let value = std::env::var(name).map_err(|_| {
                Failure::new(format!("the variable `{}` is not set, or is not UTF-8", name.escape_debug()))
            })?;
            declared.variables.insert(name.clone(), value);
        }
        for (name, said) in &self.equality {
            if name != Rerun::OTHERS && !outputs.iter().any(|(output, _)| output == name) {
                return Err(Failure::new(format!("no output is called `{}`", name.escape_debug())));
            }
            if declared.equality.insert(name.clone(), said.clone()).is_some() {
                return Err(Failure::new(format!("`--deterministic` says two things of `{}`", name.escape_debug())));
            }
        }
        declared.outputs = outputs.iter().map(|(_, path)| (*path).clone()).collect();
        Ok(declared)
    }
}

#[cfg(test)]
mod tests {
    use super::equality;

    #[test]
    fn an_equality_is_of_all_outputs_or_of_one() {
        let said = |text: &str| equality(text).map(|(name, said)| format!("{name} {said}"));
        assert_eq!(said("bits"), Ok("* bits".to_owned()));
        assert_eq!(said("log=samples"), Ok("log samples".to_owned()));
        assert_eq!(said("tensors:abs=1e-6"), Ok("* tensors:abs=1e-6".to_owned()));
        assert_eq!(said("w=tensors:abs=1e-6,rel=0.5"), Ok("w tensors:abs=1e-6,rel=0.5".to_owned()));
        assert_eq!(said("rates:margin=0.05,scorer=s"), Ok("* rates:margin=0.05,scorer=s".to_owned()));
        assert_eq!(said("log=rates:margin=0.05"), Ok("log rates:margin=0.05".to_owned()));
        assert!(equality("w=nearly").is_err());
    }
}

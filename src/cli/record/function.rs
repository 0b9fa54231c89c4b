//! `record dataset --function`: by which pure function data were made of what `--from` names.

use crate::cli::Failure;
use crate::journal::{Draft, Row};
use crate::rebuild::{FUNCTION, INPUTS, PARAM};
use crate::replay::of;
use crate::statement::{Kind, MAX_READING_TEXT, Reading};

/// The function and its parameters.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Made by a function")]
pub(super) struct FunctionArgs {
    /// The pure function that made it of what --from names, in that order: readers with the data run it again (dataset, mix)
    #[arg(long, value_name = "FUNCTION", requires = "from")]
    function: Option<String>,
    /// A parameter of the function
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = super::note, requires = "function")]
    params: Vec<(String, String)>,
}

impl FunctionArgs {
    /// States the function in the draft's reading.
    pub(super) fn state(&self, draft: &mut Draft, parents: &[Row]) -> Result<(), Failure> {
        let Some(id) = &self.function else { return Ok(()) };
        if !matches!(draft.kind, Kind::Dataset | Kind::Mix) {
            return Err(Failure::new(format!("--function made a dataset or mix, not a {}", draft.kind)));
        }
        let list = "see what there is: reproledger rebuild --pure --list";
        let function = of(id).ok_or_else(|| {
            Failure::new(format!("`{}` is no function that can be run again", id.escape_default())).hint(list)
        })?;
        let reading = draft.body.reading.get_or_insert_with(|| Reading::by(id));
        reading.fact(FUNCTION, id);
        let inputs: Vec<String> = parents.iter().map(|row| row.index.to_string()).collect();
        reading.fact(INPUTS, &inputs.join(" "));
        for (name, value) in &self.params {
            if !function.params().iter().any(|(known, _)| known == name) {
                let text = format!("{id} has no parameter `{}`", name.escape_default());
                return Err(Failure::new(text).hint(list));
            }
            // A fact is cut at its limit, and a parameter that is cut is another one.
            if value.len() > MAX_READING_TEXT {
                let text = format!("the parameter `{name}` has {} bytes, more than {MAX_READING_TEXT}", value.len());
                return Err(Failure::new(text));
            }
            reading.fact(&format!("{PARAM}{name}"), value);
        }
        Ok(())
    }
}

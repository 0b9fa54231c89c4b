//! What `record documents` is told about a corpus.

use std::path::PathBuf;

use clap::builder::PossibleValue;

use crate::capture::kind::{DocumentsOptions, read_rendering_file};
use crate::cli::Failure;
use crate::corpus::Layout;

/// How to read documents.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Documents")]
pub(super) struct DocumentsArgs {
    /// How documents lie in files; found out where it is not said
    #[arg(long, value_parser = LayoutParser)]
    layout: Option<Layout>,
    /// Member of a row that is the document [default: text]
    #[arg(long, value_name = "NAME")]
    text_field: Option<String>,
    /// Name that documents should use for the model; others are reported
    #[arg(long, value_name = "NAME")]
    expect_model: Vec<String>,
    /// Name that documents should use for its maker; others are reported
    #[arg(long, value_name = "NAME")]
    expect_provider: Vec<String>,
    /// Rendering of the spec to hold plans and times of documents against
    #[arg(long, value_name = "FILE")]
    rendering: Option<PathBuf>,
}

impl DocumentsArgs {
    pub(super) fn options(&self) -> Result<DocumentsOptions, Failure> {
        Ok(DocumentsOptions {
            layout: self.layout,
            text_field: self.text_field.clone(),
            expected: self.expect_model.iter().chain(&self.expect_provider).cloned().collect(),
            rendering: self.rendering.as_deref().map(read_rendering_file).transpose()?,
        })
    }
}

/// Takes the name of a layout, and lists them in the help.
#[derive(Clone)]
struct LayoutParser;

impl clap::builder::TypedValueParser for LayoutParser {
    type Value = Layout;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<Layout, clap::Error> {
        let possible = clap::builder::PossibleValuesParser::new(self.possible_values().into_iter().flatten());
        let name = possible.parse_ref(command, argument, value)?;
        Ok(Layout::from_name(&name).expect("every name on the list is a layout's"))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue>>> {
        Some(Box::new(Layout::ALL.iter().map(|(_, name)| PossibleValue::new(*name))))
    }
}

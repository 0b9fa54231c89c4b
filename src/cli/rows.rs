//! Flags that say how the rows of a dataset are taken.

use crate::artifact::rows::Projection;
use crate::capture::rows::{Mode, RowOptions};

/// How to read rows.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct RowArgs {
    /// Which view of a row is hashed: `text`, `messages`, FIELD[,FIELD…], or `*` for the whole row (dataset, mix)
    #[arg(long, value_name = "VIEW", value_parser = projection)]
    projection: Option<Projection>,
    /// Field that says where a row came from (dataset, mix)
    #[arg(long, value_name = "FIELD")]
    source: Option<String>,
    /// Read and hash every row, however many there are (dataset, mix)
    #[arg(long, conflicts_with = "offsets")]
    rows: bool,
    /// Record only where each row lies: fast, and each is still provable (dataset, mix of uncompressed lines)
    #[arg(long, conflicts_with_all = ["projection", "source"])]
    offsets: bool,
}

impl RowArgs {
    pub(super) fn options(&self) -> RowOptions {
        let mode = if self.rows { Some(Mode::Read) } else { self.offsets.then_some(Mode::Locate) };
        RowOptions { projection: self.projection.clone(), source: self.source.clone(), mode }
    }
}

fn projection(text: &str) -> Result<Projection, String> {
    Projection::parse(text).map_err(|error| error.to_string())
}

//! Generated documents and the datasets made of them.

pub(super) mod aft_partition;
pub(super) mod aft_strip;
pub(super) mod contamination;
pub(super) mod dataset_counts;
pub(super) mod dataset_published;
pub(super) mod dataset_rebuild;
pub(super) mod dataset_transforms;
pub(super) mod docs_identity;
pub(super) mod docs_quality;
pub(super) mod gen_receipts;
mod made;
pub(super) mod mix_composition;
pub(super) mod ood_heldout;
pub(super) mod prompt_templates;
pub(super) mod rows_derived;
mod tokens;
pub(super) mod tree_census;

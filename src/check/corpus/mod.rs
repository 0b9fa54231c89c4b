//! Generated documents and the datasets made of them.

pub(super) mod rows_derived;

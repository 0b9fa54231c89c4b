//! Training rows.

bytes_kind!(Dataset, "training rows");

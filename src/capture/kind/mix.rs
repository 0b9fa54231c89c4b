//! Datasets put together for one training run.

bytes_kind!(Mix, "datasets put together for one training run");

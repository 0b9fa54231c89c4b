//! Configuration of a stage.

bytes_kind!(Config, "configuration of a stage");

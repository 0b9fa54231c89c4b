//! The weights that an experiment begins with.

bytes_kind!(BaseModel, "weights that an experiment begins with");

//! Items and code of an evaluation.

bytes_kind!(EvalSuite, "items and code of an evaluation");

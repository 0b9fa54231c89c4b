//! The judge of an evaluation.

bytes_kind!(JudgeConfig, "the judge of an evaluation: prompt, parser, parameters");

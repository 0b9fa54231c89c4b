//! A tokenizer and its chat template.

bytes_kind!(Tokenizer, "a tokenizer and its chat template");

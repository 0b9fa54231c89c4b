//! Prompt templates, for generating documents or for judging.

bytes_kind!(PromptTemplate, "a prompt with placeholders, for generating or judging");

//! The pure stages of the pipeline, replayed to the byte: what Python made of a tree or of rows, made again here.
//!
//! Three stages need no model and no accelerator: document tree to `dataset.jsonl`, `_cot` to `_cot_stripped`, and the
//! picking, mixing and projecting of rows. Whoever holds their input can make their output again and compare. That only
//! helps if every byte is CPython's: its sort of paths, its white space, its random numbers, its JSON text. Where Python
//! would have raised an exception, the replay refuses and says where: such an input made no output.
//!
//! Pure functions over bytes: no files, no threads, no clock.

pub mod extract;
pub mod paths;
pub mod random;
pub mod text;

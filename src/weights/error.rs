//! Why weights were not read: refused as broken, or beyond what is read.

use std::io;

use crate::artifact::tensors::TensorsError;
use crate::container::ArchiveError;
use crate::json::JsonError;

/// Why a file is not what its format says.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum FormatError {
    #[error("it cannot be read")]
    Io(#[from] io::Error),
    #[error("it ends inside {what}, which begins at byte {at}")]
    Cut { what: &'static str, at: u64 },
    #[error("{what} at byte {at} is {found}, more than the limit of {limit}")]
    Limit { what: &'static str, at: u64, found: u64, limit: u64 },
    #[error("its header should reach to byte {end}, and it has {size} bytes")]
    HeaderBeyondFile { end: u64, size: u64 },
    #[error("its header begins with {}, expected `{expected}` at byte {at}", shown(.found))]
    Start { at: u64, expected: &'static str, found: Vec<u8> },
    #[error("its header is not the JSON that was expected, counted from byte {at}")]
    Json { at: u64, source: JsonError },
    #[error("`{}` stands twice in its header", .name.escape_debug())]
    DuplicateName { name: String },
    #[error("`{}` in its header has {what}", .name.escape_debug())]
    Entry { name: String, what: &'static str },
    #[error("{what} at byte {at} is {found}, expected {expected}")]
    Value { what: &'static str, at: u64, found: u64, expected: &'static str },
    #[error("{what} at byte {at} is not UTF-8")]
    Utf8 { what: &'static str, at: u64 },
    #[error("tensors `{}` and `{}` overlap at byte {at}", .first.escape_debug(), .second.escape_debug())]
    Overlap { first: String, second: String, at: u64 },
    #[error("the bytes {at}..{end} belong to no tensor")]
    Hole { at: u64, end: u64 },
    #[error("bytes follow the last tensor: it ends at byte {at}, the file at {size}")]
    Trailing { at: u64, size: u64 },
    #[error("tensor `{}` should end at byte {end}, and the file ends at {size}", .name.escape_debug())]
    Short { name: String, end: u64, size: u64 },
    #[error("its tensors cover {covered} bytes, more than {limit}: the same bytes stand under too many names")]
    Views { covered: u64, limit: u64 },
    #[error("the pickle in it at byte {at}: {what}")]
    Pickle { at: u64, what: &'static str },
    #[error("tensor `{}` needs the record `{}`, which {what}", .name.escape_debug(), .record.escape_debug())]
    Record { name: String, record: String, what: &'static str },
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Tensor(#[from] TensorsError),
}

/// Why a file that may hold weights is recorded as bytes only. It is not broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum Beyond {
    #[error("pickle beyond tensors at byte {at}: {what}")]
    Pickle { at: u64, what: String },
    #[error("a bare pickle, which only running it could read")]
    BarePickle,
    #[error("an archive without a state dictionary or NumPy arrays")]
    OtherArchive,
    #[error("tensor `{}` does not lie contiguous and row-major", .name.escape_debug())]
    Strided { name: String },
    #[error("tensor `{}` is big-endian", .name.escape_debug())]
    BigEndian { name: String },
    #[error("tensor `{}` is of element type `{}`", .name.escape_debug(), .found.escape_debug())]
    Dtype { name: String, found: String },
    #[error("it is of version {found}, and only {known} are read")]
    Version { found: u64, known: &'static str },
    #[error("it holds {count} tensors of {limit} that one checkpoint may have")]
    TooMany { count: u64, limit: u64 },
    #[error("it holds no tensor")]
    Empty,
    #[error("its format is not known")]
    Unknown,
    #[error("several files here hold a tensor `{}`, and nothing says which one is meant", .name.escape_debug())]
    Several { name: String },
    #[error("it is only a pointer to content that Git LFS keeps elsewhere")]
    Pointer,
}

/// Why the files of a model and its index do not go together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum IndexError {
    #[error("the index is not the JSON that was expected")]
    Json(#[from] JsonError),
    #[error("the index has no `weight_map`, or an empty one")]
    NoMap,
    #[error("the index has {found} bytes, the limit is {limit}")]
    TooLarge { found: u64, limit: u64 },
    #[error("the index places tensor `{}` in `{}`, which is no name of a file beside it", .name.escape_debug(), .file.escape_debug())]
    Elsewhere { name: String, file: String },
    #[error("shard `{}` is missing", .file.escape_debug())]
    MissingShard { file: String },
    #[error("shard `{}` is not in the index", .file.escape_debug())]
    ExtraShard { file: String },
    #[error("tensor `{}` is in both `{}` and `{}`", .name.escape_debug(), .first.escape_debug(), .second.escape_debug())]
    TwoShards { name: String, first: String, second: String },
    #[error("tensor `{}` is in `{}`, and the index says `{}`", .name.escape_debug(), .found.escape_debug(), .expected.escape_debug())]
    OtherShard { name: String, found: String, expected: String },
    #[error("tensor `{}` is in `{}`, and the index does not know it", .name.escape_debug(), .file.escape_debug())]
    ExtraTensor { name: String, file: String },
    #[error("tensor `{}` is not in `{}`, where the index says it is", .name.escape_debug(), .file.escape_debug())]
    MissingTensor { name: String, file: String },
    #[error("several indexes, and nothing says which one is meant: `{}`, `{}`", .first.escape_debug(), .second.escape_debug())]
    Several { first: String, second: String },
    #[error("shards of {first} and of {second} files lie together")]
    Counts { first: u64, second: u64 },
}

/// Why weights were refused.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum WeightsError {
    #[error("`{}` is damaged", .file.escape_debug())]
    Format { file: String, source: FormatError },
    #[error("the shards of this model do not go together")]
    Index(#[from] IndexError),
    #[error("`{}` cannot be read", .file.escape_debug())]
    Io { file: String, source: io::Error },
    #[error(transparent)]
    Tensors(#[from] TensorsError),
    #[error("`{}` has SHA-256 {found}, and is named as {expected}", .file.escape_debug())]
    Sha256 { file: String, expected: String, found: String },
    #[error("`{}` has {found} bytes, and the pointer to it says {expected}", .file.escape_debug())]
    PointerSize { file: String, expected: u64, found: u64 },
    #[error("several snapshots, and `refs/main` names none of them: {}", .names.escape_debug())]
    Snapshots { names: String },
}

fn shown(bytes: &[u8]) -> String {
    format!("`{}`", bytes.escape_ascii())
}

/// One file is either broken or beyond what is read.
#[derive(Debug)]
pub(super) enum Refusal {
    Format(FormatError),
    Beyond(Beyond),
}

impl<E: Into<FormatError>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Format(error.into())
    }
}

impl From<Beyond> for Refusal {
    fn from(beyond: Beyond) -> Self {
        Self::Beyond(beyond)
    }
}

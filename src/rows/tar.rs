//! WebDataset: an archive of samples, each a run of members that share their name up to its first dot.
//!
//! What stands after that dot says what a member holds: its last part how it is read, and what is before names the field.
//!
//! | member | field |
//! | --- | --- |
//! | `7.txt`, `7.text` | `text`, a text |
//! | `7.input.txt` | `input`, a text |
//! | `7.json`, an object | its members are fields themselves |
//! | `7.json`, anything else | `json`, that value |
//! | `7.messages.json` | `messages`, that value |
//! | `7.cls`, `7.id`, `7.index`, `7.count` | a field of that name, an integer |
//! | `7.png`, `7.seg.png` | `png`, `seg.png`, bytes |
//!
//! The name itself is the field `__key__`. Members without content of their own (links) and names without a dot are not
//! read: what they are for another reader is not for us to guess. Of a member only its bytes are used.
//!
//! Convention: <https://github.com/webdataset/webdataset#the-webdataset-format>

use std::borrow::Cow;
use std::io::BufRead;

use super::jsonl::{cell_of, check_distinct};
use super::{Format, MAX_ROW_BYTES, Row, RowError, Sink};
use crate::artifact::rows::Cell;
use crate::container::tar::{Archive, Entry, Member, TarError};
use crate::json::{Kind, MAX_DEPTH, Value};

pub(super) const ENTRY: &dyn Format = &Tar;

/// The field of the name that the members of a sample share.
const KEY: &[u8] = b"__key__";

/// Most members of a sample.
const MAX_MEMBERS: usize = 1000;

struct Tar;

impl Format for Tar {
    fn name(&self) -> &'static str {
        "webdataset/1"
    }

    fn endings(&self) -> &'static [&'static str] {
        &[".tar"]
    }

    fn read(&self, stream: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), RowError> {
        let mut archive = Archive::new(stream);
        let mut sample = Sample::default();
        while let Some(member) = archive.member()? {
            if member.entry == Entry::Folder {
                continue;
            }
            let (key, field) = split(&member)?;
            if sample.key != key && !sample.parts.is_empty() {
                sink.row(std::mem::take(&mut sample).row()?)?;
            }
            sample.key = key.to_vec();
            sample.add(field, &member, &mut archive, &*sink)?;
        }
        if sample.parts.is_empty() { Ok(()) } else { sink.row(sample.row()?) }
    }
}

fn unsupported(what: String) -> RowError {
    RowError::Unsupported { format: "a WebDataset archive", what }
}

fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).chars().take(200).flat_map(char::escape_debug).collect()
}

impl From<TarError> for RowError {
    fn from(error: TarError) -> Self {
        match error {
            TarError::Io { source, .. } => Self::Io(source),
            other => Self::Malformed { format: "WebDataset archive", reason: other.to_string() },
        }
    }
}

/// The key and the field of a member's name.
fn split(member: &Member) -> Result<(&[u8], &[u8]), RowError> {
    let name = &member.name[..];
    if let Entry::Other(what) = member.entry {
        return Err(unsupported(format!("`{}`, {what},", shown(name))));
    }
    if std::str::from_utf8(name).is_err() {
        return Err(RowError::Utf8);
    }
    let start = name.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    let dot = name[start..].iter().position(|byte| *byte == b'.').map(|dot| start + dot);
    // A hidden file has no name before the dot, and no sample is called so.
    match dot.filter(|dot| *dot > start && dot + 1 < name.len()) {
        Some(dot) => Ok((&name[..dot], &name[dot + 1..])),
        None => Err(unsupported(format!("`{}`, whose name does not say what it holds,", shown(name)))),
    }
}

/// How the content of a member is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Text,
    Json,
    Integer,
    Bytes,
}

/// The field that an ending names, and what it holds.
fn field_of(ending: &[u8]) -> (&[u8], Content) {
    let dot = ending.iter().rposition(|byte| *byte == b'.');
    let (before, last) = dot.map_or((None, ending), |dot| (Some(&ending[..dot]), &ending[dot + 1..]));
    match last {
        b"txt" | b"text" => (before.unwrap_or(b"text"), Content::Text),
        b"json" | b"jsn" => (before.unwrap_or(b"json"), Content::Json),
        b"cls" | b"id" | b"index" | b"count" => (ending, Content::Integer),
        _ => (ending, Content::Bytes),
    }
}

/// The members of one sample.
#[derive(Debug, Default)]
struct Sample {
    key: Vec<u8>,
    parts: Vec<Part>,
    len: usize,
}

#[derive(Debug)]
struct Part {
    field: Vec<u8>,
    /// True where an object's members are fields themselves.
    is_whole: bool,
    content: Content,
    bytes: Vec<u8>,
}

impl Sample {
    fn add(
        &mut self,
        ending: &[u8],
        member: &Member,
        archive: &mut Archive<'_>,
        sink: &dyn Sink,
    ) -> Result<(), RowError> {
        if self.parts.len() == MAX_MEMBERS {
            return Err(RowError::Limit { what: "a sample", limit: MAX_MEMBERS as u64, unit: "members" });
        }
        let (field, content) = field_of(ending);
        let is_whole = content == Content::Json && matches!(ending, b"json" | b"jsn");
        let mut part = Part { field: field.to_vec(), is_whole, content, bytes: Vec::new() };
        // A picture that no one asked for need not be held.
        if content != Content::Bytes || sink.takes(field) {
            let size = usize::try_from(member.size).ok().and_then(|size| self.len.checked_add(size));
            self.len = size.filter(|len| *len <= MAX_ROW_BYTES).ok_or(RowError::TooLong)?;
            part.bytes = vec![0; usize::try_from(member.size).unwrap_or(0)];
            let mut filled = 0;
            while filled < part.bytes.len() {
                filled += archive.read(&mut part.bytes[filled..])?;
            }
        }
        self.parts.push(part);
        Ok(())
    }

    fn row(self) -> Result<Row<'static>, RowError> {
        let mut row: Row<'static> = vec![(Cow::Borrowed(KEY), Cell::Text(self.key.into()))];
        for part in self.parts {
            match part.content {
                Content::Bytes => row.push((part.field.into(), Cell::Bytes(part.bytes.into()))),
                Content::Text => {
                    let text = String::from_utf8(part.bytes).map_err(|_| RowError::Utf8)?;
                    row.push((part.field.into(), Cell::Text(text.into_bytes().into())));
                }
                Content::Integer => {
                    let text = std::str::from_utf8(part.bytes.trim_ascii()).ok();
                    let value = text.and_then(|text| text.parse().ok()).ok_or_else(|| RowError::Malformed {
                        format: "WebDataset archive",
                        reason: format!("`{}` holds no integer", shown(&part.field)),
                    })?;
                    row.push((part.field.into(), Cell::Int(value)));
                }
                Content::Json => {
                    let value = Value::parse(&part.bytes)?;
                    if part.is_whole && value.kind() == Kind::Object {
                        for (name, value) in value.members() {
                            row.push((name.bytes.into_owned().into(), owned(cell_of(value, MAX_DEPTH)?)));
                        }
                    } else {
                        row.push((part.field.into(), owned(cell_of(value, MAX_DEPTH)?)));
                    }
                }
            }
        }
        check_distinct(&row.iter().map(|(name, _)| &**name))?;
        Ok(row)
    }
}

/// A value that outlives the bytes it was read from.
fn owned(cell: Cell<'_>) -> Cell<'static> {
    let bytes = |bytes: Cow<'_, [u8]>| Cow::Owned(bytes.into_owned());
    match cell {
        Cell::Null => Cell::Null,
        Cell::Bool(value) => Cell::Bool(value),
        Cell::Int(value) => Cell::Int(value),
        Cell::Float(value) => Cell::Float(value),
        Cell::Decimal(text) => Cell::Decimal(text.into_owned().into()),
        Cell::Time(kind, text) => Cell::Time(kind, text.into_owned().into()),
        Cell::Text(text) => Cell::Text(bytes(text)),
        Cell::Bytes(content) => Cell::Bytes(bytes(content)),
        Cell::List(items) => Cell::List(items.into_iter().map(owned).collect()),
        Cell::Map(members) => Cell::Map(members.into_iter().map(|(name, cell)| (bytes(name), owned(cell))).collect()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
pub(super) mod tests {
    use crate::rows::tests::{read_as, refused, roots};

    fn member(name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
        let mut header = [0; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        header[156] = kind;
        header[257..263].copy_from_slice(b"ustar\0");
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let filling = content.len().next_multiple_of(512) - content.len();
        [&header[..], content, &vec![0; filling]].concat()
    }

    fn archive(members: &[(&str, u8, &str)]) -> Vec<u8> {
        let members = members.iter().map(|(name, kind, content)| member(name, *kind, content.as_bytes()));
        members.chain([vec![0; 1024]]).collect::<Vec<_>>().concat()
    }

    pub(in crate::rows) fn files(members: &[(&str, &str)]) -> Vec<u8> {
        archive(&members.iter().map(|(name, content)| (*name, b'0', *content)).collect::<Vec<_>>())
    }

    #[test]
    fn endings_name_fields_and_say_how_they_are_read() {
        let rows = b"{\"text\": \"a\", \"input\": \"b\", \"id\": 7, \"n\": 1, \"messages\": []}\n";
        let packed = files(&[
            ("x/7.txt", "a"),
            ("x/7.input.txt", "b"),
            ("x/7.id", "7\n"),
            ("x/7.json", "{\"n\": 1}"),
            ("x/7.messages.json", "[]"),
        ]);
        for view in ["text", "input", "messages", "id,n,input"] {
            assert_eq!(roots(view, "d.tar", &packed), roots(view, "d.jsonl", rows), "{view}");
        }
        // Folders hold nothing, and the order of members inside a sample does not matter.
        let other = archive(&[
            ("x/", b'5', ""),
            ("x/7.json", b'0', "{\"n\": 1}"),
            ("x/7.txt", b'0', "a"),
            ("x/7.id", b'0', "7"),
            ("x/7.input.txt", b'0', "b"),
            ("x/7.messages.json", b'0', "[]"),
        ]);
        assert_eq!(roots("*", "d.tar", &other), roots("*", "d.tar", &packed));
        let (gathered, ..) =
            read_as(None, &[("d.tar", files(&[("1.txt", "a"), ("2.txt", "a"), ("1.txt", "b")]))]).unwrap();
        assert_eq!((gathered.rows.count, gathered.rowset.count), (3, 2));
    }

    #[test]
    fn order_and_sharding_of_samples_leave_the_set() {
        let whole = roots("text", "d.tar", &files(&[("1.txt", "a"), ("2.txt", "b"), ("3.txt", "c")]));
        let shards = [("a.tar", files(&[("9.txt", "c")])), ("b.tar", files(&[("1.txt", "b"), ("2.txt", "a")]))];
        let (gathered, ..) = read_as(Some("text"), &shards).unwrap();
        assert!(gathered.rowset.root == whole.1 && gathered.rows.root != whole.0);
    }

    #[test]
    fn what_is_no_sample_is_refused_or_said_to_be_unread() {
        let link = read_as(None, &[("d.tar", archive(&[("1.txt", b'2', "")]))]).map(|_| ()).unwrap_err();
        assert!(link.is_unsupported());
        for (members, text) in [
            (archive(&[("1.txt", b'2', "")]), "`1.txt`, a link, in a WebDataset archive is not read"),
            (
                files(&[("README", "x")]),
                "`README`, whose name does not say what it holds, in a WebDataset archive is not read",
            ),
            (
                files(&[("a/.hidden", "x")]),
                "`a/.hidden`, whose name does not say what it holds, in a WebDataset archive is not read",
            ),
            (files(&[("1.txt", "a"), ("1.text", "b")]), "the field `text` stands twice in one row"),
            (files(&[("1.cls", "one")]), "the file is no WebDataset archive: `cls` holds no integer"),
            (files(&[("1.json", "{")]), "the text ends inside a value"),
        ] {
            assert!(refused("d.tar", &members).ends_with(text), "{}", refused("d.tar", &members));
        }
        let mut damaged = files(&[("1.txt", "a")]);
        damaged[0] = b'2';
        assert!(refused("d.tar", &damaged).contains("there is no header of a member at byte 0"));
        let mut after = files(&[("1.txt", "a")]);
        after.extend_from_slice(b"more");
        assert!(refused("d.tar", &after).contains("something follows the end of the archive at byte 2048"));
    }
}

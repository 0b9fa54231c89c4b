//! Tar archives as a stream of members: names and bytes, nothing of which is ever written out or followed.
//!
//! Read are the formats of POSIX (ustar, pax) and GNU. A header whose checksum is wrong, an archive without its end mark, and
//! anything after it, are refused: what another reader would see there, or would no longer see, nobody can say.
//!
//! Format: <https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13>

use std::io::{self, BufRead};

/// Headers and contents fill whole blocks.
const BLOCK: usize = 512;

/// Longest name of a member, and longest record of attributes.
const MAX_NAME_BYTES: u64 = 64 << 10;

/// What fills an archive up after its end mark: GNU tar writes whole records, of 10 KiB unless told otherwise.
const MAX_FILLING: u64 = 16 << 20;

/// Why an archive cannot be read.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum TarError {
    #[error("the archive cannot be read at byte {at}")]
    Io {
        at: u64,
        #[source]
        source: io::Error,
    },
    #[error("the archive ends at byte {at} without its end mark: it is cut")]
    Cut { at: u64 },
    #[error("there is no header of a member at byte {at}: its checksum is another")]
    Checksum { at: u64 },
    #[error("the header at byte {at} makes no sense: {what}")]
    Header { at: u64, what: &'static str },
    #[error("something follows the end of the archive at byte {at}")]
    Trailing { at: u64 },
    #[error("the name of the member at byte {at} is not read beyond {MAX_NAME_BYTES} bytes")]
    LongName { at: u64 },
}

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A link, a device, a file with holes, or what else there is; in words.
    Other(&'static str),
}

/// The head of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name as bytes, whatever they are.
    pub name: Vec<u8>,
    /// What it is.
    pub entry: Entry,
    /// Bytes of its content.
    pub size: u64,
    /// Where its header begins in the archive.
    pub at: u64,
}

/// An archive that is being read.
pub struct Archive<'s> {
    stream: &'s mut dyn BufRead,
    at: u64,
    /// Content of the member at hand that was not read, and what fills up its last block.
    left: u64,
    filling: u64,
}

/// What extended headers say about the next member.
#[derive(Default)]
struct Extended {
    name: Option<Vec<u8>>,
    size: Option<u64>,
    is_sparse: bool,
}

impl<'s> Archive<'s> {
    /// Begins at the first byte of a stream.
    pub fn new(stream: &'s mut dyn BufRead) -> Self {
        Self { stream, at: 0, left: 0, filling: 0 }
    }

    /// The next member, passing over what was not read of the one before; nothing after the last.
    pub fn member(&mut self) -> Result<Option<Member>, TarError> {
        let mut extended = Extended::default();
        loop {
            self.pass()?;
            let at = self.at;
            let block = self.block()?;
            if block == [0; BLOCK] {
                return self.end().map(|()| None);
            }
            let header = Header::parse(&block, at)?;
            self.hold(header.size);
            match header.kind {
                b'x' => extended.records(&self.content()?, at)?,
                // For all members that follow; nothing that counts here may stand for all of them.
                b'g' => {
                    let mut all = Extended::default();
                    all.records(&self.content()?, at)?;
                    if all.name.is_some() || all.size.is_some() {
                        return Err(TarError::Header { at, what: "it names every member that follows" });
                    }
                }
                b'L' => {
                    let mut name = self.content()?;
                    while name.last() == Some(&0) {
                        name.pop();
                    }
                    extended.name = Some(name);
                }
                b'K' => drop(self.content()?),
                kind => {
                    let size = extended.size.unwrap_or(header.size);
                    self.hold(size);
                    let name = extended.name.unwrap_or(header.name);
                    let is_folder = kind == b'5' || name.ends_with(b"/");
                    let entry = match kind {
                        _ if extended.is_sparse => Entry::Other("a file with holes"),
                        b'0' | b'7' | 0 if is_folder => Entry::Folder,
                        b'0' | b'7' | 0 => Entry::File,
                        b'5' => Entry::Folder,
                        b'1' => Entry::Other("a hard link"),
                        b'2' => Entry::Other("a link"),
                        b'3' | b'4' => Entry::Other("a device"),
                        b'6' => Entry::Other("a named pipe"),
                        b'S' => Entry::Other("a file with holes"),
                        _ => Entry::Other("of a type that is not known"),
                    };
                    // Links and folders have a size in some archives, and no content in any.
                    if !matches!(entry, Entry::File) && matches!(kind, b'1'..=b'6') {
                        self.hold(0);
                    }
                    return Ok(Some(Member { name, entry, size: self.left, at }));
                }
            }
        }
    }

    /// Reads content of the member at hand; nothing at its end.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TarError> {
        let most = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        if most == 0 {
            return Ok(0);
        }
        let read = match self.stream.read(&mut buffer[..most]) {
            Ok(0) => return Err(TarError::Cut { at: self.at }),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return self.read(buffer),
            Err(source) => return Err(TarError::Io { at: self.at, source }),
        };
        self.at += read as u64;
        self.left -= read as u64;
        Ok(read)
    }

    fn hold(&mut self, size: u64) {
        self.left = size;
        self.filling = size.wrapping_neg() % BLOCK as u64;
    }

    /// All content of the member at hand, which says something about the next.
    fn content(&mut self) -> Result<Vec<u8>, TarError> {
        if self.left > MAX_NAME_BYTES {
            return Err(TarError::LongName { at: self.at });
        }
        let mut content = vec![0; usize::try_from(self.left).unwrap_or(0)];
        let mut filled = 0;
        while filled < content.len() {
            filled += self.read(&mut content[filled..])?;
        }
        Ok(content)
    }

    /// Passes over the rest of the member at hand.
    fn pass(&mut self) -> Result<(), TarError> {
        self.left = self.left.checked_add(self.filling).ok_or(TarError::Cut { at: self.at })?;
        self.filling = 0;
        let mut passed = [0; 8192];
        while self.read(&mut passed)? > 0 {}
        Ok(())
    }

    fn block(&mut self) -> Result<[u8; BLOCK], TarError> {
        let mut block = [0; BLOCK];
        self.left = BLOCK as u64;
        let mut filled = 0;
        while filled < BLOCK {
            filled += self.read(&mut block[filled..])?;
        }
        Ok(block)
    }

    /// After the first block of zeros: a second one, and nothing but zeros to the end.
    fn end(&mut self) -> Result<(), TarError> {
        if self.block()? != [0; BLOCK] {
            return Err(TarError::Trailing { at: self.at - BLOCK as u64 });
        }
        let mut filling = 0;
        loop {
            let bytes = self.stream.fill_buf().map_err(|source| TarError::Io { at: self.at, source })?;
            let len = bytes.len();
            if let Some(other) = bytes.iter().position(|byte| *byte != 0) {
                return Err(TarError::Trailing { at: self.at + other as u64 });
            }
            filling += len as u64;
            if len == 0 {
                return Ok(());
            }
            if filling > MAX_FILLING {
                return Err(TarError::Trailing { at: self.at });
            }
            self.stream.consume(len);
            self.at += len as u64;
        }
    }
}

/// A header block.
struct Header {
    name: Vec<u8>,
    size: u64,
    kind: u8,
}

impl Header {
    fn parse(block: &[u8; BLOCK], at: u64) -> Result<Self, TarError> {
        let bad = |what| TarError::Header { at, what };
        let said = octal(&block[148..156]).ok_or(TarError::Checksum { at })?;
        // The checksum counts itself as spaces; old writers added bytes with their signs.
        let counted = |at: usize| if (148..156).contains(&at) { b' ' } else { block[at] };
        let unsigned: u64 = (0..BLOCK).map(|at| u64::from(counted(at))).sum();
        let signed: i64 = (0..BLOCK).map(|at| i64::from(counted(at).cast_signed())).sum();
        if said != unsigned && i64::try_from(said) != Ok(signed) {
            return Err(TarError::Checksum { at });
        }
        let size = number(&block[124..136]).ok_or_else(|| bad("its size is no number"))?;
        let mut name = until_zero(&block[..100]).to_vec();
        // Where POSIX has the rest of a long name, GNU has times.
        let prefix = until_zero(&block[345..500]);
        if &block[257..263] == b"ustar\0" && !prefix.is_empty() {
            name = [prefix, b"/", &name[..]].concat();
        }
        Ok(Self { name, size, kind: block[156] })
    }
}

impl Extended {
    /// Records of the form `LENGTH KEY=VALUE\n`, the length counting all of it.
    fn records(&mut self, mut rest: &[u8], at: u64) -> Result<(), TarError> {
        while !rest.is_empty() {
            let no_record = TarError::Header { at, what: "its records are none" };
            let (key, value, len) = record(rest).ok_or(no_record)?;
            match key {
                b"path" => self.name = Some(value.to_vec()),
                b"size" => {
                    let size = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                    self.size = Some(size.ok_or(TarError::Header { at, what: "its size is no number" })?);
                }
                _ if key.starts_with(b"GNU.sparse.") => self.is_sparse = true,
                _ => {}
            }
            rest = rest.get(len..).unwrap_or_default();
        }
        Ok(())
    }
}

fn record(bytes: &[u8]) -> Option<(&[u8], &[u8], usize)> {
    let space = bytes.iter().take(20).position(|byte| *byte == b' ')?;
    let len: usize = std::str::from_utf8(&bytes[..space]).ok()?.parse().ok()?;
    let record = bytes.get(space + 1..len)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    Some((&record[..equals], &record[equals + 1..], len))
}

fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Octal digits, with spaces or zeros around them.
fn octal(bytes: &[u8]) -> Option<u64> {
    let text = until_zero(bytes).trim_ascii();
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |value, byte| match byte {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(u64::from(byte - b'0')),
        _ => None,
    })
}

/// The same, or a number of base 256 where the highest bit says so (GNU).
fn number(bytes: &[u8]) -> Option<u64> {
    match bytes.split_first()? {
        (0x80, rest) => rest.iter().try_fold(0_u64, |value, byte| value.checked_mul(256)?.checked_add((*byte).into())),
        (0x81..=0xff, _) => None,
        _ if until_zero(bytes).trim_ascii().is_empty() => Some(0),
        _ => octal(bytes),
    }
}

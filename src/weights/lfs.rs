//! Git LFS pointers: small texts that stand where a large file belongs.
//!
//! Format: <https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>

use crate::digest::Sha256Digest;

/// Longer files are no pointers (the format's own limit).
pub const MAX_POINTER: u64 = 1024;

/// What a pointer points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pointer {
    /// SHA-256 of the content.
    pub oid: Sha256Digest,
    /// Bytes of the content.
    pub size: u64,
}

impl Pointer {
    /// Reads a pointer; `None` for anything else.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut lines = text.strip_suffix('\n')?.split('\n');
        lines.next().filter(|line| *line == "version https://git-lfs.github.com/spec/v1")?;
        let (mut oid, mut size) = (None, None);
        for line in lines {
            match line.split_once(' ')? {
                ("oid", value) => {
                    let digits = value.strip_prefix("sha256:")?.parse().ok()?;
                    oid.replace(digits).is_none().then_some(())?;
                }
                ("size", value) => size.replace(value.parse().ok()?).is_none().then_some(())?,
                _ => {}
            }
        }
        Some(Self { oid: oid?, size: size? })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_read_and_what_only_resembles_one_is_not() {
        let oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
        let good = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 12345\n");
        let pointer = Pointer::parse(good.as_bytes()).unwrap();
        assert_eq!((pointer.oid.to_string(), pointer.size), (oid.to_owned(), 12345));
        for bad in [
            good.replace("spec/v1", "spec/v2"),
            good.replace("sha256:", "sha1:"),
            good.replace("size 12345", "size -1"),
            good.replace("size 12345\n", ""),
            good.replace("size 12345", "size 1\nsize 2"),
            good.trim_end().to_owned(),
            "{}".to_owned(),
        ] {
            assert_eq!(Pointer::parse(bad.as_bytes()), None, "{bad}");
        }
    }
}

//! The one scanner: checks the grammar in one pass with a bounded stack, and finds where values end.

use crate::json::MAX_DEPTH;
use crate::json::error::JsonError;

/// Stands at a byte of the input.
pub(super) struct Scanner<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl Scanner<'_> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    pub(super) fn syntax(&self) -> JsonError {
        if self.at >= self.bytes.len() { JsonError::Truncated } else { JsonError::Syntax { at: self.at } }
    }

    pub(super) fn document(&mut self) -> Result<(usize, usize), JsonError> {
        self.space();
        let start = self.at;
        self.value(MAX_DEPTH)?;
        let end = self.at;
        self.space();
        if self.at == self.bytes.len() { Ok((start, end)) } else { Err(JsonError::Syntax { at: self.at }) }
    }

    /// Passes over one value. The stack holds one byte for each open container, at most `limit` of them.
    pub(super) fn value(&mut self, limit: usize) -> Result<(), JsonError> {
        let mut open: Vec<u8> = Vec::new();
        loop {
            // A value begins here.
            match self.peek() {
                Some(bracket @ (b'{' | b'[')) => {
                    if open.len() == limit {
                        return Err(JsonError::Depth { at: self.at });
                    }
                    self.at += 1;
                    self.space();
                    let close = bracket + 2; // `{` and `}`, `[` and `]` stand two apart in ASCII
                    if self.peek() != Some(close) {
                        open.push(close);
                        if close == b'}' {
                            self.name()?;
                        }
                        continue;
                    }
                    self.at += 1;
                }
                Some(b'"') => self.string()?,
                Some(b't') => self.word(b"true")?,
                Some(b'f') => self.word(b"false")?,
                Some(b'n') => self.word(b"null")?,
                Some(b'N') => self.word(b"NaN")?,
                Some(b'I') => self.word(b"Infinity")?,
                Some(b'-') if self.bytes.get(self.at + 1) == Some(&b'I') => self.word(b"-Infinity")?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                _ => return Err(self.syntax()),
            }
            // A value ended here: close what closes, then go on to the next one.
            loop {
                let Some(&close) = open.last() else { return Ok(()) };
                self.space();
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        self.space();
                        if close == b'}' {
                            self.name()?;
                        }
                        break;
                    }
                    Some(byte) if byte == close => {
                        self.at += 1;
                        open.pop();
                    }
                    _ => return Err(self.syntax()),
                }
            }
        }
    }

    /// A member's name and the colon after it; where the name ends.
    pub(super) fn name(&mut self) -> Result<usize, JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.syntax());
        }
        self.string()?;
        let end = self.at - 1;
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.syntax());
        }
        self.at += 1;
        self.space();
        Ok(end)
    }

    fn word(&mut self, word: &[u8]) -> Result<(), JsonError> {
        if !self.bytes.get(self.at..).unwrap_or_default().starts_with(word) {
            return Err(JsonError::Syntax { at: self.at });
        }
        self.at += word.len();
        Ok(())
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.syntax()) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<(), JsonError> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    pub(super) fn string(&mut self) -> Result<(), JsonError> {
        self.at += 1;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let plain = &rest[..memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len())];
            // Without an early end the compiler looks at many bytes at once; control characters are rare.
            if plain.iter().fold(0, |found, byte| found | u8::from(*byte < 0x20)) != 0 {
                self.at += plain.iter().position(|byte| *byte < 0x20).unwrap_or(0);
                return Err(JsonError::Syntax { at: self.at });
            }
            self.at += plain.len();
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => match self.bytes.get(self.at + 1) {
                    Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
                    Some(b'u') => {
                        let digits = self.bytes.get(self.at + 2..self.at + 6).ok_or(JsonError::Truncated)?;
                        if !digits.iter().all(u8::is_ascii_hexdigit) {
                            return Err(JsonError::Syntax { at: self.at });
                        }
                        self.at += 6;
                    }
                    Some(_) => return Err(JsonError::Syntax { at: self.at }),
                    None => return Err(JsonError::Truncated),
                },
                _ => return Err(self.syntax()),
            }
        }
    }
}

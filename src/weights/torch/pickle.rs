//! A pickle read as data: the few opcodes that a state dictionary needs, with nothing imported, called or built.
//!
//! A pickle is a program. This is no interpreter of it: a name is looked up in a short list of known ones and becomes a
//! constant, a call of one of them becomes a description of a tensor, and everything else ends the reading with the
//! byte where it stands. Values live in arenas and refer to each other by number, so that nothing recurses.
//!
//! Opcodes: <https://github.com/python/cpython/blob/main/Lib/pickletools.py>

mod meaning;

use std::collections::BTreeMap;

use self::meaning::Global;
use crate::artifact::dtype::Dtype;

/// Values on the stack at one time; pickles write dictionaries in batches of 1,000.
const MAX_STACK: usize = 100_000;

/// Values in all: a tensor makes about 22 of them, and the largest pickle describes about 160,000 tensors. Each takes up to
/// 24 bytes, so this bounds memory to about 100 MB.
const MAX_VALUES: usize = 4_000_000;

/// Why a pickle was not read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PickleError {
    /// It is broken.
    Bad { at: usize, what: &'static str },
    /// It does more than to describe tensors.
    Beyond { at: usize, what: String },
}

/// A storage as the pickle names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Storage {
    /// Name of its record.
    pub(super) key: String,
    /// Its element type; a storage without one counts bytes.
    pub(super) dtype: Option<Dtype>,
    pub(super) elements: u64,
}

/// A tensor as a view of a storage; offset and strides count elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    pub(super) storage: Storage,
    pub(super) dtype: Dtype,
    pub(super) offset: u64,
    pub(super) shape: Vec<u64>,
    pub(super) strides: Vec<u64>,
}

/// What a pickle describes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pickled {
    /// Tensors by name; names of nested dictionaries are joined with a full stop.
    pub(super) tensors: Vec<(String, View)>,
    /// Values that are no named tensors.
    pub(super) others: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    None,
    Bool,
    Int(i64),
    Float,
    Text(usize),
    Tuple(usize),
    List(usize),
    Dict(usize),
    Global(Global),
    Storage(usize),
    Tensor(usize),
    Mark,
}

/// Reads a pickle; it must be all of `bytes`.
pub(super) fn interpret(bytes: &[u8]) -> Result<Pickled, PickleError> {
    let mut machine = Machine { bytes, ..Machine::default() };
    loop {
        machine.opcode = machine.at;
        if let Some(top) = machine.step()? {
            if machine.at != bytes.len() {
                return Err(PickleError::Bad { at: machine.at, what: "bytes follow its end" });
            }
            return machine.named_tensors(top);
        }
        if machine.stack.len() > MAX_STACK || machine.made > MAX_VALUES {
            return Err(machine.beyond("more values than a state dictionary has"));
        }
    }
}

#[derive(Default)]
struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where the opcode at work stands.
    opcode: usize,
    stack: Vec<Value>,
    memo: BTreeMap<u64, Value>,
    made: usize,
    texts: Vec<&'a str>,
    tuples: Vec<Vec<Value>>,
    lists: Vec<Vec<Value>>,
    dicts: Vec<Vec<(Value, Value)>>,
    storages: Vec<Storage>,
    tensors: Vec<View>,
}

impl<'a> Machine<'a> {
    fn bad(&self, what: &'static str) -> PickleError {
        PickleError::Bad { at: self.opcode, what }
    }

    fn beyond(&self, what: impl Into<String>) -> PickleError {
        PickleError::Beyond { at: self.opcode, what: what.into() }
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], PickleError> {
        let end = self.at.checked_add(len).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| self.bad("it ends inside this opcode"))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn number(&mut self, len: usize) -> Result<u64, PickleError> {
        let mut wide = [0; 8];
        wide[..len].copy_from_slice(self.take(len)?);
        Ok(u64::from_le_bytes(wide))
    }

    fn pop(&mut self) -> Result<Value, PickleError> {
        match self.stack.pop() {
            Some(Value::Mark) | None => Err(self.bad("it takes a value that is not there")),
            Some(value) => Ok(value),
        }
    }

    fn push(&mut self, value: Value) {
        self.made += 1;
        self.stack.push(value);
    }

    /// The values above the last mark, which goes too.
    fn above_mark(&mut self) -> Result<Vec<Value>, PickleError> {
        let mark = self.stack.iter().rposition(|value| *value == Value::Mark);
        let mark = mark.ok_or_else(|| self.bad("it goes back to a mark that is not there"))?;
        let above = self.stack.split_off(mark + 1);
        self.stack.pop();
        Ok(above)
    }

    fn text(&mut self, len: u64) -> Result<(), PickleError> {
        let len = usize::try_from(len).map_err(|_| self.bad("it ends inside this opcode"))?;
        let bytes = self.take(len)?;
        let text = std::str::from_utf8(bytes).map_err(|_| self.beyond("a text that is not UTF-8"))?;
        self.texts.push(text);
        self.push(Value::Text(self.texts.len() - 1));
        Ok(())
    }

    fn tuple(&mut self, items: Vec<Value>) {
        self.tuples.push(items);
        self.push(Value::Tuple(self.tuples.len() - 1));
    }

    fn dict(&mut self) {
        self.dicts.push(Vec::new());
        self.push(Value::Dict(self.dicts.len() - 1));
    }

    fn last_of(&mut self, count: usize) -> Result<(), PickleError> {
        let mut items = (0..count).map(|_| self.pop()).collect::<Result<Vec<_>, _>>()?;
        items.reverse();
        self.tuple(items);
        Ok(())
    }

    fn memoize(&mut self, key: u64) -> Result<(), PickleError> {
        let value = self.stack.last().copied().filter(|value| *value != Value::Mark);
        let value = value.ok_or_else(|| self.bad("it remembers a value that is not there"))?;
        self.memo.insert(key, value);
        Ok(())
    }

    fn recall(&mut self, key: u64) -> Result<(), PickleError> {
        let value = self.memo.get(&key).copied().ok_or_else(|| self.bad("it recalls what it did not remember"))?;
        self.push(value);
        Ok(())
    }

    /// One opcode; the value that the pickle is when it ended.
    #[allow(clippy::too_many_lines, reason = "a table of opcodes")]
    fn step(&mut self) -> Result<Option<Value>, PickleError> {
        let [opcode] = *self.take(1)? else { unreachable!("one byte was taken") };
        match opcode {
            // PROTO, FRAME
            0x80 => drop(self.take(1)?),
            0x95 => drop(self.take(8)?),
            b'.' => return self.pop().map(Some),
            // constants
            b'N' => self.push(Value::None),
            0x88 | 0x89 => self.push(Value::Bool),
            b'K' => {
                let number = self.number(1)?;
                self.push(Value::Int(number.cast_signed()));
            }
            b'M' => {
                let number = self.number(2)?;
                self.push(Value::Int(number.cast_signed()));
            }
            b'J' => {
                let bytes = self.take(4)?.try_into().expect("four bytes were taken");
                self.push(Value::Int(i32::from_le_bytes(bytes).into()));
            }
            0x8a => self.long()?,
            b'G' => {
                self.take(8)?;
                self.push(Value::Float);
            }
            0x8c => {
                let len = self.number(1)?;
                self.text(len)?;
            }
            b'X' => {
                let len = self.number(4)?;
                self.text(len)?;
            }
            0x8d => {
                let len = self.number(8)?;
                self.text(len)?;
            }
            // containers
            b'(' => self.push(Value::Mark),
            b')' => self.tuple(Vec::new()),
            0x85..=0x87 => self.last_of(usize::from(opcode - 0x84))?,
            b't' => {
                let items = self.above_mark()?;
                self.tuple(items);
            }
            b']' => {
                self.lists.push(Vec::new());
                self.push(Value::List(self.lists.len() - 1));
            }
            b'}' => self.dict(),
            b'a' => {
                let item = self.pop()?;
                self.append(vec![item])?;
            }
            b'e' => {
                let items = self.above_mark()?;
                self.append(items)?;
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set(&[key, value])?;
            }
            b'u' => {
                let items = self.above_mark()?;
                self.set(&items)?;
            }
            // memory
            b'q' => {
                let key = self.number(1)?;
                self.memoize(key)?;
            }
            b'r' => {
                let key = self.number(4)?;
                self.memoize(key)?;
            }
            0x94 => self.memoize(self.memo.len() as u64)?,
            b'h' => {
                let key = self.number(1)?;
                self.recall(key)?;
            }
            b'j' => {
                let key = self.number(4)?;
                self.recall(key)?;
            }
            // names and what is done with them
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.global(module, name)?;
            }
            0x93 => {
                let (Value::Text(name), Value::Text(module)) = (self.pop()?, self.pop()?) else {
                    return Err(self.bad("a name that is no text"));
                };
                self.global(self.texts[module], self.texts[name])?;
            }
            b'Q' => self.persistent()?,
            b'R' => self.reduce()?,
            b'b' => {
                self.pop()?;
                // The attributes of a state dictionary (`_metadata`); they hold no tensors.
                if !matches!(self.stack.last(), Some(Value::Dict(_))) {
                    return Err(self.beyond("it sets the state of an object"));
                }
            }
            other => return Err(self.beyond(format!("opcode 0x{other:02x}"))),
        }
        Ok(None)
    }

    /// LONG1: a little-endian integer in two's complement; at most eight bytes mean something here.
    fn long(&mut self) -> Result<(), PickleError> {
        let len = usize::try_from(self.number(1)?).expect("one byte");
        if len > 8 {
            return Err(self.beyond("an integer of more than 64 bits"));
        }
        let bytes = self.take(len)?;
        let sign = if bytes.last().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 };
        let mut wide = [sign; 8];
        wide[..len].copy_from_slice(bytes);
        self.push(Value::Int(i64::from_le_bytes(wide)));
        Ok(())
    }

    fn line(&mut self) -> Result<&'a str, PickleError> {
        let rest = &self.bytes[self.at..];
        let len = rest.iter().take(512).position(|byte| *byte == b'\n');
        let len = len.ok_or_else(|| self.bad("a name that does not end"))?;
        let line = std::str::from_utf8(self.take(len)?).map_err(|_| self.bad("a name that is not UTF-8"))?;
        self.at += 1;
        Ok(line)
    }

    fn append(&mut self, items: Vec<Value>) -> Result<(), PickleError> {
        let Some(Value::List(list)) = self.stack.last().copied() else {
            return Err(self.beyond("it appends to what is no list"));
        };
        self.lists[list].extend(items);
        Ok(())
    }

    fn set(&mut self, items: &[Value]) -> Result<(), PickleError> {
        let Some(Value::Dict(dict)) = self.stack.last().copied() else {
            return Err(self.beyond("it sets items of what is no dictionary"));
        };
        if !items.len().is_multiple_of(2) {
            return Err(self.bad("a key without a value"));
        }
        self.dicts[dict].extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1])));
        Ok(())
    }
}

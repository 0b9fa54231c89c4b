//! Files of every format, written here byte by byte from the same tensors.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;

use crate::artifact::dtype::Dtype;
use crate::container::zip::tests::{Entry, Zip};
use crate::weights::ReadAt;
use crate::weights::layout::Folder;

/// One tensor as a test wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tensor {
    pub(crate) name: String,
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<u64>,
    pub(crate) bytes: Vec<u8>,
}

impl Tensor {
    /// A tensor whose bytes follow from its name.
    pub(crate) fn new(name: &str, dtype: Dtype, shape: &[u64]) -> Self {
        let len = usize::try_from(dtype.bytes(shape).unwrap()).unwrap();
        let seed = name.bytes().map(usize::from).sum::<usize>();
        let bytes = (0..len).map(|at| u8::try_from((at * 7 + seed) % 251).unwrap()).collect();
        Self { name: name.to_owned(), dtype, shape: shape.to_vec(), bytes }
    }
}

impl ReadAt for Vec<u8> {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        let from = usize::try_from(at).unwrap();
        let held = self.get(from..from + buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(held);
        Ok(())
    }
}

/// A folder in memory.
pub(crate) struct Files(pub(crate) Vec<String>, pub(crate) BTreeMap<String, Vec<u8>>);

impl Files {
    pub(crate) fn of<const N: usize>(files: [(&str, Vec<u8>); N]) -> Self {
        let files: BTreeMap<String, Vec<u8>> =
            files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
        Self(files.keys().cloned().collect(), files)
    }
}

impl Folder for Files {
    fn names(&self) -> &[String] {
        &self.0
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn ReadAt + '_>> {
        Ok(Box::new(self.1[name].clone()))
    }
}

/// A file of that header and those bytes after it.
pub(crate) fn safetensors_raw(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

pub(crate) fn safetensors(tensors: &[Tensor], metadata: Option<&str>, padding: usize) -> Vec<u8> {
    let mut header = String::from("{");
    if let Some(text) = metadata {
        write!(header, "\"__metadata__\":{{\"format\":\"{text}\"}},").unwrap();
    }
    let mut data = Vec::new();
    for tensor in tensors {
        let (name, dtype, shape) = (&tensor.name, tensor.dtype.name(), &tensor.shape);
        let (begin, end) = (data.len(), data.len() + tensor.bytes.len());
        write!(header, "\"{name}\":{{\"dtype\":\"{dtype}\",\"shape\":{shape:?},\"data_offsets\":[{begin},{end}]}},")
            .unwrap();
        data.extend_from_slice(&tensor.bytes);
    }
    header.pop();
    header.push('}');
    header.push_str(&" ".repeat(padding));
    safetensors_raw(&header, &data)
}

fn gguf_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u64).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// A value of the table: its key, its type and its bytes.
pub(crate) type GgufValue<'a> = (&'a str, u32, Vec<u8>);

pub(crate) fn gguf(tensors: &[Tensor], values: &[GgufValue<'_>], alignment: usize) -> Vec<u8> {
    let mut out = b"GGUF\x03\0\0\0".to_vec();
    out.extend_from_slice(&(tensors.len() as u64).to_le_bytes());
    out.extend_from_slice(&(values.len() as u64).to_le_bytes());
    for (key, kind, value) in values {
        gguf_text(&mut out, key);
        out.extend_from_slice(&kind.to_le_bytes());
        out.extend_from_slice(value);
    }
    let mut data: Vec<u8> = Vec::new();
    for tensor in tensors {
        data.resize(data.len().next_multiple_of(alignment), 0);
        gguf_text(&mut out, &tensor.name);
        out.extend_from_slice(&u32::try_from(tensor.shape.len()).unwrap().to_le_bytes());
        tensor.shape.iter().rev().for_each(|dim| out.extend_from_slice(&dim.to_le_bytes()));
        let number = match tensor.dtype {
            Dtype::F32 => 0_u32,
            Dtype::F16 => 1,
            Dtype::Q8_0 => 8,
            Dtype::I8 => 24,
            Dtype::I64 => 27,
            Dtype::F64 => 28,
            Dtype::Bf16 => 30,
            other => panic!("{other:?} is not written here"),
        };
        out.extend_from_slice(&number.to_le_bytes());
        out.extend_from_slice(&(data.len() as u64).to_le_bytes());
        data.extend_from_slice(&tensor.bytes);
    }
    out.resize(out.len().next_multiple_of(alignment), 0);
    out.extend_from_slice(&data);
    out
}

pub(crate) fn npy_raw(header: &str, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\0", &length[..], header.as_bytes(), data].concat()
}

pub(crate) fn npy(tensor: &Tensor) -> Vec<u8> {
    let descr = match tensor.dtype {
        Dtype::F32 => "<f4",
        Dtype::F16 => "<f2",
        Dtype::F64 => "<f8",
        Dtype::I64 => "<i8",
        Dtype::I8 => "|i1",
        other => panic!("{other:?} is not written here"),
    };
    let dims: Vec<String> = tensor.shape.iter().map(|dim| format!("{dim},")).collect();
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}), }}", dims.join(" "));
    npy_raw(&format!("{header:<53}\n"), &tensor.bytes)
}

pub(crate) fn npz(tensors: &[Tensor], is_deflated: bool) -> Vec<u8> {
    let entry = |tensor: &Tensor| {
        let name = format!("{}.npy", tensor.name);
        if is_deflated { Entry::deflated(&name, &npy(tensor)) } else { Entry::stored(&name, &npy(tensor)) }
    };
    Zip::of(tensors.iter().map(entry).collect()).build()
}

/// A pickle, opcode by opcode.
#[derive(Default)]
pub(crate) struct Pickle(pub(crate) Vec<u8>);

impl Pickle {
    pub(crate) fn op(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn text(self, text: &str) -> Self {
        let len = u32::try_from(text.len()).unwrap().to_le_bytes();
        self.op(b"X").op(&len).op(text.as_bytes())
    }

    pub(crate) fn global(self, module: &str, name: &str) -> Self {
        self.op(format!("c{module}\n{name}\n").as_bytes())
    }

    pub(crate) fn int(self, int: u64) -> Self {
        self.op(b"\x8a\x08").op(&int.to_le_bytes())
    }

    pub(crate) fn ints(mut self, ints: &[u64]) -> Self {
        self = self.op(b"(");
        for int in ints {
            self = self.int(*int);
        }
        self.op(b"t")
    }

    /// A tensor of `class` in the storage `key`, as `torch.save` writes it.
    pub(crate) fn tensor(self, class: &str, key: &str, elements: u64, view: (u64, &[u64], &[u64])) -> Self {
        self.global("torch._utils", "_rebuild_tensor_v2")
            .op(b"((")
            .text("storage")
            .global("torch", class)
            .text(key)
            .text("cpu")
            .int(elements)
            .op(b"tQ")
            .int(view.0)
            .ints(view.1)
            .ints(view.2)
            .op(b"\x89")
            .global("collections", "OrderedDict")
            .op(b")Rt")
            .op(b"R")
    }
}

pub(crate) fn strides(shape: &[u64]) -> Vec<u64> {
    (0..shape.len()).map(|at| shape[at + 1..].iter().product()).collect()
}

/// An archive as `torch.save` writes a state dictionary.
pub(crate) fn torch(tensors: &[Tensor]) -> Vec<u8> {
    let mut pickle = Pickle::default().op(b"\x80\x02").global("collections", "OrderedDict").op(b")Rq\x00(");
    let mut entries = Vec::new();
    for (key, tensor) in tensors.iter().enumerate() {
        let class = match tensor.dtype {
            Dtype::F32 => "FloatStorage",
            Dtype::F16 => "HalfStorage",
            Dtype::F64 => "DoubleStorage",
            Dtype::I64 => "LongStorage",
            Dtype::I8 => "CharStorage",
            Dtype::Bf16 => "BFloat16Storage",
            other => panic!("{other:?} is not written here"),
        };
        let elements = tensor.shape.iter().product();
        let view = (0, &tensor.shape[..], &strides(&tensor.shape)[..]);
        pickle = pickle.text(&tensor.name).tensor(class, &key.to_string(), elements, view);
        entries.push(Entry::stored(&format!("archive/data/{key}"), &tensor.bytes));
    }
    // The state of the dictionary, `_metadata`, is set at the end.
    let pickle = pickle.op(b"u}").text("_metadata").op(b"}sb.");
    entries.insert(0, Entry::stored("archive/data.pkl", &pickle.0));
    entries.insert(1, Entry::stored("archive/byteorder", b"little"));
    entries.push(Entry::stored("archive/version", b"3\n"));
    Zip::of(entries).build()
}

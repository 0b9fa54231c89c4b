//! What the few known names and their calls describe: storages, tensors as views of them, and the names they stand under.

use std::collections::BTreeSet;

use super::{Machine, PickleError, Pickled, Storage, Value, View};
use crate::artifact::dtype::Dtype;
use crate::artifact::tensors::{MAX_RANK, MAX_TENSOR_NAME};
use crate::weights::torch::dtype_of;

/// Dictionaries in dictionaries.
const MAX_DEPTH: usize = 8;

/// Names that mean something here; every other is beyond what is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Global {
    OrderedDict,
    RebuildTensor,
    /// The same with the element type apart from the storage.
    RebuildTypedTensor,
    RebuildParameter,
    Storage(Dtype),
    UntypedStorage,
    Dtype(Dtype),
}

impl Machine<'_> {
    pub(super) fn global(&mut self, module: &str, name: &str) -> Result<(), PickleError> {
        let storage = name.ends_with("Storage").then(|| dtype_of(name)).flatten();
        let dtype = if name.ends_with("Storage") { None } else { dtype_of(name) };
        let global = match (module, name, storage, dtype) {
            ("collections", "OrderedDict", ..) => Global::OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2", ..) => Global::RebuildTensor,
            ("torch._utils", "_rebuild_tensor_v3", ..) => Global::RebuildTypedTensor,
            ("torch._utils", "_rebuild_parameter", ..) => Global::RebuildParameter,
            ("torch.storage", "UntypedStorage", ..) => Global::UntypedStorage,
            ("torch", _, Some(dtype), _) => Global::Storage(dtype),
            ("torch", _, _, Some(dtype)) => Global::Dtype(dtype),
            _ => {
                let name = format!("{module}.{name}");
                let name: String = name.chars().take(120).flat_map(char::escape_debug).collect();
                return Err(self.beyond(format!("the name `{name}`")));
            }
        };
        self.push(Value::Global(global));
        Ok(())
    }

    /// A storage: `("storage", class, key, location, elements)`.
    pub(super) fn persistent(&mut self) -> Result<(), PickleError> {
        let id = self.pop()?;
        let Value::Tuple(tuple) = id else { return Err(self.beyond("a persistent id that is no storage")) };
        let [Value::Text(tag), Value::Global(class), Value::Text(key), Value::Text(_), Value::Int(elements)] =
            self.tuples[tuple][..]
        else {
            return Err(self.beyond("a persistent id that is no storage"));
        };
        let dtype = match class {
            Global::Storage(dtype) => Some(dtype),
            Global::UntypedStorage => None,
            _ => return Err(self.beyond("a persistent id that is no storage")),
        };
        let (key, elements) = (self.texts[key].to_owned(), u64::try_from(elements));
        let (true, Ok(elements)) = (self.texts[tag] == "storage", elements) else {
            return Err(self.bad("a storage of negative length or of another kind"));
        };
        self.storages.push(Storage { key, dtype, elements });
        self.push(Value::Storage(self.storages.len() - 1));
        Ok(())
    }

    /// What the call of a known name with these arguments describes.
    pub(super) fn reduce(&mut self) -> Result<(), PickleError> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let (Value::Tuple(arguments), Value::Global(function)) = (arguments, function) else {
            return Err(self.beyond("it calls what has no known name"));
        };
        let arguments = self.tuples[arguments].clone();
        match (function, &arguments[..]) {
            (Global::OrderedDict, []) => self.dict(),
            (Global::RebuildTensor, [Value::Storage(storage), offset, shape, strides, _, _, ..])
                if arguments.len() <= 7 =>
            {
                let Some(dtype) = self.storages[*storage].dtype else {
                    return Err(self.bad("a tensor without an element type"));
                };
                self.tensor(*storage, dtype, [*offset, *shape, *strides])?;
            }
            (
                Global::RebuildTypedTensor,
                [Value::Storage(storage), offset, shape, strides, _, _, Value::Global(Global::Dtype(dtype)), ..],
            ) if arguments.len() <= 8 && self.storages[*storage].dtype.is_none() => {
                self.tensor(*storage, *dtype, [*offset, *shape, *strides])?;
            }
            (Global::RebuildParameter, [tensor @ Value::Tensor(_), _, _]) => self.push(*tensor),
            _ => return Err(self.beyond("a call that describes no tensor")),
        }
        Ok(())
    }

    fn tensor(
        &mut self,
        storage: usize,
        dtype: Dtype,
        [offset, shape, strides]: [Value; 3],
    ) -> Result<(), PickleError> {
        let Value::Int(offset) = offset else { return Err(self.bad("a tensor whose offset is no integer")) };
        let (shape, strides) = (self.sizes(shape)?, self.sizes(strides)?);
        let offset = u64::try_from(offset).map_err(|_| self.bad("a tensor with a negative offset"))?;
        let storage = self.storages[storage].clone();
        self.tensors.push(View { storage, dtype, offset, shape, strides });
        self.push(Value::Tensor(self.tensors.len() - 1));
        Ok(())
    }

    fn sizes(&self, value: Value) -> Result<Vec<u64>, PickleError> {
        let Value::Tuple(tuple) = value else { return Err(self.bad("a shape that is no tuple")) };
        if self.tuples[tuple].len() > MAX_RANK {
            return Err(self.bad("a tensor with too many dimensions"));
        }
        let size = |value: &Value| match value {
            Value::Int(size) => u64::try_from(*size).map_err(|_| self.bad("a negative dimension or stride")),
            _ => Err(self.bad("a dimension or stride that is no integer")),
        };
        self.tuples[tuple].iter().map(size).collect()
    }

    /// The tensors under text keys of the outermost dictionary and of those in it.
    pub(super) fn named_tensors(&self, top: Value) -> Result<Pickled, PickleError> {
        let Value::Dict(top) = top else { return Err(self.beyond("it is no dictionary of tensors")) };
        let mut pickled = Pickled { tensors: Vec::new(), others: 0 };
        let mut seen = BTreeSet::from([top]);
        let mut open = vec![(String::new(), top, 1)];
        while let Some((prefix, dict, depth)) = open.pop() {
            for (key, value) in &self.dicts[dict] {
                let Value::Text(key) = key else {
                    pickled.others += 1;
                    continue;
                };
                let name = format!("{prefix}{}", self.texts[*key]);
                match value {
                    Value::Tensor(tensor) => pickled.tensors.push((name, self.tensors[*tensor].clone())),
                    Value::Dict(inner) if depth < MAX_DEPTH && name.len() < MAX_TENSOR_NAME && seen.insert(*inner) => {
                        open.push((name + ".", *inner, depth + 1));
                    }
                    Value::Dict(_) => return Err(self.beyond("a dictionary in itself, twice, or too deep")),
                    _ => pickled.others += 1,
                }
            }
        }
        Ok(pickled)
    }
}

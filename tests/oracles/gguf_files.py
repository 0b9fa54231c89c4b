#!/usr/bin/env python3
"""Writes GGUF files by the reference writer, and what is in them.

    python3 -m venv v && v/bin/pip install gguf==0.19.0 && v/bin/python tests/oracles/gguf_files.py tests/oracles

`little.gguf` has a tensor of every type that is stored in files, values and lists of every type, and an alignment of its own;
`big.gguf` is the same for machines that write numbers the other way round. The test
`files_of_the_reference_writer_hold_the_tensors_that_it_says` reads them.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFEndian, GGUFWriter

# Q8_1 is a type of intermediate results, of which the writer knows another size than the library.
LEFT_OUT = {GGMLQuantizationType.Q8_1}
ROWS = 2


def write(path, endian):
    writer = GGUFWriter(path, "llama", endianess=endian)
    writer.add_name("reference")
    writer.add_custom_alignment(128)
    writer.add_uint8("a.u8", 7)
    writer.add_int8("a.i8", -7)
    writer.add_uint16("a.u16", 700)
    writer.add_int16("a.i16", -700)
    writer.add_int32("a.i32", -70000)
    writer.add_float32("a.f32", 0.5)
    writer.add_bool("a.bool", True)
    writer.add_uint64("a.u64", 1 << 40)
    writer.add_int64("a.i64", -(1 << 40))
    writer.add_float64("a.f64", 0.25)
    writer.add_array("a.texts", ["one", "", "three"])
    writer.add_array("a.numbers", [1, 2, 3])
    writer.add_array("a.lists", [[1, 2], [3]])
    writer.add_array("a.floats", [0.5, 1.5])
    tensors = []
    for kind, (elements, size) in GGML_QUANT_SIZES.items():
        if kind in LEFT_OUT:
            continue
        columns = 2 * elements if elements > 1 else 3
        length = ROWS * columns // elements * size
        data = numpy.frombuffer(hashlib.shake_128(kind.name.encode()).digest(length), dtype=numpy.uint8)
        data = data.reshape(ROWS, -1)
        name = f"blk.0.{kind.name.lower()}.weight"
        writer.add_tensor(name, data, raw_dtype=kind)
        tensors.append([name, kind.name, [ROWS, columns], hashlib.sha256(data.tobytes()).hexdigest()])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return tensors


folder = Path(sys.argv[1])
tensors = write(folder / "little.gguf", GGUFEndian.LITTLE)
write(folder / "big.gguf", GGUFEndian.BIG)
sizes = [[int(kind), kind.name, *sizes] for kind, sizes in GGML_QUANT_SIZES.items() if kind not in LEFT_OUT]
(folder / "gguf.json").write_text(json.dumps({"types": sizes, "tensors": tensors}, separators=(",", ":")) + "\n")

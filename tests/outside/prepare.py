"""What cocotb needs of a program and its reference, as one JSON file, for a Python without numpy:

    prepare.py NET.bdp IMAGES.npy DUMPS REGISTERS.h OUT.json

DUMPS: a folder that `bitdial run --dump` filled, a frame a switch, image i at switch i."""

import json
import re
import struct
import sys

import numpy

program_path, images_path, dumps, registers_path, out = sys.argv[1:]
image = open(program_path, "rb").read()


def word(at):
    return struct.unpack_from("<I", image, at)[0]


registers = {
    name: int(value, 16) for name, value in re.findall(r"#define BITDIAL_(\w+?)_REG (0x\w+)u", open(registers_path).read())
}
resets = dict(re.findall(r"#define BITDIAL_(\w+?)_RESET (0x\w+)u", open(registers_path).read()))
switches = word(84)
images = numpy.load(images_path)
assert len(images) == switches and images.dtype == numpy.uint8
logits = [numpy.load(f"{dumps}/frame{s}.fc.z.npy").reshape(-1).tolist() for s in range(switches)]
case = {
    "registers": registers,
    "resets": {name: int(value, 16) for name, value in resets.items()},
    "program": image.hex(),
    "rows": word(32),
    "layers": word(80),
    "switches": switches,
    "classes": word(88),
    "output_bytes": word(108),
    "store_bytes": word(112),
    "load_offset": word(124),
    "switch_stride": word(132),
    "images": [i.tobytes().hex() for i in images],
    "logits": logits,
}
assert all(len(row) == case["classes"] for row in logits)
json.dump(case, open(out, "w"))

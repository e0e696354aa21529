"""The integer arithmetic of model/exec/README.md once more, in numpy, from that page alone.

    second_implementation.py EXTRACTED IMAGES.gz LOGITS.npy [DUMP SWITCH]

EXTRACTED is what `bitdial inspect --extract` wrote, IMAGES the data set's test images (IDX), LOGITS (switches, N, classes)
int32 what the first N of them are compared with. With DUMP, the folder of `bitdial run --dump`, every layer's codes and
z of SWITCH are compared too (DUMP/frameN.LAYER.codes.npy, .z.npy). Exit code 1 on any difference.
"""
import gzip
import json
import os
import sys

import numpy as np


def load(folder, name):
    return np.load(os.path.join(folder, name))


def convolve(layer, at, codes, weights):
    """Sums of weights times values, (OH, OW, OC); taps outside the map add nothing."""
    values = codes.astype(np.int64)
    if at["in_signed"]:
        values = 2 * values - 1
    top, bottom, left, right = layer["pad"]
    values = np.pad(values, ((top, bottom), (left, right), (0, 0)))
    w = at["weight_bits"]
    weights = 2 * (weights.astype(np.int64) >> (8 - w)) + 1 - (1 << w)
    if at["weight_zero_point"]:
        weights = (weights - at["weight_zero_point"]) // 2
    out_h, out_w, out_c = layer["out"]
    stride, groups = layer["stride"], layer["groups"]
    in_g, out_g = layer["in"][2] // groups, out_c // groups
    acc = np.zeros((out_h, out_w, out_c), np.int64)
    for g in range(groups):
        mine = weights[g * out_g:(g + 1) * out_g]
        for ky in range(layer["kernel"][0]):
            for kx in range(layer["kernel"][1]):
                seen = values[ky:ky + stride * (out_h - 1) + 1:stride, kx:kx + stride * (out_w - 1) + 1:stride,
                              g * in_g:(g + 1) * in_g]
                acc[:, :, g * out_g:(g + 1) * out_g] += seen @ mine[:, :, ky, kx].T
    return acc


def pool_windows(layer, stream, reduce, outside):
    """What `reduce` makes of the stream's values in each window; taps outside the map count as `outside`."""
    top, bottom, left, right = layer["pad"]
    values = np.pad(stream.astype(np.int64), ((top, bottom), (left, right), (0, 0)), constant_values=outside)
    out_h, out_w, _ = layer["out"]
    stride = layer["stride"]
    taps = [values[ky:ky + stride * (out_h - 1) + 1:stride, kx:kx + stride * (out_w - 1) + 1:stride]
            for ky in range(layer["kernel"][0]) for kx in range(layer["kernel"][1])]
    return reduce(taps, axis=0)


def run_layer(folder, layer, at, codes, stream):
    if layer["operation"] == "pool":
        acc = stream.astype(np.int64).sum(axis=(0, 1)).reshape(layer["out"])
    elif layer["operation"] == "max_pool":
        acc = pool_windows(layer, stream, np.max, -(1 << 40))
    elif layer["operation"] == "average_pool":
        acc = pool_windows(layer, stream, np.sum, 0)
    else:
        acc = convolve(layer, at, codes, load(folder, at["codes"]))
    assert np.abs(acc).max() < 1 << 31, "an accumulator left 32 bits"
    z = (load(folder, at["M"]).astype(np.int64) * acc + load(folder, at["B"])) >> at["sh"]
    if layer["adds_stream"]:
        z = z + ((at["R"] * stream.astype(np.int64)) >> at["rs"])
    z = np.clip(z, -(1 << 31), (1 << 31) - 1)
    code = np.clip((at["S"] * z + at["H"]) >> at["ss"], 0, (1 << at["out_bits"]) - 1)
    return z, code


def run(folder, network, switch, image):
    """Every layer's (z, codes); None where the layer does not write them."""
    outputs, stream = [], None
    for layer in network["layers"]:
        source = layer["reads"]
        codes = image if source == -1 else outputs[source][1] if source >= 0 else None
        z, code = run_layer(folder, layer, layer["switches"][switch], codes, stream)
        outputs.append((z if layer["writes_stream"] else None, code if layer["writes_codes"] else None))
        if layer["writes_stream"]:
            stream = z
    return outputs


def compare_dump(network, outputs, dump, frame):
    wrong = compared = 0
    for layer, arrays in zip(network["layers"], outputs):
        for kind, mine in zip(("z", "codes"), arrays):
            path = os.path.join(dump, "frame%d.%s.%s.npy" % (frame, layer["name"], kind))
            if mine is not None:
                compared += 1
                if not np.array_equal(np.load(path).reshape(mine.shape), mine):
                    wrong += 1
                    print("frame %d, layer %s: %s differs" % (frame, layer["name"], kind))
    return wrong, compared


def main(folder, images_path, logits_path, dump=None, dumped_switch=None):
    with open(os.path.join(folder, "network.json")) as file:
        network = json.load(file)
    logits = np.load(logits_path)
    switches, count, classes = logits.shape
    assert (switches, classes) == (len(network["switches"]), network["classes"]), logits.shape
    with gzip.open(images_path) as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16)
    images = images[:count * np.prod(network["input"])].reshape([count] + network["input"])
    wrong = compared = layers = 0
    for s, name in enumerate(network["switches"]):
        for n, image in enumerate(images):
            outputs = run(folder, network, s, image)
            compared += 1
            if not np.array_equal(outputs[-1][0][0, 0], logits[s, n]):
                wrong += 1
                print("switch %s, image %d: logits %s, expected %s" % (name, n, outputs[-1][0][0, 0], logits[s, n]))
            if dump and name == dumped_switch:
                bad, count = compare_dump(network, outputs, dump, n)
                wrong += bad
                layers += count
    print("%d frames compared, %d layer outputs compared, %d differences" % (compared, layers, wrong))
    return wrong != 0 or compared == 0 or (dump is not None and layers == 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

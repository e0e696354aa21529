#!/bin/bash
# How full the levels are, as the training log has it: the first step's counts against the latents of the checkpoint
# that the run started from, quantized by this file's own formulas.
bitdial=${BITDIAL_BUILD:-build}/bitdial
. tests/support/fashion.sh
folder=$(mktemp -d) || exit 3
trap 'rm -rf "$folder"' EXIT
export OMP_NUM_THREADS=2
fail() { echo "FAIL: $1"; cat "$folder/err" 2>/dev/null; exit 1; }

cat >"$folder/network.yaml" <<'END'
name: levels
input: {height: 28, width: 28, channels: 1}
classes: 10
switches: [w8a8, w4a4, w2a2, w1a1]
stem: {channels: 8, stride: 2}
stages:
  - {channels: 9, stride: 2, blocks: [{kind: basic}, {kind: basic, weight_bits: 3, activation_bits: 5}]}
head: {}
END
run() { # NAME KEY EVERY: trains NAME.h5 from KEY, measured so often
    printf '%s\n' "$2" "output: $folder/$1.h5" 'steps: 5' 'batch: 32' 'validate_images: 50' \
        'batch_norm: {recalibrate: 2}' "log: {every: 1, gradients: $3}" >"$folder/$1.yaml"
    "$bitdial" train "$folder/$1.yaml" --images 1000 --no-test >/dev/null 2>"$folder/err" || fail "no training"
}
run first "network: $folder/network.yaml" 2
grep '"step":[24],' "$folder/first.h5.jsonl" | grep -q weight_codes || fail "measured steps have no levels"
grep '"step":[135],' "$folder/first.h5.jsonl" | grep -q weight_codes && fail "other steps have levels"
run second "init: $folder/first.h5" 1

check() { # LOG: its first step's counts against first.h5
    PYTHONDONTWRITEBYTECODE=1 python3 - "$folder/first.h5" "$1" <<'END'
import array as arrays, json, math, subprocess, sys, tempfile
checkpoint, log = sys.argv[1:]
line = next(l for l in map(json.loads, open(log)) if l["event"] == "step" and l["step"] == 1)
def array(name):
    with tempfile.NamedTemporaryFile() as f:
        subprocess.run(["h5dump", "-d", f"/{name}", "-b", "LE", "-o", f.name, checkpoint], check=True, stdout=subprocess.DEVNULL)
        return arrays.array("f", open(f.name, "rb").read())
fixed = {"stem": 8, "fc": 8, "s1b2.conv1": 3, "s1b2.conv2": 3}
layers = ["stem", "s1b1.proj", "s1b1.conv1", "s1b1.conv2", "s1b2.conv1", "s1b2.conv2", "fc"]
quantizers = {"s1b1.q1": None, "s1b1.q2": None, "s1b2.q1": 5, "s1b2.q2": 5, "pool.q": 8}
for switch in ["w8a8", "w4a4", "w2a2", "w1a1"]:
    weights, activations = line["weight_codes"][switch], line["activation_codes"][switch]
    assert list(weights) == layers and set(activations) == set(quantizers), (list(weights), list(activations))
    for layer, got in weights.items():
        bits = fixed.get(layer, int(switch[1]))
        latents, s = array(layer + ".weight"), array(layer + ".scale")[0]
        codes = [min(max(math.floor(2**bits * (w / (2 * s) + 0.5)), 0), 2**bits - 1) for w in latents]
        counts = [codes.count(level) for level in range(2**bits)]
        assert got["bits"] == bits, (layer, got)
        if bits <= 4:
            assert set(got) == {"bits", "counts"} and got["counts"] == counts, (switch, layer, got, counts)
        else:
            assert set(got) == {"bits", "lowest", "highest", "used"} and got["used"] == sum(c > 0 for c in counts), (switch, layer, got)
            assert abs(got["lowest"] - counts[0] / len(codes)) < 1e-6 and abs(got["highest"] - counts[-1] / len(codes)) < 1e-6
    for q, got in activations.items():
        assert set(got) == {"bits", "lowest", "highest"} and got["bits"] == (quantizers[q] or int(switch[3])), (q, got)
        assert 0 <= got["lowest"] and 0 <= got["highest"] and got["lowest"] + got["highest"] <= 1 + 1e-6
        assert got["bits"] > 1 or abs(got["lowest"] + got["highest"] - 1) < 1e-6, got
print("levels of", len(layers), "layers at 4 switches are the checkpoint's")
END
}
check "$folder/second.h5.jsonl" >"$folder/out" 2>"$folder/err" || fail "the log's levels are not the checkpoint's"
cat "$folder/out"
# One weight counted at the next level must be seen.
jq -c 'if .weight_codes then .weight_codes.w2a2["s1b1.conv2"].counts |= [.[0] - 1, .[1] + 1, .[2], .[3]] else . end' \
    "$folder/second.h5.jsonl" >"$folder/spoiled.jsonl"
check "$folder/spoiled.jsonl" >/dev/null 2>&1 && fail "a spoiled count passes"

"$bitdial" curves "$folder/second.h5.jsonl" -o "$folder/curves.svg" >/dev/null 2>"$folder/err" || fail "no curves"
grep -q 'weights at the lowest or highest level' "$folder/curves.svg" || fail "the curves have no levels"

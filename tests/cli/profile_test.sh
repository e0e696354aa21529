#!/bin/bash
# `bitdial train --profile`: its phases add up to the step, its operations are those of the network, nothing is written.
bitdial=${BITDIAL_BUILD:-build}/bitdial
. tests/support/fashion.sh
folder=$(mktemp -d) || exit 3
trap 'rm -rf "$folder"' EXIT
export OMP_NUM_THREADS=2

cat >"$folder/train.yaml" <<END
network: tests/small_network.yaml
output: $folder/none.h5
batch: 16
END
"$bitdial" train "$folder/train.yaml" --profile --steps 3 --json >"$folder/out" || exit 1
python3 - "$folder/out" <<'END' || exit 1
import json, sys
p = json.load(open(sys.argv[1]))
phases = p["phases"]
assert set(phases) == {"convolve", "data_gradient", "weight_gradient", "norms", "weights", "optimizer", "loss", "data", "rest"}
stem = 14 * 14 * 8 * 9
rest = 7 * 7 * (8 * 8 * 9 * 2 + 8 * 8)  # conv1 with stride 2, conv2, the shortcut
wanted = {"convolve": stem + 2 * rest, "weight_gradient": stem + 2 * rest, "data_gradient": 2 * rest}
for name, macs in wanted.items():
    got = phases[name]["seconds"] * phases[name]["operations_per_second"]
    assert abs(got - 2 * macs * p["batch"]) < 1e-3 * got, (name, got, 2 * macs * p["batch"])
assert all(x["seconds"] >= 0 for x in phases.values())
total = sum(x["seconds"] for x in phases.values())
assert abs(total - p["processor_seconds"]) < 0.05 * p["processor_seconds"], (total, p["processor_seconds"])
assert phases["norms"]["bytes_per_second"] > 0 and p["bound_images_per_second"] > 0 and p["roofline"]["bytes"] > 0
END
[ ! -e "$folder/none.h5" ] || { echo "a profile wrote a checkpoint"; exit 1; }
"$bitdial" train "$folder/train.yaml" --profile --steps 1 | grep -q '^weight gradient ' || { echo "no table"; exit 1; }

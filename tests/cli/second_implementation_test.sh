# A second implementation of the integer arithmetic, written from model/exec/README.md alone, must agree with the
# executors on every logit, and with the reference device on every layer; and it must notice one changed weight.
set -eu
bitdial=${BITDIAL_BUILD:-build}/bitdial
data=${BITDIAL_DATA:-/usr/share/datasets/fashion-mnist}
second() { /usr/bin/python3 tests/support/second_implementation.py "$@"; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
demo=yaml-configs/hardware/demo.yaml
"${bitdial%/*}/sample" yaml-configs/networks/resnet8.yaml 7 "$work/net.ckpt"
"$bitdial" compile "$work/net.ckpt" --hardware "$demo" -o "$work/net.bdp" >"$work/compile.log"
"$bitdial" inspect "$work/net.bdp" --extract "$work/parts" >"$work/inspect.log"
"$bitdial" eval "$work/net.bdp" --images 4 --compare 4 --logits "$work/logits.npy"
for switch in w4a4 w1a1; do
    "$bitdial" run "$work/net.bdp" --hardware "$demo" --images 4 --schedule $switch --dump "$work/dump.$switch"
    second "$work/parts" "$data/t10k-images-idx3-ubyte.gz" "$work/logits.npy" "$work/dump.$switch" $switch
done
# What the reference alone runs: depthwise filters, max pooling with and without padding, a wide strided stem.
cat >"$work/mixed.yaml" <<'END'
name: mixed
input: {height: 28, width: 28, channels: 1}
classes: 10
switches: [w8a8, w2a3, w1a1]
stem: {channels: 12, kernel: 7, stride: 2, max_pool: {kernel: 3, stride: 2, pad: 1}}
stages:
  - {channels: 20, blocks: [{kind: separable, depthwise_bits: 8}, {kind: basic}], max_pool: {kernel: 2}}
  - {channels: 24, blocks: [{kind: plain}, {kind: separable}]}
head: {}
END
"${bitdial%/*}/sample" "$work/mixed.yaml" 8 "$work/mixed.ckpt"
"$bitdial" compile "$work/mixed.ckpt" --reference -o "$work/mixed.bdp" >"$work/compile.log"
"$bitdial" inspect "$work/mixed.bdp" --extract "$work/mixed" >"$work/inspect.log"
"$bitdial" eval "$work/mixed.bdp" --images 4 --compare 4 --logits "$work/mixed.npy"
second "$work/mixed" "$data/t10k-images-idx3-ubyte.gz" "$work/mixed.npy"
if "$bitdial" run "$work/mixed.bdp" --hardware "$demo" --images 1 2>"$work/refused"; then
    echo "a device took a program for the reference alone"
    exit 1
fi
grep -q 'compiled for other hardware' "$work/refused"
if "$bitdial" cost "$work/mixed.bdp" --hardware "$demo" 2>"$work/refused"; then
    echo "a program for the reference alone was given a price"
    exit 1
fi
grep -q 'compiled for the reference alone' "$work/refused"
# Shortcuts that average 2x2 codes before their 1x1 convolution, signs among them: for the reference alone.
cat >"$work/average.yaml" <<'END'
name: average
input: {height: 28, width: 28, channels: 1}
classes: 10
switches: [w8a8, w2a3, w1a1]
stem: {channels: 12}
stages:
  - {channels: 20, stride: 2, blocks: [{kind: basic, shortcut: average}]}
  - {channels: 24, stride: 2, blocks: [{kind: bireal, shortcut: average}]}
head: {}
END
"${bitdial%/*}/sample" "$work/average.yaml" 8 "$work/average.ckpt"
"$bitdial" compile "$work/average.ckpt" --reference -o "$work/average.bdp" >"$work/compile.log"
"$bitdial" inspect "$work/average.bdp" --extract "$work/average" >"$work/inspect.log"
"$bitdial" eval "$work/average.bdp" --images 2 --compare 2 --logits "$work/average.npy"
second "$work/average" "$data/t10k-images-idx3-ubyte.gz" "$work/average.npy"
# Weights with a zero point (LSQ), one set of codes for each switch, units by filter: for the reference alone.
sed 's/^name: .*/&\nquantizers: {weights: lsq, activations: lsq, weight_unit: filter}/' yaml-configs/networks/resnet8.yaml \
    >"$work/lsq.yaml"
"${bitdial%/*}/sample" "$work/lsq.yaml" 8 "$work/lsq.ckpt"
"$bitdial" compile "$work/lsq.ckpt" --reference -o "$work/lsq.bdp" >"$work/compile.log"
"$bitdial" inspect "$work/lsq.bdp" --extract "$work/lsq" >"$work/inspect.log"
"$bitdial" eval "$work/lsq.bdp" --images 2 --compare 2 --logits "$work/lsq.npy"
second "$work/lsq" "$data/t10k-images-idx3-ubyte.gz" "$work/lsq.npy"
printf '\377' | dd of="$work/parts/layer004_codes.npy" bs=1 seek=1000 conv=notrunc status=none
if second "$work/parts" "$data/t10k-images-idx3-ubyte.gz" "$work/logits.npy" >"$work/planted.log"; then
    echo "a planted weight went unnoticed"
    exit 1
fi
grep -q 'expected' "$work/planted.log"

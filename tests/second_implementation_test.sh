# A second implementation of the integer arithmetic, written from model/exec/README.md alone, must agree with the
# executors on every logit, and with the reference device on every layer; and it must notice one changed weight.
set -eu
bitdial=${BITDIAL_BUILD:-build}/bitdial
data=${BITDIAL_DATA:-/usr/share/datasets/fashion-mnist}
second() { /usr/bin/python3 tests/second_implementation.py "$@"; }
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
printf '\377' | dd of="$work/parts/layer004_codes.npy" bs=1 seek=1000 conv=notrunc status=none
if second "$work/parts" "$data/t10k-images-idx3-ubyte.gz" "$work/logits.npy" >"$work/planted.log"; then
    echo "a planted weight went unnoticed"
    exit 1
fi
grep -q 'expected' "$work/planted.log"

# Speed of the two executors on ResNet-8, all cores: 10^9 multiply-accumulates a second for every switch.
set -eu
bitdial=${BITDIAL_BUILD:-build}/bitdial
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${bitdial%/*}/sample" yaml-configs/networks/resnet8.yaml 1 "$work/net.ckpt"
"$bitdial" compile "$work/net.ckpt" --hardware yaml-configs/hardware/demo.yaml -o "$work/net.bdp" >/dev/null
echo "executors, $(nproc) cores"
"$bitdial" eval "$work/net.bdp" --images 4000 --compare 40 --timing

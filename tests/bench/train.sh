# Speed of training on ResNet-8, all cores: images a second through all seven switches, and through one.
set -eu
bitdial=${BITDIAL_BUILD:-build}/bitdial
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_WAIT_POLICY=passive
speed() {
    "$bitdial" train yaml-configs/training/resnet8_demo.yaml --output "$work/$1.h5" --no-test --json \
        --limit-seconds 20 --steps 100000 $2 2>/dev/null | sed 's/.*"images_per_second":\([0-9]*\).*/\1/'
}
echo "training, $(nproc) cores, batches of 128"
printf '%-24s %6s images/s\n' 'seven switches' "$(speed all '')" 'w8a8 alone' "$(speed w8a8 '--switches w8a8')" \
    'w1a1 alone' "$(speed w1a1 '--switches w1a1')"

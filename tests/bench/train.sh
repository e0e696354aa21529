# Speed of training on ResNet-8, all cores: images a second through all seven switches, and through one.
set -eu
bitdial=${BITDIAL_BUILD:-build}/bitdial
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_WAIT_POLICY=passive
# speed NAME [--switches LIST]
speed() {
    name=$1
    shift
    "$bitdial" train yaml-configs/training/resnet8_demo.yaml --output "$work/train.h5" --no-test --json \
        --limit-seconds 15 --steps 100000 "$@" >"$work/result" 2>"$work/log" || { cat "$work/log"; exit 3; }
    printf '%-16s %5s images/s\n' "$name" "$(sed 's/.*"images_per_second":\([0-9]*\).*/\1/' "$work/result")"
}
echo "training, $(nproc) cores, batches of 128"
speed 'seven switches'
speed 'w8a8 alone' --switches w8a8
speed 'w1a1 alone' --switches w1a1

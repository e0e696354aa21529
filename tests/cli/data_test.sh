# From files in the true formats to a trained network, on every kind of data set; what is told when they do not fit.
set -eu
bitdial=${BITDIAL_BUILD:-build}/bitdial
images=${BITDIAL_BUILD:-build}/images
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
    echo "FAIL: $*"
    cat "$work/stdout" "$work/stderr"
    exit 1
}
# run CODE COMMAND...
run() {
    want=$1
    shift
    code=0
    "$@" >"$work/stdout" 2>"$work/stderr" </dev/null || code=$?
    [ "$code" = "$want" ] || fail "exit code $code, not $want: $*"
}

# network SIDE CLASSES
network() {
    cat >"$work/net$1.yaml" <<END
name: small$1
input: {height: $1, width: $1, channels: 3}
classes: $2
switches: [w8a8, w1a1]
stem: {channels: 8, stride: 2}
stages:
  - {channels: 8, stride: 2, blocks: [{inner: 8}]}
head: {pool_bits: 8}
END
}
# training KIND SIDE FURTHER
training() {
    cat >"$work/$1.yaml" <<END
network: $work/net$2.yaml
output: $work/$1.h5
data: {kind: $1, folder: $work/$1, $3}
batch: 8
augment: {crop: 2, flip: true, cutout: 8}
batch_norm: {recalibrate: 2}
END
}
network 32 10
network 64 3
"$images" cifar "$work/cifar10" 10 10000
"$images" tiny "$work/tiny-imagenet" 3 20
"$images" imagenet "$work/imagenet" 3 20 90 70
training cifar10 32 'validation: 200'
training tiny-imagenet 64 'validation: 12'
training imagenet 64 'validation: 12'

for kind in cifar10 tiny-imagenet imagenet; do
    run 0 "$bitdial" train "$work/$kind.yaml" --steps 4 --no-test
    run 0 "$bitdial" eval "$work/$kind.h5" --kind "$kind" --data "$work/$kind" --images 12 --json
    jq -e '.' "$work/stdout" >/dev/null || fail "eval of $kind"
    run 0 "$bitdial" data check --kind "$kind" --folder "$work/$kind" --json
    jq -e '.bad == [] and .checked_images > 70' "$work/stdout" >/dev/null || fail "check of $kind"
done

# The same bits from files whatever the number of threads.
run 0 "$bitdial" train "$work/imagenet.yaml" --steps 4 --no-test --threads 1 --output "$work/one.h5"
h5diff "$work/one.h5" "$work/imagenet.h5" >"$work/stdout" 2>&1 || fail "another number of threads, other weights"

run 0 "$bitdial" data --kind imagenet --folder "$work/imagenet" --validation 12 --size 64 --json
jq -e '.train.count == 48 and .validation.count == 12 and .test.count == 12 and .train.classes == 3
    and (.train.per_class | add) == 48 and (.test.per_class == [4, 4, 4]) and .train.height == 64
    and (.train.mean | length) == 3 and .train.deviation[0] > 10' "$work/stdout" >/dev/null || fail "info of imagenet"
run 0 "$bitdial" data --kind cifar10 --folder "$work/cifar10" --json
jq -e '.train.count == 45000 and .validation.count == 5000 and .test.per_class == [range(10) | 1000]
    and (.train.mean[0] | . > 127 and . < 128) and (.train.deviation[2] | . > 73.8 and . < 74)' \
    "$work/stdout" >/dev/null || fail "info of cifar10"

# A network for other images.
sed 's/net64/net32/; s/validation: 12/&, size: 64/' "$work/imagenet.yaml" >"$work/other.yaml"
run 2 "$bitdial" train "$work/other.yaml" --steps 1 --force
grep -q "network 'small32' reads images of 32x32x3 in 10 classes, the data set has 64x64x3 in 3" "$work/stderr" ||
    fail "a network for other images"

# One bad JPEG among good ones.
bad=$work/imagenet/train/n00000001/n00000001_7.JPEG
head -c 2000 "$bad" >"$work/short" && mv "$work/short" "$bad"
head -c 100 "$work/imagenet/val/n00000002/n00000002_21.JPEG" >"$work/short"
mv "$work/short" "$work/imagenet/val/n00000002/n00000002_21.JPEG"
run 2 "$bitdial" train "$work/imagenet.yaml" --steps 8 --no-test --force
grep -Eq "^bitdial train: $bad: offset [0-9]+: the JPEG data ends too early" "$work/stderr" || fail "a bad JPEG"
run 2 "$bitdial" data check --kind imagenet --folder "$work/imagenet" --json
jq -e '.checked_images == 72 and (.bad | length) == 2' "$work/stdout" >/dev/null || fail "check lists both"
[ "$(grep -c 'n00000001_7.JPEG: offset\|n00000002_21.JPEG: offset' "$work/stderr")" = 2 ] || fail "check names both"
echo "data: every kind trained, every fault named"

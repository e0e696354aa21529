# Speed of the fast executor at every switch, beside the plain one and oneDNN (tests/bench/execute.c): networks that the zoo
# ships, and ResNet-20 and the narrow ResNet-18 with switches from w8a8 to w1a1 and weights that nobody trained, because
# none that ships has both. --json: a line of JSON for each switch.
set -eu
build=${BITDIAL_BUILD:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for net in resnet20 resnet18_narrow; do
    sed 's/^switches:.*/switches: [w8a8, w4a4, w2a2, w1a1]/' yaml-configs/networks/$net.yaml >"$work/$net.yaml"
    "$build/sample" "$work/$net.yaml" 1 "$work/$net.h5"
done
for net in "$work/resnet20.h5" "$work/resnet18_narrow.h5" model/zoo/resnet20_w1.h5 model/zoo/resnet8.h5 model/zoo/resnet20_wa.h5 model/zoo/resnet18_narrow.h5 model/zoo/mobilenet_narrow.h5; do
    "$build/bitdial" compile "$net" --reference --max-moved 1000 -o "$work/net.bdp" >/dev/null
    [ $# -gt 0 ] || case $net in model/*) printf '\ntrained, %s: ' "$net" ;; *) printf '\nof random weights: ' ;; esac
    OMP_WAIT_POLICY=passive "$build/execute" "$work/net.bdp" "$@"
done

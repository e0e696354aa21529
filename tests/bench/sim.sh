# Speed of simulation: the platform, all of it, and the same Verilated model in a bare clock loop, one after the other on
# one core. A binary MAC is one real multiply-accumulate of one weight plane with one activation plane.
set -eu
bitdial=${BITDIAL_BUILD:-build}/bitdial
hardware=yaml-configs/hardware/demo.yaml
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${bitdial%/*}/sample" yaml-configs/networks/resnet8.yaml 1 "$work/net.ckpt"
"$bitdial" compile "$work/net.ckpt" --hardware $hardware -o "$work/net.bdp" >/dev/null
bare=$(sh sim/bench/build.sh $hardware)
"$bare" --hardware $hardware --program "$work/net.bdp" --speed 3 >"$work/bare"
printf '%-8s %22s %18s %22s %18s %6s\n' switch 'platform clocks/s' 'binary MAC/s' 'bare loop clocks/s' 'binary MAC/s' ratio
index=0
for switch in w8a8 w4a4 w2a2 w1a8 w1a4 w1a2 w1a1; do # as the program numbers them
    "$bitdial" cosim "$work/net.bdp" --hardware $hardware --images 4 --schedule "$switch" --json >"$work/json" 2>/dev/null
    value() { jq ".speed.$1" "$work/json"; }
    sed -n "s/^switch $index: \([0-9]*\) clocks.*/\1/p" "$work/bare" |
        awk -v s="$switch" -v c="$(value clocks_per_second)" -v m="$(value binary_macs_per_second)" \
            '{ printf "%-8s %22.0f %18.3g %22.0f %18.3g %6.2f\n", s, c, m, $1, m / c * $1, c / $1 }'
    index=$((index + 1))
done

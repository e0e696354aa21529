#!/bin/sh
# `make netlist`: one frame of a small network at each of its two switches, and what the bench adds, on the netlist that is mapped
# from yaml-configs/hardware/small.yaml, against the RTL, the reference and the cost model: values and clocks equal. Then again
# with one bit of a LUT wrong: must be found. See README.md.
set -eu
cd -- "$(dirname -- "$0")/../.."
hardware=yaml-configs/hardware/small.yaml
out=build/netlist
mkdir -p "$out"
start=$(date +%s)
since() { echo "$(($(date +%s) - start)) s"; }
sh tests/netlist/models.sh --quick
build/sample tests/small_network.yaml 1 "$out/net.h5"
build/bitdial compile "$out/net.h5" --hardware $hardware -o "$out/net.bdp" >/dev/null
rtl=$(sh sim/bench/build.sh $hardware | tail -1)
folder=$(PYTHONDONTWRITEBYTECODE=1 python3 hw/synth/netlist.py small)
echo "built: $(since)"
run() { timeout "$1" "$2" --hardware $hardware --program "$out/net.bdp" --verbose --patience 300000; }
run 600 "$rtl" >"$out/rtl.out" || { cat "$out/rtl.out"; echo "netlist: the RTL itself differs"; exit 1; }
run 3000 "$folder/bench" >"$out/netlist.out" || { head -5 "$out/netlist.out"; echo "netlist: the netlist differs from the reference"; exit 1; }
cmp "$out/rtl.out" "$out/netlist.out" || { diff "$out/rtl.out" "$out/netlist.out"; echo "netlist: RTL and netlist differ"; exit 1; }
cat "$out/netlist.out"
echo "values and clocks of the netlist are those of the RTL, the reference and the cost model: $(since)"
found=0 all=0
while read -r number name; do
    all=$((all + 1))
    if BROKEN_LUT=$number run 300 "$folder/bench" >"$out/broken.out" 2>&1; then
        echo "not seen: $name"
    else
        found=$((found + 1))
        echo "found: $name: $(grep -m1 -v '^ *$' "$out/broken.out")"
    fi
done <"$folder/done"
echo "$found of $all LUTs with a wrong bit are found: $(since)"
[ $((2 * found)) -ge "$all" ] || { echo "netlist: most broken LUTs are not found"; exit 1; }

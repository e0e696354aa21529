# The installed copy, alone: the shared library exports what the header declares and nothing else, the header is C11 and
# C++17, and the two examples build by pkg-config and run, with the shared library and with the static one.
set -eu
unset SAN MAKEFLAGS MFLAGS MAKELEVEL BITDIAL_BUILD # what is installed is the plain build
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "$1"; exit 1; }
make -s install PREFIX="$work/a prefix" >"$work/log" 2>&1 || { tail -20 "$work/log"; exit 1; }
mkdir "$work/user"
ln -s "$work/a prefix" "$work/prefix" # pkg-config's words have no blanks
sed -i "s#^prefix=.*#prefix=$work/prefix#" "$work/prefix/lib/pkgconfig/bitdial.pc"
cd "$work/user"
export PKG_CONFIG_PATH="$work/prefix/lib/pkgconfig" OMP_WAIT_POLICY=passive

grep -oE '\bbitdial_[a-z_]+\(' "$work/prefix/include/bitdial.h" | tr -d '(' | grep -v '^bitdial_status$' | sort -u >declared
nm -D --defined-only "$work/prefix/lib/libbitdial.so" | awk '{ print $NF }' | sort >exported
diff declared exported || fail "the shared library's symbols are not those that the header declares"
nm -g --defined-only "$work/prefix/lib/libbitdial.a" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort >global
diff declared global || fail "the static library's global symbols are not those that the header declares"

echo '#include <bitdial.h>' >header.c
cp header.c header.cpp
gcc -std=c11 -Wall -Wextra -Wpedantic -Werror $(pkg-config --cflags bitdial) -c header.c
g++ -std=c++17 -Wall -Wextra -Wpedantic -Werror $(pkg-config --cflags bitdial) -c header.cpp
printf '#include <bitdial.h>\nvoid f(struct bitdial_network *n, struct bitdial_error *e) { bitdial_network_save(n, "x", e); }\n' >unused.c
gcc -Wall -Werror $(pkg-config --cflags bitdial) -c unused.c 2>err && fail "a status that nobody looks at compiles"

examples=$work/prefix/share/bitdial/examples
flags="-std=c11 -Wall -Wextra -Werror"
gcc $flags "$examples/classify.c" -o classify $(pkg-config --cflags --libs bitdial)
gcc $flags "$examples/price.c" -o price $(pkg-config --cflags bitdial) "$work/prefix/lib/libbitdial.a" \
    $(pkg-config --libs --static bitdial | sed 's/-lbitdial//; s/-lgslcblas//')
readelf -d classify | grep -q 'libbitdial.so.0' || fail "classify does not use the shared library"
readelf -d price | grep -q 'libbitdial' && fail "price uses the shared library"
export LD_LIBRARY_PATH="$work/prefix/lib"
hardware=$work/prefix/share/bitdial/hardware/demo.yaml
./classify "$root/model/zoo/resnet8.h5" "$hardware" 20 >out || { cat out; fail "classify failed"; }
# The command says the same: right answers of the same images, clocks of the cost model.
"$work/prefix/bin/bitdial" compile "$root/model/zoo/resnet8.h5" --hardware "$hardware" -o n.bdp >/dev/null
"$work/prefix/bin/bitdial" run n.bdp --hardware "$hardware" --device ref --images 20 --schedule w8a8 --json >run.json
right=$(jq '.switches[0].accuracy * 20 | round' run.json) clocks=$(jq '.switches[0].cycles | round' run.json)
grep -q "^w8a8: $right of 20 right, $clocks clocks a frame$" out || { cat out run.json; fail "classify is not the command's"; }
[ "$(wc -l <out)" = 2 ] && grep -q '^w1a1: ' out || { cat out; fail "classify ran no second precision"; }
./price "$work/prefix/share/bitdial/networks/resnet8.yaml" "$hardware" >out || { cat out; fail "price failed"; }
"$work/prefix/bin/bitdial" cost "$work/prefix/share/bitdial/networks/resnet8.yaml" --hardware "$hardware" --json >cost.json
for sw in w8a8 w1a1; do
    grep -q "^$sw: $(jq ".switches.$sw.cycles" cost.json) clocks, $(jq ".switches.$sw.bytes_read" cost.json) bytes read" out ||
        { cat out; fail "price at $sw is not the command's"; }
done
grep -Eq '^within [0-9]+ clocks: [0-9]+ channels for [0-9]+ clocks:' out || { cat out; fail "price found no narrower network"; }

# Wrong input is refused with a message and the right exit code, and breaks nothing.
code=0
./classify nowhere.h5 "$hardware" 2>err || code=$?
[ $code = 2 ] && grep -q nowhere.h5 err || { cat err; fail "a missing checkpoint: exit code $code"; }
echo "the installed library, its header and its examples stand alone"

#!/bin/sh
# The page "My own network and images": its commands run in their order exactly as they stand there, in a folder that has
# what the repository's has; what they must reach is checked at the end.
set -eu
bitdial=$PWD/${BITDIAL_BUILD:-build}/bitdial
page=sw/cli/OWN_NETWORK.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset BITDIAL_DATA
fail() { echo "FAIL: $*"; tail -40 "$work/log"; exit 1; }

commands() { awk '/^```sh$/ { on = 1; next } /^```/ { on = 0 } on'; } # of the page on standard input
run() { # SCRIPT: every command, in the folder; the first failure ends it
    (cd "$work" && sh -eu "$1") >"$work/log" 2>&1
}
mkdir "$work/build"
ln -s "$bitdial" "$work/build/bitdial"
ln -s "$PWD/yaml-configs" "$work/yaml-configs"

commands <$page >"$work/page.sh"
[ "$(grep -c '^build/bitdial' "$work/page.sh")" -ge 11 ] || fail "the page has lost its commands"
run "$work/page.sh" || fail "a command of the page fails"
right=$(sed -n 's/^w8a8  *[0-9.]*%  *\([0-9]*\)\.[0-9]*%.*/\1/p' "$work/log" | head -1)
[ "${right:-0}" -ge 75 ] || fail "the network learned nothing: $right %"
[ "$(grep -c '^mismatches  *0$' "$work/log")" = 3 ] || fail "not three co-simulations without a mismatch"
grep -q '; frames that differ [1-9]' "$work/log" && fail "clocks differ"
for file in net.h5 net.bdp pruned.h5 pruned.bdp; do
    [ -s "$work/build/shapes/$file" ] || fail "there is no $file"
done

# A page whose command fails is seen to, and the links of this one lead somewhere.
printf '```sh\nbuild/bitdial cost build/shapes/no.yaml --hardware yaml-configs/hardware/demo.yaml\ntrue\n```\n' | commands >"$work/planted.sh"
if run "$work/planted.sh"; then fail "a failing command is not noticed"; fi
grep -o '](\.\./[^)]*)' $page | sed 's/^](//; s/)$//' | while read -r link; do
    [ -e "${page%/*}/$link" ] || { echo "FAIL: $page leads to $link, which is not there"; exit 1; }
done

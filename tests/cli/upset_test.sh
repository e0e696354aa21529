# Upsets of known outcome, bit by bit; shortcuts against whole simulations; faults of the tool itself that must be found;
# a small campaign, gone on with and repeated, and one injection of it alone.
set -eu
bitdial=${BITDIAL_BUILD:-build}/bitdial
hardware=tests/small_hardware.yaml
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAIL: $*"; cat "$work/out" "$work/err"; exit 1; }
"${bitdial%/*}/sample" tests/small_network.yaml 1 "$work/net.h5"
"$bitdial" compile "$work/net.h5" --hardware $hardware -o "$work/net.bdp" >/dev/null
head -c 1568 /dev/zero | tr '\0' '\252' >"$work/images"
injector=$(sh sim/upset/build.sh $hardware | tail -1)
run() { # CODE ARGUMENTS of the injector...
    expected=$1 code=0
    shift
    timeout 100 "$injector" --hardware $hardware --program "$work/net.bdp" --images "$work/images" --switch w1a1 "$@" \
        >"$work/out" 2>"$work/err" || code=$?
    [ $code = "$expected" ] || fail "'$*' ends with $code, not $expected"
}

# The table of state is complete, and found out where it is not.
run 0 --self-check
run 1 --self-check --plant state
grep -q 'the table of state is not complete' "$work/err" || fail "a variable is missing and is not missed"

# Bits whose outcome is known: frame, error, next frame.
place() { # EXPECTED CLASS PLACE CLOCK
    run 0 --class "$2" --place "$3" --at "$4"
    found=$(jq -r '.injections[0] | "\(.[3])/\(.[4])/\(.[5])"' "$work/out")
    case $found in
    $1) ;;
    *) fail "$3 at $4: '$found', not '$1'" ;;
    esac
}
descriptors=u_loader.g_kept.u_descriptor_memory.mem tables=u_compute.u_back.u_table_memory.mem
weights='u_compute.u_arrays.u_memory.g_lane[0].mem'
last=$("$bitdial" inspect "$work/net.bdp" --json | jq '.switches[1].layers[-1].table_base')
place masked//masked weights "$weights:1023:0" 0               # a word behind the program's
place 'wrong*//wrong*' tables "$tables:$last:69" 0             # the sign of the first class's B', from now on
place 'masked//wrong*' tables "$tables:$last:69" 3380          # the same after the last layer read it
place 'detected/the device cannot execute a layer;*/*' configuration "$descriptors:$((11 * 32 + 3)):12" 0 # in_height 4,124
place 'detected/the frame took more clocks than it may*/*' configuration "$descriptors:$((11 * 32 + 21)):13" 0 # 8,192 clocks a block more
place 'hang/the device has forgotten its registers*/late' configuration u_csr.irq_enable_q:0:0 10

# Shortcuts come to what whole simulations come to; one that does not is seen.
rows() { jq -c '.injections[]' "$work/out"; }
for class in activations state; do
    run 0 --class $class --count 25 --seed 5 --full
    rows >"$work/full"
    run 0 --class $class --count 25 --seed 5
    rows >"$work/short"
    cmp -s "$work/full" "$work/short" || { diff "$work/full" "$work/short"; fail "shortcuts change outcomes of $class"; }
done
run 0 --class tables --over used --count 25 --seed 5 --full
rows >"$work/full"
run 0 --class tables --count 25 --seed 5 --check 1
rows | cmp -s - "$work/full" || fail "the reference changes outcomes"
run 0 --class tables --count 25 --seed 5 --plant shortcut
! rows | cmp -s - "$work/full" || fail "reads that count as writes change nothing"
run 1 --class tables --count 25 --seed 5 --check 1 --plant reference
grep -q 'the reference decided otherwise' "$work/err" || fail "a reference that sees no flip is not found out"

# A campaign: the same results side by side and alone, gone on with, and one injection by itself.
campaign() { # CODE ARGUMENTS...
    expected=$1 code=0
    shift
    timeout 200 "$bitdial" upset "$work/net.bdp" --hardware $hardware --noise "$@" >"$work/out" 2>"$work/err" || code=$?
    [ $code = "$expected" ] || fail "'$*' ends with $code, not $expected"
}
campaign 0 --out "$work/dir" --injections 30 --classes tables,state --jobs 2 --json
jq -e '[.switches[].classes[].counts.injections] == [30, 30, 30, 30]' "$work/out" >/dev/null || fail "injections are missing"
jq -S 'del(.. | .work?, .points?)' "$work/out" >"$work/first"
campaign 2 --out "$work/dir" --injections 30 --classes tables,state
campaign 2 --out "$work/dir" --injections 31 --classes tables,state --resume
campaign 0 --out "$work/dir" --injections 30 --classes tables,state --resume --json
jq -S 'del(.. | .work?, .points?)' "$work/out" | cmp -s - "$work/first" || fail "going on changes results"
campaign 0 --out "$work/dir" --injections 30 --classes tables,state --resume
grep -q '^w1a1  *state ' "$work/out" || fail "no table"
row=$(jq -c '.output.injections[7]' "$work/dir/points/w1a1.state.000000/result.json")
campaign 0 --switches w1a1 --classes state --only 7 --json
[ "$(jq -c '.injections[0]' "$work/out")" = "$row" ] || fail "injection 7 alone is not injection 7 of the campaign: $row"

# What is asked wrongly.
campaign 2 --out "$work/other" --classes weigths
campaign 2 --out "$work/other" --switches w3a3
campaign 2 --only 3
campaign 2
[ ! -e "$work/other" ] || fail "a refused campaign left a folder"
echo "upsets of known outcome, shortcuts, planted faults and a campaign"

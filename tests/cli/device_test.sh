# `bitdial device` on the reference and on the transaction-level process: what it shows, its exit codes, and what it
# refuses. (The steps of the self-test are broken one by one in tests/unit/test_selftest.c.)
set -eu
bitdial=${BITDIAL_BUILD:-build}/bitdial
hardware=tests/small_hardware.yaml
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAIL: $*"; cat "$work/out" "$work/err"; exit 1; }
device() { # CODE WORDS ARGUMENTS...: ends with CODE; WORDS stand on standard output, or after a failure on standard error
    expected=$1 words=$2
    shift 2
    code=0
    "$bitdial" device "$@" >"$work/out" 2>"$work/err" </dev/null || code=$?
    [ $code = "$expected" ] || fail "bitdial device $*: ends with $code, not $expected"
    [ $code = 0 ] || { grep -q -e "$words" "$work/err" || fail "bitdial device $* does not say '$words'"; return 0; }
    grep -q -e "$words" "$work/out" || fail "bitdial device $* does not say '$words'"
}
for kind in ref tlm; do
    device 0 'geometry  *ROWS 8, REQUANT_UNITS 4' id --device $kind --hardware $hardware
    device 0 '10 of 10 steps passed' selftest --device $kind --hardware $hardware
done
device 0 '^0x098  DOORBELL .*not read' regs --hardware $hardware
device 0 '^0x068  WATCHDOG_LIMIT  *rw   0x01000000$' regs --hardware $hardware
device 0 '^0x044  STATUS .*BUSY 0, .*ERROR 0 (NONE)' read STATUS --hardware $hardware
device 0 '^0x000  ID .*0x314c4442$' read 0 --hardware $hardware
device 0 'written to TAG (0x094)' write TAG 7 --hardware $hardware
device 0 '^0x0100000010  00 00' mem 0x100000000 32 --hardware $hardware
device 0 '^total  *0$' counters --hardware $hardware
device 0 '^frames 0, .*BUSY 0' watch --count 2 --interval 1 --hardware $hardware
[ "$(wc -l <"$work/out")" = 2 ] || fail 'watch looks twice'
device 0 . mem 0x100000000 100 --output "$work/bytes" --hardware $hardware --json
[ "$(wc -c <"$work/bytes")" = 100 ] || fail 'mem --output'
device 0 '^100 bytes' mem 0x100000000 --write "$work/bytes" --hardware $hardware
"$bitdial" device selftest --hardware $hardware --json >"$work/out" 2>"$work/err"
jq -e '.pass and (.steps | length == 10) and all(.steps[]; .verdict == "ok" and .step > 0 and (.causes | length > 0) and (.next | length > 0))' \
    "$work/out" >/dev/null || fail 'the report of the self-test as JSON'

device 2 'expected id, selftest' --hardware $hardware
device 2 "'boot' is none of" boot --hardware $hardware
device 2 "'read' takes 1 arguments" read --hardware $hardware
device 2 "no register 'NOPE'" read NOPE --hardware $hardware
device 2 'a multiple of 4' read 0x42 --hardware $hardware
device 2 "'ID' is read only" write ID 1 --hardware $hardware
device 2 'must be an integer' write TAG many --hardware $hardware
device 2 'at 0x10, 8 bytes\|0x10' mem 0x10 8 --hardware $hardware
device 2 'go with mem' regs --output "$work/none" --hardware $hardware
device 2 "'--device' must be ref, tlm, rtl, serial:PATH" id --device fpga
device 2 'needs a hardware configuration' id --device ref
device 2 'no-such.yaml' id --hardware "$work/no-such.yaml"
# A device that cannot be reached is infrastructure, and the self-test names the step.
device 3 'step 1 (link): .*no-such-tty' selftest --device "serial:$work/no-such-tty"
grep -q 'likely  .*cable' "$work/out" && grep -q '0 of 10 steps' "$work/out" || fail 'causes of a missing link'
device 3 "cannot open '.*no-such-uio': No such file.*uio_pdrv_genirq" id --device "uio:$work/no-such-uio"
device 2 'is no uio device' id --device uio:/dev/zero

# A record of a build: what it says is compared, what it is not is refused.
device 0 '^geometry .*hash' id --hardware $hardware
hash=$(sed -n 's/^geometry .*hash //p' "$work/out")
record() { printf '{"rtl_hash": "%s", "geometry_hash": "%s", "build_id": %s, "clock_khz": %s, "board": "x"}\n' "$@" >"$work/record"; }
record 0x00000000 "$hash" 0 0
device 0 '^record  *sources, geometry' id --record "$work/record" --hardware $hardware
record 0x00000001 "$hash" 0 0
device 1 'sources have checksum 0x00000000, the record says 0x00000001$' id --record "$work/record" --hardware $hardware
record 0x00000000 0x1 0 0
device 1 'geometry has hash 0x.*, the record says 0x0000000000000001$' id --record "$work/record" --hardware $hardware
record 0x00000000 "$hash" 3 0
device 1 'planted fault 0, the record says 3$' id --record "$work/record" --hardware $hardware
record 0x00000000 "$hash" 0 25000
device 1 'clock is 0 kHz, the record says 25000$' id --record "$work/record" --hardware $hardware
record 0x00000000 "$hash" 0 -1
device 2 "record: 'clock_khz' must be a number" id --record "$work/record" --hardware $hardware
record 0x100000000 "$hash" 0 0
device 2 "record: 'rtl_hash' is too large" id --record "$work/record" --hardware $hardware
record 0xfg "$hash" 0 0
device 2 "record: 'rtl_hash' must be a number" id --record "$work/record" --hardware $hardware
echo '{"rtl_hash": 1,' >"$work/record"
device 2 'record:.*not a JSON object' id --record "$work/record" --hardware $hardware
device 2 'no-such-record' id --record "$work/no-such-record" --hardware $hardware
device 2 'record goes with id' regs --record "$work/record" --hardware $hardware

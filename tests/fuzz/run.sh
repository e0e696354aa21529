#!/bin/sh
# run.sh SECONDS TARGET...: each fuzzer for that long, on what earlier runs found new (build/fuzz/TARGET/corpus) and on the
# seeds. 1 GiB of memory and 10 s an input. Ends with 1 where one found something, after the line that repeats it.
seconds=$1
shift
root=build/fuzz
found=0
flock $root/lock sh tests/fuzz/seeds.sh build $root/seeds || exit 3 # one at a time: a suite runs several targets side by side
for target in "$@"; do
    mkdir -p "$root/$target/corpus" "$root/$target/found"
    committed=tests/fuzz/corpus/$target
    [ -d "$committed" ] || committed=
    echo "fuzz $target: $seconds s"
    UBSAN_OPTIONS=print_stacktrace=1 ASAN_OPTIONS=detect_leaks=1:quarantine_size_mb=32 OMP_NUM_THREADS=1 \
        OPENBLAS_NUM_THREADS=1 timeout -k 10 $((seconds + 120)) "$root/fuzz_$target" -max_total_time="$seconds" \
        -timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=512 -print_final_stats=1 -artifact_prefix="$root/$target/found/" \
        "$root/$target/corpus" "$root/seeds/$target" $committed >"$root/$target/log" 2>&1
    code=$?
    if [ $code = 0 ]; then
        grep -aE '^stat::number_of_executed_units|^stat::peak_rss_mb' "$root/$target/log" | sed 's/^stat::/  /'
        continue
    fi
    found=1
    echo "FOUND by $target (exit code $code):"
    grep -aEm3 'ERROR|SUMMARY|runtime error|^fuzz:' "$root/$target/log" | sed 's/^/  /'
    input=$(sed -n 's/.*Test unit written to //p' "$root/$target/log" | tail -n 1)
    echo "  repeat: $root/fuzz_$target ${input:-(no input was written: $root/$target/log)}"
done
exit $found

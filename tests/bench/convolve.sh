# Speed of the integer forward convolution, by bytes and by bits, beside oneDNN's (tests/bench/convolve.c), on one thread;
# --json: a line of JSON for each row.
exec "${BITDIAL_BUILD:-build}/convolve" "$@"

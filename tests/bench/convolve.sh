# Speed of the integer forward convolution, by bytes and by bits, beside oneDNN's (tests/convolve.c), on one thread.
exec "${BITDIAL_BUILD:-build}/convolve"

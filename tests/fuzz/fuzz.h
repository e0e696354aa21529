/* Entry functions of the fuzzers: each takes any bytes, and returns where the code under test keeps its promises. One
 * file a target, fuzz_TARGET.c; libFuzzer calls it by entry.c, and tests by replay.c. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "model/core/error.h"

/* X(target): the list of all of them, in the order of the README. */
#define FUZZ_TARGETS(X)                                                                                                \
    X(program)                                                                                                         \
    X(checkpoint)                                                                                                      \
    X(network)                                                                                                         \
    X(hardware)                                                                                                        \
    X(training)                                                                                                        \
    X(search)                                                                                                          \
    X(comparison)                                                                                                      \
    X(image)                                                                                                           \
    X(npy)                                                                                                             \
    X(idx)                                                                                                             \
    X(protocol)                                                                                                        \
    X(journal)

#define X(target) void fuzz_##target(const uint8_t *data, size_t size);
FUZZ_TARGETS(X)
#undef X

/* A target that fails on an input that begins with "BAD": what runs the others must notice. */
void fuzz_planted(const uint8_t *data, size_t size);

/* For readers that take a path: a regular file without a name that holds these bytes; valid until the next call. */
const char *fuzz_file(const void *data, size_t size);

/* Ends the process, with the text, where `holds` is 0. */
void fuzz_demand(int holds, const char *text);
/* Demands that a status is BD_OK or a refusal of the input with a message; returns whether it is BD_OK. */
int fuzz_accepted(bd_status status, const struct bd_error *err);

#endif

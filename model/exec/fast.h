/* The exact fast path: the same integers as exec.h, by vector kernels over batches; compared with the plain
 * executor by tests and by `bitdial eval` in every run. */
#ifndef BD_EXEC_FAST_H
#define BD_EXEC_FAST_H

#include <stddef.h>
#include <stdint.h>

#include "model/exec/exec.h"
#include "model/program/program.h"

/* logits (count, classes) of `count` images (count, input_bytes) at a switch; uses all OpenMP threads. */
bd_status bd_execute_fast(const struct bd_program *program, const struct bd_decoded *decoded, unsigned switch_index,
                          const uint8_t *images, size_t count, int32_t *logits, struct bd_error *err) BD_WARN_UNUSED;

/* The same by a named kernel: "bits" or "bytes" (AVX-512: model/kernels/intconv.h, with and without bitconv.h), "avx2"
 * or "plain"; BD_BAD_INPUT where the processor lacks it or its test at start found it not exact. NULL: the fastest. */
bd_status bd_execute_fast_by(const char *kernel, const struct bd_program *program, const struct bd_decoded *decoded,
                             unsigned switch_index, const uint8_t *images, size_t count, int32_t *logits,
                             struct bd_error *err) BD_WARN_UNUSED;
/* The kernel that bd_execute_fast uses here. */
const char *bd_execute_fast_kernel(void);

/* Multiply-accumulates of one image, padding taps included. */
uint64_t bd_program_macs(const struct bd_program *program);

#endif

/* Checkpoints, length and checksum made right: what is loaded is finite, has its arrays, folds or is refused. */
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/checkpoint.h"
#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/fold/fold.h"
#include "tests/fuzz/fuzz.h"

#define MOST_WEIGHTS 20000 /* folding looks at every code edge: seconds for large layers */

static void fold(const struct bd_checkpoint *checkpoint)
{
    struct bd_hardware hardware;
    struct bd_program program;
    struct bd_fold_report report = {0};
    struct bd_error err = {0};
    const struct bd_fold_options options = {.reference = true, .max_moved = 1000};
    bd_hardware_reference(&hardware);
    if (fuzz_accepted(bd_fold(checkpoint, &hardware, &options, &program, &report, &err), &err)) {
        bd_program_release(&program);
    }
    bd_fold_report_release(&report);
    bd_hardware_release(&hardware);
}

void fuzz_checkpoint(const uint8_t *data, size_t size)
{
    struct bd_checkpoint checkpoint;
    struct bd_error err = {0};
    uint8_t *bytes = bd_xmalloc(size);
    memcpy(bytes, data, size);
    if (size >= 24) {
        const uint64_t length = size;
        memset(bytes + 12, 0, 4);
        memcpy(bytes + 16, &length, sizeof length);
        const uint32_t crc = bd_crc32(bytes, size);
        memcpy(bytes + 12, &crc, sizeof crc);
    }
    if (fuzz_accepted(bd_checkpoint_parse(&checkpoint, "fuzz", bytes, size, &err), &err)) {
        int64_t at, weights = 0, values = 0;
        fuzz_demand(!bd_checkpoint_not_finite(&checkpoint, &at), "a value that is not finite was loaded");
        for (size_t i = 0; i < checkpoint.array_count; i++) {
            const struct bd_array *array = &checkpoint.arrays[i];
            weights += strstr(array->name, ".weight") ? array->count : 0;
            values += array->count;
        }
        fuzz_demand((uint64_t)values * 4 <= size, "more values than bytes");
        if (weights <= MOST_WEIGHTS) {
            fold(&checkpoint);
        }
        bd_checkpoint_release(&checkpoint);
    }
    free(bytes);
}

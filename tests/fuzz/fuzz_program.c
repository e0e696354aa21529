/* Program images, the checksum made right: what is opened must run on both executors, to the same logits. */
#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/exec/exec.h"
#include "model/exec/fast.h"
#include "model/program/random_network.h"
#include "tests/fuzz/fuzz.h"

#define MOST_MACS 2000000 /* of one image, that the plain executor does not take seconds */

static uint8_t *sealed(const uint8_t *data, size_t size)
{
    uint8_t *image = bd_xmalloc(size);
    memcpy(image, data, size);
    if (size >= sizeof(struct bd_program_header)) {
        uint32_t crc = 0;
        const uint64_t length = size;
        memcpy(image + offsetof(struct bd_program_header, image_bytes), &length,
               sizeof((struct bd_program_header *)0)->image_bytes);
        memcpy(image + offsetof(struct bd_program_header, crc), &crc, sizeof crc);
        crc = bd_crc32(image, size);
        memcpy(image + offsetof(struct bd_program_header, crc), &crc, sizeof crc);
    }
    return image;
}

static void run(const struct bd_program *program, const struct bd_decoded *decoded)
{
    struct bd_error err = {0};
    const size_t classes = program->header->classes;
    uint8_t *image = bd_xcalloc(program->header->input_bytes, 1);
    int32_t *logits = bd_xcalloc(classes, sizeof *logits);
    bd_random_image(program, 1, image);
    for (unsigned s = 0; s < program->header->switch_count; s++) {
        struct bd_frame frame;
        const int plain = fuzz_accepted(bd_execute(program, decoded, s, image, &frame, &err), &err);
        const int fast = fuzz_accepted(bd_execute_fast(program, decoded, s, image, 1, logits, &err), &err);
        fuzz_demand(plain == fast, "one executor runs what the other refuses");
        if (plain) {
            fuzz_demand(!memcmp(frame.logits, logits, classes * sizeof *logits), "the executors differ");
            bd_frame_release(&frame);
        }
    }
    free(image);
    free(logits);
}

void fuzz_program(const uint8_t *data, size_t size)
{
    struct bd_program program;
    struct bd_decoded *decoded;
    struct bd_error err = {0};
    uint8_t *image = sealed(data, size);
    const int opened = fuzz_accepted(bd_program_open(&program, "fuzz", image, size, &err), &err);
    free(image);
    if (!opened) {
        return;
    }
    if (bd_program_macs(&program) <= MOST_MACS && fuzz_accepted(bd_decode(&program, &decoded, &err), &err)) {
        run(&program, decoded);
        bd_decoded_free(decoded);
    }
    bd_program_release(&program);
}

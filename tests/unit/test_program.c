/* Program images with words changed behind a right checksum: refused with a place, or executed without harm (which
 * the sanitizer build sees), the two executors agreeing. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/exec/exec.h"
#include "model/exec/fast.h"
#include "model/program/hardware.h"
#include "model/program/program.h"
#include "model/program/random_network.h"

/* Runs what was accepted; false where decoding refuses it. */
static bool run(const struct bd_program *program, const char *what)
{
    struct bd_decoded *decoded;
    struct bd_error err;
    if (bd_decode(program, &decoded, &err)) {
        return false;
    }
    uint8_t *image = bd_xcalloc(program->header->input_bytes, 1);
    int32_t *logits = bd_xcalloc(program->header->classes, sizeof *logits);
    for (unsigned s = 0; s < program->header->switch_count; s++) {
        struct bd_frame frame;
        cr_assert_eq(bd_execute(program, decoded, s, image, &frame, &err), BD_OK, "%s: %s", what, err.message);
        cr_assert_eq(bd_execute_fast(program, decoded, s, image, 1, logits, &err), BD_OK, "%s: %s", what, err.message);
        cr_assert_arr_eq(logits, frame.logits, program->header->classes * sizeof *logits, "%s", what);
        bd_frame_release(&frame);
    }
    free(image);
    free(logits);
    bd_decoded_free(decoded);
    return true;
}

static uint32_t changed(uint32_t word, struct bd_rng *rng)
{
    static const uint32_t edges[] = {0, 1, 2, 3, 8, 16, 64, 255, 256, 65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff};
    switch (bd_rng_below(rng, 4)) {
    case 0:
        return edges[bd_rng_below(rng, sizeof edges / sizeof edges[0])];
    case 1:
        return word + 1;
    case 2:
        return word - 1;
    default:
        return word ^ 1u << bd_rng_below(rng, 32);
    }
}

Test(program, changed_words_are_refused_or_harmless)
{
    struct bd_hardware hardware;
    struct bd_rng rng;
    struct bd_error err;
    int refused = 0, ran = 0;
    bd_rng_seed(&rng, 31);
    cr_assert_eq(bd_hardware_load(&hardware, "yaml-configs/hardware/demo.yaml", &err), BD_OK);
    for (unsigned index = 0; index < 18; index++) {
        struct bd_program program;
        /* Every third network has the layers that only the reference runs. */
        const bd_status made =
            (index % 3 == 2 ? bd_random_reference_network : bd_random_network)(31, index, &hardware, &program, &err);
        cr_assert_eq(made, BD_OK, "%s", err.message);
        const struct bd_program_header *h = program.header;
        const uint32_t descriptor_words = h->switch_count * h->switch_stride / 4;
        for (int i = 0; i < 250; i++) {
            uint8_t *image = bd_xmalloc(program.size);
            memcpy(image, program.image, program.size);
            const uint32_t word = bd_rng_below(&rng, 3)
                                      ? h->descriptor_offset / 4 + bd_rng_below(&rng, descriptor_words)
                                      : 5 + bd_rng_below(&rng, 59);
            uint32_t *at = (uint32_t *)image + word;
            *at = changed(*at, &rng);
            struct bd_program_header *header = (struct bd_program_header *)image;
            header->crc = 0;
            header->crc = bd_crc32(image, program.size);
            char what[64];
            snprintf(what, sizeof what, "network %u, word %u = %u", index, word, *at);
            struct bd_program opened;
            if (bd_program_open(&opened, "changed", image, program.size, &err)) {
                cr_assert_eq(err.status, BD_BAD_INPUT, "%s: %s", what, err.message);
                cr_assert_eq(strncmp(err.message, "changed: byte ", 14), 0, "%s: %s", what, err.message);
                refused++;
            } else {
                ran += run(&opened, what);
                bd_program_release(&opened);
            }
            free(image);
        }
        bd_program_release(&program);
    }
    bd_hardware_release(&hardware);
    cr_assert_gt(refused, 1000, "%d refused", refused);
    cr_assert_gt(ran, 200, "%d ran", ran);
}

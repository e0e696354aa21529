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

/* The image with one word changed, behind a right checksum. */
static bd_status open_changed(const struct bd_program *program, size_t byte, uint32_t value, struct bd_error *err)
{
    struct bd_program opened;
    uint8_t *image = bd_xmalloc(program->size);
    memcpy(image, program->image, program->size);
    memcpy(image + byte, &value, sizeof value);
    struct bd_program_header *header = (struct bd_program_header *)image;
    header->crc = 0;
    header->crc = bd_crc32(image, program->size);
    const bd_status status = bd_program_open(&opened, "changed", image, program->size, err);
    free(image);
    if (status == BD_OK) {
        bd_program_release(&opened);
    } else {
        cr_assert_eq(strncmp(err->message, "changed: byte ", 14), 0, "%s", err->message);
    }
    return status;
}

#define WORD(field) offsetof(struct bd_descriptor, field), #field

/* What follows from other fields may hold nothing else. */
static void check_derived(const struct bd_program *program, unsigned s, unsigned l)
{
    static const struct {
        size_t at;
        const char *name;
        bool of_convolutions; /* pooling has none, and executors do not read it */
    } fields[] = {{WORD(operation), false},     {WORD(datapath), true},        {WORD(out_height), false},
                  {WORD(out_width), false},     {WORD(row_groups), false},     {WORD(sub_rows), false},
                  {WORD(sub_columns), false},   {WORD(word_groups), false},    {WORD(segments), false},
                  {WORD(tail_segments), false}, {WORD(blocks_large), false},   {WORD(blocks_small), false},
                  {WORD(pixels_large), false},  {WORD(interval_large), false}, {WORD(interval_small), false},
                  {WORD(pixel_period), false},  {WORD(borders), false},        {WORD(table_base), false},
                  {WORD(correct_base), false},  {WORD(weight_base), false},    {WORD(pool_kind), true},
                  {WORD(in_layout), false},     {WORD(in_pitch), false},       {WORD(in_cell_words), false},
                  {WORD(in_tail_banks), false}, {WORD(out_pitch), false},      {WORD(out_cell_words), false}};
    const struct bd_program_header *h = program->header;
    const struct bd_descriptor *d = bd_program_descriptor(program, s, l);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (fields[i].of_convolutions && d->operation != BD_OP_CONV) {
            continue;
        }
        const size_t byte = h->descriptor_offset + (size_t)s * h->switch_stride + l * sizeof *d + fields[i].at;
        uint32_t right;
        memcpy(&right, program->image + byte, sizeof right);
        const uint32_t wrong[] = {right + 1, right - 1, right * 2, 0, 16, 0xffffffffu};
        for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
            struct bd_error err;
            const bool other_datapath = fields[i].at == offsetof(struct bd_descriptor, datapath) && wrong[k] < 2;
            if (wrong[k] != right && !other_datapath) {
                cr_assert_eq(open_changed(program, byte, wrong[k], &err), BD_BAD_INPUT,
                             "layer %u, switch %u: %s = %u instead of %u", l, s, fields[i].name, wrong[k], right);
                const uint64_t told = strtoull(err.message + strlen("changed: byte "), NULL, 10);
                cr_assert_eq((told - h->descriptor_offset) / sizeof *d % h->layer_count, l,
                             "layer %u, switch %u: %s: %s", l, s, fields[i].name, err.message);
            }
        }
    }
}

Test(program, what_follows_from_other_fields_is_checked)
{
    struct bd_hardware hardware;
    struct bd_error err;
    cr_assert_eq(bd_hardware_load(&hardware, "tests/small_hardware.yaml", &err), BD_OK);
    for (unsigned index = 0; index < 4; index++) {
        struct bd_program program;
        cr_assert_eq(bd_random_network(32, index, &hardware, &program, &err), BD_OK, "%s", err.message);
        for (unsigned l = 0; l < program.header->layer_count; l++) {
            check_derived(&program, l % program.header->switch_count, l);
        }
        bd_program_release(&program);
    }
    bd_hardware_release(&hardware);
}

/* A layer whose stores begin where an earlier layer's do is refused. */
Test(program, stores_do_not_overlap)
{
    struct bd_hardware hardware;
    struct bd_error err;
    int found = 0;
    cr_assert_eq(bd_hardware_load(&hardware, "tests/small_hardware.yaml", &err), BD_OK);
    for (unsigned index = 0; index < 6; index++) {
        struct bd_program program;
        cr_assert_eq(bd_random_network(35, index, &hardware, &program, &err), BD_OK, "%s", err.message);
        const struct bd_program_header *h = program.header;
        for (unsigned l = 1; l < h->layer_count; l++) {
            const struct bd_descriptor *before = bd_program_descriptor(&program, 0, l - 1),
                                       *d = bd_program_descriptor(&program, 0, l);
            if (d->flags & before->flags & BD_FLAG_STORE_CODES) {
                const size_t byte =
                    h->descriptor_offset + l * sizeof *d + offsetof(struct bd_descriptor, store_codes_offset);
                cr_assert_eq(open_changed(&program, byte, before->store_codes_offset, &err), BD_BAD_INPUT);
                cr_assert(strstr(err.message, "overwrite those of a layer before"), "%s", err.message);
                found++;
            }
        }
        bd_program_release(&program);
    }
    cr_assert_gt(found, 3);
    bd_hardware_release(&hardware);
}

#undef WORD
#define HEADER(field) offsetof(struct bd_program_header, field), #field

Test(program, header_values_out_of_range_are_refused_by_name)
{
    static const struct {
        size_t at;
        const char *name;
        uint32_t wrong[5]; /* up to the first repeated one */
    } cases[] = {
        {HEADER(magic), {0, 1, 0x32504442, 0, 0}},
        {HEADER(version), {0, 1, 3, 255, 0}},
        {HEADER(header_bytes), {0, 255, 257, 512, 0}},
        {HEADER(rows), {0, 4, 3, 128, 12}},
        {HEADER(requant_units), {0, 1, 3, 32, 64}},
        {HEADER(mac_channels), {0, 3, 4, 255, 0}},
        {HEADER(datapaths), {0, 4, 5, 255, 0}},
        {HEADER(acc_bits), {0, 23, 33, 64, 0}},
        {HEADER(mult_bits), {0, 7, 25, 64, 0}},
        {HEADER(z_words), {0, 2049, 0xffffffff, 0, 0}},
        {HEADER(weight_words), {0, 8193, 0xffffffff, 0, 0}},
        {HEADER(layer_count), {0, 257, 100000, 0, 0}},
        {HEADER(switch_count), {0, 17, 1000, 0, 0}},
        {HEADER(classes), {0, 64, 0xffffffff, 0, 0}},
        {HEADER(input_height), {0, 1000, 4097, 0, 0}},
        {HEADER(input_width), {0, 1000, 4097, 0, 0}},
        {HEADER(input_channels), {0, 1000, 0, 0, 0}},
        {HEADER(input_bytes), {0, 1, 0xffffffff, 0, 0}},
        {HEADER(output_bytes), {0, 1, 4, 0xffffffff, 0}},
        {HEADER(switch_offset), {0, 32, 255, 0xfffffff8, 0xffffffc0}},
        {HEADER(name_offset), {0, 32, 255, 0xfffffff8, 0xffffffc0}},
        {HEADER(load_offset), {0, 32, 255, 0xfffffff8, 0xffffffc0}},
        {HEADER(descriptor_offset), {0, 32, 255, 0xfffffff8, 0xffffffc0}},
        {HEADER(switch_stride), {0, 255, 256 * 300, 0xfffffff0, 0}},
        {HEADER(table_offset), {0, 32, 255, 0xfffffff8, 0xffffffc0}},
        {HEADER(table_bytes), {0xfffffff8, 0x7fffffff, 0xfffffff8, 0, 0}},
        {HEADER(correct_offset), {0, 32, 255, 0xfffffff8, 0xffffffc0}},
        {HEADER(correct_bytes), {0xfffffff8, 0x7fffffff, 0xfffffff8, 0, 0}},
        {HEADER(weight_offset), {0, 32, 255, 0xfffffff8, 0xffffffc0}},
        {HEADER(weight_bytes), {0xfffffff8, 0x7fffffff, 0xfffffff8, 0, 0}},
    };
    struct bd_hardware hardware;
    struct bd_program program;
    struct bd_error err;
    cr_assert_eq(bd_hardware_load(&hardware, "yaml-configs/hardware/demo.yaml", &err), BD_OK);
    cr_assert_eq(bd_random_network(33, 1, &hardware, &program, &err), BD_OK, "%s", err.message);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int k = 0; k < 5 && (k == 0 || cases[i].wrong[k] != cases[i].wrong[0]); k++) {
            cr_assert_eq(open_changed(&program, cases[i].at, cases[i].wrong[k], &err), BD_BAD_INPUT, "%s = %u",
                         cases[i].name, cases[i].wrong[k]);
        }
    }
    bd_program_release(&program);
    bd_hardware_release(&hardware);
}

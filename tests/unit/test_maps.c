/* Maps that stream through memory: layers in bands give what the whole layers give, bands are cut by arithmetic typed
 * here, words of planes lie in memory as README.md says, and forged loads are refused. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/cost/cost.h"
#include "model/exec/exec.h"
#include "model/exec/fast.h"
#include "model/program/layout.h"
#include "model/program/maps.h"
#include "model/program/plan.h"
#include "model/program/random_network.h"

#define BANDED "tests/banded_hardware.yaml"

static void load(struct bd_hardware *hardware, bool roomy)
{
    struct bd_error err;
    cr_assert_eq(bd_hardware_load(hardware, BANDED, &err), BD_OK, "%s", err.message);
    if (roomy)
        hardware->act_words = hardware->z_words = 1 << 16;
}

static void run(const struct bd_program *program, unsigned s, const uint8_t *image, struct bd_frame *frame)
{
    struct bd_error err;
    struct bd_decoded *decoded;
    cr_assert_eq(bd_decode(program, &decoded, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_execute(program, decoded, s, image, frame, &err), BD_OK, "%s", err.message);
    int32_t *logits = bd_xcalloc(program->header->classes, sizeof *logits);
    cr_assert_eq(bd_execute_fast(program, decoded, s, image, 1, logits, &err), BD_OK, "%s", err.message);
    cr_assert_eq(memcmp(logits, frame->logits, program->header->classes * sizeof *logits), 0, "%s: the fast executor",
                 program->header->network);
    free(logits);
    bd_decoded_free(decoded);
}

/* The output of whole layer `index`, put together from its bands in `frame`. */
static void check_bands(const struct bd_program *banded, const struct bd_frame *frame, unsigned index,
                        const struct bd_layer_output *whole)
{
    unsigned bands;
    int at = bd_map_first_band(banded, index, &bands);
    size_t row = 0;
    cr_assert_geq(at, 0);
    for (const unsigned first = (unsigned)at; bands > 0; at++) {
        if (!bd_map_is_band(banded, first, (unsigned)at))
            continue;
        const struct bd_layer_output *band = &frame->outputs[at];
        const size_t values = (size_t)whole->width * (size_t)whole->channels, count = values * (size_t)band->height;
        cr_assert_eq(band->width, whole->width);
        cr_assert_leq(row + (size_t)band->height, (size_t)whole->height);
        if (whole->codes)
            cr_assert_eq(memcmp(band->codes, whole->codes + row * values, count), 0, "%s", banded->names[at]);
        if (whole->z)
            cr_assert_eq(memcmp(band->z, whole->z + row * values, count * 4), 0, "%s", banded->names[at]);
        row += (size_t)band->height;
        bands--;
    }
    cr_assert_eq(row, (size_t)whole->height, "layer %u has not all its rows", index);
}

/* Stores are packed and unpacked as they are: every layer's, in bytes and in words. */
static void check_stores(const struct bd_program *program, unsigned s, const struct bd_frame *frame)
{
    const size_t bytes = program->header->store_bytes;
    uint8_t *store = bd_xcalloc(1, bytes + 1);
    for (unsigned l = 0; l < frame->layer_count; l++)
        bd_store_pack(program, s, l, &frame->outputs[l], store);
    cr_assert_eq(store[bytes], 0);
    for (unsigned l = 0; l < frame->layer_count; l++) {
        struct bd_layer_output found;
        const struct bd_layer_output *is = &frame->outputs[l];
        const size_t count = (size_t)is->height * (size_t)is->width * (size_t)is->channels;
        bd_store_unpack(program, s, l, store, &found);
        if (found.codes)
            cr_assert_eq(memcmp(found.codes, is->codes, count), 0, "codes of %s", program->names[l]);
        if (found.z)
            cr_assert_eq(memcmp(found.z, is->z, count * 4), 0, "z of %s", program->names[l]);
        free(found.codes);
        free(found.z);
    }
    free(store);
}

Test(maps, bands_give_what_whole_layers_give)
{
    struct bd_hardware small, roomy;
    struct bd_error err;
    int cut = 0, spilled_streams = 0, images = 0, narrow = 0;
    load(&small, false);
    load(&roomy, true);
    for (unsigned index = 0; index < 100; index++) {
        struct bd_program banded, whole;
        cr_assert_eq(bd_random_network(11, index, &small, &banded, &err), BD_OK, "%s", err.message);
        if (banded.header->map_bytes > 0) {
            cr_assert_eq(bd_random_network_elsewhere(11, index, &small, &roomy, &whole, &err), BD_OK, "%s",
                         err.message);
            cr_assert_eq(whole.header->map_bytes, 0);
            uint8_t *image = bd_xcalloc(1, banded.header->input_bytes);
            bd_random_image(&banded, index, image);
            for (unsigned s = 0; s < banded.header->switch_count; s++) {
                struct bd_frame parts, all;
                run(&banded, s, image, &parts);
                run(&whole, s, image, &all);
                for (unsigned l = 0; l < all.layer_count; l++)
                    check_bands(&banded, &parts, l, &all.outputs[l]);
                check_stores(&banded, s, &parts);
                bd_frame_release(&parts);
                bd_frame_release(&all);
            }
            for (unsigned l = 0; l < banded.header->layer_count; l++) {
                const struct bd_descriptor *d = bd_program_descriptor(&banded, 0, l);
                spilled_streams += (d->flags & BD_FLAG_SPILL_STREAM) != 0;
                narrow += (d->flags & BD_FLAG_SPILL_STREAM) && !(d->flags & BD_FLAG_Z_OUT_WIDE);
                images += (d->flags & BD_FLAG_LOAD) && (d->flags & BD_FLAG_LOAD_INPUT);
            }
            cut++;
            free(image);
            bd_program_release(&whole);
        }
        bd_program_release(&banded);
    }
    cr_assert_gt(cut, 20);
    cr_assert_gt(spilled_streams, 8);
    cr_assert_gt(narrow, 2);
    cr_assert_gt(images, 20);
    bd_hardware_release(&small);
    bd_hardware_release(&roomy);
}

/* ---- one convolution, cut by hand --------------------------------------------------------------------------- */

/* 3x3 over 12x6x8 of 8 bits, then 1x1 to one pixel's worth: 2 x 4 words a row of cells of three rows. */
Test(maps, bands_are_cut_as_by_hand)
{
    struct bd_plain_layer layers[3] = {{.name = "a",
                                        .operation = BD_OP_CONV,
                                        .in_tensor = 0,
                                        .out_tensor = 1,
                                        .in_height = 12,
                                        .in_width = 6,
                                        .in_channels = 8,
                                        .out_height = 12,
                                        .out_width = 6,
                                        .out_channels = 8,
                                        .kernel_h = 3,
                                        .kernel_w = 3,
                                        .stride = 1,
                                        .pad = 1,
                                        .groups = 1,
                                        .weight_planes = 1},
                                       {.name = "b",
                                        .operation = BD_OP_CONV,
                                        .in_tensor = 1,
                                        .out_tensor = 2,
                                        .in_height = 12,
                                        .in_width = 6,
                                        .in_channels = 8,
                                        .out_height = 2,
                                        .out_width = 1,
                                        .out_channels = 8,
                                        .kernel_h = 6,
                                        .kernel_w = 6,
                                        .stride = 4,
                                        .pad = 0,
                                        .groups = 1,
                                        .weight_planes = 1},
                                       {.name = "c",
                                        .operation = BD_OP_CONV,
                                        .in_tensor = 2,
                                        .out_tensor = -1,
                                        .in_height = 2,
                                        .in_width = 1,
                                        .in_channels = 8,
                                        .out_height = 1,
                                        .out_width = 1,
                                        .out_channels = 4,
                                        .kernel_h = 2,
                                        .kernel_w = 1,
                                        .stride = 1,
                                        .pad = 0,
                                        .groups = 1,
                                        .weight_planes = 1}};
    struct bd_plain_network network = {
        .name = "hand", .switch_count = 1, .layer_count = 3, .classes = 4, .layers = layers};
    for (int l = 0; l < 3; l++)
        layers[l].at[0] = (struct bd_plain_layer_switch){
            .weight_bits = 1, .in_bits = 8, .out_bits = l < 2 ? 8 : 0, .datapath = BD_DATAPATH_XNOR};
    struct bd_hardware hardware;
    struct bd_error err;
    struct bd_plan plan;
    load(&hardware, true);
    /* Maps of n rows take 8 ceil(n/3) words: layer b on bands of one row of output needs 16 + 8 (six rows, one), and
     * four rows of layer a 16 + 16. */
    hardware.act_words = 32;
    cr_assert_eq(bd_plan_open(&plan, &network, &hardware, false, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_plan_make(&plan, &err), BD_OK, "%s", err.message);
    /* op, rows in, rows out, padding above and below, first row of what is loaded or spilled */
    static const struct {
        const char *name;
        uint32_t operation, in, out, top, bottom, row;
    } rows[] = {{"a#in1", 3, 5, 5, 0, 0, 0}, {"a", 1, 5, 4, 1, 0, 0},     {"a#in2", 3, 6, 6, 0, 0, 3},
                {"a#2", 1, 6, 4, 0, 0, 4},   {"a#in3", 3, 5, 5, 0, 0, 7}, {"a#3", 1, 5, 4, 0, 1, 8}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct bd_descriptor *d = bd_plan_descriptor(&plan, 0, (int)i);
        const uint32_t bytes = d->operation == BD_OP_LOAD ? 6 * 8 : 6 * 4 * 2; /* of the image; 4 words a pixel */
        cr_assert(i == 1 || !strcmp(plan.network->layers[i].name, rows[i].name), "%s", plan.network->layers[i].name);
        cr_assert(d->operation == rows[i].operation && d->in_height == rows[i].in && d->out_height == rows[i].out &&
                      d->pad_top == rows[i].top && d->pad_bottom == rows[i].bottom &&
                      d->store_codes_offset == rows[i].row * bytes,
                  "%s: %u to %u rows, padding %u, %u, at %u", rows[i].name, d->in_height, d->out_height, d->pad_top,
                  d->pad_bottom, d->store_codes_offset);
    }
    const struct bd_descriptor *a = bd_plan_descriptor(&plan, 0, 1), *last = bd_plan_descriptor(&plan, 0, 5);
    cr_assert_eq(a->weight_offset, last->weight_offset);
    cr_assert_eq(a->table_offset, last->table_offset);
    bd_plan_release(&plan);
    bd_hardware_release(&hardware);
}

/* ---- words in memory ---------------------------------------------------------------------------------------- */

Test(maps, words_lie_as_stated)
{
    struct bd_descriptor d = {.flags = BD_FLAG_SPILL_CODES, .out_width = 3, .out_height = 1};
    static const struct {
        uint32_t layout, bits, channels, words, row_bytes;
    } maps[] = {
        {BD_LAYOUT_WINDOW, 8, 20, 12, 72},   /* three groups of eight, four words each; nine beats */
        {BD_LAYOUT_WINDOW, 1, 20, 2, 16},    /* sixteen channels a word */
        {BD_LAYOUT_WINDOW, 3, 8, 2, 16},     /* planes 0 1, 2 */
        {BD_LAYOUT_CHANNEL, 2, 20, 3, 24},   /* three of nine banks; two beats and one word */
        {BD_LAYOUT_CHANNEL, 1, 80, 9, 56},   /* ten groups of eight: the tenth shares a word with the first */
        {BD_LAYOUT_CHANNEL, 1, 145, 10, 64}, /* nineteen: one more word */
    };
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
        d.out_layout = maps[i].layout;
        d.out_bits = maps[i].bits;
        d.out_channels = maps[i].channels;
        cr_assert_eq(bd_map_words(&d), maps[i].words, "map %zu: %u words", i, bd_map_words(&d));
        cr_assert_eq(bd_map_row_bytes(&d), maps[i].row_bytes, "map %zu: %u bytes", i, bd_map_row_bytes(&d));
    }
}

/* ---- forged loads ------------------------------------------------------------------------------------------- */

static struct bd_descriptor *find(uint8_t *image, uint32_t with, uint32_t without, bool stored)
{
    const struct bd_program_header *h = (const struct bd_program_header *)image;
    struct bd_descriptor *d = (struct bd_descriptor *)(image + h->descriptor_offset);
    for (uint32_t l = 1; l < h->layer_count; l++)
        if ((d[l].flags & with) == with && !(d[l].flags & without) && (!stored || d[l].out_height > 1))
            return &d[l];
    return NULL;
}

Test(maps, forged_loads_are_refused)
{
    enum { LOADS_CODES = BD_FLAG_LOAD | BD_FLAG_WRITE_CODES, LOADS_Z = BD_FLAG_LOAD | BD_FLAG_WRITE_STREAM };
#define FORGERIES(X)                                                                                                   \
    X(LOADS_CODES, BD_FLAG_LOAD_INPUT, d->store_codes_offset += 8, "it loads codes that no layer")                     \
    X(LOADS_CODES, BD_FLAG_LOAD_INPUT, d->store_codes_offset += 1 << 20, "it loads codes that no layer")               \
    X(LOADS_CODES, BD_FLAG_LOAD_INPUT, d->store_codes_bytes += 8, "the bytes of the codes do not follow")              \
    X(LOADS_CODES, BD_FLAG_LOAD_INPUT, d->flags ^= BD_FLAG_OUT_SIGNED, "it loads codes that no layer")                 \
    X(LOADS_CODES, BD_FLAG_LOAD_INPUT, d->kernel_h = 1, "a load states more")                                          \
    X(LOADS_CODES, 0, d->flags |= BD_FLAG_ADD_STREAM, "a flag that a load does not have")                              \
    X(LOADS_CODES, 0, d->flags |= BD_FLAG_WRITE_STREAM, "a flag that a load does not have")                            \
    X(LOADS_CODES, 0, d->out_base = 1 << 19, "the output tensor lies outside")                                         \
    X(LOADS_CODES | BD_FLAG_LOAD_INPUT, 0, d->store_codes_offset += 1, "it loads codes that no layer")                 \
    X(LOADS_Z, 0, d->store_z_offset += 8, "it loads a stream that no layer")                                           \
    X(LOADS_Z, 0, d->store_z_bytes += 8, "the bytes of z do not follow")                                               \
    X(LOADS_Z, 0, d->flags ^= BD_FLAG_Z_OUT_WIDE, "the bytes of z do not follow")                                      \
    X(LOADS_Z, 0, d->z_out_base = 1 << 19, "the residual map that is written lies outside")
    enum { MOST = 32 };
    int done[MOST] = {0}, kinds = 0;
    struct bd_hardware hardware;
    struct bd_error err;
    load(&hardware, false);
    for (unsigned index = 0; index < 60; index++) {
        struct bd_program program, opened;
        cr_assert_eq(bd_random_network(11, index, &hardware, &program, &err), BD_OK, "%s", err.message);
        uint8_t *image = bd_xmalloc(program.size);
        kinds = 0;
#define X(with, without, change, words)                                                                                \
    {                                                                                                                  \
        memcpy(image, program.image, program.size);                                                                    \
        struct bd_program_header *h = (struct bd_program_header *)image;                                               \
        struct bd_descriptor *d = h->switch_count == 1 ? find(image, with, without, false) : NULL;                     \
        if (d) {                                                                                                       \
            change;                                                                                                    \
            h->crc = 0;                                                                                                \
            h->crc = bd_crc32(image, program.size);                                                                    \
            cr_assert_eq(bd_program_open(&opened, "forged", image, program.size, &err), BD_BAD_INPUT, #change);        \
            done[kinds] += strstr(err.message, words) != NULL;                                                         \
        }                                                                                                              \
        kinds++;                                                                                                       \
    }
        FORGERIES(X)
#undef X
        free(image);
        bd_program_release(&program);
    }
    for (int k = 0; k < kinds; k++)
        cr_assert_gt(done[k], 0, "forgery %d is nowhere refused by its name", k);
    bd_hardware_release(&hardware);
}

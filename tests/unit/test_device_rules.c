/* What a device refuses, in C: the rules against edges typed by hand, the device model against the same, and the
 * compiler just at and just over each limit that a network can reach. sim/bench holds the RTL to the same edges. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/program/device_rules.h"
#include "model/program/pack.h"
#include "sw/driver/bitdial_regs.h"
#include "sw/transport/device_model.h"
#include "tests/support/descriptor_edges.h"

static const uint32_t convolution[] = EDGE_CONVOLUTION;
static const struct {
    unsigned word;
    uint32_t value;
    bool taken;
} edges[] = {
#define X(word, value, taken) {word, value, taken},
    DESCRIPTOR_EDGES(X)
#undef X
};

static void set(uint32_t *words, unsigned word, uint32_t value)
{
    words[word] = value;
}

enum { ROWS = 8 }; /* of tests/small_hardware.yaml too */

static bool takes(const uint32_t *words, struct bd_refusal *refusal)
{
    const struct bd_program_header geometry = {.datapaths = 3, .rows = ROWS};
    struct bd_descriptor d;
    memcpy(&d, words, sizeof d);
    return bd_device_takes(&d, &geometry, 1, 3, refusal);
}

Test(device_rules, edges)
{
    struct bd_refusal refusal;
    bool seen[BD_DESCRIPTOR_WORDS] = {false};
    cr_assert_eq(sizeof convolution, sizeof(struct bd_descriptor));
    cr_assert(takes(convolution, &refusal), "%s", refusal.why);
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        uint32_t words[BD_DESCRIPTOR_WORDS];
        memcpy(words, convolution, sizeof words);
        words[edges[i].word] = edges[i].value;
        refusal = (struct bd_refusal){0};
        cr_assert_eq(takes(words, &refusal), edges[i].taken, "word %u = %u: %s", edges[i].word, edges[i].value,
                     refusal.why);
        cr_assert(edges[i].taken || refusal.why[0], "word %u = %u: no reason", edges[i].word, edges[i].value);
        seen[edges[i].word] = true;
    }
    for (unsigned word = 0; word < BD_DESCRIPTOR_WORDS; word++)
        cr_assert(seen[word], "word %u has no edge", word);
    const uint32_t rows = ROWS;
#define SET(word, value) set(words, word, value);
#define X(name, is_taken, changes)                                                                                     \
    {                                                                                                                  \
        uint32_t words[BD_DESCRIPTOR_WORDS];                                                                           \
        memcpy(words, convolution, sizeof words);                                                                      \
        changes cr_assert_eq(takes(words, &refusal), is_taken, "%s: %s", name, refusal.why);                           \
    }
    DESCRIPTOR_PAIRS(X)
#undef X
#undef SET
}

Test(device_rules, reasons_name_the_field)
{
    struct bd_refusal refusal;
    uint32_t words[BD_DESCRIPTOR_WORDS];
    memcpy(words, convolution, sizeof words);
    words[8] = 4096;
    cr_assert_not(takes(words, &refusal));
    cr_assert_str_eq(refusal.why, "in_channels is 4096; a device takes 1..4095");
    cr_assert_eq(refusal.word, 8);
    words[8] = 8, words[49] = 2;
    cr_assert_not(takes(words, &refusal));
    cr_assert_str_eq(refusal.why, "residual_multiplier is 2; a device takes 1 alone");
    words[49] = 1, words[61] = 12;
    cr_assert_not(takes(words, &refusal));
    cr_assert_str_eq(refusal.why, "store_codes_bytes is 12; a device takes multiples of 8 in 8..134217720");
    words[61] = 128, words[34] = 2;
    cr_assert_not(takes(words, &refusal));
    cr_assert_str_eq(refusal.why, "sub-windows of 2x1 do not cover a kernel of 3x3");
    words[34] = 1, words[11] = 9;
    cr_assert_not(takes(words, &refusal));
    cr_assert_str_eq(refusal.why, "row_groups is 1; a device of 8 rows takes 2 for 9 channels");
    cr_assert_eq(refusal.word, 33);
}

/* ---- the device model --------------------------------------------------------------------------------------- */

enum { LIST = 4096 };

static struct bd_hardware hardware;
static struct bd_guarded_memory memory;

/* The layer whose descriptor the model refuses, of: one that loads the image, `words`, one that no device takes. */
static uint32_t refused_layer(struct bd_device_model *model, const uint32_t *words)
{
    uint32_t list[3][BD_DESCRIPTOR_WORDS];
    memcpy(list[0], convolution, sizeof list[0]);
    memcpy(list[1], words, sizeof list[1]);
    memcpy(list[2], convolution, sizeof list[2]);
    list[0][1] = BD_FLAG_LOAD_INPUT | BD_FLAG_WRITE_CODES;
    list[2][0] = 4;
    memcpy(memory.bytes + LIST + sizeof(struct bd_load_descriptor), list, sizeof list);
    bd_device_model_write(model, BITDIAL_DOORBELL_REG, 1);
    cr_assert_eq(bd_device_model_read(model, BITDIAL_IRQ_STATUS_REG), BITDIAL_IRQ_STATUS_ERROR_MASK);
    const uint32_t status = bd_device_model_read(model, BITDIAL_STATUS_REG);
    cr_assert_eq((status & BITDIAL_STATUS_ERROR_MASK) >> BITDIAL_STATUS_ERROR_SHIFT, BITDIAL_ERROR_BAD_DESCRIPTOR);
    bd_device_model_write(model, BITDIAL_IRQ_STATUS_REG, BITDIAL_IRQ_STATUS_ERROR_MASK);
    cr_assert_eq(bd_device_model_read(model, BITDIAL_STATUS_REG), 0);
    return (status & BITDIAL_STATUS_ERROR_LAYER_MASK) >> BITDIAL_STATUS_ERROR_LAYER_SHIFT;
}

Test(device_rules, device_model_refuses_alike)
{
    struct bd_error err;
    cr_assert_eq(bd_hardware_load(&hardware, "tests/small_hardware.yaml", &err), BD_OK, "%s", err.message);
    bd_guarded_memory_init(&memory, 0, 16384);
    struct bd_device_model *model = bd_device_model_new(&memory, &hardware);
    bd_device_model_write(model, BITDIAL_DESC_OFFSET_REG, LIST);
    bd_device_model_write(model, BITDIAL_LAYER_COUNT_REG, 3);
    bd_device_model_write(model, BITDIAL_SWITCH_COUNT_REG, 17);
    cr_assert_eq(refused_layer(model, convolution), 2);
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        uint32_t words[BD_DESCRIPTOR_WORDS];
        memcpy(words, convolution, sizeof words);
        words[edges[i].word] = edges[i].value;
        cr_assert_eq(refused_layer(model, words), edges[i].taken ? 2u : 1u, "word %u = %u", edges[i].word,
                     edges[i].value);
    }
    const uint32_t rows = ROWS;
#define SET(word, value) set(words, word, value);
#define X(name, is_taken, changes)                                                                                     \
    {                                                                                                                  \
        uint32_t words[BD_DESCRIPTOR_WORDS];                                                                           \
        memcpy(words, convolution, sizeof words);                                                                      \
        changes cr_assert_eq(refused_layer(model, words), is_taken ? 2u : 1u, "%s", name);                             \
    }
    DESCRIPTOR_PAIRS(X)
#undef X
#undef SET
    /* A seventeenth switch is none, whatever SWITCH_COUNT says. */
    bd_device_model_write(model, BITDIAL_PRECISION_REG, 16);
    bd_device_model_write(model, BITDIAL_DOORBELL_REG, 1);
    cr_assert_eq(bd_device_model_read(model, BITDIAL_STATUS_REG),
                 (uint32_t)BITDIAL_ERROR_BAD_SWITCH << BITDIAL_STATUS_ERROR_SHIFT);
    bd_device_model_free(model);
    bd_guarded_memory_release(&memory);
    bd_hardware_release(&hardware);
}

/* ---- the compiler ------------------------------------------------------------------------------------------- */

/* Packs one 1x1 layer named "only". */
static bd_status pack_one(bool reference, int height, int width, int in_channels, int out_channels,
                          struct bd_error *err)
{
    const struct bd_hardware hw = {.name = "big",
                                   .rows = 8,
                                   .requant_units = 8,
                                   .mac_channels = 1,
                                   .xnor = true,
                                   .mac = true,
                                   .act_words = 1048576,
                                   .z_words = 1048576,
                                   .weight_words = 65536,
                                   .table_words = 65536,
                                   .correct_words = 16,
                                   .acc_bits = 32,
                                   .mult_bits = 24};
    uint8_t *codes = bd_xcalloc((size_t)in_channels, (size_t)out_channels);
    int32_t *m = bd_xcalloc((size_t)out_channels, sizeof *m);
    int64_t *b = bd_xcalloc((size_t)out_channels, sizeof *b);
    struct bd_plain_layer layer = {
        .name = "only",
        .operation = BD_OP_CONV,
        .out_tensor = 1,
        .in_height = height,
        .in_width = width,
        .in_channels = in_channels,
        .out_height = height,
        .out_width = width,
        .out_channels = out_channels,
        .kernel_h = 1,
        .kernel_w = 1,
        .stride = 1,
        .groups = 1,
        .weight_planes = 1,
        .codes = codes,
        .at = {{.weight_bits = 1,
                .in_bits = 8,
                .out_bits = 1,
                .requant = {.multiplier = m, .bias = b, .code_multiplier = 1, .residual_multiplier = 1}}}};
    const struct bd_plain_network net = {.name = "net",
                                         .switch_count = 1,
                                         .layer_count = 1,
                                         .classes = out_channels,
                                         .switches = {{.name = "w1a1", .weight_bits = 1, .activation_bits = 1}},
                                         .layers = &layer};
    struct bd_program program;
    const bd_status status = bd_pack(&net, &hw, reference, &program, err);
    if (status == BD_OK)
        bd_program_release(&program);
    free(codes);
    free(m);
    free(b);
    return status;
}

Test(device_rules, compiler_refuses_alike)
{
    static const struct {
        int height, width, in, out;
        const char *words; /* of the refusal one further, in the last of height, width, in, out that is over 8 */
    } limits[] = {
        {1023, 1, 1, 1, "in_height is 1024; a device takes 1..1023"},
        {1, 1023, 1, 1, "in_width is 1024; a device takes 1..1023"},
        {1, 1, 4095, 1, "in_channels is 4096; a device takes 1..4095"},
        {1, 1, 1, 4095, "out_channels is 4096; a device takes 1..4095"},
    };
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct bd_error err = {0};
        int height = limits[i].height, width = limits[i].width, in = limits[i].in, out = limits[i].out;
        cr_assert_eq(pack_one(false, height, width, in, out, &err), BD_OK, "%s", err.message);
        height += height > 8, width += width > 8, in += in > 8, out += out > 8;
        cr_assert_eq(pack_one(false, height, width, in, out, &err), BD_BAD_INPUT, "%zu", i);
        char want[160];
        snprintf(want, sizeof want, "layer 'only' of 'net' cannot run on hardware 'big': %s", limits[i].words);
        cr_assert_str_eq(err.message, want);
        cr_assert_eq(pack_one(true, height, width, in, out, &err), BD_OK, "%s", err.message);
    }
}

/* Images that a stranger made with care, behind a right checksum: each number that some device believes is refused
 * where it is wrong, by its own message. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/program/random_network.h"

struct forgery {
    uint8_t *image;
    struct bd_program_header *h;
    uint32_t layer; /* where it happens */
};

static struct bd_descriptor *descriptor(const struct forgery *f, uint32_t s, uint32_t l)
{
    return (struct bd_descriptor *)(f->image + f->h->descriptor_offset + (size_t)s * f->h->switch_stride) + l;
}

static struct bd_program_switch *switches(const struct forgery *f)
{
    return (struct bd_program_switch *)(f->image + f->h->switch_offset);
}

static char *layer_name(const struct forgery *f, uint32_t l)
{
    return (char *)f->image + f->h->name_offset + (size_t)l * BD_PROGRAM_NAME;
}

/* The first layer, from `from` on, whose flags at the first switch hold all of `flags`; false where there is none. */
static bool find_layer(struct forgery *f, uint32_t from, enum bd_operation operation, uint32_t flags)
{
    for (f->layer = from; f->layer < f->h->layer_count; f->layer++) {
        const struct bd_descriptor *d = descriptor(f, 0, f->layer);
        if (d->operation == (uint32_t)operation && (d->flags & flags) == flags)
            return true;
    }
    return false;
}

/* Sets a field of the layer at every switch, so that the switches still agree. */
#define EVERYWHERE(field, value)                                                                                       \
    for (uint32_t s = 0; s < f->h->switch_count; s++) {                                                                \
        struct bd_descriptor *d = descriptor(f, s, f->layer);                                                          \
        d->field = (value);                                                                                            \
    }

/* A table of the layer at the first switch: masks, then rows of M, 0, B, then presets. */
static uint8_t *table_row(const struct forgery *f, uint32_t row)
{
    const struct bd_descriptor *d = descriptor(f, 0, f->layer);
    return f->image + d->table_offset + (size_t)(row / f->h->rows) * d->table_stride +
           3 * ((f->h->lanes + 63) / 64 * 8) + (size_t)(row % f->h->rows) * 16;
}

/* X(name, whether this network has what it takes, the change, what is said) */
/* clang-format off */
#define FORGERIES(X) \
    X(hash, true, f->h->act_words += 8, "byte 24: the geometry hash is not that of the geometry stated") \
    X(reserved, true, f->h->reserved[16] = 1, "a reserved word is not 0") \
    X(order, true, f->h->weight_offset = f->h->table_offset, "the weights lie outside the image") \
    X(network_slash, true, f->h->network[1] = '/', "byte 140: a name holds '/'") \
    X(network_tail, true, f->h->network[47] = 'x', "byte 140: a name is empty, does not end, or is followed") \
    X(name_dots, true, memcpy(layer_name(f, 1), "..\0\0\0\0\0\0", 8), "a name is '.' or '..'") \
    X(name_control, true, layer_name(f, 0)[0] = 27, "no printable UTF-8") \
    X(name_cut, true, memcpy(layer_name(f, 0), "\xc3\0\0\0\0\0\0", 8), "no printable UTF-8") \
    X(name_overlong, true, memcpy(layer_name(f, 0), "\xc0\xaf\0\0\0\0\0", 8), "no printable UTF-8") \
    X(name_surrogate, true, memcpy(layer_name(f, 0), "\xed\xa0\x80\0\0\0\0", 8), "no printable UTF-8") \
    X(name_backwards, true, memcpy(layer_name(f, 0), "\xe2\x80\xae\0\0\0\0", 8), "no printable UTF-8") \
    X(name_twice, f->h->layer_count > 1, memcpy(layer_name(f, 1), layer_name(f, 0), 48), "two layers have the same") \
    X(switch_twice, f->h->switch_count > 1, memcpy(&switches(f)[1], &switches(f)[0], 32), "two switches have the") \
    X(switch_comma, true, switches(f)[0].name[0] = ',', "a switch's name must hold letters") \
    X(switch_bits, true, switches(f)[0].weight_bits = 9, "a switch's bits must be 1..8") \
    X(switch_zero, true, switches(f)[0].activation_bits = 0, "a switch's bits must be 1..8") \
    X(flag, true, EVERYWHERE(flags, d->flags | 0x800), "an unknown flag") \
    X(word_63, true, EVERYWHERE(reserved, 1), "a field that version 1 reserves is set") \
    X(store_unwritten, find_layer(f, 0, BD_OP_CONV, BD_FLAG_WRITE_CODES | BD_FLAG_STORE_CODES), \
      EVERYWHERE(flags, d->flags &~(uint32_t)BD_FLAG_WRITE_CODES), "what is stored is not written first") \
    X(weights_none, find_layer(f, 0, BD_OP_CONV, 0), EVERYWHERE(weight_bytes, 0), "weight_bytes is 0; a device takes") \
    X(weights_half, find_layer(f, 0, BD_OP_CONV, 0), EVERYWHERE(weight_bytes, d->weight_bytes - 8), \
      "weight_bytes is ") \
    X(table_none, true, EVERYWHERE(table_stride, 0), "table_stride is 0; a device takes") \
    X(odd_table, true, EVERYWHERE(table_offset, d->table_offset + 4), "table_offset is") \
    X(channels, find_layer(f, 1, BD_OP_CONV, 0), EVERYWHERE(in_channels, 4096), "in_channels is 4096; a device") \
    X(interval, true, EVERYWHERE(initiation_interval, d->initiation_interval + 1), "loop counts do not follow") \
    X(rows, true, EVERYWHERE(row_groups, d->row_groups + 1), "row_groups is ") \
    X(slots, find_layer(f, 1, BD_OP_CONV, 0), EVERYWHERE(in_slot_lanes, d->in_slot_lanes - 1), "the input's layout") \
    X(out_lanes, find_layer(f, 0, BD_OP_CONV, BD_FLAG_WRITE_CODES), EVERYWHERE(out_slot_lanes, d->out_slot_lanes - 1), \
      "the output's layout does not follow") \
    X(out_end, find_layer(f, 0, BD_OP_CONV, BD_FLAG_WRITE_CODES), EVERYWHERE(out_base, f->h->act_words), \
      "the output tensor lies outside the activation buffer") \
    X(in_end, find_layer(f, 0, BD_OP_CONV, 0), EVERYWHERE(in_base, f->h->act_words), \
      "the input tensor lies outside the activation buffer") \
    X(z_out_end, find_layer(f, 0, BD_OP_CONV, BD_FLAG_WRITE_STREAM), EVERYWHERE(z_out_base, f->h->z_words), \
      "the residual map that is written lies outside") \
    X(z_in_end, find_layer(f, 0, BD_OP_CONV, BD_FLAG_ADD_STREAM), EVERYWHERE(z_in_base, f->h->z_words), \
      "the residual map that is read lies outside") \
    X(z_across, find_layer(f, 0, BD_OP_CONV, BD_FLAG_ADD_STREAM | BD_FLAG_WRITE_STREAM), EVERYWHERE(z_out_base, 1), \
      "the layer overwrites the residual map that it reads") \
    X(stores, find_layer(f, 1, BD_OP_CONV, BD_FLAG_STORE_CODES), EVERYWHERE(store_codes_offset, 0), \
      "its stores overwrite those of a layer before it") \
    X(stores_own, find_layer(f, 0, BD_OP_CONV, BD_FLAG_STORE_CODES | BD_FLAG_STORE_STREAM), \
      EVERYWHERE(store_z_offset, d->store_codes_offset), "its stored z overwrites its stored codes") \
    X(mask, find_layer(f, 0, BD_OP_CONV, 0), f->image[descriptor(f, 0, f->layer)->table_offset] ^= 1, \
      "the lane masks do not follow") \
    X(wide_m, true, table_row(f, 0)[3] ^= 0x40, "M exceeds mult_bits") \
    X(behind_m, true, table_row(f, 0)[4] = 1, "the word behind M is not 0") \
    X(wide_b, true, table_row(f, 0)[15] ^= 0x20, "B exceeds 48 bits") \
    X(pad_row, descriptor(f, 0, 0)->out_channels % f->h->rows != 0, table_row(f, descriptor(f, 0, 0)->out_channels)[0] = 1, \
      "a row past the last channel is not M 0, B -2^46") \
    X(preset, find_layer(f, 0, BD_OP_CONV, 0), table_row(f, 0)[f->h->rows * 16] ^= 1, "the presets do not follow") \
    X(weight, find_layer(f, 0, BD_OP_CONV, 0) && descriptor(f, 0, f->layer)->datapath == BD_DATAPATH_XNOR, \
      f->image[descriptor(f, 0, f->layer)->weight_offset] ^= 1, "the presets do not follow from the weights") \
    X(shared_weights, f->h->switch_count > 1 && find_layer(f, 0, BD_OP_CONV, 0) && \
      descriptor(f, 1, f->layer)->weight_offset == descriptor(f, 0, f->layer)->weight_offset && \
      descriptor(f, 1, f->layer)->weight_stride > descriptor(f, 1, f->layer)->weight_bytes, \
      descriptor(f, 1, f->layer)->weight_stride = descriptor(f, 1, f->layer)->weight_bytes, \
      "read the same weights with different strides")
/* clang-format on */

#define X(name, possible, change, words)                                                                               \
    static bool forge_##name(struct forgery *f)                                                                        \
    {                                                                                                                  \
        if (!(possible))                                                                                               \
            return false;                                                                                              \
        change;                                                                                                        \
        return true;                                                                                                   \
    }
FORGERIES(X)
#undef X

Test(verify, forgeries_are_refused)
{
    static const struct {
        const char *name, *words;
        bool (*forge)(struct forgery *f);
    } forgeries[] = {
#define X(name, possible, change, words) {#name, words, forge_##name},
        FORGERIES(X)
#undef X
    };
    enum { KINDS = sizeof forgeries / sizeof forgeries[0], NETWORKS = 24 };
    struct bd_hardware hardware;
    struct bd_error err;
    int done[KINDS] = {0};
    cr_assert_eq(bd_hardware_load(&hardware, "yaml-configs/hardware/demo.yaml", &err), BD_OK);
    for (unsigned index = 0; index < NETWORKS; index++) {
        struct bd_program program, opened;
        cr_assert_eq(bd_random_network(37, index, &hardware, &program, &err), BD_OK, "%s", err.message);
        for (int k = 0; k < KINDS; k++) {
            struct forgery f = {.image = bd_xmalloc(program.size)};
            memcpy(f.image, program.image, program.size);
            f.h = (struct bd_program_header *)f.image;
            if (forgeries[k].forge(&f)) {
                f.h->crc = 0;
                f.h->crc = bd_crc32(f.image, program.size);
                cr_assert_eq(bd_program_open(&opened, "forged", f.image, program.size, &err), BD_BAD_INPUT,
                             "%s in network %u passes", forgeries[k].name, index);
                cr_assert(strstr(err.message, forgeries[k].words), "%s in network %u: %s", forgeries[k].name, index,
                          err.message);
                done[k]++;
            }
            free(f.image);
        }
        bd_program_release(&program);
    }
    for (int k = 0; k < KINDS; k++)
        cr_assert_gt(done[k], 0, "no network has what '%s' takes", forgeries[k].name);
    bd_hardware_release(&hardware);
}

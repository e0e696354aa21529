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

/* A row of the layer's table at the first switch: M and B', 8 bytes each. */
static uint8_t *table_row(const struct forgery *f, uint32_t row)
{
    return f->image + descriptor(f, 0, f->layer)->table_offset + (size_t)row * 16;
}

static struct bd_load_descriptor *load(const struct forgery *f)
{
    return (struct bd_load_descriptor *)(f->image + f->h->load_offset);
}

/* A convolution with rows past its last channel. */
static bool find_tail(struct forgery *f)
{
    for (uint32_t l = 0; find_layer(f, l, BD_OP_CONV, 0); l = f->layer + 1)
        if (descriptor(f, 0, f->layer)->out_channels % f->h->rows)
            return true;
    return false;
}

/* The first bit of the last row of the last row group, which is no weight there. */
static void clear_padding(const struct forgery *f)
{
    const struct bd_descriptor *d = descriptor(f, 0, f->layer);
    const uint64_t row_bits = d->datapath == BD_DATAPATH_XNOR ? 72 : 18, words = (uint64_t)d->weight_step;
    const uint64_t bit = (d->row_groups - 1) * words * 18 * f->h->rows + (f->h->rows - 1) * row_bits;
    f->image[d->weight_offset + bit / 8] &= (uint8_t) ~(1u << bit % 8);
}

/* A layer that keeps the stream in 16 bits at the first switch. */
static bool find_narrow(struct forgery *f)
{
    for (uint32_t l = 0; find_layer(f, l, BD_OP_CONV, BD_FLAG_WRITE_STREAM); l = f->layer + 1)
        if (!(descriptor(f, 0, f->layer)->flags & BD_FLAG_Z_OUT_WIDE) && descriptor(f, 0, f->layer)->shift < 32)
            return true;
    return false;
}

/* A convolution whose corrections depend on its weights: those of padded signs. */
static bool find_padded_signs(struct forgery *f)
{
    for (uint32_t l = 0; find_layer(f, l, BD_OP_CONV, BD_FLAG_CORRECT | BD_FLAG_IN_SIGNED); l = f->layer + 1)
        if (descriptor(f, 0, f->layer)->pad_top)
            return true;
    return false;
}

static void set_bias(const struct forgery *f, int64_t bias)
{
    memcpy(table_row(f, 0) + 8, &bias, sizeof bias);
}

static bool shares_with_room(struct forgery *f)
{
    for (uint32_t l = 0; f->h->switch_count > 1 && find_layer(f, l, BD_OP_CONV, 0); l = f->layer + 1) {
        const struct bd_descriptor *a = descriptor(f, 0, f->layer), *b = descriptor(f, 1, f->layer);
        if (a->weight_offset == b->weight_offset && b->weight_step >= b->weight_bits * b->weight_plane + 8)
            return true;
    }
    return false;
}

/* X(name, whether this network has what it takes, the change, what is said) */
/* clang-format off */
#define FORGERIES(X) \
    X(hash, true, f->h->act_words += 8, "byte 24: the geometry hash is not that of the geometry stated") \
    X(reserved, true, f->h->reserved[10] = 1, "a reserved word is not 0") \
    X(order, true, f->h->weight_offset = f->h->table_offset, "the weights lie outside the image") \
    X(network_slash, true, f->h->network[1] = '/', "byte 160: a name holds '/'") \
    X(network_tail, true, f->h->network[47] = 'x', "byte 160: a name is empty, does not end, or is followed") \
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
    X(flag, true, EVERYWHERE(flags, d->flags | 0x100000), "an unknown flag") \
    X(flag_load, true, EVERYWHERE(flags, d->flags | BD_FLAG_LOAD), "LOAD does not follow from the operation") \
    X(flag_spill, (f->layer = f->h->layer_count - 1, true), \
      EVERYWHERE(flags, d->flags | BD_FLAG_SPILL_CODES), "what is not stored is spilled") \
    X(map_bytes, true, f->h->map_bytes = f->h->store_bytes + 8, "maps lie outside the store area") \
    X(corrects, find_layer(f, 0, BD_OP_CONV, 0), EVERYWHERE(flags, d->flags ^ BD_FLAG_CORRECT), \
      "CORRECT does not follow from") \
    X(depthwise, find_layer(f, 0, BD_OP_CONV, 0), EVERYWHERE(flags, d->flags ^ BD_FLAG_DEPTHWISE), \
      "DEPTHWISE does not follow from") \
    X(sign, find_layer(f, 0, BD_OP_CONV, BD_FLAG_WRITE_STREAM), EVERYWHERE(flags, d->flags | BD_FLAG_SIGN_ONLY), \
      "SIGN_ONLY is set, but more than a comparison is asked for") \
    X(store_unwritten, find_layer(f, 0, BD_OP_CONV, BD_FLAG_WRITE_CODES | BD_FLAG_STORE_CODES), \
      EVERYWHERE(flags, d->flags &~(uint32_t)BD_FLAG_WRITE_CODES), "what is stored is not written first") \
    X(weights_none, find_layer(f, 0, BD_OP_CONV, 0), EVERYWHERE(weight_plane, 0), "weight_plane is 0; a device takes") \
    X(weights_plane, find_layer(f, 0, BD_OP_CONV, 0), EVERYWHERE(weight_plane, d->weight_plane + 1), \
      "the words of a weight plane do not follow") \
    X(weights_half, find_layer(f, 0, BD_OP_CONV, 0), EVERYWHERE(weight_step, d->weight_step - 4), \
      "the layer's weights lie outside the weights") \
    X(odd_table, true, EVERYWHERE(table_offset, d->table_offset + 4), "table_offset is") \
    X(corrections, find_layer(f, 0, BD_OP_CONV, BD_FLAG_CORRECT), descriptor(f, 0, f->layer)->correct_offset = 0, \
      "the layer's corrections lie outside the corrections") \
    X(channels, find_layer(f, 1, BD_OP_CONV, 0) && descriptor(f, 0, f->layer)->groups == 1, EVERYWHERE(in_channels, 4096), "in_channels is 4096; a device") \
    X(interval, true, EVERYWHERE(interval_large, d->interval_large + 1), "counts do not follow") \
    X(rows, true, EVERYWHERE(row_groups, d->row_groups + 1), "; a device of 8 rows takes") \
    X(cells, find_layer(f, 1, BD_OP_CONV, 0), EVERYWHERE(in_cell_words, d->in_cell_words + 1), "counts do not follow") \
    X(pitch, find_layer(f, 0, BD_OP_CONV, BD_FLAG_WRITE_CODES), EVERYWHERE(out_pitch, d->out_pitch + 1), \
      "counts do not follow") \
    X(out_end, find_layer(f, 0, BD_OP_CONV, BD_FLAG_WRITE_CODES), EVERYWHERE(out_base, f->h->act_words), \
      "the output tensor lies outside the activation memory") \
    X(in_end, find_layer(f, 0, BD_OP_CONV, 0), EVERYWHERE(in_base, f->h->act_words), \
      "the input tensor lies outside the activation memory") \
    X(z_out_end, find_layer(f, 0, BD_OP_CONV, BD_FLAG_WRITE_STREAM), EVERYWHERE(z_out_base, f->h->z_words), \
      "the residual map that is written lies outside") \
    X(z_in_end, find_layer(f, 0, BD_OP_CONV, BD_FLAG_ADD_STREAM), EVERYWHERE(z_in_base, f->h->z_words), \
      "the residual map that is read lies outside") \
    X(z_across, find_layer(f, 0, BD_OP_CONV, BD_FLAG_ADD_STREAM | BD_FLAG_WRITE_STREAM) && \
      descriptor(f, 0, f->layer)->out_height * descriptor(f, 0, f->layer)->out_width > 2, \
      EVERYWHERE(z_out_base, d->z_in_base + 2), "the layer overwrites the residual map that it reads") \
    X(stores, find_layer(f, 1, BD_OP_CONV, BD_FLAG_STORE_CODES), EVERYWHERE(store_codes_offset, 0), \
      "its stores overwrite those of a layer before it") \
    X(stores_own, find_layer(f, 0, BD_OP_CONV, BD_FLAG_STORE_CODES | BD_FLAG_STORE_STREAM), \
      EVERYWHERE(store_z_offset, d->store_codes_offset), "its stored z overwrites its stored codes") \
    X(wide_m, find_layer(f, 0, BD_OP_CONV, BD_FLAG_WRITE_STREAM), table_row(f, 0)[3] ^= 0x40, "M exceeds mult_bits") \
    X(sign_m, find_layer(f, 0, BD_OP_CONV, BD_FLAG_SIGN_ONLY), table_row(f, 0)[0] ^= 2, \
      "M of a comparison is not -1, 0 or 1") \
    X(wide_b, true, table_row(f, 0)[15] ^= 0x20, "B' exceeds 52 bits") \
    X(pad_row, find_tail(f), table_row(f, descriptor(f, 0, f->layer)->out_channels)[0] = 1, \
      "a row past the last channel has another code than 0") \
    X(correction, find_layer(f, 0, BD_OP_CONV, BD_FLAG_CORRECT), \
      f->image[descriptor(f, 0, f->layer)->correct_offset] ^= 1, "they do not follow from the weights") \
    X(weight, find_padded_signs(f), \
      f->image[descriptor(f, 0, f->layer)->weight_offset] ^= 1, "they do not follow from the weights") \
    X(no_weight, find_tail(f), clear_padding(f), "a bit that is no weight is 0") \
    X(narrow, find_narrow(f), set_bias(f, (int64_t)1 << 50), "its residual stream could leave 16 bits") \
    X(load_offset, true, load(f)->table_offset += 64, "its offsets are not the header's") \
    X(load_reserved, true, load(f)->zero[2] = 1, "load descriptor: a reserved word is not 0") \
    X(load_tables, true, load(f)->table_beats = f->h->table_bytes / 8 + 2, "the tables exceed their memory") \
    X(load_weights, true, load(f)->weight_beats += 1 << 20, "the weights exceed their memory") \
    X(load_corrections, true, load(f)->correct_beats += 1 << 20, "the corrections exceed their memory") \
    X(load_descriptors, true, load(f)->descriptor_beats = 32, "the descriptors do not fit the device's memory") \
    X(table_base, true, EVERYWHERE(table_base, d->table_base + 1), "its tables are not where the device puts them") \
    X(weight_base, find_layer(f, 0, BD_OP_CONV, 0), EVERYWHERE(weight_base, d->weight_base + 4), \
      "its weights are not where the device puts them") \
    X(correct_base, find_layer(f, 0, BD_OP_CONV, BD_FLAG_CORRECT), ++descriptor(f, 0, f->layer)->correct_base, \
      "its corrections are not where the device puts them") \
    X(shared_weights, shares_with_room(f), descriptor(f, 1, f->layer)->weight_step -= 4, \
      "read the same weights in different ways")
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

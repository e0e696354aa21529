/* Stored form of a layer: codes as pixels of ceil(C/8) x 8 bytes, z as pixels of row_groups x rows x s32. With SPILL_*
 * words of planes (bd_map_words) and words of the residual memory. */
#include <string.h>

#include "model/core/memory.h"
#include "model/exec/exec.h"
#include "model/program/layout.h"

static size_t code_pitch(const struct bd_descriptor *d)
{
    return (d->out_channels + 7) / 8 * 8;
}

static size_t z_pitch(const struct bd_program *program, const struct bd_descriptor *d)
{
    return (size_t)d->row_groups * program->header->rows * 4;
}

/* Calls `use` for every bit of the codes: word of the layer's words of planes, its bit, place and bit of the code. */
static void each_code_bit(const struct bd_descriptor *d,
                          void (*use)(uint8_t *byte, unsigned bit, uint8_t *code, unsigned plane), uint8_t *store,
                          uint8_t *codes)
{
    const uint32_t words = bd_map_words(d), row = bd_map_row_bytes(d), pairs = bd_code_pairs(d->out_bits);
    const bool channel = d->out_layout == BD_LAYOUT_CHANNEL;
    for (uint32_t y = 0; y < d->out_height; y++)
        for (uint32_t x = 0; x < d->out_width; x++)
            for (uint32_t c = 0; c < d->out_channels; c++, codes++)
                for (uint32_t plane = 0; plane < d->out_bits; plane++) {
                    const uint32_t group = c / 8;
                    uint32_t unit = group, high = plane % 2;
                    if (d->out_bits == 1) { /* both bytes of a word hold channels */
                        unit = channel ? group / 18 * 9 + group % 18 % 9 : group / 2;
                        high = channel ? group % 18 / 9 : group % 2;
                    }
                    const size_t word = (size_t)x * words + unit * pairs + plane / 2;
                    use(store + (size_t)y * row + 2 * word + high, c % 8, codes, plane);
                }
}

static void take_bit(uint8_t *byte, unsigned bit, uint8_t *code, unsigned plane)
{
    *code |= (uint8_t)((*byte >> bit & 1) << plane);
}

static void put_bit(uint8_t *byte, unsigned bit, uint8_t *code, unsigned plane)
{
    *byte |= (uint8_t)((*code >> plane & 1) << bit);
}

/* A value of the stream in memory: 32 bits, or 16, the halves of 32 bits by turns. */
static uint8_t *z_place(const struct bd_program *program, const struct bd_descriptor *d, uint8_t *store, size_t pixel,
                        uint32_t c)
{
    const size_t units = program->header->requant_units, subs = program->header->rows / units;
    const size_t word = pixel * d->row_groups * subs + c / units; /* of requant_units values */
    if (d->flags & BD_FLAG_Z_OUT_WIDE)
        return store + (word * units + c % units) * 4;
    return store + (word / 2 * units + c % units) * 4 + word % 2 * 2;
}

static int32_t take_z(const struct bd_descriptor *d, const uint8_t *at)
{
    int32_t wide;
    int16_t narrow;
    memcpy(&wide, at, d->flags & BD_FLAG_Z_OUT_WIDE ? 4 : 0);
    memcpy(&narrow, at, 2);
    return d->flags & BD_FLAG_Z_OUT_WIDE ? wide : narrow;
}

static void unpack_maps(const struct bd_program *program, const struct bd_descriptor *d, const uint8_t *store,
                        struct bd_layer_output *output)
{
    const size_t pixels = (size_t)d->out_height * d->out_width;
    if (d->flags & BD_FLAG_SPILL_CODES) {
        output->codes = bd_xcalloc(pixels, d->out_channels);
        each_code_bit(d, take_bit, (uint8_t *)store + d->store_codes_offset, output->codes);
    }
    if (d->flags & BD_FLAG_SPILL_STREAM) {
        output->z = bd_xcalloc(pixels, d->out_channels * sizeof *output->z);
        for (size_t p = 0; p < pixels; p++)
            for (uint32_t c = 0; c < d->out_channels; c++)
                output->z[p * d->out_channels + c] =
                    take_z(d, z_place(program, d, (uint8_t *)store + d->store_z_offset, p, c));
    }
}

static void pack_maps(const struct bd_program *program, const struct bd_descriptor *d,
                      const struct bd_layer_output *output, uint8_t *store)
{
    const size_t pixels = (size_t)d->out_height * d->out_width;
    if (d->flags & BD_FLAG_SPILL_CODES) {
        memset(store + d->store_codes_offset, 0, d->store_codes_bytes);
        each_code_bit(d, put_bit, store + d->store_codes_offset, output->codes);
    }
    if (d->flags & BD_FLAG_SPILL_STREAM) {
        memset(store + d->store_z_offset, 0, d->store_z_bytes);
        for (size_t p = 0; p < pixels; p++)
            for (uint32_t c = 0; c < d->out_channels; c++)
                memcpy(z_place(program, d, store + d->store_z_offset, p, c), &output->z[p * d->out_channels + c],
                       d->flags & BD_FLAG_Z_OUT_WIDE ? 4 : 2);
    }
}

void bd_store_unpack(const struct bd_program *program, unsigned switch_index, unsigned layer, const uint8_t *store,
                     struct bd_layer_output *output)
{
    const struct bd_descriptor *d = bd_program_descriptor(program, switch_index, layer);
    const size_t pixels = (size_t)d->out_height * d->out_width, channels = d->out_channels;
    *output = (struct bd_layer_output){(int)d->out_height, (int)d->out_width, (int)d->out_channels, NULL, NULL};
    unpack_maps(program, d, store, output);
    if ((d->flags & BD_FLAG_STORE_CODES) && !output->codes) {
        output->codes = bd_xcalloc(pixels, channels);
        for (size_t p = 0; p < pixels; p++)
            memcpy(output->codes + p * channels, store + d->store_codes_offset + p * code_pitch(d), channels);
    }
    if ((d->flags & BD_FLAG_STORE_STREAM) && !output->z) {
        output->z = bd_xcalloc(pixels, channels * sizeof *output->z);
        for (size_t p = 0; p < pixels; p++)
            memcpy(output->z + p * channels, store + d->store_z_offset + p * z_pitch(program, d), channels * 4);
    }
}

void bd_store_pack(const struct bd_program *program, unsigned switch_index, unsigned layer,
                   const struct bd_layer_output *output, uint8_t *store)
{
    const struct bd_descriptor *d = bd_program_descriptor(program, switch_index, layer);
    const size_t pixels = (size_t)d->out_height * d->out_width, channels = d->out_channels;
    pack_maps(program, d, output, store);
    if ((d->flags & BD_FLAG_STORE_CODES) && !(d->flags & BD_FLAG_SPILL_CODES)) {
        memset(store + d->store_codes_offset, 0, d->store_codes_bytes);
        for (size_t p = 0; p < pixels; p++)
            memcpy(store + d->store_codes_offset + p * code_pitch(d), output->codes + p * channels, channels);
    }
    if ((d->flags & BD_FLAG_STORE_STREAM) && !(d->flags & BD_FLAG_SPILL_STREAM)) {
        memset(store + d->store_z_offset, 0, d->store_z_bytes);
        for (size_t p = 0; p < pixels; p++)
            memcpy(store + d->store_z_offset + p * z_pitch(program, d), output->z + p * channels, channels * 4);
    }
}

/* Stored form of a layer: codes as pixels of ceil(C/8) x 8 bytes, z as pixels of row_groups x rows x s32. */
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

void bd_store_unpack(const struct bd_program *program, unsigned switch_index, unsigned layer, const uint8_t *store,
                     struct bd_layer_output *output)
{
    const struct bd_descriptor *d = bd_program_descriptor(program, switch_index, layer);
    const size_t pixels = (size_t)d->out_height * d->out_width, channels = d->out_channels;
    *output = (struct bd_layer_output){(int)d->out_height, (int)d->out_width, (int)d->out_channels, NULL, NULL};
    if (d->flags & BD_FLAG_STORE_CODES) {
        output->codes = bd_xcalloc(pixels, channels);
        for (size_t p = 0; p < pixels; p++)
            memcpy(output->codes + p * channels, store + d->store_codes_offset + p * code_pitch(d), channels);
    }
    if (d->flags & BD_FLAG_STORE_STREAM) {
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
    if (d->flags & BD_FLAG_STORE_CODES) {
        memset(store + d->store_codes_offset, 0, d->store_codes_bytes);
        for (size_t p = 0; p < pixels; p++)
            memcpy(store + d->store_codes_offset + p * code_pitch(d), output->codes + p * channels, channels);
    }
    if (d->flags & BD_FLAG_STORE_STREAM) {
        memset(store + d->store_z_offset, 0, d->store_z_bytes);
        for (size_t p = 0; p < pixels; p++)
            memcpy(store + d->store_z_offset + p * z_pitch(program, d), output->z + p * channels, channels * 4);
    }
}

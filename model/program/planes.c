#include "model/program/planes.h"

#include "model/core/memory.h"
#include "model/program/layout.h"

uint8_t *bd_planes_read(const struct bd_program *p, const struct bd_descriptor *d, uint32_t planes)
{
    const struct bd_program_header *h = p->header;
    const uint32_t channels = d->in_channels / d->groups;
    const uint64_t plane_bytes = bd_weight_bytes(h, d->weight_plane), step = bd_weight_bytes(h, d->weight_step);
    uint8_t *codes = bd_xcalloc((size_t)d->out_channels * channels * d->kernel_h, d->kernel_w), *code = codes;
    for (uint32_t oc = 0; oc < d->out_channels; oc++) {
        const uint8_t *chunk = p->image + d->weight_offset + oc / h->rows * step;
        for (uint32_t ic = 0; ic < channels; ic++)
            for (uint32_t ky = 0; ky < d->kernel_h; ky++)
                for (uint32_t kx = 0; kx < d->kernel_w; kx++, code++) {
                    const uint64_t bit = bd_weight_bit(d, h, oc % h->rows, ky, kx, ic);
                    for (uint32_t plane = 0; plane < planes; plane++)
                        if (chunk[plane * plane_bytes + bit / 8] >> bit % 8 & 1)
                            *code |= (uint8_t)(0x80u >> plane);
                }
    }
    return codes;
}

uint8_t *bd_planes_mask(const struct bd_program_header *h, const struct bd_descriptor *d, uint32_t rows)
{
    uint8_t *mask = bd_xcalloc(bd_weight_bytes(h, d->weight_plane), 1);
    for (uint32_t row = 0; row < rows; row++)
        for (uint32_t ic = 0; ic < d->in_channels / d->groups; ic++)
            for (uint32_t ky = 0; ky < d->kernel_h; ky++)
                for (uint32_t kx = 0; kx < d->kernel_w; kx++) {
                    const uint64_t bit = bd_weight_bit(d, h, row, ky, kx, ic);
                    mask[bit / 8] |= (uint8_t)(1u << bit % 8);
                }
    return mask;
}

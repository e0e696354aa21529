/* The kernels for one block size: included by kernels.c with PARTS, the vectors of 8 channels in a block, and NAME
 * defined. Vectors of 8 at every block size: GCC 12 takes comparisons of 16 apart lane by lane. */

#define BLOCK (PARTS * LANES)

/* Vectors [start, end) x PARTS of `base` as float32: where they stand, or widened into `room`. */
INLINE const vf *NAME(widened)(const void *base, enum bd_number type, int start, int end, vf *room)
{
    size_t from = (size_t)start * PARTS;
    int count = (end - start) * PARTS;
    switch (type) {
    case BD_HALF:
        for (int i = 0; i < count; i++) {
            room[i] = load(base, from + i, BD_HALF);
        }
        return room;
    case BD_INT32:
        for (int i = 0; i < count; i++) {
            room[i] = load(base, from + i, BD_INT32);
        }
        return room;
    case BD_INT16:
        for (int i = 0; i < count; i++) {
            room[i] = load(base, from + i, BD_INT16);
        }
        return room;
    default:
        return (const vf *)base + from;
    }
}

CLONES static void NAME(moments)(const void *a, enum bd_number type, int pixels, double *sums)
{
    vf room[FLUSH * PARTS];
    memset(sums, 0, 2 * BLOCK * sizeof *sums);
    for (int start = 0; start < pixels; start += FLUSH) {
        int end = start + FLUSH < pixels ? start + FLUSH : pixels;
        const vf *v = NAME(widened)(a, type, start, end, room);
        vf sum[PARTS] = {0}, squares[PARTS] = {0};
        for (int i = 0; i < end - start; i++) {
            for (int k = 0; k < PARTS; k++) {
                vf x = v[i * PARTS + k];
                sum[k] += x;
                squares[k] += x * x;
            }
        }
        for (int k = 0; k < PARTS; k++) {
            add_lanes(sums + k * LANES, sum[k]);
            add_lanes(sums + BLOCK + k * LANES, squares[k]);
        }
    }
}

/* Codes of `count` pixels from pixel `start` on, out of one piece into rows. */
INLINE void NAME(place_codes)(const struct bd_forward_slab *slab, const uint8_t *from, int start, int count)
{
    int row = start / slab->width, column = start % slab->width;
    while (count > 0) {
        int part = slab->width - column < count ? slab->width - column : count;
        memcpy((uint8_t *)slab->codes + (size_t)row * slab->pitch + column * BLOCK, from, part * BLOCK);
        from += part * BLOCK;
        count -= part;
        column = 0;
        row++;
    }
}

/* z of `count` pixels. */
INLINE const vf *NAME(real)(const vf *a, const vf *slope, const vf *offset, const vf *stream_in, int count, vf *z)
{
    for (int i = 0; i < count * PARTS; i += PARTS) {
        for (int k = 0; k < PARTS; k++) {
            z[i + k] = a[i + k] * slope[k] + offset[k];
        }
    }
    for (int i = 0; stream_in && i < count * PARTS; i++) {
        z[i] += stream_in[i];
    }
    return z;
}

CLONES static void NAME(forward)(const struct bd_forward_slab *slab, int pixels, const struct bd_code *code)
{
    const vf *stream_in = (const vf *)slab->stream_in;
    vf *stream_out = (vf *)slab->stream_out;
    const float n = code->n, scale = code->scale, alpha = code->alpha;
    vf slope[PARTS], offset[PARTS], room[FLUSH * PARTS], z_room[FLUSH * PARTS];
    vb bytes[FLUSH * PARTS];
    memcpy(slope, slab->slope, sizeof slope);
    memcpy(offset, slab->offset, sizeof offset);
    for (int start = 0; start < pixels; start += FLUSH) {
        int count = start + FLUSH < pixels ? FLUSH : pixels - start;
        const vf *a = NAME(widened)(slab->a, slab->a_type, start, start + count, room);
        const vf *z = NAME(real)(a, slope, offset, stream_in ? stream_in + start * PARTS : NULL, count,
                                 stream_out ? stream_out + start * PARTS : z_room);
        switch (slab->codes ? code->kind : BD_CODE_NONE) {
        case BD_CODE_NONE:
            break;
        case BD_CODE_PACT:
            for (int i = 0; i < count * PARTS; i++) {
                bytes[i] = __builtin_convertvector(__builtin_convertvector(pact_code(z[i], scale, n), vi), vb);
            }
            NAME(place_codes)(slab, (const uint8_t *)bytes, start, count);
            break;
        case BD_CODE_SIGN:
            for (int i = 0; i < count * PARTS; i++) {
                bytes[i] = __builtin_convertvector((z[i] >= 0.0f) & 2, vb);
            }
            NAME(place_codes)(slab, (const uint8_t *)bytes, start, count);
            break;
        case BD_CODE_CLIP:
            for (int i = 0; i < count * PARTS; i++) {
                ((vf *)slab->codes)[start * PARTS + i] =
                    SELECT(z[i] < alpha, (vf)((vi)z[i] & (z[i] > 0.0f)), ALL(alpha));
            }
            break;
        }
    }
}

/* d, the gradient of the codes' values over the gain: what the quantizer lets through of it; adds to d_level. */
INLINE vf NAME(pass)(enum bd_code_kind kind, vf d, vf z, const struct bd_code *code, vf *d_level)
{
    if (kind == BD_CODE_PACT) {
        vf u = z * code->scale, q = pact_code(z, code->scale, code->n);
        vi above = u >= code->n, inside = (z >= 0.0f) & ~above;
        *d_level += (vf)((vi)(d * (q - u)) & inside) + (vf)((vi)(d * code->n) & above);
        return (vf)((vi)d & inside);
    }
    if (kind == BD_CODE_SIGN) {
        return (vf)((vi)d & (z >= -1.0f) & (z <= 1.0f));
    }
    vi above = z >= code->alpha, inside = (z >= 0.0f) & ~above;
    *d_level += (vf)((vi)d & above);
    return (vf)((vi)d & inside);
}

/* `count` pixels of d, in place. */
INLINE void NAME(pass_all)(enum bd_code_kind kind, vf *d, const vf *z, int count, const struct bd_code *code,
                           vf *d_level)
{
    vf level = {0};
    for (int i = 0; i < count * PARTS; i++) {
        d[i] = NAME(pass)(kind, d[i], z[i], code, &level);
    }
    *d_level += level;
}

/* One piece of at most FLUSH pixels: d into `d`, before the gain; the clip level's gradient is added to d_level. */
INLINE void NAME(through_quantizer)(const struct bd_backward_slab *slab, const vf *a, const vf *slope, const vf *offset,
                                    int start, int count, const struct bd_code *code, vf *d, vf *d_level)
{
    vf room[FLUSH * PARTS];
    const vf *one = NAME(widened)(slab->d_code, slab->d_type, start, start + count, d);
    if (slab->d_code_2) {
        const vf *two = NAME(widened)(slab->d_code_2, slab->d_type, start, start + count, room);
        for (int i = 0; i < count * PARTS; i++) {
            d[i] = one[i] + two[i];
        }
    } else if (one != d) {
        memcpy(d, one, count * PARTS * sizeof *d);
    }
    const vf *z =
        slab->stream ? (const vf *)slab->stream + start * PARTS : NAME(real)(a, slope, offset, NULL, count, room);
    if (code->kind == BD_CODE_PACT) {
        NAME(pass_all)(BD_CODE_PACT, d, z, count, code, d_level);
    } else if (code->kind == BD_CODE_SIGN) {
        NAME(pass_all)(BD_CODE_SIGN, d, z, count, code, d_level);
    } else {
        NAME(pass_all)(BD_CODE_CLIP, d, z, count, code, d_level);
    }
}

/* g of one piece from d: with the gain and the stream's gradient, or as it is; and its sums. */
INLINE void NAME(finish_gradient)(const struct bd_backward_slab *slab, const vf *a, vf *d, int start, int count,
                                  double *sums)
{
    vf sum[PARTS] = {0}, products[PARTS] = {0}, *g = (vf *)slab->g + start * PARTS;
    const vf *d_stream = slab->d_stream ? (const vf *)slab->d_stream + start * PARTS : NULL;
    if (slab->stream) {
        const float gain = slab->code_gain;
        for (int i = 0; i < count * PARTS; i++) {
            vf value = d[i] * gain;
            if (d_stream) {
                value += d_stream[i];
            }
            g[i] = d[i] = value;
        }
    } else if (slab->d_type == BD_HALF) {
        for (int i = 0; i < count * PARTS; i++) {
            store(slab->g, start * PARTS + i, BD_HALF, d[i]);
        }
    } else {
        memcpy(g, d, count * PARTS * sizeof *g);
    }
    for (int i = 0; i < count * PARTS; i += PARTS) {
        for (int k = 0; k < PARTS; k++) {
            sum[k] += d[i + k];
            products[k] += d[i + k] * a[i + k];
        }
    }
    for (int k = 0; k < PARTS; k++) {
        add_lanes(sums + k * LANES, sum[k]);
        add_lanes(sums + BLOCK + k * LANES, products[k]);
    }
}

CLONES static void NAME(backward)(const struct bd_backward_slab *slab, int pixels, const struct bd_code *code,
                                  double *sums, double *d_alpha)
{
    vf slope[PARTS], offset[PARTS], a_room[FLUSH * PARTS], d[FLUSH * PARTS];
    double levels[LANES] = {0}, level = 0;
    memcpy(slope, slab->slope, sizeof slope);
    memcpy(offset, slab->offset, sizeof offset);
    memset(sums, 0, 2 * BLOCK * sizeof *sums);
    for (int start = 0; start < pixels; start += FLUSH) {
        int count = start + FLUSH < pixels ? FLUSH : pixels - start;
        const vf *a = NAME(widened)(slab->a, slab->a_type, start, start + count, a_room);
        vf d_level = {0};
        if (slab->d_code) {
            NAME(through_quantizer)(slab, a, slope, offset, start, count, code, d, &d_level);
            add_lanes(levels, d_level);
        } else {
            memset(d, 0, sizeof d);
        }
        NAME(finish_gradient)(slab, a, d, start, count, sums);
    }
    for (int lane = 0; lane < LANES; lane++) {
        level += levels[lane];
    }
    level *= slab->code_gain;
    *d_alpha = code->kind == BD_CODE_PACT ? level / code->n : level;
    for (int i = 0; !slab->stream && i < 2 * BLOCK; i++) {
        sums[i] *= slab->code_gain;
    }
}

CLONES static void NAME(normalize)(const struct bd_normalize_slab *slab, int pixels)
{
    vf p[PARTS], q[PARTS], r[PARTS], g_room[FLUSH * PARTS], a_room[FLUSH * PARTS], *sum = (vf *)slab->sum;
    memcpy(p, slab->p, sizeof p);
    memcpy(q, slab->q, sizeof q);
    memcpy(r, slab->r, sizeof r);
    for (int start = 0; start < pixels; start += FLUSH) {
        int count = start + FLUSH < pixels ? FLUSH : pixels - start;
        size_t at = (size_t)start * PARTS;
        const vf *g = NAME(widened)(slab->g, slab->g_type, start, start + count, g_room);
        const vf *a = NAME(widened)(slab->a, slab->a_type, start, start + count, a_room);
        for (int i = 0; i < count * PARTS; i += PARTS) {
            for (int k = 0; k < PARTS; k++) {
                g_room[i + k] = p[k] * g[i + k] + q[k] * a[i + k] + r[k];
            }
        }
        if (!slab->d_a) {
            for (int i = 0; i < count * PARTS; i++) {
                sum[at + i] += g_room[i];
            }
        } else if (slab->d_type == BD_HALF) {
            for (int i = 0; i < count * PARTS; i++) {
                store(slab->d_a, at + i, BD_HALF, g_room[i]);
            }
        } else {
            memcpy((vf *)slab->d_a + at, g_room, count * PARTS * sizeof *g_room);
        }
    }
}

#undef BLOCK
#undef PARTS
#undef NAME

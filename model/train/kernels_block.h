/* The kernels for one block size: included with PARTS, the vectors of a block; CLONES, what stands before each kernel;
 * and NAME. Vectors, masks and the functions on them are the includer's:
 *   vf, vi (LANES numbers each), mask; all(x), load(base, at, type), store(base, at, type, v), store_bytes(base, at,
 * vi), whole(v) and real(vi) (conversions, truncating), low(a, b) and high(a, b) (b where a is not below, above it),
 *   at_least(a, b), keep(mask, v) (else 0), add_lanes(sums, v). Masks know & and ~. */

#define BLOCK (PARTS * LANES)

INLINE vf NAME(code_value)(vf z, float scale, float n)
{
    return low(high(z * scale + 0.5f, all(0)), all(n));
}

/* ---- moments ---- */

INLINE void NAME(moments_of)(const void *a, const enum bd_number type, int pixels, double *sums)
{
    memset(sums, 0, 2 * BLOCK * sizeof *sums);
    for (int start = 0; start < pixels; start += FLUSH) {
        int end = start + FLUSH < pixels ? start + FLUSH : pixels;
        vf sum[PARTS] = {0}, squares[PARTS] = {0};
        for (int i = start * PARTS; i < end * PARTS; i += PARTS) {
            for (int k = 0; k < PARTS; k++) {
                vf x = load(a, i + k, type);
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

CLONES void NAME(moments)(const void *a, enum bd_number type, int pixels,
                          double *sums){BY_NUMBER(type, NAME(moments_of), a, TYPE, pixels, sums)}

/* ---- forward ---- */

/* One row. */
INLINE void NAME(forward_row)(const struct bd_forward_slab *slab, const enum bd_number type,
                              const enum bd_code_kind kind, size_t start, int width, uint8_t *codes, const vf *slope,
                              const vf *offset, const struct bd_code *code)
{
    const float n = code->n, scale = code->scale, alpha = code->alpha;
    const bool adds = slab->stream_in, writes = slab->stream_out;
    for (size_t i = 0; i < (size_t)width * PARTS; i += PARTS) {
        for (int k = 0; k < PARTS; k++) {
            size_t at = start * PARTS + i + k;
            vf z = load(slab->a, at, type) * slope[k] + offset[k];
            if (adds) {
                z += load(slab->stream_in, at, BD_FLOAT);
            }
            if (writes) {
                store(slab->stream_out, at, BD_FLOAT, z);
            }
            if (kind == BD_CODE_PACT) {
                store_bytes(codes, i + k, whole(NAME(code_value)(z, scale, n)));
            } else if (kind == BD_CODE_SIGN) {
                store_bytes(codes, i + k, whole(keep(at_least(z, all(0)), all(2))));
            } else if (kind == BD_CODE_CLIP) {
                store(slab->codes, at, BD_FLOAT, low(high(z, all(0)), all(alpha)));
            }
        }
    }
}

INLINE void NAME(forward_of)(const struct bd_forward_slab *slab, const enum bd_number type,
                             const enum bd_code_kind kind, int pixels, const struct bd_code *code)
{
    vf slope[PARTS], offset[PARTS];
    memcpy(slope, slab->slope, sizeof slope);
    memcpy(offset, slab->offset, sizeof offset);
    bool bytes = kind == BD_CODE_PACT || kind == BD_CODE_SIGN;
    int width = bytes ? slab->width : pixels;
    uint8_t *codes = slab->codes;
    for (int start = 0; start < pixels; start += width) {
        NAME(forward_row)(slab, type, kind, start, width, codes, slope, offset, code);
        codes = bytes ? codes + slab->pitch : NULL;
    }
}

CLONES void NAME(forward)(const struct bd_forward_slab *slab, int pixels, const struct bd_code *code)
{
    switch (slab->codes ? code->kind : BD_CODE_NONE) {
    case BD_CODE_NONE:
        BY_NUMBER(slab->a_type, NAME(forward_of), slab, TYPE, BD_CODE_NONE, pixels, code)
        break;
    case BD_CODE_PACT:
        BY_NUMBER(slab->a_type, NAME(forward_of), slab, TYPE, BD_CODE_PACT, pixels, code)
        break;
    case BD_CODE_SIGN:
        BY_NUMBER(slab->a_type, NAME(forward_of), slab, TYPE, BD_CODE_SIGN, pixels, code)
        break;
    case BD_CODE_CLIP:
        BY_NUMBER(slab->a_type, NAME(forward_of), slab, TYPE, BD_CODE_CLIP, pixels, code)
        break;
    }
}

/* ---- backward ---- */

/* d, the gradient of the codes' values over the gain: what the quantizer lets through of it; adds to *d_level. `limit`:
 * from there on z is above. */
INLINE vf NAME(pass)(const enum bd_code_kind kind, vf d, vf z, const struct bd_code *code, vf limit, vf *d_level)
{
    const float curve = code->pass == BD_PASS_BIREAL ? 1 : 0, rounding = code->pass == BD_PASS_OWN ? 1 : 0;
    if (kind == BD_CODE_PACT) {
        vf n = all(code->n), u = z * code->scale, q = real(whole(NAME(code_value)(z, code->scale, code->n)));
        mask over = at_least(u, limit), inside = at_least(z, all(0)) & ~over;
        *d_level += keep(inside, d * (q - u) * rounding) + keep(over, d * n);
        return keep(inside, d);
    }
    if (kind == BD_CODE_SIGN) {
        vf slope = all(1 + curve) - high(z, all(0) - z) * (2 * curve); /* 2 - 2 |z|, or 1 */
        return keep(at_least(z, all(-1)) & at_least(all(1), z), d * slope);
    }
    mask over = at_least(z, limit);
    *d_level += keep(over, d);
    return keep(at_least(z, all(0)) & ~over, d);
}

INLINE void NAME(backward_of)(const struct bd_backward_slab *slab, const enum bd_number type,
                              const enum bd_code_kind kind, int pixels, const struct bd_code *code, double *sums,
                              double *d_alpha)
{
    const bool second = slab->d_code_2, stream = slab->stream, d_stream = slab->d_stream;
    const enum bd_number d_type = slab->d_type;
    const struct bd_code here = *code; /* which no store can change */
    const float last = kind == BD_CODE_PACT ? here.n : here.alpha; /* in steps, or as a value */
    const vf limit = all(here.pass == BD_PASS_CLOSED ? nextafterf(last, INFINITY) : last);
    vf slope[PARTS], offset[PARTS];
    double levels[LANES] = {0}, level = 0;
    memcpy(slope, slab->slope, sizeof slope);
    memcpy(offset, slab->offset, sizeof offset);
    memset(sums, 0, 2 * BLOCK * sizeof *sums);
    for (int start = 0; start < pixels; start += FLUSH) {
        int end = start + FLUSH < pixels ? start + FLUSH : pixels;
        vf sum[PARTS] = {0}, products[PARTS] = {0}, d_level = {0};
        for (int i = start * PARTS; i < end * PARTS; i += PARTS) {
            for (int k = 0; k < PARTS; k++) {
                vf a = load(slab->a, i + k, type), d = {0};
                if (kind != BD_CODE_NONE) {
                    d = load(slab->d_code, i + k, d_type);
                    if (second) {
                        d += load(slab->d_code_2, i + k, d_type);
                    }
                    vf z = a * slope[k] + offset[k];
                    if (stream) {
                        z = load(slab->stream, i + k, BD_FLOAT);
                    }
                    d = NAME(pass)(kind, d, z, &here, limit, &d_level);
                }
                if (stream) {
                    d *= slab->code_gain;
                    if (d_stream) {
                        d += load(slab->d_stream, i + k, BD_FLOAT);
                    }
                }
                store(slab->g, i + k, stream ? BD_FLOAT : d_type, d);
                sum[k] += d;
                products[k] += d * a;
            }
        }
        for (int k = 0; k < PARTS; k++) {
            add_lanes(sums + k * LANES, sum[k]);
            add_lanes(sums + BLOCK + k * LANES, products[k]);
        }
        add_lanes(levels, d_level);
    }
    for (int lane = 0; lane < LANES; lane++) {
        level += levels[lane];
    }
    level *= slab->code_gain;
    *d_alpha = kind == BD_CODE_PACT ? level / code->n : level;
    for (int i = 0; !stream && i < 2 * BLOCK; i++) {
        sums[i] *= slab->code_gain;
    }
}

CLONES void NAME(backward)(const struct bd_backward_slab *slab, int pixels, const struct bd_code *code, double *sums,
                           double *d_alpha)
{
    switch (slab->d_code ? code->kind : BD_CODE_NONE) {
    case BD_CODE_NONE:
        BY_NUMBER(slab->a_type, NAME(backward_of), slab, TYPE, BD_CODE_NONE, pixels, code, sums, d_alpha)
        break;
    case BD_CODE_PACT:
        BY_NUMBER(slab->a_type, NAME(backward_of), slab, TYPE, BD_CODE_PACT, pixels, code, sums, d_alpha)
        break;
    case BD_CODE_SIGN:
        BY_NUMBER(slab->a_type, NAME(backward_of), slab, TYPE, BD_CODE_SIGN, pixels, code, sums, d_alpha)
        break;
    case BD_CODE_CLIP:
        BY_NUMBER(slab->a_type, NAME(backward_of), slab, TYPE, BD_CODE_CLIP, pixels, code, sums, d_alpha)
        break;
    }
}

/* ---- batch norm's gradient ---- */

INLINE void NAME(normalize_of)(const struct bd_normalize_slab *slab, const enum bd_number type, int pixels)
{
    const enum bd_number g_type = slab->g_type, d_type = slab->d_type;
    vf p[PARTS], q[PARTS], r[PARTS];
    memcpy(p, slab->p, sizeof p);
    memcpy(q, slab->q, sizeof q);
    memcpy(r, slab->r, sizeof r);
    for (int i = 0; i < pixels * PARTS; i += PARTS) {
        for (int k = 0; k < PARTS; k++) {
            vf d = p[k] * load(slab->g, i + k, g_type) + q[k] * load(slab->a, i + k, type) + r[k];
            if (slab->d_a) {
                store(slab->d_a, i + k, d_type, d);
            } else {
                store(slab->sum, i + k, BD_FLOAT, d + load(slab->sum, i + k, BD_FLOAT));
            }
        }
    }
}

CLONES void NAME(normalize)(const struct bd_normalize_slab *slab, int pixels)
{
    BY_NUMBER(slab->a_type, NAME(normalize_of), slab, TYPE, pixels)
}

#undef BLOCK
#undef PARTS
#undef NAME

/* The kernels for one block size: included with PARTS, the vectors of a block; CLONES, what stands before each kernel;
 * FORM, what stands before a loop whose constants make its forms; and NAME. Vectors, masks and the functions on them
 * are the includer's: vf, vi (LANES numbers each), mask; all(x), load(base, at, type), store(base, at, type, v),
 * store_past(base, at, v) (float32, past the caches: most of a stream has left them before it is read),
 * store_bytes(base, at, vi), whole(v) (conversion, truncating), whole_part(v) (where v is not negative and fits an
 * int32_t; else anything), low(a, b) and high(a, b) (b where a is not below, above it), madd(a, b, c) (a b + c, rounded
 * once or twice: for sums and gradients alone), at_least(a, b), below(mask, a, b) (a < b, within the mask), keep(mask,
 * v) (else 0), choose(mask, a, b) (else b), add_kept(mask, a, b, c) (a b + c, else c), add_lanes(sums, v). What a slab
 * has or lacks goes to the loops as constants, so that they hold no branch. A slab's fields are read before the loops,
 * because a vector's store might change them for all that the compiler knows. */

#define BLOCK (PARTS * LANES)

INLINE vf NAME(code_value)(vf z, float scale, float n)
{
    return low(high(z * scale + 0.5f, all(0)), all(n));
}

/* ---- moments ---- */

FORM void NAME(moments_of)(const void *a, const enum bd_number type, int pixels, double *sums)
{
    memset(sums, 0, 2 * BLOCK * sizeof *sums);
    for (int start = 0; start < pixels; start += FLUSH) {
        int end = start + FLUSH < pixels ? start + FLUSH : pixels;
        vf sum[PARTS] = {0}, squares[PARTS] = {0};
        for (int i = start * PARTS; i < end * PARTS; i += PARTS) {
            for (int k = 0; k < PARTS; k++) {
                vf x = load(a, i + k, type);
                sum[k] += x;
                squares[k] = madd(x, x, squares[k]);
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
INLINE
    void NAME(forward_row)(const struct bd_forward_slab *slab, const enum bd_number type, const enum bd_code_kind kind,
                           const bool adds, const bool writes, size_t start, size_t width, uint8_t *codes,
                           const vf *slope, const vf *offset, const struct bd_code *code)
{
    const float n = code->n, scale = code->scale, alpha = code->alpha;
    const void *const a = slab->a;
    const float *const stream_in = slab->stream_in;
    float *const stream_out = slab->stream_out, *const values = slab->codes;
    for (size_t i = 0; i < width * PARTS; i += PARTS) {
        for (int k = 0; k < PARTS; k++) {
            size_t at = start * PARTS + i + k;
            vf z = load(a, at, type) * slope[k] + offset[k];
            if (adds) {
                z += load(stream_in, at, BD_FLOAT);
            }
            if (writes) {
                store_past(stream_out, at, z);
            }
            if (kind == BD_CODE_PACT) {
                store_bytes(codes, i + k, whole(NAME(code_value)(z, scale, n)));
            } else if (kind == BD_CODE_SIGN) {
                store_bytes(codes, i + k, whole(keep(at_least(z, all(0)), all(2))));
            } else if (kind == BD_CODE_CLIP) {
                store(values, at, BD_FLOAT, low(high(z, all(0)), all(alpha)));
            }
        }
    }
}

FORM void NAME(forward_rows)(const struct bd_forward_slab *slab, const enum bd_number type,
                             const enum bd_code_kind kind, const bool adds, const bool writes, int pixels,
                             const struct bd_code *code)
{
    vf slope[PARTS], offset[PARTS];
    memcpy(slope, slab->slope, sizeof slope);
    memcpy(offset, slab->offset, sizeof offset);
    bool bytes = kind == BD_CODE_PACT || kind == BD_CODE_SIGN;
    int width = bytes ? slab->width : pixels;
    uint8_t *codes = slab->codes;
    for (int start = 0; start < pixels; start += width) {
        NAME(forward_row)(slab, type, kind, adds, writes, start, width, codes, slope, offset, code);
        codes = bytes ? codes + slab->pitch : NULL;
    }
}

INLINE void NAME(forward_of)(const struct bd_forward_slab *slab, const enum bd_number type,
                             const enum bd_code_kind kind, int pixels, const struct bd_code *code)
{
    const bool writes = slab->stream_out;
    if (!slab->stream_in && !writes) {
        NAME(forward_rows)(slab, type, kind, false, false, pixels, code);
    } else if (!slab->stream_in) {
        NAME(forward_rows)(slab, type, kind, false, true, pixels, code);
    } else if (writes) {
        NAME(forward_rows)(slab, type, kind, true, true, pixels, code);
    } else {
        NAME(forward_rows)(slab, type, kind, true, false, pixels, code);
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
 * from there on z is above. PACT's own clip level has the rounding error for its gradient inside, n above. */
INLINE vf NAME(pass)(const enum bd_code_kind kind, const enum bd_code_pass pass, vf d, vf z, vf scale, vf last,
                     vf limit, vf *d_level)
{
    mask positive = at_least(z, all(0));
    if (kind == BD_CODE_PACT) {
        vf u = z * scale;
        mask over = at_least(u, limit);
        if (pass == BD_PASS_OWN) {
            *d_level = add_kept(positive, d, choose(over, last, whole_part(u + 0.5f) - u), *d_level);
        } else {
            *d_level = add_kept(over, d, last, *d_level);
        }
        return keep(below(positive, u, limit), d);
    }
    if (kind == BD_CODE_SIGN) {
        if (pass == BD_PASS_BIREAL) {
            d *= 2 - high(z, all(0) - z) * 2; /* 2 - 2 |z| */
        }
        return keep(at_least(all(1), high(z, all(0) - z)), d); /* |z| <= 1 */
    }
    *d_level += keep(at_least(z, limit), d);
    return keep(below(positive, z, limit), d);
}

FORM void NAME(backward_slab)(const struct bd_backward_slab *slab, const enum bd_number type,
                              const enum bd_number d_type, const enum bd_code_kind kind, const bool stream,
                              const enum bd_code_pass pass, int pixels, const struct bd_code *code, double *sums,
                              double *d_alpha)
{
    const void *const a_map = slab->a, *const d_code = slab->d_code, *const d_code_2 = slab->d_code_2;
    const float *const z_map = slab->stream;
    const void *const d_stream = slab->d_stream;
    void *const g = slab->g;
    const bool second = d_code_2, adds = d_stream;
    const float bound = kind == BD_CODE_PACT ? code->n : code->alpha; /* in steps, or as a value */
    const vf scale = all(code->scale), last = all(bound), gain = all(slab->code_gain),
             limit = all(code->pass == BD_PASS_CLOSED ? nextafterf(bound, INFINITY) : bound);
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
                vf a = load(a_map, i + k, type), d = {0};
                if (kind != BD_CODE_NONE) {
                    d = load(d_code, i + k, d_type);
                    if (second) {
                        d += load(d_code_2, i + k, d_type);
                    }
                    vf z = a * slope[k] + offset[k];
                    if (stream) {
                        z = load(z_map, i + k, BD_FLOAT);
                    }
                    d = NAME(pass)(kind, pass, d, z, scale, last, limit, &d_level);
                }
                if (stream) {
                    d *= gain;
                    if (adds) {
                        d += load(d_stream, i + k, d_type);
                    }
                }
                store(g, i + k, d_type, d);
                sum[k] += d;
                products[k] = madd(d, a, products[k]);
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

/* PUBLISHED and CLOSED differ in the limit alone, a sign's gradients in BIREAL alone. */
INLINE void NAME(backward_by_pass)(const struct bd_backward_slab *slab, const enum bd_number type,
                                   const enum bd_number d_type, const enum bd_code_kind kind, const bool stream,
                                   int pixels, const struct bd_code *code, double *sums, double *d_alpha)
{
    if (kind == BD_CODE_PACT && code->pass != BD_PASS_OWN) {
        NAME(backward_slab)(slab, type, d_type, kind, stream, BD_PASS_PUBLISHED, pixels, code, sums, d_alpha);
    } else if (kind == BD_CODE_SIGN && code->pass == BD_PASS_BIREAL) {
        NAME(backward_slab)(slab, type, d_type, kind, stream, BD_PASS_BIREAL, pixels, code, sums, d_alpha);
    } else {
        NAME(backward_slab)(slab, type, d_type, kind, stream, BD_PASS_OWN, pixels, code, sums, d_alpha);
    }
}

INLINE void NAME(backward_of)(const struct bd_backward_slab *slab, const enum bd_number type,
                              const enum bd_code_kind kind, int pixels, const struct bd_code *code, double *sums,
                              double *d_alpha)
{
    const bool half = slab->d_type == BD_HALF;
    if (slab->stream && half) {
        NAME(backward_by_pass)(slab, type, BD_HALF, kind, true, pixels, code, sums, d_alpha);
    } else if (slab->stream) {
        NAME(backward_by_pass)(slab, type, BD_FLOAT, kind, true, pixels, code, sums, d_alpha);
    } else if (half) {
        NAME(backward_by_pass)(slab, type, BD_HALF, kind, false, pixels, code, sums, d_alpha);
    } else {
        NAME(backward_by_pass)(slab, type, BD_FLOAT, kind, false, pixels, code, sums, d_alpha);
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

FORM void NAME(normalize_slab)(const struct bd_normalize_slab *slab, const enum bd_number type,
                               const enum bd_number g_type, const enum bd_number d_type, const bool adds, int pixels)
{
    const void *const g = slab->g, *const a = slab->a;
    void *const d_a = slab->d_a;
    float *const sum = slab->sum;
    vf p[PARTS], q[PARTS], r[PARTS];
    memcpy(p, slab->p, sizeof p);
    memcpy(q, slab->q, sizeof q);
    memcpy(r, slab->r, sizeof r);
    for (int i = 0; i < pixels * PARTS; i += PARTS) {
        for (int k = 0; k < PARTS; k++) {
            vf d = madd(p[k], load(g, i + k, g_type), madd(q[k], load(a, i + k, type), r[k]));
            if (adds) {
                store(sum, i + k, BD_FLOAT, d + load(sum, i + k, BD_FLOAT));
            } else {
                store(d_a, i + k, d_type, d);
            }
        }
    }
}

INLINE void NAME(normalize_from)(const struct bd_normalize_slab *slab, const enum bd_number type,
                                 const enum bd_number g_type, int pixels)
{
    if (!slab->d_a) {
        NAME(normalize_slab)(slab, type, g_type, BD_FLOAT, true, pixels);
    } else if (slab->d_type == BD_HALF) {
        NAME(normalize_slab)(slab, type, g_type, BD_HALF, false, pixels);
    } else {
        NAME(normalize_slab)(slab, type, g_type, BD_FLOAT, false, pixels);
    }
}

INLINE void NAME(normalize_of)(const struct bd_normalize_slab *slab, const enum bd_number type, int pixels)
{
    if (slab->g_type == BD_HALF) {
        NAME(normalize_from)(slab, type, BD_HALF, pixels);
    } else {
        NAME(normalize_from)(slab, type, BD_FLOAT, pixels);
    }
}

CLONES void NAME(normalize)(const struct bd_normalize_slab *slab, int pixels)
{
    BY_NUMBER(slab->a_type, NAME(normalize_of), slab, TYPE, pixels)
}

#undef BLOCK
#undef PARTS
#undef NAME

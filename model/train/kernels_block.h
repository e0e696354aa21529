/* The kernels for one block size: included by kernels.c with PARTS, the vectors of 8 channels in a block, and NAME
 * defined. Vectors of 8 at every block size: GCC 12 takes comparisons of 16 apart lane by lane. */

#define BLOCK (PARTS * LANES)

CLONES static void NAME(moments)(const float *a, int pixels, double *sums)
{
    const vf *v = (const vf *)a;
    memset(sums, 0, 2 * BLOCK * sizeof *sums);
    for (int start = 0; start < pixels; start += FLUSH) {
        int end = start + FLUSH < pixels ? start + FLUSH : pixels;
        vf sum[PARTS] = {0}, squares[PARTS] = {0};
        for (int i = start; i < end; i++) {
            for (int k = 0; k < PARTS; k++) {
                vf x = v[i * PARTS + k];
                sum[k] += x;
                squares[k] += x * x;
            }
        }
        for (int k = 0; k < PARTS; k++) {
            ADD_TO_DOUBLES(sums + k * LANES, sum[k]);
            ADD_TO_DOUBLES(sums + BLOCK + k * LANES, squares[k]);
        }
    }
}

#define FORWARD_LOOP(half, set_code)                                                                                   \
    for (int i = 0; i < pixels * PARTS; i += PARTS) {                                                                  \
        for (int k = 0; k < PARTS; k++) {                                                                              \
            vf z = a[i + k] * slope[k] + offset[k], c;                                                                 \
            if (stream_in) {                                                                                           \
                z += stream_in[i + k];                                                                                 \
            }                                                                                                          \
            if (stream_out) {                                                                                          \
                stream_out[i + k] = z;                                                                                 \
            }                                                                                                          \
            set_code;                                                                                                  \
            STORE(slab->codes, i + k, half, c);                                                                        \
        }                                                                                                              \
    }

#define DEFINE_FORWARD(name, half)                                                                                     \
    CLONES static void NAME(name)(const struct bd_forward_slab *slab, int pixels, const struct bd_code *code)          \
    {                                                                                                                  \
        const vf *a = (const vf *)slab->a, *stream_in = (const vf *)slab->stream_in;                                   \
        vf *stream_out = (vf *)slab->stream_out;                                                                       \
        const float n = code->n, scale = code->scale, alpha = code->alpha;                                             \
        vf slope[PARTS], offset[PARTS];                                                                                \
        memcpy(slope, slab->slope, sizeof slope);                                                                      \
        memcpy(offset, slab->offset, sizeof offset);                                                                   \
        switch (slab->codes ? code->kind : BD_CODE_NONE) {                                                             \
        case BD_CODE_NONE:                                                                                             \
            for (int i = 0; i < pixels * PARTS; i += PARTS) {                                                          \
                for (int k = 0; k < PARTS; k++) {                                                                      \
                    vf z = a[i + k] * slope[k] + offset[k];                                                            \
                    if (stream_in) {                                                                                   \
                        z += stream_in[i + k];                                                                         \
                    }                                                                                                  \
                    stream_out[i + k] = z;                                                                             \
                }                                                                                                      \
            }                                                                                                          \
            break;                                                                                                     \
        case BD_CODE_PACT:                                                                                             \
            FORWARD_LOOP(half, PACT_CODE(c, z, scale, n))                                                              \
            break;                                                                                                     \
        case BD_CODE_SIGN:                                                                                             \
            FORWARD_LOOP(half, c = SELECT(z >= 0.0f, ALL(1.0f), ALL(-1.0f)))                                           \
            break;                                                                                                     \
        case BD_CODE_CLIP:                                                                                             \
            FORWARD_LOOP(half, c = SELECT(z < alpha, (vf)((vi)z & (z > 0.0f)), ALL(alpha)))                            \
            break;                                                                                                     \
        }                                                                                                              \
    }

DEFINE_FORWARD(forward_float, false)
DEFINE_FORWARD(forward_half, true)

/* `pass` turns d (the gradient of the codes' values) into what the quantizer lets through and may add to d_level. */
#define BACKWARD_LOOP(half, has_code, pass)                                                                            \
    for (int start = 0; start < pixels; start += FLUSH) {                                                              \
        int end = start + FLUSH < pixels ? start + FLUSH : pixels;                                                     \
        vf sum[PARTS] = {0}, products[PARTS] = {0}, d_level[PARTS] = {0};                                              \
        for (int i = start * PARTS; i < end * PARTS; i += PARTS) {                                                     \
            for (int k = 0; k < PARTS; k++) {                                                                          \
                vf x = a[i + k], d = {0};                                                                              \
                if (has_code) {                                                                                        \
                    vf z = x * slope[k] + offset[k];                                                                   \
                    if (stream) {                                                                                      \
                        z = stream[i + k];                                                                             \
                    }                                                                                                  \
                    d = LOAD(d_code, i + k, half);                                                                     \
                    if (d_code_2) {                                                                                    \
                        d += LOAD(d_code_2, i + k, half);                                                              \
                    }                                                                                                  \
                    d *= gain;                                                                                         \
                    pass;                                                                                              \
                }                                                                                                      \
                if (d_stream) {                                                                                        \
                    d += d_stream[i + k];                                                                              \
                }                                                                                                      \
                g[i + k] = d;                                                                                          \
                sum[k] += d;                                                                                           \
                products[k] += d * x;                                                                                  \
            }                                                                                                          \
        }                                                                                                              \
        for (int k = 0; k < PARTS; k++) {                                                                              \
            ADD_TO_DOUBLES(sums + k * LANES, sum[k]);                                                                  \
            ADD_TO_DOUBLES(sums + BLOCK + k * LANES, products[k]);                                                     \
            ADD_TO_DOUBLES(levels, d_level[k]);                                                                        \
        }                                                                                                              \
    }

#define PASS_PACT                                                                                                      \
    do {                                                                                                               \
        vf u = z * scale, q;                                                                                           \
        PACT_CODE(q, z, scale, n);                                                                                     \
        vi above = u >= n, inside = (z >= 0.0f) & ~above;                                                              \
        d_level[k] += (vf)((vi)(d * (q - u)) & inside) + (vf)((vi)(d * n) & above);                                    \
        d = (vf)((vi)d & inside);                                                                                      \
    } while (0)
#define PASS_SIGN d = (vf)((vi)d & (z >= -1.0f) & (z <= 1.0f))
#define PASS_CLIP                                                                                                      \
    do {                                                                                                               \
        vi above = z >= alpha, inside = (z >= 0.0f) & ~above;                                                          \
        d_level[k] += (vf)((vi)d & above);                                                                             \
        d = (vf)((vi)d & inside);                                                                                      \
    } while (0)

#define DEFINE_BACKWARD(name, half)                                                                                    \
    CLONES static void NAME(name)(const struct bd_backward_slab *slab, int pixels, const struct bd_code *code,         \
                                  double *sums, double *d_alpha)                                                       \
    {                                                                                                                  \
        const vf *a = (const vf *)slab->a, *stream = (const vf *)slab->stream;                                         \
        const vf *d_stream = (const vf *)slab->d_stream;                                                               \
        const void *d_code = slab->d_code, *d_code_2 = slab->d_code_2;                                                 \
        vf *g = (vf *)slab->g, slope[PARTS], offset[PARTS];                                                            \
        const float n = code->n, scale = code->scale, alpha = code->alpha, gain = slab->code_gain;                     \
        double levels[LANES] = {0}, level = 0;                                                                         \
        memcpy(slope, slab->slope, sizeof slope);                                                                      \
        memcpy(offset, slab->offset, sizeof offset);                                                                   \
        memset(sums, 0, 2 * BLOCK * sizeof *sums);                                                                     \
        switch (d_code ? code->kind : BD_CODE_NONE) {                                                                  \
        case BD_CODE_NONE:                                                                                             \
            BACKWARD_LOOP(half, false, (void)z)                                                                        \
            break;                                                                                                     \
        case BD_CODE_PACT:                                                                                             \
            BACKWARD_LOOP(half, true, PASS_PACT)                                                                       \
            break;                                                                                                     \
        case BD_CODE_SIGN:                                                                                             \
            BACKWARD_LOOP(half, true, PASS_SIGN)                                                                       \
            break;                                                                                                     \
        case BD_CODE_CLIP:                                                                                             \
            BACKWARD_LOOP(half, true, PASS_CLIP)                                                                       \
            break;                                                                                                     \
        }                                                                                                              \
        for (int lane = 0; lane < LANES; lane++) {                                                                     \
            level += levels[lane];                                                                                     \
        }                                                                                                              \
        *d_alpha = code->kind == BD_CODE_PACT ? level / n : level;                                                     \
    }

DEFINE_BACKWARD(backward_float, false)
DEFINE_BACKWARD(backward_half, true)

#define DEFINE_NORMALIZE(name, half)                                                                                   \
    CLONES static void NAME(name)(const float *g_, const float *a_, const float *p_, const float *q_, const float *r_, \
                                  int pixels, void *d_a, float *sum_)                                                  \
    {                                                                                                                  \
        const vf *g = (const vf *)g_, *a = (const vf *)a_;                                                             \
        vf p[PARTS], q[PARTS], r[PARTS], *sum = (vf *)sum_;                                                            \
        memcpy(p, p_, sizeof p);                                                                                       \
        memcpy(q, q_, sizeof q);                                                                                       \
        memcpy(r, r_, sizeof r);                                                                                       \
        if (!d_a) {                                                                                                    \
            for (int i = 0; i < pixels * PARTS; i += PARTS) {                                                          \
                for (int k = 0; k < PARTS; k++) {                                                                      \
                    sum[i + k] += p[k] * g[i + k] + q[k] * a[i + k] + r[k];                                            \
                }                                                                                                      \
            }                                                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        for (int i = 0; i < pixels * PARTS; i += PARTS) {                                                              \
            for (int k = 0; k < PARTS; k++) {                                                                          \
                vf d = p[k] * g[i + k] + q[k] * a[i + k] + r[k];                                                       \
                STORE(d_a, i + k, half, d);                                                                            \
            }                                                                                                          \
        }                                                                                                              \
    }

DEFINE_NORMALIZE(normalize_float, false)
DEFINE_NORMALIZE(normalize_half, true)

#undef FORWARD_LOOP
#undef DEFINE_FORWARD
#undef BACKWARD_LOOP
#undef PASS_PACT
#undef PASS_SIGN
#undef PASS_CLIP
#undef DEFINE_BACKWARD
#undef DEFINE_NORMALIZE
#undef BLOCK
#undef PARTS
#undef NAME

/* The kernels for one block size: included by kernels.c with BLOCK and NAME defined. */

#define vf NAME(vf)
#define vi NAME(vi)
#define vh NAME(vh)

typedef float vf __attribute__((vector_size(4 * BLOCK), aligned(4), may_alias));
typedef int32_t vi __attribute__((vector_size(4 * BLOCK), aligned(4), may_alias));
typedef uint16_t vh __attribute__((vector_size(2 * BLOCK), aligned(2), may_alias));

#define ALL(x) ((vf){0} + (x))
#define SELECT(mask, yes, no) ((vf)(((mask) & (vi)(yes)) | (~(mask) & (vi)(no))))
#define ADD_TO_DOUBLES(sums, v)             \
    for (int lane = 0; lane < BLOCK; lane++) { \
        (sums)[lane] += (v)[lane];          \
    }

/* An operand vector at pixel `at`: bfloat16 is the upper half of a float32, rounded to nearest even. */
#define LOAD(base, at, half)                                                                        \
    ((half) ? (vf)(__builtin_convertvector(((const vh *)(base))[at], vi) << 16) : ((const vf *)(base))[at])
#define STORE(base, at, half, value)                                                                \
    do {                                                                                            \
        if (half) {                                                                                 \
            vi bits_ = (vi)(value);                                                                 \
            bits_ += 0x7fff + ((bits_ >> 16) & 1);                                                  \
            ((vh *)(base))[at] = __builtin_convertvector((bits_ >> 16) & 0xffff, vh);               \
        } else {                                                                                    \
            ((vf *)(base))[at] = (value);                                                           \
        }                                                                                           \
    } while (0)

#define PACT_CODE(result, z, scale, n)                                  \
    do {                                                                \
        vf t_ = (z) * (scale) + 0.5f;                                   \
        t_ = (vf)((vi)t_ & (t_ > 0.0f));                                \
        t_ = SELECT(t_ < (n), t_, ALL(n));                              \
        (result) = __builtin_convertvector(__builtin_convertvector(t_, vi), vf); \
    } while (0)

CLONES static void NAME(moments)(const float *a, int pixels, double *sums)
{
    const vf *v = (const vf *)a;
    memset(sums, 0, 2 * BLOCK * sizeof *sums);
    for (int start = 0; start < pixels; start += FLUSH) {
        int end = start + FLUSH < pixels ? start + FLUSH : pixels;
        vf sum = {0}, squares = {0};
        for (int i = start; i < end; i++) {
            vf x = v[i];
            sum += x;
            squares += x * x;
        }
        ADD_TO_DOUBLES(sums, sum);
        ADD_TO_DOUBLES(sums + BLOCK, squares);
    }
}

#define FORWARD_LOOP(half, set_code)                                    \
    for (int i = 0; i < pixels; i++) {                                  \
        vf z = a[i] * slope + offset;                                   \
        if (stream_in) {                                                \
            z += stream_in[i];                                          \
        }                                                               \
        if (stream_out) {                                               \
            stream_out[i] = z;                                          \
        }                                                               \
        vf c;                                                           \
        set_code;                                                       \
        STORE(slab->codes, i, half, c);                                 \
    }

#define DEFINE_FORWARD(name, half)                                                                                 \
    CLONES static void NAME(name)(const struct bd_forward_slab *slab, int pixels, const struct bd_code *code)      \
    {                                                                                                              \
        const vf *a = (const vf *)slab->a, *stream_in = (const vf *)slab->stream_in;                               \
        vf *stream_out = (vf *)slab->stream_out;                                                                   \
        const vf slope = *(const vf *)slab->slope, offset = *(const vf *)slab->offset;                             \
        const float n = code->n, scale = code->scale, alpha = code->alpha;                                         \
        switch (slab->codes ? code->kind : BD_CODE_NONE) {                                                         \
        case BD_CODE_NONE:                                                                                         \
            for (int i = 0; i < pixels; i++) {                                                                     \
                vf z = a[i] * slope + offset;                                                                      \
                if (stream_in) {                                                                                   \
                    z += stream_in[i];                                                                             \
                }                                                                                                  \
                stream_out[i] = z;                                                                                 \
            }                                                                                                      \
            break;                                                                                                 \
        case BD_CODE_PACT:                                                                                         \
            FORWARD_LOOP(half, PACT_CODE(c, z, scale, n))                                                          \
            break;                                                                                                 \
        case BD_CODE_SIGN:                                                                                         \
            FORWARD_LOOP(half, c = SELECT(z >= 0.0f, ALL(1.0f), ALL(-1.0f)))                                       \
            break;                                                                                                 \
        case BD_CODE_CLIP:                                                                                         \
            FORWARD_LOOP(half, c = SELECT(z < alpha, (vf)((vi)z & (z > 0.0f)), ALL(alpha)))                        \
            break;                                                                                                 \
        }                                                                                                          \
    }

DEFINE_FORWARD(forward_float, false)
DEFINE_FORWARD(forward_half, true)

/* `pass` sets d (the gradient of the codes' values) to what the quantizer lets through and may add to d_level. */
#define BACKWARD_LOOP(half, has_code, pass)                                                \
    for (int start = 0; start < pixels; start += FLUSH) {                                  \
        int end = start + FLUSH < pixels ? start + FLUSH : pixels;                         \
        vf sum = {0}, products = {0}, d_level = {0};                                       \
        for (int i = start; i < end; i++) {                                                \
            vf x = a[i], d = {0};                                                          \
            if (has_code) {                                                                \
                vf z = x * slope + offset;                                                 \
                if (stream) {                                                              \
                    z = stream[i];                                                         \
                }                                                                          \
                d = LOAD(slab->d_code, i, half);                                           \
                if (slab->d_code_2) {                                                      \
                    d += LOAD(slab->d_code_2, i, half);                                    \
                }                                                                          \
                d *= gain;                                                                 \
                pass;                                                                      \
            }                                                                              \
            if (d_stream) {                                                                \
                d += d_stream[i];                                                          \
            }                                                                              \
            g[i] = d;                                                                      \
            sum += d;                                                                      \
            products += d * x;                                                             \
        }                                                                                  \
        ADD_TO_DOUBLES(sums, sum);                                                         \
        ADD_TO_DOUBLES(sums + BLOCK, products);                                            \
        ADD_TO_DOUBLES(levels, d_level);                                                   \
    }

#define PASS_PACT                                                                          \
    do {                                                                                   \
        vf u = z * scale, q;                                                               \
        PACT_CODE(q, z, scale, n);                                                         \
        vi above = u >= n, inside = (z >= 0.0f) & ~above;                                  \
        d_level += (vf)((vi)(d * (q - u)) & inside) + (vf)((vi)(d * n) & above);           \
        d = (vf)((vi)d & inside);                                                          \
    } while (0)
#define PASS_SIGN d = (vf)((vi)d & (z >= -1.0f) & (z <= 1.0f))
#define PASS_CLIP                                                                          \
    do {                                                                                   \
        vi above = z >= alpha, inside = (z >= 0.0f) & ~above;                              \
        d_level += (vf)((vi)d & above);                                                    \
        d = (vf)((vi)d & inside);                                                          \
    } while (0)

#define DEFINE_BACKWARD(name, half)                                                                                \
    CLONES static void NAME(name)(const struct bd_backward_slab *slab, int pixels, const struct bd_code *code,     \
                                  double *sums, double *d_alpha)                                                   \
    {                                                                                                              \
        const vf *a = (const vf *)slab->a, *stream = (const vf *)slab->stream;                                     \
        const vf *d_stream = (const vf *)slab->d_stream;                                                           \
        vf *g = (vf *)slab->g;                                                                                     \
        const vf slope = *(const vf *)slab->slope, offset = *(const vf *)slab->offset;                             \
        const float n = code->n, scale = code->scale, alpha = code->alpha, gain = slab->code_gain;                 \
        double levels[BLOCK] = {0}, level = 0;                                                                     \
        memset(sums, 0, 2 * BLOCK * sizeof *sums);                                                                 \
        switch (slab->d_code ? code->kind : BD_CODE_NONE) {                                                        \
        case BD_CODE_NONE:                                                                                         \
            BACKWARD_LOOP(half, false, (void)z)                                                                    \
            break;                                                                                                 \
        case BD_CODE_PACT:                                                                                         \
            BACKWARD_LOOP(half, true, PASS_PACT)                                                                   \
            break;                                                                                                 \
        case BD_CODE_SIGN:                                                                                         \
            BACKWARD_LOOP(half, true, PASS_SIGN)                                                                   \
            break;                                                                                                 \
        case BD_CODE_CLIP:                                                                                         \
            BACKWARD_LOOP(half, true, PASS_CLIP)                                                                   \
            break;                                                                                                 \
        }                                                                                                          \
        for (int lane = 0; lane < BLOCK; lane++) {                                                                 \
            level += levels[lane];                                                                                 \
        }                                                                                                          \
        *d_alpha = code->kind == BD_CODE_PACT ? level / n : level;                                                 \
    }

DEFINE_BACKWARD(backward_float, false)
DEFINE_BACKWARD(backward_half, true)

#define DEFINE_NORMALIZE(name, half)                                                                               \
    CLONES static void NAME(name)(const float *g_, const float *a_, const float *p_, const float *q_,              \
                                  const float *r_, int pixels, void *d_a, float *sum_)                             \
    {                                                                                                              \
        const vf *g = (const vf *)g_, *a = (const vf *)a_;                                                         \
        const vf p = *(const vf *)p_, q = *(const vf *)q_, r = *(const vf *)r_;                                    \
        vf *sum = (vf *)sum_;                                                                                      \
        if (!d_a) {                                                                                                \
            for (int i = 0; i < pixels; i++) {                                                                     \
                sum[i] += p * g[i] + q * a[i] + r;                                                                 \
            }                                                                                                      \
            return;                                                                                                \
        }                                                                                                          \
        for (int i = 0; i < pixels; i++) {                                                                         \
            vf d = p * g[i] + q * a[i] + r;                                                                        \
            STORE(d_a, i, half, d);                                                                                \
        }                                                                                                          \
    }

DEFINE_NORMALIZE(normalize_float, false)
DEFINE_NORMALIZE(normalize_half, true)

#undef vf
#undef vi
#undef vh
#undef ALL
#undef SELECT
#undef ADD_TO_DOUBLES
#undef LOAD
#undef STORE
#undef PACT_CODE
#undef FORWARD_LOOP
#undef DEFINE_FORWARD
#undef BACKWARD_LOOP
#undef PASS_PACT
#undef PASS_SIGN
#undef PASS_CLIP
#undef DEFINE_BACKWARD
#undef DEFINE_NORMALIZE

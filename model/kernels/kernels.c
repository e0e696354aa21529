/* Each call goes to the form of its loop for the widest registers that this processor has. */
#pragma GCC optimize("O3")

#include "model/kernels/kernels_parts.h"

static const struct bd_narrow_kernels *narrow(void)
{
    return __builtin_cpu_supports("avx2") ? &bd_kernels_avx2 : &bd_kernels_any;
}

static const struct bd_block_kernels *of(int block)
{
    if (block != 16) {
        return &narrow()->of_8;
    }
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512dq")) {
        return &narrow()->of_16;
    }
    return __builtin_cpu_supports("avx512bf16") ? &bd_kernels_wide_half : &bd_kernels_wide;
}

void bd_kernel_moments(const void *a, enum bd_number type, int pixels, int block, double *sums)
{
    of(block)->moments(a, type, pixels, sums);
}

void bd_kernel_forward(const struct bd_forward_slab *slab, int pixels, int block, const struct bd_code *code)
{
    of(block)->forward(slab, pixels, code);
}

void bd_kernel_backward(const struct bd_backward_slab *slab, int pixels, int block, const struct bd_code *code,
                        double *sums, double *d_alpha)
{
    of(block)->backward(slab, pixels, code, sums, d_alpha);
}

void bd_kernel_normalize_gradient(const struct bd_normalize_slab *slab, int pixels, int block)
{
    of(block)->normalize(slab, pixels);
}

void bd_kernel_widen(const uint8_t *bytes, int bias, size_t count, enum bd_number type, void *to)
{
    of(count % 16 ? 8 : 16)->widen(bytes, bias, count, type, to);
}

void bd_kernel_narrow(const float *from, size_t count, enum bd_number type, void *to)
{
    narrow()->narrow(from, count, type, to);
}

__attribute__((target_clones("avx2", "default"))) void bd_kernel_add_up(float *sums, int many, size_t stride,
                                                                        size_t count)
{
    for (int k = 1; k < many; k++) {
        const float *from = sums + k * stride;
        for (size_t i = 0; i < count; i++) {
            sums[i] += from[i];
        }
    }
}

#pragma GCC optimize("O2")
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")

#define ROUNDS 1
#define WIDE bd_kernels_wide_half
#include "model/kernels/kernels_wide.h"

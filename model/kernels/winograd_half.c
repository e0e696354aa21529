#pragma GCC optimize("O3")
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,fma")

#define HALF 1
#define NAME(name) bd_winograd_##name##_half
#include "model/kernels/winograd_passes.h"

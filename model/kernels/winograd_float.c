#pragma GCC optimize("O3")
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,fma")

#define HALF 0
#define NAME(name) bd_winograd_##name##_float
#include "model/kernels/winograd_passes.h"

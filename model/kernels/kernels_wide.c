#pragma GCC optimize("O2")
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq")

#define ROUNDS 0
#define WIDE bd_kernels_wide
#include "model/kernels/kernels_wide.h"

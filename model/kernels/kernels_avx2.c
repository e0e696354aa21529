#pragma GCC optimize("O3")
#pragma GCC target("avx2")

#define NARROW bd_kernels_avx2
#include "model/kernels/kernels_narrow.h"

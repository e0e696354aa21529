/* As fast as with -O3, and compiled in two thirds of the time. */
#pragma GCC optimize("O2", "peel-loops")
#pragma GCC target("avx2")

#define NARROW bd_kernels_avx2
#include "model/kernels/kernels_narrow.h"

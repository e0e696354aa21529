/* For processors without AVX2, of which there are few: GCC 12 would take half a minute with -O3. */
#pragma GCC optimize("O1")

#define NARROW bd_kernels_any
#include "model/kernels/kernels_narrow.h"

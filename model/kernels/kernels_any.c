/* For processors without AVX2, of which there are few: not 400 forms of the loops but one of each, whose constants are
 * arguments. */
#pragma GCC optimize("O1")

#define FORM static __attribute__((noinline))
#define NARROW bd_kernels_any
#include "model/kernels/kernels_narrow.h"

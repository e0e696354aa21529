/* The code of an accumulator value by the quantizer's definition, in long double. */
#ifndef BD_EXACT_CODE_H
#define BD_EXACT_CODE_H

#include <math.h>

#include "model/fold/requant.h"

/* At a tie the comparison with the edge decides. */
static inline int exact_code(const struct bd_affine *a, const struct bd_code_rule *rule, int64_t acc)
{
    const long double value = a->gain * (long double)acc + a->offset;
    if (rule->is_signed) {
        return value >= 0;
    }
    const int top = (1 << rule->bits) - 1;
    int code = (int)fmaxl(0, fminl(top, floorl(value / rule->step + 0.5L)));
    code += code < top && value >= rule->step * (code + 0.5L);
    code -= code > 0 && value < rule->step * (code - 0.5L);
    return code;
}

#endif

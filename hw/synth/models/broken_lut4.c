/* Which LUT is broken (broken_lut4.sv): the environment variable BROKEN_LUT; 0: none. */
#include <stdlib.h>

int bitdial_broken_lut(void);

int bitdial_broken_lut(void)
{
    const char *text = getenv("BROKEN_LUT");
    return text ? atoi(text) : 0;
}

/* What libFuzzer calls; TARGET by -D. */
#include "tests/fuzz/fuzz.h"

#define JOIN(a, b) a##b
#define ENTRY(target) JOIN(fuzz_, target)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ENTRY(TARGET)(data, size);
    return 0;
}

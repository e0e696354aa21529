#include "model/core/choice.h"

#include <string.h>

int bd_choice(const char *choices, const char *value)
{
    size_t length = strlen(value);
    for (int index = 0;; index++) {
        size_t here = strcspn(choices, "|");
        if (here == length && !strncmp(choices, value, length)) {
            return index;
        }
        if (!choices[here]) {
            return -1;
        }
        choices += here + 1;
    }
}

#include "model/core/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"

/* Bytes of the character that begins at `at` (Unicode 15, table 3-7: no overlong forms, no surrogates), or 0. */
static size_t character(const unsigned char *at)
{
    unsigned char lead = at[0], low = 0x80, high = 0xBF;
    size_t length = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
    low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : low;
    high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : high;
    for (size_t i = 1; i < length; i++) {
        if (at[i] < low || at[i] > high) { /* the end of the text too */
            return 0;
        }
        low = 0x80;
        high = 0xBF;
    }
    return length;
}

char *bd_utf8(const char *text)
{
    const unsigned char *from = (const unsigned char *)text;
    char *result = bd_xmalloc(4 * strlen(text) + 1), *to = result;
    while (*from) {
        size_t length = character(from);
        if (length) {
            memcpy(to, from, length);
            to += length;
            from += length;
        } else {
            to += sprintf(to, "\\x%02x", *from++);
        }
    }
    *to = 0;
    return result;
}

json_t *bd_json_text(const char *text)
{
    if (!text) {
        return json_null();
    }
    char *valid = bd_utf8(text);
    json_t *string = json_string(valid);
    free(valid);
    return string;
}

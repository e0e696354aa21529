/* Text of any bytes as JSON. What is valid is decided here by mbrtowc in a UTF-8 locale, not by the code under test. */
#include <criterion/criterion.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "model/core/json.h"
#include "model/core/rng.h"

Test(core_json, escapes_each_byte_that_is_not_utf8)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"plain \\ \"text\"\n", "plain \\ \"text\"\n"},
        {"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\xff", "\\xff"},
        {"a\xc3", "a\\xc3"},
        {"\xc3(", "\\xc3("},
        {"\xe2\x82z", "\\xe2\\x82z"},
        {"\xc0\x80", "\\xc0\\x80"},                  /* overlong */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},         /* half a surrogate pair */
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"} /* above U+10FFFF */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = bd_utf8(cases[i][0]);
        cr_assert_str_eq(text, cases[i][1], "case %zu: %s", i, text);
        free(text);
    }
}

Test(core_json, any_bytes_give_text_that_jansson_takes_and_valid_text_stays)
{
    struct bd_rng rng;
    int kept = 0, escaped = 0;
    cr_assert(setlocale(LC_CTYPE, "C.UTF-8"), "the locale C.UTF-8 is missing");
    bd_rng_seed(&rng, 5);
    for (int round = 0; round < 20000; round++) {
        char bytes[5] = "";
        for (int i = 0; i < 4; i++) { /* leads and continuations are likely */
            bytes[i] = (char)(bd_rng_below(&rng, 4) ? 0x80 + bd_rng_below(&rng, 128) : 1 + bd_rng_below(&rng, 127));
        }
        mbstate_t state = {0};
        const char *at = bytes;
        wchar_t wide[5] = L"";
        bool valid = mbsrtowcs(wide, &at, 5, &state) != (size_t)-1;
        for (int i = 0; i < 4; i++) { /* glibc reads more than Unicode has */
            valid = valid && wide[i] <= 0x10FFFF;
        }
        char *text = bd_utf8(bytes);
        json_t *string = bd_json_text(bytes);
        cr_assert(string && !strcmp(json_string_value(string), text));
        cr_assert_eq(valid, !strcmp(text, bytes), "%02x %02x %02x %02x", bytes[0] & 255, bytes[1] & 255, bytes[2] & 255,
                     bytes[3] & 255);
        kept += valid;
        escaped += !valid;
        json_decref(string);
        free(text);
    }
    cr_assert(kept > 100 && escaped > 100, "%d kept, %d escaped", kept, escaped);
    json_t *none = bd_json_text(NULL);
    cr_assert(json_is_null(none));
    json_decref(none);
}

/* Values of "one|other": whole words alone, the first, the last, and none. */
#include <criterion/criterion.h>

#include "model/core/choice.h"

Test(core_choice, only_whole_words_are_found)
{
    static const struct {
        const char *choices, *value;
        int place;
    } cases[] = {
        {"one|other", "one", 0}, {"one|other", "other", 1},      {"one|other", "oth", -1}, {"one|other", "ones", -1},
        {"one|other", "", -1},   {"one|other", "one|other", -1}, {"one", "one", 0},        {"on|one", "one", 1},
        {"one|on", "on", 1},     {"one|other|third", "third", 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_eq(bd_choice(cases[i].choices, cases[i].value), cases[i].place, "'%s' in '%s'", cases[i].value,
                     cases[i].choices);
    }
}

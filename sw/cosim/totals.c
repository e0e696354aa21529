/* Totals of a co-simulation: added up, judged, and as the record that a part of a run prints. */
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "model/core/json.h"
#include "sw/cosim/parts.h"

/* Every count that adds up. */
static const struct {
    const char *name;
    size_t at;
} sums[] = {
#define SUM(name)                                                                                                      \
    {                                                                                                                  \
#name, offsetof(struct bd_cosim_totals, name)                                                                  \
    }
    SUM(images),      SUM(mismatches),      SUM(cycle_mismatches), SUM(untimed),     SUM(loads),
    SUM(load_cycles), SUM(queue_checked),   SUM(queue_different),  SUM(stray_bytes), SUM(violations),
    SUM(clocks),      SUM(run_nanoseconds), SUM(binary_macs),      SUM(networks),    SUM(layers),
#undef SUM
};
enum { SUMS = sizeof sums / sizeof *sums, OF_SWITCH = sizeof(struct bd_cosim_switch) / sizeof(uint64_t) };
_Static_assert(OF_SWITCH == 7, "a switch's counts are 64-bit numbers");

static uint64_t *sum_at(const struct bd_cosim_totals *t, size_t i)
{
    return (uint64_t *)((char *)t + sums[i].at);
}

static uint64_t *switch_at(const struct bd_cosim_totals *t, size_t s)
{
    return (uint64_t *)&t->at[s];
}

void bd_cosim_merge(struct bd_cosim_totals *to, const struct bd_cosim_totals *from)
{
    for (size_t i = 0; i < SUMS; i++) {
        *sum_at(to, i) += *sum_at(from, i);
    }
    to->bytes_load = from->bytes_load > to->bytes_load ? from->bytes_load : to->bytes_load;
    to->bytes_min =
        to->bytes_max == 0 || (from->bytes_max && from->bytes_min < to->bytes_min) ? from->bytes_min : to->bytes_min;
    to->bytes_max = from->bytes_max > to->bytes_max ? from->bytes_max : to->bytes_max;
    to->shared |= from->shared;
    to->broken |= from->broken;
    to->unstored |= from->unstored;
    for (int l = 0; l < BD_PROGRAM_MAX_LAYERS; l++) {
        to->layer_mismatches[l] += from->layer_mismatches[l];
    }
    for (size_t s = 0; s < BD_PROGRAM_MAX_SWITCHES; s++) {
        for (int i = 0; i < OF_SWITCH; i++) {
            switch_at(to, s)[i] += switch_at(from, s)[i];
        }
    }
    if (!to->first[0]) {
        memcpy(to->first, from->first, sizeof to->first);
    }
    if (!to->first_cycles[0]) {
        memcpy(to->first_cycles, from->first_cycles, sizeof to->first_cycles);
    }
}

bd_status bd_cosim_judge(const struct bd_cosim_totals *t, struct bd_error *err)
{
    if (t->first[0] || t->first_cycles[0]) {
        return bd_fail(err, BD_FAIL, "%.1000s", t->first[0] ? t->first : t->first_cycles);
    }
    if (t->violations) {
        return bd_fail(err, BD_FAIL, "%" PRIu64 " writes into the sealed program", t->violations);
    }
    if (t->stray_bytes) {
        return bd_fail(err, BD_FAIL,
                       "%" PRIu64 " bytes that are neither image nor registers were written after loading",
                       t->stray_bytes);
    }
    return BD_OK;
}

/* ---- records ---- */

static json_t *numbers(const uint64_t *list, size_t count)
{
    json_t *array = json_array();
    while (count > 0 && list[count - 1] == 0) {
        count--;
    }
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(array, json_integer((json_int_t)list[i]));
    }
    return array;
}

json_t *bd_cosim_record(const struct bd_cosim_totals *t, const char *failure)
{
    json_t *counts = json_object(), *switches = json_array();
    for (size_t i = 0; i < SUMS; i++) {
        json_object_set_new(counts, sums[i].name, json_integer((json_int_t)*sum_at(t, i)));
    }
    for (size_t s = 0; s < BD_PROGRAM_MAX_SWITCHES; s++) {
        json_array_append_new(switches, numbers(switch_at(t, s), OF_SWITCH));
    }
    const uint64_t bytes[] = {t->bytes_load, t->bytes_min, t->bytes_max};
    return json_pack("{s:o, s:o, s:o, s:o, s:b, s:b, s:b, s:o, s:o, s:o}", "counts", counts, "switches", switches,
                     "layer_mismatches", numbers(t->layer_mismatches, BD_PROGRAM_MAX_LAYERS), "bytes",
                     numbers(bytes, 3), "shared", t->shared, "broken", t->broken, "unstored", t->unstored, "first",
                     bd_json_text(t->first), "first_cycles", bd_json_text(t->first_cycles), "failure",
                     failure ? bd_json_text(failure) : json_null());
}

/* False where it is no list of at most `count` numbers. */
static bool read_numbers(const json_t *array, uint64_t *list, size_t count)
{
    const json_t *value;
    size_t i;
    if (!json_is_array(array) || json_array_size(array) > count) {
        return false;
    }
    json_array_foreach((json_t *)array, i, value)
    {
        if (!json_is_integer(value)) {
            return false;
        }
        list[i] = (uint64_t)json_integer_value(value);
    }
    return true;
}

static bool read_text(const json_t *text, char *to, size_t size)
{
    if (!json_is_string(text) || json_string_length(text) >= size) {
        return false;
    }
    memcpy(to, json_string_value(text), json_string_length(text) + 1);
    return true;
}

static bool read_flag(const json_t *flag, bool *to)
{
    *to = json_is_true(flag);
    return json_is_boolean(flag);
}

bd_status bd_cosim_record_read(const json_t *record, struct bd_cosim_totals *t, struct bd_error *err)
{
    const json_t *counts = json_object_get(record, "counts"), *switches = json_object_get(record, "switches"),
                 *failure = json_object_get(record, "failure");
    uint64_t bytes[3] = {0};
    *t = (struct bd_cosim_totals){0};
    bool fine = json_array_size(switches) == BD_PROGRAM_MAX_SWITCHES;
    for (size_t i = 0; i < SUMS; i++) {
        const json_t *value = json_object_get(counts, sums[i].name);
        *sum_at(t, i) = (uint64_t)json_integer_value(value);
        fine = fine && json_is_integer(value);
    }
    for (size_t s = 0; s < BD_PROGRAM_MAX_SWITCHES && fine; s++) {
        fine = read_numbers(json_array_get(switches, s), switch_at(t, s), OF_SWITCH);
    }
    fine =
        fine && read_numbers(json_object_get(record, "layer_mismatches"), t->layer_mismatches, BD_PROGRAM_MAX_LAYERS);
    fine = fine && read_numbers(json_object_get(record, "bytes"), bytes, 3);
    fine = fine && read_flag(json_object_get(record, "shared"), &t->shared);
    fine = fine && read_flag(json_object_get(record, "broken"), &t->broken);
    fine = fine && read_flag(json_object_get(record, "unstored"), &t->unstored);
    fine = fine && read_text(json_object_get(record, "first"), t->first, sizeof t->first);
    fine = fine && read_text(json_object_get(record, "first_cycles"), t->first_cycles, sizeof t->first_cycles);
    fine = fine && (t->broken ? json_is_string(failure) : failure != NULL);
    t->bytes_load = bytes[0], t->bytes_min = bytes[1], t->bytes_max = bytes[2];
    return fine ? BD_OK : bd_fail(err, BD_BAD_INPUT, "it is no record of a co-simulation");
}

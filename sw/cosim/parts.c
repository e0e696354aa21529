#include "sw/cosim/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"

static const char prefix[] = "part";

static uint32_t begin_of(const struct bd_cosim_parts *p, uint32_t part)
{
    return (uint32_t)((uint64_t)p->options->count * part / p->count);
}

static bd_status add_part(const struct bd_cosim_parts *p, uint32_t part, struct bd_runs_plan *plan,
                          struct bd_error *err)
{
    const struct bd_cosim_options *o = p->options;
    const uint32_t from = begin_of(p, part), count = begin_of(p, part + 1) - from;
    const char *files[] = {o->session.hardware_path, o->path, p->input}, *inputs[4] = {NULL};
    char name[32], **argv = bd_cosim_part_arguments(o, p->program, from, count);
    size_t used = 0;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (files[i]) {
            inputs[used++] = files[i];
        }
    }
    snprintf(name, sizeof name, "%s%05u", prefix, part);
    const struct bd_runs_point point = {
        .name = name, .argv = (const char *const *)argv, .inputs = inputs, .weight = (double)count};
    bd_status status = bd_runs_plan_add(plan, &point, err);
    for (char **word = argv; *word; word++) {
        free(*word);
    }
    free(argv);
    return status;
}

bd_status bd_cosim_plan(struct bd_cosim_parts *p, struct bd_runs_plan *plan, struct bd_error *err)
{
    bd_status status = BD_OK;
    p->totals = bd_xcalloc(p->count, sizeof(struct bd_cosim_totals *));
    for (uint32_t part = 0; part < p->count && !status; part++) {
        status = add_part(p, part, plan, err);
    }
    return status;
}

bd_status bd_cosim_on_result(void *parts, const struct bd_runs_point *point, enum bd_runs_state state,
                             const json_t *result, struct bd_error *err)
{
    struct bd_cosim_parts *p = parts;
    const unsigned long part = strtoul(point->name + strlen(prefix), NULL, 10);
    const json_t *record = json_object_get(result, "output"), *code = json_object_get(result, "exit");
    if (part >= p->count) {
        return bd_fail(err, BD_BAD_INPUT, "'%s' is no part of this run", point->name);
    }
    if ((state != BD_RUNS_DONE && state != BD_RUNS_FAILED) || !json_is_object(record)) {
        const bool bad_input = json_is_integer(code) && json_integer_value(code) == BD_BAD_INPUT;
        return bd_fail(err, bad_input ? BD_BAD_INPUT : BD_INFRA, "%s: %s", point->name,
                       state == BD_RUNS_DONE ? "it printed no record"
                                             : json_string_value(json_object_get(result, "cause")));
    }
    struct bd_cosim_totals *totals = bd_xcalloc(1, sizeof *totals);
    bd_status status = bd_cosim_record_read(record, totals, err);
    if (status) {
        free(totals);
        return bd_fail_prefix(err, "%s", point->name);
    }
    free(p->totals[part]);
    p->totals[part] = totals;
    return totals->broken ? bd_fail(err, BD_FAIL, "%.1400s", json_string_value(json_object_get(record, "failure")))
                          : BD_OK;
}

void bd_cosim_sum(const struct bd_cosim_parts *p, struct bd_cosim_totals *sum)
{
    *sum = (struct bd_cosim_totals){0};
    for (uint32_t part = 0; part < p->count; part++) {
        if (p->totals[part]) {
            bd_cosim_merge(sum, p->totals[part]);
        }
    }
}

void bd_cosim_parts_release(struct bd_cosim_parts *p)
{
    for (uint32_t part = 0; p->totals && part < p->count; part++) {
        free(p->totals[part]);
    }
    free(p->totals);
    p->totals = NULL;
}

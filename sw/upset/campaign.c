#include "sw/upset/campaign.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"

enum { ARGUMENTS = 30, NUMBERS = 7, NUMBER = 24 };

/* Puts an option with a number, whose text stands in the allocation behind the pointers. */
static int put_number(char **argv, int n, char **text, const char *option, uint64_t value)
{
    argv[n++] = (char *)option;
    argv[n++] = *text;
    snprintf(*text, NUMBER, "%" PRIu64, value);
    *text += NUMBER;
    return n;
}

char **bd_upset_arguments(const struct bd_upset_campaign *c, unsigned switch_index, enum bd_upset_class owner,
                          uint64_t from, uint64_t count, const char *trace)
{
    char **argv = bd_xcalloc(1, ARGUMENTS * sizeof *argv + (size_t)NUMBERS * NUMBER);
    char *text = (char *)(argv + ARGUMENTS);
    const char *const fixed[] = {c->injector,
                                 "--hardware",
                                 c->hardware,
                                 "--program",
                                 c->program,
                                 "--images",
                                 c->images,
                                 "--switch",
                                 c->switches[switch_index],
                                 "--class",
                                 bd_upset_class_names[owner]};
    int n = sizeof fixed / sizeof *fixed;
    memcpy(argv, fixed, sizeof fixed);
    n = put_number(argv, n, &text, "--seed", c->seed);
    n = put_number(argv, n, &text, "--image", from / BD_UPSET_CHUNK % c->image_count);
    n = put_number(argv, n, &text, "--from", from);
    n = put_number(argv, n, &text, "--count", count);
    if (c->watchdog) {
        n = put_number(argv, n, &text, "--watchdog", c->watchdog);
    }
    if (c->host_limit) {
        n = put_number(argv, n, &text, "--host-limit", c->host_limit);
    }
    if (c->check) {
        n = put_number(argv, n, &text, "--check", c->check);
    }
    if (c->all) {
        argv[n++] = "--over";
        argv[n++] = "all";
    }
    if (c->full) {
        argv[n++] = "--full";
    }
    if (trace) {
        argv[n++] = "--trace";
        argv[n] = (char *)trace;
    }
    return argv;
}

static char *point_name(const char *switch_name, enum bd_upset_class owner, uint64_t from)
{
    return bd_asprintf("%s.%s.%06" PRIu64, switch_name, bd_upset_class_names[owner], from);
}

bd_status bd_upset_plan(const struct bd_upset_campaign *c, struct bd_runs_plan *plan, struct bd_error *err)
{
    const char *const inputs[] = {c->program, c->hardware, c->images, c->injector, NULL};
    bd_status status = BD_OK;
    for (unsigned s = 0; s < c->switch_count; s++) {
        for (int o = 0; o < BD_UPSET_CLASS_COUNT; o++) {
            for (uint64_t from = 0; c->class[o] && from < c->injections && !status; from += BD_UPSET_CHUNK) {
                const uint64_t left = c->injections - from, count = left < BD_UPSET_CHUNK ? left : BD_UPSET_CHUNK;
                char **argv = bd_upset_arguments(c, s, o, from, count, NULL);
                char *name = point_name(c->switches[s], o, from);
                const char *const environment[] = {"OMP_NUM_THREADS=1", NULL};
                const struct bd_runs_point point = {.name = name,
                                                    .argv = (const char *const *)argv,
                                                    .environment = environment,
                                                    .inputs = inputs,
                                                    .time_limit = 7200,
                                                    .weight = (double)count};
                status = bd_runs_plan_add(plan, &point, err);
                free(name);
                free(argv);
            }
        }
    }
    return status;
}

char *bd_upset_repeat(const struct bd_upset_campaign *c, const char *switch_name, const char *owner, uint64_t k)
{
    char *number[] = {bd_asprintf("%" PRIu64, c->seed), bd_asprintf("%" PRIu64, k), bd_asprintf("%u", c->image_count),
                      bd_asprintf("%" PRIu64, c->watchdog), bd_asprintf("%" PRIu64, c->host_limit)};
    const char *argv[32] = {"bitdial",    "upset",     c->program,  "--hardware", c->hardware,
                            "--switches", switch_name, "--classes", owner,        "--seed",
                            number[0],    "--images",  number[2],   "--only",     number[1]};
    int n = 15;
    if (c->watchdog) {
        argv[n++] = "--watchdog";
        argv[n++] = number[3];
    }
    if (c->all) {
        argv[n++] = "--over";
        argv[n++] = "all";
    }
    if (c->host_limit) {
        argv[n++] = "--host-limit";
        argv[n++] = number[4];
    }
    for (unsigned i = 0; i < c->image_word_count; i++) {
        argv[n++] = c->image_words[i];
    }
    char *line = bd_runs_shell_line(NULL, argv);
    for (size_t i = 0; i < sizeof number / sizeof *number; i++) {
        free(number[i]);
    }
    return line;
}

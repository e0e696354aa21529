/* The list of runs: what there is to train, and what each run waits for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/compare/compare.h"
#include "model/core/memory.h"

/* A network is an arm of a variant at a switch: its pilots, then its runs. */
struct network {
    enum bd_arm arm;
    int variant, switch_index;
    char name[128];
    int teacher_first; /* run of the first seed that teaches, or -1; other seeds follow it */
};

static struct bd_compare_run *add_run(struct bd_comparison *c, const struct network *n)
{
    c->runs = bd_xrealloc(c->runs, c->run_count + 1, sizeof *c->runs);
    struct bd_compare_run *run = &c->runs[c->run_count++];
    *run = (struct bd_compare_run){.arm = n->arm,
                                   .variant = n->variant,
                                   .switch_index = n->switch_index,
                                   .seed = 1,
                                   .rate = -1,
                                   .first_pilot = -1,
                                   .teacher = n->teacher_first};
    return run;
}

/* Returns the index of the run of the first seed. */
static int add_network(struct bd_comparison *c, const struct network *n)
{
    int first_pilot = c->rate_count > 1 ? c->run_count : -1;
    for (int r = 0; r < c->rate_count && c->rate_count > 1; r++) {
        struct bd_compare_run *pilot = add_run(c, n);
        pilot->rate = r;
        snprintf(pilot->id, sizeof pilot->id, "%s.pilot%d", n->name, r + 1);
    }
    int first = c->run_count;
    for (int64_t seed = 1; seed <= c->config.seeds; seed++) {
        struct bd_compare_run *run = add_run(c, n);
        run->seed = seed;
        run->rate = c->rate_count > 1 ? -1 : 0;
        run->first_pilot = first_pilot;
        run->teacher = n->teacher_first < 0 ? -1 : n->teacher_first + (int)(seed - 1);
        snprintf(run->id, sizeof run->id, "%s.seed%d", n->name, (int)seed);
    }
    return first;
}

static void add_taught(struct bd_comparison *c, int variant, const int *independent)
{
    const struct bd_variant *v = &c->variants[variant];
    const struct bd_graph *graph = &c->networks[v->network];
    for (int s = 1; s < graph->switch_count && v->teacher != BD_TEACHER_LABELS; s++) {
        struct network n = {.arm = BD_ARM_TAUGHT,
                            .variant = variant,
                            .switch_index = s,
                            .teacher_first = independent[v->teacher == BD_TEACHER_TOP ? 0 : s - 1]};
        snprintf(n.name, sizeof n.name, "taught.%s.%s", v->name, graph->switches[s].name);
        add_network(c, &n);
    }
}

/* The independent networks of a family serve every variant of it. */
void bd_comparison_make_runs(struct bd_comparison *c)
{
    for (int network = 0; network < c->network_count; network++) {
        const struct bd_graph *graph = &c->networks[network];
        int independent[BD_MAX_SWITCHES], first = 0;
        while (c->variants[first].network != network) {
            first++;
        }
        bool extra = c->variants[first].extra; /* its other switches are those of the first network */
        for (int s = 0; s < graph->switch_count && c->arms >> BD_ARM_INDEPENDENT & 1 && !extra; s++) {
            struct network n = {.arm = BD_ARM_INDEPENDENT, .variant = first, .switch_index = s, .teacher_first = -1};
            snprintf(n.name, sizeof n.name, "independent.%s.%s",
                     c->variants[first].family < 0 ? "own" : c->families[c->variants[first].family],
                     graph->switches[s].name);
            independent[s] = add_network(c, &n);
        }
        for (int v = first; v < c->variant_count; v++) {
            if (c->variants[v].network != network) {
                continue;
            }
            struct network n = {.arm = BD_ARM_SHARED, .variant = v, .switch_index = -1, .teacher_first = -1};
            snprintf(n.name, sizeof n.name, "shared.%s", c->variants[v].name);
            if (c->arms >> BD_ARM_SHARED & 1) {
                add_network(c, &n);
            }
            if (c->arms >> BD_ARM_TAUGHT & 1 && !c->variants[v].extra) {
                add_taught(c, v, independent);
            }
        }
    }
}

struct bd_compare_run *bd_comparison_find(const struct bd_comparison *c, const char *id)
{
    for (int i = 0; i < c->run_count; i++) {
        if (!strcmp(c->runs[i].id, id)) {
            return &c->runs[i];
        }
    }
    return NULL;
}

bd_status bd_comparison_take(struct bd_comparison *c, const json_t *record, struct bd_error *err)
{
    const char *id = json_string_value(json_object_get(record, "run"));
    struct bd_compare_run *run = id ? bd_comparison_find(c, id) : NULL;
    if (!run || !json_is_object(json_object_get(record, "validation"))) {
        return bd_fail(err, BD_BAD_INPUT, "the record of '%s' is none of this comparison", id ? id : "?");
    }
    json_decref(run->result);
    run->result = json_deep_copy(record);
    return BD_OK;
}

bool bd_comparison_ready(const struct bd_comparison *c, const struct bd_compare_run *run)
{
    bool ready = run->teacher < 0 || c->runs[run->teacher].result;
    for (int r = 0; r < c->rate_count && run->first_pilot >= 0; r++) {
        ready = ready && c->runs[run->first_pilot + r].result;
    }
    return ready;
}

/* Mean validation accuracy over the switches of a finished run. */
static double validation_mean(const struct bd_compare_run *run)
{
    const char *key;
    json_t *value, *all = json_object_get(run->result, "validation");
    double sum = 0;
    json_object_foreach(all, key, value)
    {
        sum += json_number_value(value);
    }
    return sum / json_object_size(all);
}

double bd_comparison_rate(const struct bd_comparison *c, const struct bd_compare_run *run)
{
    if (run->rate >= 0) {
        return c->rates[run->rate];
    }
    int best = 0; /* of equals the first */
    for (int r = 1; r < c->rate_count; r++) {
        const struct bd_compare_run *pilots = &c->runs[run->first_pilot];
        best = validation_mean(&pilots[r]) > validation_mean(&pilots[best]) ? r : best;
    }
    return c->rates[best];
}

bool bd_comparison_is_pilot(const struct bd_comparison *c, const struct bd_compare_run *run)
{
    return c->rate_count > 1 && run->rate >= 0;
}

int64_t bd_comparison_steps(const struct bd_comparison *c, const struct bd_compare_run *run, int64_t images)
{
    const struct bd_compare_config *config = &c->config;
    const struct bd_train_plan *plan = &config->train.plan;
    bool pilot = bd_comparison_is_pilot(c, run);
    int64_t steps = pilot ? config->pilot_steps : plan->steps, epochs = pilot ? config->pilot_epochs : plan->epochs;
    return steps ? steps : epochs * (images / plan->batch);
}

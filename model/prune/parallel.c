#include "model/prune/parallel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/prune/cut.h"

char *bd_prune_runs_folder(const struct bd_prune_run *run)
{
    return bd_asprintf("%s.runs", run->config.journal);
}

long bd_prune_proposal_of(const struct bd_prune_parallel *p, const char *point)
{
    char *end;
    const long number = point[0] == 'e' ? strtol(point + 1, &end, 10) - 1 : -1;
    return number >= 0 && !*end && (size_t)number < p->run->search.asked ? number : -1;
}

/* ---- what a worker tells ---- */

json_t *bd_prune_result(const struct bd_prune_run *run, const double *accuracy)
{
    const struct bd_graph *graph = &run->base.graph;
    json_t *by_switch = json_object();
    for (int s = 0; s < graph->switch_count; s++) {
        if (!run->objective || run->objective >> s & 1) {
            json_object_set_new(by_switch, graph->switches[s].name, json_real(accuracy[s]));
        }
    }
    return json_pack("{s:o}", "accuracy", by_switch);
}

static bool read_result(const struct bd_prune_run *run, const json_t *result, double accuracy[BD_MAX_SWITCHES])
{
    const struct bd_graph *graph = &run->base.graph;
    const json_t *by_switch = json_object_get(result, "accuracy");
    bool fine = json_is_object(by_switch);
    for (int s = 0; s < graph->switch_count; s++) {
        const json_t *value = json_object_get(by_switch, graph->switches[s].name);
        accuracy[s] = json_number_value(value);
        fine = fine && (json_is_number(value) || (run->objective && !(run->objective >> s & 1)));
    }
    return fine;
}

bd_status bd_prune_on_result(void *parallel, const struct bd_runs_point *point, enum bd_runs_state state,
                             const json_t *result, struct bd_error *err)
{
    struct bd_prune_parallel *p = parallel;
    double accuracy[BD_MAX_SWITCHES];
    const long number = bd_prune_proposal_of(p, point->name);
    const json_t *output = json_object_get(result, "output");
    if (state != BD_RUNS_DONE) {
        const bool failed = state == BD_RUNS_FAILED && json_integer_value(json_object_get(result, "exit")) == 2;
        return bd_fail(err, failed ? BD_BAD_INPUT : BD_INFRA, "evaluation %ld: %s", number + 1,
                       json_string_value(json_object_get(result, "cause")));
    }
    if (number < 0 || !read_result(p->run, output, accuracy)) {
        return bd_fail(err, BD_INFRA, "evaluation '%s' printed no accuracy", point->name);
    }
    json_decref(p->results[number]);
    p->results[number] = json_deep_copy(output);
    return BD_OK;
}

/* ---- what is to be done ---- */

static bd_status add(struct bd_prune_parallel *p, struct bd_runs_plan *plan, size_t number, struct bd_error *err)
{
    const struct bd_prune_run *run = p->run;
    int channels[BD_MAX_LAYERS];
    char name[32], *list = bd_xstrdup(""), *threads = bd_asprintf("OMP_NUM_THREADS=%d", p->threads);
    size_t count = 0;
    bd_prune_channels(run, run->proposals[number].point, channels);
    for (int g = 0; g < run->base.graph.prune_group_count; g++) {
        char *longer = bd_asprintf("%s%s%d", list, g ? "," : "", channels[g]);
        free(list);
        list = longer;
    }
    while (p->worker[count]) {
        count++;
    }
    const char **argv = bd_xcalloc(count + 2, sizeof *argv);
    memcpy(argv, p->worker, count * sizeof *argv);
    argv[count] = list;
    snprintf(name, sizeof name, "e%05zu", number + 1);
    const struct bd_runs_point point = {
        .name = name,
        .argv = argv,
        .environment = (const char *const[]){threads, "OMP_WAIT_POLICY=passive", NULL},
        .identity = list, /* all else that decides it is in the plan's head */
    };
    bd_status status = bd_runs_plan_add(plan, &point, err);
    free(argv);
    free(list);
    free(threads);
    return status;
}

static bd_status ask(struct bd_prune_parallel *p, struct bd_runs_plan *plan, struct bd_error *err)
{
    struct bd_prune_run *run = p->run;
    bd_status status = bd_prune_ask(run, err);
    if (status == BD_FAIL && run->search.asked > 0) {
        p->all_asked = true; /* what is pending is still measured */
        return BD_OK;
    }
    if (status) {
        return status;
    }
    p->results = bd_xrealloc(p->results, run->search.asked, sizeof(json_t *));
    p->results[run->search.asked - 1] = NULL;
    return add(p, plan, run->search.asked - 1, err);
}

/* What the journal has asked for and not been told. */
static bd_status begin(struct bd_prune_parallel *p, struct bd_runs_plan *plan, struct bd_error *err)
{
    const struct bd_search *search = &p->run->search;
    bd_status status = BD_OK;
    p->begun = true;
    p->results = bd_xcalloc(search->asked ? search->asked : 1, sizeof(json_t *));
    for (size_t i = search->count; i < search->asked && !status; i++) {
        status = add(p, plan, i, err);
    }
    return status;
}

bd_status bd_prune_more(void *parallel, struct bd_runs_plan *plan, struct bd_error *err)
{
    struct bd_prune_parallel *p = parallel;
    struct bd_search *search = &p->run->search;
    const size_t most = (size_t)p->run->config.evaluations, jobs = (size_t)p->run->config.jobs;
    bd_status status = p->begun ? BD_OK : begin(p, plan, err);
    while (!status) {
        double accuracy[BD_MAX_SWITCHES];
        if (search->asked < most && search->asked - search->count < jobs && !p->all_asked) {
            status = ask(p, plan, err);
        } else if (search->count < search->asked && read_result(p->run, p->results[search->count], accuracy)) {
            status = bd_prune_tell(p->run, search->count, accuracy, err);
        } else {
            break;
        }
    }
    return status;
}

void bd_prune_parallel_release(struct bd_prune_parallel *p)
{
    for (size_t i = 0; p->results && i < p->run->search.asked; i++) {
        json_decref(p->results[i]);
    }
    free(p->results);
}

/* The search of `bitdial prune`. */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/core/clock.h"
#include "model/core/memory.h"
#include "model/prune/parallel.h"
#include "sw/cli/prune_session.h"
#include "sw/cli/report.h"
#include "sw/cli/runs_options.h"

/* ---- one after another ---- */

/* "channels 8,16 | 15289 cycles (0.517) | 16.70 % (forecast 17.0 +- 0.4)"; malloc'd. */
static char *describe_point(const struct bd_prune_run *run, const double *point, double cycles, double value,
                            struct bd_prune_forecast forecast)
{
    int channels[BD_MAX_LAYERS];
    char *text = bd_xstrdup("channels ");
    bd_prune_channels(run, point, channels);
    for (int g = 0; g < run->base.graph.prune_group_count; g++) {
        char *longer = bd_asprintf("%s%s%d", text, g ? "," : "", channels[g]);
        free(text);
        text = longer;
    }
    char *seen =
        isnan(forecast.sd) ? bd_xstrdup("") : bd_asprintf(" (forecast %.2f +- %.2f)", forecast.mean, forecast.sd);
    char *all = bd_asprintf("%s | %.0f cycles (%.3f) | %.2f %%%s", text, cycles, cycles / (double)run->base_cycles,
                            value, seen);
    free(seen);
    free(text);
    return all;
}

static void show_evaluation(const struct bd_prune_run *run, double seconds, double mean_seconds)
{
    const struct bd_search *search = &run->search;
    const size_t at = search->count - 1;
    const struct bd_observation *last = &search->observations[at];
    char *text = describe_point(run, last->point, last->cost, last->value[0], run->forecasts[at]);
    const double left = mean_seconds * (double)(run->config.evaluations - (int64_t)search->count);
    fprintf(stderr, "evaluation %zu/%" PRId64 ": %s | best %.2f %% | %.1f s", search->count, run->config.evaluations,
            text, search->observations[bd_search_best(search)].value[0], seconds);
    if (left > 0) {
        fprintf(stderr, left < 100 ? ", about %.0f s left" : ", about %.0f min left", left < 100 ? left : left / 60);
    }
    fputc('\n', stderr);
    free(text);
}

static bd_status step_by_step(struct bd_prune_run *run, struct bd_error *err)
{
    const double began = bd_seconds(CLOCK_MONOTONIC);
    bd_status status = BD_OK;
    while (status == BD_OK && run->search.count < (size_t)run->config.evaluations) {
        const double start = bd_seconds(CLOCK_MONOTONIC);
        status = bd_prune_step(run, err);
        if (status == BD_FAIL && run->search.count > 0) { /* the grid is used up: the best stands */
            fprintf(stderr, "%s\n", err->message);
            return BD_OK;
        }
        if (status == BD_OK) {
            const double end = bd_seconds(CLOCK_MONOTONIC);
            show_evaluation(run, end - start, (end - began) / (double)(run->search.count - run->resumed));
        }
    }
    return status;
}

/* ---- side by side ---- */

static char *describe_event(void *user, const struct bd_runs_event *event)
{
    const struct bd_prune_parallel *p = user;
    const long number = bd_prune_proposal_of(p, event->point->name);
    const json_t *accuracy = json_object_get(json_object_get(event->result, "output"), "accuracy");
    const char *name;
    json_t *value;
    double sum = 0, least = HUGE_VAL;
    if (number < 0 || !json_object_size(accuracy)) {
        return NULL;
    }
    json_object_foreach((json_t *)accuracy, name, value)
    {
        sum += 100 * json_number_value(value);
        least = fmin(least, 100 * json_number_value(value));
    }
    const struct bd_prune_proposal *proposal = &p->run->proposals[number];
    const struct bd_search_config *config = &p->run->search.config;
    return describe_point(p->run, proposal->point, config->cost(config->context, proposal->point),
                          p->run->config.worst ? least : sum / (double)json_object_size(accuracy), proposal->forecast);
}

/* What a worker is started with, but for its channels; ended by NULL. */
static const char *const *worker_argv(const struct bd_prune_session *session, const char *program, const char *orders,
                                      const char *words[16])
{
    const struct bd_prune_options *o = &session->options;
    const struct bd_data_spec *data = &o->images.source.data;
    const char *const pairs[][2] = {{"--checkpoint", o->checkpoint},
                                    {"--data", data->folder},
                                    {"--kind", data->kind == BD_DATA_ANY ? NULL : bd_data_about(data->kind)->name}};
    int count = 0;
    words[count++] = program;
    words[count++] = "prune";
    words[count++] = o->config;
    for (int i = 0; i < 3; i++) {
        if (pairs[i][1]) {
            words[count++] = pairs[i][0];
            words[count++] = pairs[i][1];
        }
    }
    words[count++] = "--orders";
    words[count++] = orders;
    words[count++] = "--evaluate";
    words[count] = NULL;
    return words;
}

static bd_status run_parallel(struct bd_prune_session *session, const char *folder, struct bd_prune_parallel *p,
                              struct bd_error *err)
{
    struct bd_prune_run *run = p->run;
    const struct bd_prune_options *o = &session->options;
    const size_t left = (size_t)run->config.evaluations - run->search.count;
    const struct bd_runs_command command = {.command = "prune",
                                            .jobs = o->jobs,
                                            .time_limit = o->time_limit,
                                            .memory_limit = o->memory_limit,
                                            .resume = !o->force,
                                            .retry_failed = !o->force,
                                            .force = o->force,
                                            .any_build = true, /* as the journal, which has what decides a value */
                                            .slurm = o->slurm,
                                            .describe = describe_event};
    const struct bd_runs_options own = {.growing = true,
                                        .expected = left,
                                        .expected_weight = (double)left,
                                        .user = p,
                                        .on_result = bd_prune_on_result,
                                        .more = bd_prune_more};
    struct bd_runs_plan *plan = bd_runs_plan_new("prune", run->base.graph.name);
    struct bd_runs_summary summary;
    json_t *head = json_loads(run->identity, 0, NULL);
    bd_runs_plan_head(plan, head);
    bd_status status = bd_cli_runs_execute(&command, plan, folder, &own, &summary, err);
    json_decref(head);
    bd_runs_plan_free(plan);
    return status;
}

static bd_status side_by_side(struct bd_prune_session *session, struct bd_error *err)
{
    struct bd_prune_run *run = &session->run;
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    const int threads = processors > session->options.jobs ? (int)(processors / session->options.jobs) : 1;
    char *folder = bd_prune_runs_folder(run), *orders = bd_asprintf("%s.orders", run->config.journal), *program = NULL;
    const char *words[16];
    bd_status status = BD_OK;
    if (run->search.count < (size_t)run->config.evaluations) {
        status = bd_runs_own_program(&program, err);
        status = status ? status : bd_orders_write(&run->base.graph, run->orders, orders, err);
        if (!status) {
            struct bd_prune_parallel p = {
                .run = run, .worker = worker_argv(session, program, orders, words), .threads = threads};
            status = run_parallel(session, folder, &p, err);
            bd_prune_parallel_release(&p);
        }
    }
    free(program);
    free(orders);
    free(folder);
    return status;
}

/* ---- the last choice ---- */

/* The widths of the best finalist. */
static bd_status choose(struct bd_prune_session *session, struct bd_error *err)
{
    struct bd_prune_run *run = &session->run;
    const struct bd_search_config *config = &run->search.config;
    double(*points)[BD_GP_MAX_DIMENSIONS] = bd_xcalloc((size_t)run->config.finalists + 1, sizeof *points), best = 0;
    const size_t count = bd_prune_finalists(run, points);
    bd_status status = BD_OK;
    for (size_t i = 0; i < count && status == BD_OK; i++) {
        double worth;
        status = bd_prune_final(run, points[i], &worth, err);
        if (status == BD_OK) {
            const struct bd_prune_forecast none = {NAN, NAN};
            char *text = describe_point(run, points[i], config->cost(config->context, points[i]), worth, none);
            fprintf(stderr, "finalist %zu/%zu, %" PRId64 " steps: %s\n", i + 1, count, run->config.finalist_steps,
                    text);
            free(text);
            if (i == 0 || worth > best) {
                best = worth;
                bd_prune_channels(run, points[i], session->channels);
            }
        }
    }
    free(points);
    return status;
}

bd_status bd_cli_prune_search(struct bd_prune_session *session, struct bd_error *err)
{
    struct bd_prune_run *run = &session->run;
    bd_status status = bd_prune_journal(run,
                                        session->options.force    ? BD_JOURNAL_REPLACE
                                        : session->options.resume ? BD_JOURNAL_RESUME
                                                                  : BD_JOURNAL_NEW,
                                        err);
    if (status == BD_OK && run->resumed) {
        fprintf(stderr, "journal '%s': %zu evaluations%s\n", run->config.journal, run->resumed,
                run->journal.dropped ? ", a torn line dropped" : "");
    }
    if (status == BD_OK) {
        status = session->options.jobs > 1 ? side_by_side(session, err) : step_by_step(run, err);
    }
    if (status == BD_OK && run->config.finalists) {
        status = choose(session, err);
    } else if (status == BD_OK) {
        bd_prune_channels(run, run->search.observations[bd_search_best(&run->search)].point, session->channels);
    }
    return status;
}

/* ---- a worker ---- */

bd_status bd_cli_prune_channels(const struct bd_graph *graph, const char *text, int *channels, struct bd_error *err)
{
    const char *at = text;
    for (int g = 0; g < graph->prune_group_count; g++) {
        char *end;
        long value = strtol(at, &end, 10);
        bool last = g + 1 == graph->prune_group_count;
        if (end == at || value < 1 || value > bd_graph_group_channels(graph, g) || *end != (last ? '\0' : ',')) {
            return bd_fail(err, BD_BAD_INPUT,
                           "'--channels' wants %d counts with commas, each from 1 to its group's width, got '%s'",
                           graph->prune_group_count, text);
        }
        channels[g] = (int)value;
        at = end + 1;
    }
    return BD_OK;
}

bd_status bd_cli_prune_evaluate(const struct bd_prune_options *o, struct bd_prune_config *config, struct bd_error *err)
{
    struct bd_prune_run run;
    int channels[BD_MAX_LAYERS];
    double accuracy[BD_MAX_SWITCHES];
    if (bd_prune_open_worker(&run, config, o->orders, err)) {
        return err->status;
    }
    bd_status status = bd_cli_prune_channels(&run.base.graph, o->evaluate, channels, err);
    status = status ? status : bd_prune_evaluate(&run, channels, accuracy, err);
    if (!status && o->json) {
        bd_cli_report(bd_prune_result(&run, accuracy));
    } else if (!status) {
        json_t *result = bd_prune_result(&run, accuracy);
        char *text = json_dumps(result, JSON_COMPACT | JSON_REAL_PRECISION(17));
        puts(text);
        free(text);
        json_decref(result);
    }
    bd_prune_close(&run);
    return status;
}

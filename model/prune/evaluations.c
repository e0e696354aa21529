/* Evaluations of a search: what is proposed, measured and journalled, one after another or side by side. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/prune/cut.h"
#include "model/prune/pipeline.h"

bd_status bd_prune_measure(const struct bd_prune_run *run, const int *group_channels, int64_t steps, double *accuracy,
                           struct bd_error *err)
{
    const struct bd_prune_config *c = &run->config;
    const struct bd_cut_recipe recipe = {.train = &run->train,
                                         .validation = &run->validation,
                                         .switches = run->objective,
                                         .images = c->images,
                                         .recalibrate = c->recalibrate,
                                         .batch = c->tune_batch,
                                         .steps = steps,
                                         .rate = c->tune_rate,
                                         .teacher = c->tune_teacher,
                                         .sign_gradient = c->tune_sign,
                                         .seed = c->seed};
    return bd_cut_accuracy(&run->base, run->orders, group_channels, &recipe, accuracy, err);
}

bd_status bd_prune_evaluate(const struct bd_prune_run *run, const int *group_channels, double *accuracy,
                            struct bd_error *err)
{
    return bd_prune_measure(run, group_channels, run->config.tune_steps, accuracy, err);
}

/* ---- forecasts ---- */

static void keep_forecast(struct bd_prune_run *run, struct bd_prune_forecast forecast)
{
    run->forecasts = bd_xrealloc(run->forecasts, run->search.count, sizeof *run->forecasts);
    run->forecasts[run->search.count - 1] = forecast;
}

static void keep_proposal(struct bd_prune_run *run, struct bd_prune_forecast forecast)
{
    const struct bd_search *search = &run->search;
    run->proposals = bd_xrealloc(run->proposals, search->asked, sizeof *run->proposals);
    struct bd_prune_proposal *proposal = &run->proposals[search->asked - 1];
    *proposal = (struct bd_prune_proposal){.forecast = forecast};
    memcpy(proposal->point, search->pending_points[search->pending - 1], search->d * sizeof *proposal->point);
}

static struct bd_prune_forecast forecast_of(const struct bd_search *search)
{
    return (struct bd_prune_forecast){search->proposal_mean[0], search->proposal_sd[0]};
}

static void add_forecast(json_t *record, struct bd_prune_forecast forecast)
{
    if (!isnan(forecast.sd)) {
        json_object_set_new(record, "forecast", json_pack("[f, f]", forecast.mean, forecast.sd));
    }
}

static struct bd_prune_forecast read_forecast(const char *record)
{
    json_t *o = json_loads(record, 0, NULL);
    const json_t *pair = json_object_get(o, "forecast");
    struct bd_prune_forecast forecast = {NAN, NAN};
    if (json_array_size(pair) == 2) {
        forecast.mean = json_number_value(json_array_get(pair, 0));
        forecast.sd = json_number_value(json_array_get(pair, 1));
    }
    json_decref(o);
    return forecast;
}

struct bd_prune_skill bd_prune_skill(const struct bd_prune_run *run)
{
    struct bd_prune_skill skill = {0};
    for (size_t i = 0; i < run->search.count; i++) {
        const struct bd_prune_forecast *f = &run->forecasts[i];
        const double error = run->search.observations[i].value[0] - f->mean;
        if (!isnan(f->sd)) {
            skill.count++;
            skill.within += fabs(error) <= 2 * f->sd;
            skill.error += error * error;
        }
    }
    skill.error = skill.count ? sqrt(skill.error / (double)skill.count) : 0;
    return skill;
}

/* ---- the journal ---- */

static bd_status replay(struct bd_prune_run *run, const char *record, struct bd_error *err)
{
    if (bd_prune_is_finalist(record)) {
        return BD_OK; /* read when they are chosen */
    }
    json_t *o = json_loads(record, 0, NULL);
    const bool asked = json_object_get(o, "asked") != NULL;
    json_decref(o);
    if (!asked) {
        if (bd_search_replay(&run->search, record, err)) {
            return err->status;
        }
        keep_forecast(run, read_forecast(record));
        return BD_OK;
    }
    if (bd_search_replay_ask(&run->search, record, err)) {
        return err->status;
    }
    keep_proposal(run, read_forecast(record));
    return BD_OK;
}

bd_status bd_prune_journal(struct bd_prune_run *run, enum bd_journal_mode mode, struct bd_error *err)
{
    bd_status status = bd_make_parent(run->config.journal, err);
    if (status == BD_OK) {
        status = bd_journal_open(&run->journal, run->config.journal, mode, err);
    }
    if (status == BD_OK && run->journal.count == 0) {
        status = bd_journal_append(&run->journal, run->identity, err);
    } else if (status == BD_OK && bd_journal_check_head(run->journal.records[0], run->identity, "search", err)) {
        status = bd_fail_prefix(err, "journal '%s'", run->config.journal);
    }
    for (size_t i = 1; i < run->journal.count && status == BD_OK; i++) {
        status = replay(run, run->journal.records[i], err);
        if (status != BD_OK) {
            bd_fail_prefix(err, "%s:%zu", run->config.journal, i + 1);
            bd_fail_at(err, run->config.journal, (int64_t)i + 1, 0, -1);
        }
    }
    run->resumed = run->search.count;
    return status;
}

static bd_status append(struct bd_prune_run *run, json_t *record, struct bd_error *err)
{
    char *text = json_dumps(record, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17));
    bd_status status = bd_journal_append(&run->journal, text, err);
    free(text);
    json_decref(record);
    return status;
}

/* The search's record with each switch's accuracy and the forecast beside it. */
static json_t *describe(const struct bd_prune_run *run)
{
    char *record = bd_search_record(&run->search);
    json_t *o = json_loads(record, 0, NULL), *accuracy = json_object();
    free(record);
    for (int s = 0; s < run->base.graph.switch_count; s++) {
        if (!run->objective || run->objective >> s & 1) {
            json_object_set_new(accuracy, run->base.graph.switches[s].name, json_real(run->accuracy[s]));
        }
    }
    json_object_set_new(o, "accuracy", accuracy);
    add_forecast(o, run->forecasts[run->search.count - 1]);
    return o;
}

/* ---- asking and telling ---- */

static bd_status tell(struct bd_prune_run *run, const double *point, struct bd_prune_forecast forecast,
                      const double *accuracy, struct bd_error *err)
{
    if (accuracy != run->accuracy) {
        memcpy(run->accuracy, accuracy, sizeof run->accuracy);
    }
    const struct bd_search_config *config = &run->search.config;
    const double values[BD_SEARCH_OBJECTIVES] = {bd_prune_worth(run, accuracy),
                                                 config->known ? config->known(config->context, point) : 0.0};
    if (bd_search_tell(&run->search, point, values, err)) {
        return err->status;
    }
    keep_forecast(run, forecast);
    return append(run, describe(run), err);
}

bd_status bd_prune_step(struct bd_prune_run *run, struct bd_error *err)
{
    double point[BD_GP_MAX_DIMENSIONS];
    int channels[BD_MAX_LAYERS];
    if (bd_search_ask(&run->search, point, err)) {
        return err->status;
    }
    bd_prune_channels(run, point, channels);
    bd_status status = bd_prune_evaluate(run, channels, run->accuracy, err);
    return status ? status : tell(run, point, forecast_of(&run->search), run->accuracy, err);
}

bd_status bd_prune_ask(struct bd_prune_run *run, struct bd_error *err)
{
    double point[BD_GP_MAX_DIMENSIONS];
    if (bd_search_ask(&run->search, point, err)) {
        return err->status;
    }
    keep_proposal(run, forecast_of(&run->search));
    char *record = bd_search_record_ask(&run->search);
    json_t *o = json_loads(record, 0, NULL);
    free(record);
    add_forecast(o, run->proposals[run->search.asked - 1].forecast);
    return append(run, o, err);
}

bd_status bd_prune_tell(struct bd_prune_run *run, size_t proposal, const double *accuracy, struct bd_error *err)
{
    const struct bd_prune_proposal *p = &run->proposals[proposal];
    return tell(run, p->point, p->forecast, accuracy, err);
}

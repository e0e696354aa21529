#include "model/compare/folder.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/core/file.h"
#include "model/core/memory.h"

#define PROGRAM_LIMIT ((size_t)1 << 30)
#define IMAGES 60000 /* for weights where the configuration takes all */

/* ---- whose folder it is ---- */

/* The program's own file, as one number; malloc'd. */
static bd_status name_build(char **name, struct bd_error *err)
{
    uint8_t *program;
    size_t size;
    bd_status status = bd_file_read("/proc/self/exe", PROGRAM_LIMIT, &program, &size, err);
    if (!status) {
        *name = bd_asprintf("%08x", bd_crc32(program, size));
        free(program);
    }
    return status;
}

static bd_status compare_heads(const struct bd_comparison *c, const struct bd_compare_folder *how, const json_t *begun,
                               const char *now, struct bd_error *err)
{
    if (how->fresh) {
        return bd_fail(err, BD_BAD_INPUT, "'%s' holds a comparison already", c->config.folder);
    }
    char *then = json_dumps(begun, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17));
    bd_status status = bd_comparison_belongs(then, now, how->go_on, how->any_build, err);
    free(then);
    return status ? bd_fail_prefix(err, "folder '%s'", c->config.folder) : BD_OK;
}

/* The head that the comparison would begin with, as text; malloc'd. `images`: to be run in. */
static bd_status head_now(const struct bd_comparison *c, bool images, char **text, struct bd_error *err)
{
    char *build = NULL, *found = NULL;
    bd_status status = images ? bd_comparison_images(c, &found, err) : BD_OK;
    status = status ? status : name_build(&build, err);
    *text = status ? NULL : bd_comparison_identity(c, build, found);
    free(build);
    free(found);
    return status;
}

bd_status bd_comparison_new_head(const struct bd_comparison *c, json_t **head, struct bd_error *err)
{
    char *text;
    bd_status status = head_now(c, true, &text, err);
    *head = status ? NULL : json_loads(text, 0, NULL);
    free(text);
    return status;
}

bd_status bd_comparison_check_folder(const struct bd_comparison *c, const struct bd_compare_folder *how, json_t **head,
                                     struct bd_error *err)
{
    char *now = NULL;
    json_t *begun = NULL;
    *head = NULL;
    bd_status status = bd_runs_head(c->config.folder, &begun, err);
    if (!status && !begun && !how->go_on) {
        status = bd_fail(err, BD_BAD_INPUT, "'%s' holds no comparison to tell a table from", c->config.folder);
    }
    status = status ? status : head_now(c, how->go_on, &now, err);
    if (!status && begun) {
        status = compare_heads(c, how, begun, now, err);
    }
    if (!status) { /* what began it stays, also where another build goes on */
        *head = begun ? json_incref(begun) : json_loads(now, 0, NULL);
    }
    json_decref(begun);
    free(now);
    return status;
}

bd_status bd_comparison_read_folder(struct bd_comparison *c, struct bd_error *err)
{
    bd_status status = BD_OK;
    for (int i = 0; i < c->run_count && !status; i++) {
        json_t *result;
        status = bd_runs_result(c->config.folder, c->runs[i].id, &result, err);
        if (!status && bd_runs_result_state(result) == BD_RUNS_DONE) {
            status = bd_comparison_take(c, json_object_get(result, "output"), err);
        }
        json_decref(result);
    }
    return status;
}

/* ---- running ---- */

static double weight_of(const struct bd_comparison *c, const struct bd_compare_run *run)
{
    return (double)bd_comparison_steps(c, run, c->config.images ? c->config.images : IMAGES);
}

double bd_comparison_weight(const struct bd_comparison *c)
{
    double sum = 0;
    for (int i = 0; i < c->run_count; i++) {
        sum += weight_of(c, &c->runs[i]);
    }
    return sum;
}

static bd_status add_run(const struct bd_compare_runs *r, const struct bd_compare_run *run, struct bd_runs_plan *plan,
                         struct bd_error *err)
{
    const struct bd_comparison *c = r->comparison;
    char *rate = bd_asprintf("%.17g", bd_comparison_rate(c, run)), *threads = bd_asprintf("%d", (int)r->threads),
         *environment = bd_asprintf("OMP_NUM_THREADS=%s", threads), *identity = bd_asprintf("%s %s", run->id, rate);
    const struct bd_runs_point point = {
        .name = run->id,
        .argv = (const char *const[]){r->program, "compare", r->config, "--folder", c->config.folder, "--threads",
                                      threads, "--worker", run->id, "--rate", rate, NULL},
        .environment = (const char *const[]){environment, "OMP_WAIT_POLICY=passive", NULL},
        .weight = weight_of(c, run),
        .identity = identity, /* wherever the folder and the configuration lie */
    };
    bd_status status = bd_runs_plan_add(plan, &point, err);
    free(rate);
    free(threads);
    free(environment);
    free(identity);
    return status;
}

static void drop_checkpoint(const struct bd_comparison *c, const struct bd_compare_run *run)
{
    char *path = bd_comparison_checkpoint(c, run);
    unlink(path);
    free(path);
}

bd_status bd_comparison_more(void *runs, struct bd_runs_plan *plan, struct bd_error *err)
{
    struct bd_compare_runs *r = runs;
    struct bd_comparison *c = r->comparison;
    bd_status status = BD_OK;
    for (int i = 0; i < c->run_count && r->anew; i++) {
        drop_checkpoint(c, &c->runs[i]);
    }
    r->anew = false;
    for (int i = 0; i < c->run_count && !status; i++) {
        struct bd_compare_run *run = &c->runs[i];
        if (!run->started && bd_comparison_ready(c, run)) {
            run->started = true;
            status = add_run(r, run, plan, err);
        }
    }
    return status;
}

bd_status bd_comparison_on_result(void *runs, const struct bd_runs_point *point, enum bd_runs_state state,
                                  const json_t *result, struct bd_error *err)
{
    struct bd_compare_runs *r = runs;
    const json_t *code = json_object_get(result, "exit");
    if (state != BD_RUNS_DONE) {
        const bool bad_input = json_is_integer(code) && json_integer_value(code) == BD_BAD_INPUT;
        return bd_fail(err, bad_input ? BD_BAD_INPUT : BD_INFRA, "run '%s' (%s/points/%s/stderr): %s", point->name,
                       r->comparison->config.folder, point->name, json_string_value(json_object_get(result, "cause")));
    }
    bd_status status = bd_comparison_take(r->comparison, json_object_get(result, "output"), err);
    const struct bd_compare_run *run = bd_comparison_find(r->comparison, point->name);
    if (!status && run && bd_comparison_is_pilot(r->comparison, run)) {
        drop_checkpoint(r->comparison, run); /* it only chose a rate; others learn from full runs */
    }
    return status;
}

#include "sw/regress/triage.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "model/core/clock.h"
#include "model/core/file.h"
#include "model/core/json.h"
#include "model/core/memory.h"
#include "model/core/process.h"
#include "model/program/random_network.h"
#include "model/regress/shrink.h"
#include "model/runs/runs.h"

enum { SECONDS = 1800, WORDS = 48, OUTPUT_MOST = 1 << 20 };

/* ---- argument vectors --------------------------------------------------------------------------------------- */

struct words {
    char *word[WORDS + 1];
    int count;
};

static void add(struct words *w, const char *word)
{
    if (w->count < WORDS)
        w->word[w->count++] = bd_xstrdup(word);
}

static void add_split(struct words *w, const char *text)
{
    char *copy = bd_xstrdup(text), *rest = copy;
    for (char *word; (word = strsep(&rest, " "));)
        if (*word)
            add(w, word);
    free(copy);
}

static void release(struct words *w)
{
    for (int i = 0; i < w->count; i++)
        free(w->word[i]);
    *w = (struct words){0};
}

/* Runs them with stderr added to `log`. */
static bd_status run_words(const struct words *w, double seconds, const char *log, char **said, int *code,
                           struct bd_error *err)
{
    const struct bd_process process = {.argv = (const char *const *)w->word,
                                       .seconds = seconds,
                                       .errors = BD_PROCESS_LOG,
                                       .log = log,
                                       .most = OUTPUT_MOST};
    return bd_process_run(&process, said, code, err);
}

static void add_bench(struct words *w, const char *root, const char *hardware)
{
    char *script = bd_asprintf("%s%ssim/bench/run.sh", root, *root ? "/" : "");
    add(w, "sh");
    add(w, script);
    add(w, hardware);
    free(script);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* What the bench says of its options behind "--hardware FILE"; they are of this program's making. */
static const char *options_of(const json_t *first, const char *hardware)
{
    const char *repeat = text_of(first, "repeat");
    const size_t lead = strlen("--hardware "), length = strlen(hardware);
    if (strncmp(repeat, "--hardware ", lead) || strncmp(repeat + lead, hardware, length))
        return NULL;
    return repeat + lead + length;
}

/* sh ROOT/sim/bench/run.sh HARDWARE with the options of the first failure; false where it has none. */
static bool alone(struct words *w, const char *root, const struct bd_suite_point *point, const json_t *output)
{
    const json_t *first = json_object_get(output, "first");
    const char *options = first && point->is_bench ? options_of(first, point->hardware) : NULL;
    if (!options)
        return false;
    add_bench(w, root, point->hardware);
    add_split(w, options);
    return true;
}

char *bd_triage_repeat(const char *root, const struct bd_suite_point *point, const json_t *output)
{
    struct words w = {0};
    char *line = NULL;
    if (alone(&w, root, point, output))
        line = bd_runs_shell_line(NULL, (const char *const *)w.word);
    release(&w);
    return line;
}

/* ---- the trace ---------------------------------------------------------------------------------------------- */

static void note(const struct bd_triage *t, const char *format, ...) BD_PRINTF(2, 3);
static void note(const struct bd_triage *t, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = bd_vasprintf(format, arguments);
    va_end(arguments);
    if (t->notice)
        t->notice(text);
    free(text);
}

static void set_text(json_t *object, const char *key, const char *text)
{
    json_object_set_new(object, key, bd_json_text(text));
}

static void tell_view(const char *view, json_t *found)
{
    const char *const argv[] = {"gtkwave", view, NULL};
    char *line = bd_runs_shell_line(NULL, argv);
    set_text(found, "view", view);
    set_text(found, "view_line", line);
    free(line);
}

/* One run by itself, traced to its first failure. */
static bd_status trace(const struct bd_triage *t, const struct bd_suite_point *point, const json_t *output,
                       json_t *found, struct bd_error *err)
{
    struct words w = {0};
    char *file = bd_asprintf("%s/trace.fst", t->folder), *view = bd_asprintf("%s/trace.gtkw", t->folder);
    char *log = bd_asprintf("%s/trace.log", t->folder), *said = NULL;
    int code = 0;
    alone(&w, t->root, point, output);
    add(&w, "--json");
    add(&w, "--first-failure");
    add(&w, "--trace");
    add(&w, file);
    note(t, "%s: traced in a run by itself", point->name);
    bd_status status = run_words(&w, t->seconds, log, &said, &code, err);
    if (!status && access(file, R_OK) == 0)
        set_text(found, "trace", file);
    if (!status && access(view, R_OK) == 0)
        tell_view(view, found);
    else if (!status)
        set_text(found, "trace_error",
                 code == 0                      ? "run by itself it does not fail"
                 : code == BD_PROCESS_TIMED_OUT ? "run by itself with a trace it does not end in time"
                                                : "the run with a trace did not come to its failure: see trace.log");
    free(said);
    free(file);
    free(view);
    free(log);
    release(&w);
    return status;
}

/* ---- making it smaller -------------------------------------------------------------------------------------- */

struct search {
    const struct bd_triage *triage;
    struct words bench; /* program and options, but for --case */
    char *path, *log;   /* of the case that is tried */
    char *kind;         /* of the failure that is looked for */
    struct bd_hardware hardware;
    double until;
    int runs;
};

static bd_status try_case(void *user, const struct bd_case *c, bool *fails, struct bd_error *err)
{
    struct search *s = user;
    struct bd_program program;
    struct bd_error refused;
    *fails = false;
    if (bd_seconds(CLOCK_MONOTONIC) > s->until || bd_case_pack(c, &s->hardware, &program, &refused))
        return BD_OK;
    bd_program_release(&program);
    if (bd_case_write(c, s->path, err))
        return err->status;
    char *said = NULL;
    int code = 0;
    if (run_words(&s->bench, 60, s->log, &said, &code, err))
        return err->status;
    json_t *output = json_loads(said, 0, NULL);
    *fails = code != 0 && strcmp(text_of(json_object_get(output, "first"), "kind"), s->kind) == 0;
    s->runs++;
    json_decref(output);
    free(said);
    return BD_OK;
}

/* The path of the bench that run.sh would run. */
static bd_status find_bench(struct search *s, const struct bd_suite_point *point, const char *options,
                            struct bd_error *err)
{
    struct words w = {0};
    char *said = NULL;
    int code = 0;
    add_bench(&w, s->triage->root, point->hardware);
    add(&w, "--print");
    add_split(&w, options);
    bd_status status = run_words(&w, s->triage->seconds, s->log, &said, &code, err);
    if (!status && (code != 0 || !*said))
        status = bd_fail(err, BD_INFRA, "sim/bench/run.sh did not build the bench of '%s'", point->hardware);
    if (!status) {
        said[strcspn(said, "\n")] = '\0';
        add(&s->bench, said);
    }
    free(said);
    release(&w);
    return status;
}

/* The value behind an option among words divided by blanks; malloc'd, or NULL. */
static char *value_of(const char *options, const char *option)
{
    const char *at = strstr(options, option);
    if (!at || at[strlen(option)] != ' ')
        return NULL;
    at += strlen(option) + 1;
    return bd_xstrndup(at, strcspn(at, " "));
}

/* Options that a case keeps: all but those that say which network, and which share of the faults it takes by its
 * number. */
static char *kept_options(const char *options)
{
    static const char *const dropped[] = {"--random", "--seed", "--first", "--program", "--case", "--share"};
    char *copy = bd_xstrdup(options), *rest = copy, *kept = bd_xstrdup("");
    for (char *word; (word = strsep(&rest, " "));) {
        bool drop = !*word;
        for (size_t d = 0; d < sizeof dropped / sizeof *dropped; d++)
            if (strcmp(word, dropped[d]) == 0) {
                strsep(&rest, " ");
                drop = true;
            }
        if (!drop) {
            char *longer = bd_asprintf("%s%s%s", kept, *kept ? " " : "", word);
            free(kept);
            kept = longer;
        }
    }
    free(copy);
    return kept;
}

/* The random network that failed, as a case. */
static bd_status first_case(struct search *s, const struct bd_suite_point *point, const char *options,
                            struct bd_case *c, struct bd_error *err)
{
    char *seed_text = value_of(options, "--seed"), *first_text = value_of(options, "--first");
    const uint64_t seed = seed_text ? strtoull(seed_text, NULL, 0) : 1;
    const uint64_t index = first_text ? strtoull(first_text, NULL, 0) : 0;
    struct bd_program program;
    free(seed_text);
    free(first_text);
    bd_status status = bd_random_network(seed, (uint32_t)index, &s->hardware, &program, err);
    if (status)
        return status;
    uint8_t *image = bd_xmalloc(program.header->input_bytes);
    bd_random_image(&program, seed + index, image);
    status = bd_case_from_program(c, &program, image, err);
    free(image);
    bd_program_release(&program);
    if (!status) {
        c->hardware = bd_xstrdup(point->hardware);
        c->bench = kept_options(options);
    }
    return status;
}

static void tell_case(const struct bd_triage *t, const struct bd_case *c, const struct bd_shrink *shrink,
                      const char *path, json_t *found)
{
    const char *const argv[] = {"bitdial", "regress", "--case", path, NULL};
    char *line = bd_runs_shell_line(NULL, argv);
    set_text(found, "case", path);
    set_text(found, "case_repeat", line);
    json_object_update_new(found, json_pack("{s:i, s:i, s:i, s:i, s:i, s:b}", "layers", c->layer_count, "height",
                                            c->height, "width", c->width, "channels", c->channels, "tries",
                                            shrink->tries, "whole", shrink->whole));
    note(t, "smallest network that still fails: %d layer%s, an image of %dx%dx%d, after %d tries: %s", c->layer_count,
         c->layer_count == 1 ? "" : "s", c->height, c->width, c->channels, shrink->tries, line);
    free(line);
}

static bd_status search(struct search *s, const struct bd_suite_point *point, const char *options, json_t *found,
                        struct bd_error *err)
{
    struct bd_case c = {0};
    bd_status status = first_case(s, point, options, &c, err);
    status = status ? status : find_bench(s, point, options, err);
    if (status) {
        bd_case_release(&c);
        return status;
    }
    char *path = bd_asprintf("%s/case.yaml", s->triage->folder);
    add(&s->bench, "--hardware");
    add(&s->bench, point->hardware);
    add_split(&s->bench, c.bench);
    add(&s->bench, "--json");
    add(&s->bench, "--first-failure");
    add(&s->bench, "--patience"); /* a frame of a network that is no larger than the first ends within it */
    add(&s->bench, "200000");
    add(&s->bench, "--case");
    add(&s->bench, s->path);
    struct bd_shrink shrink = {.test = try_case, .user = s};
    struct bd_error why;
    note(s->triage, "%s: the smallest network that still fails is searched for", point->name);
    status = bd_shrink(&shrink, &c, &why);
    if (status == BD_FAIL) {
        set_text(found, "shrink_error", why.message);
        status = BD_OK;
    } else if (status) {
        *err = why;
    } else {
        status = bd_case_write(&c, path, err);
        if (!status)
            tell_case(s->triage, &c, &shrink, path, found);
    }
    free(path);
    bd_case_release(&c);
    return status;
}

static bd_status shrink(const struct bd_triage *t, const struct bd_suite_point *point, const json_t *output,
                        json_t *found, struct bd_error *err)
{
    const json_t *first = json_object_get(output, "first");
    const char *options = options_of(first, point->hardware);
    struct search s = {.triage = t, .until = bd_seconds(CLOCK_MONOTONIC) + t->seconds};
    if (!options || !strstr(options, "--random") || strstr(options, "--borders"))
        return BD_OK; /* networks that are small already */
    if (bd_hardware_load(&s.hardware, point->hardware, err))
        return err->status;
    s.path = bd_asprintf("%s/tried.yaml", t->folder);
    s.log = bd_asprintf("%s/shrink.log", t->folder);
    s.kind = bd_xstrdup(text_of(first, "kind"));
    bd_status status = search(&s, point, options, found, err);
    char *image = bd_asprintf("%s/tried.npy", t->folder);
    unlink(s.path);
    unlink(image);
    free(image);
    free(s.path);
    free(s.log);
    free(s.kind);
    release(&s.bench);
    bd_hardware_release(&s.hardware);
    return status;
}

bd_status bd_triage_run(const struct bd_triage *triage, const struct bd_suite_point *point, const json_t *output,
                        json_t **found, struct bd_error *err)
{
    struct bd_triage t = *triage;
    const json_t *first = json_object_get(output, "first");
    t.seconds = t.seconds > 0 ? t.seconds : SECONDS;
    *found = json_object();
    char *line = bd_triage_repeat(t.root, point, output);
    if (!line)
        return BD_OK;
    set_text(*found, "kind", text_of(first, "kind"));
    set_text(*found, "text", text_of(first, "text"));
    set_text(*found, "layer", text_of(first, "name"));
    set_text(*found, "repeat", line);
    free(line);
    bd_status status = t.trace || t.shrink ? bd_make_folder(t.folder, err) : BD_OK;
    if (status) {
        json_decref(*found);
        return status;
    }
    /* What could not be found out is said in its place: the failure itself is known. */
    if (t.shrink && shrink(&t, point, output, *found, err))
        set_text(*found, "shrink_error", err->message);
    if (t.trace && trace(&t, point, output, *found, err))
        set_text(*found, "trace_error", err->message);
    return BD_OK;
}

bd_status bd_case_repeat(const char *root, const char *path, struct bd_error *err)
{
    struct bd_case c;
    struct words w = {0};
    if (bd_case_load(&c, path, err))
        return err->status;
    if (!c.hardware) {
        bd_case_release(&c);
        return bd_fail(err, BD_BAD_INPUT, "'%s' names no hardware configuration", path);
    }
    add_bench(&w, root, c.hardware);
    add_split(&w, c.bench ? c.bench : "");
    add(&w, "--case");
    add(&w, path);
    bd_case_release(&c);
    execvp(w.word[0], w.word);
    release(&w);
    return bd_fail(err, BD_INFRA, "cannot run sim/bench/run.sh");
}

/* Tests become points: the argument vectors that their kinds (kinds.c) stand for. All of them run what is there to be
 * run by hand: the benches of sim/bench, bitdial, tests/script.sh, hw/prove, tests/inject, targets of make. */
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/choice.h"
#include "model/core/memory.h"
#include "sw/regress/faults.h"
#include "sw/regress/suite_parts.h"

struct bd_expansion {
    const struct bd_suite *suite;
    size_t test;
    uint64_t seed;    /* of the suite */
    const char *root; /* "" or "FOLDER/" */
    struct bd_suite_points *points;
    uint64_t number; /* points of this test so far */
    bd_status status;
    struct bd_error *err;
};

/* ---- building points ---------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t x) /* splitmix64 */
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* The seed of the next point: nine digits, to be typed by hand. */
static uint64_t draw_seed(const struct bd_expansion *x)
{
    uint64_t state = mix(x->seed);
    for (const char *c = x->suite->tests[x->test].name; *c; c++)
        state = mix(state ^ (uint64_t)(unsigned char)*c);
    return mix(state ^ x->number) % 1000000000;
}

/* What a point's name may not hold becomes '_'. */
static void clean(char *name)
{
    for (char *c = name; *c; c++)
        *c = isalnum((unsigned char)*c) || strchr("._-", *c) ? *c : '_';
}

static struct bd_suite_point *point(struct bd_expansion *x, double weight, const char *format, ...) BD_PRINTF(3, 4);
static struct bd_suite_point *point(struct bd_expansion *x, double weight, const char *format, ...)
{
    struct bd_suite_points *all = x->points;
    va_list arguments;
    va_start(arguments, format);
    char *rest = bd_vasprintf(format, arguments);
    va_end(arguments);
    all->points = bd_xrealloc(all->points, all->count + 1, sizeof *all->points);
    struct bd_suite_point *p = &all->points[all->count++];
    *p = (struct bd_suite_point){.test = x->test, .weight = weight, .argv = bd_xcalloc(1, sizeof *p->argv)};
    p->name = bd_asprintf("%s%s%s", x->suite->tests[x->test].name, *rest ? "." : "", rest);
    clean(p->name);
    free(rest);
    x->number++;
    return p;
}

static void add(struct bd_suite_point *p, const char *format, ...) BD_PRINTF(2, 3);
static void add(struct bd_suite_point *p, const char *format, ...)
{
    size_t count = 0;
    while (p->argv[count])
        count++;
    va_list arguments;
    va_start(arguments, format);
    p->argv = bd_xrealloc(p->argv, count + 2, sizeof *p->argv);
    p->argv[count] = bd_vasprintf(format, arguments);
    p->argv[count + 1] = NULL;
    va_end(arguments);
}

/* "a b c" as three words. */
static void add_words(struct bd_suite_point *p, const char *text)
{
    char *copy = bd_xstrdup(text), *rest = copy;
    for (char *word; (word = strsep(&rest, " "));)
        if (*word)
            add(p, "%s", word);
    free(copy);
}

char *bd_suite_stem(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    char *stem = dot ? bd_xstrndup(name, (size_t)(dot - name)) : bd_xstrdup(name);
    clean(stem);
    return stem;
}

static void on_bench(const struct bd_expansion *x, struct bd_suite_point *p, const char *hardware)
{
    add(p, "sh");
    add(p, "%ssim/bench/run.sh", x->root);
    add(p, "%s", hardware);
    add(p, "--json");
    add(p, "--patience"); /* a frame of a random network ends within a hundredth of it; one of no end is told soon */
    add(p, "2000000");
    p->hardware = bd_xstrdup(hardware);
    p->is_bench = true;
}

/* ---- kinds -------------------------------------------------------------------------------------------------- */

/* One point a hardware configuration, memory, chance of stalls and part of the networks. */
void bd_expand_random(struct bd_expansion *x, const struct bd_suite_test *t)
{
    const size_t memories = t->memory.count ? t->memory.count : 1, stalls = t->stalls.count ? t->stalls.count : 1;
    for (size_t h = 0; h < t->hardware.count; h++)
        for (size_t m = 0; m < memories; m++)
            for (size_t s = 0; s < stalls; s++)
                for (int64_t first = 0; first < t->count; first += t->per_point) {
                    const int64_t part = t->count - first < t->per_point ? t->count - first : t->per_point;
                    const uint64_t seed = draw_seed(x);
                    char *hardware = bd_suite_stem(t->hardware.text[h]);
                    struct bd_suite_point *p = point(
                        x, (double)part / 4, "%s%s%s%s%s.%" PRId64, hardware, m || t->memory.count ? ".memory" : "",
                        t->memory.count ? t->memory.text[m] : "", t->stalls.count ? ".stalls" : "",
                        t->stalls.count ? t->stalls.text[s] : "", first / t->per_point);
                    free(hardware);
                    on_bench(x, p, t->hardware.text[h]);
                    add(p, "--random");
                    add(p, "%" PRId64, part);
                    add(p, "--first");
                    add(p, "%" PRId64, first);
                    add(p, "--seed");
                    add(p, "%" PRIu64, seed);
                    if (t->memory.count) {
                        add(p, "--memory");
                        add(p, "%s", t->memory.text[m]);
                    }
                    if (t->stalls.count && strcmp(t->stalls.text[s], "0") != 0) {
                        add(p, "--stalls");
                        add(p, "%s", t->stalls.text[s]);
                    }
                    if (t->fault) {
                        add(p, "--fault");
                        add(p, "%" PRId64, t->fault);
                    }
                }
}

/* How many chances of stalls a test runs with; a list that is empty stands for none. */
static size_t chances(const struct bd_suite_test *t)
{
    return t->stalls.count ? t->stalls.count : 1;
}

/* "" of one chance; of several each point is named by its own. */
static char *chance_name(const struct bd_suite_test *t, size_t s)
{
    return t->stalls.count > 1 ? bd_asprintf(".stalls%s", t->stalls.text[s]) : bd_xstrdup("");
}

static void add_chance(struct bd_suite_point *p, const struct bd_suite_test *t, size_t s)
{
    if (t->stalls.count && strcmp(t->stalls.text[s], "0") != 0) {
        add(p, "--stalls");
        add(p, "%s", t->stalls.text[s]);
    }
}

/* Processor seconds of one network, about: of tests/small_hardware.yaml. */
static double mode_seconds(const char *mode, int64_t share)
{
    static const struct {
        const char *mode;
        double whole, fixed; /* what is divided by the share, and what is not */
    } seconds[] = {{"words", 28, 1}, {"hangs", 18, 2}, {"resets", 15, 0.3}, {"switches", 3, 0}, {"errors", 1.5, 0}};
    for (size_t m = 0; m < sizeof seconds / sizeof *seconds; m++)
        if (strcmp(mode, seconds[m].mode) == 0)
            return seconds[m].whole / (double)share + seconds[m].fixed;
    return 1;
}

/* Modes of the bench, each on networks of a seed of its own. */
static void expand_mode(struct bd_expansion *x, const struct bd_suite_test *t, size_t h, size_t m, size_t s)
{
    char *hardware = bd_suite_stem(t->hardware.text[h]), *chance = chance_name(t, s);
    for (int64_t first = 0; first < t->count; first += t->per_point) {
        const int64_t part = t->count - first < t->per_point ? t->count - first : t->per_point;
        const uint64_t seed = draw_seed(x);
        struct bd_suite_point *p = point(x, (double)part * mode_seconds(t->modes.text[m], t->share), "%s.%s%s.%" PRId64,
                                         hardware, t->modes.text[m], chance, first / t->per_point);
        on_bench(x, p, t->hardware.text[h]);
        add(p, "--%s", t->modes.text[m]);
        add(p, "--random");
        add(p, "%" PRId64, part);
        add(p, "--first"); /* which kernel it is of borders, which bits of the first switch and which share else */
        add(p, "%" PRId64, first);
        add(p, "--seed");
        add(p, "%" PRIu64, seed);
        add_chance(p, t, s);
        if (t->share > 1 && bd_choice(BD_SUITE_SHARED, t->modes.text[m]) >= 0) {
            add(p, "--share");
            add(p, "%" PRId64, t->share);
        }
    }
    free(hardware);
    free(chance);
}

void bd_expand_modes(struct bd_expansion *x, const struct bd_suite_test *t)
{
    for (size_t h = 0; h < t->hardware.count; h++)
        for (size_t m = 0; m < t->modes.count; m++)
            for (size_t s = 0; s < chances(t); s++)
                expand_mode(x, t, h, m, s);
}

/* A network described by hand (model/regress/case.h). */
static void expand_case(struct bd_expansion *x, const struct bd_suite_test *t, size_t h, size_t n, size_t s)
{
    char *hardware = bd_suite_stem(t->hardware.text[h]), *network = bd_suite_stem(t->networks.text[n]),
         *chance = chance_name(t, s);
    struct bd_suite_point *p = point(x, 4, "%s.%s%s", hardware, network, chance);
    free(hardware);
    free(network);
    free(chance);
    on_bench(x, p, t->hardware.text[h]);
    add(p, "--case");
    add(p, "%s", t->networks.text[n]);
    add_chance(p, t, s);
    p->network = bd_xstrdup(t->networks.text[n]);
}

void bd_expand_cases(struct bd_expansion *x, const struct bd_suite_test *t)
{
    for (size_t h = 0; h < t->hardware.count; h++)
        for (size_t n = 0; n < t->networks.count; n++)
            for (size_t s = 0; s < chances(t); s++)
                expand_case(x, t, h, n, s);
}

void bd_expand_zoo(struct bd_expansion *x, const struct bd_suite_test *t)
{
    for (size_t n = 0; n < t->networks.count; n++)
        for (size_t h = 0; h < t->hardware.count; h++) {
            const uint64_t seed = draw_seed(x);
            char *network = bd_suite_stem(t->networks.text[n]), *hardware = bd_suite_stem(t->hardware.text[h]);
            struct bd_suite_point *p = point(x, (double)t->images * 10, "%s.%s", network, hardware);
            free(network);
            free(hardware);
            add(p, "sh");
            add(p, "%ssim/zoo.sh", x->root);
            add(p, "%s", t->networks.text[n]);
            add(p, "%s", t->hardware.text[h]);
            add(p, "--noise");
            add(p, "--seed");
            add(p, "%" PRIu64, seed);
            add(p, "--images");
            add(p, "%" PRId64, t->images);
            for (size_t m = 0; m < t->memory.count; m++) {
                add(p, "--memory");
                add(p, "%s", t->memory.text[m]);
            }
            if (t->schedule && *t->schedule) {
                add(p, "--schedule");
                add(p, "%s", t->schedule);
            }
            p->hardware = bd_xstrdup(t->hardware.text[h]);
            p->network = bd_xstrdup(t->networks.text[n]);
        }
}

/* Each fault of a table, planted; the point passes where it is found and named. */
void bd_expand_faults(struct bd_expansion *x, const struct bd_suite_test *t)
{
    struct bd_fault_table table;
    x->status = bd_faults_load(&table, t->table, x->err);
    for (size_t f = 0; !x->status && f < table.count; f++) {
        const struct bd_fault *fault = &table.faults[f];
        struct bd_suite_point *p = point(x, 5, "%s", fault->name);
        add(p, "sh");
        add(p, "%ssim/bench/caught.sh", x->root);
        add(p, "%s", table.hardware);
        add_words(p, fault->expect);
        add(p, "--");
        if (fault->number) {
            add(p, "--fault");
            add(p, "%" PRId64, fault->number);
        }
        add_words(p, fault->bench);
        p->hardware = bd_xstrdup(table.hardware);
    }
    if (!x->status)
        bd_faults_release(&table);
}

void bd_expand_unit(struct bd_expansion *x, const struct bd_suite_test *t)
{
    for (size_t n = 0; n < t->names.count; n++) {
        struct bd_suite_point *p = point(x, 10, "%s", t->names.text[n]);
        char *name = bd_xstrndup(t->names.text[n], strcspn(t->names.text[n], " "));
        add(p, "sh");
        add(p, "%ssim/bench/%s.sh", x->root, name);
        add_words(p, t->names.text[n] + strlen(name));
        free(name);
    }
}

void bd_expand_proof(struct bd_expansion *x, const struct bd_suite_test *t)
{
    for (size_t n = 0; n < t->names.count; n++) {
        struct bd_suite_point *p = point(x, 20, "%s", t->names.text[n]);
        add(p, "sh");
        add(p, "%shw/prove/prove.sh", x->root);
        add(p, "%s", t->names.text[n]);
    }
}

void bd_expand_fuzz(struct bd_expansion *x, const struct bd_suite_test *t)
{
    for (size_t n = 0; n < t->names.count; n++) {
        struct bd_suite_point *p = point(x, (double)t->seconds, "%s", t->names.text[n]);
        add(p, "sh");
        add(p, "%stests/make.sh", x->root);
        add(p, "fuzz");
        add(p, "SECONDS=%" PRId64, t->seconds);
        add(p, "TARGETS=%s", t->names.text[n]);
    }
}

/* Faults between programs and devices, a kind of them a point. */
void bd_expand_inject(struct bd_expansion *x, const struct bd_suite_test *t)
{
    for (size_t n = 0; n < t->names.count; n++) {
        const uint64_t seed = draw_seed(x);
        struct bd_suite_point *p = point(x, 60, "%s", t->names.text[n]);
        add(p, "bash");
        add(p, "%stests/board_faults.sh", x->root);
        add(p, "--kind");
        add(p, "%s", t->names.text[n]);
        add(p, "--seed");
        add(p, "%" PRIu64, seed);
    }
}

void bd_expand_make(struct bd_expansion *x, const struct bd_suite_test *t)
{
    for (size_t n = 0; n < t->names.count; n++) {
        struct bd_suite_point *p = point(x, 600, "%s", t->names.text[n]);
        add(p, "sh");
        add(p, "%stests/make.sh", x->root);
        add(p, "%s", t->names.text[n]);
    }
}

void bd_expand_shell(struct bd_expansion *x, const struct bd_suite_test *t)
{
    for (size_t n = 0; n < t->names.count; n++) {
        struct bd_suite_point *p = point(x, 20, "%s", t->names.text[n]);
        add(p, "sh");
        add(p, "%stests/script.sh", x->root);
        add(p, "%s", t->names.text[n]);
    }
}

bd_status bd_suite_expand(const struct bd_suite *suite, uint64_t seed, const char *root, struct bd_suite_points *points,
                          struct bd_error *err)
{
    char *prefix = *root ? bd_asprintf("%s/", root) : bd_xstrdup("");
    struct bd_expansion x = {.suite = suite, .seed = seed, .root = prefix, .points = points, .err = err};
    *points = (struct bd_suite_points){0};
    for (x.test = 0; x.test < suite->test_count && !x.status; x.test++) {
        x.number = 0;
        bd_suite_kinds[suite->tests[x.test].kind].expand(&x, &suite->tests[x.test]);
    }
    free(prefix);
    if (x.status)
        bd_suite_points_release(points);
    return x.status;
}

void bd_suite_points_release(struct bd_suite_points *points)
{
    for (size_t i = 0; i < points->count; i++) {
        struct bd_suite_point *p = &points->points[i];
        for (size_t a = 0; p->argv[a]; a++)
            free(p->argv[a]);
        free(p->argv);
        free(p->name);
        free(p->hardware);
        free(p->network);
    }
    free(points->points);
    *points = (struct bd_suite_points){0};
}

/* `bitdial curves LOG.jsonl... -o out.svg`: curves of training logs (train_view.h), drawn by gnuplot. */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/json.h"
#include "model/core/memory.h"
#include "model/core/output.h"
#include "model/core/process.h"
#include "sw/cli/cli.h"
#include "sw/cli/options.h"
#include "sw/cli/report.h"

#define NAME "curves"
#define LOG_LIMIT ((size_t)256 << 20)
#define GNUPLOT_SECONDS 120
#define TITLE_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-.,:+=()"

static const char usage[] =
    "usage: bitdial curves LOG.jsonl... -o FILE.svg\n"
    "\n"
    "Draws loss, accuracy and, where they were measured, norms and cosines of the switches' gradients and how full "
    "the\n"
    "outer levels of their codes are, from the logs of `bitdial train`, several logs over each other. Needs gnuplot.\n"
    "\n"
    "  -o, --output FILE    the picture\n"
    "  --json               one JSON object on stdout\n"
    "  --help               this text\n";

enum panel { LOSS, ACCURACY, NORM, COSINE, ENDS, CLIPPED, PANELS };
static const struct {
    const char *title, *options;
} panels[PANELS] = {
    {"loss (moving average)", ""},
    {"accuracy, %: training (lines), validation (points)", ""},
    {"norm of the gradient in the shared weights", "set logscale y\n"},
    {"cosine with the gradient of the highest switch", "set yrange [-1:1]\n"},
    {"weights at the lowest or highest level, %, mean of the layers", "set yrange [0:*]\n"},
    {"activations at the highest level, %, mean of the layers", "set yrange [0:*]\n"},
};

struct point {
    double step, value;
};

struct series {
    enum panel panel;
    bool points; /* not lines */
    char *title;
    size_t count;
    struct point *data;
};

struct curves {
    const char *output;
    bool json;
    size_t series_count;
    struct series *series;
};

/* ---- logs ---- */

/* A run that was resumed does some steps again: what it said of them before goes. */
static void add_point(struct curves *curves, enum panel panel, bool points, const char *log, const char *name,
                      double step, double value)
{
    char *title = bd_asprintf("%s %s", log, name);
    for (char *c = title; *c; c++) { /* names come from files and paths: nothing in them may be gnuplot's language */
        *c = strchr(TITLE_CHARACTERS, *c) ? *c : '?';
    }
    struct series *series = NULL;
    for (size_t i = 0; i < curves->series_count; i++) {
        struct series *s = &curves->series[i];
        series = s->panel == panel && s->points == points && !strcmp(s->title, title) ? s : series;
    }
    if (!series) {
        curves->series = bd_xrealloc(curves->series, curves->series_count + 1, sizeof *curves->series);
        series = &curves->series[curves->series_count++];
        *series = (struct series){.panel = panel, .points = points, .title = title};
        title = NULL;
    }
    free(title);
    while (series->count && series->data[series->count - 1].step >= step) {
        series->count--;
    }
    series->data = bd_xrealloc(series->data, series->count + 1, sizeof *series->data);
    series->data[series->count++] = (struct point){step, value};
}

static void add_object(struct curves *curves, enum panel panel, bool points, const char *log, const json_t *object,
                       double step, double gain)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value)
    {
        if (json_is_number(value)) {
            add_point(curves, panel, points, log, name, step, gain * json_number_value(value));
        }
    }
}

/* The part at the highest level, and the lowest with `both`. Of one bit both are all. */
static double end_part(const json_t *codes, bool both)
{
    const json_t *counts = json_object_get(codes, "counts"), *count;
    if (!counts) {
        return json_number_value(json_object_get(codes, "highest")) +
               (both ? json_number_value(json_object_get(codes, "lowest")) : 0);
    }
    const size_t last = json_array_size(counts) - 1;
    double sum = 0, ends = json_number_value(json_array_get(counts, last));
    ends += both ? json_number_value(json_array_get(counts, 0)) : 0;
    size_t i;
    json_array_foreach((json_t *)counts, i, count)
    {
        sum += json_number_value(count);
    }
    return sum > 0 ? ends / sum : 0;
}

/* {switch: {layer: codes}} as one number a switch. */
static void add_ends(struct curves *curves, enum panel panel, bool both, const char *log, const json_t *object,
                     double step)
{
    const char *name, *layer;
    json_t *layers, *codes;
    json_object_foreach((json_t *)object, name, layers)
    {
        double sum = 0;
        int count = 0;
        json_object_foreach(layers, layer, codes)
        {
            if (!both || json_integer_value(json_object_get(codes, "bits")) > 1) {
                sum += end_part(codes, both);
                count++;
            }
        }
        if (count) {
            add_point(curves, panel, false, log, name, step, 100 * sum / count);
        }
    }
}

static void add_line(struct curves *curves, const char *log, const json_t *line)
{
    const char *event = json_string_value(json_object_get(line, "event"));
    double step = json_number_value(json_object_get(line, "step"));
    if (event && !strcmp(event, "step")) {
        const json_t *cosines = json_object_get(line, "gradient_cosine");
        const json_t *highest = json_object_iter_value(json_object_iter((json_t *)cosines));
        add_object(curves, LOSS, false, log, json_object_get(line, "loss"), step, 1);
        add_object(curves, ACCURACY, false, log, json_object_get(line, "accuracy"), step, 100);
        add_object(curves, NORM, false, log, json_object_get(line, "gradient_norm"), step, 1);
        add_object(curves, COSINE, false, log, highest, step, 1);
        add_ends(curves, ENDS, true, log, json_object_get(line, "weight_codes"), step);
        add_ends(curves, CLIPPED, false, log, json_object_get(line, "activation_codes"), step);
    } else if (event && !strcmp(event, "validated")) {
        add_object(curves, ACCURACY, true, log, json_object_get(line, "accuracy"), step, 100);
    }
}

/* The file's name without folder and endings. */
static char *short_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *name = bd_xstrdup(slash ? slash + 1 : path);
    char *dot = strstr(name, ".h5.jsonl");
    dot = dot ? dot : strstr(name, ".jsonl");
    if (dot && dot != name) {
        *dot = 0;
    }
    return name;
}

static bd_status read_log(struct curves *curves, const char *path, struct bd_error *err)
{
    uint8_t *text;
    size_t size;
    bd_status status = bd_file_read(path, LOG_LIMIT, &text, &size, err);
    if (status) {
        return status;
    }
    char *name = short_name(path), *rest = (char *)text;
    for (int number = 1; *rest && !status; number++) {
        char *line = strsep(&rest, "\n");
        json_t *object = *line ? json_loads(line, 0, NULL) : NULL;
        if (object && json_is_object(object)) {
            add_line(curves, name, object);
        } else if (*line && rest && *rest) { /* a kill may tear the last line alone */
            bd_fail(err, BD_BAD_INPUT, "%s:%d: this is no line of a training log", path, number);
            status = bd_fail_at(err, path, number, 0, -1);
        }
        json_decref(object);
        if (!rest) {
            break;
        }
    }
    free(name);
    free(text);
    return status;
}

/* ---- the picture ---- */

static bool panel_is_used(const struct curves *curves, enum panel panel)
{
    for (size_t i = 0; i < curves->series_count; i++) {
        if (curves->series[i].panel == panel) {
            return true;
        }
    }
    return false;
}

/* Of a title, in every panel alike: the place of its first series among different titles. */
static int color_of(const struct curves *curves, size_t which)
{
    int color = 1;
    for (size_t i = 0; i < which && strcmp(curves->series[i].title, curves->series[which].title); i++) {
        bool first = true;
        for (size_t k = 0; k < i; k++) {
            first = first && strcmp(curves->series[k].title, curves->series[i].title);
        }
        color += first;
    }
    return color;
}

static void print_panel(const struct curves *curves, enum panel panel, FILE *out)
{
    const char *lead = "plot";
    fprintf(out, "unset logscale\nset autoscale\nset title \"%s\"\n%s", panels[panel].title, panels[panel].options);
    for (size_t i = 0; i < curves->series_count; i++) {
        const struct series *s = &curves->series[i];
        if (s->panel != panel) {
            continue;
        }
        fprintf(out, "%s $s%zu using 1:2 with %s lc %d ", lead, i, s->points ? "points pt 7 ps 0.5" : "lines",
                color_of(curves, i));
        if (s->points) {
            fputs("notitle", out);
        } else {
            fprintf(out, "title '%s'", s->title); /* of TITLE_CHARACTERS; gnuplot runs what is in backticks elsewhere */
        }
        lead = ",";
    }
    fprintf(out, "\n");
}

static bool print_script(const struct curves *curves, FILE *out)
{
    int used = 0;
    for (int p = 0; p < PANELS; p++) {
        used += panel_is_used(curves, p);
    }
    for (size_t i = 0; i < curves->series_count; i++) {
        fprintf(out, "$s%zu << END\n", i);
        for (size_t k = 0; k < curves->series[i].count; k++) {
            fprintf(out, "%.10g %.8g\n", curves->series[i].data[k].step, curves->series[i].data[k].value);
        }
        fprintf(out, "END\n");
    }
    fprintf(out, "set terminal svg size %d,%d dynamic background rgb 'white'\n", used > 1 ? 1200 : 700,
            (used + 1) / 2 * 450);
    fprintf(out, "set key outside right noenhanced\nset grid\nset xlabel \"step\"\nset multiplot layout %d,%d\n",
            (used + 1) / 2, used > 1 ? 2 : 1);
    for (int p = 0; p < PANELS; p++) {
        if (panel_is_used(curves, p)) {
            print_panel(curves, p, out);
        }
    }
    fprintf(out, "unset multiplot\n");
    return fflush(out) == 0 && fseek(out, 0, SEEK_SET) == 0;
}

/* What gnuplot makes of the script, malloc'd. */
static bd_status run_gnuplot(FILE *script, char **picture, struct bd_error *err)
{
    char *input = bd_asprintf("/dev/fd/%d", fileno(script));
    const struct bd_process process = {.argv = (const char *const[]){"gnuplot", "--default-settings", "-", NULL},
                                       .seconds = GNUPLOT_SECONDS,
                                       .input = input};
    int code;
    bd_status status = bd_process_run(&process, picture, &code, err);
    free(input);
    if (status) {
        return bd_fail(err, BD_INFRA, "gnuplot is not installed: the package is gnuplot-nox");
    }
    if (code == BD_PROCESS_TIMED_OUT) {
        status = bd_fail(err, BD_INFRA, "gnuplot did not end within %d s", GNUPLOT_SECONDS);
    } else if (code || !**picture) {
        status = bd_fail(err, BD_INFRA, code ? "gnuplot failed" : "gnuplot drew nothing");
    }
    return status;
}

static bd_status draw(const struct curves *curves, struct bd_error *err)
{
    FILE *script = tmpfile();
    char *picture = NULL;
    bd_status status = BD_OK;
    if (!script || !print_script(curves, script)) {
        status = bd_fail(err, BD_INFRA, "cannot write a temporary file: %s", strerror(errno));
    }
    status = status ? status : run_gnuplot(script, &picture, err);
    status = status ? status : bd_file_write(curves->output, picture, strlen(picture), err);
    free(picture);
    if (script) {
        fclose(script);
    }
    return status;
}

/* ---- the command ---- */

static int parse_options(struct curves *curves, int argc, char **argv)
{
    const struct bd_option table[] = {
        {"output", .text = &curves->output, .letter = 'o'}, {"json", .flag = &curves->json}, {0}};
    int code = bd_cli_options(NAME, usage, table, argc, argv);
    if (code != BD_OPTIONS_READ) {
        return code;
    }
    if (optind == argc || !curves->output) {
        return bd_cli_usage(NAME, optind == argc ? "expected one or more training logs" : "'--output' is missing");
    }
    return BD_OPTIONS_READ;
}

int cmd_curves(int argc, char **argv)
{
    struct curves curves = {0};
    struct bd_error err;
    int parsed = parse_options(&curves, argc, argv);
    if (parsed != BD_OPTIONS_READ) {
        return parsed;
    }
    bd_status status =
        bd_output_check(curves.output, BD_OUTPUT_DRAWING, NULL, (const char *const *)argv + optind, &err);
    for (int i = optind; i < argc && !status; i++) {
        status = read_log(&curves, argv[i], &err);
    }
    if (!status && !curves.series_count) {
        status = bd_fail(&err, BD_BAD_INPUT, "there is nothing to draw: the logs hold no steps");
    }
    status = status ? status : draw(&curves, &err);
    if (status) {
        bd_cli_fail(NAME, &err);
    } else if (curves.json) {
        bd_cli_report(json_pack("{s:o, s:i, s:I}", "output", bd_json_text(curves.output), "logs", argc - optind,
                                "series", (json_int_t)curves.series_count));
    } else {
        printf("wrote %s\n", curves.output);
    }
    for (size_t i = 0; i < curves.series_count; i++) {
        free(curves.series[i].title);
        free(curves.series[i].data);
    }
    free(curves.series);
    return status;
}

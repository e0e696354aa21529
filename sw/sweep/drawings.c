/* The drawings of a sweep's page, as SVG. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sw/page/page.h"
#include "sw/sweep/html_parts.h"

enum { WIDE = 460, TALL = 300, LEFT = 66, FOOT = 40, TOP = 26, AXIS_STEP = 130, AXIS_TALL = 260 };

const char *bd_sweep_class(const json_t *design)
{
    return json_is_true(json_object_get(design, "front"))      ? "front"
           : json_is_true(json_object_get(design, "feasible")) ? "ok"
                                                               : "";
}

bool bd_sweep_value(const json_t *design, int metric, double *value)
{
    const json_t *number = json_object_get(json_object_get(design, "metrics"), bd_sweep_metrics[metric].name);
    *value = json_number_value(number);
    return json_is_number(number) && strcmp(bd_page_text(design, "state"), "done") == 0;
}

/* ---- what is drawn ---- */

struct axis {
    int metric;
    double low, high; /* of what is there, and of its bound */
    double bound;     /* of a constraint, or NAN */
};

/* The bound of a metric by "fps >= 1000". */
static double bound_of(const json_t *document, int metric)
{
    const json_t *text;
    size_t i;
    const size_t length = strlen(bd_sweep_metrics[metric].name);
    json_array_foreach(json_object_get(document, "constraints"), i, text)
    {
        const char *words = json_string_value(text);
        if (words && strncmp(words, bd_sweep_metrics[metric].name, length) == 0 && words[length] == ' ')
            return atof(words + length + 4);
    }
    return NAN;
}

static struct axis axis_of(const json_t *document, int metric)
{
    struct axis axis = {.metric = metric, .low = HUGE_VAL, .high = -HUGE_VAL, .bound = bound_of(document, metric)};
    const json_t *design;
    double value;
    size_t i;
    json_array_foreach(json_object_get(document, "designs"), i, design)
    {
        if (bd_sweep_value(design, metric, &value)) {
            axis.low = fmin(axis.low, value);
            axis.high = fmax(axis.high, value);
        }
    }
    if (axis.low > axis.high)
        axis.low = 0, axis.high = 1;
    const double beyond = (axis.high - axis.low) / 2; /* a bound that is farther off would press the rest together */
    if (axis.bound < axis.high + beyond && axis.bound > axis.low - beyond) {
        axis.low = fmin(axis.low, axis.bound);
        axis.high = fmax(axis.high, axis.bound);
    }
    if (axis.low == axis.high)
        axis.high = axis.low + 1;
    return axis;
}

static double place(const struct axis *axis, double value)
{
    return (value - axis->low) / (axis->high - axis->low);
}

/* Name and metrics, shown under the pointer. */
static void tip(FILE *out, const json_t *design)
{
    double value;
    bd_page_element(out, "<title>", bd_page_text(design, "name"), "");
    for (int m = 0; m < BD_SWEEP_METRIC_COUNT; m++) {
        if (bd_sweep_value(design, m, &value))
            fprintf(out, "\n%s %.*f %s", bd_sweep_metrics[m].name, bd_sweep_metrics[m].digits, value,
                    bd_sweep_metrics[m].unit);
    }
    fputs("</title>", out);
}

/* Those on the front last, so that they lie on top. */
static void each_design(FILE *out, const json_t *document, const struct axis *axes, size_t count,
                        void (*draw)(FILE *out, const json_t *design, size_t number, const struct axis *axes,
                                     size_t count))
{
    static const char *const order[] = {"", "ok", "front"};
    const json_t *design;
    size_t i;
    for (size_t o = 0; o < sizeof order / sizeof *order; o++) {
        json_array_foreach(json_object_get(document, "designs"), i, design)
        {
            if (strcmp(bd_sweep_class(design), order[o]) == 0 && strcmp(bd_page_text(design, "state"), "done") == 0)
                draw(out, design, i, axes, count);
        }
    }
}

/* ---- fronts ---- */

static double x_of(const struct axis *axis, double value)
{
    return LEFT + place(axis, value) * (WIDE - LEFT - 20);
}

static double y_of(const struct axis *axis, double value)
{
    return TALL - FOOT - place(axis, value) * (TALL - FOOT - TOP);
}

static void dot(FILE *out, const json_t *design, size_t number, const struct axis *axes, size_t count)
{
    double x, y;
    (void)count;
    if (!bd_sweep_value(design, axes[0].metric, &y) || !bd_sweep_value(design, axes[1].metric, &x))
        return;
    fprintf(out, "<circle class=\"dot %s\" data-design=\"%zu\" cx=\"%.1f\" cy=\"%.1f\" r=\"%d\">",
            bd_sweep_class(design), number, x_of(&axes[1], x), y_of(&axes[0], y),
            json_is_true(json_object_get(design, "front")) ? 6 : 4);
    tip(out, design);
    fputs("</circle>\n", out);
}

static bool is_drawn(const struct axis *axis)
{
    return axis->bound >= axis->low && axis->bound <= axis->high;
}

static void number(FILE *out, double value)
{
    fprintf(out, fabs(value) >= 100 ? "%.0f" : "%.3g", value);
}

/* One, two or five times a power of ten, so that an axis has three to seven of it. */
static double step_of(const struct axis *axis)
{
    const double rough = (axis->high - axis->low) / 5, power = pow(10, floor(log10(rough)));
    return power * (rough < 1.5 * power ? 1 : rough < 3.5 * power ? 2 : rough < 7.5 * power ? 5 : 10);
}

/* Where the n-th mark of an axis stands; false beyond its end. */
static bool mark_of(const struct axis *axis, int n, double *value)
{
    const double step = step_of(axis);
    *value = step * (ceil(axis->low / step) + n) + 0.0; /* no negative zero */
    return *value <= axis->high;
}

static void ticks(FILE *out, const struct axis *y, const struct axis *x)
{
    double value;
    for (int n = 0; mark_of(y, n, &value); n++) {
        fprintf(out,
                "<line class=\"axis\" x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\"/><text x=\"%d\" y=\"%.1f\" "
                "text-anchor=\"end\">",
                LEFT - 4, y_of(y, value), LEFT, y_of(y, value), LEFT - 7, y_of(y, value) + 4);
        number(out, value);
        fputs("</text>\n", out);
    }
    for (int n = 0; mark_of(x, n, &value); n++) {
        fprintf(out,
                "<line class=\"axis\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/><text x=\"%.1f\" y=\"%d\" "
                "text-anchor=\"middle\">",
                x_of(x, value), TALL - FOOT, x_of(x, value), TALL - FOOT + 4, x_of(x, value), TALL - FOOT + 16);
        number(out, value);
        fputs("</text>\n", out);
    }
}

static void front(FILE *out, const json_t *document, int ym, int xm)
{
    const struct axis axes[2] = {axis_of(document, ym), axis_of(document, xm)};
    const struct bd_sweep_metric_row *y = &bd_sweep_metrics[ym], *x = &bd_sweep_metrics[xm];
    fprintf(out, "<svg width=\"%d\" height=\"%d\" role=\"img\" aria-label=\"%s against %s\">\n", WIDE, TALL, y->name,
            x->name);
    fprintf(out,
            "<line class=\"axis\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/><line class=\"axis\" x1=\"%d\" y1=\"%d\" "
            "x2=\"%d\" y2=\"%d\"/>\n",
            LEFT, TOP, LEFT, TALL - FOOT, LEFT, TALL - FOOT, WIDE - 20, TALL - FOOT);
    ticks(out, &axes[0], &axes[1]);
    fprintf(out,
            "<text class=\"name\" x=\"4\" y=\"12\">%s %s</text><text class=\"name\" x=\"%d\" y=\"%d\" "
            "text-anchor=\"end\">%s %s</text>\n",
            y->name, y->unit, WIDE - 20, TALL - 6, x->name, x->unit);
    if (is_drawn(&axes[1]))
        fprintf(out, "<line class=\"bound\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>\n",
                x_of(&axes[1], axes[1].bound), TOP, x_of(&axes[1], axes[1].bound), TALL - FOOT);
    if (is_drawn(&axes[0]))
        fprintf(out, "<line class=\"bound\" x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\"/>\n", LEFT,
                y_of(&axes[0], axes[0].bound), WIDE - 20, y_of(&axes[0], axes[0].bound));
    each_design(out, document, axes, 2, dot);
    fputs("</svg>\n", out);
}

void bd_sweep_fronts(FILE *out, const json_t *document)
{
    const json_t *objectives = json_object_get(document, "objectives"), *name;
    const int first = bd_sweep_metric(json_string_value(json_array_get(objectives, 0)));
    size_t i;
    fputs("<h2>Front</h2>\n<p class=\"soft\">green: on the front; blue: meets every constraint; grey: does not; "
          "red: chosen, at first the best; dashed: a "
          "constraint. Figures stand under the pointer; a click chooses.</p>\n<div class=\"plots\">\n",
          out);
    json_array_foreach((json_t *)objectives, i, name)
    {
        if (i)
            front(out, document, first, bd_sweep_metric(json_string_value(name)));
    }
    if (json_array_size(objectives) == 1)
        front(out, document, first, first == BD_SWEEP_CLOCKS ? BD_SWEEP_LUT4 : BD_SWEEP_CLOCKS);
    fputs("</div>\n", out);
}

/* ---- parallel coordinates ---- */

static double height_of(const struct axis *axis, double value)
{
    const double up = place(axis, value);
    return 40 + AXIS_TALL * (bd_sweep_metrics[axis->metric].larger ? 1 - up : up); /* better is higher */
}

static void line(FILE *out, const json_t *design, size_t number, const struct axis *axes, size_t count)
{
    double value;
    fprintf(out, "<polyline class=\"line %s\" data-design=\"%zu\" points=\"", bd_sweep_class(design), number);
    for (size_t a = 0; a < count; a++) {
        if (bd_sweep_value(design, axes[a].metric, &value))
            fprintf(out, "%zu,%.1f ", 70 + a * AXIS_STEP, height_of(&axes[a], value));
    }
    fputs("\">", out);
    tip(out, design);
    fputs("</polyline>\n", out);
}

void bd_sweep_parallel(FILE *out, const json_t *document)
{
    struct axis axes[BD_SWEEP_METRIC_COUNT];
    bool drawn[BD_SWEEP_METRIC_COUNT] = {false};
    const json_t *name;
    size_t i, count = 0;
    json_array_foreach(json_object_get(document, "objectives"), i, name)
    {
        const int m = bd_sweep_metric(json_string_value(name));
        if (!drawn[m])
            axes[count++] = axis_of(document, m);
        drawn[m] = true;
    }
    for (int m = 0; m < BD_SWEEP_METRIC_COUNT; m++) {
        if (!drawn[m] && !isnan(bound_of(document, m)))
            axes[count++] = axis_of(document, m);
    }
    fprintf(out,
            "<h2>All at once</h2>\n<p class=\"soft\">a line a design; better is higher on every axis</p>\n<div "
            "class=\"wide\">"
            "<svg width=\"%zu\" height=\"%d\" role=\"img\" aria-label=\"parallel coordinates\">\n",
            70 + count * AXIS_STEP, AXIS_TALL + 70);
    each_design(out, document, axes, count, line);
    for (size_t a = 0; a < count; a++) {
        const struct bd_sweep_metric_row *row = &bd_sweep_metrics[axes[a].metric];
        const size_t x = 70 + a * AXIS_STEP;
        fprintf(out, "<line class=\"axis\" x1=\"%zu\" y1=\"40\" x2=\"%zu\" y2=\"%d\"/>", x, x, 40 + AXIS_TALL);
        fprintf(out, "<text class=\"name\" x=\"%zu\" y=\"14\" text-anchor=\"middle\">%s %s</text>", x, row->name,
                row->unit);
        fprintf(out, "<text x=\"%zu\" y=\"32\" text-anchor=\"middle\">", x);
        number(out, row->larger ? axes[a].high : axes[a].low);
        fprintf(out, "</text><text x=\"%zu\" y=\"%d\" text-anchor=\"middle\">", x, AXIS_TALL + 58);
        number(out, row->larger ? axes[a].low : axes[a].high);
        fputs("</text>\n", out);
        if (is_drawn(&axes[a]))
            fprintf(out, "<line class=\"bound\" x1=\"%zu\" y1=\"%.1f\" x2=\"%zu\" y2=\"%.1f\"/>\n", x - 14,
                    height_of(&axes[a], axes[a].bound), x + 14, height_of(&axes[a], axes[a].bound));
    }
    fputs("</svg></div>\n", out);
}

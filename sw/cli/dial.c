#include "sw/cli/dial.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#include "sw/cli/svg.h"

#define WIDTH 880
#define HEIGHT 330
#define TOP 46
#define BOTTOM 52
#define LEFT 58
#define PANEL (WIDTH / 2)
#define INSIDE (PANEL - LEFT - 24) /* a panel's plot */

enum family { EQUAL, ONE_BIT_WEIGHTS, FAMILIES };
static const struct {
    const char *name, *color;
} families[FAMILIES] = {{"equal bits", "#9b2c2c"}, {"one-bit weights", "#1f5f99"}};

static bool belongs(const struct bd_dial_point *p, enum family family)
{
    return family == EQUAL ? p->weight_bits == p->activation_bits : p->weight_bits == 1;
}

/* Costs on a logarithmic axis, per cent on a linear one. */
struct panel {
    int left;
    double low_cost, high_cost, low, high;
};

static double cost_of(const struct bd_dial_point *p, bool energy)
{
    return energy ? p->energy_nj / 1e3 : (double)p->clocks / 1e3;
}

static double x_of(const struct panel *p, double cost)
{
    return p->left + INSIDE * log(cost / p->low_cost) / log(p->high_cost / p->low_cost);
}

static double y_of(const struct panel *p, double percent)
{
    return TOP + (HEIGHT - TOP - BOTTOM) * (p->high - percent) / (p->high - p->low);
}

static struct panel ranges(const struct bd_dial_point *points, int count, bool energy)
{
    struct panel p = {.left = LEFT + (energy ? PANEL : 0), .low_cost = INFINITY, .low = INFINITY, .high = -INFINITY};
    for (int i = 0; i < count; i++) {
        const double cost = cost_of(&points[i], energy), whole = 100 * points[i].integer_accuracy;
        const double other = points[i].float_accuracy < 0 ? whole : 100 * points[i].float_accuracy;
        p.low_cost = fmin(p.low_cost, cost);
        p.high_cost = fmax(p.high_cost, cost);
        p.low = fmin(p.low, fmin(whole, other));
        p.high = fmax(p.high, fmax(whole, other));
    }
    p.low_cost /= 1.5;
    p.high_cost *= 1.5;
    p.low = floor(p.low - 0.2 * (p.high - p.low) - 0.1);
    p.high = ceil(p.high + 0.1);
    return p;
}

static void axes(FILE *out, const struct panel *p, const char *axis)
{
    const double bottom = HEIGHT - BOTTOM;
    char label[32];
    for (double decade = pow(10, floor(log10(p->low_cost))); decade < p->high_cost; decade *= 10) {
        for (int m = 1; m <= 5; m = m == 2 ? 5 : 2 * m) {
            const double cost = m * decade;
            if (cost > p->low_cost && cost < p->high_cost) {
                snprintf(label, sizeof label, "%g", cost);
                fprintf(out, "<path class=\"grid\" d=\"M%.1f %dV%.1f\"/>\n", x_of(p, cost), TOP, bottom);
                bd_svg_text(out, x_of(p, cost), bottom + 16, "middle", "#333", label);
            }
        }
    }
    const double step = p->high - p->low > 12 ? 5 : p->high - p->low > 6 ? 2 : p->high - p->low > 2 ? 1 : 0.5;
    for (double percent = ceil(p->low / step) * step; percent <= p->high; percent += step) {
        snprintf(label, sizeof label, "%g", percent);
        fprintf(out, "<path class=\"grid\" d=\"M%d %.1fH%d\"/>\n", p->left, y_of(p, percent), p->left + INSIDE);
        bd_svg_text(out, p->left - 6, y_of(p, percent) + 4, "end", "#333", label);
    }
    bd_svg_text(out, p->left + INSIDE / 2.0, bottom + 36, "middle", "#333", axis);
}

static void family(FILE *out, const struct panel *p, const struct bd_dial_point *points, int count, bool energy,
                   enum family f)
{
    const char *color = families[f].color, *separator = "";
    fprintf(out, "<polyline fill=\"none\" stroke=\"%s\" points=\"", color);
    for (int i = 0; i < count; i++) {
        if (belongs(&points[i], f)) {
            fprintf(out, "%s%.1f,%.1f", separator, x_of(p, cost_of(&points[i], energy)),
                    y_of(p, 100 * points[i].integer_accuracy));
            separator = " ";
        }
    }
    fputs("\"/>\n", out);
    for (int i = 0; i < count; i++) {
        const double x = x_of(p, cost_of(&points[i], energy)), y = y_of(p, 100 * points[i].integer_accuracy);
        if (!belongs(&points[i], f)) {
            continue;
        }
        fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"%s\"/>\n", x, y, color);
        if (points[i].float_accuracy >= 0) {
            fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5.5\" fill=\"none\" stroke=\"%s\"/>\n", x,
                    y_of(p, 100 * points[i].float_accuracy), color);
        }
        if (f == EQUAL && points[i].weight_bits != 1) {
            bd_svg_text(out, x + 7, y + 14, "start", color, points[i].name);
        } else if (f == ONE_BIT_WEIGHTS) {
            bd_svg_text(out, x - 7, y - 7, "end", color, points[i].name);
        }
    }
}

struct drawing {
    const char *title;
    const struct bd_dial_point *points;
    int count;
};

static void draw(FILE *out, const void *context)
{
    const struct drawing *d = context;
    bd_svg_begin(out, WIDTH, HEIGHT);
    bd_svg_text(out, LEFT, 16, "start", "black", d->title);
    for (enum family f = 0; f < FAMILIES; f++) {
        bd_svg_text(out, LEFT + f * 90, 34, "start", families[f].color, families[f].name);
    }
    bd_svg_text(out, WIDTH - 24, 34, "end", "#333", "accuracy, %: integers filled, floats hollow");
    for (int energy = 0; energy < 2; energy++) {
        const struct panel p = ranges(d->points, d->count, energy);
        axes(out, &p, energy ? "microjoules a frame" : "thousand clocks a frame");
        for (enum family f = 0; f < FAMILIES; f++) {
            family(out, &p, d->points, d->count, energy, f);
        }
    }
    fputs("</svg>\n", out);
}

bd_status bd_cli_draw_dial(const char *title, const struct bd_dial_point *points, int count, const char *path,
                           struct bd_error *err)
{
    const struct drawing drawing = {title, points, count};
    return bd_svg_write(path, draw, &drawing, err);
}

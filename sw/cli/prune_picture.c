#include "sw/cli/prune_picture.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/core/memory.h"
#include "sw/cli/svg.h"

#define WIDTH 900
#define TOP 56
#define ROW 15     /* pixels of a layer */
#define NAMES 104  /* of the layers' names */
#define BARS 250   /* of the widest layer */
#define FRONT 500  /* where the second panel's plot begins, */
#define INSIDE 370 /* how wide it is, */
#define HIGH 260   /* and how high */
#define KEPT "#1f5f99"
#define WHOLE "#d5dde5"
#define CHOSEN "#9b2c2c"

struct drawing {
    const struct bd_prune_run *run;
    const int *channels;
    int rows;
    uint64_t clocks; /* of the network chosen */
};

/* ---- widths ---- */

static void draw_widths(FILE *out, const struct drawing *d)
{
    const struct bd_graph *graph = &d->run->base.graph;
    int most = 1, row = 0;
    char label[64];
    for (int l = 0; l < graph->layer_count; l++) {
        const struct bd_layer *layer = &graph->layers[l];
        most = layer->prune_group >= 0 && layer->out_channels > most ? layer->out_channels : most;
    }
    bd_svg_text(out, 16, 36, "start", "#333", "channels that each layer keeps, of those that it had");
    for (int l = 0; l < graph->layer_count; l++) {
        const struct bd_layer *layer = &graph->layers[l];
        if (layer->prune_group < 0) {
            continue;
        }
        const int kept = d->channels[layer->prune_group], y = TOP + ROW * row++;
        const double whole_width = (double)BARS * layer->out_channels / most, kept_width = (double)BARS * kept / most;
        snprintf(label, sizeof label, "%d/%d", kept, layer->out_channels);
        bd_svg_text(out, NAMES - 8, y + 10, "end", "#333", layer->name);
        fprintf(out, "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n", NAMES, y, whole_width,
                ROW - 4, WHOLE);
        fprintf(out, "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n", NAMES, y, kept_width,
                ROW - 4, KEPT);
        bd_svg_text(out, NAMES + whole_width + 6, y + 10, "start", "#333", label);
    }
}

/* ---- the front ---- */

struct plot {
    double low_cost, high_cost, low, high; /* thousand clocks; per cent */
};

static double x_of(const struct plot *p, double cost)
{
    return FRONT + INSIDE * (cost - p->low_cost) / (p->high_cost - p->low_cost);
}

static double y_of(const struct plot *p, double value)
{
    return TOP + HIGH * (p->high - value) / (p->high - p->low);
}

static struct plot ranges(const struct bd_search *search)
{
    struct plot p = {INFINITY, search->config.budget / 1e3, INFINITY, -INFINITY};
    for (size_t i = 0; i < search->count; i++) {
        const struct bd_observation *o = &search->observations[i];
        p.low_cost = fmin(p.low_cost, o->cost / 1e3);
        p.high_cost = fmax(p.high_cost, o->cost / 1e3);
        p.low = fmin(p.low, o->value[0]);
        p.high = fmax(p.high, o->value[0]);
    }
    const double cost = fmax(p.high_cost - p.low_cost, 1e-3 * p.high_cost), value = fmax(p.high - p.low, 0.5);
    p.low_cost -= 0.05 * cost;
    p.high_cost += 0.05 * cost;
    p.low -= 0.06 * value;
    p.high += 0.06 * value;
    return p;
}

static void draw_axes(FILE *out, const struct plot *p)
{
    const double cost_step = bd_svg_step(p->high_cost - p->low_cost, 6), step = bd_svg_step(p->high - p->low, 6);
    char label[32];
    for (double cost = ceil(p->low_cost / cost_step) * cost_step; cost < p->high_cost; cost += cost_step) {
        snprintf(label, sizeof label, "%g", cost);
        fprintf(out, "<path class=\"grid\" d=\"M%.1f %dV%d\"/>\n", x_of(p, cost), TOP, TOP + HIGH);
        bd_svg_text(out, x_of(p, cost), TOP + HIGH + 15, "middle", "#333", label);
    }
    for (double value = ceil(p->low / step) * step; value < p->high; value += step) {
        snprintf(label, sizeof label, "%g", fabs(value) < 1e-9 ? 0 : value);
        fprintf(out, "<path class=\"grid\" d=\"M%d %.1fH%d\"/>\n", FRONT, y_of(p, value), FRONT + INSIDE);
        bd_svg_text(out, FRONT - 6, y_of(p, value) + 4, "end", "#333", label);
    }
}

static int by_cost(const void *a, const void *b)
{
    const struct bd_observation *x = *(const struct bd_observation *const *)a,
                                *y = *(const struct bd_observation *const *)b;
    return x->cost != y->cost ? (x->cost > y->cost) - (x->cost < y->cost)
                              : (x->value[0] < y->value[0]) - (x->value[0] > y->value[0]);
}

/* A step for each network that no other beats in both; then all points. */
static void draw_points(FILE *out, const struct plot *p, const struct bd_search *search)
{
    const struct bd_observation **sorted = bd_xcalloc(search->count, sizeof(*sorted));
    double best = -INFINITY;
    for (size_t i = 0; i < search->count; i++) {
        sorted[i] = &search->observations[i];
    }
    qsort(sorted, search->count, sizeof *sorted, by_cost);
    fprintf(out, "<path fill=\"none\" stroke=\"%s\" d=\"", KEPT);
    for (size_t i = 0; i < search->count; i++) {
        if (sorted[i]->value[0] > best) {
            fprintf(out, best == -INFINITY ? "M%.1f %.1f" : "H%.1fV%.1f", x_of(p, sorted[i]->cost / 1e3),
                    y_of(p, sorted[i]->value[0]));
            best = sorted[i]->value[0];
        }
    }
    fprintf(out, "H%d\"/>\n", FRONT + INSIDE);
    best = -INFINITY;
    for (size_t i = 0; i < search->count; i++) {
        const bool front = sorted[i]->value[0] > best;
        best = front ? sorted[i]->value[0] : best;
        fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%s\" fill=\"%s\"/>\n", x_of(p, sorted[i]->cost / 1e3),
                y_of(p, sorted[i]->value[0]), front ? "3.5" : "2.5", front ? KEPT : "#9aa7b4");
    }
    free(sorted);
}

static void draw_front(FILE *out, const struct drawing *d)
{
    const struct bd_prune_run *run = d->run;
    const struct bd_search *search = &run->search;
    const struct plot p = ranges(search);
    const struct bd_observation *best = &search->observations[bd_search_best(search)];
    const double budget = x_of(&p, search->config.budget / 1e3);
    char label[96];
    bd_svg_text(out, FRONT, 36, "start", "#333", "networks measured: validation accuracy, %; the line is their front");
    draw_axes(out, &p);
    fprintf(out, "<path stroke=\"%s\" stroke-dasharray=\"4 3\" d=\"M%.1f %dV%d\"/>\n", CHOSEN, budget, TOP, TOP + HIGH);
    bd_svg_text(out, budget, TOP - 5, "middle", CHOSEN, "budget");
    draw_points(out, &p, search);
    fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"7\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\"/>\n",
            x_of(&p, best->cost / 1e3), y_of(&p, best->value[0]), CHOSEN);
    snprintf(label, sizeof label, "thousand clocks a frame at %.15s; the whole network takes %.4g",
             run->config.budget_switch, (double)run->base_cycles / 1e3);
    bd_svg_text(out, FRONT + INSIDE / 2.0, TOP + HIGH + 32, "middle", "#333", label);
    bd_svg_text(out, FRONT + INSIDE / 2.0, TOP + HIGH + 48, "middle", CHOSEN, "ringed: the most accurate");
}

static void draw(FILE *out, const void *context)
{
    const struct drawing *d = context;
    const struct bd_prune_run *run = d->run;
    const bool front = run->search.count > 0;
    const int widths = TOP + ROW * d->rows + 16, plot = TOP + HIGH + 60;
    char title[320];
    snprintf(title, sizeof title, "%.64s on %.64s: %" PRIu64 " clocks of %" PRIu64 " at %s", run->base.graph.name,
             run->hardware.name, d->clocks, run->base_cycles, run->config.budget_switch);
    bd_svg_begin(out, front ? WIDTH : FRONT - 60, front && plot > widths ? plot : widths);
    bd_svg_text(out, 16, 18, "start", "black", title);
    draw_widths(out, d);
    if (front) {
        draw_front(out, d);
    }
    fputs("</svg>\n", out);
}

bd_status bd_cli_draw_prune(struct bd_prune_run *run, const int *channels, const char *path, struct bd_error *err)
{
    struct drawing d = {run, channels, 0, bd_pricer_cycles(&run->prices.clocks, channels)};
    for (int l = 0; l < run->base.graph.layer_count; l++) {
        d.rows += run->base.graph.layers[l].prune_group >= 0;
    }
    return bd_svg_write(path, draw, &d, err);
}

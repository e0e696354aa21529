#include "sw/govern/picture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 900, LEFT = 70, RIGHT = 130, PANEL = 150, GAP = 50, TOP = 50 };
static const char *const colours[] = {"#1b4965", "#3b7ea1", "#74b3ce", "#c5dfe8",
                                      "#8d6a9f", "#b497bd", "#e0c6d8", "#ccc"};
enum { COLOURS = sizeof colours / sizeof *colours };

struct drawing {
    FILE *out;
    const struct bd_trace *trace;
    double day;
};

static double x_of(const struct drawing *d, double time)
{
    return LEFT + time / d->day * (WIDTH - LEFT - RIGHT);
}

static void text(const struct drawing *d, double x, double y, const char *anchor, const char *words)
{
    fprintf(d->out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    for (; *words; words++) {
        fprintf(d->out, *words == '<' ? "&lt;" : *words == '>' ? "&gt;" : *words == '&' ? "&amp;" : "%c", *words);
    }
    fprintf(d->out, "</text>\n");
}

static void frame(const struct drawing *d, double top, const char *title, const char *low, const char *high)
{
    fprintf(d->out, "<rect x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"#888\"/>\n", LEFT, top,
            WIDTH - LEFT - RIGHT, PANEL);
    text(d, LEFT, top - 8, "start", title);
    text(d, LEFT - 6, top + PANEL, "end", low);
    text(d, LEFT - 6, top + 10, "end", high);
}

static void draw_switches(const struct drawing *d, const struct bd_day_options *o, const char *const *names,
                          const struct bd_day *day, double top)
{
    frame(d, top, "frames at each switch, parts of all that were asked for", "0", "1");
    double time = 0;
    for (size_t k = 0; k < day->row_count; k++) {
        const double x = x_of(d, time), width = x_of(d, time + d->trace->rows[k].seconds) - x;
        double all = 0, below = top + PANEL;
        for (uint32_t s = 0; s <= BD_GOVERNOR_SWITCHES; s++) {
            all += day->rows[k].frames[s];
        }
        for (uint32_t s = 0; s < o->count && all > 0; s++) {
            const double height = PANEL * day->rows[k].frames[s] / all;
            if (height > 0) {
                below -= height;
                fprintf(d->out, "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"%s\"/>\n", x, below,
                        width > 0.8 ? width : 0.8, height, colours[s % COLOURS]);
            }
        }
        time += d->trace->rows[k].seconds;
    }
    for (uint32_t s = 0; s < o->count; s++) {
        const double y = top + 12 + 16.0 * s;
        fprintf(d->out, "<rect x=\"%d\" y=\"%.1f\" width=\"10\" height=\"10\" fill=\"%s\"/>\n", WIDTH - RIGHT + 12,
                y - 9, colours[s % COLOURS]);
        text(d, WIDTH - RIGHT + 28, y, "start", names[s]);
    }
}

static void draw_levels(const struct drawing *d, const struct bd_day_options *o, const struct bd_day *day, double top)
{
    static const char *const words[] = {"energy", "heat", "time", "bytes"};
    static const char *const lines[] = {"#2a9d4a", "#c0392b", "#333", "#b8860b"};
    frame(d, top, "what is left in the buckets, parts of their room", "0", "1");
    for (int r = 0; r < BD_GOVERN_RESOURCES; r++) {
        double time = 0;
        bool any = false;
        for (size_t k = 0; k < day->row_count; k++) {
            struct bd_trace_bucket bucket;
            time += d->trace->rows[k].seconds;
            if (!bd_trace_bucket(&d->trace->rows[k], (enum bd_governor_resource)r, o->clock_hz, &bucket) ||
                bucket.room <= 0) {
                continue;
            }
            fprintf(d->out, any ? " %.1f,%.1f" : "<polyline fill=\"none\" stroke-width=\"1.5\" points=\"%.1f,%.1f",
                    x_of(d, time), top + PANEL * (1 - day->rows[k].level[r] / bucket.room));
            any = true;
        }
        if (any) {
            fprintf(d->out, "\" stroke=\"%s\"/>\n", lines[r]);
            text(d, WIDTH - RIGHT + 12, top + 14 + 16.0 * r, "start", words[r]);
        }
    }
}

static void draw_accuracy(const struct drawing *d, const struct bd_day_options *o, const struct bd_day *day,
                          const struct bd_optimum_row *best, double top)
{
    double least = 100, most = 0;
    for (uint32_t s = 0; s < o->count; s++) {
        least = o->switches[s].accuracy / 100.0 < least ? o->switches[s].accuracy / 100.0 : least;
        most = o->switches[s].accuracy / 100.0 > most ? o->switches[s].accuracy / 100.0 : most;
    }
    least -= 1;
    most += 0.2;
    char low[16], high[16];
    snprintf(low, sizeof low, "%.1f", least);
    snprintf(high, sizeof high, "%.1f", most);
    frame(d, top,
          "accuracy in percent of all that were asked for (left out: 0); grey: the best schedule of one who knows the "
          "day",
          low, high);
    for (int who = 0; who < 2; who++) {
        double time = 0;
        fprintf(d->out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"%s\" points=\"", who ? "#1b4965" : "#aaa",
                who ? "1.5" : "3");
        for (size_t k = 0; k < day->row_count; k++) {
            double all = 0, sum = 0;
            for (uint32_t s = 0; s <= BD_GOVERNOR_SWITCHES; s++) {
                const double part = who ? day->rows[k].frames[s] : best[k].part[s];
                all += part;
                sum += s < o->count ? part * o->switches[s].accuracy / 100 : 0;
            }
            const double middle = time + d->trace->rows[k].seconds / 2;
            time += d->trace->rows[k].seconds;
            if (all > 0) {
                const double value = sum / all < least ? least : sum / all;
                fprintf(d->out, "%.1f,%.1f ", x_of(d, middle), top + PANEL * (most - value) / (most - least));
            }
        }
        fprintf(d->out, "\"/>\n");
    }
}

char *bd_day_picture(const char *title, const struct bd_trace *trace, const struct bd_day_options *options,
                     const char *const *names, const struct bd_day *day, const struct bd_optimum_row *best)
{
    char *svg = NULL;
    size_t size = 0;
    struct drawing d = {.out = open_memstream(&svg, &size), .trace = trace};
    if (!d.out) {
        return strdup("");
    }
    for (size_t k = 0; k < trace->count; k++) {
        d.day += trace->rows[k].seconds;
    }
    const int height = TOP + 3 * (PANEL + GAP);
    fprintf(d.out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" "
            "font-size=\"11\">\n<rect width=\"%d\" height=\"%d\" fill=\"white\"/>\n",
            WIDTH, height, WIDTH, height);
    text(&d, WIDTH / 2.0, 18, "middle", title);
    draw_switches(&d, options, names, day, TOP);
    draw_levels(&d, options, day, TOP + PANEL + GAP);
    draw_accuracy(&d, options, day, best, TOP + 2 * (PANEL + GAP));
    char hours[48];
    snprintf(hours, sizeof hours, "%.1f hours", d.day / 3600);
    text(&d, WIDTH - RIGHT, TOP + 3 * PANEL + 2 * GAP + 16, "end", hours);
    text(&d, LEFT, TOP + 3 * PANEL + 2 * GAP + 16, "start", "0");
    fprintf(d.out, "</svg>\n");
    fclose(d.out);
    return svg;
}

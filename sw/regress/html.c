/* Results as one HTML file, without a script. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "sw/page/page.h"
#include "sw/regress/results.h"

/* How a state is shown: a class, a sign that needs no colour, a word. */
struct look {
    const char *state, *class, *sign, *word;
};
static const struct look looks[] = {
    {"done", "good", "\u2713", "passed"},     {"failed", "bad", "\u2717", "failed"},
    {"timed_out", "bad", "t", "timed out"},   {"infrastructure", "wait", "!", "met the infrastructure"},
    {"running", "idle", "\u2026", "running"}, {"queued", "idle", "\u00b7", "not run"},
};

static const struct look *look_of(const json_t *point)
{
    const char *state = bd_results_text(point, "state");
    for (size_t l = 0; l < sizeof looks / sizeof *looks; l++)
        if (strcmp(looks[l].state, state) == 0)
            return &looks[l];
    return &looks[sizeof looks / sizeof *looks - 1];
}

static bool failed(const json_t *point)
{
    const char *class = look_of(point)->class;
    return strcmp(class, "bad") == 0 || strcmp(class, "wait") == 0;
}

static void text(FILE *out, const json_t *object, const char *key)
{
    bd_results_escape(out, bd_results_text(object, key));
}

/* ---- parts -------------------------------------------------------------------------------------------------- */

static void head(FILE *out, const json_t *document)
{
    const json_t *counts = json_object_get(document, "counts");
    char *title = bd_asprintf("%s: regression", bd_results_text(document, "suite"));
    bd_page_begin(out, title, "");
    free(title);
    bd_page_element(out, "<h1>", bd_results_text(document, "suite"), "</h1>\n");
    bd_page_element(out, "<p>", bd_results_text(document, "title"), "</p>\n");
    fprintf(out, "<p class=\"soft\">master seed %.0f, run %.0f of this folder, RTL ",
            bd_results_number(document, "seed"), bd_results_number(document, "run"));
    text(out, document, "rtl");
    fputs(", bitdial ", out);
    text(out, document, "version");
    fputs(", ", out);
    bd_page_seconds(out, bd_results_number(document, "seconds"));
    fputs(" of points</p>\n<div class=\"tiles\">\n", out);
    bd_page_tile(out, "good", bd_results_number(counts, "done"), "passed");
    bd_page_tile(out, "bad", bd_results_number(counts, "failed"), "failed");
    bd_page_tile(out, "bad", bd_results_number(counts, "timed_out"), "timed out");
    bd_page_tile(out, "wait", bd_results_number(counts, "infrastructure"), "met the infrastructure");
    bd_page_tile(out, "soft", bd_results_number(counts, "queued"), "not run");
    fputs("</div>\n", out);
}

static void line_of(FILE *out, const char *words, const json_t *object, const char *key)
{
    if (*bd_results_text(object, key)) {
        fprintf(out, "<p class=\"soft\">%s</p>", words);
        bd_page_element(out, "<pre>", bd_results_text(object, key), "</pre>\n");
    }
}

static void failure(FILE *out, const json_t *point, size_t t, size_t p)
{
    const json_t *found = json_object_get(point, "failure");
    fprintf(out, "<section class=\"failure\" id=\"f%zu-%zu\">\n", t, p);
    bd_page_element(out, "<h3>", bd_results_text(point, "name"), "</h3>\n");
    fprintf(out, "<p><span class=\"bad\">%s</span>", look_of(point)->word);
    if (*bd_results_text(found, "layer"))
        bd_page_element(out, " at layer ", bd_results_text(found, "layer"), "");
    fputs("</p>\n", out);
    const char *said = bd_results_text(found, "text");
    bd_page_element(out, "<pre>", *said ? said : bd_results_text(point, "cause"), "</pre>\n");
    line_of(out, "repeat", found && *bd_results_text(found, "repeat") ? found : point, "repeat");
    if (*bd_results_text(found, "case")) {
        fprintf(
            out,
            "<p class=\"soft\">the smallest that still fails: %.0f layer%s, an image of %.0f&times;%.0f&times;%.0f</p>",
            bd_results_number(found, "layers"), bd_results_number(found, "layers") == 1 ? "" : "s",
            bd_results_number(found, "height"), bd_results_number(found, "width"),
            bd_results_number(found, "channels"));
        bd_page_element(out, "<pre>", bd_results_text(found, "case_repeat"), "</pre>\n");
    }
    line_of(out, "not made smaller", found, "shrink_error");
    line_of(out, "waves, at the first wrong value on the bus", found, "view_line");
    line_of(out, "no waves", found, "trace_error");
    fputs("</section>\n", out);
}

static void failures(FILE *out, const json_t *document)
{
    const json_t *test, *point;
    size_t t, p, count = 0;
    fputs("<h2>Failures</h2>\n", out);
    json_array_foreach(json_object_get(document, "tests"), t, test)
    {
        json_array_foreach(json_object_get(test, "points"), p, point)
        {
            if (failed(point)) {
                failure(out, point, t, p);
                count++;
            }
        }
    }
    if (!count)
        fputs("<p class=\"soft\">None.</p>\n", out);
}

static void cells(FILE *out, const json_t *test, size_t t)
{
    const json_t *point;
    size_t p;
    fputs("<div class=\"cells\">", out);
    json_array_foreach(json_object_get(test, "points"), p, point)
    {
        const struct look *look = look_of(point);
        fprintf(out, failed(point) ? "<a class=\"cell %s\" href=\"#f%zu-%zu\"" : "<span class=\"cell %s\"", look->class,
                t, p);
        fputs(" title=\"", out);
        text(out, point, "name");
        fprintf(out, ": %s, ", look->word);
        bd_page_seconds(out, bd_results_number(point, "seconds"));
        fprintf(out, "\">%s</%s>", look->sign, failed(point) ? "a" : "span");
    }
    fputs("</div>", out);
}

static void matrix(FILE *out, const json_t *document)
{
    const json_t *test, *point;
    size_t t, p;
    fputs("<h2>Tests</h2>\n<table>\n<thead><tr><th>test</th><th>kind</th><th class=\"n\">passed</th>"
          "<th>points: &#10003; passed, &#10007; failed, t timed out, ! infrastructure, &middot; not "
          "run</th></tr></thead>\n<tbody>\n",
          out);
    json_array_foreach(json_object_get(document, "tests"), t, test)
    {
        size_t done = 0, all = json_array_size(json_object_get(test, "points"));
        bool wrong = false;
        json_array_foreach(json_object_get(test, "points"), p, point)
        {
            done += strcmp(bd_results_text(point, "state"), "done") == 0;
            wrong |= failed(point);
        }
        bd_page_element(out, "<tr><td>", bd_results_text(test, "name"), "</td>");
        bd_page_element(out, "<td class=\"soft\">", bd_results_text(test, "kind"), "</td>");
        fprintf(out, "<td class=\"n %s\">%zu of %zu</td><td>",
                done == all ? "good"
                : wrong     ? "bad"
                            : "soft",
                done, all);
        cells(out, test, t);
        fputs("</td></tr>\n", out);
    }
    fputs("</tbody>\n</table>\n", out);
}

static void times(FILE *out, const json_t *document)
{
    const json_t *test;
    double most = 0;
    size_t t;
    json_array_foreach(json_object_get(document, "tests"), t, test)
    {
        most = fmax(most, bd_results_number(test, "seconds"));
    }
    fputs("<h2>Time</h2>\n<table>\n<thead><tr><th>test</th><th class=\"n\">of its "
          "points</th><th></th></tr></thead>\n<tbody>\n",
          out);
    json_array_foreach(json_object_get(document, "tests"), t, test)
    {
        const double s = bd_results_number(test, "seconds");
        bd_page_element(out, "<tr><td>", bd_results_text(test, "name"), "</td><td class=\"n\">");
        bd_page_seconds(out, s);
        fprintf(out, "</td><td style=\"width:60%%\"><div class=\"bar\" style=\"width:%.1f%%\"></div></td></tr>\n",
                most > 0 ? 100 * s / most : 0);
    }
    fputs("</tbody>\n</table>\n", out);
}

enum { RUNS = 30, COLUMN = 22, TALL = 110 };

/* A column a run: what passed, and on it what failed. */
static void trend(FILE *out, const json_t *document)
{
    const json_t *history = json_object_get(document, "history"), *run;
    const size_t count = json_array_size(history), from = count > RUNS ? count - RUNS : 0;
    double most = 1;
    size_t i;
    json_array_foreach((json_t *)history, i, run)
    {
        most = i >= from ? fmax(most, bd_results_number(run, "total")) : most;
    }
    fprintf(out,
            "<h2>Trend</h2>\n<p class=\"soft\">the last %zu runs in this folder: points that passed, and above them "
            "points that did not</p>\n<svg width=\"%zu\" height=\"%d\" role=\"img\" aria-label=\"trend\">\n",
            count - from, (count - from) * COLUMN + 40, TALL + 20);
    fprintf(out, "<text x=\"0\" y=\"12\">%.0f</text><line class=\"axis\" x1=\"30\" y1=\"%d\" x2=\"%zu\" y2=\"%d\"/>\n",
            most, TALL, (count - from) * COLUMN + 38, TALL);
    json_array_foreach((json_t *)history, i, run)
    {
        const double all = bd_results_number(run, "total"), bad = bd_results_number(run, "failed");
        const double scale = (TALL - 4) / most, x = 34 + (double)(i - from) * COLUMN;
        if (i < from)
            continue;
        fprintf(out, "<g><title>run %.0f: %.0f of %.0f passed</title>", bd_results_number(run, "run"), all - bad, all);
        fprintf(out, "<rect class=\"run\" x=\"%.0f\" y=\"%.1f\" width=\"16\" height=\"%.1f\"/>", x,
                TALL - (all - bad) * scale, (all - bad) * scale);
        fprintf(out, "<rect class=\"fails\" x=\"%.0f\" y=\"%.1f\" width=\"16\" height=\"%.1f\"/>", x,
                TALL - all * scale, bad * scale);
        fprintf(out, "<text x=\"%.0f\" y=\"%d\">%.0f</text></g>\n", x + 2, TALL + 14, bd_results_number(run, "run"));
    }
    fputs("</svg>\n", out);
}

enum { HOLES = 24 };

/* Bins that a run filled, and the holes with the line of a suite that would fill them. */
static void coverage(FILE *out, const json_t *document)
{
    const json_t *groups = json_object_get(json_object_get(document, "coverage"), "groups"), *group, *hole;
    size_t g, h;
    if (!groups)
        return;
    fputs("<h2>Coverage</h2>\n<table>\n<thead><tr><th>bins</th><th "
          "class=\"n\">filled</th><th>holes</th></tr></thead>\n<tbody>\n",
          out);
    json_array_foreach((json_t *)groups, g, group)
    {
        bd_page_element(out, "<tr><td>", bd_results_text(group, "name"), "</td>");
        fprintf(out, "<td class=\"n\">%.0f of %.0f</td><td>", bd_results_number(group, "filled"),
                bd_results_number(group, "bins"));
        const size_t count = json_array_size(json_object_get(group, "holes"));
        json_array_foreach(json_object_get(group, "holes"), h, hole)
        {
            if (h < HOLES) {
                fputs(h ? ", " : "", out);
                bd_results_escape(out, json_string_value(hole) ? json_string_value(hole) : "");
            }
        }
        if (count > HOLES)
            fprintf(out, " and %zu more", count - HOLES);
        if (count)
            line_of(out, "filled by", group, "filled_by");
        fputs("</td></tr>\n", out);
    }
    fputs("</tbody>\n</table>\n", out);
}

/* "covered of places" of a file, with what is waived. */
static void sums_cell(FILE *out, const json_t *row, const char *kind)
{
    const json_t *sums = json_object_get(row, kind);
    const double all = json_number_value(json_array_get(sums, 0)), covered = json_number_value(json_array_get(sums, 1));
    const double waived = json_number_value(json_array_get(sums, 2));
    fprintf(out, "<td class=\"n %s\">%.0f of %.0f", covered + waived == all ? "good" : "bad", covered, all);
    if (waived > 0)
        fprintf(out, ", %.0f waived", waived);
    fputs("</td>", out);
}

static void places_by_file(FILE *out, const json_t *places)
{
    const json_t *row;
    size_t i;
    fputs("<table>\n<thead><tr><th>file</th><th class=\"n\">line</th><th class=\"n\">branch</th><th "
          "class=\"n\">port</th></tr></thead>\n<tbody>\n",
          out);
    json_array_foreach(json_object_get(places, "files"), i, row)
    {
        bd_page_element(out, "<tr><td>", bd_results_text(row, "file"), "</td>");
        sums_cell(out, row, "line");
        sums_cell(out, row, "branch");
        sums_cell(out, row, "port");
        fputs("</tr>\n", out);
    }
    fputs("</tbody>\n</table>\n", out);
}

enum { PLACES = 400 };

static void places_holes(FILE *out, const json_t *places)
{
    const json_t *holes = json_object_get(places, "holes"), *row;
    size_t i;
    if (json_array_size(holes) == 0)
        return;
    fputs("<table>\n<thead><tr><th>hole</th><th>what</th><th>source</th><th>filled by</th></tr></thead>\n<tbody>\n",
          out);
    json_array_foreach((json_t *)holes, i, row)
    {
        if (i >= PLACES)
            continue;
        bd_page_element(out, "<tr><td>", bd_results_text(row, "file"), "");
        fprintf(out, ":%.0f</td>", bd_results_number(row, "line"));
        bd_page_element(out, "<td>", bd_results_text(row, "name"), "</td>");
        bd_page_element(out, "<td>", bd_results_text(row, "text"), "</td>");
        bd_page_element(out, "<td class=\"soft\">", bd_results_text(row, "filled_by"), "</td></tr>\n");
    }
    fputs("</tbody>\n</table>\n", out);
    if (json_array_size(holes) > PLACES)
        fprintf(out, "<p>and %zu more, in results.json</p>\n", json_array_size(holes) - PLACES);
}

/* Lines, branches and edges of ports of the RTL. */
static void places(FILE *out, const json_t *document)
{
    const json_t *found = json_object_get(document, "places"), *row;
    size_t i;
    if (!found)
        return;
    fputs("<h2>Coverage of the RTL</h2>\n<table>\n<thead><tr><th></th><th class=\"n\">places</th><th "
          "class=\"n\">covered</th><th class=\"n\">waived</th><th class=\"n\">of those not waived</th><th "
          "class=\"n\">goal</th></tr></thead>\n<tbody>\n",
          out);
    json_array_foreach(json_object_get(found, "kinds"), i, row)
    {
        const double percent = bd_results_number(row, "percent"), goal = bd_results_number(row, "goal");
        bd_page_element(out, "<tr><td>", bd_results_text(row, "kind"), "</td>");
        fprintf(out,
                "<td class=\"n\">%.0f</td><td class=\"n\">%.0f</td><td class=\"n\">%.0f</td><td class=\"n "
                "%s\">%.1f %%</td><td class=\"n\">%.0f %%</td></tr>\n",
                bd_results_number(row, "places"), bd_results_number(row, "covered"), bd_results_number(row, "waived"),
                percent >= goal ? "good" : "bad", percent, goal);
    }
    fputs("</tbody>\n</table>\n", out);
    json_array_foreach(json_object_get(found, "stale"), i, row)
    {
        bd_page_element(out, "<p class=\"bad\">", json_string_value(row), "</p>\n");
    }
    places_holes(out, found);
    places_by_file(out, found);
}

void bd_results_html(FILE *out, const json_t *document)
{
    head(out, document);
    failures(out, document);
    matrix(out, document);
    coverage(out, document);
    places(out, document);
    times(out, document);
    trend(out, document);
    bd_page_end(out);
}

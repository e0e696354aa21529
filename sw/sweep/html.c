/* A sweep as one page: fronts, parallel coordinates, a table that sorts and filters, layers of the design that is
 * chosen. It is whole without its script, which only sorts, filters and hides. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "sw/page/page.h"
#include "sw/sweep/html_parts.h"

static const char style[] =
    "body{max-width:90rem}svg{max-width:100%}svg .dot{fill:var(--idle);opacity:.55}svg .dot.ok{fill:var(--bar);"
    "opacity:.8}svg .dot.front{fill:var(--good);opacity:1}svg .line{fill:none;stroke:var(--idle);opacity:.25}"
    "svg .line.ok{stroke:var(--bar);opacity:.45}svg .line.front{stroke:var(--good);stroke-width:2;opacity:1}"
    "svg .line:hover,svg .line.chosen{stroke:var(--bad);stroke-width:3;opacity:1}svg .dot:hover,svg .dot.chosen{"
    "fill:var(--bad);opacity:1}svg .bound{stroke:var(--bad);stroke-dasharray:4 3}svg .name{fill:var(--fg);"
    "font-weight:600}.plots{display:flex;flex-wrap:wrap;gap:1rem}th button{all:unset;cursor:pointer;font-weight:700}"
    "th button:focus-visible{outline:2px solid var(--bar)}th button::after{content:' \\2195';color:var(--soft)}"
    "tr.front td:first-child{border-left:4px solid var(--good)}tr.pick{cursor:pointer}tr.chosen td{"
    "background:var(--panel)}input{font:inherit;padding:.3rem .6rem;width:100%;max-width:30rem;"
    "background:var(--panel);color:var(--fg);border:1px solid var(--line);border-radius:4px}.wide{overflow:auto;"
    "max-height:40rem}.wide table{font-size:.82rem;white-space:nowrap}.wide th,.wide td{padding:.15rem .5rem}"
    ".wide thead "
    "th{position:sticky;top:0;background:var(--bg);white-space:normal;vertical-align:bottom}.layers{max-width:60rem}."
    "layers td.w{width:50%}"
    "@media print{.wide{overflow:visible;max-height:none}.wide table{font-size:6.5pt;white-space:normal}"
    ".wide th,.wide td{padding:.1rem .15rem}th button::after,input{display:none}.wide thead th{position:static}}\n";

static const char script[] =
    "<script>\n"
    "(function () {\n"
    "  'use strict';\n"
    "  var table = document.getElementById('designs'), body = table.tBodies[0];\n"
    "  var rows = Array.prototype.slice.call(body.rows), up = {};\n"
    "  function key(row, i) {\n"
    "    var text = row.cells[i].textContent, number = parseFloat(text);\n"
    "    return isNaN(number) || i < 4 ? text : number;\n"
    "  }\n"
    "  Array.prototype.forEach.call(table.tHead.rows[0].cells, function (cell, i) {\n"
    "    cell.firstChild.addEventListener('click', function () {\n"
    "      up[i] = !up[i];\n"
    "      rows.sort(function (a, b) {\n"
    "        var x = key(a, i), y = key(b, i), way = x < y ? -1 : x > y ? 1 : 0;\n"
    "        return up[i] ? way : -way;\n"
    "      });\n"
    "      rows.forEach(function (row) { body.appendChild(row); });\n"
    "    });\n"
    "  });\n"
    "  document.getElementById('filter').addEventListener('input', function (event) {\n"
    "    var words = event.target.value.toLowerCase().split(/\\s+/);\n"
    "    rows.forEach(function (row) {\n"
    "      var text = (row.textContent + ' ' + row.className).toLowerCase();\n"
    "      row.hidden = !words.every(function (word) { return text.indexOf(word) >= 0; });\n"
    "    });\n"
    "  });\n"
    "  function choose(design) {\n"
    "    document.querySelectorAll('[data-design]').forEach(function (one) {\n"
    "      one.classList.toggle('chosen', one.getAttribute('data-design') === design);\n"
    "    });\n"
    "    document.querySelectorAll('.layers').forEach(function (one) {\n"
    "      one.hidden = one.id !== 'layers-' + design;\n"
    "    });\n"
    "    document.getElementById('no-layers').hidden = !!document.getElementById('layers-' + design);\n"
    "  }\n"
    "  document.querySelectorAll('[data-design]').forEach(function (one) {\n"
    "    one.addEventListener('click', function () { choose(one.getAttribute('data-design')); });\n"
    "  });\n"
    "  if (rows.length) { choose(rows[0].getAttribute('data-design')); }\n"
    "})();\n"
    "</script>\n";

/* ---- head --------------------------------------------------------------------------------------------------- */

static void words_of(FILE *out, const char *title, const json_t *list)
{
    const json_t *text;
    size_t i;
    fprintf(out, "<p class=\"soft\">%s: ", title);
    json_array_foreach((json_t *)list, i, text)
    {
        bd_page_element(out, i ? ", " : "", json_string_value(text), "");
    }
    fputs(i ? "</p>\n" : "none</p>\n", out);
}

static void head(FILE *out, const json_t *document)
{
    const json_t *counts = json_object_get(document, "counts");
    const bool good = bd_page_number(counts, "front") > 0 && bd_page_number(counts, "unconfirmed") == 0;
    char *title = bd_asprintf("%s: sweep", bd_page_text(document, "sweep"));
    bd_page_begin(out, title, style);
    free(title);
    bd_page_element(out, "<h1>", bd_page_text(document, "sweep"), "</h1>\n");
    bd_page_element(out, "<p>", bd_page_text(document, "title"), "</p>\n");
    bd_page_element(out, good ? "<p class=\"good\">" : "<p class=\"bad\">", bd_page_text(document, "verdict"),
                    "</p>\n");
    words_of(out, "objectives, the most important first", json_object_get(document, "objectives"));
    words_of(out, "constraints", json_object_get(document, "constraints"));
    fputs("<p class=\"soft\">", out);
    if (*bd_page_text(document, "device"))
        bd_page_element(out, "device ", bd_page_text(document, "device"), ", ");
    fprintf(out, "power of %g frames a second, bitdial ", bd_page_number(document, "frame_rate"));
    bd_page_element(out, "", bd_page_text(document, "version"), "</p>\n<div class=\"tiles\">\n");
    bd_page_tile(out, "", bd_page_number(counts, "done"), "designs ran");
    bd_page_tile(out, "", bd_page_number(counts, "feasible"), "meet every constraint");
    bd_page_tile(out, "good", bd_page_number(counts, "front"), "on the front");
    bd_page_tile(out, "good", bd_page_number(counts, "confirmed"), "confirmed on the RTL");
    bd_page_tile(out, "bad", bd_page_number(counts, "unconfirmed"), "not confirmed");
    bd_page_tile(out, "", bd_page_number(counts, "excluded"), "left out before they ran");
    bd_page_tile(out, "", bd_page_number(counts, "refused"), "refused by the hardware");
    bd_page_tile(out, "bad", bd_page_number(counts, "failed"), "failed");
    fputs("</div>\n", out);
}

/* ---- the table ---------------------------------------------------------------------------------------------- */

static const char *confirmed_word(const json_t *design)
{
    const json_t *confirmed = json_object_get(design, "confirmed");
    return json_is_true(confirmed) ? "confirmed" : json_is_false(confirmed) ? "not confirmed" : "not run";
}

/* Metrics that any design has. */
static void find_shown(const json_t *document, bool shown[BD_SWEEP_METRIC_COUNT])
{
    const json_t *design;
    double value;
    size_t i;
    json_array_foreach(json_object_get(document, "designs"), i, design)
    {
        for (int m = 0; m < BD_SWEEP_METRIC_COUNT; m++)
            shown[m] |= bd_sweep_value(design, m, &value);
    }
}

static void row(FILE *out, const json_t *design, size_t number, const bool shown[BD_SWEEP_METRIC_COUNT])
{
    static const char *const words[] = {"name", "switch", "pruning", "hardware"};
    fprintf(out, "<tr class=\"pick %s\" data-design=\"%zu\">", bd_sweep_class(design), number);
    for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
        const char *text = bd_page_text(design, words[w]);
        char *network = bd_xstrndup(text, w ? strlen(text) : strcspn(text, "."));
        bd_page_element(out, "<td>", network, "</td>");
        free(network);
    }
    for (int m = 0; m < BD_SWEEP_METRIC_COUNT; m++) {
        double value;
        if (!shown[m])
            continue;
        fputs("<td class=\"n\">", out);
        if (bd_sweep_value(design, m, &value))
            fprintf(out, "%.*f", bd_sweep_metrics[m].digits, value);
        fputs("</td>", out);
    }
    fprintf(out, "<td>%g MHz %s</td>", bd_page_number(design, "clock_mhz"), bd_page_text(design, "clock"));
    fprintf(out, "<td class=\"%s\">%s</td></tr>\n",
            json_is_false(json_object_get(design, "confirmed"))  ? "bad"
            : json_is_true(json_object_get(design, "confirmed")) ? "good"
                                                                 : "soft",
            confirmed_word(design));
}

static void table(FILE *out, const json_t *document)
{
    static const char *const words[] = {"network", "switch", "pruning", "hardware"};
    bool shown[BD_SWEEP_METRIC_COUNT] = {false};
    const json_t *design;
    size_t i;
    find_shown(document, shown);
    fputs("<h2>Designs</h2>\n<p><input id=\"filter\" type=\"search\" aria-label=\"filter\" placeholder=\"filter: words "
          "of a row, "
          "front, ok\"></p>\n<div class=\"wide\"><table id=\"designs\">\n<thead><tr>",
          out);
    for (size_t w = 0; w < sizeof words / sizeof *words; w++)
        fprintf(out, "<th><button>%s</button></th>", words[w]);
    for (int m = 0; m < BD_SWEEP_METRIC_COUNT; m++)
        if (shown[m])
            fprintf(out, "<th class=\"n\" title=\"%s\"><button>%s%s%s</button></th>", bd_sweep_metrics[m].known,
                    bd_sweep_metrics[m].name, *bd_sweep_metrics[m].unit ? ", " : "", bd_sweep_metrics[m].unit);
    fputs("<th><button>clock</button></th><th><button>RTL</button></th></tr></thead>\n<tbody>\n", out);
    json_array_foreach(json_object_get(document, "designs"), i, design)
    {
        if (strcmp(bd_page_text(design, "state"), "done") == 0)
            row(out, design, i, shown);
    }
    fputs("</tbody>\n</table></div>\n", out);
}

/* ---- layers ------------------------------------------------------------------------------------------------- */

static void layers_of(FILE *out, const json_t *design, size_t number)
{
    const json_t *layers = json_object_get(design, "layers"), *layer;
    double most = 1;
    size_t l;
    json_array_foreach((json_t *)layers, l, layer)
    {
        most = fmax(most, bd_page_number(layer, "clocks"));
    }
    fprintf(out, "<section class=\"layers\" id=\"layers-%zu\">\n", number);
    bd_page_element(out, "<h3>", bd_page_text(design, "name"), "</h3>\n");
    fputs("<table>\n<thead><tr><th>layer</th><th>datapath</th><th class=\"n\">clocks</th><th "
          "class=\"n\">nJ</th><th>clocks"
          "</th></tr></thead>\n<tbody>\n",
          out);
    json_array_foreach((json_t *)layers, l, layer)
    {
        bd_page_element(out, "<tr><td>", bd_page_text(layer, "name"), "</td>");
        bd_page_element(out, "<td class=\"soft\">", bd_page_text(layer, "datapath"), "</td>");
        fprintf(out,
                "<td class=\"n\">%.0f</td><td class=\"n\">%.1f</td><td class=\"w\"><div class=\"bar\" "
                "style=\"width:%.1f%%\"></div></td></tr>\n",
                bd_page_number(layer, "clocks"), bd_page_number(layer, "energy_nj"),
                100 * bd_page_number(layer, "clocks") / most);
    }
    fputs("</tbody>\n</table>\n</section>\n", out);
}

static void layers(FILE *out, const json_t *document)
{
    const json_t *design;
    size_t i;
    fputs("<h2>Layers of the chosen design</h2>\n<p class=\"soft\" id=\"no-layers\">Layers are kept of designs that "
          "meet every "
          "constraint: choose one in the table or in a drawing.</p>\n",
          out);
    json_array_foreach(json_object_get(document, "designs"), i, design)
    {
        if (json_object_get(design, "layers"))
            layers_of(out, design, i);
    }
}

/* ---- the rest ----------------------------------------------------------------------------------------------- */

static void left_out(FILE *out, const json_t *document, const char *state, const char *title)
{
    json_t *groups = bd_sweep_reasons(document, state), *group;
    size_t i;
    json_array_foreach(groups, i, group)
    {
        if (!i)
            fprintf(out,
                    "<h2>%s</h2>\n<table>\n<thead><tr><th>hardware</th><th class=\"n\">designs</th><th>why</th>"
                    "</tr></thead>\n<tbody>\n",
                    title);
        bd_page_element(out, "<tr><td>", bd_page_text(group, "hardware"), "</td>");
        fprintf(out, "<td class=\"n\">%.0f</td>", bd_page_number(group, "designs"));
        bd_page_element(out, "<td>", bd_page_text(group, "reason"), "</td></tr>\n");
    }
    if (i)
        fputs("</tbody>\n</table>\n", out);
    json_decref(groups);
}

static void known(FILE *out, const json_t *document)
{
    const char *name;
    json_t *text;
    fputs("<h2>How each figure is known</h2>\n<table>\n<tbody>\n", out);
    json_object_foreach(json_object_get(document, "known"), name, text)
    {
        bd_page_element(out, "<tr><td>", name, "</td>");
        bd_page_element(out, "<td>", json_string_value(text), "</td></tr>\n");
    }
    fputs("</tbody>\n</table>\n", out);
}

void bd_sweep_html(FILE *out, const json_t *document)
{
    head(out, document);
    bd_sweep_fronts(out, document);
    bd_sweep_parallel(out, document);
    table(out, document);
    layers(out, document);
    left_out(out, document, "excluded", "Left out before they ran");
    left_out(out, document, "refused", "Refused by the hardware");
    left_out(out, document, "failed", "Failed");
    known(out, document);
    fputs(script, out);
    bd_page_end(out);
}

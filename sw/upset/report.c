#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "sw/upset/campaign.h"

enum { HANGS_TOLD = 20 };

/* Adds a JSON object of counts by name to another one. */
static bd_status add_map(json_t *sum, const json_t *part, struct bd_error *err)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)part, name, value)
    {
        struct bd_upset_counts a = {0}, b;
        const json_t *there = json_object_get(sum, name);
        if ((there && bd_upset_counts_read(&a, there, err)) || bd_upset_counts_read(&b, value, err)) {
            return err->status;
        }
        bd_upset_add(&a, &b);
        json_object_set_new(sum, name, bd_upset_counts_json(&a));
    }
    return BD_OK;
}

struct sums { /* of one switch and class */
    struct bd_upset_counts counts;
    json_t *units, *layers, *hangs;
    json_int_t bits, clocks, watchdog, host_limit, simulated, known, by_reference, checked, different;
    double seconds;
};

static json_int_t integer(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void note_hangs(const struct bd_upset_campaign *c, const json_t *output, struct sums *sums)
{
    const json_t *row;
    size_t i;
    json_array_foreach((json_t *)json_object_get(output, "injections"), i, row)
    {
        const char *outcome = json_string_value(json_array_get(row, 3)),
                   *after = json_string_value(json_array_get(row, 5));
        if (outcome && after && (!strcmp(outcome, "hang") || !strcmp(after, "hang")) &&
            json_array_size(sums->hangs) < HANGS_TOLD) {
            char *line = bd_upset_repeat(c, json_string_value(json_object_get(output, "switch")),
                                         json_string_value(json_object_get(output, "class")),
                                         (uint64_t)json_integer_value(json_array_get(row, 0)));
            json_array_append_new(sums->hangs,
                                  json_pack("{s:O, s:O, s:O, s:O, s:o}", "bit", json_array_get(row, 1), "frame",
                                            json_array_get(row, 3), "error", json_array_get(row, 4), "next",
                                            json_array_get(row, 5), "repeat", bd_json_text(line)));
            free(line);
        }
    }
}

static bd_status add_chunk(const struct bd_upset_campaign *c, const json_t *output, struct sums *sums,
                           struct bd_error *err)
{
    struct bd_upset_counts counts;
    const json_t *work = json_object_get(output, "work");
    bd_status status = bd_upset_counts_read(&counts, json_object_get(output, "counts"), err);
    status = status ? status : add_map(sums->units, json_object_get(output, "units"), err);
    status = status ? status : add_map(sums->layers, json_object_get(output, "layers"), err);
    if (status) {
        return status;
    }
    bd_upset_add(&sums->counts, &counts);
    sums->bits = integer(output, "bits");
    sums->clocks = integer(output, "clocks");
    sums->watchdog = integer(output, "watchdog");
    sums->host_limit = integer(output, "host_limit");
    sums->simulated += integer(work, "clocks_simulated");
    sums->known += integer(work, "without_simulation");
    sums->by_reference += integer(work, "by_reference");
    sums->checked += integer(work, "checked");
    sums->different += integer(work, "different");
    sums->seconds += json_number_value(json_object_get(work, "seconds"));
    note_hangs(c, output, sums);
    return BD_OK;
}

static json_t *class_json(const struct sums *s, const char *name)
{
    json_t *object =
        json_pack("{s:s, s:I, s:o}", "class", name, "bits", s->bits, "counts", bd_upset_counts_json(&s->counts));
    json_object_set_new(object, "work",
                        json_pack("{s:f, s:I, s:I, s:I, s:I, s:I}", "seconds", s->seconds, "clocks_simulated",
                                  s->simulated, "without_simulation", s->known, "by_reference", s->by_reference,
                                  "checked", s->checked, "different", s->different));
    json_object_set(object, "units", s->units);
    json_object_set(object, "layers", s->layers);
    json_object_set(object, "hangs", s->hangs);
    return object;
}

/* Bits that matter, times their upsets: of `bits` a share, in failures of 10^9 hours. */
static double rate(const struct bd_upset_campaign *c, double bits)
{
    return bits / 1048576 * c->fit;
}

static bd_status report_switch(const struct bd_upset_campaign *c, const char *dir, unsigned s, json_t **report,
                               struct bd_error *err)
{
    json_t *classes = json_array();
    json_int_t clocks = 0, watchdog = 0, host_limit = 0;
    double wrong_class = 0, wrong = 0, failed = 0, all = 0;
    bd_status status = BD_OK;
    for (int o = 0; o < BD_UPSET_CLASS_COUNT && !status; o++) {
        struct sums sums = {.units = json_object(), .layers = json_object(), .hangs = json_array()};
        for (uint64_t from = 0; c->class[o] && from < c->injections && !status; from += BD_UPSET_CHUNK) {
            char *name = bd_asprintf("%s.%s.%06llu", c->switches[s], bd_upset_class_names[o], (unsigned long long)from);
            json_t *result = NULL;
            status = bd_runs_result(dir, name, &result, err);
            if (!status && json_is_object(json_object_get(json_object_get(result, "output"), "counts"))) {
                status = add_chunk(c, json_object_get(result, "output"), &sums, err);
            }
            json_decref(result);
            free(name);
        }
        if (sums.counts.total > 0) {
            const double each = (double)sums.bits / (double)sums.counts.total;
            const uint64_t *n = sums.counts.outcome;
            clocks = sums.clocks, watchdog = sums.watchdog, host_limit = sums.host_limit;
            all += (double)sums.bits;
            wrong_class += each * (double)n[BD_UPSET_CLASS];
            wrong += each * (double)(n[BD_UPSET_CLASS] + n[BD_UPSET_LOGITS]);
            failed += each * (double)(n[BD_UPSET_DETECTED] + n[BD_UPSET_HANG]);
            json_array_append_new(classes, class_json(&sums, bd_upset_class_names[o]));
        }
        json_decref(sums.units);
        json_decref(sums.layers);
        json_decref(sums.hangs);
    }
    const double frame = (double)clocks / c->clock_mhz * 1e-6;
    *report = json_pack("{s:s, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:o}", "switch", c->switches[s], "clocks", clocks,
                        "watchdog", watchdog, "host_limit", host_limit, "bits", all, "bits_wrong_class", wrong_class,
                        "bits_wrong_logits_or_class", wrong, "bits_stopped", failed, "classes", classes);
    json_object_set_new(*report, "rates",
                        json_pack("{s:f, s:f, s:f, s:f}", "fit_per_mbit", c->fit, "frame_seconds", frame,
                                  "wrong_class_fit", rate(c, wrong_class), "wrong_class_per_1e9_frames",
                                  rate(c, wrong_class) * frame / 3600));
    return status;
}

bd_status bd_upset_report(const struct bd_upset_campaign *c, const char *dir, json_t **report, struct bd_error *err)
{
    json_t *switches = json_array();
    bd_status status = BD_OK;
    for (unsigned s = 0; s < c->switch_count && !status; s++) {
        json_t *one = NULL;
        status = report_switch(c, dir, s, &one, err);
        json_array_append_new(switches, one);
    }
    *report = json_pack("{s:o, s:o, s:I, s:I, s:I, s:s, s:o}", "program", bd_json_text(c->program), "hardware",
                        bd_json_text(c->hardware), "seed", (json_int_t)c->seed, "injections", (json_int_t)c->injections,
                        "images", (json_int_t)c->image_count, "over", c->all ? "all" : "used", "switches", switches);
    if (status) {
        json_decref(*report);
        *report = NULL;
    }
    return status;
}

/* ---- the table ---- */

static void add_line(char **text, char *line)
{
    char *longer = bd_asprintf("%s%s", *text, line);
    free(*text);
    free(line);
    *text = longer;
}

static double percent(const json_t *counts, const char *outcome, const char *key)
{
    return 100 * json_number_value(json_object_get(json_object_get(json_object_get(counts, "outcomes"), outcome), key));
}

static void add_class(char **text, const char *switch_name, const json_t *class)
{
    const json_t *counts = json_object_get(class, "counts");
    double low, high, persistent = 0;
    const double n = (double)integer(counts, "injections");
    for (int o = 0; o < BD_UPSET_OUTCOME_COUNT; o++) {
        persistent += percent(counts, bd_upset_outcome_names[o], "persistent");
    }
    char *line = bd_asprintf("%-8s %-14s %9lld %7.0f", switch_name, json_string_value(json_object_get(class, "class")),
                             (long long)integer(class, "bits"), n);
    for (int o = 0; o < BD_UPSET_OUTCOME_COUNT; o++) {
        char *longer = bd_asprintf("%s %9.2f", line, percent(counts, bd_upset_outcome_names[o], "share"));
        free(line);
        line = longer;
    }
    low = percent(counts, bd_upset_outcome_names[BD_UPSET_CLASS], "low");
    high = percent(counts, bd_upset_outcome_names[BD_UPSET_CLASS], "high");
    add_line(text, bd_asprintf("%s %10.2f %6.2f..%.2f\n", line, persistent / n, low, high));
    free(line);
}

char *bd_upset_table(const json_t *report)
{
    char *text =
        bd_asprintf("%-8s %-14s %9s %7s %9s %9s %9s %9s %9s %9s %10s %s\n", "switch", "class", "bits", "upsets",
                    "masked%", "late%", "logits%", "class%", "detected%", "hang%", "next bad%", "95 % of class%");
    const json_t *one, *class, *hang;
    size_t i, j, h;
    json_array_foreach(json_object_get(report, "switches"), i, one)
    {
        json_array_foreach(json_object_get(one, "classes"), j, class)
        {
            add_class(&text, json_string_value(json_object_get(one, "switch")), class);
        }
    }
    json_array_foreach(json_object_get(report, "switches"), i, one)
    {
        const json_t *rates = json_object_get(one, "rates");
        add_line(&text,
                 bd_asprintf("%s: of %.0f bits %.0f matter for the class; at %g upsets of 2^20 bits in 10^9 h %.4g "
                             "wrong classes in 10^9 h, %.4g in 10^9 frames of %.4g ms\n",
                             json_string_value(json_object_get(one, "switch")),
                             json_number_value(json_object_get(one, "bits")),
                             json_number_value(json_object_get(one, "bits_wrong_class")),
                             json_number_value(json_object_get(rates, "fit_per_mbit")),
                             json_number_value(json_object_get(rates, "wrong_class_fit")),
                             json_number_value(json_object_get(rates, "wrong_class_per_1e9_frames")),
                             1e3 * json_number_value(json_object_get(rates, "frame_seconds"))));
        json_array_foreach(json_object_get(one, "classes"), j, class)
        {
            const json_t *work = json_object_get(class, "work");
            if (integer(work, "by_reference") > 0) {
                add_line(&text,
                         bd_asprintf("%s %s: %lld decided by the C reference, %lld of them run on the RTL too, "
                                     "%lld came to something else\n",
                                     json_string_value(json_object_get(one, "switch")),
                                     json_string_value(json_object_get(class, "class")),
                                     (long long)integer(work, "by_reference"), (long long)integer(work, "checked"),
                                     (long long)integer(work, "different")));
            }
            json_array_foreach(json_object_get(class, "hangs"), h, hang)
            {
                add_line(&text, bd_asprintf("hang: %s, the frame %s, the next %s: %s\n",
                                            json_string_value(json_object_get(hang, "bit")),
                                            json_string_value(json_object_get(hang, "frame")),
                                            json_string_value(json_object_get(hang, "next")),
                                            json_string_value(json_object_get(hang, "repeat"))));
            }
        }
    }
    return text;
}

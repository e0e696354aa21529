#include <math.h>
#include <string.h>

#include "sw/driver/driver.h"
#include "sw/upset/upset.h"

void bd_upset_count(struct bd_upset_counts *counts, enum bd_upset_outcome outcome, int status, bool next_right)
{
    counts->total++;
    counts->outcome[outcome]++;
    counts->persistent[outcome] += !next_right;
    if (outcome == BD_UPSET_DETECTED || outcome == BD_UPSET_HANG) {
        counts->status[status]++;
    }
}

void bd_upset_add(struct bd_upset_counts *sum, const struct bd_upset_counts *part)
{
    sum->total += part->total;
    for (int o = 0; o < BD_UPSET_OUTCOME_COUNT; o++) {
        sum->outcome[o] += part->outcome[o];
        sum->persistent[o] += part->persistent[o];
    }
    for (int s = 0; s < BD_UPSET_STATUSES; s++) {
        sum->status[s] += part->status[s];
    }
}

void bd_upset_interval(uint64_t hits, uint64_t total, double *low, double *high)
{
    static const double z = 1.959963984540054; /* 97.5 % of the normal distribution */
    if (total == 0) {
        *low = 0, *high = 1;
        return;
    }
    const double n = (double)total, p = (double)hits / n;
    const double middle = (p + z * z / (2 * n)) / (1 + z * z / n);
    const double half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    *low = hits == 0 ? 0 : middle - half;
    *high = hits == total ? 1 : middle + half;
}

json_t *bd_upset_counts_json(const struct bd_upset_counts *counts)
{
    json_t *outcomes = json_object(), *errors = json_object();
    for (int o = 0; o < BD_UPSET_OUTCOME_COUNT; o++) {
        double low, high;
        bd_upset_interval(counts->outcome[o], counts->total, &low, &high);
        json_object_set_new(outcomes, bd_upset_outcome_names[o],
                            json_pack("{s:I, s:f, s:f, s:f, s:I}", "count", (json_int_t)counts->outcome[o], "share",
                                      counts->total ? (double)counts->outcome[o] / (double)counts->total : 0.0, "low",
                                      low, "high", high, "persistent", (json_int_t)counts->persistent[o]));
    }
    for (int s = 0; s < BD_UPSET_STATUSES; s++) {
        if (counts->status[s] > 0) {
            json_object_set_new(errors, bd_device_text((enum bd_device_status)s),
                                json_integer((json_int_t)counts->status[s]));
        }
    }
    return json_pack("{s:I, s:o, s:o}", "injections", (json_int_t)counts->total, "outcomes", outcomes, "errors",
                     errors);
}

/* The status of that text; BD_UPSET_STATUSES for none. */
static int status_of(const char *text)
{
    static const char *const texts[] = {
#define X(name, text) text,
        BD_DEVICE_STATUSES(X)
#undef X
    };
    int s = 0;
    while (s < (int)(sizeof texts / sizeof *texts) && strcmp(texts[s], text) != 0) {
        s++;
    }
    return s < (int)(sizeof texts / sizeof *texts) ? s : BD_UPSET_STATUSES;
}

bd_status bd_upset_counts_read(struct bd_upset_counts *counts, const json_t *json, struct bd_error *err)
{
    const json_t *outcomes = json_object_get(json, "outcomes");
    const char *text;
    json_t *value;
    *counts = (struct bd_upset_counts){.total = (uint64_t)json_integer_value(json_object_get(json, "injections"))};
    uint64_t sum = 0;
    for (int o = 0; o < BD_UPSET_OUTCOME_COUNT; o++) {
        const json_t *at = json_object_get(outcomes, bd_upset_outcome_names[o]);
        sum += counts->outcome[o] = (uint64_t)json_integer_value(json_object_get(at, "count"));
        counts->persistent[o] = (uint64_t)json_integer_value(json_object_get(at, "persistent"));
        if (counts->persistent[o] > counts->outcome[o]) {
            return bd_fail(err, BD_BAD_INPUT, "counts of '%s': more are persistent than there are",
                           bd_upset_outcome_names[o]);
        }
    }
    if (sum != counts->total) {
        return bd_fail(err, BD_BAD_INPUT, "counts of %llu injections sum to %llu", (unsigned long long)counts->total,
                       (unsigned long long)sum);
    }
    json_object_foreach((json_t *)json_object_get(json, "errors"), text, value)
    {
        const int s = status_of(text);
        if (s == BD_UPSET_STATUSES) {
            return bd_fail(err, BD_BAD_INPUT, "counts of an unknown error '%s'", text);
        }
        counts->status[s] = (uint64_t)json_integer_value(value);
    }
    return BD_OK;
}

/* Metrics, constraints, fronts. */
#include <math.h>
#include <string.h>

#include "sw/sweep/sweep.h"

const struct bd_sweep_metric_row bd_sweep_metrics[BD_SWEEP_METRIC_COUNT] = {
#define X(id, name, larger, digits, unit, known) {name, larger, digits, unit, known},
    BD_SWEEP_METRICS(X)
#undef X
};

int bd_sweep_metric(const char *name)
{
    for (int m = 0; m < BD_SWEEP_METRIC_COUNT; m++) {
        if (!strcmp(bd_sweep_metrics[m].name, name)) {
            return m;
        }
    }
    return -1;
}

bool bd_sweep_meets(const struct bd_sweep_constraint *c, double value)
{
    return c->at_least ? value >= c->value : value <= c->value; /* a value that is not known meets nothing */
}

/* Above 0 where a is better in a metric, below where b is. */
static int better(int metric, const double *a, const double *b)
{
    const int more = (a[metric] > b[metric]) - (a[metric] < b[metric]);
    return bd_sweep_metrics[metric].larger ? more : -more;
}

bool bd_sweep_beats(const struct bd_sweep *s, const double *a, const double *b)
{
    bool any = false;
    for (size_t o = 0; o < s->objective_count; o++) {
        const int how = better(s->objectives[o], a, b);
        if (how < 0) {
            return false;
        }
        any = any || how > 0;
    }
    return any;
}

size_t bd_sweep_mark_front(struct bd_sweep *s)
{
    size_t count = 0;
    for (size_t d = 0; d < s->design_count; d++) {
        struct bd_sweep_design *design = &s->designs[d];
        design->feasible = design->state == BD_SWEEP_DONE;
        for (size_t c = 0; c < s->constraint_count; c++) {
            design->feasible =
                design->feasible && bd_sweep_meets(&s->constraints[c], design->metric[s->constraints[c].metric]);
        }
    }
    for (size_t d = 0; d < s->design_count; d++) {
        struct bd_sweep_design *design = &s->designs[d];
        design->front = design->feasible;
        for (size_t other = 0; other < s->design_count && design->front; other++) {
            design->front =
                !(s->designs[other].feasible && bd_sweep_beats(s, s->designs[other].metric, design->metric));
        }
        count += design->front;
    }
    return count;
}

double bd_sweep_lack(const struct bd_sweep *s, const double *metric)
{
    double lack = 0;
    for (size_t c = 0; c < s->constraint_count; c++) {
        const struct bd_sweep_constraint *bound = &s->constraints[c];
        const double value = metric[bound->metric];
        if (!bd_sweep_meets(bound, value)) {
            lack += fabs(value - bound->value) / fmax(fabs(bound->value), 1e-12);
        }
    }
    return lack;
}

long bd_sweep_nearest(const struct bd_sweep *s)
{
    long nearest = -1;
    double least = HUGE_VAL;
    for (size_t d = 0; d < s->design_count; d++) {
        const struct bd_sweep_design *design = &s->designs[d];
        const double lack = design->state == BD_SWEEP_DONE ? bd_sweep_lack(s, design->metric) : HUGE_VAL;
        if (lack < least || (nearest >= 0 && lack == least && bd_sweep_before(s, design, &s->designs[nearest]))) {
            least = lack;
            nearest = (long)d;
        }
    }
    return nearest;
}

bool bd_sweep_before(const struct bd_sweep *s, const struct bd_sweep_design *a, const struct bd_sweep_design *b)
{
    if (a->front != b->front || a->feasible != b->feasible) {
        return a->front > b->front || (a->front == b->front && a->feasible);
    }
    for (size_t o = 0; o < s->objective_count; o++) {
        const int how = better(s->objectives[o], a->metric, b->metric);
        if (how) {
            return how > 0;
        }
    }
    return strcmp(a->name, b->name) < 0;
}

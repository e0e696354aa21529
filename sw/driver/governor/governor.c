#include "sw/driver/governor/governor.h"

bool bd_governor_init(struct bd_governor *governor, const struct bd_governor_switch *switches, uint32_t count,
                      uint32_t patience)
{
    governor->count = count;
    governor->cheapest = 0;
    governor->patience = patience;
    governor->asked = 0;
    governor->chosen = BD_GOVERNOR_SKIP;
    if (count < 1 || count > BD_GOVERNOR_SWITCHES) {
        return false;
    }
    for (uint32_t s = 0; s < count; s++) {
        governor->at[s] = switches[s];
        if (switches[s].clocks < switches[governor->cheapest].clocks) {
            governor->cheapest = s;
        }
    }
    return true;
}

static int64_t cost_of(const struct bd_governor_switch *s, int resource)
{
    switch (resource) {
    case BD_GOVERN_TIME:
        return s->clocks;
    case BD_GOVERN_BYTES:
        return s->bus_bytes;
    default:
        return s->energy_nj;
    }
}

/* What is left in a bucket for this frame: of time, the frames that wait behind it are kept their cheapest run. */
static int64_t level_of(const struct bd_governor *g, const struct bd_governor_budget *budget, int resource)
{
    const int64_t level = budget->buckets[resource].level;
    if (resource != BD_GOVERN_TIME || level == BD_GOVERNOR_UNLIMITED || budget->waiting < 2) {
        return level;
    }
    return level - (int64_t)((uint64_t)g->at[g->cheapest].clocks * (budget->waiting - 1));
}

/* Whether every bucket can pay a frame at all. */
static bool is_payable(const struct bd_governor *g, const struct bd_governor_budget *budget, uint32_t s)
{
    for (int r = 0; r < BD_GOVERN_RESOURCES; r++) {
        const int64_t level = r == BD_GOVERN_TIME ? budget->first : budget->buckets[r].level;
        if (level != BD_GOVERNOR_UNLIMITED && cost_of(&g->at[s], r) > level) {
            return false;
        }
    }
    return g->at[s].accuracy >= budget->floor;
}

/* 2^-shift of a value, rounded down; bit by bit, since small processors call a library for it otherwise. */
static int64_t shifted(int64_t value, unsigned shift)
{
    uint64_t size = value < 0 ? ~(uint64_t)value : (uint64_t)value;
    for (; shift > 0 && size != 0; shift--) {
        size >>= 1;
    }
    return value < 0 ? -(int64_t)size - 1 : (int64_t)size;
}

/* Whether it costs no more than is gained for it, and the part of what lies above the reserve. */
static bool is_within_income(const struct bd_governor *g, const struct bd_governor_budget *budget, uint32_t s)
{
    for (int r = 0; r < BD_GOVERN_RESOURCES; r++) {
        const struct bd_governor_bucket *bucket = &budget->buckets[r];
        const int64_t level = level_of(g, budget, r), cost = cost_of(&g->at[s], r);
        if (level == BD_GOVERNOR_UNLIMITED) {
            continue;
        }
        if (cost > level || cost > bucket->income + shifted(level - bucket->reserve, bucket->shift)) {
            return false;
        }
    }
    return true;
}

/* Of two switches the one that is worth more, and of equals the one that takes less energy. */
static bool is_better(const struct bd_governor_switch *a, const struct bd_governor_switch *b)
{
    return a->accuracy != b->accuracy ? a->accuracy > b->accuracy : a->energy_nj < b->energy_nj;
}

int bd_governor_next(struct bd_governor *g, const struct bd_governor_budget *budget)
{
    int best = BD_GOVERNOR_SKIP, least = BD_GOVERNOR_SKIP;
    for (uint32_t s = 0; s < g->count; s++) {
        if (!is_payable(g, budget, s)) {
            continue;
        }
        if (least == BD_GOVERNOR_SKIP || g->at[s].energy_nj < g->at[least].energy_nj) {
            least = (int)s;
        }
        if (is_within_income(g, budget, s) && (best == BD_GOVERNOR_SKIP || is_better(&g->at[s], &g->at[best]))) {
            best = (int)s;
        }
    }
    if (best == BD_GOVERNOR_SKIP) {
        best = least; /* the buckets hold it, if not their reserves */
    }
    /* Up only after some patience, where what ran last can go on. */
    const int last = g->chosen;
    if (best >= 0 && last >= 0 && best != last && is_better(&g->at[best], &g->at[last]) &&
        is_payable(g, budget, (uint32_t)last) && is_within_income(g, budget, (uint32_t)last) &&
        ++g->asked < g->patience) {
        return last;
    }
    g->asked = 0;
    if (best >= 0) {
        g->chosen = best;
    }
    return best;
}

static void move(uint32_t *value, uint32_t measured)
{
    if (measured > *value) {
        *value += (measured - *value + 7) >> 3;
    } else {
        *value -= (*value - measured) >> 3;
    }
}

void bd_governor_ended(struct bd_governor *g, int switch_index, uint32_t clocks, uint32_t energy_nj)
{
    if (switch_index < 0 || (uint32_t)switch_index >= g->count) {
        return;
    }
    if (clocks) {
        move(&g->at[switch_index].clocks, clocks);
    }
    if (energy_nj) {
        move(&g->at[switch_index].energy_nj, energy_nj);
    }
}

uint32_t bd_governor_margin(const int32_t *logits, uint32_t classes)
{
    int32_t first = INT32_MIN, second = INT32_MIN;
    for (uint32_t c = 0; c < classes; c++) {
        if (logits[c] >= first) {
            second = first;
            first = logits[c];
        } else if (logits[c] > second) {
            second = logits[c];
        }
    }
    return classes < 2 ? UINT32_MAX : (uint32_t)first - (uint32_t)second;
}

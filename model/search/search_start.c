/* Proposals without a model: Sobol starts, and the baselines. */
#include <gsl/gsl_qrng.h>
#include <math.h>
#include <string.h>

#include "model/search/search_parts.h"

#define MAX_D BD_GP_MAX_DIMENSIONS
#define TRIES 4096      /* draws before the grid is walked in order, */
#define WALK (1L << 22) /* so many points of it at most */

/* By seed and number alone. */
void bd_search_rng(const struct bd_search *search, struct bd_rng *rng)
{
    bd_rng_seed(rng, search->config.seed * 0x9e3779b97f4a7c15u + search->asked);
}

/* The last resort, and how the end of a small grid is known. A real axis stands at its middle. */
bool bd_search_first_open(const struct bd_search *search, struct bd_search_point *p)
{
    memset(p, 0, sizeof *p);
    for (size_t i = 0; i < search->d; i++) {
        p->u[i] = search->axes[i].count ? 0.0 : 0.5;
    }
    for (long walked = 0; walked < WALK; walked++) {
        if (bd_search_open(search, p)) {
            return true;
        }
        size_t i = 0;
        for (; i < search->d; i++) {
            if (search->axes[i].count == 0) {
                continue;
            }
            if ((size_t)p->level[i] + 1 < search->axes[i].count) {
                bd_search_set_level(search, p, i, p->level[i] + 1);
                break;
            }
            bd_search_set_level(search, p, i, 0);
        }
        if (i == search->d) {
            return false;
        }
    }
    return false;
}

bool bd_search_ask_random(const struct bd_search *search, struct bd_search_point *p)
{
    struct bd_rng rng;
    bd_search_rng(search, &rng);
    for (int attempt = 0; attempt < TRIES; attempt++) {
        memset(p, 0, sizeof *p);
        for (size_t i = 0; i < search->d; i++) {
            if (search->axes[i].count) {
                bd_search_set_level(search, p, i, (int)bd_rng_below(&rng, (uint32_t)search->axes[i].count));
            } else {
                p->u[i] = bd_rng_uniform(&rng);
            }
        }
        if (attempt >= TRIES / 2) { /* the mask refuses nearly all: come in from above */
            bd_search_repair(search, &rng, p);
        }
        if (bd_search_open(search, p)) {
            return true;
        }
    }
    return bd_search_first_open(search, p);
}

/* The sequence shifted by the seed (Cranley and Patterson, 1976); points over the budget are lowered into it. */
bool bd_search_ask_sobol(const struct bd_search *search, struct bd_search_point *p)
{
    struct bd_rng rng;
    double shift[MAX_D], u[MAX_D];
    bd_rng_seed(&rng, search->config.seed);
    for (size_t i = 0; i < search->d; i++) {
        shift[i] = bd_rng_uniform(&rng);
    }
    gsl_qrng *sequence = gsl_qrng_alloc(gsl_qrng_sobol, (unsigned)search->d);
    bool found = false;
    bd_search_rng(search, &rng);
    for (size_t k = 0; k < search->asked + TRIES && !found; k++) {
        gsl_qrng_get(sequence, u);
        if (k < search->asked) {
            continue;
        }
        for (size_t i = 0; i < search->d; i++) {
            u[i] = fmod(u[i] + shift[i], 1.0);
        }
        bd_search_snap(search, u, p);
        bd_search_repair(search, &rng, p);
        found = bd_search_open(search, p);
    }
    gsl_qrng_free(sequence);
    return found || bd_search_first_open(search, p);
}

/* Ratios 0, 1, 1/2, 1/4, 3/4, ...: one for every dimension. */
bool bd_search_ask_uniform(const struct bd_search *search, struct bd_search_point *p)
{
    for (uint32_t k = 0; k < TRIES; k++) {
        double ratio = k == 1 ? 1.0 : 0.0, place = 0.5;
        for (uint32_t bits = k > 1 ? k - 1 : 0; bits; bits >>= 1, place /= 2.0) {
            ratio += bits & 1 ? place : 0.0;
        }
        double u[MAX_D];
        for (size_t i = 0; i < search->d; i++) {
            u[i] = ratio;
        }
        bd_search_snap(search, u, p);
        if (bd_search_open(search, p)) {
            return true;
        }
    }
    return false;
}

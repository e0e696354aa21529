#include "model/cost/area.h"

#include <string.h>

/* The fits' form: terms are 1, a parameter, or a product of parameters ("HAS_XNOR*ROWS"). */
struct term {
    const char *term;
    double cells[BD_AREA_CELL_COUNT]; /* coefficients */
};

struct fit {
    const char *name;
    const char *count[4]; /* terms; their sum is how many of it there are */
    struct term terms[6];
    double off[BD_AREA_CELL_COUNT];
};

#include "model/cost/area_table.h"

const char *const bd_area_cell_names[BD_AREA_CELL_COUNT] = {
#define X(name, sites) #name,
    BD_AREA_CELLS(X)
#undef X
};

static double parameter(const struct bd_hardware *h, const char *name, size_t length)
{
    const struct {
        const char *name;
        double value;
    } parameters[] = {{"1", 1},
                      {"ROWS", (double)h->rows},
                      {"RQ", (double)h->requant_units},
                      {"CHANNELS", (double)h->mac_channels},
                      {"HAS_XNOR", h->xnor},
                      {"HAS_MAC", h->mac},
                      {"ACC_BITS", (double)h->acc_bits},
                      {"MULT_BITS", (double)h->mult_bits}};
    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++)
        if (strlen(parameters[i].name) == length && memcmp(parameters[i].name, name, length) == 0)
            return parameters[i].value;
    return 0; /* fit_area.py takes no other name */
}

static double value_of(const struct bd_hardware *h, const char *term)
{
    double value = 1;
    for (const char *at = term; *at;) {
        const size_t length = strcspn(at, "*");
        value *= parameter(h, at, length);
        at += length + (at[length] == '*');
    }
    return value;
}

size_t bd_area_blocks(void)
{
    return sizeof fits / sizeof fits[0];
}

struct bd_area_block bd_area_block(const struct bd_hardware *h, size_t index)
{
    const struct fit *fit = &fits[index];
    struct bd_area_block block = {.name = fit->name};
    double count = 0;
    for (size_t i = 0; i < sizeof fit->count / sizeof fit->count[0] && fit->count[i]; i++)
        count += value_of(h, fit->count[i]);
    block.count = (int)count;
    for (int c = 0; c < BD_AREA_CELL_COUNT; c++) {
        for (size_t i = 0; i < sizeof fit->terms / sizeof fit->terms[0] && fit->terms[i].term; i++)
            block.area.cells[c] += count * fit->terms[i].cells[c] * value_of(h, fit->terms[i].term);
        block.area.off[c] = count * fit->off[c];
    }
    return block;
}

struct bd_area bd_area(const struct bd_hardware *h)
{
    struct bd_area all = {0};
    for (size_t i = 0; i < bd_area_blocks(); i++) {
        const struct bd_area_block block = bd_area_block(h, i);
        for (int c = 0; c < BD_AREA_CELL_COUNT; c++) {
            all.cells[c] += block.area.cells[c];
            all.off[c] += block.area.off[c];
        }
    }
    return all;
}

double bd_area_sites(const double cells[BD_AREA_CELL_COUNT])
{
    double sites = 0;
#define X(name, each) sites += (each)*cells[BD_AREA_##name];
    BD_AREA_CELLS(X)
#undef X
    return sites;
}

#include "model/cost/area.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/program/program.h"

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

/* ---- a whole machine ---- */

const char *const bd_area_measured = measured_name;

struct bd_area bd_area_rest(void)
{
    const double *p = measured_parameters;
    const struct bd_hardware h = {.rows = (int64_t)p[0],
                                  .requant_units = (int64_t)p[1],
                                  .mac_channels = (int64_t)p[2],
                                  .xnor = p[3] != 0,
                                  .mac = p[4] != 0,
                                  .acc_bits = (int64_t)p[5],
                                  .mult_bits = (int64_t)p[6]};
    const struct bd_area blocks = bd_area(&h);
    struct bd_area rest = {0};
    for (int c = 0; c < BD_AREA_CELL_COUNT; c++)
        rest.cells[c] = c == BD_AREA_DP16KD ? 0 : measured_cells[c] - blocks.cells[c];
    return rest;
}

static int64_t over(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* Block RAMs of one memory, as Yosys chooses: the form that takes the fewest; none where LUT RAM of 16 x 4 bits, which
 * it prices at 4 against 128 for a block RAM, is cheaper. */
static int64_t block_ram(int64_t words, int64_t bits)
{
    static const struct {
        int64_t words, bits;
    } forms[] = {{16384, 1}, {8192, 2}, {4096, 4}, {2048, 9}, {1024, 18}, {512, 36}};
    int64_t fewest = INT64_MAX;
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        const int64_t count = over(words, forms[f].words) * over(bits, forms[f].bits);
        fewest = count < fewest ? count : fewest;
    }
    return 4 * over(words, 16) * over(bits, 4) < 128 * fewest ? 0 : fewest;
}

/* A memory in two pieces: the largest power of two of words, and the rest. */
static int64_t two_pieces(int64_t words, int64_t bits)
{
    int64_t low = 1;
    while (2 * low <= words)
        low *= 2;
    return block_ram(low, bits) + (words > low ? block_ram(words - low, bits) : 0);
}

int64_t bd_area_block_ram(const struct bd_hardware *h)
{
    const int64_t lanes = h->rows == 64 ? 18 : 9;
    return 9 * two_pieces(h->act_words, 16) + lanes * two_pieces(h->weight_words, 18 * h->rows / lanes) +
           2 * block_ram(h->z_words / 2, 16 * h->requant_units) +
           block_ram(h->table_words, h->mult_bits + BD_TABLE_BIAS_BITS) +
           (h->correct_words ? block_ram(h->correct_words, BD_CORRECT_BITS * h->requant_units) : 0) +
           (h->descriptors ? block_ram(32 * h->descriptors, 64) : 0);
}

struct bd_area bd_area_machine(const struct bd_hardware *h)
{
    struct bd_area machine = bd_area(h);
    const struct bd_area rest = bd_area_rest();
    for (int c = 0; c < BD_AREA_CELL_COUNT; c++)
        machine.cells[c] += rest.cells[c];
    machine.cells[BD_AREA_DP16KD] = (double)bd_area_block_ram(h);
    return machine;
}

const struct bd_area_part *bd_area_part(const char *name)
{
    static const struct bd_area_part parts[] = {
        {"LFE5U-25F", 24288, 56, 28}, {"LFE5U-45F", 43848, 108, 72}, {"LFE5U-85F", 83640, 208, 156}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strcmp(parts[i].name, name) == 0)
            return &parts[i];
    return NULL;
}

bool bd_area_fits(const struct bd_area *machine, const struct bd_area_part *part, char *why, size_t size)
{
    const struct {
        const char *what;
        double has, takes;
    } rows[] = {{"sites", part->sites, bd_area_sites(machine->cells)},
                {"registers", part->sites, machine->cells[BD_AREA_FF]},
                {"block RAMs", part->block_ram, machine->cells[BD_AREA_DP16KD]},
                {"multipliers", part->multipliers, machine->cells[BD_AREA_MULT18X18D]}};
    snprintf(why, size, "%s", "");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (round(rows[i].takes) > rows[i].has) {
            snprintf(why, size, "%.0f %s, where an %s has %.0f", rows[i].takes, rows[i].what, part->name, rows[i].has);
            return false;
        }
    }
    return true;
}

double bd_area_sites(const double cells[BD_AREA_CELL_COUNT])
{
    double sites = 0;
#define X(name, each) sites += (each)*cells[BD_AREA_##name];
    BD_AREA_CELLS(X)
#undef X
    return sites;
}

/* The area model: its formulas at the points that were mapped, and sums over blocks. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

#include "model/cost/area.h"

/* A machine with one row, or requantizer, of a point's parameters. */
static struct bd_hardware machine_of(const json_t *point)
{
    struct bd_hardware h = {.rows = 1, .requant_units = 1, .acc_bits = 28, .mult_bits = 24, .mac_channels = 1};
    const json_t *acc = json_object_get(point, "ACC_BITS"), *mult = json_object_get(point, "MULT_BITS");
    const json_t *channels = json_object_get(point, "CHANNELS");
    h.acc_bits = acc ? json_integer_value(acc) : h.acc_bits;
    h.mult_bits = mult ? json_integer_value(mult) : h.mult_bits;
    h.mac_channels = channels ? json_integer_value(channels) : h.mac_channels;
    h.xnor = h.mac = true;
    return h;
}

Test(area, formulas_stay_within_their_residuals_of_what_was_mapped)
{
    json_t *file = json_load_file("hw/synth/area.json", 0, NULL), *fit, *point;
    size_t f, p, compared = 0;
    cr_assert(file);
    cr_assert_eq(json_array_size(json_object_get(file, "fits")), bd_area_blocks());
    json_array_foreach(json_object_get(file, "fits"), f, fit)
    {
        json_array_foreach(json_object_get(fit, "points"), p, point)
        {
            const struct bd_hardware h = machine_of(point);
            const struct bd_area_block b = bd_area_block(&h, f);
            cr_assert_str_eq(b.name, json_string_value(json_object_get(fit, "top")));
            for (int c = 0; c < BD_AREA_CELL_COUNT; c++) {
                const double mapped = json_number_value(json_object_get(point, bd_area_cell_names[c]));
                cr_assert_float_eq(b.area.cells[c] / b.count, mapped, b.area.off[c] / b.count + 0.02,
                                   "%s, point %zu: %g %s, mapped %g", b.name, p, b.area.cells[c] / b.count,
                                   bd_area_cell_names[c], mapped);
                compared++;
            }
        }
    }
    cr_assert_gt(compared, 20);
    json_decref(file);
}

Test(area, blocks_are_counted_by_the_machine)
{
    struct bd_hardware h = {.rows = 16, .requant_units = 4, .acc_bits = 28, .mult_bits = 24, .mac_channels = 1};
    const struct {
        const char *name;
        int both, xnor_only, mac_only;
    } counts[] = {{"xnor_row", 17, 17, 0}, {"mac_row", 16, 0, 16}, {"requantizer_pipe", 4, 4, 4}};
    cr_assert_eq(bd_area_blocks(), sizeof counts / sizeof *counts);
    for (size_t i = 0; i < bd_area_blocks(); i++) {
        h.xnor = h.mac = true;
        cr_assert_str_eq(bd_area_block(&h, i).name, counts[i].name);
        cr_assert_eq(bd_area_block(&h, i).count, counts[i].both);
        h.mac = false;
        cr_assert_eq(bd_area_block(&h, i).count, counts[i].xnor_only);
        h.mac = true, h.xnor = false;
        cr_assert_eq(bd_area_block(&h, i).count, counts[i].mac_only);
    }
    h.xnor = true;
    double sites = 0;
    for (size_t i = 0; i < bd_area_blocks(); i++) {
        const struct bd_area_block b = bd_area_block(&h, i);
        sites += b.area.cells[BD_AREA_LUT4] + 2 * b.area.cells[BD_AREA_CCU2C] + 6 * b.area.cells[BD_AREA_DPR16X4];
    }
    const struct bd_area all = bd_area(&h);
    cr_assert_float_eq(bd_area_sites(all.cells), sites, 1e-6);
    cr_assert_gt(sites, 4000);
}

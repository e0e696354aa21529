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

/* The machine that was mapped, as its configuration stands. */
static struct bd_hardware mid(void)
{
    struct bd_hardware h;
    struct bd_error err;
    cr_assert_eq(bd_hardware_load(&h, "yaml-configs/hardware/mid.yaml", &err), BD_OK, "%s", err.message);
    return h;
}

Test(area, the_machine_that_was_mapped_is_what_was_mapped)
{
    json_t *file = json_load_file("hw/synth/area.json", 0, NULL), *mapped = json_object_get(file, "machine");
    struct bd_hardware h = mid();
    const struct bd_area machine = bd_area_machine(&h);
    cr_assert_str_eq(bd_area_measured, "mid");
    for (int c = 0; c < BD_AREA_CELL_COUNT; c++)
        cr_assert_float_eq(machine.cells[c], json_number_value(json_object_get(mapped, bd_area_cell_names[c])), 0.01,
                           "%s: %g", bd_area_cell_names[c], machine.cells[c]);
    cr_assert_float_eq(bd_area_sites(machine.cells), 47891, 0.01);
    json_decref(file);
    bd_hardware_release(&h);
}

/* Block RAMs counted by hand: each memory's words and bits in the form that takes the fewest. */
Test(area, block_ram_follows_from_the_shapes_of_memories)
{
    struct bd_hardware h = mid();
    /* 9 banks 4096x16 and 1024x16; 9 lanes 2048x32 and 1024x32; 2 of 1024x256; 10240x76; 512x384; 3072x64 */
    const int64_t whole = 9 * (4 + 1) + 9 * (4 + 2) + 2 * 15 + 5 * 9 + 11 + 12;
    cr_assert_eq(bd_area_block_ram(&h), whole);
    h.act_words = 4096;
    cr_assert_eq(bd_area_block_ram(&h), whole - 9);
    h.act_words = 5120, h.weight_words = 2048;
    cr_assert_eq(bd_area_block_ram(&h), whole - 18);
    h.weight_words = 3072, h.correct_words = 0;
    cr_assert_eq(bd_area_block_ram(&h), whole - 11);
    h.correct_words = 512, h.descriptors = 0;
    cr_assert_eq(bd_area_block_ram(&h), whole - 12);
    h.descriptors = 96, h.rows = 64, h.weight_words = 1024; /* 18 lanes of 64 bits */
    cr_assert_eq(bd_area_block_ram(&h), whole - 54 + 18 * 4);
    h.rows = 16, h.weight_words = 16; /* so few words are in LUT RAM */
    cr_assert_eq(bd_area_block_ram(&h), whole - 54);
    bd_hardware_release(&h);
}

Test(area, what_is_too_much_for_a_part_is_named)
{
    struct bd_hardware h = mid();
    char why[128];
    struct bd_area machine = bd_area_machine(&h);
    cr_assert(bd_area_fits(&machine, bd_area_part("LFE5U-85F"), why, sizeof why) && !*why);
    cr_assert(!bd_area_fits(&machine, bd_area_part("LFE5U-45F"), why, sizeof why));
    cr_assert_str_eq(why, "47891 sites, where an LFE5U-45F has 43848");
    machine.cells[BD_AREA_DP16KD] = 208;
    cr_assert(bd_area_fits(&machine, bd_area_part("LFE5U-85F"), why, sizeof why));
    machine.cells[BD_AREA_DP16KD] = 209;
    cr_assert(!bd_area_fits(&machine, bd_area_part("LFE5U-85F"), why, sizeof why));
    cr_assert_str_eq(why, "209 block RAMs, where an LFE5U-85F has 208");
    machine.cells[BD_AREA_DP16KD] = 1, machine.cells[BD_AREA_MULT18X18D] = 157;
    cr_assert(!bd_area_fits(&machine, bd_area_part("LFE5U-85F"), why, sizeof why) && strstr(why, "multipliers"));
    cr_assert_null(bd_area_part("LFE5U-85"));
    bd_hardware_release(&h);
}

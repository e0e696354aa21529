/* Random networks fit the hardware that they are made for, however small its buffers. */
#include <criterion/criterion.h>
#include <glob.h>

#include "model/program/random_network.h"

static void check(const struct bd_hardware *hardware, uint64_t seed, int64_t *pixels)
{
    struct bd_program program;
    struct bd_error err;
    const uint32_t index = (uint32_t)(seed * 7 % 64);
    cr_assert_eq(bd_random_network(seed, index, hardware, &program, &err), BD_OK, "%s: %s", hardware->name,
                 err.message);
    *pixels += program.header->input_height * program.header->input_width;
    bd_program_release(&program);
}

enum { SEEDS = 70 }; /* of each configuration: more than 500 networks in all, each twice */

Test(random_network, fits_its_hardware)
{
    glob_t found;
    cr_assert_eq(glob("yaml-configs/hardware/*.yaml", 0, NULL, &found), 0);
    for (size_t h = 0; h < found.gl_pathc; h++) {
        struct bd_hardware hardware;
        struct bd_error err;
        int64_t pixels = 0, few = 0;
        cr_assert_eq(bd_hardware_load(&hardware, found.gl_pathv[h], &err), BD_OK, "%s", err.message);
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            check(&hardware, seed, &pixels);
        }
        cr_assert_gt(pixels, SEEDS * 10, "%s: networks are tiny", hardware.name);
        hardware.act_words = 16; /* the least that a configuration may have, or room for the result */
        hardware.z_words = 64;
        hardware.weight_words = 16;
        hardware.table_words = 2 * hardware.rows;
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            check(&hardware, seed, &few);
        }
        cr_assert_gt(few, SEEDS, "%s: no network has more than a pixel", hardware.name);
        bd_hardware_release(&hardware);
    }
    globfree(&found);
}

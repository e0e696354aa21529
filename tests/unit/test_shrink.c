/* The shrinker against failures that are known: what causes them is all that may be left. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "model/program/random_network.h"
#include "model/regress/shrink.h"

struct known {
    struct bd_hardware hardware;
    bool (*cause)(const struct bd_case *c);
};

/* A case that cannot be packed does not fail: it does not run. */
static bd_status test(void *user, const struct bd_case *c, bool *fails, struct bd_error *err)
{
    const struct known *known = user;
    struct bd_program program;
    struct bd_error refused;
    (void)err;
    *fails = bd_case_pack(c, &known->hardware, &program, &refused) == BD_OK;
    if (*fails) {
        bd_program_release(&program);
        *fails = known->cause(c);
    }
    return BD_OK;
}

static bool windows_of_five_channels(const struct bd_case *c)
{
    for (int l = 0; l < c->layer_count; l++)
        if (c->layers[l].operation == BD_OP_CONV && c->layers[l].kernel >= 3 && c->layers[l].channels >= 5)
            return true;
    return false;
}

static bool pools(const struct bd_case *c)
{
    for (int l = 0; l < c->layer_count; l++)
        if (c->layers[l].operation == BD_OP_POOL)
            return true;
    return false;
}

static bool adds(const struct bd_case *c)
{
    for (int l = 0; l < c->layer_count; l++)
        if (c->layers[l].adds)
            return true;
    return false;
}

static bool two_switches_and_a_bright_pixel(const struct bd_case *c)
{
    for (int i = 0; i < c->height * c->width * c->channels && c->switch_count >= 2; i++)
        if (c->image[i] >= 128)
            return true;
    return false;
}

static bool wide_image(const struct bd_case *c)
{
    return c->width >= 4;
}

Test(shrink, leaves_the_cause_alone)
{
    static const struct {
        const char *name;
        bool (*cause)(const struct bd_case *c);
        int layers, side, channels, switches; /* at most */
    } cases[] = {
        {"windows", windows_of_five_channels, 1, 3, 5, 1},
        {"pools", pools, 3, 3, 1, 1},
        {"adds", adds, 3, 1, 1, 1},
        {"switches", two_switches_and_a_bright_pixel, 1, 1, 1, 2},
        {"width", wide_image, 2, 4, 1, 1},
    };
    struct known known;
    struct bd_error err;
    cr_assert_eq(bd_hardware_load(&known.hardware, "tests/small_hardware.yaml", &err), BD_OK, "%s", err.message);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int shrunk = 0;
        known.cause = cases[i].cause;
        for (uint32_t index = 0; index < 24; index++) {
            struct bd_program program;
            struct bd_case c;
            cr_assert_eq(bd_random_network(5, index, &known.hardware, &program, &err), BD_OK, "%s", err.message);
            uint8_t *image = calloc(1, program.header->input_bytes);
            bd_random_image(&program, index, image);
            cr_assert_eq(bd_case_from_program(&c, &program, image, &err), BD_OK, "%s", err.message);
            free(image);
            bd_program_release(&program);
            if (known.cause(&c)) {
                struct bd_shrink shrink = {.test = test, .user = &known};
                int most = 0;
                cr_assert_eq(bd_shrink(&shrink, &c, &err), BD_OK, "%s %u: %s", cases[i].name, index, err.message);
                cr_assert(shrink.whole && known.cause(&c), "%s %u: %d tries", cases[i].name, index, shrink.tries);
                for (int l = 0; l < c.layer_count; l++)
                    most = c.layers[l].channels > most ? c.layers[l].channels : most;
                cr_assert(c.layer_count <= cases[i].layers && c.height <= cases[i].side && c.width <= cases[i].side &&
                              most <= cases[i].channels && c.switch_count <= cases[i].switches,
                          "%s %u: %d layers, %dx%d, %d channels, %d switches after %d tries", cases[i].name, index,
                          c.layer_count, c.height, c.width, most, c.switch_count, shrink.tries);
                shrunk++;
            }
            bd_case_release(&c);
        }
        cr_assert_geq(shrunk, 4, "%s: in %d networks alone", cases[i].name, shrunk);
    }
    bd_hardware_release(&known.hardware);
}

static bool never(const struct bd_case *c)
{
    (void)c;
    return false;
}

Test(shrink, says_so_where_nothing_fails)
{
    struct known known = {.cause = never};
    struct bd_error err;
    struct bd_program program;
    struct bd_case c;
    cr_assert_eq(bd_hardware_load(&known.hardware, "tests/small_hardware.yaml", &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_random_network(5, 3, &known.hardware, &program, &err), BD_OK, "%s", err.message);
    uint8_t *image = calloc(1, program.header->input_bytes);
    cr_assert_eq(bd_case_from_program(&c, &program, image, &err), BD_OK, "%s", err.message);
    const int layers = c.layer_count;
    struct bd_shrink shrink = {.test = test, .user = &known};
    cr_assert_eq(bd_shrink(&shrink, &c, &err), BD_FAIL);
    cr_assert_eq(c.layer_count, layers);
    cr_assert_leq(shrink.tries, 20);
    free(image);
    bd_case_release(&c);
    bd_program_release(&program);
    bd_hardware_release(&known.hardware);
}

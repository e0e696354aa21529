/* Cases: the shape of a program's network in words, packed again, and as files. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "model/program/random_network.h"
#include "model/regress/case.h"
#include "tests/support/temporary_folder.h"

TestSuite(case, .init = make_folder, .fini = remove_folder);

static void open_random(uint32_t index, const struct bd_hardware *hardware, struct bd_program *program,
                        struct bd_case *c)
{
    struct bd_error err;
    cr_assert_eq(bd_random_network(11, index, hardware, program, &err), BD_OK, "%s", err.message);
    uint8_t *image = calloc(1, program->header->input_bytes);
    bd_random_image(program, index, image);
    cr_assert_eq(bd_case_from_program(c, program, image, &err), BD_OK, "%s", err.message);
    free(image);
}

/* What a program is but for its content: words of its descriptors that shape and bits decide. */
static void expect_same_shape(const struct bd_program *a, const struct bd_program *b, uint32_t index)
{
    cr_assert_eq(a->header->layer_count, b->header->layer_count);
    cr_assert_eq(a->header->switch_count, b->header->switch_count);
    cr_assert_eq(a->header->input_bytes, b->header->input_bytes);
    for (unsigned s = 0; s < a->header->switch_count; s++)
        for (unsigned l = 0; l < a->header->layer_count; l++) {
            const struct bd_descriptor *x = bd_program_descriptor(a, s, l), *y = bd_program_descriptor(b, s, l);
            const uint32_t streamed = BD_FLAG_STREAM_TABLES | BD_FLAG_STREAM_WEIGHTS; /* follow from shared planes */
            cr_assert_eq(x->flags & ~streamed, y->flags & ~streamed, "network %u switch %u layer %u: %x %x", index, s,
                         l, x->flags, y->flags);
            cr_assert_eq(memcmp(&x->datapath, &y->datapath, 14 * 4), 0, "network %u switch %u layer %u", index, s, l);
            cr_assert(x->pad_top == y->pad_top && x->pool_kind == y->pool_kind && x->groups == y->groups &&
                          x->weight_zero_point == y->weight_zero_point && x->in_layout == y->in_layout &&
                          x->blocks_large == y->blocks_large && x->interval_large == y->interval_large,
                      "network %u switch %u layer %u", index, s, l);
        }
}

Test(case, keeps_the_shape_of_a_program)
{
    struct bd_hardware hardware;
    struct bd_error err;
    cr_assert_eq(bd_hardware_load(&hardware, "tests/small_hardware.yaml", &err), BD_OK, "%s", err.message);
    for (uint32_t index = 0; index < 64; index++) {
        struct bd_program program, again;
        struct bd_case c;
        open_random(index, &hardware, &program, &c);
        cr_assert_eq(bd_case_pack(&c, &hardware, &again, &err), BD_OK, "network %u: %s", index, err.message);
        expect_same_shape(&program, &again, index);
        bd_program_release(&program);
        bd_program_release(&again);
        bd_case_release(&c);
    }
    bd_hardware_release(&hardware);
}

Test(case, is_read_back_as_it_was_written)
{
    struct bd_hardware hardware;
    struct bd_error err;
    char path[64];
    snprintf(path, sizeof path, "%s/case.yaml", folder);
    cr_assert_eq(bd_hardware_load(&hardware, "tests/small_hardware.yaml", &err), BD_OK, "%s", err.message);
    for (uint32_t index = 0; index < 16; index++) {
        struct bd_program program, first, second;
        struct bd_case c, read;
        open_random(index, &hardware, &program, &c);
        c.seed = 77 + index;
        c.hardware = strdup("tests/small_hardware.yaml");
        c.bench = strdup("--memory 12,1,2 --stalls 9");
        cr_assert_eq(bd_case_write(&c, path, &err), BD_OK, "%s", err.message);
        cr_assert_eq(bd_case_load(&read, path, &err), BD_OK, "%s", err.message);
        cr_assert_str_eq(read.hardware, c.hardware);
        cr_assert_str_eq(read.bench, c.bench);
        cr_assert_eq(memcmp(read.image, c.image, program.header->input_bytes), 0);
        cr_assert_eq(bd_case_pack(&c, &hardware, &first, &err), BD_OK, "%s", err.message);
        cr_assert_eq(bd_case_pack(&read, &hardware, &second, &err), BD_OK, "%s", err.message);
        cr_assert(first.size == second.size && memcmp(first.image, second.image, first.size) == 0, "network %u", index);
        bd_program_release(&program);
        bd_program_release(&first);
        bd_program_release(&second);
        bd_case_release(&c);
        bd_case_release(&read);
    }
    bd_hardware_release(&hardware);
}

/* What is wrong with a file is said with its place. */
Test(case, refuses_what_is_no_case)
{
    char path[64], image[64];
    struct bd_error err;
    snprintf(path, sizeof path, "%s/case.yaml", folder);
    snprintf(image, sizeof image, "%s/case.npy", folder);
    const int64_t shape[4] = {1, 1, 1, 1};
    cr_assert_eq(bd_npy_write(image, BD_NPY_U8, 4, shape, "\7", &err), BD_OK);
    static const struct {
        const char *layers, *message;
    } cases[] = {
        {"[{id: 0, reads: -1, operation: conv, channels: 2, at: [{weight_bits: 1}]}]", NULL},
        {"[{id: 0, reads: 0, operation: conv, channels: 2, at: [{weight_bits: 1}]}]", "4:10: 'reads' must be"},
        {"[{id: 0, reads: -1, operation: conv, channels: 2, at: []}]", "'at' must be a list of 1..1 rows"},
        {"[{id: 0, reads: -1, operation: conv, channels: 2, at: [{}]}]", "needs bits"},
        {"[{id: 0, reads: -1, operation: vonc, channels: 2, at: [{}]}]", "'operation' must be one of"},
        {"[]", "'layers' must be a list of 1..256 rows"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        const int size = snprintf(text, sizeof text,
                                  "hardware: tests/small_hardware.yaml\nimage: case.npy\nseed: 1\nlayers: %s\n"
                                  "switches: [{name: a}]\n",
                                  cases[i].layers);
        cr_assert_eq(bd_file_write(path, text, (size_t)size, &err), BD_OK);
        struct bd_case c;
        const bd_status status = bd_case_load(&c, path, &err);
        cr_assert_eq(status, cases[i].message ? BD_BAD_INPUT : BD_OK, "%s: %s", cases[i].layers, err.message);
        if (cases[i].message)
            cr_assert(strstr(err.message, cases[i].message), "%s: %s", cases[i].layers, err.message);
        else
            bd_case_release(&c);
    }
}

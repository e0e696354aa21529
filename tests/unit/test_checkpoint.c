/* Checkpoints: what goes in comes out, equal contents are equal bytes, damage is refused with an offset. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/checkpoint/checkpoint.h"
#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/train/loop/train.h"

static const char network[] =
    "name: tiny\ninput: {height: 8, width: 8, channels: 1}\nclasses: 3\nswitches: [w2a2, w1a1]\n"
    "stem: {channels: 3}\nstages:\n  - {channels: 3, blocks: [{inner: 2}]}\nhead: {}\n";

static void make(struct bd_checkpoint *checkpoint)
{
    struct bd_error err;
    struct bd_train_plan plan;
    bd_train_plan_init(&plan);
    bd_checkpoint_init(checkpoint);
    cr_assert_eq(bd_graph_parse(&checkpoint->graph, "tiny", network, sizeof network - 1, &err), BD_OK, "%s",
                 err.message);
    bd_train_initialise(checkpoint, &plan);
    checkpoint->metadata = bd_xstrdup("{\"made_by\":\"test\"}");
}

static char *temporary(void)
{
    char *path = bd_xstrdup("/tmp/bitdial-checkpoint-XXXXXX");
    close(mkstemp(path));
    return path;
}

static void save(const struct bd_checkpoint *checkpoint, const char *path)
{
    struct bd_error err;
    cr_assert_eq(bd_checkpoint_save(checkpoint, path, &err), BD_OK, "%s", err.message);
}

static uint8_t *bytes_of(const char *path, size_t *size)
{
    struct bd_error err;
    uint8_t *bytes;
    cr_assert_eq(bd_file_read(path, 1 << 26, &bytes, size, &err), BD_OK, "%s", err.message);
    return bytes;
}

Test(checkpoint, round_trip)
{
    struct bd_checkpoint checkpoint, read;
    struct bd_error err;
    const int64_t two = 2;
    char *path = temporary();
    make(&checkpoint);
    bd_checkpoint_put(&checkpoint, 1, &two, "train/moment1/stem.weight")->data[1] = -0.0f;
    save(&checkpoint, path);
    cr_assert_eq(bd_checkpoint_load(&read, path, &err), BD_OK, "%s", err.message);
    cr_assert_str_eq(read.metadata, checkpoint.metadata);
    cr_assert_str_eq(read.graph.yaml_text, network);
    cr_assert_eq(read.array_count, checkpoint.array_count);
    for (size_t i = 0; i < checkpoint.array_count; i++) {
        const struct bd_array *a = &checkpoint.arrays[i], *b = bd_checkpoint_find(&read, "%s", a->name);
        cr_assert_not_null(b, "%s", a->name);
        cr_assert_eq(a->rank, b->rank);
        cr_assert_arr_eq(a->shape, b->shape, a->rank * sizeof *a->shape);
        cr_assert_arr_eq(a->data, b->data, a->count * sizeof(float));
    }
    bd_checkpoint_drop(&read, "train/");
    cr_assert_null(bd_checkpoint_find(&read, "train/moment1/stem.weight"));
    cr_assert_eq(read.array_count, checkpoint.array_count - 1);
    unlink(path);
    free(path);
    bd_checkpoint_release(&checkpoint);
    bd_checkpoint_release(&read);
}

/* Neither time nor the order in which arrays came leaves a trace. */
Test(checkpoint, equal_contents_are_equal_bytes)
{
    struct bd_checkpoint checkpoint;
    size_t size, size_after;
    char *path = temporary();
    make(&checkpoint);
    save(&checkpoint, path);
    uint8_t *before = bytes_of(path, &size);
    sleep(1);
    for (size_t i = 0; i < checkpoint.array_count / 2; i++) {
        struct bd_array swap = checkpoint.arrays[i];
        checkpoint.arrays[i] = checkpoint.arrays[checkpoint.array_count - 1 - i];
        checkpoint.arrays[checkpoint.array_count - 1 - i] = swap;
    }
    save(&checkpoint, path);
    uint8_t *after = bytes_of(path, &size_after);
    cr_assert_eq(size, size_after);
    cr_assert_arr_eq(before, after, size);
    free(before);
    free(after);
    unlink(path);
    free(path);
    bd_checkpoint_release(&checkpoint);
}

static void refuse(const char *path, const uint8_t *bytes, size_t size, const char *message)
{
    struct bd_checkpoint read;
    struct bd_error err = {0};
    cr_assert_eq(bd_file_write(path, bytes, size, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_checkpoint_load(&read, path, &err), BD_BAD_INPUT, "expected: %s", message);
    cr_assert_not_null(strstr(err.message, message), "'%s' lacks '%s'", err.message, message);
    cr_assert_eq(strncmp(err.message, path, strlen(path)), 0, "'%s'", err.message);
}

Test(checkpoint, damage_is_refused)
{
    struct bd_checkpoint checkpoint;
    struct bd_rng rng;
    size_t size;
    char *path = temporary();
    make(&checkpoint);
    save(&checkpoint, path);
    uint8_t *bytes = bytes_of(path, &size);
    refuse(path, bytes, 0, "offset 0: the file ends");
    refuse(path, bytes, 100, "offset 100: the file ends");
    refuse(path, bytes, size - 1, "offset 16: the header tells");
    bytes[0] ^= 1;
    refuse(path, bytes, size, "offset 0: not a Bitdial checkpoint");
    bytes[0] ^= 1;
    bytes[8] = 9;
    refuse(path, bytes, size, "offset 8: checkpoint version 9");
    bytes[8] = 1;
    bd_rng_seed(&rng, 1);
    for (int i = 0; i < 40; i++) {
        size_t at = 512 + bd_rng_below(&rng, size - 512);
        bytes[at] ^= 1 << bd_rng_below(&rng, 8);
        refuse(path, bytes, size, "offset 12: CRC-32 is");
        save(&checkpoint, path);
        free(bytes);
        bytes = bytes_of(path, &size);
    }
    free(bytes);
    unlink(path);
    free(path);
    bd_checkpoint_release(&checkpoint);
}

/* A sound file without what its network needs. */
Test(checkpoint, missing_and_misshapen_arrays_are_refused)
{
    static const struct {
        const char *drop, *put, *message;
        float value;
    } cases[] = {
        {"stem.weight", NULL, "offset 512: array 'stem.weight' is missing", 0},
        {"s1b1.conv1.w1a1.var", NULL, "offset 512: array 's1b1.conv1.w1a1.var' is missing", 0},
        {"fc.bias", "fc.bias", "offset 512: array 'fc.bias' has the wrong shape", 0},
        {"s1b1.q1.w2a2.alpha", "s1b1.q1.w2a2.alpha", "offset 512: array 's1b1.q1.w2a2.alpha' must be positive", 0},
        {"stem.scale", "stem.scale", "offset 512: array 'stem.scale' must be positive", -1},
    };
    const int64_t one = 1;
    char *path = temporary();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bd_checkpoint checkpoint, read;
        struct bd_error err = {0};
        make(&checkpoint);
        bd_checkpoint_drop(&checkpoint, cases[i].drop);
        if (cases[i].put) {
            bd_checkpoint_put(&checkpoint, 1, &one, "%s", cases[i].put)->data[0] = cases[i].value;
        }
        save(&checkpoint, path);
        cr_assert_eq(bd_checkpoint_load(&read, path, &err), BD_BAD_INPUT);
        cr_assert_not_null(strstr(err.message, cases[i].message), "'%s'", err.message);
        bd_checkpoint_release(&checkpoint);
    }
    unlink(path);
    free(path);
}

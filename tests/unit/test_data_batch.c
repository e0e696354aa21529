/* Batches against their definition, whatever the threads, the first step and the rows asked for. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/data/batch.h"

#define COUNT 53
#define HEIGHT 7
#define WIDTH 9
#define CHANNELS 3
#define CLASSES 1000
#define IMAGE (HEIGHT * WIDTH * CHANNELS)
#define BATCH 8
#define EPOCH (COUNT / BATCH)
#define STEPS (3 * EPOCH + 1)

static void make_set(struct bd_dataset *set)
{
    struct bd_rng rng;
    bd_rng_seed(&rng, 3);
    *set = (struct bd_dataset){.count = COUNT, .height = HEIGHT, .width = WIDTH, .channels = CHANNELS};
    set->classes = CLASSES;
    set->images = bd_xmalloc(COUNT * IMAGE);
    set->labels = bd_xcalloc(COUNT, sizeof *set->labels);
    for (int i = 0; i < COUNT * IMAGE; i++) {
        set->images[i] = 1 + bd_rng_below(&rng, 255); /* never the black of padding and cutout */
    }
    for (int i = 0; i < COUNT; i++) {
        set->labels[i] = 997 - 11 * i;
    }
}

static void stream(struct bd_rng *rng, uint64_t seed, uint64_t index, uint64_t number)
{
    bd_rng_seed(rng, (seed * 0x9e3779b97f4a7c15u) ^ (index << 8) ^ number);
    bd_rng_seed(rng, bd_rng_u64(rng));
}

/* The definition, pixel by pixel, written apart from the code under test. */
static void expected_batch(const struct bd_dataset *set, const struct bd_batch_plan *plan, int64_t step,
                           uint8_t *images, uint16_t *labels)
{
    uint32_t order[COUNT];
    struct bd_rng rng, squares;
    for (uint32_t i = 0; i < COUNT; i++) {
        order[i] = i;
    }
    stream(&rng, plan->seed, step / EPOCH, 1);
    bd_rng_shuffle(&rng, order, COUNT);
    stream(&rng, plan->seed, step, 2);
    stream(&squares, plan->seed, step, 3);
    for (int i = 0; i < BATCH; i++) {
        uint32_t index = order[step % EPOCH * BATCH + i];
        int crop = plan->crop;
        int dy = (int)bd_rng_below(&rng, 2 * crop + 1) - crop, dx = (int)bd_rng_below(&rng, 2 * crop + 1) - crop;
        bool flip = bd_rng_below(&rng, 2) && plan->flip;
        int cy = plan->cutout ? (int)bd_rng_below(&squares, HEIGHT) : 0;
        int cx = plan->cutout ? (int)bd_rng_below(&squares, WIDTH) : 0;
        for (int p = 0; p < IMAGE; p++) {
            int y = p / CHANNELS / WIDTH, x = p / CHANNELS % WIDTH, c = p % CHANNELS;
            int sy = y + dy, sx = (flip ? WIDTH - 1 - x : x) + dx;
            int from_y = y - (cy - (int)plan->cutout / 2), from_x = x - (cx - (int)plan->cutout / 2);
            bool cut = from_y >= 0 && from_y < plan->cutout && from_x >= 0 && from_x < plan->cutout;
            bool outside = sy < 0 || sy >= HEIGHT || sx < 0 || sx >= WIDTH;
            images[i * IMAGE + p] = cut || outside ? 0 : set->images[index * IMAGE + (sy * WIDTH + sx) * CHANNELS + c];
        }
        labels[i] = set->labels[index];
    }
}

static void compare(const struct bd_dataset *set, struct bd_batch_plan plan, int64_t first_step)
{
    struct bd_batches *batches;
    struct bd_error err;
    uint8_t expected[BATCH * IMAGE];
    uint16_t expected_labels[BATCH];
    int64_t rows = plan.rows ? plan.rows : BATCH - plan.first_row;
    cr_assert_eq(bd_batches_open(&batches, set, &plan, first_step, &err), BD_OK, "%s", err.message);
    for (int64_t step = first_step; step < STEPS; step++) {
        const uint8_t *images;
        const uint16_t *labels;
        cr_assert_eq(bd_batches_next(batches, &images, &labels, &err), BD_OK, "%s", err.message);
        expected_batch(set, &plan, step, expected, expected_labels);
        cr_assert_eq(memcmp(images, expected + plan.first_row * IMAGE, rows * IMAGE), 0, "step %ld", step);
        cr_assert_eq(memcmp(labels, expected_labels + plan.first_row, rows * sizeof *labels), 0, "step %ld", step);
    }
    bd_batches_close(batches);
}

Test(data_batch, is_its_definition)
{
    struct bd_dataset set;
    make_set(&set);
    for (int threads = 0; threads <= 4; threads += 2) {
        for (int64_t cutout = 0; cutout <= 5; cutout++) {
            for (int64_t crop = 0; crop <= 4; crop += 2) {
                struct bd_batch_plan plan = {.batch = BATCH,
                                             .seed = 9 + crop,
                                             .crop = crop,
                                             .flip = crop != 2,
                                             .cutout = cutout,
                                             .threads = threads};
                compare(&set, plan, 0);
                compare(&set, plan, EPOCH + 2);
                plan.first_row = 2;
                plan.rows = 5;
                compare(&set, plan, 1);
            }
        }
    }
    bd_dataset_release(&set);
}

/* The comparison above must see a batch of another seed. */
Test(data_batch, another_seed_is_another_batch)
{
    struct bd_dataset set;
    uint8_t one[BATCH * IMAGE], other[BATCH * IMAGE];
    uint16_t labels[BATCH];
    struct bd_batch_plan plan = {.batch = BATCH, .seed = 1};
    make_set(&set);
    expected_batch(&set, &plan, 0, one, labels);
    plan.seed = 2;
    expected_batch(&set, &plan, 0, other, labels);
    cr_assert_neq(memcmp(one, other, sizeof one), 0);
    bd_dataset_release(&set);
}

/* Closing is safe while threads wait, work, or have not begun. */
Test(data_batch, closes_at_any_time)
{
    struct bd_dataset set;
    struct bd_error err;
    make_set(&set);
    for (int taken = 0; taken < 40; taken++) {
        struct bd_batches *batches;
        struct bd_batch_plan plan = {.batch = BATCH, .crop = 2, .threads = 1 + taken % 3};
        cr_assert_eq(bd_batches_open(&batches, &set, &plan, 0, &err), BD_OK);
        for (int i = 0; i < taken % 10; i++) {
            const uint8_t *images;
            const uint16_t *labels;
            cr_assert_eq(bd_batches_next(batches, &images, &labels, &err), BD_OK);
        }
        bd_batches_close(batches);
    }
    bd_batches_close(NULL);
    bd_dataset_release(&set);
}

Test(data_batch, refuses_what_does_not_fit)
{
    struct bd_dataset set;
    struct bd_error err;
    struct bd_batches *batches;
    make_set(&set);
    struct bd_batch_plan plan = {.batch = COUNT + 1};
    cr_assert_eq(bd_batches_open(&batches, &set, &plan, 0, &err), BD_BAD_INPUT);
    cr_assert_str_eq(err.message, "a batch of 54 is more than the 53 training images");
    plan = (struct bd_batch_plan){.batch = BATCH, .first_row = 6, .rows = 3};
    cr_assert_eq(bd_batches_open(&batches, &set, &plan, 0, &err), BD_BAD_INPUT);
    cr_assert_str_eq(err.message, "rows 6..8 are not in a batch of 8");
    cr_assert_null(batches);
    bd_dataset_release(&set);
}

#include "model/data/batch.h"

#include <inttypes.h>
#include <omp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/data/image_files.h"

#define SLOTS 3        /* batches in memory: one in the consumer's hands, two ahead */
#define ROWS_AT_ONCE 2 /* files that a thread takes on before it asks again */

/* What one image of a batch becomes. */
struct change {
    uint32_t index;
    int dy, dx; /* shift */
    bool flip;
    int cut_y, cut_x; /* centre of the cutout square */
};

struct slot {
    int64_t step; /* -1: empty */
    int64_t done; /* rows that are ready */
    uint8_t *images;
    uint16_t *labels;
    struct change *changes;
    int64_t failed_row; /* the first row that failed, or -1 */
    struct bd_error err;
};

struct bd_batches {
    const struct bd_dataset *data;
    struct bd_batch_plan plan;
    int64_t steps_per_epoch;
    size_t image_size;
    uint32_t *order; /* the permutation of order_epoch */
    int64_t order_epoch;

    pthread_mutex_t lock; /* of all below, but for the rows of a slot that a worker has taken */
    pthread_cond_t room, ready;
    int64_t making, taken; /* the step that is being made, and how many of its rows are taken */
    int64_t next;          /* the step that the consumer asks for next; it may still hold next - 1 */
    bool stop;
    struct slot slots[SLOTS];
    int64_t rows_at_once;
    pthread_t *threads;
    int thread_count;
};

enum stream { STREAM_ORDER = 1, STREAM_AUGMENT, STREAM_CUTOUT, STREAM_RESIZED_CROP };

static void seed_stream(struct bd_rng *rng, const struct bd_batches *b, enum stream stream, int64_t index)
{
    bd_rng_seed(rng, (uint64_t)b->plan.seed * 0x9e3779b97f4a7c15u ^ (uint64_t)index << 8 ^ (uint64_t)stream);
    bd_rng_seed(rng, bd_rng_u64(rng));
}

/* ---- what a step holds ---- */

static void permute(struct bd_batches *b, int64_t epoch)
{
    struct bd_rng rng;
    for (uint32_t i = 0; i < b->data->count; i++) {
        b->order[i] = i;
    }
    seed_stream(&rng, b, STREAM_ORDER, epoch);
    bd_rng_shuffle(&rng, b->order, b->data->count);
    b->order_epoch = epoch;
}

/* Draws for the whole batch, so that the rows that are delivered do not depend on how many there are. */
static void draw_step(struct bd_batches *b, struct slot *slot, int64_t step)
{
    const struct bd_batch_plan *plan = &b->plan;
    const int64_t epoch = step / b->steps_per_epoch, at = step % b->steps_per_epoch * plan->batch;
    struct bd_rng augment, cutout;
    if (b->order_epoch != epoch) {
        permute(b, epoch);
    }
    seed_stream(&augment, b, STREAM_AUGMENT, step);
    seed_stream(&cutout, b, STREAM_CUTOUT, step);
    for (int64_t i = 0; i < plan->batch; i++) {
        struct change change = {.index = b->order[at + i]};
        change.dy = (int)bd_rng_below(&augment, 2 * plan->crop + 1) - plan->crop;
        change.dx = (int)bd_rng_below(&augment, 2 * plan->crop + 1) - plan->crop;
        change.flip = bd_rng_below(&augment, 2) && plan->flip;
        if (plan->cutout > 0) {
            change.cut_y = bd_rng_below(&cutout, b->data->height);
            change.cut_x = bd_rng_below(&cutout, b->data->width);
        }
        if (i >= plan->first_row && i < plan->first_row + plan->rows) {
            slot->changes[i - plan->first_row] = change;
        }
    }
    slot->step = step;
    slot->done = 0;
    slot->failed_row = -1;
}

/* ---- one image ---- */

/* Copies an image moved by (dy, dx), black outside, mirrored where `flip`. */
static void place_image(const struct bd_dataset *data, const struct change *change, uint8_t *to)
{
    const int height = data->height, width = data->width, channels = data->channels;
    const uint8_t *from = bd_dataset_image(data, change->index);
    for (int y = 0; y < height; y++) {
        const int sy = y + change->dy;
        uint8_t *row = to + (size_t)y * width * channels;
        if (sy < 0 || sy >= height) {
            memset(row, 0, (size_t)width * channels);
            continue;
        }
        const uint8_t *source = from + (size_t)sy * width * channels;
        for (int x = 0; x < width; x++) {
            const int sx = (change->flip ? width - 1 - x : x) + change->dx;
            for (int c = 0; c < channels; c++) {
                row[x * channels + c] = sx < 0 || sx >= width ? 0 : source[sx * channels + c];
            }
        }
    }
}

/* Rows and columns centre - side/2 .. centre - side/2 + side - 1, as far as they are in the image. */
static void cut_out(const struct bd_dataset *data, const struct change *change, int64_t side, uint8_t *image)
{
    const int64_t height = data->height, width = data->width;
    const int64_t top = change->cut_y - side / 2, left = change->cut_x - side / 2;
    const int64_t first_x = left < 0 ? 0 : left, end_x = left + side < width ? left + side : width;
    for (int64_t y = top < 0 ? 0 : top; y < top + side && y < height; y++) {
        memset(image + (y * width + first_x) * data->channels, 0, (end_x - first_x) * data->channels);
    }
}

static bd_status make_row(const struct bd_batches *b, const struct slot *slot, int64_t row, struct bd_error *err)
{
    const struct change *change = &slot->changes[row];
    uint8_t *image = slot->images + row * b->image_size;
    if (b->data->files) {
        struct bd_rng rng;
        seed_stream(&rng, b, STREAM_RESIZED_CROP, slot->step * b->plan.batch + b->plan.first_row + row);
        bd_status status =
            bd_image_files_random(b->data->files, change->index, b->data->height, change->flip, &rng, image, err);
        if (status) {
            return status;
        }
    } else {
        place_image(b->data, change, image);
    }
    if (b->plan.cutout > 0) {
        cut_out(b->data, change, b->plan.cutout, image);
    }
    slot->labels[row] = b->data->labels[change->index];
    return BD_OK;
}

/* ---- threads ---- */

static void *work(void *argument)
{
    struct bd_batches *b = argument;
    pthread_mutex_lock(&b->lock);
    for (;;) {
        while (!b->stop && b->making >= b->next - 1 + SLOTS) {
            pthread_cond_wait(&b->room, &b->lock);
        }
        if (b->stop) {
            break;
        }
        struct slot *slot = &b->slots[b->making % SLOTS];
        if (b->taken == 0) {
            draw_step(b, slot, b->making);
        }
        const int64_t first = b->taken, left = b->plan.rows - first,
                      count = left < b->rows_at_once ? left : b->rows_at_once;
        b->taken += count;
        if (b->taken == b->plan.rows) {
            b->making++;
            b->taken = 0;
        }
        pthread_mutex_unlock(&b->lock);
        struct bd_error err;
        int64_t row = first;
        while (row < first + count && !make_row(b, slot, row, &err)) {
            row++;
        }
        pthread_mutex_lock(&b->lock);
        if (row < first + count && (slot->failed_row < 0 || row < slot->failed_row)) {
            slot->failed_row = row;
            slot->err = err;
        }
        slot->done += count;
        if (slot->done == b->plan.rows) {
            pthread_cond_signal(&b->ready);
        }
    }
    pthread_mutex_unlock(&b->lock);
    return NULL;
}

static bd_status check_plan(const struct bd_dataset *data, const struct bd_batch_plan *plan, struct bd_error *err)
{
    if (plan->batch < 1 || plan->batch > data->count) {
        return bd_fail(err, BD_BAD_INPUT, "a batch of %" PRId64 " is more than the %u training images", plan->batch,
                       data->count);
    }
    if (plan->first_row < 0 || plan->rows < 0 || plan->first_row + plan->rows > plan->batch) {
        return bd_fail(err, BD_BAD_INPUT, "rows %" PRId64 "..%" PRId64 " are not in a batch of %" PRId64,
                       plan->first_row, plan->first_row + plan->rows - 1, plan->batch);
    }
    return BD_OK;
}

bd_status bd_batches_open(struct bd_batches **batches, const struct bd_dataset *dataset,
                          const struct bd_batch_plan *plan, int64_t first_step, struct bd_error *err)
{
    *batches = NULL;
    bd_status status = check_plan(dataset, plan, err);
    if (status) {
        return status;
    }
    struct bd_batches *b = bd_xcalloc(1, sizeof *b);
    b->data = dataset;
    b->plan = *plan;
    b->plan.rows = plan->rows ? plan->rows : plan->batch - plan->first_row;
    b->steps_per_epoch = dataset->count / plan->batch;
    b->image_size = (size_t)dataset->height * dataset->width * dataset->channels;
    b->order = bd_xcalloc(dataset->count, sizeof *b->order);
    b->order_epoch = -1;
    b->making = b->next = first_step;
    b->rows_at_once = dataset->files ? ROWS_AT_ONCE : b->plan.rows;
    for (int i = 0; i < SLOTS; i++) {
        b->slots[i].step = -1;
        b->slots[i].images = bd_xcalloc(b->plan.rows, b->image_size);
        b->slots[i].labels = bd_xcalloc(b->plan.rows, sizeof *b->slots[i].labels);
        b->slots[i].changes = bd_xcalloc(b->plan.rows, sizeof *b->slots[i].changes);
    }
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->room, NULL);
    pthread_cond_init(&b->ready, NULL);
    const int wanted = plan->threads > 0 ? plan->threads : dataset->files ? omp_get_max_threads() : 1;
    b->threads = bd_xcalloc(wanted, sizeof *b->threads);
    while (b->thread_count < wanted && !pthread_create(&b->threads[b->thread_count], NULL, work, b)) {
        b->thread_count++;
    }
    if (b->thread_count == 0) {
        bd_batches_close(b);
        return bd_fail(err, BD_INFRA, "cannot start a thread that makes batches");
    }
    *batches = b;
    return BD_OK;
}

bd_status bd_batches_next(struct bd_batches *b, const uint8_t **images, const uint16_t **labels, struct bd_error *err)
{
    pthread_mutex_lock(&b->lock);
    const int64_t step = b->next++;
    struct slot *slot = &b->slots[step % SLOTS];
    pthread_cond_broadcast(&b->room);
    while (slot->step != step || slot->done < b->plan.rows) {
        pthread_cond_wait(&b->ready, &b->lock);
    }
    pthread_mutex_unlock(&b->lock);
    *images = slot->images;
    *labels = slot->labels;
    if (slot->failed_row >= 0) {
        *err = slot->err;
        return err->status;
    }
    return BD_OK;
}

void bd_batches_close(struct bd_batches *b)
{
    if (!b) {
        return;
    }
    pthread_mutex_lock(&b->lock);
    b->stop = true;
    pthread_cond_broadcast(&b->room);
    pthread_mutex_unlock(&b->lock);
    for (int i = 0; i < b->thread_count; i++) {
        pthread_join(b->threads[i], NULL);
    }
    pthread_cond_destroy(&b->ready);
    pthread_cond_destroy(&b->room);
    pthread_mutex_destroy(&b->lock);
    for (int i = 0; i < SLOTS; i++) {
        free(b->slots[i].images);
        free(b->slots[i].labels);
        free(b->slots[i].changes);
    }
    free(b->order);
    free(b->threads);
    free(b);
}

/* Image data sets in their true formats, for shell tests, and the speed of reading them.
 *   images tiny FOLDER CLASSES PER_CLASS                       Tiny ImageNet's layout; a fifth as many test images
 *   images imagenet FOLDER CLASSES PER_CLASS WIDTH HEIGHT      ImageNet's layout with val/<class>/
 *   images cifar FOLDER 10|100 RECORDS                         random pixels; 10000 records a file are the true size
 *   images fashion FOLDER                                      Fashion-MNIST's files and sizes; few pictures, repeated
 *   images cut FILE SIDE OUT                                   its raw RGB in the form for evaluation
 *   images speed FOLDER                                        decodes train/ of an ImageNet layout in several ways */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jpeglib.h>
#include <zlib.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/data/batch.h"
#include "model/data/image.h"
#include "model/data/image_files.h"
#include "tests/support/data_files.h"

#define SIDE 224
#define ROUNDS 7

static int number(const char *text)
{
    return (int)strtol(text, NULL, 10);
}

static void must(bd_status status, const struct bd_error *err)
{
    if (status) {
        fprintf(stderr, "images: %s\n", err->message);
        exit(status);
    }
}

/* ---- making ---- */

static void make_one(const char *folder, const char *part, int class, const char *tail, int i, int width, int height)
{
    char *path = bd_asprintf("%s/%s/n%08d%s/n%08d_%d.JPEG", folder, part, class, tail, class, i);
    put_jpeg(path, height, width, 1000 * class + i);
    free(path);
}

static void make_tiny(const char *folder, int classes, int per_class)
{
    char *wnids = bd_xstrdup(""), *annotations = bd_xstrdup("");
    for (int c = 0; c < classes; c++) {
        char *more = bd_asprintf("%sn%08d\n", wnids, c);
        free(wnids);
        wnids = more;
        for (int i = 0; i < per_class; i++) {
            make_one(folder, "train", c, "/images", i, 64, 64);
        }
    }
    for (int i = 0; i < (classes * per_class + 4) / 5; i++) {
        char *more = bd_asprintf("%sval_%d.JPEG\tn%08d\t0\t0\t63\t63\n", annotations, i, i % classes);
        char *path = bd_asprintf("%s/val/images/val_%d.JPEG", folder, i);
        free(annotations);
        annotations = more;
        put_jpeg(path, 64, 64, 1000000 + i);
        free(path);
    }
    char *path = bd_asprintf("%s/wnids.txt", folder);
    put_file(path, wnids, strlen(wnids));
    free(path);
    path = bd_asprintf("%s/val/val_annotations.txt", folder);
    put_file(path, annotations, strlen(annotations));
    free(path);
    free(annotations);
    free(wnids);
}

static void make_imagenet(const char *folder, int classes, int per_class, int width, int height)
{
    for (int c = 0; c < classes; c++) {
        for (int i = 0; i < per_class; i++) {
            make_one(folder, "train", c, "", i, width, height);
        }
        for (int i = per_class; i < per_class + (per_class + 4) / 5; i++) {
            make_one(folder, "val", c, "", i, width, height);
        }
    }
}

static void make_cifar_file(const char *folder, const char *name, int label_bytes, int records, uint64_t seed)
{
    const size_t record = label_bytes + 3072;
    uint8_t *bytes = bd_xcalloc(records, record);
    struct bd_rng rng;
    bd_rng_seed(&rng, seed);
    for (int i = 0; i < records; i++) {
        uint8_t *to = bytes + i * record;
        for (int p = 0; p < 3072; p += 8) {
            const uint64_t eight = bd_rng_u64(&rng);
            memcpy(to + label_bytes + p, &eight, 8);
        }
        to[0] = i % (label_bytes == 1 ? 10 : 20);
        to[label_bytes - 1] = label_bytes == 1 ? i % 10 : i % 100;
    }
    char *path = bd_asprintf("%s/%s", folder, name);
    put_file(path, bytes, records * record);
    free(path);
    free(bytes);
}

static void make_cifar(const char *folder, int classes, int records)
{
    if (classes == 100) {
        make_cifar_file(folder, "train.bin", 2, 5 * records, 1);
        make_cifar_file(folder, "test.bin", 2, records, 2);
        return;
    }
    for (int i = 1; i <= 5; i++) {
        char name[32];
        snprintf(name, sizeof name, "data_batch_%d.bin", i);
        make_cifar_file(folder, name, 1, records, i);
    }
    make_cifar_file(folder, "test_batch.bin", 1, records, 6);
}

/* Of a thousand pictures 32 are different: their repetitions lie in zlib's window, and are inflated at the speed of
 * copying. The class is a bright bar on texture. */
static void make_fashion_split(const char *folder, const char *stem, int count)
{
    enum { FASHION_SIDE = 28, PIXELS = FASHION_SIDE * FASHION_SIDE, GROUP = 1000, DIFFERENT = 32 };
    const uint8_t size[] = {0, 0, count >> 8, count & 255};
    char *paths[] = {bd_asprintf("%s/%s-images-idx3-ubyte.gz", folder, stem),
                     bd_asprintf("%s/%s-labels-idx1-ubyte.gz", folder, stem)};
    gzFile images = gzopen(paths[0], "wb1"), labels = gzopen(paths[1], "wb1");
    uint8_t pictures[DIFFERENT][PIXELS];
    bool good = images && labels && gzwrite(images, "\0\0\10\3", 4) == 4 && gzwrite(labels, "\0\0\10\1", 4) == 4 &&
                gzwrite(images, size, 4) == 4 && gzwrite(labels, size, 4) == 4 &&
                gzwrite(images, "\0\0\0\34\0\0\0\34", 8) == 8;
    for (int i = 0; i < count && good; i++) {
        uint8_t *picture = pictures[i % GROUP % DIFFERENT];
        const uint8_t label = i % GROUP % DIFFERENT % 10;
        if (i % GROUP < DIFFERENT) {
            uint8_t *colours = make_picture(FASHION_SIDE, FASHION_SIDE, i + count);
            for (int p = 0; p < PIXELS; p++) {
                picture[p] = colours[3 * p] / 2 + (p / FASHION_SIDE / 2 == label + 2 ? 127 : 0);
            }
            free(colours);
        }
        good = gzwrite(images, picture, PIXELS) == PIXELS && gzwrite(labels, &label, 1) == 1;
    }
    if (!good || gzclose(images) != Z_OK || gzclose(labels) != Z_OK) {
        fprintf(stderr, "images: cannot write '%s'\n", paths[0]);
        exit(BD_INFRA);
    }
    free(paths[0]);
    free(paths[1]);
}

static void make_fashion(const char *folder)
{
    struct bd_error err;
    must(bd_make_folder(folder, &err), &err);
    make_fashion_split(folder, "train", 60000);
    make_fashion_split(folder, "t10k", 10000);
}

static void cut(const char *file, int side, const char *out)
{
    struct bd_image image;
    struct bd_error err;
    must(bd_image_load(&image, file, &err), &err);
    uint8_t *pixels = bd_xmalloc((size_t)side * side * 3);
    const struct bd_crop crop = bd_crop_centre(image.height, image.width, side);
    bd_resample(&image, &crop, false, side, side, pixels);
    put_file(out, pixels, (size_t)side * side * 3);
    free(pixels);
    free(image.pixels);
}

/* ---- speed ---- */

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

struct way {
    const char *name;
    void (*read)(const struct bd_image_files *files, uint32_t index, uint8_t *out);
    double best; /* CPU seconds of a walk over the files */
};

/* The peer: libjpeg's own interface as its manual shows it, file to RGB in memory, nothing else. */
static void read_bare(const struct bd_image_files *files, uint32_t index, uint8_t *out)
{
    struct jpeg_decompress_struct cinfo;
    struct jpeg_error_mgr failing;
    struct bd_error err;
    uint8_t *data;
    size_t size;
    char *path = bd_image_files_path(files, index);
    must(bd_file_read(path, BD_IMAGE_MAX_BYTES, &data, &size, &err), &err);
    (void)out;
    free(path);
    cinfo.err = jpeg_std_error(&failing);
    jpeg_create_decompress(&cinfo);
    jpeg_mem_src(&cinfo, data, size);
    jpeg_read_header(&cinfo, TRUE);
    jpeg_start_decompress(&cinfo);
    const size_t row = (size_t)cinfo.output_width * 3;
    uint8_t *pixels = bd_xmalloc(row * cinfo.output_height);
    while (cinfo.output_scanline < cinfo.output_height) {
        JSAMPROW to = pixels + cinfo.output_scanline * row;
        jpeg_read_scanlines(&cinfo, &to, 1);
    }
    jpeg_finish_decompress(&cinfo);
    jpeg_destroy_decompress(&cinfo);
    free(pixels);
    free(data);
}

static void read_whole(const struct bd_image_files *files, uint32_t index, uint8_t *out)
{
    struct bd_image image;
    struct bd_error err;
    char *path = bd_image_files_path(files, index);
    must(bd_image_load(&image, path, &err), &err);
    (void)out;
    free(image.pixels);
    free(path);
}

static void read_centre(const struct bd_image_files *files, uint32_t index, uint8_t *out)
{
    struct bd_error err;
    must(bd_image_files_read(files, index, SIDE, out, &err), &err);
}

static void read_random(const struct bd_image_files *files, uint32_t index, uint8_t *out)
{
    struct bd_rng rng;
    struct bd_error err;
    bd_rng_seed(&rng, index);
    must(bd_image_files_random(files, index, SIDE, index % 2, &rng, out, &err), &err);
}

/* Training batches by all threads, for each second that a core spent on them. */
static double batches_speed(const struct bd_dataset *set)
{
    struct bd_batches *batches;
    struct bd_error err;
    const struct bd_batch_plan plan = {.batch = 32, .seed = 1, .flip = true};
    const int steps = 12;
    must(bd_batches_open(&batches, set, &plan, 0, &err), &err);
    const uint8_t *images;
    const uint16_t *labels;
    must(bd_batches_next(batches, &images, &labels, &err), &err);
    const double start = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < steps; i++) {
        must(bd_batches_next(batches, &images, &labels, &err), &err);
    }
    const double speed = steps * 32 / (seconds(CLOCK_PROCESS_CPUTIME_ID) - start);
    bd_batches_close(batches);
    return speed;
}

static void measure(const char *folder)
{
    struct way ways[] = {{"libjpeg alone, whole image", read_bare, INFINITY},
                         {"bitdial, whole image", read_whole, INFINITY},
                         {"bitdial, for evaluation", read_centre, INFINITY},
                         {"bitdial, for training", read_random, INFINITY}};
    struct bd_data_spec spec = {BD_DATA_IMAGENET, (char *)folder, 0, SIDE};
    struct bd_dataset set;
    struct bd_error err;
    must(bd_dataset_open(&set, &spec, BD_SPLIT_TRAIN, &err), &err);
    uint8_t *out = bd_xmalloc(SIDE * SIDE * 3);
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++) {
            const double start = seconds(CLOCK_THREAD_CPUTIME_ID);
            for (uint32_t i = 0; i < set.count; i++) {
                ways[w].read(set.files, i, out);
            }
            ways[w].best = fmin(ways[w].best, seconds(CLOCK_THREAD_CPUTIME_ID) - start);
        }
    }
    for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++) {
        printf("%-28s %7.0f images/s a core  %5.2f\n", ways[w].name, set.count / ways[w].best,
               ways[0].best / ways[w].best);
    }
    const double speed = batches_speed(&set);
    printf("%-28s %7.0f images/s a core  %5.2f  (%d threads)\n", "bitdial, training batches", speed,
           speed * ways[0].best / set.count, omp_get_max_threads());
    free(out);
    bd_dataset_release(&set);
}

int main(int argc, char **argv)
{
    if (argc == 5 && !strcmp(argv[1], "tiny")) {
        make_tiny(argv[2], number(argv[3]), number(argv[4]));
    } else if (argc == 7 && !strcmp(argv[1], "imagenet")) {
        make_imagenet(argv[2], number(argv[3]), number(argv[4]), number(argv[5]), number(argv[6]));
    } else if (argc == 5 && !strcmp(argv[1], "cifar")) {
        make_cifar(argv[2], number(argv[3]), number(argv[4]));
    } else if (argc == 3 && !strcmp(argv[1], "fashion")) {
        make_fashion(argv[2]);
    } else if (argc == 5 && !strcmp(argv[1], "cut")) {
        cut(argv[2], number(argv[3]), argv[4]);
    } else if (argc == 3 && !strcmp(argv[1], "speed")) {
        measure(argv[2]);
    } else {
        fputs("usage: images tiny|imagenet|cifar|fashion|cut|speed ...\n", stderr);
        return BD_BAD_INPUT;
    }
    return BD_OK;
}

/* The data sets in their true formats, small: what is read, what is refused, and batches from files. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/data/batch.h"
#include "model/data/image.h"
#include "model/data/loaders.h"
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"

TestSuite(data_kinds, .init = make_folder, .fini = remove_folder);

/* A file under the folder; valid until the next call. */
static const char *at(const char *format, ...)
{
    static char *path;
    va_list arguments;
    va_start(arguments, format);
    char *inside = bd_vasprintf(format, arguments);
    va_end(arguments);
    free(path);
    path = bd_asprintf("%s/%s", folder, inside);
    free(inside);
    return path;
}

static void put_text(const char *name, const char *text)
{
    put_file(at("%s", name), text, strlen(text));
}

/* ---- CIFAR ---- */

enum { RECORDS = 30, PLANE = 1024 };

/* Records whose bytes tell where they belong. */
static uint8_t *make_records(int label_bytes, size_t *size)
{
    const size_t record = label_bytes + 3 * PLANE;
    uint8_t *bytes = bd_xcalloc(RECORDS, record);
    for (int i = 0; i < RECORDS; i++) {
        uint8_t *to = bytes + i * record;
        to[0] = i % 10;
        to[label_bytes - 1] = label_bytes == 2 ? 99 - i : i % 10;
        for (int p = 0; p < 3 * PLANE; p++) {
            to[label_bytes + p] = 7 * i + p / PLANE * 50 + p % 37;
        }
    }
    *size = RECORDS * record;
    return bytes;
}

Test(data_kinds, cifar_records)
{
    for (int label_bytes = 1; label_bytes <= 2; label_bytes++) {
        const struct bd_cifar_form *form = label_bytes == 1 ? &bd_cifar10_form : &bd_cifar100_form;
        struct bd_dataset set = {.images = bd_xcalloc(RECORDS, 3 * PLANE),
                                 .labels = bd_xcalloc(RECORDS, sizeof(uint16_t))};
        struct bd_error err;
        uint32_t place[RECORDS];
        size_t size;
        uint8_t *bytes = make_records(label_bytes, &size);
        for (int i = 0; i < RECORDS; i++) {
            place[i] = i % 5 ? (uint32_t)(RECORDS - 1 - i) : BD_NOWHERE;
        }
        put_file(at("a.bin"), bytes, size);
        cr_assert_eq(bd_cifar_read(at("a.bin"), form, RECORDS, place, &set, &err), BD_OK, "%s", err.message);
        for (int i = 0; i < RECORDS; i++) {
            const uint8_t *image = set.images + place[i] * (size_t)(3 * PLANE);
            if (i % 5 == 0) {
                continue;
            }
            cr_assert_eq(set.labels[place[i]], label_bytes == 2 ? 99 - i : i % 10);
            for (int p = 0; p < PLANE; p++) {
                for (int c = 0; c < 3; c++) {
                    cr_assert_eq(image[3 * p + c], (uint8_t)(7 * i + c * 50 + (c * PLANE + p) % 37));
                }
            }
        }
        free(bytes);
        bd_dataset_release(&set);
    }
}

static void expect_cifar(const struct bd_cifar_form *form, const uint8_t *bytes, size_t size, const char *message)
{
    struct bd_error err = {0};
    put_file(at("a.bin"), bytes, size);
    char *expected = bd_asprintf("%s: %s", at("a.bin"), message);
    cr_assert_eq(bd_cifar_read(at("a.bin"), form, RECORDS, NULL, NULL, &err), BD_BAD_INPUT, "%s", message);
    cr_assert_str_eq(err.message, expected, "%s", err.message);
    free(expected);
}

Test(data_kinds, cifar_refusals)
{
    size_t size, size2;
    uint8_t *bytes = make_records(1, &size), *bytes2 = make_records(2, &size2);
    uint8_t *longer = bd_xcalloc(1, size + 3073);
    memcpy(longer, bytes, size);
    expect_cifar(&bd_cifar10_form, bytes, size - 1, "offset 92189: the file ends in record 29 of 30");
    expect_cifar(&bd_cifar10_form, bytes, 3073, "offset 3073: the file ends in record 1 of 30");
    expect_cifar(&bd_cifar10_form, bytes, 0, "offset 0: the file ends in record 0 of 30");
    expect_cifar(&bd_cifar10_form, longer, size + 3073, "offset 92190: extra bytes follow the 30 records of 3073");
    bytes[3073 * 7] = 10;
    expect_cifar(&bd_cifar10_form, bytes, size, "offset 21511: label 10 of record 7 must be 0..9");
    bytes2[3074 * 3] = 20;
    expect_cifar(&bd_cifar100_form, bytes2, size2, "offset 9222: coarse label 20 of record 3 must be 0..19");
    bytes2[3074 * 2 + 1] = 100;
    expect_cifar(&bd_cifar100_form, bytes2, size2, "offset 6149: fine label 100 of record 2 must be 0..99");
    /* Damaged bytes: a refusal that names the offset of a label, or an image changed. */
    int refused = 0;
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct bd_rng rng;
        struct bd_error err = {0};
        bd_rng_seed(&rng, seed);
        free(bytes);
        bytes = make_records(1, &size);
        size_t where = seed % 2 ? bd_rng_below(&rng, size) : bd_rng_below(&rng, RECORDS) * 3073;
        bytes[where] = bd_rng_below(&rng, 256);
        put_file(at("a.bin"), bytes, size);
        bd_status status = bd_cifar_read(at("a.bin"), &bd_cifar10_form, RECORDS, NULL, NULL, &err);
        const bool bad = where % 3073 == 0 && bytes[where] > 9;
        cr_assert_eq(status, bad ? BD_BAD_INPUT : BD_OK, "seed %lu", seed);
        refused += bad;
    }
    cr_assert_gt(refused, 100);
    free(longer);
    free(bytes2);
    free(bytes);
}

/* ---- folders ---- */

static const char *const wnids[] = {"n03", "n01", "n02"}; /* out of order, as wnids.txt has them */

static void make_tiny(void)
{
    put_text("wnids.txt", "n03\nn01\r\nn02");
    for (int c = 0; c < 3; c++) {
        for (int i = 0; i < 4; i++) {
            put_jpeg(at("train/%s/images/%s_%d.JPEG", wnids[c], wnids[c], i), 64, 64, 10 * c + i);
        }
        char *boxes = bd_asprintf("train/%s/%s_boxes.txt", wnids[c], wnids[c]);
        put_text(boxes, "not an image");
        free(boxes);
    }
    put_jpeg(at("val/images/val_0.JPEG"), 64, 64, 100);
    put_jpeg(at("val/images/val_1.JPEG"), 64, 64, 101);
    put_text("val/val_annotations.txt", "val_1.JPEG\tn02\t0\t32\t44\t62\nval_0.JPEG\tn03\t1\t2\t3\t4\n");
}

static void open_set(struct bd_dataset *set, int kind, enum bd_split split)
{
    struct bd_error err;
    struct bd_data_spec spec = {kind, folder, 3, kind == BD_DATA_IMAGENET ? 48 : 0};
    cr_assert_eq(bd_dataset_open(set, &spec, split, &err), BD_OK, "%s", err.message);
}

static void expect_refusal(int kind, enum bd_split split, const char *message)
{
    struct bd_error err = {0};
    struct bd_dataset set;
    struct bd_data_spec spec = {kind, folder, 3, 0};
    char *expected = bd_asprintf("%s%s", message[0] == '\'' || strstr(message, folder) ? "" : at(""), message);
    bd_status status = bd_dataset_open(&set, &spec, split, &err);
    cr_assert_eq(status, BD_BAD_INPUT, "no refusal: %s", message);
    cr_assert_not_null(strstr(err.message, expected), "'%s', not '%s'", err.message, expected);
    cr_assert(!set.images && !set.labels && !set.files);
    free(expected);
}

Test(data_kinds, tiny_imagenet)
{
    struct bd_dataset train, validation, test;
    struct bd_image image;
    struct bd_error err;
    make_tiny();
    open_set(&train, BD_DATA_TINY_IMAGENET, BD_SPLIT_TRAIN);
    open_set(&validation, BD_DATA_TINY_IMAGENET, BD_SPLIT_VALIDATION);
    open_set(&test, BD_DATA_TINY_IMAGENET, BD_SPLIT_TEST);
    cr_assert(train.count == 9 && validation.count == 3 && test.count == 2 && train.classes == 3);
    cr_assert(train.height == 64 && train.width == 64 && train.channels == 3 && train.images && !train.files);
    /* Labels are places in the sorted names; the test images keep the order of the annotations. */
    cr_assert(test.labels[0] == 1 && test.labels[1] == 2);
    cr_assert_eq(bd_image_load(&image, at("val/images/val_1.JPEG"), &err), BD_OK);
    cr_assert_eq(memcmp(test.images, image.pixels, 64 * 64 * 3), 0);
    free(image.pixels);
    /* Each training image is in one part, with its own label. */
    int found = 0;
    for (int c = 0; c < 3; c++) {
        for (int i = 0; i < 4; i++) {
            cr_assert_eq(bd_image_load(&image, at("train/%s/images/%s_%d.JPEG", wnids[c], wnids[c], i), &err), BD_OK);
            for (uint32_t k = 0; k < 12; k++) {
                const struct bd_dataset *set = k < 9 ? &train : &validation;
                uint32_t index = k < 9 ? k : k - 9;
                if (!memcmp(bd_dataset_image(set, index), image.pixels, 64 * 64 * 3)) {
                    cr_assert_eq(set->labels[index], (c + 2) % 3);
                    found++;
                }
            }
            free(image.pixels);
        }
    }
    cr_assert_eq(found, 12);
    bd_dataset_release(&train);
    bd_dataset_release(&validation);
    bd_dataset_release(&test);
}

Test(data_kinds, tiny_imagenet_refusals)
{
    expect_refusal(BD_DATA_TINY_IMAGENET, BD_SPLIT_TRAIN, "wnids.txt' is missing: Tiny ImageNet is expected in '");
    make_tiny();
    put_text("val/val_annotations.txt", "val_1.JPEG\tn02\t0\t32\t44\t62\nval_0.JPEG\tn04\t1\t2\t3\t4\n");
    expect_refusal(BD_DATA_TINY_IMAGENET, BD_SPLIT_TEST,
                   "val/val_annotations.txt: offset 26: 'n04' is none of the 3 classes");
    put_text("val/val_annotations.txt", "val_1.JPEG\n");
    expect_refusal(BD_DATA_TINY_IMAGENET, BD_SPLIT_TEST,
                   "val/val_annotations.txt: offset 0: a line must begin with the names of an image and a class");
    put_text("val/val_annotations.txt", "val_1.JPEG n02\nval_1.JPEG n01\n");
    expect_refusal(BD_DATA_TINY_IMAGENET, BD_SPLIT_TEST,
                   "val/val_annotations.txt: 'val/images/val_1.JPEG' is named twice");
    put_text("val/val_annotations.txt", "../../x.JPEG n02\n");
    expect_refusal(BD_DATA_TINY_IMAGENET, BD_SPLIT_TEST, "val/val_annotations.txt: offset 0: a line must begin");
    put_text("val/val_annotations.txt", "\n \n");
    expect_refusal(BD_DATA_TINY_IMAGENET, BD_SPLIT_TEST, "val/val_annotations.txt: offset 0: no image is named");
    put_file(at("val/val_annotations.txt"), "val_1.JPEG\0n02", 14);
    expect_refusal(BD_DATA_TINY_IMAGENET, BD_SPLIT_TEST,
                   "val/val_annotations.txt: offset 10: a zero byte in a text file");
    put_text("val/val_annotations.txt", "val_0.JPEG n02\nval_7.JPEG n02\nval_1.JPEG n02\n");
    expect_refusal(BD_DATA_TINY_IMAGENET, BD_SPLIT_TEST, "val/images/val_7.JPEG': No such file");
    put_text("val/val_annotations.txt", "val_1.JPEG n02\n");
    expect_refusal(
        BD_DATA_TINY_IMAGENET, BD_SPLIT_TEST,
        at("val/val_annotations.txt: the list names 1 images, but folder '%s/val/images' holds 2: 'val_0.JPEG' "
           "is in no line",
           folder));
    put_text("wnids.txt", "n03\nn01\nn03\n");
    expect_refusal(BD_DATA_TINY_IMAGENET, BD_SPLIT_TRAIN, "wnids.txt: class 'n03' stands there twice");
    put_text("wnids.txt", "n03\nn01 n02\n");
    expect_refusal(BD_DATA_TINY_IMAGENET, BD_SPLIT_TRAIN, "wnids.txt: offset 4: a line must be one class name");
    put_text("wnids.txt", "n03\nn09\nn01\nn02\n");
    expect_refusal(BD_DATA_TINY_IMAGENET, BD_SPLIT_TRAIN, "train/n09/images': No such file or directory");
    put_text("wnids.txt", "n03\n");
    expect_refusal(
        BD_DATA_TINY_IMAGENET, BD_SPLIT_TRAIN,
        at("wnids.txt: the list names 1 classes, but folder '%s/train' holds 3: 'n01' is in no line", folder));
    put_text("wnids.txt", "n03\nn01\nn02\n");
    put_text("val/val_annotations.txt", "val_0.JPEG n03\nval_1.JPEG n03\n");
    put_jpeg(at("val/images/val_0.JPEG"), 64, 63, 1);
    expect_refusal(BD_DATA_TINY_IMAGENET, BD_SPLIT_TEST,
                   "val/images/val_0.JPEG: offset 0: the image must be 64x64, got 63x64");
}

/* Lists whose lines end as Unix, Windows or old Macs end them, with a byte order mark or without, say the same. */
Test(data_kinds, line_ends_of_lists)
{
    static const char *const ends[] = {"\n", "\r\n", "\r"}, *const marks[] = {"", "\xEF\xBB\xBF"};
    make_tiny();
    for (int i = 0; i < 6; i++) {
        struct bd_dataset test;
        const char *end = ends[i % 3], *mark = marks[i / 3];
        char *list = bd_asprintf("%sval_1.JPEG\tn02\t0%sval_0.JPEG\tn03\t1%s", mark, end, i % 2 ? end : "");
        char *classes = bd_asprintf("%sn02%sn03%sn01%s", mark, end, end, end);
        put_text("val/val_annotations.txt", list);
        put_text("wnids.txt", classes);
        open_set(&test, BD_DATA_TINY_IMAGENET, BD_SPLIT_TEST);
        cr_assert(test.count == 2 && test.labels[0] == 1 && test.labels[1] == 2, "end %d", i);
        bd_dataset_release(&test);
        free(list);
        free(classes);
    }
    put_text("val/val_annotations.txt", "val_1.JPEG n02\rval_0.JPEG\r");
    expect_refusal(BD_DATA_TINY_IMAGENET, BD_SPLIT_TEST, "val/val_annotations.txt: offset 15: a line must begin with");
}

/* The layout with folders for test images, and with one folder and a list. */
static void make_imagenet(void)
{
    for (int c = 0; c < 3; c++) {
        for (int i = 0; i < 5; i++) {
            put_jpeg(at("train/%s/%d.JPEG", wnids[c], i), 70 + 3 * i, 90 - 5 * c, 10 * c + i);
        }
    }
    put_jpeg(at("val/n01/a.JPEG"), 60, 80, 50);
    put_jpeg(at("val/n02/b.jpg"), 80, 60, 51);
    put_jpeg(at("val/n03/c.JPEG"), 48, 48, 52);
}

Test(data_kinds, imagenet)
{
    struct bd_dataset train, test;
    struct bd_image image;
    struct bd_error err;
    uint8_t expected[48 * 48 * 3], out[3 * 48 * 48 * 3];
    make_imagenet();
    open_set(&train, BD_DATA_IMAGENET, BD_SPLIT_TRAIN);
    open_set(&test, BD_DATA_IMAGENET, BD_SPLIT_TEST);
    cr_assert(train.count == 12 && test.count == 3 && train.classes == 3 && train.height == 48 && !train.images);
    cr_assert(test.labels[0] == 0 && test.labels[1] == 1 && test.labels[2] == 2);
    cr_assert_eq(bd_dataset_read(&test, 0, 3, out, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_image_load(&image, at("val/n02/b.jpg"), &err), BD_OK);
    struct bd_crop crop = bd_crop_centre(80, 60, 48);
    bd_resample(&image, &crop, false, 48, 48, expected);
    cr_assert_eq(memcmp(out + sizeof expected, expected, sizeof expected), 0);
    free(image.pixels);
    bd_dataset_release(&train);
    bd_dataset_release(&test);

    put_text("LOC_val_solution.csv",
             "ImageId,PredictionString\nILSVRC2012_val_1,n02 1 2 3 4 \nILSVRC2012_val_0,n03 5 6 7 8 \n");
    put_jpeg(at("val/ILSVRC2012_val_0.JPEG"), 60, 80, 60);
    put_jpeg(at("val/ILSVRC2012_val_1.JPEG"), 60, 80, 61);
    open_set(&test, BD_DATA_IMAGENET, BD_SPLIT_TEST);
    cr_assert(test.count == 2 && test.labels[0] == 1 && test.labels[1] == 2);
    cr_assert_eq(bd_dataset_read(&test, 0, 2, out, &err), BD_OK, "%s", err.message);
    bd_dataset_release(&test);
    put_text("LOC_val_solution.csv", "ImageId,PredictionString\r\nILSVRC2012_val_1,n02 1 2 3 4 \r\n");
    expect_refusal(BD_DATA_IMAGENET, BD_SPLIT_TEST,
                   at("LOC_val_solution.csv: the list names 1 images, but folder '%s/val' holds 2: "
                      "'ILSVRC2012_val_0.JPEG' is in no line",
                      folder));
}

Test(data_kinds, imagenet_refusals)
{
    expect_refusal(BD_DATA_IMAGENET, BD_SPLIT_TRAIN, "train' is missing: ImageNet (ILSVRC 2012) is expected in '");
    make_imagenet();
    put_jpeg(at("val/n07/a.JPEG"), 60, 80, 50);
    expect_refusal(BD_DATA_IMAGENET, BD_SPLIT_TEST, "val/n07' is none of the 3 classes of '");
    put_text("train/n05/README", "no image");
    expect_refusal(BD_DATA_IMAGENET, BD_SPLIT_TRAIN, "train/n05' holds no images (.JPEG, .jpg or .png)");
    struct bd_dataset set;
    struct bd_error err;
    struct bd_data_spec spec = {BD_DATA_IMAGENET, folder, -1, 0};
    cr_assert_eq(unlink(at("train/n05/README")), 0);
    cr_assert_eq(rmdir(at("train/n05")), 0);
    cr_assert_eq(bd_dataset_open(&set, &spec, BD_SPLIT_TRAIN, &err), BD_BAD_INPUT);
    cr_assert_not_null(strstr(err.message, "'validation' holds out 10000 of 15 training images"), "%s", err.message);
    spec.validation = 0;
    cr_assert_eq(bd_dataset_open(&set, &spec, BD_SPLIT_VALIDATION, &err), BD_BAD_INPUT);
    cr_assert_not_null(strstr(err.message, "no images are held out"), "%s", err.message);
}

/* ---- batches from files ---- */

enum { BATCH = 4, SIDE = 48, IMAGE = SIDE * SIDE * 3 };

/* The bytes of some steps' batches, one after another. */
static uint8_t *take_batches(const struct bd_dataset *set, struct bd_batch_plan plan, int64_t first, int64_t count)
{
    struct bd_batches *batches;
    struct bd_error err;
    const int64_t rows = plan.rows ? plan.rows : BATCH;
    uint8_t *all = bd_xmalloc(count * rows * (IMAGE + 2));
    cr_assert_eq(bd_batches_open(&batches, set, &plan, first, &err), BD_OK, "%s", err.message);
    for (int64_t i = 0; i < count; i++) {
        const uint8_t *images;
        const uint16_t *labels;
        cr_assert_eq(bd_batches_next(batches, &images, &labels, &err), BD_OK, "%s", err.message);
        memcpy(all + i * rows * (IMAGE + 2), images, rows * IMAGE);
        memcpy(all + i * rows * (IMAGE + 2) + rows * IMAGE, labels, rows * 2);
    }
    bd_batches_close(batches);
    return all;
}

Test(data_kinds, batches_from_files_do_not_depend_on_threads)
{
    enum { STEPS = 7, STEP = BATCH * (IMAGE + 2) };
    struct bd_dataset set;
    make_imagenet();
    open_set(&set, BD_DATA_IMAGENET, BD_SPLIT_TRAIN);
    struct bd_batch_plan plan = {.batch = BATCH, .seed = 5, .flip = true, .cutout = 7, .threads = 1};
    uint8_t *one = take_batches(&set, plan, 0, STEPS);
    for (plan.threads = 0; plan.threads <= 5; plan.threads++) {
        uint8_t *many = take_batches(&set, plan, 2, STEPS - 2);
        cr_assert_eq(memcmp(many, one + 2 * STEP, (STEPS - 2) * STEP), 0, "%d threads", plan.threads);
        free(many);
    }
    cr_assert_neq(memcmp(one, one + 3 * STEP, STEP), 0, "another epoch is another batch");
    plan.first_row = 1;
    plan.rows = 2;
    uint8_t *part = take_batches(&set, plan, 0, 1);
    cr_assert_eq(memcmp(part, one + IMAGE, 2 * IMAGE), 0);
    free(part);
    free(one);
    bd_dataset_release(&set);
}

/* One bad file among good ones: its batch is refused with its name, those before are not. */
Test(data_kinds, a_bad_file_is_named_at_its_step)
{
    struct bd_dataset set;
    struct bd_error err;
    uint8_t *bytes;
    size_t size;
    make_imagenet();
    char *path = bd_xstrdup(at("train/n02/3.JPEG"));
    cr_assert_eq(bd_file_read(path, 1 << 20, &bytes, &size, &err), BD_OK);
    put_file(path, bytes, size - size / 4);
    struct bd_data_spec spec = {BD_DATA_IMAGENET, folder, 0, SIDE};
    cr_assert_eq(bd_dataset_open(&set, &spec, BD_SPLIT_TRAIN, &err), BD_OK);
    int refusals = 0;
    for (int threads = 1; threads <= 4; threads++) {
        struct bd_batches *batches;
        struct bd_batch_plan plan = {.batch = 5, .seed = 5, .threads = threads}; /* 15 images */
        cr_assert_eq(bd_batches_open(&batches, &set, &plan, 0, &err), BD_OK);
        for (int step = 0; step < 3; step++) {
            const uint8_t *images;
            const uint16_t *labels;
            size_t offset;
            err.message[0] = 0;
            bd_status status = bd_batches_next(batches, &images, &labels, &err);
            if (status) {
                refusals++;
                cr_assert_eq(status, BD_BAD_INPUT);
                cr_assert(!strncmp(err.message, path, strlen(path)), "%s", err.message);
                cr_assert_eq(sscanf(err.message + strlen(path), ": offset %zu:", &offset), 1, "%s", err.message);
                cr_assert(offset <= size - size / 4 && offset > size / 3);
            }
        }
        bd_batches_close(batches);
    }
    cr_assert_eq(refusals, 4, "%d", refusals);

    /* Read for evaluation, whatever the order of threads: the same file. */
    uint8_t *out = bd_xmalloc((size_t)set.count * IMAGE);
    cr_assert_eq(bd_dataset_read(&set, 0, set.count, out, &err), BD_BAD_INPUT);
    cr_assert(!strncmp(err.message, path, strlen(path)), "%s", err.message);
    free(out);
    bd_dataset_release(&set);
    free(bytes);
    free(path);
}

/* ---- check ---- */

struct noted {
    int count;
    char text[8][1024];
};

static void note(void *context, const char *message)
{
    struct noted *noted = context;
    cr_assert_lt(noted->count, 8);
    snprintf(noted->text[noted->count++], sizeof noted->text[0], "%s", message);
}

Test(data_kinds, check_lists_every_bad_file)
{
    struct bd_data_spec spec = {BD_DATA_IMAGENET, folder, -1, 0};
    struct bd_error err;
    struct noted noted = {0};
    uint64_t checked;
    make_imagenet();
    cr_assert_eq(bd_dataset_check(&spec, note, &noted, &checked, &err), BD_OK, "%s", err.message);
    cr_assert(noted.count == 0 && checked == 18);
    put_text("train/n01/1.JPEG", "\xff\xd8\xff\xe0");
    put_text("train/n03/4.JPEG", "GIF89a");
    put_text("val/n02/b.jpg", "");
    cr_assert_eq(bd_dataset_check(&spec, note, &noted, &checked, &err), BD_OK, "%s", err.message);
    cr_assert(noted.count == 3 && checked == 18, "%d %lu", noted.count, checked);
    static const char *const expected[] = {"train/n01/1.JPEG: offset 4: the JPEG data ends too early",
                                           "train/n03/4.JPEG: offset 0: neither a JPEG nor a PNG file",
                                           "val/n02/b.jpg: offset 0: the file is empty"};
    for (int i = 0; i < 3; i++) {
        cr_assert_str_eq(noted.text[i], at("%s", expected[i]), "%s", noted.text[i]);
    }
}

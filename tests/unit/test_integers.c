/* Accuracy in integers against labels that the plain executor gave, and a planted wrong logit. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/eval/integers.h"
#include "model/program/random_network.h"

#define IMAGES 12

struct fixture {
    struct bd_program program;
    struct bd_decoded *decoded;
    struct bd_dataset set;
};

/* A random network; the labels are what the plain executor answers at switch 0, but for the last image's. */
static void make(struct fixture *f)
{
    struct bd_hardware hardware;
    struct bd_error err;
    cr_assert_eq(bd_hardware_load(&hardware, "tests/small_hardware.yaml", &err), BD_OK, "%s", err.message);
    for (uint32_t index = 0;; index++) { /* one that tells classes apart */
        cr_assert_eq(bd_random_network(5, index, &hardware, &f->program, &err), BD_OK, "%s", err.message);
        if (f->program.header->classes > 1) {
            break;
        }
        bd_program_release(&f->program);
    }
    const struct bd_program_header *h = f->program.header;
    cr_assert_eq(bd_decode(&f->program, &f->decoded, &err), BD_OK, "%s", err.message);
    f->set = (struct bd_dataset){.count = IMAGES,
                                 .height = h->input_height,
                                 .width = h->input_width,
                                 .channels = h->input_channels,
                                 .classes = h->classes,
                                 .images = bd_xcalloc(IMAGES, h->input_bytes),
                                 .labels = bd_xcalloc(IMAGES, sizeof(uint16_t))};
    for (unsigned i = 0; i < IMAGES; i++) {
        struct bd_frame frame;
        bd_random_image(&f->program, 50 + i, f->set.images + i * h->input_bytes);
        cr_assert_eq(bd_execute(&f->program, f->decoded, 0, bd_dataset_image(&f->set, i), &frame, &err), BD_OK);
        unsigned best = 0;
        for (unsigned c = 1; c < h->classes; c++) {
            best = frame.logits[c] > frame.logits[best] ? c : best;
        }
        f->set.labels[i] = (uint16_t)(i + 1 < IMAGES ? best : (best + 1) % h->classes);
        bd_frame_release(&frame);
    }
    bd_hardware_release(&hardware);
}

static void release(struct fixture *f)
{
    bd_dataset_release(&f->set);
    bd_decoded_free(f->decoded);
    bd_program_release(&f->program);
}

Test(integers, accuracy_and_disagreement_are_counted)
{
    struct fixture f;
    struct bd_error err;
    make(&f);
    double accuracy;
    cr_assert_eq(bd_integer_accuracy(&f.program, f.decoded, 0, &f.set, IMAGES, &accuracy, &err), BD_OK);
    cr_assert_float_eq(accuracy, (IMAGES - 1.0) / IMAGES, 1e-12);
    const size_t classes = f.program.header->classes;
    int32_t *logits = bd_xcalloc(IMAGES * classes, sizeof *logits);
    const struct bd_evaluation evaluation = {
        .program = &f.program, .decoded = f.decoded, .set = &f.set, .images = IMAGES, .compare = 5};
    struct bd_switch_result result;
    cr_assert_eq(bd_evaluate_switch(&evaluation, f.program.switches[0].name, &result, logits, &err), BD_OK);
    cr_assert_float_eq(result.integer_accuracy, accuracy, 1e-12);
    cr_assert(result.float_accuracy < 0 && result.disagree < 0 && result.compared == 5 && result.mismatches == 0);
    int64_t mismatches;
    logits[3 * classes + 1] ^= 1; /* planted */
    cr_assert_eq(bd_integer_check(&f.program, f.decoded, 0, &f.set, IMAGES, logits, &mismatches, &err), BD_OK);
    cr_assert_eq(mismatches, 1);
    cr_assert_eq(bd_evaluate_switch(&evaluation, "w9a9", &result, NULL, &err), BD_OK);
    cr_assert(result.integer_accuracy < 0 && result.compared < 0, "the program has no such switch");
    free(f.set.labels);
    f.set.labels = NULL;
    cr_assert_eq(bd_evaluate_switch(&evaluation, f.program.switches[0].name, &result, NULL, &err), BD_OK);
    cr_assert(result.integer_accuracy < 0 && result.compared == 5, "without labels there is no accuracy");
    cr_assert_eq(bd_check_program_images(&f.program, &f.set, &err), BD_OK);
    for (int i = 0; i < 4; i++) {
        struct bd_dataset wrong = f.set;
        *(i == 0 ? &wrong.height : i == 1 ? &wrong.width : i == 2 ? &wrong.channels : &wrong.classes) += 1;
        cr_assert_eq(bd_check_program_images(&f.program, &wrong, &err), BD_BAD_INPUT);
        cr_assert(strstr(err.message, "the program takes "), "%s", err.message);
    }
    free(logits);
    release(&f);
}

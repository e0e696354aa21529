/* Classifies test images at two precisions of one program, on a device: the highest switch and the lowest, turned
 * between two frames by one register write.
 *
 *     cc classify.c -o classify $(pkg-config --cflags --libs bitdial)
 *     ./classify CHECKPOINT.h5 HARDWARE.yaml [IMAGES] */
#include <bitdial.h>
#include <stdio.h>
#include <stdlib.h>

static void check(bitdial_status status, const struct bitdial_error *err)
{
    if (status) {
        fprintf(stderr, "classify: %s\n", err->message);
        exit(status);
    }
}

static int largest(const int32_t *logits, int classes)
{
    int best = 0;
    for (int c = 1; c < classes; c++) {
        best = logits[c] > logits[best] ? c : best;
    }
    return best;
}

int main(int argc, char **argv)
{
    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: classify CHECKPOINT.h5 HARDWARE.yaml [IMAGES]\n");
        return BITDIAL_BAD_INPUT;
    }
    const uint32_t count = argc == 4 ? (uint32_t)strtoul(argv[3], NULL, 10) : 10;
    struct bitdial_error err;
    struct bitdial_network *network;
    struct bitdial_hardware *hardware;
    struct bitdial_program *program;
    struct bitdial_images *images;
    struct bitdial_session *session;
    check(bitdial_network_load(argv[1], &network, &err), &err);
    check(bitdial_hardware_load(argv[2], &hardware, &err), &err);
    check(bitdial_compile(network, hardware, NULL, -1, &program, &err), &err);
    check(bitdial_images_open("fashion-mnist", NULL, BITDIAL_TEST, -1, 0, &images, &err), &err);
    check(bitdial_session_open("ref", argv[2], &session, &err), &err);
    check(bitdial_session_load(session, program, &err), &err);
    struct bitdial_cost cost; /* the first frame also loads the program */
    check(bitdial_program_cost(program, hardware, 0, &cost, &err), &err);

    const struct bitdial_program_info info = bitdial_program_info(program);
    const int ends[2] = {0, info.switch_count - 1};
    uint8_t *image = malloc((size_t)info.height * info.width * info.channels);
    int32_t *logits = malloc((size_t)info.classes * sizeof *logits);
    uint32_t right[2] = {0, 0};
    uint64_t clocks[2] = {0, 0};
    for (uint32_t i = 0; i < count; i++) {
        uint16_t label;
        check(bitdial_images_read(images, i, 1, image, &label, &err), &err);
        for (int end = 0; end < 2; end++) {
            uint64_t frame;
            check(bitdial_session_set_switch(session, ends[end], &err), &err);
            check(bitdial_session_run(session, image, logits, &frame, &err), &err);
            right[end] += largest(logits, info.classes) == label;
            clocks[end] += frame - (i == 0 && end == 0 ? cost.load_clocks : 0);
        }
    }
    for (int end = 0; end < 2; end++) {
        printf("%s: %u of %u right, %llu clocks a frame\n", bitdial_program_switch_name(program, ends[end]), right[end],
               count, count ? (unsigned long long)(clocks[end] / count) : 0);
    }
    free(image);
    free(logits);
    bitdial_session_close(session);
    bitdial_images_free(images);
    bitdial_program_free(program);
    bitdial_hardware_free(hardware);
    bitdial_network_free(network);
    return BITDIAL_OK;
}

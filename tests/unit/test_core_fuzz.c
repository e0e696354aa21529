/* Damaged inputs behind right checksums: every reader must accept or refuse with a message, and what it accepts must
 * run. The sanitizers see what this program cannot. Each failure prints the seed that repeats it. */
#include <criterion/criterion.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/checkpoint/random_checkpoint.h"
#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/exec/exec.h"
#include "model/graph/graph.h"
#include "model/program/hardware.h"
#include "model/program/random_network.h"

#define DEMO "yaml-configs/hardware/demo.yaml"
#define NETWORK "yaml-configs/networks/resnet8.yaml"

static uint8_t *read_file(const char *path, size_t *size)
{
    struct bd_error err;
    uint8_t *data;
    cr_assert_eq(bd_file_read(path, 1 << 24, &data, size, &err), BD_OK, "%s", err.message);
    return data;
}

static void check_refusal(bd_status status, const struct bd_error *err, uint64_t seed)
{
    cr_assert(status == BD_OK || status == BD_BAD_INPUT, "seed %lu: status %d: %s", seed, status, err->message);
    cr_assert(status == BD_OK || err->message[0], "seed %lu: a refusal without a message", seed);
}

/* A value that is likely to be wrong in an interesting way. */
static uint32_t odd_value(struct bd_rng *rng, uint32_t old)
{
    static const uint32_t values[] = {0,   1,    2,     7,     8,          9,          64,        255,
                                      256, 4096, 65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff};
    switch (bd_rng_below(rng, 4)) {
    case 0:
        return old + 1;
    case 1:
        return old - 1;
    case 2:
        return old ^ 1u << bd_rng_below(rng, 32);
    default:
        return values[bd_rng_below(rng, sizeof values / sizeof values[0])];
    }
}

/* Damages one to three words of header, switches, names or descriptors, and makes the checksum right again. */
static void damage_program(const struct bd_program *program, uint8_t *image, struct bd_rng *rng)
{
    for (uint32_t n = 1 + bd_rng_below(rng, 3); n > 0; n--) {
        uint32_t at = bd_rng_below(rng, program->header->table_offset / 4) * 4, word;
        memcpy(&word, image + at, 4);
        word = odd_value(rng, word);
        memcpy(image + at, &word, 4);
    }
    uint32_t crc = 0;
    memcpy(image + offsetof(struct bd_program_header, crc), &crc, 4);
    crc = bd_crc32(image, program->size);
    memcpy(image + offsetof(struct bd_program_header, crc), &crc, 4);
}

/* Runs an accepted image at each switch; refusals are fine. */
static void run_program(const struct bd_program *program, uint64_t seed)
{
    struct bd_error err = {0};
    struct bd_decoded *decoded;
    bd_status status = bd_decode(program, &decoded, &err);
    check_refusal(status, &err, seed);
    if (status != BD_OK) {
        return;
    }
    uint8_t *image = bd_xcalloc(program->header->input_bytes, 1);
    bd_random_image(program, seed, image);
    for (unsigned s = 0; s < program->header->switch_count; s++) {
        struct bd_frame frame;
        status = bd_execute(program, decoded, s, image, &frame, &err);
        check_refusal(status, &err, seed);
        if (status == BD_OK) {
            bd_frame_release(&frame);
        }
    }
    free(image);
    bd_decoded_free(decoded);
}

Test(core_fuzz, programs)
{
    struct bd_hardware hardware;
    struct bd_error err = {0};
    cr_assert_eq(bd_hardware_load(&hardware, DEMO, &err), BD_OK, "%s", err.message);
    int accepted = 0, refused = 0;
    for (uint32_t index = 0; index < 24; index++) {
        struct bd_program program, damaged;
        cr_assert_eq(bd_random_network(9, index, &hardware, &program, &err), BD_OK, "%s", err.message);
        uint8_t *image = bd_xmalloc(program.size);
        for (uint64_t round = 0; round < 200; round++) {
            uint64_t seed = index * 1000 + round;
            struct bd_rng rng;
            bd_rng_seed(&rng, seed);
            memcpy(image, program.image, program.size);
            damage_program(&program, image, &rng);
            bd_status status = bd_program_open(&damaged, "fuzz", image, program.size, &err);
            check_refusal(status, &err, seed);
            if (status == BD_OK) {
                run_program(&damaged, seed);
                bd_program_release(&damaged);
                accepted++;
            } else {
                refused++;
            }
        }
        free(image);
        bd_program_release(&program);
    }
    cr_assert(accepted > 50 && refused > 1000, "%d accepted, %d refused", accepted, refused);
    bd_hardware_release(&hardware);
}

/* Edits of a description: bytes changed, dropped, doubled. What is still a network must be written out and read again.
 */
static void fuzz_network(const char *path, uint64_t seeds)
{
    size_t size;
    uint8_t *text = read_file(path, &size), *edited = bd_xmalloc(size + 64);
    int refused = 0;
    for (uint64_t seed = 0; seed < seeds; seed++) {
        struct bd_rng rng;
        struct bd_graph graph;
        struct bd_error err = {0};
        bd_rng_seed(&rng, seed);
        memcpy(edited, text, size);
        size_t length = size;
        for (uint32_t n = 1 + bd_rng_below(&rng, 3); n > 0; n--) {
            static const char pieces[] = "0123456789:{}[],-&*!|>'\"%@`#? \n\t\xff-~<awsbs";
            size_t at = bd_rng_below(&rng, length);
            uint32_t kind = bd_rng_below(&rng, 3);
            if (kind == 0) {
                edited[at] = pieces[bd_rng_below(&rng, sizeof pieces - 1)];
            } else if (kind == 1) {
                memmove(edited + at, edited + at + 1, --length - at);
            } else {
                memmove(edited + at + 1, edited + at, length++ - at);
            }
        }
        bd_status status = bd_graph_parse(&graph, "fuzz", (const char *)edited, length, &err);
        check_refusal(status, &err, seed);
        refused += status != BD_OK;
        if (status == BD_OK) {
            struct bd_graph again;
            const struct bd_graph_shape same = {0};
            cr_assert_eq(bd_graph_adapt(&graph, &same, &again, &err), BD_OK, "seed %lu: %s", seed, err.message);
            cr_assert_eq(again.layer_count, graph.layer_count, "seed %lu", seed);
            bd_graph_release(&again);
            bd_graph_release(&graph);
        } else {
            cr_assert_eq(strncmp(err.message, "fuzz:", 5), 0, "seed %lu: no position: %s", seed, err.message);
        }
    }
    cr_assert(refused > (int)seeds / 4 && refused < (int)seeds, "%s: %d refused", path, refused);
    free(edited);
    free(text);
}

Test(core_fuzz, networks)
{
    fuzz_network(NETWORK, 2000);
    fuzz_network("yaml-configs/networks/mobilenet_narrow.yaml", 1000);
    fuzz_network("yaml-configs/networks/vgg_small.yaml", 1000);
}

/* Checkpoints whose HDF5 part is damaged behind a right checksum. */
Test(core_fuzz, checkpoints)
{
    char path[] = "/tmp/bitdial-fuzz-XXXXXX";
    struct bd_checkpoint checkpoint;
    struct bd_error err = {0};
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(bd_random_checkpoint(NETWORK, 1, &checkpoint, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_checkpoint_save(&checkpoint, path, &err), BD_OK, "%s", err.message);
    bd_checkpoint_release(&checkpoint);
    size_t size;
    uint8_t *good = read_file(path, &size), *bad = bd_xmalloc(size);
    int refused = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct bd_rng rng;
        bd_rng_seed(&rng, seed);
        memcpy(bad, good, size);
        /* Structure is dense near the front; arrays fill the rest. */
        size_t at = 512 + bd_rng_below(&rng, seed % 2 ? 8192 : size - 520), length = 1 + bd_rng_below(&rng, 8);
        for (size_t i = 0; i < length; i++) {
            bad[at + i] = bd_rng_below(&rng, 4) ? bd_rng_u64(&rng) : 0xff;
        }
        memset(bad + 12, 0, 4);
        uint32_t crc = bd_crc32(bad, size);
        memcpy(bad + 12, &crc, 4);
        cr_assert_eq(bd_file_write(path, bad, size, &err), BD_OK);
        bd_status status = bd_checkpoint_load(&checkpoint, path, &err);
        check_refusal(status, &err, seed);
        refused += status != BD_OK;
        if (status == BD_OK) {
            bd_checkpoint_release(&checkpoint);
        }
    }
    cr_assert_gt(refused, 0);
    free(good);
    free(bad);
    unlink(path);
    close(fd);
}

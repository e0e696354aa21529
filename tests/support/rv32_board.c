/* A test double of a board with a processor: tests/support/rv32.c, the accelerator as the device model of the driver's
 * tests (sw/transport/device_model.h), memory of both, a UART. Runs a bare-metal program (sw/examples/firmware) on an
 * image.
 *
 *     rv32_board FIRMWARE.elf NET.bdp HARDWARE.yaml IMAGE-NUMBER [INSTRUCTIONS]
 *
 * Prints what the UART sends, then for each switch "expected SWITCH class N clocks M" by the plain executor and the
 * cost model, and "label N". Exit code: the firmware's, 3 where it crashes or does not end. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/cost/cost.h"
#include "model/data/source.h"
#include "model/exec/exec.h"
#include "sw/examples/firmware/board.h"
#include "sw/transport/device_model.h"
#include "tests/support/rv32.h"

enum { DEVICE_CLOCKS = 64, DEVICE_BYTES = 4096, EXTERNAL = 1 << 11, MIP = 0x344 };

struct board {
    struct bd_guarded_memory memory;
    struct bd_device_model *device;
    struct rv32 cpu;
};

static bool load(void *context, uint32_t address, unsigned size, uint32_t *value)
{
    struct board *b = context;
    const uint8_t *at = bd_guarded_memory_at(&b->memory, address, size);
    if (at) {
        *value = 0;
        memcpy(value, at, size);
        return true;
    }
    if (address - BOARD_DEVICE < DEVICE_BYTES && size == 4) {
        *value = bd_device_model_read(b->device, address - BOARD_DEVICE);
        return true;
    }
    return false;
}

static bool store(void *context, uint32_t address, unsigned size, uint32_t value)
{
    struct board *b = context;
    uint8_t *at = bd_guarded_memory_at(&b->memory, address, size);
    if (at) {
        memcpy(at, &value, size);
        return true;
    }
    if (address - BOARD_DEVICE < DEVICE_BYTES && size == 4) {
        bd_device_model_write(b->device, address - BOARD_DEVICE, value);
        return true;
    }
    if (address == BOARD_UART) {
        putchar((int)(value & 0xff));
        return true;
    }
    return false;
}

static uint32_t control(void *context, unsigned number)
{
    struct board *b = context;
    return number == MIP && bd_device_model_irq(b->device) ? EXTERNAL : 0;
}

static uint32_t word(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* The loadable parts of a 32-bit little-endian RISC-V ELF file, to where they belong. */
static bool load_elf(struct board *b, const uint8_t *elf, size_t size)
{
    if (size < 52 || memcmp(elf, "\177ELF\1\1\1", 7) != 0 || (elf[18] | elf[19] << 8) != 243) {
        return false;
    }
    const uint32_t table = word(elf + 28), count = elf[44] | (uint32_t)elf[45] << 8;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *h = elf + table + 32 * i;
        if (table + 32 * (i + 1) > size) {
            return false;
        }
        const uint32_t offset = word(h + 4), address = word(h + 12), bytes = word(h + 16);
        if (word(h) != 1 || bytes == 0) {
            continue;
        }
        uint8_t *to = bd_guarded_memory_at(&b->memory, address, bytes);
        if (!to || offset > size || bytes > size - offset) {
            return false;
        }
        memcpy(to, elf + offset, bytes);
    }
    b->cpu.pc = word(elf + 24);
    return true;
}

static int run(struct board *b, uint64_t limit)
{
    for (uint64_t n = 0; n < limit; n++) {
        const enum rv32_end end = rv32_step(&b->cpu);
        if (n % DEVICE_CLOCKS == 0) {
            bd_device_model_run(b->device, DEVICE_CLOCKS);
        }
        if (end == RV32_STOPPED) {
            return (int)b->cpu.x[10];
        }
        if (end == RV32_FAULT) {
            fprintf(stderr, "rv32_board: the processor stands at 0x%08x\n", b->cpu.pc);
            return BD_INFRA;
        }
    }
    fprintf(stderr, "rv32_board: no end after %" PRIu64 " instructions\n", limit);
    return BD_INFRA;
}

/* What should come out. */
static bd_status expect(const struct bd_program *program, const struct bd_hardware *hardware, const uint8_t *image,
                        struct bd_error *err)
{
    struct bd_decoded *decoded;
    struct bd_frame_cost *cost = bd_xcalloc(1, sizeof *cost);
    bd_status status = bd_decode(program, &decoded, err);
    for (unsigned s = 0; s < program->header->switch_count && status == BD_OK; s++) {
        struct bd_frame frame;
        status = bd_execute(program, decoded, s, image, &frame, err);
        if (status == BD_OK) {
            status = bd_cost_frame(program, hardware, s, false, cost, err);
            printf("expected %s class %u clocks %" PRIu64 "\n", program->switches[s].name,
                   bd_argmax(frame.logits, program->header->classes), cost->cycles);
            bd_frame_release(&frame);
        }
    }
    bd_decoded_free(decoded);
    free(cost);
    return status;
}

static bd_status play(char **argv, uint64_t limit, int *code, struct bd_error *err)
{
    struct board b = {0};
    struct bd_hardware hardware;
    struct bd_program program;
    struct bd_dataset set = {0};
    uint8_t *elf = NULL;
    size_t size = 0;
    char *told = NULL;
    bd_status status = bd_hardware_load(&hardware, argv[3], err);
    status = status ? status : bd_program_load(&program, argv[2], err);
    status = status ? status : bd_file_read(argv[1], 1 << 20, &elf, &size, err);
    if (status != BD_OK) {
        return status;
    }
    const struct bd_program_header *h = program.header;
    struct bd_image_source source = {.data = {.kind = BD_DATA_ANY, .validation = -1},
                                     .split = BD_SPLIT_TEST,
                                     .first = strtol(argv[4], NULL, 10),
                                     .count = 1};
    const struct bd_image_shape shape = {h->network, h->input_height, h->input_width, h->input_channels, h->classes, 8};
    status = bd_images_open(&set, &source, &shape, 1, &told, err);
    if (status == BD_OK) {
        bd_guarded_memory_init(&b.memory, BOARD_MEMORY, BOARD_MEMORY_BYTES);
        b.device = bd_device_model_new(&b.memory, &hardware);
        b.cpu.bus = (struct rv32_bus){&b, load, store, control};
        const uint32_t file = BOARD_BOOT + 64, image = file + (((uint32_t)program.size + 63) & ~63u);
        const uint32_t boot[] = {file, (uint32_t)program.size, image, h->input_bytes};
        uint8_t *at = bd_guarded_memory_at(&b.memory, BOARD_BOOT, image + h->input_bytes - BOARD_BOOT);
        if (!at || !load_elf(&b, elf, size)) {
            status = bd_fail(err, BD_BAD_INPUT, "'%s' is no program for this board", argv[1]);
        } else {
            memcpy(at, boot, sizeof boot);
            memcpy(at + (file - BOARD_BOOT), program.image, program.size);
            memcpy(at + (image - BOARD_BOOT), bd_dataset_image(&set, 0), h->input_bytes);
            *code = run(&b, limit);
            status = *code == 0 ? expect(&program, &hardware, bd_dataset_image(&set, 0), err) : BD_OK;
            printf("label %d\n", set.labels ? set.labels[0] : -1);
        }
        bd_device_model_free(b.device);
        bd_guarded_memory_release(&b.memory);
    }
    free(told);
    free(elf);
    bd_dataset_release(&set);
    bd_program_release(&program);
    bd_hardware_release(&hardware);
    return status;
}

int main(int argc, char **argv)
{
    struct bd_error err;
    int code = BD_INFRA;
    if (argc != 5 && argc != 6) {
        fprintf(stderr, "usage: rv32_board FIRMWARE.elf NET.bdp HARDWARE.yaml IMAGE-NUMBER [INSTRUCTIONS]\n");
        return BD_BAD_INPUT;
    }
    if (play(argv, argc == 6 ? strtoull(argv[5], NULL, 10) : 2000000000u, &code, &err) != BD_OK) {
        fprintf(stderr, "rv32_board: %s\n", err.message);
        return err.status;
    }
    return code;
}

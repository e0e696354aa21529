/* Where things lie on the board of this example; tests/support/rv32_board.c plays it. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

#define BOARD_CLOCKS_A_MS 100000u /* of the processor and the accelerator, at 100 MHz */
#define BOARD_UART 0x10000000u    /* a byte written is sent */
#define BOARD_DEVICE 0x40000000u  /* the accelerator's registers */
#define BOARD_MEMORY 0x80000000u  /* of both; code first */
#define BOARD_BOOT 0x80100000u    /* struct board_boot, left by whoever loaded the rest */
#define BOARD_PROGRAM 0x80400000u /* where the accelerator reads its program: a multiple of 4 KiB */
#define BOARD_IMAGE 0x80f00000u   /* ... its image, and writes its result */
#define BOARD_RESULT 0x80f80000u
#define BOARD_MEMORY_BYTES (16u << 20)

struct board_boot {
    uint32_t program, program_bytes; /* as a file */
    uint32_t image, image_bytes;     /* one image */
};

#endif

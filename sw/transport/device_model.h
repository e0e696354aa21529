/* The accelerator as a transaction-level model in C: the register map of hw/regs.yaml, the doorbell queue, the
 * reference arithmetic of model/exec, the clocks of model/cost. Shared by the in-process `ref` device and by the
 * SystemC platform's `tlm` target.
 *
 * Time is counted in clocks and passes only in bd_device_model_run. A frame reads its program and its image when it
 * starts, takes the clocks of loading the program more where the registers say that it is another one (the first frame,
 * after RELOAD or a soft reset), and writes result and stored layers when it ends. It refuses every descriptor that the
 * RTL refuses, with the same code and layer (model/program/device_rules.h), and as BAD_DESCRIPTOR at layer 0 what the
 * RTL would run into the ground: a program whose parts do not fit together. A memory or a layer's interval that is
 * slower than WATCHDOG_LIMIT ends in WATCHDOG, a frame of more clocks than FRAME_LIMIT in FRAME_LIMIT; its bus never
 * dies. */
#ifndef BD_TRANSPORT_DEVICE_MODEL_H
#define BD_TRANSPORT_DEVICE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "model/program/hardware.h"
#include "sw/transport/guarded_memory.h"

struct bd_device_model;

/* `memory` and `hardware` must outlive the model; its writes into a sealed program are refused as a bus error. */
struct bd_device_model *bd_device_model_new(struct bd_guarded_memory *memory, const struct bd_hardware *hardware);
void bd_device_model_free(struct bd_device_model *model);

/* Memory timing of the frames that start from now on; at first the hardware's. */
void bd_device_model_set_memory(struct bd_device_model *model, const struct bd_memory_model *memory);

/* Register accesses; `offset` is a multiple of 4 below the window's 4 KiB. Unknown registers read as 0. */
uint32_t bd_device_model_read(struct bd_device_model *model, uint32_t offset);
void bd_device_model_write(struct bd_device_model *model, uint32_t offset, uint32_t value);

bool bd_device_model_irq(const struct bd_device_model *model); /* the interrupt line */

/* Lets clocks pass until the line is high, the device is idle or `clocks` have passed. Returns how many did. */
uint64_t bd_device_model_run(struct bd_device_model *model, uint64_t clocks);

/* Clocks of the last finished frame, from its doorbell or the end of the frame before it, to its interrupt. */
uint64_t bd_device_model_frame_cycles(const struct bd_device_model *model);
uint64_t bd_device_model_frames(const struct bd_device_model *model); /* finished since the model was made */

#endif

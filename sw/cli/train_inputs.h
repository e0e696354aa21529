/* What a training run reads: the checkpoint that it starts with, the teacher, the images. */
#ifndef BD_CLI_TRAIN_INPUTS_H
#define BD_CLI_TRAIN_INPUTS_H

#include "model/data/dataset.h"
#include "model/train/loop/train.h"

/* The configuration's initial checkpoint, whose checksum `start` then is, else a fresh network (start stays as it is).
 * When resuming, the output, which must be of that network. */
bd_status bd_train_open_checkpoint(const struct bd_train_config *config, bool resume, struct bd_checkpoint *checkpoint,
                                   uint32_t *start, struct bd_error *err) BD_WARN_UNUSED;
/* The finished network that teaches, and its switch; nothing where the configuration, read from `file`, names none. */
bd_status bd_train_open_teacher(const struct bd_train_config *config, const char *file, struct bd_checkpoint *teacher,
                                int *switch_index, struct bd_error *err) BD_WARN_UNUSED;
/* Training images, the first `images` (0: all), and validation images where there are any. */
bd_status bd_train_open_images(const struct bd_data_spec *data, int64_t images, struct bd_dataset *train,
                               struct bd_dataset *validation, struct bd_error *err) BD_WARN_UNUSED;

#endif

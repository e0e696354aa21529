/* What a run must have in common with the one that it resumes: everything that decides its bits. It stands in the
 * metadata of the checkpoint, under "plan", from the first save on and after the end. */
#ifndef BD_LOOP_IDENTITY_H
#define BD_LOOP_IDENTITY_H

#include "model/train/loop/train.h"

/* Words "key value; key value; ...": the plan, and the checksums of the images, of the weights that the run starts from
 * and of its teacher; malloc'd. A run that neither saves nor resumes has no checksum of its images. */
char *bd_train_identity(const struct bd_checkpoint *checkpoint, const struct bd_train_plan *plan,
                        const struct bd_train_control *control);

/* BD_BAD_INPUT, naming the first word that differs, unless the checkpoint's identity is this one. */
bd_status bd_train_check_identity(const struct bd_checkpoint *checkpoint, const char *identity, struct bd_error *err)
    BD_WARN_UNUSED;

#endif

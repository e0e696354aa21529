/* NumPy's .npy files as images and labels. Formats 1.0 to 3.0, C order; a file must hold exactly what its header says.
 */
#ifndef BD_DATA_NPY_H
#define BD_DATA_NPY_H

#include "model/data/dataset.h"

/* An array (N, H, W, C) or, of one channel, (N, H, W) of bytes (|u1): fills count, height, width, channels and images
 * of a set that holds nothing. Malformed files are BD_BAD_INPUT, "path: offset N: ...". */
bd_status bd_npy_images(const char *path, struct bd_dataset *set, struct bd_error *err) BD_WARN_UNUSED;

/* An array (set->count) of integers, each 0 .. set->classes - 1: fills the labels of a set that has none. */
bd_status bd_npy_labels(const char *path, struct bd_dataset *set, struct bd_error *err) BD_WARN_UNUSED;

#endif

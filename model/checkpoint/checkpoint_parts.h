/* Inside of checkpoint.h: what saving (checkpoint.c) and loading (checkpoint_load.c) share. */
#ifndef BD_CHECKPOINT_CHECKPOINT_PARTS_H
#define BD_CHECKPOINT_CHECKPOINT_PARTS_H

#include "model/checkpoint/checkpoint.h"

/* The user block before the HDF5 superblock, little-endian, rest zero. */
#define USER_BLOCK 512
#define MAGIC "BITDIALC"
#define VERSION 1
#define AT_VERSION 8 /* uint32 */
#define AT_CRC 12    /* uint32: CRC-32 of the whole file with this field zero */
#define AT_LENGTH 16 /* uint64: of the whole file */

#define NETWORK_NAME "network.yaml"
#define METADATA_NAME "metadata.json"

/* Adds a zeroed array of a name that is not there yet; takes `name`. */
struct bd_array *bd_checkpoint_append(struct bd_checkpoint *checkpoint, int rank, const int64_t *shape, char *name);

#endif

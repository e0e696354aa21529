/* Writes a checkpoint that nobody trained, for shell tests that need a well-formed one:
 *   sample NETWORK.yaml SEED OUT */
#include <stdio.h>
#include <stdlib.h>

#include "model/checkpoint/random_checkpoint.h"

int main(int argc, char **argv)
{
    struct bd_checkpoint checkpoint;
    struct bd_error err;
    if (argc != 4) {
        fputs("usage: sample NETWORK.yaml SEED OUT\n", stderr);
        return BD_BAD_INPUT;
    }
    bd_status status = bd_random_checkpoint(argv[1], strtoull(argv[2], NULL, 0), &checkpoint, &err);
    if (status == BD_OK) {
        status = bd_checkpoint_save(&checkpoint, argv[3], &err);
        bd_checkpoint_release(&checkpoint);
    }
    if (status != BD_OK) {
        fprintf(stderr, "sample: %s\n", err.message);
    }
    return status;
}

/* The ranks of `mpirun -n N bitdial train ...`: sums over all of them for data-parallel training (network.h).
 *
 * MPI is started only under mpirun (OMPI_COMM_WORLD_SIZE in the environment); else there is one rank and no call to it.
 * Sums are made on rank 0 and sent to all, so that every rank has the same bits. A rank that waits polls and sleeps: it
 * leaves its core to those that compute. When a rank dies, mpirun names it and ends the others. */
#ifndef BD_TRAIN_MPI_H
#define BD_TRAIN_MPI_H

#include <stdbool.h>

#include "model/train/network.h"

struct bd_mpi {
    bool started;
    int rank, ranks; /* 0 and 1 without MPI */
    struct bd_reducer reducer;
};

bd_status bd_mpi_open(struct bd_mpi *mpi, struct bd_error *err) BD_WARN_UNUSED;
/* Waits for all ranks and leaves. After a failure of this rank the others are ended instead, with `status` as mpirun's
 * exit code; then it does not return. */
void bd_mpi_close(struct bd_mpi *mpi, bd_status status);

#endif

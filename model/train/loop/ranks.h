/* The ranks of `mpirun -n N bitdial train ...`: sums over all of them for data-parallel training (network.h).
 *
 * MPI is started only under mpirun (OMPI_COMM_WORLD_SIZE in the environment); else there is one rank and no call to it.
 * Sums are made on rank 0 and sent to all, so that every rank has the same bits. A rank that waits leaves its core to
 * those that compute. When a rank dies, mpirun names it and ends the others; when one stands still without dying, the
 * ranks that wait for it fail, naming it, after BD_MPI_STALL_SECONDS or what the caller says (heartbeat.h). */
#ifndef BD_LOOP_RANKS_H
#define BD_LOOP_RANKS_H

#include <stdbool.h>

#include "model/train/network/network.h"

#define BD_MPI_STALL_SECONDS 120.0

struct bd_heartbeat;

struct bd_mpi {
    bool started;
    int rank, ranks; /* 0 and 1 without MPI */
    struct bd_reducer reducer;
    struct bd_heartbeat *heartbeat;
};

/* `stall_seconds`: how long a rank may give no sign of life while others wait for it; the same on every rank. The
 * structure stays in place until it is closed. */
bd_status bd_mpi_open(struct bd_mpi *mpi, double stall_seconds, struct bd_error *err) BD_WARN_UNUSED;
/* Waits for all ranks and leaves. On failure (a rank stands still) bd_mpi_abort is what is left. */
bd_status bd_mpi_close(struct bd_mpi *mpi, struct bd_error *err) BD_WARN_UNUSED;
/* After a failure of this rank: ends all of them, with `status` as mpirun's exit code, and does not return where MPI is
 * started. What was printed is to be flushed before. */
void bd_mpi_abort(const struct bd_mpi *mpi, bd_status status);

#endif

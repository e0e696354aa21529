#include "model/train/loop/ranks.h"

#include <mpi.h>
#include <stdlib.h>

#include "model/core/memory.h"
#include "model/train/loop/heartbeat.h"

/* Collectives are started under the lock of those who give signs of life, and waited for without it. */
static bd_status wait_for(const struct bd_mpi *mpi, int code, MPI_Request *request, struct bd_error *err)
{
    pthread_mutex_unlock(&mpi->heartbeat->lock);
    bd_status status = bd_heartbeat_check(code, err);
    return status ? status : bd_heartbeat_wait(mpi->heartbeat, request, err);
}

static bd_status sum_all(const struct bd_mpi *mpi, void *values, size_t count, MPI_Datatype type, struct bd_error *err)
{
    MPI_Request request;
    bool root = mpi->rank == 0;
    pthread_mutex_lock(&mpi->heartbeat->lock);
    int code = MPI_Ireduce(root ? MPI_IN_PLACE : values, root ? values : NULL, (int)count, type, MPI_SUM, 0,
                           MPI_COMM_WORLD, &request);
    bd_status status = wait_for(mpi, code, &request, err);
    if (status) {
        return status;
    }
    pthread_mutex_lock(&mpi->heartbeat->lock);
    code = MPI_Ibcast(values, (int)count, type, 0, MPI_COMM_WORLD, &request);
    return wait_for(mpi, code, &request, err);
}

static bd_status sum_doubles(void *context, double *values, size_t count, struct bd_error *err)
{
    return sum_all(context, values, count, MPI_DOUBLE, err);
}

static bd_status sum_floats(void *context, float *values, size_t count, struct bd_error *err)
{
    return sum_all(context, values, count, MPI_FLOAT, err);
}

bd_status bd_mpi_open(struct bd_mpi *mpi, double stall_seconds, struct bd_error *err)
{
    int provided;
    *mpi = (struct bd_mpi){.ranks = 1};
    if (!getenv("OMPI_COMM_WORLD_SIZE")) {
        return BD_OK;
    }
    /* Batches are made by threads that call nothing of MPI; signs of life come from one that takes turns. */
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided) != MPI_SUCCESS ||
        provided < MPI_THREAD_SERIALIZED) {
        return bd_fail(err, BD_INFRA, "cannot start MPI for threads that call it in turn");
    }
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, &mpi->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &mpi->ranks);
    mpi->started = true;
    mpi->reducer =
        (struct bd_reducer){.context = mpi, .ranks = mpi->ranks, .sum_doubles = sum_doubles, .sum_floats = sum_floats};
    mpi->heartbeat = bd_xcalloc(1, sizeof *mpi->heartbeat);
    return bd_heartbeat_open(mpi->heartbeat, mpi->rank, mpi->ranks, stall_seconds, err);
}

bd_status bd_mpi_close(struct bd_mpi *mpi, struct bd_error *err)
{
    MPI_Request request;
    if (!mpi->started) {
        return BD_OK;
    }
    /* MPI_Finalize waits for the others too, but spinning, and for ever. */
    pthread_mutex_lock(&mpi->heartbeat->lock);
    bd_status status = wait_for(mpi, MPI_Ibarrier(MPI_COMM_WORLD, &request), &request, err);
    status = status ? status : bd_heartbeat_close(mpi->heartbeat, err);
    if (!status) {
        MPI_Finalize();
        free(mpi->heartbeat);
        mpi->started = false;
    }
    return status;
}

void bd_mpi_abort(const struct bd_mpi *mpi, bd_status status)
{
    if (mpi->started) {
        pthread_mutex_lock(&mpi->heartbeat->lock);
        MPI_Abort(MPI_COMM_WORLD, status);
    }
}

#include "model/train/mpi.h"

#include <mpi.h>
#include <stdlib.h>
#include <time.h>

#define FIRST_NAP 1000  /* ns */
#define LONGEST_NAP 200000
#define EAGER 200 /* polls before the first nap */

/* Until the request is done, without holding the core. */
static int wait_for(MPI_Request *request)
{
    long nap = FIRST_NAP;
    int done = 0, code = MPI_SUCCESS;
    for (int polls = 0; !done && code == MPI_SUCCESS; polls++) {
        code = MPI_Test(request, &done, MPI_STATUS_IGNORE);
        if (!done && polls > EAGER) {
            nanosleep(&(struct timespec){.tv_nsec = nap}, NULL);
            nap = 2 * nap < LONGEST_NAP ? 2 * nap : LONGEST_NAP;
        }
    }
    return code;
}

static bd_status sum_all(const struct bd_mpi *mpi, void *values, size_t count, MPI_Datatype type, struct bd_error *err)
{
    MPI_Request request;
    bool root = mpi->rank == 0;
    int code = MPI_Ireduce(root ? MPI_IN_PLACE : values, root ? values : NULL, (int)count, type, MPI_SUM, 0,
                           MPI_COMM_WORLD, &request);
    code = code == MPI_SUCCESS ? wait_for(&request) : code;
    code = code == MPI_SUCCESS ? MPI_Ibcast(values, (int)count, type, 0, MPI_COMM_WORLD, &request) : code;
    code = code == MPI_SUCCESS ? wait_for(&request) : code;
    if (code != MPI_SUCCESS) {
        char text[MPI_MAX_ERROR_STRING] = "";
        int length;
        MPI_Error_string(code, text, &length);
        return bd_fail(err, BD_INFRA, "rank %d of %d cannot reach the others: %s", mpi->rank, mpi->ranks, text);
    }
    return BD_OK;
}

static bd_status sum_doubles(void *context, double *values, size_t count, struct bd_error *err)
{
    return sum_all(context, values, count, MPI_DOUBLE, err);
}

static bd_status sum_floats(void *context, float *values, size_t count, struct bd_error *err)
{
    return sum_all(context, values, count, MPI_FLOAT, err);
}

bd_status bd_mpi_open(struct bd_mpi *mpi, struct bd_error *err)
{
    int provided;
    *mpi = (struct bd_mpi){.ranks = 1};
    if (!getenv("OMPI_COMM_WORLD_SIZE")) {
        return BD_OK;
    }
    /* Batches are made by threads of their own, which call nothing of MPI. */
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS ||
        provided < MPI_THREAD_FUNNELED) {
        return bd_fail(err, BD_INFRA, "cannot start MPI for one thread among several");
    }
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, &mpi->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &mpi->ranks);
    mpi->started = true;
    mpi->reducer = (struct bd_reducer){
        .context = mpi, .ranks = mpi->ranks, .sum_doubles = sum_doubles, .sum_floats = sum_floats};
    return BD_OK;
}

void bd_mpi_close(struct bd_mpi *mpi, bd_status status)
{
    MPI_Request request;
    if (!mpi->started) {
        return;
    }
    if (status != BD_OK) {
        MPI_Abort(MPI_COMM_WORLD, status);
    }
    /* MPI_Finalize waits for the others too, but spinning. */
    if (MPI_Ibarrier(MPI_COMM_WORLD, &request) == MPI_SUCCESS) {
        wait_for(&request);
    }
    MPI_Finalize();
    mpi->started = false;
}

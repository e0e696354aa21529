/* Signs of life between ranks: tells a rank that stands still (stopped, its host frozen, its disk gone) from one that
 * is busy. Rank 0 and each other rank send one another a byte from time to time, from a thread of their own, as long
 * as the process used the processor since the last one or waits for others. So the minutes that one rank works alone
 * are no stall, and the rank that is named is the one that stands still, not one that waits for it.
 *
 * All of MPI is called under `lock`, so that MPI_THREAD_SERIALIZED suffices. */
#ifndef BD_LOOP_HEARTBEAT_H
#define BD_LOOP_HEARTBEAT_H

#include <mpi.h>
#include <pthread.h>
#include <stdbool.h>

#include "model/core/error.h"

struct bd_peer {
    int rank;
    char said, heard;
    MPI_Request send, receive;
    bool told_end, ended; /* whether this rank, and that one, said the last byte */
    double silent;        /* seconds of the present wait without a sign */
};

struct bd_heartbeat {
    double limit, every; /* seconds */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool stop, waits;
    double used; /* processor time of the process but for the thread, at the last sign */
    int peer_count;
    struct bd_peer *peers; /* of rank 0: all others; of another: rank 0 */
};

/* Every rank calls it, with the same `limit`: the seconds of silence that end a wait. The structure stays in place. */
bd_status bd_heartbeat_open(struct bd_heartbeat *heartbeat, int rank, int ranks, double limit, struct bd_error *err)
    BD_WARN_UNUSED;
/* Until the request is done, polling and sleeping: the core is left to those that compute. BD_INFRA when MPI fails, or
 * when a rank gave no sign of life for `limit` seconds of this wait; what can be called then is MPI_Abort alone. */
bd_status bd_heartbeat_wait(struct bd_heartbeat *heartbeat, MPI_Request *request, struct bd_error *err) BD_WARN_UNUSED;
/* Every rank calls it when none waits for another any more. Errors as bd_heartbeat_wait. */
bd_status bd_heartbeat_close(struct bd_heartbeat *heartbeat, struct bd_error *err) BD_WARN_UNUSED;
/* BD_INFRA with MPI's text of the code; BD_OK for MPI_SUCCESS. */
bd_status bd_heartbeat_check(int code, struct bd_error *err) BD_WARN_UNUSED;

#endif

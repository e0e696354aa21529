#include "model/train/loop/heartbeat.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/core/clock.h"
#include "model/core/memory.h"

#define TAG 1
#define FIRST_NAP 1000 /* ns */
#define LONGEST_NAP 200000
#define EAGER 200   /* polls before the first nap */
#define SIGNS 8     /* in the time of the limit */
#define WORKED 1e-3 /* seconds of processor time that tell work from threads that idle */

enum { ALIVE, END };

bd_status bd_heartbeat_check(int code, struct bd_error *err)
{
    char text[MPI_MAX_ERROR_STRING] = "";
    int length;
    if (code == MPI_SUCCESS) {
        return BD_OK;
    }
    MPI_Error_string(code, text, &length);
    return bd_fail(err, BD_INFRA, "cannot reach the other ranks: %s", text);
}

/* ---- bytes; all under the lock ---- */

/* One byte is under way at most, so that a rank that takes none is sent no more; *gone: this one was sent. */
static int say(struct bd_peer *peer, char what, bool *gone)
{
    int idle;
    int code = MPI_Test(&peer->send, &idle, MPI_STATUS_IGNORE);
    *gone = code == MPI_SUCCESS && idle;
    if (*gone) {
        peer->said = what;
        code = MPI_Isend(&peer->said, 1, MPI_CHAR, peer->rank, TAG, MPI_COMM_WORLD, &peer->send);
    }
    return code;
}

static int expect(struct bd_peer *peer)
{
    return MPI_Irecv(&peer->heard, 1, MPI_CHAR, peer->rank, TAG, MPI_COMM_WORLD, &peer->receive);
}

static int listen_all(struct bd_heartbeat *heartbeat)
{
    int code = MPI_SUCCESS;
    for (int i = 0; i < heartbeat->peer_count && code == MPI_SUCCESS; i++) {
        struct bd_peer *peer = &heartbeat->peers[i];
        int came = 0;
        while (!peer->ended && (code = MPI_Test(&peer->receive, &came, MPI_STATUS_IGNORE)) == MPI_SUCCESS && came) {
            peer->silent = 0;
            peer->ended = peer->heard == END;
            code = peer->ended ? MPI_SUCCESS : expect(peer);
        }
    }
    return code;
}

/* A byte to each as long as the rank gets on. What fails here fails for the one that waits, too, which tells it. */
static void *beat(void *context)
{
    struct bd_heartbeat *heartbeat = context;
    pthread_mutex_lock(&heartbeat->lock);
    while (!heartbeat->stop) {
        struct timespec at;
        clock_gettime(CLOCK_MONOTONIC, &at);
        at.tv_nsec += heartbeat->every * 1e9 - 1e9 * (int)heartbeat->every;
        at.tv_sec += (int)heartbeat->every + at.tv_nsec / 1000000000;
        at.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&heartbeat->wake, &heartbeat->lock, &at);
        double used = bd_seconds(CLOCK_PROCESS_CPUTIME_ID) - bd_seconds(CLOCK_THREAD_CPUTIME_ID);
        if (!heartbeat->stop && (heartbeat->waits || used - heartbeat->used > WORKED)) {
            heartbeat->used = used;
            for (int i = 0; i < heartbeat->peer_count; i++) {
                bool gone;
                say(&heartbeat->peers[i], ALIVE, &gone);
            }
        }
        listen_all(heartbeat);
    }
    pthread_mutex_unlock(&heartbeat->lock);
    return NULL;
}

/* ---- waiting ---- */

/* The last byte to each, and the last one of each. */
static int part(struct bd_heartbeat *heartbeat, int *done)
{
    int code = MPI_SUCCESS;
    *done = 1;
    for (int i = 0; i < heartbeat->peer_count && code == MPI_SUCCESS; i++) {
        struct bd_peer *peer = &heartbeat->peers[i];
        int gone = 0;
        code = peer->told_end ? MPI_Test(&peer->send, &gone, MPI_STATUS_IGNORE) : say(peer, END, &peer->told_end);
        *done = *done && gone && peer->ended;
    }
    return code;
}

/* Who has been silent for too long, `passed` seconds after the last look. A wait that was itself interrupted for long
 * counts little: others may have been, too. */
static bd_status check_silence(struct bd_heartbeat *heartbeat, double passed, struct bd_error *err)
{
    for (int i = 0; i < heartbeat->peer_count; i++) {
        struct bd_peer *peer = &heartbeat->peers[i];
        peer->silent += passed < heartbeat->every ? passed : heartbeat->every;
        if (peer->silent >= heartbeat->limit) {
            return bd_fail(err, BD_INFRA,
                           "waited %g s for rank %d, which gives no sign of life: it is stopped, or its host is",
                           heartbeat->limit, peer->rank);
        }
    }
    return BD_OK;
}

/* Until the request is done; NULL: until all have parted. */
static bd_status wait_for(struct bd_heartbeat *heartbeat, MPI_Request *request, struct bd_error *err)
{
    long nap = FIRST_NAP;
    int done = 0;
    double last = bd_seconds(CLOCK_MONOTONIC);
    bd_status status = BD_OK;
    for (int polls = 0; !done && !status; polls++) {
        pthread_mutex_lock(&heartbeat->lock);
        int code = request ? MPI_Test(request, &done, MPI_STATUS_IGNORE) : part(heartbeat, &done);
        if (!done && polls >= EAGER && code == MPI_SUCCESS) {
            code = listen_all(heartbeat);
            double now = bd_seconds(CLOCK_MONOTONIC);
            status = check_silence(heartbeat, now - last, err);
            last = now;
        }
        pthread_mutex_unlock(&heartbeat->lock);
        status = status ? status : bd_heartbeat_check(code, err);
        if (!done && !status && polls >= EAGER) {
            nanosleep(&(struct timespec){.tv_nsec = nap}, NULL);
            nap = 2 * nap < LONGEST_NAP ? 2 * nap : LONGEST_NAP;
        }
    }
    return status;
}

static void set_waits(struct bd_heartbeat *heartbeat, bool waits)
{
    pthread_mutex_lock(&heartbeat->lock);
    heartbeat->waits = waits;
    for (int i = 0; i < heartbeat->peer_count; i++) {
        heartbeat->peers[i].silent = 0;
    }
    pthread_mutex_unlock(&heartbeat->lock);
}

bd_status bd_heartbeat_wait(struct bd_heartbeat *heartbeat, MPI_Request *request, struct bd_error *err)
{
    set_waits(heartbeat, true);
    bd_status status = wait_for(heartbeat, request, err);
    set_waits(heartbeat, false);
    return status;
}

/* ---- life ---- */

bd_status bd_heartbeat_open(struct bd_heartbeat *heartbeat, int rank, int ranks, double limit, struct bd_error *err)
{
    *heartbeat = (struct bd_heartbeat){.limit = limit, .every = limit / SIGNS, .peer_count = rank ? 1 : ranks - 1};
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&heartbeat->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&heartbeat->lock, NULL);
    heartbeat->peers = bd_xcalloc(heartbeat->peer_count + 1, sizeof *heartbeat->peers);
    int code = MPI_SUCCESS;
    for (int i = 0; i < heartbeat->peer_count && code == MPI_SUCCESS; i++) {
        heartbeat->peers[i] = (struct bd_peer){.rank = rank ? 0 : i + 1, .send = MPI_REQUEST_NULL};
        code = expect(&heartbeat->peers[i]);
    }
    bd_status status = bd_heartbeat_check(code, err);
    if (status) {
        return status;
    }
    int failed = pthread_create(&heartbeat->thread, NULL, beat, heartbeat);
    return failed ? bd_fail(err, BD_INFRA, "cannot start a thread: %s", strerror(failed)) : BD_OK;
}

bd_status bd_heartbeat_close(struct bd_heartbeat *heartbeat, struct bd_error *err)
{
    pthread_mutex_lock(&heartbeat->lock);
    heartbeat->stop = true;
    pthread_cond_signal(&heartbeat->wake);
    pthread_mutex_unlock(&heartbeat->lock);
    pthread_join(heartbeat->thread, NULL);
    set_waits(heartbeat, false);
    bd_status status = wait_for(heartbeat, NULL, err);
    if (status) {
        return status;
    }
    pthread_cond_destroy(&heartbeat->wake);
    pthread_mutex_destroy(&heartbeat->lock);
    free(heartbeat->peers);
    return BD_OK;
}

/* Damages checkpoints on purpose, mends length and checksum, and loads them: each must be loaded or refused with a
 * message, within 256 MiB and 10 s, without a crash and without opening any other file.
 *   mutate [--plant crash|open|memory|time] COUNT SEED CHECKPOINT
 * Mutation N depends on SEED + N and the file alone. Mutations run in child processes, in which the kernel ends whoever
 * opens a file, a socket or a process; the parent only counts. Exit code 1 where a mutation broke a promise, each told
 * with the line that repeats it. --plant breaks that promise in mutation 7, to see it noticed. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/checkpoint/checkpoint.h"
#include "model/checkpoint/hdf5_reader.h"
#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/core/rng.h"

#define USER_BLOCK 512
#define MEMORY ((size_t)256 << 20)
#define SECONDS_EACH 10
#define PLANTED 7

struct sample {
    const char *path;
    uint8_t *good, *bad;
    size_t size;        /* of good */
    uint8_t *structure; /* (size) 1 where a byte is structure or text, 0 where it is an array's */
    uint32_t *places;   /* of the structure's bytes */
    uint32_t place_count;
};

/* What a child tells, in memory that it shares with its parent. */
struct progress {
    uint64_t at, loaded, refused;
    size_t largest; /* KiB above what the child began with */
};

/* ---- mutations ---- */

static bd_status mark(void *context, const struct bd_hdf5_dataset *dataset, struct bd_error *err)
{
    const struct sample *sample = context;
    (void)err;
    if (!dataset->text) {
        memset(sample->structure + (dataset->bytes - sample->good), 0, dataset->size);
    }
    return BD_OK;
}

static bd_status open_sample(struct sample *sample, const char *path, struct bd_error *err)
{
    *sample = (struct sample){.path = path};
    if (bd_file_read(path, 1 << 26, &sample->good, &sample->size, err)) {
        return err->status;
    }
    sample->bad = bd_xmalloc(2 * sample->size);
    sample->structure = bd_xmalloc(sample->size);
    sample->places = bd_xcalloc(sample->size, sizeof *sample->places);
    memset(sample->structure, 1, sample->size);
    if (bd_hdf5_read(sample->good, sample->size, USER_BLOCK, mark, sample, err)) {
        return err->status;
    }
    for (size_t i = USER_BLOCK; i < sample->size; i++) {
        sample->places[sample->place_count] = i;
        sample->place_count += sample->structure[i];
    }
    return BD_OK;
}

static size_t place(const struct sample *sample, struct bd_rng *rng)
{
    return bd_rng_below(rng, 8) ? sample->places[bd_rng_below(rng, sample->place_count)]
                                : USER_BLOCK + bd_rng_below(rng, sample->size - USER_BLOCK);
}

/* Eight bytes that stand for an offset, a length or a count, most of them wrong. */
static uint64_t odd_word(const struct sample *sample, struct bd_rng *rng, uint64_t old)
{
    static const uint64_t words[] = {0,          1,          7,          8,          0xff,       0xffff,
                                     0x7fffffff, 0xffffffff, 1ull << 31, 1ull << 40, 1ull << 63, UINT64_MAX};
    const uint32_t bits = bd_rng_below(rng, 64);
    switch (bd_rng_below(rng, 6)) {
    case 0:
        return words[bd_rng_below(rng, sizeof words / sizeof *words)];
    case 1:
        return old + bd_rng_below(rng, 64) - 32;
    case 2:
        return sample->size - USER_BLOCK - bd_rng_below(rng, 64);
    case 3:
        return place(sample, rng) / 8 * 8 - USER_BLOCK; /* another structure's address */
    case 4:
        return old ^ 1ull << bits;
    default:
        return bd_rng_u64(rng) >> bits;
    }
}

/* Returns the size of what stands in sample->bad then. */
static size_t change(const struct sample *sample, struct bd_rng *rng, size_t size)
{
    uint8_t *bad = sample->bad;
    size_t at = place(sample, rng), from = place(sample, rng), length = 1 + bd_rng_below(rng, 64);
    uint64_t word;
    if (at >= size) {
        return size;
    }
    length = length < size - at ? length : size - at;
    switch (bd_rng_below(rng, 8)) {
    case 0:
        bad[at] ^= 1u << bd_rng_below(rng, 8);
        return size;
    case 1:
        for (size_t i = 0; i < length && i < 8; i++) {
            bad[at + i] = bd_rng_u64(rng);
        }
        return size;
    case 2:
    case 3:
    case 4:
        at = at / 8 * 8;
        if (at + 8 <= size) {
            memcpy(&word, bad + at, 8);
            word = odd_word(sample, rng, word);
            memcpy(bad + at, &word, bd_rng_below(rng, 2) ? 8 : 4);
        }
        return size;
    case 5:
        length = length < sample->size - from ? length : sample->size - from;
        memmove(bad + at, sample->good + from, length);
        return size;
    case 6:
        memset(bad + at, bd_rng_below(rng, 2) ? 0xff : 0, length);
        return size;
    default:
        if (bd_rng_below(rng, 4)) {
            return size;
        }
        if (bd_rng_below(rng, 2)) {
            return at > USER_BLOCK ? at : size; /* cut */
        }
        memset(bad + size, 0, length);
        return size + length < 2 * sample->size ? size + length : size;
    }
}

static size_t mutate(const struct sample *sample, uint64_t seed)
{
    struct bd_rng rng;
    size_t size = sample->size;
    bd_rng_seed(&rng, seed);
    memcpy(sample->bad, sample->good, size);
    for (uint32_t n = 1 + bd_rng_below(&rng, 3); n > 0; n--) {
        size = change(sample, &rng, size);
    }
    const uint64_t length = size;
    memset(sample->bad + 12, 0, 4);
    memcpy(sample->bad + 16, &length, sizeof length);
    const uint32_t crc = bd_crc32(sample->bad, size);
    memcpy(sample->bad + 12, &crc, sizeof crc);
    return size;
}

/* ---- the child ---- */

static size_t pages(void)
{
    uint8_t *text;
    size_t size;
    struct bd_error err;
    if (bd_file_read("/proc/self/statm", 4096, &text, &size, &err)) {
        return 0;
    }
    const size_t count = strtoull((char *)text, NULL, 10);
    free(text);
    return count;
}

/* Memory, time and the kernel's help: whoever opens a file, a socket or a process from here on gets SIGSYS. */
static void confine(void)
{
#define REFUSE(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP)
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        REFUSE(openat),
        REFUSE(openat2),
        REFUSE(socket),
        REFUSE(connect),
        REFUSE(execve),
        REFUSE(execveat),
        REFUSE(clone),
        REFUSE(clone3),
#ifdef SYS_open
        REFUSE(open),
        REFUSE(creat),
        REFUSE(fork),
        REFUSE(vfork),
#endif
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog filter = {sizeof program / sizeof *program, program};
    const size_t room = pages() * (size_t)sysconf(_SC_PAGESIZE) + MEMORY;
    const struct rlimit memory = {room, room}, none = {0, 0};
    json_object_seed(1); /* else the first object reads the kernel's random numbers, once, from a file */
    setrlimit(RLIMIT_AS, &memory);
    setrlimit(RLIMIT_CORE, &none);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter)) {
        _exit(BD_INFRA);
    }
}

static void plant(const char *kind)
{
    if (!strcmp(kind, "crash")) {
        raise(SIGSEGV);
    } else if (!strcmp(kind, "open")) {
        FILE *other = fopen("/etc/hostname", "r");
        if (other) {
            fclose(other);
        }
    } else if (!strcmp(kind, "memory")) {
        memset(bd_xmalloc(MEMORY), 1, MEMORY);
    } else if (!strcmp(kind, "time")) {
        for (;;) {
            pause();
        }
    }
}

static long resident(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/* Mutations from..until; the parent learns from progress->at which one ended this process. */
static int load_some(const struct sample *sample, uint64_t from, uint64_t until, uint64_t seed, const char *planted,
                     struct progress *progress)
{
    confine();
    const long before = resident();
    for (uint64_t n = from; n < until; n++) {
        struct bd_checkpoint checkpoint;
        struct bd_error err = {0};
        progress->at = n;
        alarm(SECONDS_EACH);
        const size_t size = mutate(sample, seed + n);
        if (n == PLANTED && planted) {
            plant(planted);
        }
        const bd_status status = bd_checkpoint_parse(&checkpoint, "mutated", sample->bad, size, &err);
        if (status == BD_OK) {
            progress->loaded++;
            bd_checkpoint_release(&checkpoint);
        } else if (status == BD_BAD_INPUT && !strncmp(err.message, "mutated: offset ", 16)) {
            progress->refused++;
        } else {
            return BD_FAIL;
        }
        const size_t taken = (size_t)(resident() - before);
        progress->largest = taken > progress->largest ? taken : progress->largest;
    }
    return BD_OK;
}

/* ---- the parent ---- */

static void tell(const struct sample *sample, uint64_t n, uint64_t seed, int ended)
{
    printf("FAIL mutation %" PRIu64 ": ", n);
    if (WIFSIGNALED(ended)) {
        const int number = WTERMSIG(ended);
        printf("%s", number == SIGSYS    ? "it opened a file, a socket or a process"
                     : number == SIGALRM ? "it took too long"
                                         : strsignal(number));
    } else {
        printf("refused without a message or ended with %d", WEXITSTATUS(ended));
    }
    printf("; repeat: mutate 1 %" PRIu64 " %s\n", seed + n, sample->path);
}

static int run(const struct sample *sample, uint64_t count, uint64_t seed, const char *planted)
{
    struct progress *progress = mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint64_t broken = 0;
    if (progress == MAP_FAILED) {
        return BD_INFRA;
    }
    for (uint64_t from = 0; from < count; from = progress->at + 1) {
        fflush(stdout);
        const pid_t child = fork();
        if (child == 0) {
            _exit(load_some(sample, from, count, seed, planted, progress));
        }
        int ended;
        while (child > 0 && waitpid(child, &ended, 0) < 0 && errno == EINTR) {
        }
        if (child < 0 || (WIFEXITED(ended) && WEXITSTATUS(ended) == BD_INFRA)) {
            fputs("mutate: cannot start a confined process\n", stderr);
            return BD_INFRA;
        }
        if (ended) {
            tell(sample, progress->at, seed, ended);
            broken++;
        }
    }
    printf("%" PRIu64 " mutations of %s: %" PRIu64 " loaded, %" PRIu64 " refused, %" PRIu64
           " broke a promise; at most %zu KiB\n",
           count, sample->path, progress->loaded, progress->refused, broken, progress->largest);
    munmap(progress, sizeof *progress);
    return broken ? BD_FAIL : BD_OK;
}

int main(int argc, char **argv)
{
    const char *planted = NULL;
    struct sample sample;
    struct bd_error err;
    if (argc == 6 && !strcmp(argv[1], "--plant")) {
        planted = argv[2];
        argv += 2;
        argc -= 2;
    }
    if (argc != 4) {
        fputs("usage: mutate [--plant crash|open|memory|time] COUNT SEED CHECKPOINT\n", stderr);
        return BD_BAD_INPUT;
    }
    bd_status status = open_sample(&sample, argv[3], &err);
    if (status) {
        fprintf(stderr, "mutate: %s\n", err.message);
        return status;
    }
    status = run(&sample, strtoull(argv[1], NULL, 0), strtoull(argv[2], NULL, 0), planted);
    free(sample.good);
    free(sample.bad);
    free(sample.structure);
    free(sample.places);
    return status;
}

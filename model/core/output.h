/* The rule for outputs, the same for every command.
 *
 * A regular file is replaced as a whole or not at all (bd_file_write: temporary file in the same folder, fsync, rename,
 * fsync of the folder) and keeps its mode. A symbolic link stays, and the file that it names is replaced. A device, a
 * pipe and /dev/stdout are written as they are, and never become a file.
 *
 * An output is never one of the command's inputs, under whatever name. What a command can make again (a program image,
 * an array, a drawing) takes the place of an earlier one of the same kind; what took long to make (a checkpoint, a log,
 * a journal) or was written by hand (a description) does so only where the user says so. A file of another kind is
 * never replaced. One process at a time writes an output. */
#ifndef BD_CORE_OUTPUT_H
#define BD_CORE_OUTPUT_H

#include "model/core/error.h"

/* What an output holds, told by its first bytes. */
enum bd_output_kind {
    BD_OUTPUT_CHECKPOINT,
    BD_OUTPUT_PROGRAM,
    BD_OUTPUT_JOURNAL, /* of a search or a comparison */
    BD_OUTPUT_LOG,     /* of a training run */
    BD_OUTPUT_ARRAY,   /* .npy */
    BD_OUTPUT_DRAWING, /* SVG */
    BD_OUTPUT_TRACE,   /* FST, which another process writes: a regular file alone */
    BD_OUTPUT_TEXT,    /* any other text */
};

/* BD_BAD_INPUT when `path` is the same file as one of `inputs` (ended by NULL; rows that are "" are skipped), a folder,
 * or a file that may not be replaced. `keep`: NULL where a file of the same kind may be; else how it could be, for the
 * message, as "--force replaces it". An empty file may always be. Nothing is opened for writing. */
bd_status bd_output_check(const char *path, enum bd_output_kind kind, const char *keep, const char *const *inputs,
                          struct bd_error *err) BD_WARN_UNUSED;

/* Whether a write to `path` could begin: BD_INFRA where no file can be made in its folder, or the nearest one that is
 * there of those that would be made for it. For what is written after long work; nothing is left behind. */
bd_status bd_output_try(const char *path, struct bd_error *err) BD_WARN_UNUSED;

/* The file that a write to `path` replaces or makes, links followed; malloc'd. NULL where there is none to replace: a
 * device, a pipe, an open descriptor. */
char *bd_output_target(const char *path);

/* Held while a process writes an output: a flock on "TARGET.lock", which goes away with the process, however it ends.
 * Releasing removes the file; one that a killed process left is taken over. */
struct bd_output_lock {
    int fd; /* -1: not held */
    char *path;
};
#define BD_OUTPUT_UNLOCKED ((struct bd_output_lock){.fd = -1})

/* BD_INFRA when another process holds it, naming that process where the system tells; the folder must be there. What is
 * no regular file needs no lock. */
bd_status bd_output_lock(struct bd_output_lock *lock, const char *path, struct bd_error *err) BD_WARN_UNUSED;
void bd_output_unlock(struct bd_output_lock *lock);

/* Takes a flock on an open file; BD_INFRA, "'path' is in use by process 12 (bitdial)", when another holds it. */
bd_status bd_output_hold(int fd, const char *path, struct bd_error *err) BD_WARN_UNUSED;

#endif

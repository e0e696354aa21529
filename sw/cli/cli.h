/* The subcommands of `bitdial`, and what they share.
 *
 * Each subcommand is one file cmd_<name>.c and one row in main.c's table. argv[0] is the subcommand's name, so that
 * getopt_long works on (argc, argv) as they come. The result is the exit code: a bd_status. What --json prints goes
 * through report.h. */
#ifndef BD_CLI_CLI_H
#define BD_CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>

#include "model/core/error.h"
#include "model/core/file.h"
#include "model/core/version.h"
#include "model/program/hardware.h"

/* Prints "bitdial NAME: MESSAGE" to stderr; returns the exit code. */
int bd_cli_fail(const char *name, const struct bd_error *err);
/* The same for wrong usage, with a pointer to --help; returns 2. */
int bd_cli_usage(const char *name, const char *format, ...) BD_PRINTF(2, 3);
/* Reads an option's integer (decimal or 0x) in min..max; false after printing what is wrong with it. */
bool bd_cli_int(const char *name, const char *option, const char *text, int64_t min, int64_t max, int64_t *value);
/* Reads an option's finite number in min..max; false after printing what is wrong with it. */
bool bd_cli_real(const char *name, const char *option, const char *text, double min, double max, double *value);
/* Reads --memory's LATENCY,INTERVAL,OUTSTANDING; false after printing what is wrong with it. */
bool bd_cli_memory(const char *name, const char *text, struct bd_memory_model *memory);

/* Prints "bitdial NAME: TEXT" to stderr: word about what goes on. */
void bd_cli_notice(void *name, const char *text);
/* Checks the file of `--trace` (NULL: none) against the inputs, and has it name the file that a link leads to: the
 * simulator's writer would replace a link or a device. */
bd_status bd_cli_trace(const char **trace, const char *const *inputs, struct bd_error *err) BD_WARN_UNUSED;
/* bd_npy_write over nothing but an earlier array that is no input. */
bd_status bd_cli_write_array(const char *path, const char *const *inputs, enum bd_npy_type type, int rank,
                             const int64_t *shape, const void *data, struct bd_error *err) BD_WARN_UNUSED;

int cmd_data(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_train(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_curves(int argc, char **argv);
int cmd_compile(int argc, char **argv);
int cmd_eval(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_cost(int argc, char **argv);
int cmd_prune(int argc, char **argv);
/* `bitdial prune --rankings`, which has options of its own. */
int bd_cli_prune_rankings(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_runs(int argc, char **argv);
int cmd_cosim(int argc, char **argv);
int cmd_device(int argc, char **argv);
int cmd_govern(int argc, char **argv);
int cmd_hardware(int argc, char **argv);
int cmd_ask(int argc, char **argv);
int cmd_tell(int argc, char **argv);
int cmd_regress(int argc, char **argv);
int cmd_sweep(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_upset(int argc, char **argv);

#endif

/* `bitdial`: finds the subcommand and hands over. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/core/json.h"
#include "model/core/memory.h"
#include "sw/cli/cli.h"
#include "sw/cli/report.h"

/* One row a subcommand, in the order in which a network passes through them. */
static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"data", cmd_data, "check a data set and print what it holds"},
    {"show", cmd_show, "print a network's layers, shapes, parameters and bytes per switch"},
    {"train", cmd_train, "train a network at several precisions, or fine-tune a checkpoint"},
    {"curves", cmd_curves, "draw loss, accuracy and gradients from training logs"},
    {"compare", cmd_compare, "train a shared network and each of its switches alone, and tell them apart"},
    {"compile", cmd_compile, "fold a trained network to integers and pack it for one hardware configuration"},
    {"inspect", cmd_inspect, "verify a program image and print or extract what it holds"},
    {"eval", cmd_eval, "accuracy in float and in integers, per switch"},
    {"cost", cmd_cost, "clocks, bytes and energy of a program, layer by layer"},
    {"prune", cmd_prune, "search channel counts under a budget of clocks, and fine-tune the best"},
    {"run", cmd_run, "run images through the driver on the reference, the SystemC model or the RTL"},
    {"cosim", cmd_cosim, "compare a device with the reference, every layer and every clock"},
    {"upset", cmd_upset, "flip bits of the running accelerator, and count what becomes of frames"},
    {"device", cmd_device, "look at a device and test it: identity, registers, memory, a self-test"},
    {"runs", cmd_runs, "many small runs of a plan, side by side, that survive being killed"},
    {"regress", cmd_regress, "run a suite of regression tests, and make its failures small"},
    {"sweep", cmd_sweep, "run many designs under constraints, and find those that no other beats"},
    {"report", cmd_report, "one page of what a regression or a sweep came to"},
    {"govern", cmd_govern, "play a day of budgets under the governor, which chooses every frame's switch"},
    {"hardware", cmd_hardware, "check a hardware configuration and print its geometry or RTL parameters"},
    {"ask", cmd_ask, "propose points of any study to measure, by the search that pruning uses"},
    {"tell", cmd_tell, "take the values of such points, and print the best"},
};
#define SPINS "1000"
#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

void bd_cli_notice(void *name, const char *text)
{
    fprintf(stderr, "bitdial %s: %s\n", (const char *)name, text);
}

int bd_cli_fail(const char *name, const struct bd_error *err)
{
    char *message = bd_utf8(err->message);
    fprintf(stderr, "bitdial %s: %s\n", name, message);
    free(message);
    bd_cli_report_error(err);
    return err->status;
}

int bd_cli_usage(const char *name, const char *format, ...)
{
    struct bd_error err;
    va_list arguments;
    va_start(arguments, format);
    char *text = bd_vasprintf(format, arguments);
    va_end(arguments);
    bd_fail(&err, BD_BAD_INPUT, "%s", text);
    free(text);
    bd_cli_fail(name, &err);
    fprintf(stderr, "Try 'bitdial %s --help'.\n", name);
    return BD_BAD_INPUT;
}

bool bd_cli_int(const char *name, const char *option, const char *text, int64_t min, int64_t max, int64_t *value)
{
    char *end;
    errno = 0;
    int base = strncmp(text, "0x", 2) == 0 ? 16 : 10;
    long long read = strtoll(text, &end, base);
    if (errno != 0 || end == text || *end || read < min || read > max) {
        bd_cli_usage(name, "'%s' must be an integer %" PRId64 "..%" PRId64 ", got '%s'", option, min, max, text);
        return false;
    }
    *value = read;
    return true;
}

bool bd_cli_real(const char *name, const char *option, const char *text, double min, double max, double *value)
{
    char *end;
    double read = strtod(text, &end);
    if (end == text || *end || !isfinite(read) || read < min || read > max) {
        bd_cli_usage(name, "'%s' must be a number %g..%g, got '%s'", option, min, max, text);
        return false;
    }
    *value = read;
    return true;
}

bool bd_cli_memory(const char *name, const char *text, struct bd_memory_model *memory)
{
    struct bd_error err;
    if (bd_memory_parse(memory, text, &err)) {
        bd_cli_usage(name, "'--memory' %s", err.message);
        return false;
    }
    return true;
}

static void print_help(FILE *out)
{
    fputs("Usage: bitdial COMMAND [OPTION]...\n"
          "Trains, compiles, prices, prunes and runs networks that change their precision between frames.\n\n",
          out);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
    }
    fputs("\n  --help     print this, or a command's options: bitdial COMMAND --help\n"
          "  --version  print the version\n\n"
          "Exit codes: 0 pass, 1 a check failed, 2 usage or bad input, 3 infrastructure.\n",
          out);
}

/* Text that never reached its reader (a full disk, a closed pipe) is not a pass. */
static int flush_output(int result)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "bitdial: cannot write standard output: %s\n", strerror(errno));
        return result == BD_OK ? BD_INFRA : result;
    }
    return result;
}

/* No file of ours gets the number of a standard stream: one that is closed is opened, so that output to it fails and is
 * noticed, while messages may be lost. A write over the limit of file sizes fails instead of ending the process. */
static bool prepare_process(void)
{
    static const int modes[] = {O_RDONLY, O_RDONLY, O_WRONLY};
    for (int fd = 0; fd < 3; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd) {
            return false;
        }
    }
    return signal(SIGXFSZ, SIG_IGN) != SIG_ERR;
}

/* libgomp's idle threads spin for milliseconds where it takes the machine for its own, which on a machine with other
 * work multiplies processor time and wall time (sw/cli/README.md has the figures). SPINS is what it uses itself where
 * it knows of more threads than processors: microseconds, enough for the short loops. It reads the environment before
 * main begins, so the program starts itself again; what the user set stands. */
static void calm_idle_threads(char **argv)
{
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT") || length < 0) {
        return;
    }
    self[length] = 0; /* the file's own name, for what lists processes */
    if (setenv("GOMP_SPINCOUNT", SPINS, 1) == 0) {
        execv(self, argv); /* returns only where it failed: then the threads spin */
    }
}

int main(int argc, char **argv)
{
    if (!prepare_process()) {
        return BD_INFRA;
    }
    if (argc < 2) {
        print_help(stderr);
        return BD_BAD_INPUT;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return flush_output(BD_OK);
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("bitdial " BD_VERSION);
        return flush_output(BD_OK);
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            calm_idle_threads(argv);
            bd_cli_report_begin(argc - 1, argv + 1);
            int result = flush_output(bd_cli_report_end(commands[i].run(argc - 1, argv + 1)));
            return result;
        }
    }
    struct bd_error err;
    bd_cli_report_begin(argc, argv);
    bd_fail(&err, BD_BAD_INPUT, "unknown command '%s'", argv[1]);
    bd_cli_report_error(&err);
    fprintf(stderr, "bitdial: %s\nTry 'bitdial --help'.\n", err.message);
    return flush_output(bd_cli_report_end(BD_BAD_INPUT));
}

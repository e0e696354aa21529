/* The options of a subcommand as a table: one row each, which says where its value goes and what it may be.
 *
 *     const struct bd_option table[] = {
 *         {"images", .integer = &images, .min = 1, .max = 1000},
 *         {"json", .flag = &json},
 *         {0},
 *     };
 *
 * Just one of text, flag, off, integer, real, choice and take is set. `--help` needs no row. `--options-table` alone
 * prints the rows, for the test that holds the usage text against them. */
#ifndef BD_CLI_OPTIONS_H
#define BD_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "model/core/yaml.h"

struct bd_option {
    const char *name;
    const char **text;
    bool *flag, *off; /* set to true, to false; without a value */
    int64_t *integer, min, max;
    double *real, low, high;
    int *choice;         /* set to the value's place in `choices` */
    const char *choices; /* "one|other": of choice, and of text that may be nothing else */
    /* Takes any other value: true, or false after telling what is wrong with it by bd_cli_usage. */
    bool (*take)(void *context, const char *text);
    void *context;
    char letter; /* the same as -x, or 0 */
};

#define BD_OPTIONS_READ (-1)

/* Reads the options of (argc, argv); what is no option stands from argv[optind] on. BD_OPTIONS_READ, or the exit code:
 * 0 after --help was given and `usage` printed, 2 after a message about a wrong option. */
int bd_cli_options(const char *command, const char *usage, const struct bd_option *table, int argc, char **argv);

/* The keys of a file: name, default, meaning; a map's own below it. */
void bd_cli_print_fields(const struct bd_field *fields, int indent);

#endif

#include "sw/cli/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "model/core/choice.h"
#include "sw/cli/cli.h"
#include "sw/cli/report.h"

#define FIRST 256 /* values from here on are rows; below are letters */

static bool take(const char *command, const struct bd_option *row, const char *value)
{
    char name[64];
    snprintf(name, sizeof name, "--%s", row->name);
    if (row->integer) {
        return bd_cli_int(command, name, value, row->min, row->max, row->integer);
    }
    if (row->real) {
        return bd_cli_real(command, name, value, row->low, row->high, row->real);
    }
    if (row->choices) {
        int found = bd_choice(row->choices, value);
        if (found < 0) {
            bd_cli_usage(command, "'%s' must be one of %s, got '%s'", name, row->choices, value);
            return false;
        }
        if (row->choice) {
            *row->choice = found;
            return true;
        }
    }
    if (row->take) {
        return row->take(row->context, value);
    }
    if (row->text) {
        *row->text = value;
    } else if (row->flag) {
        *row->flag = true;
    } else {
        *row->off = false;
    }
    return true;
}

/* What getopt_long refused: of a letter optopt is that letter, of a name it is 0 or the row that takes no value or
 * lacks one. */
static int complain(const char *command, const struct option *rows, const char *letters, char **argv)
{
    const char *given = argv[optind - 1];
    if (optopt && optopt < FIRST) {
        return strchr(letters, optopt) ? bd_cli_usage(command, "option '-%c' needs a value", optopt)
                                       : bd_cli_usage(command, "there is no option '-%c'", optopt);
    }
    if (optopt) {
        const struct option *row = &rows[optopt - FIRST];
        return bd_cli_usage(command, "option '--%s' %s", row->name, row->has_arg ? "needs a value" : "takes no value");
    }
    int length = (int)strcspn(given, "="), alike = 0;
    for (const struct option *row = rows; row->name; row++) {
        alike += length > 2 && !strncmp(row->name, given + 2, length - 2);
    }
    return bd_cli_usage(command, alike ? "option '%.*s' may mean several" : "there is no option '%.*s'", length, given);
}

/* A line for each option: its letter or -, its name, and VALUE where it takes one. */
static void print_table(const struct bd_option *table, int count)
{
    for (int i = 0; i < count; i++) {
        const struct bd_option *row = &table[i];
        printf("%c --%s%s\n", row->letter ? row->letter : '-', row->name, row->flag || row->off ? "" : " VALUE");
    }
    puts("- --help");
}

int bd_cli_options(const char *command, const char *usage, const struct bd_option *table, int argc, char **argv)
{
    int count = 0;
    bool json = false;
    while (table[count].name) {
        count++;
    }
    struct option rows[count + 2];
    char letters[2 * count + 1];
    memset(rows, 0, sizeof rows);
    memset(letters, 0, sizeof letters);
    for (int i = 0; i < count; i++) {
        const struct bd_option *row = &table[i];
        bool alone = row->flag || row->off;
        rows[i] = (struct option){row->name, alone ? no_argument : required_argument, NULL, FIRST + i};
        if (row->letter) {
            snprintf(letters + strlen(letters), 3, "%c%s", row->letter, alone ? "" : ":");
        }
    }
    rows[count] = (struct option){"help", no_argument, NULL, FIRST + count};
    opterr = 0; /* wrong usage has one way out, which --json goes too */
    if (argc == 2 && !strcmp(argv[1], "--options-table")) {
        print_table(table, count);
        bd_cli_report_wanted(false);
        return BD_OK;
    }
    for (int found; (found = getopt_long(argc, argv, letters, rows, NULL)) != -1;) {
        if (found == '?' || found == ':') {
            return complain(command, rows, letters, argv);
        }
        int row = found - FIRST;
        for (int i = 0; i < count && found < FIRST; i++) {
            row = table[i].letter == found ? i : row;
        }
        if (row == count) {
            fputs(usage, stdout);
            bd_cli_report_wanted(false);
            return BD_OK;
        }
        if (!take(command, &table[row], optarg)) {
            return BD_BAD_INPUT;
        }
        json = json || !strcmp(table[row].name, "json");
    }
    bd_cli_report_wanted(json);
    return BD_OPTIONS_READ;
}

void bd_cli_print_fields(const struct bd_field *fields, int indent)
{
    for (const struct bd_field *f = fields; f->name; f++) {
        const char *fallback = f->type == BD_FIELD_MAP ? ""
                               : !f->fallback          ? "required"
                               : *f->fallback          ? f->fallback
                                                       : "-";
        printf("  %*s%-*s %-14s %s%s%s\n", indent, "", 14 - indent, f->name, fallback, f->help, f->choices ? ": " : "",
               f->choices ? f->choices : "");
        if (f->fields) {
            bd_cli_print_fields(f->fields, indent + 2);
        }
    }
}

/* What `--json` prints: one object, by one function, when the command ends.
 *
 * A command that is asked for JSON hands its report to bd_cli_report and prints nothing on stdout itself. On a failure
 * the object has, beside what the report holds, an "error": {"exit_code", "message"} and where the input that caused it
 * is known "file" with "line" and "column", or "byte" (from 0). The output is always valid UTF-8 (model/core/json.h).
 */
#ifndef BD_CLI_REPORT_H
#define BD_CLI_REPORT_H

#include <jansson.h>
#include <stdbool.h>

#include "model/core/error.h"

/* Before options are read: JSON is wanted where --json is among the arguments, so that wrong usage is told in it. */
void bd_cli_report_begin(int argc, char **argv);
/* After they were read: whether the command was asked for JSON. */
void bd_cli_report_wanted(bool wanted);
/* Takes the report (a reference); NULL, which is what jansson makes of text or numbers that JSON cannot have, ends the
 * command with exit code 3. */
void bd_cli_report(json_t *object);
/* Notes why the command fails; the first note stays. */
void bd_cli_report_error(const struct bd_error *err);
/* Prints, once, and returns the exit code, which is `code` unless the report could not be written as JSON. */
int bd_cli_report_end(int code);

#endif

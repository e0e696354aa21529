/* Results as JUnit XML, as CSV and as Markdown. */
#include <string.h>

#include "sw/regress/results.h"

static bool is_state(const json_t *point, const char *state)
{
    return strcmp(bd_results_text(point, "state"), state) == 0;
}

/* ---- JUnit -------------------------------------------------------------------------------------------------- */

static void attribute(FILE *out, const char *name, const char *value)
{
    fprintf(out, " %s=\"", name);
    bd_results_escape(out, value);
    fputc('"', out);
}

/* What failed is a failure, what could not be run an error. */
static void junit_point(FILE *out, const json_t *document, const json_t *test, const json_t *point)
{
    fputs("    <testcase", out);
    fputs(" classname=\"", out);
    bd_results_escape(out, bd_results_text(document, "suite"));
    fputc('.', out);
    bd_results_escape(out, bd_results_text(test, "name"));
    fputc('"', out);
    attribute(out, "name", bd_results_text(point, "name"));
    fprintf(out, " time=\"%.3f\">", bd_results_number(point, "seconds"));
    if (is_state(point, "queued") || is_state(point, "running")) {
        fputs("<skipped/>", out);
    } else if (!is_state(point, "done")) {
        const char *element = is_state(point, "infrastructure") ? "error" : "failure";
        fprintf(out, "<%s", element);
        attribute(out, "message", bd_results_text(point, "cause"));
        attribute(out, "type", bd_results_text(point, "state"));
        fputs(">repeat: ", out);
        const json_t *failure = json_object_get(point, "failure");
        bd_results_escape(out, bd_results_text(failure ? failure : point, "repeat"));
        if (*bd_results_text(failure, "case_repeat")) {
            fputs("\nsmallest: ", out);
            bd_results_escape(out, bd_results_text(failure, "case_repeat"));
        }
        fprintf(out, "</%s>", element);
    }
    fputs("</testcase>\n", out);
}

struct junit_counts {
    size_t tests, failures, errors, skipped;
};

static void count_point(struct junit_counts *counts, const json_t *point)
{
    counts->tests++;
    counts->failures += is_state(point, "failed") || is_state(point, "timed_out");
    counts->errors += is_state(point, "infrastructure");
    counts->skipped += is_state(point, "queued") || is_state(point, "running");
}

static void junit_counts(FILE *out, const json_t *object, const struct junit_counts *counts)
{
    fprintf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" time=\"%.3f\">\n", counts->tests,
            counts->failures, counts->errors, counts->skipped, bd_results_number(object, "seconds"));
}

void bd_results_junit(FILE *out, const json_t *document)
{
    const json_t *test, *point;
    struct junit_counts all = {0};
    size_t t, p;
    json_array_foreach(json_object_get(document, "tests"), t, test)
    {
        json_array_foreach(json_object_get(test, "points"), p, point)
        {
            count_point(&all, point);
        }
    }
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites", out);
    attribute(out, "name", bd_results_text(document, "suite"));
    junit_counts(out, document, &all);
    json_array_foreach(json_object_get(document, "tests"), t, test)
    {
        struct junit_counts counts = {0};
        json_array_foreach(json_object_get(test, "points"), p, point)
        {
            count_point(&counts, point);
        }
        fputs("  <testsuite", out);
        attribute(out, "name", bd_results_text(test, "name"));
        junit_counts(out, test, &counts);
        fputs("    <properties><property name=\"kind\"", out);
        attribute(out, "value", bd_results_text(test, "kind"));
        fprintf(out, "/><property name=\"seed\" value=\"%.0f\"/><property name=\"rtl\"",
                bd_results_number(document, "seed"));
        attribute(out, "value", bd_results_text(document, "rtl"));
        fputs("/></properties>\n", out);
        json_array_foreach(json_object_get(test, "points"), p, point)
        {
            junit_point(out, document, test, point);
        }
        fputs("  </testsuite>\n", out);
    }
    fputs("</testsuites>\n", out);
}

/* ---- CSV (RFC 4180) ----------------------------------------------------------------------------------------- */

static void cell(FILE *out, const char *text, char end)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fprintf(out, "\"%c", end);
}

void bd_results_csv(FILE *out, const json_t *document)
{
    const json_t *test, *point;
    size_t t, p;
    fputs("suite,test,kind,point,hardware,state,seconds,cpu_s,peak_mib,cause,repeat\n", out);
    json_array_foreach(json_object_get(document, "tests"), t, test)
    {
        json_array_foreach(json_object_get(test, "points"), p, point)
        {
            cell(out, bd_results_text(document, "suite"), ',');
            cell(out, bd_results_text(test, "name"), ',');
            cell(out, bd_results_text(test, "kind"), ',');
            cell(out, bd_results_text(point, "name"), ',');
            cell(out, bd_results_text(point, "hardware"), ',');
            cell(out, bd_results_text(point, "state"), ',');
            fprintf(out, "%.3f,%.3f,%.1f,", bd_results_number(point, "seconds"), bd_results_number(point, "cpu_s"),
                    bd_results_number(point, "peak_mib"));
            cell(out, bd_results_text(point, "cause"), ',');
            cell(out, bd_results_text(point, "repeat"), '\n');
        }
    }
}

/* ---- Markdown ----------------------------------------------------------------------------------------------- */

/* In a table, where a bar would end the cell and a line end the row. */
static void markdown(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("|\\`*_<>[]", *text))
            fputc('\\', out);
        fputc(*text == '\n' ? ' ' : *text, out);
    }
}

static void code_block(FILE *out, const char *text)
{
    fprintf(out, "\n    %s\n", text);
}

static void markdown_failure(FILE *out, const json_t *point)
{
    const json_t *failure = json_object_get(point, "failure");
    fputs("\n### ", out);
    markdown(out, bd_results_text(point, "name"));
    fprintf(out, "\n%s: ", bd_results_text(point, "state"));
    markdown(out,
             bd_results_text(failure, "text")[0] ? bd_results_text(failure, "text") : bd_results_text(point, "cause"));
    fputc('\n', out);
    code_block(out, bd_results_text(failure ? failure : point, "repeat"));
    if (*bd_results_text(failure, "case_repeat"))
        code_block(out, bd_results_text(failure, "case_repeat"));
    if (*bd_results_text(failure, "view_line"))
        code_block(out, bd_results_text(failure, "view_line"));
}

static void markdown_places(FILE *out, const json_t *places)
{
    const json_t *row, *holes = json_object_get(places, "holes");
    size_t i;
    fputs("\n## Coverage of the RTL\n\n| | places | covered | waived | % of those not waived | goal |\n"
          "|---|---|---|---|---|---|\n",
          out);
    json_array_foreach(json_object_get(places, "kinds"), i, row)
    {
        fprintf(out, "| %s | %.0f | %.0f | %.0f | %.1f | %.0f |\n", bd_results_text(row, "kind"),
                bd_results_number(row, "places"), bd_results_number(row, "covered"), bd_results_number(row, "waived"),
                bd_results_number(row, "percent"), bd_results_number(row, "goal"));
    }
    json_array_foreach((json_t *)holes, i, row)
    {
        fprintf(out, "%s- %s %s:%.0f ", i ? "" : "\nHoles:\n\n", bd_results_text(row, "kind"),
                bd_results_text(row, "file"), bd_results_number(row, "line"));
        markdown(out, bd_results_text(row, "name"));
        fputs(": ", out);
        markdown(out, bd_results_text(row, "text"));
        fputc('\n', out);
    }
    json_array_foreach(json_object_get(places, "stale"), i, row)
    {
        fputs("\nStale: ", out);
        markdown(out, json_string_value(row));
        fputc('\n', out);
    }
}

void bd_results_markdown(FILE *out, const json_t *document)
{
    const json_t *counts = json_object_get(document, "counts"), *test, *point;
    size_t t, p;
    fputs("# ", out);
    markdown(out, bd_results_text(document, "suite"));
    fprintf(out,
            "\n\n%.0f points by seed %.0f on RTL %s: %.0f passed, %.0f failed, %.0f timed out, %.0f met the "
            "infrastructure, %.0f "
            "not run.\n\n| test | kind | passed | of | s |\n|---|---|---|---|---|\n",
            bd_results_number(counts, "total"), bd_results_number(document, "seed"), bd_results_text(document, "rtl"),
            bd_results_number(counts, "done"), bd_results_number(counts, "failed"),
            bd_results_number(counts, "timed_out"), bd_results_number(counts, "infrastructure"),
            bd_results_number(counts, "queued"));
    json_array_foreach(json_object_get(document, "tests"), t, test)
    {
        size_t done = 0;
        json_array_foreach(json_object_get(test, "points"), p, point)
        {
            done += is_state(point, "done");
        }
        fputs("| ", out);
        markdown(out, bd_results_text(test, "name"));
        fprintf(out, " | %s | %zu | %zu | %.1f |\n", bd_results_text(test, "kind"), done,
                json_array_size(json_object_get(test, "points")), bd_results_number(test, "seconds"));
    }
    json_array_foreach(json_object_get(document, "tests"), t, test)
    {
        json_array_foreach(json_object_get(test, "points"), p, point)
        {
            if (!is_state(point, "done") && !is_state(point, "queued") && !is_state(point, "running"))
                markdown_failure(out, point);
        }
    }
    if (json_object_get(document, "places"))
        markdown_places(out, json_object_get(document, "places"));
}

/* Results in their forms, of a document with everything in it that XML, CSV, Markdown and HTML would read as theirs. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sw/regress/results.h"

#define EVIL "<script>alert(\\\"1\\\")</script> & 'x' | `rm` \\u0007 a,b\\nc"

static json_t *document(void)
{
    json_error_t why;
    json_t *d = json_loads(
        "{\"suite\": \"" EVIL "\", \"title\": \"" EVIL
        "\", \"seed\": 5, \"version\": \"1\", \"run\": 2, \"seconds\": 7.5, "
        "\"counts\": {\"total\": 4, \"done\": 1, \"failed\": 1, \"timed_out\": 0, \"infrastructure\": 1, \"queued\": "
        "1}, "
        "\"history\": [{\"run\": 1, \"total\": 4, \"failed\": 3, \"seconds\": 2}, {\"run\": 2, \"total\": 4, "
        "\"failed\": 2, "
        "\"seconds\": 3}], \"tests\": [{\"name\": \"" EVIL
        "\", \"kind\": \"random\", \"state\": \"failed\", \"seconds\": 7.5, "
        "\"points\": [{\"name\": \"a.0\", \"hardware\": null, \"state\": \"done\", \"cause\": \"\", \"repeat\": "
        "\"true\", "
        "\"seconds\": 1.5}, {\"name\": \"a.1\", \"hardware\": \"h\", \"state\": \"failed\", \"cause\": \"" EVIL
        "\", \"repeat\": "
        "\"" EVIL "\", \"seconds\": 6, \"failure\": {\"text\": \"" EVIL
        "\", \"layer\": \"conv1\", \"repeat\": \"again\", "
        "\"view\": \"t.gtkw\", \"case\": \"c.yaml\", \"case_repeat\": \"smaller\", \"layers\": 2, \"height\": 3, "
        "\"width\": 4, "
        "\"channels\": 1}}, {\"name\": \"a.2\", \"state\": \"infrastructure\", \"cause\": \"no disk\", \"repeat\": "
        "\"r\"}, "
        "{\"name\": \"a.3\", \"state\": \"queued\"}]}]}",
        0, &why);
    cr_assert(d, "%s", why.text);
    return d;
}

static char *written(void (*write)(FILE *out, const json_t *d))
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    json_t *d = document();
    write(out, d);
    json_decref(d);
    fclose(out);
    return text;
}

static int count(const char *text, const char *part)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
        n++;
    return n;
}

Test(results, junit_escapes_and_counts)
{
    char *text = written(bd_results_junit);
    cr_assert(strstr(text, "tests=\"4\" failures=\"1\" errors=\"1\" skipped=\"1\" time=\"7.500\""), "%s", text);
    cr_assert_eq(count(text, "<testcase "), 4);
    cr_assert_eq(count(text, "<failure "), 1);
    cr_assert_eq(count(text, "<error "), 1);
    cr_assert_eq(count(text, "<skipped/>"), 1);
    cr_assert_not(strstr(text, "<script"));
    cr_assert_not(strchr(text, '\7'), "XML cannot hold control characters");
    cr_assert(strstr(text, "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;"), "%s", text);
    cr_assert(strstr(text, "repeat: again\nsmallest: smaller"));
    free(text);
}

Test(results, html_escapes_and_loads_nothing)
{
    char *text = written(bd_results_html);
    cr_assert_not(strstr(text, "<script"), "%s", text);
    cr_assert_not(strstr(text, "http"));
    cr_assert_not(strstr(text, "url("));
    cr_assert(strstr(text, "href=\"#f0-1\"") && strstr(text, "id=\"f0-1\""));
    cr_assert(strstr(text, "prefers-color-scheme:dark") && strstr(text, "@media print"));
    cr_assert_eq(count(text, "class=\"failure\" id="), 2, "%s", text);
    cr_assert_lt(strstr(text, ">Failures<"), strstr(text, ">Tests<"), "failures come first");
    cr_assert_eq(count(text, "<rect class=\"run\""), 2);
    free(text);
}

/* By a reader of RFC 4180 of its own: five rows of eleven cells each. */
Test(results, csv_has_its_cells)
{
    char *text = written(bd_results_csv);
    int cells = 1, rows = 0;
    bool quoted = false;
    for (const char *c = text; *c; c++) {
        if (*c == '"') {
            quoted = !quoted;
        } else if (*c == ',' && !quoted) {
            cells++;
        } else if (*c == '\n' && !quoted) {
            cr_assert_eq(cells, 11, "row %d has %d cells", rows, cells);
            cells = 1;
            rows++;
        }
    }
    cr_assert_not(quoted);
    cr_assert_eq(rows, 5);
    free(text);
}

Test(results, markdown_keeps_its_tables)
{
    char *text = written(bd_results_markdown);
    cr_assert_not(strstr(text, "<script>"), "%s", text);
    char *row = strstr(text, "|---|\n| ");
    cr_assert(row);
    row += 6;
    int bars = 0;
    for (const char *c = row; *c != '\n'; c++)
        bars += *c == '|' && c[-1] != '\\';
    cr_assert_eq(bars, 6, "%s", text);
    free(text);
}

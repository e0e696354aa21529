#include "sw/page/page.h"

#include <stdlib.h>

#include "model/core/file.h"

static const char style[] =
    ":root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--soft:#57606a;--line:#d0d7de;--panel:#f6f8fa;--good:#1a7f37;"
    "--bad:#cf222e;--wait:#9a6700;--idle:#8c959f;--bar:#0969da}\n"
    "@media(prefers-color-scheme:dark){:root{--bg:#0d1117;--fg:#e6edf3;--soft:#9198a1;--line:#30363d;--panel:#161b22;"
    "--good:#3fb950;--bad:#f85149;--wait:#d29922;--idle:#6e7681;--bar:#4493f8}}\n"
    "*{box-sizing:border-box}body{margin:0 auto;max-width:72rem;padding:1.5rem;background:var(--bg);color:var(--fg);"
    "font:16px/1.5 system-ui,sans-serif}h1{margin:0 0 .2rem}h2{margin:2rem 0 .6rem;border-bottom:1px solid var(--line)}"
    "h3{margin:0;font-size:1rem;overflow-wrap:anywhere}p{margin:.3rem 0}.soft{color:var(--soft)}\n"
    "table{border-collapse:collapse;width:100%}th,td{padding:.3rem .6rem;border-bottom:1px solid var(--line);"
    "text-align:left;vertical-align:top}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:"
    "nowrap}\n"
    "pre{margin:.4rem 0;padding:.5rem .7rem;background:var(--panel);border:1px solid var(--line);border-radius:4px;"
    "white-space:pre-wrap;overflow-wrap:anywhere;font:14px/1.4 ui-monospace,monospace}\n"
    ".tiles{display:flex;flex-wrap:wrap;gap:.8rem;margin:1rem 0}.tile{min-width:8rem;padding:.6rem 1rem;"
    "background:var(--panel);border:1px solid var(--line);border-radius:6px}.tile b{display:block;font-size:1.6rem;"
    "line-height:1.2}.good{color:var(--good)}.bad{color:var(--bad)}.wait{color:var(--wait)}.idle{color:var(--idle)}\n"
    ".failure{margin:.8rem 0;padding:.8rem 1rem;border:1px solid var(--line);border-left:4px solid var(--bad);"
    "border-radius:4px}.cells{display:flex;flex-wrap:wrap;gap:3px}.cell{display:block;width:1.25rem;height:1.25rem;"
    "border-radius:3px;color:#fff;font:700 .8rem/1.25rem system-ui,sans-serif;text-align:center;text-decoration:none}"
    ".cell.good{background:var(--good)}.cell.bad{background:var(--bad)}.cell.wait{background:var(--wait)}"
    ".cell.idle{background:var(--idle)}.cell{color:#fff}\n"
    ".bar{height:.9rem;min-width:2px;background:var(--bar);border-radius:2px}svg text{fill:var(--soft);font-size:11px}"
    "svg .run{fill:var(--good)}svg .fails{fill:var(--bad)}svg .axis{stroke:var(--line)}\n"
    "@media print{:root{--bg:#fff;--fg:#000;--soft:#444;--panel:#fff;--line:#999}body{max-width:none;padding:0;"
    "font-size:11pt}.failure,tr{break-inside:avoid}h2{break-after:avoid}"
    ".cell,.bar,svg{print-color-adjust:exact;-webkit-print-color-adjust:exact}}\n";

const char *bd_page_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

double bd_page_number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

void bd_page_escape(FILE *out, const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        switch (*c) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\'':
            fputs("&#39;", out);
            break;
        default:
            if (*c < ' ' && *c != '\n' && *c != '\t')
                fprintf(out, "\\x%02x", *c);
            else
                fputc(*c, out);
        }
    }
}

void bd_page_element(FILE *out, const char *open, const char *content, const char *close)
{
    fputs(open, out);
    bd_page_escape(out, content);
    fputs(close, out);
}

void bd_page_seconds(FILE *out, double s)
{
    fprintf(out, s < 60 ? "%.1f s" : s < 7200 ? "%.1f min" : "%.1f h", s < 60 ? s : s < 7200 ? s / 60 : s / 3600);
}

void bd_page_tile(FILE *out, const char *class, double number, const char *word)
{
    fprintf(out, "<div class=\"tile\"><b class=\"%s\">%.0f</b>%s</div>\n", number > 0 ? class : "soft", number, word);
}

void bd_page_begin(FILE *out, const char *title, const char *more_style)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
          out);
    bd_page_escape(out, title);
    fprintf(out, "</title>\n<style>\n%s%s</style>\n</head>\n<body>\n", style, more_style);
}

void bd_page_end(FILE *out)
{
    fputs("</body>\n</html>\n", out);
}

bd_status bd_page_save(const char *path, void (*write)(FILE *out, const json_t *document), const json_t *document,
                       struct bd_error *err)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return bd_fail(err, BD_INFRA, "cannot write '%s': out of memory", path);
    write(out, document);
    const bool whole = !ferror(out);
    bd_status status = fclose(out) == 0 && whole ? bd_file_write(path, text, size, err)
                                                 : bd_fail(err, BD_INFRA, "cannot write '%s': out of memory", path);
    free(text);
    return status;
}

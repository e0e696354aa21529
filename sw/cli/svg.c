#include "sw/cli/svg.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"

void bd_svg_begin(FILE *out, int width, int height)
{
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" "
            "font-size=\"11\">\n<style>.grid{stroke:#ddd;fill:none}</style>\n<rect width=\"%d\" height=\"%d\" "
            "fill=\"white\"/>\n",
            width, height, width, height);
}

void bd_svg_text(FILE *out, double x, double y, const char *anchor, const char *color, const char *what)
{
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" fill=\"%s\">", x, y, anchor, color);
    for (const char *c = what; *c; c++) { /* names come from files */
        fputs(*c == '<' ? "&lt;" : *c == '&' ? "&amp;" : (unsigned char)*c < ' ' ? "?" : (char[]){*c, 0}, out);
    }
    fputs("</text>\n", out);
}

double bd_svg_step(double range, int parts)
{
    const double rough = range / parts, power = pow(10, floor(log10(rough))), part = rough / power;
    return power * (part > 5 ? 10 : part > 2 ? 5 : part > 1 ? 2 : 1);
}

bd_status bd_svg_write(const char *path, void (*draw)(FILE *out, const void *context), const void *context,
                       struct bd_error *err)
{
    char *svg = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&svg, &size);
    if (!out) {
        return bd_fail(err, BD_INFRA, "cannot draw '%s': %s", path, strerror(errno));
    }
    draw(out, context);
    bd_status status = fclose(out) ? bd_fail(err, BD_INFRA, "cannot draw '%s': %s", path, strerror(errno)) : BD_OK;
    status = status ? status : bd_file_write(path, svg, size, err);
    free(svg);
    return status;
}

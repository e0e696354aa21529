/* What the hand-made drawings share: SVG as text. */
#ifndef BD_CLI_SVG_H
#define BD_CLI_SVG_H

#include <stdio.h>

#include "model/core/error.h"

/* The head: a white page of so many pixels, class "grid" for thin lines. The caller ends it with </svg>. */
void bd_svg_begin(FILE *out, int width, int height);
/* anchor: "start", "middle", "end"; what is written may come from files. */
void bd_svg_text(FILE *out, double x, double y, const char *anchor, const char *color, const char *what);
/* A step of 1, 2 or 5 times a power of ten that divides `range` into about `parts`. */
double bd_svg_step(double range, int parts);
/* Writes what `draw` draws, as a whole. */
bd_status bd_svg_write(const char *path, void (*draw)(FILE *out, const void *context), const void *context,
                       struct bd_error *err) BD_WARN_UNUSED;

#endif

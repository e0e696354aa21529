/* A day under a governor as a picture (SVG, nothing but shapes and text). */
#ifndef BD_GOVERN_PICTURE_H
#define BD_GOVERN_PICTURE_H

#include "sw/govern/day.h"
#include "sw/govern/optimum.h"

/* From the top down: which part of the frames ran at which switch (names, count), the buckets' levels, accuracy of the
 * governor beside that of the best schedule. Text that is malloc'd. */
char *bd_day_picture(const char *title, const struct bd_trace *trace, const struct bd_day_options *options,
                     const char *const *names, const struct bd_day *day, const struct bd_optimum_row *best);

#endif

/* The order in which frames change the switch. */
#ifndef BD_SESSION_SCHEDULE_H
#define BD_SESSION_SCHEDULE_H

#include "model/program/program.h"

/* Switch indices of "w1a8,w1a1,..."; NULL: all of the program, in its order. *schedule is malloc'd. */
bd_status bd_schedule_parse(const struct bd_program *program, const char *text, unsigned **schedule, unsigned *length,
                            struct bd_error *err) BD_WARN_UNUSED;

#endif

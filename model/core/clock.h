/* Time, for rates and progress; nothing that is computed depends on it. */
#ifndef BD_CORE_CLOCK_H
#define BD_CORE_CLOCK_H

#include <time.h>

/* Seconds that `clock` (clock_gettime(2): CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, ...) stands at. */
double bd_seconds(clockid_t clock);

#endif

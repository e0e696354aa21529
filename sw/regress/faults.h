/* The table of planted faults: each with the run that must find it and what must be said of it. */
#ifndef BD_REGRESS_FAULTS_H
#define BD_REGRESS_FAULTS_H

#include <stddef.h>
#include <stdint.h>

#include "model/core/error.h"

struct bd_fault {
    char *name;     /* of the point, and in the report */
    int64_t number; /* of hw/bitdial_fault.svh; 0: none in the RTL */
    char *unit;     /* where it is planted */
    char *expect;   /* words of sim/bench/caught.sh: KEY=VALUE of the first failure */
    char *bench;    /* options of the bench */
    char *about;
};

struct bd_fault_table {
    char *hardware;
    struct bd_fault *faults; /* owned */
    size_t count;
};

bd_status bd_faults_load(struct bd_fault_table *table, const char *path, struct bd_error *err) BD_WARN_UNUSED;
void bd_faults_release(struct bd_fault_table *table);

#endif

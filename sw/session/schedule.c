#include "sw/session/schedule.h"

#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"

bd_status bd_schedule_parse(const struct bd_program *program, const char *text, unsigned **schedule, unsigned *length,
                            struct bd_error *err)
{
    unsigned count = 1;
    for (const char *c = text; c && *c; c++) {
        count += *c == ',';
    }
    *length = text ? count : program->header->switch_count;
    *schedule = bd_xcalloc(*length, sizeof **schedule);
    for (unsigned i = 0; i < *length; i++) {
        if (!text) {
            (*schedule)[i] = i;
            continue;
        }
        size_t size = strcspn(text, ",");
        char *name = bd_xstrndup(text, size);
        int index = bd_program_switch(program, name);
        if (index < 0) {
            bd_fail(err, BD_BAD_INPUT, "network '%s' has no switch '%s'", program->header->network, name);
            free(name);
            free(*schedule);
            *schedule = NULL;
            return BD_BAD_INPUT;
        }
        free(name);
        (*schedule)[i] = (unsigned)index;
        text += size + (text[size] == ',');
    }
    return BD_OK;
}

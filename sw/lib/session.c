/* A program on a device. */
#include <stdlib.h>

#include "model/core/memory.h"
#include "sw/lib/api.h"
#include "sw/session/session.h"

struct bitdial_session {
    struct bd_session session;
    const struct bd_program *program; /* loaded; NULL before */
    int switch_index;
};

bitdial_status bitdial_session_open(const char *device, const char *hardware_path, struct bitdial_session **session,
                                    struct bitdial_error *err)
{
    struct bd_error here;
    struct bitdial_session *made = bd_xcalloc(1, sizeof *made);
    const struct bd_session_options options = {.device = device, .hardware_path = hardware_path, .shared = true};
    bd_status status = bd_session_open(&made->session, &options, &here);
    if (status) {
        free(made);
        return bd_api_give(status, &here, err);
    }
    *session = made;
    return BITDIAL_OK;
}

void bitdial_session_close(struct bitdial_session *session)
{
    if (session) {
        struct bd_error ignored; /* the results are out; a device that does not end well is ended by force */
        (void)!bd_session_close(&session->session, &ignored);
        free(session);
    }
}

bitdial_status bitdial_session_load(struct bitdial_session *session, const struct bitdial_program *program,
                                    struct bitdial_error *err)
{
    struct bd_error here;
    session->program = NULL;
    bd_status status = bd_session_load(&session->session, &program->program, &here);
    if (!status) {
        session->program = &program->program;
        session->switch_index = 0;
    }
    return bd_api_give(status, &here, err);
}

static bitdial_status check_loaded(const struct bitdial_session *session, struct bitdial_error *err)
{
    return session->program ? BITDIAL_OK : bd_api_fail(err, BITDIAL_BAD_INPUT, "no program is loaded on this device");
}

bitdial_status bitdial_session_set_switch(struct bitdial_session *session, int switch_index, struct bitdial_error *err)
{
    if (check_loaded(session, err) ||
        bd_api_check_switch(switch_index, (int)session->program->header->switch_count, err)) {
        return err->status;
    }
    session->switch_index = switch_index;
    return BITDIAL_OK;
}

bitdial_status bitdial_session_run(struct bitdial_session *session, const uint8_t *image, int32_t *logits,
                                   uint64_t *clocks, struct bitdial_error *err)
{
    if (check_loaded(session, err)) {
        return err->status;
    }
    struct bd_error here;
    struct bd_statistics statistics;
    bd_status status = bd_session_start(&session->session, 0, (unsigned)session->switch_index, image, &here);
    status = status ? status : bd_session_finish(&session->session, 0, logits, &here);
    if (!status && clocks) {
        status = bd_session_statistics(&session->session, &statistics, &here);
        *clocks = status ? *clocks : statistics.frame_cycles;
    }
    return bd_api_give(status, &here, err);
}

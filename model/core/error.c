#include "model/core/error.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bd_status bd_fail(struct bd_error *err, bd_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(err->message, sizeof err->message, format, arguments);
    va_end(arguments);
    err->status = status;
    err->file[0] = 0;
    err->line = err->column = 0;
    err->byte = -1;
    return status;
}

bd_status bd_fail_byte(struct bd_error *err, const char *file, uint64_t byte, const char *format, ...)
{
    bd_fail(err, BD_BAD_INPUT, "%s: offset %" PRIu64 ": ", file, byte);
    va_list arguments;
    va_start(arguments, format);
    size_t used = strlen(err->message);
    vsnprintf(err->message + used, sizeof err->message - used, format, arguments);
    va_end(arguments);
    return bd_fail_at(err, file, 0, 0, (int64_t)byte);
}

bd_status bd_fail_at(struct bd_error *err, const char *file, int64_t line, int64_t column, int64_t byte)
{
    snprintf(err->file, sizeof err->file, "%s", file);
    err->line = line;
    err->column = column;
    err->byte = byte;
    return err->status;
}

bd_status bd_fail_prefix(struct bd_error *err, const char *format, ...)
{
    char old[sizeof err->message];
    memcpy(old, err->message, sizeof old);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(err->message, sizeof err->message, format, arguments);
    va_end(arguments);
    size_t used = strlen(err->message);
    snprintf(err->message + used, sizeof err->message - used, ": %s", old);
    return err->status;
}

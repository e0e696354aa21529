#include "sw/cli/device_options.h"

#include "sw/cli/cli.h"

bool bd_cli_take_device(void *device, const char *text)
{
    const struct bd_cli_device *d = device;
    struct bd_device_name name;
    struct bd_error err;
    if (bd_device_name_parse(text, &name, &err) != BD_OK) {
        return !bd_cli_usage(d->command, "'--device' must be %s, got '%s'", BD_DEVICE_NAMES, text);
    }
    *d->text = text;
    return true;
}

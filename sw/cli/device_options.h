/* The option --device, one spelling for every command. */
#ifndef BD_CLI_DEVICE_OPTIONS_H
#define BD_CLI_DEVICE_OPTIONS_H

#include "sw/session/device_name.h"

#define BD_DEVICE_USAGE(default)                                                                                       \
    "  --device NAME       ref: the reference in this process; tlm: SystemC with reference arithmetic and modelled\n"  \
    "                      clocks; rtl: SystemC with the Verilated RTL; serial:PATH[@BAUD]: a board at a serial\n"     \
    "                      line (115200 baud); uio:PATH[,MEMORY]: one in this machine's own chip (default " default ")\n"

struct bd_cli_device {
    const char *command, **text;
};

/* Row of the option table; `d` is a struct bd_cli_device *. */
#define BD_DEVICE_ROW(d)                                                                                               \
    {                                                                                                                  \
        "device", .take = bd_cli_take_device, .context = (d)                                                           \
    }

bool bd_cli_take_device(void *device, const char *text);

#endif

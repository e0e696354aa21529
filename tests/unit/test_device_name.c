/* How devices are spelled. */
#include <criterion/criterion.h>
#include <string.h>

#include "sw/session/device_name.h"

Test(device_name, every_spelling)
{
    static const struct {
        const char *text;
        enum bd_device_kind kind;
        const char *path, *memory;
        uint32_t baud;
    } good[] = {
        {"ref", BD_KIND_REF, "", "", 0},
        {"tlm", BD_KIND_TLM, "", "", 0},
        {"rtl", BD_KIND_RTL, "", "", 0},
        {"serial:/dev/ttyUSB0", BD_KIND_SERIAL, "/dev/ttyUSB0", "", 115200},
        {"serial:/dev/ttyUSB0@3000000", BD_KIND_SERIAL, "/dev/ttyUSB0", "", 3000000},
        {"serial:a b", BD_KIND_SERIAL, "a b", "", 115200},
        {"uio:/dev/uio0", BD_KIND_UIO, "/dev/uio0", "", 0},
        {"uio:/dev/uio0,/dev/udmabuf1", BD_KIND_UIO, "/dev/uio0", "/dev/udmabuf1", 0},
    };
    struct bd_device_name name;
    struct bd_error err;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        cr_assert_eq(bd_device_name_parse(good[i].text, &name, &err), BD_OK, "%s", good[i].text);
        cr_assert(name.kind == good[i].kind && name.baud == good[i].baud, "%s", good[i].text);
        cr_assert_str_eq(name.path, good[i].path);
        cr_assert_str_eq(name.memory, good[i].memory);
        cr_assert_eq(bd_device_is_board(&name), good[i].kind >= BD_KIND_SERIAL);
    }
    char longest[400] = "serial:";
    memset(longest + 7, 'x', 300);
    const char *const bad[] = {"",          "fpga",        "REF",         "serial",      "serial:", "serial:@9600",
                               "serial:a@", "serial:a@-1", "serial:a@1x", "serial:a@99", "uio:",    "uio:,b",
                               "uio:a,",    longest,       "ref:",        "rtl "};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_assert_eq(bd_device_name_parse(bad[i], &name, &err), BD_BAD_INPUT, "'%s' is taken", bad[i]);
        cr_assert(strstr(err.message, "it is ref, tlm, rtl, serial:PATH"), "%s", err.message);
    }
}

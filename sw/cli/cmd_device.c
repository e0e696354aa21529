/* `bitdial device`: looks at a device, and tests it, without a network. */
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/core/file.h"
#include "model/core/json.h"
#include "model/core/memory.h"
#include "sw/bringup/registers.h"
#include "sw/bringup/selftest.h"
#include "sw/cli/cli.h"
#include "sw/cli/cmd_device.h"
#include "sw/cli/options.h"
#include "sw/cli/report.h"
#include "sw/driver/bitdial_regs.h"

static const char usage[] =
    "Usage: bitdial device WHAT [ARGUMENT]... [OPTION]...\n"
    "Looks at a device: one that is being brought up, or a simulated one. WHAT is one of\n\n"
    "  id                    who it is: identity, geometry, capabilities\n"
    "  selftest              ten steps from the wire to whole frames; says what is likely to be wrong when one fails.\n"
    "                        Overwrites the device's memory\n"
    "  regs                  every register by name and field; what acts when it is accessed is left out\n"
    "  read REGISTER         one register, by name or offset\n"
    "  write REGISTER VALUE  the same, written\n"
    "  mem ADDRESS [SIZE]    bytes of the device's memory (64); to --output FILE, or from --write FILE\n"
    "  counters              clocks of the frame that was acknowledged last, by kind\n"
    "  watch                 state and counters, again and again\n\n" BD_DEVICE_USAGE(
        "ref") "  --hardware HW.yaml  configuration: a simulated device needs one; of a board it says what clocks to "
               "expect\n"
               "  --timeout MS        longest silence of a board (default: 10000)\n"
               "  --interval MS       between two looks of watch (default: 1000)\n"
               "  --count N           looks of watch (default: 10)\n"
               "  --output FILE       mem: write the bytes to FILE\n"
               "  --write FILE        mem: write FILE's bytes to the memory\n"
               "  --record FILE       id: the record of 'make fpga' that the device must be the build of\n"
               "  --json              one JSON object on standard output\n"
               "  --help              print this\n\n"
               "Exit codes: 0 done, 1 the device is wrong, 2 wrong usage, 3 the device cannot be reached.\n";

static uint32_t get(struct look *look, uint32_t offset)
{
    uint32_t value = 0;
    if (look->status == BD_OK) {
        look->status =
            look->session.platform.ops->read_register(look->session.platform.self, offset, &value, look->err);
    }
    return value;
}

static uint64_t get_pair(struct look *look, uint32_t offset)
{
    const uint64_t low = get(look, offset);
    return (uint64_t)get(look, offset + 4) << 32 | low;
}

static json_t *hex(uint64_t value, int digits)
{
    return json_sprintf("0x%0*" PRIx64, digits, value);
}

static bd_status look_id(struct look *look)
{
    struct bd_session *s = &look->session;
    look->status = bd_session_identify(s, look->err);
    if (look->status != BD_OK) {
        return look->status;
    }
    const struct bd_device *d = &s->device;
    const uint32_t geometry = get(look, BITDIAL_GEOMETRY_REG), khz = get(look, BITDIAL_CLOCK_KHZ_REG);
    const struct device_record found = {d->rtl_hash, d->geometry_hash, d->build_id, khz};
    char shape[160], can[160];
    bd_register_describe(BITDIAL_GEOMETRY_REG, geometry, shape, sizeof shape);
    bd_register_describe(BITDIAL_CAPABILITIES_REG, d->capabilities, can, sizeof can);
    json_object_update_new(
        look->report, json_pack("{s:s, s:i, s:o, s:o, s:o, s:i, s:i, s:i, s:i, s:o, s:I, s:I}", "target",
                                s->platform.target, "abi", BITDIAL_ABI_VERSION_RESET, "geometry", bd_json_text(shape),
                                "capabilities", bd_json_text(can), "geometry_hash", hex(d->geometry_hash, 16),
                                "act_words", (int)d->act_words, "z_words", (int)d->z_words, "weight_words",
                                (int)d->weight_words, "build", (int)d->build_id, "rtl_hash", hex(d->rtl_hash, 8),
                                "clock_khz", (json_int_t)khz, "memory_bytes", (json_int_t)s->platform.memory_bytes));
    if (!look->json) {
        printf("device         %s (%s)\n", look->options.device, s->platform.target);
        printf("ABI version    %u\n", BITDIAL_ABI_VERSION_RESET);
        printf("geometry       %s; hash 0x%016" PRIx64 "\n", shape, d->geometry_hash);
        printf("capabilities   %s\n", can);
        printf("on the chip    %u plane words, %u residual words, %u weight words\n", d->act_words, d->z_words,
               d->weight_words);
        printf("build          RTL 0x%08x, planted fault %u, ", d->rtl_hash, d->build_id);
        printf(khz ? "clock %u.%03u MHz\n" : "clock not told\n", khz / 1000, khz % 1000);
        printf("memory         %" PRIu64 " bytes at 0x%" PRIx64 "\n", s->platform.memory_bytes,
               s->platform.memory_base);
    }
    if (look->record_path && look->status == BD_OK) {
        look->status = bd_device_compare_record(look->record_path, &look->record, &found, look->err);
        if (look->status == BD_OK && !look->json) {
            printf("record         sources, geometry, planted fault and clock are those of %s\n", look->record_path);
        }
    }
    return look->status;
}

static json_t *fields_json(uint32_t offset, uint32_t value)
{
    json_t *fields = json_object();
    for (size_t i = 0; i < bd_register_field_count; i++) {
        const struct bd_register_field *field = &bd_register_fields[i];
        if (field->offset == offset) {
            json_object_set_new(fields, field->name, json_integer((value & field->mask) >> field->shift));
        }
    }
    return fields;
}

static void show_register(struct look *look, const struct bd_register_row *row, uint32_t value, json_t *list)
{
    char fields[512];
    bd_register_describe(row->offset, value, fields, sizeof fields);
    json_array_append_new(list, json_pack("{s:s, s:i, s:s, s:I, s:o}", "name", row->name, "offset", (int)row->offset,
                                          "access", row->access, "value", (json_int_t)value, "fields",
                                          fields_json(row->offset, value)));
    if (!look->json) {
        printf("0x%03x  %-24s %-3s  0x%08x%s%s\n", row->offset, row->name, row->access, value, *fields ? "  " : "",
               fields);
    }
}

static bd_status look_regs(struct look *look)
{
    json_t *list = json_array();
    for (size_t i = 0; i < bd_register_count && look->status == BD_OK; i++) {
        if (bd_register_is_readable(&bd_registers[i])) {
            const uint32_t value = get(look, bd_registers[i].offset);
            if (look->status == BD_OK) {
                show_register(look, &bd_registers[i], value, list);
            }
        } else if (!look->json) {
            printf("0x%03x  %-24s %-3s  not read: a write to it acts, a read says nothing\n", bd_registers[i].offset,
                   bd_registers[i].name, bd_registers[i].access);
        }
    }
    json_object_set_new(look->report, "registers", list);
    return look->status;
}

/* A register by name or number; false after telling. */
static bool take_register(const char *text, uint32_t *offset, const struct bd_register_row **row)
{
    int64_t number;
    *row = bd_register_find(text, 0);
    if (*row) {
        *offset = (*row)->offset;
        return true;
    }
    if (text[0] < '0' || text[0] > '9') {
        return !bd_cli_usage("device", "there is no register '%s': bitdial device regs lists them", text);
    }
    if (!bd_cli_int("device", "REGISTER", text, 0, BITDIAL_WINDOW_BYTES - 4, &number)) {
        return false;
    }
    if (number % 4 != 0) {
        return !bd_cli_usage("device", "'REGISTER' must be a multiple of 4, got '%s'", text);
    }
    *offset = (uint32_t)number;
    *row = bd_register_find(NULL, *offset);
    return true;
}

static bd_status look_read(struct look *look)
{
    const struct bd_register_row *row = look->row;
    const uint32_t value = get(look, look->offset);
    if (look->status != BD_OK) {
        return look->status;
    }
    const struct bd_register_row unnamed = {.name = "-", .offset = look->offset, .access = "-"};
    json_t *list = json_array();
    show_register(look, row ? row : &unnamed, value, list);
    json_object_set_new(look->report, "registers", list);
    return BD_OK;
}

static bd_status look_write(struct look *look)
{
    look->status = look->session.platform.ops->write_register(look->session.platform.self, look->offset,
                                                              (uint32_t)look->value, look->err);
    if (look->status == BD_OK) {
        json_object_update_new(
            look->report, json_pack("{s:i, s:I}", "offset", (int)look->offset, "written", (json_int_t)look->value));
        if (!look->json) {
            printf("0x%08" PRIx64 " written to %s (0x%03x)\n", look->value, look->row ? look->row->name : "-",
                   look->offset);
        }
    }
    return look->status;
}

static void print_bytes(uint64_t address, const uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at < size; at += 16) {
        printf("0x%010" PRIx64 " ", address + at);
        for (size_t i = at; i < at + 16; i++) {
            if (i < size) {
                printf(" %02x", bytes[i]);
            } else {
                printf("   ");
            }
        }
        printf("  ");
        for (size_t i = at; i < at + 16 && i < size; i++) {
            putchar(bytes[i] >= 32 && bytes[i] < 127 ? bytes[i] : '.');
        }
        putchar('\n');
    }
}

/* The bytes of the memory to a file, or shown. */
static bd_status read_mem(struct look *look)
{
    const struct bd_platform *p = &look->session.platform;
    uint8_t *bytes = bd_xmalloc(look->size);
    bd_status status = p->ops->read_memory(p->self, look->address, bytes, look->size, look->err);
    if (status == BD_OK && look->output) {
        status = bd_file_write(look->output, bytes, look->size, look->err);
    } else if (status == BD_OK && !look->json) {
        print_bytes(look->address, bytes, look->size);
    } else if (status == BD_OK) {
        char *text = bd_xcalloc(2 * look->size + 1, 1);
        for (size_t i = 0; i < look->size; i++) {
            snprintf(text + 2 * i, 3, "%02x", bytes[i]);
        }
        json_object_set_new(look->report, "bytes", json_string(text));
        free(text);
    }
    free(bytes);
    return status;
}

static bd_status look_mem(struct look *look)
{
    const struct bd_platform *p = &look->session.platform;
    if (!look->input) {
        return read_mem(look);
    }
    uint8_t *bytes = NULL;
    size_t size = 0;
    bd_status status = bd_file_read(look->input, p->memory_bytes, &bytes, &size, look->err);
    status = status ? status : p->ops->write_memory(p->self, look->address, bytes, size, look->err);
    free(bytes);
    if (status == BD_OK) {
        json_object_set_new(look->report, "written", json_integer((json_int_t)size));
        if (!look->json) {
            printf("%zu bytes of %s written at 0x%" PRIx64 "\n", size, look->input, look->address);
        }
    }
    return status;
}

static const struct {
    const char *name;
    uint32_t offset;
} counters[] = {
    {"total", BITDIAL_COUNTER_TOTAL_LO_REG},
    {"compute", BITDIAL_COUNTER_COMPUTE_LO_REG},
    {"weight_stall", BITDIAL_COUNTER_WEIGHT_STALL_LO_REG},
    {"input_stall", BITDIAL_COUNTER_INPUT_STALL_LO_REG},
    {"output_stall", BITDIAL_COUNTER_OUTPUT_STALL_LO_REG},
    {"overhead", BITDIAL_COUNTER_OVERHEAD_LO_REG},
};
enum { COUNTERS = sizeof counters / sizeof *counters };

static bd_status look_counters(struct look *look)
{
    json_t *object = json_object();
    for (int i = 0; i < COUNTERS && look->status == BD_OK; i++) {
        const uint64_t value = get_pair(look, counters[i].offset);
        json_object_set_new(object, counters[i].name, json_integer((json_int_t)value));
        if (look->status == BD_OK && !look->json) {
            printf("%-14s %" PRIu64 "\n", counters[i].name, value);
        }
    }
    json_object_set_new(look->report, "counters", object);
    return look->status;
}

static bd_status look_watch(struct look *look)
{
    json_t *looks = json_array();
    for (int64_t n = 0; n < look->count && look->status == BD_OK; n++) {
        if (n > 0) {
            const struct timespec nap = {look->interval / 1000, look->interval % 1000 * 1000000};
            nanosleep(&nap, NULL);
        }
        const uint32_t state = get(look, BITDIAL_STATUS_REG), irq = get(look, BITDIAL_IRQ_STATUS_REG);
        const uint32_t frames = get(look, BITDIAL_FRAME_COUNT_REG), tag = get(look, BITDIAL_DONE_TAG_REG);
        const uint32_t at = get(look, BITDIAL_DONE_SWITCH_REG);
        const uint64_t total = get_pair(look, BITDIAL_COUNTER_TOTAL_LO_REG);
        if (look->status != BD_OK) {
            break;
        }
        char text[256];
        bd_register_describe(BITDIAL_STATUS_REG, state, text, sizeof text);
        json_array_append_new(looks, json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "status", (json_int_t)state,
                                               "irq_status", (json_int_t)irq, "frames", (json_int_t)frames, "tag",
                                               (json_int_t)tag, "switch", (json_int_t)at, "clocks", (json_int_t)total));
        if (!look->json) {
            printf("frames %u, last tag %u at switch %u, %" PRIu64 " clocks; IRQ_STATUS %u; %s\n", frames, tag, at,
                   total, irq, text);
            fflush(stdout);
        }
    }
    json_object_set_new(look->report, "looks", looks);
    return look->status;
}

/* What may be looked at: name, arguments that follow, what does it, whether the driver's checks come first. */
static const struct {
    const char *name;
    int least, most;
    bd_status (*run)(struct look *look);
} verbs[] = {
    {"id", 0, 0, look_id},
    {"selftest", 0, 0, bd_device_selftest},
    {"regs", 0, 0, look_regs},
    {"read", 1, 1, look_read},
    {"write", 2, 2, look_write},
    {"mem", 1, 2, look_mem},
    {"counters", 0, 0, look_counters},
    {"watch", 0, 0, look_watch},
};
enum { VERBS = sizeof verbs / sizeof *verbs };

/* The arguments behind the verb; false after telling. */
static bool take_arguments(struct look *look, const char *verb, char **argument, int count)
{
    int64_t number = 0;
    if (strcmp(verb, "read") == 0 || strcmp(verb, "write") == 0) {
        if (!take_register(argument[0], &look->offset, &look->row)) {
            return false;
        }
        if (verb[0] == 'r') {
            return true;
        }
        if (look->row && strcmp(look->row->access, "ro") == 0) {
            return !bd_cli_usage("device", "register '%s' is read only", look->row->name);
        }
        if (!bd_cli_int("device", "VALUE", argument[1], 0, UINT32_MAX, &number)) {
            return false;
        }
        look->value = (uint64_t)number;
        return true;
    }
    if (strcmp(verb, "mem") == 0) {
        if (!bd_cli_int("device", "ADDRESS", argument[0], 0, INT64_MAX, &number)) {
            return false;
        }
        look->address = (uint64_t)number;
        number = 64;
        if (count > 1 && !bd_cli_int("device", "SIZE", argument[1], 1, INT64_C(1) << 30, &number)) {
            return false;
        }
        look->size = (size_t)number;
        if (look->input && (look->output || count > 1)) {
            return !bd_cli_usage("device", "mem --write takes an address alone");
        }
    } else if (look->input || look->output) {
        return !bd_cli_usage("device", "--output and --write go with mem");
    }
    if (look->record_path && strcmp(verb, "id") != 0) {
        return !bd_cli_usage("device", "--record goes with id");
    }
    return true;
}

static int run(struct look *look, const char *verb, bd_status (*what)(struct look *look))
{
    look->report = json_pack("{s:s, s:o}", "what", verb, "device", bd_json_text(look->options.device));
    bd_status status = BD_OK;
    if (what != bd_device_selftest) {
        status = bd_session_connect(&look->session, &look->options, look->err);
    }
    if (status == BD_OK) {
        status = what(look);
        if (what != bd_device_selftest) {
            struct bd_error ignored;
            bd_status closed = bd_session_close(&look->session, status == BD_OK ? look->err : &ignored);
            status = status == BD_OK ? closed : status;
        }
    }
    if (look->json) {
        bd_cli_report(look->report);
    } else {
        json_decref(look->report);
    }
    return status == BD_OK ? BD_OK : bd_cli_fail("device", look->err);
}

int cmd_device(int argc, char **argv)
{
    struct look look = {.options = {.device = "ref", .shared = true, .notice = bd_cli_notice, .context = "device"}};
    struct bd_error err;
    struct bd_cli_device device = {"device", &look.options.device};
    int64_t timeout = 10000;
    look.err = &err;
    look.interval = 1000;
    look.count = 10;
    const struct bd_option table[] = {
        BD_DEVICE_ROW(&device),
        {"hardware", .text = &look.options.hardware_path},
        {"timeout", .integer = &timeout, .min = 10, .max = 3600000},
        {"interval", .integer = &look.interval, .min = 1, .max = 3600000},
        {"count", .integer = &look.count, .min = 1, .max = INT32_MAX},
        {"output", .text = &look.output},
        {"write", .text = &look.input},
        {"record", .text = &look.record_path},
        {"json", .flag = &look.json},
        {0},
    };
    int code = bd_cli_options("device", usage, table, argc, argv);
    if (code != BD_OPTIONS_READ) {
        return code;
    }
    look.options.reply_ms = (uint32_t)timeout;
    if (optind >= argc) {
        return bd_cli_usage("device", "expected id, selftest, regs, read, write, mem, counters or watch");
    }
    const char *verb = argv[optind++];
    for (int i = 0; i < VERBS; i++) {
        if (strcmp(verbs[i].name, verb) != 0) {
            continue;
        }
        const int given = argc - optind;
        if (given < verbs[i].least || given > verbs[i].most) {
            return bd_cli_usage("device", "'%s' takes %d arguments, got %d", verb,
                                given < verbs[i].least ? verbs[i].least : verbs[i].most, given);
        }
        if (!take_arguments(&look, verb, argv + optind, given)) {
            return BD_BAD_INPUT;
        }
        if (look.record_path && bd_device_read_record(look.record_path, &look.record, &err) != BD_OK) {
            return bd_cli_fail("device", &err);
        }
        return run(&look, verb, verbs[i].run);
    }
    return bd_cli_usage("device", "'%s' is none of id, selftest, regs, read, write, mem, counters, watch", verb);
}

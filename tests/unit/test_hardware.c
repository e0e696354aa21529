/* The hardware table: the configurations that ship, the hash, and every refusal by its place. */
#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/program/hardware.h"

#define DEMO "yaml-configs/hardware/demo.yaml"

Test(hardware, shipped_configurations_load)
{
    glob_t files;
    cr_assert_eq(glob("yaml-configs/hardware/*.yaml", 0, NULL, &files), 0);
    cr_assert_geq(files.gl_pathc, 8);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct bd_hardware hardware;
        struct bd_error err;
        cr_assert_eq(bd_hardware_load(&hardware, files.gl_pathv[i], &err), BD_OK, "%s", err.message);
        cr_assert(strstr(files.gl_pathv[i], hardware.name), "%s is named '%s'", files.gl_pathv[i], hardware.name);
        bd_hardware_release(&hardware);
    }
    globfree(&files);
}

Test(hardware, hash_covers_what_changes_the_rtl_and_no_more)
{
    struct bd_hardware h;
    struct bd_error err;
    cr_assert_eq(bd_hardware_load(&h, DEMO, &err), BD_OK);
    const uint64_t hash = bd_hardware_geometry_hash(&h);
    struct bd_hardware other = h;
    other.memory.latency++;
    other.memory.beat_interval++;
    other.memory.outstanding++;
    other.clock_mhz *= 2;
    other.name = "other";
    other.energy_table = "other";
    cr_assert_eq(bd_hardware_geometry_hash(&other), hash);
#define CHANGES(change)                                                                                                \
    other = h;                                                                                                         \
    other.change;                                                                                                      \
    cr_assert_neq(bd_hardware_geometry_hash(&other), hash, #change)
    CHANGES(rows *= 2);
    CHANGES(lanes *= 2);
    CHANGES(mac_lanes *= 2);
    CHANGES(requant_units *= 2);
    CHANGES(xnor = false);
    CHANGES(mac = false);
    CHANGES(act_words++);
    CHANGES(z_words++);
    CHANGES(weight_words++);
    CHANGES(mult_bits++);
#undef CHANGES
    bd_hardware_release(&h);
}

/* demo.yaml with the first `from` turned to `to`, loaded. */
static bd_status load_changed(const char *from, const char *to, struct bd_hardware *hardware, struct bd_error *err)
{
    char text[4096] = "", changed[4096], path[] = "/tmp/bitdial-hardware-XXXXXX";
    FILE *demo = fopen(DEMO, "r");
    cr_assert(demo && fread(text, 1, sizeof text - 1, demo) > 0);
    fclose(demo);
    const char *at = strstr(text, from);
    cr_assert(at, "%s", from);
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    const int file = mkstemp(path);
    cr_assert(file >= 0 && write(file, changed, strlen(changed)) == (ssize_t)strlen(changed));
    close(file);
    const bd_status status = bd_hardware_load(hardware, path, err);
    unlink(path);
    return status;
}

Test(hardware, refusals_name_the_place)
{
    static const struct {
        const char *from, *to, *message;
    } cases[] = {
        {"rows: 8", "rows: 12", ":3:7: 'rows' must be a power of two, got '12'"},
        {"rows: 8", "rows: 128", ":3:7: 'rows' must be 2..64, got 128"},
        {"lanes: 64", "lanes: 60", ":4:8: 'lanes' must be a multiple of 'rows', got '60'"},
        {"mac_lanes: 16", "mac_lanes: 24", ":5:12: 'mac_lanes' must be a power of two, got '24'"},
        {"lanes: 64", "lanes: 72", ":4:8: 'lanes' must be a multiple of 'mac_lanes', got '72'"},
        {"requant_units: 4", "requant_units: 16", ":6:16: 'requant_units' must not be over 'rows', got '16'"},
        {"rows: 8\nlanes: 64\nmac_lanes: 16\nrequant_units: 4\ndatapaths: both\nact_words: 2048\nz_words: 4096",
         "rows: 64\nlanes: 64\nmac_lanes: 16\nrequant_units: 2\ndatapaths: both\nact_words: 2048\nz_words: 31",
         ":9:10: 'z_words' must hold the rows / requant_units words of one pixel, got '31'"},
        {"datapaths: both", "datapaths: none", ":7:12: 'datapaths' must be one of both|xnor|mac, got 'none'"},
        {"mult_bits: 24", "mult_bits: 40", "'mult_bits' must be 8..32, got 40"},
        {"latency: 20", "latency: fast", "'latency' must be"},
        {"latency: 20", "delay: 20", "unknown key 'delay'"},
        {"name: demo", "name: ../demo", ":2:7: 'name' must hold letters, digits, '_' and '-' alone, got '../demo'"},
        {"act_words: 2048", "rows: 4", "duplicate key 'rows'"},
        {"act_words: 2048\n", "", "missing key 'act_words'"},
        {"rows: 8", "rows: 1", "'rows' must be 2..64, got 1"},
        {"lanes: 64", "lanes: 4", "'lanes' must be 8..256, got 4"},
        {"lanes: 64", "lanes: 512", "'lanes' must be 8..256, got 512"},
        {"mac_lanes: 16", "mac_lanes: 1", "'mac_lanes' must be 2..64, got 1"},
        {"mac_lanes: 16", "mac_lanes: 128", "'mac_lanes' must be 2..64, got 128"},
        {"requant_units: 4", "requant_units: 1", "'requant_units' must be 2..64, got 1"},
        {"requant_units: 4", "requant_units: 128", "'requant_units' must be 2..64, got 128"},
        {"act_words: 2048", "act_words: 15", "'act_words' must be 16..1048576, got 15"},
        {"act_words: 2048", "act_words: 1048577", "'act_words' must be 16..1048576, got 1048577"},
        {"mult_bits: 24", "mult_bits: 7", "'mult_bits' must be 8..32, got 7"},
        {"latency: 20", "latency: 0", "'latency' must be 1..100000, got 0"},
        {"latency: 20", "latency: 100001", "'latency' must be 1..100000, got 100001"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bd_hardware hardware;
        struct bd_error err;
        cr_assert_eq(load_changed(cases[i].from, cases[i].to, &hardware, &err), BD_BAD_INPUT, "case %zu", i);
        cr_assert(strstr(err.message, cases[i].message), "case %zu: %s", i, err.message);
        bd_hardware_release(&hardware); /* holds nothing, and says so */
    }
    struct bd_hardware hardware;
    struct bd_error err;
    cr_assert_eq(load_changed("mult_bits: 24\n", "", &hardware, &err), BD_OK, "%s", err.message);
    cr_assert_eq(hardware.mult_bits, 24); /* the default */
    bd_hardware_release(&hardware);
    cr_assert_eq(load_changed("rows: 8", "rows: 2", &hardware, &err), BD_BAD_INPUT); /* RQ 4 over 2 rows */
}

Test(hardware, help_lists_every_key)
{
    static const char *const keys[] = {"name",          "rows",      "lanes",           "mac_lanes",
                                       "requant_units", "datapaths", "act_words",       "z_words",
                                       "weight_words",  "mult_bits", "clock_mhz",       "energy_table",
                                       "memory",        "  latency", "  beat_interval", "  outstanding"};
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    cr_assert(file);
    bd_hardware_help(file);
    fclose(file);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char line[32];
        snprintf(line, sizeof line, "\n%s ", keys[i]);
        cr_assert(strstr(text, line), "no line for '%s' in\n%s", keys[i], text);
    }
    free(text);
}

/* The hardware table: the configurations that ship, the hash, and every refusal by its place. */
#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/program/hardware.h"

#define MID "yaml-configs/hardware/mid.yaml"

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
    cr_assert_eq(bd_hardware_load(&h, MID, &err), BD_OK);
    const uint64_t hash = bd_hardware_geometry_hash(&h);
    struct bd_hardware other = h;
    other.memory.latency++;
    other.memory.beat_interval++;
    other.memory.outstanding++;
    other.memory_timing = BD_MEMORY_VARYING;
    other.clock_mhz *= 2;
    other.clock = BD_CLOCK_ROUTED;
    other.name = "other";
    other.energy_table = "other";
    cr_assert_eq(bd_hardware_geometry_hash(&other), hash);
#define CHANGES(change)                                                                                                \
    other = h;                                                                                                         \
    other.change;                                                                                                      \
    cr_assert_neq(bd_hardware_geometry_hash(&other), hash, #change)
    CHANGES(rows *= 2);
    CHANGES(mac_channels++);
    CHANGES(requant_units *= 2);
    CHANGES(xnor = false);
    CHANGES(act_words++);
    CHANGES(z_words++);
    CHANGES(weight_words++);
    CHANGES(table_words++);
    CHANGES(correct_words++);
    CHANGES(descriptors++);
    CHANGES(acc_bits++);
    CHANGES(mult_bits++);
#undef CHANGES
    bd_hardware_release(&h);
}

/* mid.yaml with the first `from` turned to `to`, loaded. */
static bd_status load_changed(const char *from, const char *to, struct bd_hardware *hardware, struct bd_error *err)
{
    char text[4096] = "", changed[4096], path[] = "/tmp/bitdial-hardware-XXXXXX";
    FILE *mid = fopen(MID, "r");
    cr_assert(mid && fread(text, 1, sizeof text - 1, mid) > 0);
    fclose(mid);
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
        {"rows: 16", "rows: 12", ":3:7: 'rows' must be a power of two, got '12'"},
        {"rows: 16", "rows: 128", ":3:7: 'rows' must be 8..64, got 128"},
        {"rows: 16", "rows: 4", ":3:7: 'rows' must be 8..64, got 4"},
        {"requant_units: 16", "requant_units: 12", ":4:16: 'requant_units' must be a power of two, got '12'"},
        {"requant_units: 16", "requant_units: 32", ":4:16: 'requant_units' must not be over 'rows', got '32'"},
        {"requant_units: 16", "requant_units: 1", "'requant_units' must be 2..64, got 1"},
        {"requant_units: 16", "requant_units: 128", "'requant_units' must be 2..64, got 128"},
        {"datapaths: both", "datapaths: none", ":5:12: 'datapaths' must be one of both|xnor|mac, got 'none'"},
        {"datapaths: both", "datapaths: xnor", ":6:15: 'mac_channels' must be 0 where 'datapaths' is xnor, and 1 or 2"},
        {"mac_channels: 1", "mac_channels: 0", ":6:15: 'mac_channels' must be 0 where 'datapaths' is xnor, and 1 or 2"},
        {"mac_channels: 1", "mac_channels: 3", "'mac_channels' must be 0..2, got 3"},
        {"act_words: 5120", "act_words: 15", "'act_words' must be 16..1048576, got 15"},
        {"act_words: 5120", "act_words: 1048577", "'act_words' must be 16..1048576, got 1048577"},
        {"z_words: 2048", "z_words: 2047", ":8:10: 'z_words' must be even, got '2047'"},
        {"rows: 16\nrequant_units: 16\ndatapaths: both\nmac_channels: 1\nact_words: 5120\nz_words: 2048",
         "rows: 64\nrequant_units: 2\ndatapaths: both\nmac_channels: 1\nact_words: 5120\nz_words: 62",
         ":8:10: 'z_words' must hold the 2 x rows / requant_units words of one pixel, got '62'"},
        {"weight_words: 3072", "weight_words: 3070", ":9:15: 'weight_words' must be a multiple of 4, got '3070'"},
        {"table_words: 10240", "table_words: 31",
         ":10:14: 'table_words' must hold two slots of 'rows' entries, got '31'"},
        {"correct_words: 512", "correct_words: -1", "'correct_words' must be 0..1048576, got -1"},
        {"descriptors: 96", "descriptors: 4097", "'descriptors' must be 0..4096, got 4097"},
        {"acc_bits: 28", "acc_bits: 23", "'acc_bits' must be 24..32, got 23"},
        {"acc_bits: 28", "acc_bits: 33", "'acc_bits' must be 24..32, got 33"},
        {"mult_bits: 24", "mult_bits: 25", "'mult_bits' must be 8..24, got 25"},
        {"mult_bits: 24", "mult_bits: 7", "'mult_bits' must be 8..24, got 7"},
        {"clock: assumed", "clock: hoped", "'clock' must be one of assumed|routed, got 'hoped'"},
        {"latency: 20", "latency: fast", "'latency' must be"},
        {"latency: 20", "delay: 20", "unknown key 'delay'"},
        {"latency: 20", "latency: 0", "'latency' must be 1..100000, got 0"},
        {"latency: 20", "latency: 100001", "'latency' must be 1..100000, got 100001"},
        {"name: mid", "name: ../mid", ":2:7: 'name' must hold letters, digits, '_' and '-' alone, got '../mid'"},
        {"act_words: 5120", "rows: 8", "duplicate key 'rows'"},
        {"act_words: 5120\n", "", "missing key 'act_words'"},
        {"rows: 16", "lanes: 64", "unknown key 'lanes'"},
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
    cr_assert_eq(load_changed("clock: assumed\n", "clock: routed\n", &hardware, &err), BD_OK, "%s", err.message);
    cr_assert_str_eq(bd_hardware_clock_word(&hardware), "routed");
    bd_hardware_release(&hardware);
    cr_assert_eq(load_changed("clock: assumed\n", "", &hardware, &err), BD_OK, "%s", err.message);
    cr_assert_str_eq(bd_hardware_clock_word(&hardware), "assumed");
    bd_hardware_release(&hardware);
    cr_assert_eq(hardware.memory_timing, BD_MEMORY_FIXED);
    cr_assert_eq(load_changed("latency:", "timing: varying\n  latency:", &hardware, &err), BD_OK, "%s", err.message);
    cr_assert_eq(hardware.memory_timing, BD_MEMORY_VARYING);
    bd_hardware_release(&hardware);
    cr_assert_eq(load_changed("rows: 16", "rows: 8", &hardware, &err), BD_BAD_INPUT); /* RQ 16 over 8 rows */
}

Test(hardware, help_lists_every_key)
{
    static const char *const keys[] = {
        "name",         "rows",         "requant_units", "datapaths",   "mac_channels",    "act_words",     "z_words",
        "weight_words", "table_words",  "correct_words", "descriptors", "acc_bits",        "mult_bits",     "clock_mhz",
        "clock",        "energy_table", "memory",        "  latency",   "  beat_interval", "  outstanding", "  timing"};
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

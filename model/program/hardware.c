#include "model/program/hardware.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/core/yaml.h"

/* The file's form: `datapaths` is one key there and two flags in the struct. */
enum datapaths { DATAPATHS_BOTH, DATAPATHS_XNOR, DATAPATHS_MAC };

struct hardware_file {
    struct bd_hardware hardware;
    int datapaths;
};

#define AT(member) offsetof(struct hardware_file, hardware.member)

static const struct bd_field memory_fields[] = {
    {"latency", BD_FIELD_INT, AT(memory.latency), 1, 100000, "20", NULL, NULL,
     "clocks from an accepted read address to its first beat, and from the last write beat to its response"},
    {"beat_interval", BD_FIELD_INT, AT(memory.beat_interval), 1, 1024, "1", NULL, NULL,
     "clocks between 8-byte beats: 1 is full rate, 4 a quarter of it"},
    {"outstanding", BD_FIELD_INT, AT(memory.outstanding), 1, 64, "4", NULL, NULL, "read bursts open at once"},
    {"timing", BD_FIELD_ENUM, AT(memory_timing), 0, 0, "fixed", "fixed|varying", NULL,
     "varying: a board's memory takes now more clocks, now less; its frames' clocks are not compared"},
    {0}};

static const struct bd_field hardware_fields[] = {
    {"name", BD_FIELD_STRING, AT(name), 0, 47, NULL, NULL, NULL, "letters, digits, '_' and '-'"},
    {"rows", BD_FIELD_INT, AT(rows), 8, 64, NULL, NULL, NULL, "output channels computed at once; a power of two"},
    {"requant_units", BD_FIELD_INT, AT(requant_units), 2, 64, NULL, NULL, NULL,
     "requantizers side by side; a power of two, not over rows"},
    {"datapaths", BD_FIELD_ENUM, offsetof(struct hardware_file, datapaths), 0, 0, NULL, "both|xnor|mac", NULL,
     "the datapaths that are built"},
    {"mac_channels", BD_FIELD_INT, AT(mac_channels), 0, 2, NULL, NULL, NULL,
     "channels of nine taps that the add-only MAC takes a clock; 0 without it"},
    {"act_words", BD_FIELD_INT, AT(act_words), 16, 1048576, NULL, NULL, NULL,
     "activation memory, words of 16 bits in each of its nine banks"},
    {"z_words", BD_FIELD_INT, AT(z_words), 16, 1048576, NULL, NULL, NULL,
     "residual memory, words of requant_units x 16 bits; even"},
    {"weight_words", BD_FIELD_INT, AT(weight_words), 16, 1048576, NULL, NULL, NULL,
     "weight memory, words of 18 bits a row; a multiple of 4"},
    {"table_words", BD_FIELD_INT, AT(table_words), 16, 1048576, NULL, NULL, NULL,
     "table memory, entries of one row; at least 2 x rows"},
    {"correct_words", BD_FIELD_INT, AT(correct_words), 0, 1048576, NULL, NULL, NULL,
     "correction memory, words of requant_units x 24 bits; 0: none"},
    {"descriptors", BD_FIELD_INT, AT(descriptors), 0, 4096, NULL, NULL, NULL,
     "layer descriptors kept on the chip; 0: fetched for every layer"},
    {"acc_bits", BD_FIELD_INT, AT(acc_bits), 24, 32, "28", NULL, NULL, "width of an accumulator"},
    {"mult_bits", BD_FIELD_INT, AT(mult_bits), 8, 24, "24", NULL, NULL, "width of the requantizer's multiplier M"},
    {"clock_mhz", BD_FIELD_REAL, AT(clock_mhz), 0.001, 10000, "100", NULL, NULL, "clock, for reports only"},
    {"clock", BD_FIELD_ENUM, AT(clock), 0, 0, "assumed", "assumed|routed", NULL,
     "what clock_mhz rests on; reports say it"},
    {"energy_table", BD_FIELD_STRING, AT(energy_table), 0, 47, "horowitz45", NULL, NULL,
     "energy table, for reports only"},
    {"memory", BD_FIELD_MAP, 0, 0, 0, "", NULL, memory_fields, "the memory behind the bus, in clocks"},
    {0}};

bd_status bd_memory_parse(struct bd_memory_model *memory, const char *text, struct bd_error *err)
{
    int64_t values[3];
    const char *at = text;
    for (int i = 0; i < 3; i++) {
        const struct bd_field *field = &memory_fields[i];
        char *end;
        errno = 0;
        values[i] = strtoll(at, &end, 10);
        if (end == at || *end != (i < 2 ? ',' : '\0')) {
            return bd_fail(err, BD_BAD_INPUT, "must be three integers LATENCY,INTERVAL,OUTSTANDING, got '%s'", text);
        }
        if (errno || (double)values[i] < field->min || (double)values[i] > field->max) {
            return bd_fail(err, BD_BAD_INPUT, "%s must be %.0f..%.0f, got %.*s in '%s'", field->name, field->min,
                           field->max, (int)(end - at), at, text);
        }
        at = end + 1;
    }
    *memory = (struct bd_memory_model){values[0], values[1], values[2]};
    return BD_OK;
}

static bool is_power_of_two(int64_t value)
{
    return value > 0 && (value & (value - 1)) == 0;
}

static bool is_file_name(const char *name)
{
    size_t n = 0;
    while (isalnum((unsigned char)name[n]) || name[n] == '_' || name[n] == '-') {
        n++;
    }
    return n > 0 && name[n] == '\0';
}

/* What the table cannot say: relations between keys. */
static bd_status check_relations(const struct bd_yaml *yaml, const struct bd_hardware *h, int datapaths,
                                 struct bd_error *err)
{
    const struct {
        bool good;
        const char *key, *must;
    } rules[] = {
        {is_file_name(h->name), "name", "hold letters, digits, '_' and '-' alone"},
        {is_power_of_two(h->rows), "rows", "be a power of two"},
        {is_power_of_two(h->requant_units), "requant_units", "be a power of two"},
        {h->requant_units <= h->rows, "requant_units", "not be over 'rows'"},
        {(datapaths == DATAPATHS_XNOR) == (h->mac_channels == 0), "mac_channels",
         "be 0 where 'datapaths' is xnor, and 1 or 2 elsewhere"},
        {h->z_words % 2 == 0, "z_words", "be even"},
        {h->z_words >= 2 * (h->rows / h->requant_units), "z_words",
         "hold the 2 x rows / requant_units words of one pixel"},
        {h->weight_words % 4 == 0, "weight_words", "be a multiple of 4"},
        {h->table_words >= 2 * h->rows, "table_words", "hold two slots of 'rows' entries"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (!rules[i].good) {
            const struct bd_yaml_node *node = bd_yaml_get(yaml->root, rules[i].key);
            return bd_yaml_fail(yaml, node, err, "'%s' must %s, got '%s'", rules[i].key, rules[i].must, node->text);
        }
    }
    return BD_OK;
}

static bd_status bind(struct bd_hardware *hardware, struct bd_yaml *yaml, struct bd_error *err)
{
    struct hardware_file file = {0};
    bd_status status = bd_yaml_bind(yaml, yaml->root, hardware_fields, &file, err);
    if (status == BD_OK) {
        status = check_relations(yaml, &file.hardware, file.datapaths, err);
        if (status != BD_OK) {
            bd_fields_release(hardware_fields, &file);
        }
    }
    if (status == BD_OK) {
        file.hardware.xnor = file.datapaths != DATAPATHS_MAC;
        file.hardware.mac = file.datapaths != DATAPATHS_XNOR;
        *hardware = file.hardware;
    }
    bd_yaml_release(yaml);
    return status;
}

bd_status bd_hardware_load(struct bd_hardware *hardware, const char *path, struct bd_error *err)
{
    struct bd_yaml yaml;
    memset(hardware, 0, sizeof *hardware);
    bd_status status = bd_yaml_load(&yaml, path, err);
    return status ? status : bind(hardware, &yaml, err);
}

bd_status bd_hardware_parse(struct bd_hardware *hardware, const char *path, const char *text, struct bd_error *err)
{
    struct bd_yaml yaml;
    memset(hardware, 0, sizeof *hardware);
    bd_status status = bd_yaml_parse(&yaml, path, text, strlen(text), err);
    return status ? status : bind(hardware, &yaml, err);
}

const struct bd_field *bd_hardware_key(const char *name)
{
    for (const struct bd_field *f = hardware_fields; f->name; f++) {
        if (strcmp(f->name, name) == 0) {
            return f;
        }
    }
    return NULL;
}

void bd_hardware_reference(struct bd_hardware *hardware)
{
    *hardware = (struct bd_hardware){.name = bd_xstrdup("reference"),
                                     .rows = 16,
                                     .requant_units = 16,
                                     .mac_channels = 1,
                                     .xnor = true,
                                     .mac = true,
                                     .act_words = 16,
                                     .z_words = 16,
                                     .weight_words = 16,
                                     .table_words = 32,
                                     .acc_bits = 32,
                                     .mult_bits = 24,
                                     .clock_mhz = 100,
                                     .energy_table = bd_xstrdup("horowitz45"),
                                     .memory = {.latency = 20, .beat_interval = 1, .outstanding = 4}};
}

void bd_hardware_release(struct bd_hardware *hardware)
{
    free(hardware->name);
    free(hardware->energy_table);
    hardware->name = hardware->energy_table = NULL;
}

static void print_fields(FILE *out, const struct bd_field *fields, int indent)
{
    for (const struct bd_field *f = fields; f->name; f++) {
        char type[64] = "mapping";
        if (f->type == BD_FIELD_INT) {
            snprintf(type, sizeof type, "integer %.0f..%.0f", f->min, f->max);
        } else if (f->type == BD_FIELD_REAL) {
            snprintf(type, sizeof type, "number %g..%g", f->min, f->max);
        } else if (f->type == BD_FIELD_STRING) {
            snprintf(type, sizeof type, "text, at most %.0f", f->max);
        } else if (f->type == BD_FIELD_ENUM) {
            snprintf(type, sizeof type, "%s", f->choices);
        }
        const char *fallback = f->type == BD_FIELD_MAP ? "" : f->fallback ? f->fallback : "(required)";
        fprintf(out, "%*s%-*s %-24s %-12s %s\n", indent, "", 16 - indent, f->name, type, fallback, f->help);
        if (f->fields) {
            print_fields(out, f->fields, indent + 2);
        }
    }
}

void bd_hardware_help(void *stdio_file)
{
    fprintf(stdio_file, "%-16s %-24s %-12s %s\n", "key", "type", "default", "meaning");
    print_fields(stdio_file, hardware_fields, 0);
}

const char *bd_hardware_clock_word(const struct bd_hardware *h)
{
    return h->clock == BD_CLOCK_ROUTED ? "routed" : "assumed";
}

/* FNV-1a, 64 bits, of the text that names every property the RTL is built from. */
uint64_t bd_hardware_geometry_hash(const struct bd_hardware *h)
{
    char text[512];
    int length =
        snprintf(text, sizeof text,
                 "bitdial 2 rows=%" PRId64 " requant_units=%" PRId64 " mac_channels=%" PRId64
                 " xnor=%d act_words=%" PRId64 " z_words=%" PRId64 " weight_words=%" PRId64 " table_words=%" PRId64
                 " correct_words=%" PRId64 " descriptors=%" PRId64 " acc_bits=%" PRId64 " mult_bits=%" PRId64,
                 h->rows, h->requant_units, h->mac_channels, h->xnor, h->act_words, h->z_words, h->weight_words,
                 h->table_words, h->correct_words, h->descriptors, h->acc_bits, h->mult_bits);
    uint64_t hash = 0xcbf29ce484222325u;
    for (int i = 0; i < length; i++) {
        hash = (hash ^ (uint8_t)text[i]) * 0x100000001b3u;
    }
    return hash;
}

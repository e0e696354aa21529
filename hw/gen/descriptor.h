/* hw/descriptor.yaml as read: limits, and the 64 words of a descriptor in order. */
#ifndef HW_GEN_DESCRIPTOR_H
#define HW_GEN_DESCRIPTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define GEN_WORDS 64
#define GEN_LIMITS 32
#define GEN_NAMES 32

/* Where a rule holds: everywhere, not for pooling, or where a flag is set. */
enum gen_when { WHEN_ALWAYS, WHEN_CONV, WHEN_WRITE_CODES, WHEN_ADD_STREAM, WHEN_STORE_CODES, WHEN_STORE_STREAM };
#define GEN_WHEN_CHOICES "always|conv|write_codes|add_stream|store_codes|store_stream"
extern const char *const gen_when_names[];

struct gen_limit {
    char *name, *help;
    int64_t value;
};

struct gen_name { /* a value of a field, or one of its bits */
    char *name, *help, *rtl;
    int64_t value;
};

struct gen_field {
    char *name, *help, *rtl, *min_text, *max_text;
    int64_t word, lsb, width, multiple;
    bool is_signed, only_ends;
    int when, min_when; /* enum gen_when */
    uint32_t min, max;
    const struct gen_limit *max_limit; /* whose value max is, or NULL */
    const struct bd_yaml_node *values_node, *bits_node;
    struct gen_name names[GEN_NAMES]; /* values, or bits in order */
    size_t name_count;
    bool has_bits;
};

struct gen_descriptor {
    const struct bd_yaml_node *limits_node, *fields_node;
    struct gen_limit limits[GEN_LIMITS];
    size_t limit_count;
    struct gen_field fields[GEN_WORDS];
    size_t field_count;
};

/* Bits that hold 0..max. */
unsigned gen_bits(uint64_t max);

/* Writers for gen_write; `what` is a struct gen_descriptor. */
void gen_descriptor_c(FILE *out, const void *what);
void gen_descriptor_package(FILE *out, const void *what);
void gen_descriptor_decoder(FILE *out, const void *what);
void gen_descriptor_markdown(FILE *out, const void *what);

#endif

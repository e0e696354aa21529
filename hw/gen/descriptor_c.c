/* The descriptor for C and for people. */
#include <string.h>

#include "hw/gen/descriptor.h"

static const char *enum_name(const struct gen_field *f)
{
    return f->has_bits ? "descriptor_flag" : f->name;
}

static void write_limits(FILE *out, const struct gen_descriptor *d)
{
    fprintf(out, "/* The largest that there is. */\n");
    for (size_t i = 0; i < d->limit_count; i++)
        fprintf(out, "#define BD_LIMIT_%s %u /* %s */\n", d->limits[i].name, (unsigned)d->limits[i].value,
                d->limits[i].help);
}

static void write_enums(FILE *out, const struct gen_descriptor *d)
{
    for (size_t i = 0; i < d->field_count; i++) {
        const struct gen_field *f = &d->fields[i];
        if (!f->name_count)
            continue;
        fprintf(out, "\nenum bd_%s {\n", enum_name(f));
        for (size_t n = 0; n < f->name_count; n++)
            if (f->has_bits)
                fprintf(out, "    BD_FLAG_%s = 1u << %u, /* %s */\n", f->names[n].name, (unsigned)f->names[n].value,
                        f->names[n].help);
            else
                fprintf(out, "    BD_%s = %u, /* %s */\n", f->names[n].name, (unsigned)f->names[n].value,
                        f->names[n].help);
        fprintf(out, "};\n");
    }
}

static void write_rules(FILE *out, const struct gen_descriptor *d)
{
    fprintf(out,
            "\n/* What a device takes in each word: X(word, name, when, min_when, min, max, multiple, only_ends). The "
            "rule holds\n * where `when` says, its min where `min_when` says; only_ends: min and max alone. */\n"
            "enum bd_descriptor_when {");
    for (size_t i = 0; i <= WHEN_STORE_STREAM; i++) {
        fprintf(out, "%s BD_WHEN_", i ? "," : "");
        for (const char *c = gen_when_names[i]; *c; c++)
            fputc(*c == '_' ? '_' : *c - 'a' + 'A', out);
    }
    fprintf(out, " };\n#define BD_DESCRIPTOR_RULES(X)");
    for (size_t i = 0; i < d->field_count; i++) {
        const struct gen_field *f = &d->fields[i];
        char when[2][24];
        for (int k = 0; k < 2; k++) {
            const char *name = gen_when_names[k ? f->min_when : f->when];
            size_t n = 0;
            for (; name[n]; n++)
                when[k][n] = name[n] == '_' ? '_' : (char)(name[n] - 'a' + 'A');
            when[k][n] = '\0';
        }
        fprintf(out, " \\\n    X(%u, %s, BD_WHEN_%s, BD_WHEN_%s, %uu, %uu, %uu, %d)", (unsigned)f->word, f->name,
                when[0], when[1], f->min, f->max, (unsigned)f->multiple, f->only_ends);
    }
    fprintf(out, "\n");
}

void gen_descriptor_c(FILE *out, const void *what)
{
    const struct gen_descriptor *d = what;
    fprintf(out,
            "/* The layer descriptor and the limits of the RTL, generated from hw/descriptor.yaml: do not edit. Needs "
            "no hosted\n * environment. */\n/* clang-format off */\n#ifndef BD_PROGRAM_DESCRIPTOR_H\n"
            "#define BD_PROGRAM_DESCRIPTOR_H\n\n#include <stdint.h>\n\n#define BD_DESCRIPTOR_WORDS %du\n\n",
            GEN_WORDS);
    write_limits(out, d);
    write_enums(out, d);
    fprintf(out, "\nstruct bd_descriptor { /* the word's number stands behind each line */\n");
    for (size_t i = 0; i < d->field_count; i++)
        fprintf(out, "    %s %s; /* %u: %s */\n", d->fields[i].is_signed ? "int32_t" : "uint32_t", d->fields[i].name,
                (unsigned)d->fields[i].word, d->fields[i].help);
    fprintf(out, "};\n\n/* Every field in order: X(name). */\n#define BD_DESCRIPTOR_FIELDS(X)");
    for (size_t i = 0; i < d->field_count; i++)
        fprintf(out, "%sX(%s)", i % 6 ? " " : " \\\n    ", d->fields[i].name);
    fprintf(out, "\n");
    write_rules(out, d);
    fprintf(out, "\n#endif\n");
}

static void print_taken(FILE *out, const struct gen_field *f)
{
    if (f->only_ends)
        fprintf(out, "%u or %u", f->min, f->max);
    else if (f->min == f->max && f->min_when == f->when)
        fprintf(out, "%u", f->min);
    else if (f->max == UINT32_MAX)
        fprintf(out, "any");
    else
        fprintf(out, "%u..%u", f->min_when == f->when ? f->min : 0, f->max);
    if (f->multiple > 1)
        fprintf(out, ", a multiple of %u", (unsigned)f->multiple);
    if (f->when != WHEN_ALWAYS)
        fprintf(out, "; only where %s", gen_when_names[f->when]);
    else if (f->min_when != WHEN_ALWAYS)
        fprintf(out, "; from %u where %s", f->min, gen_when_names[f->min_when]);
}

void gen_descriptor_markdown(FILE *out, const void *what)
{
    const struct gen_descriptor *d = what;
    fprintf(out,
            "# Layer descriptors\n\nGenerated from `hw/descriptor.yaml`: do not edit. 64 little-endian words of 32 "
            "bits for each layer and switch; `model/program/README.md` says where they stand.\n\n"
            "Taken: what a device executes; anything else is refused with BAD_DESCRIPTOR and the layer's number in "
            "STATUS.ERROR_LAYER. Where conv: where the operation is no pooling; the other conditions are flags. "
            "Kept: bits of the word that the RTL keeps.\n\n"
            "| word | field | taken | kept | meaning |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < d->field_count; i++) {
        const struct gen_field *f = &d->fields[i];
        fprintf(out, "| %u | %s%s | ", (unsigned)f->word, f->name, f->is_signed ? " (signed)" : "");
        print_taken(out, f);
        if (f->has_bits)
            fprintf(out, " | below");
        else if (f->rtl)
            fprintf(out, " | %u:%u", (unsigned)(f->lsb + f->width - 1), (unsigned)f->lsb);
        else
            fprintf(out, " | -");
        fprintf(out, " | %s", f->help);
        for (size_t n = 0; n < f->name_count && !f->has_bits; n++)
            fprintf(out, "; %u %s: %s", (unsigned)f->names[n].value, f->names[n].name, f->names[n].help);
        fprintf(out, " |\n");
    }
    for (size_t i = 0; i < d->field_count; i++) {
        const struct gen_field *f = &d->fields[i];
        if (!f->has_bits)
            continue;
        fprintf(out, "\n## Bits of `%s`\n\n| bit | name | meaning |\n|---|---|---|\n", f->name);
        for (size_t n = 0; n < f->name_count; n++)
            fprintf(out, "| %u | %s | %s |\n", (unsigned)f->names[n].value, f->names[n].name, f->names[n].help);
    }
    fprintf(out, "\n## Limits\n\n| name | largest | of what |\n|---|---|---|\n");
    for (size_t i = 0; i < d->limit_count; i++)
        fprintf(out, "| %s | %u | %s |\n", d->limits[i].name, (unsigned)d->limits[i].value, d->limits[i].help);
}

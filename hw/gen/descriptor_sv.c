/* The descriptor for the RTL: its package, and the module that decodes and checks it word by word. */
#include <ctype.h>
#include <string.h>

#include "hw/gen/descriptor.h"

/* Members of descriptor_t come in the order of the words; those of the form "group.member" make up one member of type
 * tensor_t for each group. */
static bool in_group(const struct gen_field *f)
{
    return f->rtl && strchr(f->rtl, '.');
}

static bool same_group(const struct gen_field *a, const struct gen_field *b)
{
    const size_t n = strcspn(a->rtl, ".");
    return in_group(b) && strncmp(a->rtl, b->rtl, n + 1) == 0;
}

static void print_member(FILE *out, const struct gen_field *f, const char *name)
{
    char range[48] = "";
    if (f->max_limit && f->width == gen_bits(f->max))
        snprintf(range, sizeof range, " [%s_W-1:0]", f->max_limit->name);
    else if (f->width > 1)
        snprintf(range, sizeof range, " [%u:0]", (unsigned)f->width - 1);
    fprintf(out, "    logic%s %s;\n", range, name);
}

void gen_descriptor_package(FILE *out, const void *what)
{
    const struct gen_descriptor *d = what;
    fprintf(out, "// The layer descriptor and the limits, generated from hw/descriptor.yaml: do not edit.\n"
                 "// It lists what exists; not every block needs all of it.\n// verilator lint_off UNUSEDPARAM\n"
                 "package bitdial_descriptor_pkg;\n  // The largest that there is, and the bits that hold it.\n");
    for (size_t i = 0; i < d->limit_count; i++) {
        const struct gen_limit *l = &d->limits[i];
        fprintf(out, "  localparam int %s = %u;  // %s\n  localparam int %s_W = %u;\n", l->name, (unsigned)l->value,
                l->help, l->name, gen_bits((uint64_t)l->value));
    }
    fprintf(out, "\n  // Number of each word.\n");
    for (size_t i = 0; i < d->field_count; i++) {
        fprintf(out, "  localparam int WORD_");
        for (const char *c = d->fields[i].name; *c; c++)
            fputc(toupper((unsigned char)*c), out);
        fprintf(out, " = %u;\n", (unsigned)d->fields[i].word);
    }
    fprintf(out, "\n  // Values of words.\n");
    for (size_t i = 0; i < d->field_count; i++)
        for (size_t n = 0; n < d->fields[i].name_count && !d->fields[i].has_bits; n++)
            fprintf(out, "  localparam int %s = %u;  // %s\n", d->fields[i].names[n].name,
                    (unsigned)d->fields[i].names[n].value, d->fields[i].names[n].help);
    const struct gen_field *first = NULL;
    for (size_t i = 0; i < d->field_count && !first; i++)
        first = in_group(&d->fields[i]) ? &d->fields[i] : NULL;
    fprintf(out, "\n  // How a tensor lies in the activation buffer.\n  typedef struct packed {\n");
    for (size_t i = 0; first && i < d->field_count; i++)
        if (same_group(first, &d->fields[i]))
            print_member(out, &d->fields[i], strchr(d->fields[i].rtl, '.') + 1);
    fprintf(out, "  } tensor_t;\n\n  // The part of a descriptor that the hardware uses.\n  typedef struct packed {\n");
    for (size_t i = 0; i < d->field_count; i++) {
        const struct gen_field *f = &d->fields[i];
        for (size_t n = 0; n < f->name_count && f->has_bits; n++)
            if (f->names[n].rtl)
                fprintf(out, "    logic %s;\n", f->names[n].rtl);
        if (in_group(f) && (i == 0 || !in_group(f - 1) || !same_group(f - 1, f)))
            fprintf(out, "    tensor_t %.*s;\n", (int)strcspn(f->rtl, "."), f->rtl);
        else if (f->rtl && !in_group(f))
            print_member(out, f, f->rtl);
    }
    fprintf(out, "  } descriptor_t;\nendpackage\n// verilator lint_on UNUSEDPARAM\n");
}

static const char *half(const struct gen_field *f)
{
    return f->word % 2 ? "hi" : "lo";
}

static const char *condition(int when)
{
    static const char *const text[] = {"",
                                       "!d_q.pool && ",
                                       "d_q.write_codes && ",
                                       "d_q.add_stream && ",
                                       "d_q.store_codes && ",
                                       "d_q.store_stream && "};
    return text[when];
}

static void print_term(FILE *out, bool *any, const char *condition_text, const char *term)
{
    fprintf(out, *condition_text ? "%s(%s%s)" : "%s%s%s", *any ? " || " : "", condition_text, term);
    *any = true;
}

static size_t print_bits(char *out, size_t room, const char *h, unsigned top, unsigned bottom)
{
    const int n =
        top == bottom ? snprintf(out, room, "%s[%u]", h, top) : snprintf(out, room, "%s[%u:%u]", h, top, bottom);
    return (size_t)n < room ? (size_t)n : room;
}

/* The word `h` is greater than `top`, without a carry chain: from the lowest bit up, a run of zeros of `top` makes it
 * greater where one of its bits is set, a run of ones keeps it so where all of them are. */
static void greater_than(char *out, size_t room, const char *h, uint32_t top)
{
    char term[256] = "", next[256], bits[24];
    for (unsigned low = 0; low < 32;) {
        const bool ones = top >> low & 1;
        unsigned high = low;
        while (high < 31 && (top >> (high + 1) & 1) == ones)
            high++;
        print_bits(bits, sizeof bits, h, high, low);
        const char *all = high == low ? "" : ones ? "&" : "|";
        if (!*term)
            snprintf(next, sizeof next, ones ? "" : "%s%s", all, bits);
        else
            snprintf(next, sizeof next, ones ? "(%s%s && %s)" : "(%s%s || %s)", all, bits, term);
        strcpy(term, next);
        low = high + 1;
    }
    snprintf(out, room, "%s", term);
}

/* What makes a word unfit. */
static void print_misfit(FILE *out, const struct gen_field *f, bool *any)
{
    const char *h = half(f);
    char term[256];
    if (f->only_ends || (f->min && f->min == f->max && f->min_when == f->when)) {
        if (f->min == f->max)
            snprintf(term, sizeof term, "%s != 32'd%u", h, f->min);
        else
            snprintf(term, sizeof term, "%s != 32'd%u && %s != 32'd%u", h, f->min, h, f->max);
        const bool split = f->only_ends && !*condition(f->when);
        char bracket[100];
        snprintf(bracket, sizeof bracket, split ? "(%s)" : "%s", term);
        print_term(out, any, condition(f->when), bracket);
        return;
    }
    const uint32_t top = f->max | (uint32_t)(f->multiple - 1);
    if (top != UINT32_MAX) {
        if (!top)
            snprintf(term, sizeof term, "|%s", h);
        else if (!(top & (top + 1)))
            snprintf(term, sizeof term, "|%s[31:%u]", h, gen_bits(top));
        else
            greater_than(term, sizeof term, h, top);
        print_term(out, any, condition(f->when), term);
    }
    if (f->multiple > 1) {
        snprintf(term, sizeof term, "|%s[%u:0]", h, gen_bits((uint64_t)f->multiple - 1) - 1);
        print_term(out, any, condition(f->when), term);
    }
    if (f->min) {
        snprintf(term, sizeof term, f->min <= f->multiple ? "%s == 32'd0" : "%s < 32'd%u", h, f->min);
        print_term(out, any, condition(f->min_when), term);
    }
}

static void print_slice(FILE *out, const char *name, const char *half_name, unsigned lsb, unsigned width)
{
    fprintf(out, "          d_q.%s <= %s", name, half_name);
    if (width == 1)
        fprintf(out, "[%u]", lsb);
    else if (width < 32)
        fprintf(out, "[%u:%u]", lsb + width - 1, lsb);
    fprintf(out, ";\n");
}

static void print_decode(FILE *out, const struct gen_field *f)
{
    for (size_t n = 0; n < f->name_count && f->has_bits; n++)
        if (f->names[n].rtl)
            print_slice(out, f->names[n].rtl, half(f), (unsigned)f->names[n].value, 1);
    if (f->rtl)
        print_slice(out, f->rtl, half(f), (unsigned)f->lsb, (unsigned)f->width);
}

static bool keeps(const struct gen_field *f)
{
    bool kept = f->rtl != NULL;
    for (size_t n = 0; n < f->name_count && f->has_bits; n++)
        kept = kept || f->names[n].rtl;
    return kept;
}

void gen_descriptor_decoder(FILE *out, const void *what)
{
    const struct gen_descriptor *d = what;
    fprintf(out,
            "// Decodes and checks a descriptor, two words a beat; generated from hw/descriptor.yaml: do not edit.\n"
            "module descriptor_fields (\n  input  logic        clk_i,\n  input  logic        rst_ni,\n"
            "  input  logic        we_i,\n  input  logic [4:0]  beat_i,    // words 2*beat (low half) and 2*beat + 1\n"
            "  input  logic [63:0] data_i,\n  output bitdial_descriptor_pkg::descriptor_t descriptor_o,\n"
            "  output logic [3:0]  misfit_o   // bit beat / 8: a word of this beat holds what no device takes; beats "
            "come in order\n"
            ");\n  bitdial_descriptor_pkg::descriptor_t d_q;\n  logic [31:0] lo, hi;\n  assign lo = data_i[31:0];\n"
            "  assign hi = data_i[63:32];\n  assign descriptor_o = d_q;\n\n  always_comb begin\n"
            "    misfit_o = 4'd0;\n    case (beat_i)\n");
    for (size_t i = 0; i + 1 < d->field_count; i += 2) {
        bool any = false;
        fprintf(out, "      // %s, %s\n      5'd%zu: misfit_o[%zu] = ", d->fields[i].name, d->fields[i + 1].name, i / 2,
                i / 16);
        print_misfit(out, &d->fields[i], &any);
        print_misfit(out, &d->fields[i + 1], &any);
        fprintf(out, "%s;\n", any ? "" : "1'b0");
    }
    fprintf(out, "      default: ;\n    endcase\n  end\n\n"
                 "  always_ff @(posedge clk_i or negedge rst_ni) begin\n    if (!rst_ni) d_q <= '0;\n"
                 "    else if (we_i) begin\n      case (beat_i)\n");
    for (size_t i = 0; i + 1 < d->field_count; i += 2) {
        if (!keeps(&d->fields[i]) && !keeps(&d->fields[i + 1]))
            continue;
        fprintf(out, "        5'd%zu: begin\n", i / 2);
        print_decode(out, &d->fields[i]);
        print_decode(out, &d->fields[i + 1]);
        fprintf(out, "        end\n");
    }
    fprintf(out, "        default: ;\n      endcase\n    end\n  end\nendmodule\n");
}

#include "model/program/layout.h"

enum { LANES = 72, ROW_BITS = 18, LEAST_INTERVAL = 2 };

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t ceil_div(uint32_t a, uint32_t b)
{
    return (a + b - 1) / b;
}

static uint32_t clamp_u32(uint64_t v)
{
    return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

uint32_t bd_code_pairs(uint32_t bits)
{
    return ceil_div(bits, 2);
}

struct bd_tensor_layout bd_tensor_layout(uint32_t layout, uint32_t bits, uint32_t height, uint32_t width,
                                         uint32_t channels)
{
    struct bd_tensor_layout t = {.layout = layout, .pairs = bd_code_pairs(bits)};
    uint32_t rows = ceil_div(height, 3), columns = ceil_div(width, 3);
    if (layout == BD_LAYOUT_CHANNEL) {
        const uint32_t eights = ceil_div(channels, 8), banks = bits == 1 ? 18 : 9;
        t.groups = ceil_div(eights, banks);
        t.tail_banks = min_u32(eights - banks * (t.groups - 1), 9);
        rows = height;
        columns = width;
    } else if (layout == BD_LAYOUT_BYTE) {
        t.groups = ceil_div(channels, 2);
        t.pairs = 1;
    } else {
        t.groups = ceil_div(channels, bits == 1 ? 16 : 8);
    }
    t.cell_words = t.groups * t.pairs;
    t.pitch = clamp_u32((uint64_t)columns * t.cell_words);
    t.words = (uint64_t)rows * columns * t.cell_words;
    return t;
}

/* ---- walks ---- */

static uint32_t depth(const struct bd_descriptor *d)
{
    return d->in_channels / d->groups;
}

/* Segments of a K word whose group holds so many channels. */
static uint32_t segments_of(uint32_t channels, uint32_t most, uint32_t at_once)
{
    return ceil_div(min_u32(channels, most), at_once);
}

static void derive_words(struct bd_descriptor *d, const struct bd_program_header *g)
{
    const bool mac = d->datapath == BD_DATAPATH_MAC;
    const uint32_t at_once = g->mac_channels ? g->mac_channels : 1;
    d->sub_rows = ceil_div(d->kernel_h, 3);
    d->sub_columns = ceil_div(d->kernel_w, 3);
    d->segments = d->tail_segments = 0;
    if (d->flags & BD_FLAG_DEPTHWISE) {
        d->word_groups = 1;
        d->segments = d->tail_segments = mac;
        return;
    }
    const uint32_t bits = d->in_bits;
    d->word_groups = bd_tensor_layout(d->in_layout, bits, 1, 1, depth(d)).groups;
    if (!mac)
        return;
    if (d->in_layout == BD_LAYOUT_CHANNEL) {
        d->segments = d->tail_segments = (bits == 1 ? 16 : 8) / at_once;
        return;
    }
    const uint32_t most = d->in_layout == BD_LAYOUT_BYTE ? 2 : bits == 1 ? 16 : 8;
    d->segments = segments_of(depth(d), most, at_once);
    d->tail_segments = segments_of(depth(d) - most * (d->word_groups - 1), most, at_once);
    if (d->word_groups > 1)
        d->segments = segments_of(most, most, at_once);
}

uint32_t bd_gather_clocks(const struct bd_descriptor *d, uint32_t rows)
{
    const uint32_t pairs = d->in_layout == BD_LAYOUT_BYTE ? 1 : bd_code_pairs(d->in_bits);
    if (d->flags & BD_FLAG_DEPTHWISE)
        return d->in_bits == 1 ? ceil_div(rows, 16) : rows / 8 * pairs;
    return pairs;
}

uint64_t bd_block_clocks(const struct bd_descriptor *d, uint32_t rows, uint32_t pixels)
{
    const uint64_t subs = (uint64_t)d->sub_rows * d->sub_columns;
    if (d->datapath == BD_DATAPATH_XNOR) {
        const uint64_t steps = (uint64_t)d->weight_bits * bd_code_pairs(d->in_bits);
        return steps * subs * d->word_groups * max_u32(pixels, d->in_bits == 1 ? 8 : 4);
    }
    const uint64_t gather = bd_gather_clocks(d, rows);
    const uint64_t whole = max_u64(gather, (uint64_t)d->weight_bits * d->segments);
    const uint64_t tail = max_u64(gather, (uint64_t)d->weight_bits * d->tail_segments);
    return pixels * subs * ((d->word_groups - 1) * whole + tail);
}

uint32_t bd_code_writes(const struct bd_descriptor *d, uint32_t channels)
{
    if (!(d->flags & BD_FLAG_WRITE_CODES))
        return 0;
    if (d->out_bits == 1 && d->out_layout == BD_LAYOUT_WINDOW)
        return ceil_div(channels, 16);
    return ceil_div(channels, 8) * bd_code_pairs(d->out_bits);
}

static void derive_blocks(struct bd_descriptor *d, const struct bd_program_header *g)
{
    const uint32_t pixels = d->out_height * d->out_width, subs = g->rows / g->requant_units;
    const uint32_t writes = bd_code_writes(d, g->rows);
    if (d->operation == BD_OP_LOAD) { /* it walks nothing */
        d->blocks_large = d->pixels_large = d->interval_large = d->pixel_period = 1;
        d->blocks_small = d->interval_small = 0;
        return;
    }
    if (d->operation == BD_OP_POOL) {
        const bool windows = bd_pool_kinds[d->pool_kind].windows;
        const uint64_t taps = windows ? (uint64_t)d->kernel_h * d->kernel_w : (uint64_t)d->in_height * d->in_width;
        d->blocks_large = pixels;
        d->pixels_large = 1;
        d->pixel_period = clamp_u32(max_u64(subs * taps, writes));
        d->interval_large = d->pixel_period;
        d->blocks_small = d->interval_small = 0;
        return;
    }
    const uint32_t blocks = ceil_div(pixels, BD_LIMIT_BLOCK_PIXELS);
    d->pixels_large = ceil_div(pixels, blocks);
    d->blocks_large = pixels - blocks * (d->pixels_large - 1);
    d->blocks_small = blocks - d->blocks_large;
    d->pixel_period = max_u32(subs, writes);
    const uint32_t small = d->pixels_large - 1;
    const uint64_t walk = bd_block_clocks(d, g->rows, d->pixels_large), period = d->pixel_period;
    const uint64_t small_walk = d->blocks_small ? bd_block_clocks(d, g->rows, small) : walk;
    /* One bank of sums is drained while the next block is walked: a small block behind a large one comes earlier. */
    const uint64_t large = max_u64(walk, d->pixels_large * period + walk - small_walk);
    d->interval_large = clamp_u32(max_u64(large, LEAST_INTERVAL));
    d->interval_small = d->blocks_small ? clamp_u32(max_u64(max_u64(small_walk, small * period), LEAST_INTERVAL)) : 0;
}

static void derive_tensors(struct bd_descriptor *d)
{
    d->in_cell_words = d->in_pitch = d->in_tail_banks = 0;
    d->out_cell_words = d->out_pitch = 0;
    if (d->operation == BD_OP_CONV) {
        const struct bd_tensor_layout in =
            bd_tensor_layout(d->in_layout, d->in_bits, d->in_height, d->in_width, d->in_channels);
        d->in_cell_words = in.cell_words;
        d->in_pitch = in.pitch;
        d->in_tail_banks = in.tail_banks;
    }
    if (d->flags & BD_FLAG_WRITE_CODES) {
        const struct bd_tensor_layout out =
            bd_tensor_layout(d->out_layout, d->out_bits, d->out_height, d->out_width, d->out_channels);
        d->out_cell_words = out.cell_words;
        d->out_pitch = out.pitch;
    }
}

void bd_descriptor_derive(struct bd_descriptor *d, const struct bd_program_header *g)
{
    d->row_groups = ceil_div(d->out_channels, g->rows);
    derive_tensors(d);
    if (d->operation != BD_OP_CONV)
        d->sub_rows = d->sub_columns = d->word_groups = d->segments = d->tail_segments = 0;
    else
        derive_words(d, g);
    derive_blocks(d, g);
    const struct bd_borders b = bd_borders(d);
    d->borders = b.top | b.bottom << 8 | b.left << 16 | b.right << 24;
}

uint64_t bd_descriptor_clocks(const struct bd_descriptor *d)
{
    return (uint64_t)d->row_groups *
           ((uint64_t)d->blocks_large * d->interval_large + (uint64_t)d->blocks_small * d->interval_small);
}

/* ---- borders ---- */

/* How many outputs along one side miss inputs before the map and behind it. */
static void side_borders(uint32_t in, uint32_t out, uint32_t kernel, uint32_t stride, uint32_t before, uint32_t *first,
                         uint32_t *last)
{
    *first = *last = 0;
    for (uint32_t o = 0; o < out; o++) {
        const bool misses_before = (uint64_t)o * stride < before;
        const bool misses_behind = (uint64_t)o * stride + kernel > (uint64_t)in + before;
        *first += misses_before;
        *last += misses_behind;
    }
    if (*first + *last > out) { /* some miss both: each is a class of its own */
        *first = out - 1;
        *last = 0;
    }
}

struct bd_borders bd_borders(const struct bd_descriptor *d)
{
    struct bd_borders b = {0};
    const bool padded = d->pad_top || d->pad_bottom || d->pad_left || d->pad_right;
    if (d->operation != BD_OP_CONV || !(d->flags & BD_FLAG_IN_SIGNED) || !padded)
        return b;
    side_borders(d->in_height, d->out_height, d->kernel_h, d->stride, d->pad_top, &b.top, &b.bottom);
    side_borders(d->in_width, d->out_width, d->kernel_w, d->stride, d->pad_left, &b.left, &b.right);
    return b;
}

uint32_t bd_border_classes(const struct bd_descriptor *d)
{
    const struct bd_borders b = bd_borders(d);
    return (b.top + 1 + b.bottom) * (b.left + 1 + b.right);
}

uint32_t bd_border_class(uint32_t at, uint32_t first, uint32_t last, uint32_t count)
{
    return min_u32(at, first) + (at + last >= count ? at + last + 1 - count : 0);
}

/* ---- weights ---- */

/* Groups of eight channels that a sub-window of a stored plane holds; LAYOUT_CHANNEL: of 72. */
static uint32_t stored_groups(const struct bd_descriptor *d, bool even)
{
    const uint32_t groups = bd_tensor_layout(d->in_layout, 8, 1, 1, depth(d)).groups;
    const bool sub_windows = d->in_layout == BD_LAYOUT_WINDOW && (d->kernel_h > 3 || d->kernel_w > 3);
    return even || sub_windows ? (groups + 1) / 2 * 2 : groups;
}

uint32_t bd_weight_plane(const struct bd_descriptor *d, bool even)
{
    const uint32_t subs = ceil_div(d->kernel_h, 3) * ceil_div(d->kernel_w, 3);
    if (d->flags & BD_FLAG_DEPTHWISE)
        return subs;
    if (d->in_layout == BD_LAYOUT_BYTE)
        return subs * ceil_div(depth(d), 2);
    return 4 * subs * stored_groups(d, even);
}

uint32_t bd_weight_step(uint32_t planes, uint32_t weight_plane)
{
    return (planes * weight_plane + 3) / 4 * 4;
}

uint64_t bd_weight_bytes(const struct bd_program_header *g, uint64_t words)
{
    return words * g->rows * ROW_BITS / 8;
}

uint64_t bd_weight_bit(const struct bd_descriptor *d, const struct bd_program_header *g, uint32_t row, uint32_t ky,
                       uint32_t kx, uint32_t ic)
{
    const uint32_t columns = ceil_div(d->kernel_w, 3), subs = ceil_div(d->kernel_h, 3) * columns;
    const uint32_t sub = ky / 3 * columns + kx / 3, tap = 3 * (ky % 3) + kx % 3;
    if (d->flags & BD_FLAG_DEPTHWISE)
        return ((uint64_t)sub * g->rows + row) * ROW_BITS + tap;
    if (d->in_layout == BD_LAYOUT_BYTE)
        return (((uint64_t)sub * ceil_div(depth(d), 2) + ic / 2) * g->rows + row) * ROW_BITS + 9 * (ic % 2) + tap;
    const bool by_channel = d->in_layout == BD_LAYOUT_CHANNEL;
    const uint32_t place = by_channel ? ic / 8 % 9 : tap; /* of nine */
    const uint64_t word = by_channel ? ic / 72 : (uint64_t)sub * (d->weight_plane / (4 * subs)) + ic / 8;
    if (d->datapath == BD_DATAPATH_XNOR)
        return (word * g->rows + row) * LANES + 8 * place + ic % 8;
    return ((4 * word + ic % 8 / 2) * g->rows + row) * ROW_BITS + 9 * (ic % 2) + place;
}

int64_t bd_row_constant(const struct bd_descriptor *d, int64_t sum_codes, int64_t taps)
{
    const int64_t top = ((int64_t)1 << d->weight_bits) - 1, sum_weights = 2 * sum_codes - taps * top;
    const int64_t planes = d->in_bits == 1 ? 1 : ((int64_t)1 << 2 * bd_code_pairs(d->in_bits)) - 1;
    const int64_t counted = d->datapath == BD_DATAPATH_XNOR ? (taps * top - sum_codes) * planes : 0;
    return d->flags & BD_FLAG_IN_SIGNED ? -2 * counted - sum_weights : -counted;
}

bool bd_bias_holds_constant(const struct bd_descriptor *d)
{
    return d->operation == BD_OP_CONV && !d->weight_zero_point;
}

int64_t bd_pad_bias(const struct bd_descriptor *d)
{
    int64_t z = -1;
    if (d->flags & BD_FLAG_WRITE_CODES) {
        const int64_t room = ((int64_t)1 << d->code_shift) - 1 - d->code_offset; /* S z must not be over it */
        const int64_t multiplier = d->code_multiplier;
        if (multiplier == 0 && room < 0)
            return 0;
        const int64_t most = multiplier ? room / multiplier - (room % multiplier < 0) : -1;
        z = most < z ? most : z;
    }
    return z < -((int64_t)1 << (BD_TABLE_BIAS_BITS - 1) >> d->shift) ? 0 : z * ((int64_t)1 << d->shift);
}

/* ---- residual memory, stores ---- */

uint64_t bd_z_words(const struct bd_program_header *g, uint64_t pixels, uint32_t row_groups, bool wide)
{
    const uint64_t words = pixels * row_groups * (g->rows / g->requant_units) * (wide ? 2 : 1);
    return (words + 1) / 2 * 2;
}

uint32_t bd_map_words(const struct bd_descriptor *d)
{
    const struct bd_tensor_layout t = bd_tensor_layout(d->out_layout, d->out_bits, 1, 1, d->out_channels);
    return d->out_layout == BD_LAYOUT_CHANNEL ? (9 * (t.groups - 1) + t.tail_banks) * t.pairs : t.cell_words;
}

uint32_t bd_map_row_bytes(const struct bd_descriptor *d)
{
    return ceil_div(d->out_width * bd_map_words(d), 4) * 8;
}

uint32_t bd_map_z_row_bytes(const struct bd_descriptor *d, const struct bd_program_header *g)
{
    return d->out_width * ceil_div(d->out_channels, g->rows) * g->rows * (d->flags & BD_FLAG_Z_OUT_WIDE ? 4 : 2);
}

uint32_t bd_store_codes_bytes(const struct bd_descriptor *d)
{
    if ((d->flags & BD_FLAG_LOAD) && (d->flags & BD_FLAG_LOAD_INPUT))
        return 0;
    if (d->flags & (BD_FLAG_SPILL_CODES | BD_FLAG_LOAD))
        return d->out_height * bd_map_row_bytes(d);
    return d->out_height * d->out_width * ceil_div(d->out_channels, 8) * 8;
}

uint32_t bd_store_z_bytes(const struct bd_descriptor *d, const struct bd_program_header *g)
{
    const uint32_t row_groups = ceil_div(d->out_channels, g->rows), pixels = d->out_height * d->out_width;
    if (d->flags & (BD_FLAG_SPILL_STREAM | BD_FLAG_LOAD))
        return (uint32_t)bd_z_words(g, pixels, row_groups, d->flags & BD_FLAG_Z_OUT_WIDE) * g->requant_units * 2;
    return pixels * row_groups * g->rows * 4;
}

uint32_t bd_table_chunk(const struct bd_program_header *g)
{
    return g->rows * BD_TABLE_ROW_BYTES;
}

uint32_t bd_correct_chunk(const struct bd_descriptor *d, const struct bd_program_header *g)
{
    return d->flags & BD_FLAG_CORRECT ? bd_border_classes(d) * g->rows * 4 : 0;
}

#include "model/cost/bus.h"

#include <stddef.h>
#include <string.h>

#include "model/program/layout.h"

#define BURST_BEATS 16
#define STORE_QUEUE 8  /* beats that the store unit reads ahead */
#define STORE_CLOCKS 6 /* from a beat's last read to the beat */

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Beats of the next burst: up to 16, to the end of the job, to the next 4 KiB boundary. */
static uint64_t burst_beats(uint64_t address, uint64_t beats)
{
    const uint64_t room = 512 - (address >> 3 & 511), burst = beats < BURST_BEATS ? beats : BURST_BEATS;
    return burst < room ? burst : room;
}

/* ---- reads ---- */

static void read_start(struct bd_read_channel *r, int64_t start)
{
    r->burst = 0;
    r->formed = start + 1;
}

/* Clock in which the first beat of the job's next burst can be shown. An address stands on the bus a clock after it
 * was formed; the next is formed when it is accepted, while fewer than BD_DMA_BURSTS bursts are open. */
static int64_t read_burst(struct bd_read_channel *r)
{
    const struct bd_memory_model *m = r->memory;
    if (r->burst >= BD_DMA_BURSTS)
        r->formed = later(r->formed, r->end[r->burst % BD_DMA_BURSTS] + 1);
    int64_t accepted = r->formed + 1;
    const unsigned held = m->outstanding < BD_DMA_BURSTS ? (unsigned)m->outstanding : BD_DMA_BURSTS;
    if (r->burst >= held)
        accepted = later(accepted, r->end[(r->burst - held) % BD_DMA_BURSTS] + 1);
    r->formed = accepted;
    return later(accepted + m->latency, r->next_beat);
}

static void read_burst_end(struct bd_read_channel *r, int64_t last)
{
    r->end[r->burst % BD_DMA_BURSTS] = last;
    r->burst++;
    r->next_beat = last + r->memory->beat_interval;
}

int64_t bd_read_job(struct bd_read_channel *r, int64_t start, uint64_t address, uint64_t beats)
{
    int64_t last = start;
    read_start(r, start);
    while (beats > 0) {
        const uint64_t burst = burst_beats(address, beats);
        last = read_burst(r) + (int64_t)(burst - 1) * r->memory->beat_interval;
        read_burst_end(r, last);
        address += burst * 8;
        beats -= burst;
    }
    return last;
}

/* ---- the image ---- */

/* The loader that takes the image byte by byte and writes groups of channels, two whole codes in a word, or eight codes
 * in four words of planes. */
struct image_loader {
    uint64_t channels, in_pixel, group, words;
    int64_t taken; /* clock of the last byte */
    int64_t free;  /* first clock in which a group's last byte can be taken */
};

/* A byte that is there from clock `there` on. */
static void take_byte(struct image_loader *u, int64_t there)
{
    u->taken = later(there, u->taken + 1);
    u->in_pixel++;
    const bool pixel_end = u->in_pixel == u->channels;
    if (pixel_end || u->in_pixel % u->group == 0) {
        u->taken = later(u->taken, u->free);
        u->free = u->taken + (int64_t)u->words;
    }
    if (pixel_end)
        u->in_pixel = 0;
}

/* Eight bytes are unpacked at a time, and one beat waits behind them: the next is taken when that has moved on, which
 * it does with the last byte of the one before. */
static int64_t image_job(struct bd_read_channel *r, int64_t start, const struct bd_descriptor *d, int64_t *last)
{
    const bool load = d->operation == BD_OP_LOAD; /* rows of the image, which begin at any byte */
    const bool whole = (load ? d->out_layout : d->in_layout) == BD_LAYOUT_BYTE;
    const uint64_t first = load ? d->store_codes_offset : 0, skipped = first % 8;
    uint64_t bytes = (uint64_t)d->in_height * d->in_width * d->in_channels, skip = skipped;
    uint64_t beats = (skip + bytes + 7) / 8, address = first - skip;
    struct image_loader unit = {
        .channels = d->in_channels, .group = whole ? 2 : 8, .words = whole ? 1 : 4, .taken = start, .free = start};
    int64_t unpacked = 0, room = 0; /* clock of a beat's last byte; clock from which another beat can be taken */
    read_start(r, start);
    while (beats > 0) {
        const uint64_t burst = burst_beats(address, beats);
        int64_t shown = read_burst(r);
        for (uint64_t k = 0; k < burst; k++) {
            *last = later(shown, room);
            room = unpacked + 1;
            for (int byte = 0; byte < 8 && bytes > 0; byte++) {
                if (skip > 0) {
                    skip--;
                    unit.taken = later(*last + 1, unit.taken + 1);
                    continue;
                }
                take_byte(&unit, *last + 1);
                bytes--;
            }
            unpacked = unit.taken;
            shown = *last + r->memory->beat_interval;
        }
        read_burst_end(r, *last);
        address += burst * 8;
        beats -= burst;
    }
    return unit.free + 1; /* the last word's clock, and one in which it is said */
}

int64_t bd_image_job(struct bd_read_channel *r, int64_t start, const struct bd_descriptor *d,
                     struct bd_image_fetch *kept, int64_t *last)
{
    const bool load = d->operation == BD_OP_LOAD;
    const struct bd_image_fetch asked = {.offset = load ? d->store_codes_offset % 4096 : 0,
                                         .height = d->in_height,
                                         .width = d->in_width,
                                         .channels = d->in_channels,
                                         .whole = (load ? d->out_layout : d->in_layout) == BD_LAYOUT_BYTE,
                                         .memory = *r->memory,
                                         .next_beat_before = r->next_beat - start};
    if (memcmp(&asked, kept, offsetof(struct bd_image_fetch, last)) != 0) {
        *kept = asked;
        kept->done = image_job(r, start, d, &kept->last) - start;
        kept->last -= start;
        kept->next_beat = r->next_beat - start;
    }
    r->next_beat = kept->next_beat + start;
    *last = kept->last + start;
    return kept->done + start;
}

/* ---- maps ---- */

int64_t bd_codes_job(struct bd_read_channel *r, int64_t start, const struct bd_descriptor *d, int64_t *last)
{
    const uint64_t row_words = (uint64_t)d->out_width * bd_map_words(d), row_beats = bd_map_row_bytes(d) / 8;
    uint64_t beats = d->store_codes_bytes / 8, address = d->store_codes_offset, beat = 0;
    int64_t word = start, room = start; /* clock of the last word; clock from which another beat can be taken */
    read_start(r, start);
    while (beats > 0) {
        const uint64_t burst = burst_beats(address, beats);
        int64_t shown = read_burst(r);
        for (uint64_t k = 0; k < burst; k++, beat++) {
            const uint64_t left = row_words - 4 * (beat % row_beats);
            *last = later(shown, room);
            room = word + 1; /* a beat waits behind the one whose words are written */
            word = later(*last, word) + (int64_t)(left < 4 ? left : 4);
            shown = *last + r->memory->beat_interval;
        }
        read_burst_end(r, *last);
        address += burst * 8;
        beats -= burst;
    }
    return word;
}

/* ---- writes ---- */

int64_t bd_write_job(struct bd_write_channel *w, int64_t start, int64_t store, const struct bd_store_reads *reads,
                     uint64_t address, uint64_t beats)
{
    int64_t taken[STORE_QUEUE]; /* clocks of the last beats */
    int64_t read = store, response = start;
    uint64_t beat = 0;
    while (beats > 0) {
        const uint64_t burst = burst_beats(address, beats);
        int64_t next = response + 2; /* the address in the clock after the start, or the response before */
        for (uint64_t k = 0; k < burst; k++, beat++) {
            if (beat >= STORE_QUEUE) /* a beat's place is free from the clock after another one's end on */
                read = later(read, taken[beat % STORE_QUEUE]);
            read += (beat + 1) % reads->row_beats == 0 ? reads->tail : reads->reads;
            const int64_t clock = later(later(next, w->next_beat), read + STORE_CLOCKS);
            taken[beat % STORE_QUEUE] = clock;
            w->next_beat = clock + w->memory->beat_interval;
            next = clock + 1;
        }
        response = taken[(beat - 1) % STORE_QUEUE] + w->memory->latency;
        address += burst * 8;
        beats -= burst;
    }
    return response;
}

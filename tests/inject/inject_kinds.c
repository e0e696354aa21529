/* The kinds of faults: how each strikes, and what it must come to. */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "sw/driver/bitdial_regs.h"
#include "sw/transport/device_model.h"
#include "sw/transport/uio.h"
#include "tests/inject/inject.h"
#include "tests/support/uio_stand_in.h"

enum { WATCHDOG = 20000, BURSTS = 40, CLOCKS = 40000 };

/* --- at the pins of the RTL ------------------------------------------------------------------------------------- */

static bd_status open_at(struct injection *in, const char *name, uint64_t at, uint64_t clocks, struct bd_error *err)
{
    char fault[64];
    snprintf(fault, sizeof fault, "%s,%" PRIu64 ",%" PRIu64, name, at, clocks);
    in->watchdog = WATCHDOG;
    in->store = inject_below(in, 2);
    return inject_open_pins(in, fault, err);
}

/* Beats that the device reads, about: the program once, the image for each frame. */
static uint64_t beats(const struct injection *in)
{
    return in->program.size / 8 + in->program.header->input_bytes / 2;
}

static bd_status open_slverr_read(struct injection *in, struct bd_error *err)
{
    return open_at(in, "slverr-r", inject_below(in, beats(in)), 0, err);
}

static bd_status open_decerr_read(struct injection *in, struct bd_error *err)
{
    return open_at(in, "decerr-r", inject_below(in, beats(in)), 0, err);
}

static bd_status open_slverr_write(struct injection *in, struct bd_error *err)
{
    return open_at(in, "slverr-b", inject_below(in, BURSTS), 0, err);
}

static bd_status open_decerr_write(struct injection *in, struct bd_error *err)
{
    return open_at(in, "decerr-b", inject_below(in, BURSTS), 0, err);
}

static bd_status open_silent(struct injection *in, unsigned first, unsigned count, uint64_t clocks,
                             struct bd_error *err)
{
    static const char *const names[] = {"silent-ar", "silent-aw", "silent-w", "silent-r", "silent-b"};
    const uint64_t limits[] = {beats(in) / 16, BURSTS, BURSTS * 8, beats(in), BURSTS};
    const unsigned n = first + (unsigned)inject_below(in, count);
    return open_at(in, names[n], inject_below(in, limits[n]), clocks, err);
}

static bd_status open_stuck_ready(struct injection *in, struct bd_error *err)
{
    return open_silent(in, 0, 3, 0, err);
}

static bd_status open_dead_memory(struct injection *in, struct bd_error *err)
{
    return open_silent(in, 3, 2, 0, err);
}

static bd_status open_late_memory(struct injection *in, struct bd_error *err)
{
    return open_silent(in, 0, 5, inject_between(in, 100, 2 * WATCHDOG), err);
}

static bd_status open_lost_interrupt(struct injection *in, struct bd_error *err)
{
    bd_status status = open_at(in, "irq-lost", inject_below(in, CLOCKS), 0, err);
    in->frame_ms = 3000;
    return status;
}

static bd_status open_spurious_interrupt(struct injection *in, struct bd_error *err)
{
    return open_at(in, "irq-spurious", inject_below(in, CLOCKS), inject_between(in, 1, 2000), err);
}

static bd_status open_reset(struct injection *in, struct bd_error *err)
{
    bd_status status = open_at(in, "reset", inject_below(in, beats(in)), inject_between(in, 1, 40), err);
    in->store = false; /* a reset in the middle of a write burst leaves a bus that no master heals (hw/README.md) */
    in->frame_ms = 3000;
    return status;
}

static bd_status open_unharmed(struct injection *in, struct bd_error *err)
{
    return open_at(in, "irq-spurious", UINT32_MAX, 1, err);
}

static void kill_device(struct injection *in, unsigned frame)
{
    (void)frame;
    usleep((useconds_t)inject_below(in, 3000));
    kill(in->child, SIGKILL);
}

/* --- on a serial line ----------------------------------------------------------------------------------------------
 */

static bd_status open_noise(struct injection *in, const char *what, struct bd_error *err)
{
    char seed[24];
    snprintf(seed, sizeof seed, "%" PRIu64, inject_between(in, 1, 1000000));
    char *const options[] = {"--noise", "10", seed, "--noise-kind", (char *)what, NULL};
    return inject_open_board(in, options, err);
}

static bd_status open_changed(struct injection *in, struct bd_error *err)
{
    return open_noise(in, "change", err);
}

static bd_status open_dropped(struct injection *in, struct bd_error *err)
{
    return open_noise(in, "lose", err);
}

static bd_status open_doubled(struct injection *in, struct bd_error *err)
{
    return open_noise(in, "double", err);
}

static bd_status open_counted(struct injection *in, char *option, uint64_t from, const char *second,
                              struct bd_error *err)
{
    char at[24], length[24] = "";
    snprintf(at, sizeof at, "%" PRIu64, inject_between(in, from, from + in->program.size));
    snprintf(length, sizeof length, "%" PRIu64, inject_between(in, 1, 600));
    char *const options[] = {option, at, second ? length : NULL, NULL};
    return inject_open_board(in, options, err);
}

static bd_status open_gap(struct injection *in, struct bd_error *err)
{
    return open_counted(in, "--gap", 0, "", err);
}

static bd_status open_unplugged(struct injection *in, struct bd_error *err)
{
    in->silence_ms = 8000;
    return open_counted(in, "--unplug", 40, NULL, err);
}

static void plug_in(struct injection *in)
{
    kill(in->child, SIGUSR1);
}

/* Memory leaves a byte of the bridge without an answer. */
static bd_status open_silent_memory(struct injection *in, struct bd_error *err)
{
    char at[24];
    snprintf(at, sizeof at, "%" PRIu64, inject_below(in, in->program.size + 1000));
    char *const options[] = {"--silent-memory", at, "1", NULL};
    return inject_open_board(in, options, err);
}

static bd_status open_board(struct injection *in, struct bd_error *err)
{
    char *const options[] = {NULL};
    return inject_open_board(in, options, err);
}

/* --- in the middle of the framed protocol --------------------------------------------------------------------------
 */

static bd_status open_frame_changed(struct injection *in, struct bd_error *err)
{
    return inject_open_middle(in, 'c', err);
}

static bd_status open_frame_byte_lost(struct injection *in, struct bd_error *err)
{
    return inject_open_middle(in, "ld"[inject_below(in, 2)], err);
}

static bd_status open_frame_cut(struct injection *in, struct bd_error *err)
{
    return inject_open_middle(in, 't', err);
}

/* --- other bitstreams, other programs ------------------------------------------------------------------------------
 */

static bd_status open_wrong_bitstream(struct injection *in, struct bd_error *err)
{
    static const uint32_t offsets[] = {
        BITDIAL_ID_REG,          BITDIAL_GEOMETRY_REG,         BITDIAL_CAPABILITIES_REG,    BITDIAL_ACT_WORDS_REG,
        BITDIAL_Z_WORDS_REG,     BITDIAL_WEIGHT_WORDS_REG,     BITDIAL_TABLE_WORDS_REG,     BITDIAL_CORRECT_WORDS_REG,
        BITDIAL_DESCRIPTORS_REG, BITDIAL_GEOMETRY_HASH_LO_REG, BITDIAL_GEOMETRY_HASH_HI_REG};
    const uint32_t offset = offsets[inject_below(in, sizeof offsets / sizeof *offsets)];
    uint32_t change = offset == BITDIAL_CAPABILITIES_REG ? BITDIAL_CAPABILITIES_XNOR_MASK : 1u << inject_below(in, 8);
    if (offset == BITDIAL_ID_REG) { /* nothing there: all bits of a bus without a device, or other hardware */
        const uint32_t values[] = {0, 0xffffffff, 0xdeadbeef, (uint32_t)bd_rng_u64(&in->rng)};
        change = BITDIAL_ID_RESET ^ values[inject_below(in, 4)];
    }
    snprintf(in->fault, sizeof in->fault, "register 0x%03x ^ 0x%x", offset, change);
    return inject_open_registers(in, offset, change, err);
}

static bd_status open_old_bitstream(struct injection *in, struct bd_error *err)
{
    uint32_t version = (uint32_t)inject_below(in, 9);
    version += version >= BITDIAL_ABI_VERSION_RESET;
    snprintf(in->fault, sizeof in->fault, "ABI version %u", version);
    return inject_open_registers(in, BITDIAL_ABI_VERSION_REG, BITDIAL_ABI_VERSION_RESET ^ version, err);
}

static bd_status open_reference(struct injection *in, struct bd_error *err)
{
    return inject_open_registers(in, 0, 0, err);
}

/* The image is cut short, or a bit of it is another. */
static bd_status open_damaged_program(struct injection *in, struct bd_error *err)
{
    if (inject_below(in, 2)) {
        in->program.size = inject_below(in, in->program.size);
        snprintf(in->fault, sizeof in->fault, "image cut at %zu", in->program.size);
    } else {
        const uint64_t at = inject_below(in, in->program.size * 8);
        ((uint8_t *)in->program.image)[at / 8] ^= (uint8_t)(1u << at % 8);
        snprintf(in->fault, sizeof in->fault, "bit %" PRIu64 " of the image", at);
    }
    return inject_open_registers(in, 0, 0, err);
}

/* --- in this machine's own chip ------------------------------------------------------------------------------------
 */

#ifdef __x86_64__
static bd_status open_stand_in(struct injection *in, struct bd_error *err)
{
    (void)err;
    in->self = bd_stand_in_open(&in->session.platform);
    return BD_OK;
}

static bd_status open_uio_lost(struct injection *in, struct bd_error *err)
{
    in->frame_ms = 100;
    return open_stand_in(in, err);
}

static void cut_interrupt(struct injection *in, unsigned frame)
{
    ((struct bd_stand_in *)in->self)->line_is_cut = true;
    snprintf(in->fault, sizeof in->fault, "cut at frame %u", frame);
}

static void join_interrupt(struct injection *in)
{
    ((struct bd_stand_in *)in->self)->line_is_cut = false;
}

static void interrupt_without_cause(struct injection *in, unsigned frame)
{
    struct bd_stand_in *it = in->self;
    it->spurious = (unsigned)inject_between(in, 1, 5);
    snprintf(in->fault, sizeof in->fault, "%u at frame %u", it->spurious, frame);
}
#endif

/* What the kernel should tell and does not, in a folder that stands for /dev and /sys. */
static bd_status open_uio_incomplete(struct injection *in, struct bd_error *err)
{
    static const struct {
        const char *file, *text;
    } files[] = {{"uio0", ""},
                 {"class/uio/uio0/maps/map0/size", "0x1000\n"},
                 {"class/u-dma-buf/udmabuf0/phys_addr", "0x70000000\n"},
                 {"class/u-dma-buf/udmabuf0/size", "1048576\n"},
                 {"udmabuf0", ""}};
    static const char *const wrong[] = {"", "many\n", "-1x\n", "0x\n"};
    char folder[] = "/tmp/bitdial-inject-XXXXXX", path[256], device[64], memory[64];
    const unsigned which = (unsigned)inject_below(in, sizeof files / sizeof *files),
                   how = (unsigned)inject_below(in, 5);
    if (!mkdtemp(folder)) {
        return bd_fail(err, BD_INFRA, "no folder");
    }
    bd_status status = BD_OK;
    for (unsigned i = 0; i < sizeof files / sizeof *files && status == BD_OK; i++) {
        const char *text = i == which && how > 0 && *files[i].text ? wrong[how - 1] : files[i].text;
        if (i == which && (how == 0 || !*files[i].text)) {
            continue;
        }
        snprintf(path, sizeof path, "%s/%s", folder, files[i].file);
        status = bd_make_parent(path, err);
        status = status ? status : bd_file_write(path, text, strlen(text), err);
    }
    snprintf(in->fault, sizeof in->fault, "%s %s", files[which].file, how ? "damaged" : "missing");
    snprintf(device, sizeof device, "%s/uio0", folder);
    snprintf(memory, sizeof memory, "%s/udmabuf0", folder);
    const struct bd_uio_options options = {.path = device, .memory = memory, .sysfs = folder};
    status = status ? status : bd_uio_open(&in->session.platform, &options, err);
    char *command = bd_asprintf("rm -r '%s'", folder);
    if (system(command) != 0) {
        fprintf(stderr, "board_faults: '%s' failed\n", command);
    }
    free(command);
    return status;
}

static int file_of(const void *bytes, size_t size, size_t room)
{
    const int fd = memfd_create("bitdial-inject", MFD_CLOEXEC);
    return fd >= 0 && ftruncate(fd, (off_t)room) == 0 && pwrite(fd, bytes, size, 0) == (ssize_t)size ? fd : -1;
}

/* A device whose bus answers no more after a while, as where the logic was unloaded: the file of its window is cut. */
static bd_status open_uio_vanishing(struct injection *in, struct bd_error *err)
{
    static uint32_t window[BITDIAL_WINDOW_BYTES / 4];
    struct bd_device_model *model = bd_device_model_new(NULL, &in->hardware);
    for (uint32_t i = 0; i < BITDIAL_WINDOW_BYTES / 4; i++) {
        window[i] = bd_device_model_read(model, 4 * i);
    }
    bd_device_model_free(model);
    const int registers = file_of(window, sizeof window, sizeof window);
    static int kept, line[2];
    kept = dup(registers);
    in->frame_ms = 50;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, line) != 0) {
        return bd_fail(err, BD_INFRA, "no pair of sockets");
    }
    const struct bd_uio_files files = {.name = "uio0",
                                       .registers = registers,
                                       .interrupt = line[0],
                                       .memory = file_of("", 0, 8 << 20),
                                       .memory_base = 0x70000000,
                                       .memory_bytes = 8 << 20};
    in->self = &kept;
    in->strike_at = 0;
    return bd_uio_open_files(&in->session.platform, &files, err);
}

static void vanish(struct injection *in, unsigned frame)
{
    (void)frame;
    if (ftruncate(*(int *)in->self, 0) != 0) {
        perror("board_faults: ftruncate");
    }
}

/* --- what the run itself must find: of no count, for tests/cli/board_faults_test.sh
 * ----------------------------------- */

static void harm_result(struct injection *in, unsigned frame)
{
    (void)frame;
    inject_harm_memory(in);
}

static void stand_still(struct injection *in, unsigned frame)
{
    (void)in, (void)frame;
    pause();
}

static void crash(struct injection *in, unsigned frame)
{
    (void)in, (void)frame;
    raise(SIGKILL);
}

#define BUS "met an error on the memory bus"
#define SLOW "waited too long|never ended a transfer"

const struct kind inject_kinds[] = {
    {"slverr-read", 40, EITHER, BUS, true, open_slverr_read, NULL, NULL},
    {"decerr-read", 40, EITHER, BUS, true, open_decerr_read, NULL, NULL},
    {"slverr-write", 20, EITHER, BUS, true, open_slverr_write, NULL, NULL},
    {"decerr-write", 20, EITHER, BUS, true, open_decerr_write, NULL, NULL},
    {"stuck-ready", 30, EITHER, SLOW, false, open_stuck_ready, NULL, NULL},
    {"dead-memory", 20, EITHER, SLOW, false, open_dead_memory, NULL, NULL},
    {"late-memory", 40, EITHER, SLOW, true, open_late_memory, NULL, NULL},
    {"lost-interrupt", 20, EITHER, "its interrupt never came|STATUS 0x1 (busy)", false, open_lost_interrupt, NULL,
     NULL},
    {"spurious-interrupt", 20, MUST_RIGHT, "", true, open_spurious_interrupt, NULL, NULL},
    {"reset-mid-frame", 40, EITHER, "has forgotten its registers", true, open_reset, NULL, NULL},
    {"device-killed", 20, MUST_FAIL, "was ended by signal 9|is gone", false, open_unharmed, kill_device, NULL},
    {"serial-changed", 10, MUST_RIGHT, "", true, open_changed, NULL, NULL},
    {"serial-dropped", 10, MUST_RIGHT, "", true, open_dropped, NULL, NULL},
    {"serial-doubled", 10, MUST_RIGHT, "", true, open_doubled, NULL, NULL},
    {"serial-truncated", 10, MUST_RIGHT, "", true, open_gap, NULL, NULL},
    {"serial-unplugged", 10, EITHER, "did not answer", true, open_unplugged, NULL, plug_in},
    {"serial-adapter-gone", 10, MUST_FAIL, "was closed during", false, open_board, kill_device, NULL},
    {"frame-changed", 30, EITHER, "frame|closed the channel|did not answer", false, open_frame_changed, NULL, NULL},
    {"frame-byte-lost", 30, EITHER, "frame|closed the channel|did not answer", false, open_frame_byte_lost, NULL, NULL},
    {"frame-cut", 30, EITHER, "closed the channel|the channel closed", false, open_frame_cut, NULL, NULL},
    {"wrong-bitstream", 40, MUST_FAIL, "not a Bitdial device|contradict|other hardware", false, open_wrong_bitstream,
     NULL, NULL},
    {"old-bitstream", 20, MUST_FAIL, "another register map", false, open_old_bitstream, NULL, NULL},
    {"other-hardware", 20, MUST_FAIL, "compiled for other hardware", false, open_reference, NULL, NULL},
    {"damaged-program", 30, MUST_FAIL, "not a program image, or a damaged one", false, open_damaged_program, NULL,
     NULL},
#ifdef __x86_64__
    {"uio-lost-interrupt", 20, MUST_FAIL, "its interrupt never came", true, open_uio_lost, cut_interrupt,
     join_interrupt},
    {"uio-spurious-interrupt", 20, MUST_RIGHT, "", true, open_stand_in, interrupt_without_cause, NULL},
#endif
    {"uio-incomplete", 30, MUST_FAIL, "no uio device|u-dma-buf|cannot open", false, open_uio_incomplete, NULL, NULL},
    {"uio-vanished", 10, MUST_FAIL, "no longer answers", false, open_uio_vanishing, vanish, NULL},
    {"serial-memory-silent", 10, EITHER, ": silent", true, open_silent_memory, NULL, NULL},
    {"planted-wrong-result", 0, EITHER, "", false, open_reference, harm_result, NULL},
    {"planted-hang", 0, EITHER, "", false, open_reference, stand_still, NULL},
    {"planted-crash", 0, EITHER, "", false, open_reference, crash, NULL},
    {"planted-unnamed", 0, EITHER, "a word that no error holds", false, open_old_bitstream, NULL, NULL},
};
const int inject_kind_count = sizeof inject_kinds / sizeof *inject_kinds;

#include "sw/driver/driver.h"

#include "sw/driver/bitdial_regs.h"

/* What is written to CONTROL at all times. */
#define CONTROL_BASE BITDIAL_CONTROL_IRQ_ENABLE_MASK
/* What IRQ_ENABLE holds from a load on. */
#define IRQ_CAUSES (BITDIAL_IRQ_ENABLE_DONE_MASK | BITDIAL_IRQ_ENABLE_ERROR_MASK)

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        enum bd_device_status try_status = (call);                                                                     \
        if (try_status != BD_DEVICE_OK) {                                                                              \
            return try_status;                                                                                         \
        }                                                                                                              \
    } while (0)

static uint32_t field(uint32_t value, uint32_t mask, int shift)
{
    return (value & mask) >> shift;
}

static enum bd_device_status read_register(struct bd_device *device, uint32_t offset, uint32_t *value)
{
    return device->port.read32(device->port.context, offset, value) == BD_PORT_OK ? BD_DEVICE_OK : BD_DEVICE_TRANSPORT;
}

static enum bd_device_status write_register(struct bd_device *device, uint32_t offset, uint32_t value)
{
    return device->port.write32(device->port.context, offset, value) == BD_PORT_OK ? BD_DEVICE_OK : BD_DEVICE_TRANSPORT;
}

static enum bd_device_status read_pair(struct bd_device *device, uint32_t offset, uint64_t *value)
{
    uint32_t low, high;
    TRY(read_register(device, offset, &low));
    TRY(read_register(device, offset + 4, &high));
    *value = (uint64_t)high << 32 | low;
    return BD_DEVICE_OK;
}

static enum bd_device_status write_pair(struct bd_device *device, uint32_t offset, uint64_t value)
{
    TRY(write_register(device, offset, (uint32_t)value));
    return write_register(device, offset + 4, (uint32_t)(value >> 32));
}

static enum bd_device_status differs(struct bd_device *device, enum bd_device_status status, const char *subject,
                                     uint64_t expected, uint64_t found)
{
    device->subject = subject;
    device->expected = expected;
    device->found = found;
    return status;
}

enum bd_device_status bd_device_open(struct bd_device *device, const struct bd_port *port)
{
    /* Byte by byte: an assignment of structs this large would call a library. */
    for (size_t i = 0; i < sizeof *device; i++) {
        ((volatile uint8_t *)device)[i] = 0;
    }
    for (size_t i = 0; i < sizeof *port; i++) {
        ((volatile uint8_t *)&device->port)[i] = ((const uint8_t *)port)[i];
    }
    device->next_tag = 1;
    uint32_t id, abi, geometry;
    TRY(read_register(device, BITDIAL_ID_REG, &id));
    if (id != BITDIAL_ID_RESET) {
        return differs(device, BD_DEVICE_BAD_ID, "ID", BITDIAL_ID_RESET, id);
    }
    TRY(read_register(device, BITDIAL_ABI_VERSION_REG, &abi));
    if (abi != BITDIAL_ABI_VERSION_RESET) {
        return differs(device, BD_DEVICE_BAD_ABI, "ABI_VERSION", BITDIAL_ABI_VERSION_RESET, abi);
    }
    TRY(read_register(device, BITDIAL_GEOMETRY_REG, &geometry));
    device->rows = field(geometry, BITDIAL_GEOMETRY_ROWS_MASK, BITDIAL_GEOMETRY_ROWS_SHIFT);
    device->requant_units = field(geometry, BITDIAL_GEOMETRY_REQUANT_UNITS_MASK, BITDIAL_GEOMETRY_REQUANT_UNITS_SHIFT);
    TRY(read_register(device, BITDIAL_CAPABILITIES_REG, &device->capabilities));
    TRY(read_register(device, BITDIAL_ACT_WORDS_REG, &device->act_words));
    TRY(read_register(device, BITDIAL_Z_WORDS_REG, &device->z_words));
    TRY(read_register(device, BITDIAL_WEIGHT_WORDS_REG, &device->weight_words));
    TRY(read_pair(device, BITDIAL_GEOMETRY_HASH_LO_REG, &device->geometry_hash));
    TRY(read_register(device, BITDIAL_RTL_HASH_REG, &device->rtl_hash));
    TRY(read_register(device, BITDIAL_BUILD_ID_REG, &device->build_id));
    return read_register(device, BITDIAL_FRAME_COUNT_REG, &device->frames_seen);
}

/* CRC-32 of `size` bytes in which the four at `hole` count as zero. */
static uint32_t crc_without(const uint8_t *bytes, size_t size, size_t hole)
{
    uint32_t table[16];
    for (uint32_t i = 0; i < 16; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 4; bit++) {
            value = value >> 1 ^ (value & 1 ? 0xedb88320u : 0);
        }
        table[i] = value;
    }
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < size; i++) {
        crc ^= i - hole < 4 ? 0 : bytes[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

static enum bd_device_status check_image(struct bd_device *device, const struct bd_program_header *h, size_t size)
{
    if (size < sizeof *h) {
        return differs(device, BD_DEVICE_BAD_PROGRAM, "length", sizeof *h, size);
    }
    const struct {
        const char *subject;
        uint64_t expected, found;
        enum bd_device_status status;
    } equal[] = {
        {"magic", BD_PROGRAM_MAGIC, h->magic, BD_DEVICE_BAD_PROGRAM},
        {"version", BD_PROGRAM_VERSION, h->version, BD_DEVICE_BAD_PROGRAM},
        {"length", h->image_bytes, size, BD_DEVICE_BAD_PROGRAM},
        {"rows", device->rows, h->rows, BD_DEVICE_BAD_GEOMETRY},
        {"requant_units", device->requant_units, h->requant_units, BD_DEVICE_BAD_GEOMETRY},
        {"act_words", device->act_words, h->act_words, BD_DEVICE_BAD_GEOMETRY},
        {"z_words", device->z_words, h->z_words, BD_DEVICE_BAD_GEOMETRY},
        {"weight_words", device->weight_words, h->weight_words, BD_DEVICE_BAD_GEOMETRY},
        {"geometry hash", device->geometry_hash, h->geometry_hash, BD_DEVICE_BAD_GEOMETRY},
    };
    for (size_t i = 0; i < sizeof equal / sizeof *equal; i++) {
        if (equal[i].expected != equal[i].found) {
            return differs(device, equal[i].status, equal[i].subject, equal[i].expected, equal[i].found);
        }
    }
    if (h->switch_count < 1 || h->switch_count > BD_PROGRAM_MAX_SWITCHES) {
        return differs(device, BD_DEVICE_BAD_PROGRAM, "switch count", BD_PROGRAM_MAX_SWITCHES, h->switch_count);
    }
    if (h->layer_count < 1 || h->layer_count > BD_PROGRAM_MAX_LAYERS) {
        return differs(device, BD_DEVICE_BAD_PROGRAM, "layer count", BD_PROGRAM_MAX_LAYERS, h->layer_count);
    }
    if (h->switch_offset > size || size - h->switch_offset < h->switch_count * sizeof(struct bd_program_switch)) {
        return differs(device, BD_DEVICE_BAD_PROGRAM, "switch table", size, h->switch_offset);
    }
    return BD_DEVICE_OK;
}

static uint32_t needed_capabilities(const struct bd_program_header *h)
{
    return (h->datapaths & 1 ? BITDIAL_CAPABILITIES_XNOR_MASK : 0) |
           (h->datapaths & 2 ? BITDIAL_CAPABILITIES_MAC_MASK : 0);
}

enum bd_device_status bd_device_load(struct bd_device *device, uint64_t address, const void *image, size_t size)
{
    const struct bd_program_header *h = image;
    if (address % BD_PROGRAM_ALIGN != 0 || device->in_flight > 0) {
        return BD_DEVICE_BAD_ARGUMENT;
    }
    TRY(check_image(device, h, size));
    uint32_t crc = crc_without(image, size, offsetof(struct bd_program_header, crc));
    if (crc != h->crc) {
        return differs(device, BD_DEVICE_BAD_PROGRAM, "CRC", h->crc, crc);
    }
    uint32_t missing = needed_capabilities(h) & ~device->capabilities;
    if (missing) {
        return differs(device, BD_DEVICE_NO_CAPABILITY,
                       missing & BITDIAL_CAPABILITIES_XNOR_MASK ? "XNOR datapath" : "MAC datapath",
                       needed_capabilities(h), device->capabilities);
    }
    device->loaded = false;
    if (device->port.write_memory(device->port.context, address, image, size) != BD_PORT_OK) {
        return BD_DEVICE_TRANSPORT;
    }
    device->control = CONTROL_BASE;
    device->precision = 0;
    TRY(write_pair(device, BITDIAL_PROGRAM_ADDR_LO_REG, address));
    TRY(write_register(device, BITDIAL_DESC_OFFSET_REG, h->load_offset));
    TRY(write_register(device, BITDIAL_SWITCH_STRIDE_REG, h->switch_stride));
    TRY(write_register(device, BITDIAL_LAYER_COUNT_REG, h->layer_count));
    TRY(write_register(device, BITDIAL_SWITCH_COUNT_REG, h->switch_count));
    TRY(write_register(device, BITDIAL_FRAME_LIMIT_REG, 0));
    TRY(write_register(device, BITDIAL_PRECISION_REG, device->precision));
    TRY(write_register(device, BITDIAL_IRQ_ENABLE_REG, IRQ_CAUSES));
    TRY(write_register(device, BITDIAL_CONTROL_REG, device->control));
    device->layer_count = h->layer_count;
    device->switch_count = h->switch_count;
    device->input_bytes = h->input_bytes;
    device->output_bytes = h->output_bytes;
    device->store_bytes = h->store_bytes;
    device->map_bytes = h->map_bytes;
    device->store_placed = false;
    device->frame_limit = 0;
    const struct bd_program_switch *switches = (const void *)((const uint8_t *)image + h->switch_offset);
    for (uint32_t s = 0; s < h->switch_count; s++) {
        for (size_t i = 0; i < sizeof switches->name; i++) {
            device->switch_names[s][i] = switches[s].name[i];
        }
        device->switch_names[s][sizeof switches->name - 1] = '\0';
        device->frame_limits[s] = 0;
    }
    device->loaded = true;
    return BD_DEVICE_OK;
}

int bd_device_switch_index(const struct bd_device *device, const char *name)
{
    for (uint32_t s = 0; device->loaded && s < device->switch_count; s++) {
        const char *a = device->switch_names[s], *b = name;
        while (*a && *a == *b) {
            a++;
            b++;
        }
        if (*a == *b) {
            return (int)s;
        }
    }
    return -1;
}

enum bd_device_status bd_device_set_precision(struct bd_device *device, uint32_t switch_index)
{
    if (!device->loaded) {
        return BD_DEVICE_NOT_LOADED;
    }
    if (switch_index >= device->switch_count) {
        return differs(device, BD_DEVICE_BAD_SWITCH, "switch", device->switch_count - 1, switch_index);
    }
    TRY(write_register(device, BITDIAL_PRECISION_REG, switch_index));
    device->precision = switch_index;
    return BD_DEVICE_OK;
}

enum bd_device_status bd_device_limit_frames(struct bd_device *device, uint32_t switch_index, uint32_t clocks)
{
    if (!device->loaded) {
        return BD_DEVICE_NOT_LOADED;
    }
    if (switch_index >= device->switch_count) {
        return differs(device, BD_DEVICE_BAD_SWITCH, "switch", device->switch_count - 1, switch_index);
    }
    device->frame_limits[switch_index] = clocks;
    return BD_DEVICE_OK;
}

enum bd_device_status bd_device_place_maps(struct bd_device *device, uint64_t address)
{
    if (!device->loaded) {
        return BD_DEVICE_NOT_LOADED;
    }
    if (address % 8 != 0) {
        return BD_DEVICE_BAD_ARGUMENT;
    }
    device->store_placed = true;
    return write_pair(device, BITDIAL_STORE_ADDR_LO_REG, address);
}

enum bd_device_status bd_device_store_layers(struct bd_device *device, bool enable, uint64_t address)
{
    if (!device->loaded) {
        return BD_DEVICE_NOT_LOADED;
    }
    if (enable && address % 8 != 0) {
        return BD_DEVICE_BAD_ARGUMENT;
    }
    if (enable) {
        TRY(bd_device_place_maps(device, address));
    }
    device->control = CONTROL_BASE | (enable ? BITDIAL_CONTROL_STORE_ENABLE_MASK : 0);
    return write_register(device, BITDIAL_CONTROL_REG, device->control);
}

enum bd_device_status bd_device_start(struct bd_device *device, uint64_t input, uint64_t output, uint32_t *tag)
{
    if (!device->loaded) {
        return BD_DEVICE_NOT_LOADED;
    }
    if (input % 8 != 0 || output % 8 != 0 || (device->map_bytes > 0 && !device->store_placed)) {
        return BD_DEVICE_BAD_ARGUMENT;
    }
    if (device->in_flight == BD_DEVICE_IN_FLIGHT) {
        return BD_DEVICE_QUEUE_FULL;
    }
    const uint32_t name = device->next_tag++, limit = device->frame_limits[device->precision];
    if (limit > 0 || device->frame_limit > 0) { /* with each frame, so that a register that lost it does not stay so */
        TRY(write_register(device, BITDIAL_FRAME_LIMIT_REG, limit));
        device->frame_limit = limit;
    }
    TRY(write_pair(device, BITDIAL_INPUT_ADDR_LO_REG, input));
    TRY(write_pair(device, BITDIAL_OUTPUT_ADDR_LO_REG, output));
    TRY(write_register(device, BITDIAL_TAG_REG, name));
    TRY(write_register(device, BITDIAL_DOORBELL_REG, 1));
    device->flight[device->in_flight++] = (struct bd_device_frame){.tag = name, .switch_index = device->precision};
    if (tag) {
        *tag = name;
    }
    return BD_DEVICE_OK;
}

static enum bd_device_status drop_frames(struct bd_device *device, uint32_t milliseconds)
{
    TRY(write_register(device, BITDIAL_CONTROL_REG, device->control | BITDIAL_CONTROL_SOFT_RESET_MASK));
    device->in_flight = 0;
    uint64_t start = device->port.now_ms(device->port.context);
    for (;;) { /* over a slow line one look may take longer than the limit */
        TRY(read_register(device, BITDIAL_STATUS_REG, &device->seen_status));
        if (!(device->seen_status & BITDIAL_STATUS_BUSY_MASK)) {
            break;
        }
        if (device->port.now_ms(device->port.context) - start > milliseconds) {
            return differs(device, BD_DEVICE_TIMEOUT, "STATUS.BUSY after a soft reset", milliseconds, 1);
        }
    }
    TRY(write_register(device, BITDIAL_IRQ_STATUS_REG, BITDIAL_IRQ_STATUS_DONE_MASK | BITDIAL_IRQ_STATUS_ERROR_MASK));
    return read_register(device, BITDIAL_FRAME_COUNT_REG, &device->frames_seen);
}

enum bd_device_status bd_device_reset(struct bd_device *device, uint32_t milliseconds)
{
    TRY(drop_frames(device, milliseconds));
    return device->seen_status & BITDIAL_STATUS_BUS_OPEN_MASK ? BD_DEVICE_BUS_DEAD : BD_DEVICE_OK;
}

/* Takes note of an error that the device raised, and drops every frame: what still runs or waits would end unseen. */
static enum bd_device_status take_error(struct bd_device *device)
{
    uint32_t seen;
    TRY(read_register(device, BITDIAL_STATUS_REG, &seen));
    TRY(drop_frames(device, BD_DEVICE_RESET_MS));
    device->seen_status = seen;
    uint32_t code = field(seen, BITDIAL_STATUS_ERROR_MASK, BITDIAL_STATUS_ERROR_SHIFT);
    device->layer = field(seen, BITDIAL_STATUS_ERROR_LAYER_MASK, BITDIAL_STATUS_ERROR_LAYER_SHIFT);
    device->found = code;
    switch (code) {
    case BITDIAL_ERROR_BAD_SWITCH:
        return differs(device, BD_DEVICE_BAD_SWITCH, "PRECISION at the doorbell", device->switch_count - 1,
                       device->precision);
    case BITDIAL_ERROR_QUEUE_FULL:
        return BD_DEVICE_QUEUE_FULL;
    case BITDIAL_ERROR_BUS_ERROR:
        return BD_DEVICE_BUS_ERROR;
    case BITDIAL_ERROR_BAD_DESCRIPTOR:
        return BD_DEVICE_BAD_DESCRIPTOR;
    case BITDIAL_ERROR_WATCHDOG:
        return BD_DEVICE_WATCHDOG;
    case BITDIAL_ERROR_BUS_DEAD:
        return BD_DEVICE_BUS_DEAD;
    case BITDIAL_ERROR_FRAME_LIMIT:
        return BD_DEVICE_FRAME_LIMIT;
    default:
        return BD_DEVICE_DEVICE_ERROR;
    }
}

/* Serves a raised interrupt: takes the oldest result that waits, which must be that of the oldest frame in flight. */
static enum bd_device_status serve_interrupt(struct bd_device *device, bool *ended)
{
    uint32_t cause, tag, index;
    const struct bd_device_frame *oldest = &device->flight[0];
    TRY(read_register(device, BITDIAL_IRQ_STATUS_REG, &cause));
    if (cause & BITDIAL_IRQ_STATUS_ERROR_MASK) {
        return take_error(device);
    }
    if (!(cause & BITDIAL_IRQ_STATUS_DONE_MASK)) {
        return BD_DEVICE_OK;
    }
    TRY(write_register(device, BITDIAL_IRQ_STATUS_REG, BITDIAL_IRQ_STATUS_DONE_MASK));
    TRY(read_register(device, BITDIAL_DONE_TAG_REG, &tag));
    TRY(read_register(device, BITDIAL_DONE_SWITCH_REG, &index));
    device->frames_seen++;
    if (tag != oldest->tag) {
        return differs(device, BD_DEVICE_WRONG_TAG, "DONE_TAG", oldest->tag, tag);
    }
    if (index != oldest->switch_index) {
        return differs(device, BD_DEVICE_WRONG_SWITCH, "DONE_SWITCH", oldest->switch_index, index);
    }
    *ended = true;
    return BD_DEVICE_OK;
}

/* Tells a frame that never ended from one whose interrupt was lost, and both from a device that was reset meanwhile. */
static enum bd_device_status judge_timeout(struct bd_device *device, uint64_t waited)
{
    device->expected = waited;
    TRY(read_register(device, BITDIAL_STATUS_REG, &device->seen_status));
    TRY(read_register(device, BITDIAL_IRQ_STATUS_REG, &device->seen_irq_status));
    uint32_t count, causes;
    TRY(read_register(device, BITDIAL_IRQ_ENABLE_REG, &causes));
    if (causes != IRQ_CAUSES) {
        return differs(device, BD_DEVICE_FORGOTTEN, "IRQ_ENABLE", IRQ_CAUSES, causes);
    }
    TRY(read_register(device, BITDIAL_FRAME_COUNT_REG, &count));
    device->found = count - device->frames_seen;
    return device->found > 0 ? BD_DEVICE_LOST_INTERRUPT : BD_DEVICE_TIMEOUT;
}

enum bd_device_status bd_device_wait(struct bd_device *device, uint32_t milliseconds, struct bd_device_frame *done)
{
    if (device->in_flight == 0) {
        return BD_DEVICE_NOTHING_STARTED;
    }
    uint64_t start = device->port.now_ms(device->port.context);
    for (bool ended = false; !ended;) {
        uint64_t passed = device->port.now_ms(device->port.context) - start;
        int result = passed > milliseconds
                         ? BD_PORT_TIMEOUT
                         : device->port.wait_irq(device->port.context, milliseconds - (uint32_t)passed);
        if (result == BD_PORT_TIMEOUT) {
            return judge_timeout(device, device->port.now_ms(device->port.context) - start);
        }
        if (result != BD_PORT_OK) {
            return BD_DEVICE_TRANSPORT;
        }
        TRY(serve_interrupt(device, &ended));
    }
    if (done) {
        *done = device->flight[0];
    }
    device->in_flight--;
    for (uint32_t i = 0; i < device->in_flight; i++) {
        device->flight[i] = device->flight[i + 1];
    }
    return BD_DEVICE_OK;
}

enum bd_device_status bd_device_read_result(struct bd_device *device, uint64_t output, int32_t *logits,
                                            uint32_t classes)
{
    if (!device->loaded) {
        return BD_DEVICE_NOT_LOADED;
    }
    if ((uint64_t)classes * 4 > device->output_bytes) {
        return BD_DEVICE_BAD_ARGUMENT;
    }
    int result = device->port.read_memory(device->port.context, output, logits, (size_t)classes * 4);
    return result == BD_PORT_OK ? BD_DEVICE_OK : BD_DEVICE_TRANSPORT;
}

enum bd_device_status bd_device_read_counters(struct bd_device *device, struct bd_device_counters *counters)
{
    TRY(read_pair(device, BITDIAL_COUNTER_TOTAL_LO_REG, &counters->total));
    TRY(read_pair(device, BITDIAL_COUNTER_COMPUTE_LO_REG, &counters->compute));
    TRY(read_pair(device, BITDIAL_COUNTER_WEIGHT_STALL_LO_REG, &counters->weight_stall));
    TRY(read_pair(device, BITDIAL_COUNTER_INPUT_STALL_LO_REG, &counters->input_stall));
    TRY(read_pair(device, BITDIAL_COUNTER_OUTPUT_STALL_LO_REG, &counters->output_stall));
    return read_pair(device, BITDIAL_COUNTER_OVERHEAD_LO_REG, &counters->overhead);
}

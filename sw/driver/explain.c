/* The driver's failures in words, without stdio. */
#include "sw/driver/bitdial_regs.h"
#include "sw/driver/driver.h"

struct sink {
    char *text;
    size_t size, used;
};

static void put(struct sink *sink, const char *words)
{
    while (*words && sink->used + 1 < sink->size) {
        sink->text[sink->used++] = *words++;
    }
    sink->text[sink->used] = '\0';
}

/* Takes the last decimal digit off a number, by words of 16 bits: small processors call a library to divide 64, and
 * some to divide by anything that is no constant. */
static unsigned take_digit(uint64_t *value)
{
    const uint32_t high = (uint32_t)(*value >> 32), low = (uint32_t)*value;
    const uint32_t words[] = {high >> 16, high & 0xffff, low >> 16, low & 0xffff};
    uint32_t quotient[4], rest = 0;
    for (int i = 0; i < 4; i++) {
        const uint32_t part = rest << 16 | words[i];
        quotient[i] = part / 10;
        rest = part - 10 * quotient[i];
    }
    *value = (uint64_t)(quotient[0] << 16 | quotient[1]) << 32 | (quotient[2] << 16 | quotient[3]);
    return rest;
}

static unsigned take_hex_digit(uint64_t *value)
{
    const unsigned digit = (unsigned)*value & 15;
    *value >>= 4;
    return digit;
}

static void put_number(struct sink *sink, uint64_t value, unsigned base)
{
    char digits[24];
    size_t at = sizeof digits;
    digits[--at] = '\0';
    do {
        digits[--at] = "0123456789abcdef"[base == 16 ? take_hex_digit(&value) : take_digit(&value)];
    } while (value > 0);
    put(sink, base == 16 ? "0x" : "");
    put(sink, digits + at);
}

static void put_switch(struct sink *sink, const struct bd_device *device, uint64_t index)
{
    put_number(sink, index, 10);
    if (device->loaded && index < device->switch_count) {
        put(sink, " (");
        put(sink, device->switch_names[index]);
        put(sink, ")");
    }
}

static void put_difference(struct sink *sink, const struct bd_device *device, unsigned base)
{
    put(sink, ": ");
    put(sink, device->subject);
    put(sink, " should be ");
    put_number(sink, device->expected, base);
    put(sink, ", is ");
    put_number(sink, device->found, base);
}

/* The layer at which the device met an error, and what is likely to be the cause. */
static void put_layer(struct sink *sink, const struct bd_device *device, const char *cause)
{
    put(sink, ": layer ");
    put_number(sink, device->layer, 10);
    put(sink, "; ");
    put(sink, cause);
}

static void put_wait(struct sink *sink, const struct bd_device *device)
{
    put(sink, ": waited ");
    put_number(sink, device->expected, 10);
    put(sink, " ms for ");
    if (device->in_flight > 0) {
        put(sink, "the interrupt of frame ");
        put_number(sink, device->flight[0].tag, 10);
        put(sink, " at switch ");
        put_switch(sink, device, device->flight[0].switch_index);
    } else {
        put(sink, device->subject ? device->subject : "the device");
    }
    put(sink, "; STATUS ");
    put_number(sink, device->seen_status, 16);
    put(sink, device->seen_status & BITDIAL_STATUS_BUSY_MASK ? " (busy)" : " (idle)");
    put(sink, ", IRQ_STATUS ");
    put_number(sink, device->seen_irq_status, 16);
}

const char *bd_device_text(enum bd_device_status status)
{
    switch (status) {
#define X(name, text)                                                                                                  \
    case BD_DEVICE_##name:                                                                                             \
        return text;
        BD_DEVICE_STATUSES(X)
#undef X
    }
    return "unknown status";
}

void bd_device_explain(const struct bd_device *device, enum bd_device_status status, char *text, size_t size)
{
    struct sink sink = {.text = text, .size = size};
    if (size == 0) {
        return;
    }
    put(&sink, bd_device_text(status));
    switch (status) {
    case BD_DEVICE_BAD_ID:
    case BD_DEVICE_BAD_PROGRAM:
    case BD_DEVICE_BAD_GEOMETRY:
        put_difference(&sink, device, status == BD_DEVICE_BAD_ID || device->expected > 0xffffff ? 16 : 10);
        break;
    case BD_DEVICE_BAD_ABI:
    case BD_DEVICE_FORGOTTEN:
    case BD_DEVICE_WRONG_TAG:
        put_difference(&sink, device, 10);
        break;
    case BD_DEVICE_NO_CAPABILITY:
        put(&sink, ": ");
        put(&sink, device->subject);
        break;
    case BD_DEVICE_BAD_SWITCH:
        put(&sink, ": ");
        put_number(&sink, device->found, 10);
        put(&sink, ", the last is ");
        put_switch(&sink, device, device->expected);
        break;
    case BD_DEVICE_WRONG_SWITCH:
        put(&sink, ": asked for ");
        put_switch(&sink, device, device->expected);
        put(&sink, ", DONE_SWITCH says ");
        put_switch(&sink, device, device->found);
        break;
    case BD_DEVICE_BUS_ERROR:
        put_layer(&sink, device, "an address may lie outside memory, or where it must not be written");
        break;
    case BD_DEVICE_BAD_DESCRIPTOR:
        put_layer(&sink, device,
                  "the program may have been overwritten in memory, or have been made for another device");
        break;
    case BD_DEVICE_WATCHDOG:
        put_layer(&sink, device, "the memory may answer too slowly for WATCHDOG_LIMIT, or the program be damaged");
        break;
    case BD_DEVICE_FRAME_LIMIT:
        put_layer(&sink, device, "the memory may be slower than FRAME_LIMIT allows for, or the program be damaged");
        break;
    case BD_DEVICE_BUS_DEAD:
        put_layer(&sink, device,
                  "nothing may answer at an address; frames wait until the transfer ends or the accelerator is reset "
                  "by its pin");
        break;
    case BD_DEVICE_DEVICE_ERROR:
        put(&sink, ": ");
        put_number(&sink, device->found, 10);
        break;
    case BD_DEVICE_TIMEOUT:
    case BD_DEVICE_LOST_INTERRUPT:
        put_wait(&sink, device);
        break;
    default:
        break;
    }
}

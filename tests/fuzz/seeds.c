/* Writes inputs to start from, for the fuzzers whose inputs are not text: seeds FOLDER makes FOLDER/TARGET/NAME. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "model/checkpoint/random_checkpoint.h"
#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/program/random_network.h"
#include "sw/driver/bitdial_regs.h"
#include "sw/transport/protocol.h"
#include "tests/support/data_files.h"

static const char *root;

static void put(const char *name, const void *data, size_t size)
{
    char *path = bd_asprintf("%s/%s", root, name);
    put_file(path, data, size);
    free(path);
}

static void must(bd_status status, const struct bd_error *err)
{
    if (status) {
        fprintf(stderr, "seeds: %s\n", err->message);
        exit(status);
    }
}

static void programs(void)
{
    struct bd_hardware hardware;
    struct bd_error err;
    must(bd_hardware_load(&hardware, "tests/small_hardware.yaml", &err), &err);
    for (unsigned i = 0; i < 16; i++) {
        struct bd_program program;
        const bd_status made = i % 2 ? bd_random_reference_network(1, i, &hardware, &program, &err)
                                     : bd_random_network(1, i, &hardware, &program, &err);
        must(made, &err);
        char *name = bd_asprintf("program/%u", i);
        if (program.size < 40000) {
            put(name, program.image, program.size);
        }
        free(name);
        bd_program_release(&program);
    }
    bd_hardware_release(&hardware);
}

static void checkpoints(void)
{
    static const char *const kinds[] = {"", "quantizers: {weights: dorefa, activations: dorefa}\n",
                                        "quantizers: {weights: lsq, activations: lsq}\n"};
    for (int i = 0; i < 3; i++) {
        struct bd_checkpoint checkpoint;
        struct bd_error err;
        const int64_t two = 2;
        char *text = bd_asprintf("name: tiny\ninput: {height: 6, width: 6, channels: 1}\nclasses: 3\n"
                                 "switches: [w2a2, w1a1]\nstem: {channels: 3}\n"
                                 "stages:\n  - {channels: 3, blocks: [{inner: 2}]}\nhead: {}\n%s",
                                 kinds[i]);
        bd_checkpoint_init(&checkpoint);
        must(bd_graph_parse(&checkpoint.graph, "seed", text, strlen(text), &err), &err);
        bd_random_arrays(&checkpoint, 1);
        bd_checkpoint_put(&checkpoint, 1, &two, "train/moment1/stem.weight");
        char *path = bd_asprintf("%s/checkpoint/%d", root, i);
        put_file(path, "", 0);
        must(bd_checkpoint_save(&checkpoint, path, &err), &err);
        bd_checkpoint_release(&checkpoint);
        free(path);
        free(text);
    }
}

static void images(void)
{
    uint8_t *picture = make_picture(9, 12, 1);
    uint8_t ink[4 * 9 * 12];
    size_t size;
    for (size_t i = 0; i < sizeof ink; i++) {
        ink[i] = picture[i * 3 / 4];
    }
    for (int form = JPEG_COLOUR; form <= JPEG_PLAIN_CMYK; form++) {
        const int planes = form == JPEG_COLOUR || form == JPEG_PROGRESSIVE ? 3 : form == JPEG_GREY ? 1 : 4;
        uint8_t *file = make_jpeg(planes == 4 ? ink : picture, 9, 12, form, 60, &size);
        char *name = bd_asprintf("image/%d.jpeg", form);
        put(name, file, size);
        free(file);
        free(name);
    }
    static const struct {
        int depth, type, interlaced, row;
    } kinds[] = {{8, PNG_COLOR_TYPE_RGB, 0, 36},
                 {16, PNG_COLOR_TYPE_GRAY, 1, 24},
                 {4, PNG_COLOR_TYPE_PALETTE, 0, 6},
                 {8, PNG_COLOR_TYPE_RGB_ALPHA, 1, 48}};
    for (int i = 0; i < 4; i++) {
        const int palette = kinds[i].type == PNG_COLOR_TYPE_PALETTE;
        uint8_t *rows = bd_xcalloc(9, kinds[i].row);
        memcpy(rows, picture, palette ? 0 : 9 * 12);
        uint8_t *file = make_png(rows, kinds[i].row, 9, 12, kinds[i].depth, kinds[i].type, kinds[i].interlaced,
                                 palette ? picture : NULL, palette ? 16 : 0, palette ? picture : NULL, &size);
        char *name = bd_asprintf("image/%d.png", i);
        put(name, file, size);
        free(rows);
        free(file);
        free(name);
    }
    free(picture);
}

static void arrays(void)
{
    static const uint8_t pixels[2 * 3 * 2];
    static const int64_t labels[] = {1, 9}, shape[] = {2, 3, 2, 1}, two = 2;
    struct bd_error err;
    for (int i = 0; i < 3; i++) {
        char *path = bd_asprintf("%s/npy/%d", root, i);
        uint8_t *file;
        size_t size;
        put_file(path, "", 0);
        must(i < 2 ? bd_npy_write(path, BD_NPY_U8, 3 + i, shape, pixels, &err)
                   : bd_npy_write(path, BD_NPY_I64, 1, &two, labels, &err),
             &err);
        must(bd_file_read(path, 4096, &file, &size, &err), &err);
        uint8_t *led = bd_xmalloc(size + 1); /* by the byte that tells how it is read */
        led[0] = i < 2 ? 0 : 2;
        memcpy(led + 1, file, size);
        put_file(path, led, size + 1);
        free(led);
        free(file);
        free(path);
    }
}

/* A JPEG with the orientation of its Exif segment. */
static void turned_image(void)
{
    static const uint8_t exif[] = "\xff\xe1\0\x22"
                                  "Exif\0\0"
                                  "MM\0\x2a\0\0\0\x08"
                                  "\0\1"
                                  "\1\x12\0\3\0\0\0\1\0\6\0\0"
                                  "\0\0\0\0";
    uint8_t *picture = make_picture(9, 12, 1);
    size_t size;
    uint8_t *file = make_jpeg(picture, 9, 12, JPEG_COLOUR, 60, &size), *led = bd_xmalloc(size + sizeof exif - 1);
    memcpy(led, file, 2);
    memcpy(led + 2, exif, sizeof exif - 1);
    memcpy(led + 2 + sizeof exif - 1, file + 2, size - 2);
    put("image/turned.jpeg", led, size + sizeof exif - 1);
    free(led);
    free(file);
    free(picture);
}

/* Before each file the byte that chooses how it is read. */
static void idx(void)
{
    static const uint8_t labels[] = "\0\0\0\x08\x01\0\0\0\x03\x01\x02\x03";
    static const uint8_t pictures[] = "\2\0\0\x08\x03\0\0\0\x02\0\0\0\x02\0\0\0\x02\x01\x02\x03\x04\x05\x06\x07\x08";
    static const uint8_t gzip[] = "\x80\x1f\x8b\x08\0\0\0\0\0\0\x03\x63\x60\xe0\x60\x64\x60\x60\x60\x66\x64\x62\x06\0";
    put("idx/labels", labels, sizeof labels - 1);
    put("idx/pictures", pictures, sizeof pictures - 1);
    put("idx/gzip", gzip, sizeof gzip - 1);
}

/* As fuzz_protocol.c takes them: u8 mends, u8 op, u8 status, u8 sequence, u16 bytes, payload. */
static size_t frame(uint8_t *out, int op, int sequence, const uint64_t *words, int count, const void *more, int size)
{
    const int bytes = 8 * count + size;
    const uint8_t head[] = {0, op, 0, sequence, bytes & 255, bytes >> 8};
    memcpy(out, head, sizeof head);
    for (int i = 0; i < count; i++) {
        bd_put_u64(out + sizeof head + 8 * i, words[i]);
    }
    if (size) {
        memcpy(out + sizeof head + 8 * count, more, size);
    }
    return sizeof head + bytes;
}

static void protocol(void)
{
    const uint64_t base = 0x100000000, hello[] = {BD_PROTOCOL_VERSION, 1}, address[] = {base, 64, 0},
                   registers[] = {8, 1}, irq[] = {1, 100}, memory[] = {10, 1, 2}, flip[] = {base, 3},
                   region[] = {0, base, 64}, seal[] = {1}, reply[] = {BD_PROTOCOL_VERSION, base, 1 << 20, 0},
                   zero[40] = {0};
    const struct {
        int op, count, extra;
        const uint64_t *words;
    } requests[] = {{BD_REQUEST_HELLO, 2, 0, hello},
                    {BD_REQUEST_READ_REGISTER, 1, 0, registers},
                    {BD_REQUEST_WRITE_REGISTER, 2, 0, registers},
                    {BD_REQUEST_WRITE_MEMORY, 1, 16, address},
                    {BD_REQUEST_READ_MEMORY, 2, 0, address},
                    {BD_REQUEST_WRITE_SHARED, 3, 0, address},
                    {BD_REQUEST_READ_SHARED, 3, 0, address},
                    {BD_REQUEST_SET_MEMORY, 3, 0, memory},
                    {BD_REQUEST_REGION, 3, 0, region},
                    {BD_REQUEST_SEAL, 1, 0, seal},
                    {BD_REQUEST_WRITE_MEMORY, 1, 16, address},
                    {BD_REQUEST_FLIP_BIT, 2, 0, flip},
                    {BD_REQUEST_WAIT_IRQ, 2, 0, irq},
                    {BD_REQUEST_STATISTICS, 0, 0, NULL},
                    {BD_REQUEST_SET_STALLS, 2, 0, flip},
                    {BD_REQUEST_QUIT, 0, 0, NULL}};
    uint8_t bytes[4096] = {0};
    size_t used = 1;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        used += frame(bytes + used, requests[i].op, (int)i + 1, requests[i].words, requests[i].count, zero,
                      requests[i].extra);
    }
    put("protocol/requests", bytes, used);
    bytes[0] = 1;
    used = 1;
    used += frame(bytes + used, BD_REQUEST_HELLO, 1, reply, 4, "ref\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    used += frame(bytes + used, BD_REQUEST_READ_REGISTER, 2, zero, 1, NULL, 0);
    used += frame(bytes + used, BD_REQUEST_READ_MEMORY, 3, zero, 0, zero, 300);
    used += frame(bytes + used, BD_REQUEST_WRITE_MEMORY, 4, zero, 0, NULL, 0);
    used += frame(bytes + used, BD_REQUEST_WAIT_IRQ, 5, zero, 1, NULL, 0);
    used += frame(bytes + used, BD_REQUEST_STATISTICS, 6, zero, sizeof(struct bd_statistics) / 8, NULL, 0);
    used += frame(bytes + used, BD_REQUEST_QUIT, 7, zero, 0, NULL, 0);
    put("protocol/replies", bytes, used);
}

/* A whole frame on the device: program and image written, registers set, the doorbell rung. */
static void protocol_frame(void)
{
    const uint64_t base = 0x100000000, hello[] = {BD_PROTOCOL_VERSION, 0}, input = base + 0x20000,
                   done = base + 0x30000;
    struct bd_program program;
    struct bd_hardware hardware;
    struct bd_error err;
    must(bd_hardware_load(&hardware, "tests/small_hardware.yaml", &err), &err);
    must(bd_random_network(1, 12, &hardware, &program, &err), &err);
    const struct bd_program_header *h = program.header;
    const struct {
        uint64_t offset, value;
    } writes[] = {{BITDIAL_PROGRAM_ADDR_LO_REG, base & UINT32_MAX},
                  {BITDIAL_PROGRAM_ADDR_LO_REG + 4, base >> 32},
                  {BITDIAL_DESC_OFFSET_REG, h->load_offset},
                  {BITDIAL_SWITCH_STRIDE_REG, h->switch_stride},
                  {BITDIAL_LAYER_COUNT_REG, h->layer_count},
                  {BITDIAL_SWITCH_COUNT_REG, h->switch_count},
                  {BITDIAL_PRECISION_REG, 0},
                  {BITDIAL_IRQ_ENABLE_REG, 3},
                  {BITDIAL_INPUT_ADDR_LO_REG, input & UINT32_MAX},
                  {BITDIAL_INPUT_ADDR_LO_REG + 4, input >> 32},
                  {BITDIAL_OUTPUT_ADDR_LO_REG, done & UINT32_MAX},
                  {BITDIAL_OUTPUT_ADDR_LO_REG + 4, done >> 32},
                  {BITDIAL_DOORBELL_REG, 1}};
    const uint64_t irq[] = {1000, 0}, read[] = {done, h->output_bytes}, status = BITDIAL_STATUS_REG;
    uint8_t *bytes = bd_xcalloc(program.size + 4096, 1), *image = bd_xcalloc(h->input_bytes, 1);
    bd_random_image(&program, 1, image);
    size_t used = 1;
    used += frame(bytes + used, BD_REQUEST_HELLO, 1, hello, 2, NULL, 0);
    used += frame(bytes + used, BD_REQUEST_WRITE_MEMORY, 2, &base, 1, program.image, (int)program.size);
    used += frame(bytes + used, BD_REQUEST_WRITE_MEMORY, 3, &input, 1, image, (int)h->input_bytes);
    for (size_t i = 0; i < sizeof writes / sizeof *writes; i++) {
        used += frame(bytes + used, BD_REQUEST_WRITE_REGISTER, 4, &writes[i].offset, 2, NULL, 0);
    }
    used += frame(bytes + used, BD_REQUEST_WAIT_IRQ, 5, irq, 2, NULL, 0);
    used += frame(bytes + used, BD_REQUEST_READ_REGISTER, 6, &status, 1, NULL, 0);
    used += frame(bytes + used, BD_REQUEST_READ_MEMORY, 7, read, 2, NULL, 0);
    put("protocol/frame", bytes, used);
    free(bytes);
    free(image);
    bd_program_release(&program);
    bd_hardware_release(&hardware);
}

static void journals(void)
{
    static const char records[] = "\1{\"index\":0,\"point\":[1,2,3],\"value\":0.5,\"cost\":6.0}\n"
                                  "{\"index\":1,\"point\":[5,5,8],\"value\":0.75,\"cost\":18.0}\n"
                                  "{\"index\":2,\"point\":[2,2,2],\"value\":0.25,\"cost\":6.0,"
                                  "\"theta\":[0.1,0.2,0.3,0.4,0.5]}";
    static const char study[] =
        "\1{\"journal\":\"bitdial study 1\",\"study\":{\"axes\":[{\"name\":\"a\",\"scale\":\"linear\","
        "\"values\":[1,2,3]},{\"name\":\"b\",\"scale\":\"log\",\"low\":1,\"high\":9.5}],\"goals\":"
        "[\"minimize\"],\"constraints\":[{\"weights\":{\"a\":1},\"least\":1,\"most\":3}],"
        "\"method\":\"bayes\",\"seed\":1,\"initial\":2}}\n"
        "{\"asked\":0,\"point\":[1,2.5]}\n{\"asked\":1,\"point\":[2,5]}\n"
        "{\"index\":0,\"point\":[1,2.5],\"value\":-3,\"cost\":0.0,\"id\":1}\n{\"lost\":2}\n"
        "{\"index\":1,\"point\":[3,9],\"value\":1,\"cost\":0.0}\n"
        "{\"asked\":3,\"point\":[3,1.5],\"theta\":[0.1,0.2,0.3,0.4]}";
    char *line = bd_asprintf("%c{\"crc\":\"%08x\",\"record\":{}}\n", 2, (unsigned)bd_crc32("{}", 2));
    put("journal/records", records, sizeof records - 1);
    put("journal/study", study, sizeof study - 1);
    put("journal/line", line, strlen(line));
    free(line);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: seeds FOLDER\n", stderr);
        return BD_BAD_INPUT;
    }
    root = argv[1];
    programs();
    checkpoints();
    images();
    turned_image();
    arrays();
    idx();
    protocol();
    protocol_frame();
    journals();
    return BD_OK;
}

/* What a device takes, typed by hand from the RTL's arithmetic and not from hw/descriptor.yaml: a convolution that all
 * take in the middle of a list, and for every word values at and just over the edge. Held against the RTL (sim/bench),
 * the rules in C and the device model (tests/unit/test_device_rules.c). */
#ifndef DESCRIPTOR_EDGES_H
#define DESCRIPTOR_EDGES_H

#include <stdint.h>

/* The words of the convolution, for a device with both datapaths: 3x3 on XNOR, two bits, 8 channels. */
/* clang-format off */
#define EDGE_CONVOLUTION \
    { \
        1, 0x3e /* write codes, add and write stream, store both */, 0, 1, 2, 1, \
        4, 4, 8, 4, 4, 8 /* maps */, 3, 3, 1, 1, 1, 1, 1, 1 /* kernel, stride, groups, padding */, 0, 0, \
        0, 0, 1, 2, 0, 64, 0, 1, 2, 0, 0 /* tensors */, \
        1, 1, 1, 1, 0, 0, 1, 0, 16, 16, 0, 1 /* loop counts */, 0, 1, 0, 0, 1, 0, 0 /* requantizer, borders */, \
        0, 0, 0, 4, 4 /* memories of the chip */, 4096, 0, 8192, 64, 128, 0, 512 /* tables, weights, stores */ \
    }

/* X(word, value, taken) with one word of the convolution changed. */
#define DESCRIPTOR_EDGES(X) \
    /* operation, flags (not: image, result, last), datapath, bits */ \
    X(0, 2, 1) X(0, 0, 0) X(0, 3, 0) X(0, 0x101, 0) X(0, 0x80000001, 0) X(1, 0x3e, 1) X(1, 0x3a, 1) X(1, 0x33e, 1) \
    X(1, 0x1f83e, 1) X(1, 0xc003e, 1) X(1, 0x43e, 0) X(1, 0x2003e, 0) X(1, 0x10003e, 0) X(1, 0x8000003e, 0) X(1, 0x3f, 0) X(1, 0x7e, 0) X(1, 0xbe, 0) \
    X(1, 0xfe, 0) X(2, 1, 0) X(2, 2, 0) X(2, 0x10000, 0) X(3, 8, 1) X(3, 0, 0) X(3, 9, 0) X(3, 17, 0) X(4, 8, 1) \
    X(4, 0, 0) X(4, 9, 0) X(5, 8, 1) X(5, 0, 0) X(5, 9, 0) \
    /* shapes */ \
    X(6, 1, 1) X(6, 0, 0) X(6, 1023, 1) X(6, 1024, 0) X(6, 1025, 0) X(7, 1, 1) X(7, 0, 0) X(7, 1023, 1) \
    X(7, 1024, 0) X(8, 1, 1) X(8, 0, 0) X(8, 4095, 1) X(8, 4096, 0) X(8, 4097, 0) X(9, 1, 1) X(9, 0, 0) \
    X(9, 1023, 1) X(9, 1024, 0) X(10, 1, 1) X(10, 0, 0) X(10, 1023, 1) X(10, 1024, 0) X(10, 66560, 0) X(11, 1, 1) \
    X(11, 0, 0) X(11, 4095, 0) X(11, 4096, 0) X(12, 1, 1) X(12, 2, 1) X(12, 4, 0) X(12, 0, 0) X(12, 9, 0) \
    X(12, 10, 0) X(13, 3, 1) X(13, 4, 0) X(13, 0, 0) X(13, 10, 0) X(14, 4, 1) X(14, 0, 0) X(14, 5, 0) X(15, 0, 0) \
    X(15, 4095, 1) X(15, 4096, 0) X(16, 0, 1) X(16, 8, 1) X(16, 9, 0) X(17, 8, 1) X(17, 9, 0) X(18, 8, 1) \
    X(18, 9, 0) X(19, 8, 1) X(19, 9, 0) X(19, 16, 0) X(20, 1, 1) X(20, 2, 0) X(21, 2, 1) X(21, 3, 0) \
    /* tensors */ \
    X(22, 0, 1) X(22, 1048575, 1) X(22, 1048576, 0) X(23, 0, 1) X(23, 1, 0) X(23, 2, 0) X(23, 3, 0) X(24, 1, 1) \
    X(24, 0, 0) X(24, 1048575, 1) X(24, 1048576, 0) X(25, 1, 1) X(25, 0, 0) X(25, 1048575, 1) X(25, 1048576, 0) \
    X(26, 9, 1) X(26, 10, 0) X(27, 0, 1) X(27, 1048575, 1) X(27, 1048576, 0) X(28, 1, 1) X(28, 2, 0) X(29, 1, 1) \
    X(29, 0, 0) X(29, 1048575, 1) X(29, 1048576, 0) X(30, 1, 1) X(30, 0, 0) X(30, 1048575, 1) X(30, 1048576, 0) \
    X(31, 0, 1) X(31, 1048575, 1) X(31, 1048576, 0) X(32, 0, 1) X(32, 1048575, 1) X(32, 1048576, 0) \
    /* loop counts */ \
    X(33, 1, 1) X(33, 0, 0) X(33, 2, 0) X(33, 4095, 0) X(33, 4096, 0) X(34, 0, 0) X(34, 2, 0) X(34, 3, 0) X(34, 4, 0) \
    X(35, 0, 0) X(35, 2, 0) X(35, 4, 0) X(36, 1, 1) X(36, 0, 0) X(36, 2047, 1) X(36, 2048, 0) X(37, 16, 1) \
    X(37, 17, 0) X(38, 16, 1) X(38, 17, 0) X(39, 1, 1) X(39, 0, 0) X(39, 65535, 1) X(39, 65536, 0) X(40, 0, 1) \
    X(40, 1, 0) X(40, 65535, 0) X(40, 65536, 0) X(41, 1, 1) X(41, 0, 0) X(41, 16, 1) X(41, 17, 0) X(42, 1, 1) \
    X(42, 0, 0) X(42, 16777215, 1) X(42, 16777216, 0) X(43, 0, 1) X(43, 16777215, 1) X(43, 16777216, 0) X(44, 1, 1) \
    X(44, 0, 0) X(44, 16777215, 1) X(44, 16777216, 0) \
    /* requantizer */ \
    X(45, 47, 1) X(45, 48, 0) X(45, 64, 0) X(46, 0, 1) X(46, 262143, 1) X(46, 262144, 0) X(47, 0x80000000, 1) \
    X(47, 0x7fffffff, 1) X(48, 31, 1) X(48, 32, 0) X(49, 0, 0) X(49, 2, 0) X(49, 0xffffffff, 0) X(50, 1, 0) \
    X(51, 0x08080808, 1) X(51, 0x08080809, 0) X(51, 0x09000000, 0) \
    /* memories of the chip, tables, weights, stores: whole beats */ \
    X(52, 0, 1) X(52, 1048575, 1) X(52, 1048576, 0) X(53, 0, 1) X(53, 1048575, 1) X(53, 1048576, 0) X(54, 0, 1) \
    X(54, 1048575, 1) X(54, 1048576, 0) X(55, 0, 1) X(55, 1048572, 1) X(55, 4, 1) X(55, 6, 0) X(55, 1048576, 0) X(56, 1, 1) X(56, 0, 0) \
    X(56, 1048575, 1) X(56, 1048576, 0) X(57, 8, 1) X(57, 0xfffffff8, 1) X(57, 1, 0) X(57, 4, 0) \
    X(58, 0xfffffff8, 1) X(58, 2, 0) X(58, 4, 0) X(59, 0, 1) X(59, 0xfffffff8, 1) X(59, 4, 0) X(60, 0xfffffff8, 1) \
    X(60, 4, 0) X(61, 134217720, 1) X(61, 0, 0) X(61, 4, 0) X(61, 134217728, 0) X(62, 0xfffffff8, 1) X(62, 1, 0) \
    X(63, 134217720, 1) X(63, 0, 0) X(63, 12, 0) X(63, 134217728, 0)

/* X(name, taken, changes): several words changed, each as SET(word, value); `rows`: of the device. */
#define DESCRIPTOR_PAIRS(X) \
    X("a 1x1 kernel", 1, SET(12, 1) SET(13, 1) SET(16, 0) SET(17, 0) SET(18, 0) SET(19, 0)) \
    X("a 9x9 kernel", 1, SET(12, 9) SET(13, 9) SET(34, 3) SET(35, 3)) \
    X("a 4x4 kernel in too few sub-windows", 0, SET(12, 4) SET(13, 4) SET(34, 2)) \
    X("a 3x3 kernel in too many", 0, SET(34, 2) SET(35, 2)) \
    X("LAYOUT_CHANNEL for a 1x1 kernel", 1, SET(12, 1) SET(13, 1) SET(16, 0) SET(17, 0) SET(18, 0) SET(19, 0) \
      SET(23, 1) SET(26, 1)) \
    X("LAYOUT_CHANNEL without last banks", 0, SET(12, 1) SET(13, 1) SET(23, 1)) \
    X("LAYOUT_CHANNEL for a 1x3 kernel", 0, SET(12, 1) SET(23, 1) SET(26, 1)) \
    X("the MAC", 1, SET(2, 1) SET(37, 8) SET(38, 8)) \
    X("the MAC without last segments", 0, SET(2, 1) SET(37, 8)) \
    X("whole codes for the MAC", 1, SET(2, 1) SET(23, 2) SET(37, 2) SET(38, 2)) \
    X("whole codes for XNOR", 0, SET(23, 2)) \
    X("whole codes out", 0, SET(28, 2)) \
    X("depthwise filters on the MAC", 1, SET(1, 0x43e) SET(2, 1) SET(15, 8)) \
    X("depthwise filters in LAYOUT_CHANNEL", 0, SET(1, 0x43e) SET(2, 1) SET(12, 1) SET(13, 1) SET(23, 1) SET(26, 1)) \
    X("a channel for every row", 1, SET(11, rows)) \
    X("a channel more than rows", 0, SET(11, rows + 1)) \
    X("... in two row groups", 1, SET(11, rows + 1) SET(33, 2)) \
    X("... in three", 0, SET(11, rows + 1) SET(33, 3)) \
    X("two row groups for as many channels as rows", 0, SET(11, rows) SET(33, 2)) \
    X("two row groups, full", 1, SET(11, 2 * rows) SET(33, 2)) \
    X("all channels, in one row group too few", 0, SET(11, 4095) SET(33, 4094 / rows)) \
    X("all channels", 1, SET(11, 4095) SET(33, 4094 / rows + 1)) \
    X("all channels, in one row group too many", 0, SET(11, 4095) SET(33, 4094 / rows + 2)) \
    X("pooling with a row group too many", 0, SET(0, 2) SET(33, 2)) \
    X("small blocks", 1, SET(40, 1) SET(43, 15)) \
    X("small blocks of no pixels", 0, SET(40, 1) SET(43, 15) SET(41, 1)) \
    X("a residual scale where none is added", 1, SET(1, 0x3a) SET(49, 7) SET(50, 3)) \
    X("no stores", 1, SET(1, 0x0e) SET(61, 0) SET(63, 0)) \
    X("no codes out", 1, SET(1, 0x2c) SET(5, 0) SET(29, 0) SET(30, 0) SET(61, 0)) \
    X("pooling a map of 7x7", 1, SET(0, 2) SET(3, 0) SET(4, 0) SET(12, 7) SET(13, 7) SET(14, 7) SET(15, 0) \
      SET(24, 0) SET(25, 0) SET(34, 0) SET(35, 0) SET(36, 0) SET(56, 0)) \
    X("pooling with small blocks", 0, SET(0, 2) SET(40, 1)) \
    X("pooling with 9 bits of weights", 0, SET(0, 2) SET(3, 9)) \
    X("codes that are loaded", 1, SET(0, 3) SET(1, 0x20002)) \
    X("a stream that is loaded", 1, SET(0, 3) SET(1, 0x20008)) \
    X("both loaded at once", 0, SET(0, 3) SET(1, 0x2000a)) \
    X("a load of nothing", 0, SET(0, 3) SET(1, 0x20000)) \
    X("a load without its flag", 0, SET(0, 3) SET(1, 0x2)) \
    X("a pooling layer with the flag of a load", 0, SET(0, 2) SET(1, 0x20002)) \
    X("codes of no bytes loaded", 0, SET(0, 3) SET(1, 0x20002) SET(61, 0)) \
    X("a stream of no bytes loaded", 0, SET(0, 3) SET(1, 0x20008) SET(63, 0)) \
    X("codes loaded from an odd byte", 0, SET(0, 3) SET(1, 0x20002) SET(60, 4)) \
    X("rows of the image from any byte, as whole codes", 1, SET(0, 3) SET(1, 0x20003) SET(28, 2) SET(60, 4) SET(61, 0)) \
    X("rows of the image as a stream", 0, SET(0, 3) SET(1, 0x20009)) \
    X("whole codes loaded that are no image", 0, SET(0, 3) SET(1, 0x20002) SET(28, 2)) \
    X("a load as the last layer", 0, SET(0, 3) SET(1, 0x200c2)) \
    X("the last layer in the middle", 0, SET(1, 0xfe))
/* clang-format on */

#endif

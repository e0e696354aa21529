/* What a device takes, typed by hand from the RTL's arithmetic and not from hw/descriptor.yaml: a convolution that all
 * take in the middle of a list, and for every word values at and just over the edge. Held against the RTL (sim/bench),
 * the rules in C and the device model (tests/unit/test_device_rules.c). */
#ifndef DESCRIPTOR_EDGES_H
#define DESCRIPTOR_EDGES_H

#include <stdint.h>

/* The words of the convolution, for the device of tests/small_hardware.yaml. Of 4 rows and 16 lanes, a table takes 3
 * masks of 8 bytes, 16 bytes a row and 4 for each of its presets; a plane of a K word takes 8 bytes. */
#define EDGE_ROWS 4u
#define EDGE_LANES 16u
#define EDGE_WEIGHT_WORDS 640u
/* clang-format off */
#define EDGE_CONVOLUTION \
    { \
        1, 0x7c /* write codes, add and write stream, store both */, 0, 1, 1, 1, \
        4, 4, 8, 4, 4, 8 /* maps */, 3, 3, 1, 1, 1, 1, 1, 1 /* kernel, stride, groups, padding */, 0, 0, 0, \
        0, 1, 8, 1, 4, 0, 64, 1, 8, 1, 4, 0 /* tensors */, 0, 0, \
        2, 3, 9, 1, 9, 9 /* loop counts */, 0, 1, 0, 0, 1, 0, 1 /* requantizer */, \
        4096, 104, 8192, 72, 72, 0, 128, 128, 512 /* tables, weights, stores */, 0, 0, 0, 1, 0 \
    }

/* X(word, value, taken) with one word of the convolution changed. */
#define DESCRIPTOR_EDGES(X) \
    /* operation, flags (not: image, windows, result, last), datapath, bits */ \
    X(0, 2, 1) X(0, 0, 0) X(0, 3, 0) X(0, 0x101, 0) X(0, 0x80000001, 0) X(1, 0x07c, 1) X(1, 0x054, 1) \
    X(1, 0x67c, 1) X(1, 0x87c, 0) X(1, 0x8000007c, 0) X(1, 0x07d, 0) X(1, 0x07e, 0) X(1, 0x0fc, 0) X(1, 0x17c, 0) \
    X(1, 0x1fc, 0) X(2, 1, 1) X(2, 2, 0) X(2, 0x10000, 0) X(3, 2, 0) X(3, 0, 0) X(3, 9, 0) X(3, 17, 0) X(4, 8, 1) \
    X(4, 0, 0) X(4, 9, 0) X(5, 8, 1) X(5, 0, 0) X(5, 9, 0) \
    /* shapes */ \
    X(6, 1, 1) X(6, 1023, 1) X(6, 0, 0) X(6, 1024, 0) X(6, 1025, 0) X(7, 1023, 1) X(7, 0, 0) X(7, 1024, 0) \
    X(8, 1, 1) X(8, 4095, 1) X(8, 0, 0) X(8, 4096, 0) X(8, 4097, 0) X(9, 1023, 1) X(9, 0, 0) X(9, 1024, 0) \
    X(10, 1023, 1) X(10, 0, 0) X(10, 1024, 0) X(10, 66560, 0) X(11, 5, 1) X(11, 4, 0) X(11, 9, 0) X(11, 0, 0) X(11, 4096, 0) X(12, 0, 0) \
    X(12, 1, 0) X(12, 2, 0) X(12, 4, 0) X(12, 5, 0) X(12, 7, 0) X(13, 0, 0) X(13, 1, 0) X(13, 7, 0) X(14, 2, 1) \
    X(14, 0, 0) X(14, 3, 0) X(14, 4, 0) X(15, 0, 0) X(15, 2, 0) X(15, 8, 0) X(16, 0, 0) X(16, 2, 0) X(17, 0, 0) \
    X(17, 2, 0) X(18, 0, 0) X(18, 2, 0) X(19, 0, 0) X(19, 2, 0) X(19, 3, 0) X(20, 1, 0) X(21, 1, 0) X(22, 1, 0) \
    X(22, 2, 0) \
    /* tensors */ \
    X(23, 1048575, 1) X(23, 1048576, 0) X(24, 3, 1) X(24, 0, 0) X(24, 4, 0) X(25, 256, 1) X(25, 257, 0) \
    X(25, 512, 0) X(26, 255, 1) X(26, 0, 0) X(26, 256, 0) X(26, 257, 0) X(27, 1048575, 1) X(27, 1048576, 0) \
    X(28, 1, 1) X(28, 2, 0) X(29, 1048575, 1) X(29, 1048576, 0) X(30, 3, 1) X(30, 0, 0) X(30, 4, 0) X(31, 256, 1) \
    X(31, 257, 0) X(31, 512, 0) X(32, 255, 1) X(32, 0, 0) X(32, 256, 0) X(32, 257, 0) X(33, 1048575, 1) \
    X(33, 1048576, 0) X(34, 1, 1) X(34, 2, 0) X(35, 1048575, 1) X(35, 1048576, 0) X(36, 1048575, 1) \
    X(36, 1048576, 0) \
    /* loop counts */ \
    X(37, 1, 0) X(37, 3, 0) X(37, 4095, 0) X(37, 0, 0) X(37, 4096, 0) X(38, 1, 1) X(38, 0, 0) X(38, 4, 0) X(39, 8, 0) \
    X(39, 10, 0) X(39, 0, 0) X(39, EDGE_WEIGHT_WORDS + 1, 0) X(39, 4096, 0) X(39, 4097, 0) \
    X(40, 255, 1) X(40, 0, 0) X(40, 256, 0) X(41, 0, 1) X(41, 0xffffffff, 1) X(42, 1, 1) X(42, 16777215, 1) \
    X(42, 0, 0) X(42, 16777216, 0) X(42, 16777217, 0) \
    /* requantizer */ \
    X(43, 47, 1) X(43, 48, 0) X(43, 64, 0) X(44, 262143, 1) X(44, 262144, 0) X(45, 0x80000000, 1) \
    X(45, 0x7fffffff, 1) X(46, 31, 1) X(46, 32, 0) X(47, 0, 0) X(47, 2, 0) X(47, 0xffffffff, 0) X(48, 1, 0) \
    X(49, 16, 0) X(49, 0, 0) X(49, 2, 0) X(49, 15, 0) X(49, 17, 0) X(49, 32, 0) \
    /* tables, weights, stores: whole beats */ \
    X(50, 8, 1) X(50, 0xfffffff8, 1) X(50, 1, 0) X(50, 4, 0) X(51, 96, 0) X(51, 112, 0) X(51, 1048568, 0) X(51, 0, 0) X(51, 4, 0) \
    X(51, 1048572, 0) X(51, 1048576, 0) X(51, 1048584, 0) X(52, 0xfffffff8, 1) X(52, 2, 0) X(52, 4, 0) X(53, 0, 1) \
    X(53, 0xfffffff8, 1) X(53, 4, 0) X(54, 64, 0) X(54, 80, 0) X(54, 16777208, 0) X(54, 0, 0) X(54, 4, 0) X(54, 16777216, 0) \
    X(54, 16777224, 0) X(55, 0xfffffff8, 1) X(55, 4, 0) X(56, 134217720, 1) X(56, 0, 0) X(56, 4, 0) \
    X(56, 134217728, 0) X(57, 0xfffffff8, 1) X(57, 1, 0) X(58, 134217720, 1) X(58, 0, 0) X(58, 12, 0) \
    X(58, 134217728, 0) \
    /* reserved; the layer counts for itself */ \
    X(59, 1, 0) X(59, 0x80000000, 0) X(60, 1, 0) X(61, 1, 0) X(61, 64, 0) X(62, 0, 1) X(62, 0xffffffff, 1) \
    X(63, 1, 0)

/* X(name, taken, changes): several words changed, each as SET(word, value). */
#define DESCRIPTOR_PAIRS(X) \
    X("a 1x1 kernel", 1, SET(12, 1) SET(13, 1) SET(16, 0) SET(17, 0) SET(18, 0) SET(19, 0)) \
    X("padding around a 1x1 kernel", 0, SET(12, 1) SET(13, 1)) \
    X("a 3x3 kernel without padding", 1, SET(16, 0) SET(17, 0) SET(18, 0) SET(19, 0)) \
    X("a 3x3 kernel padded above and left alone", 0, SET(17, 0) SET(19, 0)) \
    X("a 2x2 kernel", 0, SET(12, 2) SET(13, 2)) \
    X("a residual scale where none is added", 1, SET(1, 0x74) SET(47, 7) SET(48, 3)) \
    X("no stores", 1, SET(1, 0x1c) SET(56, 0) SET(58, 0)) \
    X("no codes out", 1, SET(1, 0x58) SET(5, 0) SET(30, 0) SET(32, 0) SET(56, 0)) \
    X("pooling a map of 7x7", 1, SET(0, 2) SET(3, 0) SET(4, 0) SET(12, 7) SET(13, 7) SET(14, 7) SET(15, 0) \
      SET(24, 0) SET(26, 0) SET(38, 0) SET(39, 0) SET(40, 0) SET(54, 0)) \
    X("pooling with 9 bits of weights", 0, SET(0, 2) SET(3, 9)) \
    X("pooling in groups", 0, SET(0, 2) SET(15, 2)) \
    X("weights of 8 bits that fill the buffer", 1, SET(39, 80) SET(3, 8) SET(54, 5120)) \
    X("weights of 8 bits that overflow it", 0, SET(39, 81) SET(3, 8) SET(54, 5184)) \
    X("weights of a bit that fill the buffer", 1, SET(39, 640) SET(54, 5120)) \
    X("weights of a bit that overflow it", 0, SET(39, 641) SET(54, 5128)) \
    X("one word of weights", 1, SET(39, 1) SET(54, 8)) \
    X("most channels", 1, SET(11, 4095) SET(37, 1024)) \
    X("most channels and a row group too many", 0, SET(11, 4095) SET(37, 1025)) \
    X("a row", 1, SET(11, 1) SET(37, 1)) \
    X("presets for each border class", 1, SET(49, 16) SET(51, 344)) \
    X("the last layer in the middle", 0, SET(1, 0x1fc))
/* clang-format on */

#endif

#include "tests/support/rv32.h"

/* Fields of a 32-bit instruction. */
static unsigned rd(uint32_t i)
{
    return i >> 7 & 31;
}
static unsigned rs1(uint32_t i)
{
    return i >> 15 & 31;
}
static unsigned rs2(uint32_t i)
{
    return i >> 20 & 31;
}
static unsigned funct3(uint32_t i)
{
    return i >> 12 & 7;
}

static uint32_t bits(uint32_t value, int high, int low, int to)
{
    return (value >> low & ((UINT32_C(1) << (high - low + 1)) - 1)) << to;
}

static uint32_t extend(uint32_t value, int width)
{
    return (uint32_t)((int32_t)(value << (32 - width)) >> (32 - width));
}

static uint32_t imm_i(uint32_t i)
{
    return extend(i >> 20, 12);
}
static uint32_t imm_s(uint32_t i)
{
    return extend(bits(i, 31, 25, 5) | bits(i, 11, 7, 0), 12);
}
static uint32_t imm_b(uint32_t i)
{
    return extend(bits(i, 31, 31, 12) | bits(i, 7, 7, 11) | bits(i, 30, 25, 5) | bits(i, 11, 8, 1), 13);
}
static uint32_t imm_j(uint32_t i)
{
    return extend(bits(i, 31, 31, 20) | bits(i, 19, 12, 12) | bits(i, 20, 20, 11) | bits(i, 30, 21, 1), 21);
}

/* Instructions that compressed ones stand for. */
static uint32_t make_i(uint32_t op, unsigned d, unsigned f3, unsigned s1, uint32_t imm)
{
    return imm << 20 | s1 << 15 | f3 << 12 | d << 7 | op;
}
static uint32_t make_s(unsigned f3, unsigned s1, unsigned s2, uint32_t imm)
{
    return bits(imm, 11, 5, 25) | s2 << 20 | s1 << 15 | f3 << 12 | bits(imm, 4, 0, 7) | 0x23;
}
static uint32_t make_r(unsigned f7, unsigned f3, unsigned d, unsigned s1, unsigned s2)
{
    return f7 << 25 | s2 << 20 | s1 << 15 | f3 << 12 | d << 7 | 0x33;
}
static uint32_t make_b(unsigned f3, unsigned s1, uint32_t imm)
{
    return bits(imm, 12, 12, 31) | bits(imm, 10, 5, 25) | s1 << 15 | f3 << 12 | bits(imm, 4, 1, 8) |
           bits(imm, 11, 11, 7) | 0x63;
}
static uint32_t make_j(unsigned d, uint32_t imm)
{
    return bits(imm, 20, 20, 31) | bits(imm, 10, 1, 21) | bits(imm, 11, 11, 20) | bits(imm, 19, 12, 12) | d << 7 | 0x6f;
}

static uint32_t expand_0(uint32_t c)
{
    const unsigned low = (c >> 2 & 7) + 8, high = (c >> 7 & 7) + 8;
    const uint32_t word = bits(c, 12, 10, 3) | bits(c, 6, 6, 2) | bits(c, 5, 5, 6);
    const uint32_t stack = bits(c, 12, 11, 4) | bits(c, 10, 7, 6) | bits(c, 6, 6, 2) | bits(c, 5, 5, 3);
    switch (c >> 13) {
    case 0:
        return stack ? make_i(0x13, low, 0, 2, stack) : 0;
    case 2:
        return make_i(0x03, low, 2, high, word);
    case 6:
        return make_s(2, high, low, word);
    default:
        return 0;
    }
}

static uint32_t expand_arithmetic(uint32_t c)
{
    static const unsigned f7[] = {0x20, 0, 0, 0}, f3[] = {0, 4, 6, 7}; /* sub xor or and */
    const unsigned d = (c >> 7 & 7) + 8, s = (c >> 2 & 7) + 8;
    const uint32_t imm = bits(c, 12, 12, 5) | bits(c, 6, 2, 0);
    switch (c >> 10 & 3) {
    case 0:
        return make_i(0x13, d, 5, d, imm);
    case 1:
        return make_i(0x13, d, 5, d, imm | 0x400);
    case 2:
        return make_i(0x13, d, 7, d, extend(imm, 6) & 0xfff);
    default:
        return c >> 12 & 1 ? 0 : make_r(f7[c >> 5 & 3], f3[c >> 5 & 3], d, d, s);
    }
}

static uint32_t expand_1(uint32_t c)
{
    const unsigned d = c >> 7 & 31;
    const uint32_t imm = extend(bits(c, 12, 12, 5) | bits(c, 6, 2, 0), 6);
    const uint32_t jump = extend(bits(c, 12, 12, 11) | bits(c, 11, 11, 4) | bits(c, 10, 9, 8) | bits(c, 8, 8, 10) |
                                     bits(c, 7, 7, 6) | bits(c, 6, 6, 7) | bits(c, 5, 3, 1) | bits(c, 2, 2, 5),
                                 12);
    const uint32_t branch =
        extend(bits(c, 12, 12, 8) | bits(c, 11, 10, 3) | bits(c, 6, 5, 6) | bits(c, 4, 3, 1) | bits(c, 2, 2, 5), 9);
    const uint32_t stack =
        extend(bits(c, 12, 12, 9) | bits(c, 6, 6, 4) | bits(c, 5, 5, 6) | bits(c, 4, 3, 7) | bits(c, 2, 2, 5), 10);
    switch (c >> 13) {
    case 0:
        return make_i(0x13, d, 0, d, imm & 0xfff);
    case 1:
        return make_j(1, jump);
    case 2:
        return make_i(0x13, d, 0, 0, imm & 0xfff);
    case 3:
        return d == 2 ? make_i(0x13, 2, 0, 2, stack & 0xfff) : imm << 12 | d << 7 | 0x37;
    case 4:
        return expand_arithmetic(c);
    case 5:
        return make_j(0, jump);
    default:
        return make_b(c >> 13 == 6 ? 0 : 1, (c >> 7 & 7) + 8, branch);
    }
}

static uint32_t expand_2(uint32_t c)
{
    const unsigned d = c >> 7 & 31, s = c >> 2 & 31;
    switch (c >> 13) {
    case 0:
        return make_i(0x13, d, 1, d, bits(c, 12, 12, 5) | s);
    case 2:
        return make_i(0x03, d, 2, 2, bits(c, 12, 12, 5) | bits(c, 6, 4, 2) | bits(c, 3, 2, 6));
    case 4:
        if (s == 0) {
            return d == 0 ? (c >> 12 & 1 ? 0x00100073 : 0) : make_i(0x67, c >> 12 & 1, 0, d, 0);
        }
        return make_r(0, 0, d, c >> 12 & 1 ? d : 0, s);
    case 6:
        return make_s(2, 2, s, bits(c, 12, 9, 2) | bits(c, 8, 7, 6));
    default:
        return 0;
    }
}

static uint32_t expand(uint32_t c)
{
    return (c & 3) == 0 ? expand_0(c) : (c & 3) == 1 ? expand_1(c) : expand_2(c);
}

static uint32_t multiply(unsigned f3, uint32_t a, uint32_t b)
{
    const int64_t x = (int32_t)a, y = (int32_t)b;
    switch (f3) {
    case 0:
        return a * b;
    case 1:
        return (uint32_t)((uint64_t)(x * y) >> 32);
    case 2:
        return (uint32_t)((uint64_t)(x * (int64_t)(uint64_t)b) >> 32);
    case 3:
        return (uint32_t)((uint64_t)a * b >> 32);
    case 4:
        return b == 0 ? UINT32_MAX : a == 0x80000000u && b == UINT32_MAX ? a : (uint32_t)(x / y);
    case 5:
        return b == 0 ? UINT32_MAX : a / b;
    case 6:
        return b == 0 ? a : a == 0x80000000u && b == UINT32_MAX ? 0 : (uint32_t)(x % y);
    default:
        return b == 0 ? a : a % b;
    }
}

static uint32_t compute(unsigned f3, bool alternate, uint32_t a, uint32_t b)
{
    switch (f3) {
    case 0:
        return alternate ? a - b : a + b;
    case 1:
        return a << (b & 31);
    case 2:
        return (int32_t)a < (int32_t)b;
    case 3:
        return a < b;
    case 4:
        return a ^ b;
    case 5:
        return alternate ? (uint32_t)((int32_t)a >> (b & 31)) : a >> (b & 31);
    case 6:
        return a | b;
    default:
        return a & b;
    }
}

static bool takes_branch(unsigned f3, uint32_t a, uint32_t b, bool *legal)
{
    const bool less = f3 & 2 ? a < b : (int32_t)a < (int32_t)b;
    *legal = f3 != 2 && f3 != 3;
    return (f3 & 4 ? less : a == b) != (f3 & 1);
}

static bool load(struct rv32 *cpu, unsigned f3, uint32_t address, uint32_t *value)
{
    const unsigned size = 1u << (f3 & 3);
    if (size == 8 || f3 > 5 || address % size || !cpu->bus.load(cpu->bus.context, address, size, value)) {
        return false;
    }
    if (f3 < 2) {
        *value = extend(*value, 8 * (int)size);
    }
    return true;
}

static bool store(struct rv32 *cpu, unsigned f3, uint32_t address, uint32_t value)
{
    const unsigned size = 1u << f3;
    return f3 < 3 && address % size == 0 && cpu->bus.store(cpu->bus.context, address, size, value);
}

/* Reads of control registers; writes to them go nowhere. */
static bool read_control(struct rv32 *cpu, uint32_t i, uint32_t *value)
{
    const unsigned number = i >> 20;
    if (funct3(i) == 0 || funct3(i) == 4) {
        return false;
    }
    *value = number == 0xc00 || number == 0xb00   ? (uint32_t)cpu->cycle
             : number == 0xc80 || number == 0xb80 ? (uint32_t)(cpu->cycle >> 32)
                                                  : cpu->bus.csr(cpu->bus.context, number);
    return true;
}

enum rv32_end rv32_step(struct rv32 *cpu)
{
    uint32_t i = 0, upper = 0, result = 0, next;
    if (!cpu->bus.load(cpu->bus.context, cpu->pc, 2, &i)) {
        return RV32_FAULT;
    }
    if ((i & 3) == 3) {
        if (!cpu->bus.load(cpu->bus.context, cpu->pc + 2, 2, &upper)) {
            return RV32_FAULT;
        }
        i |= upper << 16;
        next = cpu->pc + 4;
    } else {
        i = expand(i);
        next = cpu->pc + 2;
    }
    const uint32_t a = cpu->x[rs1(i)], b = cpu->x[rs2(i)];
    const unsigned f3 = funct3(i), f7 = i >> 25;
    bool writes = true, legal = true;
    switch (i & 0x7f) {
    case 0x37:
        result = i & 0xfffff000u;
        break;
    case 0x17:
        result = cpu->pc + (i & 0xfffff000u);
        break;
    case 0x6f:
        result = next;
        next = cpu->pc + imm_j(i);
        break;
    case 0x67:
        result = next;
        next = (a + imm_i(i)) & ~1u;
        break;
    case 0x63:
        next = takes_branch(f3, a, b, &legal) ? cpu->pc + imm_b(i) : next;
        writes = false;
        break;
    case 0x03:
        legal = load(cpu, f3, a + imm_i(i), &result);
        break;
    case 0x23:
        legal = store(cpu, f3, a + imm_s(i), b);
        writes = false;
        break;
    case 0x13:
        legal = f3 == 1 ? f7 == 0 : f3 == 5 ? f7 == 0 || f7 == 0x20 : true;
        result = compute(f3, f3 == 5 && f7 == 0x20, a, imm_i(i));
        break;
    case 0x33:
        legal = f7 == 0 || f7 == 1 || (f7 == 0x20 && (f3 == 0 || f3 == 5));
        result = f7 == 1 ? multiply(f3, a, b) : compute(f3, f7 == 0x20, a, b);
        break;
    case 0x0f: /* fence: everything is in order */
        writes = false;
        break;
    case 0x73:
        if (i == 0x00100073 || i == 0x00000073) {
            return RV32_STOPPED;
        }
        writes = i != 0x10500073; /* wfi: the next instruction, at once */
        legal = !writes || read_control(cpu, i, &result);
        break;
    default:
        legal = false;
    }
    if (!legal) {
        return RV32_FAULT;
    }
    if (writes && rd(i)) {
        cpu->x[rd(i)] = result;
    }
    cpu->pc = next;
    cpu->cycle++;
    return RV32_RUNS;
}

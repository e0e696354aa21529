// Logits by the C reference of a program with a bit of its weights, tables or corrections flipped as it lies in the
// accelerator's memories: the fast way where the frame reads the word only after the flip.
#ifndef BD_UPSET_REFERENCE_H
#define BD_UPSET_REFERENCE_H

#include <optional>

#include "sim/upset/machine.h"

extern "C" {
#include "model/exec/fast.h"
#include "model/program/decode.h"
}

namespace bitdial
{

class Reference
{
  public:
    Reference(const bd_program &program, const bd_hardware &hardware, unsigned switch_index, const uint8_t *input)
        : program_(program), hardware_(hardware), switch_(switch_index),
          input_(input, input + program.header->input_bytes), image_(program.image, program.image + program.size)
    {
        bd_error err{};
        if (bd_decode(&program, &decoded_, &err))
            throw std::runtime_error(err.message);
    }
    ~Reference()
    {
        bd_decoded_free(decoded_);
    }
    Reference(const Reference &) = delete;
    Reference &operator=(const Reference &) = delete;

    // None where the reference says nothing of the bit (corrections, which it works out itself; padding, which it does
    // not read though the arrays may) or something else than the arrays do.
    std::optional<std::vector<int32_t>> logits(const Field &field, const Place &place)
    {
        const std::vector<uint8_t> kept = image_;
        std::optional<std::vector<int32_t>> result;
        if (flip(field, place))
            result = execute();
        image_ = kept;
        return result;
    }
    // Whether a memory's words hold what the image has for them: the words that `used` has.
    bool agrees(const Field &field, const uint8_t *memory, const std::vector<bool> &used) const
    {
        for (unsigned e = 0; e < field.elements; e++)
            for (unsigned b = 0; used[e] && b < field.bits; b++) {
                const Home home = home_of(field, {0, e, b});
                const uint8_t *at = memory + size_t(e) * field.stride;
                if (home.bytes && (at[b / 8] >> b % 8 & 1) != (image_[home.at + home.bit / 8] >> home.bit % 8 & 1))
                    return false;
            }
        return true;
    }

  private:
    // Where a bit of a memory comes from: bit `bit` of a little-endian value of `bytes` bytes at `at`, of which the
    // chip keeps the lowest `width` bits, the last being the sign.
    static constexpr unsigned CORRECTION = 24;
    struct Home {
        uint64_t at;
        unsigned bit, bytes, width;
    };
    Home home_of(const Field &field, const Place &place) const
    {
        const bd_program_header &head = *program_.header;
        const std::string name = field.name;
        const unsigned mult = unsigned(hardware_.mult_bits), rq = unsigned(hardware_.requant_units);
        const size_t lane = name.find("g_lane[");
        if (field.owner == BD_UPSET_WEIGHTS && lane != std::string::npos) {
            uint64_t low = 1;
            while (2 * low <= uint64_t(hardware_.weight_words))
                low *= 2;
            const uint64_t word = place.element + (name.size() > 4 && name.substr(name.size() - 4) == "rest" ? low : 0);
            const uint64_t bit =
                word * 18 * uint64_t(hardware_.rows) + std::stoull(name.substr(lane + 7)) * field.bits + place.bit;
            return {head.weight_offset + bit / 8, unsigned(bit % 8), 1, 8};
        }
        if (name.find("u_table_memory") != std::string::npos) {
            const bool bias = place.bit >= mult;
            return {head.table_offset + 16ull * place.element + (bias ? 8 : 0), bias ? place.bit - mult : place.bit, 8,
                    bias ? 52 : mult};
        }
        if (name.find("u_correct_memory") != std::string::npos)
            return {head.correct_offset + 4ull * (uint64_t(place.element) * rq + place.bit / 24), place.bit % 24, 4,
                    CORRECTION};
        return {0, 0, 0, 0};
    }
    bool flip(const Field &field, const Place &place)
    {
        const Home home = home_of(field, place);
        if (home.bytes == 0 || home.width == CORRECTION || home.at + home.bytes > image_.size())
            return false;
        image_[home.at + home.bit / 8] ^= uint8_t(1u << home.bit % 8);
        if (home.bytes > 1 && home.bit == home.width - 1) // the sign, and all above it
            for (unsigned b = home.width; b < 8 * home.bytes; b++)
                image_[home.at + b / 8] ^= uint8_t(1u << b % 8);
        return true;
    }
    std::optional<std::vector<int32_t>> execute()
    {
        bd_program program{};
        bd_decoded *decoded = nullptr;
        bd_error err{};
        std::vector<int32_t> logits(program_.header->classes);
        bd_status status = bd_program_open_memory(&program, "flipped", image_.data(), image_.size(), &err);
        if (status)
            return {};
        status = bd_decode(&program, &decoded, &err);
        if (!status && !is_seen(decoded))
            status = BD_FAIL;
        if (!status)
            status = bd_execute_fast(&program, decoded, switch_, input_.data(), 1, logits.data(), &err);
        bd_decoded_free(decoded);
        bd_program_release(&program);
        if (status)
            return {};
        return logits;
    }

    // Whether the flip is one that the reference sees as the arrays do: some layer's weights, multipliers or biases are
    // others. Not of weights of layers with corrections, which stay those of the weights before; nor of layers whose
    // values the compiler has proved to fit what the hardware keeps of them, which they may not after the flip:
    // comparisons (SIGN_ONLY) and streams of 16 bits.
    bool is_seen(const bd_decoded *flipped) const
    {
        const auto same = [](const auto *a, const auto *b, size_t count) {
            return !a || std::memcmp(a, b, count * sizeof *a) == 0;
        };
        bool seen = false;
        for (unsigned l = 0; l < program_.header->layer_count; l++) {
            const bd_descriptor *d = bd_program_descriptor(&program_, switch_, l);
            const size_t rows = d->out_channels;
            const size_t codes =
                d->operation == BD_OP_CONV ? rows * (d->in_channels / d->groups) * d->kernel_h * d->kernel_w : 0;
            const bool weights =
                !same(bd_decoded_codes(decoded_, switch_, l), bd_decoded_codes(flipped, switch_, l), codes);
            const bool table =
                !same(bd_decoded_multipliers(decoded_, switch_, l), bd_decoded_multipliers(flipped, switch_, l),
                      rows) ||
                !same(bd_decoded_biases(decoded_, switch_, l), bd_decoded_biases(flipped, switch_, l), rows);
            const bool narrow = d->flags & BD_FLAG_WRITE_STREAM && !(d->flags & BD_FLAG_Z_OUT_WIDE);
            if ((weights && d->flags & BD_FLAG_CORRECT) || (table && d->flags & BD_FLAG_SIGN_ONLY) ||
                ((weights || table) && narrow))
                return false;
            seen |= weights || table;
        }
        return seen;
    }

    const bd_program &program_;
    const bd_hardware &hardware_;
    bd_decoded *decoded_ = nullptr;
    unsigned switch_;
    std::vector<uint8_t> input_, image_;
};

} // namespace bitdial

#endif

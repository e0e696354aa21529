// The state of the Verilated accelerator as a table (hw/upset_model.sh), and the bits of it that an upset may hit.
#ifndef BD_UPSET_FIELDS_H
#define BD_UPSET_FIELDS_H

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "Vbitdial_top.h"
#include "Vbitdial_top___024root.h"

extern "C" {
#include "model/program/hardware.h"
#include "sw/upset/upset.h"
}

namespace bitdial
{

// Of inputs of the design, which an upset does not hit.
constexpr bd_upset_class BD_UPSET_INPUT = BD_UPSET_CLASS_COUNT;

// A variable of the model: `elements` of `stride` bytes at `offset`, each of `bits` bits, lowest first.
struct Field {
    const char *name;
    size_t offset;
    unsigned elements, stride, bits;
    bd_upset_class owner;
    int watch; // its number as a memory whose accesses are told, or -1
};

// One bit of it.
struct Place {
    int field;
    unsigned element, bit;
};

template <class T> struct Shape {
    static constexpr unsigned elements = 1, stride = sizeof(T);
};
template <class T, std::size_t N> struct Shape<VlUnpacked<T, N>> {
    static constexpr unsigned elements = N, stride = sizeof(T);
};

inline std::vector<Field> list_fields(const Vbitdial_top___024root &root)
{
    const uint8_t *base = reinterpret_cast<const uint8_t *>(&root);
    std::vector<Field> fields;
#define BD_STATE(member, name, bits, owner, watch)                                                                     \
    fields.push_back({name, size_t(reinterpret_cast<const uint8_t *>(&root.member) - base),                            \
                      Shape<std::remove_cv_t<std::remove_reference_t<decltype(root.member)>>>::elements,               \
                      Shape<std::remove_cv_t<std::remove_reference_t<decltype(root.member)>>>::stride, bits,           \
                      BD_UPSET_##owner, watch});
#include "upset_state.inc"
#undef BD_STATE
    return fields;
}

// The bits of one class, in order; of memories all words, or those that `used` has (field by field, word by word).
class Population
{
  public:
    Population(const std::vector<Field> &fields, bd_upset_class owner,
               const std::vector<std::vector<bool>> *used = nullptr)
        : fields_(fields)
    {
        for (int f = 0; f < int(fields.size()); f++) {
            if (fields[f].owner != owner)
                continue;
            Part part{f, bits_, {}};
            for (unsigned e = 0; e < fields[f].elements; e++)
                if (!used || fields[f].watch < 0 || (*used)[size_t(fields[f].watch)][e])
                    part.elements.push_back(e);
            bits_ += uint64_t(part.elements.size()) * fields[f].bits;
            parts_.push_back(part);
        }
    }
    uint64_t bits() const
    {
        return bits_;
    }
    Place at(uint64_t bit) const
    {
        size_t low = 0, high = parts_.size(); // the last part that begins at `bit` or before and has bits
        while (high - low > 1)
            (parts_[(low + high) / 2].first <= bit ? low : high) = (low + high) / 2;
        const Part &part = parts_[low];
        const unsigned width = fields_[size_t(part.field)].bits;
        const uint64_t within = bit - part.first;
        return {part.field, part.elements[size_t(within / width)], unsigned(within % width)};
    }

  private:
    struct Part {
        int field;
        uint64_t first;
        std::vector<unsigned> elements;
    };
    const std::vector<Field> &fields_;
    std::vector<Part> parts_;
    uint64_t bits_ = 0;
};

// What the hardware configuration says each class of memory has: the table is complete where both agree.
inline std::string check_fields(const std::vector<Field> &fields, const bd_hardware &hw)
{
    const uint64_t rq = uint64_t(hw.requant_units);
    const uint64_t expected[] = {
        uint64_t(hw.weight_words) * 18 * uint64_t(hw.rows),
        uint64_t(hw.table_words) * (52 + uint64_t(hw.mult_bits)) + uint64_t(hw.correct_words) * rq * 24,
        uint64_t(hw.act_words) * 9 * 16 + uint64_t(hw.z_words) * rq * 16,
        0,
        uint64_t(hw.descriptors) * 2048,
    };
    uint64_t found[BD_UPSET_CLASS_COUNT + 1] = {};
    for (const Field &field : fields)
        if (field.watch >= 0)
            found[field.owner] += uint64_t(field.elements) * field.bits;
    for (int c = 0; c < BD_UPSET_CLASS_COUNT; c++)
        if (found[c] != expected[c])
            return std::string("the model has ") + std::to_string(found[c]) + " bits of memories of " +
                   bd_upset_class_names[c] + ", the hardware configuration " + std::to_string(expected[c]) +
                   ": hw/upset_state.awk names another design";
    return "";
}

// The unit that a variable belongs to: its module two levels down, "u_compute.u_walker".
inline std::string unit_of(const std::string &name)
{
    size_t dot = name.find('.');
    if (name.compare(0, 10, "u_compute.") == 0)
        dot = name.find('.', 10);
    return dot == std::string::npos ? "top" : name.substr(0, dot);
}

} // namespace bitdial

#endif

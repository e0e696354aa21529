// Accesses to memories of a Verilated model, told one by one (hw/upset_model.sh puts this into the model's C++).
#ifndef BD_UPSET_WATCH_H
#define BD_UPSET_WATCH_H

#include <cstddef>
#include <cstdint>

namespace bd_watch
{

// WRITE: the word, or the byte of it that a LOW or HIGH before it names: LOW writes the lower byte and keeps the other.
enum Kind { READ, WRITE, LOW, HIGH };

extern bool on;
void touched(int memory, size_t word, Kind kind);

template <int MEMORY, Kind KIND, class Array> struct Watched {
    Array &array;
    auto &operator[](size_t word)
    {
        if (__builtin_expect(on, 0))
            touched(MEMORY, word, KIND);
        return array[word];
    }
};
template <int MEMORY, Kind KIND, class Array> Watched<MEMORY, KIND, Array> Memory(Array &array)
{
    return {array};
}

} // namespace bd_watch

#endif

// Two frames without an upset, one after the other: what every injection is held against. Snapshots along them, and
// when each word of each memory was read and written.
#ifndef BD_UPSET_GOLDEN_H
#define BD_UPSET_GOLDEN_H

#include <algorithm>

#include "sim/upset/machine.h"
#include "upset_watch.h"

namespace bitdial
{

enum { LOW_BYTE = 1, HIGH_BYTE = 2, WHOLE = 3 };

// An access to a word, in the clock `at`: a read, or a write of the bytes named. A flip when the machine's now() is n
// comes before accesses of clock n.
struct Event {
    uint32_t at;
    uint8_t writes; // 0: it reads
};

// Bits of a word of a memory that are not those of the golden run.
struct Difference {
    int field;
    unsigned element;
    std::vector<uint8_t> bits; // as many bytes as the word's stride
};

// Frame by frame: 0 that in which the upset comes, 1 the next.
struct GoldenFrame {
    uint64_t doorbell = 0, clocks = 0, end = 0; // `end`: now() after the driver has taken the result
    std::vector<int32_t> logits;
    size_t first = 0; // its first snapshot, which is before bd_device_start
};

class Golden
{
  public:
    static constexpr int FRAMES = 2;
    GoldenFrame frame[FRAMES];
    std::vector<Snapshot> snapshots; // in order of time
    std::vector<std::vector<bool>> used;
    bool plant_overwritten = false; // a fault: what is read counts as overwritten

    Golden(Machine &machine, const bd_program &program, unsigned switch_index, uint64_t clocks, uint64_t limit)
        : machine_(machine)
    {
        for (const Field &field : machine.fields())
            if (field.watch >= 0) {
                used.push_back(std::vector<bool>(field.elements));
                words_.emplace_back(field.elements);
                owner_.push_back(field.owner);
            }
        current = this;
        loading_ = bd_watch::on = true; // the first frame brings the program onto the chip
        run_frame(program, switch_index, limit, nullptr);
        loading_ = false;
        machine.keep_constants();
        for (int f = 0; f < FRAMES; f++) {
            frame[f].first = snapshots.size();
            snapshots.push_back(machine.save());
            const uint64_t spacing = std::max<uint64_t>(clocks / (f == 0 ? 256 : 64), 64);
            machine.next_hook = machine.now() + spacing;
            machine.hook = [this, spacing] {
                if (machine_.busy())
                    snapshots.push_back(machine_.save());
                machine_.next_hook += spacing;
                return true;
            };
            run_frame(program, switch_index, limit, &frame[f]);
            machine.next_hook = UINT64_MAX;
        }
        bd_watch::on = false;
        if (frame[0].clocks != clocks || frame[1].clocks != clocks || frame[0].logits != frame[1].logits)
            throw std::runtime_error("two frames without an upset differ from each other or from the cost model");
        for (size_t w = 0; w < used.size(); w++)
            if (owner_[w] == BD_UPSET_ACTIVATIONS)
                for (size_t e = 0; e < used[w].size(); e++)
                    used[w][e] = !words_[w][e].empty();
    }

    // The last snapshot of a frame at `clock` or before; its first where there is none.
    size_t before(int f, uint64_t clock) const
    {
        size_t s = frame[f].first;
        while (s + 1 < last(f) && snapshots[s + 1].now <= clock)
            s++;
        return s;
    }
    size_t last(int f) const // one behind the last snapshot of a frame
    {
        return f + 1 < FRAMES ? frame[f + 1].first : snapshots.size();
    }
    const std::vector<Event> &events(int watch, unsigned element) const
    {
        return words_[size_t(watch)][element];
    }
    // Drops bits that are overwritten before `to` and words without any left. From `from` on the golden run reads none
    // of them before `to`.
    void age(std::vector<Difference> &differences, uint64_t from, uint64_t to) const
    {
        for (Difference &d : differences)
            walk(d, from, to);
        differences.erase(std::remove_if(differences.begin(), differences.end(),
                                         [](const Difference &d) {
                                             return std::all_of(d.bits.begin(), d.bits.end(),
                                                                [](uint8_t b) { return b == 0; });
                                         }),
                          differences.end());
    }
    // The first clock from `from` on in which one of them is read; UINT64_MAX for none.
    uint64_t next_read(const std::vector<Difference> &differences, uint64_t from) const
    {
        uint64_t first = UINT64_MAX;
        for (Difference d : differences)
            first = std::min(first, walk(d, from, first));
        return first;
    }

    // What bd_watch::touched tells.
    inline static Golden *current = nullptr;
    void note(int memory, size_t word, bd_watch::Kind kind)
    {
        if (kind == bd_watch::LOW || kind == bd_watch::HIGH) {
            part_ = kind == bd_watch::LOW ? LOW_BYTE : HIGH_BYTE;
            return;
        }
        const uint8_t writes = kind == bd_watch::READ ? 0 : part_ ? part_ : uint8_t(WHOLE);
        part_ = kind == bd_watch::READ ? part_ : 0;
        if (loading_) {
            if (writes && owner_[size_t(memory)] != BD_UPSET_ACTIVATIONS)
                used[size_t(memory)][word] = true;
            return;
        }
        std::vector<Event> &list = words_[size_t(memory)][word];
        const Event event = {uint32_t(machine_.now()), writes};
        if (list.empty() || list.back().at != event.at || list.back().writes != writes)
            list.push_back(event);
    }

  private:
    void run_frame(const bd_program &program, unsigned switch_index, uint64_t limit, GoldenFrame *kept)
    {
        bd_device_status status = machine_.start(switch_index);
        status = status ? status : machine_.wait(limit);
        if (status) {
            char text[512];
            bd_device_explain(&machine_.device(), status, text, sizeof text);
            throw std::runtime_error(std::string("a frame without an upset: ") + text);
        }
        if (kept) {
            kept->doorbell = machine_.doorbell();
            kept->clocks = machine_.clocks();
            kept->end = machine_.now();
            kept->logits.assign(machine_.logits(), machine_.logits() + program.header->classes);
        }
    }
    // Takes a word's bits through the accesses from `from` on, before `to`: the clock of the first that reads any.
    uint64_t walk(Difference &d, uint64_t from, uint64_t to) const
    {
        const std::vector<Event> &list = events(machine_.fields()[size_t(d.field)].watch, d.element);
        auto at = std::lower_bound(list.begin(), list.end(), from,
                                   [](const Event &e, uint64_t clock) { return e.at < clock; });
        for (; at != list.end() && at->at < to; at++) {
            if (!at->writes && !plant_overwritten &&
                std::any_of(d.bits.begin(), d.bits.end(), [](uint8_t b) { return b != 0; }))
                return at->at;
            if (at->writes == WHOLE || plant_overwritten)
                std::fill(d.bits.begin(), d.bits.end(), 0);
            else if (at->writes)
                d.bits[at->writes == HIGH_BYTE] = 0;
        }
        return UINT64_MAX;
    }

    Machine &machine_;
    bool loading_ = false;
    uint8_t part_ = 0;
    std::vector<std::vector<std::vector<Event>>> words_; // [watch][word]
    std::vector<bd_upset_class> owner_;                  // [watch]
};

} // namespace bitdial

#endif

// One upset and what follows from it, told by as little simulation as is exact.
//
// A run begins at the golden snapshot before the upset. Where state and memory have become those of the golden run
// again, but for words that it overwrites before it reads them, the rest is known and is not simulated; where it reads
// one of them later, the run goes on from the golden snapshot before that. With `shortcuts` off all is simulated from
// the first snapshot to the end of the second frame.
#ifndef BD_UPSET_INJECTOR_H
#define BD_UPSET_INJECTOR_H

#include "sim/upset/golden.h"

namespace bitdial
{

struct Seen { // a frame
    int status = BD_DEVICE_OK;
    bool unanswered = false, silent = false, busy = false; // `busy`: of a frame that was waited for in vain
    uint64_t clocks = 0;
    std::vector<int32_t> logits;
};

struct Result {
    Seen frame[Golden::FRAMES];
    uint64_t simulated = 0; // clocks
};

class Injector
{
  public:
    bool shortcuts = true;

    Injector(Machine &machine, const Golden &golden, unsigned switch_index, unsigned classes, uint64_t limit)
        : machine_(machine), golden_(golden), switch_(switch_index), classes_(classes), limit_(limit)
    {
        const std::vector<Field> &fields = machine.fields();
        for (int f = 0; f < int(fields.size()); f++)
            if (fields[size_t(f)].watch >= 0)
                memories_.push_back(f);
            else
                plain_.push_back({fields[size_t(f)].offset, machine.place_in(fields[size_t(f)].offset),
                                  size_t(fields[size_t(f)].elements) * fields[size_t(f)].stride});
    }

    // What `frames` of them come to: the one with the upset, and the next.
    Result inject(const Place &place, uint32_t clock, int frames)
    {
        result_ = {};
        frames_ = frames;
        const uint64_t at = golden_.frame[0].doorbell + 1 + clock;
        const Field &field = machine_.fields()[size_t(place.field)];
        if (shortcuts && field.watch >= 0) {
            Difference d{place.field, place.element, std::vector<uint8_t>(field.stride)};
            d.bits[place.bit / 8] = uint8_t(1u << place.bit % 8);
            follow(0, {d}, at);
        } else {
            begin(shortcuts ? golden_.before(0, at) : golden_.frame[0].first);
            flips_ = {place};
            flip_at_ = at;
            run(0, UINT64_MAX);
        }
        return std::move(result_);
    }

  private:
    struct Span {
        size_t offset, in_snapshot, size;
    };

    // From `clock` of frame f on the machine is the golden one with these differences.
    void follow(int f, std::vector<Difference> differences, uint64_t clock)
    {
        const uint64_t read = golden_.next_read(differences, clock);
        const int in = read < golden_.frame[0].end ? 0 : 1;
        for (; f < std::min(in, frames_) || (read == UINT64_MAX && f < frames_); f++)
            result_.frame[f] = {BD_DEVICE_OK, false, false, false, golden_.frame[f].clocks, golden_.frame[f].logits};
        if (read == UINT64_MAX || in >= frames_)
            return;
        const size_t s = golden_.before(in, read);
        const uint64_t from = std::max(clock, golden_.snapshots[s].now);
        golden_.age(differences, clock, from);
        begin(s);
        flips_.clear();
        for (const Difference &d : differences)
            for (unsigned b = 0; b < 8 * d.bits.size(); b++)
                if (d.bits[b / 8] >> b % 8 & 1)
                    flips_.push_back({d.field, d.element, b});
        flip_at_ = from;
        run(in, read);
    }

    void begin(size_t snapshot)
    {
        machine_.restore(golden_.snapshots[snapshot]);
        machine_.silence();
        next_ = snapshot + 1;
        on_its_own_ = false;
        began_ = machine_.now();
        shift_ = 0;
    }

    // Frames f and on, from the machine as it stands. `read`: nothing can be as in the golden run before.
    void run(int f, uint64_t read)
    {
        quiet_until_ = read == UINT64_MAX ? 0 : read + 1;
        machine_.hook = [this] { return tick(); };
        for (bool resumed = golden_.snapshots[next_ - 1].in_wait; f < frames_; f++, resumed = false) {
            frame_ = f;
            converged_ = false;
            int status = BD_DEVICE_OK;
            if (!resumed && f > 0 && !on_its_own_)
                next_ = golden_.frame[f].first + 1;
            schedule();
            if (!flips_.empty() && machine_.now() >= flip_at_)
                tick();
            if (!resumed) {
                status = machine_.start(switch_);
                shift_ = machine_.doorbell() - golden_.frame[f].doorbell;
                schedule();
            }
            status = status ? status : machine_.wait(limit_);
            if (converged_) {
                result_.simulated += machine_.now() - began_;
                follow(f, std::move(differences_), machine_.now() - shift_);
                return;
            }
            take(f, status);
        }
        result_.simulated += machine_.now() - began_;
        machine_.next_hook = UINT64_MAX;
    }

    void take(int f, int status)
    {
        Seen &seen = result_.frame[f];
        const Machine::Silence silence = machine_.silence();
        seen = {status, silence.access, silence.access || silence.interrupt, machine_.is_busy(), 0, {}};
        if (status == BD_DEVICE_OK) {
            seen.clocks = machine_.clocks();
            seen.logits.assign(machine_.logits(), machine_.logits() + classes_);
        } else {
            // The driver has dropped its frames where the device told an error; a host that met silence resets.
            on_its_own_ = true;
            next_ = golden_.snapshots.size();
            if (f + 1 < frames_) {
                machine_.next_hook = UINT64_MAX;
                (void)!machine_.reset();
                if (status == BD_DEVICE_FORGOTTEN)
                    (void)!machine_.load();
                machine_.silence();
            }
        }
    }

    // When the hook is called next: for the flips, or at the clock of a golden snapshot.
    void schedule()
    {
        machine_.next_hook = !flips_.empty()                             ? flip_at_
                             : shortcuts && next_ < golden_.last(frame_) ? golden_.snapshots[next_].now + shift_
                                                                         : UINT64_MAX;
    }
    // False where nothing more needs to be simulated.
    bool tick()
    {
        if (!flips_.empty() && machine_.now() >= flip_at_) {
            machine_.flip(flips_);
            flips_.clear();
        } else if (shortcuts && next_ < golden_.last(frame_)) {
            const Snapshot &s = golden_.snapshots[next_];
            if (machine_.now() == s.now + shift_ && s.in_wait && machine_.busy() && s.now >= quiet_until_ && same(s)) {
                converged_ = true;
                return false;
            }
        }
        while (next_ < golden_.last(frame_) && golden_.snapshots[next_].now + shift_ <= machine_.now())
            next_++;
        schedule();
        return true;
    }

    // Whether the machine is that of the snapshot but for words which the golden run does not read before the next
    // snapshot; those are then differences_.
    bool same(const Snapshot &s)
    {
        for (const Span &span : plain_)
            if (std::memcmp(machine_.bytes() + span.offset, s.model.data() + span.in_snapshot, span.size) != 0)
                return false;
        if (!machine_.same_memory(s, shift_ == 0))
            return false;
        differences_.clear();
        for (int f : memories_) {
            const Field &field = machine_.fields()[size_t(f)];
            const uint8_t *now = machine_.bytes() + field.offset;
            const uint8_t *then = Machine::is_kept(field) ? machine_.constants() + field.offset
                                                          : s.model.data() + machine_.place_in(field.offset);
            if (std::memcmp(now, then, size_t(field.elements) * field.stride) == 0)
                continue;
            for (unsigned e = 0; e < field.elements; e++, now += field.stride, then += field.stride) {
                if (std::memcmp(now, then, field.stride) == 0)
                    continue;
                Difference d{f, e, std::vector<uint8_t>(field.stride)};
                for (unsigned b = 0; b < field.stride; b++)
                    d.bits[b] = now[b] ^ then[b];
                differences_.push_back(std::move(d));
            }
        }
        const uint64_t soon = next_ + 1 < golden_.last(frame_) ? golden_.snapshots[next_ + 1].now : s.now + 1;
        return golden_.next_read(differences_, s.now) >= soon;
    }

    Machine &machine_;
    const Golden &golden_;
    unsigned switch_, classes_;
    uint64_t limit_;
    std::vector<int> memories_;
    std::vector<Span> plain_;

    Result result_;
    int frame_ = 0, frames_ = Golden::FRAMES;
    size_t next_ = 0;    // the golden snapshot that is met next
    uint64_t shift_ = 0; // clocks, modulo 2^64, by which this frame is later than the golden one
    uint64_t began_ = 0, quiet_until_ = 0, flip_at_ = 0;
    bool converged_ = false;
    bool on_its_own_ = false; // the frames are no longer those of the golden run
    std::vector<Place> flips_;
    std::vector<Difference> differences_;
};

} // namespace bitdial

#endif

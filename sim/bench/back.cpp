// hw/datapath/back.sv against back_model.h: random layers one after the other on the same memories. This file plays
// what stands around the back: the loader, the control that hands row groups over, an array with a drain bank of one
// block whose sums are written as early as intervals allow, and the store. Compared after every layer: every byte of
// the activation memory, the residual memory, and the clock of every drained pixel and of idle_o. Usage: back [LAYERS
// [SEED [MUTATION]]]
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>

#include <verilated.h>

#include "Vback_top.h"
#include "sim/bench/back_model.h"

namespace
{

constexpr uint32_t ACC_BITS = 28, CODE_CLOCKS = BACK_CODE_CLOCKS, ARRAY_LATENCY = 9;
constexpr back::Geometry GEOMETRY = {BACK_ROWS, BACK_RQ, 4096, 4096, 1024, 4096};

template <typename T> void put_bits(T &port, size_t at, uint32_t bits, uint64_t value)
{
    auto *words = reinterpret_cast<uint32_t *>(&port);
    for (uint32_t i = 0; i < bits; i++) {
        const size_t bit = at + i;
        words[bit / 32] = (words[bit / 32] & ~(1u << bit % 32)) | uint32_t(value >> i & 1) << bit % 32;
    }
}

class Bench
{
  public:
    Bench(uint64_t seed, int mutation, bool fault) : random_(GEOMETRY, seed), model_(GEOMETRY, mutation)
    {
        if (mutation) // a model of broken rules asks for what the machine is never asked for
            Verilated::assertOn(false);
        top_.fault_i = fault;
        top_.rst_ni = 1;
        top_.eval();
        top_.rst_ni = 0;
        step();
        top_.rst_ni = 1;
        for (int b = 0; b < 9; b++)
            for (uint16_t &word : model_.memories.planes[b])
                word = uint16_t(random_.below(65536));
        for (int b = 0; b < 9; b++)
            planes_[b] = model_.memories.planes[b];
        take_over();
    }
    ~Bench()
    {
        top_.final();
    }

    // A layer, whole and compared, or broken off at a random clock by the next one's setup_i.
    void layer()
    {
        back::Layer l;
        const back::Memories before = model_.memories;
        do {
            model_.memories = before;
            l = random_.layer();
        } while (!model_.run(l));
        layer_ = &l;
        start_layer();
        if (random_.chance(8)) {
            for (uint64_t clocks = random_.below(20 * l.d.row_groups * l.d.pixel_period + 100); clocks > 0; clocks--) {
                control();
                step();
            }
            top_.setup_i = 1;
            step();
            writes_.clear();
            dones_.clear();
            reads_.clear();
            sums_pending_ = false;
            for (int i = 0; i < 3; i++)
                step();
            if (!top_.idle_o)
                report("not idle after setup_i");
            take_over();
            broken++;
        } else {
            finish_layer();
            layers++;
        }
        layer_ = nullptr;
    }
    uint64_t layers = 0, broken = 0, differences = 0, words = 0, gapless = 0, pixels = 0;

  private:
    void start_layer()
    {
        const back::Layer &l = *layer_;
        for (int beat = 0; beat < 32; beat++) {
            uint32_t words[64];
            std::memcpy(words, &l.d, sizeof words);
            top_.descriptor_we_i = 1;
            top_.descriptor_beat_i = beat;
            top_.descriptor_data_i = words[2 * beat] | uint64_t(words[2 * beat + 1]) << 32;
            step();
        }
        begin();
    }
    void finish_layer()
    {
        const back::Layer &l = *layer_;
        const uint64_t limit = clock_ + 200000 + uint64_t(l.d.row_groups) * l.pixels() * (l.d.pixel_period + 64);
        while (started_ < l.d.row_groups || clock_ <= last_done_ + 1 || !idle_) {
            control();
            step();
            if (clock_ > limit) {
                report("never idle");
                return;
            }
        }
        check_clocks();
        compare();
    }
    // The memories as they are become the model's.
    void take_over()
    {
        for (int b = 0; b < 9; b++)
            model_.memories.planes[b] = planes_[b];
        for (uint32_t word = 0; word < GEOMETRY.z_words; word++) {
            top_.z_read_i = 1;
            top_.z_addr_i = word;
            top_.z_wide_i = 0;
            for (int i = 0; i < 4; i++)
                step();
            for (uint32_t i = 0; i < GEOMETRY.rq; i++)
                model_.memories.z[size_t(word) * GEOMETRY.rq + i] =
                    uint16_t(reinterpret_cast<const uint32_t *>(&top_.z_data_o)[i]);
        }
    }
    struct Load {
        bool correct;
        uint32_t beat;
        uint64_t data;
    };
    struct Write { // a pixel's sums into the drain bank
        uint32_t pixel;
        size_t at;
    };

    void report(const char *what)
    {
        const bd_descriptor &d = layer_->d;
        if (differences++ < 5)
            std::printf("layer %" PRIu64 ", clock %" PRIu64
                        ": %s: operation %u flags 0x%x bits %u layout %u, %u x %u x %u, pool %u "
                        "kernel %u x %u stride %u, zero point %u, period %u\n",
                        layers, clock_, what, d.operation, d.flags, d.out_bits, d.out_layout, d.out_height, d.out_width,
                        d.out_channels, d.pool_kind, d.kernel_h, d.kernel_w, d.stride, d.weight_zero_point,
                        d.pixel_period);
    }

    // --- control -----------------------------------------------------------------------------------------------------
    void begin()
    {
        const bd_descriptor &d = layer_->d;
        top_.setup_i = 1;
        step();
        const uint32_t tiles = d.row_groups;
        handed_ = started_ = copied_ = left_ = loaded_ = 0;
        next_start_ = last_done_ = 0;
        setup_clock_ = clock_;
        eager_ = random_.chance(50);
        hurry_ = random_.chance(70);
        loads_.clear();
        if (!streamed())
            for (uint32_t t = 0; t < tiles; t++)
                queue_chunk(t);
        // A step of the array is as long as Tw; some layers wait for the array, some for the drain.
        steps_ = random_.between(1, 2 * d.pixel_period / 3 + 2);
        const uint32_t small = d.pixels_large - 1;
        c_large_ = steps_ * std::max(d.pixels_large, 4u);
        c_small_ = steps_ * std::max(small, 4u);
        const uint32_t d_large = d.pixels_large * d.pixel_period, d_small = small * d.pixel_period;
        interval_large_ = std::max(c_large_, d_large + (d.blocks_small ? c_large_ - c_small_ : 0));
        interval_small_ = std::max(c_small_, d_small);
    }
    bool streamed() const
    {
        return layer_->flag(BD_FLAG_STREAM_TABLES);
    }
    uint32_t slot(uint32_t tile) const
    {
        return streamed() ? tile % 2 : tile;
    }
    void queue_chunk(uint32_t t)
    {
        const back::Layer &l = *layer_;
        const uint32_t rows = GEOMETRY.rows;
        for (uint32_t r = 0; r < rows; r++) {
            const uint32_t entry = l.d.table_base + slot(t) * rows + r;
            loads_.push_back({false, 2 * entry, uint64_t(int64_t(l.multipliers[t * rows + r]))});
            loads_.push_back({false, 2 * entry + 1, uint64_t(l.biases[t * rows + r])});
        }
        if (l.flag(BD_FLAG_CORRECT))
            for (uint32_t i = 0; i < l.classes() * rows; i += 2) {
                const size_t from = size_t(t) * l.classes() * rows + i;
                const uint32_t word = l.d.correct_base + slot(t) * l.classes() * GEOMETRY.subs();
                loads_.push_back({true, word * (GEOMETRY.rq / 2) + i / 2,
                                  uint32_t(l.corrections[from]) | uint64_t(uint32_t(l.corrections[from + 1])) << 32});
            }
    }
    void control()
    {
        const bd_descriptor &d = layer_->d;
        top_.clk_i = 0;
        top_.eval();
        left_ += top_.tile_left_o;
        if (top_.tables_ready_o)
            copied_ = handed_;
        if (streamed() && loads_.empty() && loaded_ < d.row_groups && loaded_ < left_ + 2)
            queue_chunk(loaded_);
        if (!loads_.empty() && (hurry_ || random_.chance(60))) {
            const Load load = loads_.front();
            loads_.pop_front();
            (load.correct ? top_.correct_we_i : top_.table_we_i) = 1;
            if (load.correct) {
                top_.correct_beat_i = load.beat;
                top_.correct_data_i = load.data;
            } else {
                top_.table_beat_i = load.beat;
                top_.table_data_i = load.data;
            }
            if (loads_.empty()) {
                loaded_ = streamed() ? loaded_ + 1 : d.row_groups;
                landed_ = clock_ + 3;
            }
        }
        if (handed_ < (clock_ >= landed_ ? loaded_ : loaded_ - (loaded_ > 0)) && (clock_ >= landed_ || streamed()) &&
            top_.tables_ready_o && clock_ > setup_clock_ + 3 && (eager_ || handed_ <= started_) &&
            (hurry_ || random_.chance(10))) {
            if (top_.correct_step_o != layer_->classes() * GEOMETRY.subs())
                report("correct_step_o");
            top_.tile_i = 1;
            top_.tile_table_i = d.table_base + slot(handed_) * GEOMETRY.rows;
            top_.tile_correct_i = d.correct_base + slot(handed_) * layer_->classes() * GEOMETRY.subs();
            handed_++;
        }
        if (started_ < copied_ && clock_ >= next_start_ && clock_ >= setup_clock_ + 32) {
            gapless += started_ > 0 && clock_ == next_start_;
            if (d.operation == BD_OP_POOL)
                start_pool();
            else
                start_tile();
            started_++;
        }
        const auto write = writes_.find(clock_);
        if (top_.drain_read_o)
            read_drain();
        if (write != writes_.end()) {
            bank_[write->second.pixel] = write->second.at;
            writes_.erase(write);
        }
        const auto done = dones_.find(clock_);
        if (done != dones_.end()) {
            top_.block_done_i = 1;
            top_.block_pixels_i = done->second;
            dones_.erase(done);
        }
    }
    void start_pool()
    {
        const bd_descriptor &d = layer_->d;
        top_.pool_start_i = 1;
        const uint32_t n = layer_->pixels(), beats = d.kernel_h * d.kernel_w * GEOMETRY.subs();
        next_start_ = clock_ + uint64_t(n) * d.pixel_period + 1;
        last_done_ = clock_;
        last_enter_ = clock_ + 1 + uint64_t(n - 1) * d.pixel_period + beats - 1 + 2 + 7;
    }
    void start_tile()
    {
        const bd_descriptor &d = layer_->d;
        uint64_t start = clock_;
        uint32_t first = 0; // pixel
        for (uint32_t b = 0; b < d.blocks_large + d.blocks_small; b++) {
            const bool large = b < d.blocks_large;
            const uint32_t n = d.pixels_large - !large;
            const uint64_t done = start + (large ? c_large_ : c_small_) + ARRAY_LATENCY;
            for (uint32_t p = 0; p < n; p++) {
                writes_[done - (n - 1 - p)] = {p, size_t(started_) * layer_->pixels() + first + p};
                reads_.push_back(done + 1 + uint64_t(p) * d.pixel_period);
            }
            dones_[done] = n;
            first += n;
            last_done_ = done;
            last_enter_ = done + 1 + uint64_t(n - 1) * d.pixel_period + GEOMETRY.subs() - 1 + 5;
            start += large ? interval_large_ : interval_small_;
        }
        next_start_ = start;
    }
    void read_drain()
    {
        if (reads_.empty() || reads_.front() != clock_)
            report("a pixel is drained at another clock");
        if (!reads_.empty())
            reads_.pop_front();
        pixels++;
        const size_t at = bank_[top_.drain_pixel_o];
        sums_pending_ = true;
        pending_at_ = at;
    }

    // --- a clock -----------------------------------------------------------------------------------------------------
    void step()
    {
        top_.clk_i = 0;
        top_.eval();
        if (top_.plane_we_o) {
            uint16_t &word = planes_[top_.plane_bank_o].at(top_.plane_addr_o);
            const uint16_t mask = (top_.plane_be_o & 1 ? 0xff : 0) | (top_.plane_be_o & 2 ? 0xff00 : 0);
            word = uint16_t((word & ~mask) | (top_.plane_data_o & mask));
        }
        idle_ = top_.idle_o;
        top_.clk_i = 1;
        top_.eval();
        clock_++;
        top_.setup_i = top_.tile_i = top_.pool_start_i = top_.block_done_i = top_.table_we_i = top_.correct_we_i = 0;
        top_.descriptor_we_i = top_.z_read_i = 0;
        if (sums_pending_) {
            sums_pending_ = false;
            for (uint32_t r = 0; r < GEOMETRY.rows; r++)
                put_bits(top_.sums_i, size_t(r) * ACC_BITS, ACC_BITS,
                         uint32_t(layer_->sums[pending_at_ * GEOMETRY.rows + r]));
            top_.window_sum_i = uint32_t(layer_->window[pending_at_]) & ((1u << ACC_BITS) - 1);
        }
    }

    // --- what came out -----------------------------------------------------------------------------------------------
    void check_clocks()
    {
        const uint32_t writes = layer_->writes(GEOMETRY, layer_->d.row_groups - 1);
        const uint64_t want = last_enter_ + CODE_CLOCKS + (writes > 0 ? writes + 3 : 2);
        if (clock_ - 1 != want) { // of the step that saw idle_o
            report("idle at another clock");
            if (differences < 5)
                std::printf("  at %" PRIu64 ", want %" PRIu64 "\n", clock_ - 1, want);
        }
        if (!reads_.empty() || !dones_.empty())
            report("pixels were not drained");
    }
    void compare()
    {
        for (int b = 0; b < 9; b++) {
            words += GEOMETRY.act_words;
            if (planes_[b] != model_.memories.planes[b]) {
                report("activation memory");
                size_t at = 0;
                while (planes_[b][at] == model_.memories.planes[b][at])
                    at++;
                if (differences < 5)
                    std::printf("  bank %d word %zu (base %u, cell %u, pitch %u): got %04x, want %04x\n", b, at,
                                layer_->d.out_base, layer_->d.out_cell_words, layer_->d.out_pitch, planes_[b][at],
                                model_.memories.planes[b][at]);
                planes_[b] = model_.memories.planes[b];
            }
        }
        // All of the residual memory now and then, else some of it; narrow and wide.
        const bool all = layers % 8 == 7;
        const bool wide = random_.chance(50);
        const uint32_t step_words = wide ? 2 : 1;
        uint32_t from = all ? 0 : layer_->d.z_out_base / 2 * 2;
        const uint32_t to = all ? GEOMETRY.z_words : std::min(from + 256, GEOMETRY.z_words);
        bool told = false;
        std::deque<std::pair<uint64_t, uint32_t>> asked;
        while (from < to || !asked.empty()) {
            if (from < to) {
                top_.z_read_i = 1;
                top_.z_addr_i = from;
                top_.z_wide_i = wide;
                asked.push_back({clock_ + 4, from});
                from += step_words;
            }
            step();
            if (asked.front().first != clock_)
                continue;
            top_.clk_i = 0;
            top_.eval();
            const uint16_t *want = &model_.memories.z[size_t(asked.front().second) * GEOMETRY.rq];
            const auto *got = reinterpret_cast<const uint32_t *>(&top_.z_data_o);
            for (uint32_t i = 0; i < GEOMETRY.rq; i++) {
                const int32_t value =
                    wide ? int32_t(want[i] | uint32_t(want[i + GEOMETRY.rq]) << 16) : int16_t(want[i]);
                words++;
                if (int32_t(got[i]) != value && !told) {
                    told = true;
                    report("residual memory");
                    if (differences < 5)
                        std::printf("  word %u value %u (in base %u, out base %u): got %08x, want %08x\n",
                                    asked.front().second, i, layer_->d.z_in_base, layer_->d.z_out_base, got[i],
                                    uint32_t(value));
                }
            }
            asked.pop_front();
        }
    }

    Vback_top top_;
    back::Random random_;
    back::Model model_;
    const back::Layer *layer_ = nullptr;
    std::array<std::vector<uint16_t>, 9> planes_;
    uint64_t clock_ = 0;
    bool idle_ = true, eager_ = false, hurry_ = false, sums_pending_ = false;
    std::deque<Load> loads_;
    uint64_t landed_ = 0, next_start_ = 0, last_done_ = 0, last_enter_ = 0, setup_clock_ = 0;
    uint32_t handed_ = 0, started_ = 0, copied_ = 0, left_ = 0, loaded_ = 0;
    uint32_t steps_ = 0, c_large_ = 0, c_small_ = 0, interval_large_ = 0, interval_small_ = 0;
    std::map<uint64_t, Write> writes_;
    std::map<uint64_t, uint32_t> dones_;
    std::deque<uint64_t> reads_;
    size_t bank_[16] = {}, pending_at_ = 0;
};

} // namespace

int main(int argc, char **argv)
{
    const uint64_t layers = argc > 1 ? std::strtoull(argv[1], nullptr, 0) : 400;
    const uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 0) : 1;
    Verilated::randReset(2);
    Verilated::randSeed(int(seed) + 1);
    Bench bench(seed, argc > 3 ? std::atoi(argv[3]) : 0, argc > 4 && std::atoi(argv[4]));
    while (bench.layers < layers && bench.differences == 0)
        bench.layer();
    std::printf("back, %u rows, %u requantizers, seed %" PRIu64 ": %" PRIu64 " layers, %" PRIu64 " broken off, %" PRIu64
                " pixels drained, %" PRIu64 " row groups without a gap, %" PRIu64 " words compared, %" PRIu64
                " differences\n",
                GEOMETRY.rows, GEOMETRY.rq, seed, bench.layers, bench.broken, bench.pixels, bench.gapless, bench.words,
                bench.differences);
    return bench.differences != 0;
}

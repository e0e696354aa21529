// Functional coverage: bins that a run has filled, for its JSON object. hw/coverage.yaml declares all that there are;
// bitdial regress merges those of a suite and lists the holes.
#ifndef BD_BENCH_COVER_H
#define BD_BENCH_COVER_H

#include <cstdint>
#include <map>
#include <string>

extern "C" {
#include "model/program/program.h"
#include "sw/driver/bitdial_regs.h"
}

namespace
{

std::map<std::string, uint64_t> bins; // NOLINT: of the run

inline void cover(const std::string &bin)
{
    bins[bin]++;
}

inline std::string layer_kind(const bd_descriptor &d)
{
    if (d.operation == BD_OP_POOL)
        return bd_pool_kinds[d.pool_kind].name;
    if (d.flags & BD_FLAG_DEPTHWISE)
        return "depthwise";
    return d.kernel_h == 1 && d.kernel_w == 1 ? "1x1" : d.kernel_h == 3 && d.kernel_w == 3 ? "3x3" : "window";
}

// A layer as it ran, from its descriptor.
inline void cover_layer(const bd_descriptor &d)
{
    static const struct {
        uint32_t flag;
        const char *name;
    } flags[] = {{BD_FLAG_ADD_STREAM, "add_stream"},
                 {BD_FLAG_WRITE_STREAM, "write_stream"},
                 {BD_FLAG_IN_SIGNED, "in_signed"},
                 {BD_FLAG_OUT_SIGNED, "out_signed"},
                 {BD_FLAG_CORRECT, "correct"},
                 {BD_FLAG_SIGN_ONLY, "sign_only"},
                 {BD_FLAG_Z_IN_WIDE, "z_in_wide"},
                 {BD_FLAG_Z_OUT_WIDE, "z_out_wide"},
                 {BD_FLAG_STREAM_TABLES, "stream_tables"},
                 {BD_FLAG_STREAM_WEIGHTS, "stream_weights"}};
    if (d.operation == BD_OP_LOAD) // brings what others read, and computes nothing
        return;
    for (const auto &f : flags)
        if (d.flags & f.flag)
            cover(std::string("flag/") + f.name);
    cover("codes/" + std::to_string(d.out_bits));
    if (d.operation == BD_OP_POOL) {
        cover("pool/" + layer_kind(d));
        return;
    }
    const std::string path = d.datapath == BD_DATAPATH_XNOR ? "xnor" : "mac";
    if (d.flags & BD_FLAG_DEPTHWISE)
        cover("depthwise/" + std::to_string(d.weight_bits));
    else
        cover("layer/" + path + "/" + layer_kind(d));
    cover("precision/" + path + "/" + std::to_string(d.weight_bits) + "/" + std::to_string(d.in_bits));
    cover("stride/" + std::to_string(d.stride));
}

// STATUS, whenever it is read.
inline void cover_status(uint32_t status)
{
    static const char *const codes[] = {"none",           "bad_switch", "queue_full", "bus_error",
                                        "bad_descriptor", "watchdog",   "bus_dead",   "frame_limit"};
    const uint32_t code = (status & BITDIAL_STATUS_ERROR_MASK) >> BITDIAL_STATUS_ERROR_SHIFT;
    cover(std::string("error/") + (code < sizeof codes / sizeof *codes ? codes[code] : "unknown"));
    cover("queue/" + std::to_string((status & BITDIAL_STATUS_QUEUE_LEVEL_MASK) >> BITDIAL_STATUS_QUEUE_LEVEL_SHIFT));
    cover("results/" +
          std::to_string((status & BITDIAL_STATUS_RESULT_LEVEL_MASK) >> BITDIAL_STATUS_RESULT_LEVEL_SHIFT));
}

// A doorbell that was taken so many clocks after that of a frame of `clocks`, for the same switch or another.
inline void cover_transition(bool same, uint64_t elapsed, uint64_t clocks)
{
    const char *const at = elapsed >= clocks        ? "after"
                           : clocks - elapsed <= 48 ? "end"
                           : elapsed < clocks / 4   ? "begin"
                           : elapsed < clocks / 2   ? "second"
                                                    : "third";
    cover(std::string("transition/") + (same ? "same" : "other") + "/" + at);
}

} // namespace

#endif

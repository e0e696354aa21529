// A GTKWave save file beside a trace: the signals of the unit that a failure points at, a marker at the first wrong
// clock (A: the doorbell of its frame). Names are read from the trace, so each of them is in it.
#ifndef BD_BENCH_WAVE_H
#define BD_BENCH_WAVE_H

#include "sim/bench/failure.h"

#if VM_TRACE_FST
#include <vector>

#include <gtkwave/fstapi.h>
#include <verilated_fst_c.h>

namespace
{

// Where a failure of a kind is looked at first: scopes below the top, in the order in which they are shown.
struct View {
    const char *kind; // of Failure, of a value with `what` behind a dash
    std::vector<const char *> scopes;
};
inline const std::vector<View> &views()
{
    static const std::vector<View> all = {
        {"value-z-mac",
         {"u_compute.u_arrays.g_mac.u_array", "u_compute.u_arrays.u_drain", "u_compute.u_back.u_drain",
          "u_compute.u_back.g_requantizer[0].u_requantizer"}},
        {"value-z-xnor",
         {"u_compute.u_arrays.g_xnor.u_array", "u_compute.u_arrays.u_drain", "u_compute.u_back.u_drain",
          "u_compute.u_back.g_requantizer[0].u_requantizer"}},
        {"value-z-pool",
         {"u_compute.u_back.u_pool", "u_compute.u_back.u_z_memory", "u_compute.u_back.g_requantizer[0].u_requantizer"}},
        {"value-code",
         {"u_compute.u_back.g_requantizer[0].u_requantizer", "u_compute.u_back.u_packer", "u_compute.u_plane_memory",
          "u_store_passes"}},
        {"result", {"u_store_passes", "u_store_unit", "u_dma_write"}},
        {"clocks", {"u_perf_counters", "u_loader", "u_tile_feeder"}},
        {"queue", {"u_csr.u_doorbell_queue", "u_loader", "u_perf_counters"}},
        {"interrupt", {"u_csr.u_frame_results", "u_csr.u_doorbell_queue", "u_watchdog", "u_dma_read", "u_dma_write"}},
        {"bus", {"u_dma_read", "u_dma_write"}},
        {"", {"u_csr", "u_loader", "u_program_loader", "u_tile_feeder"}},
    };
    return all;
}
inline const char *const top_scope = "TOP.bitdial_top";

struct Signal {
    std::string scope, name;
    unsigned bits;
};

// Every signal of a trace.
inline std::vector<Signal> signals(const std::string &path)
{
    std::vector<Signal> found;
    void *reader = fstReaderOpen(path.c_str());
    if (!reader)
        return found;
    std::vector<std::string> scope;
    while (const fstHier *h = fstReaderIterateHier(reader)) {
        if (h->htyp == FST_HT_SCOPE) {
            scope.push_back((scope.empty() ? "" : scope.back() + ".") + h->u.scope.name);
        } else if (h->htyp == FST_HT_UPSCOPE) {
            scope.pop_back();
        } else if (h->htyp == FST_HT_VAR && !scope.empty()) {
            std::string name = h->u.var.name;
            while (name.find(' ') != std::string::npos)
                name.erase(name.find(' '), 1);
            found.push_back({scope.back(), name, h->u.var.length});
        }
    }
    fstReaderClose(reader);
    return found;
}

inline std::string view_key(const Failure &f)
{
    const std::string kind = f.kind;
    return kind == "value" ? kind + "-" + f.what + (f.what[0] == 'z' ? std::string("-") + f.unit : "") : kind;
}

inline void show_scope(std::FILE *out, const std::vector<Signal> &all, const std::string &scope)
{
    constexpr unsigned WIDEST = 128, MOST = 48;
    unsigned shown = 0;
    std::fprintf(out, "@200\n-%s\n", scope.c_str());
    for (const Signal &s : all)
        if (s.scope == scope && s.bits <= WIDEST && shown < MOST) {
            std::fprintf(out, "@%d\n%s.%s\n", s.bits == 1 ? 28 : 22, s.scope.c_str(), s.name.c_str());
            shown++;
        }
}

// TRACE.fst -> TRACE.gtkw. Two steps of time are a clock.
inline void write_view(const std::string &trace, const Failure &f)
{
    const std::vector<Signal> all = signals(trace);
    const std::string save = trace.substr(0, trace.rfind('.')) + ".gtkw";
    std::FILE *out = std::fopen(save.c_str(), "w");
    if (!out)
        return;
    const uint64_t from = f.clock > 40 ? 2 * (f.clock - 40) : 0;
    const size_t slash = trace.rfind('/');
    std::fprintf(out, "[*]\n[*] %s\n[dumpfile] \"%s\"\n[timestart] %" PRIu64 "\n[size] 1600 900\n[pos] -1 -1\n",
                 f.text.c_str(), trace.substr(slash == std::string::npos ? 0 : slash + 1).c_str(), from);
    std::fprintf(out, "*-3.000000 %" PRIu64 " %" PRIu64, 2 * f.clock, 2 * f.begin);
    for (int i = 1; i < 26; i++)
        std::fprintf(out, " -1");
    std::fprintf(out, "\n[sst_width] 280\n[signals_width] 320\n");
    show_scope(out, all, "TOP");
    show_scope(out, all, std::string(top_scope) + ".u_sequencer");
    const std::string key = view_key(f);
    for (const View &view : views())
        if (!*view.kind || key == view.kind) {
            for (const char *scope : view.scopes)
                show_scope(out, all, std::string(top_scope) + "." + scope);
            break;
        }
    std::fclose(out);
}

// The trace that is being written: closed however the bench ends.
struct Trace {
    VerilatedFstC *writer = nullptr;
    std::string path;
    void close()
    {
        if (!writer)
            return;
        writer->close();
        writer = nullptr;
        if (first_failure.kind)
            write_view(path, first_failure);
    }
};
Trace trace; // NOLINT: one at a time

} // namespace

#endif
#endif

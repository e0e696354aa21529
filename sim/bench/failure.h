// The first failure of a run, kept for whoever reads the bench's JSON object: what kind it is, where, at which clock.
#ifndef BD_BENCH_FAILURE_H
#define BD_BENCH_FAILURE_H

#include <cinttypes>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <unistd.h>

#include "sim/bench/cover.h"

namespace
{

struct Failure {
    const char *kind = nullptr; // value | result | clocks | queue | interrupt | behaviour | bus | assertion
    const char *what = "";      // of a value: "code" or "z"
    const char *unit = "";      // of a value: what its layer runs on, xnor | mac | pool
    int switch_index = -1, layer = -1, channel = -1, row = -1, column = -1, got = 0, want = 0;
    std::string layer_name{};      // the program may be gone when it is printed
    uint64_t begin = 0, clock = 0; // of the frame's doorbell; of the first wrong sign at the pins
    std::string repeat{}, text{};
};
Failure first_failure; // NOLINT: one bench, one run
bool stop_at_first = false;
std::string running; // options that repeat the network at hand, of failures that do not tell

// Prints a failure and keeps it where it is the first.
__attribute__((format(printf, 2, 3))) void fail(const Failure &failure, const char *format, ...)
{
    va_list arguments;
    char text[1024];
    va_start(arguments, format);
    std::vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    std::printf("%s%s%s\n", failure.repeat.c_str(), failure.repeat.empty() ? "" : ": ", text);
    if (first_failure.kind)
        return;
    first_failure = failure;
    first_failure.text = text;
    if (first_failure.repeat.empty())
        first_failure.repeat = running;
    if (stop_at_first)
        std::exit(1);
}

// The JSON object of a run, on the standard output as it was: all that is printed goes to standard error instead.
struct Report {
    std::FILE *out = nullptr;
    uint64_t frames = 0, layers = 0, streamed = 0, mismatches = 0, cycles = 0, queue = 0;
    void open()
    {
        std::fflush(stdout);
        out = fdopen(dup(1), "w");
        dup2(2, 1);
    }
    static std::string quoted(const std::string &text)
    {
        std::string json = "\"";
        for (const char c : text) {
            char code[8];
            std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned char>(c));
            json += c == '"' || c == '\\' ? std::string("\\") + c : c < ' ' ? std::string(code) : std::string(1, c);
        }
        return json + "\"";
    }
    void close()
    {
        if (!out)
            return;
        const Failure &f = first_failure;
        std::fprintf(out,
                     "{\"pass\": %s, \"frames\": %" PRIu64 ", \"layers\": %" PRIu64 ", \"streamed\": %" PRIu64
                     ", \"mismatches\": %" PRIu64 ", \"cycle_differences\": %" PRIu64
                     ", \"queue_differences\": %" PRIu64,
                     f.kind ? "false" : "true", frames, layers, streamed, mismatches, cycles, queue);
        if (f.kind)
            std::fprintf(out,
                         ", \"first\": {\"kind\": \"%s\", \"what\": \"%s\", \"unit\": \"%s\", \"switch\": %d, "
                         "\"layer\": %d, \"name\": %s, "
                         "\"channel\": %d, \"row\": %d, \"column\": %d, \"got\": %d, \"want\": %d, \"begin\": %" PRIu64
                         ", \"clock\": %" PRIu64 ", \"text\": %s, \"repeat\": %s}",
                         f.kind, f.what, f.unit, f.switch_index, f.layer, quoted(f.layer_name).c_str(), f.channel,
                         f.row, f.column, f.got, f.want, f.begin, f.clock, quoted(f.text).c_str(),
                         quoted(f.repeat).c_str());
        std::fprintf(out, ", \"bins\": {");
        const char *comma = "";
        for (const auto &[bin, count] : bins) {
            std::fprintf(out, "%s%s: %" PRIu64, comma, quoted(bin).c_str(), count);
            comma = ", ";
        }
        std::fprintf(out, "}}\n");
        std::fclose(out);
        out = nullptr;
    }
};
Report report; // NOLINT: written at exit, however that comes

void (*close_trace)() = nullptr; // of a bench that traces

void report_at_exit()
{
    if (close_trace)
        close_trace();
    report.close();
}

// Verilator aborts on a failed assertion, which it has printed.
void report_assertion(int)
{
    if (!first_failure.kind) {
        first_failure.kind = "assertion";
        first_failure.text = "an assertion of the RTL failed";
        first_failure.repeat = running;
    }
    std::fflush(stdout);
    report_at_exit();
    _exit(1);
}

} // namespace

#endif

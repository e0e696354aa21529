// A plain C++ clock loop around the Verilated accelerator: runs every switch of a program image, or of random ones, and
// compares each stored layer with the reference, a frame with stores against one without, queued frames against lone
// ones, and the clocks with the cost model's. With stalls, every AXI channel is held back at random (clocks then differ
// from the model's, values may not). `--errors` plants bus errors, refused descriptors, soft resets and doorbells that
// may not ring, each followed by a frame that must be right; `--hangs` silences the
// memory and resets the accelerator alone, `--resets` resets it in any clock of a frame, `--words` breaks every word of
// a descriptor; `--registers` walks the register map; `--limits` holds what the RTL refuses against the rules in C;
// `--speed` measures the loop alone. `--share N`: a network takes every Nth of the faults of --hangs, --resets and
// --words, from its number on, so that N networks in a row take them all.
#include <getopt.h>

#include "sim/bench/directed.h"
#include "sim/bench/errors.h"
#include "sim/bench/hangs.h"
#include "sim/bench/limits.h"
#include "sim/bench/registers.h"

namespace
{

int usage(int status)
{
    std::puts("Usage: bench --hardware HW.yaml [--program NET.bdp | --random COUNT] [--first N] [--seed N]\n"
              "             [--memory LATENCY,INTERVAL,OUTSTANDING] [--stalls 0..255] [--no-cycles] [--no-assertions] "
              "[--errors | "
              "--hangs | --resets | --words | --registers | --limits | --switches | --borders | --extremes | "
              "--speed SECONDS] "
              "[--share N] [--trace FILE.fst]\n"
              "             [--fault N] [--verbose] [--json] [--first-failure] [--patience CLOCKS]\n"
              "       bench --hardware HW.yaml --case CASE.yaml [OPTION]...");
    return status;
}

} // namespace

int main(int argc, char **argv)
{
    const option table[] = {{"hardware", 1, nullptr, 'w'},  {"program", 1, nullptr, 'p'},
                            {"random", 1, nullptr, 'r'},    {"first", 1, nullptr, 'f'},
                            {"seed", 1, nullptr, 's'},      {"stalls", 1, nullptr, 'a'},
                            {"no-cycles", 0, nullptr, 'n'}, {"no-assertions", 0, nullptr, 'A'},
                            {"speed", 1, nullptr, 'e'},     {"trace", 1, nullptr, 't'},
                            {"verbose", 0, nullptr, 'v'},   {"errors", 0, nullptr, 'E'},
                            {"registers", 0, nullptr, 'R'}, {"limits", 0, nullptr, 'L'},
                            {"hangs", 0, nullptr, 'H'},     {"words", 0, nullptr, 'W'},
                            {"memory", 1, nullptr, 'm'},    {"help", 0, nullptr, 'h'},
                            {"case", 1, nullptr, 'c'},      {"switches", 0, nullptr, 'S'},
                            {"borders", 0, nullptr, 'B'},   {"extremes", 0, nullptr, 'X'},
                            {"json", 0, nullptr, 'j'},      {"first-failure", 0, nullptr, '1'},
                            {"patience", 1, nullptr, 'P'},  {"fault", 1, nullptr, 'F'},
                            {"resets", 0, nullptr, 'Z'},    {"share", 1, nullptr, 'N'},
                            {nullptr, 0, nullptr, 0}};
    const char *hardware_path = nullptr, *program_path = nullptr, *memory = nullptr, *case_path = nullptr;
    uint64_t count = 1, first = 0, seed = 1;
    double seconds = 0;
    bool errors = false, registers = false, limits = false, hangs = false, words = false, resets = false;
    bool switches = false, all_borders = false, extremes = false;
    Options options;
    for (int c; (c = getopt_long(argc, argv, "", table, nullptr)) != -1;)
        switch (c) {
        case 'w':
            hardware_path = optarg;
            break;
        case 'p':
            program_path = optarg;
            break;
        case 'r':
            count = std::strtoull(optarg, nullptr, 0);
            break;
        case 'f':
            first = std::strtoull(optarg, nullptr, 0);
            break;
        case 's':
            seed = std::strtoull(optarg, nullptr, 0);
            break;
        case 'm':
            memory = optarg;
            break;
        case 'a':
            options.stall_chance = std::strtoull(optarg, nullptr, 0);
            break;
        case 'N':
            options.share = unsigned(std::strtoul(optarg, nullptr, 0));
            break;
        case 'n':
            options.cycles = false;
            break;
        case 'A':
            options.assertions = false;
            break;
        case 'e':
            seconds = std::strtod(optarg, nullptr);
            break;
        case 't':
            options.trace = optarg;
            break;
        case 'F':
            Device::fault = std::atoi(optarg);
            break;
        case 'E':
            errors = true;
            break;
        case 'R':
            registers = true;
            break;
        case 'H':
            hangs = true;
            break;
        case 'Z':
            resets = true;
            break;
        case 'W':
            words = true;
            break;
        case 'L':
            limits = true;
            break;
        case 'S':
            switches = true;
            break;
        case 'B':
            all_borders = true;
            break;
        case 'X':
            extremes = true;
            break;
        case 'c':
            case_path = optarg;
            break;
        case 'P':
            options.patience = std::strtoull(optarg, nullptr, 0);
            break;
        case '1':
            stop_at_first = true;
            break;
        case 'j':
            report.open();
            break;
        case 'v':
            options.verbose = true;
            break;
        case 'h':
            return usage(0);
        default:
            return usage(2);
        }
    if (!hardware_path || options.share < 1 || options.share > 1000)
        return usage(2);
    bd_error err{};
    bd_hardware hardware{};
    check(bd_hardware_load(&hardware, hardware_path, &err), err);
    if (memory)
        check(bd_memory_parse(&hardware.memory, memory, &err), err);
    std::atexit(report_at_exit);
    std::signal(SIGABRT, report_assertion);
    const std::string mode = errors        ? " --errors"
                             : hangs       ? " --hangs"
                             : resets      ? " --resets"
                             : words       ? " --words"
                             : registers   ? " --registers"
                             : limits      ? " --limits"
                             : switches    ? " --switches"
                             : all_borders ? " --borders"
                             : extremes    ? " --extremes"
                                           : "";
    Tally tally;
    bd_case alone{};
    if (case_path)
        check(bd_case_load(&alone, case_path, &err), err);
    options.image = alone.image;
    for (uint64_t i = first; i < first + count; i++) {
        bd_program program{};
        if (case_path)
            check(bd_case_pack(&alone, &hardware, &program, &err), err);
        else if (program_path)
            check(bd_program_load(&program, program_path, &err), err);
        else
            check(bd_random_network(seed, uint32_t(i), &hardware, &program, &err), err);
        options.repeat =
            "--hardware " + std::string(hardware_path) +
            (case_path      ? " --case " + std::string(case_path)
             : program_path ? " --program " + std::string(program_path)
                            : " --random 1 --seed " + std::to_string(seed) + " --first " + std::to_string(i)) +
            mode + (options.patience < CLOCK_LIMIT ? " --patience " + std::to_string(options.patience) : "") +
            (memory ? " --memory " + std::string(memory) : "") +
            (options.stall_chance ? " --stalls " + std::to_string(options.stall_chance) : "") +
            (options.share > 1 ? " --share " + std::to_string(options.share) : "") +
            (Device::fault ? " --fault " + std::to_string(Device::fault) : "");
        running = options.repeat;
        options.stall_seed = seed * 1000003 + i;
        options.turn = unsigned(i % options.share);
        if (registers) {
            Registers::reset_values(hardware, tally); // one model at a time
            Registers(hardware, program, options).registers(tally);
            Registers(hardware, program, options).reloads(tally);
        } else if (errors) {
            Errors(hardware, program, options).errors(seed + i, tally);
        } else if (hangs) {
            Hangs(hardware, program, options).hangs(seed + i, tally);
        } else if (resets) {
            Hangs(hardware, program, options).resets_anywhere(seed + i, tally);
        } else if (switches) {
            Directed(hardware, program, options).switches(seed + i, tally);
        } else if (all_borders) { // of a kernel, in place of a random network
            borders(hardware, options, 1 + unsigned(i % BD_LIMIT_KERNEL), seed, tally);
        } else if (extremes) {
            Directed(hardware, program, options).extremes(tally);
        } else if (words) {
            Hangs(hardware, program, options).words(seed + i, tally);
        } else if (limits) {
            Limits runner(hardware, program, options);
            if (i == first && hardware.xnor && hardware.mac)
                runner.edges(tally);
            runner.random(seed + i, tally);
        } else {
            Runner runner(hardware, program, options);
            for (unsigned s = 0; s < program.header->switch_count && seconds > 0; s++)
                runner.speed(s, seconds);
            if (seconds <= 0)
                runner.run(seed + i, tally);
        }
        bd_program_release(&program);
        report.frames = tally.frames, report.layers = tally.layers, report.streamed = tally.streamed;
        report.mismatches = tally.mismatches, report.cycles = tally.cycle_misses, report.queue = tally.queue_misses;
    }
    bd_case_release(&alone);
    bd_hardware_release(&hardware);
    if (!write_places()) {
        std::fprintf(stderr, "bench: cannot write coverage to '%s'\n", std::getenv("BITDIAL_COVERAGE"));
        return BD_INFRA;
    }
    if (seconds > 0)
        return 0;
    std::printf("%" PRIu64 " frames, %" PRIu64 " layers compared (%" PRIu64 " streamed), %" PRIu64
                " mismatches, %" PRIu64 " cycle differences, %" PRIu64 " queue differences\n",
                tally.frames, tally.layers, tally.streamed, tally.mismatches, tally.cycle_misses, tally.queue_misses);
    return tally.mismatches || tally.cycle_misses || tally.queue_misses;
}

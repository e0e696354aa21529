// Lines, branches and edges of ports that a model built with hw/build.sh --coverage has run, for the file that
// BITDIAL_COVERAGE names: a line a place, "KIND FILE LINE NAME COUNT", by tabs; bitdial regress --coverage merges them.
//     line, branch   Verilator's points; NAME: what it calls the block ("if", "else", "case"), and its column
//     port           COUNT: a '0' or '1' for each bit, the highest first, that rose; a blank; the same of bits that
//     fell
#ifndef BD_BENCH_PLACES_H
#define BD_BENCH_PLACES_H

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <string>

#include <verilated.h>
#if VM_COVERAGE
#include <verilated_cov.h>
#endif

namespace
{

// Of the run, over all models that it made.
std::map<std::string, uint64_t> places;                           // NOLINT
std::map<std::string, std::pair<std::string, std::string>> ports; // NOLINT: bits that rose, that fell

#if VM_COVERAGE
// The value of a key in a line of Verilator's coverage file: \1 KEY \2 VALUE.
std::string key_of(const std::string &line, const std::string &key)
{
    const size_t at = line.find('\1' + key + '\2');
    if (at == std::string::npos)
        return "";
    const size_t from = at + key.size() + 2;
    return line.substr(from, line.find_first_of("\1'", from) - from);
}

// A model's points, before it is gone.
void keep_places(VerilatedContext &context)
{
    const char *path = std::getenv("BITDIAL_COVERAGE");
    if (!path)
        return;
    const std::string scratch = std::string(path) + ".points";
    context.coveragep()->write(scratch.c_str());
    std::ifstream in(scratch);
    for (std::string line; std::getline(in, line);) {
        const std::string page = key_of(line, "page");
        if (page.rfind("v_", 0) != 0)
            continue;
        const std::string kind = page.rfind("v_branch/", 0) == 0 ? "branch" : "line";
        places[kind + "\t" + key_of(line, "f") + "\t" + key_of(line, "l") + "\t" + key_of(line, "o") + " " +
               key_of(line, "n")] += std::strtoull(line.c_str() + line.rfind(' '), nullptr, 10);
    }
    std::remove(scratch.c_str());
}
#else
void keep_places(VerilatedContext &)
{
}
#endif

// At the end of a run: nothing where it counted none. Returns false where the file cannot be written.
bool write_places()
{
    const char *path = std::getenv("BITDIAL_COVERAGE");
    if (!path || places.empty())
        return true;
    FILE *out = std::fopen(path, "w");
    if (!out)
        return false;
    for (const auto &[place, count] : places)
        std::fprintf(out, "%s\t%" PRIu64 "\n", place.c_str(), count);
    for (const auto &[port, edges] : ports)
        std::fprintf(out, "%s\t%s %s\n", port.c_str(), edges.first.c_str(), edges.second.c_str());
    const bool whole = !std::ferror(out);
    return std::fclose(out) == 0 && whole;
}

} // namespace

// Called by the monitor of every instance when its model ends.
extern "C" void bitdial_port(const char *file, int line, const char *name, const char *rose, const char *fell)
{
    auto &edges = ports["port\t" + std::string(file) + "\t" + std::to_string(line) + "\t" + name];
    const auto join = [](std::string &all, const std::string &more) { // of two widths the lowest bits are the same
        if (all.size() < more.size())
            all.insert(0, more.size() - all.size(), '0');
        for (size_t b = 1; b <= more.size(); b++)
            all[all.size() - b] |= more[more.size() - b] & 1;
    };
    join(edges.first, rose);
    join(edges.second, fell);
}

#endif

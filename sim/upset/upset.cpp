// Single-bit upsets in the Verilated accelerator: runs injections FROM .. FROM+COUNT-1 of a campaign at one switch, in
// one class of state, and prints what each came to as one JSON object. `bitdial upset` runs many of these side by side.
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <getopt.h>
#include <map>

#include "sim/upset/injector.h"
#include "sim/upset/reference.h"

extern "C" {
#include "model/core/file.h"
#include "model/cost/cost.h"
}

bool bd_watch::on = false;
void bd_watch::touched(int memory, size_t word, Kind kind)
{
    bitdial::Golden::current->note(memory, word, kind);
}

using namespace bitdial;

namespace
{

constexpr uint64_t ABORT_CLOCKS = 65536; // hw: the bound of an abort

struct Options {
    const char *hardware = nullptr, *program = nullptr, *images = nullptr, *switch_name = nullptr, *trace = nullptr;
    const char *class_name = nullptr, *place = nullptr, *plant = "";
    uint64_t seed = 1, from = 0, count = 1, image = 0, watchdog = 0, check = 0, at = 0, host_limit = 0;
    bool all = false, full = false, self_check = false;
};

[[noreturn]] void fail(int status, const std::string &text)
{
    std::fprintf(stderr, "upset: %s\n", text.c_str());
    std::exit(status);
}

void need(bd_status status, const bd_error &err)
{
    if (status)
        fail(status, err.message);
}

int usage(int status)
{
    std::fputs(
        "Usage: upset --hardware HW.yaml --program NET.bdp --images FILE --switch NAME --class CLASS [OPTION]...\n"
        "FILE: images as the device reads them, one after the other.\n"
        "  --image I      number of the image (default 0)\n"
        "  --over used|all  bits that the program uses (default), or all that the build has\n"
        "  --seed S, --from K, --count N   injections K .. K+N-1 of seed S\n"
        "  --watchdog N   WATCHDOG_LIMIT in clocks (default: the frame's, at least 20000)\n"
        "  --host-limit N  clocks that the host waits (default: three frames, the load, two watchdogs, an abort)\n"
        "  --check N      every N-th injection that the C reference decided runs on the RTL too (default 0: none)\n"
        "  --full         no shortcut and no reference: two whole frames on the RTL for each injection\n"
        "  --self-check   instead: is the table of state complete, and do the memories hold the program\n"
        "  --trace FILE   an FST trace of the last injection, in a build with --debug\n",
        status ? stderr : stdout);
    return status;
}

bool read_options(Options &o, int argc, char **argv)
{
    const option table[] = {
        {"hardware", 1, nullptr, 'w'},   {"program", 1, nullptr, 'p'},  {"images", 1, nullptr, 'I'},
        {"image", 1, nullptr, 'i'},      {"switch", 1, nullptr, 's'},   {"class", 1, nullptr, 'c'},
        {"over", 1, nullptr, 'o'},       {"seed", 1, nullptr, 'S'},     {"from", 1, nullptr, 'f'},
        {"count", 1, nullptr, 'n'},      {"watchdog", 1, nullptr, 'W'}, {"check", 1, nullptr, 'C'},
        {"full", 0, nullptr, 'F'},       {"trace", 1, nullptr, 't'},    {"self-check", 0, nullptr, 'x'},
        {"host-limit", 1, nullptr, 'L'}, {"place", 1, nullptr, 'P'},    {"at", 1, nullptr, 'A'},
        {"plant", 1, nullptr, 'T'},      {"help", 0, nullptr, 'h'},     {nullptr, 0, nullptr, 0}};
    std::map<int, uint64_t *> numbers = {{'i', &o.image},    {'S', &o.seed},  {'f', &o.from}, {'n', &o.count},
                                         {'W', &o.watchdog}, {'C', &o.check}, {'A', &o.at},   {'L', &o.host_limit}};
    std::map<int, const char **> texts = {{'w', &o.hardware},    {'p', &o.program},    {'I', &o.images},
                                          {'s', &o.switch_name}, {'c', &o.class_name}, {'t', &o.trace},
                                          {'P', &o.place},       {'T', &o.plant}};
    for (int c; (c = getopt_long(argc, argv, "", table, nullptr)) != -1;) {
        char *end = nullptr;
        if (numbers.count(c)) {
            *numbers[c] = std::strtoull(optarg, &end, 10);
            if (*optarg == '\0' || *end)
                return false;
        } else if (texts.count(c))
            *texts[c] = optarg;
        else if (c == 'o' && (!std::strcmp(optarg, "all") || !std::strcmp(optarg, "used")))
            o.all = !std::strcmp(optarg, "all");
        else if (c == 'F')
            o.full = true;
        else if (c == 'x')
            o.self_check = true;
        else if (c == 'h')
            std::exit(usage(0));
        else
            return false;
    }
    const std::string plant = o.plant;
    return (plant.empty() || plant == "state" || plant == "reference" || plant == "shortcut") && optind == argc &&
           o.hardware && o.program && o.images && o.switch_name && (o.class_name || o.self_check);
}

// Everything that the injections of one call share.
struct Campaign {
    Options o;
    bd_hardware hardware{};
    bd_program program{};
    bd_frame_cost cost{};
    unsigned switch_index = 0;
    uint64_t limit = 0;
    std::unique_ptr<Machine> machine;
    std::unique_ptr<Golden> golden;
    std::unique_ptr<Reference> reference;
    std::vector<uint64_t> layer_ends; // clocks of the frame

    uint64_t by_reference = 0, checked = 0, different = 0, known = 0, simulated = 0;

    explicit Campaign(const Options &options) : o(options)
    {
        bd_error err{};
        need(bd_hardware_load(&hardware, o.hardware, &err), err);
        need(bd_program_load(&program, o.program, &err), err);
        need(bd_cost_check(&program, &hardware, &err), err);
        const int s = bd_program_switch(&program, o.switch_name);
        if (s < 0)
            fail(BD_BAD_INPUT, std::string("the program has no switch '") + o.switch_name + "'");
        switch_index = unsigned(s);
        need(bd_cost_frame(&program, &hardware, switch_index, false, &cost, &err), err);
        uint64_t bytes = 0, end = 0;
        const uint64_t load =
            bd_cost_load(program.header, bd_program_load_descriptor(&program), &hardware.memory, &bytes);
        for (unsigned l = 0; l < cost.layer_count; l++)
            layer_ends.push_back(end += cost.layers[l].total);
        o.watchdog = o.watchdog ? o.watchdog : std::max<uint64_t>(cost.cycles, 20000);
        limit = o.host_limit ? o.host_limit : 3 * cost.cycles + load + 2 * o.watchdog + ABORT_CLOCKS;
        machine = std::make_unique<Machine>(hardware, program, o.trace);
        const std::string wrong = check_fields(machine->fields(), hardware);
        if (!wrong.empty())
            fail(BD_INFRA, wrong);
        if (o.plant == std::string("state"))
            machine->forget("u_sequencer.state_q");
        load_image();
        if (bd_device_status status = machine->open(o.watchdog, 2 * cost.cycles + load))
            fail(BD_FAIL, std::string("the driver cannot load the program: ") + bd_device_text(status));
        golden = std::make_unique<Golden>(*machine, program, switch_index, cost.cycles, limit);
        golden->plant_overwritten = o.plant == std::string("shortcut");
        reference = std::make_unique<Reference>(program, hardware, switch_index, machine->input());
    }
    void load_image()
    {
        uint8_t *data = nullptr;
        size_t size = 0;
        bd_error err{};
        need(bd_file_read(o.images, size_t(1) << 32, &data, &size, &err), err);
        const size_t each = program.header->input_bytes;
        if ((o.image + 1) * each > size)
            fail(BD_BAD_INPUT, std::string("'") + o.images + "' holds no image " + std::to_string(o.image));
        std::memcpy(machine->input(), data + o.image * each, each);
        std::free(data);
    }
    std::string layer_at(uint64_t clock) const
    {
        const size_t l = size_t(std::upper_bound(layer_ends.begin(), layer_ends.end(), clock) - layer_ends.begin());
        return program.names[std::min(l, layer_ends.size() - 1)];
    }
    // The layer that runs at the upset; of what no frame writes the one that reads it first.
    std::string layer_of(const Field &field, const Place &place, uint32_t clock) const
    {
        if (!Machine::is_kept(field))
            return layer_at(clock);
        const std::vector<Event> &events = golden->events(field.watch, place.element);
        return events.empty() ? "(not read at this switch)" : layer_at(events[0].at - golden->frame[0].doorbell);
    }

    Seen right(int f) const
    {
        return {BD_DEVICE_OK, false, false, false, golden->frame[f].clocks, golden->frame[f].logits};
    }
    // By the reference, where that is exact: a frame reads the word only before the upset, or only after it.
    bool decide(Injector &injector, const Place &place, uint32_t clock, Result &result)
    {
        const Field &field = machine->fields()[size_t(place.field)];
        if (o.full || (field.owner != BD_UPSET_WEIGHTS && field.owner != BD_UPSET_TABLES))
            return false;
        const std::vector<Event> &events = golden->events(field.watch, place.element);
        const uint64_t at = golden->frame[0].doorbell + 1 + clock, end = golden->frame[0].end;
        bool before = false, after = false, next = false;
        for (const Event &e : events) {
            before |= e.at < at;
            after |= e.at >= at && e.at < end;
            next |= e.at >= end;
        }
        if (!after && !next)
            return false; // known without any work
        auto logits = reference->logits(field, place);
        if (!logits)
            return false;
        if (o.plant == std::string("reference"))
            logits = golden->frame[0].logits;
        const bool split = before && after;
        if (split)
            result = injector.inject(place, clock, 1);
        else
            result.frame[0] = right(0);
        if (after && !split)
            result.frame[0].logits = *logits;
        if (split && result.frame[0].status != BD_DEVICE_OK)
            return false;
        result.frame[1] = right(1);
        if (next)
            result.frame[1].logits = *logits;
        return true;
    }
};

bd_upset_frame view(const Seen &seen)
{
    return {seen.status, seen.silent, seen.clocks, seen.logits.data()};
}

// NAME:WORD:BIT.
Place parse_place(const std::vector<Field> &fields, const std::string &text)
{
    const size_t bit = text.rfind(':'), word = bit == std::string::npos ? bit : text.rfind(':', bit - 1);
    for (size_t f = 0; word != std::string::npos && f < fields.size(); f++)
        if (text.compare(0, word, fields[f].name) == 0) {
            const Place place = {int(f), unsigned(std::strtoul(text.c_str() + word + 1, nullptr, 10)),
                                 unsigned(std::strtoul(text.c_str() + bit + 1, nullptr, 10))};
            if (place.element < fields[f].elements && place.bit < fields[f].bits)
                return place;
        }
    fail(BD_BAD_INPUT, "the model has no bit '" + text + "'");
}

struct Tables {
    bd_upset_counts all{};
    std::map<std::string, bd_upset_counts> units, layers;
    json_t *rows = json_array();
};

bool same(const Result &a, const Result &b)
{
    for (int f = 0; f < Golden::FRAMES; f++)
        if (a.frame[f].status != b.frame[f].status || a.frame[f].clocks != b.frame[f].clocks ||
            a.frame[f].logits != b.frame[f].logits)
            return false;
    return true;
}

void inject(Campaign &c, Injector &injector, const Population &population, bd_upset_class owner, uint64_t k, Tables &t)
{
    bd_upset_hit draw =
        bd_upset_draw(c.o.seed, c.switch_index, owner, k, population.bits(), uint32_t(c.golden->frame[0].clocks));
    const Place place = c.o.place ? parse_place(c.machine->fields(), c.o.place) : population.at(draw.bit);
    draw.clock = c.o.place ? uint32_t(c.o.at % c.golden->frame[0].clocks) : draw.clock;
    const Field &field = c.machine->fields()[size_t(place.field)];
    Result result{};
    if (c.decide(injector, place, draw.clock, result)) {
        c.by_reference++;
        if (c.o.check && k % c.o.check == 0) {
            const Result again = injector.inject(place, draw.clock, Golden::FRAMES);
            c.checked++;
            if (!same(result, again)) {
                c.different++;
                std::fprintf(stderr, "upset: injection %" PRIu64 " (%s[%u] bit %u): the reference decided otherwise\n",
                             k, field.name, place.element, place.bit);
                result = again;
            }
            result.simulated = again.simulated;
        }
    } else {
        result = injector.inject(place, draw.clock, Golden::FRAMES);
    }
    c.known += result.simulated == 0;
    c.simulated += result.simulated;
    const bd_upset_frame seen = view(result.frame[0]), next = view(result.frame[1]);
    const Seen right = c.right(0);
    const bd_upset_frame want = view(right);
    const unsigned classes = c.program.header->classes;
    const bd_upset_outcome outcome = bd_upset_classify(&seen, &want, classes);
    const bd_upset_outcome after = bd_upset_classify(&next, &want, classes);
    const bool next_right = after == BD_UPSET_MASKED || after == BD_UPSET_LATE;
    bd_upset_counts one{};
    bd_upset_count(&one, outcome, seen.status, next_right);
    bd_upset_add(&t.all, &one);
    bd_upset_add(&t.units[unit_of(field.name)], &one);
    bd_upset_add(&t.layers[c.layer_of(field, place, draw.clock)], &one);
    const std::string name = std::string(field.name) +
                             (field.elements > 1 ? "[" + std::to_string(place.element) + "]" : "") + ":" +
                             std::to_string(place.bit);
    std::string error = seen.status ? bd_device_text(bd_device_status(seen.status)) : "";
    if (result.frame[0].unanswered)
        error = "a register access was not answered";
    else if (seen.status == BD_DEVICE_TIMEOUT)
        error += result.frame[0].busy ? "; it is still at work" : "; it is idle";
    json_array_append_new(t.rows,
                          json_pack("[I, s, I, s, s, s]", json_int_t(k), name.c_str(), json_int_t(draw.clock),
                                    bd_upset_outcome_names[outcome], error.c_str(), bd_upset_outcome_names[after]));
}

json_t *map_json(const std::map<std::string, bd_upset_counts> &map)
{
    json_t *object = json_object();
    for (const auto &[name, counts] : map)
        json_object_set_new(object, name.c_str(), bd_upset_counts_json(&counts));
    return object;
}

int run(Campaign &c)
{
    int owner = 0;
    while (owner < BD_UPSET_CLASS_COUNT && std::strcmp(bd_upset_class_names[owner], c.o.class_name))
        owner++;
    if (owner == BD_UPSET_CLASS_COUNT)
        fail(BD_BAD_INPUT, std::string("there is no class '") + c.o.class_name + "'");
    const auto began = std::chrono::steady_clock::now();
    const Population population(c.machine->fields(), bd_upset_class(owner), c.o.all ? nullptr : &c.golden->used);
    if (population.bits() == 0)
        fail(BD_BAD_INPUT, std::string("there are no bits of ") + c.o.class_name);
    Injector injector(*c.machine, *c.golden, c.switch_index, c.program.header->classes, c.limit);
    injector.shortcuts = !c.o.full;
    Tables t;
    for (uint64_t k = c.o.from; k < c.o.from + c.o.count; k++) {
        c.machine->tracing = k + 1 == c.o.from + c.o.count;
        inject(c, injector, population, bd_upset_class(owner), k, t);
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    json_t *report = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "switch", c.o.switch_name, "class",
                               c.o.class_name, "over", c.o.all ? "all" : "used", "seed", json_int_t(c.o.seed), "from",
                               json_int_t(c.o.from), "image", json_int_t(c.o.image), "bits",
                               json_int_t(population.bits()), "clocks", json_int_t(c.golden->frame[0].clocks),
                               "watchdog", json_int_t(c.o.watchdog), "host_limit", json_int_t(c.limit));
    json_object_set_new(report, "counts", bd_upset_counts_json(&t.all));
    json_object_set_new(report, "units", map_json(t.units));
    json_object_set_new(report, "layers", map_json(t.layers));
    json_object_set_new(report, "work",
                        json_pack("{s:f, s:I, s:I, s:I, s:I, s:I}", "seconds", seconds, "clocks_simulated",
                                  json_int_t(c.simulated), "without_simulation", json_int_t(c.known), "by_reference",
                                  json_int_t(c.by_reference), "checked", json_int_t(c.checked), "different",
                                  json_int_t(c.different)));
    json_object_set_new(report, "injections", t.rows);
    json_dumpf(report, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9));
    std::puts("");
    json_decref(report);
    return c.different ? BD_FAIL : BD_OK;
}

// The table of state is complete: a machine in which nothing but what it names was carried over from the middle of a
// frame into the end of another comes to the same end. The memories hold what the reference takes them to hold.
int self_check(Campaign &c)
{
    Machine &m = *c.machine;
    const Golden &golden = *c.golden;
    for (const Field &field : m.fields())
        if (field.watch >= 0 && Machine::is_kept(field) &&
            !c.reference->agrees(field, m.constants() + field.offset, golden.used[size_t(field.watch)]))
            fail(BD_FAIL, std::string("memory '") + field.name + "' does not hold what the program has for it");
    const size_t last = golden.snapshots.size() - 1;
    unsigned frames = 0;
    for (size_t s = 1; s < golden.last(0); s += 1 + golden.last(0) / 8) {
        m.restore(golden.snapshots[last]);
        m.carry(golden.snapshots[s]);
        const bd_device_status status = m.wait(c.limit);
        const std::vector<int32_t> logits(m.logits(), m.logits() + c.program.header->classes);
        if (status || m.clocks() != golden.frame[0].clocks || logits != golden.frame[0].logits)
            fail(BD_FAIL, "state carried over at clock " +
                              std::to_string(golden.snapshots[s].now - golden.frame[0].doorbell) +
                              " of the frame came to another end: the table of state is not complete");
        frames++;
    }
    std::printf("%zu variables of state, %u frames carried over\n", m.fields().size(), frames);
    return BD_OK;
}

} // namespace

int main(int argc, char **argv)
{
    Options options;
    if (!read_options(options, argc, argv))
        return usage(BD_BAD_INPUT);
    try {
        Campaign campaign(options);
        return options.self_check ? self_check(campaign) : run(campaign);
    } catch (const std::exception &e) {
        fail(BD_FAIL, e.what());
    }
}

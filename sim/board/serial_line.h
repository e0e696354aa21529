// A serial line of a simulated board: a pseudo-terminal on one side, two pins on the other. Bytes of the host become
// bits at the receiving pin, bits of the sending pin become bytes. Bytes of both directions may be changed, lost or
// doubled, and the line may be cut.
#ifndef BD_BOARD_SERIAL_LINE_H
#define BD_BOARD_SERIAL_LINE_H

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

namespace bitdial
{

// What may be wrong with a line.
struct LineOptions {
    uint64_t noise = 0, seed = 1; // bytes of a thousand that are disturbed
    int noise_kind = -1;          // 0: all of them are changed, 1: lost, 2: doubled; -1: any of these
    uint64_t gap = UINT64_MAX;    // bytes to the host, after which ...
    uint64_t gap_length = 0;      // ... so many are lost
    uint64_t unplug = UINT64_MAX; // bytes from the host after which the line is cut
    uint64_t bit = 4;             // clocks a bit, 4 and more
    uint64_t quiet_clocks = 6000; // longer than anything that the bridge waits for
};

// What take_line_option() knows, for a usage text.
constexpr const char *LINE_OPTIONS = "[--bit CLOCKS] [--noise PER-MILLE SEED] [--noise-kind change|lose|double] "
                                     "[--gap BYTES LENGTH] [--unplug BYTES]";

// Takes the option at argv[i] with its values; i is then the last of them. False where it is none of a line's.
inline bool take_line_option(int argc, char **argv, int &i, LineOptions &options)
{
    static const char *const kinds[] = {"change", "lose", "double"};
    const char *name = argv[i];
    const int more = argc - i - 1;
    const auto number = [&] { return strtoull(argv[++i], nullptr, 10); };
    if (!strcmp(name, "--noise") && more >= 2) {
        options.noise = number();
        options.seed = number();
    } else if (!strcmp(name, "--noise-kind") && more >= 1) {
        i++;
        for (int kind = 0; kind < 3; kind++)
            if (!strcmp(argv[i], kinds[kind]))
                options.noise_kind = kind;
    } else if (!strcmp(name, "--gap") && more >= 2) {
        options.gap = number();
        options.gap_length = number();
    } else if (!strcmp(name, "--unplug") && more >= 1) {
        options.unplug = number();
    } else if (!strcmp(name, "--bit") && more >= 1) {
        options.bit = number();
    } else {
        return false;
    }
    return true;
}

class SerialLine
{
  public:
    explicit SerialLine(const LineOptions &options) : options_(options), random_(options.seed * 0x9e3779b97f4a7c15u + 1)
    {
    }

    ~SerialLine()
    {
        if (line_ >= 0)
            close(line_);
        if (other_ >= 0)
            close(other_);
    }
    SerialLine(const SerialLine &) = delete;
    SerialLine &operator=(const SerialLine &) = delete;

    // Opens a pseudo-terminal that changes no byte and prints its path. Its other end stays open here, so that programs
    // may come and go. False with errno set.
    bool open_terminal()
    {
        struct termios raw;
        line_ = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
        if (line_ < 0 || grantpt(line_) != 0 || unlockpt(line_) != 0)
            return false;
        const char *name = ptsname(line_);
        other_ = name ? open(name, O_RDWR | O_NOCTTY) : -1;
        if (other_ < 0 || tcgetattr(other_, &raw) != 0)
            return false;
        cfmakeraw(&raw);
        tcsetattr(other_, TCSANOW, &raw);
        puts(name);
        fflush(stdout);
        return true;
    }

    void plug()
    {
        plugged_ = 1;
    }

    // Now and then: takes bytes that the host wrote; sleeps where nothing has been under way for quiet_clocks. False at
    // the end: ten minutes without a byte.
    bool take_bytes()
    {
        uint8_t bytes[256];
        if (to_pin_.empty() && now_ - active_ > options_.quiet_clocks) {
            struct pollfd wait = {line_, POLLIN, 0};
            if (poll(&wait, 1, SLEEP_MS) == 0)
                return false;
            active_ = now_;
        }
        const ssize_t got = read(line_, bytes, sizeof bytes);
        for (ssize_t i = 0; i < got; i++) {
            if (++from_host_ == options_.unplug)
                plugged_ = 0;
            if (plugged_)
                pass(bytes[i], to_pin_);
        }
        return got > 0 || errno == EAGAIN || errno == EINTR || errno == EIO;
    }

    // Every clock: the level of the receiving pin; a start bit, eight bits, a stop bit.
    bool drive()
    {
        now_++;
        if (rx_left_ == 0 && !to_pin_.empty()) {
            rx_bits_ = 0x200u | to_pin_.front() << 1;
            to_pin_.pop_front();
            rx_left_ = 10 * options_.bit;
        }
        if (rx_left_ == 0)
            return true;
        active_ = now_;
        const bool level = rx_bits_ >> (9 - (rx_left_ - 1) / options_.bit) & 1;
        rx_left_--;
        return level;
    }

    // Every clock, with the level of the sending pin, which is sampled in the middle of each bit by a clock of its own.
    void watch(bool level)
    {
        if (tx_left_ == 0) {
            if (level)
                return;
            tx_left_ = 10 * options_.bit;
            tx_bits_ = 0;
        }
        active_ = now_;
        const uint64_t gone = 10 * options_.bit - tx_left_;
        if (gone % options_.bit == options_.bit / 2)
            tx_bits_ |= static_cast<unsigned>(level) << gone / options_.bit;
        if (--tx_left_ == 0 && tx_bits_ >> 9 == 1)
            give_byte(static_cast<uint8_t>(tx_bits_ >> 1));
    }

    uint64_t from_host() const
    {
        return from_host_;
    }
    uint64_t to_host() const
    {
        return to_host_;
    }
    uint64_t disturbed() const
    {
        return disturbed_;
    }

  private:
    static constexpr int SLEEP_MS = 600000;

    uint64_t next()
    {
        random_ ^= random_ << 13;
        random_ ^= random_ >> 7;
        random_ ^= random_ << 17;
        return random_ >> 16;
    }

    // Changes, loses and doubles bytes.
    void pass(uint8_t byte, std::deque<uint8_t> &to)
    {
        if (next() % 1000 >= options_.noise) {
            to.push_back(byte);
            return;
        }
        disturbed_++;
        switch (options_.noise_kind >= 0 ? static_cast<uint64_t>(options_.noise_kind) : next() % 3) {
        case 0:
            to.push_back(static_cast<uint8_t>(byte ^ (1 + next() % 255)));
            break;
        case 1:
            break;
        default:
            to.push_back(byte);
            to.push_back(byte);
        }
    }

    void give_byte(uint8_t byte)
    {
        if (!plugged_)
            return;
        std::deque<uint8_t> out;
        pass(byte, out);
        for (uint8_t b : out) {
            if (to_host_++ - options_.gap < options_.gap_length)
                continue;
            if (write(line_, &b, 1) != 1)
                return; // nobody reads: the byte is lost, as on a wire
        }
    }

    LineOptions options_;
    int line_ = -1, other_ = -1;
    volatile sig_atomic_t plugged_ = 1;
    std::deque<uint8_t> to_pin_;
    uint64_t random_, disturbed_ = 0, from_host_ = 0, to_host_ = 0;
    uint64_t now_ = 0, active_ = 0;
    uint64_t rx_left_ = 0, tx_left_ = 0;
    unsigned rx_bits_ = 0, tx_bits_ = 0;
};

} // namespace bitdial

#endif

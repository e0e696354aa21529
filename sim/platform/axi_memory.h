// Memory behind the device's AXI4 master, at the pins, in clocks. Deterministic:
//
//   AR  ready while fewer than `outstanding` bursts are open (open: from its AR handshake to its last R handshake,
//       both clocks included).
//   R   the first beat of a burst is valid `latency` clocks after its AR handshake at the earliest; beats are at
//       least `beat_interval` clocks apart, of whatever bursts; bursts are served in order; a beat waits for RREADY.
//   AW  ready while no write burst is open (from AW handshake to B handshake).
//   W   ready from the clock after the AW handshake, beats at least `beat_interval` clocks apart.
//   B   valid `latency` clocks after the last W handshake.
// Reads and writes do not hinder each other. With stalls, every ready and every new valid is held back in a random
// clock now and then; a valid once shown stays.
//
// A clock is: drive(pins) sets what the memory presents, the model is evaluated, sample(pins) takes the handshakes.
// IDs come back as they were sent. Addresses outside memory answer DECERR; writes into the sealed program, bursts that
// are not aligned to 8 bytes or cross 4 KiB, and a WLAST in the wrong place answer SLVERR.
#ifndef BD_PLATFORM_AXI_MEMORY_H
#define BD_PLATFORM_AXI_MEMORY_H

#include <cstdint>
#include <cstring>

extern "C" {
#include "model/program/hardware.h"
#include "sw/transport/guarded_memory.h"
}

namespace bitdial
{

class AxiMemory
{
  public:
    AxiMemory(bd_guarded_memory *memory, const bd_memory_model &timing) : memory_(memory)
    {
        set_timing(timing);
    }

    void set_timing(const bd_memory_model &timing)
    {
        latency_ = static_cast<uint64_t>(timing.latency);
        interval_ = static_cast<uint64_t>(timing.beat_interval);
        outstanding_ = timing.outstanding < MAX_BURSTS ? static_cast<unsigned>(timing.outstanding) : MAX_BURSTS;
    }

    void set_stalls(uint64_t seed, uint64_t chance)
    {
        random_ = seed * 0x9e3779b97f4a7c15u + 1;
        chance_ = chance;
    }

    // Drops every transfer, as a reset of the bus does.
    void reset()
    {
        first_ = open_ = 0;
        read_shown_ = response_shown_ = false;
        read_response_ = OKAY;
        write_ = Write::IDLE;
    }

    // Addresses are looked at through this mask from now on: the memory is there again and again.
    void set_mask(uint64_t mask)
    {
        mask_ = mask;
    }

    // What the memory presents in clock `now`. `Pins` is a Verilated top with m_axi_* ports.
    template <class Pins> void drive(Pins &pins, uint64_t now)
    {
        pins.m_axi_arready = open_ < outstanding_ && !stalls();
        if (open_ > 0 && !read_shown_) {
            const Burst &burst = bursts_[first_];
            read_shown_ = now >= burst.first_at && now >= next_read_ && !stalls();
            if (read_shown_) {
                uint64_t data = 0;
                if (!burst.legal)
                    read_response_ = SLVERR;
                else if (const uint8_t *at = bd_guarded_memory_at(memory_, burst.address & mask_, 8))
                    std::memcpy(&data, at, 8);
                else
                    read_response_ = DECERR;
                pins.m_axi_rdata = data;
                pins.m_axi_rresp = read_response_;
                pins.m_axi_rlast = burst.left == 1;
                pins.m_axi_rid = burst.id;
            }
        }
        pins.m_axi_rvalid = read_shown_;
        pins.m_axi_awready = write_ == Write::IDLE && !stalls();
        pins.m_axi_wready = write_ == Write::DATA && now >= next_write_ && !stalls();
        if (write_ == Write::RESPONSE && !response_shown_) {
            response_shown_ = now >= response_at_ && !stalls();
            pins.m_axi_bresp = write_response_;
            pins.m_axi_bid = write_id_;
        }
        pins.m_axi_bvalid = response_shown_;
    }

    // Takes the handshakes of clock `now`.
    template <class Pins> void sample(const Pins &pins, uint64_t now)
    {
        if (pins.m_axi_rvalid && pins.m_axi_rready)
            end_read_beat(now);
        if (pins.m_axi_arvalid && pins.m_axi_arready) {
            unsigned beats = pins.m_axi_arlen + 1u;
            bursts_[(first_ + open_) % MAX_BURSTS] = {pins.m_axi_araddr, beats, now + latency_,
                                                      is_legal(pins.m_axi_araddr, beats), pins.m_axi_arid};
            open_++;
        }
        if (write_ == Write::DATA) {
            if (pins.m_axi_wvalid && pins.m_axi_wready)
                take_write_beat(pins.m_axi_wdata, pins.m_axi_wstrb, pins.m_axi_wlast, now);
        } else if (write_ == Write::IDLE) {
            if (pins.m_axi_awvalid && pins.m_axi_awready) {
                write_ = Write::DATA;
                write_address_ = pins.m_axi_awaddr;
                write_id_ = pins.m_axi_awid;
                write_left_ = pins.m_axi_awlen + 1u;
                write_response_ = is_legal(write_address_, write_left_) ? OKAY : SLVERR;
            }
        } else if (pins.m_axi_bvalid && pins.m_axi_bready) {
            write_ = Write::IDLE;
            response_shown_ = false;
        }
    }

    bool idle() const
    {
        return open_ == 0 && write_ == Write::IDLE;
    } // no burst is open

    uint64_t read_bytes() const
    {
        return read_beats_ * 8;
    }
    uint64_t write_bytes() const
    {
        return write_beats_ * 8;
    }

  private:
    enum { OKAY = 0, SLVERR = 2, DECERR = 3 };
    static constexpr unsigned MAX_BURSTS = 64;
    enum class Write { IDLE, DATA, RESPONSE };
    struct Burst {
        uint64_t address;
        unsigned left;
        uint64_t first_at;
        bool legal;
        uint8_t id;
    };

    static bool is_legal(uint64_t address, unsigned beats)
    {
        return address % 8 == 0 && address % 4096 + beats * 8 <= 4096;
    }

    bool stalls()
    {
        if (chance_ == 0)
            return false;
        random_ ^= random_ << 13;
        random_ ^= random_ >> 7;
        random_ ^= random_ << 17;
        return (random_ >> 32 & 0xff) < chance_;
    }

    void end_read_beat(uint64_t now)
    {
        Burst &burst = bursts_[first_];
        read_beats_++;
        burst.address += 8;
        next_read_ = now + interval_;
        read_shown_ = false;
        read_response_ = OKAY;
        if (--burst.left == 0) {
            first_ = (first_ + 1) % MAX_BURSTS;
            open_--;
        }
    }

    void take_write_beat(uint64_t data, unsigned strobes, bool last, uint64_t now)
    {
        write_beats_++;
        write_left_--;
        next_write_ = now + interval_;
        if (last != (write_left_ == 0))
            write_response_ = SLVERR;
        uint8_t *at = bd_guarded_memory_at(memory_, write_address_ & mask_, 8);
        if (write_response_ != OKAY) {
            // nothing more of this burst is written
        } else if (!at) {
            write_response_ = DECERR;
        } else if (strobes != 0 && bd_guarded_memory_refuses(memory_, write_address_ & mask_, 8)) {
            write_response_ = SLVERR;
        } else if (strobes == 0xff) {
            std::memcpy(at, &data, 8);
        } else {
            for (int i = 0; i < 8; i++)
                if (strobes >> i & 1)
                    at[i] = static_cast<uint8_t>(data >> 8 * i);
        }
        write_address_ += 8;
        if (last) {
            write_ = Write::RESPONSE;
            response_at_ = now + latency_;
        }
    }

    bd_guarded_memory *memory_;
    uint64_t latency_, interval_, mask_ = UINT64_MAX;
    unsigned outstanding_;
    uint64_t chance_ = 0, random_ = 1;
    Burst bursts_[MAX_BURSTS];
    unsigned first_ = 0, open_ = 0;
    bool read_shown_ = false;
    uint8_t read_response_ = OKAY, write_response_ = OKAY, write_id_ = 0;
    uint64_t next_read_ = 0, next_write_ = 0, response_at_ = 0, write_address_ = 0;
    unsigned write_left_ = 0;
    Write write_ = Write::IDLE;
    bool response_shown_ = false;
    uint64_t read_beats_ = 0, write_beats_ = 0;
};

} // namespace bitdial

#endif

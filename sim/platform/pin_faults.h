// Faults at the pins between the accelerator and its board, each planted once, at a place that is counted:
//
//   slverr-r, decerr-r, slverr-b, decerr-b   read beat or write response number AT answers with an error
//   silent-ar, -r, -aw, -w, -b               from handshake AT on, the other side shows no more on the channel for
//   CLOCKS clocks (0: for ever) reset                                    the accelerator alone is reset for CLOCKS
//   clocks at read beat AT irq-lost                                 from clock AT on the interrupt's wire is cut, for
//   CLOCKS clocks irq-spurious                             from clock AT on the wire is high without a cause, for
//   CLOCKS clocks
//
// Written KIND,AT,CLOCKS. A clock is: the memory drives, drive() changes what it shows, the model is evaluated, the
// memory samples, sample() counts.
#ifndef BD_PLATFORM_PIN_FAULTS_H
#define BD_PLATFORM_PIN_FAULTS_H

#include <cstdint>
#include <cstdio>
#include <cstring>

namespace bitdial
{

class PinFaults
{
  public:
    // False where the text is none of the above; an empty one plants nothing.
    bool parse(const char *text)
    {
        char name[16] = "", rest;
        unsigned long long at = 0, clocks = 0;
        if (!*text)
            return true;
        if (std::sscanf(text, "%15[a-z-],%llu,%llu%c", name, &at, &clocks, &rest) != 3)
            return false;
        for (int kind = 0; kind < KINDS; kind++)
            if (!std::strcmp(name, names[kind]))
                kind_ = static_cast<Kind>(kind);
        at_ = at;
        clocks_ = clocks ? clocks : UINT64_MAX;
        return kind_ != NONE;
    }

    template <class Pins> void drive(Pins &pins)
    {
        if (kind_ == NONE)
            return;
        const bool now = strikes();
        if (now && left_ == UNBEGUN)
            left_ = clocks_;
        const bool silent = now && left_ > 0;
        switch (kind_) {
        case SLVERR_R:
        case DECERR_R:
            if (r_ == at_ && pins.m_axi_rvalid)
                pins.m_axi_rresp = kind_ == SLVERR_R ? 2 : 3;
            break;
        case SLVERR_B:
        case DECERR_B:
            if (b_ == at_ && pins.m_axi_bvalid)
                pins.m_axi_bresp = kind_ == SLVERR_B ? 2 : 3;
            break;
        case SILENT_AR:
            pins.m_axi_arready = pins.m_axi_arready && !silent;
            break;
        case SILENT_R:
            pins.m_axi_rvalid = pins.m_axi_rvalid && !silent;
            break;
        case SILENT_AW:
            pins.m_axi_awready = pins.m_axi_awready && !silent;
            break;
        case SILENT_W:
            pins.m_axi_wready = pins.m_axi_wready && !silent;
            break;
        case SILENT_B:
            pins.m_axi_bvalid = pins.m_axi_bvalid && !silent;
            break;
        case RESET:
            pins.aresetn = !silent;
            break;
        default:
            break;
        }
    }

    template <class Pins> void sample(const Pins &pins)
    {
        ar_ += pins.m_axi_arvalid && pins.m_axi_arready;
        r_ += pins.m_axi_rvalid && pins.m_axi_rready;
        aw_ += pins.m_axi_awvalid && pins.m_axi_awready;
        w_ += pins.m_axi_wvalid && pins.m_axi_wready;
        b_ += pins.m_axi_bvalid && pins.m_axi_bready;
        clock_++;
        if (left_ != UNBEGUN && left_ > 0)
            left_--;
    }

    // What the board sees of the interrupt's wire.
    bool irq(bool line) const
    {
        const bool now = clock_ >= at_ && clock_ - at_ < clocks_;
        return kind_ == IRQ_LOST ? line && !now : kind_ == IRQ_SPURIOUS ? line || now : line;
    }

  private:
    enum Kind {
        SLVERR_R,
        DECERR_R,
        SLVERR_B,
        DECERR_B,
        SILENT_AR,
        SILENT_R,
        SILENT_AW,
        SILENT_W,
        SILENT_B,
        RESET,
        IRQ_LOST,
        IRQ_SPURIOUS,
        KINDS,
        NONE
    };
    static constexpr const char *names[KINDS] = {"slverr-r",  "decerr-r", "slverr-b",  "decerr-b",
                                                 "silent-ar", "silent-r", "silent-aw", "silent-w",
                                                 "silent-b",  "reset",    "irq-lost",  "irq-spurious"};
    static constexpr uint64_t UNBEGUN = UINT64_MAX - 1;

    bool strikes() const
    {
        switch (kind_) {
        case SILENT_AR:
            return ar_ >= at_;
        case SILENT_R:
        case RESET:
            return r_ >= at_;
        case SILENT_AW:
            return aw_ >= at_;
        case SILENT_W:
            return w_ >= at_;
        case SILENT_B:
            return b_ >= at_;
        default:
            return false;
        }
    }

    Kind kind_ = NONE;
    uint64_t at_ = 0, clocks_ = 0, left_ = UNBEGUN;
    uint64_t ar_ = 0, r_ = 0, aw_ = 0, w_ = 0, b_ = 0, clock_ = 0;
};

} // namespace bitdial

#endif

// The `tlm` target: reference arithmetic and cost-model clocks.
#include "sim/platform/core.h"

extern "C" {
#include "sw/transport/device_model.h"
}

namespace bitdial
{

namespace
{

class TlmCore final : public Core
{
  public:
    explicit TlmCore(const CoreOptions &options) : model_(bd_device_model_new(options.memory, options.hardware))
    {
    }
    ~TlmCore() override
    {
        bd_device_model_free(model_);
    }
    TlmCore(const TlmCore &) = delete;
    TlmCore &operator=(const TlmCore &) = delete;

    bool read(uint32_t offset, uint32_t &value) override
    {
        value = bd_device_model_read(model_, offset);
        return true;
    }

    bool write(uint32_t offset, uint32_t value) override
    {
        bd_device_model_write(model_, offset, value);
        return true;
    }

    bool irq() const override
    {
        return bd_device_model_irq(model_);
    }

    uint64_t run(uint64_t clocks) override
    {
        uint64_t passed = bd_device_model_run(model_, clocks);
        clocks_ += passed;
        return passed;
    }

    void set_memory(const bd_memory_model &memory) override
    {
        bd_device_model_set_memory(model_, &memory);
    }
    bool set_stalls(uint64_t, uint64_t chance) override
    {
        return chance == 0;
    }

    void statistics(bd_statistics &statistics) const override
    {
        statistics.frame_cycles = bd_device_model_frame_cycles(model_);
        statistics.frames = bd_device_model_frames(model_);
        statistics.clocks = clocks_;
    }

  private:
    bd_device_model *model_;
    uint64_t clocks_ = 0;
};

} // namespace

std::unique_ptr<Core> make_tlm_core(const CoreOptions &options)
{
    return std::make_unique<TlmCore>(options);
}

} // namespace bitdial

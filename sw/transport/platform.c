#include "sw/transport/platform.h"

#include <time.h>

static int port_result(bd_status status)
{
    return status == BD_OK ? BD_PORT_OK : BD_PORT_FAILED;
}

static int port_read32(void *context, uint32_t offset, uint32_t *value)
{
    struct bd_platform *platform = context;
    return port_result(platform->ops->read_register(platform->self, offset, value, &platform->error));
}

static int port_write32(void *context, uint32_t offset, uint32_t value)
{
    struct bd_platform *platform = context;
    return port_result(platform->ops->write_register(platform->self, offset, value, &platform->error));
}

static int port_read_memory(void *context, uint64_t address, void *data, size_t size)
{
    struct bd_platform *platform = context;
    return port_result(platform->ops->read_memory(platform->self, address, data, size, &platform->error));
}

static int port_write_memory(void *context, uint64_t address, const void *data, size_t size)
{
    struct bd_platform *platform = context;
    return port_result(platform->ops->write_memory(platform->self, address, data, size, &platform->error));
}

static int port_wait_irq(void *context, uint32_t milliseconds)
{
    struct bd_platform *platform = context;
    bool raised = false;
    bd_status status =
        platform->ops->wait_irq(platform->self, milliseconds, platform->wait_clocks, &raised, &platform->error);
    return status != BD_OK ? BD_PORT_FAILED : raised ? BD_PORT_OK : BD_PORT_TIMEOUT;
}

static uint64_t port_now_ms(void *context)
{
    (void)context;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct bd_port bd_platform_port(struct bd_platform *platform)
{
    return (struct bd_port){
        .context = platform,
        .read32 = port_read32,
        .write32 = port_write32,
        .read_memory = port_read_memory,
        .write_memory = port_write_memory,
        .wait_irq = port_wait_irq,
        .now_ms = port_now_ms,
    };
}

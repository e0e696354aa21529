// Stands in for rtl_core.cpp in the platform that holds the transaction-level target alone.
#include "sim/platform/core.h"

namespace bitdial
{

std::unique_ptr<Core> make_rtl_core(const CoreOptions &, std::string &why)
{
    why = "this platform was built without RTL";
    return nullptr;
}

} // namespace bitdial

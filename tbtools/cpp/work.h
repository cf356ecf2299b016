// What the core works through: bytes that are searched, compared or copied, and fields that are
// read. Counted in the fuzz targets only, which fail if a byte costs more than a bounded amount.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(TBTOOLS_COUNT_WORK)

namespace tbtools {

inline constinit thread_local uint64_t work_done = 0;
inline void count_work(size_t amount) { work_done += amount; }

}  // namespace tbtools

#else

namespace tbtools {

constexpr void count_work(size_t) {}

}  // namespace tbtools

#endif

// Memory that runs out. Every target is linked with an operator new that counts and can be told to
// fail, as malloc() does where there is no more.
#pragma once

#include <cstdint>
#include <new>

#include "check.h"

namespace tbtools {

// Of this thread:
extern constinit thread_local uint64_t allocations;      // that were made since it began
extern constinit thread_local int64_t live_allocations;  // that were not freed yet
extern constinit thread_local uint64_t
    failing_allocation;  // the one that fails, counted from now on; 0: none

// Does it again with one allocation failing, for a few of all that it makes: each time it must
// throw bad_alloc and leave nothing behind.
template <class Function>
void check_allocations(uint64_t seed, Function function) {
  constexpr uint64_t kTried = 6;
  const uint64_t before = allocations;
  const int64_t live = live_allocations;
  function();
  CHECK(live_allocations == live);
  const uint64_t made = allocations - before;
  for (uint64_t i = 0; i < kTried && i < made; ++i) {
    // All of a few, and of many those that the seed says, the first and the last among them.
    const uint64_t which = made <= kTried ? i : i == 0 ? made - 1 : (seed * i * i) % made;
    bool failed = false;
    failing_allocation = which + 1;
    try {
      function();
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    CHECK(failed && failing_allocation == 0);
    CHECK(live_allocations == live);
  }
}

}  // namespace tbtools

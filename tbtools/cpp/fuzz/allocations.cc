#include "allocations.h"

#include <cstdlib>

namespace tbtools {

constinit thread_local uint64_t allocations = 0;
constinit thread_local int64_t live_allocations = 0;
constinit thread_local uint64_t failing_allocation = 0;

namespace {

void* allocate(size_t size) noexcept {
  ++allocations;
  if (failing_allocation > 0 && --failing_allocation == 0) return nullptr;
  void* const block = std::malloc(size > 0 ? size : 1);
  live_allocations += block != nullptr;
  return block;
}

void* allocate_or_throw(size_t size) {
  void* const block = allocate(size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

void release(void* block) noexcept {
  live_allocations -= block != nullptr;
  std::free(block);
}

}  // namespace
}  // namespace tbtools

void* operator new(size_t size) { return tbtools::allocate_or_throw(size); }
void* operator new[](size_t size) { return tbtools::allocate_or_throw(size); }
void* operator new(size_t size, const std::nothrow_t&) noexcept { return tbtools::allocate(size); }
void* operator new[](size_t size, const std::nothrow_t&) noexcept {
  return tbtools::allocate(size);
}
void operator delete(void* block) noexcept { tbtools::release(block); }
void operator delete[](void* block) noexcept { tbtools::release(block); }
void operator delete(void* block, size_t) noexcept { tbtools::release(block); }
void operator delete[](void* block, size_t) noexcept { tbtools::release(block); }
void operator delete(void* block, const std::nothrow_t&) noexcept { tbtools::release(block); }
void operator delete[](void* block, const std::nothrow_t&) noexcept { tbtools::release(block); }

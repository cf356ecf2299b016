#include "blocks.h"

#include <bit>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <new>

namespace tbtools {
namespace {

// Smaller ones are malloc's own business, larger ones too rare to keep.
constexpr size_t kSmallest = size_t{1} << 16;
constexpr size_t kLargest = size_t{1} << 20;
constexpr size_t kKept = 256;              // of each size
constexpr size_t kMost = size_t{1} << 26;  // bytes of all: what a few threads have in flight

struct Stack {
  void* blocks[kKept];
  size_t count = 0;
};

constexpr size_t kSizes = std::bit_width(kLargest) - std::bit_width(kSmallest) + 1;

std::mutex mutex;
size_t kept = 0;       // bytes
Stack stacks[kSizes];  // never freed: Arrow may release a batch when the process ends

Stack& stack_of(size_t size) { return stacks[std::bit_width(size) - std::bit_width(kSmallest)]; }

}  // namespace

void* take_block(size_t& size) {
  if (size >= kSmallest && size <= kLargest) {
    size = std::bit_ceil(size);
    const std::lock_guard lock(mutex);
    Stack& stack = stack_of(size);
    if (stack.count > 0) {
      kept -= size;
      return stack.blocks[--stack.count];
    }
  }
  void* block = std::malloc(size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

void return_block(void* block, size_t size) noexcept {
  if (block != nullptr && size >= kSmallest && size <= kLargest) {
    const std::lock_guard lock(mutex);
    Stack& stack = stack_of(size);
    if (stack.count < kKept && kept + size <= kMost) {
      kept += size;
      stack.blocks[stack.count++] = block;
      return;
    }
  }
  std::free(block);
}

}  // namespace tbtools

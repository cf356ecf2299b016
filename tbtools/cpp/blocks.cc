#include "blocks.h"

#include <new>

// A sanitizer sees a byte behind a block, or one of a block that was given back, only if every
// block is an allocation of its own.
#if defined(TBTOOLS_SANITIZE) || defined(__SANITIZE_ADDRESS__)
#define TBTOOLS_POOL 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define TBTOOLS_POOL 0
#endif
#endif
#if !defined(TBTOOLS_POOL)
#define TBTOOLS_POOL 1
#endif

#if TBTOOLS_POOL

#include <atomic>
#include <bit>

namespace tbtools {
namespace {

// Smaller ones are the allocator's own business, larger ones too rare to keep.
constexpr size_t kSmallest = size_t{1} << 16;
constexpr size_t kLargest = size_t{1} << 20;
constexpr size_t kKept = 256;              // of each size
constexpr size_t kMost = size_t{1} << 26;  // bytes of all: what a few threads have in flight

struct Stack {
  void* blocks[kKept];
  size_t count;
};

constexpr size_t kSizes = std::bit_width(kLargest) - std::bit_width(kSmallest) + 1;

// Zeroed when the process begins and never destroyed, nor are the blocks freed: Arrow may release a
// batch when the process ends, after everything that has a destructor.
constinit Stack stacks[kSizes] = {};
constinit size_t kept = 0;  // bytes
constinit std::atomic_flag busy;

// Held for a few instructions, and never waited for: who does not get it goes to the allocator. So
// a child that was forked while another thread held it does without the pool, and does not hang.
class Turn {
 public:
  Turn() : mine_(!busy.test_and_set(std::memory_order_acquire)) {}
  ~Turn() {
    if (mine_) busy.clear(std::memory_order_release);
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  explicit operator bool() const { return mine_; }

 private:
  const bool mine_;
};

Stack& stack_of(size_t size) { return stacks[std::bit_width(size) - std::bit_width(kSmallest)]; }

bool is_kept(size_t size) { return size >= kSmallest && size <= kLargest; }

}  // namespace

void* take_block(size_t& size) {
  if (is_kept(size)) {
    size = std::bit_ceil(size);
    Stack& stack = stack_of(size);
    if (const Turn turn; turn && stack.count > 0) {
      kept -= size;
      return stack.blocks[--stack.count];
    }
  }
  return ::operator new(size);
}

void return_block(void* block, size_t size) noexcept {
  if (block != nullptr && is_kept(size)) {
    Stack& stack = stack_of(size);
    if (const Turn turn; turn && stack.count < kKept && kept + size <= kMost) {
      kept += size;
      stack.blocks[stack.count++] = block;
      return;
    }
  }
  ::operator delete(block);
}

}  // namespace tbtools

#else

namespace tbtools {

void* take_block(size_t& size) { return ::operator new(size); }

void return_block(void* block, size_t) noexcept { ::operator delete(block); }

}  // namespace tbtools

#endif

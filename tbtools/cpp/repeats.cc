#include "repeats.h"

#include "crc32c.h"
#include "crc32c_steps.h"
#include "frame.h"
#include "wire.h"

namespace tbtools {
namespace {

constexpr size_t kWallTimeAt = 1;    // in the payload, behind its key
constexpr size_t kStepKeyAt = 9;     // likewise
constexpr size_t kBlock = 32;        // bytes that are compared at once
constexpr size_t kMostStepSize = 8;  // of a varint that one word holds

constexpr size_t blocks_of(size_t size) { return (size + kBlock - 1) / kBlock * kBlock; }

}  // namespace

void remember(Tag& tag, Bytes payload, const uint8_t* step, const uint8_t* step_end,
              const uint8_t* value, bool is_point) {
  Repeat& repeat = tag.repeat;
  const size_t step_size = static_cast<size_t>(step_end - step);
  const size_t prefix = static_cast<size_t>(value - step_end);
  const size_t suffix = static_cast<size_t>(payload.end() - value) - sizeof(float);
  repeat.length = UINT64_MAX;
  if (step_size == 0 || step_size > kMostStepSize || prefix > UINT8_MAX || suffix > UINT8_MAX ||
      blocks_of(prefix) + blocks_of(suffix) > sizeof repeat.bytes) {
    return;
  }
  std::memset(repeat.bytes, 0, sizeof repeat.bytes);
  std::memcpy(repeat.bytes, step_end, prefix);
  std::memcpy(repeat.bytes + blocks_of(prefix), value + sizeof(float), suffix);
  const uint64_t bits = step_size == 8 ? ~uint64_t{0} : (uint64_t{1} << 8 * step_size) - 1;
  repeat.more_mask = bits & 0x8080'8080'8080'8080;
  repeat.more = repeat.more_mask & ~(uint64_t{0x80} << 8 * (step_size - 1));
  repeat.step_mask = bits & 0x7F7F'7F7F'7F7F'7F7F;
  repeat.step_size = static_cast<uint8_t>(step_size);
  repeat.prefix = static_cast<uint8_t>(prefix);
  repeat.suffix = static_cast<uint8_t>(suffix);
  repeat.is_point = is_point;
  repeat.length = payload.size;
  repeat.length_crc = load<uint32_t>(payload.data - sizeof(uint32_t));
}

#if defined(TBTOOLS_CRC_HARDWARE)
namespace {

// A mask of n ones is kOnes + kBlock - n on.
alignas(64) constexpr uint8_t kOnes[2 * kBlock] = {
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};

TBTOOLS_INLINE uint64_t word_differs(const uint8_t* a, const uint8_t* b, const uint8_t* mask,
                                     size_t i) {
  return (load<uint64_t>(a + i) ^ load<uint64_t>(b + i)) & load<uint64_t>(mask + i);
}

TBTOOLS_INLINE uint64_t differs(const uint8_t* a, const uint8_t* b, size_t size) {
  uint64_t found = 0;
  for (size_t i = 0; i < size; i += kBlock) {
    const uint8_t* const mask = kOnes + kBlock - (size - i < kBlock ? size - i : kBlock);
    found |= word_differs(a + i, b + i, mask, 0) | word_differs(a + i, b + i, mask, 8) |
             word_differs(a + i, b + i, mask, 16) | word_differs(a + i, b + i, mask, 24);
  }
  return found;
}

// The low seven bits of eight bytes, joined; the first byte holds the lowest.
TBTOOLS_INLINE uint64_t join_sevens(uint64_t x) {
  x = (x & 0x007F'007F'007F'007F) | (x & 0x7F00'7F00'7F00'7F00) >> 1;
  x = (x & 0x0000'3FFF'0000'3FFF) | (x & 0x3FFF'0000'3FFF'0000) >> 2;
  return (x & 0x0FFF'FFFF) | (x & 0x0FFF'FFFF'0000'0000) >> 4;
}

template <bool kOffsets>
TBTOOLS_CRC_TARGET size_t read_repeats_to(Bytes window, size_t at, uint64_t position,
                                          TagTable& tags, Points& points, uint64_t& records) {
  Tag* last = tags.last();
  Points::Room room = points.room();
  uint64_t read = 0;
  const uint8_t* p = window.data + at;
  while (room.size < room.capacity) {
    Tag* const tag = last->follower;
    if (tag == nullptr) break;
    const Repeat& repeat = tag->repeat;
    const size_t left = static_cast<size_t>(window.end() - p);
    // A block is compared beyond what is meant, but not beyond the window.
    if (left < kHeaderSize + kBlock || left - kHeaderSize - kBlock < repeat.length) break;
    if (load<uint64_t>(p) != repeat.length || load<uint32_t>(p + 8) != repeat.length_crc) break;
    const uint8_t* const payload = p + kHeaderSize;
    const uint8_t* const step = payload + kStepKeyAt + 1;
    const uint8_t* const prefix = step + repeat.step_size;
    const uint8_t* const value = prefix + repeat.prefix;
    const uint64_t word = load<uint64_t>(step);
    const uint8_t* const end = payload + repeat.length;
    const uint32_t crc = mask(~steps(~0u, payload, static_cast<size_t>(repeat.length)));
    const uint64_t wrong =
        (crc ^ load<uint32_t>(end)) | (payload[0] ^ key_of(1, Wire::fixed64)) |
        (payload[kStepKeyAt] ^ key_of(2, Wire::varint)) |
        ((word & repeat.more_mask) ^ repeat.more) |
        differs(prefix, repeat.bytes, repeat.prefix) |
        differs(value + sizeof(float), repeat.bytes + blocks_of(repeat.prefix), repeat.suffix);
    if (wrong != 0) break;
    if constexpr (kOffsets) {
      const size_t here = static_cast<size_t>(p - window.data);
      room.offset[room.size] = static_cast<int64_t>(position + here);
    }
    room.tag[room.size] = tag->number;
    room.step[room.size] = static_cast<int64_t>(join_sevens(word & repeat.step_mask));
    room.wall_time[room.size] = load<double>(payload + kWallTimeAt);
    room.value[room.size] = load<float>(value);
    room.size += repeat.is_point;
    last = tag;
    ++read;
    p = end + kFooterSize;
  }
  points.set_size(room.size);
  tags.set_last(last);
  records += read;
  return static_cast<size_t>(p - window.data);
}

}  // namespace

size_t read_repeats(Bytes window, size_t at, uint64_t position, TagTable& tags, Points& points,
                    uint64_t& records) {
  return points.has_offsets() ? read_repeats_to<true>(window, at, position, tags, points, records)
                              : read_repeats_to<false>(window, at, position, tags, points, records);
}

#else

size_t read_repeats(Bytes, size_t at, uint64_t, TagTable&, Points&, uint64_t&) { return at; }

#endif

}  // namespace tbtools

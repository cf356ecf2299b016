#include "merge.h"

#include <algorithm>

#include "encode.h"
#include "frame.h"

namespace tbtools {
namespace {

// The next record of a sequence.
struct Head {
  double time;
  size_t sequence;
  size_t size;

  // For a heap whose top is the earliest.
  bool operator<(const Head& other) const {
    return time > other.time || (time == other.time && sequence > other.sequence);
  }
};

// The size of the next record; nothing if the window does not have all of it.
std::optional<size_t> next_size(const Sequence& sequence) {
  const size_t left = sequence.window.size - sequence.begin;
  if (left >= kHeaderSize + kFooterSize) {
    const uint64_t size = load<uint64_t>(sequence.window.data + sequence.begin);
    if (size <= left - kHeaderSize - kFooterSize) {
      return kHeaderSize + static_cast<size_t>(size) + kFooterSize;
    }
  }
  if (sequence.is_last) return left;  // whatever it is, it is not lost
  return std::nullopt;
}

double time_of(const Sequence& sequence, size_t size) {
  constexpr size_t kKnown = 1 + sizeof(double);
  if (size < kHeaderSize + kKnown + kFooterSize) return sequence.time;
  const uint8_t* const event = sequence.window.data + sequence.begin + kHeaderSize;
  if (*event != kWallTimeKey) return sequence.time;
  const double wall_time = load<double>(event + 1);
  return wall_time > sequence.time ? wall_time : sequence.time;
}

}  // namespace

Merged merge_records(std::vector<Sequence>& sequences) {
  Merged merged;
  std::vector<Head> heads;
  size_t room = 0;
  const auto push = [&](size_t i) {
    Sequence& sequence = sequences[i];
    const std::optional<size_t> size = next_size(sequence);
    if (!size) return false;
    if (*size == 0) return true;  // at its end
    sequence.time = time_of(sequence, *size);
    heads.push_back({sequence.time, i, *size});
    std::push_heap(heads.begin(), heads.end());
    return true;
  };
  for (size_t i = 0; i < sequences.size(); ++i) {
    room += sequences[i].window.size - sequences[i].begin;
    if (!push(i)) merged.needs = i;
  }
  if (merged.needs) return merged;
  merged.records.reserve(room);
  while (!heads.empty()) {
    std::pop_heap(heads.begin(), heads.end());
    const Head head = heads.back();
    heads.pop_back();
    Sequence& sequence = sequences[head.sequence];
    merged.records.append(sequence.window.data + sequence.begin, head.size);
    sequence.begin += head.size;
    if (!push(head.sequence)) {
      merged.needs = head.sequence;
      return merged;
    }
  }
  return merged;
}

}  // namespace tbtools

// Rows → framed records of Events: what scan() reads, the other way round.
// Source of the format and of the field numbers: docs/format.md and proto/tfevents.proto.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "column.h"
#include "event.h"
#include "wire.h"

namespace tbtools {

// A borrowed column of numbers, as Arrow lays it out. A dictionary's codes are one, too.
template <class T>
class NumberView {
 public:
  NumberView() = default;
  NumberView(const uint8_t* validity, const T* values, size_t begin)
      : validity_(validity), values_(values), begin_(begin) {}

  bool valid(size_t i) const {
    i += begin_;
    return values_ != nullptr && (validity_ == nullptr || (validity_[i / 8] >> (i % 8) & 1) != 0);
  }
  T operator[](size_t i) const { return values_[begin_ + i]; }

 private:
  const uint8_t* validity_ = nullptr;
  const T* values_ = nullptr;  // null: no row has a number
  size_t begin_ = 0;
};

// Strings of which many rows have the same.
struct LabelView {
  NumberView<int32_t> codes;
  BinaryView values{nullptr, nullptr, nullptr, 0, 0};

  bool valid(size_t i) const { return codes.valid(i); }
  Bytes operator[](size_t i) const { return values[static_cast<size_t>(codes[i])]; }
};

// What `member` says: the number of a field of Event, or of Summary.Value with this bit.
constexpr uint8_t kOfValue = 0x80;
constexpr uint8_t kWholeEvent = 0;  // `payload` is all of the event

// A row becomes an event: a scalar if it has a number, else whatever `member` and `payload` say.
struct EventRows {
  size_t size = 0;
  LabelView tag;
  NumberView<int64_t> step;
  NumberView<double> wall_time;
  NumberView<double> number;
  NumberView<uint8_t> member;
  BinaryView payload{nullptr, nullptr, nullptr, 0, 0};  // size 0 if no row has one
  LabelView metadata;                                   // of the row's tag
};

struct EncodeOptions {
  // Numbers that float32 does not hold become tensors of float64, so that they are read back bit by
  // bit; otherwise they are rounded.
  bool exact = false;
  // Metadata stands in every event, not only where it is another than that of the tag's last event.
  bool repeat = false;
};

struct Encoded {
  Column<uint8_t> records;
  uint64_t rounded = 0;             // numbers that are not what they were
  std::optional<size_t> too_large;  // the row that no record can hold; nothing behind it is encoded
};

// `declared` has, for each of the tags, the code of the metadata that its last event had or
// implied, -1 for none; it is brought up to date.
Encoded encode_events(const EventRows& rows, std::vector<int32_t>& declared,
                      const EncodeOptions& options);

}  // namespace tbtools

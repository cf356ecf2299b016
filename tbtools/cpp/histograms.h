// Payloads of histograms → columns: TensorFlow's HistogramProto, and the tensors of TF2.
// Source of the field numbers and of the edges of buckets: docs/format.md, "Summary" and
// "Histograms".
#pragma once

#include <array>
#include <memory>
#include <string_view>

#include "column.h"
#include "refusal.h"

namespace tbtools {

// What a HistogramProto says of all values, beside its buckets: its fields 1 to 5.
constexpr std::array<const char*, 5> kStatistics = {"min", "max", "num", "sum", "sum_squares"};

// A row per payload; one that is refused has no buckets.
struct Histograms {
  bool legacy = false;      // of HistogramProto: only then there are statistics
  Column<int8_t> refused;   // a Refusal
  Column<int32_t> offsets;  // where the buckets of each row begin, and at last their number
  Column<double> left;
  Column<double> right;
  Column<double> count;
  std::array<Column<double>, kStatistics.size()> statistics;
};

// Throws nothing but std::bad_alloc.
std::shared_ptr<const Histograms> decode_histograms(const BinaryView& payloads, bool legacy);

}  // namespace tbtools

#include "histograms.h"

#include <limits>
#include <string>

#include "tensor.h"
#include "wire.h"

namespace tbtools {
namespace {

// The elements of a repeated number, as bytes. Nearly always they come in one packed piece, which
// is borrowed; several, or single elements, are joined here.
class RepeatedNumber {
 public:
  explicit RepeatedNumber(size_t size) : size_(size) {}

  void clear() { all_ = {}; }

  // Returns false if the piece is not a whole number of elements.
  bool add(Bytes piece) {
    if (piece.size % size_ != 0) return false;
    if (all_.size == 0) {
      all_ = piece;
    } else {
      if (all_.data != reinterpret_cast<const uint8_t*>(joined_.data())) {
        joined_.assign(all_.text());
      }
      joined_.append(piece.text());
      all_ = {reinterpret_cast<const uint8_t*>(joined_.data()), joined_.size()};
    }
    return true;
  }

  // What the cursor just read, packed or not.
  bool add(const Cursor& fields) {
    const bool packed = (fields.key() & 7) == static_cast<uint32_t>(Wire::bytes);
    return add(packed ? fields.bytes() : Bytes{fields.position() - size_, size_});
  }

  Bytes all() const { return all_; }
  size_t count() const { return all_.size / size_; }

 private:
  const size_t size_;
  Bytes all_;
  std::string joined_;
};

class HistogramDecoder {
 public:
  explicit HistogramDecoder(bool legacy) : out_(std::make_shared<Histograms>()) {
    out_->legacy = legacy;
  }

  std::shared_ptr<const Histograms> run(const BinaryView& payloads) {
    // Legacy buckets take 16 bytes each, others 24, or 12 if they are float32: 32-bit offsets
    // always do. Memory that is not written to costs nothing.
    const size_t buckets = payloads.byte_size() / (2 * sizeof(double)) + 1;
    for (Column<double>* column : {&out_->left, &out_->right, &out_->count}) {
      column->reserve(buckets);
    }
    out_->offsets.push(0);
    for (size_t i = 0; i < payloads.size(); ++i) {
      Refusal refusal = Refusal::no_payload;
      if (payloads.valid(i)) {
        refusal = out_->legacy ? read_proto(payloads[i]) : read_tensor(payloads[i]);
      } else if (out_->legacy) {
        push_statistics({});
      }
      out_->refused.push(static_cast<int8_t>(refusal));
      out_->offsets.push(static_cast<int32_t>(out_->left.size()));
    }
    return std::move(out_);
  }

 private:
  using Statistics = std::array<double, kStatistics.size()>;

  void push_statistics(const Statistics& values) {
    for (size_t i = 0; i < values.size(); ++i) out_->statistics[i].push(values[i]);
  }

  Refusal read_proto(Bytes proto) {
    Statistics statistics = {};
    const Refusal refusal = read_fields(proto, statistics);
    push_statistics(statistics);
    return refusal;
  }

  Refusal read_fields(Bytes proto, Statistics& statistics) {
    limits_.clear();
    counts_.clear();
    Cursor fields(proto);
    while (fields.next()) {
      switch (fields.key()) {
        case key_of(1, Wire::fixed64):
        case key_of(2, Wire::fixed64):
        case key_of(3, Wire::fixed64):
        case key_of(4, Wire::fixed64):
        case key_of(5, Wire::fixed64):
          statistics[(fields.key() >> 3) - 1] = std::bit_cast<double>(fields.number());
          break;
        case key_of(6, Wire::bytes):
        case key_of(6, Wire::fixed64):
          if (!limits_.add(fields)) return Refusal::no_histogram;
          break;
        case key_of(7, Wire::bytes):
        case key_of(7, Wire::fixed64):
          if (!counts_.add(fields)) return Refusal::no_histogram;
          break;
      }
    }
    if (!fields.ok()) return Refusal::no_histogram;
    if (limits_.count() != counts_.count()) return Refusal::unequal_lengths;
    push_buckets(limits_.all(), counts_.all());
    return Refusal::none;
  }

  // Bucket i ends at its limit and begins at the one before it; the first begins at the lowest
  // double.
  void push_buckets(Bytes limits, Bytes counts) {
    if (limits.size == 0) return;
    const size_t buckets = limits.size / sizeof(double);
    double* const left = out_->left.extend(buckets);
    left[0] = std::numeric_limits<double>::lowest();
    std::memcpy(left + 1, limits.data, limits.size - sizeof(double));
    std::memcpy(out_->right.extend(buckets), limits.data, limits.size);
    std::memcpy(out_->count.extend(buckets), counts.data, counts.size);
  }

  Refusal read_tensor(Bytes tensor) {
    uint64_t dtype = 0;
    Bytes content;
    shape_.clear();
    floats_.clear();
    doubles_.clear();
    Cursor fields(tensor);
    while (fields.next()) {
      switch (fields.key()) {
        case key_of(1, Wire::varint):
          dtype = data_type(fields.number());
          break;
        case key_of(2, Wire::bytes):
          if (!shape_.add(fields.bytes())) return Refusal::no_tensor;
          break;
        case key_of(4, Wire::bytes):
          content = fields.bytes();
          break;
        case key_of(5, Wire::bytes):
        case key_of(5, Wire::fixed32):
          if (!floats_.add(fields)) return Refusal::no_tensor;
          break;
        case key_of(6, Wire::bytes):
        case key_of(6, Wire::fixed64):
          if (!doubles_.add(fields)) return Refusal::no_tensor;
          break;
      }
    }
    if (!fields.ok()) return Refusal::no_tensor;
    if (dtype != kFloat && dtype != kDouble) return Refusal::not_float;
    if (!shape_.known()) return Refusal::unknown_shape;
    const Column<int64_t>& sizes = shape_.sizes();
    if (sizes.size() != 2 || sizes[1] != 3) return Refusal::not_rows_of_three;
    if (dtype == kFloat) return push_rows<float>(content.size > 0 ? content : floats_.all());
    return push_rows<double>(content.size > 0 ? content : doubles_.all());
  }

  // The tensor's rows are left, right, count; the columns are one of each.
  template <class T>
  Refusal push_rows(Bytes values) {
    constexpr size_t kRow = 3 * sizeof(T);
    const size_t rows = values.size / kRow;
    // What is declared is compared with what is there, not the other way round: it may be anything.
    if (values.size % kRow != 0 || static_cast<uint64_t>(shape_.sizes()[0]) != rows) {
      return Refusal::wrong_count;
    }
    double* const left = out_->left.extend(rows);
    double* const right = out_->right.extend(rows);
    double* const count = out_->count.extend(rows);
    for (size_t i = 0; i < rows; ++i) {
      const uint8_t* const row = values.data + i * kRow;
      left[i] = load<T>(row);
      right[i] = load<T>(row + sizeof(T));
      count[i] = load<T>(row + 2 * sizeof(T));
    }
    return Refusal::none;
  }

  std::shared_ptr<Histograms> out_;
  Shape shape_;
  RepeatedNumber floats_{sizeof(float)};
  RepeatedNumber doubles_{sizeof(double)};
  RepeatedNumber limits_{sizeof(double)};
  RepeatedNumber counts_{sizeof(double)};
};

}  // namespace

std::shared_ptr<const Histograms> decode_histograms(const BinaryView& payloads, bool legacy) {
  return HistogramDecoder(legacy).run(payloads);
}

}  // namespace tbtools

// TensorProto: its type, its shape, and the number of one that has a single element, which is what
// a scalar of TF2 is.
// Source of the field numbers and of the decoding rules: docs/format.md, "TensorProto".
#pragma once

#include <optional>

#include "bytes.h"
#include "column.h"
#include "wire.h"

namespace tbtools {

enum DataType : uint64_t {  // of tensorflow/core/framework/types.proto
  kFloat = 1,
  kDouble = 2,
  kInt32 = 3,
  kUint8 = 4,
  kInt16 = 5,
  kInt8 = 6,
  kString = 7,
  kInt64 = 9,
  kBool = 10,
  kBfloat16 = 14,
  kUint16 = 17,
  kHalf = 19,
  kUint32 = 22,
  kUint64 = 23,
};

// The type that TensorProto.dtype stands for: DT_FLOAT_REF is DT_FLOAT + 100, and so on.
inline uint64_t data_type(uint64_t dtype) {
  constexpr uint64_t kReferences = 100;
  dtype &= 0xFFFFFFFF;  // as protobuf does with an enum
  return dtype > kReferences ? dtype - kReferences : dtype;
}

// A TensorShapeProto. It may come in pieces, as any message.
class Shape {
 public:
  void clear() {
    sizes_.truncate(0);
    known_ = true;
  }

  // Returns false if the piece is no part of a shape.
  bool add(Bytes piece);

  bool known() const { return known_; }  // every size is, that is
  const Column<int64_t>& sizes() const { return sizes_; }

  // The number of elements; UINT64_MAX if there are more than that.
  uint64_t count() const;

 private:
  Column<int64_t> sizes_;
  bool known_ = true;
};

// A scalar's tensor is a few dozen bytes; what is longer than this is never tried as one.
constexpr size_t kMaxScalarTensor = 4096;

// The ten bytes that nearly every scalar of TF2 is: dtype: DT_FLOAT, tensor_shape: {}, and the
// float in tensor_content (TensorFlow) or float_val (TensorBoard's own writer). Declines any other.
constexpr size_t kPlainFloat = 10;
TBTOOLS_INLINE std::optional<double> plain_float(Bytes tensor) {
  constexpr uint64_t kBegin = 0x0400'0012'0108;  // 08 01 12 00 .. 04, as a little-endian word
  if (tensor.size != kPlainFloat) return std::nullopt;
  const uint64_t word = load<uint64_t>(tensor.data);
  const uint64_t key = word >> 32 & 0xFF;
  if ((word & 0xFF00'FFFF'FFFF) != kBegin) return std::nullopt;
  if (key != key_of(4, Wire::bytes) && key != key_of(5, Wire::bytes)) return std::nullopt;
  return load<float>(tensor.data + 6);
}

// The number that a tensor of exactly one element holds, if its type is a real number's and the
// number has an exact float64. It may only decline: then the payload goes on to kinds/, which
// decodes with protobuf.
std::optional<double> scalar_of(Bytes tensor);

}  // namespace tbtools

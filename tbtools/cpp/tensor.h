// The one-element TensorProto, which is what a scalar of TF2 is.
// Source of the field numbers and of the decoding rules: docs/format.md, "TensorProto".
#pragma once

#include <optional>

#include "bytes.h"
#include "wire.h"

namespace tbtools {

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

#include "tensor.h"

#include <cmath>
#include <limits>

namespace tbtools {
namespace {

double half_to_double(uint16_t bits) {
  const int exponent = bits >> 10 & 0x1F;
  const int mantissa = bits & 0x3FF;
  double magnitude;
  if (exponent == 0x1F) {
    magnitude = mantissa == 0 ? std::numeric_limits<double>::infinity()
                              : std::numeric_limits<double>::quiet_NaN();
  } else if (exponent == 0) {
    magnitude = std::ldexp(mantissa, -24);
  } else {
    magnitude = std::ldexp(mantissa | 0x400, exponent - 25);
  }
  return bits & 0x8000 ? -magnitude : magnitude;
}

double bfloat16_to_double(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

// An integer beyond 2^53 may have no float64 of its own; rounding it would not be exact.
std::optional<double> exact(int64_t value) {
  const double wide = static_cast<double>(value);
  if (wide >= 0x1p63 || static_cast<int64_t>(wide) != value) return std::nullopt;
  return wide;
}

std::optional<double> exact(uint64_t value) {
  const double wide = static_cast<double>(value);
  if (wide >= 0x1p64 || static_cast<uint64_t>(wide) != value) return std::nullopt;
  return wide;
}

template <class T>
std::optional<double> raw_as(Bytes content) {
  if (content.size != sizeof(T)) return std::nullopt;
  const T value = load<T>(content.data);
  if constexpr (sizeof(T) == 8 && std::is_integral_v<T>) {
    return exact(value);
  } else {
    return static_cast<double>(value);
  }
}

std::optional<double> from_content(uint64_t dtype, Bytes content) {
  switch (dtype) {
    case kFloat:
      return raw_as<float>(content);
    case kDouble:
      return raw_as<double>(content);
    case kInt8:
      return raw_as<int8_t>(content);
    case kInt16:
      return raw_as<int16_t>(content);
    case kInt32:
      return raw_as<int32_t>(content);
    case kInt64:
      return raw_as<int64_t>(content);
    case kUint8:
      return raw_as<uint8_t>(content);
    case kUint16:
      return raw_as<uint16_t>(content);
    case kUint32:
      return raw_as<uint32_t>(content);
    case kUint64:
      return raw_as<uint64_t>(content);
    case kBool:
      if (content.size != 1) return std::nullopt;
      return content.data[0] != 0;
    case kHalf:
      if (content.size != 2) return std::nullopt;
      return half_to_double(load<uint16_t>(content.data));
    case kBfloat16:
      if (content.size != 2) return std::nullopt;
      return bfloat16_to_double(load<uint16_t>(content.data));
    default:
      return std::nullopt;
  }
}

// How a *_val field of TensorProto holds its elements.
struct Values {
  uint32_t number = 0;  // of the field; 0 if the type is not a number that fits a float64
  Wire wire = Wire::varint;
};

Values values_of(uint64_t dtype) {
  switch (dtype) {
    case kFloat:
      return {5, Wire::fixed32};
    case kDouble:
      return {6, Wire::fixed64};
    case kInt32:
    case kInt16:
    case kInt8:
    case kUint16:
    case kUint8:
      return {7, Wire::varint};
    case kInt64:
      return {10, Wire::varint};
    case kBool:
      return {11, Wire::varint};
    case kHalf:
    case kBfloat16:
      return {13, Wire::varint};
    case kUint32:
      return {16, Wire::varint};
    case kUint64:
      return {17, Wire::varint};
    default:
      return {};
  }
}

template <class T>
std::optional<double> narrowed(uint64_t value) {
  const int64_t number = static_cast<int64_t>(value);
  if (number < std::numeric_limits<T>::min() || number > std::numeric_limits<T>::max()) {
    return std::nullopt;
  }
  return static_cast<double>(number);
}

std::optional<double> from_value(uint64_t dtype, uint64_t value) {
  switch (dtype) {
    case kFloat:
      return std::bit_cast<float>(static_cast<uint32_t>(value));
    case kDouble:
      return std::bit_cast<double>(value);
    case kInt8:
      return narrowed<int8_t>(value);
    case kInt16:
      return narrowed<int16_t>(value);
    case kInt32:
      return narrowed<int32_t>(value);
    case kUint8:
      return narrowed<uint8_t>(value);
    case kUint16:
      return narrowed<uint16_t>(value);
    case kUint32:
      return narrowed<uint32_t>(value);
    case kInt64:
      return exact(static_cast<int64_t>(value));
    case kUint64:
      return exact(value);
    case kBool:
      return value != 0;
    case kHalf:
    case kBfloat16: {
      // PyTorch's add_tensor stores the bits of the float32, not of the 16-bit number.
      const uint32_t bits = static_cast<uint32_t>(value);
      if (bits > 0xFFFF) return std::bit_cast<float>(bits);
      return dtype == kHalf ? half_to_double(static_cast<uint16_t>(bits))
                            : bfloat16_to_double(static_cast<uint16_t>(bits));
    }
    default:
      return std::nullopt;
  }
}

// True if every dimension is 1 (or there is none).
bool has_one_element(Bytes shape) {
  Cursor fields(shape);
  while (fields.next()) {
    if (fields.key() == key_of(3, Wire::varint) && fields.number() != 0) return false;  // no rank
    if (fields.key() != key_of(2, Wire::bytes)) continue;
    uint64_t size = 0;  // an empty Dim is a dimension of size 0
    Cursor dim(fields.bytes());
    while (dim.next()) {
      if (dim.key() == key_of(1, Wire::varint)) size = dim.number();
    }
    if (!dim.ok() || size != 1) return false;
  }
  return fields.ok();
}

// Elements of one *_val field as they come, packed or not. Only the first is kept.
class Elements {
 public:
  explicit Elements(Wire wire) : wire_(wire) {}

  void add(uint64_t value) {
    if (count_++ == 0) first_ = value;
  }

  bool add_packed(Bytes packed) {
    const uint8_t* p = packed.data;
    while (p < packed.end() && count_ < 2) {
      const size_t left = static_cast<size_t>(packed.end() - p);
      uint64_t value;
      if (wire_ == Wire::varint) {
        if (!read_varint(p, packed.end(), value)) return false;
      } else if (wire_ == Wire::fixed32) {
        if (left < 4) return false;
        value = load<uint32_t>(p);
        p += 4;
      } else {
        if (left < 8) return false;
        value = load<uint64_t>(p);
        p += 8;
      }
      add(value);
    }
    return true;
  }

  size_t count() const { return count_; }
  uint64_t first() const { return first_; }

 private:
  Wire wire_;
  size_t count_ = 0;
  uint64_t first_ = 0;
};

}  // namespace

bool Shape::add(Bytes piece) {
  Cursor fields(piece);
  while (fields.next()) {
    if (fields.key() == key_of(3, Wire::varint) && fields.number() != 0) known_ = false;  // no rank
    if (fields.key() != key_of(2, Wire::bytes)) continue;
    int64_t size = 0;  // an empty Dim is a dimension of size 0
    Cursor dim(fields.bytes());
    while (dim.next()) {
      if (dim.key() == key_of(1, Wire::varint)) size = static_cast<int64_t>(dim.number());
    }
    if (!dim.ok()) return false;
    if (size < 0) known_ = false;
    sizes_.push(size);
  }
  return fields.ok();
}

uint64_t Shape::count() const {
  uint64_t count = 1;
  bool too_many = false;
  for (size_t i = 0; i < sizes_.size(); ++i) {
    const uint64_t size = static_cast<uint64_t>(sizes_[i]);
    if (size == 0) return 0;
    too_many = too_many || count > UINT64_MAX / size;
    if (!too_many) count *= size;
  }
  return too_many ? UINT64_MAX : count;
}

std::optional<double> scalar_of(Bytes tensor) {
  if (tensor.size > kMaxScalarTensor) return std::nullopt;
  if (const std::optional<double> plain = plain_float(tensor)) return plain;
  uint64_t dtype = 0;
  Values values;
  Elements elements(Wire::varint);
  Bytes content;
  Cursor fields(tensor);
  while (fields.next()) {
    const uint32_t key = fields.key();
    if (key == key_of(1, Wire::varint)) {
      // Every writer puts the type first. Anything else is declined rather than looked at twice.
      if (dtype != 0) return std::nullopt;
      dtype = fields.number();
      values = values_of(dtype);
      if (values.number == 0) return std::nullopt;
      elements = Elements(values.wire);
    } else if (dtype == 0) {
      return std::nullopt;
    } else if (key == key_of(2, Wire::bytes)) {
      if (!has_one_element(fields.bytes())) return std::nullopt;
    } else if (key == key_of(4, Wire::bytes)) {
      content = fields.bytes();
    } else if (key == key_of(values.number, Wire::bytes)) {
      if (!elements.add_packed(fields.bytes())) return std::nullopt;
    } else if (key == key_of(values.number, values.wire)) {
      elements.add(fields.number());
    } else if (dtype == kUint8 && key == key_of(16, Wire::bytes)) {
      // PyTorch's add_tensor puts uint8 into uint32_val.
      if (!elements.add_packed(fields.bytes())) return std::nullopt;
    } else if (dtype == kUint8 && key == key_of(16, Wire::varint)) {
      elements.add(fields.number());
    }
  }
  if (!fields.ok()) return std::nullopt;
  if (content.size > 0) return from_content(dtype, content);
  if (elements.count() != 1) return std::nullopt;
  return from_value(dtype, elements.first());
}

}  // namespace tbtools

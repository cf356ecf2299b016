#include "string_tensors.h"

#include "tensor.h"
#include "utf8.h"
#include "wire.h"

namespace tbtools {
namespace {

class StringDecoder {
 public:
  explicit StringDecoder(bool text) : out_(std::make_shared<StringTensors>()) { out_->text = text; }

  std::shared_ptr<const StringTensors> run(const BinaryView& payloads) {
    // A string and a size take at least two bytes of a payload, so that 32-bit offsets always do.
    StringTensors& out = *out_;
    out.strings.reserve_bytes(payloads.byte_size());
    out.shape_offsets.push(0);
    out.string_offsets.push(0);
    for (size_t i = 0; i < payloads.size(); ++i) {
      const size_t before = out.strings.size();
      const Refusal refusal = payloads.valid(i) ? read_tensor(payloads[i]) : Refusal::no_payload;
      if (refusal == Refusal::none) {
        out.sizes.append(shape_.sizes().data(), shape_.sizes().size());
      } else {
        out.strings.truncate(before);
      }
      out.refused.push(static_cast<int8_t>(refusal));
      out.shape_offsets.push(static_cast<int32_t>(out.sizes.size()));
      out.string_offsets.push(static_cast<int32_t>(out.strings.size()));
    }
    return std::move(out_);
  }

 private:
  Refusal read_tensor(Bytes tensor) {
    uint64_t dtype = 0;
    bool is_text = true;
    uint64_t held = 0;
    shape_.clear();
    Cursor fields(tensor);
    while (fields.next()) {
      switch (fields.key()) {
        case key_of(1, Wire::varint):
          dtype = data_type(fields.number());
          break;
        case key_of(2, Wire::bytes):
          if (!shape_.add(fields.bytes())) return Refusal::no_tensor;
          break;
        case key_of(8, Wire::bytes):
          if (out_->text && !is_utf8(fields.bytes())) is_text = false;
          out_->strings.push(fields.bytes());
          ++held;
          break;
      }
    }
    if (!fields.ok()) return Refusal::no_tensor;
    if (dtype != kString) return Refusal::not_strings;
    if (!shape_.known()) return Refusal::unknown_shape;
    if (shape_.count() != held) return Refusal::wrong_count;
    return is_text ? Refusal::none : Refusal::not_utf8;
  }

  std::shared_ptr<StringTensors> out_;
  Shape shape_;
};

}  // namespace

std::shared_ptr<const StringTensors> decode_strings(const BinaryView& payloads, bool text) {
  return StringDecoder(text).run(payloads);
}

}  // namespace tbtools

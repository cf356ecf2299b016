// Tensors of strings → columns: images, audio and text are such tensors.
// Source of the field numbers: docs/format.md, "TensorProto".
#pragma once

#include <memory>

#include "column.h"
#include "refusal.h"

namespace tbtools {

// A row per payload; one that is refused has neither sizes nor strings.
struct StringTensors {
  bool text = false;               // every string is UTF-8
  Column<int8_t> refused;          // a Refusal
  Column<int32_t> shape_offsets;   // where the sizes of each row begin, and at last their number
  Column<int64_t> sizes;           // of the dimensions
  Column<int32_t> string_offsets;  // where the strings of each row begin, and at last their number
  Strings strings;
};

// With `text`, a tensor is refused if one of its strings is not UTF-8. Throws nothing but
// std::bad_alloc.
std::shared_ptr<const StringTensors> decode_strings(const BinaryView& payloads, bool text);

}  // namespace tbtools

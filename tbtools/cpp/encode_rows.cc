#include "encode_rows.h"

#include <string_view>

namespace tbtools {
namespace {

struct Child {
  const ArrowSchema* schema = nullptr;
  const ArrowArray* array = nullptr;
  size_t skipped = 0;  // rows of the child before those of the batch

  bool is(std::string_view format) const { return schema->format == format; }
};

Child child(const ArrowSchema& schema, const ArrowArray& batch, std::string_view name) {
  for (int64_t i = 0; i < schema.n_children; ++i) {
    if (schema.children[i]->name == name) {
      return {schema.children[i], batch.children[i], static_cast<size_t>(batch.offset)};
    }
  }
  return {};
}

const uint8_t* validity(const ArrowArray& array) {
  return static_cast<const uint8_t*>(array.null_count == 0 ? nullptr : array.buffers[0]);
}

template <class T>
NumberView<T> numbers(const Child& from) {
  return {validity(*from.array), static_cast<const T*>(from.array->buffers[1]),
          from.skipped + static_cast<size_t>(from.array->offset)};
}

BinaryView binary(const Child& from, int64_t size) {
  const ArrowArray& array = *from.array;
  return {validity(array), static_cast<const int32_t*>(array.buffers[1]),
          static_cast<const uint8_t*>(array.buffers[2]),
          from.skipped + static_cast<size_t>(array.offset), static_cast<size_t>(size)};
}

// Whether every code of a valid row is that of one of the values: they come from outside.
bool codes_are_good(const LabelView& labels, size_t rows) {
  for (size_t i = 0; i < rows; ++i) {
    if (labels.valid(i) && static_cast<size_t>(labels.codes[i]) >= labels.values.size()) {
      return false;
    }
  }
  return true;
}

const char* read_labels(const Child& from, std::string_view format, size_t rows,
                        LabelView& labels) {
  if (!from.is("i") || from.schema->dictionary == nullptr ||
      from.schema->dictionary->format != format) {
    return "tag and metadata have to be dictionaries: of int32 to utf8, and to binary";
  }
  labels.codes = numbers<int32_t>(from);
  labels.values =
      binary({from.schema->dictionary, from.array->dictionary, 0}, from.array->dictionary->length);
  return codes_are_good(labels, rows) ? nullptr : "a code that no value belongs to";
}

}  // namespace

const char* rows_of(const ArrowSchema& schema, const ArrowArray& batch, EventRows& rows) {
  if (std::string_view(schema.format) != "+s") return "not a record batch";
  rows.size = static_cast<size_t>(batch.length);
  if (rows.size == 0) return nullptr;
  const Child tag = child(schema, batch, "tag");
  const Child step = child(schema, batch, "step");
  const Child wall_time = child(schema, batch, "wall_time");
  const Child number = child(schema, batch, "number");
  const Child member = child(schema, batch, "member");
  const Child payload = child(schema, batch, "payload");
  const Child metadata = child(schema, batch, "metadata");
  if (tag.array == nullptr || step.array == nullptr || wall_time.array == nullptr ||
      (member.array == nullptr && number.array == nullptr)) {
    return "tag, step, wall_time and member or number are needed";
  }
  if (!step.is("l") || !wall_time.is("g")) return "step has to be int64, wall_time float64";
  rows.step = numbers<int64_t>(step);
  rows.wall_time = numbers<double>(wall_time);
  if (number.array != nullptr) {
    if (!number.is("g")) return "number has to be float64";
    rows.number = numbers<double>(number);
  }
  if (member.array != nullptr) {
    if (!member.is("C")) return "member has to be uint8";
    rows.member = numbers<uint8_t>(member);
  }
  if (payload.array != nullptr) {
    if (!payload.is("z")) return "payload has to be binary";
    rows.payload = binary(payload, batch.length);
  }
  if (metadata.array != nullptr) {
    if (const char* wrong = read_labels(metadata, "z", rows.size, rows.metadata)) return wrong;
  }
  for (size_t i = 0; i < rows.size; ++i) {
    if (!rows.step.valid(i) || !rows.wall_time.valid(i)) return "a row without step or wall_time";
    if (rows.number.valid(i)) continue;
    if (!rows.member.valid(i) || (rows.member[i] & 0x7F) > 15) {
      return "a row without a number needs a member below 16";
    }
  }
  return read_labels(tag, "u", rows.size, rows.tag);
}

}  // namespace tbtools

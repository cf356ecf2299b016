// Walks what the core exports to Arrow as a consumer would, and releases it.
#pragma once

#include <cstring>
#include <memory>

#include "arrow.h"
#include "check.h"

namespace tbtools {

// Reads every byte of a buffer, so that a sanitizer sees one that is too short.
inline void touch(const void* buffer, size_t size) {
  const volatile uint8_t* bytes = static_cast<const uint8_t*>(buffer);
  for (size_t i = 0; i < size; ++i) (void)bytes[i];
}

inline size_t width_of(const char* format) {
  switch (format[0]) {
    case 'c':
      return 1;
    case 'i':
      return 4;
    default:
      return 8;
  }
}

// The validity, values and offsets of one array, by its format.
inline void check_array(const ArrowSchema& schema, const ArrowArray& array) {
  CHECK(schema.release != nullptr && array.release != nullptr && array.offset == 0);
  CHECK(array.length >= 0 && schema.n_children == array.n_children);
  const size_t length = static_cast<size_t>(array.length);
  const auto* validity = static_cast<const uint8_t*>(array.buffers[0]);
  int64_t nulls = 0;
  for (size_t i = 0; validity != nullptr && i < length; ++i) {
    nulls += !(validity[i / 8] >> (i % 8) & 1);
  }
  CHECK(nulls == array.null_count);
  CHECK(nulls == 0 || (schema.flags & ARROW_FLAG_NULLABLE) != 0);
  const char kind = schema.format[0];
  if (std::strcmp(schema.format, "+l") == 0) {
    CHECK(array.n_buffers == 2 && array.n_children == 1);
    const auto* offsets = static_cast<const int32_t*>(array.buffers[1]);
    CHECK(offsets[0] == 0 && offsets[length] == array.children[0]->length);
    for (size_t i = 0; i < length; ++i) CHECK(offsets[i] <= offsets[i + 1]);
    check_array(*schema.children[0], *array.children[0]);
    return;
  }
  if (kind == '+') {
    CHECK(array.n_buffers == 1);
    for (int64_t i = 0; i < array.n_children; ++i) {
      CHECK(array.children[i]->length == array.length);
      check_array(*schema.children[i], *array.children[i]);
    }
    return;
  }
  if (kind == 'u' || kind == 'z') {
    CHECK(array.n_buffers == 3);
    const auto* offsets = static_cast<const int32_t*>(array.buffers[1]);
    CHECK(offsets[0] == 0);
    for (size_t i = 0; i < length; ++i) CHECK(offsets[i] <= offsets[i + 1]);
    touch(array.buffers[2], static_cast<size_t>(offsets[length]));
    return;
  }
  CHECK(array.n_buffers == 2);
  touch(array.buffers[1], length * width_of(schema.format));
  if (array.dictionary == nullptr) return;
  check_array(*schema.dictionary, *array.dictionary);
  for (size_t i = 0; i < length; ++i) {
    if (validity != nullptr && !(validity[i / 8] >> (i % 8) & 1)) continue;
    int32_t index = 0;
    std::memcpy(&index, static_cast<const uint8_t*>(array.buffers[1]) + i * width_of(schema.format),
                width_of(schema.format));
    CHECK(0 <= index && index < array.dictionary->length);
  }
}

// The second time must do nothing.
template <class Struct>
void release_twice(Struct* exported) {
  const auto release = exported->release;
  release(exported);
  CHECK(exported->release == nullptr);
  release(exported);
}

// Exports every part of a batch, checks it, and releases it.
inline void check_export(const std::shared_ptr<const Batch>& batch) {
  for (const Part part : {Part::points, Part::rows, Part::tags, Part::damages}) {
    ArrowSchema schema;
    ArrowArray array;
    export_part(batch, part, &schema, &array);
    check_array(schema, array);
    ArrowArray moved{};
    if (part == Part::rows) {  // a consumer may take a child out and release it alone, and later
      moved = *array.children[0];
      array.children[0]->release = nullptr;
    }
    release_twice(&schema);
    release_twice(&array);
    if (moved.release != nullptr) {
      touch(moved.buffers[1], static_cast<size_t>(moved.length) * 8);
      release_twice(&moved);
    }
  }
  CHECK(batch.use_count() == 1);
}

// An export that is given back when the process ends, after everything that the core might destroy
// then. Static, so that it is made before the core is called.
struct LastExport {
  ArrowSchema schema{};
  ArrowArray array{};

  LastExport() = default;
  LastExport(const LastExport&) = delete;
  LastExport& operator=(const LastExport&) = delete;
  ~LastExport() {
    if (array.release == nullptr) return;
    check_array(schema, array);
    schema.release(&schema);
    array.release(&array);
  }

  void keep(const std::shared_ptr<const Batch>& batch) {
    if (array.release == nullptr) export_part(batch, Part::rows, &schema, &array);
  }
};

// Exports every part and gives it back, wherever memory runs out.
inline void export_all(const std::shared_ptr<const Batch>& batch) {
  for (const Part part : {Part::points, Part::rows, Part::tags, Part::damages}) {
    ArrowSchema schema;
    ArrowArray array;
    export_part(batch, part, &schema, &array);
    schema.release(&schema);
    array.release(&array);
  }
}

}  // namespace tbtools

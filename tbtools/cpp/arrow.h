// Columns → the Arrow C data interface.
// Source of the structs: arrow.apache.org/docs/format/CDataInterface.html.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "scan.h"

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
  const char* format;
  const char* name;
  const char* metadata;
  int64_t flags;
  int64_t n_children;
  struct ArrowSchema** children;
  struct ArrowSchema* dictionary;
  void (*release)(struct ArrowSchema*);
  void* private_data;
};

struct ArrowArray {
  int64_t length;
  int64_t null_count;
  int64_t offset;
  int64_t n_buffers;
  int64_t n_children;
  const void** buffers;
  struct ArrowArray** children;
  struct ArrowArray* dictionary;
  void (*release)(struct ArrowArray*);
  void* private_data;
};

#endif  // ARROW_C_DATA_INTERFACE

namespace tbtools {

// What of a batch is exported: each is a struct array, which Arrow takes for a record batch.
enum class Part {
  points,  // tag, step, wall_time, value, and offset if it was asked for
  rows,    // offset, tag, step, wall_time, field, metadata, value, payload, points_before
  tags,    // tag, metadata: the first SummaryMetadata of each tag
};

// Fills both structs. They share the batch's memory and keep it alive; to release them is
// idempotent and needs no lock of Python's.
void export_part(const std::shared_ptr<const Batch>& batch, Part part, ArrowSchema* schema,
                 ArrowArray* array);

}  // namespace tbtools

// Columns → the Arrow C data interface.
// Source of the structs: arrow.apache.org/docs/format/CDataInterface.html.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "histograms.h"
#include "scan.h"
#include "string_tensors.h"

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

// An array as Arrow sees it, with what it consists of. It borrows the memory of columns.
struct Node {
  const char* format;
  const char* name = "";
  bool nullable = false;
  int64_t length = 0;
  int64_t nulls = 0;
  std::vector<const void*> buffers = {};
  std::vector<Node> children = {};              // of a list or struct; of any other, its dictionary
  std::shared_ptr<const void> owner = nullptr;  // if it is not the one of the whole table
};

// What of a batch is exported.
enum class Part {
  points,  // tag, step, wall_time, value, and offset if it was asked for
  rows,    // offset, tag, step, wall_time, field, metadata, value, payload, points_before
  tags,    // tag, metadata: the first SummaryMetadata of each tag
  damages,  // offset, size, kind
};

// Each is a struct array, which Arrow takes for a record batch.
Node table_of(const Batch& batch, Part part);
Node table_of(const Group& group, Part part);  // the same of points, rows and tags, behind `file`
Node table_of(const Histograms& histograms);  // refused, buckets; of legacy ones the statistics
Node table_of(const StringTensors& tensors);  // refused, shape, strings

// Fills both structs. They share the memory that the table borrows and keep its owner alive; to
// release them is idempotent and needs no lock of Python's. Throws nothing but std::bad_alloc; then
// neither is filled.
void export_table(const Node& table, const std::shared_ptr<const void>& owner, ArrowSchema* schema,
                  ArrowArray* array);

inline void export_part(const std::shared_ptr<const Batch>& batch, Part part, ArrowSchema* schema,
                        ArrowArray* array) {
  export_table(table_of(*batch, part), batch, schema, array);
}

// What another library exported as an array of binary, format "z": valid until it is released.
BinaryView view_of(const ArrowArray& binary);

}  // namespace tbtools

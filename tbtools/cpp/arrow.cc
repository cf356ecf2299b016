#include "arrow.h"

#include <array>
#include <utility>
#include <vector>

namespace tbtools {
namespace {

// One node of the tree that an export consists of. The tree is built first, as plain values, and
// turned into the two C structs at the end, so that nothing leaks if memory runs out half-way.
struct Node {
  const char* format;
  const char* name = "";
  bool nullable = false;
  int64_t length = 0;
  int64_t nulls = 0;
  std::vector<const void*> buffers = {};
  std::vector<Node> children = {};
};

Node dictionary_values(const char* format, const Strings& values) {
  return {.format = format,
          .length = static_cast<int64_t>(values.size()),
          .buffers = {nullptr, values.offsets(), values.bytes()}};
}

template <class T>
constexpr const char* format_of() {
  if constexpr (std::is_same_v<T, int8_t>) return "c";
  if constexpr (std::is_same_v<T, int32_t>) return "i";
  if constexpr (std::is_same_v<T, int64_t>) return "l";
  if constexpr (std::is_same_v<T, double>) return "g";
}

template <class T>
Node numbers(const char* name, const T* values, size_t size) {
  return {.format = format_of<T>(),
          .name = name,
          .length = static_cast<int64_t>(size),
          .buffers = {nullptr, values}};
}

template <class T>
Node numbers(const char* name, const Column<T>& column) {
  return numbers(name, column.data(), column.size());
}

template <class T>
Node numbers(const char* name, const Nullable<T>& column) {
  return {.format = format_of<T>(),
          .name = name,
          .nullable = true,
          .length = static_cast<int64_t>(column.size()),
          .nulls = column.validity().nulls(),
          .buffers = {column.validity().data(), column.data()}};
}

Node binary(const char* name, const Strings& column) {
  return {.format = "z",
          .name = name,
          .nullable = true,
          .length = static_cast<int64_t>(column.size()),
          .nulls = column.validity().nulls(),
          .buffers = {column.validity().data(), column.offsets(), column.bytes()}};
}

// A node with a single child of this name is dictionary-encoded; Arrow has no other use for one
// here.
Node encoded(Node indices, Node values) {
  indices.children.push_back(std::move(values));
  return indices;
}

const Strings& field_names() {
  static const Strings names = [] {
    Strings all;
    for (const std::string_view name : kFieldNames) {
      all.push({reinterpret_cast<const uint8_t*>(name.data()), name.size()});
    }
    return all;
  }();
  return names;
}

Node record_batch(size_t length, std::vector<Node> columns) {
  return {.format = "+s",
          .length = static_cast<int64_t>(length),
          .buffers = {nullptr},
          .children = std::move(columns)};
}

Node tree_of(const Batch& batch, Part part) {
  const Node tags = dictionary_values("u", batch.tags);
  const Node metadata = dictionary_values("z", batch.metadata);
  switch (part) {
    case Part::points: {
      const Points& points = batch.points;
      std::vector<Node> columns = {encoded(numbers("tag", points.tag(), points.size()), tags),
                                   numbers("step", points.step(), points.size()),
                                   numbers("wall_time", points.wall_time(), points.size()),
                                   numbers("value", points.value(), points.size())};
      if (batch.offsets) columns.push_back(numbers("offset", points.offset()));
      return record_batch(points.size(), std::move(columns));
    }
    case Part::rows: {
      const Rows& rows = batch.rows;
      return record_batch(
          rows.size(),
          {numbers("offset", rows.offset), encoded(numbers("tag", rows.tag), tags),
           numbers("step", rows.step), numbers("wall_time", rows.wall_time),
           encoded(numbers("field", rows.field), dictionary_values("u", field_names())),
           encoded(numbers("metadata", rows.metadata), metadata), numbers("value", rows.value),
           binary("payload", rows.payload), numbers("points_before", rows.points_before)});
    }
    case Part::tags:
      break;
  }
  Node names = tags;
  names.name = "tag";
  return record_batch(
      batch.tags.size(),
      {std::move(names), encoded(numbers("metadata", batch.first_metadata), metadata)});
}

// What the C structs of one node point to; their private_data owns it.
struct SchemaOwner {
  std::vector<ArrowSchema> children;
  std::vector<ArrowSchema*> pointers;
};

struct ArrayOwner {
  std::vector<const void*> buffers;
  std::vector<ArrowArray> children;
  std::vector<ArrowArray*> pointers;
  std::shared_ptr<const Batch> batch;
};

template <class Struct, class Owner>
void release(Struct* self) {
  if (self->release == nullptr) return;
  Owner* owner = static_cast<Owner*>(self->private_data);
  for (Struct& child : owner->children) {
    if (child.release != nullptr) child.release(&child);
  }
  delete owner;
  self->release = nullptr;
}

void fill(const Node& node, ArrowSchema* schema) {
  const bool is_struct = node.format[0] == '+';
  auto owner = std::make_unique<SchemaOwner>();
  owner->children.resize(node.children.size());  // zeroed: release is null until it is filled
  *schema = {.format = node.format,
             .name = node.name,
             .metadata = nullptr,
             .flags = node.nullable ? ARROW_FLAG_NULLABLE : 0,
             .n_children = 0,
             .children = nullptr,
             .dictionary = nullptr,
             .release = nullptr,
             .private_data = nullptr};
  for (ArrowSchema& child : owner->children) owner->pointers.push_back(&child);
  for (size_t i = 0; i < node.children.size(); ++i) fill(node.children[i], &owner->children[i]);
  if (is_struct) {
    schema->n_children = static_cast<int64_t>(owner->children.size());
    schema->children = owner->pointers.data();
  } else if (!owner->children.empty()) {
    schema->dictionary = owner->children.data();
  }
  schema->private_data = owner.release();
  schema->release = release<ArrowSchema, SchemaOwner>;
}

void fill(const Node& node, const std::shared_ptr<const Batch>& batch, ArrowArray* array) {
  const bool is_struct = node.format[0] == '+';
  auto owner = std::make_unique<ArrayOwner>();
  owner->buffers = node.buffers;
  owner->children.resize(node.children.size());
  owner->batch = batch;
  *array = {.length = node.length,
            .null_count = node.nulls,
            .offset = 0,
            .n_buffers = static_cast<int64_t>(owner->buffers.size()),
            .n_children = 0,
            .buffers = owner->buffers.data(),
            .children = nullptr,
            .dictionary = nullptr,
            .release = nullptr,
            .private_data = nullptr};
  for (ArrowArray& child : owner->children) owner->pointers.push_back(&child);
  for (size_t i = 0; i < node.children.size(); ++i) {
    fill(node.children[i], batch, &owner->children[i]);
  }
  if (is_struct) {
    array->n_children = static_cast<int64_t>(owner->children.size());
    array->children = owner->pointers.data();
  } else if (!owner->children.empty()) {
    array->dictionary = owner->children.data();
  }
  array->private_data = owner.release();
  array->release = release<ArrowArray, ArrayOwner>;
}

}  // namespace

void export_part(const std::shared_ptr<const Batch>& batch, Part part, ArrowSchema* schema,
                 ArrowArray* array) {
  const Node tree = tree_of(*batch, part);
  fill(tree, schema);
  fill(tree, batch, array);
}

}  // namespace tbtools

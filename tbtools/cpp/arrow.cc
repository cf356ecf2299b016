#include "arrow.h"

#include <array>
#include <string_view>
#include <utility>

namespace tbtools {
namespace {

Node strings(const char* format, const Strings& values) {
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

Node encoded(Node indices, Node values) {
  indices.children.push_back(std::move(values));
  return indices;
}

template <size_t N>
Strings strings_of(const std::array<std::string_view, N>& texts) {
  Strings all;
  for (const std::string_view text : texts) {
    all.push({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  }
  return all;
}

const Strings& field_names() {
  static const Strings names = strings_of(kFieldNames);
  return names;
}

const Strings& loss_names() {
  static const Strings names = strings_of(kLossNames);
  return names;
}

const Strings& refusals() {
  static const Strings texts = strings_of(kRefusals);
  return texts;
}

Node refused(const Column<int8_t>& codes) {
  return encoded(numbers("refused", codes), strings("u", refusals()));
}

Node named(const char* name, Node node) {
  node.name = name;
  return node;
}

// The names and the nullability of what is nested are those that pyarrow gives a list type.
Node nested(const char* name, Node node) {
  node.nullable = true;
  return named(name, std::move(node));
}

Node lists(const char* name, const Column<int32_t>& offsets, Node items) {
  return {.format = "+l",
          .name = name,
          .length = static_cast<int64_t>(offsets.size() - 1),
          .buffers = {nullptr, offsets.data()},
          .children = {nested("item", std::move(items))}};
}

Node structs(size_t length, std::vector<Node> columns) {
  return {.format = "+s",
          .length = static_cast<int64_t>(length),
          .buffers = {nullptr},
          .children = std::move(columns)};
}

}  // namespace

Node table_of(const Batch& batch, Part part) {
  Node tags = strings("u", batch.tags);
  Node metadata = strings("z", batch.metadata);
  tags.owner = metadata.owner = batch.small;
  switch (part) {
    case Part::points: {
      const Points& points = batch.points;
      std::vector<Node> columns = {encoded(numbers("tag", points.tag(), points.size()), tags),
                                   numbers("step", points.step(), points.size()),
                                   numbers("wall_time", points.wall_time(), points.size()),
                                   numbers("value", points.value(), points.size())};
      if (points.has_offsets()) {
        columns.push_back(numbers("offset", points.offset(), points.size()));
      }
      Node table = structs(points.size(), std::move(columns));
      table.owner = batch.small;
      return table;
    }
    case Part::rows: {
      const Rows& rows = batch.rows;
      return structs(
          rows.size(),
          {numbers("offset", rows.offset), encoded(numbers("tag", rows.tag), tags),
           numbers("step", rows.step), numbers("wall_time", rows.wall_time),
           encoded(numbers("field", rows.field), strings("u", field_names())),
           encoded(numbers("metadata", rows.metadata), metadata), numbers("value", rows.value),
           binary("payload", rows.payload), numbers("points_before", rows.points_before)});
    }
    case Part::damages: {
      const Damages& damages = batch.damages;
      return structs(damages.offset.size(),
                     {numbers("offset", damages.offset), numbers("size", damages.size),
                      encoded(numbers("kind", damages.kind), strings("u", loss_names()))});
    }
    case Part::tags:
      break;
  }
  return structs(batch.told_tags.size(),
                 {encoded(numbers("tag", batch.told_tags), tags),
                  encoded(numbers("metadata", batch.first_metadata), metadata)});
}

Node table_of(const Group& group, Part part) {
  const Column<int32_t>& file = part == Part::points ? group.batch.small->file_of_points
                                : part == Part::rows ? group.file_of_rows
                                                     : group.file_of_told_tags;
  Node table = table_of(group.batch, part);
  table.children.insert(table.children.begin(), numbers("file", file));
  return table;
}

Node table_of(const Histograms& histograms) {
  const Node buckets =
      structs(histograms.left.size(), {nested("left", numbers("", histograms.left)),
                                       nested("right", numbers("", histograms.right)),
                                       nested("count", numbers("", histograms.count))});
  std::vector<Node> columns = {refused(histograms.refused),
                               lists("buckets", histograms.offsets, buckets)};
  for (size_t i = 0; histograms.legacy && i < kStatistics.size(); ++i) {
    columns.push_back(numbers(kStatistics[i], histograms.statistics[i]));
  }
  return structs(histograms.refused.size(), std::move(columns));
}

Node table_of(const StringTensors& tensors) {
  return structs(
      tensors.refused.size(),
      {refused(tensors.refused), lists("shape", tensors.shape_offsets, numbers("", tensors.sizes)),
       lists("strings", tensors.string_offsets,
             strings(tensors.text ? "u" : "z", tensors.strings))});
}

namespace {

// The tree is turned into the two C structs only when it is complete, so that nothing leaks if
// memory runs out half-way. What they point to, their private_data owns.
struct SchemaOwner {
  std::vector<ArrowSchema> children;
  std::vector<ArrowSchema*> pointers;
};

struct ArrayOwner {
  std::vector<const void*> buffers;
  std::vector<ArrowArray> children;
  std::vector<ArrowArray*> pointers;
  std::shared_ptr<const void> table;
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
  const bool is_nested = node.format[0] == '+';
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
  if (is_nested) {
    schema->n_children = static_cast<int64_t>(owner->children.size());
    schema->children = owner->pointers.data();
  } else if (!owner->children.empty()) {
    schema->dictionary = owner->children.data();
  }
  schema->private_data = owner.release();
  schema->release = release<ArrowSchema, SchemaOwner>;
}

void fill(const Node& node, const std::shared_ptr<const void>& table, ArrowArray* array) {
  const bool is_nested = node.format[0] == '+';
  auto owner = std::make_unique<ArrayOwner>();
  owner->buffers = node.buffers;
  owner->children.resize(node.children.size());
  const std::shared_ptr<const void>& keeps = node.owner ? node.owner : table;
  owner->table = keeps;
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
    fill(node.children[i], keeps, &owner->children[i]);
  }
  if (is_nested) {
    array->n_children = static_cast<int64_t>(owner->children.size());
    array->children = owner->pointers.data();
  } else if (!owner->children.empty()) {
    array->dictionary = owner->children.data();
  }
  array->private_data = owner.release();
  array->release = release<ArrowArray, ArrayOwner>;
}

}  // namespace

void export_table(const Node& table, const std::shared_ptr<const void>& owner, ArrowSchema* schema,
                  ArrowArray* array) {
  fill(table, schema);
  fill(table, owner, array);
}

BinaryView view_of(const ArrowArray& binary) {
  return {static_cast<const uint8_t*>(binary.buffers[0]),
          static_cast<const int32_t*>(binary.buffers[1]),
          static_cast<const uint8_t*>(binary.buffers[2]), static_cast<size_t>(binary.offset),
          static_cast<size_t>(binary.length)};
}

}  // namespace tbtools

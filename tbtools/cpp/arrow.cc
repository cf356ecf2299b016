#include "arrow.h"

#include <array>
#include <memory>
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

// Texts as Arrow lays them out. They are made by the compiler, so that they outlive whoever holds
// an array that they are the dictionary of, and no thread ever waits for another to make them.
template <const auto& kTexts>
struct Texts {
  static constexpr size_t kSize = [] {
    size_t size = 0;
    for (const std::string_view text : kTexts) size += text.size();
    return size;
  }();

  static constexpr std::array<int32_t, kTexts.size() + 1> kOffsets = [] {
    std::array<int32_t, kTexts.size() + 1> offsets{};
    for (size_t i = 0; i < kTexts.size(); ++i) {
      offsets[i + 1] = offsets[i] + static_cast<int32_t>(kTexts[i].size());
    }
    return offsets;
  }();

  static constexpr std::array<char, kSize> kBytes = [] {
    std::array<char, kSize> bytes{};
    size_t at = 0;
    for (const std::string_view text : kTexts) {
      for (const char c : text) bytes[at++] = c;
    }
    return bytes;
  }();

  static Node node() {
    return {.format = "u",
            .length = static_cast<int64_t>(kTexts.size()),
            .buffers = {nullptr, kOffsets.data(), kBytes.data()}};
  }
};

Node refused(const Column<int8_t>& codes) {
  return encoded(numbers("refused", codes), Texts<kRefusals>::node());
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
           encoded(numbers("field", rows.field), Texts<kFieldNames>::node()),
           encoded(numbers("metadata", rows.metadata), metadata), numbers("value", rows.value),
           binary("payload", rows.payload), numbers("points_before", rows.points_before)});
    }
    case Part::damages: {
      const Damages& damages = batch.damages;
      return structs(damages.offset.size(),
                     {numbers("offset", damages.offset), numbers("size", damages.size),
                      encoded(numbers("kind", damages.kind), Texts<kLossNames>::node())});
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

// What the two C structs point to, their private_data owns, and with it the children that are
// filled. So nothing leaks if memory runs out half-way.
template <class Struct>
struct Family {
  Family() = default;
  Family(const Family&) = delete;
  Family& operator=(const Family&) = delete;
  ~Family() {
    for (Struct& child : children) {
      if (child.release != nullptr) child.release(&child);
    }
  }

  std::vector<Struct> children;  // zeroed: release is null until one is filled
  std::vector<Struct*> pointers;
};

using SchemaOwner = Family<ArrowSchema>;

struct ArrayOwner : Family<ArrowArray> {
  std::vector<const void*> buffers;
  std::shared_ptr<const void> table;
};

template <class Struct, class Owner>
void release(Struct* self) {
  if (self->release == nullptr) return;
  delete static_cast<Owner*>(self->private_data);
  self->release = nullptr;
}

// Gives the struct its children, which `fill_child` fills, and the owner that holds them.
template <class Struct, class Owner, class FillChild>
void adopt(const Node& node, std::unique_ptr<Owner> owner, Struct* parent, FillChild fill_child) {
  owner->children.resize(node.children.size());
  owner->pointers.reserve(node.children.size());
  for (size_t i = 0; i < node.children.size(); ++i) {
    owner->pointers.push_back(&owner->children[i]);
    fill_child(node.children[i], &owner->children[i]);
  }
  if (node.format[0] == '+') {
    parent->n_children = static_cast<int64_t>(owner->children.size());
    parent->children = owner->pointers.data();
  } else if (!owner->children.empty()) {
    parent->dictionary = owner->children.data();
  }
  parent->private_data = owner.release();
  parent->release = release<Struct, Owner>;
}

void fill(const Node& node, ArrowSchema* schema) {
  *schema = {.format = node.format,
             .name = node.name,
             .metadata = nullptr,
             .flags = node.nullable ? ARROW_FLAG_NULLABLE : 0,
             .n_children = 0,
             .children = nullptr,
             .dictionary = nullptr,
             .release = nullptr,
             .private_data = nullptr};
  adopt(node, std::make_unique<SchemaOwner>(), schema,
        [](const Node& child, ArrowSchema* place) { fill(child, place); });
}

void fill(const Node& node, const std::shared_ptr<const void>& table, ArrowArray* array) {
  auto owner = std::make_unique<ArrayOwner>();
  owner->buffers = node.buffers;
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
  adopt(node, std::move(owner), array,
        [&](const Node& child, ArrowArray* place) { fill(child, keeps, place); });
}

}  // namespace

void export_table(const Node& table, const std::shared_ptr<const void>& owner, ArrowSchema* schema,
                  ArrowArray* array) {
  array->release = nullptr;
  fill(table, schema);
  try {
    fill(table, owner, array);
  } catch (...) {
    schema->release(schema);
    throw;
  }
}

BinaryView view_of(const ArrowArray& binary) {
  return {static_cast<const uint8_t*>(binary.buffers[0]),
          static_cast<const int32_t*>(binary.buffers[1]),
          static_cast<const uint8_t*>(binary.buffers[2]), static_cast<size_t>(binary.offset),
          static_cast<size_t>(binary.length)};
}

}  // namespace tbtools

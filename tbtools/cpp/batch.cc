#include "batch.h"

namespace tbtools {

void Points::reserve(size_t rows) {
  const auto grow = [&](auto& column) {
    column.truncate(size_);
    column.reserve(rows);
  };
  grow(tag_);
  grow(step_);
  grow(wall_time_);
  grow(value_);
  capacity_ = rows;
}

void Rows::truncate(size_t rows) {
  offset.truncate(rows);
  tag.truncate(rows);
  step.truncate(rows);
  wall_time.truncate(rows);
  field.truncate(rows);
  metadata.truncate(rows);
  value.truncate(rows);
  payload.truncate(rows);
  points_before.truncate(rows);
}

}  // namespace tbtools

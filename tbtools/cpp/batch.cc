#include "batch.h"

namespace tbtools {

template <class Each>
void Points::each_column(Each each) {
  if (has_offsets_) each(offset_);
  each(tag_);
  each(step_);
  each(wall_time_);
  each(value_);
}

void Points::reserve(size_t rows) {
  each_column([&](auto& column) {
    column.truncate(size_);
    column.reserve(rows);
  });
  capacity_ = rows;
}

void Points::shrink() {
  each_column([&](auto& column) {
    column.truncate(size_);
    column.shrink();
  });
  capacity_ = size_;
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

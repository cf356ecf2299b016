// What a group of files gives is what each of them gives, and a survey counts all of it.
#pragma once

#include <memory>
#include <vector>

#include "check.h"
#include "reading.h"
#include "scan.h"
#include "survey.h"

namespace tbtools {

inline int64_t counted(const FileSurvey& file) {
  int64_t sum = 0;
  for (const Count& each : file.counts) {
    sum += each.points;
    CHECK(each.points > 0 && each.min_step <= each.max_step);
    if (const auto* const sequences = each.steps.sequences()) {
      int64_t steps = 0;
      for (const auto& sequence : *sequences) steps += sequence.count;
      CHECK(steps == each.points);
    }
  }
  return sum;
}

// Cuts the bytes into files of these sizes, the last of which has what is left.
inline void check_groups(Bytes file, const std::vector<size_t>& sizes, Options options) {
  options.offsets = true;
  std::vector<Extent> extents;
  size_t begin = 0;
  for (const size_t size : sizes) {
    extents.push_back({begin, std::min(size, file.size - begin)});
    begin += extents.back().size;
  }
  extents.push_back({begin, file.size - begin});
  extents.push_back({0, file.size});
  const std::shared_ptr<const Group> group = scan_many(file, extents, options);
  CHECK(group->files.size() == extents.size());
  Survey survey;
  survey.add(*group);
  CHECK(survey.files().size() == extents.size());
  const std::vector<ReadValue> all = values_of(group->batch);
  options.at_end = true;
  options.may_skip = false;
  size_t value = 0;
  FileEnd before;
  for (size_t i = 0; i < extents.size(); ++i) {
    const FileEnd& end = group->files[i];
    // A copy of its own, so that a byte read before or behind it does not go unseen.
    const uint8_t* const data = file.data + extents[i].begin;
    const std::vector<uint8_t> copy(data, data + extents[i].size);
    const auto alone = scan({copy.data(), copy.size()}, 0, options);
    CHECK(end.whole == (alone->stop == Stop::end));
    std::vector<ReadValue> values;
    if (end.whole) {
      values = values_of(*alone);
      CHECK(end.records == alone->records);
    }
    CHECK(end.points - before.points + end.rows - before.rows == values.size());
    for (const ReadValue& each : values) CHECK(each == all[value++]);
    const size_t empty = end.empty_summaries - before.empty_summaries;
    CHECK(counted(survey.files()[i]) == static_cast<int64_t>(values.size() + empty));
    Survey by_window;
    if (end.whole) by_window.add(*alone);
    CHECK(!end.whole || by_window.files()[0].marks.size() == survey.files()[i].marks.size());
    before = end;
  }
  CHECK(value == all.size());
}

}  // namespace tbtools

// What files hold, counted from the columns of their scans: for a pass that keeps no rows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "batch.h"
#include "bytes.h"
#include "event.h"

namespace tbtools {

// The steps of some values as arithmetic sequences, which is what most writers count in: enough to
// tell how many are above a limit.
class Steps {
 public:
  struct Sequence {
    int64_t first;
    int64_t stride;
    int64_t count;
  };

  TBTOOLS_INLINE void add(int64_t step) {
    if (step == due_ && !sequences_.empty()) {
      ++sequences_.back().count;
      due_ += stride_;
    } else {
      add_other(step);
    }
  }

  // Null if there are more sequences than are worth keeping.
  const std::vector<Sequence>* sequences() const { return is_regular_ ? &sequences_ : nullptr; }

 private:
  TBTOOLS_NOINLINE void add_other(int64_t step);

  std::vector<Sequence> sequences_;
  int64_t due_ = 0;  // the step that goes on with the last sequence
  int64_t stride_ = 0;
  bool is_regular_ = true;
};

// The values of a tag in a segment of a file that have one field and name one plugin. "First" and
// "last" are as written. NaN counts as no time unless there is nothing else.
struct Count {
  int32_t segment;  // of the file
  int32_t tag;      // its number in the survey; -1: events without one
  FieldId field;    // simple_value for all that the core reads as a number
  int32_t plugin;   // that the values themselves name, its number in the survey; 0 is none
  bool is_empty_summary = false;
  int64_t points = 0;
  int64_t first_step = 0, last_step = 0, min_step = 0, max_step = 0;
  double first_time = 0, last_time = 0, min_time = 0, max_time = 0;
  Steps steps = {};
  int64_t falls = 0;        // values whose step is less than that of the one before
  uint64_t first_fall = 0;  // offset of the first of them in the file
  int64_t odd_times = 0;    // values whose wall_time is NaN or infinite
  uint64_t first_odd_time = 0;
};

// What TensorBoard may drop something at (tbtools/runs/purging.py).
struct Mark {
  enum class What : uint8_t { version, start, summary };

  What what;
  uint64_t offset;
  int64_t step = 0;
  std::string version = {};
  std::optional<int64_t> before = {};  // the step of the Summary before it in this file
  std::vector<int32_t> tags = {};      // of the summary
};

// What one file holds.
struct FileSurvey {
  std::vector<Count> counts;
  std::vector<uint64_t> starts;  // offsets of STARTs that begin a segment; the first needs none
  // All versions and STARTs, and of the events with a Summary those whose step is less than that of
  // the one before, or which are the first. None of these where a version says that steps are not
  // looked at.
  std::vector<Mark> marks;
  std::optional<int64_t> last_step;  // of an event with a Summary
};

// Surveys files, one after the other. The scans must have offsets, all fields, and the payloads of
// session logs, versions and run metadata (of those a head is enough).
class Survey {
 public:
  Survey();
  Survey(const Survey&) = delete;  // it points to its names
  Survey& operator=(const Survey&) = delete;

  // What follows in the same file, of which there is one so far.
  void add(const Batch& batch);
  // Files that follow.
  void add(const Group& group);

  const std::vector<FileSurvey>& files() const { return files_; }
  const std::string& tag(int32_t number) const { return *tag_names_[static_cast<size_t>(number)]; }
  const std::string& plugin(int32_t number) const {
    return *plugin_names_[static_cast<size_t>(number)];
  }

 private:
  struct Slice {
    size_t point, points;  // begin and end
    size_t row, rows;
    size_t empty, empties;
  };
  struct Key {
    int32_t tag;
    FieldId field;
    int32_t plugin;
    bool operator==(const Key&) const = default;
  };
  struct Hash {
    size_t operator()(const Key& key) const;
  };
  // The numbers that a batch has for names, and those that the survey has; -1: not looked up yet.
  struct Numbers {
    explicit Numbers(const Batch& batch);

    const Batch& batch;
    std::vector<int32_t> tags;
    std::vector<int32_t> plugins;  // by metadata
  };
  // The entry of a tag's points in the segment that had it last.
  struct Latest {
    int64_t segment = -1;
    size_t count = 0;
    int64_t mark = 0;  // the last that names the tag
  };

  void begin_file();
  void begin_segment();
  void add(Numbers& numbers, Slice slice);
  void add_points(Numbers& numbers, size_t begin, size_t end);
  void add_row(Numbers& numbers, size_t row);
  void add_empty(const EmptySummary& empty);
  void note(uint64_t offset, int64_t step, int32_t tag);
  Count& points_of(int32_t tag);
  Count& count_of(Key key, bool is_empty_summary = false);
  int32_t tag_of(Numbers& numbers, int32_t tag);
  int32_t tag_of(Bytes name);
  int32_t plugin_of(Numbers& numbers, int32_t metadata);
  int32_t plugin_of(const std::string& name);

  std::vector<FileSurvey> files_;
  std::unordered_map<std::string, int32_t> tags_;
  std::vector<const std::string*> tag_names_;
  std::unordered_map<std::string, int32_t> plugins_;
  std::vector<const std::string*> plugin_names_;
  std::vector<Latest> points_;  // by tag
  std::unordered_map<Key, size_t, Hash> others_;  // of the segment
  Latest latest_;  // the entry that others_ was asked for last
  Key latest_key_ = {};
  int64_t segment_ = -1;        // of all files
  int64_t values_ = 0;          // of the segment
  bool looks_at_steps_ = true;  // as far as versions say that are surely understood here
  int64_t marks_ = 0;           // of summaries
  bool is_marked_ = false;      // the event of this offset:
  uint64_t event_ = UINT64_MAX;
};

}  // namespace tbtools

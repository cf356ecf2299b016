// Records of event files, edited on the wire level: what is not edited is copied byte for byte, so
// that unknown fields, the order of fields and unusual encodings survive.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bytes.h"
#include "event.h"

namespace tbtools {

using Buffer = std::vector<uint8_t>;

// What becomes of the values of one tag.
struct TagPlan {
  std::string name;           // its new tag
  bool is_renamed = false;
  bool is_kept = true;
  bool is_whole = false;      // of the run as a whole, whatever their steps, times and the limit
  uint32_t lane = 0;          // which of the outputs they go to
  std::optional<int64_t> limit;  // they stay only below this step
  // Where `is_kept` is not true of all of them: what is true of those of a field and own plugin.
  std::vector<std::pair<std::pair<FieldId, std::string>, bool>> exceptions;

  // The first metadata that was read of it, and whether a value that stays in the present file
  // has any.
  std::string metadata;
  bool has_metadata = false;
  bool is_told = false;
};

// What becomes of events. Ranges are of steps and times that were read, and are asked for where
// there is a Summary, a message, a session or run metadata, whose steps change, too: a step becomes floor(step * multiplier / divisor) + shift,
// the multiplier and the divisor being positive and below 2^31.
struct EventPlan {
  std::optional<int64_t> first_step, end_step;  // half-open, as the times
  std::optional<double> first_time, end_time;
  int64_t multiplier = 1, divisor = 1, shift = 0;
  double time_shift = 0;
  uint32_t asked = 0;  // a mask of bit(FieldId): events of these fields stop the rewriting
};

enum class RewriteStop : uint8_t {
  end,       // of the window
  asked,     // the record at `offset` is one that is asked about
  unknown,   // the record at `offset` has a tag of which there is no plan
  overflow,  // the new step of the record at `offset` does not fit
  broken,    // at `offset` is no record, or no event
  full,      // what stays has as many bytes as were asked for; `offset` is behind them
};

struct Rewritten {
  RewriteStop stop = RewriteStop::end;
  size_t offset = 0;  // in the window
  bool is_changed = false;  // else the window up to the offset is what stays, and no lane has any
  std::vector<std::pair<uint32_t, Buffer>> lanes;
};

struct RewriteCounts {
  uint64_t events = 0;  // that stay, of which `changed` are not what they were
  uint64_t changed = 0;
  uint64_t dropped_events = 0;
  uint64_t values = 0;  // that stay
  uint64_t dropped_values = 0;
};

class Rewriter {
 public:
  EventPlan plan;

  void set_tag(const std::string& tag, TagPlan plan);
  // False if there is no such tag.
  bool set_limit(const std::string& tag, std::optional<int64_t> limit);
  // What follows goes to other files, in which no tag has told its metadata.
  void begin_files();
  const RewriteCounts& counts() const { return counts_; }

  // Rewrites the records of window[begin:], which must be whole and good, until `most` bytes stay.
  // With `answered`, the first one is not asked about again.
  Rewritten run(Bytes window, size_t begin, bool answered, size_t most);

 private:
  // Of values that follow each other: a record may hold millions, of a few bytes each.
  struct Fate {
    const TagPlan* tag;
    bool is_kept;
    bool needs_metadata;
    uint64_t count;
  };
  // Which of them comes next.
  struct Place {
    size_t fate = 0;
    uint64_t passed = 0;
  };

  std::optional<RewriteStop> edit(Bytes payload, bool answered);
  std::optional<RewriteStop> judge(Bytes summary);
  bool is_kept(const TagPlan& tag, const Value& value) const;
  bool is_in_range() const;
  bool step_of(int64_t& step) const;
  void write(Bytes payload, uint32_t lane, Buffer& out);
  void write_summary(Bytes summary, uint32_t lane, Place& next, Buffer& out);
  const Fate& take(Place& next) const;
  void write_value(Bytes value, const Fate& fate);

  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, TagPlan, Hash, std::equal_to<>> tags_;
  RewriteCounts counts_;
  // Of the present event.
  Event event_;
  Value value_;
  bool is_dated_ = false;
  int64_t step_ = 0;
  std::vector<Fate> fates_;  // of its values, in their order
  std::vector<uint32_t> lanes_;
  Buffer scratch_, summary_, one_;
};

}  // namespace tbtools

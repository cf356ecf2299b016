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
#include "column.h"
#include "event.h"
#include "plain_event.h"

namespace tbtools {

using Buffer = Column<uint8_t>;

// What becomes of the values of one tag.
struct TagPlan {
  std::string name;  // its new tag
  bool is_renamed = false;
  bool is_kept = true;
  bool is_whole = false;         // of the run as a whole, whatever their steps, times and the limit
  uint32_t lane = 0;             // which of the outputs they go to
  std::optional<int64_t> limit;  // they stay only below this step
  // Where `is_kept` is not true of all of them: what is true of those of a field and own plugin.
  std::vector<std::pair<std::pair<FieldId, std::string>, bool>> exceptions;

  // The tag that came behind it the last time, which is the one that does so most often.
  std::pair<const std::string, TagPlan>* follower = nullptr;
  // The first metadata that was read of it, and whether a value that stays in the present file
  // has any.
  std::string metadata;
  bool has_metadata = false;
  bool is_told = false;
};

// What becomes of events. Ranges are of steps and times that were read, and are asked for where
// there is a Summary, a message, a session or run metadata, whose steps change, too: a step becomes
// floor(step * multiplier / divisor) + shift,
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
  size_t offset = 0;        // in the window
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

  // What becomes of a PlainEvent is what the long way would make of it.
  bool edit_plain(Bytes payload, PlainEvent& plain);
  void write_plain(Bytes payload, const PlainEvent& plain, Buffer& out) const;
  TagPlan* find(Bytes tag);
  static Bytes bytes_of(const std::string& text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
  }
  std::optional<RewriteStop> edit(Bytes payload, bool answered);
  std::optional<RewriteStop> judge(Bytes summary);
  bool is_in_messages(Bytes payload) const;
  bool is_kept(const TagPlan& tag, const Value& value) const;
  bool is_in_range(int64_t step, double time) const;
  bool step_of(int64_t& step) const;
  void write_record(Bytes payload, uint32_t lane, Buffer& out);
  template <class Sink, class Put>
  void put_sized(uint32_t key, Sink& sink, Put put);
  template <class Sink>
  void put_event(Bytes payload, uint32_t lane, Sink& sink);
  template <class Sink>
  void put_summary(Bytes summary, uint32_t lane, Place& next, Sink& sink);
  template <class Sink>
  void put_value(Bytes value, const Fate& fate, Sink& sink);
  const Fate& take(Place& next) const;

  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, TagPlan, Hash, std::equal_to<>> tags_;
  std::pair<const std::string, TagPlan>* last_ = nullptr;  // tag that was looked up
  RewriteCounts counts_;
  // Of the present event.
  Event event_;
  Value value_;
  bool is_dated_ = false;
  int64_t step_ = 0;
  std::vector<Fate> fates_;  // of its values, in their order
  std::vector<uint32_t> lanes_;
  bool is_changed_ = false;
  const TagPlan* plain_ = nullptr;  // of its tag, if it is a PlainEvent
  std::vector<size_t> sizes_;  // of what is put into what encloses it, in the order of their begins
  size_t next_size_ = 0;
};

}  // namespace tbtools

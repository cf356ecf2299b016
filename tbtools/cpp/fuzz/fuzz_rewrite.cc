// A fuzz target for Rewriter. An input is that of fuzz_scan: two bytes, which say what is changed,
// and a file, all of whose CRCs are made good. What must hold is checked here.
#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "allocations.h"
#include "check.h"
#include "frame.h"
#include "records.h"
#include "rewrite.h"
#include "utf8.h"

namespace tbtools {
namespace {

enum Change : uint8_t {
  kRename = 1,
  kShift = 2,
  kScale = 4,
  kRange = 8,
  kTimes = 16,
  kLanes = 32,
  kLimit = 64,
  kDrop = 128,
};

// The records that scan() would call good, and the tags in them.
struct Good {
  std::vector<uint8_t> bytes;
  std::vector<size_t> ends;
  std::set<std::string> tags;
};

bool note_tags(Bytes payload, std::set<std::string>& tags) {
  Event event;
  if (!parse_event(payload, event)) return false;
  if (!event.is_summary) return true;
  Cursor fields(event.what.bytes());
  while (fields.next()) {
    Value value;
    if (fields.key() != kValueKey) continue;
    if (!parse_value(fields.bytes(), value) || !is_utf8(value.tag)) return false;
    tags.emplace(value.tag.text());
  }
  return fields.ok();
}

// What follows each other whole in a file with good CRCs.
std::vector<Bytes> payloads_of(Bytes file) {
  std::vector<Bytes> found;
  for (size_t at = 0; file.size - at >= kHeaderSize + kFooterSize;) {
    const auto length = static_cast<size_t>(load<uint64_t>(file.data + at));
    found.push_back({file.data + at + kHeaderSize, length});
    at += kHeaderSize + length + kFooterSize;
  }
  return found;
}

Good good_of(Bytes file) {
  Good good;
  for (const Bytes payload : payloads_of(file)) {
    if (!note_tags(payload, good.tags)) continue;
    append_record(good.bytes, payload, {});
    good.ends.push_back(good.bytes.size());
  }
  return good;
}

// With `long_way`, no event is taken for plain: a tag with exceptions never is.
Rewriter rewriter_of(const Good& good, uint8_t changes, bool long_way) {
  Rewriter rewriter;
  if (changes & kShift) rewriter.plan.shift = 1000;
  if (changes & kScale) rewriter.plan.multiplier = 3, rewriter.plan.divisor = 7;
  if (changes & kRange) rewriter.plan.first_step = 1, rewriter.plan.end_step = 1 << 20;
  if (changes & kTimes) rewriter.plan.time_shift = 0.5, rewriter.plan.first_time = 1.0;
  uint32_t number = 0;
  for (const std::string& tag : good.tags) {
    TagPlan plan;
    plan.name = changes & kRename ? "renamed/" + std::to_string(number) : tag;
    plan.is_renamed = plan.name != tag;
    plan.is_kept = !(changes & kDrop) || number % 2 == 0;
    plan.lane = changes & kLanes ? number % 3 : 0;
    if (changes & kLimit) plan.limit = 100;
    if (long_way) plan.exceptions.push_back({{FieldId::none, "no plugin is called so"}, true});
    rewriter.set_tag(tag, std::move(plan));
    ++number;
  }
  return rewriter;
}

// All that comes out, by lane, and why it stopped. With `cut`, a call per record.
struct Outcome {
  std::vector<std::vector<uint8_t>> lanes{3};
  RewriteStop stop = RewriteStop::end;
  RewriteCounts counts;
};

Outcome outcome_of(Rewriter rewriter, const Good& good, bool cut) {
  Outcome found;
  size_t begin = 0;
  std::vector<size_t> ends = cut ? good.ends : std::vector<size_t>{good.bytes.size()};
  for (const size_t end : ends) {
    const Bytes window{good.bytes.data() + begin, end - begin};
    const Rewritten made = rewriter.run(window, 0, false, SIZE_MAX);
    CHECK(made.offset <= window.size && (made.is_changed || made.lanes.empty()));
    if (!made.is_changed) {
      found.lanes[0].insert(found.lanes[0].end(), window.data, window.data + made.offset);
    }
    for (const auto& [lane, records] : made.lanes) {
      found.lanes[lane].insert(found.lanes[lane].end(), records.data(),
                               records.data() + records.size());
    }
    found.stop = made.stop;
    if (made.stop != RewriteStop::end) break;
    CHECK(made.offset == window.size);
    begin = end;
  }
  found.counts = rewriter.counts();
  return found;
}

void check_same(const Outcome& a, const Outcome& b) {
  CHECK(a.stop == b.stop && a.lanes == b.lanes);
  CHECK(a.counts.events == b.counts.events && a.counts.changed == b.counts.changed);
  CHECK(a.counts.values == b.counts.values);
}

void check_records(const std::vector<uint8_t>& bytes, size_t& records) {
  const Crc32c& crc = portable_crc32c();
  for (size_t at = 0; at < bytes.size();) {
    CHECK(bytes.size() - at >= kHeaderSize + kFooterSize);
    const std::optional<uint64_t> length = read_header(crc, bytes.data() + at);
    CHECK(length && *length <= bytes.size() - at - kHeaderSize - kFooterSize);
    const Bytes payload{bytes.data() + at + kHeaderSize, static_cast<size_t>(*length)};
    CHECK(mask(crc.of(payload.data, payload.size)) == load<uint32_t>(payload.end()));
    std::set<std::string> tags;
    CHECK(note_tags(payload, tags));
    at += kHeaderSize + payload.size + kFooterSize;
    ++records;
  }
}

void run(const uint8_t* data, size_t size) {
  if (size < 2) return;
  std::vector<uint8_t> file(data + 2, data + size);
  fix_checksums(file);
  const Good good = good_of({file.data(), file.size()});
  const uint8_t changes = data[1];

  const Outcome nothing = outcome_of(rewriter_of(good, 0, false), good, false);
  CHECK(nothing.stop == RewriteStop::end && nothing.counts.changed == 0);
  CHECK(nothing.lanes[0] == good.bytes && nothing.counts.events == good.ends.size());

  const Outcome outcome = outcome_of(rewriter_of(good, changes, false), good, false);
  check_same(outcome, outcome_of(rewriter_of(good, changes, true), good, false));
  check_same(outcome, outcome_of(rewriter_of(good, changes, false), good, true));
  CHECK(outcome.stop == RewriteStop::end || outcome.stop == RewriteStop::overflow);
  size_t records = 0;
  for (const auto& lane : outcome.lanes) check_records(lane, records);
  CHECK(records == outcome.counts.events);
  check_allocations(size, [&] { outcome_of(rewriter_of(good, changes, false), good, false); });
}

}  // namespace
}  // namespace tbtools

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tbtools::run(data, size);
  return 0;
}

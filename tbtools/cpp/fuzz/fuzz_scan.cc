// A fuzz target for scan(). An input is a byte of flags, a byte that says how to cut the file into
// windows, and the file. What must hold is checked here; the sanitizers watch the rest.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "arrow.h"
#include "check_arrow.h"
#include "crc32c.h"
#include "frame.h"
#include "heads.h"
#include "records.h"
#include "scan.h"
#include "utf8.h"
#include "wire.h"

namespace tbtools {
namespace {

enum Flag : uint8_t {
  kFixChecksums = 1,  // else the fuzzer would have to guess CRCs to get behind the framing
  kSelect = 2,        // leave something out, as the window byte says
  kHeads = 4,         // cut strings to their heads
};

// --- reading a whole file ------------------------------------------------------------------------

// A row or point, in a form that can be compared between batches.
struct Value {
  int64_t offset;
  int64_t step;
  uint64_t wall_time;
  int field;  // -1: a point
  std::string tag;
  std::string metadata;
  std::string payload;
  uint64_t value;
  int nulls;  // a bit for each of tag, metadata, payload and value

  bool operator==(const Value&) const = default;
};

struct Damage {
  uint64_t offset;
  uint64_t size;
  Loss kind;

  bool operator==(const Damage&) const = default;
};

Loss loss_of(Stop stop) {
  if (stop == Stop::bad_event) return Loss::bad_event;
  return stop == Stop::bad_data ? Loss::bad_data : Loss::bad_length;
}

struct Reading {
  std::vector<Value> values;
  std::vector<Damage> damages;
  uint64_t records = 0;
  uint64_t pending = 0;

  bool operator==(const Reading&) const = default;
};

template <class Column>
bool is_null(const Column& column, size_t i) {
  const uint8_t* bits = column.validity().data();
  return bits != nullptr && (bits[i / 8] >> (i % 8) & 1) == 0;
}

uint64_t bits_of(double value) { return value != value ? 1 : std::bit_cast<uint64_t>(value); }

void append_points(const Batch& batch, size_t begin, size_t end, std::vector<Value>& values) {
  const Points& points = batch.points;
  for (size_t i = begin; i < end; ++i) {
    const size_t tag = static_cast<size_t>(points.tag()[i]);
    CHECK(tag < batch.tags.size());
    values.push_back({points.offset()[i], points.step()[i], bits_of(points.wall_time()[i]), -1,
                      std::string(batch.tags[tag].text()), "", "", bits_of(points.value()[i]), 0});
  }
}

// Points and rows in the order of the file.
void append_values(const Batch& batch, std::vector<Value>& values) {
  const Rows& rows = batch.rows;
  size_t points = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const size_t before = static_cast<size_t>(rows.points_before[i]);
    CHECK(points <= before && before <= batch.points.size());
    append_points(batch, points, before, values);
    points = before;
    const bool no_tag = is_null(rows.tag, i);
    const bool no_metadata = is_null(rows.metadata, i);
    const size_t tag = static_cast<size_t>(rows.tag.data()[i]);
    const size_t metadata = static_cast<size_t>(rows.metadata.data()[i]);
    CHECK(no_tag || tag < batch.tags.size());
    CHECK(no_metadata || metadata < batch.metadata.size());
    values.push_back(
        {rows.offset[i], rows.step[i], bits_of(rows.wall_time[i]), rows.field[i],
         std::string(no_tag ? "" : batch.tags[tag].text()),
         std::string(no_metadata ? "" : batch.metadata[metadata].text()),
         std::string(rows.payload[i].text()), bits_of(rows.value.data()[i]),
         no_tag | no_metadata << 1 | is_null(rows.payload, i) << 2 | is_null(rows.value, i) << 3});
  }
  append_points(batch, points, batch.points.size(), values);
}

// What must be true of any batch.
void check(const Batch& batch, Bytes window, size_t begin, const Options& options) {
  const uint64_t from = options.position + begin;
  const uint64_t end = options.position + window.size;
  CHECK(from <= batch.offset && batch.offset <= end);
  CHECK(batch.stop == Stop::lost || (from <= batch.found && batch.found <= batch.offset));
  CHECK(batch.stop == Stop::cut || batch.stop == Stop::full || batch.skip_to > batch.offset ||
        (batch.stop == Stop::end && batch.offset == end) ||
        (batch.stop == Stop::lost && window.size - begin < kHeaderSize));
  CHECK((batch.stop == Stop::cut) == (batch.need > 0));
  CHECK(batch.stop != Stop::cut || batch.need > end - batch.offset);
  CHECK((batch.stop == Stop::unwanted) == (batch.unread > 0));
  CHECK(batch.stop != Stop::unwanted || batch.skip_to == batch.offset + batch.unread);
  CHECK(batch.framed || batch.stop == Stop::bad_data || batch.stop == Stop::bad_length);
  CHECK(batch.stop == Stop::lost || !batch.lost);
  CHECK(options.salvage || (!batch.lost && batch.damages.bytes == 0));
  CHECK(batch.resume == 0 || batch.stop == Stop::full);
  uint64_t damaged = 0;
  uint64_t behind = from;
  for (size_t i = 0; i < batch.damages.offset.size(); ++i) {
    const uint64_t offset = static_cast<uint64_t>(batch.damages.offset[i]);
    CHECK(behind <= offset && batch.damages.size[i] > 0);
    behind = offset + static_cast<uint64_t>(batch.damages.size[i]);
    damaged += static_cast<uint64_t>(batch.damages.size[i]);
  }
  CHECK(behind <= end && damaged == batch.damages.bytes);
  CHECK(batch.points.has_offsets() == options.offsets);
  CHECK(batch.first_metadata.size() == batch.tags.size());
  for (size_t i = 0; i < batch.tags.size(); ++i) CHECK(is_utf8(batch.tags[i]));
}

class NameLists {
 public:
  // Keeps the first metadata of each tag that names a plugin, as tbtools/events.py does.
  void note(const Batch& batch) {
    for (size_t i = 0; i < batch.tags.size(); ++i) {
      if (is_null(batch.first_metadata, i)) continue;
      const Bytes metadata = batch.metadata[static_cast<size_t>(batch.first_metadata.data()[i])];
      const std::string plugin = plugin_name_of(metadata);
      const std::string tag(batch.tags[i].text());
      if (plugin.empty() || std::find(declared_.begin(), declared_.end(), tag) != declared_.end()) {
        continue;
      }
      declared_.push_back(tag);
      if (plugin == "scalars") scalars_.push_back(tag);
    }
  }

  NameSet declared() const { return NameSet(declared_); }
  NameSet scalars() const { return NameSet(scalars_); }

 private:
  std::vector<std::string> declared_;
  std::vector<std::string> scalars_;
};

// Reads a file to its end in windows of these sizes, in turn, with the policy of
// tbtools/events.py: every stretch that is damaged is skipped.
Reading read(Bytes file, const std::vector<size_t>& sizes, Options options) {
  Reading reading;
  NameLists names;
  options.offsets = true;
  uint64_t at = 0;
  uint64_t need = 0;
  std::optional<std::pair<uint64_t, Loss>> lost;
  for (size_t turn = 0;; ++turn) {
    CHECK(turn <= 4 * file.size + 4);  // else it does not get on
    const uint64_t size = std::min<uint64_t>(
        std::max<uint64_t>({sizes[turn % sizes.size()], need, kHeaderSize}), file.size - at);
    // A copy of its own, so that a byte read before or behind it does not go unseen.
    const std::vector<uint8_t> copy(file.data + at, file.data + at + size);
    const Bytes window{copy.data(), copy.size()};
    const NameSet declared = names.declared();
    const NameSet scalars = names.scalars();
    options.position = at;
    options.at_end = at + size == file.size;
    options.search = lost.has_value();
    options.declared = &declared;
    options.scalars = &scalars;
    const std::shared_ptr<const Batch> batch = scan(window, 0, options);
    check(*batch, window, 0, options);
    if (turn == 0) check_export(batch);
    append_values(*batch, reading.values);
    names.note(*batch);
    reading.records += batch->records;
    if (lost && (batch->stop != Stop::lost || batch->lost)) {
      reading.damages.push_back({lost->first, batch->found - lost->first, lost->second});
      lost.reset();
    }
    const Damages& damages = batch->damages;
    for (size_t i = 0; i < damages.offset.size(); ++i) {
      reading.damages.push_back({static_cast<uint64_t>(damages.offset[i]),
                                 static_cast<uint64_t>(damages.size[i]),
                                 static_cast<Loss>(damages.kind[i])});
    }
    need = 0;
    switch (batch->stop) {
      case Stop::end:
      case Stop::full:
        at = batch->offset;
        if (at == file.size) return reading;
        break;
      case Stop::unwanted:
        at = batch->skip_to;
        if (at > file.size) return reading;
        break;
      case Stop::lost:
        if (batch->lost) lost.emplace(batch->offset, *batch->lost);
        at = batch->skip_to;
        if (!options.at_end) break;
        if (lost->second == Loss::torn) {
          reading.pending = file.size - lost->first;
        } else {
          reading.damages.push_back({lost->first, file.size - lost->first, lost->second});
        }
        return reading;
      case Stop::cut:
        at = batch->offset;
        if (!options.at_end) {
          need = batch->need;
          break;
        }
        if (file.size - at < kHeaderSize) {
          reading.pending = file.size - at;
          return reading;
        }
        lost.emplace(at, Loss::torn);
        at += kHeaderSize;
        break;
      case Stop::bad_data:
      case Stop::bad_event:
      case Stop::bad_length:
        at = batch->skip_to;
        if (batch->framed) {
          reading.damages.push_back({batch->offset, at - batch->offset, loss_of(batch->stop)});
        } else {
          lost.emplace(batch->offset, loss_of(batch->stop));
        }
    }
  }
}

// --- what must hold ------------------------------------------------------------------------------

std::vector<size_t> window_sizes(uint8_t seed) {
  std::vector<size_t> sizes;
  uint32_t state = seed + 1u;
  for (int i = 0; i < 5; ++i) {
    state = state * 1664525u + 1013904223u;
    sizes.push_back(kHeaderSize + (state >> 24) * (i + 1));
  }
  return sizes;
}

// An event with an unknown field at its end is the same event, but none that the fast path takes:
// both ways through the core must read the same.
void check_fast_path(Bytes file, const Reading& reading) {
  static const uint8_t kUnknown[] = {0x7A, 0x00};  // field 15, no bytes
  std::vector<uint8_t> plain;
  std::vector<uint8_t> longer;
  for (size_t at = 0, number = 0; number < reading.records;) {
    const std::optional<uint64_t> length = read_header(portable_crc32c(), file.data + at);
    if (!length) return;  // damaged in front of its last good record
    const Bytes payload{file.data + at + kHeaderSize, static_cast<size_t>(*length)};
    at += kHeaderSize + payload.size + kFooterSize;
    if (at > file.size) return;
    std::vector<uint8_t> alone;
    append_record(alone, payload, {});
    if (scan({alone.data(), alone.size()}, 0, {})->records == 0) continue;
    ++number;
    append_record(plain, payload, {});
    append_record(longer, payload, {kUnknown, sizeof kUnknown});
  }
  const Reading fast = read({plain.data(), plain.size()}, {SIZE_MAX}, {});
  const Reading slow = read({longer.data(), longer.size()}, {SIZE_MAX}, {});
  CHECK(fast.records == slow.records && fast.values.size() == slow.values.size());
  for (size_t i = 0; i < fast.values.size(); ++i) {
    Value value = slow.values[i];
    value.offset = fast.values[i].offset;
    if (value.field == static_cast<int>(FieldId::none) && (value.nulls & 1) != 0) {
      value.payload.resize(value.payload.size() - sizeof kUnknown);  // the event itself
    }
    CHECK(value == fast.values[i]);
  }
}

// A head is the same message but for strings that are cut.
void check_head(Bytes whole, Bytes head) {
  CHECK(head.size <= whole.size);
  if (head == whole) return;
  Cursor fields(whole);
  Cursor cut(head);
  while (fields.next()) {
    CHECK(cut.next() && cut.key() == fields.key());
    if ((fields.key() & 7) != static_cast<uint32_t>(Wire::bytes)) {
      CHECK(cut.number() == fields.number());
      continue;
    }
    const std::string_view string = fields.bytes().text();
    CHECK(string.starts_with(cut.bytes().text()));
    CHECK(cut.bytes().size == string.size() || cut.bytes().size == head_size(fields.bytes()));
  }
  CHECK(fields.ok() && !cut.next() && cut.ok());
}

void check_heads(Bytes file, const Reading& whole, Options options) {
  const NameSet plugins({"images", "audio", "text", "scalars"});
  options.heads = bit(FieldId::image) | bit(FieldId::audio);
  options.head_plugins = &plugins;
  Reading heads = read(file, {SIZE_MAX}, options);
  CHECK(heads.values.size() == whole.values.size());
  for (size_t i = 0; i < heads.values.size(); ++i) {
    const std::string& text = whole.values[i].payload;
    std::string& head = heads.values[i].payload;
    check_head({reinterpret_cast<const uint8_t*>(text.data()), text.size()},
               {reinterpret_cast<const uint8_t*>(head.data()), head.size()});
    head = text;
  }
  CHECK(heads == whole);
}

void run(const uint8_t* data, size_t size) {
  if (size < 2) return;
  const uint8_t flags = data[0];
  const uint8_t seed = data[1];
  std::vector<uint8_t> copy(data + 2, data + size);
  if (flags & kFixChecksums) fix_checksums(copy);
  const Bytes file{copy.data(), copy.size()};
  const NameSet skip({"a", "loss", ""});
  const NameSet plugins({"scalars", "text"});
  Options options;
  if (flags & kSelect) {
    options.fields = seed & 1 ? kAllFields : bit(FieldId::simple_value) | bit(FieldId::tensor);
    options.payloads = seed & 2 ? kAllFields : bit(FieldId::image);
    options.largest = seed & 4 ? SIZE_MAX : seed;
    options.skip = seed & 8 ? nullptr : &skip;
    options.plugins = seed & 16 ? nullptr : &plugins;
    read(file, window_sizes(seed), options);
    options.may_skip = false;  // what is not read may not be compared
  }
  const Reading whole = read(file, {SIZE_MAX}, options);
  CHECK(whole == read(file, window_sizes(seed), options));
  CHECK(walk(file) <= whole.records + whole.damages.size());
  // The core steps over damage by itself as it does when its caller goes on.
  Options salvage = options;
  salvage.salvage = true;
  CHECK(whole == read(file, {SIZE_MAX}, salvage));
  CHECK(whole == read(file, window_sizes(seed), salvage));
  // Without the instructions, records are not recognised by their bytes either.
  Options portable = options;
  portable.crc = &portable_crc32c();
  CHECK(whole == read(file, {SIZE_MAX}, portable));
  if (flags & kHeads) check_heads(file, whole, options);
  if ((flags & kFixChecksums) && !(flags & kSelect)) check_fast_path(file, whole);
}

}  // namespace
}  // namespace tbtools

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tbtools::run(data, size);
  return 0;
}

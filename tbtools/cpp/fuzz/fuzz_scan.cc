// A fuzz target for scan(). An input is a byte of flags, a byte that says how to cut the file into
// windows, and the file. What must hold is checked here; the sanitizers watch the rest.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "allocations.h"
#include "check_arrow.h"
#include "check_crc.h"
#include "check_groups.h"
#include "damage_oracle.h"
#include "heads.h"
#include "reading.h"
#include "records.h"
#include "selection.h"
#include "work_budget.h"

namespace tbtools {
namespace {

enum Flag : uint8_t {
  kFixChecksums = 1,  // else the fuzzer would have to guess CRCs to get behind the framing
  kSelect = 2,        // leave something out, as the window byte says
  kHeads = 4,         // cut strings to their heads
};

const Cuts kWhole{{SIZE_MAX}};

LastExport last_export;

std::vector<size_t> window_sizes(uint8_t seed) {
  std::vector<size_t> sizes;
  uint32_t state = seed + 1u;
  for (int i = 0; i < 5; ++i) {
    state = state * 1664525u + 1013904223u;
    sizes.push_back(kHeaderSize + (state >> 24) * (i + 1));
  }
  return sizes;
}

// Reading on where reading stopped gives what reading gives, wherever the file ended meanwhile.
void check_growth(Bytes file, const Reading& whole, const Cuts& cuts, const Options& options) {
  FileReader reader(cuts, options);
  for (size_t i = 0, size = 0; size < file.size; ++i) {
    size = std::min(size + cuts.sizes[i % cuts.sizes.size()], file.size);
    if (size < file.size && size + 64 > file.size) size = file.size - (file.size - size) / 2;
    // What the file was then, and no byte more.
    const std::vector<uint8_t> copy(file.data, file.data + size);
    reader.read_on({copy.data(), copy.size()});
    if (size < file.size && reader.gave_up_torn()) return;
  }
  CHECK(reader.reading() == whole);
}

void check_damage(Bytes file, Reading whole) {
  whole.values.clear();
  CHECK(whole == find_damage(file));
}

// Wherever memory runs out, nothing leaks.
void check_memory(Bytes file, Options options, uint64_t seed) {
  options.salvage = true;
  options.at_end = true;
  check_allocations(seed, [&] { export_all(scan(file, 0, options)); });
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
  const Reading fast = read({plain.data(), plain.size()}, kWhole, {});
  const Reading slow = read({longer.data(), longer.size()}, kWhole, {});
  CHECK(fast.records == slow.records && fast.values.size() == slow.values.size());
  for (size_t i = 0; i < fast.values.size(); ++i) {
    ReadValue value = slow.values[i];
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
  Reading heads = read(file, kWhole, options);
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
  const Cuts cuts{window_sizes(seed), seed % 16u};
  Options options;
  if (flags & kSelect) {
    const Reading everything = read(file, kWhole, options);
    options.fields = seed & 1 ? kAllFields : bit(FieldId::simple_value) | bit(FieldId::tensor);
    options.payloads = seed & 2 ? kAllFields : bit(FieldId::image);
    options.largest = seed & 4 ? SIZE_MAX : seed;
    options.skip = seed & 8 ? nullptr : &skip;
    options.plugins = seed & 16 ? nullptr : &plugins;
    read(file, cuts, options);
    options.may_skip = false;  // what is not read may not be compared
    CHECK(read(file, kWhole, options) == select(file, everything, options));
  }
  const Reading whole = read(file, kWhole, options);
  CHECK(whole == read(file, cuts, options));
  CHECK(walk(file) <= whole.records + whole.damages.size());
  check_damage(file, whole);
  check_growth(file, whole, cuts, options);
  // The core steps over damage by itself as it does when its caller goes on.
  Options salvage = options;
  salvage.salvage = true;
  CHECK(whole == read(file, kWhole, salvage));
  CHECK(whole == read(file, cuts, salvage));
  check_growth(file, whole, cuts, salvage);
  // Without the instructions, records are not recognised by their bytes either.
  Options portable = options;
  portable.crc = &portable_crc32c();
  CHECK(whole == read(file, kWhole, portable));
  check_groups(file, window_sizes(seed), options);
  if (flags & kHeads) check_heads(file, whole, options);
  if ((flags & kFixChecksums) && !(flags & kSelect)) check_fast_path(file, whole);
  options.offsets = true;
  const std::shared_ptr<const Batch> batch = scan(file, 0, options);
  check_export(batch);
  last_export.keep(batch);
  check_memory(file, options, seed);
  check_work(file, options);
  check_crc(file);
}

}  // namespace
}  // namespace tbtools

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tbtools::run(data, size);
  return 0;
}

// A fuzz target for the decoders of payloads. An input is payloads, each behind a byte that is its
// length (255: it is null). What must hold is checked here; the sanitizers watch the rest.
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "allocations.h"
#include "arrow.h"
#include "check_arrow.h"
#include "histograms.h"
#include "string_tensors.h"
#include "utf8.h"
#include "work.h"

namespace tbtools {
namespace {

// Payloads in the layout of Arrow, each also in a block of its own size.
struct Payloads {
  std::vector<uint8_t> bytes;
  std::vector<int32_t> offsets = {0};
  std::vector<uint8_t> validity;

  void push(const uint8_t* data, size_t size, bool valid) {
    const size_t row = offsets.size() - 1;
    if (row % 8 == 0) validity.push_back(0);
    validity[row / 8] = static_cast<uint8_t>(validity[row / 8] | valid << (row % 8));
    bytes.insert(bytes.end(), data, data + size);
    offsets.push_back(static_cast<int32_t>(bytes.size()));
  }

  BinaryView view(size_t begin) const {
    return {validity.data(), offsets.data(), bytes.data(), begin, offsets.size() - 1 - begin};
  }
};

void check_offsets(const Column<int32_t>& offsets, const Column<int8_t>& refused, size_t items) {
  CHECK(offsets.size() == refused.size() + 1);
  CHECK(offsets[0] == 0 && static_cast<size_t>(offsets[refused.size()]) == items);
  for (size_t i = 0; i < refused.size(); ++i) {
    CHECK(offsets[i] <= offsets[i + 1]);
    CHECK(0 <= refused[i] && static_cast<size_t>(refused[i]) < kRefusals.size());
    CHECK(refused[i] == 0 || offsets[i] == offsets[i + 1]);
  }
}

void check(const Histograms& histograms) {
  check_offsets(histograms.offsets, histograms.refused, histograms.left.size());
  CHECK(histograms.right.size() == histograms.left.size());
  CHECK(histograms.count.size() == histograms.left.size());
  for (const Column<double>& each : histograms.statistics) {
    CHECK(each.size() == (histograms.legacy ? histograms.refused.size() : 0));
  }
}

void check(const StringTensors& tensors) {
  check_offsets(tensors.string_offsets, tensors.refused, tensors.strings.size());
  check_offsets(tensors.shape_offsets, tensors.refused, tensors.sizes.size());
  for (size_t i = 0; tensors.text && i < tensors.strings.size(); ++i) {
    CHECK(is_utf8(tensors.strings[i]));
  }
}

// What is read of a payload does not depend on those before it.
template <class Items, class Same>
void check_tail(const Column<int32_t>& all_offsets, const Column<int32_t>& offsets, size_t begin,
                const Items& all, const Items& items, Same same) {
  for (size_t i = 0; i < offsets.size(); ++i) {
    CHECK(all_offsets[begin + i] - all_offsets[begin] == offsets[i]);
  }
  const size_t skipped = static_cast<size_t>(all_offsets[begin]);
  CHECK(all.size() == skipped + items.size());
  for (size_t i = 0; i < items.size(); ++i) CHECK(same(all[skipped + i], items[i]));
}

const auto same_number = [](auto a, auto b) { return std::memcmp(&a, &b, sizeof a) == 0; };

void check_tail(const Histograms& all, const Histograms& tail, size_t begin) {
  check_tail(all.offsets, tail.offsets, begin, all.left, tail.left, same_number);
  check_tail(all.offsets, tail.offsets, begin, all.right, tail.right, same_number);
  check_tail(all.offsets, tail.offsets, begin, all.count, tail.count, same_number);
  for (size_t k = 0; all.legacy && k < all.statistics.size(); ++k) {
    for (size_t i = 0; i < tail.statistics[k].size(); ++i) {
      CHECK(same_number(all.statistics[k][begin + i], tail.statistics[k][i]));
    }
  }
}

void check_tail(const StringTensors& all, const StringTensors& tail, size_t begin) {
  check_tail(all.shape_offsets, tail.shape_offsets, begin, all.sizes, tail.sizes, same_number);
  check_tail(all.string_offsets, tail.string_offsets, begin, all.strings, tail.strings,
             [](Bytes a, Bytes b) { return a == b; });
}

template <class Columns>
void export_once(const std::shared_ptr<const Columns>& columns, int64_t rows) {
  ArrowSchema schema;
  ArrowArray array;
  export_table(table_of(*columns), columns, &schema, &array);
  CHECK(array.length == rows);
  check_array(schema, array);
  release_twice(&schema);
  release_twice(&array);
  CHECK(columns.use_count() == 1);
}

// Every byte of a payload is read, compared and copied a bounded number of times: joined, then put
// into three columns as doubles that may have been floats, or checked to be UTF-8. A row without a
// byte has statistics all the same, and columns double.
constexpr uint64_t kMostWork = 32;  // per byte
constexpr uint64_t kMostWorkOfRow = 128;

template <class Decode>
void check_all(const Payloads& payloads, uint64_t seed, Decode decode) {
  const size_t rows = payloads.offsets.size() - 1;
  const size_t begin = rows / 2;
  const uint64_t before = work_done;
  const auto all = decode(payloads.view(0));
  CHECK(work_done - before <= kMostWork * payloads.bytes.size() + kMostWorkOfRow * (rows + 1));
  const auto tail = decode(payloads.view(begin));
  CHECK(all->refused.size() == rows && tail->refused.size() == rows - begin);
  check(*all);
  check(*tail);
  for (size_t i = begin; i < rows; ++i) CHECK(all->refused[i] == tail->refused[i - begin]);
  check_tail(*all, *tail, begin);
  export_once(all, static_cast<int64_t>(rows));
  export_once(tail, static_cast<int64_t>(rows - begin));
  check_allocations(seed, [&] {
    const auto columns = decode(payloads.view(0));
    ArrowSchema schema;
    ArrowArray array;
    export_table(table_of(*columns), columns, &schema, &array);
    schema.release(&schema);
    array.release(&array);
  });
}

void run(const uint8_t* data, size_t size) {
  Payloads payloads;
  for (size_t at = 0; at < size;) {
    const size_t length = data[at++];
    const size_t left = size - at;
    payloads.push(data + at, length < left ? length : left, length != 255);
    at += length < left ? length : left;
  }
  for (const bool flag : {false, true}) {
    check_all(payloads, size, [&](BinaryView view) { return decode_histograms(view, flag); });
    check_all(payloads, size, [&](BinaryView view) { return decode_strings(view, flag); });
  }
}

}  // namespace
}  // namespace tbtools

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tbtools::run(data, size);
  return 0;
}

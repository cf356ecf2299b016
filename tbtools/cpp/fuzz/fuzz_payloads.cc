// A fuzz target for the decoders of payloads. An input is payloads, each behind a byte that is its
// length (255: it is null). What must hold is checked here; the sanitizers watch the rest.
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "arrow.h"
#include "check_arrow.h"
#include "histograms.h"
#include "string_tensors.h"
#include "utf8.h"

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

template <class Columns>
void check_all(const std::shared_ptr<const Columns>& columns, size_t rows) {
  CHECK(columns->refused.size() == rows);
  check(*columns);
  ArrowSchema schema;
  ArrowArray array;
  export_table(table_of(*columns), columns, &schema, &array);
  CHECK(array.length == static_cast<int64_t>(rows));
  check_array(schema, array);
  release_twice(&schema);
  release_twice(&array);
  CHECK(columns.use_count() == 1);
}

void run(const uint8_t* data, size_t size) {
  Payloads payloads;
  for (size_t at = 0; at < size;) {
    const size_t length = data[at++];
    const size_t left = size - at;
    payloads.push(data + at, length < left ? length : left, length != 255);
    at += length < left ? length : left;
  }
  const size_t rows = payloads.offsets.size() - 1;
  for (const size_t begin : {size_t{0}, rows / 2}) {
    for (const bool flag : {false, true}) {
      check_all(decode_histograms(payloads.view(begin), flag), rows - begin);
      check_all(decode_strings(payloads.view(begin), flag), rows - begin);
    }
  }
}

}  // namespace
}  // namespace tbtools

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tbtools::run(data, size);
  return 0;
}

#include "module_encode.h"

#include <nanobind/stl/vector.h>

#include "encode.h"
#include "encode_rows.h"
#include "merge.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace tbtools {
namespace {

template <class Struct>
const Struct& exported(const nb::object& capsules, int which, const char* name) {
  const nb::object capsule = capsules[which];
  const void* found = PyCapsule_GetPointer(capsule.ptr(), name);
  if (found == nullptr) throw nb::python_error();
  return *static_cast<const Struct*>(found);
}

nb::tuple encode(nb::handle batch, std::vector<int32_t> declared, bool exact, bool repeat) {
  if (!nb::hasattr(batch, "__arrow_c_array__")) throw nb::type_error("not an Arrow record batch");
  const nb::object capsules = batch.attr("__arrow_c_array__")();
  EventRows rows;
  const char* const wrong = rows_of(exported<ArrowSchema>(capsules, 0, "arrow_schema"),
                                    exported<ArrowArray>(capsules, 1, "arrow_array"), rows);
  if (wrong != nullptr) throw nb::value_error(wrong);
  if (rows.size > 0 && declared.size() != rows.tag.values.size()) {
    throw nb::value_error("declared needs a code for each of the tags");
  }
  const Encoded made = [&] {
    nb::gil_scoped_release release;
    return encode_events(rows, declared, {.exact = exact, .repeat = repeat});
  }();
  if (made.too_large) {
    throw nb::value_error("an event of 2 GiB or more, which no record can hold");
  }
  return nb::make_tuple(nb::bytes(made.records.data(), made.records.size()), declared,
                        made.rounded);
}

nb::tuple merge(const std::vector<nb::bytes>& windows, const std::vector<size_t>& begins,
                const std::vector<double>& times, const std::vector<bool>& are_last) {
  const size_t count = windows.size();
  if (begins.size() != count || times.size() != count || are_last.size() != count) {
    throw nb::value_error("begins, times and are_last need an element for each of the windows");
  }
  std::vector<Sequence> sequences;
  for (size_t i = 0; i < count; ++i) {
    const Bytes window{reinterpret_cast<const uint8_t*>(windows[i].c_str()), windows[i].size()};
    if (begins[i] > window.size) throw nb::value_error("begin lies behind the window's end");
    sequences.push_back({window, begins[i], times[i], are_last[i]});
  }
  const Merged merged = [&] {
    nb::gil_scoped_release release;
    return merge_records(sequences);
  }();
  std::vector<size_t> ends;
  std::vector<double> latest;
  for (const Sequence& sequence : sequences) {
    ends.push_back(sequence.begin);
    latest.push_back(sequence.time);
  }
  return nb::make_tuple(nb::bytes(merged.records.data(), merged.records.size()), ends, latest,
                        merged.needs ? nb::cast(*merged.needs) : nb::none());
}

}  // namespace

void bind_encode(nb::module_& m) {
  m.def(
      "encode_events", &encode, "rows"_a, "declared"_a, nb::kw_only(), "exact"_a = false,
      "repeat"_a = false,
      nb::sig("def encode_events(rows: object, declared: Sequence[int], *, exact: bool = False, "
              "repeat: bool = False) -> tuple[bytes, list[int], int]"),
      "Framed records, `declared` for the next call, and how many numbers were rounded.\n\n"
      "`rows` is a record batch with the columns tag (a dictionary, null: none), step,\n"
      "wall_time, and of these what is needed: number (float64) of a scalar; member (uint8), the\n"
      "number of a field of Event, or of Summary.Value plus 128, which `payload` is; 128 alone\n"
      "has no member, and with 0 the payload is the whole event; metadata (a dictionary of\n"
      "binary). `declared` has for each tag of the dictionary the code of the metadata that its\n"
      "last event had, or -1; metadata is written where it differs, with `repeat` always.\n"
      "Numbers are rounded to float32; with `exact`, those that it does not hold become\n"
      "tensors of float64. Raises ValueError if the columns are others, or an event is too\n"
      "large.");
  m.def("merge_records", &merge, "windows"_a, "begins"_a, "times"_a, "are_last"_a,
        nb::sig("def merge_records(windows: Sequence[bytes], begins: Sequence[int], times: "
                "Sequence[float], are_last: Sequence[bool]) -> tuple[bytes, list[int], "
                "list[float], int | None]"),
        "Records of several sequences in the order of their wall_time, as far as that is known.\n\n"
        "Each sequence goes on at window[begin:], behind a record of this time; its records keep\n"
        "their order. Gives the records, the begins and times for the next call, and the sequence\n"
        "of which more is needed: None if all are at their end, which is that of the window where\n"
        "`are_last` says so.");
}

}  // namespace tbtools

#include "module_encode.h"

#include <nanobind/stl/vector.h>

#include "encode.h"
#include "encode_rows.h"

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

nb::tuple due(const nb::bytes& window, size_t begin, double limit, double latest) {
  const Bytes bytes{reinterpret_cast<const uint8_t*>(window.c_str()), window.size()};
  if (begin > bytes.size) throw nb::value_error("begin lies behind the window's end");
  const Due found = records_due(bytes, begin, limit, latest);
  return nb::make_tuple(found.end, found.next, found.has_next);
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
  m.def("records_due", &due, "window"_a, "begin"_a, "limit"_a, "latest"_a,
        nb::sig("def records_due(window: bytes, begin: int, limit: float, latest: float) -> "
                "tuple[int, float, bool]"),
        "How far the records of encode_events() from window[begin:] on are due until `limit`.\n\n"
        "Gives the end of the last, the time of the one behind it, and whether that one is known:\n"
        "False if the window ends before. The time of a record is its wall_time, or that of one\n"
        "before it if that is later; `latest` is that of the one before the first.");
}

}  // namespace tbtools

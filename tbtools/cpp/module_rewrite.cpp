#include "module_rewrite.h"

#include <nanobind/stl/tuple.h>

#include <array>

#include "rewrite.h"

namespace tbtools {
namespace {

constexpr std::array<const char*, 6> kStops{"end",      "asked",  "unknown",
                                            "overflow", "broken", "full"};
constexpr int64_t kMostFactor = 0x7FFFFFFF;

using Exceptions = std::vector<std::tuple<std::string, std::string, bool>>;

void set_events(Rewriter& rewriter, std::optional<int64_t> first_step,
                std::optional<int64_t> end_step, std::optional<double> first_time,
                std::optional<double> end_time, int64_t multiplier, int64_t divisor, int64_t shift,
                double time_shift, const std::vector<std::string>& asked) {
  if (multiplier < 1 || multiplier > kMostFactor || divisor < 1 || divisor > kMostFactor) {
    throw nb::value_error("multiplier and divisor must be positive and below 2 ** 31");
  }
  rewriter.plan = {first_step, end_step, first_time, end_time,      multiplier,
                   divisor,    shift,    time_shift, mask_of(asked)};
}

void set_tag(Rewriter& rewriter, const std::string& tag, std::optional<std::string> name, bool keep,
             bool whole, uint32_t lane, const Exceptions& exceptions) {
  TagPlan plan;
  plan.is_renamed = name.has_value() && *name != tag;
  plan.name = name.value_or(tag);
  plan.is_kept = keep;
  plan.is_whole = whole;
  plan.lane = lane;
  for (const auto& [field, plugin, kept] : exceptions) {
    const auto* const known = std::find(kFieldNames.begin(), kFieldNames.end(), field);
    if (known == kFieldNames.end()) throw nb::value_error(("no field is called " + field).c_str());
    const auto id = static_cast<FieldId>(known - kFieldNames.begin());
    plan.exceptions.push_back({{id, plugin}, kept});
  }
  rewriter.set_tag(tag, std::move(plan));
}

void set_limit(Rewriter& rewriter, const std::string& tag, std::optional<int64_t> step) {
  if (!rewriter.set_limit(tag, step)) throw nb::value_error("no plan was made of the tag");
}

// What stays of a window, as a buffer of Python's: bytes would be a copy, into new memory.
struct Records {
  Buffer buffer;
};

int get_buffer(PyObject* self, Py_buffer* view, int flags) {
  Buffer& buffer = nb::inst_ptr<Records>(self)->buffer;
  return PyBuffer_FillInfo(view, self, buffer.data(), static_cast<Py_ssize_t>(buffer.size()), 1,
                           flags);
}

PyType_Slot kRecordsSlots[] = {{Py_bf_getbuffer, reinterpret_cast<void*>(get_buffer)},
                               {0, nullptr}};

nb::tuple run(Rewriter& rewriter, nb::handle object, size_t begin, bool answered,
              std::optional<size_t> most) {
  const Window window(object);
  if (begin > window.bytes().size) throw nb::value_error("begin lies behind the window's end");
  Rewritten made = [&] {
    nb::gil_scoped_release release;
    return rewriter.run(window.bytes(), begin, answered, most.value_or(SIZE_MAX));
  }();
  nb::list lanes;
  for (auto& [lane, records] : made.lanes) {
    lanes.append(nb::make_tuple(lane, nb::cast(Records{std::move(records)})));
  }
  return nb::make_tuple(kStops[static_cast<size_t>(made.stop)], made.offset, made.is_changed,
                        lanes);
}

nb::tuple counts(const Rewriter& rewriter) {
  const RewriteCounts& counts = rewriter.counts();
  return nb::make_tuple(counts.events, counts.changed, counts.dropped_events, counts.values,
                        counts.dropped_values);
}

}  // namespace

void bind_rewrite(nb::module_& m) {
  nb::class_<Records>(m, "Records", nb::type_slots(kRecordsSlots),
                      "Framed records, a buffer that is read only.")
      .def("__len__", [](const Records& records) { return records.buffer.size(); });
  nb::class_<Rewriter>(
      m, "Rewriter",
      "Edits records: what is not edited is copied byte for byte. Metadata of a tag goes to the\n"
      "first of its values that stays, if that has none and an earlier one had it.")
      .def(nb::init<>())
      .def(
          "set_events", &set_events, nb::kw_only(), "first_step"_a = nb::none(),
          "end_step"_a = nb::none(), "first_time"_a = nb::none(), "end_time"_a = nb::none(),
          "multiplier"_a = 1, "divisor"_a = 1, "shift"_a = 0, "time_shift"_a = 0.0,
          "asked"_a = std::vector<std::string>(),
          nb::sig("def set_events(self, *, first_step: int | None = None, end_step: int | None = "
                  "None, first_time: float | None = None, end_time: float | None = None, "
                  "multiplier: int = 1, divisor: int = 1, shift: int = 0, time_shift: float = 0.0, "
                  "asked: Sequence[str] = ()) -> None"),
          "What becomes of events. Values stay if their step and wall_time are in these half-open\n"
          "ranges, as do log messages, session logs and run metadata; a step becomes\n"
          "floor(step * multiplier / divisor) + shift. Events of the fields that `asked` names\n"
          "stop the rewriting. Raises ValueError for a field that there is not, and for a\n"
          "multiplier or divisor that is not positive and below 2 ** 31.")
      .def(
          "set_tag", &set_tag, "tag"_a, nb::kw_only(), "name"_a = nb::none(), "keep"_a = true,
          "whole"_a = false, "lane"_a = 0, "exceptions"_a = Exceptions(),
          nb::sig("def set_tag(self, tag: str, *, name: str | None = None, keep: bool = True, "
                  "whole: bool = False, lane: int = 0, exceptions: Sequence[tuple[str, str, bool]] "
                  "= ()) -> None"),
          "What becomes of the values of a tag: its new name, whether they stay, and the lane "
          "that\n"
          "they go to. With `whole` they belong to the run, whatever their steps and times.\n"
          "`exceptions` say of a field and the plugin that a value itself names whether it stays.\n"
          "Raises ValueError for a field that there is not.")
      .def("set_limit", &set_limit, "tag"_a, "step"_a.none(),
           "From here on, values of the tag stay only below this step. Raises ValueError if there\n"
           "is no such tag.")
      .def("begin_files", &Rewriter::begin_files,
           "What follows goes to other files: each tag's metadata is told again.")
      .def(
          "run", &run, "window"_a, "begin"_a = 0, "answered"_a = false, "most"_a = nb::none(),
          nb::sig("def run(self, window: object, begin: int = 0, answered: bool = False, most: int "
                  "| None = None) -> tuple[str, int, bool, list[tuple[int, Records]]]"),
          "Rewrites window[begin:], which must hold whole and good records.\n\n"
          "Gives why it stopped, where (in the window), whether anything is changed, and by lane\n"
          "what stays; nothing if all stays as it is. It stops at the end, or at a record that is\n"
          "asked about (with `answered`, not at the first), has an unknown tag, gets a step that\n"
          "does not fit (overflow), or is broken, and behind that with which `most` bytes stay\n"
          "(full). Raises ValueError for a `begin` behind the end.")
      .def_prop_ro(
          "counts", &counts, nb::sig("def counts(self) -> tuple[int, int, int, int, int]"),
          "Events that stay, of these changed ones, dropped ones, values that stay, dropped\n"
          "ones; what was asked about is not among them unless it was `answered`.");
}

}  // namespace tbtools

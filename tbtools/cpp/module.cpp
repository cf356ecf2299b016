// The border to Python: names, argument names and docstrings. That of groups of files and of surveys
// is module_groups.cpp, that of writing module_encode.cpp, of thinning module_thin.cpp.
#include "binding.h"
#include "crc32c.h"
#include "event.h"
#include "histograms.h"
#include "module_encode.h"
#include "module_rewrite.h"
#include "module_thin.h"
#include "string_tensors.h"

namespace tbtools {
namespace {

std::optional<nb::bytes> first_of(const Strings& strings) {
  if (!strings.valid(0)) return std::nullopt;
  return nb::bytes(strings[0].data, strings[0].size);
}

nb::list empty_summaries_of(const Scan& scan) {
  nb::list found;
  for (const EmptySummary& each : scan.batch().empty_summaries) {
    found.append(nb::make_tuple(each.offset, each.step, each.wall_time));
  }
  return found;
}

std::optional<std::string> lost_of(const Scan& scan) {
  const std::optional<Loss> lost = scan.batch().lost;
  if (!lost) return std::nullopt;
  return std::string(kLossNames[static_cast<size_t>(*lost)]);
}

Scan scan_window(nb::handle buffer, size_t begin, uint64_t position, bool at_end, bool search,
                 bool salvage, bool may_skip, uint64_t resume, bool offsets,
                 std::optional<uint64_t> file_end,
                 const std::optional<std::vector<std::string>>& fields,
                 const std::optional<std::vector<std::string>>& payloads,
                 const std::optional<std::vector<std::string>>& heads,
                 std::optional<size_t> largest, const NameSet* skip, const NameSet* plugins,
                 const NameSet* head_plugins, const NameSet* declared, const NameSet* scalars) {
  const Window window(buffer);
  if (begin > window.bytes().size) throw nb::value_error("begin lies behind the window's end");
  const Options options{.position = position,
                        .at_end = at_end,
                        .file_end = file_end.value_or(UINT64_MAX),
                        .search = search,
                        .salvage = salvage,
                        .resume = resume,
                        .may_skip = may_skip,
                        .offsets = offsets,
                        .fields = fields ? mask_of(*fields) : kAllFields,
                        .payloads = payloads ? mask_of(*payloads) : kAllFields,
                        .heads = heads ? mask_of(*heads) : 0,
                        .largest = largest.value_or(SIZE_MAX),
                        .skip = skip,
                        .plugins = plugins,
                        .head_plugins = head_plugins,
                        .declared = declared,
                        .scalars = scalars};
  nb::gil_scoped_release release;
  return Scan(scan(window.bytes(), begin, options));
}

// A binary array of any Arrow library. It is moved out of its capsules, as the protocol has it, so
// that nobody else releases it meanwhile.
class Payloads {
 public:
  explicit Payloads(nb::handle array) {
    if (!nb::hasattr(array, "__arrow_c_array__")) throw nb::type_error("not an Arrow array");
    const nb::object capsules = array.attr("__arrow_c_array__")();
    if (!nb::isinstance<nb::tuple>(capsules) || nb::len(capsules) != 2) {
      throw nb::type_error("__arrow_c_array__ gave no pair of capsules");
    }
    ArrowSchema* const schema = exported<ArrowSchema>(capsules[0], "arrow_schema");
    ArrowArray* const values = exported<ArrowArray>(capsules[1], "arrow_array");
    if (std::string_view(schema->format) != "z") throw nb::type_error("not an array of binary");
    array_ = *values;
    values->release = nullptr;
  }
  ~Payloads() { array_.release(&array_); }
  Payloads(const Payloads&) = delete;
  Payloads& operator=(const Payloads&) = delete;

  BinaryView view() const { return view_of(array_); }

 private:
  template <class Struct>
  static Struct* exported(nb::handle capsule, const char* name) {
    auto* const found = static_cast<Struct*>(PyCapsule_GetPointer(capsule.ptr(), name));
    if (found == nullptr) throw nb::python_error();
    if (found->release == nullptr) {
      throw nb::value_error("the array was released, or moved out of its capsules, before");
    }
    return found;
  }

  ArrowArray array_;
};

template <class Decode>
Table decoded(nb::handle array, Decode decode) {
  const Payloads payloads(array);
  const BinaryView view = payloads.view();
  nb::gil_scoped_release release;
  const auto columns = decode(view);
  return {columns, table_of(*columns)};
}

template <class Function>
auto over(nb::handle buffer, Function function) {
  const Window window(buffer);
  nb::gil_scoped_release release;
  return function(window.bytes());
}

}  // namespace
}  // namespace tbtools

NB_MODULE(_core, m) {
  using namespace tbtools;
  m.doc() = "The native reader: windows of event files in, Arrow columns out.";

  nb::enum_<Stop>(m, "Stop", "Why a scan ended.")
      .value("end", Stop::end, "Every record of the window was read.")
      .value("cut", Stop::cut, "The window's end cuts off a record of `need` bytes at `offset`.")
      .value("unwanted", Stop::unwanted, "As cut, but nobody wants it: go on at `skip_to`.")
      .value("full", Stop::full, "The batch is full; go on at `offset`, with `resume`.")
      .value("bad_data", Stop::bad_data, "The data CRC of the record at `offset` is wrong.")
      .value("bad_event", Stop::bad_event, "The record at `offset` is not an Event.")
      .value("bad_length", Stop::bad_length, "The header at `offset` is wrong.")
      .value("lost", Stop::lost, "No believable header was found; search on from `skip_to`.");

  nb::class_<NameSet>(m, "NameSet", "An immutable set of tags or plugin names.")
      .def(nb::init<std::vector<std::string>>(), "names"_a)
      .def("__len__", &NameSet::size);

  nb::class_<Table>(m, "Table", "Columns that any Arrow library imports without copying.")
      .def("__arrow_c_array__", &Table::arrow_c_array, "requested_schema"_a = nb::none(),
           nb::sig("def __arrow_c_array__(self, requested_schema: object | None = None) -> "
                   "tuple[object, object]"))
      .def("__len__", &Table::size);

  nb::class_<Scan>(m, "Scan", "What one call of scan() read, and why it stopped.")
      .def_prop_ro(
          "points", [](const Scan& s) { return s.part(Part::points); },
          "tag, step, wall_time, value, and offset if asked for: the scalars that need no second "
          "look.")
      .def_prop_ro(
          "rows", [](const Scan& s) { return s.part(Part::rows); },
          "offset, tag, step, wall_time, field, metadata, value, payload, points_before: "
          "everything else.")
      .def_prop_ro(
          "tags", [](const Scan& s) { return s.part(Part::tags); },
          "tag, metadata: the tags of this scan, and the first SummaryMetadata of each that names "
          "a "
          "plugin, else the first.")
      .def_prop_ro(
          "damages", [](const Scan& s) { return s.part(Part::damages); },
          "offset, size, kind: the stretches that a scan with `salvage` stepped over.")
      .def_prop_ro(
          "damaged_bytes", [](const Scan& s) { return s.batch().damages.bytes; },
          "Their size in all.")
      .def_prop_ro("lost", &lost_of,
                   "The kind of damage, if a scan with `salvage` stopped as lost; None if it did\n"
                   "nothing but search.")
      .def_prop_ro(
          "resume", [](const Scan& s) { return s.batch().resume; },
          "If it stopped inside the record at `offset`: where to go on in it, else 0.")
      .def_prop_ro(
          "has_metadata", [](const Scan& s) { return s.batch().has_metadata(); },
          "Whether any of the tags has metadata.")
      .def_prop_ro(
          "file_version", [](const Scan& s) { return first_of(s.batch().file_version); },
          "That of the first event that has one, whether or not the field is wanted.")
      .def_prop_ro(
          "source_metadata",
          [](const Scan& s) {
            return first_of(s.batch().source_metadata).value_or(nb::bytes("", 0));
          },
          "The first that an event has, whichever it is, serialised; empty if none has one.")
      .def_prop_ro("empty_summaries", &empty_summaries_of,
                   nb::sig("def empty_summaries(self) -> list[tuple[int, int, float]]"),
                   "Offset, step and wall_time of the events whose Summary has no values: no row "
                   "tells of them.")
      .def_prop_ro("stop", [](const Scan& s) { return s.batch().stop; })
      .def_prop_ro(
          "framed", [](const Scan& s) { return s.batch().framed; },
          "False if the next record has to be searched for from `skip_to`.")
      .def_prop_ro(
          "offset", [](const Scan& s) { return s.batch().offset; },
          "Of the record that stopped the scan, in the file.")
      .def_prop_ro(
          "skip_to", [](const Scan& s) { return s.batch().skip_to; },
          "Where to go on, in the file, if that record is given up.")
      .def_prop_ro(
          "need", [](const Scan& s) { return s.batch().need; },
          "Bytes from `offset` that a window must hold to get further.")
      .def_prop_ro(
          "found", [](const Scan& s) { return s.batch().found; },
          "Where the first record began, in the file.")
      .def_prop_ro(
          "records", [](const Scan& s) { return s.batch().records; }, "Good records read.")
      .def_prop_ro(
          "unread", [](const Scan& s) { return s.batch().unread; },
          "Bytes of an unwanted record that were stepped over unchecked.");

  m.def("scan", &scan_window, "window"_a, "begin"_a = 0, nb::kw_only(), "position"_a = 0,
        "at_end"_a = false, "search"_a = false, "salvage"_a = false, "may_skip"_a = true,
        "resume"_a = 0, "offsets"_a = false, "file_end"_a = nb::none(),
        "fields"_a = nb::none(), "payloads"_a = nb::none(), "heads"_a = nb::none(), "largest"_a = nb::none(),
        "skip"_a = nb::none(), "plugins"_a = nb::none(), "head_plugins"_a = nb::none(),
        "declared"_a = nb::none(), "scalars"_a = nb::none(),
        "Reads records from window[begin:] until one stops it.\n\n"
        "`position` is the offset of the window's first byte in its file; all offsets of the\n"
        "result are in the file. With `at_end`, nothing follows the window now. With `search`,\n"
        "it begins by looking for a believable header. With `salvage`, it steps over damaged\n"
        "stretches and tells them in `damages`; what the window's end leaves open still stops it.\n"
        "`file_end` is where the file ends now, if known: `salvage` searches a record that reaches\n"
        "beyond it as it searches one `at_end`.\n"
        "`resume` is that of the scan that ended inside the record at `begin`. `fields` names the fields of which rows\n"
        "are wanted, `payloads` those of which the payload is, `largest` the largest payload,\n"
        "`skip` the tags that are not wanted, `plugins` the only plugins whose tensors are,\n"
        "`declared` the tags whose plugin earlier windows named, and `scalars` the tags whose\n"
        "tensors without metadata are scalars. Of the fields that `heads` names and of tensors of\n"
        "the plugins in `head_plugins`, a payload's strings (encoded_image_string,\n"
        "encoded_audio_string, string_val) are cut to what tells the format and size of an image,\n"
        "or to 64 bytes; `largest` is compared with the whole. With `may_skip`, an unwanted record that the\n"
        "window's end cuts off stops the scan as `unwanted` instead of `cut`. Raises\n"
        "ValueError for an unknown field or a `begin` behind the end, BufferError or TypeError if "
        "`window` is no\n"
        "contiguous buffer, MemoryError if memory runs out.");
  bind_groups(m);
  m.def(
      "plugin_of",
      [](nb::bytes metadata) {
        return plugin_name_of({static_cast<const uint8_t*>(metadata.data()), metadata.size()});
      },
      "metadata"_a,
      "The plugin that a serialised SummaryMetadata names; empty if it names none, or one that is\n"
      "no UTF-8, or is malformed.");
  m.def(
      "decode_histograms",
      [](nb::handle payloads, bool legacy) {
        return decoded(payloads,
                       [&](const BinaryView& view) { return decode_histograms(view, legacy); });
      },
      "payloads"_a, "legacy"_a,
      "refused, buckets; with `legacy` also min, max, num, sum, sum_squares: a row for each of\n"
      "the payloads, which are a binary Arrow array of HistogramProto with `legacy`, else of\n"
      "TensorProto. `refused` says why a payload is no histogram, and is empty if it is one.");
  m.def(
      "decode_strings",
      [](nb::handle payloads, bool text) {
        return decoded(payloads,
                       [&](const BinaryView& view) { return decode_strings(view, text); });
      },
      "payloads"_a, "text"_a = false,
      "refused, shape, strings: a row for each of the payloads, which are a binary Arrow array of\n"
      "TensorProto. `refused` says why a payload is no tensor of strings, or with `text` of "
      "UTF-8,\n"
      "and is empty if it is one.");
  m.def(
      "walk", [](nb::handle buffer) { return over(buffer, walk); }, "buffer"_a,
      "Checks the CRCs of the leading records and returns their number: the floor that\n"
      "benchmarks/ measures scan() against.");
  m.def(
      "crc32c",
      [](nb::handle buffer) {
        return over(buffer, [](Bytes b) { return crc32c().of(b.data, b.size); });
      },
      "buffer"_a, "CRC-32C by the fastest implementation that this machine runs.");
  m.def(
      "crc32c_portable",
      [](nb::handle buffer) {
        return over(buffer, [](Bytes b) { return portable_crc32c().of(b.data, b.size); });
      },
      "buffer"_a, "CRC-32C by the implementation that runs everywhere.");
  bind_encode(m);
  bind_rewrite(m);
  bind_thin(m);
  m.attr("crc32c_implementation") = crc32c().name;
}

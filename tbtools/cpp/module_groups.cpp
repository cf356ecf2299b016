// The border to Python: groups of files, surveys, and zeros.
#include <cerrno>

#include "binding.h"
#include "files.h"
#include "survey.h"
#include "zeros.h"

namespace tbtools {
namespace {

using Extents = std::vector<std::pair<size_t, size_t>>;

class GroupScan {
 public:
  explicit GroupScan(std::shared_ptr<const Group> group) : group_(std::move(group)) {}

  const Group& group() const { return *group_; }
  Table part(Part part) const { return {group_, table_of(*group_, part)}; }

 private:
  std::shared_ptr<const Group> group_;
};

std::vector<Extent> checked(const Extents& extents, Bytes buffer) {
  if (buffer.size > 0x7FFFFFFF) throw nb::value_error("the buffer is 2 GiB or larger");
  std::vector<Extent> found;
  found.reserve(extents.size());
  for (const auto& [begin, size] : extents) {
    if (begin > buffer.size || size > buffer.size - begin) {
      throw nb::value_error("an extent reaches beyond the buffer");
    }
    found.push_back({begin, size});
  }
  return found;
}

GroupScan scan_group(nb::handle buffer, const Extents& extents, bool offsets,
                     const std::optional<std::vector<std::string>>& fields,
                     const std::optional<std::vector<std::string>>& payloads,
                     const std::optional<std::vector<std::string>>& heads,
                     std::optional<size_t> largest, const NameSet* skip, const NameSet* plugins,
                     const NameSet* head_plugins) {
  const Window window(buffer);
  const std::vector<Extent> files = checked(extents, window.bytes());
  const Options options{.offsets = offsets,
                        .fields = fields ? mask_of(*fields) : kAllFields,
                        .payloads = payloads ? mask_of(*payloads) : kAllFields,
                        .heads = heads ? mask_of(*heads) : 0,
                        .largest = largest.value_or(SIZE_MAX),
                        .skip = skip,
                        .plugins = plugins,
                        .head_plugins = head_plugins};
  nb::gil_scoped_release release;
  return GroupScan(scan_many(window.bytes(), files, options));
}

nb::tuple zeros_of(nb::handle buffer) {
  const Window window(buffer);
  const Zeros found = zeros_in(window.bytes());
  return nb::make_tuple(found.leading, found.trailing, found.begin, found.size);
}

nb::list zero_filled(nb::handle buffer, const Extents& extents) {
  const Window window(buffer);
  nb::list found;
  for (size_t i = 0; const auto& [begin, size] : checked(extents, window.bytes())) {
    const Zeros zeros = zeros_in({window.bytes().data + begin, size});
    if (zeros.size > 0 && zeros.size >= size - zeros.size) {
      found.append(nb::make_tuple(i, begin + zeros.begin, zeros.size));
    }
    ++i;
  }
  return found;
}

nb::object bytes_or_none(const Strings& strings, size_t i) {
  if (!strings.valid(i)) return nb::none();
  return nb::bytes(strings[i].data, strings[i].size);
}

nb::list files_of(const GroupScan& scan) {
  const Group& group = scan.group();
  nb::list files;
  for (size_t i = 0; i < group.files.size(); ++i) {
    const FileEnd& end = group.files[i];
    files.append(nb::make_tuple(end.whole, end.records, end.points, end.rows,
                                bytes_or_none(group.batch.file_version, i),
                                bytes_or_none(group.batch.source_metadata, i)));
  }
  return files;
}

std::vector<bool> read_into(const std::vector<std::pair<nb::bytes, size_t>>& files,
                            nb::handle buffer) {
  std::vector<FileToRead> wanted;
  wanted.reserve(files.size());
  size_t size = 0;
  for (const auto& [path, bytes] : files) {
    wanted.push_back({std::string(path.c_str(), path.size()), bytes});
    size += bytes;
    if (bytes > 0x7FFFFFFF || size > 0x7FFFFFFF) throw nb::value_error("2 GiB or more of files");
  }
  const Window window(buffer, PyBUF_WRITABLE);
  if (size > window.bytes().size) throw nb::value_error("the buffer is too small");
  uint8_t* const to = const_cast<uint8_t*>(window.bytes().data);
  nb::gil_scoped_release release;
  return read_files(wanted, to);
}

nb::list entries_of(nb::bytes path) {
  const std::string name(path.c_str(), path.size());
  std::vector<FolderEntry> entries;
  int why;
  {
    nb::gil_scoped_release release;
    why = name.find('\0') == std::string::npos ? list_folder(name, entries) : ENOENT;
  }
  if (why != 0) {
    errno = why;
    PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, path.ptr());
    throw nb::python_error();
  }
  nb::list found;
  for (const FolderEntry& each : entries) {
    found.append(nb::make_tuple(nb::bytes(each.name.data(), each.name.size()), each.is_folder,
                                each.is_link, each.size, nb::make_tuple(each.device, each.inode)));
  }
  return found;
}

// One file of a survey.
struct Surveyed {
  std::shared_ptr<const Survey> survey;
  size_t number;

  const FileSurvey& file() const { return survey->files()[number]; }
};

class Surveyor {
 public:
  void add(const Scan& scan) {
    check(scan.batch().points);
    nb::gil_scoped_release release;
    survey_->add(scan.batch());
  }
  void add_group(const GroupScan& scan) {
    check(scan.group().batch.points);
    nb::gil_scoped_release release;
    survey_->add(scan.group());
  }
  nb::list files() const {
    nb::list found;
    for (size_t i = 0; i < survey_->files().size(); ++i) found.append(Surveyed{survey_, i});
    return found;
  }

 private:
  static void check(const Points& points) {
    if (!points.has_offsets()) throw nb::value_error("a survey needs a scan with offsets");
  }

  std::shared_ptr<Survey> survey_ = std::make_shared<Survey>();
};

nb::object steps_of(const Count& count) {
  const auto* const sequences = count.steps.sequences();
  if (sequences == nullptr) return nb::none();
  nb::list found;
  for (const auto& each : *sequences) {
    found.append(nb::make_tuple(each.first, each.stride, each.count));
  }
  return found;
}

nb::str text(std::string_view name) { return nb::str(name.data(), name.size()); }

nb::str field_of(const Count& count) {
  if (count.is_empty_summary) return text("empty_summary");
  if (count.field == FieldId::simple_value) return text("scalar");
  return text(kFieldNames[static_cast<size_t>(count.field)]);
}

nb::list counts_of(const Surveyed& surveyed) {
  nb::list found;
  for (const Count& each : surveyed.file().counts) {
    const nb::object tag = each.tag < 0 ? nb::none() : nb::object(text(surveyed.survey->tag(each.tag)));
    found.append(nb::make_tuple(each.segment, tag, field_of(each),
                                text(surveyed.survey->plugin(each.plugin)), each.points,
                                each.first_step, each.last_step, each.min_step, each.max_step,
                                each.first_time, each.last_time, each.min_time, each.max_time,
                                steps_of(each), each.falls, each.first_fall, each.odd_times,
                                each.first_odd_time));
  }
  return found;
}

nb::list marks_of(const Surveyed& surveyed) {
  nb::list found;
  for (const Mark& mark : surveyed.file().marks) {
    switch (mark.what) {
      case Mark::What::version:
        found.append(nb::make_tuple("version", mark.offset,
                                    nb::bytes(mark.version.data(), mark.version.size())));
        break;
      case Mark::What::start:
        found.append(nb::make_tuple("start", mark.offset, mark.step));
        break;
      case Mark::What::summary: {
        nb::list tags;
        for (const int32_t tag : mark.tags) tags.append(text(surveyed.survey->tag(tag)));
        found.append(nb::make_tuple("summary", mark.offset, mark.step, mark.before, tags));
      }
    }
  }
  return found;
}

}  // namespace

void bind_groups(nb::module_& m) {
  nb::class_<GroupScan>(m, "Group", "What one call of scan_many() read.")
      .def_prop_ro(
          "points", [](const GroupScan& s) { return s.part(Part::points); },
          "file, and what the points of a Scan have, in the order of the files.")
      .def_prop_ro(
          "rows", [](const GroupScan& s) { return s.part(Part::rows); },
          "file, and what the rows of a Scan have; points_before counts those of all files.")
      .def_prop_ro(
          "tags", [](const GroupScan& s) { return s.part(Part::tags); },
          "file, tag, metadata: as the tags of a Scan.")
      .def_prop_ro("files", &files_of,
                   nb::sig("def files(self) -> list[tuple[bool, int, int, int, bytes | None, bytes "
                           "| None]]"),
                   "Of each file: whether it was read, good records, where its points and its rows\n"
                   "end, file_version and source_metadata. One that was not read gave nothing.");
  nb::class_<Surveyed>(m, "FileSurvey", "What one file holds.")
      .def_prop_ro("counts", &counts_of,
                   nb::sig("def counts(self) -> list[tuple[int, str | None, str, str, int, int, "
                           "int, int, int, float, float, float, float, list[tuple[int, int, int]] "
                           "| None, int, int, int, int]]"),
                   "segment, tag, field, plugin, points, first, last, min and max step, the same of\n"
                   "wall_time, the steps as (first, stride, count), None if there are too many, how\n"
                   "many steps are less than the one before and the offset of the first, and the same\n"
                   "of times that are not finite: an entry for each segment, tag, field and plugin, by\n"
                   "its first value.")
      .def_prop_ro(
          "starts", [](const Surveyed& s) { return s.file().starts; },
          "Offsets of the STARTs that begin a segment, but for the first.")
      .def_prop_ro("marks", &marks_of, nb::sig("def marks(self) -> list[tuple[object, ...]]"),
                   "In the order of the file: ('version', offset, bytes), ('start', offset, step),\n"
                   "and ('summary', offset, step, step before, tags) where steps may fall.")
      .def_prop_ro(
          "last_step", [](const Surveyed& s) { return s.file().last_step; },
          "Of the last event with a Summary.");
  nb::class_<Surveyor>(m, "Survey",
                       "Counts what scans with offsets, all fields, and the payloads of session_log,\n"
                       "file_version and tagged_run_metadata give.")
      .def(nb::init<>())
      .def("add", &Surveyor::add, "scan"_a, "The next scan of the one file.")
      .def("add_group", &Surveyor::add_group, "group"_a, "Files that follow.")
      .def("files", &Surveyor::files, nb::sig("def files(self) -> list[FileSurvey]"),
           "What each file holds.");
  m.def("scan_many", &scan_group, "buffer"_a, "extents"_a, nb::kw_only(), "offsets"_a = false,
        "fields"_a = nb::none(), "payloads"_a = nb::none(), "heads"_a = nb::none(),
        "largest"_a = nb::none(), "skip"_a = nb::none(), "plugins"_a = nb::none(),
        "head_plugins"_a = nb::none(),
        "Reads files that lie whole in a buffer, each at its (begin, size). One in which anything is\n"
        "damaged or incomplete gives nothing and has to be read by scan(), whose arguments the others\n"
        "are. Raises ValueError for an extent beyond the buffer and for a buffer of 2 GiB.");
  m.def("zeros_in", &zeros_of, "buffer"_a,
        nb::sig("def zeros_in(buffer: object) -> tuple[int, int, int, int]"),
        "How many zeros a buffer begins and ends with, and begin and size of its longest run of at\n"
        "least 64; size 0 if there is none.");
  m.def("zero_filled", &zero_filled, "buffer"_a, "extents"_a,
        nb::sig("def zero_filled(buffer: object, extents: Sequence[tuple[int, int]]) -> "
                "list[tuple[int, int, int]]"),
        "Of the extents (begin, size) in a buffer, those of which at least half is one run of 64\n"
        "zeros or more: number, and begin and size of the run. Raises ValueError for an extent\n"
        "beyond the buffer.");
  m.def("read_files", &read_into, "files"_a, "buffer"_a,
        "Fills a writable buffer with the first bytes of files, given as (path, size), one behind\n"
        "the other, and says of which it got all. Raises ValueError if the buffer is too small.");
  m.def("list_folder", &entries_of, "path"_a,
        nb::sig("def list_folder(path: bytes) -> list[tuple[bytes, bool, bool, int, tuple[int, "
                "int]]]"),
        "What a folder holds, links followed and dangling ones left out, in any order: name, whether\n"
        "it is a folder, whether a link leads there, size, and device and inode. Raises OSError.");
  m.attr("reads_files") = kReadsFiles;
  m.attr("least_zeros") = kLeastZeros;
}

}  // namespace tbtools

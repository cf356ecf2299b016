// What the sources of the bindings share. Like them it includes Python; nothing else does.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>

#include "arrow.h"
#include "scan.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace tbtools {

// A contiguous buffer of Python's, held for one call.
class Window {
 public:
  explicit Window(nb::handle object, int flags = PyBUF_SIMPLE) {
    if (PyObject_GetBuffer(object.ptr(), &view_, flags) != 0) throw nb::python_error();
  }
  ~Window() { PyBuffer_Release(&view_); }
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  Bytes bytes() const {
    return {static_cast<const uint8_t*>(view_.buf), static_cast<size_t>(view_.len)};
  }

 private:
  Py_buffer view_;
};

template <class Struct>
void delete_capsule(PyObject* capsule) noexcept {
  // By whatever name it has by now: any other gives null.
  auto* exported = static_cast<Struct*>(PyCapsule_GetPointer(capsule, PyCapsule_GetName(capsule)));
  if (exported->release != nullptr) exported->release(exported);  // else a consumer moved it out
  delete exported;
}

// Columns that pyarrow, polars and duckdb import without copying.
class Table {
 public:
  Table(std::shared_ptr<const void> owner, Node table)
      : owner_(std::move(owner)), table_(std::move(table)) {}

  nb::tuple arrow_c_array(nb::object /*requested_schema: the protocol lets us ignore it*/) const {
    auto schema = std::make_unique<ArrowSchema>();
    auto array = std::make_unique<ArrowArray>();
    export_table(table_, owner_, schema.get(), array.get());
    // The capsules own from here on, so a failure below releases what was exported.
    nb::object schema_capsule =
        nb::steal(PyCapsule_New(schema.get(), "arrow_schema", delete_capsule<ArrowSchema>));
    if (!schema_capsule.is_valid()) {
      schema->release(schema.get());
      array->release(array.get());
      throw nb::python_error();
    }
    (void)schema.release();
    nb::object array_capsule =
        nb::steal(PyCapsule_New(array.get(), "arrow_array", delete_capsule<ArrowArray>));
    if (!array_capsule.is_valid()) {
      array->release(array.get());
      throw nb::python_error();
    }
    (void)array.release();
    return nb::make_tuple(schema_capsule, array_capsule);
  }

  int64_t size() const { return table_.length; }

 private:
  std::shared_ptr<const void> owner_;
  Node table_;
};

inline uint32_t mask_of(const std::vector<std::string>& names) {
  uint32_t mask = 0;
  for (const std::string& name : names) {
    const auto* known = std::find(kFieldNames.begin(), kFieldNames.end(), name);
    if (known == kFieldNames.end()) throw nb::value_error(("no field is called " + name).c_str());
    mask |= 1u << (known - kFieldNames.begin());
  }
  return mask;
}

class Scan {
 public:
  explicit Scan(std::shared_ptr<const Batch> batch) : batch_(std::move(batch)) {}

  const Batch& batch() const { return *batch_; }
  Table part(Part part) const { return {batch_, table_of(*batch_, part)}; }

 private:
  std::shared_ptr<const Batch> batch_;
};

void bind_groups(nb::module_& m);

}  // namespace tbtools

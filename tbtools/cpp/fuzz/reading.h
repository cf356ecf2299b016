// Reads a whole file with scan(), window by window, as tbtools/files/scans.py does where damage is
// skipped.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "scan.h"

namespace tbtools {

// A row or point, in a form that can be compared between batches.
struct ReadValue {
  int64_t offset;
  int64_t step;
  uint64_t wall_time;
  int field;  // -1: a point
  std::string tag;
  std::string metadata;
  std::string payload;
  uint64_t value;
  int nulls;  // a bit for each of tag, metadata, payload and value

  bool operator==(const ReadValue&) const = default;
};

struct Damage {
  uint64_t offset;
  uint64_t size;
  Loss kind;

  bool operator==(const Damage&) const = default;
};

struct Reading {
  std::vector<ReadValue> values;
  std::vector<Damage> damages;
  uint64_t records = 0;
  uint64_t pending = 0;

  bool operator==(const Reading&) const = default;
};

// How a file is cut into windows: their sizes, in turn, and how many of the bytes before where a
// scan begins are in its window, too.
struct Cuts {
  std::vector<size_t> sizes;
  size_t before = 0;
};

// Tags by what their metadata says.
class NameLists {
 public:
  // Keeps the first metadata of each tag that names a plugin, as tbtools/events.py does.
  void note(const Batch& batch);

  NameSet declared() const { return NameSet(declared_); }
  NameSet scalars() const { return NameSet(scalars_); }

 private:
  std::vector<std::string> declared_;
  std::vector<std::string> scalars_;
};

// Reads a file that may grow. Every stretch that is damaged is skipped.
class FileReader {
 public:
  FileReader(Cuts cuts, const Options& options) : cuts_(std::move(cuts)), options_(options) {
    options_.offsets = true;
  }

  // Reads on to the end of what the file is now. It begins with what it was the last time.
  void read_on(Bytes file);

  const Reading& reading() const { return reading_; }

  // Whether a record was given up because the file ended inside it: had there been more, it might
  // not have been.
  bool gave_up_torn() const;

 private:
  std::shared_ptr<const Batch> scan_at(Bytes file, uint64_t need);
  void note(const Batch& batch);
  bool go_on(const Batch& batch, uint64_t end, uint64_t& need);
  void end_lost(uint64_t end);

  const Cuts cuts_;
  Options options_;
  Reading reading_;
  NameLists names_;
  size_t turn_ = 0;
  uint64_t at_ = 0;
  std::optional<std::pair<uint64_t, Loss>> lost_;  // where framing was lost, and how
  bool open_end_ = false;  // the last damage reaches to the end of the file, as far as is known
};

// Points and rows of a batch with offsets, in the order of the file.
std::vector<ReadValue> values_of(const Batch& batch);

Reading read(Bytes file, const Cuts& cuts, const Options& options);

}  // namespace tbtools

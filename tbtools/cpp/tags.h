// The tags of one batch, numbered as they come, and the set of tags that a caller names.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "bytes.h"
#include "column.h"
#include "work.h"

namespace tbtools {

// An immutable set of names, so that several threads may scan with the same one.
class NameSet {
 public:
  NameSet() = default;
  explicit NameSet(std::vector<std::string> names) : names_(std::move(names)) {
    for (const std::string& name : names_) {
      index_.insert(name);
      longest_ = std::max(longest_, name.size());
    }
  }
  NameSet(const NameSet&) = delete;  // the index points into the names
  NameSet& operator=(const NameSet&) = delete;

  // A name may be as long as a file; then it is not even hashed.
  bool has(std::string_view name) const {
    return !index_.empty() && name.size() <= longest_ && index_.contains(name);
  }
  size_t size() const { return index_.size(); }

 private:
  std::vector<std::string> names_;
  std::unordered_set<std::string_view> index_;
  size_t longest_ = 0;  // bytes
};

// Distinct strings, numbered in the order in which they came: the dictionary of a column.
class Names {
 public:
  using Name = std::pair<const std::string, int32_t>;

  explicit Names(Strings& column) : column_(column) {}
  Names(const Names&) = delete;
  Names& operator=(const Names&) = delete;

  // The one copy of a name, which stays where it is, and its number.
  const Name& of(Bytes name) {
    const auto [known, fresh] = numbers_.try_emplace(std::string(name.text()), 0);
    if (fresh) {
      known->second = static_cast<int32_t>(column_.size());
      column_.push(name);
    }
    return *known;
  }

 private:
  Strings& column_;
  std::unordered_map<std::string, int32_t> numbers_;
};

inline Bytes bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// What the last scalar's record of a tag looked like: see repeats.h.
struct Repeat {
  Repeat() {}  // leaves the bytes as they are

  uint64_t length = UINT64_MAX;  // of the payload; no record has this one
  uint32_t length_crc = 0;       // as it stands behind the length
  bool is_point = false;         // such a record is wanted
  uint8_t step_size = 0;         // of the step's varint
  uint8_t prefix = 0;            // bytes between step and value
  uint8_t suffix = 0;            // bytes behind the value
  uint64_t more_mask = 0;        // of the top bits of the step's varint,
  uint64_t more = 0;             // which say where it ends,
  uint64_t step_mask = 0;        // and of its other bits
  uint8_t bytes[256];            // prefix and suffix, each from a multiple of a block on
};

struct Tag {
  Bytes name;
  Tag* follower = nullptr;  // the tag that came after this one the last time
  int32_t number = 0;
  bool unwanted = false;          // the caller wants no value of this tag
  bool wants_points = false;      // the caller wants the simple_value of this tag
  bool wants_tensors = false;     // the caller wants the tensors of this tag
  bool scalar_when_bare = false;  // a tensor that comes without metadata is a scalar's
  bool declared = false;          // some metadata of this tag has named a plugin
  bool heads_when_bare = false;   // the first that did named one of which heads are wanted

  // Of the metadata that came with this tag last:
  bool plugin_is_known = false;
  bool plugin_is_scalars = false;
  bool plugin_is_wanted = false;
  bool plugin_has_heads = false;  // heads are wanted of it
  int32_t metadata = -1;  // its number; -1: none came yet
  Bytes metadata_bytes;

  int32_t first_metadata = -1;  // the number of the first that names a plugin, else of the first

  Repeat repeat;
};

// The tags of a file. Writers log the same tags in the same order step after step, so the tag that
// followed last time is tried before the hash table.
class TagTable {
 public:
  // The entry of `name`; null if there is none yet.
  TBTOOLS_INLINE Tag* find(Bytes name) {
    Tag* const guess = last_->follower;
    if (guess != nullptr && guess->name == name) {
      last_ = guess;
      return guess;
    }
    return look_up(name);
  }

  // A new one, to be filled in by the caller. It points to the name.
  Tag& add(const Names::Name& name) {
    Tag& tag = tags_.emplace_back();
    tag.name = bytes_of(name.first);
    tag.number = name.second;
    index_.emplace(name.first, &tag);
    follow(tag);
    return tag;
  }

  const std::deque<Tag>& tags() const { return tags_; }

  // The tag that came last.
  Tag* last() const { return last_; }
  void set_last(Tag* tag) { last_ = tag; }

 private:
  TBTOOLS_NOINLINE Tag* look_up(Bytes name) {
    count_work(name.size);
    const auto known = index_.find(name.text());
    if (known == index_.end()) return nullptr;
    follow(*known->second);
    return known->second;
  }

  void follow(Tag& tag) {
    last_->follower = &tag;
    last_ = &tag;
  }

  std::deque<Tag> tags_;  // they are pointed to and must stay where they are
  std::unordered_map<std::string_view, Tag*> index_;
  Tag before_first_;
  Tag* last_ = &before_first_;
};

}  // namespace tbtools

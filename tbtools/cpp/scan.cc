#include "scan.h"

#include <algorithm>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "frame.h"
#include "heads.h"
#include "tensor.h"
#include "utf8.h"
#include "wire.h"

namespace tbtools {

namespace {

// A batch never holds more bytes than were scanned for it, and Arrow's offsets have 32 bits.
constexpr uint64_t kMaxScan = 0x7FFFFFFF;

class Scanner {
 public:
  Scanner(Bytes window, const Options& options)
      : window_(window),
        options_(options),
        crc_(crc32c()),
        batch_(std::make_shared<Batch>()),
        points_(batch_->points) {
    // A scalar's record is about 50 bytes. Memory that is not written to costs nothing.
    constexpr size_t kScalarRecord = 48;
    if (wants(FieldId::simple_value)) batch_->points.reserve(window.size / kScalarRecord + 1);
    batch_->offsets = options.offsets;
  }

  std::shared_ptr<const Batch> run(size_t at) {
    read(at);
    points_.shrink();
    for (const Tag& tag : tags_.tags()) {
      // This tag and those behind it were named by a record that was refused, and by no other.
      if (refused_ && named_at_ == offset_ && tag.number == known_before_) break;
      batch_->tags.push(tag.name);
      if (tag.first_metadata < 0) {
        batch_->first_metadata.push_null();
      } else {
        batch_->first_metadata.push(tag.first_metadata);
      }
    }
    return std::move(batch_);
  }

 private:
  bool wants(FieldId field) const { return (options_.fields & bit(field)) != 0; }
  uint64_t position_of(size_t at) const { return options_.position + at; }

  void stop(Stop why, size_t at, uint64_t skip_to, uint64_t need = 0) {
    batch_->stop = why;
    batch_->offset = position_of(at);
    batch_->skip_to = skip_to;
    batch_->need = need;
  }

  void read(size_t at) {
    if (options_.search) {
      const std::optional<size_t> header = find_header(crc_, window_, at);
      if (!header) {
        // A header may begin in the last bytes and be completed by the next window.
        const size_t rest = options_.at_end ? 0 : kHeaderSize - 1;
        const size_t searched = std::max(at, window_.size > rest ? window_.size - rest : 0);
        return stop(Stop::lost, at, position_of(searched));
      }
      at = *header;
    }
    const size_t begin = at;
    batch_->found = position_of(begin);
    while (window_.size - at >= kHeaderSize) {
      const std::optional<uint64_t> length = read_header(crc_, window_.data + at);
      if (!length) {
        batch_->framed = false;
        return stop(Stop::bad_length, at, position_of(at + 1));
      }
      const uint64_t size = kHeaderSize + *length + kFooterSize;
      if (size > window_.size - at) return stop_at_cut_record(at, *length);
      if (at > begin && at - begin + size > kMaxScan) {
        return stop(Stop::full, at, position_of(at));
      }
      const Bytes payload{window_.data + at + kHeaderSize, static_cast<size_t>(*length)};
      if (!data_is_good(crc_, payload)) return stop_at_bad_data(at, size);
      if (!read_event(payload, position_of(at))) {
        return stop(Stop::bad_event, at, position_of(at + size));
      }
      ++batch_->records;
      at += static_cast<size_t>(size);
    }
    if (at == window_.size) return stop(Stop::end, at, position_of(at));
    stop(Stop::cut, at, position_of(at), kHeaderSize);
  }

  void stop_at_cut_record(size_t at, uint64_t length) {
    const uint64_t size = kHeaderSize + length + kFooterSize;
    const size_t from = at + kHeaderSize;
    CutValue value;
    if (options_.may_skip &&
        parse_cut_event({window_.data + from, std::min<size_t>(window_.size - from, length)},
                        length, value) &&
        (!wants(value.field) || value.size > options_.largest ||
         (options_.skip != nullptr && options_.skip->has(value.tag.text())))) {
      batch_->unread += size;
      return stop(Stop::unwanted, at, position_of(at) + size);
    }
    stop(Stop::cut, at, position_of(at), size);
  }

  // If the length that the header claims is right, a header follows the record (or the file ends).
  // If not, bytes were lost or added, and intact records may stand inside what it claims.
  void stop_at_bad_data(size_t at, uint64_t size) {
    const size_t next = at + static_cast<size_t>(size);
    const size_t left = window_.size - next;
    if (left < kHeaderSize && !options_.at_end) {
      return stop(Stop::cut, at, position_of(at), size + kHeaderSize);
    }
    batch_->framed = left < kHeaderSize || read_header(crc_, window_.data + next).has_value();
    stop(Stop::bad_data, at, position_of(batch_->framed ? next : at + kHeaderSize));
  }

  // Appends what an Event holds. If it is not one, returns false and appends nothing.
  TBTOOLS_INLINE bool read_event(Bytes payload, uint64_t offset) {
    offset_ = offset;
    return read_plain_event(payload) || read_any_event(payload);
  }

  TBTOOLS_NOINLINE bool read_any_event(Bytes payload) {
    const size_t points = batch_->points.size();
    const size_t rows = batch_->rows.size();
    if (parse_event(payload, event_) &&
        (event_.is_summary ? read_summary() : read_other(payload))) {
      return true;
    }
    batch_->points.truncate(points);
    batch_->rows.truncate(rows);
    for (; !noted_.empty() && noted_.back().offset == offset_; noted_.pop_back()) {
      noted_.back().tag->first_metadata = noted_.back().before;
    }
    refused_ = true;
    return false;
  }

  // The events that most files consist of, in the order in which every writer gives their fields:
  // wall_time, step, summary { value { tag, member, metadata } }, with a single value. Declines
  // whatever looks different in any way; parse_event() and parse_value() read all of it.
  TBTOOLS_INLINE bool read_plain_event(Bytes payload) {
    const uint8_t* p = payload.data;
    const uint8_t* const end = payload.end();
    if (payload.size < 16 || *p != key_of(1, Wire::fixed64)) return false;
    const double wall_time = load<double>(p + 1);
    p += 9;
    uint64_t step = 0;
    if (*p == key_of(2, Wire::varint) && !read_varint(++p, end, step)) return false;
    uint64_t size;
    if (!enter(key_of(5, Wire::bytes), p, end, size) || p + size != end) return false;
    if (!enter(key_of(1, Wire::bytes), p, end, size) || p + size != end) return false;
    if (!enter(key_of(1, Wire::bytes), p, end, size)) return false;
    const Bytes name{p, static_cast<size_t>(size)};
    p += size;
    if (end - p == 5 && *p == key_of(2, Wire::fixed32)) {
      const Tag& tag = tag_of(name);
      if (tag.wants_points) {
        push_point(tag, static_cast<int64_t>(step), wall_time, load<float>(p + 1));
      }
      return tag.valid;
    }
    event_.wall_time = wall_time;
    event_.step = static_cast<int64_t>(step);
    return read_plain_member(name, p, end);
  }

  // The same event if its member is length-delimited: a tensor, histogram, image or audio.
  TBTOOLS_NOINLINE bool read_plain_member(Bytes name, const uint8_t* p, const uint8_t* end) {
    if (p == end || name.size == 0) return false;
    uint64_t size;
    const FieldId field = value_field(*p);
    if (field == FieldId::none || !enter(*p, p, end, size)) return false;
    const Bytes member{p, static_cast<size_t>(size)};
    p += size;
    const bool has_metadata = p < end;
    if (has_metadata) {
      if (!enter(key_of(9, Wire::bytes), p, end, size) || p + size != end) return false;
      const Bytes metadata{p, static_cast<size_t>(size)};
      if (field == FieldId::tensor && read_plain_tensor(name, member, metadata)) return true;
      value_.metadata.set(FieldId::metadata, metadata);
    }
    value_.tag = name;
    value_.what.set(field, member);
    value_.has_metadata = has_metadata;
    return read_value();
  }

  // A scalar as TF2 writes it, with the metadata that its tag had before.
  TBTOOLS_INLINE bool read_plain_tensor(Bytes name, Bytes tensor, Bytes metadata) {
    const std::optional<double> value = plain_float(tensor);
    if (!value) return false;
    const Tag& tag = tag_of(name);
    if (!tag.wants_tensors || !tag.plugin_is_scalars || !(tag.metadata_bytes == metadata)) {
      return false;
    }
    push_point(tag, event_.step, event_.wall_time, *value);
    return true;
  }

  // Moves to the content of a length-delimited field whose key is one byte, if that comes next.
  static TBTOOLS_INLINE bool enter(uint32_t key, const uint8_t*& p, const uint8_t* end,
                                   uint64_t& size) {
    if (p == end || *p != key || !read_varint(++p, end, size)) return false;
    return size <= static_cast<uint64_t>(end - p);
  }

  bool read_summary() {
    Cursor fields(event_.what.bytes());
    while (fields.next()) {
      if (fields.key() != key_of(1, Wire::bytes)) continue;
      if (!parse_value(fields.bytes(), value_) || !read_value()) return false;
    }
    return fields.ok();
  }

  bool read_value() {
    Tag& tag = tag_of(value_.tag);
    if (!tag.valid) return false;
    if (value_.has_metadata) note_metadata(tag);
    const FieldId field = value_.what.field();
    if (tag.unwanted || !wants(field)) return true;
    if (field == FieldId::simple_value) {
      push_point(tag, event_.step, event_.wall_time, value_.simple_value);
      return true;
    }
    const Bytes payload = value_.what.bytes();
    if (payload.size > options_.largest) return true;
    std::optional<double> scalar;
    if (field == FieldId::tensor) {
      const bool declared = value_.has_metadata && tag.plugin_is_known;
      const bool is_scalar = declared ? tag.plugin_is_scalars : tag.scalar_when_bare;
      if (is_scalar || !declared) scalar = scalar_of(payload);
      if (is_scalar && scalar) {
        push_point(tag, event_.step, event_.wall_time, *scalar);
        return true;
      }
      if (declared && !tag.plugin_is_wanted) return true;
    }
    push_row(field, payload, field == FieldId::tensor && wants_heads(tag));
    Rows& rows = batch_->rows;
    rows.tag.push(tag.number);
    value_.has_metadata ? rows.metadata.push(tag.metadata) : rows.metadata.push_null();
    scalar ? rows.value.push(*scalar) : rows.value.push_null();
    return true;
  }

  // An event without a Summary. One without anything that tbtools knows is kept whole.
  bool read_other(Bytes payload) {
    FieldId field = event_.what.field();
    Bytes bytes = event_.what.bytes();
    if (field == FieldId::none) bytes = payload;
    if (field == FieldId::file_version) note_opening(bytes);
    if (!wants(field) || bytes.size > options_.largest) return true;
    push_row(field, bytes, false);
    Rows& rows = batch_->rows;
    rows.tag.push_null();
    rows.value.push_null();
    if (event_.source_metadata.field() == FieldId::none) {
      rows.metadata.push_null();
    } else {
      rows.metadata.push(numbered(event_.source_metadata.bytes()).second);
    }
    return true;
  }

  void note_opening(Bytes version) {
    Strings& opening = batch_->opening;
    if (opening.size() > 0) return;
    const bool has_source = event_.source_metadata.field() != FieldId::none;
    opening.push(version);
    opening.push(has_source ? event_.source_metadata.bytes() : Bytes{});
  }

  TBTOOLS_INLINE void push_point(const Tag& tag, int64_t step, double wall_time, double value) {
    if (options_.offsets) points_.push_offset(static_cast<int64_t>(offset_));
    points_.push(tag.number, step, wall_time, value);
  }

  // Of a tensor of this tag, as far as the metadata read so far says.
  bool wants_heads(const Tag& tag) const {
    return value_.has_metadata && tag.plugin_is_known ? tag.plugin_has_heads : tag.heads_when_bare;
  }

  void push_row(FieldId field, Bytes payload, bool as_head) {
    Rows& rows = batch_->rows;
    rows.offset.push(static_cast<int64_t>(offset_));
    rows.step.push(event_.step);
    rows.wall_time.push(event_.wall_time);
    rows.field.push(static_cast<int8_t>(field));
    const bool has_payload = (options_.payloads & bit(field)) != 0 && payload.data != nullptr;
    if (!has_payload) {
      rows.payload.push_null();
    } else if (as_head || (options_.heads & kHeadFields & bit(field)) != 0) {
      push_head(rows.payload, field, payload);
    } else {
      rows.payload.push(payload);
    }
    rows.points_before.push(static_cast<int64_t>(batch_->points.size()));
  }

  // A tag that is not `valid` makes its record no Event: protobuf accepts only UTF-8 as a string.
  TBTOOLS_INLINE Tag& tag_of(Bytes name) {
    bool fresh;
    Tag& tag = tags_.find(name, fresh);
    if (fresh) fill_in(tag);
    return tag;
  }

  TBTOOLS_NOINLINE void fill_in(Tag& tag) {
    if (named_at_ != offset_) known_before_ = tag.number;
    named_at_ = offset_;
    tag.valid = is_utf8(tag.name);
    tag.unwanted = options_.skip != nullptr && options_.skip->has(tag.name.text());
    tag.wants_points = tag.valid && !tag.unwanted && wants(FieldId::simple_value);
    tag.wants_tensors =
        tag.valid && !tag.unwanted && wants(FieldId::tensor) && options_.largest >= kPlainFloat;
    tag.declared = options_.declared != nullptr && options_.declared->has(tag.name.text());
    tag.scalar_when_bare = options_.scalars != nullptr && options_.scalars->has(tag.name.text());
  }

  // Metadata often comes with every value of a tag and is nearly always the same.
  void note_metadata(Tag& tag) {
    const Bytes metadata = value_.metadata.bytes();
    if (tag.metadata >= 0 && tag.metadata_bytes == metadata) return;
    const auto& [bytes, number] = numbered(metadata);
    tag.metadata = number;
    tag.metadata_bytes = {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
    if (tag.first_metadata < 0) set_first_metadata(tag);
    const std::string plugin = plugin_name_of(metadata);
    tag.plugin_is_known = !plugin.empty();
    tag.plugin_is_scalars = plugin == "scalars";
    tag.plugin_is_wanted = options_.plugins == nullptr || options_.plugins->has(plugin);
    tag.plugin_has_heads =
        options_.head_plugins != nullptr && options_.head_plugins->has(plugin);
    if (tag.plugin_is_known && !tag.declared) {
      tag.declared = true;
      tag.heads_when_bare = tag.plugin_has_heads;
      set_first_metadata(tag);
      tag.scalar_when_bare = tag.scalar_when_bare || tag.plugin_is_scalars;
    }
  }

  void set_first_metadata(Tag& tag) {
    noted_.push_back({offset_, &tag, tag.first_metadata});
    tag.first_metadata = tag.metadata;
  }

  using Metadata = std::pair<const std::string, int32_t>;

  // The one copy of these bytes, which stays where it is, and its number.
  const Metadata& numbered(Bytes metadata) {
    const auto [entry, fresh] = metadata_.try_emplace(std::string(metadata.text()), 0);
    if (fresh) {
      entry->second = static_cast<int32_t>(batch_->metadata.size());
      batch_->metadata.push(metadata);
    }
    return *entry;
  }

  // A change of Tag::first_metadata, undone if its record turns out to be no Event.
  struct Noted {
    uint64_t offset;  // of the record
    Tag* tag;
    int32_t before;
  };

  const Bytes window_;
  const Options options_;
  const Crc32c& crc_;
  std::shared_ptr<Batch> batch_;
  Points& points_;  // of batch_
  TagTable tags_;
  std::unordered_map<std::string, int32_t> metadata_;
  std::vector<Noted> noted_;
  Event event_;
  Value value_;
  uint64_t offset_ = 0;             // of the record
  bool refused_ = false;            // it is no Event
  uint64_t named_at_ = UINT64_MAX;  // the last record that named a new tag,
  int32_t known_before_ = 0;        // and the number of the first such tag
};

}  // namespace

std::shared_ptr<const Batch> scan(Bytes window, size_t begin, const Options& options) {
  return Scanner(window, options).run(begin);
}

}  // namespace tbtools

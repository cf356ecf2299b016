#include "encode.h"

#include <bit>
#include <cmath>

#include "frame.h"
#include "wire_write.h"

namespace tbtools {
namespace {

// Numbers of fields, each below 16.
namespace number {
constexpr uint32_t summary = 5;  // of Event
constexpr uint32_t value = 1;    // of Summary
constexpr uint32_t tag = 1;      // of Value, as those that follow
constexpr uint32_t simple_value = 2;
constexpr uint32_t tensor = 8;
constexpr uint32_t metadata = 9;
}  // namespace number

// A TensorProto of one float64, as TF2 writes it, up to its eight bytes: dtype, an empty shape, and
// the head of tensor_content.
constexpr uint8_t kDoubleTensor[] = {key_of(1, Wire::varint), 2, key_of(2, Wire::bytes), 0,
                                     key_of(4, Wire::bytes),  8};
constexpr size_t kDoubleTensorSize = sizeof kDoubleTensor + sizeof(double);

bool float32_holds(double number) {
  const double again = static_cast<double>(static_cast<float>(number));
  return std::bit_cast<uint64_t>(again) == std::bit_cast<uint64_t>(number);
}

// The member of a row, as it will be written.
struct Member {
  enum class Form : uint8_t { none, simple_value, double_tensor, message } form = Form::none;
  uint32_t field = 0;
  Bytes payload = {};
  double number = 0;

  size_t size() const {
    switch (form) {
      case Form::none:
        return 0;
      case Form::simple_value:
        return 1 + sizeof(float);
      case Form::double_tensor:
        return field_size(kDoubleTensorSize);
      case Form::message:
        return field_size(payload.size);
    }
    return 0;
  }

  void write(Pen& pen) const {
    switch (form) {
      case Form::none:
        break;
      case Form::simple_value:
        pen.byte(key_of(number::simple_value, Wire::fixed32));
        pen.fixed(static_cast<float>(number));
        break;
      case Form::double_tensor:
        pen.begin(number::tensor, kDoubleTensorSize);
        pen.bytes({kDoubleTensor, sizeof kDoubleTensor});
        pen.fixed(number);
        break;
      case Form::message:
        pen.begin(field, payload.size);
        pen.bytes(payload);
        break;
    }
  }
};

class Encoder {
 public:
  Encoder(const EventRows& rows, std::vector<int32_t>& declared, const EncodeOptions& options)
      : rows_(rows), declared_(declared), options_(options), crc_(crc32c()) {}

  Encoded run() {
    encoded_.records.reserve(rows_.size * kCommonSize + rows_.payload.byte_size());
    for (size_t i = 0; i < rows_.size; ++i) {
      if (!add(i)) {
        encoded_.too_large = i;
        break;
      }
    }
    return std::move(encoded_);
  }

 private:
  static constexpr size_t kCommonSize = 80;  // of a record of a scalar

  Bytes payload(size_t i) const {
    return rows_.payload.size() > 0 && rows_.payload.valid(i) ? rows_.payload[i] : Bytes{};
  }

  Member member(size_t i) {
    if (rows_.number.valid(i)) {
      const double number = rows_.number[i];
      if (float32_holds(number)) return {.form = Member::Form::simple_value, .number = number};
      if (options_.exact) return {.form = Member::Form::double_tensor, .number = number};
      ++encoded_.rounded;
      return {.form = Member::Form::simple_value, .number = number};
    }
    const uint32_t field = rows_.member[i] & ~uint32_t{kOfValue};
    if (field == 0) return {};
    return {.form = Member::Form::message, .field = field, .payload = payload(i)};
  }

  bool is_value(size_t i) const {
    return rows_.number.valid(i) || (rows_.member[i] & kOfValue) != 0;
  }

  // The metadata that the row's event has to have.
  std::optional<Bytes> metadata(size_t i) {
    if (!rows_.metadata.valid(i)) return std::nullopt;
    const int32_t code = rows_.metadata.codes[i];
    if (rows_.tag.valid(i)) {
      int32_t& last = declared_[static_cast<size_t>(rows_.tag.codes[i])];
      if (last == code && !options_.repeat) return std::nullopt;
      last = code;
    }
    return rows_.metadata[i];
  }

  bool add(size_t i) {
    if (!is_value(i) && rows_.member[i] == kWholeEvent) {
      const Bytes event = payload(i);
      return frame(event.size, [&](Pen& pen) { pen.bytes(event); });
    }
    const int64_t step = rows_.step[i];
    const size_t keys =
        1 + sizeof(double) + (step == 0 ? 0 : 1 + varint_size(static_cast<uint64_t>(step)));
    const auto write_keys = [&](Pen& pen) {
      pen.byte(kWallTimeKey);  // first, and even if it is 0: merge_records() looks for it here
      pen.fixed(rows_.wall_time[i]);
      if (step != 0) {
        pen.byte(kStepKey);
        pen.varint(static_cast<uint64_t>(step));
      }
    };
    const Member what = member(i);
    if (!is_value(i)) {
      return frame(keys + what.size(), [&](Pen& pen) {
        write_keys(pen);
        what.write(pen);
      });
    }
    const std::optional<Bytes> about = metadata(i);
    const bool has_tag = rows_.tag.valid(i);
    const Bytes tag = has_tag ? rows_.tag[i] : Bytes{};
    const size_t value =
        (has_tag ? field_size(tag.size) : 0) + what.size() + (about ? field_size(about->size) : 0);
    const size_t summary = field_size(value);
    return frame(keys + field_size(summary), [&](Pen& pen) {
      write_keys(pen);
      pen.begin(number::summary, summary);
      pen.begin(number::value, value);
      if (has_tag) {
        pen.begin(number::tag, tag.size);
        pen.bytes(tag);
      }
      what.write(pen);
      if (about) {
        pen.begin(number::metadata, about->size);
        pen.bytes(*about);
      }
    });
  }

  template <class Write>
  bool frame(size_t size, Write write) {
    if (size > kMaxLength) return false;
    uint8_t* const record = encoded_.records.extend(kHeaderSize + size + kFooterSize);
    Pen pen(record);
    pen.fixed(static_cast<uint64_t>(size));
    pen.fixed(mask(crc_.of8(size)));
    write(pen);
    pen.fixed(mask(crc_.of(record + kHeaderSize, size)));
    return true;
  }

  const EventRows& rows_;
  std::vector<int32_t>& declared_;
  const EncodeOptions& options_;
  const Crc32c& crc_;
  Encoded encoded_;
};

}  // namespace

Encoded encode_events(const EventRows& rows, std::vector<int32_t>& declared,
                      const EncodeOptions& options) {
  return Encoder(rows, declared, options).run();
}

}  // namespace tbtools

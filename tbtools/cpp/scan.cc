#include "scan.h"

#include <algorithm>
#include <optional>

#include "frame.h"
#include "values.h"

namespace tbtools {

namespace {

// A batch never holds more bytes than were scanned for it, and Arrow's offsets have 32 bits.
constexpr uint64_t kMaxScan = 0x7FFFFFFF;

class Scanner {
 public:
  Scanner(Bytes window, const Options& options)
      : window_(window),
        options_(options),
        crc_(*options.crc),
        batch_(std::make_shared<Batch>(options.offsets)),
        values_(*batch_, options) {}

  std::shared_ptr<const Batch> run(size_t at) {
    // A scalar's record is 40 bytes and more. Memory that is not written to costs nothing.
    constexpr size_t kScalarRecord = 32;
    if (values_.wants(FieldId::simple_value)) {
      batch_->points.reserve(std::max<size_t>((window_.size - at) / kScalarRecord, 64));
    }
    read(at);
    batch_->points.shrink();
    values_.finish();
    return std::move(batch_);
  }

 private:
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
    const Bytes most{window_.data, std::min<size_t>(window_.size, begin + kMaxScan)};
    while (window_.size - at >= kHeaderSize) {
      if (crc_.has_hardware && may_repeat(values_.tags(), window_, at)) {
        at = read_repeats(most, at, options_.position, values_.tags(), batch_->points,
                          batch_->records);
        if (window_.size - at < kHeaderSize) break;
      }
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
      if (!values_.read(payload, position_of(at))) {
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
        !values_.wants(value)) {
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

  const Bytes window_;
  const Options options_;
  const Crc32c& crc_;
  std::shared_ptr<Batch> batch_;
  ValueReader values_;
};

}  // namespace

std::shared_ptr<const Batch> scan(Bytes window, size_t begin, const Options& options) {
  return Scanner(window, options).run(begin);
}

}  // namespace tbtools

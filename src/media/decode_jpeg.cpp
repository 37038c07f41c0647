#include <fmt/format.h>
#include <stdio.h>  // NOLINT(modernize-deprecated-headers): jpeglib.h needs its names global

#include <jpeglib.h>

#include <jerror.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <string>
#include <vector>

#include "media/decode_formats.hpp"
#include "media/exif.hpp"
#include "media/upright.hpp"

// libjpeg reports errors by a call that must not return, so every function that calls it sets a return point first and
// holds nothing between there and the call that would need a destructor: state lives in JpegReader.
namespace likeness::media {
namespace {

/// More scans than any encoder makes (a progressive colour photo has about ten) mean a file made to cost time.
constexpr int kMostScans = 100;
constexpr int kScansAlwaysAllowed = 20;
constexpr std::int64_t kMostScannedPixels = 2'000'000'000;

class JpegReader {
 public:
  explicit JpegReader(const DecodeLimits& limits) : limits_(limits) {
    info_.err = jpeg_std_error(&errors_);
    info_.client_data = this;
    errors_.error_exit = [](j_common_ptr common) {
      auto* reader = static_cast<JpegReader*>(common->client_data);
      common->err->format_message(common, reader->message_.data());
      std::longjmp(reader->return_point_, 1);
    };
    errors_.emit_message = [](j_common_ptr common, int level) {
      // libjpeg paints damaged parts grey and goes on; a face in them would be missed without a word.
      if (level < 0 && means_damage(common->err->msg_code)) common->err->error_exit(common);
    };
    errors_.output_message = [](j_common_ptr) {};
    progress_.progress_monitor = [](j_common_ptr common) {
      auto* reader = static_cast<JpegReader*>(common->client_data);
      if (reader->info_.input_scan_number <= reader->most_scans_) return;
      std::snprintf(reader->message_.data(), reader->message_.size(), "more than %d scans", reader->most_scans_);
      std::longjmp(reader->return_point_, 1);
    };
  }
  ~JpegReader() { jpeg_destroy_decompress(&info_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  bool read_header(BytesView file) {
    if (setjmp(return_point_) != 0) return false;  // NOLINT(cert-err52-cpp)
    jpeg_create_decompress(&info_);
    info_.mem->max_memory_to_use = static_cast<long>(limits_.max_working_bytes);
    info_.progress = &progress_;
    jpeg_mem_src(&info_, file.data(), file.size());
    jpeg_save_markers(&info_, JPEG_APP0 + 1, 0xFFFF);
    return jpeg_read_header(&info_, TRUE) == JPEG_HEADER_OK;
  }

  int width() const { return static_cast<int>(info_.image_width); }
  int height() const { return static_cast<int>(info_.image_height); }

  int orientation() const {
    for (const jpeg_marker_struct* marker = info_.marker_list; marker != nullptr; marker = marker->next)
      if (const int found = app1_orientation({marker->data, marker->data_length}); found != 0) return found;
    return 1;
  }

  /// What a file of several scans needs beside the pixels: all coefficients, 2 bytes each.
  std::size_t coefficient_bytes() const {
    if (jpeg_has_multiple_scans(const_cast<jpeg_decompress_struct*>(&info_)) == FALSE) return 0;
    std::size_t blocks = 0;
    for (int i = 0; i < info_.num_components; ++i) {
      const jpeg_component_info& component = info_.comp_info[i];
      blocks += static_cast<std::size_t>(component.width_in_blocks) * component.height_in_blocks;
    }
    return blocks * sizeof(JBLOCK);
  }

  /// False with `message()` if the colours cannot be turned into RGB.
  bool choose_colours() {
    switch (info_.jpeg_color_space) {
      case JCS_GRAYSCALE:
      case JCS_YCbCr:
      case JCS_RGB: info_.out_color_space = JCS_RGB; return true;
      case JCS_CMYK:
      case JCS_YCCK:
        info_.out_color_space = JCS_CMYK;
        cmyk_row_.resize(static_cast<std::size_t>(info_.image_width) * 4 * Upright::kStripRows);
        return true;
      default:
        std::snprintf(message_.data(), message_.size(), "%d components of unknown colours", info_.num_components);
        return false;
    }
  }

  bool read_pixels(Upright& target) {
    const std::int64_t pixels = std::int64_t{info_.image_width} * info_.image_height;
    most_scans_ = static_cast<int>(std::clamp<std::int64_t>(kMostScannedPixels / std::max<std::int64_t>(1, pixels),
                                                            kScansAlwaysAllowed, kMostScans));
    if (setjmp(return_point_) != 0) return false;  // NOLINT(cert-err52-cpp)
    jpeg_start_decompress(&info_);
    while (info_.output_scanline < info_.output_height) {
      const int first = static_cast<int>(info_.output_scanline);
      // Not past the end of a strip: its memory is used again for the next one.
      const int wanted = std::min(Upright::kStripRows - first % Upright::kStripRows, target.height() - first);
      std::array<JSAMPROW, Upright::kStripRows> rows{};
      for (int i = 0; i < wanted; ++i)
        rows[static_cast<std::size_t>(i)] = cmyk_row_.empty() ? target.row(first + i) : cmyk_row(i);
      const int got = static_cast<int>(jpeg_read_scanlines(&info_, rows.data(), static_cast<JDIMENSION>(wanted)));
      for (int i = 0; i < got; ++i) {
        if (!cmyk_row_.empty()) cmyk_to_rgb(cmyk_row(i), target.row(first + i));
        target.filled(first + i);
      }
    }
    jpeg_finish_decompress(&info_);
    return true;
  }

  const char* message() const { return message_.data(); }
  bool out_of_memory() const {
    return errors_.msg_code == JERR_OUT_OF_MEMORY || errors_.msg_code == JERR_NO_BACKING_STORE;
  }

 private:
  static bool means_damage(int code) {
    return code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE ||
           code == JWRN_ARITH_BAD_CODE || code == JWRN_BOGUS_PROGRESSION || code == JWRN_MUST_RESYNC;
  }

  std::uint8_t* cmyk_row(int i) { return cmyk_row_.data() + static_cast<std::size_t>(i) * 4 * info_.image_width; }

  /// Without a colour profile: each ink lets its share of the light through. Adobe's files hold the light, not the ink.
  void cmyk_to_rgb(const std::uint8_t* source, std::uint8_t* target) const {
    const unsigned flip = info_.saw_Adobe_marker != FALSE ? 0U : 255U;
    for (JDIMENSION x = 0; x < info_.image_width; ++x, source += 4, target += 3) {
      const unsigned black = source[3] ^ flip;
      for (int c = 0; c < 3; ++c) target[c] = static_cast<std::uint8_t>(((source[c] ^ flip) * black + 127) / 255);
    }
  }

  const DecodeLimits& limits_;
  jpeg_decompress_struct info_{};
  jpeg_error_mgr errors_{};
  jpeg_progress_mgr progress_{};
  std::jmp_buf return_point_{};
  std::array<char, JMSG_LENGTH_MAX> message_{};
  int most_scans_ = kMostScans;
  std::vector<std::uint8_t> cmyk_row_;
};

}  // namespace

Result<Image> decode_jpeg(BytesView file, const DecodeLimits& limits) {
  JpegReader reader(limits);
  if (!reader.read_header(file)) return invalid_image(fmt::format("JPEG header: {}", reader.message()));
  if (auto fits = check_size(reader.width(), reader.height(), limits); !fits) return fail(fits);
  if (reader.coefficient_bytes() > limits.max_working_bytes)
    return too_much_memory(fmt::format("the coefficients of its scans take {} bytes", reader.coefficient_bytes()));
  if (!reader.choose_colours()) return invalid_image(fmt::format("JPEG: {}", reader.message()));
  Upright target(reader.width(), reader.height(), reader.orientation());
  if (!reader.read_pixels(target)) {
    if (reader.out_of_memory()) return too_much_memory(fmt::format("JPEG: {}", reader.message()));
    return invalid_image(fmt::format("JPEG: {}", reader.message()));
  }
  return target.take();
}

}  // namespace likeness::media

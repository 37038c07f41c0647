#include "domain/lambda/testing.hpp"

#include <zip.h>

#include <stdexcept>

namespace likeness::lambda::testing {

Bytes make_zip(const std::vector<ZipEntry>& entries) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* out = zip_source_buffer_create(nullptr, 0, 0, &error);
  zip_t* zip = out == nullptr ? nullptr : zip_open_from_source(out, ZIP_CREATE | ZIP_TRUNCATE, &error);
  if (zip == nullptr) throw std::runtime_error("no zip");
  zip_source_keep(out);
  for (const auto& entry : entries) {
    zip_int64_t index = -1;
    if (entry.name.ends_with('/') && entry.text.empty()) {
      index = zip_dir_add(zip, entry.name.c_str(), 0);
    } else {
      zip_source_t* text = zip_source_buffer(zip, entry.text.data(), entry.text.size(), 0);
      index = zip_file_add(zip, entry.name.c_str(), text, 0);
    }
    if (index < 0) throw std::runtime_error(zip_strerror(zip));
    zip_file_set_external_attributes(zip, static_cast<zip_uint64_t>(index), 0, ZIP_OPSYS_UNIX, entry.mode << 16);
  }
  if (zip_close(zip) != 0) throw std::runtime_error("the zip could not be closed");
  zip_stat_t stat;
  zip_source_open(out);
  zip_source_stat(out, &stat);
  Bytes bytes(stat.size);
  zip_source_read(out, bytes.data(), bytes.size());
  zip_source_close(out);
  zip_source_free(out);
  return bytes;
}

}  // namespace likeness::lambda::testing

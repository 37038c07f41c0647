#include "app/cli/console.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/json.hpp>
#include <cmath>

#include "app/cli/inputs.hpp"
#include "app/cli/pictures.hpp"

namespace likeness::app {
namespace {

struct Advice {
  std::string_view code;
  std::string_view text;
};
/// Errors that no other photo would escape, and what to do about them.
constexpr std::array kFatal = {
    Advice{"Unreachable", "Is the server running, and is this its address?"},
    Advice{"UnrecognizedClientException", "Use the key of the server's data folder: DATA/credentials."},
    Advice{"InvalidSignatureException", "Use the key of the server's data folder: DATA/credentials."},
    Advice{"SignatureDoesNotMatch", "Use the key of the server's data folder: DATA/credentials."},
    Advice{"IncompleteSignatureException", ""},
    Advice{"MissingAuthenticationTokenException", ""},
    Advice{"AccessDeniedException", ""},
    Advice{"ExpiredTokenException", ""},
    Advice{"NoCredentials", ""},
    Advice{"ResourceNotFoundException", ""},
    Advice{"ModelMissing", "Run scripts/setup.sh, or see `likeness doctor`."},
    Advice{"ModelDamaged", "Run scripts/setup.sh, or see `likeness doctor`."},
    Advice{"ModelMismatch", "See `likeness doctor`."},
    Advice{"ModelUnreadable", "See `likeness doctor`."},
    Advice{"InvalidManifest", "See `likeness doctor`."},
    Advice{"StorageInUse", "A server has this data folder open: ask it with --endpoint, or name another with --data."},
    Advice{"StorageFull", ""},
    Advice{"StorageFailure", ""},
    Advice{"DataFromNewerVersion", ""},
    Advice{"NoFont", ""},
    Advice{"NotWritable", ""},
};

}  // namespace

void complain(Console& console, std::string_view text) {
  console.err << "likeness: " << printable(text) << '\n' << std::flush;
}

bool ends_everything(const Error& error) {
  return std::ranges::any_of(kFatal, [&](const Advice& advice) { return advice.code == error.code; });
}

int give_up(Console& console, const Error& error) {
  if (console.json) {
    const boost::json::object line = {{"Error", {{"Code", error.code}, {"Message", error.message}}}};
    console.out << boost::json::serialize(line) << '\n' << std::flush;
  }
  complain(console, error.message.empty() ? error.code : error.message);
  if (!error.detail.empty()) complain(console, error.detail);
  for (const Advice& advice : kFatal)
    if (advice.code == error.code && !advice.text.empty()) complain(console, advice.text);
  return error.code == "Usage" || error.code == "NoPhotos" || error.code == "InvalidRules" ? kUsage : kFailed;
}

void report_failed_photo(Console& console, const std::string& path, const Error& error) {
  if (console.json) {
    const boost::json::object line = {{"Photo", path}, {"Error", {{"Code", error.code}, {"Message", error.message}}}};
    console.out << boost::json::serialize(line) << '\n' << std::flush;
  }
  complain(console, fmt::format("{}: {}", path, error.message));
}

Result<Photo> load_photo(const std::string& path) {
  auto file = read_file(path, kMostPhotoBytes);
  if (!file) return fail(file);
  auto image = decode_photo(*file);
  if (!image) return fail(image);
  return Photo{path, std::move(*file), std::move(*image)};
}

std::string rate_text(double rate) {
  // Below this the pairs that were measured do not tell any more.
  if (rate < 1e-5) return "less than 1 time in 100000";
  if (rate >= 0.1) return fmt::format("{:.0f} times in 100", rate * 100);
  const double one_in = 1 / rate;
  const double second_digit = std::pow(10, std::floor(std::log10(one_in)) - 1);
  return fmt::format("1 time in {:.0f}", std::round(one_in / second_digit) * second_digit);
}

std::string counted(std::size_t count, std::string_view one, std::string_view many) {
  if (count == 0) return fmt::format("no {}", one);
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string tally_text(const Tally& tally) {
  std::string text = fmt::format("{} in {:.1f} s", counted(tally.photos, "photo", "photos"), tally.seconds);
  if (tally.photos > 1 && tally.seconds > 0)
    text += fmt::format(" ({:.1f}/s)", static_cast<double>(tally.photos) / tally.seconds);
  if (tally.failed > 0) text += fmt::format(", {} could not be used", tally.failed);
  return text;
}

}  // namespace likeness::app

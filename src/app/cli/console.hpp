#pragma once

#include <algorithm>
#include <atomic>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "app/cli/face_service.hpp"
#include "app/cli/parallel.hpp"
#include "app/cli/terminal.hpp"
#include "base/result.hpp"

/// What all commands over photos have in common: reading files in parallel, reporting in order, counting, exit codes.
namespace likeness::app {

/// What the process returns. Part of the interface: scripts branch on it.
inline constexpr int kDone = 0;        // done; every photo passed, something matched
inline constexpr int kNo = 1;          // done, and the answer is no: a photo failed, no face, no match
inline constexpr int kUsage = 2;       // the command line or a rule file is wrong
inline constexpr int kSomeFailed = 3;  // some photos could not be read or judged; the others were
inline constexpr int kFailed = 4;      // nothing could be done: no models, no server, no permission

/// Where a command writes. Tests give it string streams.
struct Console {
  std::ostream& out;
  std::ostream& err;
  Terminal terminal;
  bool json = false;      // one JSON document a line and photo instead of tables
  bool progress = false;  // a progress bar may be drawn on stderr
};

/// "likeness: ..." on stderr.
void complain(Console& console, std::string_view text);
/// The same for an error that ends the command, with what to do about it where that is known. Returns its exit code.
int give_up(Console& console, const Error& error);
/// True for errors that every further photo would meet as well.
bool ends_everything(const Error& error);

/// Reads and decodes one photo. Errors as of read_file and media::decode.
Result<Photo> load_photo(const std::string& path);

struct Tally {
  std::size_t photos = 0, failed = 0;
  double seconds = 0;
  std::optional<Error> fatal;  // ended the run early
  /// kFailed, kSomeFailed or `otherwise`.
  int exit_code(int otherwise) const { return fatal ? kFailed : failed > 0 ? kSomeFailed : otherwise; }
};

/// Reports a photo that could not be handled: a line on stderr, or an Error object among the JSON lines.
void report_failed_photo(Console& console, const std::string& path, const Error& error);

/// `work` on each photo, on `jobs` threads, then `show` for each in the order of the list, on this thread. A photo that
/// fails is reported and counted; an error that would hit all of them ends the run. `work` gets the photo decoded.
template <class Work, class Show>
Tally over_photos(Console& console, const std::vector<std::string>& paths, std::size_t jobs, Work work, Show show) {
  Tally tally;
  Progress progress(paths.size(), "photos", console.progress);
  std::atomic<bool> stop = false;
  using Answer = std::invoke_result_t<Work, std::size_t, const Photo&>;
  parallel_in_order(
      paths.size(), jobs,
      [&](std::size_t i) -> Answer {
        if (stop) return client_error("Stopped", "");
        auto photo = load_photo(paths[i]);
        if (!photo) return fail(photo);
        return work(i, *photo);
      },
      [&](std::size_t i, Answer answer) {
        if (tally.fatal) return;
        ++tally.photos;
        if (answer) {
          progress.clear();
          show(i, *answer);
          console.out.flush();
        } else if (ends_everything(answer.error())) {
          stop = true;
          tally.fatal = answer.error();
          progress.clear();
          give_up(console, answer.error());
        } else {
          ++tally.failed;
          progress.clear();
          report_failed_photo(console, paths[i], answer.error());
        }
        progress.done_one();
      });
  tally.seconds = progress.seconds();
  return tally;
}

/// "7 photos in 1.2 s (5.8/s)".
std::string tally_text(const Tally& tally);
/// "1 time in 5000": a false-match rate for people.
std::string rate_text(double rate);
/// "1 face", "3 faces", "no face".
std::string counted(std::size_t count, std::string_view one, std::string_view many);

}  // namespace likeness::app

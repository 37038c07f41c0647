// likeness_compatibility [--check FILE]: prints docs/compatibility.md from the providers that are registered in the
// program, or says where FILE differs from that.

#include <stdlib.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "app/engine.hpp"
#include "app/health.hpp"
#include "aws/compatibility.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "config/settings.hpp"

namespace {

/// A new empty folder, gone at the end.
struct Folder {
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "likeness-compatibility-XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) path = name;
  }
  ~Folder() {
    std::error_code ignored;
    if (!path.empty()) std::filesystem::remove_all(path, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::filesystem::path path;
};

/// The first line that is not the same in both.
std::string first_difference(const std::string& page, const std::string& file) {
  std::istringstream wanted(page), found(file);
  std::string want, have;
  for (int number = 1;; ++number) {
    const bool more = static_cast<bool>(std::getline(wanted, want));
    const bool rest = static_cast<bool>(std::getline(found, have));
    if (!more && !rest) return {};
    if (more != rest || want != have)
      return "line " + std::to_string(number) + " should be: " + (more ? want : "(the end)");
  }
}

}  // namespace

int main(int argc, char** argv) {
  // The program as it is, over a data folder of its own: what is registered there is what the page tells of.
  namespace app = likeness::app;
  likeness::log::set_level(likeness::log::Level::Error);
  const Folder folder;
  app::Health health("compatibility");
  likeness::Metrics metrics;
  const auto engine = app::Engine::open(likeness::config::Settings(), folder.path, health, metrics);
  if (!engine) {
    std::fprintf(stderr, "%s %s\n", engine.error().message.c_str(), engine.error().detail.c_str());
    return 2;
  }
  auto services = (*engine)->services();
  std::ranges::sort(services, {}, [](const auto* service) { return service->model().full_name; });
  const std::string page = likeness::aws::compatibility_page(services);
  if (argc == 1) {
    std::fputs(page.c_str(), stdout);
    return 0;
  }
  if (argc != 3 || std::string_view(argv[1]) != "--check") {
    std::fprintf(stderr, "usage: %s [--check FILE]\n", argv[0]);
    return 2;
  }
  std::ifstream in(argv[2]);
  std::stringstream file;
  file << in.rdbuf();
  if (!in || file.str() != page) {
    std::fprintf(stderr, "%s is not what the program does; run `make compatibility`. %s\n", argv[2],
                 first_difference(page, file.str()).c_str());
    return 1;
  }
  return 0;
}

// likeness_compatibility [--check FILE]: prints docs/compatibility.md from the providers that are registered in the
// program, or says where FILE differs from that.

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "aws/compatibility.hpp"
#include "domain/testing.hpp"
#include "services/rekognition/provider.hpp"

namespace {

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
  // The providers want the domain that they will never be asked to use here.
  likeness::domain::testing::World world;
  const auto rekognition = likeness::rekognition::make_rekognition(*world.operator->());
  const std::string page = likeness::aws::compatibility_page({rekognition.get()});
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

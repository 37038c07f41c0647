#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "app/cli/face_service.hpp"
#include "domain/faces/live_collection.hpp"
#include "vision/face_analyzer.hpp"

namespace likeness::app {

/// What the local service is put together from; a test hands in its own.
struct LocalParts {
  std::function<Result<std::unique_ptr<vision::FaceAnalyzer>>()> make_analyzer;
  domain::MakeIndex make_index;
  std::filesystem::path data;  // where collections are kept
  std::string region = "us-east-1";
};

/// The commands' work done in this process, by the same rules as in the server (the domain module). Models are loaded
/// with the first photo and the data folder is opened with the first use of a collection: one process at a time may
/// have it open.
std::unique_ptr<FaceService> make_local_service(LocalParts parts);

}  // namespace likeness::app

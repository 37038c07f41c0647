#include "domain/recognition.hpp"

#include <utility>

namespace likeness::domain {

Result<std::unique_ptr<Recognition>> Recognition::open(storage::Store& store, vision::FaceAnalyzer& analyzer,
                                                       MakeIndex make_index, ObjectReader& objects, const Clock& clock,
                                                       const RecognitionSettings& settings) {
  auto tokens = PageTokens::open(store);
  if (!tokens) return fail(tokens);
  return std::make_unique<Recognition>(std::move(*tokens), store, analyzer, std::move(make_index), objects, clock,
                                       settings);
}

Recognition::Recognition(PageTokens tokens, storage::Store& store, vision::FaceAnalyzer& analyzer, MakeIndex make_index,
                         ObjectReader& objects, const Clock& clock, const RecognitionSettings& settings)
    : tokens_(std::move(tokens)),
      detection(analyzer, objects, settings.images),
      collections(store, std::move(make_index), tokens_, clock, analyzer.face_model_version(), settings.quotas),
      faces(collections, analyzer, objects, settings.images),
      users(collections, analyzer, objects, settings.images) {}

}  // namespace likeness::domain

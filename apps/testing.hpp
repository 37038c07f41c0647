#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "functions/native.hpp"

namespace likeness::apps::testing {

/// A function's surroundings that answer from a list and note what was asked. For tests.
class Surroundings final : public functions::NativeContext {
 public:
  std::map<std::string, Result<std::string>> answers;  // by operation
  std::map<std::string, std::string> variables;
  std::vector<std::pair<std::string, std::string>> calls;  // "service:Operation" and its input
  std::vector<std::string> lines;

  Result<std::string> call(std::string_view service, std::string_view operation, std::string_view json) override {
    calls.emplace_back(std::string(service) + ":" + std::string(operation), std::string(json));
    const auto at = answers.find(std::string(operation));
    if (at == answers.end()) return client_error("UnknownOperationException", "not expected");
    return at->second;
  }
  void log(std::string_view line) override { lines.emplace_back(line); }
  std::chrono::milliseconds remaining() const override { return std::chrono::seconds(3); }
  const std::string& request_id() const override { return id_; }
  const std::string& function_name() const override { return name_; }
  const std::string& invoked_arn() const override { return name_; }
  std::string environment(const std::string& name) const override {
    const auto at = variables.find(name);
    return at == variables.end() ? "" : at->second;
  }

  /// The input of the n-th call of that operation, e.g. "dynamodb:PutItem"; "" where there was none.
  std::string input_of(const std::string& called, std::size_t n = 0) const {
    for (const auto& [name, input] : calls)
      if (name == called && n-- == 0) return input;
    return "";
  }

 private:
  std::string id_ = "9fd1f3f4-0000-4000-8000-000000000000";
  std::string name_ = "check";
};

/// A FaceDetail of what the passport rules look at. Confidences are in percent.
inline std::string face(bool smile, double smile_confidence, double size = .4) {
  const std::string side = std::to_string(size);
  return std::string(R"({"BoundingBox":{"Left":0.3,"Top":0.3,"Width":)") + side + R"(,"Height":)" + side +
         R"(},"Confidence":99.9,"Smile":{"Value":)" + (smile ? "true" : "false") + R"(,"Confidence":)" +
         std::to_string(smile_confidence) +
         R"(},"Sunglasses":{"Value":false,"Confidence":99},"EyesOpen":{"Value":true,"Confidence":98},)"
         R"("MouthOpen":{"Value":false,"Confidence":97}})";
}

}  // namespace likeness::apps::testing

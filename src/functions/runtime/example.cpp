// A function made with likeness_lambda.hpp; the tests and benchmarks run it.
#include "functions/runtime/likeness_lambda.hpp"

int main() {
  return likeness_lambda::run([](const likeness_lambda::Event& event) {
    if (event.payload.find("\"log\"") != std::string::npos) std::printf("asked by %s\n", event.request_id.c_str());
    if (event.payload.find("\"fail\"") != std::string::npos) return likeness_lambda::failure("BadPhoto", "no \"face\"");
    if (event.payload.find("\"throw\"") != std::string::npos) throw std::runtime_error("thrown");
    return likeness_lambda::success(R"({"got":)" + event.payload + R"(,"enough_time":)" +
                                    (event.remaining() > std::chrono::seconds(10) ? "true}" : "false}"));
  });
}

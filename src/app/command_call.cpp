#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/cli/environment.hpp"
#include "app/commands.hpp"
#include "app/control.hpp"
#include "app/deployment.hpp"
#include "aws/sigv4.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"
#include "net/client.hpp"

namespace likeness::app {
namespace {

namespace fs = std::filesystem;

struct CallOptions {
  std::string service, operation, input;
  std::string file;
  std::vector<std::string> files;
  std::string target;
  std::vector<std::string> set;
  std::optional<std::string> data;
};

int failed(const Error& error) {
  std::fprintf(stderr, "likeness: %s: %s\n", error.code.c_str(), error.message.c_str());
  return 2;
}

fs::path data_folder(const CallOptions& options) {
  return options.data ? fs::path(*options.data) : default_data_folder();
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return client_error("NoFile", path + " cannot be read.");
  return std::string(std::istreambuf_iterator<char>(file), {});
}

/// "@FILE" is what is in the file.
Result<std::string> input_of(const CallOptions& options) {
  if (options.input.empty()) return "{}";
  if (options.input[0] == '@') return read_file(options.input.substr(1));
  return options.input;
}

int run_call(const CallOptions& options) {
  const auto input = input_of(options);
  if (!input) return failed(input.error());
  const auto answer =
      ask_server(data_folder(options), "call " + options.service + " " + options.operation + " " + *input);
  if (!answer) return failed(answer.error());
  std::printf("%s\n", answer->c_str());
  return 0;
}

/// What stands behind `"NAME":"` in a flat answer of ours.
std::string member_of(const std::string& answer, const std::string& name) {
  const std::string start = "\"" + name + "\":\"";
  const auto at = answer.find(start);
  if (at == std::string::npos) return {};
  return answer.substr(at + start.size(), answer.find('"', at + start.size()) - at - start.size());
}

int run_deploy(const CallOptions& options) {
  const fs::path data = data_folder(options);
  const auto text = read_file(options.file);
  if (!text) return failed(text.error());
  const auto call = [&](const std::string& service, const std::string& operation, const std::string& input) {
    return ask_server(data, "call " + service + " " + operation + " " + (input.empty() ? "{}" : input));
  };
  const auto about = ask_server(data, "about");
  if (!about) return failed(about.error());
  std::map<std::string, std::string> parameters;
  for (const char* name : {"Account", "Region", "Endpoint"}) parameters[name] = member_of(*about, name);
  for (const auto& pair : options.set) {
    const auto equals = pair.find('=');
    if (equals == std::string::npos)
      return failed(client_error("InvalidParameter", pair + " is not NAME=VALUE.").value());
    parameters[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  const auto deployment = parse_deployment(*text, parameters);
  if (!deployment) return failed(deployment.error());
  const auto done = deploy(*deployment, call, [](const Deployment::Call& made, std::string_view outcome) {
    std::printf("%-14s %-40s %.*s\n", made.service.c_str(), made.operation.c_str(), static_cast<int>(outcome.size()),
                outcome.data());
  });
  return done ? 0 : failed(done.error());
}

std::string content_type_of(const fs::path& file) {
  const std::string extension = file.extension().string();
  if (extension == ".jpg" || extension == ".jpeg") return "image/jpeg";
  if (extension == ".png") return "image/png";
  if (extension == ".webp") return "image/webp";
  return "application/octet-stream";
}

/// Every file under its own name, in turn on one connection.
int run_upload(const CallOptions& options) {
  const fs::path data = data_folder(options);
  const auto about = ask_server(data, "about");
  if (!about) return failed(about.error());
  const auto key = find_client_key(data);
  if (!key) return failed(key.error());
  auto client = net::Client::for_endpoint(member_of(*about, "Endpoint"));
  if (!client) return failed(client.error());
  std::string_view target = options.target;
  if (!target.starts_with("s3://"))
    return failed(client_error("InvalidTarget", "The target is s3://BUCKET[/PREFIX].").value());
  target.remove_prefix(5);
  for (const auto& file : options.files) {
    const auto content = read_file(file);
    if (!content) return failed(content.error());
    std::string place(target);
    if (place.find('/') == std::string::npos || !place.ends_with('/')) place += '/';
    net::Request request;
    request.method = "PUT";
    request.target = "/" + aws::uri_encode(place + fs::path(file).filename().string(), true);
    request.headers.set("Host", client->authority());
    request.headers.set("Content-Type", content_type_of(file));
    const BytesView bytes = as_bytes(*content);
    request.body.assign(bytes.begin(), bytes.end());
    aws::SigningOptions signing;
    signing.region = member_of(*about, "Region");
    signing.service = "s3";
    signing.time = Clock::system().now();
    signing.rules = aws::kS3Rules;
    signing.sign_payload_header = true;
    aws::sign_headers(request, {.id = key->id, .secret = key->secret, .session_token = key->session_token}, signing);
    const auto response = client->send(request);
    if (!response) return failed(response.error());
    if (response->status != 200)
      return failed(
          client_error("Refused", file + ": " + std::to_string(response->status) + " " + response->body).value());
    std::printf("%s -> s3://%s%s\n", file.c_str(), place.c_str(), fs::path(file).filename().c_str());
  }
  return 0;
}

}  // namespace

void add_call_commands(CLI::App& root, int& exit_code) {
  const auto add = [&](const char* name, const char* help, int (*run)(const CallOptions&)) {
    auto options = std::make_shared<CallOptions>();
    CLI::App* command = root.add_subcommand(name, help);
    command->add_option("--data", options->data, "the data folder of the server; else $LIKENESS_DATA or the usual one")
        ->type_name("DIR");
    command->callback([options, run, &exit_code] {
      log::set_level(log::Level::Error);
      exit_code = run(*options);
    });
    return std::pair(command, options);
  };
  const auto [call, call_options] =
      add("call", "Call an operation of a running server as its owner, without keys", run_call);
  call->add_option("SERVICE", call_options->service, "the SDK's name: s3, dynamodb, lambda")->required();
  call->add_option("OPERATION", call_options->operation, "as in the API: CreateBucket")->required();
  call->add_option("INPUT", call_options->input, "JSON, or @FILE");
  const auto [deploy, deploy_options] =
      add("deploy", "Set up an application on a running server from its description", run_deploy);
  deploy->add_option("FILE", deploy_options->file, "the description (docs/deploying.md)")->required();
  deploy->add_option("--set", deploy_options->set, "a parameter of the description; may be repeated")
      ->type_name("NAME=VALUE");
  const auto [upload, upload_options] = add("upload", "Put files into a bucket of a running server", run_upload);
  upload->add_option("FILES", upload_options->files, "what to put there")->required();
  upload->add_option("--to", upload_options->target, "s3://BUCKET[/PREFIX]")->required();
}

}  // namespace likeness::app

#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "app/cli/face_service.hpp"
#include "app/cli/remote_service.hpp"

/// Where the commands find things: data folder, keys, server.
namespace likeness::app {

/// $LIKENESS_DATA, else $XDG_DATA_HOME/likeness, else ~/.local/share/likeness.
std::filesystem::path default_data_folder();

struct ClientKey {
  std::string id, secret, session_token;
  std::string source;  // where it was found, for messages
};

/// In this order: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile (AWS_PROFILE or "default") of
/// AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials, the `credentials` of the server's data folder. Error
/// "NoCredentials" says where was looked.
Result<ClientKey> find_client_key(const std::filesystem::path& data_folder);

/// Reads one profile of a file in AWS's form; nullopt if it has no key of that name.
std::optional<ClientKey> key_of_profile(const std::string& text, const std::string& profile);

struct Endpoint {
  std::string url;  // "http://127.0.0.1:4600"
  std::string region = "us-east-1";
  ClientKey key;
};

/// Signed calls of the Rekognition API over HTTP, on as many connections as there are threads that call at once.
/// Answers of "ThrottlingException" and of a server that is restarting are tried again, a few times, more slowly.
Result<CallApi> connect_to(Endpoint endpoint);

}  // namespace likeness::app

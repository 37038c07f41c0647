#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "net/http.hpp"

namespace likeness::net {

/// Reads one response out of the bytes of a connection, in whatever pieces they come. Interim responses (100, 103) are
/// passed over. Holds the body, within its limit, and no more than a head besides.
class ResponseReader {
 public:
  struct Options {
    std::uint64_t max_body_bytes = 0;
    bool head_only = false;  // of an answer to HEAD, which has no body whatever its head says
  };

  /// `peer` is whom errors name.
  ResponseReader(std::string peer, const Options& options);
  ~ResponseReader();
  ResponseReader(const ResponseReader&) = delete;
  ResponseReader& operator=(const ResponseReader&) = delete;

  /// Not after done(). Error "BadResponse", after which the reader is of no use.
  Result<void> feed(std::string_view bytes);
  /// The connection has ended. Error "BadResponse" where that is not the end of the response.
  Result<void> end();

  /// Whether status and headers are known.
  bool head_done() const;
  bool done() const;
  /// Once done(): whether the connection can have another request. Not where more came than the response.
  bool reusable() const;
  /// Once head_done(): the response with as much of its body as came.
  Response take();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A request's head, for the wire: `first` (the request line), Host where missing, the headers. Error "InvalidHeader"
/// where a header would end its line.
Result<std::string> write_request_head(std::string_view first, std::string_view host, const Headers& headers);

}  // namespace likeness::net

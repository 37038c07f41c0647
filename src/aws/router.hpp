#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "aws/service.hpp"
#include "net/http.hpp"

namespace likeness::aws {

/// A part of the path that stands for a member of the input.
struct Label {
  std::string_view name;  // as in the operation's uri
  std::string value;      // decoded
};

/// Which service and operation a request is for, found by its head (and, where the protocol has it there, by the form
/// in its body).
struct Route {
  const Service* service = nullptr;      // null: none
  const Operation* operation = nullptr;  // null: none of the service's
  std::string called;                    // the operation's name as the client said it, also where there is none
  std::string wanted;                    // where there is no service: what the signature calls the one it is for
  bool is_query_call = false;            // where there is no service: an Action, as query services have it
  std::vector<Label> labels;
  bool bad_path = false;  // a '%' without two hexadecimal digits in one of the labels
};

/// Finds services and operations. Built once from all services; thread-safe.
class Router {
 public:
  /// `domains`: see parse_s3_host().
  explicit Router(std::vector<std::string> domains);
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  /// Borrows.
  void add(const Service& service);

  Route find(const net::Request& request) const;

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace likeness::aws

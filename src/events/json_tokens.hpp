#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace likeness::events {

/// Reads JSON token by token without building anything: patterns need to know where in the text they are wrong, events
/// are mostly skipped. Strict (RFC 8259), except that what follows the first value is left alone. Borrows the text.
///
///     JsonTokens tokens(text);
///     while (tokens.next() != JsonTokens::Kind::End) ...
class JsonTokens {
 public:
  enum class Kind : std::uint8_t {
    BeginObject,
    EndObject,
    BeginArray,
    EndArray,
    Name,
    String,
    Number,
    True,
    False,
    Null,
    End,      // behind the first value
    Invalid,  // `problem()` says what; the end
  };

  static constexpr std::size_t kMaxDepth = 500;

  explicit JsonTokens(std::string_view json) : json_(json) {}

  Kind next();
  Kind kind() const { return kind_; }

  /// Of a name or string what it says, of anything else its JSON. Valid until the next call of `next` or `text`.
  std::string_view text();
  /// As it stands in the JSON, with its quotes.
  std::string_view raw() const { return json_.substr(begin_, end_ - begin_); }
  std::size_t begin() const { return begin_; }
  std::size_t end() const { return end_; }

  /// To be called when the current token is a name or begins a value: passes the (rest of the) value over and gives its
  /// JSON. Brackets are counted and strings respected, the rest of what is skipped is not looked at.
  std::string_view skip();

  /// How AWS (whose parser is Jackson) calls the place where it stands: the end of the current token, where a string
  /// that nobody has asked for counts as not read yet, and with a name the first token of its value has been.
  std::size_t location() const;
  const std::string& problem() const { return problem_; }

 private:
  enum class Expect : std::uint8_t { Value, FirstName, Name, Colon, FirstElement, Separator, Nothing };

  Kind fail(std::size_t at, std::string problem);
  Kind unexpected(std::string_view expected);
  Kind value();
  Kind structure_end(Kind kind);
  bool string();
  bool escape(std::size_t& at, std::size_t opening);
  Kind number();
  Kind literal(std::string_view word, Kind kind);
  void after_value() { expect_ = stack_.empty() ? Expect::Nothing : Expect::Separator; }
  void skip_spaces();

  std::string_view json_;
  std::size_t at_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  Kind kind_ = Kind::End;
  Expect expect_ = Expect::Value;
  bool escaped_ = false;
  bool asked_ = false;
  std::vector<char> stack_;  // '{' or '['
  std::string decoded_;
  std::string problem_;
};

/// Whether it is one JSON value and nothing else.
bool is_json(std::string_view text);
/// Whether it is one JSON object and nothing else.
bool is_json_object(std::string_view text);
/// `text` as a JSON string, with its quotes.
std::string json_string(std::string_view text);
/// The same without the quotes.
std::string json_escaped(std::string_view text);

}  // namespace likeness::events

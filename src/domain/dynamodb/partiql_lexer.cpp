#include "domain/dynamodb/partiql_lexer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace likeness::dynamodb::partiql {
namespace {

// The words that PartiQL keeps for itself: they are names only in double quotes. Sorted.
constexpr auto kKeywords = std::to_array<std::string_view>({
    "absolute",
    "action",
    "add",
    "all",
    "allocate",
    "alter",
    "and",
    "any",
    "are",
    "as",
    "asc",
    "assertion",
    "at",
    "authorization",
    "avg",
    "bag",
    "begin",
    "between",
    "bit",
    "bit_length",
    "blob",
    "bool",
    "boolean",
    "by",
    "cascade",
    "cascaded",
    "case",
    "cast",
    "catalog",
    "char",
    "char_length",
    "character",
    "character_length",
    "check",
    "clob",
    "close",
    "coalesce",
    "collate",
    "collation",
    "column",
    "commit",
    "conflict",
    "connect",
    "connection",
    "constraint",
    "constraints",
    "continue",
    "convert",
    "corresponding",
    "count",
    "create",
    "cross",
    "current",
    "current_date",
    "current_time",
    "current_timestamp",
    "current_user",
    "cursor",
    "date",
    "date_add",
    "date_diff",
    "deallocate",
    "dec",
    "decimal",
    "declare",
    "default",
    "deferrable",
    "deferred",
    "delete",
    "desc",
    "describe",
    "descriptor",
    "diagnostics",
    "disconnect",
    "distinct",
    "do",
    "domain",
    "double",
    "drop",
    "else",
    "end",
    "end-exec",
    "escape",
    "except",
    "exception",
    "exec",
    "execute",
    "exists",
    "external",
    "extract",
    "false",
    "fetch",
    "first",
    "float",
    "for",
    "foreign",
    "found",
    "from",
    "full",
    "get",
    "global",
    "go",
    "goto",
    "grant",
    "group",
    "having",
    "identity",
    "immediate",
    "in",
    "index",
    "indicator",
    "initially",
    "inner",
    "input",
    "insensitive",
    "insert",
    "int",
    "integer",
    "intersect",
    "interval",
    "into",
    "is",
    "isolation",
    "join",
    "key",
    "language",
    "last",
    "left",
    "let",
    "level",
    "like",
    "limit",
    "list",
    "local",
    "lower",
    "match",
    "max",
    "min",
    "missing",
    "modified",
    "module",
    "names",
    "national",
    "natural",
    "nchar",
    "new",
    "next",
    "no",
    "not",
    "nothing",
    "null",
    "nullif",
    "numeric",
    "octet_length",
    "of",
    "old",
    "on",
    "only",
    "open",
    "option",
    "or",
    "order",
    "outer",
    "output",
    "overlaps",
    "pad",
    "partial",
    "pivot",
    "position",
    "precision",
    "prepare",
    "preserve",
    "primary",
    "prior",
    "privileges",
    "procedure",
    "public",
    "read",
    "real",
    "references",
    "relative",
    "remove",
    "restrict",
    "returning",
    "revoke",
    "right",
    "rollback",
    "rows",
    "schema",
    "scroll",
    "section",
    "select",
    "session",
    "session_user",
    "set",
    "sexp",
    "size",
    "smallint",
    "some",
    "space",
    "sql",
    "sqlcode",
    "sqlerror",
    "sqlstate",
    "string",
    "struct",
    "substring",
    "sum",
    "symbol",
    "system_user",
    "table",
    "temporary",
    "then",
    "time",
    "timestamp",
    "to",
    "transaction",
    "translate",
    "translation",
    "trim",
    "true",
    "tuple",
    "union",
    "unique",
    "unknown",
    "unpivot",
    "update",
    "upper",
    "usage",
    "user",
    "using",
    "value",
    "values",
    "varchar",
    "varying",
    "view",
    "when",
    "whenever",
    "where",
    "with",
    "work",
    "write",
    "zone",
});
static_assert(std::is_sorted(kKeywords.begin(), kKeywords.end()));

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool starts_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$'; }
bool in_name(char c) { return starts_name(c) || is_digit(c); }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<std::vector<Token>> run() {
    std::vector<Token> tokens;
    tokens.reserve(text_.size() / 4 + 1);
    while (true) {
      if (!skip_space()) return client_error("Malformed", "Unclosed comment");
      Token token;
      token.place = {line_, column_, 0};
      const std::size_t begin = at_;
      if (at_ == text_.size()) {
        tokens.push_back(std::move(token));
        return tokens;
      }
      if (!read(token)) return client_error("Malformed", fmt::format("Invalid token at {}:{}", line_, column_));
      token.place.length = static_cast<std::uint32_t>(at_ - begin);
      tokens.push_back(std::move(token));
    }
  }

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  void advance(std::size_t count = 1) {
    for (; count > 0 && at_ < text_.size(); --count, ++at_) {
      // Columns count characters, not the bytes of their UTF-8.
      if (text_[at_] == '\n') {
        ++line_;
        column_ = 1;
      } else if ((static_cast<unsigned char>(text_[at_]) & 0xC0U) != 0x80U) {
        ++column_;
      }
    }
  }

  bool skip_space() {
    while (at_ < text_.size()) {
      const char c = peek();
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        advance();
      } else if (c == '-' && peek(1) == '-') {
        while (at_ < text_.size() && peek() != '\n') advance();
      } else if (c == '/' && peek(1) == '*') {
        const auto end = text_.find("*/", at_ + 2);
        if (end == std::string_view::npos) return false;
        advance(end + 2 - at_);
      } else {
        break;
      }
    }
    return true;
  }

  bool read(Token& token) {
    const char c = peek();
    if (c == '\'' || c == '"' || c == '`') return read_quoted(token, c);
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return read_number(token);
    if (starts_name(c)) return read_word(token);
    if (c == '?') {
      token.kind = Token::Kind::Parameter;
      advance();
      return true;
    }
    static constexpr auto kSymbols =
        std::to_array<std::string_view>({"<<", ">>", "<=", ">=", "<>", "!=", "||", "<", ">", "=", "(", ")", "[",
                                         "]",  "{",  "}",  ",",  ".",  ":",  ";",  "*", "+", "-", "/", "%"});
    for (const std::string_view symbol : kSymbols) {
      if (!text_.substr(at_).starts_with(symbol)) continue;
      token.kind = Token::Kind::Symbol;
      token.text = symbol;
      advance(symbol.size());
      return true;
    }
    return false;
  }

  bool read_quoted(Token& token, char quote) {
    token.kind = quote == '\'' ? Token::Kind::String : quote == '"' ? Token::Kind::Quoted : Token::Kind::Ion;
    advance();
    while (at_ < text_.size()) {
      if (peek() == quote) {
        if (peek(1) != quote || quote == '`') {
          advance();
          return true;
        }
        advance();
      }
      token.text += peek();
      advance();
    }
    return false;
  }

  bool read_number(Token& token) {
    token.kind = Token::Kind::Number;
    const std::size_t begin = at_;
    while (is_digit(peek())) advance();
    if (peek() == '.') {
      advance();
      while (is_digit(peek())) advance();
    }
    if (peek() == 'e' || peek() == 'E') {
      advance();
      if (peek() == '+' || peek() == '-') advance();
      if (!is_digit(peek())) return false;
      while (is_digit(peek())) advance();
    }
    token.text = text_.substr(begin, at_ - begin);
    return !starts_name(peek());
  }

  bool read_word(Token& token) {
    const std::size_t begin = at_;
    while (in_name(peek())) advance();
    const std::string_view word = text_.substr(begin, at_ - begin);
    const std::string small = lower(word);
    if (std::binary_search(kKeywords.begin(), kKeywords.end(), small)) {
      token.kind = Token::Kind::Keyword;
      token.text = small;
    } else {
      token.kind = Token::Kind::Name;
      token.text = word;
    }
    return true;
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 1;
  std::uint32_t column_ = 1;
};

}  // namespace

std::string Place::text() const { return fmt::format("{}:{}:{}", line, column, length); }

Result<std::vector<Token>> tokens_of(std::string_view statement) { return Lexer(statement).run(); }

}  // namespace likeness::dynamodb::partiql

// Queries of Logs Insights: any text is a query (the first line) over the lines that follow, each an event. Parsing and
// evaluating must end with bounded results.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "domain/logs/insights/query.hpp"
#include "domain/logs/insights/row.hpp"

namespace insights = likeness::logs::insights;

namespace {

void evaluate(const insights::Command& command, insights::Row& row) {
  using Kind = insights::Command::Kind;
  if (command.kind == Kind::Filter) (void)insights::evaluate(command.condition, row).is_true();
  if (command.kind == Kind::Parse) insights::extract(command.extraction, row);
  for (const auto* columns : {&command.columns, &command.groups})
    for (const auto& column : *columns) {
      auto value = insights::evaluate(column.expression, row);
      if (insights::to_text(value).size() > (4u << 20)) std::abort();
      row.set(column.name, std::move(value));
    }
  for (const auto& key : command.order) (void)insights::evaluate(key.expression, row);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 8192) return 0;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto end = text.find('\n');
  const auto query = insights::parse_query(text.substr(0, end));
  if (!query) {
    if (query.error().end > text.substr(0, end).size() || query.error().begin > query.error().end) std::abort();
    return 0;
  }
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  for (int line = 0; line < 4; ++line) {
    const auto stop = text.find('\n');
    const likeness::logs::EventView event{{.time = 1'700'000'000'000, .chunk = 1, .index = 0}, text.substr(0, stop)};
    insights::Row row(event, "1:g", "s");
    for (const auto& command : query->commands) evaluate(command, row);
    (void)row.discovered();
    if (stop == std::string_view::npos) break;
    text.remove_prefix(stop + 1);
  }
  return 0;
}

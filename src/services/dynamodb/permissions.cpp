#include "services/dynamodb/permissions.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "domain/dynamodb/expression_lexer.hpp"
#include "domain/dynamodb/expression_parser.hpp"
#include "domain/dynamodb/key_condition.hpp"
#include "domain/dynamodb/reserved_words.hpp"
#include "domain/dynamodb/resource_policy.hpp"
#include "services/dynamodb/convert.hpp"
#include "services/dynamodb/operations.hpp"

namespace likeness::dynamodb {

namespace {

using policy::Permission;

std::string table_arn(const aws::RequestContext& context, const std::string& name) {
  if (name.starts_with("arn:")) return name;
  return "arn:aws:dynamodb:" + context.region + ":" + context.account + ":table/" + name;
}

/// The value of a key as dynamodb:LeadingKeys has it.
std::string text_of(const shapes::AttributeValue& value) {
  if (value.s) return *value.s;
  if (value.n) return *value.n;
  if (value.b) return to_base64(*value.b);
  return {};
}

/// What conditions of policies may ask about a call.
class Asked {
 public:
  Asked(Database& database, const aws::RequestContext& context, const std::string& table)
      : arn_(table_arn(context, table)) {
    if (auto found = database.tables().find(caller_of(context), table)) table_ = std::move(*found);
  }

  void key(const WireItem& item) {
    if (!table_) return;
    if (const auto found = item.find(table_->keys.partition.name); found != item.end())
      leading_.insert(text_of(found->second));
  }
  void leading(std::string value) { leading_.insert(std::move(value)); }
  void attribute(const std::string& name) { attributes_.insert(name); }
  void attributes(const WireItem& item) {
    for (const auto& [name, value] : item) attributes_.insert(name);
  }
  /// Top-level names of an expression, roughly: words that are no functions or keywords, and what placeholders stand
  /// for.
  void expression(const std::optional<std::string>& text,
                  const std::optional<std::map<std::string, std::string>>& names) {
    if (names)
      for (const auto& [placeholder, name] : *names) attributes_.insert(name);
    if (!text) return;
    Placeholders placeholders;
    if (names)
      for (const auto& [placeholder, name] : *names) placeholders.names.emplace(placeholder, name);
    const auto tokens = tokens_of(*text);
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
      const bool below = i > 0 && tokens[i - 1].is(".");
      if (tokens[i].kind == Token::Kind::Word && !below && !tokens[i + 1].is("(") && !is_reserved_word(tokens[i].text))
        attributes_.insert(std::string(tokens[i].text));
    }
  }
  void set(const std::string& key, std::string_view value) { context_[key] = {std::string(value)}; }

  Permission permission(std::string action, const std::optional<std::string>& index = std::nullopt) const {
    Permission out;
    out.action = "dynamodb:" + std::move(action);
    out.resource = index ? arn_ + "/index/" + *index : arn_;
    out.context = context_;
    if (!leading_.empty()) out.context["dynamodb:LeadingKeys"] = {leading_.begin(), leading_.end()};
    if (!attributes_.empty()) out.context["dynamodb:Attributes"] = {attributes_.begin(), attributes_.end()};
    if (table_) out.resource_policy = policy_document(*table_, arn_);
    return out;
  }

 private:
  std::string arn_;
  TablePtr table_;
  std::set<std::string> leading_, attributes_;
  policy::ContextKeys context_;
};

template <class Input>
void common(Asked& asked, const Input& in) {
  if constexpr (requires { in.return_consumed_capacity; })
    if (in.return_consumed_capacity)
      asked.set("dynamodb:ReturnConsumedCapacity", shapes::to_text(*in.return_consumed_capacity));
  if constexpr (requires { in.return_values; })
    if (in.return_values) asked.set("dynamodb:ReturnValues", shapes::to_text(*in.return_values));
  if constexpr (requires { in.select; })
    if (in.select) asked.set("dynamodb:Select", shapes::to_text(*in.select));
  if constexpr (requires { in.attributes_to_get; })
    if (in.attributes_to_get)
      for (const auto& name : *in.attributes_to_get) asked.attribute(name);
  if constexpr (requires { in.expected; })
    if (in.expected)
      for (const auto& [name, value] : *in.expected) asked.attribute(name);
  if constexpr (requires { in.attribute_updates; })
    if (in.attribute_updates)
      for (const auto& [name, value] : *in.attribute_updates) asked.attribute(name);
  const auto names = [&]() -> std::optional<std::map<std::string, std::string>> {
    if constexpr (requires { in.expression_attribute_names; }) return in.expression_attribute_names;
    return std::nullopt;
  }();
  if constexpr (requires { in.condition_expression; }) asked.expression(in.condition_expression, names);
  if constexpr (requires { in.update_expression; }) asked.expression(in.update_expression, names);
  if constexpr (requires { in.projection_expression; }) asked.expression(in.projection_expression, names);
  if constexpr (requires { in.filter_expression; }) asked.expression(in.filter_expression, names);
}

/// The partition key that a query is for, where it shows: "pk = :v" with either form of the name.
void query_key(Asked& asked, Database& database, const aws::RequestContext& context, const shapes::QueryInput& in) {
  if (in.key_conditions) {
    for (const auto& [name, condition] : *in.key_conditions) asked.attribute(name);
  }
  const auto found = database.tables().find(caller_of(context), *in.table_name);
  if (!found) return;
  const Index* index = in.index_name ? (*found)->find_index(*in.index_name) : nullptr;
  const KeySchema& schema = index ? index->keys : (*found)->keys;
  if (in.key_conditions) {
    for (const auto& [name, condition] : *in.key_conditions)
      if (schema.is_partition(name) && condition.attribute_value_list)
        for (const auto& value : *condition.attribute_value_list) asked.leading(text_of(value));
    return;
  }
  if (!in.key_condition_expression || !in.expression_attribute_values) return;
  Placeholders placeholders;
  if (in.expression_attribute_names)
    for (const auto& [placeholder, name] : *in.expression_attribute_names)
      placeholders.names.emplace(placeholder, name);
  for (const auto& [placeholder, wire] : *in.expression_attribute_values)
    if (auto value = value_of(wire)) placeholders.values.emplace(placeholder, std::move(*value));
  const auto condition = parse_condition(*in.key_condition_expression, placeholders, "KeyConditionExpression");
  if (!condition) return;
  const auto keys = key_conditions(*condition);
  if (!keys) return;
  for (const auto& [name, key] : *keys) {
    asked.attribute(name);
    if (!schema.is_partition(name)) continue;
    for (const auto& value : key.values) asked.leading(text_of(to_wire(value)));
  }
}

template <class Op>
void on_table(aws::Service& service, Database& database) {
  service.permissions<Op>([&database](const aws::RequestContext& context, const typename Op::Input& in) {
    Asked asked(database, context, in.table_name.value_or("*"));
    common(asked, in);
    if constexpr (requires { in.key; })
      if (in.key) {
        asked.key(*in.key);
        asked.attributes(*in.key);
      }
    if constexpr (requires { in.item; })
      if (in.item) {
        asked.key(*in.item);
        asked.attributes(*in.item);
      }
    std::optional<std::string> index;
    if constexpr (requires { in.index_name; }) index = in.index_name;
    if constexpr (std::is_same_v<Op, shapes::Query>)
      if (in.table_name) query_key(asked, database, context, in);
    return std::vector<Permission>{asked.permission(std::string(Op::kName), index)};
  });
}

template <class Op>
void on_arn(aws::Service& service, Database& database) {
  service.permissions<Op>([&database](const aws::RequestContext& context, const typename Op::Input& in) {
    return std::vector{
        permission_on(database.tables(), context, std::string(Op::kName), in.resource_arn.value_or("arn:"))};
  });
}

/// Who makes a table with a policy needs the right to attach one. That of a table that has the name does not count.
void on_creation(aws::Service& service) {
  service.permissions<shapes::CreateTable>([](const aws::RequestContext& context, const shapes::CreateTableInput& in) {
    std::vector<Permission> out;
    for (const auto* action : {"dynamodb:CreateTable", "dynamodb:PutResourcePolicy"})
      if (out.empty() || in.resource_policy)
        out.push_back({.action = action, .resource = table_arn(context, in.table_name.value_or("*"))});
    return out;
  });
}

}  // namespace

Permission permission_on(const Tables& tables, const aws::RequestContext& context, const std::string& action,
                         const std::string& name_or_arn, const std::string& index) {
  Permission out;
  out.action = "dynamodb:" + action;
  out.resource = table_arn(context, name_or_arn);
  if (const auto table = tables.find_by_arn(out.resource)) out.resource_policy = policy_document(*table, out.resource);
  if (!index.empty()) out.resource += "/index/" + index;
  return out;
}

void register_permissions(aws::Service& service, Database& database) {
  on_creation(service);
  on_table<shapes::DescribeTable>(service, database);
  on_table<shapes::UpdateTable>(service, database);
  on_table<shapes::DeleteTable>(service, database);
  on_table<shapes::DescribeContinuousBackups>(service, database);
  on_table<shapes::UpdateContinuousBackups>(service, database);
  on_table<shapes::PutItem>(service, database);
  on_table<shapes::GetItem>(service, database);
  on_table<shapes::UpdateItem>(service, database);
  on_table<shapes::DeleteItem>(service, database);
  on_table<shapes::Query>(service, database);
  on_table<shapes::Scan>(service, database);
  on_arn<shapes::TagResource>(service, database);
  on_arn<shapes::UntagResource>(service, database);
  on_arn<shapes::ListTagsOfResource>(service, database);
  on_arn<shapes::PutResourcePolicy>(service, database);
  on_arn<shapes::GetResourcePolicy>(service, database);
  on_arn<shapes::DeleteResourcePolicy>(service, database);

  service.permissions<shapes::BatchGetItem>(
      [&database](const aws::RequestContext& context, const shapes::BatchGetItemInput& in) {
        std::vector<Permission> out;
        if (!in.request_items) return out;
        for (const auto& [name, gets] : *in.request_items) {
          Asked asked(database, context, name);
          common(asked, gets);
          if (gets.keys)
            for (const auto& key : *gets.keys) {
              asked.key(key);
              asked.attributes(key);
            }
          out.push_back(asked.permission("BatchGetItem"));
        }
        return out;
      });
  service.permissions<shapes::BatchWriteItem>(
      [&database](const aws::RequestContext& context, const shapes::BatchWriteItemInput& in) {
        std::vector<Permission> out;
        if (!in.request_items) return out;
        for (const auto& [name, writes] : *in.request_items) {
          Asked asked(database, context, name);
          for (const auto& write : writes)
            for (const auto* item : {write.put_request ? &write.put_request->item : nullptr,
                                     write.delete_request ? &write.delete_request->key : nullptr})
              if (item && *item) {
                asked.key(**item);
                asked.attributes(**item);
              }
          out.push_back(asked.permission("BatchWriteItem"));
        }
        return out;
      });
  service.permissions<shapes::TransactGetItems>(
      [&database](const aws::RequestContext& context, const shapes::TransactGetItemsInput& in) {
        std::vector<Permission> out;
        if (!in.transact_items) return out;
        for (const auto& item : *in.transact_items) {
          if (!item.get || !item.get->table_name) continue;
          Asked asked(database, context, *item.get->table_name);
          common(asked, *item.get);
          if (item.get->key) asked.key(*item.get->key);
          out.push_back(asked.permission("GetItem"));
        }
        return out;
      });
  service.permissions<shapes::TransactWriteItems>(
      [&database](const aws::RequestContext& context, const shapes::TransactWriteItemsInput& in) {
        std::vector<Permission> out;
        if (!in.transact_items) return out;
        const auto add = [&](const auto& member, const auto& item, std::string action) {
          if (!member || !member->table_name) return;
          Asked asked(database, context, *member->table_name);
          common(asked, *member);
          if (*item) {
            asked.key(**item);
            asked.attributes(**item);
          }
          out.push_back(asked.permission(std::move(action)));
        };
        for (const auto& item : *in.transact_items) {
          if (item.put) add(item.put, &item.put->item, "PutItem");
          if (item.delete_) add(item.delete_, &item.delete_->key, "DeleteItem");
          if (item.update) add(item.update, &item.update->key, "UpdateItem");
          if (item.condition_check) add(item.condition_check, &item.condition_check->key, "ConditionCheckItem");
        }
        return out;
      });
}

}  // namespace likeness::dynamodb

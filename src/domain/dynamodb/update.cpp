#include <algorithm>
#include <optional>
#include <utility>

#include "domain/dynamodb/errors.hpp"
#include "domain/dynamodb/expression.hpp"

namespace likeness::dynamodb {

namespace {

using Kind = UpdateAction::Kind;

Failure wrong_type(const UpdateAction& action) {
  return validation(action.legacy ? "Type mismatch for attribute to update"
                                  : "An operand in the update expression has an incorrect data type");
}
Failure wrong_type() { return validation("An operand in the update expression has an incorrect data type"); }
Failure no_such_path() {
  return validation("The document path provided in the update expression is invalid for update");
}
Failure no_such_attribute() {
  return validation("The provided expression refers to an attribute that does not exist in the item");
}

Result<Value> compute(const UpdateValue& value, const Attributes& item) {
  switch (value.kind) {
    case UpdateValue::Kind::Value: return value.value;
    case UpdateValue::Kind::Path:
      if (const auto* found = find(item, value.path)) return *found;
      return no_such_attribute();
    case UpdateValue::Kind::IfNotExists:
      if (const auto* found = find(item, value.path)) return *found;
      return compute(value.parts[0], item);
    default: break;
  }
  auto left = compute(value.parts[0], item);
  if (!left) return left;
  auto right = compute(value.parts[1], item);
  if (!right) return right;
  if (value.kind == UpdateValue::Kind::ListAppend) {
    auto* head = left->as<List>();
    auto* tail = right->as<List>();
    if (!head || !tail) return wrong_type();
    head->insert(head->end(), std::make_move_iterator(tail->begin()), std::make_move_iterator(tail->end()));
    return left;
  }
  if (!left->number() || !right->number()) return wrong_type();
  auto sum = value.kind == UpdateValue::Kind::Plus ? left->number()->plus(*right->number())
                                                   : left->number()->minus(*right->number());
  if (!sum) return fail(sum);
  return Value{*sum};
}

/// The map or list that holds the path's last step; null if there is none.
struct Parent {
  Attributes* map = nullptr;
  List* list = nullptr;
};

Parent parent_of(Attributes& item, const Path& path) {
  Parent at{&item, nullptr};
  for (std::size_t i = 0; i + 1 < path.steps.size(); ++i) {
    Value* value = nullptr;
    if (const auto* name = std::get_if<std::string>(&path.steps[i])) {
      value = at.map ? at.map->find(*name) : nullptr;
    } else if (at.list) {
      const std::size_t position = std::get<std::size_t>(path.steps[i]);
      if (position < at.list->size()) value = &(*at.list)[position];
    }
    if (!value) return {};
    at = {value->as<Attributes>(), value->as<List>()};
  }
  const bool wants_list = std::holds_alternative<std::size_t>(path.steps.back());
  if (wants_list ? at.list == nullptr : at.map == nullptr) return {};
  return at;
}

template <class T>
void add_all(std::vector<T>& to, const std::vector<T>& values) {
  for (const auto& value : values)
    if (std::find(to.begin(), to.end(), value) == to.end()) to.push_back(value);
}
template <class T>
void take_all(std::vector<T>& from, const std::vector<T>& values) {
  std::erase_if(from, [&](const T& value) { return std::find(values.begin(), values.end(), value) != values.end(); });
}

Result<Value> added(const UpdateAction& action, const Value* old) {
  Value value = action.value.value;
  if (!old) return value;
  if (old->type() != value.type()) return wrong_type(action);
  Value out = *old;
  switch (value.type()) {
    case Type::N: {
      auto sum = old->number()->plus(*value.number());
      if (!sum) return fail(sum);
      return Value{*sum};
    }
    case Type::SS: add_all(out.as<StringSet>()->values, value.as<StringSet>()->values); return out;
    case Type::NS: add_all(out.as<NumberSet>()->values, value.as<NumberSet>()->values); return out;
    case Type::BS: add_all(out.as<BinarySet>()->values, value.as<BinarySet>()->values); return out;
    case Type::L:
      if (!action.legacy) return wrong_type(action);
      for (auto& element : *value.as<List>()) out.as<List>()->push_back(std::move(element));
      return out;
    default: return wrong_type(action);
  }
}

/// What DELETE leaves of a set; nothing if it leaves nothing.
Result<std::optional<Value>> without(const UpdateAction& action, const Value& old) {
  const Value& value = action.value.value;
  if (old.type() != value.type()) return wrong_type(action);
  Value out = old;
  const auto left = [&](auto& values, const auto& taken) {
    take_all(values, taken);
    return !values.empty();
  };
  bool any = false;
  switch (value.type()) {
    case Type::SS: any = left(out.as<StringSet>()->values, value.as<StringSet>()->values); break;
    case Type::NS: any = left(out.as<NumberSet>()->values, value.as<NumberSet>()->values); break;
    case Type::BS: any = left(out.as<BinarySet>()->values, value.as<BinarySet>()->values); break;
    default: return wrong_type(action);
  }
  if (!any) return std::optional<Value>();
  return std::optional<Value>(std::move(out));
}

/// List positions mean the list as it was: elements are replaced first, then removed from the back to the front, then
/// what was set beyond the end is appended.
class Applier {
 public:
  explicit Applier(const Attributes& item) : before_(item), item_(item) {}

  Result<void> act(const UpdateAction& action) {
    const Parent parent = parent_of(item_, action.path);
    if (!parent.map && !parent.list) {
      return no_such_path();
    }
    const Value* old = find(before_, action.path);
    switch (action.kind) {
      case Kind::Set: {
        auto value = compute(action.value, before_);
        if (!value) return fail(value);
        put(parent, action.path, std::move(*value));
        return {};
      }
      case Kind::Remove: removed_.push_back(&action.path); return {};
      case Kind::Add: {
        auto value = added(action, old);
        if (!value) return fail(value);
        put(parent, action.path, std::move(*value));
        return {};
      }
      case Kind::Delete: {
        if (!old) return {};
        auto value = without(action, *old);
        if (!value) return fail(value);
        if (*value)
          put(parent, action.path, std::move(**value));
        else
          removed_.push_back(&action.path);
        return {};
      }
    }
    return {};
  }

  Attributes finish() {
    // Deeper ones first, as taking an element out moves those behind it; of one list, the last one first.
    std::sort(removed_.begin(), removed_.end(), [](const Path* a, const Path* b) {
      if (a->steps.size() != b->steps.size()) return a->steps.size() > b->steps.size();
      const auto* left = std::get_if<std::size_t>(&a->steps.back());
      const auto* right = std::get_if<std::size_t>(&b->steps.back());
      return (left ? *left : 0) > (right ? *right : 0);
    });
    std::sort(appended_.begin(), appended_.end(),
              [](const auto& a, const auto& b) { return last_position(*a.first) < last_position(*b.first); });
    for (const Path* path : removed_) remove(*path);
    for (auto& [path, value] : appended_) {
      const Parent parent = parent_of(item_, moved(*path));
      if (parent.list) parent.list->push_back(std::move(value));
    }
    return std::move(item_);
  }

 private:
  static std::size_t last_position(const Path& path) { return std::get<std::size_t>(path.steps.back()); }

  void put(const Parent& parent, const Path& path, Value value) {
    if (parent.map) {
      parent.map->set(std::get<std::string>(path.steps.back()), std::move(value));
    } else if (const std::size_t position = last_position(path); position < parent.list->size()) {
      (*parent.list)[position] = std::move(value);
    } else {
      appended_.emplace_back(&path, std::move(value));
    }
  }

  void remove(const Path& path) {
    const Parent parent = parent_of(item_, path);
    if (parent.map)
      parent.map->remove(std::get<std::string>(path.steps.back()));
    else if (parent.list && last_position(path) < parent.list->size())
      parent.list->erase(parent.list->begin() + static_cast<std::ptrdiff_t>(last_position(path)));
  }

  /// Where a path of the item as it was leads after the removals.
  Path moved(const Path& path) const {
    Path out = path;
    for (const Path* gone : removed_) {
      const std::size_t depth = gone->steps.size();
      if (depth >= path.steps.size() || !std::holds_alternative<std::size_t>(gone->steps.back())) continue;
      if (!std::equal(gone->steps.begin(), gone->steps.end() - 1, path.steps.begin())) continue;
      if (const auto* position = std::get_if<std::size_t>(&path.steps[depth - 1]);
          position && last_position(*gone) < *position)
        --std::get<std::size_t>(out.steps[depth - 1]);
    }
    return out;
  }

  const Attributes& before_;
  Attributes item_;
  std::vector<const Path*> removed_;
  std::vector<std::pair<const Path*, Value>> appended_;
};

}  // namespace

Result<Attributes> apply(const Update& update, const Attributes& item) {
  Applier applier(item);
  for (const auto& action : update.actions)
    if (auto done = applier.act(action); !done) return fail(done);
  return applier.finish();
}

}  // namespace likeness::dynamodb

#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aws/model.hpp"
#include "aws/types.hpp"

/// The accessors behind the tables: written once per C++ type, included by generated code only.
namespace likeness::aws::erased {

template <class Optional>
inline constexpr OptionalOps kOptional{[](void* slot) -> void* { return &static_cast<Optional*>(slot)->emplace(); },
                                       [](const void* slot) -> const void* {
                                         const auto& optional = *static_cast<const Optional*>(slot);
                                         return optional.has_value() ? &*optional : nullptr;
                                       },
                                       [](void* slot) { static_cast<Optional*>(slot)->reset(); }};

template <class List>
inline constexpr ListOps kList{
    [](void* list) -> void* { return &static_cast<List*>(list)->emplace_back(); },
    [](void* list) { static_cast<List*>(list)->pop_back(); },
    [](const void* list) -> std::size_t { return static_cast<const List*>(list)->size(); },
    [](const void* list, std::size_t index) -> const void* { return &(*static_cast<const List*>(list))[index]; }};

template <class Map>
inline constexpr MapOps kMap{[](void* map, std::string key) -> void* {
                               const auto [at, inserted] = static_cast<Map*>(map)->try_emplace(std::move(key));
                               return inserted ? &at->second : nullptr;
                             },
                             [](const void* map) -> std::size_t { return static_cast<const Map*>(map)->size(); },
                             [](void* map, const std::string& key) { static_cast<Map*>(map)->erase(key); },
                             [](const void* map, void* state, void (*visit)(void*, const std::string&, const void*)) {
                               for (const auto& [key, value] : *static_cast<const Map*>(map)) visit(state, key, &value);
                             }};

template <class T>
Object make() {
  return Object(new T(), [](void* object) { delete static_cast<T*>(object); });
}

}  // namespace likeness::aws::erased

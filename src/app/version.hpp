#pragma once

namespace likeness::app {

constexpr char kVersion[] = LIKENESS_VERSION;

}  // namespace likeness::app

# Compiler, linker and sanitizer settings shared by every target.

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
# x86-64-v2 everywhere; wider instructions are chosen at run time (base/cpu.hpp), never by -march=native.
add_compile_options(-march=x86-64-v2 -fno-omit-frame-pointer)
# -O1 in Debug: unoptimised image loops make tests and sanitizer runs unbearably slow.
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1 -D_GLIBCXX_ASSERTIONS")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")

find_program(LIKENESS_CCACHE ccache)
if(LIKENESS_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${LIKENESS_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${LIKENESS_CCACHE})
endif()
find_program(LIKENESS_MOLD mold)
if(LIKENESS_MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_link_options(-fuse-ld=mold)
endif()

if(LIKENESS_SANITIZE)
  add_compile_options(-fsanitize=${LIKENESS_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${LIKENESS_SANITIZE})
endif()
if(LIKENESS_FUZZ)
  # Coverage for every library; the fuzzer's own main only where a fuzz target asks for it.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# likeness_module(NAME
#   SOURCES a.cpp b.cpp          implementation files
#   HEADERS a.hpp b.hpp          every header; each is proven to be self-contained: its a.cpp includes it before anything
#                                else, or it is compiled on its own
#   TESTS a_test.cpp             GoogleTest files beside the code -> executable and ctest entry NAME_test
#   DEPS base aws                modules this one's headers use
#   PUBLIC_LIBS / PRIVATE_LIBS   libraries; private ones stay in this module's .cpp files
#   TEST_LIBS                    further libraries for the tests)
set(LIKENESS_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Werror)

# What the sanitizers must know of libraries that were compiled without them. TBB_ENABLE_SANITIZERS: TBB (in OpenVINO)
# otherwise loads a library in a way that they refuse.
function(likeness_sanitizer_environment test tsan_options)
  if(LIKENESS_SANITIZE)
    set_tests_properties(${test} PROPERTIES ENVIRONMENT
      "TBB_ENABLE_SANITIZERS=1;TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/tsan.supp ${tsan_options};LSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/lsan.supp")
  endif()
endfunction()

# To be called for a test that runs models. The locking inside OpenVINO that tests/tsan.supp hides from ThreadSanitizer
# would look to it like unlocking what was never locked.
function(likeness_inference_test test)
  likeness_sanitizer_environment(${test} report_mutex_bugs=0)
endfunction()

option(LIKENESS_HEADER_CHECKS "Compile every header on its own" ON)

function(likeness_module name)
  cmake_parse_arguments(M "" "" "SOURCES;HEADERS;TESTS;DEPS;PUBLIC_LIBS;PRIVATE_LIBS;TEST_LIBS" ${ARGN})
  set(target likeness_${name})
  set(header_tus)
  foreach(header ${M_HEADERS})
    file(RELATIVE_PATH path ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/${header})
    string(REGEX REPLACE "^src/" "" path ${path})
    string(REGEX REPLACE "[.]hpp$" ".cpp" source ${header})
    if(source IN_LIST M_SOURCES)
      file(STRINGS ${source} first_include REGEX "^#include" LIMIT_COUNT 1)
      if(first_include STREQUAL "#include \"${path}\"")
        continue()
      endif()
    endif()
    set(tu ${CMAKE_CURRENT_BINARY_DIR}/header_check/${header}.cpp)
    set(text "#include \"${path}\"\n#include \"${path}\"\n")
    if(EXISTS ${tu})
      file(READ ${tu} old)
    else()
      set(old "")
    endif()
    if(NOT old STREQUAL text)
      file(WRITE ${tu} "${text}")
    endif()
    list(APPEND header_tus ${tu})
  endforeach()

  if(M_SOURCES AND NOT LIKENESS_HEADER_CHECKS)
    set(header_tus)
  endif()
  add_library(${target} STATIC ${M_SOURCES} ${header_tus})
  add_library(likeness::${name} ALIAS ${target})
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_compile_options(${target} PRIVATE ${LIKENESS_WARNINGS})
  list(TRANSFORM M_DEPS PREPEND likeness::)
  target_link_libraries(${target} PUBLIC ${M_DEPS} ${M_PUBLIC_LIBS} PRIVATE ${M_PRIVATE_LIBS})

  if(M_TESTS)
    add_executable(${target}_test ${M_TESTS})
    target_compile_options(${target}_test PRIVATE ${LIKENESS_WARNINGS})
    target_link_libraries(${target}_test PRIVATE ${target} ${M_TEST_LIBS} GTest::gtest GTest::gmock GTest::gtest_main)
    add_test(NAME ${name} COMMAND ${target}_test WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    likeness_sanitizer_environment(${name} "")
  endif()
endfunction()

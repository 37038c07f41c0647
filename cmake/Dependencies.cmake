# Libraries, all from Debian bookworm except OpenVINO, which scripts/fetch.py takes from its PyPI wheel
# into the cache folder. docs/decisions/libraries.md says why each was chosen.

set(LIKENESS_CACHE "" CACHE PATH "Where scripts/fetch.py put models and OpenVINO")
if(NOT LIKENESS_CACHE)
  if(DEFINED ENV{LIKENESS_CACHE})
    set(LIKENESS_CACHE $ENV{LIKENESS_CACHE})
  elseif(DEFINED ENV{XDG_CACHE_HOME})
    set(LIKENESS_CACHE $ENV{XDG_CACHE_HOME}/likeness)
  else()
    set(LIKENESS_CACHE $ENV{HOME}/.cache/likeness)
  endif()
endif()

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(tl-expected REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(prometheus-cpp REQUIRED CONFIG COMPONENTS core)
find_package(RocksDB REQUIRED)
find_package(CLI11 REQUIRED)
pkg_check_modules(re2 REQUIRED IMPORTED_TARGET re2)
find_package(GTest REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
pkg_check_modules(turbojpeg REQUIRED IMPORTED_TARGET libturbojpeg)
pkg_check_modules(jpeg REQUIRED IMPORTED_TARGET libjpeg)
pkg_check_modules(spng REQUIRED IMPORTED_TARGET spng)
pkg_check_modules(webp REQUIRED IMPORTED_TARGET libwebp libwebpdemux)
pkg_check_modules(cairo REQUIRED IMPORTED_TARGET cairo-ft)
pkg_check_modules(fontconfig REQUIRED IMPORTED_TARGET fontconfig)

# The wheel's own CMake package insists on every device and framework plugin; we keep only those we use.
find_library(OPENVINO_LIBRARY NAMES libopenvino.so.2641 PATHS ${LIKENESS_CACHE}/openvino/libs NO_DEFAULT_PATH)
if(NOT OPENVINO_LIBRARY)
  message(FATAL_ERROR "OpenVINO is not in ${LIKENESS_CACHE}: run scripts/setup.sh first.")
endif()
add_library(openvino::runtime SHARED IMPORTED)
set_target_properties(openvino::runtime PROPERTIES
  IMPORTED_LOCATION ${OPENVINO_LIBRARY}
  INTERFACE_INCLUDE_DIRECTORIES ${LIKENESS_CACHE}/openvino/include)

# likeness_embed_text(OUT_VARIABLE FILE NAMESPACE FUNCTION): a .cpp in the build folder that defines
# `std::string_view likeness::NAMESPACE::FUNCTION()` giving the text of FILE; declare it in a header. A changed FILE
# makes CMake run again.
function(likeness_embed_text out file namespace function)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  file(READ ${file} LIKENESS_EMBED_TEXT)
  file(RELATIVE_PATH LIKENESS_EMBED_SOURCE ${CMAKE_SOURCE_DIR} ${file})
  set(LIKENESS_EMBED_NAMESPACE ${namespace})
  set(LIKENESS_EMBED_FUNCTION ${function})
  set(target ${CMAKE_CURRENT_BINARY_DIR}/${function}.cpp)
  configure_file(${CMAKE_SOURCE_DIR}/cmake/embedded.cpp.in ${target} @ONLY)
  set(${out} ${target} PARENT_SCOPE)
endfunction()

# likeness_aws_service(ID): the library likeness::aws_ID (dashes become underscores) with the types and shape tables of
# one service, generated from its pinned model in the cache folder. Its header is "aws/gen/ID.hpp".
find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(LIKENESS_CODEGEN ${CMAKE_SOURCE_DIR}/tools/codegen/generate.py)

# likeness_generated_tables(TARGET ID generate.py's arguments that name the input; INPUT is its file)
function(likeness_generated_tables target id option input)
  string(REPLACE "-" "_" name ${id})
  set(out ${CMAKE_CURRENT_BINARY_DIR}/generated)
  add_custom_command(
    OUTPUT ${out}/aws/gen/${name}.hpp ${out}/aws/gen/${name}.cpp
    COMMAND Python3::Interpreter ${LIKENESS_CODEGEN} ${option} ${input} --id ${id} --out ${out}
    # The generator leaves unchanged files alone so that nothing is compiled for nothing; ninja wants their time moved.
    COMMAND ${CMAKE_COMMAND} -E touch_nocreate ${out}/aws/gen/${name}.hpp ${out}/aws/gen/${name}.cpp
    DEPENDS ${LIKENESS_CODEGEN} ${CMAKE_SOURCE_DIR}/tools/codegen/corrections.py ${input}
    COMMENT "Generating the shape tables of ${id}"
    VERBATIM)
  # For tools that read the sources and so want the headers there (scripts/lint.sh).
  add_custom_target(${target}_generated DEPENDS ${out}/aws/gen/${name}.hpp ${out}/aws/gen/${name}.cpp)
  if(TARGET generated)
    add_dependencies(generated ${target}_generated)
  endif()
  add_library(${target} STATIC ${out}/aws/gen/${name}.cpp ${out}/aws/gen/${name}.hpp)
  target_include_directories(${target} PUBLIC ${out})
  add_dependencies(${target} ${target}_generated)
  target_link_libraries(${target} PUBLIC likeness::aws)
  target_compile_options(${target} PRIVATE -w)
endfunction()

function(likeness_aws_service id)
  string(REPLACE "-" "_" name ${id})
  set(model ${LIKENESS_CACHE}/botocore/${id}/service-2.json.gz)
  if(NOT EXISTS ${model})
    message(FATAL_ERROR "The service model of ${id} is not in ${LIKENESS_CACHE}: run scripts/setup.sh first.")
  endif()
  likeness_generated_tables(likeness_aws_${name} ${id} --model ${model})
  add_library(likeness::aws_${name} ALIAS likeness_aws_${name})
endfunction()

# likeness_inference_test(NAME): to be called for a test that runs models, so that it can run under the sanitizers.
# TBB_ENABLE_SANITIZERS: TBB otherwise loads a library in a way that the sanitizers refuse. report_mutex_bugs=0: the
# locking that tests/tsan.supp hides from the sanitizer would look to it like unlocking what was never locked.
function(likeness_inference_test name)
  if(LIKENESS_SANITIZE)
    set_tests_properties(${name} PROPERTIES ENVIRONMENT
      "TBB_ENABLE_SANITIZERS=1;TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/tsan.supp report_mutex_bugs=0")
  endif()
endfunction()

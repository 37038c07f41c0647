find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(BLAS REQUIRED)
find_package(LAPACK REQUIRED)
find_library(FAISS_LIBRARY NAMES faiss REQUIRED)
find_path(HNSWLIB_INCLUDE NAMES hnswlib/hnswlib.h REQUIRED)

# The peers may use all that this machine has; ours chooses at run time.
add_library(likeness_index_peers STATIC index_peers.cpp)
target_include_directories(likeness_index_peers SYSTEM PRIVATE ${HNSWLIB_INCLUDE})
target_compile_options(likeness_index_peers PRIVATE -O3 -march=native -w)
target_link_libraries(likeness_index_peers PRIVATE ${FAISS_LIBRARY} OpenMP::OpenMP_CXX LAPACK::LAPACK BLAS::BLAS)

add_executable(index_bench index_bench.cpp index_vectors.cpp)
target_compile_options(index_bench PRIVATE ${LIKENESS_WARNINGS} -O3)
target_link_libraries(index_bench PRIVATE likeness::index likeness_index_peers)

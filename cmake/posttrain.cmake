# Helpers for one-target-per-folder builds.

function(posttrain_options target)
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR})
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wno-missing-field-initializers -Werror
    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict> # false alarms on "text" + std::string in GCC 12 (bug 105651)
    -ffp-contract=off -fno-math-errno)
  if(POSTTRAIN_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${POSTTRAIN_SANITIZE} -fno-omit-frame-pointer
      -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=${POSTTRAIN_SANITIZE})
  endif()
  if(POSTTRAIN_FUZZ) # every folder reports its branches, or libFuzzer would be blind
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=address,undefined)
  endif()
endfunction()

# posttrain_compile_lightly(): for folders that nobody waits for at run time. -O1 compiles in two thirds of the time.
function(posttrain_compile_lightly)
  add_compile_options($<$<NOT:$<CONFIG:Debug>>:-O1>)
endfunction()

# posttrain_library(folder SOURCES a.cpp ... DEPS other_folder ...)
function(posttrain_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC ${ARG_DEPS})
  posttrain_options(${name})
endfunction()

# posttrain_test(folder SOURCES a_test.cpp ... DEPS folder ...): one executable test_<folder>, one ctest entry.
function(posttrain_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;DEPS" ${ARGN})
  add_executable(test_${name} ${ARG_SOURCES})
  target_link_libraries(test_${name} PRIVATE ${ARG_DEPS} GTest::gtest GTest::gtest_main)
  posttrain_options(test_${name})
  target_compile_options(test_${name} PRIVATE -Wno-maybe-uninitialized)  # g++ 12 is wrong about std::string
  target_compile_definitions(test_${name} PRIVATE POSTTRAIN_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_test(NAME ${name} COMMAND test_${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT})
endfunction()

# posttrain_embed(FILE...): a text file becomes a string constant: schema.sql of store is embedded::schema_sql, with its
# SHA-256, in "store/embedded/schema_sql.h". Before posttrain_library().
function(posttrain_embed)
  get_filename_component(EMBED_FOLDER ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  foreach(file ${ARGN})
    string(REPLACE "." "_" EMBED_NAME ${file})
    file(READ ${file} EMBED_TEXT)
    file(SHA256 ${CMAKE_CURRENT_SOURCE_DIR}/${file} EMBED_SHA256)
    configure_file(${CMAKE_SOURCE_DIR}/cmake/embed.h.in
      ${CMAKE_CURRENT_BINARY_DIR}/embedded/${EMBED_FOLDER}/embedded/${EMBED_NAME}.h @ONLY)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  endforeach()
  include_directories(${CMAKE_CURRENT_BINARY_DIR}/embedded)
endfunction()

# The rules of this code base, checked on the source tree itself (tidy/ has one file a subject).
cairn_test(tidy_test
  SOURCES tidy_bans_test.cc tidy_build_test.cc tidy_readmes_test.cc tidy_rooms_test.cc
          tidy_shape_test.cc tidy_text_test.cc
          tidy/bans.cc tidy/build_files.cc tidy/code_text.cc tidy/functions.cc tidy/readmes.cc
          tidy/rooms.cc tidy/shape.cc tidy/source_tree.cc
  DEPS fmt::fmt)

# Every header compiles alone: its own source includes it first (tidy_test looks), and for a header
# without one a generated source includes it and nothing else. Compiled without optimization, since
# nobody runs it; not with sanitizers, which would find nothing here.
file(GLOB_RECURSE cairn_headers_found CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}
  ${PROJECT_SOURCE_DIR}/src/*.h ${PROJECT_SOURCE_DIR}/utils/*.h)
list(SORT cairn_headers_found)
set(cairn_headers_sources)
set(cairn_headers_lines)
foreach(header ${cairn_headers_found})
  string(REGEX REPLACE "h$" "cc" own ${PROJECT_SOURCE_DIR}/${header})
  if(EXISTS ${own})
    continue()
  endif()
  string(REPLACE "/" "_" source ${header})
  set(source ${CMAKE_CURRENT_BINARY_DIR}/headers/${source}.cc)
  file(CONFIGURE OUTPUT ${source} CONTENT "#include \"@PROJECT_SOURCE_DIR@/@header@\"\n" @ONLY)
  list(APPEND cairn_headers_sources ${source})
  string(APPEND cairn_headers_lines "${header}\n")
endforeach()
file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/headers/list.txt
  CONTENT "${cairn_headers_lines}")

if(NOT CAIRN_SANITIZE)
  add_library(cairn_headers OBJECT ${cairn_headers_sources})
  target_compile_options(cairn_headers PRIVATE -O0 -g0)
  target_link_libraries(cairn_headers PRIVATE cairn_server)
  target_include_directories(cairn_headers PRIVATE ${PROJECT_SOURCE_DIR}/utils)
endif()

target_compile_definitions(tidy_test PRIVATE CAIRN_BINARY_DIR="${PROJECT_BINARY_DIR}"
  CAIRN_HEADERS_LIST="${CMAKE_CURRENT_BINARY_DIR}/headers/list.txt")

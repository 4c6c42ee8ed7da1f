# Server, memory file system and clients in one process.
add_library(cairn_server_thread STATIC ${CMAKE_CURRENT_LIST_DIR}/support/server_thread.cc
  ${CMAKE_CURRENT_LIST_DIR}/support/split_fs.cc)
target_include_directories(cairn_server_thread PUBLIC ${CMAKE_CURRENT_LIST_DIR})
target_link_libraries(cairn_server_thread PUBLIC cairn_server GTest::gtest Threads::Threads)

foreach(test auth rates reply_buffer turn write_throttle)
  cairn_test(server_${test}_test SOURCES server_${test}_test.cc DEPS cairn_server)
endforeach()
foreach(test info signals)
  cairn_test(server_${test}_test SOURCES server_${test}_test.cc DEPS cairn_server_thread)
endforeach()
cairn_test(server_log_failure_test SOURCES server_log_failure_test.cc
  DEPS cairn_server_thread cairn_test_support)
cairn_test(server_first_start_test SOURCES server_first_start_test.cc support/crash_calls.cc
  DEPS cairn_server_thread cairn_test_support ${CMAKE_DL_LIBS})
cairn_test(server_storage_test SOURCES server_storage_test.cc
  DEPS cairn_command_harness cairn_server_thread cairn_test_support)

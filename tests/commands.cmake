add_library(cairn_state_dump STATIC ${CMAKE_CURRENT_LIST_DIR}/support/state_dump.cc)
target_include_directories(cairn_state_dump PUBLIC ${CMAKE_CURRENT_LIST_DIR})
target_link_libraries(cairn_state_dump PUBLIC cairn_server)

add_library(cairn_command_harness STATIC ${CMAKE_CURRENT_LIST_DIR}/support/command_harness.cc)
target_include_directories(cairn_command_harness PUBLIC ${CMAKE_CURRENT_LIST_DIR})
target_link_libraries(cairn_command_harness PUBLIC cairn_server cairn_state_dump GTest::gtest)

foreach(test damage databases echo executor expiry keys object ranges scan slices string_edit strings)
  cairn_test(commands_${test}_test SOURCES commands_${test}_test.cc DEPS cairn_command_harness)
endforeach()
cairn_test(commands_crash_test SOURCES commands_crash_test.cc DEPS cairn_command_harness)
cairn_test(commands_model_test SOURCES commands_model_test.cc DEPS cairn_command_harness)
cairn_test(replay_test SOURCES replay_test.cc DEPS cairn_command_harness)

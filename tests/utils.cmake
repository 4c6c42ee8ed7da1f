cairn_test(utils_histogram_test SOURCES utils_histogram_test.cc DEPS cairn_bench)
cairn_test(utils_bench_test SOURCES utils_bench_test.cc DEPS cairn_bench)
cairn_test(utils_loadgen_test SOURCES utils_loadgen_test.cc DEPS cairn_bench)
cairn_test(utils_check_lost_files_test
  SOURCES utils_check_lost_files_test.cc support/crash_calls.cc
  DEPS cairn_check cairn_command_harness ${CMAKE_DL_LIBS})
cairn_test(utils_log_show_test SOURCES utils_log_show_test.cc DEPS cairn_log cairn_test_support)

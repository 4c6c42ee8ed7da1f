# Power cuts and process crashes of real servers (crash/README.md).
add_library(cairn_recorder MODULE ${CMAKE_CURRENT_LIST_DIR}/crash/recorder.cc)
target_include_directories(cairn_recorder PRIVATE ${CMAKE_CURRENT_LIST_DIR})
set_target_properties(cairn_recorder PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}
  INTERPROCEDURAL_OPTIMIZATION OFF)
# It is loaded in front of a sanitizer's library and must not need it.
target_compile_options(cairn_recorder PRIVATE -fno-sanitize=all)
target_link_options(cairn_recorder PRIVATE -fno-sanitize=all)

add_library(cairn_crash STATIC
  crash/checker.cc crash/cuts.cc crash/disk.cc crash/examine.cc crash/image.cc crash/journal.cc crash/recording.cc
  crash/server_run.cc crash/trial.cc crash/workload.cc)
target_include_directories(cairn_crash PUBLIC ${CMAKE_CURRENT_LIST_DIR})
target_link_libraries(cairn_crash PUBLIC cairn_state_dump redis_tests_support cairn_server fmt::fmt
  PkgConfig::xxhash Threads::Threads)

add_executable(crash_images crash/images_main.cc)
target_link_libraries(crash_images PRIVATE cairn_crash CLI11::CLI11)
# The tests of the tests.
add_executable(crash_probe crash/probe.cc)
target_link_libraries(crash_probe PRIVATE Threads::Threads)
cairn_test(crash_disk_test SOURCES crash_disk_test.cc DEPS cairn_crash)
cairn_test(crash_journal_test SOURCES crash_journal_test.cc DEPS cairn_crash)
cairn_test(crash_recorder_test SOURCES crash_recorder_test.cc DEPS cairn_crash)
target_compile_definitions(crash_recorder_test PRIVATE CAIRN_RECORDER="$<TARGET_FILE:cairn_recorder>"
  CAIRN_PROBE="$<TARGET_FILE:crash_probe>")
add_dependencies(crash_recorder_test cairn_recorder crash_probe)

add_test(NAME crash_images COMMAND crash_images --server $<TARGET_FILE:cairn-server>
  --recorder $<TARGET_FILE:cairn_recorder>)
set_tests_properties(crash_images PROPERTIES LABELS crash TIMEOUT 600)

# cairn_canary(name what policy source): a server that leaves one sync out (src/base/canary.h), which is in `source`, and the
# test that this is noticed. All else is the server's own code: objects of the program win over those of the libraries.
function(cairn_canary name what policy source)
  add_executable(cairn-server-${name} $<TARGET_OBJECTS:cairn-server> ${PROJECT_SOURCE_DIR}/src/${source})
  target_compile_definitions(cairn-server-${name} PRIVATE "CAIRN_CANARY=\"${what}\"")
  target_link_libraries(cairn-server-${name} PRIVATE cairn_server CLI11::CLI11 PkgConfig::systemd Threads::Threads)
  add_test(NAME crash_${name} COMMAND crash_images --server $<TARGET_FILE:cairn-server-${name}>
    --recorder $<TARGET_FILE:cairn_recorder> --policy ${policy} --descendants 0 --images 12000 --expect-loss)
  set_tests_properties(crash_${name} PROPERTIES LABELS crash TIMEOUT 600)
endfunction()

cairn_canary(canary_log "log sync" always wal/syncer.cc)
cairn_canary(canary_log_folder "log folder sync" always wal/syncer.cc)
cairn_canary(canary_recovered_log "recovered log sync" no wal/recovery.cc)
cairn_canary(canary_run_file "run file sync" always engine/run_file.cc)
cairn_canary(canary_run_folder "run folder sync" always engine/run_file.cc)
cairn_canary(canary_checkpoint "checkpoint log sync" always server/storage.cc)
cairn_canary(canary_every_second "sync every second" everysec server/server.cc)
cairn_canary(canary_outer_folder "outer folder sync" always server/storage.cc)

# cairn_failpoint_server(name source ...): the server with a hook that kills it at a named place (src/base/failpoint.h);
# otherwise the released program's own objects, but for `source`.
function(cairn_failpoint_server name)
  add_executable(${name} $<TARGET_OBJECTS:cairn-server> crash/failpoint_hook.cc ${ARGN})
  target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_LIST_DIR})
  target_link_libraries(${name} PRIVATE cairn_server CLI11::CLI11 PkgConfig::systemd Threads::Threads)
endfunction()

cairn_failpoint_server(cairn-server-failpoints)
cairn_failpoint_server(cairn-server-canary_log_write ${PROJECT_SOURCE_DIR}/src/wal/log.cc)
target_compile_definitions(cairn-server-canary_log_write PRIVATE "CAIRN_CANARY=\"log write\"")

add_executable(crash_failpoints crash/failpoints_main.cc)
target_link_libraries(crash_failpoints PRIVATE cairn_crash CLI11::CLI11)
add_test(NAME crash_failpoints COMMAND crash_failpoints --server $<TARGET_FILE:cairn-server-failpoints>)
add_test(NAME crash_canary_log_write
  COMMAND crash_failpoints --server $<TARGET_FILE:cairn-server-canary_log_write> --expect-loss)
set_tests_properties(crash_failpoints crash_canary_log_write PROPERTIES LABELS crash TIMEOUT 600)

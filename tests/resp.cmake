foreach(test allocation errors reply_parser reply_writer request_parser request_split
        stream_commands)
  cairn_test(resp_${test}_test SOURCES resp_${test}_test.cc DEPS cairn_resp)
endforeach()

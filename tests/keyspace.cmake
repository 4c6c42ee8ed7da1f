foreach(test expiry key_codec random_key range record scan_cursors state txn)
  cairn_test(keyspace_${test}_test SOURCES keyspace_${test}_test.cc DEPS cairn_keyspace)
endforeach()

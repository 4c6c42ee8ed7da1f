cairn_test(types_lcs_test SOURCES types_lcs_test.cc DEPS cairn_types)
cairn_test(types_string_value_test SOURCES types_string_value_test.cc DEPS cairn_types)
